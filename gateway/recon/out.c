/* Which published task is to go where, and when it is tried again. That a way is under way is known in memory only:
 * after a restart everything that the book does not say is tried. */
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/recon/recon_private.h"
#include "gateway/recon/ways.h"
#include <string.h>

enum { MOST_AT_ONCE = 5000 };

typedef struct {
  gboolean is_under_way;
  guint failures;
  gint64 retry_at; /* monotonic */
} Way;
void recon_way_free(gpointer way) {
  g_free(way);
}

typedef struct {
  Task task;
  Recon *recon;
  const ConfReconcile *conf;
  EndpointPool *pool;
  char *id, *key;
  gboolean is_push;
} Errand;

/* The way is free again, and waits: for seconds, or, after success, for ever, since the book says that it is done. */
static void end_errand(Errand *errand, guint failures, gint64 wait) {
  Recon *recon = errand->recon;
  pthread_mutex_lock(&recon->lock);
  Way *way = g_hash_table_lookup(recon->ways, errand->key);
  if (way) {
    way->is_under_way = FALSE;
    way->failures = failures;
    way->retry_at = g_get_monotonic_time() + wait * G_USEC_PER_SEC;
  }
  pthread_mutex_unlock(&recon->lock);
  g_free(errand->id);
  g_free(errand->key);
  g_free(errand);
}

static void drop_errand(Task *task) {
  end_errand((Errand *)task, 0, policy_wait(POLICY_PUSH, 1) / G_USEC_PER_SEC);
}

static guint failures_of(const Errand *errand) {
  pthread_mutex_lock(&errand->recon->lock);
  const Way *way = g_hash_table_lookup(errand->recon->ways, errand->key);
  guint failures = way ? way->failures : 0;
  pthread_mutex_unlock(&errand->recon->lock);
  return failures;
}

static gboolean note_problem(BookTransaction *tx, gpointer data, GError **error) {
  return recon_note_problem(tx, data, error);
}

static void fail_errand(Errand *errand, ReconTask *task, const GError *why, gint64 retry_after) {
  guint failures = failures_of(errand) + 1;
  gint64 wait = MAX(policy_wait(POLICY_PUSH, failures) / G_USEC_PER_SEC, MIN(retry_after, POLICY_RETRY_AFTER_MOST));
  g_autoptr(GError) unnoted = NULL;
  log_event(LOG_WARNING, errand->is_push ? "recon-not-pushed" : "recon-not-told", {"reconcile", errand->conf->name},
            {"task", errand->id}, {"code", sallyport_error_word((int)sallyport_error_code(why))},
            {"again_in", log_number(wait)}, {"error", why->message});
  if (task && (!task->problem || strcmp(task->problem, why->message) != 0)) {
    g_free(task->problem);
    task->problem = g_strdup(why->message);
    task->attempts = failures;
    if (!book_write(errand->recon->host->book, note_problem, task, &unnoted))
      log_event(LOG_WARNING, "not-noted", {"task", task->id}, {"error", unnoted->message});
  }
  if (sallyport_error_code(why) == SALLYPORT_ERROR_STORAGE)
    errand->recon->host->storage_failed(errand->recon->host->user);
  end_errand(errand, failures, wait);
}

static void run_errand(Task *base, BookReader *reader, Courier *courier, const GError *failure) {
  Errand *errand = (Errand *)base;
  ReconHost host = recon_host(errand->recon, reader);
  gint64 retry_after = -1;
  gboolean more = FALSE;
  g_autoptr(GError) error = NULL;
  g_autoptr(ReconTask) task = recon_find_task(reader, errand->id, &error);
  if (failure || !task) {
    fail_errand(errand, task,
                failure ? failure
                : error ? error
                        : g_error_new(SALLYPORT_ERROR, SALLYPORT_ERROR_BUG, "the task is gone"),
                -1);
    return;
  }
  gboolean ok = errand->is_push ? recon_push(&host, errand->conf, task, courier, &more, &error)
                                : recon_notify(&host, errand->conf, task, courier, &retry_after, &error);
  if (!ok) {
    fail_errand(errand, task, error, retry_after);
    return;
  }
  if (more) { /* behind what has come meanwhile: a long push must not keep the endpoint's other work waiting */
    endpoint_pool_add(errand->pool, base);
    return;
  }
  log_event(LOG_INFO, errand->is_push ? "recon-pushed" : "recon-told", {"reconcile", errand->conf->name},
            {"task", task->id}, {"period", task->period}, {"version", log_number(task->version)});
  end_errand(errand, 0, 0);
}

/* TRUE when it may begin now; it is under way then. */
static gboolean claim(Recon *recon, const char *key) {
  pthread_mutex_lock(&recon->lock);
  Way *way = g_hash_table_lookup(recon->ways, key);
  if (!way)
    g_hash_table_insert(recon->ways, g_strdup(key), way = g_new0(Way, 1));
  gboolean may = !way->is_under_way && way->retry_at <= g_get_monotonic_time();
  way->is_under_way |= may;
  pthread_mutex_unlock(&recon->lock);
  return may;
}

static void send(Recon *recon, const ReconBlock *block, const ReconTask *task, gboolean is_push) {
  const char *endpoint = is_push ? block->conf->push_endpoint : block->conf->status_endpoint;
  g_autofree char *key = g_strdup_printf("%s %s", task->id, is_push ? "push" : "tell");
  EndpointPool *pool = endpoint ? feeds_pool(recon->host->feeds,
                                             conf_partner(recon->host->conf, block->conf->requester), endpoint)
                                : NULL;
  if (!pool || !claim(recon, key))
    return;
  Errand *errand = g_new0(Errand, 1);
  *errand = (Errand){.task = {run_errand, drop_errand},
                     .recon = recon,
                     .conf = block->conf,
                     .pool = pool,
                     .id = g_strdup(task->id),
                     .key = g_steal_pointer(&key),
                     .is_push = is_push};
  endpoint_pool_add(pool, &errand->task);
}

/* Ways of tasks that are through are forgotten. */
static gboolean is_not_open(gpointer key, gpointer way, gpointer open) {
  g_autofree char *id = g_strndup(key, 16);
  return !((Way *)way)->is_under_way && !g_hash_table_contains(open, id);
}

gboolean recon_send_out(Recon *recon, GError **error) {
  ReconFilter filter = {.outstanding = TRUE, .limit = MOST_AT_ONCE};
  g_autoptr(GPtrArray) tasks = recon_tasks(recon->reader, &filter, error);
  g_autoptr(GHashTable) open = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; tasks && i < tasks->len; i++) {
    const ReconTask *task = tasks->pdata[i];
    const ReconBlock *block = recon_block_of(recon, task);
    g_hash_table_add(open, task->id);
    if (!block)
      continue;
    if (task->pushed_at == 0)
      send(recon, block, task, TRUE);
    if (task->told_at == 0)
      send(recon, block, task, FALSE);
  }
  pthread_mutex_lock(&recon->lock);
  if (tasks && tasks->len < MOST_AT_ONCE)
    g_hash_table_foreach_remove(recon->ways, is_not_open, open);
  pthread_mutex_unlock(&recon->lock);
  return tasks != NULL;
}
