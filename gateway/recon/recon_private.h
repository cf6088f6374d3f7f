/* What the files of a lane's reconciliation share: its thread (recon.c), its blocks (blocks.c), its tasks' ways out
 * (out.c), its requests (recon_control.c). */
#pragma once
#include "gateway/recon/generate.h"
#include "gateway/recon/period.h"
#include "gateway/recon/recon.h"
#include <pthread.h>

typedef struct {
  const ConfReconcile *conf;
  ReconSchedule *schedule;
  gint64 made_until; /* tasks that fell due by then are made; 0: not known yet */
} ReconBlock;

typedef struct {
  const LaneHost *host;
  GPtrArray *blocks;  /* ReconBlock* */
  BookReader *reader; /* the thread's */
  gboolean stop;      /* atomic */
  pthread_t thread;
  gint64 house_at;      /* monotonic: the thread's */
  gint64 late_seen, late_written; /* likewise: rows of the audit that were looked at (late.h); -1: the book knows */
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  gboolean woken;
  char *working;    /* the task that is being generated */
  GHashTable *ways; /* "TASK push" → ReconWay*: under way, or when it may be tried again */
} Recon;

ReconHost recon_host(const Recon *recon, BookReader *reader);
ReconBlock *recon_block(const Recon *recon, const char *name); /* NULL: not configured any more */
/* NULL also when the block is another requester's now: what was made or is to be made for the one before goes to nobody
 * else. */
ReconBlock *recon_block_of(const Recon *recon, const ReconTask *task);
void recon_wake(Recon *recon);

/* --- out.c */
/* Hands every published task that is not pushed or told to its endpoint, when its next try is due. */
gboolean recon_send_out(Recon *recon, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void recon_way_free(gpointer way);

/* --- recon_control.c */
extern const LaneRequest recon_requests[];
json_t *recon_status(gpointer recon);
