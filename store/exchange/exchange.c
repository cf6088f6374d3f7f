/* Mailboxes: changes, in the writer's thread. An item costs few statements, and each is prepared once. */
#include "store/exchange/exchange_private.h"
#include "store/exchange/drops.sql.h"
#include "store/exchange/requests.sql.h"
#include "store/exchange/tables.sql.h"
#include "store/exchange/verdicts.sql.h"
#include <string.h>

/* A row of store/book/capabilities.c. */
static const char *const steps[] = {exchange_tables_sql, exchange_requests_sql, exchange_verdicts_sql,
                                    exchange_drops_sql};
const BookMigrations exchange_migrations = {steps, G_N_ELEMENTS(steps)};

/* To which states each may go, as bits. */
#define TO(state) (1u << EXCHANGE_##state)
static const guint arrows[EXCHANGE_N_STATES] = {
    [EXCHANGE_RECEIVING] = TO(STORED) | TO(ABANDONED),
    [EXCHANGE_STORED] = TO(ACKNOWLEDGED) | TO(EXPIRED), /* `listed` is noted of many at once */
    [EXCHANGE_LISTED] = TO(ACKNOWLEDGED) | TO(EXPIRED),
    [EXCHANGE_ACKNOWLEDGED] = TO(REMOVED),
};

static gboolean change_held(BookTransaction *tx, const ExchangeItem *item, gint64 bytes, GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-hold", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssi", item->mailbox, exchange_direction_word(item->direction), bytes);
  return db_done(s, error);
}

static gboolean audit(BookTransaction *tx, const ExchangeItem *item, const char *event, GError **error) {
  g_autofree char *subject = g_strdup_printf("%s/%s", item->mailbox, item->id),
                  *detail = g_strdup_printf("%s %" G_GINT64_FORMAT ", %" G_GUINT64_FORMAT " bytes, sha256 %s",
                                            exchange_direction_word(item->direction), item->seq, item->size,
                                            item->sha256);
  return book_chain_add(tx, event, subject, detail, error);
}

/* --- Flows */

static gboolean add_flow(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-add-flow", error);
  g_autofree char *epoch = book_make_id(g_get_real_time() / 1000);
  if (!s)
    return FALSE;
  db_bind(s, "sss", mailbox, exchange_direction_word(direction), epoch);
  return db_done(s, error);
}

