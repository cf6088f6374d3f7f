/* A database file of SQLite: its connection, log, stamp, check and transactions. */
#include "store/db/sqlite_private.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static const char *const steps[TX_COUNT] = {[TX_BEGIN] = "BEGIN IMMEDIATE",
                                            [TX_BEGIN_READ] = "BEGIN",
                                            [TX_COMMIT] = "COMMIT",
                                            [TX_SAVEPOINT] = "SAVEPOINT one_change",
                                            [TX_RELEASE] = "RELEASE one_change",
                                            [TX_ROLLBACK_TO] = "ROLLBACK TO one_change",
                                            [TX_ROLLBACK] = "ROLLBACK"};

/* --- Connections. */

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

static gboolean set_pragmas(sqlite3 *sqlite, const DbOptions *options, GError **error) {
  guint page_size = options->page_size ? options->page_size : 4096;
  guint cache = options->cache_kib ? options->cache_kib : 2048;
  g_autofree char *common = g_strdup_printf(
      "PRAGMA trusted_schema=OFF; PRAGMA cache_size=-%u; PRAGMA temp_store=MEMORY;"
      "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;",
      cache);
  if (!sqlite_run(sqlite, common, error))
    return FALSE;
  if (options->use == DB_READ)
    return sqlite_run(sqlite, "PRAGMA query_only=ON", error);
  g_autofree char *file = g_strdup_printf("PRAGMA page_size=%u; PRAGMA auto_vacuum=NONE; PRAGMA secure_delete=OFF;",
                                          page_size);
  if (!sqlite_run(sqlite, file, error))
    return FALSE;
  if (options->use == DB_SCRATCH)
    return sqlite_run(
        sqlite, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;", error);
  return sqlite_run(
      sqlite,
      options->own_checkpoint
          ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;"
          : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
      error);
}

/* Memory statistics take a lock around each allocation that all connections share. Nobody reads them. */
static void configure_library(void) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static gboolean open_file(Db *db, const DbOptions *options, GError **error) {
  gboolean reads = options->use == DB_READ;
  int flags = (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  g_autofree char *escaped = options->immutable ? g_uri_escape_string(options->path, "/", TRUE) : NULL;
  g_autofree char *uri = escaped ? g_strdup_printf("file:%s?immutable=1", escaped) : NULL;
  if (sqlite3_open_v2(uri ? uri : options->path, &db->sqlite, uri ? flags | SQLITE_OPEN_URI : flags, NULL) != SQLITE_OK)
    return db_fail(db, error, "open %s", options->path);
  sqlite3_busy_timeout(db->sqlite, 5000);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, reads || options->own_checkpoint, NULL);
  int persist = options->use == DB_WRITE;
  sqlite3_file_control(db->sqlite, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
  if (set_pragmas(db->sqlite, options, error))
    return TRUE;
  g_prefix_error(error, "%s: ", options->path);
  return FALSE;
}

static int note_log(void *user, sqlite3 *sqlite, const char *schema, int pages) {
  Db *db = user;
  (void)sqlite, (void)schema;
  db->log_bytes = (guint64)pages * db->log_frame;
  return SQLITE_OK;
}

Db *db_open(const DbOptions *options, GError **error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, configure_library);
  if (options->use != DB_READ && !make_private(options->path, error))
    return NULL;
  Db *db = g_new0(Db, 1);
  if (!open_file(db, options, error)) {
    db_close(db);
    return NULL;
  }
  db->log_frame = (options->page_size ? options->page_size : 4096) + 24;
  if (options->own_checkpoint) /* takes the place of the automatic checkpoint's own hook */
    sqlite3_wal_hook(db->sqlite, note_log, db);
  return db;
}

void db_close(Db *db) {
  if (!db)
    return;
  for (guint i = 0; i < TX_COUNT; i++)
    db_statement_free(db->steps[i]);
  sqlite_close(db->sqlite);
  g_free(db);
}

void sqlite_close(sqlite3 *sqlite) {
  if (sqlite3_close(sqlite) != SQLITE_OK) {
    g_warn_if_reached(); /* a statement was left: our bug, but the file is better closed late than never */
    sqlite3_close_v2(sqlite);
  }
}

sqlite3 *db_sqlite(Db *db) {
  return db->sqlite;
}

/* --- The log, the stamp, the check. */

guint64 db_log_bytes(const Db *db) {
  return db->log_bytes;
}

gboolean db_checkpoint(Db *db, gboolean truncate, GError **error) {
  int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (rc == SQLITE_OK && truncate) {
    /* Waits for no reader: one that looks at an old snapshot for minutes must not stop the writer. */
    sqlite3_busy_timeout(db->sqlite, 0);
    rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->sqlite, 5000);
    if (rc == SQLITE_OK)
      db->log_bytes = 0;
  }
  if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
    return TRUE;
  return db_fail(db, error, "checkpoint");
}

