#include "store/db/sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

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

gboolean sqlite_fail(sqlite3 *db, GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  int extended = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  int number = db ? sqlite3_system_errno(db) : 0;
  const char *words = db ? sqlite3_errmsg(db) : "out of memory";
  SallyportErrorCode code = code_of_sqlite(extended, number);
  if (number != 0 && (extended & 0xff) != SQLITE_BUSY)
    return sallyport_error_set(error, code, "%s: %s (SQLite %d, %s)", what, words, extended, g_strerror(number));
  return sallyport_error_set(error, code, "%s: %s (SQLite %d)", what, words, extended);
}

/* SQLite would make the file with the umask's mode; its -wal and -shm take the mode of the file. A file that is there
 * is not opened: closing any descriptor of a database drops the process's locks on it. */
static gboolean make_private(const char *path, GError **error) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0)
    close(fd);
  else if (errno != EEXIST)
    return sallyport_error_errno(error, errno, "make %s", path);
  return TRUE;
}

static gboolean set_pragmas(sqlite3 *db, const SqliteOpen *options, GError **error) {
  guint page_size = options->page_size ? options->page_size : 4096;
  guint cache = options->cache_kib ? options->cache_kib : 2048;
  g_autofree char *common = g_strdup_printf(
      "PRAGMA trusted_schema=OFF; PRAGMA cache_size=-%u; PRAGMA temp_store=MEMORY;"
      "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;",
      cache);
  if (!sqlite_run(db, common, error))
    return FALSE;
  if (options->use == SQLITE_USE_READ)
    return sqlite_run(db, "PRAGMA query_only=ON", error);
  g_autofree char *file = g_strdup_printf("PRAGMA page_size=%u; PRAGMA auto_vacuum=NONE; PRAGMA secure_delete=OFF;",
                                          page_size);
  if (!sqlite_run(db, file, error))
    return FALSE;
  if (options->use == SQLITE_USE_SCRATCH)
    return sqlite_run(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;", error);
  return sqlite_run(
      db,
      options->own_checkpoint
          ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;"
          : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
      error);
}

/* Memory statistics take a lock around each allocation that all connections share. Nobody reads them. */
static void configure_library(void) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

sqlite3 *sqlite_open(const SqliteOpen *options, GError **error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, configure_library);
  gboolean reads = options->use == SQLITE_USE_READ;
  if (!reads && !make_private(options->path, error))
    return NULL;
  sqlite3 *db = NULL;
  int flags = (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(options->path, &db, flags, NULL) != SQLITE_OK) {
    sqlite_fail(db, error, "open %s", options->path);
    sqlite_close(db);
    return NULL;
  }
  sqlite3_busy_timeout(db, 5000);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, reads || options->own_checkpoint, NULL);
  int persist = options->use == SQLITE_USE_WRITE;
  sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
  if (!set_pragmas(db, options, error)) {
    g_prefix_error(error, "%s: ", options->path);
    sqlite_close(db);
    return NULL;
  }
  return db;
}

void sqlite_close(sqlite3 *db) {
  if (sqlite3_close(db) != SQLITE_OK) {
    g_warn_if_reached(); /* a statement was left: our bug, but the file is better closed late than never */
    sqlite3_close_v2(db);
  }
}

gboolean sqlite_run(sqlite3 *db, const char *sql, GError **error) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  return sqlite_fail(db, error, "%.60s", sql);
}

void sqlite_rollback(sqlite3 *db) {
  if (!sqlite3_get_autocommit(db))
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

char *sqlite_named(const char *sql, const char *name) {
  g_autofree char *mark = g_strdup_printf("-- name: %s\n", name);
  const char *at = sql;
  while ((at = strstr(at, mark)) && at != sql && at[-1] != '\n')
    at++;
  if (!at)
    return NULL;
  at += strlen(mark);
  const char *end = strstr(at, "-- name: ");
  return end ? g_strndup(at, (gsize)(end - at)) : g_strdup(at);
}

sqlite3_stmt *sqlite_prepare(sqlite3 *db, const char *sql, GError **error) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
    sqlite_fail(db, error, "prepare %.80s", sql);
  return statement;
}

