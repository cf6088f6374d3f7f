/* One task, from its snapshot to its publication. May be called again after any interruption: it goes on at the shard.
 */
#pragma once
#include "gateway/recon/publish.h"
#include "gateway/recon/source.h"

typedef enum {
  RECON_GENERATED, /* it is done */
  RECON_LATER,     /* it waits for files that are in posting: due_at says until when */
  RECON_UNCHANGED, /* its lines are those of the version before: it has been taken away, shards and all */
} ReconOutcome;
gboolean recon_generate(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, ReconOutcome *outcome,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The records of a period once more, for whoever compares: of a published task of the ledger, up to its snapshot; else
 * (task NULL, or another source) as they are now. `use` gets the source, which is ended when it returns. Nothing is
 * changed; `host` needs no book. */
typedef gboolean (*ReconUse)(gpointer user, ReconSource *source, GError **error);
gboolean recon_read_again(const ReconHost *host, const ConfReconcile *reconcile, const char *period,
                          const ReconTask *task, const char *work, ReconUse use, gpointer user,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
