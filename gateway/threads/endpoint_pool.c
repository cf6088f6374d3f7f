#include "gateway/threads/endpoint_pool.h"
#include "gateway/base/clock.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include <pthread.h>
#include <unistd.h>

struct EndpointPool {
  EndpointPoolOptions options;
  gint other_keys; /* what couriers have learnt of the server, from one opening to the next */
  TaskQueue queue;
  GPtrArray *hands;
  pthread_mutex_t connecting; /* one login at a time, so that the breaker's count holds */
  pthread_mutex_t lock;       /* of all below, and of the hands' couriers */
  guint failures, refused_logins;
  gint64 retry_at; /* monotonic; 0: now */
  GError *problem;
  char *describe;
  pthread_cond_t rested; /* the end, or a reset */
  guint resting, resets; /* threads that rest: there are fewer connections than may be */
  char *refused;         /* why; NULL: all were taken */
  guint running; /* threads that have not ended */
  guint opening; /* of these, those that connect or wait for their turn to connect */
  gboolean stopping;
  gboolean abandoned; /* nobody waits for those any more */
};

static void note_failure(EndpointPool *pool, const GError *error) {
  gboolean is_login = sallyport_error_code(error) == SALLYPORT_ERROR_LOGIN;
  pool->refused_logins += is_login ? 1 : 0;
  pool->failures++;
  pool->retry_at = g_get_monotonic_time() + policy_wait(POLICY_ENDPOINT, pool->failures);
  g_clear_error(&pool->problem);
  pool->problem = g_error_copy(error);
  gboolean is_open = pool->refused_logins >= POLICY_LOGINS;
  log_event(LOG_ERROR, is_open && is_login ? "breaker-open" : "connect-failed",
            {"endpoint", pool->options.endpoint.name}, {"code", sallyport_error_word(error->code)},
            {"error", error->message}, {"attempt", log_number(pool->failures)});
}

static guint connected(const EndpointPool *pool) {
  guint count = 0;
  for (guint i = 0; pool->hands && i < pool->hands->len; i++)
    count += ((Hand *)pool->hands->pdata[i])->courier != NULL;
  return count;
}

/* Not the endpoint's failure, nor the login's, as long as another connection stands: should that one be dead, too, the
 * thread that has it finds that out. */
static gboolean is_one_too_many(EndpointPool *pool, const GError *error) {
  guint standing = connected(pool);
  if (standing == 0 || sallyport_error_code(error) == SALLYPORT_ERROR_CONFIGURATION)
    return FALSE;
  pool->resting++;
  g_free(pool->refused);
  pool->refused = g_strdup_printf("it takes %u connection%s at a time and refuses one more; connections = %u asks for "
                                  "no others (%s)",
                                  standing, standing == 1 ? "" : "s", standing, error->message);
  log_event(LOG_WARNING, "fewer-connections", {"endpoint", pool->options.endpoint.name},
            {"connections", log_number(standing)}, {"code", sallyport_error_word(error->code)},
            {"error", error->message});
  return TRUE;
}

/* Whether a connection may be tried now; if not, why not. */
static gboolean may_connect(EndpointPool *pool, GError **why) {
  gboolean is_broken = pool->refused_logins >= POLICY_LOGINS;
  gboolean waits = pool->problem && g_get_monotonic_time() < pool->retry_at;
  if (is_broken)
    sallyport_error_set(why, SALLYPORT_ERROR_LOGIN,
                        "%s: no more logins after %d refused ones, until `sallyport poll` or a reload: %s",
                        pool->options.endpoint.name, POLICY_LOGINS, pool->problem->message);
  else if (waits)
    g_propagate_error(why, g_error_copy(pool->problem));
  return !is_broken && !waits;
}

static void note_success(EndpointPool *pool, Courier *courier) {
  pool->failures = pool->refused_logins = 0;
  g_clear_error(&pool->problem);
  g_free(pool->describe);
  pool->describe = g_strdup(courier_describe(courier));
  log_event(LOG_INFO, "connected", {"endpoint", pool->options.endpoint.name}, {"server", pool->describe});
}

static void drop_courier(EndpointPool *pool, Hand *hand) {
  pthread_mutex_lock(&pool->lock);
  Courier *courier = g_steal_pointer(&hand->courier);
  pthread_mutex_unlock(&pool->lock);
  courier_close(courier);
}

