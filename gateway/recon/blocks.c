/* What every file of a lane's reconciliation asks its thread's state for. */
#include "gateway/recon/recon_private.h"
#include <string.h>

ReconHost recon_host(const Recon *recon, BookReader *reader) {
  const LaneHost *lane = recon->host;
  return (ReconHost){.conf = lane->conf,
                     .lane = lane->lane,
                     .paths = lane->paths,
                     .book = lane->book,
                     .reader = reader,
                     .threads = lane->threads,
                     .alarm_ways = lane->alarm_ways,
                     .stop = &recon->stop};
}

ReconBlock *recon_block(const Recon *recon, const char *name) {
  for (guint i = 0; i < recon->blocks->len; i++)
    if (strcmp(((ReconBlock *)recon->blocks->pdata[i])->conf->name, name) == 0)
      return recon->blocks->pdata[i];
  return NULL;
}

ReconBlock *recon_block_of(const Recon *recon, const ReconTask *task) {
  ReconBlock *block = recon_block(recon, task->name);
  return block && strcmp(block->conf->requester, task->requester) == 0 ? block : NULL;
}

void recon_wake(Recon *recon) {
  pthread_mutex_lock(&recon->lock);
  recon->woken = TRUE;
  pthread_cond_signal(&recon->changed);
  pthread_mutex_unlock(&recon->lock);
}
