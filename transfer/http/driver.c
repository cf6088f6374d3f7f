/* HTTP(S) by libcurl: stat (HEAD), get with ranges, and post.
 *
 * Token or password are asked of the lane only when the server has been verified: in libcurl's callback between the
 * handshake and the first byte of the first request. The same callback tells what can have been taken: before it
 * nothing of a request has gone out (AGAIN), after it a post may have been taken (UNCERTAIN), and libcurl's own second
 * try of a post on a new connection is stopped there: to repeat is the caller's to decide. */
#include "transfer/http/http_private.h"
#include "gateway/base/secret.h"
#include <string.h>

#define HEAD_LIMIT (256u << 10) /* bytes of all headers of a request's answers */
#define DROPPED_MOST (1u << 20) /* of the body of an answer that is not wanted */

/* --- Credentials. */

static char *authorization_of(const CurlLink *link, const WireMessage *credentials) {
  char *token = wire_string(credentials->token), *password = wire_string(credentials->password), *line = NULL;
  if (*token) {
    line = g_strdup_printf("Authorization: Bearer %s", token);
  } else if (link->user && *password) {
    char *both = g_strdup_printf("%s:%s", link->user, password), *coded = g_base64_encode((guint8 *)both, strlen(both));
    line = g_strdup_printf("Authorization: Basic %s", coded);
    secret_clear(&both);
    secret_clear(&coded);
  }
  secret_clear(&token);
  secret_clear(&password);
  return line;
}

static gboolean ask_credentials(Http *http) {
  CurlLink *link = &http->link;
  WireMessage credentials;
  int lane = link->host->lane;
  const WireMessage question = {.type = WIRE_VERIFIED, .fd = -1, .text = wire_text(link->name)};
  if (!wire_send_waiting(lane, &question, NULL) ||
      wire_receive(lane, -1, link->secrets, &credentials) != WIRE_GOT_MESSAGE || credentials.type != WIRE_CREDENTIALS)
    return sallyport_error_set(&link->failure, SALLYPORT_ERROR_AGAIN, "the lane is gone");
  http->authorization = authorization_of(link, &credentials);
  explicit_bzero(link->secrets, sizeof *link->secrets);
  http->has_asked = TRUE;
  return TRUE;
}

/* The connection stands, and its other end is verified where it is TLS. */
static int before_request(void *user, char *to, char *from, int to_port, int from_port) {
  Http *http = user;
  (void)to;
  (void)from;
  (void)to_port;
  (void)from_port;
  curl_link_connected(&http->link);
  /* of a get too, while nothing has come: later, libcurl would not begin where it broke off */
  gboolean may_repeat = http->may_repeat || (http->is_get && http->head_bytes == 0);
  if (http->is_sent && !may_repeat) {
    sallyport_error_set(&http->link.failure, SALLYPORT_ERROR_UNCERTAIN,
                        "the connection ended before there was an answer");
    return CURL_PREREQFUNC_ABORT;
  }
  gboolean is_second = http->is_sent;
  if (!http->has_asked && !ask_credentials(http))
    return CURL_PREREQFUNC_ABORT;
  /* the list is set already, and grows */
  if (http->authorization && !is_second && !curl_slist_append(http->headers, http->authorization))
    return CURL_PREREQFUNC_ABORT;
  http->is_sent = TRUE;
  return CURL_PREREQFUNC_OK;
}

/* --- Bodies. */

static size_t take_header(char *bytes, size_t one, size_t length, void *user) {
  Http *http = user;
  (void)bytes;
  (void)one;
  http->head_bytes += length;
  if (http->head_bytes <= HEAD_LIMIT)
    return length;
  sallyport_error_set(&http->link.failure, SALLYPORT_ERROR_PARTNER, "more headers than anybody needs");
  return 0;
}

