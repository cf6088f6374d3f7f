/* Mailboxes by drop folders: changes and questions. */
#include "store/exchange_drops.h"
#include "store/exchange/drop_queries.sql.h"
#include "store/exchange/exchange_private.h"

#define WORD(constant, word) word,
static const char *const words[] = {EXCHANGE_DROP_STATES(WORD)};

void exchange_drop_free(ExchangeDrop *drop) {
  if (!drop)
    return;
  g_free(drop->mailbox);
  g_free(drop->name);
  g_free(drop->item);
  g_free(drop->file);
  g_free(drop);
}

static DbStatement *named(BookStatements *statements, const char *name, GError **error) {
  return book_statement_named(statements, exchange_drop_queries_sql, name, error);
}

static const char *side_of(gboolean is_out) {
  return is_out ? "out" : "in";
}

gboolean exchange_add_drop(BookTransaction *tx, ExchangeDrop *drop, gboolean *added, GError **error) {
  DbStatement *s = named(&tx->statements, "drop-add", error);
  if (!s)
    return FALSE;
  drop->number = g_get_real_time();
  db_bind(s, "sssssssiiii", drop->mailbox, exchange_direction_word(drop->direction), side_of(drop->is_out), drop->name,
          drop->item, words[drop->state], drop->file, (gint64)drop->size, drop->modified, drop->token, drop->number);
  if (!db_done(s, error))
    return FALSE;
  *added = db_changed(tx->statements.db) == 1;
  return TRUE;
}

gboolean exchange_set_drop(BookTransaction *tx, const ExchangeDrop *drop, GError **error) {
  DbStatement *s = named(&tx->statements, "drop-set", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssss", drop->mailbox, exchange_direction_word(drop->direction), side_of(drop->is_out), drop->name,
          words[drop->state], drop->file);
  return db_done(s, error);
}

gboolean exchange_take_drop_again(BookTransaction *tx, const ExchangeDrop *drop, gboolean *is_its, GError **error) {
  DbStatement *s = named(&tx->statements, "drop-take-again", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssis", drop->mailbox, exchange_direction_word(drop->direction), side_of(drop->is_out), drop->name,
          drop->token, drop->item);
  if (!db_done(s, error))
    return FALSE;
  *is_its = db_changed(tx->statements.db) == 1;
  return TRUE;
}

gboolean exchange_remove_drop(BookTransaction *tx, const ExchangeDrop *drop, GError **error) {
  DbStatement *s = named(&tx->statements, "drop-remove", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssss", drop->mailbox, exchange_direction_word(drop->direction), side_of(drop->is_out), drop->name);
  return db_done(s, error);
}

static gpointer read_row(DbStatement *s, GError **error) {
  (void)error;
  ExchangeDrop *drop = g_new0(ExchangeDrop, 1);
  drop->mailbox = db_text_copy(s, 0);
  drop->direction = exchange_direction_of(db_text(s, 1));
  drop->is_out = g_strcmp0(db_text(s, 2), side_of(TRUE)) == 0;
  drop->name = db_text_copy(s, 3);
  drop->item = db_text_copy(s, 4);
  while (drop->state < DROP_N_STATES - 1 && g_strcmp0(db_text(s, 5), words[drop->state]) != 0)
    drop->state++;
  drop->file = db_text_copy(s, 6);
  drop->size = (guint64)db_integer(s, 7);
  drop->modified = db_integer(s, 8);
  drop->token = db_integer(s, 9);
  drop->number = db_integer(s, 10);
  return drop;
}

GPtrArray *exchange_drops(BookReader *reader, const char *mailbox, ExchangeDirection direction, gboolean is_out,
                          guint limit, GError **error) {
  DbStatement *s = book_end(reader, error) ? named(&reader->statements, "drops", error) : NULL;
  if (!s)
    return NULL;
  db_bind(s, "sssu", mailbox, exchange_direction_word(direction), side_of(is_out), limit);
  return book_collect(reader, s, read_row, (GDestroyNotify)exchange_drop_free, error);
}
