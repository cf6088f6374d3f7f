#include "transfer/curl/curl_link.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRESS_BYTES 1024u
#define QUICK_LOOKS 200u
#define REPLY_LOOKS 1000u
#define AT_ONCE 3u /* of them without waiting at all */
#define HEARD_LOOKS 20u
#define LOOK_EVERY 250 /* milliseconds, at least */

/* --- Sockets. */

static int ask_for_socket(CurlLink *link, guint port) {
  g_autofree WireBuffer *buffer = g_new0(WireBuffer, 1);
  WireMessage answer;
  if (!wire_send_waiting(link->host->lane, &(WireMessage){.type = WIRE_DIAL, .fd = -1, .port = port}, NULL) ||
      wire_receive(link->host->lane, -1, buffer, &answer) != WIRE_GOT_MESSAGE) {
    sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "the lane is gone");
    return -1;
  }
  if (answer.type == WIRE_SOCKET)
    return answer.fd;
  g_autofree char *text = answer.type == WIRE_NO_SOCKET ? wire_string(answer.text)
                                                        : g_strdup("the lane makes no connection");
  g_strlcpy(link->problem, text, sizeof link->problem);
  sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "%s", text);
  return -1;
}

/* Only the port is libcurl's to choose: the address is always that of the first connection. FTP has one control
 * connection and no second: with the first one gone there is nobody logged in any more, and the courier ends. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  CurlLink *link = user;
  (void)purpose;
  guint port = address->family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)(void *)&address->addr)->sin6_port)
                                           : ntohs(((struct sockaddr_in *)(void *)&address->addr)->sin_port);
  link->quick_looks = QUICK_LOOKS;
  if (link->first >= 0) {
    int first = link->first;
    link->first = -1;
    return first;
  }
  if (!link->is_http && port == link->port && link->may_redial) {
    link->may_redial = link->is_closed = FALSE;
    link->control = ask_for_socket(link, port);
    return link->control >= 0 ? link->control : CURL_SOCKET_BAD;
  }
  if (!link->is_http && port == link->port) {
    sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "the connection has ended");
    return CURL_SOCKET_BAD;
  }
  if (!link->is_http && port < 1024) {
    sallyport_error_set(&link->failure, SALLYPORT_ERROR_PARTNER, "the server names port %u for its data", port);
    return CURL_SOCKET_BAD;
  }
  g_clear_error(&link->failure); /* of an earlier way: PASV after EPSV */
  int made = ask_for_socket(link, port);
  curl_link_alive(link);
  return made >= 0 ? made : CURL_SOCKET_BAD;
}

/* A socket that is closed with something unread in it (TLS 1.3's session tickets) is reset, and what was sent last may
 * be lost with it. So our end is said first, and the server's end awaited, which comes when it has read all. Where it
 * does not come, the size that is read back will tell. */
