/* A query of somebody else's database, as a stream of blocks: an SQLite file, a PostgreSQL server, or whatever has an
 * ODBC driver. It is only read: SQLite is opened read-only and takes one SELECT without anything that reaches beyond
 * it; PostgreSQL runs it in a read-only, repeatable-read transaction; of ODBC, see store/outside/odbc.c. Nothing is
 * ever committed. Rows are fetched one by one, so memory is flat. One thread at a time. What is read in pieces, and
 * gone on with behind the last key, is store/outside_pieces.h's. */
#pragma once
#include "gateway/base/error.h"
#include "store/staging.h"

/* Behind its word (of `from`), how it marks a parameter, and whether the mark has the parameter's number. */
#define OUTSIDE_ENGINES(X)                     \
  X(SQLITE, sqlite, '?', TRUE)                 \
  X(POSTGRESQL, postgresql, '$', TRUE)         \
  X(ODBC, odbc, '?', FALSE)
typedef enum {
#define OUTSIDE_ENGINE(constant, word, mark, numbered) OUTSIDE_##constant,
  OUTSIDE_ENGINES(OUTSIDE_ENGINE) OUTSIDE_N_ENGINES
} OutsideEngine;
gboolean outside_engine(const char *word, OutsideEngine *engine); /* FALSE: none is called so */

/* A parameter. An integer is bound as one where the engine tells integers from texts. */
typedef struct {
  const char *text;
  gboolean is_integer;
} OutsideValue;

typedef struct {
  OutsideEngine engine;
  /* SQLite: a path; PostgreSQL: a connection string of libpq; ODBC: a connection string, as "DSN=core;UID=reader" */
  const char *database;
  const char *password_file; /* of the login; its first line, read when it is opened. NULL: none */
  const char *query; /* one SELECT. SQLite: may name :date :from :to; PostgreSQL: $1 $2 $3; ODBC: ?, in this order */
  const char *date, *from, *to; /* the period ("2026-11-20", "2026-11"), its first and its last day */
  const OutsideValue *values;   /* by position, in place of a period; NULL: none */
  guint n_values;
  guint most;    /* rows: the engine's own limit is put behind the query; 0: no limit */
  guint seconds; /* that the query may take on a server; 0: any time */
  gboolean (*stop)(gpointer user); /* TRUE: give up with AGAIN. NULL: never */
  gpointer user;
} OutsideQuery;

typedef struct Outside Outside;
/* The query has begun on return, and the columns are known. What it borrows is not needed any more but `stop`.
 * CONFIGURATION: a bad query or connection string, a database that is not there, a login that is refused; AGAIN: no
 * connection, or a busy database. No message has the password. */
Outside *outside_open(const OutsideQuery *query, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Columns are texts or integers. SQLite: an integer where the table says so (INT…), or, for an expression, where the
 * first row has one; PostgreSQL: smallint, integer, bigint, and numeric with a declared scale, as scaled integers;
 * ODBC: the same by the driver's word; numbers that may be rounded (REAL, FLOAT, DOUBLE) are refused. */
const StagingColumn *outside_columns(const Outside *outside, guint *n);
/* Appends rows while the block has room; none: the end. FILE for a value that is no text or integer (REAL, BLOB, not
 * UTF-8), or not of its column: the query can say what it should be (CAST, printf). */
gboolean outside_fill(Outside *outside, RecordBlock *block, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void outside_close(Outside *outside);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outside, outside_close)
