#include "gateway/processors/rating/desk.h"
#include "gateway/threads/crew.h"

typedef struct {
  RatingDesk *desk;
  DeskWork work;
  gpointer user;
  gint next; /* atomic: the next shard */
} Spreading;

static void work_on_shards(gpointer data) {
  Spreading *spreading = data;
  RatingDesk *desk = spreading->desk;
  for (guint shard; (shard = (guint)g_atomic_int_add(&spreading->next, 1)) < desk->n_shards;)
    if (spreading->work(spreading->user, shard, &desk->shards[shard].error))
      g_clear_error(&desk->shards[shard].error);
}

gboolean rating_desk_spread(RatingDesk *desk, guint threads, DeskWork work, gpointer user, GError **error) {
  Spreading spreading = {desk, work, user, 0};
  GError *first = NULL;
  crew_run(MIN(threads, desk->n_shards), work_on_shards, &spreading);
  for (guint i = 0; i < desk->n_shards; i++) {
    GError *own = g_steal_pointer(&desk->shards[i].error);
    if (own && !first)
      first = own;
    else
      g_clear_error(&own);
  }
  if (first)
    g_propagate_error(error, first);
  return !first;
}
