/* Requests: changes and questions. */
#include "store/exchange_requests.h"
#include "store/exchange/exchange_private.h"
#include "store/exchange/request_queries.sql.h"

#define WORD(constant, word) word,
static const char *const words[] = {EXCHANGE_REQUEST_STATES(WORD)};

#define TO(state) (1u << REQUEST_##state)
static const guint arrows[REQUEST_N_STATES] = {
    [REQUEST_NEW] = TO(TAKEN) | TO(EXPIRED),
    [REQUEST_TAKEN] = TO(TAKEN) | TO(ANSWERED) | TO(EXPIRED) | TO(FAILED),
    [REQUEST_ANSWERED] = TO(DELIVERED),
};

const char *request_state_word(RequestState state) {
  return words[state];
}

void exchange_request_free(ExchangeRequest *request) {
  if (!request)
    return;
  g_free(request->mailbox);
  g_free(request->id);
  g_free(request->answer);
  g_free(request->answer_sha256);
  g_free(request->reason);
  g_free(request);
}

static RequestState state_of(const char *word) {
  guint state = 0;
  while (state < REQUEST_N_STATES - 1 && g_strcmp0(word, words[state]) != 0)
    state++;
  return (RequestState)state;
}

static gpointer read_row(DbStatement *s, GError **error) {
  (void)error;
  ExchangeRequest *request = g_new0(ExchangeRequest, 1);
  request->mailbox = db_text_copy(s, 0);
  request->direction = exchange_direction_of(db_text(s, 1));
  request->id = db_text_copy(s, 2);
  request->state = state_of(db_text(s, 3));
  request->token = db_integer(s, 4);
  request->lease_until = db_integer(s, 5);
  request->attempts = db_integer(s, 6);
  request->answer = db_text_copy(s, 7);
  request->answer_sha256 = db_text_copy(s, 8);
  request->answer_token = db_integer(s, 9);
  request->reason = db_text_copy(s, 10);
  request->created_at = db_integer(s, 11);
  request->changed_at = db_integer(s, 12);
  request->deferred_since = db_integer(s, 13);
  return request;
}

static DbStatement *named(BookStatements *statements, const char *name, GError **error) {
  return book_statement_named(statements, exchange_request_queries_sql, name, error);
}

/* The one row of a bound statement, or NULL. */
static gboolean read_one(DbStatement *s, ExchangeRequest **request, GError **error) {
  gboolean row;
  *request = NULL;
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  *request = read_row(s, error);
  gboolean whole = db_row_whole(s, error);
  db_reset(s);
  if (!whole)
    g_clear_pointer(request, exchange_request_free);
  return whole;
}

static gboolean find(BookStatements *statements, const char *name, const char *mailbox, ExchangeDirection direction,
                     const char *what, ExchangeRequest **request, GError **error) {
  DbStatement *s = named(statements, name, error);
  if (!s)
    return FALSE;
  db_bind(s, "sss", mailbox, exchange_direction_word(direction), what);
  return read_one(s, request, error);
}

/* --- Changes */

gboolean exchange_request_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                              ExchangeRequest **request, GError **error) {
  return find(&tx->statements, "request", mailbox, direction, id, request, error);
}

gboolean exchange_request_of_answer(BookTransaction *tx, const char *mailbox, ExchangeDirection direction,
                                    const char *answer, ExchangeRequest **request, GError **error) {
  return find(&tx->statements, "request-of-answer", mailbox, direction, answer, request, error);
}

static gboolean audit(BookTransaction *tx, const ExchangeRequest *request, RequestState to, GError **error) {
  g_autofree char *event = g_strdup_printf("request-%s", words[to]),
                  *subject = g_strdup_printf("%s/%s", request->mailbox, request->id);
  return book_chain_add(tx, event, subject, to == REQUEST_ANSWERED ? request->answer : request->reason, error);
}

gboolean exchange_add_request(BookTransaction *tx, ExchangeRequest *request, GError **error) {
  DbStatement *s = named(&tx->statements, "request-add", error);
  if (!s)
    return FALSE;
  request->created_at = request->changed_at = g_get_real_time();
  db_bind(s, "sssi", request->mailbox, exchange_direction_word(request->direction), request->id, request->created_at);
  return db_done(s, error) && audit(tx, request, REQUEST_NEW, error);
}

