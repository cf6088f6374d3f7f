#include "gateway/recon/recon_private.h"
#include "gateway/base/clock.h"
#include "gateway/base/files.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/recon/late.h"
#include "gateway/recon/names.h"
#include "gateway/recon/shards.h"
#include "gateway/recon/snapshot.h"
#include "store/book_watch.h"
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 1000, MOST_MISSED = 400, HOUSE_SECONDS = 3600, DAY = 86400, STANDARD_DAYS = 90 };

static gboolean is_stopping(const Recon *recon) {
  return g_atomic_int_get(&recon->stop);
}

/* --- Making the tasks that are due */

typedef struct {
  Recon *recon;
  ReconBlock *block;
  GPtrArray *periods;
  guint made;
} Making;

/* One transaction for all periods of a block: nothing is half made, and one that is there already is left alone. */
static gboolean make_tasks(BookTransaction *tx, gpointer data, GError **error) {
  Making *making = data;
  const ConfReconcile *conf = making->block->conf;
  for (guint i = 0; i < making->periods->len; i++) {
    g_autoptr(GError) why = NULL;
    g_autoptr(ReconTask) task = recon_task_new();
    task->name = g_strdup(conf->name);
    task->requester = g_strdup(conf->requester);
    task->type = g_strdup(conf->type);
    task->period = g_strdup(making->periods->pdata[i]);
    if (recon_add_task(tx, task, &why)) {
      making->made++;
      continue;
    }
    if (sallyport_error_code(why) != SALLYPORT_ERROR_FILE) {
      g_propagate_error(error, g_steal_pointer(&why));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean see_block(BookTransaction *tx, gpointer data, GError **error) {
  ReconBlock *block = data;
  return recon_see_block(tx, block->conf->name, &block->made_until, error);
}

/* After an outage everything since the block was first seen is made, the latest MOST_MISSED periods of it. */
static gboolean make_due(Recon *recon, ReconBlock *block, GError **error) {
  gint64 now = g_get_real_time();
  if (block->made_until == 0 && !book_write(recon->host->book, see_block, block, error))
    return FALSE;
  if (now < block->made_until) /* the clock was set back */
    return TRUE;
  g_autoptr(GPtrArray) periods = recon_periods_due(block->schedule, block->made_until, now, MOST_MISSED);
  Making making = {recon, block, periods, 0};
  if (periods->len > 0 && !book_write(recon->host->book, make_tasks, &making, error))
    return FALSE;
  if (making.made > 0)
    log_event(LOG_INFO, "recon-due", {"reconcile", block->conf->name}, {"tasks", log_number(making.made)},
              {"last", periods->pdata[periods->len - 1]});
  block->made_until = now;
  fault_point("recon-after-tasks");
  return TRUE;
}

/* --- Generating */

static gboolean advance_pending(BookTransaction *tx, gpointer data, GError **error) {
  ReconTask *task = data;
  return recon_advance_task(tx, task, RECON_PENDING, task->problem, error);
}
typedef struct {
  ReconTask *task;
  guint alarm_ways;
} Failing;

/* The alarm clears when the period's files are made. */
static gboolean advance_failed(BookTransaction *tx, gpointer data, GError **error) {
  const Failing *failing = data;
  ReconTask *task = failing->task;
  g_autofree char *subject = recon_late_subject(task->name, task->period);
  g_autofree char *text = g_strdup_printf("reconciliation %s: its files cannot be made, and it is not tried again; "
                                          "`sallyport recon show %s` says why, then `sallyport recon run %s --date %s`",
                                          subject, task->id, task->name, task->period);
  AlarmCall call = {.kind = RECON_FAILED_ALARM,
                    .subject = subject,
                    .text = text,
                    .detail = task->problem,
                    .weight = g_get_real_time(),
                    .ways = failing->alarm_ways};
  return recon_advance_task(tx, task, RECON_FAILED, task->problem, error) && book_raise_alarm(tx, &call, error);
}
static gboolean note_waiting(BookTransaction *tx, gpointer data, GError **error) {
  return recon_note_task(tx, data, NULL, error);
}

/* Trying again helps for a while, or never: what is wrong with settings or data waits for a person, or for another
 * configuration. */
static gboolean is_worth_another_try(const ReconTask *task, const GError *why) {
  SallyportErrorCode code = sallyport_error_code(why);
  return task->attempts < POLICY_STATEMENT_TRIES &&
         (code == SALLYPORT_ERROR_AGAIN || code == SALLYPORT_ERROR_UNCERTAIN);
}

static gboolean put_off(Recon *recon, ReconTask *task, const GError *why, GError **error) {
  task->attempts++;
  g_free(task->problem);
  task->problem = g_strdup(why->message);
  gboolean again = is_worth_another_try(task, why);
  task->due_at = g_get_real_time() + policy_wait(POLICY_STATEMENT, task->attempts);
  log_event(again ? LOG_WARNING : LOG_ERROR, again ? "recon-again" : "recon-failed", {"reconcile", task->name},
            {"task", task->id}, {"period", task->period},
            {"code", sallyport_error_word((int)sallyport_error_code(why))}, {"error", why->message});
  Failing failing = {task, recon->host->alarm_ways};
  if (!again)
    return book_write(recon->host->book, advance_failed, &failing, error);
  return book_write(recon->host->book, task->state == RECON_PENDING ? note_waiting : advance_pending, task, error);
}

static void log_outcome(const ReconTask *task, ReconOutcome outcome, gint64 began) {
  if (outcome == RECON_UNCHANGED)
    log_event(LOG_INFO, "recon-unchanged", {"reconcile", task->name}, {"task", task->id}, {"period", task->period},
              {"version", log_number(task->version)});
  if (outcome == RECON_GENERATED)
    log_event(LOG_INFO, "recon-done", {"reconcile", task->name}, {"task", task->id}, {"period", task->period},
              {"version", log_number(task->version)}, {"records", log_number((gint64)task->records)},
              {"shards", log_number(task->shards)}, {"ms", log_number((g_get_monotonic_time() - began) / 1000)});
}

static void set_working(Recon *recon, const char *id) {
  pthread_mutex_lock(&recon->lock);
  g_free(recon->working);
  recon->working = g_strdup(id);
  pthread_mutex_unlock(&recon->lock);
}

static gboolean run_task(Recon *recon, ReconTask *task, GError **error) {
  const ReconBlock *block = recon_block_of(recon, task);
  ReconHost host = recon_host(recon, recon->reader);
  ReconOutcome outcome = RECON_LATER;
  g_autoptr(GError) why = NULL;
  gint64 began = g_get_monotonic_time();
  if (!block) /* told by status; with its block back it goes on */
    return TRUE;
  set_working(recon, task->id);
  gboolean ok = recon_generate(&host, block->conf, task, &outcome, &why);
  set_working(recon, NULL);
  if (ok && outcome == RECON_LATER)
    return book_write(recon->host->book, note_waiting, task, error);
  if (ok) {
    log_outcome(task, outcome, began);
    recon->late_seen = -1; /* the book has gone back to what was decided meanwhile */
    return TRUE;
  }
  if (is_stopping(recon))
    return TRUE; /* it stays running, and goes on at the next start */
  if (sallyport_error_code(why) != SALLYPORT_ERROR_STORAGE)
    return put_off(recon, task, why, error);
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean run_due(Recon *recon, GError **error) {
  ReconFilter filter = {.due_by = g_get_real_time()};
  g_autoptr(GPtrArray) due = recon_tasks(recon->reader, &filter, error);
  for (guint i = 0; due && i < due->len && !is_stopping(recon); i++) {
    ReconTask *task = due->pdata[i];
    if (!run_task(recon, task, error))
      return FALSE;
  }
  return due != NULL;
}

/* --- House-keeping */

static guint days_of(const Recon *recon, const char *name) {
  const ReconBlock *block = recon_block(recon, name);
  return block ? block->conf->keep_days : STANDARD_DAYS;
}

static gboolean note_removed(BookTransaction *tx, gpointer data, GError **error) {
  return recon_note_way(tx, data, RECON_WAS_REMOVED, error);
}

/* The row first: a file that is still there although the book says that it is gone is only not served. */
static gboolean remove_files(Recon *recon, ReconTask *task, GError **error) {
  g_autofree char *path = recon_folder(recon->host->paths->folder, task->id);
  if (!book_write(recon->host->book, note_removed, task, error))
    return FALSE;
  files_remove_folder(path);
  log_event(LOG_INFO, "recon-removed", {"reconcile", task->name}, {"task", task->id}, {"period", task->period});
  return TRUE;
}

static gboolean keep_house(Recon *recon, GError **error) {
  gint64 now = g_get_real_time();
  if (recon->house_at > g_get_monotonic_time())
    return TRUE;
  recon->house_at = g_get_monotonic_time() + (gint64)HOUSE_SECONDS * G_USEC_PER_SEC;
  ReconFilter filter = {.kept_from = now - (gint64)DAY * G_USEC_PER_SEC};
  g_autoptr(GPtrArray) kept = recon_tasks(recon->reader, &filter, error);
  for (guint i = 0; kept && i < kept->len; i++) {
    ReconTask *task = kept->pdata[i];
    gboolean is_outstanding = task->pushed_at == 0 || task->told_at == 0;
    if (!is_outstanding && task->done_at < now - (gint64)days_of(recon, task->name) * DAY * G_USEC_PER_SEC &&
        !remove_files(recon, task, error))
      return FALSE;
  }
  return kept != NULL;
}

/* --- The thread */

static void wait_a_little(Recon *recon) {
  gint64 until = g_get_monotonic_time() + LOOK_MS * 1000;
  pthread_mutex_lock(&recon->lock);
  while (!recon->woken && !is_stopping(recon) && g_get_monotonic_time() < until)
    clock_condition_wait(&recon->changed, &recon->lock, until);
  recon->woken = FALSE;
  pthread_mutex_unlock(&recon->lock);
}

static gboolean look_at_tasks(Recon *recon, GError **error) {
  for (guint i = 0; i < recon->blocks->len; i++)
    if (!make_due(recon, recon->blocks->pdata[i], error))
      return FALSE;
  return run_due(recon, error) && recon_send_out(recon, error) && keep_house(recon, error) &&
         recon_look_for_late(recon, error); /* last: what fails in it keeps nothing from going out */
}

static void *live(void *user) {
  Recon *recon = user;
  recon_be_nice();
  while (!is_stopping(recon)) {
    g_autoptr(GError) error = NULL;
    if (!look_at_tasks(recon, &error)) {
      log_event(LOG_ERROR, "recon-trouble", {"error", error->message});
      if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE) {
        recon->host->storage_failed(recon->host->user);
        return NULL;
      }
    }
    wait_a_little(recon);
  }
  return NULL;
}

/* --- Beginning and end */

static void block_free(gpointer data) {
  ReconBlock *block = data;
  recon_schedule_free(block->schedule);
  g_free(block);
}

static gboolean add_block(Recon *recon, const ConfReconcile *conf, GError **error) {
  ReconBlock *block = g_new0(ReconBlock, 1);
  block->conf = conf;
  g_ptr_array_add(recon->blocks, block);
  return (block->schedule = recon_schedule_new(recon->host->conf, conf, error)) != NULL;
}

/* What failed is tried again by a lane that begins: it may have another configuration. */
static gboolean take_up_failed(Recon *recon, GError **error) {
  ReconFilter filter = {.failed = TRUE};
  g_autoptr(GPtrArray) open = recon_tasks(recon->reader, &filter, error);
  for (guint i = 0; open && i < open->len; i++) {
    ReconTask *task = open->pdata[i];
    if (!recon_block_of(recon, task))
      continue;
    task->attempts = 0;
    task->due_at = g_get_real_time();
    if (!book_write(recon->host->book, advance_pending, task, error))
      return FALSE;
  }
  return open != NULL;
}

/* A crash between a publication and the removal of what it was made from leaves the latter: plaintext, which is to go.
 */
static gboolean sweep_extracts(Recon *recon, GError **error) {
  ReconFilter filter = {0};
  g_autoptr(GPtrArray) tasks = recon_tasks(recon->reader, &filter, error);
  for (guint i = 0; tasks && i < tasks->len; i++) {
    const ReconTask *task = tasks->pdata[i];
    g_autofree char *folder = recon_folder(recon->host->paths->folder, task->id),
                    *extract = g_build_filename(folder, RECON_EXTRACT, NULL);
    if (task->state == RECON_DONE)
      unlink(extract);
  }
  return tasks != NULL;
}

static void recon_free(gpointer service) {
  Recon *recon = service;
  book_reader_close(recon->reader);
  g_ptr_array_unref(recon->blocks);
  g_hash_table_unref(recon->ways);
  g_free(recon->working);
  pthread_mutex_destroy(&recon->lock);
  pthread_cond_destroy(&recon->changed);
  g_free(recon);
}

static Recon *recon_new(const LaneHost *host) {
  Recon *recon = g_new0(Recon, 1);
  recon->host = host;
  recon->late_seen = -1;
  recon->blocks = g_ptr_array_new_with_free_func(block_free);
  recon->ways = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, recon_way_free);
  pthread_mutex_init(&recon->lock, NULL);
  clock_condition_init(&recon->changed);
  return recon;
}

static gpointer recon_start(const LaneHost *host, GError **error) {
  const GPtrArray *reconciles = host->lane->reconciles;
  if (!reconciles || reconciles->len == 0)
    return NULL;
  Recon *recon = recon_new(host);
  gboolean ok = (recon->reader = book_reader_open(host->paths->book, error)) != NULL;
  for (guint i = 0; ok && i < reconciles->len; i++)
    ok = add_block(recon, reconciles->pdata[i], error);
  ok = ok && take_up_failed(recon, error) && sweep_extracts(recon, error);
  int number = ok ? pthread_create(&recon->thread, NULL, live, recon) : 0;
  if (ok && number == 0)
    return recon;
  if (ok)
    sallyport_error_errno(error, number, "start the thread of reconciliation");
  recon_free(recon);
  return NULL;
}

/* What it was at goes on at the next start. */
static gboolean recon_stop(gpointer service, guint grace_seconds) {
  Recon *recon = service;
  (void)grace_seconds;
  g_atomic_int_set(&recon->stop, TRUE);
  recon_wake(recon);
  pthread_join(recon->thread, NULL);
  return TRUE;
}

const LaneService recon_service = {
    .name = "reconciliation",
    .start = recon_start,
    .stop = recon_stop,
    .free = recon_free,
    .requests = recon_requests,
    .status = recon_status,
};
