#include "store/toy.h"
#include "store/book/book_private.h"
#include "store/toy/queries.sql.h"
#include "store/toy/tables.sql.h"

/* A row of store/book/capabilities.c. */
static const char *const steps[] = {toy_tables_sql};
const BookMigrations toy_migrations = {steps, G_N_ELEMENTS(steps)};

gboolean toy_add_note(BookTransaction *tx, const char *text, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(tx->statements.db, toy_queries_sql, "add-note", error);
  if (!statement)
    return FALSE;
  db_bind(statement, "s", text);
  return db_done(statement, error);
}

gboolean toy_count_notes(BookReader *reader, gint64 *notes, GError **error) {
  g_autofree char *sql = db_named(toy_queries_sql, "notes");
  return db_value(reader->statements.db, sql, notes, error);
}
