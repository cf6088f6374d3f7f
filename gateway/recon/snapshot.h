/* A task's snapshot, as the book has it: what its records are read up to. */
#pragma once
#include "store/book_recon.h"

#define RECON_LATE_ALARM "recon-late"
#define RECON_FAILED_ALARM "recon-failed"
/* "NAME PERIOD": what either alarm is about; the caller frees. */
char *recon_late_subject(const char *name, const char *period);

typedef struct {
  char *plan;
  gint64 at;       /* microseconds since 1970 */
  gint64 sequence; /* the audit's last row before it; -1: not known */
  char *from, *to; /* business dates */
  gint64 *positions;
  guint shards;
  GHashTable *without; /* ids of files that are not whole in it */
  guint supplements;   /* the version whose records are not read again; 0: all of the period are */
} ReconSnapshot;
/* FALSE: there is none, or nothing that we wrote. To be cleared in both cases. */
gboolean recon_snapshot_read(const char *text, ReconSnapshot *snapshot);
char *recon_snapshot_text(const ReconSnapshot *snapshot);
void recon_snapshot_clear(ReconSnapshot *snapshot);
/* Of the version before the task's; *version is 0 where there is none, or where that did not write down what it has.
 * To be cleared in all cases. */
gboolean recon_snapshot_before(BookReader *reader, const ReconTask *task, ReconSnapshot *snapshot, guint *version,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the ledger has the file up to the snapshot, and as a whole. FOLDER is the lane's. */
gboolean recon_snapshot_has(const ReconSnapshot *snapshot, const char *folder, const char *ledger, const char *file,
                            gboolean *has, GError **error) G_GNUC_WARN_UNUSED_RESULT;