static void await_end(const CurlLink *link, int socket) {
  gint64 until = g_get_monotonic_time() + link->host->io_timeout;
  guint8 ignored[4096];
  shutdown(socket, SHUT_WR);
  for (;;) {
    struct pollfd wanted[2] = {{.fd = socket, .events = POLLIN}, {.fd = link->host->lane, .events = POLLIN}};
    gint64 left = (until - g_get_monotonic_time()) / 1000;
    if (left <= 0 || poll(wanted, 2, (int)left) <= 0 || wanted[1].revents)
      return;
    ssize_t got = recv(socket, ignored, sizeof ignored, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
      return;
  }
}

static int close_socket(void *user, curl_socket_t socket) {
  CurlLink *link = user;
  link->is_closed = link->is_closed || socket == link->control;
  if (link->is_done && socket != link->control && !link->is_http)
    await_end(link, socket);
  return close(socket);
}

static int is_connected(void *user, curl_socket_t socket, curlsocktype purpose) {
  (void)user;
  (void)socket;
  (void)purpose;
  return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* --- The clock and the lane. */

/* 7.88 waits for nothing at all on a connection that it is handed connected: it has to be called again soon. */
void curl_link_connected(CurlLink *link) {
  link->quick_looks = 0;
}

void curl_link_awaits_reply(CurlLink *link) {
  link->replies_awaited = REPLY_LOOKS;
}

/* Between the reply to EPSV and the connection that it is for, 7.88 now and then waits for nothing, too. */
void curl_link_heard(CurlLink *link) {
  link->replies_awaited = 0;
  link->quick_looks = MAX(link->quick_looks, HEARD_LOOKS);
  curl_link_alive(link);
}

void curl_link_alive(CurlLink *link) {
  link->deadline = g_get_monotonic_time() + link->patience;
}

static gboolean end_run(CurlLink *link, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean end_run(CurlLink *link, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *why = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_clear_error(&link->failure);
  return sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "%s", why);
}

static gboolean is_in_time(CurlLink *link, gint64 now) {
  if (now < link->end && now < link->deadline)
    return TRUE;
  link->out_of_time = TRUE;
  return end_run(link, "%s for %" G_GINT64_FORMAT " s", link->deadline <= link->end ? "no progress" : "no answer",
                 link->patience / G_USEC_PER_SEC);
}

/* FALSE: the run is over, and why is told. The lane says nothing while it waits for an answer: its voice is its end. */
static gboolean wait_for_more(CurlLink *link) {
  struct curl_waitfd more[2] = {{.fd = link->host->lane, .events = CURL_WAIT_POLLIN},
                                {.fd = link->control, .events = CURL_WAIT_POLLIN}};
  gint64 now = g_get_monotonic_time();
  if (!is_in_time(link, now))
    return FALSE;
  /* 7.88 does not watch the control connection while it waits for a data connection's TLS, where the reply comes first.
   * Not for ever: what it does not read then would keep us busy. */
  guint watched = link->replies_awaited > 0 && link->control >= 0 ? 2 : 1;
  link->replies_awaited -= watched - 1;
  gint64 left = (MIN(link->end, link->deadline) - now + 999) / 1000;
  gint64 patience = link->quick_looks > QUICK_LOOKS - AT_ONCE ? 0 : link->quick_looks > 0 ? 1 : LOOK_EVERY;
  curl_multi_poll(link->multi, more, watched, (int)MIN(left, patience), NULL);
  link->quick_looks -= link->quick_looks > 0;
  return more[0].revents == 0 || end_run(link, "the lane is gone");
}

/* Some replies libcurl awaits inside itself (QUOTE's, and the one after a transfer), and comes by here once a second.
 */
static int look_around(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  CurlLink *link = user;
  struct pollfd lane = {.fd = link->host->lane, .events = POLLIN};
  gint64 now = g_get_monotonic_time();
  (void)a;
  (void)b;
  (void)c;
  (void)d;
  if (now - link->looked_at < LOOK_EVERY * 1000)
    return 0;
  link->looked_at = now;
  return !is_in_time(link, now) || (poll(&lane, 1, 0) != 0 && !end_run(link, "the lane is gone"));
}

/* --- What the server has shown of itself. */

void curl_link_hear(CurlLink *link, const char *words, gsize length) {
  static const char begins[] = "SSL connection using ";
  if (link->protocol || length <= strlen(begins) || memcmp(words, begins, strlen(begins)) != 0)
    return;
  link->protocol = files_show_bytes(words + strlen(begins), length - strlen(begins), 100);
  g_strchomp(link->protocol);
  if (g_str_has_suffix(link->protocol, "\\x0a"))
    link->protocol[strlen(link->protocol) - 4] = 0;
}

static int hear_text(CURL *easy, curl_infotype type, char *bytes, size_t length, void *user) {
  (void)easy;
  if (type == CURLINFO_TEXT)
    curl_link_hear(user, bytes, length);
  return 0;
}

static const char *value_of(const struct curl_slist *items, const char *name) {
  for (; items; items = items->next)
    if (g_str_has_prefix(items->data, name))
      return items->data + strlen(name);
  return "?";
}

static void keep_chain(CurlLink *link) {
  struct curl_certinfo *shown = NULL;
  if (link->chain || curl_easy_getinfo(link->easy, CURLINFO_CERTINFO, &shown) != CURLE_OK || !shown ||
      shown->num_of_certs < 1)
    return;
  link->chain = g_ptr_array_new_with_free_func(g_free);
  for (int i = 0; i < shown->num_of_certs && i < 8; i++) {
    const char *ends = value_of(shown->certinfo[i], "Expire date:");
    g_ptr_array_add(link->chain,
                    g_strdup_printf("%.300s, issued by %.300s, ends %.40s", value_of(shown->certinfo[i], "Subject:"),
                                    value_of(shown->certinfo[i], "Issuer:"), ends));
    if (i == 0)
      link->chain_ends = MAX((gint64)curl_getdate(ends, NULL), 0);
  }
}

void curl_link_facts(const CurlLink *link, const DriverFacts *facts) {
  if (link->protocol)
    driver_fact(facts, "tls", "%s", link->protocol);
  for (guint i = 0; link->chain && i < link->chain->len; i++)
    driver_fact(facts, "certificate", "%s", (const char *)link->chain->pdata[i]);
  if (link->chain_ends > 0)
    driver_fact(facts, "certificate-ends", "%" G_GINT64_FORMAT, link->chain_ends);
}

/* --- One request. */

static void set_blob(CURL *easy, CURLoption option, const char *bytes, gsize length) {
  struct curl_blob blob = {.data = (void *)bytes, .len = length, .flags = CURL_BLOB_NOCOPY};
  if (bytes)
    curl_easy_setopt(easy, option, &blob);
}

/* Neither the system's folder nor its file: what the lane has given is all that is believed. */
static void prepare_tls(CurlLink *link) {
  curl_easy_setopt(link->easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(link->easy, CURLOPT_SSL_VERIFYHOST, 2L);
  /* FTP's servers want the control connection's TLS session on data connections. In TLS 1.3 a session is good for one
   * connection, and the next one comes in a ticket that an upload never reads: its second file would be refused (seen
   * with vsftpd, ProFTPD). So 1.2 is asked for first, and 1.3 only of a server that has nothing else. */
  long newest = link->is_http || link->with_tls13 ? CURL_SSLVERSION_MAX_DEFAULT : CURL_SSLVERSION_MAX_TLSv1_2;
  curl_easy_setopt(link->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | newest);
  curl_easy_setopt(link->easy, CURLOPT_CAINFO, NULL);
  curl_easy_setopt(link->easy, CURLOPT_CAPATH, NULL);
  set_blob(link->easy, CURLOPT_CAINFO_BLOB, link->trust, link->trust_length);
  if (link->pins)
    curl_easy_setopt(link->easy, CURLOPT_PINNEDPUBLICKEY, link->pins);
  if (link->certificate && link->key) {
    set_blob(link->easy, CURLOPT_SSLCERT_BLOB, link->certificate, strlen(link->certificate));
    set_blob(link->easy, CURLOPT_SSLKEY_BLOB, link->key, strlen(link->key));
    if (link->passphrase)
      curl_easy_setopt(link->easy, CURLOPT_KEYPASSWD, link->passphrase);
  }
}

void curl_link_prepare(CurlLink *link, const char *url) {
  CURL *easy = link->easy;
  const char *protocol = link->is_http                       ? (link->tls == COURIER_TLS_NONE ? "http" : "https")
                         : link->tls == COURIER_TLS_IMPLICIT ? "ftps"
                                                             : "ftp";
  curl_easy_reset(easy);
  link->problem[0] = 0;
  g_clear_error(&link->failure);
  link->out_of_time = link->is_done = FALSE;
  link->moved = link->renewed_at = 0;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocol);
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocol);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_RESOLVE, link->resolved);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_around);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, link);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, link->problem);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(link->host->connect_timeout / 1000));
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(link->host->io_timeout / G_USEC_PER_SEC));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
  curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 2L);
  /* 7.88 waits for it, although the socket is connected: 200 ms each */
  curl_easy_setopt(easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, link);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, is_connected);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, link);
  prepare_tls(link);
  if (link->tls != COURIER_TLS_NONE && !link->chain) { /* what is told of the handshake; nothing is printed */
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, hear_text);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, link);
  }
}

