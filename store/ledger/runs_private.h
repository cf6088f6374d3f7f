/* Runs: a stretch of a shard's entries once more, sorted by account and seq, for balances and an account's entries.
 * Written once, from front to back; found in by the first account of each block. Private to store/ledger/. */
#pragma once
#include "store/ledger/ledger_private.h"

typedef struct {
  gint64 id, first, last;
} LedgerRun;

typedef struct {
  const char *account;
  gsize length;
  gint64 seq, amount;
} RunEntry; /* the account is borrowed */

/* All runs in the order of their entries. NULL on error. */
GArray *ledger_runs_list(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
static inline gint64 ledger_runs_folded(const GArray *runs) { /* the last entry that is in a run */
  return runs->len ? g_array_index(runs, LedgerRun, runs->len - 1).last : 0;
}

/* --- Writing, inside a transaction. */
typedef struct {
  DbStatement *insert;
  LedgerRun run;
  gint64 n;
  RecordBlock *block;
  GByteArray *bytes;
} RunWriter;
/* Makes the run for the entries first … last. run_writer_end writes what is left; run_writer_clear is always called. */
gboolean run_writer_begin(RunWriter *writer, Db *db, gint64 first, gint64 last,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean run_writer_add(RunWriter *writer, const RunEntry *entry, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean run_writer_end(RunWriter *writer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void run_writer_clear(RunWriter *writer);

/* --- Reading in order, from the block in which `account` begins (NULL: from the front). */
typedef struct {
  DbStatement *blocks;
  LedgerRun run;
  RecordBlock *block;
  guint at;
  gboolean ended;
} RunCursor;
gboolean run_cursor_open(RunCursor *cursor, Db *db, const LedgerRun *run, const char *account,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The entry that it stands on; not when cursor->ended. */
RunEntry run_cursor_entry(const RunCursor *cursor);
gboolean run_cursor_next(RunCursor *cursor, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void run_cursor_clear(RunCursor *cursor);

/* Tells each folded entry of the account, in order. FALSE from `visit` ends. */
typedef gboolean (*RunVisit)(gpointer user, const RunEntry *entry, GError **error);
gboolean ledger_runs_visit(Db *db, const GArray *runs, const char *account, RunVisit visit, gpointer user,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
