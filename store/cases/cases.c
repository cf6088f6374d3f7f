/* One connection writes: the lane's collector. A change is one transaction, and durable when it returns; a crash leaves
 * the library as it was before. */
#include "store/cases.h"
#include "store/cases/queries.sql.h"
#include "store/cases/tables.sql.h"
#include "store/db/db.h"
#include <unistd.h>

enum { APPLICATION = 0x53616361 };

/* The SQL that leads from version i to i + 1. */
static const char *const steps[] = {cases_tables_sql};

struct CaseLibrary {
  Db *db;
};

static gboolean check_stamp(const DbStamp *stamp, GError **error) {
  if (!stamp->empty && stamp->application != APPLICATION)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "is no case library");
  return stamp->version <= (gint64)G_N_ELEMENTS(steps) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "was made by a newer version of Sallyport (schema %" G_GINT64_FORMAT ")", stamp->version);
}

static gboolean bring_up_to_date(Db *db, GError **error) {
  DbStamp stamp;
  if (!db_stamp(db, &stamp, error) || !check_stamp(&stamp, error))
    return FALSE;
  for (gint64 version = stamp.version; version < (gint64)G_N_ELEMENTS(steps); version++) {
    if (db_begin(db, error) && db_run(db, steps[version], error) && db_set_stamp(db, APPLICATION, version + 1, error) &&
        db_commit(db, error))
      continue;
    db_rollback(db);
    return FALSE;
  }
  return TRUE;
}

static CaseLibrary *opened(Db *db, gboolean ok, const char *path, GError **error) {
  CaseLibrary *library = NULL;
  if (ok) {
    library = g_new0(CaseLibrary, 1);
    library->db = db;
    return library;
  }
  if (error && *error)
    g_prefix_error(error, "case library %s: ", path);
  db_close(db);
  return NULL;
}

CaseLibrary *case_library_open(const char *folder, GError **error) {
  g_autofree char *path = g_strdup_printf("%s/cases.db", folder);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, error);
  return opened(db, db && bring_up_to_date(db, error), path, error);
}

CaseLibrary *case_library_read(const char *folder, GError **error) {
  g_autofree char *path = g_strdup_printf("%s/cases.db", folder);
  DbStamp stamp = {0};
  if (access(path, F_OK) != 0)
    return NULL;
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ}, error);
  gboolean ok = db && db_stamp(db, &stamp, error) && check_stamp(&stamp, error);
  return opened(db, ok && stamp.version > 0, path, error);
}

void case_library_close(CaseLibrary *library) {
  if (!library)
    return;
  db_close(library->db);
  g_free(library);
}

/* --- Adding */

static gboolean add(Db *db, const GPtrArray *cases, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(db, cases_queries_sql, "add", error);
  for (guint i = 0; statement && i < cases->len; i++) {
    const LibraryCase *one = cases->pdata[i];
    db_bind(statement, "ssssssiisss", one->id, one->feed, one->scenario, one->channel, one->rules, one->file,
            (gint64)one->line, one->collected_at, one->header, one->fields, one->result);
    if (!db_done(statement, error))
      return FALSE;
  }
  return statement != NULL;
}

/* Cases of one cell stand together: each cell is asked for once, or a few times. */
static gboolean keep_smallest(Db *db, const GPtrArray *cases, guint keep, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(db, cases_queries_sql, "keep-smallest", error);
  const LibraryCase *last = NULL;
  for (guint i = 0; statement && i < cases->len; i++) {
    const LibraryCase *one = cases->pdata[i];
    gboolean is_same = last && g_str_equal(last->feed, one->feed) && g_str_equal(last->scenario, one->scenario) &&
                       g_str_equal(last->channel, one->channel);
    last = one;
    if (is_same)
      continue;
    db_bind(statement, "sssu", one->feed, one->scenario, one->channel, keep);
    if (!db_done(statement, error))
      return FALSE;
  }
  return statement != NULL;
}

static gboolean has_room(Db *db, guint64 most, GError **error) {
  g_autofree char *sql = db_named(cases_queries_sql, "count");
  gint64 count = 0;
  return db_value(db, sql, &count, error) &&
         ((guint64)count <= most ||
          sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the library is full: %" G_GUINT64_FORMAT " cases", most));
}

gboolean case_library_add(CaseLibrary *library, const GPtrArray *cases, const CaseBounds *bounds, GError **error) {
  Db *db = library->db;
  if (cases->len == 0)
    return TRUE;
  if (db_begin(db, error) && add(db, cases, error) && keep_smallest(db, cases, bounds->keep, error) &&
      has_room(db, bounds->most, error) && db_commit(db, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

static gboolean remove_others(Db *db, const CaseChange *change, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(db, cases_queries_sql, "of-other-rules", error);
  if (!statement)
    return FALSE;
  db_bind(statement, "ss", change->feed, change->rules);
  return db_done(statement, error);
}

gboolean case_library_supersede(CaseLibrary *library, const CaseChange *change, GError **error) {
  Db *db = library->db;
  if (db_begin(db, error) && remove_others(db, change, error) && add(db, change->cases, error) && db_commit(db, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

/* --- Reading */

static LibraryCase case_of(DbStatement *row) {
  return (LibraryCase){.id = db_text(row, 0),
                       .feed = db_text(row, 1),
                       .scenario = db_text(row, 2),
                       .channel = db_text(row, 3),
                       .rules = db_text(row, 4),
                       .file = db_text(row, 5),
                       .line = (guint64)db_integer(row, 6),
                       .collected_at = db_integer(row, 7),
                       .header = db_text(row, 8),
                       .fields = db_text(row, 9),
                       .result = db_text(row, 10)};
}

gboolean case_library_each(CaseLibrary *library, const char *feed, const char *id, CaseTold told, gpointer user,
                           GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare_named(library->db, cases_queries_sql, id ? "one" : feed ? "each-of-feed" : "each", error);
  gboolean is_row = statement != NULL;
  if (!statement)
    return FALSE;
  if (id || feed)
    db_bind(statement, "s", id ? id : feed);
  while (is_row) {
    if (!db_step(statement, &is_row, error))
      return FALSE;
    if (!is_row)
      break;
    LibraryCase found = case_of(statement);
    if (!db_row_whole(statement, error))
      return FALSE;
    if (!told(user, &found))
      break;
  }
  db_reset(statement);
  return TRUE;
}

void library_cell_free(LibraryCell *cell) {
  if (!cell)
    return;
  g_free(cell->feed);
  g_free(cell->scenario);
  g_free(cell->channel);
  g_free(cell);
}

GPtrArray *case_library_cells(CaseLibrary *library, GError **error) {
  g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func((GDestroyNotify)library_cell_free);
  g_autoptr(DbStatement) statement = db_prepare_named(library->db, cases_queries_sql, "cells", error);
  gboolean is_row = statement != NULL;
  while (is_row) {
    if (!db_step(statement, &is_row, error))
      return NULL;
    if (!is_row)
      break;
    LibraryCell *cell = g_new0(LibraryCell, 1);
    cell->feed = db_text_copy(statement, 0);
    cell->scenario = db_text_copy(statement, 1);
    cell->channel = db_text_copy(statement, 2);
    cell->cases = (guint64)db_integer(statement, 3);
    cell->oldest = db_integer(statement, 4);
    cell->newest = db_integer(statement, 5);
    g_ptr_array_add(cells, cell);
  }
  return statement ? g_steal_pointer(&cells) : NULL;
}
