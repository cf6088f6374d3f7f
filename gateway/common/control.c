#include "gateway/common/control.h"
#include "gateway/common/local_socket.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_LIMIT = 64 * 1024, ANSWER_LIMIT = 64 * 1024 * 1024, CLIENTS = 16 };
#define CLIENT_TIME (5 * G_USEC_PER_SEC)  /* to send a request, or to take its answer */
#define ANSWER_TIME (60 * G_USEC_PER_SEC) /* what control_ask waits: an answer may stand behind a large commit */

typedef struct {
  int fd;
  char *who;
  GString *in, *out;
  gsize written; /* of out */
  gint64 deadline;
  gboolean closing; /* when out is written */
} Client;

struct ControlServer {
  LocalSocket *listening;
  int stop;
  pthread_t thread;
  ControlAnswer answer;
  gpointer user;
  GPtrArray *clients;
};

json_t *control_failure(const GError *error) {
  g_autofree char *message = g_utf8_make_valid(error ? error->message : "unknown", -1);
  return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", sallyport_error_word((int)sallyport_error_code(error)), "error",
                   message);
}

json_t *control_refusal(SallyportErrorCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autoptr(GError) error = NULL;
  sallyport_error_set(&error, code, "%s", text);
  return control_failure(error);
}

static void client_free(gpointer data) {
  Client *client = data;
  close(client->fd);
  g_free(client->who);
  g_string_free(client->in, TRUE);
  g_string_free(client->out, TRUE);
  g_free(client);
}

static char *user_name(uid_t uid) {
  struct passwd entry, *found = NULL;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found)
    return g_strdup(found->pw_name);
  return g_strdup_printf("uid-%u", (guint)uid);
}

static void accept_client(ControlServer *server) {
  uid_t uid;
  int fd = local_socket_accept(server->listening, &uid);
  if (fd < 0)
    return;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  Client *client = g_new0(Client, 1);
  client->fd = fd;
  client->who = user_name(uid);
  client->in = g_string_new(NULL);
  client->out = g_string_new(NULL);
  client->deadline = g_get_monotonic_time() + CLIENT_TIME;
  g_ptr_array_add(server->clients, client);
}

static void put_answer(Client *client, json_t *answer) {
  char *text = json_dumps(answer, JSON_COMPACT);
  g_string_append(client->out, text ? text : "{\"ok\":false,\"code\":\"bug\",\"error\":\"no answer\"}");
  g_string_append_c(client->out, '\n');
  free(text);
  json_decref(answer);
}

static void refuse_request(Client *client, const char *why) {
  g_autoptr(GError) error = NULL;
  sallyport_error_set(&error, SALLYPORT_ERROR_CONFIGURATION, "%s", why);
  put_answer(client, control_failure(error));
  client->closing = TRUE;
}

static void answer_line(ControlServer *server, Client *client, const char *line, gsize length) {
  json_error_t parse;
  json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &parse);
  if (!json_is_object(request)) {
    refuse_request(client, "a request is one JSON object on one line");
  } else {
    json_t *answer = server->answer(server->user, client->who, request);
    put_answer(client, answer ? answer : json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "bug", "error", "no answer"));
  }
  json_decref(request);
}

/* One answer at a time: a client that does not read its answers is not asked for more. */
static void answer_next(ControlServer *server, Client *client) {
  const char *end;
  while (client->out->len == 0 && !client->closing && (end = memchr(client->in->str, '\n', client->in->len))) {
    gsize length = (gsize)(end - client->in->str);
    answer_line(server, client, client->in->str, length);
    g_string_erase(client->in, 0, (gssize)length + 1);
    client->deadline = g_get_monotonic_time() + CLIENT_TIME;
  }
  if (client->out->len == 0 && client->in->len >= REQUEST_LIMIT)
    refuse_request(client, "the request is longer than 64 KiB");
}

/* FALSE: the client is done with. */
static gboolean read_client(Client *client) {
  char buffer[8192];
  gsize room = REQUEST_LIMIT - MIN(client->in->len, (gsize)REQUEST_LIMIT);
  ssize_t got = room ? recv(client->fd, buffer, MIN(sizeof buffer, room), 0) : 0;
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0)
    return FALSE;
  g_string_append_len(client->in, buffer, got);
  return TRUE;
}

