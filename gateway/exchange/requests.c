/* Requests and their answers, one to one. Who asks puts the item request-ID and then adds the request; who answers
 * takes it, puts the item answer-ID.TOKEN.BEGINNING-OF-ITS-SHA256, which waits, and makes it the answer. That is one
 * transaction: the request's state and token are compared, the item is stored and numbered, all other bytes that were
 * put for this request are given up, and the request's own item counts as acknowledged. So of many answers at once one
 * is kept, and a crash leaves either no answer or a whole one.
 *
 * A token is a number that no earlier take had, also where the book comes from a backup: it is the time, and larger
 * than the last. A lease that is over lets another take the request, and does nothing else. */
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/exchange/exchange_private.h"
#include "store/exchange_requests.h"
#include <string.h>
#include <unistd.h>

enum {
  ID_MOST = 23, /* an answer's item has it in its id, with token and digits */
  WAIT_MOST = 60,
  LOOK_SECONDS = 1, /* whether a lease has ended */
  DEFERRED_MOST = 366 * 86400
};

typedef struct {
  ExchangeCall *call;
  ExchangeVerdict verdict;
  ExchangeRequest *request; /* after the change */
  gint64 seq;               /* of the answer's item */
  GPtrArray *files;         /* names of files that are no item's any more */
} Asking;

