#include "gateway/threads/work.h"
#include "gateway/common/log.h"
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { LOGINS_BEFORE_BREAKER = 3, LONGEST_BACK_OFF = 60 };

/* --- A queue of tasks */

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* of threads that have a connection: they are woken first, so that no more of them connect than there is work for */
  pthread_cond_t warm;
  guint warm_waiting;
  GQueue tasks;
  gboolean stopping;
} TaskQueue;

static void queue_init(TaskQueue *queue) {
  pthread_mutex_init(&queue->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&queue->changed, &attributes);
  pthread_cond_init(&queue->warm, &attributes);
  pthread_condattr_destroy(&attributes);
  g_queue_init(&queue->tasks);
}

static void queue_add(TaskQueue *queue, Task *task, gboolean first) {
  pthread_mutex_lock(&queue->lock);
  gboolean stopping = queue->stopping;
  if (!stopping && first)
    g_queue_push_head(&queue->tasks, task);
  else if (!stopping)
    g_queue_push_tail(&queue->tasks, task);
  /* A warm thread that was woken counts as waiting until it is awake, and what woke it as queued. */
  pthread_cond_signal(queue->warm_waiting >= queue->tasks.length ? &queue->warm : &queue->changed);
  pthread_mutex_unlock(&queue->lock);
  if (stopping)
    task->drop(task);
}

/* TRUE: the time is over. */
static gboolean wait_warm(TaskQueue *queue, const struct timespec *until) {
  queue->warm_waiting++;
  gboolean over = pthread_cond_timedwait(&queue->warm, &queue->lock, until) != 0;
  queue->warm_waiting--;
  return over;
}

/* The next task; NULL when the queue ends, or (with *idle) after `seconds` without one; seconds 0: no limit. */
static Task *queue_take(TaskQueue *queue, guint seconds, gboolean *idle) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += seconds;
  *idle = FALSE;
  pthread_mutex_lock(&queue->lock);
  while (!queue->stopping && g_queue_is_empty(&queue->tasks) && !*idle)
    if (seconds == 0)
      pthread_cond_wait(&queue->changed, &queue->lock);
    else
      *idle = wait_warm(queue, &until) && g_queue_is_empty(&queue->tasks);
  Task *task = queue->stopping ? NULL : g_queue_pop_head(&queue->tasks);
  *idle = *idle && !queue->stopping && !task;
  pthread_mutex_unlock(&queue->lock);
  return task;
}

static void queue_stop(TaskQueue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->stopping = TRUE;
  GQueue left = queue->tasks;
  g_queue_init(&queue->tasks);
  pthread_cond_broadcast(&queue->changed);
  pthread_cond_broadcast(&queue->warm);
  pthread_mutex_unlock(&queue->lock);
  for (Task *task; (task = g_queue_pop_head(&left));)
    task->drop(task);
}

static void queue_clear(TaskQueue *queue) {
  pthread_cond_destroy(&queue->changed);
  pthread_cond_destroy(&queue->warm);
  pthread_mutex_destroy(&queue->lock);
}

/* --- Threads: each has a reader of the book, opened before it starts, so that a failure is the starter's to report */

typedef struct {
  pthread_t thread;
  gpointer owner;
  BookReader *reader;
  Courier *courier; /* under the carrier's lock */
} Hand;

static GPtrArray *hands_start(guint count, const char *book_path, void *(*run)(void *), gpointer owner,
                              GError **error) {
  GPtrArray *hands = g_ptr_array_new();
  for (guint i = 0; i < count; i++) {
    Hand *hand = g_new0(Hand, 1);
    hand->owner = owner;
    hand->reader = book_reader_open(book_path, error);
    if (hand->reader && pthread_create(&hand->thread, NULL, run, hand) == 0) {
      g_ptr_array_add(hands, hand);
      continue;
    }
    if (hand->reader)
      sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "cannot start a thread");
    g_clear_pointer(&hand->reader, book_reader_close);
    g_free(hand);
    break;
  }
  return hands;
}

