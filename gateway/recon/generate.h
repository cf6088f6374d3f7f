/* One task, from its snapshot to its publication. May be called again after any interruption: it goes on at the shard. */
#pragma once
#include "gateway/recon/publish.h"

typedef enum {
  RECON_GENERATED,  /* it is done */
  RECON_LATER,      /* it waits for files that are in posting: due_at says until when */
  RECON_UNCHANGED,  /* its lines are those of the version before: it has been taken away, shards and all */
} ReconOutcome;
gboolean recon_generate(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, ReconOutcome *outcome, GError **error) G_GNUC_WARN_UNUSED_RESULT;
