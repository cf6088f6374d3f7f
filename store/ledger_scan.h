/* The ledger's entries of some business dates, as a stream in the order of file, batch and line, up to fixed positions.
 *
 * The positions (the last entry of each shard at one moment) make the snapshot: entries are only ever appended, so what
 * is read does not change while posting goes on, no transaction is held open, and reading it again gives the same.
 * Memory is flat: a page of postings per shard, and the entries of one batch. Postings of other dates are skipped by an
 * index. One thread at a time. */
#pragma once
#include "gateway/base/error.h"
#include "store/block.h"

/* The last entry of each shard now: the array is the caller's, *shards long. NULL on error. */
gint64 *ledger_positions(const char *folder, const char *name, guint *shards, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Removes from the set those files (ids) of which nothing is posted up to the positions. */
gboolean ledger_keep_posted(const char *folder, const char *name, const gint64 *positions, guint shards,
                            GHashTable *files, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  const char *folder, *name;
  /* as ledger_positions gave them: CONFIGURATION when the ledger has another number of shards */
  const gint64 *positions;
  guint shards;
  const char *from, *to; /* business dates, both included */
  const char *after_file;
  guint after_batch;
  guint64 after_line; /* only what comes behind; NULL: from the beginning */
  /* Asked once per file, before anything of it is read; NULL: all are wanted. With *error set the scan fails. */
  gboolean (*wanted)(gpointer user, const char *file, GError **error);
  gpointer user;
} LedgerScanOptions;

/* The columns of a posting's block. */
enum { LEDGER_SCAN_KEY, LEDGER_SCAN_ACCOUNT, LEDGER_SCAN_DATE, LEDGER_SCAN_AMOUNT, LEDGER_SCAN_COLUMNS };
typedef struct {
  RecordBlock *block; /* lines are the file's; a null date is business_date */
  const char *business_date;
  gint64 posted_at; /* microseconds since 1970 */
} LedgerScanPosting;
typedef struct {
  guint32 posting, record;
} LedgerScanEntry;
/* The entries of one batch of one file. Valid until the next call. */
typedef struct {
  const char *file;
  guint batch;
  const LedgerScanPosting *postings;
  guint n_postings;
  const LedgerScanEntry *entries;
  guint n; /* by line; only those of the dates, at least one */
} LedgerScanGroup;

typedef struct LedgerScan LedgerScan;
/* copies what it needs */
LedgerScan *ledger_scan_open(const LedgerScanOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *group is NULL at the end. */
gboolean ledger_scan_next(LedgerScan *scan, const LedgerScanGroup **group, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_scan_close(LedgerScan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerScan, ledger_scan_close)