gboolean db_stamp(Db *db, DbStamp *stamp, GError **error) {
  gint64 tables;
  if (!db_value(db, "PRAGMA application_id", &stamp->application, error) ||
      !db_value(db, "PRAGMA user_version", &stamp->version, error) ||
      !db_value(db, "SELECT count(*) FROM sqlite_schema", &tables, error))
    return FALSE;
  stamp->empty = tables == 0;
  return TRUE;
}

gboolean db_set_stamp(Db *db, gint64 application, gint64 version, GError **error) {
  g_autofree char *mark = g_strdup_printf(
      "PRAGMA application_id = %" G_GINT64_FORMAT "; PRAGMA user_version = %" G_GINT64_FORMAT, application, version);
  return db_run(db, mark, error);
}

static gboolean ask_whole(Db *db, const char *pragma, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) check = db_prepare(db, pragma, error);
  if (!check || !db_step(check, &row, error))
    return FALSE;
  const char *answer = row ? db_text(check, 0) : "no answer";
  if (!db_row_whole(check, error))
    return FALSE;
  /* "error code=7": it had no memory for a page (SQLITE_NOMEM), which is not damage. */
  return strcmp(answer, "ok") == 0 ||
         sallyport_error_set(error, strstr(answer, "error code=7") ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_STORAGE,
                             "the database is damaged: %s", answer);
}

static gboolean check_whole(Db *db, const char *but, GError **error) {
  gboolean row = FALSE, ok;
  if (!but)
    return ask_whole(db, "PRAGMA integrity_check(1)", error);
  g_autoptr(DbStatement) tables = db_prepare(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", error);
  ok = tables && ask_whole(db, "PRAGMA quick_check(1)", error);
  while (ok && (ok = db_step(tables, &row, error)) && row) {
    const char *name = db_text(tables, 0);
    g_autofree char *pragma = g_strdup_printf("PRAGMA integrity_check(\"%s\")", name);
    ok = g_strcmp0(name, but) == 0 || ask_whole(db, pragma, error);
  }
  return ok;
}

gboolean db_check(Db *db, const char *but, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) keys = NULL;
  if (!check_whole(db, but, error) || !(keys = db_prepare(db, "PRAGMA foreign_key_check", error)) ||
      !db_step(keys, &row, error))
    return FALSE;
  return !row || sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                     "a row refers to one that is missing: %s, row %" G_GINT64_FORMAT, db_text(keys, 0),
                                     db_integer(keys, 1));
}

/* --- Transactions. */

static gboolean have_step(Db *db, TxStep step, GError **error) {
  return db->steps[step] || (db->steps[step] = db_prepare(db, steps[step], error));
}

static gboolean take_step(Db *db, TxStep step, GError **error) {
  return have_step(db, step, error) && db_done(db->steps[step], error);
}

/* What ends it is there before it begins: without memory it could not be prepared then, and the connection would be in
 * that transaction for good. */
gboolean db_begin(Db *db, GError **error) {
  return have_step(db, TX_ROLLBACK, error) && take_step(db, TX_BEGIN, error);
}

gboolean db_begin_read(Db *db, GError **error) {
  return have_step(db, TX_ROLLBACK, error) && take_step(db, TX_BEGIN_READ, error);
}

gboolean db_commit(Db *db, GError **error) {
  return take_step(db, TX_COMMIT, error);
}

gboolean db_savepoint(Db *db, GError **error) {
  return take_step(db, TX_SAVEPOINT, error);
}

gboolean db_release(Db *db, GError **error) {
  return take_step(db, TX_RELEASE, error);
}

gboolean db_rollback_to_savepoint(Db *db, GError **error) {
  return take_step(db, TX_ROLLBACK_TO, error) && take_step(db, TX_RELEASE, error);
}

void db_rollback(Db *db) {
  for (guint i = 0; i < 2 && db_in_transaction(db); i++)
    (void)take_step(db, TX_ROLLBACK, NULL);
}

gboolean db_in_transaction(const Db *db) {
  return !sqlite3_get_autocommit(db->sqlite);
}

char *db_plan(Db *db, const char *sql, GError **error) {
  g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", sql, NULL);
  g_autoptr(DbStatement) statement = db_prepare(db, explain, error);
  GString *plan = g_string_new(NULL);
  gboolean row = statement != NULL, ok = row;
  while (ok && row) {
    ok = db_step(statement, &row, error);
    if (ok && row)
      g_string_append_printf(plan, "%s\n", db_text(statement, 3));
  }
  return g_string_free(plan, !ok);
}