static gboolean write_client(Client *client) {
  while (client->written < client->out->len) {
    ssize_t put = send(client->fd, client->out->str + client->written, client->out->len - client->written,
                       MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return errno == EAGAIN;
    client->written += (gsize)put;
  }
  g_string_truncate(client->out, 0);
  client->written = 0;
  return !client->closing;
}

static gboolean serve_client(ControlServer *server, Client *client, short events) {
  if (g_get_monotonic_time() > client->deadline)
    return FALSE;
  if (client->out->len == 0 && (events & (POLLIN | POLLHUP | POLLERR)) && !read_client(client))
    return FALSE;
  do {
    answer_next(server, client);
    if (client->out->len > 0 && !write_client(client))
      return FALSE;
  } while (client->out->len == 0 && memchr(client->in->str, '\n', client->in->len));
  return TRUE;
}

static void *serve(void *data) {
  ControlServer *server = data;
  for (;;) {
    struct pollfd polled[2 + CLIENTS] = {{.fd = server->stop, .events = POLLIN}, {.fd = server->listening->fd}};
    guint n = server->clients->len;
    polled[1].events = n < CLIENTS ? POLLIN : 0;
    for (guint i = 0; i < n; i++) {
      Client *client = server->clients->pdata[i];
      polled[2 + i] = (struct pollfd){.fd = client->fd, .events = client->out->len ? POLLOUT : POLLIN};
    }
    if (poll(polled, 2 + n, n ? 500 : -1) < 0 && errno != EINTR)
      return NULL;
    if (polled[0].revents)
      return NULL;
    for (guint i = n; i-- > 0;) /* backwards: removing moves only what was served already */
      if (!serve_client(server, server->clients->pdata[i], polled[2 + i].revents))
        g_ptr_array_remove_index(server->clients, i);
    if (polled[1].revents & POLLIN)
      accept_client(server);
  }
}

static void server_free(ControlServer *server) {
  if (server->stop >= 0)
    close(server->stop);
  g_ptr_array_unref(server->clients);
  local_socket_end(server->listening);
  g_free(server);
}

ControlServer *control_server_start(const char *path, ControlAnswer answer, gpointer user, GError **error) {
  ControlServer *server = g_new0(ControlServer, 1);
  server->answer = answer;
  server->user = user;
  server->clients = g_ptr_array_new_with_free_func(client_free);
  server->stop = eventfd(0, EFD_CLOEXEC);
  server->listening = local_socket_listen(path, SOCK_STREAM, error);
  if (!server->listening) {
    server_free(server);
    return NULL;
  }
  int number = pthread_create(&server->thread, NULL, serve, server);
  if (number != 0) {
    sallyport_error_errno(error, number, "thread of the control socket %s", path);
    server_free(server);
    return NULL;
  }
  return server;
}

void control_server_stop(ControlServer *server) {
  if (!server)
    return;
  eventfd_write(server->stop, 1);
  pthread_join(server->thread, NULL);
  server_free(server);
}

static gboolean send_request(int fd, const json_t *request, GError **error) {
  char *text = json_dumps(request, JSON_COMPACT);
  g_autofree char *line = g_strconcat(text ? text : "null", "\n", NULL);
  gsize length = strlen(line), sent = 0;
  free(text);
  while (sent < length) {
    ssize_t put = send(fd, line + sent, length - sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane went away while it was asked: %s",
                                 g_strerror(errno));
    sent += (gsize)put;
  }
  return TRUE;
}

/* What the lane did is not known once the request is out and no answer came. */
static gboolean read_answer(int fd, GString *answer, GError **error) {
  gint64 deadline = g_get_monotonic_time() + ANSWER_TIME;
  char buffer[16384];
  for (;;) {
    gint64 left = (deadline - g_get_monotonic_time()) / 1000;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    if (left <= 0 || answer->len > ANSWER_LIMIT)
      return sallyport_error_set(error, SALLYPORT_ERROR_UNCERTAIN,
                                 "the lane gave no answer within %d s; look at the file's state before asking again",
                                 (int)(ANSWER_TIME / G_USEC_PER_SEC));
    if (poll(&polled, 1, (int)left) <= 0)
      continue;
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_UNCERTAIN,
                                 "the lane went away before it answered; look at the file's state before asking again");
    g_string_append_len(answer, buffer, got);
    if (memchr(buffer, '\n', (gsize)got))
      return TRUE;
  }
}

json_t *control_ask(const char *path, const json_t *request, GError **error) {
  int fd = local_socket_connect(path, SOCK_STREAM, error);
  if (fd < 0)
    return NULL;
  GString *text = g_string_new(NULL);
  json_t *answer = NULL;
  if (send_request(fd, request, error) && read_answer(fd, text, error)) {
    answer = json_loadb(text->str, text->len, 0, NULL);
    if (!json_is_object(answer)) {
      json_decref(answer);
      answer = NULL;
      sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the lane's answer on %s is not a JSON object", path);
    }
  }
  g_string_free(text, TRUE);
  close(fd);
  return answer;
}
