/* Versions that are kept no more. A row goes when no version has it that is kept: it may lie between two of them. */
#include "store/reference/reference_private.h"
#include "store/reference/queries.sql.h"

/* Asked for ascending numbers: *at goes along. */
static gboolean is_named(const GArray *named, guint *at, gint64 number) {
  while (named && *at < named->len && g_array_index(named, gint64, *at) < number)
    ++*at;
  return named && *at < named->len && g_array_index(named, gint64, *at) == number;
}

static gboolean list(Db *db, gint64 oldest, const ReferenceFacts *facts, GArray *numbers, GError **error) {
  g_autoptr(DbStatement) older = db_prepare_named(db, reference_queries_sql, "older-versions", error);
  gint64 since = g_get_real_time() - facts->in_hand;
  gboolean row = TRUE;
  guint at = 0;
  if (!older)
    return FALSE;
  db_bind(older, "i", oldest);
  while (row) {
    if (!db_step(older, &row, error))
      return FALSE;
    gint64 number = row ? db_integer(older, 0) : 0;
    if (row && db_integer(older, 1) <= since && !is_named(facts->named, &at, number))
      g_array_append_val(numbers, number);
  }
  return TRUE;
}

static gboolean run(Db *db, const char *name, gint64 number, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(db, reference_queries_sql, name, error);
  if (!statement)
    return FALSE;
  db_bind(statement, "i", number);
  return db_done(statement, error);
}

gboolean reference_forget(Db *db, gint64 newest, const ReferenceFacts *facts, GError **error) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (facts->keep_versions == 0)
    return TRUE;
  if (!list(db, newest - (gint64)facts->keep_versions + 1, facts, numbers, error))
    return FALSE;
  for (guint i = 0; i < numbers->len; i++) {
    gint64 number = g_array_index(numbers, gint64, i);
    if (!run(db, "forget-version", number, error) || !run(db, "forget-rows", number, error))
      return FALSE;
  }
  return TRUE;
}
