/* The table of queries' progress: a row each, replaced as a whole by the one thread that reads it. */
#include "store/book_query.h"
#include "store/book/book_private.h"
#include "store/query/queries.sql.h"
#include "store/query/tables.sql.h"

/* A row of store/book/capabilities.c. */
static const char *const steps[] = {query_tables_sql};
const BookMigrations query_migrations = {steps, G_N_ELEMENTS(steps)};

void book_query_free(BookQuery *query) {
  if (!query)
    return;
  g_free(query->name);
  g_free(query->position);
  g_free(query->cursor);
  g_free(query->file);
  g_free(query->sha256);
  g_free(query);
}

gboolean book_set_query(BookTransaction *tx, const BookQuery *query, const char *detail, GError **error) {
  DbStatement *s = book_statement_named(&tx->statements, query_queries_sql, "query-set", error);
  if (!s)
    return FALSE;
  db_bind(s, "sssissiii", query->name, query->position, query->cursor, (gint64)query->sequence, query->file,
          query->sha256, (gint64)query->records, query->ran_at, query->made_at);
  return db_done(s, error) && (!detail || book_chain_add(tx, "query-file", query->name, detail, error));
}

static gpointer read_row(DbStatement *s, GError **error) {
  (void)error;
  BookQuery *query = g_new0(BookQuery, 1);
  query->name = db_text_copy(s, 0);
  query->position = db_text_copy(s, 1);
  query->cursor = db_text_copy(s, 2);
  query->sequence = (guint64)db_integer(s, 3);
  query->file = db_text_copy(s, 4);
  query->sha256 = db_text_copy(s, 5);
  query->records = (guint64)db_integer(s, 6);
  query->ran_at = db_integer(s, 7);
  query->made_at = db_integer(s, 8);
  return query;
}

GPtrArray *book_queries(BookReader *reader, const char *name, GError **error) {
  DbStatement *s = book_end(reader, error)
                       ? book_statement_named(&reader->statements, query_queries_sql, "query-progress", error)
                       : NULL;
  if (!s)
    return NULL;
  db_bind(s, "s", name);
  return book_collect(reader, s, read_row, (GDestroyNotify)book_query_free, error);
}
