/* What is decided, and how long nothing is tried after what hurt. */
#include "gateway/processors/http/pressure_private.h"

enum { LEAST_STRETCH = 4, FIRST_PATIENCE_STRETCHES = 3, MOST_PATIENCE_CALLS = 128, MOST_HARMLESS_CALLS = 64 };
static const gint64 FIRST_PATIENCE = 2 * G_USEC_PER_SEC, MOST_PATIENCE = 30 * G_USEC_PER_SEC,
                    MOST_HARMLESS = 10 * G_USEC_PER_SEC;

guint pressure_stretch_of(const Pressure *p) {
  return MAX(LEAST_STRETCH, 2 * p->level.threads);
}

gboolean pressure_is_step_up(Trial trial) {
  return trial == TRIAL_MORE_THREADS || trial == TRIAL_LARGER || trial == TRIAL_CLOSER;
}

/* --- Patience */

void pressure_wait_before_probe(Pressure *p, gint64 now) {
  p->probe_at = now + p->patience.time;
  p->calls_since = 0;
}

/* A refusal is a harm; a step that brought nothing, or queued a little, is none. What was granted too soon is taken
 * back. */
void pressure_be_more_patient(Pressure *p, gint64 now, gboolean is_harm) {
  Patience most = is_harm ? (Patience){MOST_PATIENCE, MOST_PATIENCE_CALLS}
                          : (Patience){MOST_HARMLESS, MOST_HARMLESS_CALLS};
  if (p->before_grant.calls > p->granted_for)
    p->patience = p->before_grant;
  p->before_grant.calls = 0;
  p->patience.time = MAX(p->patience.time, MIN(MAX(2 * p->patience.time, FIRST_PATIENCE), most.time));
  p->patience.calls =
      MAX(p->patience.calls,
          MIN(MAX(2 * p->patience.calls, FIRST_PATIENCE_STRETCHES * pressure_stretch_of(p)), most.calls));
  pressure_wait_before_probe(p, now);
}

/* A probe was good: the next ones come sooner and sooner, on condition that the level bears out as long as the wait for
 * it was. */
void pressure_be_less_patient(Pressure *p, gint64 now) {
  if (p->before_grant.calls <= p->granted_for) {
    p->before_grant = p->patience;
    p->granted_for = 0;
  }
  p->patience.time = p->patience.time / 4 < FIRST_PATIENCE / 4 ? 0 : p->patience.time / 4;
  p->patience.calls /= 4;
  pressure_wait_before_probe(p, now);
}

/* --- Decisions */

void pressure_begin_stretch(Pressure *p) {
  p->opened = 0;
  p->calls = p->begun = p->at_limit = p->full = p->latency_calls = p->stretch_failed = 0;
  p->records = p->failed_records = 0;
  p->latency_sum = 0;
}

gboolean pressure_decide(Pressure *p, Level level, const char *reason) {
  level.threads = CLAMP(level.threads, p->options.threads_min, p->options.threads_max);
  level.size = CLAMP(level.size, p->options.size_min, p->options.size_max);
  pressure_begin_stretch(p);
  if (level.threads == p->level.threads && level.size == p->level.size && level.spacing == p->level.spacing)
    return FALSE;
  p->epoch++;
  p->seen = p->seen_failed = 0;
  p->roomy = 0;
  p->from = p->level;
  p->level = level;
  p->reason = reason;
  return TRUE;
}

void pressure_try(Pressure *p, Trial trial, const Stretch *stretch) {
  p->trial = trial;
  p->before = p->level;
  p->before_rate = stretch->rate;
  p->before_latency = stretch->latency;
  p->before_share = stretch->share;
  p->before_ended = stretch->ended;
}

/* The step up was wrong: back to the level that was good, and not again so soon. */
gboolean pressure_step_back(Pressure *p, gint64 now, gboolean is_harm, const char *reason) {
  Trial trial = p->trial;
  p->trial = TRIAL_NONE;
  if (trial == TRIAL_MORE_THREADS)
    p->threads_ceiling = p->before.threads + 1;
  else if (trial == TRIAL_LARGER)
    p->size_ceiling = p->level.size;
  else
    p->spacing_floor = p->level.spacing;
  pressure_be_more_patient(p, now, is_harm);
  return pressure_decide(p, p->before, reason);
}
