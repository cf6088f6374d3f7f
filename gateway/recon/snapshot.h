/* A task's snapshot, as the book has it: what its records are read up to. */
#pragma once
#include <glib.h>

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
} ReconSnapshot;
/* FALSE: there is none, or nothing that we wrote. To be cleared in both cases. */
gboolean recon_snapshot_read(const char *text, ReconSnapshot *snapshot);
char *recon_snapshot_text(const ReconSnapshot *snapshot);
void recon_snapshot_clear(ReconSnapshot *snapshot);
