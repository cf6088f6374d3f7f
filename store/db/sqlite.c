/* Statements, their values, and errors of SQLite. */
#include "store/db/sqlite_private.h"
#include <errno.h>

/* --- Errors. */

/* Too little of something that comes back by itself: space, quota, a file size limit, descriptors, memory. */
static gboolean is_shortage(int number) {
  return number == ENOSPC || number == EDQUOT || number == EFBIG || number == EMFILE || number == ENFILE ||
         number == ENOMEM;
}

static SallyportErrorCode code_of_sqlite(int extended, int number) {
  switch (extended) {
  case SQLITE_IOERR_FSYNC:
  case SQLITE_IOERR_DIR_FSYNC:
    return SALLYPORT_ERROR_STORAGE; /* even with ENOSPC: the kernel may have dropped the pages */
  case SQLITE_IOERR_NOMEM:
    return SALLYPORT_ERROR_AGAIN;
  default:
    break;
  }
  switch (extended & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_FULL:
  case SQLITE_NOMEM:
  case SQLITE_PROTOCOL:
  case SQLITE_INTERRUPT:
    return SALLYPORT_ERROR_AGAIN;
  case SQLITE_IOERR:
    return is_shortage(number) ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_STORAGE;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_READONLY:
  case SQLITE_FORMAT:
    return SALLYPORT_ERROR_STORAGE;
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
    return is_shortage(number) ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION;
  default:
    return SALLYPORT_ERROR_BUG;
  }
}

static void set_error(sqlite3 *sqlite, GError **error, const char *format, va_list arguments) G_GNUC_PRINTF(3, 0);
static void set_error(sqlite3 *sqlite, GError **error, const char *format, va_list arguments) {
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  int extended = sqlite ? sqlite3_extended_errcode(sqlite) : SQLITE_NOMEM;
  int number = sqlite ? sqlite3_system_errno(sqlite) : 0;
  const char *words = sqlite ? sqlite3_errmsg(sqlite) : "out of memory";
  SallyportErrorCode code = code_of_sqlite(extended, number);
  if (number != 0 && (extended & 0xff) != SQLITE_BUSY)
    sallyport_error_set(error, code, "%s: %s (SQLite %d, %s)", what, words, extended, g_strerror(number));
  else
    sallyport_error_set(error, code, "%s: %s (SQLite %d)", what, words, extended);
}

gboolean sqlite_fail(sqlite3 *sqlite, GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_error(sqlite, error, format, arguments);
  va_end(arguments);
  return FALSE;
}

gboolean db_fail(Db *db, GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_error(db->sqlite, error, format, arguments);
  va_end(arguments);
  return FALSE;
}

/* --- Statements. */

gboolean sqlite_run(sqlite3 *sqlite, const char *sql, GError **error) {
  return sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_fail(sqlite, error, "%.60s", sql);
}

gboolean db_run(Db *db, const char *sql, GError **error) {
  return sqlite_run(db->sqlite, sql, error);
}

sqlite3_stmt *sqlite_prepare(sqlite3 *sqlite, const char *sql, GError **error) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v3(sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
    sqlite_fail(sqlite, error, "prepare %.80s", sql);
  return statement;
}

DbStatement *db_prepare(Db *db, const char *sql, GError **error) {
  sqlite3_stmt *prepared = sqlite_prepare(db->sqlite, sql, error);
  if (!prepared)
    return NULL;
  DbStatement *statement = g_new0(DbStatement, 1);
  statement->sqlite = prepared;
  statement->db = db;
  return statement;
}

void db_statement_free(DbStatement *statement) {
  if (!statement)
    return;
  sqlite3_finalize(statement->sqlite);
  g_free(statement);
}

/* Binding borrows, so it cannot fail for want of memory: only a wrong position or a busy statement, which is our bug.
 */
static void check_bound(DbStatement *statement, int rc) {
  if (G_UNLIKELY(rc != SQLITE_OK))
    g_error("bind: %s in %s", sqlite3_errstr(rc), sqlite3_sql(statement->sqlite));
}

void db_bind_integer(DbStatement *statement, guint parameter, gint64 value) {
  check_bound(statement, sqlite3_bind_int64(statement->sqlite, (int)parameter, value));
}

void db_bind_text(DbStatement *statement, guint parameter, const char *value, gssize length) {
  check_bound(statement, length < 0 ? sqlite3_bind_text(statement->sqlite, (int)parameter, value, -1, SQLITE_STATIC)
                                    : sqlite3_bind_text64(statement->sqlite, (int)parameter, value, (guint64)length,
                                                          SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_bytes(DbStatement *statement, guint parameter, const void *bytes, gsize length) {
  check_bound(statement, sqlite3_bind_blob64(statement->sqlite, (int)parameter, bytes, length, SQLITE_STATIC));
}

void db_bind_null(DbStatement *statement, guint parameter) {
  check_bound(statement, sqlite3_bind_null(statement->sqlite, (int)parameter));
}

guint db_parameters(DbStatement *statement) {
  return (guint)sqlite3_bind_parameter_count(statement->sqlite);
}

const char *db_parameter_name(DbStatement *statement, guint parameter) {
  return sqlite3_bind_parameter_name(statement->sqlite, (int)parameter);
}

guint db_parameter(DbStatement *statement, const char *name) {
  return (guint)sqlite3_bind_parameter_index(statement->sqlite, name);
}

void sqlite_reset(sqlite3_stmt *statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

void db_reset(DbStatement *statement) {
  sqlite_reset(statement->sqlite);
}

gboolean db_step(DbStatement *statement, gboolean *row, GError **error) {
  int rc = sqlite3_step(statement->sqlite);
  *row = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW)
    return TRUE;
  gboolean ok = rc == SQLITE_DONE || db_fail(statement->db, error, "%.60s", sqlite3_sql(statement->sqlite));
  db_reset(statement);
  return ok;
}

guint64 db_changed(const Db *db) {
  return (guint64)sqlite3_changes64(db->sqlite);
}

/* --- Values. */

gint64 db_integer(DbStatement *statement, guint column) {
  return sqlite3_column_int64(statement->sqlite, (int)column);
}

const char *db_text(DbStatement *statement, guint column) {
  return (const char *)sqlite3_column_text(statement->sqlite, (int)column);
}

/* An empty value has no address in SQLite, and must not pass for null. */
const void *db_bytes(DbStatement *statement, guint column, gsize *length) {
  const void *bytes = sqlite3_column_blob(statement->sqlite, (int)column);
  *length = (gsize)sqlite3_column_bytes(statement->sqlite, (int)column);
  return bytes || sqlite3_column_type(statement->sqlite, (int)column) == SQLITE_NULL ? bytes : "";
}

guint db_columns(DbStatement *statement) {
  return (guint)sqlite3_column_count(statement->sqlite);
}

const char *db_column_name(DbStatement *statement, guint column) {
  return sqlite3_column_name(statement->sqlite, (int)column);
}

gboolean db_row_whole(DbStatement *statement, GError **error) {
  return sqlite3_errcode(statement->db->sqlite) != SQLITE_NOMEM || db_fail(statement->db, error, "read a row");
}
