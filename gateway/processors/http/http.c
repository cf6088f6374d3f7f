/* To the HTTP accrual interface: pending → sent → answered → posted, batch by batch, several calls at a time.
 *
 *   crash before `sent`               the range is not cut: it is cut again, perhaps differently; nobody has heard of
 *                                     it
 *   crash after `sent`                asked (again) with the same key and, bit by bit, the same request; the interface
 *                                     answers as it did,
 *   time-out, cut, 5xx                or does it now, but never twice. For ever, with back-off: its outcome is not
 *                                     known, but a fact. A batch waits by itself, other ones go on
 *   crash after `answered`            what the interface decided is in the book, with the counts; it is posted to the
 *                                     ledger, idempotently
 *   crash after posting, not marked   posted again, which the ledger knows
 * A batch keeps its range from `sent` on. What is not sent yet is cut when its turn comes, at the x of that moment
 * (cutter.h): after a change of x, as after a restart, there is nothing to be cut anew.
 *
 * The file's own thread makes calls itself, and has helpers in the endpoint pool's other threads while the
 * interface bears more of them. */
#include "gateway/processors/http/http_private.h"
#include "gateway/base/clock.h"
#include "gateway/flow/processor.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/records/exceptions.h"
#include "gateway/threads/endpoint_pool.h"
#include "gateway/flow/step.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  PATIENCE = 200000 /* microseconds in which a helper waits for its turn, before it lets others have the thread */,
  LONGEST_WAIT = 2 * G_USEC_PER_SEC /* of a pause: a longer one puts the file off */
};

/* --- Begin and end of a file's posting */

static void scratch_free(gpointer data) {
  Scratch *scratch = data;
  g_clear_pointer(&scratch->reader, staging_reader_close);
  g_clear_pointer(&scratch->block, record_block_free);
  g_string_free(scratch->text, TRUE);
  if (scratch->body >= 0)
    close(scratch->body);
  if (scratch->answer >= 0)
    close(scratch->answer);
  g_free(scratch);
}

static void accrual_unref(Accrual *accrual) {
  pthread_mutex_lock(&accrual->lock);
  gboolean is_last = --accrual->references == 0;
  pthread_mutex_unlock(&accrual->lock);
  if (!is_last)
    return;
  accrual_columns_free(accrual->columns);
  cutter_free(accrual->cutter);
  g_clear_pointer(&accrual->batches, g_ptr_array_unref);
  g_queue_clear_full(&accrual->waiting, g_free);
  g_queue_clear_full(&accrual->scratches, scratch_free);
  g_clear_error(&accrual->error);
  pthread_cond_destroy(&accrual->changed);
  pthread_mutex_destroy(&accrual->lock);
  pthread_mutex_destroy(&accrual->cutting);
  g_free(accrual->staging);
  g_free(accrual);
}

static void init_locks(Accrual *accrual) {
  pthread_mutex_init(&accrual->cutting, NULL);
  pthread_mutex_init(&accrual->lock, NULL);
  clock_condition_init(&accrual->changed);
}

/* What is cut from a range is added up anew, so the first one is looked at as a whole: before anybody hears of another
 * field's amounts. */
static gboolean is_range_as_validated(const Accrual *accrual, const BookBatch *range, GError **error) {
  guint count = (guint)(range->last - range->first + 1);
  g_autoptr(StagingReader) reader = staging_reader_open(accrual->staging, error);
  if (!reader)
    return FALSE;
  RecordBlock *block = staging_block_new(reader, count);
  g_autofree guint8 *skip = g_new0(guint8, count);
  gboolean ok = staging_read(reader, range->first, count, block, error) &&
                exceptions_mark(range->exceptions, range->first, count, skip, error) &&
                batch_is_as_validated(range, block, skip, accrual->step->feed->columns->amount, error);
  record_block_free(block);
  return ok;
}

static gboolean are_ranges_as_validated(const Accrual *accrual, GError **error) {
  for (guint i = 0; i < accrual->batches->len; i++) {
    const BookBatch *batch = accrual->batches->pdata[i];
    if (batch->number == 0)
      return is_range_as_validated(accrual, batch, error);
  }
  return TRUE;
}