gboolean exchange_next_request(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 now,
                               ExchangeRequest **request, GError **error) {
  DbStatement *s = named(&tx->statements, "request-next", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssi", mailbox, exchange_direction_word(direction), now);
  return read_one(s, request, error);
}

gboolean exchange_set_request(BookTransaction *tx, ExchangeRequest *request, RequestState to, gint64 token,
                              GError **error) {
  DbStatement *s = named(&tx->statements, "request-set", error);
  if (!s)
    return FALSE;
  if (!(arrows[request->state] & 1u << to))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "request %s of mailbox %s cannot become %s: it is %s",
                               request->id, request->mailbox, words[to], words[request->state]);
  request->changed_at = g_get_real_time();
  db_bind(s, "ssssiiissisisii", request->mailbox, exchange_direction_word(request->direction), request->id, words[to],
          token, request->lease_until, request->attempts, request->answer, request->answer_sha256,
          request->answer_token, request->reason, request->changed_at, words[request->state], request->token,
          request->deferred_since);
  if (!db_done(s, error))
    return FALSE;
  if (db_changed(tx->statements.db) != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "request %s of mailbox %s has moved on", request->id,
                               request->mailbox);
  gboolean is_told = to == request->state && token == request->token; /* a lease that is renewed leaves no trace */
  request->state = to;
  request->token = token;
  return is_told || audit(tx, request, to, error);
}

gboolean exchange_note_whole(BookTransaction *tx, const ExchangeItem *item, GError **error) {
  DbStatement *s = named(&tx->statements, "item-whole", error);
  if (!s)
    return FALSE;
  db_bind(s, "sssi", item->mailbox, exchange_direction_word(item->direction), item->id, g_get_real_time());
  return db_done(s, error);
}

gboolean exchange_receiving(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *prefix,
                            GPtrArray **items, GError **error) {
  gboolean row;
  DbStatement *s = named(&tx->statements, "items-receiving", error);
  g_autofree char *behind = g_strconcat(prefix, "\x7f", NULL);
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)exchange_item_free);
  if (s)
    db_bind(s, "ssss", mailbox, exchange_direction_word(direction), prefix, behind);
  while (s && db_step(s, &row, error)) {
    if (!row) {
      *items = g_steal_pointer(&found);
      return TRUE;
    }
    g_ptr_array_add(found, exchange_item_row(s, error));
  }
  return FALSE;
}

/* --- Questions */

ExchangeRequest *exchange_find_request(BookReader *reader, const char *mailbox, ExchangeDirection direction,
                                       const char *id, GError **error) {
  ExchangeRequest *request = NULL;
  return book_end(reader, error) && find(&reader->statements, "request", mailbox, direction, id, &request, error)
             ? request
             : NULL;
}

/* Does a bound question have a row? */
static gboolean has_row(DbStatement *s, gboolean *has, GError **error) {
  if (!db_step(s, has, error))
    return FALSE;
  db_reset(s);
  return TRUE;
}

static gboolean ask_since(BookReader *reader, const char *question, const char *mailbox, ExchangeDirection direction,
                          gint64 at, gboolean *has, GError **error) {
  DbStatement *s = book_end(reader, error) ? named(&reader->statements, question, error) : NULL;
  if (!s)
    return FALSE;
  db_bind(s, "ssi", mailbox, exchange_direction_word(direction), at);
  return has_row(s, has, error);
}

gboolean exchange_has_request(BookReader *reader, const char *mailbox, ExchangeDirection direction, gint64 now,
                              gboolean *has, GError **error) {
  return ask_since(reader, "request-next", mailbox, direction, now, has, error);
}

gboolean exchange_has_untaken(BookReader *reader, const char *mailbox, ExchangeDirection direction, gint64 before,
                              gboolean *has, GError **error) {
  return ask_since(reader, "request-untaken", mailbox, direction, before, has, error);
}

GPtrArray *exchange_requests(BookReader *reader, const char *mailbox, ExchangeDirection direction, RequestState state,
                             guint limit, GError **error) {
  DbStatement *s = book_end(reader, error) ? named(&reader->statements, "requests-in-state", error) : NULL;
  if (!s)
    return NULL;
  db_bind(s, "sssu", mailbox, exchange_direction_word(direction), words[state], limit);
  return book_collect(reader, s, read_row, (GDestroyNotify)exchange_request_free, error);
}
