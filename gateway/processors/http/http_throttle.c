#include "gateway/processors/http/http_throttle.h"
#include "gateway/common/log.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { LOOK_AGAIN = 200000 }; /* microseconds: how soon a thread that waits notices that the lane ends */

struct Interface {
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

Interface *interface_new(const char *name, const ConfBatch *batch) {
  Interface *interface = g_new0(Interface, 1);
  PressureOptions options = options_of(batch);
  interface->name = g_strdup(name);
  interface->pressure = pressure_new(&options);
  pthread_mutex_init(&interface->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&interface->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  return interface;
}

void interface_share(Interface *interface, const ConfBatch *batch) {
  PressureOptions options = options_of(batch);
  pressure_widen(interface->pressure, &options);
}

void interface_free(Interface *interface) {
  pthread_cond_destroy(&interface->changed);
  pthread_mutex_destroy(&interface->lock);
  pressure_free(interface->pressure);
  g_free(interface->name);
  g_free(interface);
}

const char *interface_name(const Interface *interface) {
  return interface->name;
}

static void wait_until(Interface *interface, gint64 until) {
  struct timespec at = {until / G_USEC_PER_SEC, (until % G_USEC_PER_SEC) * 1000};
  pthread_cond_timedwait(&interface->changed, &interface->lock, &at);
}

gboolean interface_begin(Interface *interface, gint64 patience, const gint *stopping, PressureCall *call) {
  gint64 now = g_get_monotonic_time(), until = now + patience, next;
  pthread_mutex_lock(&interface->lock);
  while ((next = pressure_begin(interface->pressure, now, call)) != 0 && now < until && !g_atomic_int_get(stopping)) {
    wait_until(interface, MIN(MIN(next, until), now + LOOK_AGAIN));
    now = g_get_monotonic_time();
  }
  pthread_mutex_unlock(&interface->lock);
  return next == 0;
}

void interface_sent(Interface *interface, PressureCall *call) {
  (void)interface;
  pressure_sent(call, g_get_monotonic_time());
}

static void tell(const Interface *interface) {
  PressureState state;
  pressure_state(interface->pressure, &state);
  gboolean is_down = (state.threads < state.from_threads || state.size < state.from_size) &&
                     strcmp(state.reason, "brought nothing") != 0;
  log_event(is_down ? LOG_WARNING : LOG_INFO, "pressure", {"interface", interface->name}, {"why", state.reason},
            {"x", log_number(state.size)}, {"x_before", log_number(state.from_size)},
            {"threads", log_number(state.threads)}, {"threads_before", log_number(state.from_threads)},
            {"latency_ms", log_number(state.latency / 1000)}, {"spacing_ms", log_number(state.spacing / 1000)},
            {"refused", log_number((gint64)state.refused)}, {"failed", log_number((gint64)state.failed)},
            {"calls", log_number((gint64)state.calls)});
}

void interface_end(Interface *interface, const PressureCall *call, const PressureEnd *end) {
  pthread_mutex_lock(&interface->lock);
  if (pressure_end(interface->pressure, call, g_get_monotonic_time(), end))
    tell(interface);
  pthread_cond_broadcast(&interface->changed);
  pthread_mutex_unlock(&interface->lock);
}

void interface_state(Interface *interface, PressureState *state) {
  pthread_mutex_lock(&interface->lock);
  pressure_state(interface->pressure, state);
  pthread_mutex_unlock(&interface->lock);
  if (state->paused_until <= g_get_monotonic_time())
    state->paused_until = 0;
}

guint interface_size(Interface *interface, const ConfBatch *batch) {
  PressureState state;
  interface_state(interface, &state);
  return pressure_size_for(&state, least_size(batch), MAX(batch->size_max, least_size(batch)));
}

guint interface_threads(Interface *interface, const ConfBatch *batch) {
  PressureState state;
  interface_state(interface, &state);
  return MIN(state.threads, MAX(batch->threads_max, 1));
}

gint64 interface_pause_left(Interface *interface) {
  PressureState state;
  interface_state(interface, &state);
  return state.paused_until > 0 ? MAX(state.paused_until - g_get_monotonic_time(), 0) : 0;
}

void interface_pause(Interface *interface, guint seconds) {
  pthread_mutex_lock(&interface->lock);
  pressure_pause(interface->pressure, g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC);
  pthread_mutex_unlock(&interface->lock);
}

void interface_resume(Interface *interface) {
  pthread_mutex_lock(&interface->lock);
  pressure_pause(interface->pressure, 0);
  pthread_cond_broadcast(&interface->changed);
  pthread_mutex_unlock(&interface->lock);
}