static gboolean is_stopping_error(GError **why) {
  return sallyport_error_set(why, SALLYPORT_ERROR_AGAIN, "the lane is stopping");
}

/* *rests: the others go on without this thread for a while. */
static gboolean connect_now(EndpointPool *pool, Hand *hand, gboolean *rests, GError **why) {
  pthread_mutex_lock(&pool->lock);
  gboolean may = pool->stopping ? is_stopping_error(why) : may_connect(pool, why);
  pthread_mutex_unlock(&pool->lock);
  if (!may)
    return FALSE;
  Courier *courier = courier_open(&pool->options.endpoint, why);
  pthread_mutex_lock(&pool->lock);
  hand->courier = courier;
  if (courier)
    note_success(pool, courier);
  else if (!(*rests = is_one_too_many(pool, *why)))
    note_failure(pool, *why);
  pthread_mutex_unlock(&pool->lock);
  return courier != NULL;
}

static gboolean begin_opening(EndpointPool *pool, GError **why) {
  pthread_mutex_lock(&pool->lock);
  gboolean may = pool->stopping ? is_stopping_error(why) : TRUE;
  pool->opening += may ? 1 : 0;
  pthread_mutex_unlock(&pool->lock);
  return may;
}

/* An abandoned thread owns nothing any more: it ends with the process. */
static void end_opening(EndpointPool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->opening--;
  gboolean abandoned = pool->abandoned;
  pthread_mutex_unlock(&pool->lock);
  while (abandoned)
    pause();
}

static gboolean connect_hand(EndpointPool *pool, Hand *hand, gboolean *rests, GError **why) {
  *rests = FALSE;
  if (hand->courier && courier_is_lost(hand->courier))
    drop_courier(pool, hand);
  if (hand->courier)
    return TRUE;
  if (!begin_opening(pool, why))
    return FALSE;
  pthread_mutex_lock(&pool->connecting);
  gboolean is_connected = connect_now(pool, hand, rests, why);
  pthread_mutex_unlock(&pool->connecting);
  end_opening(pool);
  return is_connected;
}

static void rest(EndpointPool *pool) {
  gint64 until = g_get_monotonic_time() + policy_wait(POLICY_CONNECTIONS, 1);
  pthread_mutex_lock(&pool->lock);
  guint resets = pool->resets;
  while (!pool->stopping && pool->resets == resets && clock_condition_wait(&pool->rested, &pool->lock, until))
    ;
  pool->resting--;
  if (pool->resting == 0)
    g_clear_pointer(&pool->refused, g_free);
  pthread_mutex_unlock(&pool->lock);
}

/* FALSE: the pool has been halted, and with it this task. */
static gboolean begin_task(EndpointPool *pool, Hand *hand, const Task *task) {
  pthread_mutex_lock(&pool->lock);
  hand->only_waits = task->only_waits;
  gboolean begins = !task->only_waits || !pool->stopping;
  pthread_mutex_unlock(&pool->lock);
  return begins;
}