gboolean curl_link_moved(CurlLink *link, gsize bytes, guint64 position) {
  link->moved += bytes;
  if (link->moved - link->renewed_at >= PROGRESS_BYTES) {
    link->renewed_at = link->moved;
    curl_link_alive(link);
  }
  if (link->host->progress(link->host->user, position))
    return TRUE;
  g_clear_error(&link->failure);
  return sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "the lane is gone");
}

size_t curl_link_give(char *bytes, size_t one, size_t most, void *user) {
  CurlUpload *upload = user;
  CurlLink *link = upload->link;
  gsize wanted = (gsize)MIN((guint64)(one * most), upload->end - upload->at);
  if (wanted == 0)
    return 0;
  gssize done = driver_read(upload->fd, bytes, wanted, &upload->at, upload->path, &link->failure);
  link->is_done = upload->at == upload->end;
  guint64 position = upload->tells_lane ? upload->at : 0;
  return done > 0 && curl_link_moved(link, (gsize)done, position) ? (size_t)done : CURL_READFUNC_ABORT;
}

CURLcode curl_link_run(CurlLink *link, gint64 limit) {
  int running = 1, queued;
  CURLcode result = CURLE_RECV_ERROR;
  const CURLMsg *message;
  link->patience = limit > 0 ? limit : link->host->io_timeout;
  curl_link_alive(link);
  link->end = limit > 0 ? g_get_monotonic_time() + limit : G_MAXINT64;
  if (curl_multi_add_handle(link->multi, link->easy) != CURLM_OK)
    return CURLE_FAILED_INIT;
  while (curl_multi_perform(link->multi, &running) == CURLM_OK && running > 0)
    if (!wait_for_more(link)) {
      result = CURLE_OPERATION_TIMEDOUT;
      break;
    }
  while ((message = curl_multi_info_read(link->multi, &queued)))
    if (message->msg == CURLMSG_DONE)
      result = message->data.result;
  keep_chain(link);
  curl_multi_remove_handle(link->multi, link->easy);
  return link->result = result;
}