static void hands_join(GPtrArray *hands) {
  for (guint i = 0; i < hands->len; i++) {
    Hand *hand = hands->pdata[i];
    pthread_join(hand->thread, NULL);
    book_reader_close(hand->reader);
    g_free(hand);
  }
  g_ptr_array_unref(hands);
}

struct Workers {
  TaskQueue queue;
  GPtrArray *hands;
};

static void *work(void *data) {
  Hand *hand = data;
  Workers *workers = hand->owner;
  gboolean idle;
  for (Task *task; (task = queue_take(&workers->queue, 0, &idle));)
    task->run(task, hand->reader, NULL, NULL);
  return NULL;
}

Workers *workers_start(guint threads, const char *book_path, GError **error) {
  Workers *workers = g_new0(Workers, 1);
  queue_init(&workers->queue);
  workers->hands = hands_start(threads, book_path, work, workers, error);
  if (workers->hands->len == threads)
    return workers;
  workers_stop(workers);
  return NULL;
}

void workers_add(Workers *workers, Task *task) {
  queue_add(&workers->queue, task, FALSE);
}

void workers_stop(Workers *workers) {
  if (!workers)
    return;
  queue_stop(&workers->queue);
  hands_join(workers->hands);
  queue_clear(&workers->queue);
  g_free(workers);
}

/* --- Carriers */

struct Carrier {
  CarrierOptions options;
  TaskQueue queue;
  GPtrArray *hands;
  pthread_mutex_t connecting; /* one login at a time, so that the breaker's count holds */
  pthread_mutex_t lock;       /* of all below, and of the hands' couriers */
  guint failures, refused_logins;
  gint64 retry_at; /* monotonic; 0: now */
  GError *problem;
  char *describe;
  guint running; /* threads that have not ended */
  guint opening; /* of these, those that connect or wait for their turn to connect */
  gboolean stopping;
  gboolean abandoned; /* nobody waits for those any more */
};

static void note_failure(Carrier *carrier, const GError *error) {
  gboolean is_login = sallyport_error_code(error) == SALLYPORT_ERROR_LOGIN;
  carrier->refused_logins += is_login ? 1 : 0;
  gint64 seconds = MIN((gint64)1 << MIN(carrier->failures, 10), LONGEST_BACK_OFF);
  carrier->failures++;
  carrier->retry_at = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  g_clear_error(&carrier->problem);
  carrier->problem = g_error_copy(error);
  gboolean is_open = carrier->refused_logins >= LOGINS_BEFORE_BREAKER;
  log_event(LOG_ERROR, is_open && is_login ? "breaker-open" : "connect-failed",
            {"endpoint", carrier->options.endpoint.name}, {"code", sallyport_error_word(error->code)},
            {"error", error->message}, {"attempt", log_number(carrier->failures)});
}

/* Whether a connection may be tried now; if not, why not. */
static gboolean may_connect(Carrier *carrier, GError **why) {
  gboolean is_broken = carrier->refused_logins >= LOGINS_BEFORE_BREAKER;
  gboolean waits = carrier->problem && g_get_monotonic_time() < carrier->retry_at;
  if (is_broken)
    sallyport_error_set(why, SALLYPORT_ERROR_LOGIN,
                        "%s: no more logins after %d refused ones, until `sallyport poll` or a reload: %s",
                        carrier->options.endpoint.name, LOGINS_BEFORE_BREAKER, carrier->problem->message);
  else if (waits)
    g_propagate_error(why, g_error_copy(carrier->problem));
  return !is_broken && !waits;
}

static void note_success(Carrier *carrier, Courier *courier) {
  carrier->failures = carrier->refused_logins = 0;
  g_clear_error(&carrier->problem);
  g_free(carrier->describe);
  carrier->describe = g_strdup(courier_describe(courier));
  log_event(LOG_INFO, "connected", {"endpoint", carrier->options.endpoint.name}, {"server", carrier->describe});
}

