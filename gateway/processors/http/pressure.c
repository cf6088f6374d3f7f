/* Time goes by in stretches: so many calls at one level that throughput and latency can be told. At the end of each,
 * and at once when something hurts, there is one decision. A decision begins a new epoch: calls that began before it
 * tell nothing about what it did, so that the refusals of one burst push down once. */
#include "gateway/processors/http/pressure_private.h"

/* Few calls in flight tell less than many: x is as large as it may be from the start, the calls are few. */
static void set_start(Pressure *p) {
  p->level = (Level){p->options.threads_min, p->options.size_max, 0};
  p->threads_ceiling = p->size_ceiling = G_MAXUINT;
}

Pressure *pressure_new(const PressureOptions *options) {
  Pressure *p = g_new0(Pressure, 1);
  p->options = *options;
  p->reason = "";
  set_start(p);
  return p;
}

void pressure_free(Pressure *pressure) {
  g_free(pressure);
}

void pressure_widen(Pressure *p, const PressureOptions *more) {
  p->options.size_min = MIN(p->options.size_min, more->size_min);
  p->options.size_max = MAX(p->options.size_max, more->size_max);
  p->options.threads_min = MIN(p->options.threads_min, more->threads_min);
  p->options.threads_max = MAX(p->options.threads_max, more->threads_max);
  if (more->target_latency > 0 && (p->options.target_latency == 0 || more->target_latency < p->options.target_latency))
    p->options.target_latency = more->target_latency;
  set_start(p);
}

/* --- Calls */

/* Latency may be told early; a trial of fewer calls is given its time. */
static gboolean is_too_slow(const Pressure *p, double latency, gboolean is_over) {
  double target = (double)p->options.target_latency;
  return target > 0 && p->latency_calls >= MAX(3, p->level.threads / 2) && latency > target * (is_over ? 1.0 : 1.2) &&
         (is_over || p->trial != TRIAL_FEWER_THREADS || latency > PRESSURE_COLLAPSE * target);
}

/* Failures that are not more than before the step say nothing about it: what failed counts as if it had gone through,
 * as chance would drown what the step brought. */
static Stretch stretch_so_far(const Pressure *p, gint64 now) {
  Stretch stretch = {.latency = p->latency_calls ? (double)p->latency_sum / p->latency_calls : 0,
                     .share = (double)p->stretch_failed / MAX(p->calls + p->stretch_failed, 1),
                     .ended = p->calls + p->stretch_failed};
  if (now > p->opened)
    stretch.rate = (double)(p->records + p->failed_records) / (double)(now - p->opened);
  return stretch;
}

static gboolean good(Pressure *p, const PressureCall *call, gint64 now, guint records) {
  gboolean is_new = call->epoch == p->epoch;
  p->pauses = p->in_a_row = 0;
  p->is_down = FALSE;
  p->good_since_refusal++;
  p->calls_since++;
  p->granted_for++;
  p->seen += is_new ? 1 : 0;
  if (p->opened == 0) {
    p->opened = is_new ? now : 0;
    if (!is_new)
      return FALSE;
  } else {
    p->calls++;
    p->records += records;
    p->full += records >= p->level.size;
  }
  if (is_new) {
    p->latency_sum += now - call->sent;
    p->latency_calls++;
  }
  Stretch stretch = stretch_so_far(p, now);
  gboolean is_over = p->calls + p->stretch_failed >= pressure_stretch_of(p);
  if (p->latency_calls >= (is_over ? 1 : MAX(3, p->level.threads / 2)) || is_over)
    p->latency = (gint64)stretch.latency;
  if (is_too_slow(p, stretch.latency, is_over)) {
    gboolean cost = p->trial == TRIAL_FEWER_THREADS && is_over && pressure_cost_something(p, stretch.rate);
    return cost ? pressure_take_back_threads(p, now) : pressure_slow(p, now, &stretch);
  }
  return is_over && pressure_judge(p, now, &stretch);
}

gint64 pressure_begin(Pressure *p, gint64 now, PressureCall *call) {
  if (now < p->paused_until)
    return p->paused_until;
  if (p->in_flight >= p->level.threads)
    return G_MAXINT64;
  if (p->level.spacing > 0 && p->last_begin > 0 && now < p->last_begin + p->level.spacing)
    return p->last_begin + p->level.spacing;
  p->in_flight++;
  p->begun++;
  p->at_limit += p->in_flight == p->level.threads ||
                 (p->level.spacing > 0 && now - p->last_begin <= p->level.spacing * 5 / 4);
  p->last_begin = now;
  *call = (PressureCall){.sent = now, .epoch = p->epoch, .in_flight = p->in_flight, .row = p->rows};
  return 0;
}

void pressure_sent(PressureCall *call, gint64 now) {
  call->sent = now;
}

gboolean pressure_end(Pressure *p, const PressureCall *call, gint64 now, const PressureEnd *end) {
  p->in_flight--;
  p->older -= p->older > 0 && call->row != p->rows ? 1 : 0;
  if (end->outcome == PRESSURE_NO_CALL)
    return FALSE;
  p->ended++;
  p->refused += end->outcome == PRESSURE_REFUSED || end->outcome == PRESSURE_UNAVAILABLE;
  p->failed += end->outcome == PRESSURE_FAILED;
  if (end->outcome == PRESSURE_GOOD)
    return good(p, call, now, end->records);
  if (end->outcome == PRESSURE_REFUSED)
    return pressure_refused(p, call, now, end->retry_after);
  return pressure_failed(p, call, now, end->records);
}

void pressure_pause(Pressure *p, gint64 until) {
  p->paused_until = until;
  p->pauses = until == 0 ? 0 : p->pauses;
}

void pressure_state(const Pressure *p, PressureState *state) {
  gboolean at_floor = p->level.size <= p->options.size_min && p->level.threads <= p->options.threads_min;
  *state = (PressureState){.size = p->level.size,
                           .threads = p->level.threads,
                           .at_floor = at_floor,
                           .in_flight = p->in_flight,
                           .latency = p->latency,
                           .spacing = p->level.spacing,
                           .paused_until = p->paused_until,
                           .calls = p->ended,
                           .refused = p->refused,
                           .failed = p->failed,
                           .reason = p->reason,
                           .from_size = p->from.size,
                           .from_threads = p->from.threads};
}
