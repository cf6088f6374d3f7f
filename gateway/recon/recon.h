/* Reconciliation in a lane: a thread that makes the tasks that are due, generates one after the other, hands what is
 * published to the endpoints' threads, and takes files away whose days are over. Everything that it knows is in the
 * book: it can be ended at any moment. */
#pragma once
#include "gateway/flow/feed_set.h"
#include <jansson.h>

typedef struct Recon Recon;
typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const LanePaths *paths;
  Book *book;
  const Feeds *feeds;
  guint threads; /* for the work on one task */
  void (*storage_failed)(gpointer user);
  gpointer user; /* called when the disk cannot be trusted any more */
} ReconOptions;
/* What it points to outlives it. */
Recon *recon_start(const ReconOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends the thread; what it was at goes on at the next start. Endpoints' threads may still be at work for it: recon_free
 * after them. */
void recon_stop(Recon *recon);
void recon_free(Recon *recon);

/* {"do":"recon-run", "name":…, "date":…, "again":true} → {"ok":true, "task":…, "state":…, "version":…, "period":…,
 * "made":bool}: made is false where a task for that period is there already; its state says whether there is something
 * to wait for. Any thread. */
json_t *recon_answer(Recon *recon, const char *who, const json_t *request);
/* for the lane's status: what is being generated, and the next due time of each block */
json_t *recon_status(Recon *recon);