static void drop_courier(Carrier *carrier, Hand *hand) {
  pthread_mutex_lock(&carrier->lock);
  Courier *courier = g_steal_pointer(&hand->courier);
  pthread_mutex_unlock(&carrier->lock);
  courier_close(courier);
}

static gboolean is_stopping_error(GError **why) {
  return sallyport_error_set(why, SALLYPORT_ERROR_AGAIN, "the lane is stopping");
}

static gboolean connect_now(Carrier *carrier, Hand *hand, GError **why) {
  pthread_mutex_lock(&carrier->lock);
  gboolean may = carrier->stopping ? is_stopping_error(why) : may_connect(carrier, why);
  pthread_mutex_unlock(&carrier->lock);
  if (!may)
    return FALSE;
  Courier *courier = courier_open(&carrier->options.endpoint, why);
  pthread_mutex_lock(&carrier->lock);
  hand->courier = courier;
  if (courier)
    note_success(carrier, courier);
  else
    note_failure(carrier, *why);
  pthread_mutex_unlock(&carrier->lock);
  return courier != NULL;
}

static gboolean begin_opening(Carrier *carrier, GError **why) {
  pthread_mutex_lock(&carrier->lock);
  gboolean may = carrier->stopping ? is_stopping_error(why) : TRUE;
  carrier->opening += may ? 1 : 0;
  pthread_mutex_unlock(&carrier->lock);
  return may;
}

/* An abandoned thread owns nothing any more: it ends with the process. */
static void end_opening(Carrier *carrier) {
  pthread_mutex_lock(&carrier->lock);
  carrier->opening--;
  gboolean abandoned = carrier->abandoned;
  pthread_mutex_unlock(&carrier->lock);
  while (abandoned)
    pause();
}

static gboolean connect_hand(Carrier *carrier, Hand *hand, GError **why) {
  if (hand->courier && courier_is_lost(hand->courier))
    drop_courier(carrier, hand);
  if (hand->courier)
    return TRUE;
  if (!begin_opening(carrier, why))
    return FALSE;
  pthread_mutex_lock(&carrier->connecting);
  gboolean connected = connect_now(carrier, hand, why);
  pthread_mutex_unlock(&carrier->connecting);
  end_opening(carrier);
  return connected;
}

static void *carry(void *data) {
  Hand *hand = data;
  Carrier *carrier = hand->owner;
  for (;;) {
    gboolean idle;
    Task *task = queue_take(&carrier->queue, hand->courier ? MAX(carrier->options.idle_seconds, 1) : 0, &idle);
    if (!task && !idle)
      break;
    if (idle) {
      drop_courier(carrier, hand);
      continue;
    }
    g_autoptr(GError) failure = NULL;
    gboolean connected = connect_hand(carrier, hand, &failure);
    task->run(task, hand->reader, connected ? hand->courier : NULL, failure);
  }
  drop_courier(carrier, hand);
  pthread_mutex_lock(&carrier->lock);
  carrier->running--;
  pthread_mutex_unlock(&carrier->lock);
  return NULL;
}

Carrier *carrier_start(const CarrierOptions *options, GError **error) {
  Carrier *carrier = g_new0(Carrier, 1);
  carrier->options = *options;
  if (carrier->options.idle_seconds == 0)
    carrier->options.idle_seconds = 60;
  queue_init(&carrier->queue);
  pthread_mutex_init(&carrier->lock, NULL);
  pthread_mutex_init(&carrier->connecting, NULL);
  carrier->running = MAX(options->connections, 1);
  carrier->hands = hands_start(carrier->running, options->book_path, carry, carrier, error);
  if (carrier->hands->len == MAX(options->connections, 1))
    return carrier;
  pthread_mutex_lock(&carrier->lock);
  carrier->running -= MAX(options->connections, 1) - carrier->hands->len;
  pthread_mutex_unlock(&carrier->lock);
  if (carrier_stop(carrier, 0)) /* it has had nothing to connect for */
    carrier_free(carrier);
  return NULL;
}

