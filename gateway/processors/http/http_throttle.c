#include "gateway/processors/http/http_throttle.h"
#include "gateway/base/clock.h"
#include "gateway/common/log.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { LOOK_AGAIN = 200000 }; /* microseconds: how soon a thread that waits notices that the lane ends */

struct AccrualService {
  char *name;
  Pressure *pressure;
  pthread_mutex_t lock; /* of the pressure */
  pthread_cond_t changed;
};

/* Without a pressure block x is what it may be at most. */
static guint least_size(const ConfBatch *batch) {
  return MAX(batch->target_latency > 0 ? batch->size_min : batch->size_max, 1);
}

static PressureOptions options_of(const ConfBatch *batch) {
  return (PressureOptions){.size_min = least_size(batch),
                           .size_max = MAX(batch->size_max, least_size(batch)),
                           .threads_min = MAX(batch->threads_min, 1),
                           .threads_max = MAX(batch->threads_max, MAX(batch->threads_min, 1)),
                           .target_latency = (gint64)batch->target_latency * 1000};
}

AccrualService *accrual_service_new(const char *name, const ConfBatch *batch) {
  AccrualService *service = g_new0(AccrualService, 1);
  PressureOptions options = options_of(batch);
  service->name = g_strdup(name);
  service->pressure = pressure_new(&options);
  pthread_mutex_init(&service->lock, NULL);
  clock_condition_init(&service->changed);
  return service;
}

void accrual_service_share(AccrualService *service, const ConfBatch *batch) {
  PressureOptions options = options_of(batch);
  pressure_widen(service->pressure, &options);
}

void accrual_service_free(AccrualService *service) {
  pthread_cond_destroy(&service->changed);
  pthread_mutex_destroy(&service->lock);
  pressure_free(service->pressure);
  g_free(service->name);
  g_free(service);
}

const char *accrual_service_name(const AccrualService *service) {
  return service->name;
}

static void wait_until(AccrualService *service, gint64 until) {
  clock_condition_wait(&service->changed, &service->lock, until);
}

gboolean accrual_service_begin(AccrualService *service, gint64 patience, const gint *stopping, PressureCall *call) {
  gint64 now = g_get_monotonic_time(), until = now + patience, next;
  pthread_mutex_lock(&service->lock);
  while ((next = pressure_begin(service->pressure, now, call)) != 0 && now < until && !g_atomic_int_get(stopping)) {
    wait_until(service, MIN(MIN(next, until), now + LOOK_AGAIN));
    now = g_get_monotonic_time();
  }
  pthread_mutex_unlock(&service->lock);
  return next == 0;
}

void accrual_service_sent(AccrualService *service, PressureCall *call) {
  (void)service;
  pressure_sent(call, g_get_monotonic_time());
}

static void log_pressure(const AccrualService *service) {
  PressureState state;
  pressure_state(service->pressure, &state);
  gboolean is_down = (state.threads < state.from_threads || state.size < state.from_size) &&
                     strcmp(state.reason, "brought nothing") != 0;
  log_event(is_down ? LOG_WARNING : LOG_INFO, "pressure", {"interface", service->name}, {"why", state.reason},
            {"x", log_number(state.size)}, {"x_before", log_number(state.from_size)},
            {"threads", log_number(state.threads)}, {"threads_before", log_number(state.from_threads)},
            {"latency_ms", log_number(state.latency / 1000)}, {"spacing_ms", log_number(state.spacing / 1000)},
            {"refused", log_number((gint64)state.refused)}, {"failed", log_number((gint64)state.failed)},
            {"calls", log_number((gint64)state.calls)});
}

void accrual_service_end(AccrualService *service, const PressureCall *call, const PressureEnd *end) {
  pthread_mutex_lock(&service->lock);
  if (pressure_end(service->pressure, call, g_get_monotonic_time(), end))
    log_pressure(service);
  pthread_cond_broadcast(&service->changed);
  pthread_mutex_unlock(&service->lock);
}

void accrual_service_state(AccrualService *service, PressureState *state) {
  pthread_mutex_lock(&service->lock);
  pressure_state(service->pressure, state);
  pthread_mutex_unlock(&service->lock);
  if (state->paused_until <= g_get_monotonic_time())
    state->paused_until = 0;
}

guint accrual_service_size(AccrualService *service, const ConfBatch *batch) {
  PressureState state;
  accrual_service_state(service, &state);
  return pressure_size_for(&state, least_size(batch), MAX(batch->size_max, least_size(batch)));
}

guint accrual_service_threads(AccrualService *service, const ConfBatch *batch) {
  PressureState state;
  accrual_service_state(service, &state);
  return MIN(state.threads, MAX(batch->threads_max, 1));
}

gint64 accrual_service_pause_left(AccrualService *service) {
  PressureState state;
  accrual_service_state(service, &state);
  return state.paused_until > 0 ? MAX(state.paused_until - g_get_monotonic_time(), 0) : 0;
}

void accrual_service_pause(AccrualService *service, guint seconds) {
  pthread_mutex_lock(&service->lock);
  pressure_pause(service->pressure, g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC);
  pthread_mutex_unlock(&service->lock);
}

void accrual_service_resume(AccrualService *service) {
  pthread_mutex_lock(&service->lock);
  pressure_pause(service->pressure, 0);
  pthread_cond_broadcast(&service->changed);
  pthread_mutex_unlock(&service->lock);
}

json_t *accrual_service_json(AccrualService *service, const ConfBatch *batch) {
  PressureState state;
  accrual_service_state(service, &state);
  gint64 pause = accrual_service_pause_left(service);
  return json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "interface", service->name, "x",
                   (int)accrual_service_size(service, batch), "threads", (int)state.threads, "in_flight",
                   (int)state.in_flight, "latency", (json_int_t)(state.latency / 1000), "spacing",
                   (json_int_t)(state.spacing / 1000), "paused", (json_int_t)(pause / 1000), "calls",
                   (json_int_t)state.calls, "refused", (json_int_t)state.refused, "failed", (json_int_t)state.failed,
                   "last_decision", state.reason);
}
