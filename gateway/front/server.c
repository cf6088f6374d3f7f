/* The server: libmicrohttpd with its limits set, and each request's way: who asks, which route, which answer, one line
 * in the log.
 *
 * Bounds: connections in all and per address; a request head within `timeout` however slowly it drips (front_end_slow),
 * and within HEAD_BYTES; a body within BODY_BYTES, for POST only, or, where a route takes bodies itself, as long as it
 * comes with KIB_A_SECOND at least; a connection that does nothing for `timeout` is ended by the library. */
#include "gateway/base/files.h"
#include "gateway/base/secret.h"
#include "gateway/front/routes.h"
#include "gateway/common/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_BYTES = 64 * 1024, BODY_BYTES = 64 * 1024, KIB_A_SECOND = 1, THREADS = 4 };
enum { BACKLOG = 128, PEM_LIMIT = 1 << 20 };

typedef struct {
  int socket;
  gint64 waiting_since; /* monotonic; 0: a request is being answered */
} Connection;

/* --- Connections, watched */

static void watch_connection(void *user, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode code) {
  Front *front = user;
  pthread_mutex_lock(&front->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    Connection *watched = g_new(Connection, 1);
    *watched = (Connection){info ? info->connect_fd : -1, g_get_monotonic_time()};
    g_hash_table_add(front->connections, watched);
    *context = watched;
  } else if (*context) {
    g_hash_table_remove(front->connections, *context);
    *context = NULL;
  }
  pthread_mutex_unlock(&front->lock);
}

static void note_waiting(Front *front, struct MHD_Connection *connection, gint64 since) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  Connection *watched = info ? info->socket_context : NULL;
  pthread_mutex_lock(&front->lock);
  if (watched && g_hash_table_contains(front->connections, watched))
    watched->waiting_since = since;
  pthread_mutex_unlock(&front->lock);
}

void front_end_slow(Front *front, gint64 now) {
  GHashTableIter all;
  gpointer key;
  pthread_mutex_lock(&front->lock);
  g_hash_table_iter_init(&all, front->connections);
  while (g_hash_table_iter_next(&all, &key, NULL)) {
    Connection *watched = key;
    if (watched->waiting_since == 0 || watched->socket < 0 ||
        now - watched->waiting_since < (gint64)front->conf->front.timeout * G_USEC_PER_SEC)
      continue;
    shutdown(watched->socket, SHUT_RDWR); /* the library then finds its end, and closes it */
    watched->socket = -1;
  }
  pthread_mutex_unlock(&front->lock);
}

guint front_connections(Front *front) {
  pthread_mutex_lock(&front->lock);
  guint connections = g_hash_table_size(front->connections);
  pthread_mutex_unlock(&front->lock);
  return connections;
}

/* --- What capabilities keep */

gpointer front_own(Front *front, const char *name, gpointer (*make)(Front *front, GError **error),
                   GDestroyNotify free, GError **error) {
  pthread_mutex_lock(&front->lock);
  gpointer kept = g_datalist_get_data(&front->own, name);
  if (!kept && (kept = make(front, error)))
    g_datalist_set_data_full(&front->own, name, kept, free);
  pthread_mutex_unlock(&front->lock);
  return kept;
}

/* --- A request's way through the library's calls: head, pieces of the body, its end, completion */

static enum MHD_Result refuse_stranger(FrontRequest *request) {
  return front_refuse(request, MHD_HTTP_UNAUTHORIZED,
                      "who asks? A bearer token or a client certificate that is known here is needed");
}

/* An encoded body is as long as it comes to, whatever length is said beside it: none is known. */
static gboolean is_body_announced(FrontRequest *request) {
  struct MHD_Connection *connection = request->connection;
  const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  gboolean is_encoded = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                    MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
  request->has_length = text && !is_encoded;
  request->length = text ? g_ascii_strtoull(text, NULL, 10) : 0;
  return request->length > 0 || is_encoded;
}

/* With both, another server on the way may see another end of the body than this one does. */
static gboolean has_two_lengths(const FrontRequest *request) {
  struct MHD_Connection *connection = request->connection;
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH) &&
         MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* A body is taken as it comes: compressed, it would be kept so, or be read as what it is not. */
static gboolean is_body_compressed(const FrontRequest *request) {
  const char *coding = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_ENCODING);
  return coding && g_ascii_strcasecmp(coding, "identity") != 0;
}

