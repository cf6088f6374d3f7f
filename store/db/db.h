/* The driver: connections to a database, statements by name, values in and out, transactions. It knows no table, and
 * its callers know no engine: no engine's type, code or function leaves this folder. SQLite is behind it.
 *
 * SQL lives in .sql files (packaging/sql-to-c). A file may hold named statements: each begins after a line
 *   -- name: insert-entry
 * and ends before the next such line or the file's end. A statement is prepared by its name. Parameters and columns go
 * by their position; parameters may have names, too (:name). Only store/ includes this. */
#pragma once
#include "gateway/base/error.h"

typedef struct Db Db;                   /* a connection; one thread at a time */
typedef struct DbStatement DbStatement; /* a prepared statement of one; ends before it */

/* --- Connections. */
typedef enum {
  DB_READ,    /* what another process may be writing; never written, never checkpointed */
  DB_WRITE,   /* the one writer (made when missing): a commit is durable when it returns, references are checked. What
               * readers without write permission need to open it stays when it is closed */
  DB_SCRATCH, /* a file that a crash may cost: nothing is synced, nothing can be rolled back, exclusive */
} DbUse;

typedef struct {
  const char *path;
  DbUse use;
  guint page_size;         /* bytes, for a new file; 0: 4096 */
  guint cache_kib;         /* 0: 2048 */
  gboolean own_checkpoint; /* DB_WRITE: no automatic checkpoints, not at closing either: the caller calls db_checkpoint,
                            * and does not after a failed sync */
  gboolean immutable;      /* DB_READ: nobody writes it while it is open; no lock is taken, no file is made beside it */
} DbOptions;

/* NULL on error. A new file has the mode 0600. Waits up to 5 s for a lock. */
Db *db_open(const DbOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void db_close(Db *db); /* every statement must have been freed; NULL is allowed */

/* Sets *error from the connection's last failure, with the engine's own words, and returns FALSE. What comes back by
 * itself (a lock, too little space, memory or descriptors) is AGAIN; I/O errors (a failed sync always) and damage are
 * STORAGE (so is a used-up quota, where the engine does not tell it apart); what cannot be opened is CONFIGURATION; all
 * else is BUG. */
gboolean db_fail(Db *db, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* --- The log of a DB_WRITE connection with own_checkpoint. */
guint64 db_log_bytes(const Db *db); /* written since the log began anew; 0 where an engine keeps its log itself */
/* Copies the log into the database; with `truncate`, when no reader is in the way, the log is emptied. A reader that
 * holds an old snapshot is no error: the rest is copied the next time. */
gboolean db_checkpoint(Db *db, gboolean truncate, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- What kind of database it is, of which version. */
typedef struct {
  gint64 application, version; /* 0: not set */
  gboolean empty;              /* no table yet */
} DbStamp;
gboolean db_stamp(Db *db, DbStamp *stamp, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean db_set_stamp(Db *db, gint64 application, gint64 version, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Is the file whole, and does no row refer to a missing one? STORAGE names the first fault. Whether the indexes of the
 * table `but` fit its rows is not looked at (NULL: of all tables it is): this is most of the work, and for the caller
 * who reads them all the same. */
gboolean db_check(Db *db, const char *but, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Transactions. */
gboolean db_begin(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;      /* to write: takes the writer's lock */
gboolean db_begin_read(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* one snapshot for all questions */
gboolean db_commit(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void db_rollback(Db *db); /* nothing without a transaction; afterwards there is none, whatever went wrong */
gboolean db_in_transaction(const Db *db); /* an engine may give one up by itself, on some errors */
/* One level within a transaction. */
gboolean db_savepoint(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean db_release(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean db_rollback_to_savepoint(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* it ends, too */

/* --- Statements. */
/* Runs SQL text of any number of statements that return nothing of interest. */
gboolean db_run(Db *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The statement's text of that name, up to the next one. NULL: there is none. The caller frees. */
char *db_named(const char *sql, const char *name);
/* Prepares one statement that will be used many times; the second form by its name in the text of an .sql file. NULL on
 * error. The caller frees. */
DbStatement *db_prepare(Db *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
DbStatement *db_prepare_named(Db *db, const char *sql, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void db_statement_free(DbStatement *statement); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DbStatement, db_statement_free)

/* Binds parameters 1… by a format: i gint64 · u guint · s const char * (NULL: null) · t const char *, gsize (text of
 * that length) · b const void *, gsize (bytes) · n null (takes no argument) · - leaves the parameter as it is. Texts
 * and bytes are borrowed: they must live until the statement is reset. A wrong position is our bug and ends the
 * process. */
void db_bind(DbStatement *statement, const char *format, ...);
/* The same, one by one. */
void db_bind_integer(DbStatement *statement, guint parameter, gint64 value);
void db_bind_text(DbStatement *statement, guint parameter, const char *value, gssize length); /* -1: to its end */
void db_bind_bytes(DbStatement *statement, guint parameter, const void *bytes, gsize length);
void db_bind_null(DbStatement *statement, guint parameter);
guint db_parameters(DbStatement *statement);
const char *db_parameter_name(DbStatement *statement, guint parameter); /* with its colon; NULL: it has none */
guint db_parameter(DbStatement *statement, const char *name);           /* its position; 0: there is none */

/* One step. *row tells whether there is a row; at the end (and on error) the statement has been reset and its bindings
 * cleared. `db_done` is for statements without rows of interest: steps to the end. */
gboolean db_step(DbStatement *statement, gboolean *row, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean db_done(DbStatement *statement, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void db_reset(DbStatement *statement); /* ends a statement whose rows are not all wanted */
guint64 db_changed(const Db *db);      /* rows that the last statement inserted, changed or removed */

/* --- A row's values, by column, from 0. What is borrowed is good until the next step. */
gint64 db_integer(DbStatement *statement, guint column);                   /* 0 for null */
const char *db_text(DbStatement *statement, guint column);                 /* NULL for null; borrowed */
const void *db_bytes(DbStatement *statement, guint column, gsize *length); /* of bytes or text; borrowed */
char *db_text_copy(DbStatement *statement, guint column);                  /* the caller frees */
GBytes *db_bytes_copy(DbStatement *statement, guint column);               /* NULL for null */
guint db_columns(DbStatement *statement);
const char *db_column_name(DbStatement *statement, guint column);
/* After the values of a row were read: an engine may give null for a text that it had no memory for, which must not
 * pass for null. AGAIN then. */
gboolean db_row_whole(DbStatement *statement, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The first value of the first row; 0 when there is no row or it is null. */
gboolean db_value(Db *db, const char *sql, gint64 *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How the engine would carry the statement out, a line per step: for the tests of query plans. The caller frees. */
char *db_plan(Db *db, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
