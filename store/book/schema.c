#include "store/book/book_private.h"
#include "store/book/tables.sql.h"
#include "store/book/watch.sql.h"
#include "store/recon/tables.sql.h"
#include "store/book/answer_names.sql.h"
#include "store/book/capabilities.sql.h"
#include "store/book/waits.sql.h"
#include "store/book/holdings_tables.sql.h"
#include "store/book/queries.sql.h"

/* "Sall" in the file's head: another program's database is not taken for a book. */
#define APPLICATION_ID 0x53616c6c

const char *const book_migrations[] = {book_tables_sql, book_watch_sql, recon_tables_sql, book_answer_names_sql,
                                       book_capabilities_sql, book_waits_sql, book_holdings_tables_sql};

guint book_schema_version(void) {
  return G_N_ELEMENTS(book_migrations);
}

static const char *const names[BOOK_N_STATEMENTS] = {
#define BOOK_STATEMENT_NAME(name, text) [BOOK_##name] = text,
    BOOK_STATEMENTS(BOOK_STATEMENT_NAME)};

DbStatement *book_statement(BookStatements *statements, BookStatement which, GError **error) {
  if (!statements->of[which])
    statements->of[which] = db_prepare_named(statements->db, book_queries_sql, names[which], error);
  return statements->of[which];
}

DbStatement *book_statement_named(BookStatements *statements, const char *sql, const char *name, GError **error) {
  if (!statements->named)
    statements->named = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)db_statement_free);
  DbStatement *statement = g_hash_table_lookup(statements->named, name);
  if (!statement && (statement = db_prepare_named(statements->db, sql, name, error)))
    g_hash_table_insert(statements->named, (gpointer)(gintptr)name, statement);
  return statement;
}

void book_statements_clear(BookStatements *statements) {
  g_clear_pointer(&statements->named, g_hash_table_unref);
  for (guint i = 0; i < BOOK_N_STATEMENTS; i++)
    db_statement_free(g_steal_pointer(&statements->of[i]));
}

char *book_statement_text(BookStatement which) {
  return db_named(book_queries_sql, names[which]);
}

/* ('seen'), ('admitted'), … */
static char *state_words(void) {
  GString *words = g_string_new(NULL);
  for (guint i = 0; i < FILE_N_STATES; i++)
    g_string_append_printf(words, "%s('%s')", i ? ", " : "", file_state_word((FileState)i));
  return g_string_free(words, FALSE);
}

static gboolean read_version(Db *db, gint64 *version, GError **error) {
  DbStamp stamp;
  if (!db_stamp(db, &stamp, error))
    return FALSE;
  *version = stamp.version;
  if (stamp.application == APPLICATION_ID || (stamp.application == 0 && stamp.version == 0 && stamp.empty))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "this is another program's database, not a book");
}

static gboolean newer(gint64 version, guint known, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the book's schema is version %" G_GINT64_FORMAT
                             ", newer than this program's (%u): install the "
                             "program that made it, or restore the book from before",
                             version, known);
}

/* A crash inside leaves the version before, with nothing of the step; the next opening takes the step again. */
static gboolean migrate_one(Db *db, const char *sql, guint to, GError **error) {
  g_autofree char *words = state_words();
  g_auto(GStrv) parts = g_strsplit(sql, "@states@", -1);
  g_autofree char *text = g_strjoinv(words, parts);
  if (db_begin(db, error) && db_run(db, text, error) && db_set_stamp(db, APPLICATION_ID, to, error) &&
      db_commit(db, error))
    return TRUE;
  db_rollback(db);
  g_prefix_error(error, "bring the book's schema to version %u: ", to);
  return FALSE;
}

gboolean book_schema_migrate(Db *db, const char *const *migrations, guint n, gboolean *made, GError **error) {
  gint64 version;
  if (!read_version(db, &version, error))
    return FALSE;
  *made = version == 0;
  if (version > (gint64)n)
    return newer(version, n, error);
  for (guint i = (guint)version; i < n; i++)
    if (!migrate_one(db, migrations[i], i + 1, error))
      return FALSE;
  return TRUE;
}

gboolean book_schema_check(Db *db, GError **error) {
  gint64 version;
  if (!read_version(db, &version, error))
    return FALSE;
  if (version > (gint64)book_schema_version())
    return newer(version, book_schema_version(), error);
  if (version == (gint64)book_schema_version())
    return book_capabilities_check(db, error);
  if (version == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the book is only being made");
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the book's schema is version %" G_GINT64_FORMAT
                             ", older than this program's (%u): start its "
                             "lane with this program once, which brings it up to date",
                             version, book_schema_version());
}
