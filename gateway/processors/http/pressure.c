/* Time goes by in stretches: so many calls at one level that throughput and latency can be told. At the end of each,
 * and at once when something hurts, there is one decision. A decision begins a new epoch: calls that began before it
 * tell nothing about what it did, so that the refusals of one burst push down once. */
#include "gateway/processors/http/pressure.h"
#include "gateway/common/policy.h"

enum {
  LEAST_STRETCH = 4,
  FIRST_PATIENCE_STRETCHES = 3,
  MOST_PATIENCE_CALLS = 128,
  MOST_HARMLESS_CALLS = 64,
  SIZE_STEPS = 8,
  LEAST_SIZE_STEP = 50
};
static const gint64 FIRST_PATIENCE = 2 * G_USEC_PER_SEC, MOST_PATIENCE = 30 * G_USEC_PER_SEC,
                    MOST_HARMLESS = 10 * G_USEC_PER_SEC;
/* multiplicative decrease: as gentle as congestion controls that keep a pipe full (CUBIC, RFC 9438) */
static const double BACK = 0.7;
static const double GAIN = 0.3;   /* of what a step could have brought: less is noise, or queueing */
static const double COLLAPSE = 3; /* times the target: no time to find out why */

typedef enum { TRIAL_NONE, TRIAL_MORE_THREADS, TRIAL_FEWER_THREADS, TRIAL_LARGER, TRIAL_CLOSER } Trial;

typedef struct {
  gint64 time;
  guint calls;
} Patience; /* both have to pass before a probe */

struct Pressure {
  PressureOptions options;
  guint size, threads, in_flight;
  gint64 spacing, last_begin;
  guint64 epoch;
  /* The stretch: from the first call's end on that began in this epoch. */
  gint64 opened;
  guint calls, begun, at_limit, full;
  guint64 records;
  gint64 latency_sum;
  guint latency_calls;
  /* What the trial began from. */
  Trial trial;
  guint before_threads, before_size;
  gint64 before_spacing;
  double before_rate, before_latency;
  /* Memory: levels that hurt or gave nothing; only those below are climbed to without a probe. */
  guint threads_ceiling, size_ceiling;
  gint64 spacing_floor;
  gboolean threads_blameless; /* fewer of them cost throughput and did not help */
  gboolean probes_size;       /* which of the two is probed next */
  gint64 probe_at;
  Patience patience, before_grant;
  guint calls_since, granted_for; /* good calls since the last step, since the patience was shortened */
  /* Harm. */
  guint harms;  /* without a good stretch between them */
  guint pauses; /* without a good call between them */
  guint64 good_since_refusal;
  gint64 last_refusal, paused_until;
  /* For people. */
  gint64 latency;
  guint64 ended, refused, failed;
  const char *reason;
  guint from_size, from_threads;
};

static guint stretch_of(const Pressure *p) {
  return MAX(LEAST_STRETCH, 2 * p->threads);
}

static void wait_before_probe(Pressure *p, gint64 now) {
  p->probe_at = now + p->patience.time;
  p->calls_since = 0;
}

/* A refusal is a harm; a step that brought nothing, or queued a little, is none. What was granted too soon is taken
 * back. */
static void be_more_patient(Pressure *p, gint64 now, gboolean is_harm) {
  Patience most = is_harm ? (Patience){MOST_PATIENCE, MOST_PATIENCE_CALLS}
                          : (Patience){MOST_HARMLESS, MOST_HARMLESS_CALLS};
  if (p->before_grant.calls > p->granted_for)
    p->patience = p->before_grant;
  p->before_grant.calls = 0;
  p->patience.time = MAX(p->patience.time, MIN(MAX(2 * p->patience.time, FIRST_PATIENCE), most.time));
  p->patience.calls = MAX(p->patience.calls,
                          MIN(MAX(2 * p->patience.calls, FIRST_PATIENCE_STRETCHES * stretch_of(p)), most.calls));
  wait_before_probe(p, now);
}

/* A probe was good: the next ones come sooner and sooner, on condition that the level bears out as long as the wait for
 * it was. */
static void be_less_patient(Pressure *p, gint64 now) {
  if (p->before_grant.calls <= p->granted_for) {
    p->before_grant = p->patience;
    p->granted_for = 0;
  }
  p->patience.time = p->patience.time / 4 < FIRST_PATIENCE / 4 ? 0 : p->patience.time / 4;
  p->patience.calls /= 4;
  wait_before_probe(p, now);
}

static void begin_stretch(Pressure *p) {
  p->opened = 0;
  p->calls = p->begun = p->at_limit = p->full = p->latency_calls = 0;
  p->records = 0;
  p->latency_sum = 0;
}