static Accrual *accrual_open(Step *step, GError **error) {
  Accrual *accrual = g_new0(Accrual, 1);
  *accrual = (Accrual){.step = step, .references = 1, .staging = lane_path_stage(step->flow->paths, step->file->id)};
  init_locks(accrual);
  accrual->columns = accrual_columns_new(step->feed->layout, &step->feed->conf->http, step->feed->conf->key, error);
  accrual->batches = accrual->columns ? book_batches(step->reader, step->file->id, error) : NULL;
  if (!accrual->batches || !are_ranges_as_validated(accrual, error)) {
    accrual_unref(accrual);
    return NULL;
  }
  accrual->cutter = cutter_new(accrual->batches);
  accrual->poster = poster_new(step);
  for (guint i = 0; i < accrual->batches->len; i++) {
    BookBatch *batch = accrual->batches->pdata[i];
    if (batch->number > 0 && (batch->state == BATCH_SENT || batch->state == BATCH_PENDING))
      accrual_ask_later(accrual, batch, 0, 0);
  }
  return accrual;
}

/* What was answered before a crash. */
static gboolean post_answered(Accrual *accrual, GError **error) {
  g_autoptr(StagingReader) reader = NULL;
  for (guint i = 0; i < accrual->batches->len; i++) {
    const BookBatch *batch = accrual->batches->pdata[i];
    if (batch->state != BATCH_REPLIED)
      continue;
    if (!reader && !(reader = staging_reader_open(accrual->staging, error)))
      return FALSE;
    if (!poster_submit(accrual->poster, reader, batch, error))
      return FALSE;
  }
  return TRUE;
}

/* Calls under way are waited for; what is queued finds it closed. */
static void close_calls(Accrual *accrual) {
  pthread_mutex_lock(&accrual->lock);
  accrual->closed = TRUE;
  pthread_cond_broadcast(&accrual->changed);
  while (accrual->under_way > 0)
    pthread_cond_wait(&accrual->changed, &accrual->lock);
  pthread_mutex_unlock(&accrual->lock);
}

/* --- Helpers: as many as calls may be in flight, beside the file's own thread. One that has made its call lets another
 * file's task have the thread, if one waits. */

typedef struct {
  Task task;
  Accrual *accrual;
  EndpointPool *pool;
} Helper;

static void helper_end(Task *task) {
  Helper *helper = (Helper *)task;
  pthread_mutex_lock(&helper->accrual->lock);
  helper->accrual->helpers--;
  pthread_mutex_unlock(&helper->accrual->lock);
  accrual_unref(helper->accrual);
  g_free(helper);
}

static gboolean others_wait(EndpointPool *pool) {
  EndpointPoolStatus status;
  endpoint_pool_status(pool, &status);
  g_free(status.problem);
  g_free(status.describe);
  return status.queued > 0;
}

static void help(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  (void)reader, (void)failure;
  Helper *helper = (Helper *)task;
  CallResult result = CALL_MADE;
  while (result == CALL_MADE && courier && !courier_is_lost(courier)) {
    result = accrual_call(helper->accrual, courier, PATIENCE);
    if (result == CALL_MADE && others_wait(helper->pool)) {
      endpoint_pool_add(helper->pool, task);
      return;
    }
  }
  helper_end(task);
}

/* Takes its place, if there is need of one more. */
static gboolean needs_helper(Accrual *accrual) {
  const Feed *feed = accrual->step->feed;
  const ConfBatch *batch = &feed->conf->batch;
  gint64 due;
  guint work = accrual_work(accrual, MAX(accrual_service_size(feed->service, batch), 1), &due),
        most = accrual_service_threads(feed->service, batch);
  pthread_mutex_lock(&accrual->lock);
  gboolean needed = accrual->helpers + 1 < MIN(most, work);
  accrual->helpers += needed ? 1 : 0;
  accrual->references += needed ? 1 : 0;
  pthread_mutex_unlock(&accrual->lock);
  return needed;
}

