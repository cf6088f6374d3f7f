/* The beginning and the end of a connection by libcurl: what happens before the cage closes. */
#include "transfer/caged/sandbox.h"
#include "gateway/base/secret.h"
#include "transfer/curl/curl_link.h"
#include "transfer/wire/connect.h"
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRUST_LIMIT (4u << 20) /* the system's bundle is some 220 KB */

static gboolean read_trust(CurlLink *link, int fd, GError **error) {
  link->trust = g_malloc(TRUST_LIMIT);
  ssize_t done = 1;
  while (done > 0 && link->trust_length < TRUST_LIMIT) {
    done = read(fd, link->trust + link->trust_length, TRUST_LIMIT - link->trust_length);
    done = done < 0 && errno == EINTR ? 1 : done;
    link->trust_length += done > 0 ? (gsize)done : 0;
  }
  close(fd);
  if (done == 0 && link->trust_length > 0)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the file of trusted certificates: %s",
                             done < 0 ? g_strerror(errno) : "empty or too large");
}

static gboolean take_message(CurlLink *link, WireType type, WireMessage *message, GError **error) {
  if (wire_receive(link->host->lane, -1, link->secrets, message) == WIRE_GOT_MESSAGE && message->type == type)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
}

static gboolean take_secrets(CurlLink *link, GError **error) {
  WireMessage message;
  link->secrets = g_new0(WireBuffer, 1);
  if (link->tls != COURIER_TLS_NONE) {
    if (!take_message(link, WIRE_TRUST, &message, error))
      return FALSE;
    link->pins = wire_string_or_null(message.pins);
    link->certificate = wire_string_or_null(message.certificate);
    if (!read_trust(link, message.fd, error))
      return FALSE;
  }
  if (!take_message(link, WIRE_CREDENTIALS, &message, error))
    return FALSE;
  link->key = wire_string_or_null(message.identity);
  link->passphrase = wire_string_or_null(message.passphrase);
  link->password = wire_string_or_null(message.password);
  explicit_bzero(link->secrets, sizeof *link->secrets);
  return TRUE;
}

/* Nothing has been read from the connection yet: the lane may believe this address, and will dial no other. */
static gboolean tell_address(CurlLink *link, GError **error) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  char text[NI_MAXHOST];
  if (getpeername(link->first, (struct sockaddr *)&peer, &length) != 0 ||
      getnameinfo((struct sockaddr *)&peer, length, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s: the connection ended", link->name);
  link->address = g_strdup(text);
  gsize plain = strcspn(text, "%"); /* without a scope: the socket is made elsewhere anyway */
  g_autofree char *entry = g_strdup_printf("%s:%u:%.*s", link->name, link->port, (int)plain, text);
  if (!g_hostname_is_ip_address(link->name))
    link->resolved = curl_slist_append(NULL, entry);
  return wire_send_waiting(link->host->lane, &(WireMessage){.type = WIRE_CONNECTED, .fd = -1, .text = wire_text(text)},
                           error);
}

/* libcurl reads files (OpenSSL's settings) and makes a pair of sockets for itself here; afterwards it could not. */
static gboolean start_curl(CurlLink *link, GError **error) {
  tzset(); /* dates are read in the cage */
  if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (link->multi = curl_multi_init()) &&
      (link->easy = curl_easy_init()))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "libcurl does not start");
}

gboolean curl_link_open(CurlLink *link, const DriverHost *host, const WireMessage *open, char **cage, GError **error) {
  *link = (CurlLink){.host = host,
                     .name = wire_string(open->host),
                     .user = wire_string_or_null(open->user),
                     .port = (guint)open->port,
                     .tls = (CourierTls)open->tls,
                     .is_http = open->kind == COURIER_HTTP || open->kind == COURIER_MAILBOX,
                     .first = -1};
  if (!take_secrets(link, error) || !start_curl(link, error))
    return FALSE;
  link->first = connect_to(link->name, link->port, g_get_monotonic_time() + host->connect_timeout, error);
  link->control = link->first;
  return link->first >= 0 && tell_address(link, error) &&
         sandbox_enter(&(SandboxPlan){.folder = -1, .connect_is_pretended = TRUE}, cage, error);
}

void curl_link_close(CurlLink *link, gboolean politely) {
  if (link->easy)
    curl_easy_cleanup(link->easy);
  if (link->multi && politely)
    curl_multi_cleanup(
        link->multi); /* else the process ends, and with it all connections: nothing is said on a broken one */
  curl_slist_free_all(link->resolved);
  if (link->first >= 0)
    close(link->first);
  secret_clear(&link->key);
  secret_clear(&link->passphrase);
  secret_clear(&link->password);
  g_free(link->secrets);
  g_free(link->certificate);
  g_free(link->pins);
  g_free(link->user);
  g_free(link->trust);
  g_free(link->name);
  g_free(link->address);
  g_free(link->protocol);
  if (link->chain)
    g_ptr_array_unref(link->chain);
  g_clear_error(&link->failure);
}
