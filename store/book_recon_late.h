/* What comes too late for a published reconciliation: the files that a lane has decided since it last looked, in the
 * order of the audit. How far it has looked is kept in the book (book_fact "recon-late"): a crash skips none. */
#pragma once
#include "store/book_recon.h"

typedef struct {
  gint64 sequence, at;       /* of the row that tells of it; microseconds since 1970 */
  char *id, *feed, *name;    /* the file; the name as it is shown */
  char *business_date;       /* of one whose date was never learnt: the day of its arrival */
  guint64 accepted;          /* its records */
  gboolean is_posted;        /* else rejected, or a duplicate */
} ReconDecided;
/* ReconDecided*, of the rows behind `after` up to `until`. */
GPtrArray *recon_decided_files(BookReader *reader, gint64 after, gint64 until, guint limit,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The audit's last row; 0: none. */
gboolean recon_audit_top(BookReader *reader, gint64 *sequence, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* How far was looked; -1: never. */
gboolean recon_late_seen(BookReader *reader, gint64 *sequence, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean recon_set_late_seen(BookTransaction *tx, gint64 sequence, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Back to the row up to which a version's snapshot was taken, when it is published: what was decided behind it has been
 * passed over until then. No effect when the row is not behind. */
gboolean recon_look_again_from(BookTransaction *tx, gint64 sequence, GError **error) G_GNUC_WARN_UNUSED_RESULT;