const char *carrier_name(const Carrier *carrier) {
  return carrier->options.endpoint.name;
}
void carrier_add(Carrier *carrier, Task *task) {
  queue_add(&carrier->queue, task, FALSE);
}
void carrier_add_first(Carrier *carrier, Task *task) {
  queue_add(&carrier->queue, task, TRUE);
}

/* Whether a thread is at a task, or, within the grace, is connecting. After it those that only connect are abandoned in
 * the same moment in which this is FALSE. */
static gboolean is_busy(Carrier *carrier, gboolean within_grace) {
  pthread_mutex_lock(&carrier->lock);
  gboolean busy = carrier->running > (within_grace ? 0 : carrier->opening);
  carrier->abandoned = !busy && carrier->running > 0;
  pthread_mutex_unlock(&carrier->lock);
  return busy;
}

static void abort_all(Carrier *carrier) {
  pthread_mutex_lock(&carrier->lock);
  for (guint i = 0; i < carrier->hands->len; i++) {
    Hand *hand = carrier->hands->pdata[i];
    if (hand->courier)
      courier_abort(hand->courier);
  }
  pthread_mutex_unlock(&carrier->lock);
}

void carrier_halt(Carrier *carrier) {
  pthread_mutex_lock(&carrier->lock);
  carrier->stopping = TRUE;
  pthread_mutex_unlock(&carrier->lock);
  queue_stop(&carrier->queue);
}

gboolean carrier_stop(Carrier *carrier, guint grace_seconds) {
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  gboolean aborted = FALSE;
  carrier_halt(carrier);
  while (is_busy(carrier, g_get_monotonic_time() < until)) {
    if (!aborted && g_get_monotonic_time() >= until) {
      abort_all(carrier);
      aborted = TRUE;
    }
    g_usleep(5000);
  }
  if (carrier->abandoned)
    return FALSE;
  hands_join(carrier->hands);
  carrier->hands = NULL;
  return TRUE;
}

void carrier_free(Carrier *carrier) {
  queue_clear(&carrier->queue);
  pthread_mutex_destroy(&carrier->lock);
  pthread_mutex_destroy(&carrier->connecting);
  g_clear_error(&carrier->problem);
  g_free(carrier->describe);
  g_free(carrier);
}

void carrier_status(Carrier *carrier, CarrierStatus *status) {
  pthread_mutex_lock(&carrier->queue.lock);
  guint queued = carrier->queue.tasks.length;
  pthread_mutex_unlock(&carrier->queue.lock);
  pthread_mutex_lock(&carrier->lock);
  *status = (CarrierStatus){.state = carrier->refused_logins >= LOGINS_BEFORE_BREAKER ? CARRIER_BREAKER
                                     : carrier->problem                               ? CARRIER_WAITING
                                                                                      : CARRIER_GOOD,
                            .queued = queued,
                            .problem = carrier->problem ? g_strdup(carrier->problem->message) : NULL,
                            .describe = g_strdup(carrier->describe)};
  if (carrier->problem)
    status->retry_at = g_get_real_time() + (carrier->retry_at - g_get_monotonic_time());
  for (guint i = 0; i < carrier->hands->len; i++)
    status->connected += ((Hand *)carrier->hands->pdata[i])->courier != NULL;
  pthread_mutex_unlock(&carrier->lock);
}

void carrier_reset(Carrier *carrier) {
  pthread_mutex_lock(&carrier->lock);
  carrier->failures = carrier->refused_logins = 0;
  g_clear_error(&carrier->problem);
  pthread_mutex_unlock(&carrier->lock);
}
