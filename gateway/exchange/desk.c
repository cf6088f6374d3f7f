/* The desk: the front's questions, in its connections' threads. What a question needs is checked here, once: the front
 * is ours, but it is the process that reads what strangers send. */
#include "gateway/exchange/exchange_private.h"
#include <string.h>
#include <unistd.h>

enum { ID_LIMIT = 64 };

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

static gboolean answer(gpointer user, int socket, const Packet *question) {
  Exchange *exchange = user;
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

gboolean exchange_desk_open(Exchange *exchange, GError **error) {
  g_autofree char *path = packet_desk_path(exchange->host->paths, PACKET_DESK_ITEMS);
  return (exchange->desk = packet_desk_open(path, answer, exchange, error)) != NULL;
}