const char *http_header(const Http *http, const char *name) {
  struct curl_header *header;
  return curl_easy_header(http->link.easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

guint http_status(const Http *http) {
  long status = 0;
  curl_easy_getinfo(http->link.easy, CURLINFO_RESPONSE_CODE, &status);
  return (guint)CLAMP(status, 0, 999);
}

static HttpRange range_of(const Http *http) {
  return http_range(http_header(http, "Content-Range"));
}

static int go_back(void *user, curl_off_t offset, int origin) {
  CurlUpload *upload = user;
  if (origin != SEEK_SET || offset < 0 || (guint64)offset > upload->end)
    return CURL_SEEKFUNC_FAIL;
  upload->at = (guint64)offset;
  return CURL_SEEKFUNC_OK;
}

static gboolean write_body(Http *http, const char *bytes, gsize length) {
  if (length > http->limit - http->written)
    return sallyport_error_set(&http->link.failure, SALLYPORT_ERROR_PARTNER, "more than %" G_GUINT64_FORMAT " bytes",
                               http->limit);
  if (http->to >= 0)
    return driver_write(http->to, bytes, length, &http->written, http->path, &http->link.failure);
  http->written += length;
  if (http->text)
    g_string_append_len(http->text, bytes, (gssize)length);
  return TRUE;
}

/* Of a get, only the file itself is written; a server that does not know ranges sends its beginning again, which is
 * skipped. */
static gboolean is_wanted(Http *http) {
  if (!http->is_get)
    return TRUE;
  if (http_status(http) == 206 && range_of(http).from == (gint64)http->offset) {
    http->skip = 0;
    return TRUE;
  }
  return http_status(http) == 200;
}

static size_t take_body(char *bytes, size_t one, size_t length, void *user) {
  Http *http = user;
  const size_t all = length;
  (void)one;
  if (!is_wanted(http)) {
    http->dropped += length;
    return http->dropped <= DROPPED_MOST ? all : 0;
  }
  gsize skipped = (gsize)MIN((guint64)length, http->skip);
  http->skip -= skipped;
  if (length > skipped && !write_body(http, bytes + skipped, length - skipped))
    return 0;
  return curl_link_moved(&http->link, all, http->written) ? all : 0;
}

/* --- One request. */

static gboolean is_url_path(const char *path) {
  for (const char *at = path; *at; at++)
    if (*at <= 0x20 || *at >= 0x7f || strchr("\"<>\\^`{|}#", *at))
      return FALSE;
  return TRUE;
}

gboolean http_begin(Http *http, const char *path, const char *headers, GError **error) {
  if (!is_url_path(path))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "not a path of a URL (percent-encode it): %s",
                               path);
  g_autofree char *url = g_strdup_printf("%s%s%s", http->root, *path == '/' ? "" : "/", path);
  CURL *easy = http->link.easy;
  curl_link_prepare(&http->link, url);
  http->path = path;
  curl_slist_free_all(http->headers);
  /* none: its answer costs a round trip, and many servers never give it */
  http->headers = curl_slist_append(NULL, "Expect:");
  g_auto(GStrv) lines = g_strsplit(headers ? headers : "", "\n", 0);
  for (char **each = lines; *each; each++)
    if (**each)
      http->headers = curl_slist_append(http->headers, *each);
  http->head_bytes = 0;
  http->is_sent = http->is_get = FALSE;
  http->may_repeat = TRUE;
  http->to = -1;
  http->text = NULL;
  http->written = http->skip = http->dropped = http->offset = 0;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "sallyport");
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, http);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
  return TRUE;
}

void http_add_header(Http *http, const char *line) {
  http->headers = curl_slist_append(http->headers, line);
}

