/* What the book holds: read before a lane works, changed at its start and by `sallyport move`. Statements are prepared
 * when they are used: this is asked a few times a day. */
#include "store/book_holdings.h"
#include "store/book/book_private.h"
#include "store/book/holdings.sql.h"
#include <string.h>
#include <unistd.h>

enum { VERSION_WITH_FACTS = 7, RENAME_STATEMENTS = 15 };

/* --- Reading. */

void book_feed_free(BookFeed *feed) {
  if (!feed)
    return;
  g_free(feed->feed);
  g_free(feed->layout);
  g_free(feed->ledger);
  g_free(feed->key);
  g_free(feed->key_type);
  g_free(feed->account);
  g_free(feed->account_type);
  g_free(feed->amount);
  g_free(feed);
}

static void closing_free(gpointer data) {
  BookClosing *closing = data;
  g_free(closing->kind);
  g_free(closing->name);
  g_free(closing->who);
  g_free(closing->reason);
  g_free(closing);
}

static BookHoldings *holdings_new(void) {
  BookHoldings *holdings = g_new0(BookHoldings, 1);
  holdings->feeds = g_ptr_array_new_with_free_func((GDestroyNotify)book_feed_free);
  holdings->closings = g_ptr_array_new_with_free_func(closing_free);
  return holdings;
}

void book_holdings_free(BookHoldings *holdings) {
  if (!holdings)
    return;
  g_ptr_array_unref(holdings->feeds);
  g_ptr_array_unref(holdings->closings);
  g_free(holdings->lane);
  g_free(holdings->kinds);
  g_free(holdings->moving);
  g_free(holdings);
}

const BookFeed *book_holdings_feed(const BookHoldings *holdings, const char *feed) {
  for (guint i = 0; i < holdings->feeds->len; i++)
    if (strcmp(((const BookFeed *)holdings->feeds->pdata[i])->feed, feed) == 0)
      return holdings->feeds->pdata[i];
  return NULL;
}

const BookClosing *book_holdings_closing(const BookHoldings *holdings, const char *kind, const char *name) {
  for (guint i = 0; i < holdings->closings->len; i++) {
    const BookClosing *closing = holdings->closings->pdata[i];
    if (strcmp(closing->kind, kind) == 0 && strcmp(closing->name, name) == 0)
      return closing;
  }
  return NULL;
}

static BookFeed *feed_of(BookHoldings *holdings, const char *name) {
  for (guint i = 0; i < holdings->feeds->len; i++)
    if (strcmp(((BookFeed *)holdings->feeds->pdata[i])->feed, name) == 0)
      return holdings->feeds->pdata[i];
  BookFeed *feed = g_new0(BookFeed, 1);
  feed->feed = g_strdup(name);
  g_ptr_array_add(holdings->feeds, feed);
  return feed;
}

static void take_fact(BookHoldings *holdings, DbStatement *row) {
  char **into = strcmp(db_text(row, 0), "lane") == 0     ? &holdings->lane
                : strcmp(db_text(row, 0), "kinds") == 0  ? &holdings->kinds
                : strcmp(db_text(row, 0), "moving") == 0 ? &holdings->moving
                                                         : NULL;
  if (into)
    *into = db_text_copy(row, 1);
}

static void take_count(BookHoldings *holdings, DbStatement *row) {
  BookFeed *feed = feed_of(holdings, db_text(row, 0));
  feed->files = (guint64)db_integer(row, 1);
  feed->live = (guint64)db_integer(row, 2);
}

static void take_feed(BookHoldings *holdings, DbStatement *row) {
  BookFeed *feed = feed_of(holdings, db_text(row, 0));
  char **texts[] = {&feed->layout,  &feed->ledger,       &feed->key,   &feed->key_type,
                    &feed->account, &feed->account_type, &feed->amount};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    *texts[i] = db_text_copy(row, i + 1);
  feed->scale = (guint)db_integer(row, 8);
  feed->is_noted = TRUE;
}

static void take_closing(BookHoldings *holdings, DbStatement *row) {
  BookClosing *closing = g_new0(BookClosing, 1);
  *closing = (BookClosing){.kind = db_text_copy(row, 0),
                           .name = db_text_copy(row, 1),
                           .at = db_integer(row, 2),
                           .who = db_text_copy(row, 3),
                           .reason = db_text_copy(row, 4)};
  g_ptr_array_add(holdings->closings, closing);
}

static gboolean each(Db *db, const char *name, void (*take)(BookHoldings *, DbStatement *), BookHoldings *holdings,
                     GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(db, book_holdings_sql, name, error);
  gboolean row = rows != NULL;
  while (row) {
    if (!db_step(rows, &row, error))
      return FALSE;
    if (row)
      take(holdings, rows);
    if (row && !db_row_whole(rows, error))
      return FALSE;
  }
  return rows != NULL;
}