static enum MHD_Result take_head(FrontRequest *request) {
  note_waiting(request->front, request->connection, request->began); /* from now on it is the body that is waited for */
  const FrontRoute *route = front_route_of(request->path);
  if (!(route ? route->access(request) : front_is_requester(request))) /* a stranger is not told what there is */
    return refuse_stranger(request); /* an answer from here, before the request has ended, also ends the connection */
  if (has_two_lengths(request))
    return front_refuse(request, MHD_HTTP_BAD_REQUEST, "Content-Length or Transfer-Encoding: not both");
  gboolean has_body = is_body_announced(request);
  if (has_body && is_body_compressed(request))
    return front_refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                        "a body with a Content-Encoding is not taken; send it as it is");
  enum MHD_Result result = front_route_begin(request);
  if (request->takes)
    return result;
  if (has_body && !route)
    return front_nothing(request);
  if (has_body && strcmp(request->method, "POST") != 0)
    return front_refuse(request, MHD_HTTP_BAD_REQUEST, "a request of this kind has no body");
  if (request->length > BODY_BYTES)
    return front_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
  return MHD_YES;
}

/* What comes too slowly to be anything but a connection that is held open is waited for no longer than a head is. */
static void note_progress(FrontRequest *request, gsize length) {
  request->received += length;
  if (request->received - request->noted < (guint64)request->front->conf->front.timeout * KIB_A_SECOND * 1024)
    return;
  request->noted = request->received;
  note_waiting(request->front, request->connection, g_get_monotonic_time());
}

static gboolean take_piece(FrontRequest *request, const char *bytes, gsize length) {
  if (request->takes && !request->is_answered) {
    note_progress(request, length);
    return request->takes->take(request, bytes, length);
  }
  if (request->body->len + length > BODY_BYTES)
    return FALSE; /* a chunked body without end: the connection is ended */
  if (!request->is_answered)
    g_string_append_len(request->body, bytes, (gssize)length);
  return TRUE;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **context) {
  (void)version;
  FrontRequest *request = *context;
  if (!request) {
    request = g_new0(FrontRequest, 1);
    *request = (FrontRequest){.front = user,
                              .connection = connection,
                              .method = method,
                              .path = url,
                              .body = g_string_new(NULL),
                              .began = g_get_monotonic_time()};
    *context = request;
    return take_head(request);
  }
  request->path = url;
  if (request->begins)
    return front_route_begin(request);
  if (*upload_size > 0) {
    gsize length = *upload_size;
    *upload_size = 0;
    return take_piece(request, upload, length) ? MHD_YES : MHD_NO;
  }
  if (request->is_answered)
    return MHD_YES;
  note_waiting(request->front, connection, 0);
  return front_route_answer(request);
}

static char *address_of(struct MHD_Connection *connection) {
  char host[NI_MAXHOST] = "?";
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info ? info->client_addr : NULL;
  socklen_t length = address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                               : sizeof(struct sockaddr_in);
  if (address)
    getnameinfo(address, length, host, sizeof host, NULL, 0, NI_NUMERICHOST);
  return g_strdup(host);
}

static void completed(void *user, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code) {
  FrontRequest *request = *context;
  if (!request)
    return;
  g_autofree char *address = address_of(connection);
  gboolean is_whole = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
  log_event(request->status >= 500 || request->status == MHD_HTTP_UNAUTHORIZED ? LOG_WARNING : LOG_INFO, "request",
            {"requester", request->requester ? request->requester->name : NULL}, {"from", address},
            {"method", request->method}, {"path", request->is_answered ? request->path : NULL},
            {"status", log_number(request->status)}, {"bytes", log_number((gint64)request->bytes)},
            {"ended", is_whole ? NULL : "early"}, {"ms", log_number((g_get_monotonic_time() - request->began) / 1000)});
  note_waiting(user, connection, g_get_monotonic_time());
  front_wait_forget(request);
  front_question_unref(request->question);
  if (request->own)
    request->own_free(request->own);
  g_string_free(request->body, TRUE);
  g_free(request);
  *context = NULL;
}

/* --- Opening */

static int bind_to(const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* a restart need not wait for old connections' ends */
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
    return fd;
  int number = errno;
  close(fd);
  errno = number;
  return -1;
}

