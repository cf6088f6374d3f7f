/* SQLite as this room uses it: how connections are opened, how its codes become ours, and small helpers for statements.
 * It knows no schema. Only store/ includes it.
 *
 * SQL lives in .sql files (packaging/sql-to-c). A file may hold named statements: each begins after a line
 *   -- name: insert-entry
 * and ends before the next such line or the file's end. A statement is prepared by its name. */
#pragma once
#include "gateway/base/error.h"
#include <sqlite3.h>

typedef enum {
  SQLITE_USE_READ,    /* an existing file, never written, never checkpointed; also while another process writes it */
  SQLITE_USE_WRITE,   /* the one writer of a WAL file (made when missing): synchronous=FULL, foreign keys on. -wal and
                       * -shm   stay when it is closed, so that readers without write permission can open the file too */
  SQLITE_USE_SCRATCH, /* a file that a crash may cost: no journal, no sync, exclusive */
} SqliteUse;

typedef struct {
  const char *path;
  SqliteUse use;
  guint page_size;         /* bytes, for a new file; 0: 4096 */
  guint cache_kib;         /* 0: 2048 */
  gboolean own_checkpoint; /* SQLITE_USE_WRITE: no automatic checkpoints, not at closing either: the caller calls
                            * sqlite_checkpoint, and does not after a failed sync */
} SqliteOpen;

/* Opens with the pragmas of its use, a busy time-out of 5 s, defensive, extended codes, trusted_schema off, mode 0600
 * for a new file. A connection is used by one thread at a time. NULL on error; the caller closes with sqlite_close. */
sqlite3 *sqlite_open(const SqliteOpen *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sqlite_close(sqlite3 *db); /* every statement must have been finalized; NULL is allowed */

/* Sets *error from the connection's last failure, with SQLite's own words. BUSY, LOCKED, FULL, NOMEM and what comes
 * from too little space or too few descriptors are AGAIN; I/O errors (a failed sync always) and damage are STORAGE (so
 * is a used-up quota, which SQLite does not tell apart from a failed write); a file that cannot be opened is
 * CONFIGURATION; all else is BUG. This is the only place that maps SQLite's codes. Returns FALSE. */
gboolean sqlite_fail(sqlite3 *db, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Runs SQL text of any number of statements that return nothing of interest. */
gboolean sqlite_run(sqlite3 *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Rolls back if a transaction is open; what goes wrong with that leaves the connection without a transaction all the
 * same. */
void sqlite_rollback(sqlite3 *db);

/* The statement's text of that name, up to the next one. NULL: there is none. The caller frees. */
char *sqlite_named(const char *sql, const char *name);
/* Prepares one statement that will be used many times; the second form by its name in the text of an .sql file.
 * NULL on error. The caller finalizes (g_autoptr(sqlite3_stmt) does). */
sqlite3_stmt *sqlite_prepare(sqlite3 *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
sqlite3_stmt *sqlite_prepare_named(sqlite3 *db, const char *sql, const char *name,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Binds parameters 1… by a format: i gint64 · u guint · s const char * (NULL: null) · t const char *, gsize (text of
 * that length) · b const void *, gsize (blob) · n null (takes no argument) · - leaves the parameter as it is. Text and
 * blobs are borrowed: they must live until the statement is reset. */
void sqlite_bind(sqlite3_stmt *statement, const char *format, ...);

/* One step. *row tells whether there is a row; at the end (and on error) the statement has been reset and its bindings
 * cleared. `sqlite_done` is for statements without rows of interest: steps to the end. */
gboolean sqlite_step(sqlite3_stmt *statement, gboolean *row, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean sqlite_done(sqlite3_stmt *statement, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends a statement whose rows are not all wanted. */
void sqlite_reset(sqlite3_stmt *statement);
/* Copy of a text column; NULL for null. The caller frees. */
char *sqlite_column_copy(sqlite3_stmt *statement, int column);
/* The first column of the first row as an integer; 0 when there is no row or it is null. */
gboolean sqlite_integer(sqlite3 *db, const char *sql, gint64 *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Checkpoints the WAL of the writer's connection; with `truncate`, when no reader is in the way, the WAL is emptied. A
 * reader that holds an old snapshot is no error: the rest is checkpointed the next time. */
gboolean sqlite_checkpoint(sqlite3 *db, gboolean truncate, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* EXPLAIN QUERY PLAN of a statement, a line per step: for the tests of query plans. The caller frees. */
char *sqlite_plan(sqlite3 *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)