sqlite3_stmt *sqlite_prepare_named(sqlite3 *db, const char *sql, const char *name, GError **error) {
  g_autofree char *text = sqlite_named(sql, name);
  if (!text) {
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no SQL statement is named %s", name);
    return NULL;
  }
  sqlite3_stmt *statement = sqlite_prepare(db, text, error);
  if (!statement)
    g_prefix_error(error, "%s: ", name);
  return statement;
}

void sqlite_bind(sqlite3_stmt *statement, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int rc = SQLITE_OK;
  for (int i = 1; *format && rc == SQLITE_OK; i++, format++) {
    const void *bytes;
    switch (*format) {
    case 'i':
      rc = sqlite3_bind_int64(statement, i, va_arg(arguments, gint64));
      break;
    case 'u':
      rc = sqlite3_bind_int64(statement, i, va_arg(arguments, guint));
      break;
    case 's':
      rc = sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1, SQLITE_STATIC);
      break;
    case 't':
      bytes = va_arg(arguments, const void *);
      rc = sqlite3_bind_text64(statement, i, bytes, va_arg(arguments, gsize), SQLITE_STATIC, SQLITE_UTF8);
      break;
    case 'b':
      bytes = va_arg(arguments, const void *);
      rc = sqlite3_bind_blob64(statement, i, bytes, va_arg(arguments, gsize), SQLITE_STATIC);
      break;
    case 'n':
      rc = sqlite3_bind_null(statement, i);
      break;
    case '-':
      break;
    default:
      g_assert_not_reached();
    }
  }
  va_end(arguments);
  /* Binding borrows, so it cannot fail for want of memory: only a wrong index or a busy statement, which is our bug. */
  if (rc != SQLITE_OK)
    g_error("sqlite_bind: %s in %s", sqlite3_errstr(rc), sqlite3_sql(statement));
}

void sqlite_reset(sqlite3_stmt *statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

gboolean sqlite_step(sqlite3_stmt *statement, gboolean *row, GError **error) {
  int rc = sqlite3_step(statement);
  *row = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW)
    return TRUE;
  gboolean ok = rc == SQLITE_DONE || sqlite_fail(sqlite3_db_handle(statement), error, "%.60s", sqlite3_sql(statement));
  sqlite_reset(statement);
  return ok;
}

gboolean sqlite_done(sqlite3_stmt *statement, GError **error) {
  gboolean row = TRUE;
  while (row)
    if (!sqlite_step(statement, &row, error))
      return FALSE;
  return TRUE;
}

char *sqlite_column_copy(sqlite3_stmt *statement, int column) {
  return g_strdup((const char *)sqlite3_column_text(statement, column));
}

gboolean sqlite_integer(sqlite3 *db, const char *sql, gint64 *value, GError **error) {
  g_autoptr(sqlite3_stmt) statement = sqlite_prepare(db, sql, error);
  gboolean row = FALSE;
  *value = 0;
  if (!statement || !sqlite_step(statement, &row, error))
    return FALSE;
  if (row)
    *value = sqlite3_column_int64(statement, 0);
  return TRUE;
}

gboolean sqlite_checkpoint(sqlite3 *db, gboolean truncate, GError **error) {
  int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (rc == SQLITE_OK && truncate) {
    /* Waits for no reader: one that looks at an old snapshot for minutes must not stop the writer. */
    sqlite3_busy_timeout(db, 0);
    rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db, 5000);
  }
  if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
    return TRUE;
  return sqlite_fail(db, error, "checkpoint");
}

char *sqlite_plan(sqlite3 *db, const char *sql, GError **error) {
  g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", sql, NULL);
  g_autoptr(sqlite3_stmt) statement = sqlite_prepare(db, explain, error);
  GString *plan = g_string_new(NULL);
  gboolean row = statement != NULL;
  while (row) {
    if (!sqlite_step(statement, &row, error))
      break;
    if (row)
      g_string_append_printf(plan, "%s\n", (const char *)sqlite3_column_text(statement, 3));
  }
  if (statement && sqlite3_errcode(db) == SQLITE_OK)
    return g_string_free(plan, FALSE);
  g_string_free(plan, TRUE);
  return NULL;
}