static int listen_on(const char *where, GError **error) {
  const char *colon = strrchr(where, ':');
  g_autofree char *host = colon ? g_strndup(where, (gsize)(colon - where)) : NULL;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV},
                  *found = NULL;
  if (host && host[0] == '[' && g_str_has_suffix(host, "]")) {
    memmove(host, host + 1, strlen(host));
    host[strlen(host) - 1] = '\0';
  }
  int failed = colon ? getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) : EAI_NONAME;
  if (failed) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "front: listen = \"%s\" is no ADDRESS:PORT: %s", where,
                        gai_strerror(failed));
    return -1;
  }
  int fd = bind_to(found);
  if (fd < 0)
    sallyport_error_errno(error, errno, "front: listen on %s", where);
  freeaddrinfo(found);
  return fd;
}

static gboolean read_pem(const char *setting, char **text, GError **error) {
  if (!setting)
    return TRUE;
  const char *path = secret_path(setting);
  gsize length;
  if (!g_file_get_contents(path, text, &length, error)) {
    g_prefix_error(error, "front: ");
    if (error && *error && (*error)->domain != SALLYPORT_ERROR)
      (*error)->domain = SALLYPORT_ERROR, (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
    return FALSE;
  }
  return length <= PEM_LIMIT ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "front: %s is too large", path);
}

/* What is asked for would end at a NUL, and name another thing than was meant: it gets a byte that no name has. */
static size_t unescape(void *user, struct MHD_Connection *connection, char *text) {
  (void)user;
  (void)connection;
  size_t length = MHD_http_unescape(text);
  for (size_t i = 0; i < length; i++)
    if (text[i] == '\0')
      text[i] = '\x01';
  return length;
}

static void log_library(void *user, const char *format, va_list arguments) {
  (void)user;
  char line[300];
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  g_vsnprintf(line, sizeof line, format, arguments);
#pragma GCC diagnostic pop
  G_GNUC_END_IGNORE_DEPRECATIONS
  g_strchomp(line);
  log_event(LOG_DEBUG, "http", {"said", line});
}

static gboolean start_daemon(Front *front, GError **error) {
  const ConfFront *conf = &front->conf->front;
  struct MHD_OptionItem options[16];
  guint n = 0;
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, front->listening, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT, conf->connections, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT, conf->connections_per_address, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_TIMEOUT, conf->timeout, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, MIN(THREADS, conf->connections), NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape, NULL};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, front};
  options[n++] = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)watch_connection, front};
  guint flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  if (!conf->clear_text) {
    flags |= MHD_USE_TLS;
    options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, front->certificate};
    options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, front->private_key};
    options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                           (void *)(intptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    if (front->client_ca)
      options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, front->client_ca};
  }
  options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
  front->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, front, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
                                   MHD_OPTION_ARRAY, options, MHD_OPTION_END);
  return front->daemon || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                              "front: the server does not start: are %s and its private key a pair?",
                                              conf->certificate_file ? conf->certificate_file : "the certificate");
}

Front *front_open(const Conf *conf, GError **error) {
  Front *front = g_new0(Front, 1);
  front->conf = conf;
  front->listening = -1;
  front->waits = waits_new();
  front->shelves = g_ptr_array_new_with_free_func((GDestroyNotify)shelf_free);
  front->connections = g_hash_table_new_full(g_direct_hash, g_direct_equal, g_free, NULL);
  pthread_mutex_init(&front->lock, NULL);
  for (guint i = 0; i < conf->lanes->len; i++)
    g_ptr_array_add(front->shelves, shelf_new(conf, conf->lanes->pdata[i], front->waits));
  gboolean ok = read_pem(conf->front.certificate_file, &front->certificate, error) &&
                read_pem(conf->front.private_key_file, &front->private_key, error) &&
                read_pem(conf->front.client_ca_file, &front->client_ca, error) &&
                (front->listening = listen_on(conf->front.listen, error)) >= 0 && start_daemon(front, error);
  if (ok)
    return front;
  if (front->listening >= 0)
    close(front->listening);
  front_close(front);
  return NULL;
}

void front_close(Front *front) {
  waits_end(front->waits);
  if (front->daemon)
    MHD_stop_daemon(front->daemon); /* closes the listening socket, ends the threads */
  g_datalist_clear(&front->own);
  g_ptr_array_unref(front->shelves); /* with their askers, which wake who waits */
  waits_free(front->waits);
  g_hash_table_unref(front->connections);
  pthread_mutex_destroy(&front->lock);
  g_free(front->certificate);
  g_free(front->client_ca);
  secret_free(front->private_key);
  g_free(front);
}
