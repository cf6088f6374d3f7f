/* The publishing of a task whose shards are all durable: sums, signature and, last, the manifest; then the task is
 * done. */
#pragma once
#include "gateway/common/paths.h"
#include "store/book_recon.h"

typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const LanePaths *paths;
  Book *book;
  BookReader *reader;   /* the thread's */
  guint threads;        /* for the work on one task */
  guint alarm_ways;     /* by which it is told that an alarm has cleared */
  const gboolean *stop; /* becomes TRUE when the lane ends */
} ReconHost;

/* Everything of it may be done again after a crash: the same task gives the same manifest, and each file is replaced as
 * a whole. On TRUE the task is done, in the book, too. */
gboolean recon_publish(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, gint64 made_at,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In the transaction in which this version is published, or found to be the one before: what was late for the period is
 * in it. What was decided behind its snapshot is looked at once more (late.h). */
gboolean recon_settle_late(BookTransaction *tx, const ReconHost *host, const ReconTask *task,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the published version before this task's has the very same lines, shard by shard. */
gboolean recon_is_unchanged(const ReconHost *host, const ReconTask *task, gboolean *unchanged,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
