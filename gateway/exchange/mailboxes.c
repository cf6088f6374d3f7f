/* What all who answer share: mailboxes by their names, readers of the book, items as they are told of. */
#include "gateway/common/log.h"
#include "gateway/exchange/exchange_private.h"
#include <string.h>

enum { READERS_KEPT = 8 };

Mailbox *exchange_mailbox(const Exchange *exchange, const char *name) {
  for (guint i = 0; name && i < exchange->mailboxes->len; i++) {
    Mailbox *mailbox = exchange->mailboxes->pdata[i];
    if (strcmp(mailbox->conf->name, name) == 0)
      return mailbox;
  }
  return NULL;
}

BookReader *exchange_reader_take(Exchange *exchange, GError **error) {
  pthread_mutex_lock(&exchange->lock);
  BookReader *reader = g_queue_pop_head(&exchange->readers);
  pthread_mutex_unlock(&exchange->lock);
  return reader ? reader : book_reader_open(exchange->host->paths->book, error);
}

void exchange_reader_return(Exchange *exchange, BookReader *reader) {
  pthread_mutex_lock(&exchange->lock);
  gboolean is_kept = reader && g_queue_get_length(&exchange->readers) < READERS_KEPT;
  if (is_kept)
    g_queue_push_head(&exchange->readers, reader);
  pthread_mutex_unlock(&exchange->lock);
  if (!is_kept)
    book_reader_close(reader);
}

ExchangeItem *exchange_item(ExchangeCall *call, ExchangeDirection direction, GError **error) {
  BookReader *reader = exchange_reader_take(call->exchange, error);
  ExchangeItem *item = reader ? exchange_find_item(reader, call->mailbox->conf->name, direction, call->id, error)
                              : NULL;
  exchange_reader_return(call->exchange, reader);
  return item;
}

void exchange_tell_trouble(const Exchange *exchange, const Mailbox *mailbox, const char *item, const GError *error) {
  log_event(LOG_ERROR, "exchange-trouble", {"mailbox", mailbox ? mailbox->conf->name : NULL}, {"item", item},
            {"error", error ? error->message : "unknown"});
  if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    exchange->host->storage_failed(exchange->host->user);
}

void exchange_tell_arrival(ExchangeCall *call, ExchangeDirection direction, gint64 seq) {
  Mailbox *mailbox = call->mailbox;
  pthread_mutex_lock(&call->exchange->lock);
  mailbox->flows[direction].seq = MAX(mailbox->flows[direction].seq, seq);
  pthread_cond_broadcast(&mailbox->arrived[direction]);
  pthread_mutex_unlock(&call->exchange->lock);
}

/* Bounds of the buckets, microseconds; the last one has none. */
static const gint64 lag_bounds[EXCHANGE_LAG_BUCKETS - 1] = {10000,       100000,      1000000,       10000000,
                                                            60000000,    600000000,   3600000000,    86400000000};

void exchange_note_lag(ExchangeCall *call, ExchangePhase phase, gint64 since) {
  gint64 lag = MAX(g_get_real_time() - since, 0);
  ExchangeLag *lags = &call->mailbox->lags[phase];
  guint bucket = 0;
  if (since == 0)
    return;
  while (bucket < EXCHANGE_LAG_BUCKETS - 1 && lag > lag_bounds[bucket])
    bucket++;
  pthread_mutex_lock(&call->exchange->lock);
  lags->counts[bucket]++;
  lags->sum += lag;
  pthread_mutex_unlock(&call->exchange->lock);
}

json_t *exchange_lags_json(const Mailbox *mailbox) {
  static const char *const words[] = {"put_to_seen", "seen_to_got", "got_to_ack"};
  json_t *all = json_object();
  for (guint phase = 0; phase < EXCHANGE_PHASES; phase++) {
    json_t *bounds = json_array(), *counts = json_array();
    for (guint i = 0; i < EXCHANGE_LAG_BUCKETS; i++) {
      json_array_append_new(counts, json_integer((json_int_t)mailbox->lags[phase].counts[i]));
      if (i < EXCHANGE_LAG_BUCKETS - 1)
        json_array_append_new(bounds, json_integer(lag_bounds[i]));
    }
    json_object_set_new(all, words[phase], json_pack("{s:o, s:o, s:I}", "bounds", bounds, "counts", counts, "sum",
                                                     (json_int_t)mailbox->lags[phase].sum));
  }
  return all;
}

char *exchange_path(const Exchange *exchange, const char *file) {
  return g_build_filename(exchange->folder, file, NULL);
}

json_t *exchange_item_json(const ExchangeItem *item) {
  json_t *object = json_pack("{s:s, s:s, s:I, s:s}", "id", item->id, "state", exchange_state_word(item->state), "size",
                             (json_int_t)item->size, "sha256", item->sha256);
#define PUT(member)        \
  if (item->member)        \
    json_object_set_new(object, #member, json_string(item->member));
  EXCHANGE_DECLARED(PUT)
  if (item->put_at)
    json_object_set_new(object, "put_at", json_integer(item->put_at));
  return object;
}
