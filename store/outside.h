/* A query of somebody else's database, as a stream of blocks: an SQLite file or a PostgreSQL server. It is only read:
 * SQLite is opened read-only and takes one SELECT without anything that reaches beyond it; PostgreSQL runs it in a
 * read-only, repeatable-read transaction. Rows are fetched one by one, so memory is flat. One thread at a time. */
#pragma once
#include "gateway/base/error.h"
#include "store/staging.h"

typedef struct {
  const char *database;         /* SQLite: a path; PostgreSQL: a connection string of libpq */
  const char *query;            /* one SELECT. SQLite: may name :date :from :to; PostgreSQL: $1 $2 $3 in this order */
  const char *date, *from, *to; /* the period ("2026-11-20", "2026-11"), its first and its last day */
  const gboolean *stop;         /* becomes TRUE: give up with AGAIN. NULL: never */
} OutsideQuery;

typedef struct Outside Outside;
/* The query has begun on return, and the columns are known. CONFIGURATION: a bad query or connection string, a database
 * that is not there; AGAIN: no connection, or a busy database. */
Outside *outside_open_sqlite(const OutsideQuery *query, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Outside *outside_open_postgresql(const OutsideQuery *query, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Columns are texts or integers. SQLite: an integer where the table says so (INT…), or, for an expression, where the
 * first row has one; PostgreSQL: smallint, integer, bigint, and numeric with a declared scale, as scaled integers. */
const StagingColumn *outside_columns(const Outside *outside, guint *n);
/* Appends rows while the block has room; none: the end. FILE for a value that is no text or integer (REAL, BLOB, not
 * UTF-8), or not of its column: the query can say what it should be (CAST, printf). */
gboolean outside_fill(Outside *outside, RecordBlock *block, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void outside_close(Outside *outside);