void http_send(Http *http, CurlUpload *body, guint64 size) {
  curl_easy_setopt(http->link.easy, CURLOPT_POST, 1L);
  curl_easy_setopt(http->link.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  curl_easy_setopt(http->link.easy, CURLOPT_READFUNCTION, curl_link_give);
  curl_easy_setopt(http->link.easy, CURLOPT_READDATA, body);
  curl_easy_setopt(http->link.easy, CURLOPT_SEEKFUNCTION, go_back);
  curl_easy_setopt(http->link.easy, CURLOPT_SEEKDATA, body);
}

gboolean http_refused(const Http *http, const char *what, const char *path, GError **error) {
  guint status = http_status(http);
  gboolean later = status >= 500 || status == 408 || status == 425 || status == 429;
  SallyportErrorCode code = status == 401 || status == 407 ? SALLYPORT_ERROR_LOGIN
                            : later                        ? SALLYPORT_ERROR_AGAIN
                                                           : SALLYPORT_ERROR_PARTNER;
  return sallyport_error_set(error, code, "%s %s: the server answers with status %u%s", what, path, status,
                             status / 100 == 3 ? " (redirects are not followed)" : "");
}

gboolean http_failed(Http *http, CURLcode code, const char *what, const char *path, GError **error) {
  g_autofree char *doing = g_strdup_printf("%s %s", what, path);
  return curl_link_failed(&http->link, code, 0, doing, error);
}

static gboolean http_stat(Driver *driver, const char *path, CourierStat *stat, GError **error) {
  Http *http = (Http *)driver;
  if (!http_begin(http, path, NULL, error))
    return FALSE;
  curl_easy_setopt(http->link.easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(http->link.easy, CURLOPT_FILETIME, 1L);
  CURLcode code = curl_link_run(&http->link, 0);
  if (code != CURLE_OK)
    return http_failed(http, code, "stat", path, error);
  *stat = (CourierStat){0};
  guint status = http_status(http);
  if (status == 404 || status == 410)
    return TRUE;
  if (status != 200)
    return http_refused(http, "stat", path, error);
  curl_off_t size = 0, modified = 0;
  curl_easy_getinfo(http->link.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
  curl_easy_getinfo(http->link.easy, CURLINFO_FILETIME_T, &modified);
  *stat = (CourierStat){.exists = TRUE, .is_file = TRUE, .size = (guint64)MAX(size, 0), .modified = MAX(modified, 0)};
  return TRUE;
}

/* The answer is one version of the file: its length is the size at the beginning and at the end. */
static gboolean judge_get(Http *http, const DriverTransfer *get, guint64 *end, GError **error) {
  const guint status = http_status(http);
  const HttpRange range = range_of(http);
  *end = http->written;
  if (status == 416 && range.total == (gint64)get->offset)
    return TRUE; /* there is nothing beyond what is here */
  if (status == 416)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "get %s: it is another file than before, of %" G_GINT64_FORMAT " bytes", get->path,
                               range.total);
  if (status == 200 && http->skip > 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "get %s: it has become shorter than what is here",
                               get->path);
  if (status == 206 && range.from != (gint64)get->offset)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "get %s: another range than was asked for", get->path);
  if (status == 206 && range.total >= 0 && range.total != (gint64)http->written)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "get %s: %" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " bytes", get->path, http->written,
                               range.total);
  return status == 200 || status == 206 || http_refused(http, "get", get->path, error);
}

gboolean http_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error) {
  Http *http = (Http *)driver;
  if (!http_begin(http, get->path, NULL, error))
    return FALSE;
  http->is_get = TRUE;
  http->may_repeat = FALSE; /* but while nothing of the answer has come */
  http->to = get->fd;
  http->offset = http->skip = http->written = get->offset;
  http->limit = get->size;
  if (get->offset > 0) {
    g_autofree char *range = g_strdup_printf("Range: bytes=%" G_GUINT64_FORMAT "-", get->offset);
    http->headers = curl_slist_append(http->headers, range);
  }
  CURLcode code = curl_link_run(&http->link, 0);
  if (http->link.failure && http->link.failure->code == SALLYPORT_ERROR_UNCERTAIN)
    http->link.failure->code = SALLYPORT_ERROR_AGAIN; /* of a get nothing is left undecided */
  if (code == CURLE_WRITE_ERROR && !http->link.failure && !is_wanted(http))
    return judge_get(http, get, end, error); /* too long a text about why not */
  if (code != CURLE_OK)
    return http_failed(http, code, "get", get->path, error);
  return judge_get(http, get, end, error);
}