/* Few calls in flight tell less than many: x is as large as it may be from the start, the calls are few. */
static void set_start(Pressure *p) {
  p->size = p->options.size_max;
  p->threads = p->options.threads_min;
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

/* --- Decisions */

static gboolean decide(Pressure *p, guint threads, guint size, gint64 spacing, const char *reason) {
  threads = CLAMP(threads, p->options.threads_min, p->options.threads_max);
  size = CLAMP(size, p->options.size_min, p->options.size_max);
  begin_stretch(p);
  if (threads == p->threads && size == p->size && spacing == p->spacing)
    return FALSE;
  p->epoch++;
  p->from_threads = p->threads;
  p->from_size = p->size;
  p->threads = threads;
  p->size = size;
  p->spacing = spacing;
  p->reason = reason;
  return TRUE;
}

/* A step of x, at most an eighth of its range, and no more than latency bears, which grows in proportion at most. */
static guint larger_size(const Pressure *p, double latency) {
  guint range = p->options.size_max - p->options.size_min,
        size = MIN(p->size + MAX(range / SIZE_STEPS, 1), p->options.size_max);
  if (p->options.target_latency > 0 && latency > 0)
    size = MIN(size, (guint)((double)p->size * 0.97 * (double)p->options.target_latency / latency));
  return size == p->options.size_max || size >= p->size + MAX(range / LEAST_SIZE_STEP, 1) ? size : p->size;
}

static gboolean try_level(Pressure *p, Trial trial, double rate, double latency, const char *reason) {
  p->trial = trial;
  p->before_threads = p->threads;
  p->before_size = p->size;
  p->before_spacing = p->spacing;
  p->before_rate = rate;
  p->before_latency = latency;
  if (trial == TRIAL_LARGER)
    return decide(p, p->threads, larger_size(p, latency), p->spacing, reason);
  if (trial == TRIAL_CLOSER)
    return decide(p, p->threads, p->size, p->spacing < G_USEC_PER_SEC / 1000 ? 0 : p->spacing * 3 / 4, reason);
  return decide(p, p->threads + 1, p->size, p->spacing, reason);
}

/* The step up was wrong: back to the level that was good, and not again so soon. */
static gboolean step_back(Pressure *p, gint64 now, gboolean is_harm, const char *reason) {
  Trial trial = p->trial;
  p->trial = TRIAL_NONE;
  if (trial == TRIAL_MORE_THREADS)
    p->threads_ceiling = p->before_threads + 1;
  else if (trial == TRIAL_LARGER)
    p->size_ceiling = p->size;
  else
    p->spacing_floor = p->before_spacing;
  be_more_patient(p, now, is_harm);
  return decide(p, p->before_threads, p->before_size, p->before_spacing, reason);
}

static gboolean is_step_up(Trial trial) {
  return trial == TRIAL_MORE_THREADS || trial == TRIAL_LARGER || trial == TRIAL_CLOSER;
}

static guint less(guint level, double factor) {
  guint smaller = (guint)((double)level * factor);
  return smaller < level ? smaller : level > 0 ? level - 1 : 0;
}

static void remember_harm(Pressure *p, gint64 now, gboolean is_harm) {
  p->trial = TRIAL_NONE;
  p->threads_ceiling = MAX(p->threads, p->options.threads_min + 1);
  be_more_patient(p, now, is_harm);
}

/* --- Too much: overload answers, errors */

static gint64 next_pause(Pressure *p, gint64 retry_after) {
  gint64 pause = policy_wait(POLICY_INTERFACE, ++p->pauses);
  return retry_after >= 0 ? retry_after : pause;
}

/* A single caller is refused, and served in between: so many calls in such a time are what the interface takes. */
static gint64 sustainable_spacing(const Pressure *p, gint64 now) {
  gint64 spacing = (now - p->last_refusal) / (gint64)MAX(p->good_since_refusal, 1);
  return CLAMP(spacing, p->spacing * 11 / 10, policy_longest(POLICY_INTERFACE));
}

static gboolean hurt(Pressure *p, gint64 now, const char *reason) {
  gboolean was_good = p->good_since_refusal > 0 && p->last_refusal > 0, at_floor = p->threads == p->options.threads_min;
  gint64 spacing = p->spacing;
  p->harms++;
  if (is_step_up(p->trial) && p->harms == 1)
    return step_back(p, now, TRUE, reason);
  guint size = p->size;
  if (at_floor && was_good)
    p->spacing_floor = spacing = sustainable_spacing(p, now);
  else if (at_floor || p->harms > 2) {
    p->size_ceiling = p->size;
    size = less(size, BACK);
  }
  remember_harm(p, now, TRUE);
  return decide(p, less(p->threads, BACK), size, spacing, reason);
}

static gboolean refused(Pressure *p, const PressureCall *call, gint64 now, const PressureEnd *end) {
  gboolean is_new = call->epoch == p->epoch, decided = FALSE;
  if (is_new || end->retry_after >= 0) {
    gint64 until = now + next_pause(p, end->retry_after);
    p->paused_until = MAX(p->paused_until, until);
  }
  if (is_new)
    decided = hurt(p, now, end->outcome == PRESSURE_REFUSED ? "refused" : "failed");
  p->last_refusal = now;
  p->good_since_refusal = 0;
  return decided;
}

/* --- Too slow */

static gboolean slow(Pressure *p, gint64 now, double rate, double latency) {
  double times = latency / (double)p->options.target_latency;
  guint smaller = (guint)((double)p->size * CLAMP(0.95 / times, 0.5, 0.95));
  gboolean can_shrink = p->size > p->options.size_min, can_thin = p->threads > p->options.threads_min;
  p->harms++;
  if (is_step_up(p->trial) && times < COLLAPSE)
    return step_back(p, now, FALSE, "latency above the target");
  if (times >= COLLAPSE) {
    p->size_ceiling = p->size;
    remember_harm(p, now, FALSE);
    p->threads_blameless = FALSE;
    return decide(p, less(p->threads, 0.5), p->size / 2, p->spacing, "latency far above the target");
  }
  if (can_thin && (!p->threads_blameless || !can_shrink)) {
    /* if they queue, latency is in proportion to their number */
    guint fewer = less(p->threads, MAX(0.95 / times, 0.5));
    remember_harm(p, now, FALSE);
    p->trial = can_shrink ? TRIAL_FEWER_THREADS : TRIAL_NONE;
    p->before_threads = p->threads;
    p->before_rate = rate;
    p->before_latency = latency;
    return decide(p, fewer, p->size, p->spacing, "latency above the target");
  }
  if (!can_shrink) { /* both at their floors */
    begin_stretch(p);
    return FALSE;
  }
  p->size_ceiling = p->size;
  p->trial = TRIAL_NONE;
  be_more_patient(p, now, FALSE);
  return decide(p, p->threads, smaller, p->spacing, "latency above the target");
}

/* Fewer calls in flight cost throughput in proportion: they were not queueing, they are long. */
static gboolean take_back_threads(Pressure *p, gint64 now) {
  double times = p->before_latency / (double)p->options.target_latency;
  p->trial = TRIAL_NONE;
  p->threads_blameless = TRUE;
  p->threads_ceiling = p->before_threads + 1;
  p->size_ceiling = p->size;
  be_more_patient(p, now, FALSE);
  return decide(p, p->before_threads, (guint)((double)p->size * CLAMP(0.95 / times, 0.5, 0.95)), p->spacing,
                "calls are long, not queueing");
}

/* --- The end of a stretch */

static gboolean brought_something(const Pressure *p, double rate) {
  double step = (double)(p->threads - p->before_threads) / (double)p->before_threads;
  return rate >= p->before_rate * (1 + GAIN * step);
}

static gboolean cost_something(const Pressure *p, double rate) {
  double step = (double)(p->before_threads - p->threads) / (double)p->before_threads;
  return rate < p->before_rate * (1 - MIN(0.5 * step, 0.1));
}

static gboolean climb(Pressure *p, gint64 now, double rate, double latency) {
  gboolean is_busy = 2 * p->at_limit >= p->begun, is_full = 2 * p->full >= p->calls;
  gboolean more = p->threads < p->options.threads_max && is_busy, larger = larger_size(p, latency) > p->size && is_full,
           closer = p->spacing > 0 && is_busy;
  begin_stretch(p);
  if (closer && p->spacing * 3 / 4 >= p->spacing_floor)
    return try_level(p, TRIAL_CLOSER, rate, latency, "good");
  if (more && p->threads + 1 < p->threads_ceiling)
    return try_level(p, TRIAL_MORE_THREADS, rate, latency, "good");
  if (larger && larger_size(p, latency) < p->size_ceiling)
    return try_level(p, TRIAL_LARGER, rate, latency, "good");
  if (now < p->probe_at || p->calls_since < p->patience.calls || (!more && !larger && !closer))
    return FALSE;
  wait_before_probe(p, now);
  p->probes_size = larger && (p->probes_size || !(more || closer));
  Trial trial = p->probes_size ? TRIAL_LARGER : closer ? TRIAL_CLOSER : TRIAL_MORE_THREADS;
  p->probes_size = !p->probes_size;
  return try_level(p, trial, rate, latency, "probe");
}

static gboolean judge(Pressure *p, gint64 now, double rate, double latency) {
  Trial trial = p->trial;
  p->harms = 0;
  p->trial = TRIAL_NONE;
  if (trial == TRIAL_FEWER_THREADS && cost_something(p, rate))
    return take_back_threads(p, now);
  if (trial == TRIAL_MORE_THREADS && !brought_something(p, rate)) {
    p->trial = trial;
    return step_back(p, now, FALSE, "brought nothing");
  }
  if (is_step_up(trial)) { /* what was remembered of this level does not hold any more */
    be_less_patient(p, now);
    if (p->patience.calls == 0 || p->threads >= p->threads_ceiling)
      p->threads_ceiling = p->patience.calls == 0 ? G_MAXUINT : p->threads + 1;
    if (p->patience.calls == 0 || p->size >= p->size_ceiling)
      p->size_ceiling = p->patience.calls == 0 ? G_MAXUINT : p->size + 1;
    if (p->patience.calls == 0 || p->spacing < p->spacing_floor)
      p->spacing_floor = p->patience.calls == 0 ? 0 : p->spacing;
  }
  return climb(p, now, rate, latency);
}

static gboolean good(Pressure *p, const PressureCall *call, gint64 now, guint records) {
  gboolean is_new = call->epoch == p->epoch;
  p->pauses = 0;
  p->good_since_refusal++;
  p->calls_since++;
  p->granted_for++;
  if (p->opened == 0) {
    p->opened = is_new ? now : 0;
    if (!is_new)
      return FALSE;
  } else {
    p->calls++;
    p->records += records;
    p->full += records >= p->size;
  }
  if (is_new) {
    p->latency_sum += now - call->sent;
    p->latency_calls++;
  }
  double latency = p->latency_calls ? (double)p->latency_sum / p->latency_calls : 0;
  double rate = now > p->opened ? (double)p->records / (double)(now - p->opened) : 0;
  gboolean is_over = p->calls >= stretch_of(p);
  double bearable = (double)p->options.target_latency * (is_over ? 1.0 : 1.2);
  if (p->latency_calls >= (is_over ? 1 : MAX(3, p->threads / 2)) || is_over)
    p->latency = (gint64)latency;
  gboolean is_slow = p->options.target_latency > 0 && p->latency_calls >= MAX(3, p->threads / 2) && latency > bearable;
  if (is_slow && (is_over || p->trial != TRIAL_FEWER_THREADS || latency > COLLAPSE * (double)p->options.target_latency))
    return p->trial == TRIAL_FEWER_THREADS && is_over && cost_something(p, rate) ? take_back_threads(p, now)
                                                                                 : slow(p, now, rate, latency);
  return is_over && judge(p, now, rate, latency);
}

/* --- Calls */

gint64 pressure_begin(Pressure *p, gint64 now, PressureCall *call) {
  if (now < p->paused_until)
    return p->paused_until;
  if (p->in_flight >= p->threads)
    return G_MAXINT64;
  if (p->spacing > 0 && p->last_begin > 0 && now < p->last_begin + p->spacing)
    return p->last_begin + p->spacing;
  p->in_flight++;
  p->begun++;
  p->at_limit += p->in_flight == p->threads || (p->spacing > 0 && now - p->last_begin <= p->spacing * 5 / 4);
  p->last_begin = now;
  *call = (PressureCall){.sent = now, .epoch = p->epoch, .in_flight = p->in_flight};
  return 0;
}

void pressure_sent(PressureCall *call, gint64 now) {
  call->sent = now;
}

gboolean pressure_end(Pressure *p, const PressureCall *call, gint64 now, const PressureEnd *end) {
  p->in_flight--;
  if (end->outcome == PRESSURE_NO_CALL)
    return FALSE;
  p->ended++;
  p->refused += end->outcome == PRESSURE_REFUSED;
  p->failed += end->outcome == PRESSURE_FAILED;
  return end->outcome == PRESSURE_GOOD ? good(p, call, now, end->records) : refused(p, call, now, end);
}

void pressure_pause(Pressure *p, gint64 until) {
  p->paused_until = until;
  p->pauses = until == 0 ? 0 : p->pauses;
}

void pressure_state(const Pressure *p, PressureState *state) {
  *state = (PressureState){.size = p->size,
                           .threads = p->threads,
                           .at_floor = p->size <= p->options.size_min && p->threads <= p->options.threads_min,
                           .in_flight = p->in_flight,
                           .latency = p->latency,
                           .spacing = p->spacing,
                           .paused_until = p->paused_until,
                           .calls = p->ended,
                           .refused = p->refused,
                           .failed = p->failed,
                           .reason = p->reason,
                           .from_size = p->from_size,
                           .from_threads = p->from_threads};
}
