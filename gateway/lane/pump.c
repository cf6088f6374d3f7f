#include "gateway/idle/idle.h"
#include "gateway/lane/lane_private.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/flow/decided.h"

enum { FILES_AT_ONCE = 32, IDLE_BEFORE_FOLDING = 1, QUIET_SECONDS = 5, LONGEST_PUT_OFF = 600 };

/* What cannot be noted cannot be put off either: without this a full disk would have every file tried again at once,
 * for ever. */
static void be_quiet(Lane *lane) {
  lane_report_unwritable(lane);
  pthread_mutex_lock(&lane->lock);
  lane->quiet_until = g_get_monotonic_time() + policy_wait(POLICY_BOOK, 1);
  pthread_mutex_unlock(&lane->lock);
}

/* --- A file's steps */

typedef struct {
  Task task;
  Lane *lane;
  Feed *feed;
  BookFile *file;
  gboolean is_decided; /* where it goes out at `decided_at` is not the feed's to say any more (flow/decided.h) */
  StepPlace decided_at;
  EndpointPool *decided; /* NULL: this lane has no such endpoint, which the step then says */
} FileTask;

static void file_task_end(Task *task) {
  FileTask *run = (FileTask *)task;
  pthread_mutex_lock(&run->lane->lock);
  g_hash_table_remove(run->lane->active, run->file->id);
  pthread_mutex_unlock(&run->lane->lock);
  lane_wake(run->lane);
  book_file_free(run->file);
  g_free(run);
}

/* The endpoint's threads in which this step runs; NULL: a worker. */
static EndpointPool *endpoint_pool_at(const FileTask *run, StepPlace place) {
  const Feed *feed = run->feed;
  if (run->is_decided && place == run->decided_at)
    return run->decided;
  return place == AT_SOURCE     ? feed->source
         : place == AT_FEEDBACK ? feed->feedback
         : place == AT_PROCESS  ? feed->process
                                : NULL;
}

static void enqueue(FileTask *run, StepPlace place) {
  EndpointPool *pool = endpoint_pool_at(run, place);
  if (pool)
    endpoint_pool_add(pool, &run->task);
  else
    workers_add(run->lane->workers, &run->task);
}

static gboolean is_stopping(Lane *lane) {
  pthread_mutex_lock(&lane->lock);
  gboolean stopping = lane->stopping;
  pthread_mutex_unlock(&lane->lock);
  return stopping;
}

static gboolean is_same_thread(const FileTask *run, StepPlace here, StepPlace next) {
  return endpoint_pool_at(run, here) == endpoint_pool_at(run, next);
}

/* Runs steps for as long as they belong into this thread. TRUE: the file goes on at *next; FALSE: it is let go. */
static gboolean run_steps(FileTask *run, Step *step, StepPlace here, StepPlace *next) {
  const char *name;
  for (StepFunction function; (function = flow_step_of(step->file, next, &name));) {
    if (is_stopping(run->lane) || !idle_may_work(run->lane->idle))
      return FALSE;
    if (!is_same_thread(run, here, *next))
      return TRUE;
    g_autoptr(GError) error = NULL;
    step->since = g_get_monotonic_time();
    if (!function(step, &error)) {
      Trouble trouble = flow_trouble(step, name, error);
      if (trouble == TROUBLE_STOP_LANE)
        lane_stop(run->lane, CHILD_EXIT_DISTRUST);
      else if (trouble == TROUBLE_NOT_NOTED)
        be_quiet(run->lane);
      return FALSE;
    }
    if (step->file->due_at > g_get_real_time())
      return FALSE;
  }
  return FALSE;
}

/* The endpoint cannot be reached: nothing is held against the file, it waits as long as the endpoint does. With an open
 * breaker that is until somebody acts: then it is enough to look now and then. */
static void wait_for_endpoint(FileTask *run, const GError *failure) {
  g_autoptr(GError) error = NULL;
  EndpointPoolStatus status;
  StepPlace place;
  const char *name;
  flow_step_of(run->file, &place, &name);
  EndpointPool *pool = endpoint_pool_at(run, place);
  endpoint_pool_status(pool, &status);
  gint64 soonest = status.state == ENDPOINT_POOL_BREAKER ? policy_breaker_wait() : policy_wait(POLICY_ENDPOINT, 1);
  g_free(status.problem);
  g_free(status.describe);
  Step step = {.flow = &run->lane->flow, .feed = run->feed, .file = run->file};
  Wait wait = {.what = FILE_WAIT_ENDPOINT, .on = endpoint_pool_name(pool), .why = failure->message};
  if (flow_put_off(&step, MAX(status.retry_at, g_get_real_time() + soonest), &wait, &error))
    return;
  log_event(LOG_WARNING, "not-noted", {"file", run->file->id}, {"error", error->message});
  be_quiet(run->lane);
}

