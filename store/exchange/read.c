/* Mailboxes: questions. */
#include "store/exchange/exchange_private.h"
#include <string.h>

#define WORD(constant, word) word,
static const char *const words[] = {EXCHANGE_STATES(WORD)};

const char *exchange_state_word(ExchangeState state) {
  return words[state];
}

const char *exchange_direction_word(ExchangeDirection direction) {
  return direction == EXCHANGE_FORWARD ? "forward" : "reverse";
}

ExchangeDirection exchange_direction_of(const char *word) {
  return g_strcmp0(word, "forward") == 0 ? EXCHANGE_FORWARD : EXCHANGE_REVERSE;
}

gboolean exchange_state_has_body(ExchangeState state) {
  return state == EXCHANGE_STORED || state == EXCHANGE_LISTED || state == EXCHANGE_ACKNOWLEDGED;
}

void exchange_item_free(ExchangeItem *item) {
  if (!item)
    return;
  g_free(item->mailbox);
  g_free(item->id);
  g_free(item->sha256);
#define FREE(member) g_free(item->member);
  EXCHANGE_DECLARED(FREE)
  EXCHANGE_TOLD(FREE)
  g_free(item->file);
  g_clear_pointer(&item->body, g_bytes_unref);
  g_free(item);
}

static ExchangeState state_of(const char *word) {
  guint state = 0;
  while (state < EXCHANGE_N_STATES - 1 && g_strcmp0(word, words[state]) != 0)
    state++;
  return (ExchangeState)state;
}

/* The columns are those of the statements that read items, in their order. */
gpointer exchange_item_row(DbStatement *s, GError **error) {
  (void)error;
  ExchangeItem *item = g_new0(ExchangeItem, 1);
  guint column = 7;
  item->mailbox = db_text_copy(s, 0);
  item->direction = exchange_direction_of(db_text(s, 1));
  item->id = db_text_copy(s, 2);
  item->seq = db_integer(s, 3);
  item->state = state_of(db_text(s, 4));
  item->size = (guint64)db_integer(s, 5);
  item->sha256 = db_text_copy(s, 6);
#define READ(member) item->member = db_text_copy(s, column++);
  EXCHANGE_DECLARED(READ)
  item->file = db_text_copy(s, column++);
  gint64 *const times[] = {&item->began_at, &item->put_at,          &item->listed_at,
                           &item->got_at,   &item->acknowledged_at, &item->changed_at};
  for (guint i = 0; i < G_N_ELEMENTS(times); i++)
    *times[i] = db_integer(s, column++);
  EXCHANGE_TOLD(READ)
  return item;
}

gboolean exchange_read_item(BookStatements *statements, const char *mailbox, ExchangeDirection direction,
                            const char *id, ExchangeItem **item, GError **error) {
  gboolean row;
  DbStatement *s = exchange_statement(statements, "exchange-item", error);
  *item = NULL;
  if (!s)
    return FALSE;
  db_bind(s, "sss", mailbox, exchange_direction_word(direction), id);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  *item = exchange_item_row(s, error);
  gboolean whole = db_row_whole(s, error);
  db_reset(s);
  if (!whole)
    g_clear_pointer(item, exchange_item_free);
  return whole;
}

static DbStatement *ask(BookReader *reader, const char *name, GError **error) {
  return book_end(reader, error) ? exchange_statement(&reader->statements, name, error) : NULL;
}

GPtrArray *exchange_page(BookReader *reader, const ExchangePage *page, GError **error) {
  DbStatement *s = ask(reader, "exchange-page", error);
  if (!s)
    return NULL;
  db_bind(s, "ssiuu", page->mailbox, exchange_direction_word(page->direction), page->after, page->limit,
          page->only_unacknowledged);
  return book_collect(reader, s, exchange_item_row, (GDestroyNotify)exchange_item_free, error);
}

GPtrArray *exchange_since(BookReader *reader, const ExchangeSince *since, GError **error) {
  DbStatement *s = ask(reader, "exchange-since", error);
  if (!s)
    return NULL;
  db_bind(s, "sssiu", since->mailbox, exchange_direction_word(since->direction), words[since->state], since->before,
          since->limit);
  return book_collect(reader, s, exchange_item_row, (GDestroyNotify)exchange_item_free, error);
}

GPtrArray *exchange_put_between(BookReader *reader, const ExchangeBetween *between, GError **error) {
  DbStatement *s = ask(reader, "exchange-put-between", error);
  if (!s)
    return NULL;
  db_bind(s, "ssiiiu", between->mailbox, exchange_direction_word(between->direction), between->after, between->from,
          between->to, between->limit);
  return book_collect(reader, s, exchange_item_row, (GDestroyNotify)exchange_item_free, error);
}

static gboolean read_body(BookReader *reader, ExchangeItem *item, GError **error) {
  gboolean row;
  DbStatement *s = ask(reader, "exchange-body", error);
  if (!s)
    return FALSE;
  db_bind(s, "sss", item->mailbox, exchange_direction_word(item->direction), item->id);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row) /* it went between the two questions */
    return TRUE;
  item->body = db_bytes_copy(s, 0);
  gboolean whole = db_row_whole(s, error);
  db_reset(s);
  return whole;
}

ExchangeItem *exchange_find_item(BookReader *reader, const char *mailbox, ExchangeDirection direction, const char *id,
                                 GError **error) {
  ExchangeItem *item;
  if (!book_end(reader, error) || !exchange_read_item(&reader->statements, mailbox, direction, id, &item, error))
    return NULL;
  if (item && !item->file && exchange_state_has_body(item->state) && !read_body(reader, item, error))
    g_clear_pointer(&item, exchange_item_free);
  return item;
}

gboolean exchange_tally(BookReader *reader, const char *mailbox, ExchangeDirection direction, ExchangeTally *tally,
                        GError **error) {
  gboolean row;
  DbStatement *s = ask(reader, "exchange-tally", error);
  *tally = (ExchangeTally){0};
  if (!s)
    return FALSE;
  db_bind(s, "ss", mailbox, exchange_direction_word(direction));
  while (db_step(s, &row, error)) {
    if (!row)
      return TRUE;
    ExchangeState state = state_of(db_text(s, 0));
    tally->counts[state] = db_integer(s, 1);
    tally->oldest[state] = db_integer(s, 2);
  }
  return FALSE;
}

GHashTable *exchange_files(BookReader *reader, GError **error) {
  gboolean row;
  DbStatement *s = ask(reader, "exchange-files", error);
  g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  while (s && db_step(s, &row, error)) {
    if (!row)
      return g_steal_pointer(&files);
    g_hash_table_add(files, db_text_copy(s, 0));
  }
  return NULL;
}