static gboolean http_post(Driver *driver, const DriverPost *post, CourierReply *reply, GError **error) {
  Http *http = (Http *)driver;
  if (!http_begin(http, post->path, post->headers, error))
    return FALSE;
  gboolean has_body = post->body >= 0;
  http->may_repeat = !has_body;
  CurlUpload body = {&http->link, post->body, 0, post->body_size, post->path, .tells_lane = FALSE};
  http->to = post->answer;
  http->limit = post->answer_limit;
  if (has_body)
    http_send(http, &body, post->body_size);
  gint64 limit = post->timeout > 0 ? (gint64)post->timeout * G_USEC_PER_SEC : http->link.host->io_timeout;
  CURLcode code = curl_link_run(&http->link, limit);
  if (code == CURLE_OK) {
    *reply = (CourierReply){
        .status = http_status(http),
        .retry_after = http_retry_after(http_header(http, "Retry-After"), http_header(http, "Date")),
        .size = http->written};
    return TRUE;
  }
  http_failed(http, code, "post", post->path, error);
  SallyportErrorCode kind = sallyport_error_code(error ? *error : NULL);
  if (http->is_sent && has_body && error && *error && kind != SALLYPORT_ERROR_PARTNER && kind != SALLYPORT_ERROR_BUG)
    (*error)->code = SALLYPORT_ERROR_UNCERTAIN;
  return FALSE;
}

/* --- The connection. */

/* Kept-alive connections that the server closes are replaced with the next request: there is nothing to watch. */
gboolean http_idle(Driver *driver) {
  (void)driver;
  return TRUE;
}

void http_close(Driver *driver) {
  Http *http = (Http *)driver;
  curl_slist_free_all(http->headers);
  curl_link_close(&http->link, TRUE);
  secret_clear(&http->authorization);
  g_free(http->root);
  g_free(http->base.description);
  g_free(http);
}

/* What the first answer has shown of the server. */
gboolean http_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                           GError **error) {
  (void)error;
  *known = probe->kind == COURIER_PROBE_CONNECTION;
  if (*known)
    curl_link_facts(&((Http *)driver)->link, facts);
  return TRUE;
}

static const DriverOperations http_operations = {
    .stat = http_stat, .get = http_get, .post = http_post, .probe = http_probe, .idle = http_idle, .close = http_close};

static char *root_of(const CurlLink *link, const WireMessage *open) {
  g_autofree char *folder = wire_string(open->folder);
  gsize length = strlen(folder);
  while (length > 0 && folder[length - 1] == '/')
    folder[--length] = 0;
  gboolean is_ipv6 = strchr(link->name, ':') != NULL;
  return g_strdup_printf("%s://%s%s%s:%u%s%s", link->tls == COURIER_TLS_NONE ? "http" : "https", is_ipv6 ? "[" : "",
                         link->name, is_ipv6 ? "]" : "", link->port, length > 0 && *folder != '/' ? "/" : "", folder);
}

Driver *http_open(const DriverHost *host, const WireMessage *open, const DriverOperations *operations, GError **error) {
  g_autofree char *cage = NULL;
  Http *http = g_new0(Http, 1);
  http->base = (Driver){.operations = operations, .host = host, .descriptor = -1};
  gboolean ok = curl_link_open(&http->link, host, open, &cage, error);
  http->root = root_of(&http->link, open);
  if (ok && !is_url_path(http->root))
    ok = sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "not a URL (percent-encode it): %s", http->root);
  http->base.description = g_strdup_printf("HTTP/1.1%s by libcurl %s, at %s, %s",
                                           open->tls == COURIER_TLS_NONE ? " in the clear" : " over TLS",
                                           curl_version_info(CURLVERSION_NOW)->version, http->link.address, cage);
  if (ok)
    return &http->base;
  http_close(&http->base);
  return NULL;
}

Driver *driver_http_open(const DriverHost *host, const WireMessage *open, GError **error) {
  return http_open(host, open, &http_operations, error);
}