static gboolean note_waiting(BookTransaction *tx, gpointer data, GError **error) {
  return book_note_file(tx, data, NULL, error);
}

static void run_file(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  FileTask *run = (FileTask *)task;
  if (failure) {
    wait_for_endpoint(run, failure);
    file_task_end(task);
    return;
  }
  StepPlace here = AT_WORKER, next = AT_WORKER;
  const char *name;
  flow_step_of(run->file, &here, &name);
  EndpointPool *pool = endpoint_pool_at(run, here);
  Step step = {.flow = &run->lane->flow,
               .feed = run->feed,
               .reader = reader,
               .courier = courier,
               .endpoint = pool ? endpoint_pool_name(pool) : NULL,
               .file = run->file};
  guint slot = !pool ? suspects_begin(run->lane->suspects, run->file->id) : G_MAXUINT;
  gboolean goes_on = run_steps(run, &step, here, &next);
  suspects_end(run->lane->suspects, slot);
  if (goes_on)
    enqueue(run, next);
  else
    file_task_end(task);
}

/* Where it goes out, if that was decided before. */
static gboolean find_decided(FileTask *run, StepPlace place, GError **error) {
  g_autofree char *endpoint = NULL;
  if (place != AT_FEEDBACK && place != AT_PROCESS)
    return TRUE;
  if (!decided_endpoint(run->lane->reader, run->file->id, &endpoint, error))
    return FALSE;
  run->is_decided = endpoint != NULL;
  run->decided_at = place;
  run->decided = endpoint ? feeds_pool_named(run->lane->feeds, endpoint) : NULL;
  return TRUE;
}

static void start_file(Lane *lane, Feed *feed, BookFile *file) {
  StepPlace place;
  const char *name;
  g_autoptr(GError) error = NULL;
  FileTask *run = g_new0(FileTask, 1);
  *run = (FileTask){.task = {run_file, file_task_end}, .lane = lane, .feed = feed, .file = file};
  if (!flow_step_of(file, &place, &name) || !find_decided(run, place, &error)) {
    if (error)
      log_event(LOG_ERROR, "pump-failed", {"file", file->id}, {"error", error->message});
    book_file_free(file);
    g_free(run);
    return;
  }
  pthread_mutex_lock(&lane->lock);
  g_hash_table_insert(lane->active, file->id, file);
  pthread_mutex_unlock(&lane->lock);
  enqueue(run, place);
}

/* --- Folding of balances, when there is nothing better to do */

typedef struct {
  Task task;
  Lane *lane;
} FoldTask;

static void fold_task_end(Task *task) {
  FoldTask *run = (FoldTask *)task;
  pthread_mutex_lock(&run->lane->lock);
  run->lane->folding = FALSE;
  pthread_mutex_unlock(&run->lane->lock);
  g_free(run);
}

static void run_fold(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  (void)reader, (void)courier, (void)failure;
  FoldTask *run = (FoldTask *)task;
  GHashTableIter iterator;
  gpointer name, ledger;
  g_hash_table_iter_init(&iterator, run->lane->feeds->ledgers);
  while (g_hash_table_iter_next(&iterator, &name, &ledger)) {
    g_autoptr(GError) error = NULL;
    if (ledger_fold(ledger, TRUE, &error))
      continue;
    log_event(LOG_ERROR, "fold-failed", {"ledger", name}, {"error", error->message});
    if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
      lane_stop(run->lane, CHILD_EXIT_DISTRUST);
  }
  fold_task_end(task);
}

static void fold_when_idle(Lane *lane) {
  gint64 now = g_get_monotonic_time();
  pthread_mutex_lock(&lane->lock);
  gboolean is_busy = g_hash_table_size(lane->active) > 0;
  gboolean is_due = !is_busy && !lane->folding && lane->idle_since > 0 &&
                    now - lane->idle_since > IDLE_BEFORE_FOLDING * G_USEC_PER_SEC;
  if (is_busy)
    lane->idle_since = now;
  else if (is_due) {
    lane->idle_since = 0;
    lane->folding = TRUE;
  }
  pthread_mutex_unlock(&lane->lock);
  if (!is_due)
    return;
  FoldTask *run = g_new0(FoldTask, 1);
  *run = (FoldTask){.task = {run_fold, fold_task_end}, .lane = lane};
  workers_add(lane->workers, &run->task);
}

/* --- The pump */

static guint count_active(Lane *lane, const char *feed) {
  guint count = 0;
  GHashTableIter iterator;
  gpointer id, file;
  g_hash_table_iter_init(&iterator, lane->active);
  while (g_hash_table_iter_next(&iterator, &id, &file))
    count += g_str_equal(((const BookFile *)file)->feed, feed) ? 1 : 0;
  return count;
}