static void call_helpers(Accrual *accrual) {
  EndpointPool *pool = accrual->step->feed->process;
  while (needs_helper(accrual)) {
    Helper *helper = g_new0(Helper, 1);
    *helper = (Helper){.task = {help, helper_end}, .accrual = accrual, .pool = pool};
    endpoint_pool_add(pool, &helper->task);
  }
}

/* --- The file's own thread */

/* The interface has asked for time. */
static gboolean put_off(Step *step, gint64 pause, GError **error) {
  Wait wait = {.what = FILE_WAIT_INTERFACE, .on = accrual_service_name(step->feed->service)};
  return flow_put_off(step, g_get_real_time() + MIN(pause, policy_longest(POLICY_FILE)), &wait, error);
}

/* Waits for a call that is under way: it may be refused and come back. FALSE: none is, and nothing is left. */
static gboolean wait_for_calls(Accrual *accrual) {
  gint64 until = g_get_monotonic_time() + PATIENCE;
  pthread_mutex_lock(&accrual->lock);
  if (accrual->under_way > 0 && !accrual->error)
    clock_condition_wait(&accrual->changed, &accrual->lock, until);
  gboolean goes_on = !accrual->error && (accrual->under_way > 0 || accrual->waiting.length > 0);
  pthread_mutex_unlock(&accrual->lock);
  return goes_on;
}

/* Until nothing is left, an error, a long pause (*pause), or the lane's end. */
static gboolean make_calls(Accrual *accrual, gint64 *pause, GError **error) {
  const Step *step = accrual->step;
  while (!g_atomic_int_get(&step->flow->stopping)) {
    call_helpers(accrual);
    CallResult result = accrual_call(accrual, step->courier, PATIENCE);
    if (!poster_mark(accrual->poster, error))
      return FALSE;
    if (poster_has_failed(accrual->poster))
      return TRUE; /* poster_finish tells */
    gint64 left = result == CALL_NOT_NOW ? accrual_service_pause_left(step->feed->service) : 0;
    if (left > LONGEST_WAIT) {
      *pause = left;
      return TRUE;
    }
    if (result == CALL_NO_WORK && !wait_for_calls(accrual))
      return TRUE;
  }
  return TRUE;
}

static gboolean is_all_posted(const Accrual *accrual) {
  guint64 first;
  guint count;
  return accrual->waiting.length == 0 && !cutter_next(accrual->cutter, 1, &first, &count);
}

static gboolean post_file(Accrual *accrual, Step *step, GError **error) {
  gint64 pause = 0;
  g_autoptr(GError) own = NULL;
  gboolean ok = post_answered(accrual, &own) && make_calls(accrual, &pause, &own);
  close_calls(accrual);
  if (!ok || accrual->error) {
    g_propagate_error(error, own ? g_steal_pointer(&own) : g_steal_pointer(&accrual->error));
    /* what was answered is posted and marked all the same; else the next try does it */
    g_autoptr(GError) second = NULL;
    if (!poster_finish(accrual->poster, &second))
      log_event(LOG_WARNING, "posting-failed", {"file", step->file->id}, {"error", second->message});
    return FALSE;
  }
  if (!poster_finish(accrual->poster, error))
    return FALSE;
  if (is_all_posted(accrual))
    step->file->batches_posted = step->file->batches; /* those from before a restart among them */
  return pause == 0 || put_off(step, pause, error);
}

static gboolean post_over_http(Step *step, GError **error) {
  Accrual *accrual = accrual_open(step, error);
  if (!accrual)
    return FALSE;
  gboolean ok = post_file(accrual, step, error);
  poster_free(g_steal_pointer(&accrual->poster));
  accrual_unref(accrual);
  return ok;
}

const Processor processor_http = {
    .cuts_when_sent = TRUE,
    /* that one may be refused by the interface: the same record would be, too */
    .of_repeated = ": what is said of that one holds for both",
    .target = accrual_target,
    .check = accrual_check,
    .open = accrual_open_service,
    .run = post_over_http,
    .retries = POLICY_CALL,
};
