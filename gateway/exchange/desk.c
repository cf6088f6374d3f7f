/* The desk: the front's connections, a thread each, which waits for a question, answers it, and waits for the next. The
 * front keeps its connections, so that a question costs no thread. What a question needs is checked here, once: the
 * front is ours, but it is the process that reads what strangers send. */
#include "gateway/base/clock.h"
#include "gateway/exchange/exchange_private.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024, STACK_BYTES = 1 << 20, ID_LIMIT = 64 };

static const struct {
  const char *name;
  ExchangeHandler handler;
  gboolean needs_id;
} questions[] = {
    {"put", exchange_put, TRUE},       {"open", exchange_open, TRUE},
    {"resume", exchange_resume, TRUE}, {"finish", exchange_finish, TRUE},
    {"head", exchange_head, TRUE},     {"list", exchange_list, FALSE},
    {"get", exchange_get, TRUE},       {"acknowledge", exchange_acknowledge, TRUE},
    {"take", exchange_take, FALSE},    {"request", exchange_request, TRUE},
    {"lease", exchange_lease, TRUE},   {"request-state", exchange_request_state, TRUE},
    {"failure", exchange_failure, TRUE}, {"answer", exchange_answer_request, TRUE},
};

static ExchangeVerdict handle(ExchangeCall *call, GError **error) {
  const char *what = json_string_value(json_object_get(call->request, "do"));
  gboolean is_source = json_is_true(json_object_get(call->request, "source"));
  call->mailbox = exchange_mailbox(call->exchange, json_string_value(json_object_get(call->request, "mailbox")));
  call->id = json_string_value(json_object_get(call->request, "id"));
  call->puts = is_source ? EXCHANGE_FORWARD : EXCHANGE_REVERSE;
  call->gets = is_source ? EXCHANGE_REVERSE : EXCHANGE_FORWARD;
  if (!call->mailbox)
    return VERDICT_NOTHING;
  for (guint i = 0; what && i < G_N_ELEMENTS(questions); i++)
    if (strcmp(questions[i].name, what) == 0)
      return questions[i].needs_id && (!call->id || !*call->id || strlen(call->id) > ID_LIMIT)
                 ? VERDICT_INVALID
                 : questions[i].handler(call, error);
  return VERDICT_INVALID;
}

/* FALSE: the connection is of no more use. */
static gboolean answer(Exchange *exchange, int socket, const Packet *question) {
  g_autoptr(GError) error = NULL;
  ExchangeCall call = {.exchange = exchange,
                       .request = question->head,
                       .bytes = question->bytes,
                       .length = question->length,
                       .answer = json_object(),
                       .fd = -1};
  ExchangeVerdict verdict = handle(&call, &error);
  if (error)
    exchange_tell_trouble(exchange, call.mailbox, call.id, error);
  json_object_set_new(call.answer, "verdict", json_string(exchange_verdict(verdict)->word));
  gboolean sent = packet_send(socket, &(Packet){.head = call.answer,
                                                .bytes = call.page ? call.page->str : NULL,
                                                .length = call.page ? call.page->len : 0,
                                                .fd = call.fd});
  if (call.fd >= 0)
    close(call.fd);
  if (call.page)
    g_string_free(call.page, TRUE);
  json_decref(call.answer);
  return sent;
}

typedef struct {
  Exchange *exchange;
  int socket;
} Served;

static void *serve(void *user) {
  Served *served = user;
  Exchange *exchange = served->exchange;
  g_autofree guint8 *buffer = g_malloc(PACKET_LIMIT);
  Packet question;
  for (gboolean goes_on = TRUE; goes_on && packet_receive(served->socket, buffer, &question);) {
    goes_on = answer(exchange, served->socket, &question);
    json_decref(question.head);
    if (question.fd >= 0)
      close(question.fd);
  }
  pthread_mutex_lock(&exchange->lock);
  g_hash_table_remove(exchange->connections, GINT_TO_POINTER(served->socket));
  close(served->socket); /* under the lock: the end shuts no other one that got the number */
  pthread_cond_broadcast(&exchange->ended);
  pthread_mutex_unlock(&exchange->lock);
  g_free(served);
  return NULL;
}

static gboolean start_thread(Served *served) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int number = pthread_create(&thread, &attributes, serve, served);
  pthread_attr_destroy(&attributes);
  return number == 0;
}

static void take_connection(Exchange *exchange) {
  uid_t uid;
  int socket = local_socket_accept(exchange->listening, &uid);
  if (socket < 0)
    return;
  Served *served = g_new(Served, 1);
  *served = (Served){exchange, socket};
  pthread_mutex_lock(&exchange->lock);
  gboolean is_served = !exchange->is_ending && g_hash_table_size(exchange->connections) < CONNECTIONS_MOST &&
                       start_thread(served);
  if (is_served)
    g_hash_table_add(exchange->connections, GINT_TO_POINTER(socket));
  pthread_mutex_unlock(&exchange->lock);
  if (is_served)
    return;
  close(socket);
  g_free(served);
}

static void *accept_all(void *user) {
  Exchange *exchange = user;
  struct pollfd ends[] = {{exchange->ends, POLLIN, 0}, {exchange->listening->fd, POLLIN, 0}};
  while (!ends[0].revents) {
    if (poll(ends, G_N_ELEMENTS(ends), -1) < 0 && errno != EINTR)
      return NULL;
    if (ends[1].revents)
      take_connection(exchange);
  }
  return NULL;
}

gboolean exchange_desk_open(Exchange *exchange, GError **error) {
  g_autofree char *path = exchange_socket_path(exchange->host->paths);
  if (!(exchange->listening = local_socket_listen(path, SOCK_SEQPACKET, error)))
    return FALSE;
  int number = pthread_create(&exchange->acceptor, NULL, accept_all, exchange);
  exchange->has_acceptor = number == 0;
  return number == 0 || sallyport_error_errno(error, number, "start the thread of the exchange's socket");
}

gboolean exchange_desk_close(Exchange *exchange, guint grace_seconds) {
  GHashTableIter all;
  gpointer socket;
  gint64 until = g_get_monotonic_time() + (gint64)grace_seconds * G_USEC_PER_SEC;
  eventfd_write(exchange->ends, 1);
  if (exchange->has_acceptor)
    pthread_join(exchange->acceptor, NULL);
  pthread_mutex_lock(&exchange->lock);
  g_hash_table_iter_init(&all, exchange->connections);
  while (g_hash_table_iter_next(&all, &socket, NULL))
    shutdown(GPOINTER_TO_INT(socket), SHUT_RD); /* an answer that is ready still goes out */
  while (g_hash_table_size(exchange->connections) > 0 &&
         clock_condition_wait(&exchange->ended, &exchange->lock, until))
    ;
  gboolean all_ended = g_hash_table_size(exchange->connections) == 0;
  pthread_mutex_unlock(&exchange->lock);
  return all_ended;
}
