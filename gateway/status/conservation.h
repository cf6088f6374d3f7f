/* The invariant between book and ledger: each file's accepted lines are its credits, and no credit lacks its file.
 *
 * It holds at every moment, so it may be checked while the lane works: a file's row is read before its credits, and
 * what is being posted is held to lie between what the book calls posted and what it calls accepted. */
#pragma once
#include "gateway/status/lanes.h"

typedef struct {
  guint64 files, records;
  GArray *credits; /* LedgerTotals of the lane's ledgers, in their order; the caller unrefs it */
} Conservation;

/* Reads all files and credits of a lane with a book; *found says what was in order. FALSE with STORAGE that names the
 * first file which does not agree; there is nothing to free then. */
gboolean conservation_check(const StatusLane *lane, Conservation *found, GError **error) G_GNUC_WARN_UNUSED_RESULT;