static gboolean read_all(Db *db, BookHoldings *holdings, GError **error) {
  DbStamp stamp;
  if (!db_begin_read(db, error) || !db_stamp(db, &stamp, error))
    return FALSE;
  if (stamp.version == 0)
    return TRUE;
  return each(db, "feeds", take_count, holdings, error) &&
         (stamp.version < VERSION_WITH_FACTS ||
          (each(db, "facts", take_fact, holdings, error) && each(db, "feed-facts", take_feed, holdings, error) &&
           each(db, "closings", take_closing, holdings, error)));
}

/* A copy of a book to where this process cannot write is read as a file that never changes, as read.c does. */
static Db *open_to_read(const char *path, GError **error) {
  g_autofree char *log = g_strconcat(path, "-wal", NULL);
  DbOptions options = {.path = path, .use = DB_READ};
  options.immutable = access(path, R_OK) == 0 && access(path, W_OK) != 0 && access(log, F_OK) != 0;
  return db_open(&options, error);
}

BookHoldings *book_holdings_read(const char *path, GError **error) {
  g_autoptr(BookHoldings) holdings = holdings_new();
  Db *db = open_to_read(path, error);
  gboolean ok = db && read_all(db, holdings, error);
  if (db)
    db_rollback(db);
  db_close(db);
  if (!ok) {
    g_prefix_error(error, "%s: ", path);
    return NULL;
  }
  return g_steal_pointer(&holdings);
}

/* --- Changes. */

static DbStatement *statement(BookTransaction *tx, const char *name, GError **error) {
  return db_prepare_named(tx->statements.db, book_holdings_sql, name, error);
}

/* A statement of two texts that nothing is read from. */
static gboolean change(BookTransaction *tx, const char *name, const char *first, const char *second, GError **error) {
  g_autoptr(DbStatement) s = statement(tx, name, error);
  if (!s)
    return FALSE;
  db_bind(s, db_parameters(s) > 1 ? "ss" : "s", first, second);
  return db_done(s, error);
}

gboolean book_set_fact(BookTransaction *tx, const char *name, const char *value, GError **error) {
  return change(tx, value ? "set-fact" : "drop-fact", name, value, error);
}

gboolean book_note_feed(BookTransaction *tx, const BookFeed *feed, GError **error) {
  g_autoptr(DbStatement) s = statement(tx, "set-feed-facts", error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssssssu", feed->feed, feed->layout, feed->ledger, feed->key, feed->key_type, feed->account,
          feed->account_type, feed->amount, feed->scale);
  return db_done(s, error);
}

gboolean book_close_holding(BookTransaction *tx, const BookClosing *closing, GError **error) {
  g_autoptr(DbStatement) s = statement(tx, "close", error);
  g_autofree char *detail = g_strdup_printf("%s by %s%s%s", closing->kind, closing->who, closing->reason ? ": " : "",
                                            closing->reason ? closing->reason : "");
  if (!s)
    return FALSE;
  db_bind(s, "ssiss", closing->kind, closing->name, closing->at, closing->who, closing->reason);
  return db_done(s, error) && book_audit(tx, "declared-closed", closing->name, detail, error);
}

gboolean book_reopen_holding(BookTransaction *tx, const char *kind, const char *name, GError **error) {
  return change(tx, "reopen", kind, name, error);
}

static gboolean has_files(BookTransaction *tx, const char *feed, gboolean *has, GError **error) {
  g_autoptr(DbStatement) s = statement(tx, "file-of-feed", error);
  if (!s)
    return FALSE;
  db_bind(s, "s", feed);
  gboolean ok = db_step(s, has, error);
  db_reset(s);
  return ok;
}

gboolean book_rename_feed(BookTransaction *tx, const char *from, const char *to, GError **error) {
  gboolean has = FALSE;
  if (!has_files(tx, to, &has, error))
    return FALSE;
  if (has)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "the book has files of feed \"%s\" already: two feeds cannot become one", to);
  for (guint i = 1; i <= RENAME_STATEMENTS; i++) {
    g_autofree char *name = g_strdup_printf("rename-feed-%u", i);
    if (!change(tx, name, from, to, error))
      return FALSE;
  }
  return TRUE;
}

gboolean book_rename_ledger(BookTransaction *tx, const char *from, const char *to, GError **error) {
  return change(tx, "rename-ledger", from, to, error);
}

gboolean book_move_intents(BookTransaction *tx, const char *from, const char *to, GError **error) {
  return change(tx, "move-intents", from, to, error);
}