static void asking_clear(Asking *asking) {
  exchange_request_free(asking->request);
  if (asking->files)
    g_ptr_array_unref(asking->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asking, asking_clear)

static gint64 number_of(const ExchangeCall *call, const char *name) {
  return json_integer_value(json_object_get(call->request, name));
}

static gboolean is_over(const ExchangeCall *call, const ExchangeRequest *request) {
  return (request->state == REQUEST_NEW || request->state == REQUEST_TAKEN) &&
         g_get_real_time() >= request->created_at + (gint64)call->mailbox->conf->request_expire * G_USEC_PER_SEC;
}

static void tell(ExchangeCall *call, const ExchangeRequest *request) {
  RequestState state = is_over(call, request) ? REQUEST_EXPIRED : request->state;
  g_autofree char *item = g_strconcat(EXCHANGE_REQUEST_PREFIX, request->id, NULL);
  json_t *told = json_pack("{s:s, s:s, s:s, s:I, s:s*, s:s*}", "id", request->id, "state", request_state_word(state),
                           "item", item, "attempts", (json_int_t)request->attempts, "answer", request->answer,
                           "reason", request->reason);
  if (request->deferred_since && state == REQUEST_TAKEN)
    json_object_set_new(told, "deferred_since", json_integer(request->deferred_since));
  json_object_update(call->answer, told);
  json_decref(told);
}

/* The change, its effects outside of the book, and what is told. */
static ExchangeVerdict change(Asking *asking, BookChange what, GError **error) {
  ExchangeCall *call = asking->call;
  asking->files = g_ptr_array_new_with_free_func(g_free);
  if (!book_write(call->exchange->host->book, what, asking, error))
    return VERDICT_TROUBLE;
  for (guint i = 0; i < asking->files->len; i++) {
    g_autofree char *path = exchange_path(call->exchange, asking->files->pdata[i]);
    unlink(path);
  }
  if (asking->request)
    tell(call, asking->request);
  return asking->verdict;
}

/* --- Asking */

static gboolean request_change(BookTransaction *tx, gpointer data, GError **error) {
  Asking *asking = data;
  const ExchangeCall *call = asking->call;
  const char *mailbox = call->mailbox->conf->name;
  g_autofree char *name = g_strconcat(EXCHANGE_REQUEST_PREFIX, call->id, NULL);
  g_autoptr(ExchangeItem) item = NULL;
  if (!exchange_request_now(tx, mailbox, call->puts, call->id, &asking->request, error) ||
      !exchange_item_now(tx, mailbox, call->puts, name, &item, error))
    return FALSE;
  asking->verdict = asking->request ? VERDICT_KNOWN : item && item->seq ? VERDICT_STORED : VERDICT_NOT_WHOLE;
  if (asking->verdict != VERDICT_STORED)
    return TRUE;
  asking->request = g_new0(ExchangeRequest, 1);
  asking->request->mailbox = g_strdup(mailbox);
  asking->request->direction = call->puts;
  asking->request->id = g_strdup(call->id);
  return exchange_add_request(tx, asking->request, error);
}

static gboolean may_ask(const ExchangeCall *call) {
  ConfAskers from = call->mailbox->conf->request_from;
  return from == CONF_ASKERS_BOTH || (from == CONF_ASKERS_SOURCE) == (call->puts == EXCHANGE_FORWARD);
}

ExchangeVerdict exchange_request(ExchangeCall *call, GError **error) {
  g_auto(Asking) asking = {.call = call};
  if (strlen(call->id) > ID_MOST)
    return VERDICT_INVALID;
  if (!may_ask(call))
    return VERDICT_NOT_ALLOWED;
  fault_point("exchange-request-before");
  ExchangeVerdict verdict = change(&asking, request_change, error);
  fault_point("exchange-request-after");
  if (verdict == VERDICT_STORED)
    exchange_tell_arrival(call, call->puts, 0);
  return verdict;
}

/* Either end; its own request before one that it was asked. */
ExchangeVerdict exchange_request_state(ExchangeCall *call, GError **error) {
  const char *mailbox = call->mailbox->conf->name;
  BookReader *reader = exchange_reader_take(call->exchange, error);
  g_autoptr(ExchangeRequest) request =
      reader ? exchange_find_request(reader, mailbox, call->puts, call->id, error) : NULL;
  if (reader && !request && !*error)
    request = exchange_find_request(reader, mailbox, call->gets, call->id, error);
  exchange_reader_return(call->exchange, reader);
  if (!request)
    return *error ? VERDICT_TROUBLE : VERDICT_NOTHING;
  tell(call, request);
  return VERDICT_REQUEST;
}

/* --- Taking */

/* Those that nobody can answer any more are ended on the way. */
static gboolean end_late(BookTransaction *tx, const ExchangeCall *call, ExchangeRequest *request, gboolean *ended,
                         GError **error) {
  gboolean is_used_up = request->state == REQUEST_TAKEN &&
                        request->attempts >= (gint64)call->mailbox->conf->request_attempts;
  *ended = TRUE;
  if (is_over(call, request))
    return exchange_set_request(tx, request, REQUEST_EXPIRED, request->token, error);
  *ended = is_used_up;
  if (!is_used_up)
    return TRUE;
  request->reason = g_strdup("it was taken as often as may be, and never answered");
  return exchange_set_request(tx, request, REQUEST_FAILED, request->token, error);
}

static gboolean take_change(BookTransaction *tx, gpointer data, GError **error) {
  Asking *asking = data;
  const ExchangeCall *call = asking->call;
  gint64 now = g_get_real_time();
  for (gboolean ended = TRUE; ended;) {
    g_clear_pointer(&asking->request, exchange_request_free);
    asking->verdict = VERDICT_EMPTY;
    if (!exchange_next_request(tx, call->mailbox->conf->name, call->gets, now, &asking->request, error))
      return FALSE;
    if (!asking->request)
      return TRUE;
    if (!end_late(tx, call, asking->request, &ended, error))
      return FALSE;
  }
  ExchangeRequest *request = asking->request;
  request->lease_until = now + (gint64)call->mailbox->conf->request_lease * G_USEC_PER_SEC;
  request->attempts++;
  request->deferred_since = 0;
  asking->verdict = VERDICT_REQUEST;
  return exchange_set_request(tx, request, REQUEST_TAKEN, MAX(request->token + 1, now), error);
}

/* FALSE: nothing may be taken until then. */
static gboolean wait_for_one(ExchangeCall *call, gint64 until, GError **error) {
  Exchange *exchange = call->exchange;
  for (gboolean has = FALSE;;) {
    BookReader *reader = exchange_reader_take(exchange, error);
    gboolean ok = reader && exchange_has_request(reader, call->mailbox->conf->name, call->gets, g_get_real_time(),
                                                 &has, error);
    exchange_reader_return(exchange, reader);
    gint64 now = g_get_monotonic_time();
    if (!ok || has || now >= until)
      return ok && has;
    pthread_mutex_lock(&exchange->lock);
    gboolean is_ending = exchange->is_ending;
    if (!is_ending)
      clock_condition_wait(&call->mailbox->arrived[call->gets], &exchange->lock,
                           MIN(until, now + LOOK_SECONDS * G_USEC_PER_SEC));
    pthread_mutex_unlock(&exchange->lock);
    if (is_ending)
      return FALSE;
  }
}

ExchangeVerdict exchange_take(ExchangeCall *call, GError **error) {
  gint64 until = g_get_monotonic_time() + CLAMP(number_of(call, "wait"), 0, WAIT_MOST) * G_USEC_PER_SEC;
  while (wait_for_one(call, until, error)) {
    g_auto(Asking) asking = {.call = call};
    fault_point("exchange-take-before");
    ExchangeVerdict verdict = change(&asking, take_change, error);
    fault_point("exchange-take-after");
    if (verdict == VERDICT_EMPTY) /* another was faster */
      continue;
    if (asking.request) {
      json_object_set_new(call->answer, "token", json_integer(asking.request->token));
      json_object_set_new(call->answer, "lease_until", json_integer(asking.request->lease_until));
    }
    return verdict;
  }
  return *error ? VERDICT_TROUBLE : VERDICT_EMPTY;
}

/* --- What who took it says. VERDICT_REQUEST: it is the one who may. */

static gboolean judge_taker(BookTransaction *tx, Asking *asking, GError **error) {
  const ExchangeCall *call = asking->call;
  if (!exchange_request_now(tx, call->mailbox->conf->name, call->gets, call->id, &asking->request, error))
    return FALSE;
  const ExchangeRequest *request = asking->request;
  if (!request)
    asking->verdict = VERDICT_NOTHING;
  else if (is_over(call, request) || request->state == REQUEST_EXPIRED || request->state == REQUEST_FAILED)
    asking->verdict = VERDICT_REQUEST_OVER;
  else if (request->state == REQUEST_ANSWERED || request->state == REQUEST_DELIVERED)
    asking->verdict = VERDICT_ALREADY_ANSWERED;
  else
    asking->verdict = request->state == REQUEST_TAKEN && request->token == number_of(call, "token")
                          ? VERDICT_REQUEST
                          : VERDICT_TAKEN_BY_ANOTHER;
  return TRUE;
}

static gboolean lease_change(BookTransaction *tx, gpointer data, GError **error) {
  Asking *asking = data;
  if (!judge_taker(tx, asking, error))
    return FALSE;
  if (asking->verdict != VERDICT_REQUEST)
    return TRUE;
  gint64 now = g_get_real_time(), deferred = number_of(asking->call, "deferred");
  asking->request->lease_until = now + (gint64)asking->call->mailbox->conf->request_lease * G_USEC_PER_SEC;
  asking->request->deferred_since = deferred > 0 ? now - MIN(deferred, DEFERRED_MOST) * G_USEC_PER_SEC : 0;
  return exchange_set_request(tx, asking->request, REQUEST_TAKEN, asking->request->token, error);
}

ExchangeVerdict exchange_lease(ExchangeCall *call, GError **error) {
  g_auto(Asking) asking = {.call = call};
  return change(&asking, lease_change, error);
}

static gboolean failure_change(BookTransaction *tx, gpointer data, GError **error) {
  Asking *asking = data;
  if (!judge_taker(tx, asking, error))
    return FALSE;
  if (asking->verdict != VERDICT_REQUEST)
    return TRUE;
  asking->request->reason = g_strdup(json_string_value(json_object_get(asking->call->request, "reason")));
  return exchange_set_request(tx, asking->request, REQUEST_FAILED, asking->request->token, error);
}

ExchangeVerdict exchange_failure(ExchangeCall *call, GError **error) {
  g_auto(Asking) asking = {.call = call};
  return change(&asking, failure_change, error);
}

/* --- Answering */

static gboolean give_up(BookTransaction *tx, Asking *asking, const char *prefix, GError **error) {
  g_autoptr(GPtrArray) items = NULL;
  if (!exchange_receiving(tx, asking->call->mailbox->conf->name, asking->call->puts, prefix, &items, error))
    return FALSE;
  for (guint i = 0; i < items->len; i++) {
    ExchangeItem *item = items->pdata[i];
    if (item->file)
      g_ptr_array_add(asking->files, g_strdup(item->file));
    if (!exchange_advance_item(tx, item, EXCHANGE_ABANDONED, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean acknowledge_request(BookTransaction *tx, const ExchangeCall *call, GError **error) {
  g_autofree char *name = g_strconcat(EXCHANGE_REQUEST_PREFIX, call->id, NULL);
  g_autoptr(ExchangeItem) item = NULL;
  if (!exchange_item_now(tx, call->mailbox->conf->name, call->gets, name, &item, error))
    return FALSE;
  return !item || (item->state != EXCHANGE_STORED && item->state != EXCHANGE_LISTED) ||
         exchange_advance_item(tx, item, EXCHANGE_ACKNOWLEDGED, error);
}

static gboolean make_answer(BookTransaction *tx, Asking *asking, ExchangeItem *item, const char *prefix,
                            GError **error) {
  ExchangeRequest *request = asking->request;
  request->answer = g_strdup(item->id);
  request->answer_sha256 = g_strdup(item->sha256);
  request->answer_token = request->token;
  asking->verdict = VERDICT_STORED;
  if (!exchange_advance_item(tx, item, EXCHANGE_STORED, error))
    return FALSE;
  asking->seq = item->seq;
  return exchange_set_request(tx, request, REQUEST_ANSWERED, request->token, error) &&
         give_up(tx, asking, prefix, error) && acknowledge_request(tx, asking->call, error);
}

/* Of a refused answer nothing is kept; the same one again is the old result. */
static gboolean answer_change(BookTransaction *tx, gpointer data, GError **error) {
  Asking *asking = data;
  const ExchangeCall *call = asking->call;
  const char *name = json_string_value(json_object_get(call->request, "item"));
  g_autofree char *prefix = g_strconcat(EXCHANGE_ANSWER_PREFIX, call->id, ".", NULL);
  g_autoptr(ExchangeItem) item = NULL;
  if (!judge_taker(tx, asking, error) ||
      !exchange_item_now(tx, call->mailbox->conf->name, call->puts, name, &item, error))
    return FALSE;
  gboolean is_whole = item && item->state == EXCHANGE_RECEIVING && item->put_at > 0;
  if (asking->verdict == VERDICT_ALREADY_ANSWERED && strcmp(asking->request->answer, name) == 0 &&
      asking->request->answer_token == number_of(call, "token"))
    asking->verdict = VERDICT_KNOWN;
  if (asking->verdict == VERDICT_REQUEST && (!is_whole || !g_str_has_prefix(name, prefix)))
    asking->verdict = VERDICT_NOT_WHOLE;
  if (asking->verdict == VERDICT_REQUEST)
    return make_answer(tx, asking, item, prefix, error);
  return asking->verdict == VERDICT_NOT_WHOLE || !is_whole || !g_str_has_prefix(name, prefix) ||
         give_up(tx, asking, name, error);
}

ExchangeVerdict exchange_answer_request(ExchangeCall *call, GError **error) {
  g_auto(Asking) asking = {.call = call};
  if (!json_is_string(json_object_get(call->request, "item")))
    return VERDICT_INVALID;
  fault_point("exchange-answer-before");
  ExchangeVerdict verdict = change(&asking, answer_change, error);
  fault_point("exchange-answer-after");
  if (verdict == VERDICT_STORED)
    exchange_tell_arrival(call, call->puts, asking.seq);
  return verdict;
}