gboolean exchange_flow_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, ExchangeFlow *flow,
                           GError **error) {
  gboolean row;
  DbStatement *s = exchange_statement(&tx->statements, "exchange-flow", error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", mailbox, exchange_direction_word(direction));
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return add_flow(tx, mailbox, direction, error) && exchange_flow_now(tx, mailbox, direction, flow, error);
  g_strlcpy(flow->epoch, db_text(s, 0), sizeof flow->epoch);
  flow->seq = db_integer(s, 1);
  flow->held = (guint64)db_integer(s, 2);
  db_reset(s);
  return TRUE;
}

gboolean exchange_new_epoch(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *why,
                            GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-set-epoch", error);
  g_autofree char *epoch = book_make_id(g_get_real_time() / 1000),
                  *subject = g_strdup_printf("%s/%s", mailbox, exchange_direction_word(direction));
  if (!s)
    return FALSE;
  db_bind(s, "sss", mailbox, exchange_direction_word(direction), epoch);
  return db_done(s, error) && book_chain_add(tx, "exchange-epoch", subject, why, error);
}

/* --- Items */

gboolean exchange_item_now(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                           ExchangeItem **item, GError **error) {
  return exchange_read_item(&tx->statements, mailbox, direction, id, item, error);
}

/* One that was begun and never finished gives its place, and its bytes' share of the quota, to the new one. */
static gboolean drop_unfinished(BookTransaction *tx, const ExchangeItem *item, GError **error) {
  gboolean row;
  DbStatement *s = exchange_statement(&tx->statements, "exchange-drop-unfinished", error);
  if (!s)
    return FALSE;
  db_bind(s, "sss", item->mailbox, exchange_direction_word(item->direction), item->id);
  if (!db_step(s, &row, error))
    return FALSE;
  gint64 bytes = row ? db_integer(s, 0) : 0;
  return !row || (db_done(s, error) && change_held(tx, item, -bytes, error));
}

static gboolean next_seq(BookTransaction *tx, ExchangeItem *item, GError **error) {
  gboolean row;
  DbStatement *s = exchange_statement(&tx->statements, "exchange-next-seq", error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", item->mailbox, exchange_direction_word(item->direction));
  if (!db_step(s, &row, error))
    return FALSE;
  item->seq = row ? db_integer(s, 0) : 0;
  return row ? db_done(s, error)
             : sallyport_error_set(error, SALLYPORT_ERROR_BUG, "mailbox %s has no flow", item->mailbox);
}

gboolean exchange_add_item(BookTransaction *tx, ExchangeItem *item, GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-add-item", error);
  gboolean is_stored = item->state == EXCHANGE_STORED;
  gsize length = 0;
  if (!s || !drop_unfinished(tx, item, error) || (is_stored && !next_seq(tx, item, error)))
    return FALSE;
  item->changed_at = item->began_at = g_get_real_time();
  item->put_at = item->body ? item->began_at : 0; /* with a body in the row it is whole */
  db_bind(s, "sssissssssssnsiii", item->mailbox, exchange_direction_word(item->direction), item->id,
          (gint64)item->size, item->sha256, item->name, item->type, item->business_date, item->records, item->totals,
          item->correlation, item->file, exchange_state_word(item->state), item->seq, item->put_at, item->began_at);
  const void *bytes = item->body ? g_bytes_get_data(item->body, &length) : NULL;
  if (item->body)
    db_bind_bytes(s, 13, bytes ? bytes : "", length);
  if (!is_stored)
    db_bind_null(s, 15);
  return db_done(s, error) && change_held(tx, item, (gint64)item->size, error) &&
         (!is_stored || audit(tx, item, "item-stored", error));
}

static void note_times(ExchangeItem *item, ExchangeState to) {
  gint64 now = g_get_real_time();
  item->changed_at = now;
  if (to == EXCHANGE_STORED)
    item->put_at = now;
  if (to == EXCHANGE_ACKNOWLEDGED)
    item->acknowledged_at = now;
}

static gboolean set_item(BookTransaction *tx, const ExchangeItem *item, ExchangeState to, gboolean keeps,
                         GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-set-item", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssisuiiiiss", item->mailbox, exchange_direction_word(item->direction), item->id,
          exchange_state_word(to), item->seq, keeps ? item->file : NULL, !keeps, item->put_at, item->listed_at,
          item->acknowledged_at, item->changed_at, exchange_state_word(item->state), item->file);
  if (item->seq == 0)
    db_bind_null(s, 5);
  if (!db_done(s, error))
    return FALSE;
  return db_changed(tx->statements.db) == 1 ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "item %s of mailbox %s is not %s any more", item->id,
                             item->mailbox, exchange_state_word(item->state));
}

gboolean exchange_advance_item(BookTransaction *tx, ExchangeItem *item, ExchangeState to, GError **error) {
  gboolean keeps = exchange_state_has_body(to);
  if (!(arrows[item->state] & 1u << to))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "item %s of mailbox %s cannot become %s: it is %s",
                               item->id, item->mailbox, exchange_state_word(to), exchange_state_word(item->state));
  note_times(item, to);
  g_autofree char *event = g_strdup_printf("item-%s", exchange_state_word(to));
  if ((to == EXCHANGE_STORED && !next_seq(tx, item, error)) || !set_item(tx, item, to, keeps, error) ||
      (!keeps && !change_held(tx, item, -(gint64)item->size, error)) || !audit(tx, item, event, error))
    return FALSE;
  item->state = to;
  return TRUE;
}

gboolean exchange_note_listed(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 first,
                              gint64 last, GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-note-listed", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssiii", mailbox, exchange_direction_word(direction), first, last, g_get_real_time());
  return db_done(s, error);
}

gboolean exchange_note_got(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, const char *id,
                           GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-note-got", error);
  if (!s)
    return FALSE;
  db_bind(s, "sssi", mailbox, exchange_direction_word(direction), id, g_get_real_time());
  return db_done(s, error);
}

gboolean exchange_note_told(BookTransaction *tx, const ExchangeItem *item, GError **error) {
  DbStatement *s = exchange_statement(&tx->statements, "exchange-note-told", error);
  if (!s)
    return FALSE;
  db_bind(s, "sssssss", item->mailbox, exchange_direction_word(item->direction), item->id, item->ack_records,
          item->ack_totals, item->verdict, item->verdict_code);
  return db_done(s, error);
}

gboolean exchange_prune(BookTransaction *tx, const char *mailbox, ExchangeDirection direction, gint64 before,
                        GError **error) {
  DbStatement *items = exchange_statement(&tx->statements, "exchange-prune", error),
              *requests = items ? exchange_statement(&tx->statements, "exchange-prune-requests", error) : NULL;
  if (!requests)
    return FALSE;
  db_bind(items, "ssi", mailbox, exchange_direction_word(direction), before);
  db_bind(requests, "ssi", mailbox, exchange_direction_word(direction), before);
  return db_done(items, error) && db_done(requests, error);
}