/* The ids under way, to be taken before the book is read: what is read of a file that is under way may be old by the
 * time it is let go, in a state that looks the same. What was under way
 * before the reading is therefore left to the next look. Only this thread begins files; the control thread claims one
 * for a moment. */
static GHashTable *ids_under_way(Lane *lane) {
  GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iterator;
  gpointer id;
  pthread_mutex_lock(&lane->lock);
  g_hash_table_iter_init(&iterator, lane->active);
  while (g_hash_table_iter_next(&iterator, &id, NULL))
    g_hash_table_add(ids, g_strdup(id));
  pthread_mutex_unlock(&lane->lock);
  return ids;
}

static gboolean is_free(Lane *lane, GHashTable *before, const char *id) {
  pthread_mutex_lock(&lane->lock);
  gboolean active = g_hash_table_contains(lane->active, id);
  pthread_mutex_unlock(&lane->lock);
  return !active && !g_hash_table_contains(before, id);
}

static gboolean start_due_files(Lane *lane, Feed *feed, GError **error) {
  pthread_mutex_lock(&lane->lock);
  guint active = count_active(lane, feed->conf->name);
  gboolean is_quiet = g_get_monotonic_time() < lane->quiet_until;
  pthread_mutex_unlock(&lane->lock);
  if (active >= FILES_AT_ONCE || is_quiet || !idle_may_work(lane->idle))
    return TRUE;
  guint64 waiting = 1u << FILE_SEEN | 1u << FILE_HELD;
  BookFilter filter = {.feed = feed->conf->name,
                       .states = ((1u << FILE_N_STATES) - 1) & ~waiting,
                       .due_by = g_get_real_time(),
                       .limit = 2 * FILES_AT_ONCE};
  g_autoptr(GHashTable) before = ids_under_way(lane);
  g_autoptr(GPtrArray) due = book_files(lane->reader, &filter, error);
  if (!due)
    return FALSE;
  g_ptr_array_set_free_func(due, NULL);
  for (guint i = 0; i < due->len; i++) {
    BookFile *file = due->pdata[i];
    if (active < FILES_AT_ONCE && is_free(lane, before, file->id)) {
      start_file(lane, feed, file);
      active++;
    } else {
      book_file_free(file);
    }
  }
  return TRUE;
}

/* --- A clock that was set back: times that were reckoned with the old one lie in a future that may be far off */

/* No wait of ours is longer than LONGEST_PUT_OFF. Files under way are left alone. */
gboolean lane_bring_forward(Lane *lane, GError **error) {
  gint64 now = g_get_real_time(), far = now + (gint64)LONGEST_PUT_OFF * G_USEC_PER_SEC;
  guint64 waiting = 1u << FILE_SEEN | 1u << FILE_HELD | 1u << FILE_CLOSED | 1u << FILE_GONE;
  BookFilter filter = {.states = ((1u << FILE_N_STATES) - 1) & ~waiting, .limit = 100000};
  g_autoptr(GHashTable) before = ids_under_way(lane);
  g_autoptr(GPtrArray) live = book_files(lane->reader, &filter, error);
  for (guint i = 0; live && i < live->len; i++) {
    BookFile *file = live->pdata[i];
    g_autoptr(GError) moved = NULL;
    if (file->due_at <= far || !is_free(lane, before, file->id))
      continue;
    file->due_at = now;
    if (!book_write(lane->flow.book, note_waiting, file, &moved))
      log_event(LOG_WARNING, "not-noted", {"file", file->id}, {"error", moved->message});
  }
  return live != NULL;
}

static gboolean notice_clock(Lane *lane, GError **error) {
  gint64 now = g_get_real_time(), clock = now - g_get_monotonic_time(), before = lane->clock;
  lane->clock = clock;
  if (before == 0 || before - clock < QUIET_SECONDS * G_USEC_PER_SEC)
    return TRUE;
  log_event(LOG_WARNING, "clock-set-back", {"seconds", log_number((before - clock) / G_USEC_PER_SEC)});
  pthread_mutex_lock(&lane->lock);
  for (guint i = 0; i < lane->feeds->feeds->len; i++) {
    Feed *feed = lane->feeds->feeds->pdata[i];
    feed->next_poll = MIN(feed->next_poll, schedule_next(feed->schedule, now));
  }
  pthread_mutex_unlock(&lane->lock);
  return lane_bring_forward(lane, error);
}

gboolean lane_pump(Lane *lane, GError **error) {
  if (!notice_clock(lane, error))
    return FALSE;
  for (guint i = 0; i < lane->feeds->feeds->len; i++)
    if (!start_due_files(lane, lane->feeds->feeds->pdata[i], error))
      return FALSE;
  lane_start_due_polls(lane);
  fold_when_idle(lane);
  return TRUE;
}