static void *carry(void *data) {
  Hand *hand = data;
  EndpointPool *pool = hand->owner;
  for (;;) {
    gboolean idle;
    Task *task = task_queue_take(&pool->queue, hand->courier ? MAX(pool->options.idle_seconds, 1) : 0, &idle);
    if (!task && !idle)
      break;
    if (idle) {
      drop_courier(pool, hand);
      continue;
    }
    g_autoptr(GError) failure = NULL;
    gboolean rests, is_connected = connect_hand(pool, hand, &rests, &failure);
    if (rests) {
      task_queue_add(&pool->queue, task, TRUE);
      rest(pool);
      continue;
    }
    if (!begin_task(pool, hand, task)) {
      task->drop(task);
      continue;
    }
    task->run(task, hand->reader, is_connected ? hand->courier : NULL, failure);
  }
  drop_courier(pool, hand);
  pthread_mutex_lock(&pool->lock);
  pool->running--;
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

EndpointPool *endpoint_pool_start(const EndpointPoolOptions *options, GError **error) {
  EndpointPool *pool = g_new0(EndpointPool, 1);
  pool->options = *options;
  pool->options.endpoint.other_keys = &pool->other_keys;
  if (pool->options.idle_seconds == 0)
    pool->options.idle_seconds = 60;
  task_queue_init(&pool->queue);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_mutex_init(&pool->connecting, NULL);
  clock_condition_init(&pool->rested);
  pool->running = MAX(options->connections, 1);
  pool->hands = hands_start(pool->running, options->book_path, carry, pool, error);
  if (pool->hands->len == MAX(options->connections, 1))
    return pool;
  pthread_mutex_lock(&pool->lock);
  pool->running -= MAX(options->connections, 1) - pool->hands->len;
  pthread_mutex_unlock(&pool->lock);
  if (endpoint_pool_stop(pool, 0)) /* it has had nothing to connect for */
    endpoint_pool_free(pool);
  return NULL;
}

const char *endpoint_pool_name(const EndpointPool *pool) {
  return pool->options.endpoint.name;
}
void endpoint_pool_add(EndpointPool *pool, Task *task) {
  task_queue_add(&pool->queue, task, FALSE);
}
void endpoint_pool_add_first(EndpointPool *pool, Task *task) {
  task_queue_add(&pool->queue, task, TRUE);
}

/* Whether a thread is at a task, or, within the grace, is connecting. After it those that only connect are abandoned in
 * the same moment in which this is FALSE. */
static gboolean is_busy(EndpointPool *pool, gboolean within_grace) {
  pthread_mutex_lock(&pool->lock);
  gboolean busy = pool->running > (within_grace ? 0 : pool->opening);
  pool->abandoned = !busy && pool->running > 0;
  pthread_mutex_unlock(&pool->lock);
  return busy;
}

/* Under the lock. */
static void abort_hands(EndpointPool *pool, gboolean all) {
  for (guint i = 0; pool->hands && i < pool->hands->len; i++) {
    Hand *hand = pool->hands->pdata[i];
    if (hand->courier && (all || hand->only_waits))
      courier_abort(hand->courier);
  }
}

static void abort_all(EndpointPool *pool) {
  pthread_mutex_lock(&pool->lock);
  abort_hands(pool, TRUE);
  pthread_mutex_unlock(&pool->lock);
}

void endpoint_pool_halt(EndpointPool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stopping = TRUE;
  pthread_cond_broadcast(&pool->rested);
  abort_hands(pool, FALSE);
  pthread_mutex_unlock(&pool->lock);
  task_queue_stop(&pool->queue);
}

gboolean endpoint_pool_stop(EndpointPool *pool, guint grace_seconds) {
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  gboolean aborted = FALSE;
  endpoint_pool_halt(pool);
  while (is_busy(pool, g_get_monotonic_time() < until)) {
    if (!aborted && g_get_monotonic_time() >= until) {
      abort_all(pool);
      aborted = TRUE;
    }
    g_usleep(5000);
  }
  if (pool->abandoned)
    return FALSE;
  hands_join(pool->hands);
  pool->hands = NULL;
  return TRUE;
}

void endpoint_pool_free(EndpointPool *pool) {
  task_queue_clear(&pool->queue);
  pthread_mutex_destroy(&pool->lock);
  pthread_mutex_destroy(&pool->connecting);
  pthread_cond_destroy(&pool->rested);
  g_clear_error(&pool->problem);
  g_free(pool->refused);
  g_free(pool->describe);
  g_free(pool);
}

void endpoint_pool_status(EndpointPool *pool, EndpointPoolStatus *status) {
  pthread_mutex_lock(&pool->queue.lock);
  guint queued = pool->queue.tasks.length;
  pthread_mutex_unlock(&pool->queue.lock);
  pthread_mutex_lock(&pool->lock);
  *status = (EndpointPoolStatus){.state = pool->refused_logins >= POLICY_LOGINS ? ENDPOINT_POOL_BREAKER
                                          : pool->problem                       ? ENDPOINT_POOL_WAITING
                                          : pool->refused                       ? ENDPOINT_POOL_FEWER
                                                                                : ENDPOINT_POOL_GOOD,
                                 .queued = queued,
                                 .resting = pool->resting,
                                 .problem = g_strdup(pool->problem ? pool->problem->message : pool->refused),
                                 .describe = g_strdup(pool->describe)};
  if (pool->problem)
    status->retry_at = g_get_real_time() + (pool->retry_at - g_get_monotonic_time());
  status->connected = connected(pool);
  pthread_mutex_unlock(&pool->lock);
}

void endpoint_pool_reset(EndpointPool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->failures = pool->refused_logins = 0;
  g_clear_error(&pool->problem);
  pool->resets++;
  pthread_cond_broadcast(&pool->rested);
  pthread_mutex_unlock(&pool->lock);
}
