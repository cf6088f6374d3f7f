/* Time goes by in stretches: so many calls at one level that throughput and latency can be told. At the end of each, and at once when
 * something hurts, there is one decision. A decision begins a new epoch: calls that began before it tell nothing about what it did,
 * so that the refusals of one burst push down once. */
#include "gateway/process/pressure.h"

enum { LEAST_STRETCH = 4, FIRST_PATIENCE_CALLS = 40, MOST_PATIENCE_CALLS = 1280, SIZE_STEPS = 8 };
static const gint64 FIRST_PATIENCE = 2 * G_USEC_PER_SEC, MOST_PATIENCE = 60 * G_USEC_PER_SEC;
static const gint64 FIRST_PAUSE = G_USEC_PER_SEC / 10, MOST_PAUSE = 60 * G_USEC_PER_SEC;
static const double BACK = 0.7;        /* multiplicative decrease: as gentle as congestion controls that keep a pipe full (CUBIC, RFC 9438) */
static const double GAIN = 0.3;        /* of what a step could have brought: less is noise, or queueing */
static const double COLLAPSE = 3;      /* times the target: no time to find out why */

typedef enum { TRIAL_NONE, TRIAL_MORE_THREADS, TRIAL_FEWER_THREADS, TRIAL_LARGER, TRIAL_CLOSER } Trial;

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
  gboolean threads_blameless;   /* fewer of them cost throughput and did not help */
  gboolean probes_size;         /* which of the two is probed next */
  gint64 probe_at, patience;
  guint probe_calls, patience_calls, calls_since;
  /* Harm. */
  guint harms;                  /* without a good stretch between them */
  guint pauses;                 /* without a good call between them */
  guint64 good_since_refusal;
  gint64 last_refusal, paused_until;
  /* For people. */
  gint64 latency;
  guint64 ended, refused, failed;
  const char *reason;
  guint from_size, from_threads;
};

static void forget_patience(Pressure *p) {
  p->patience = FIRST_PATIENCE;
  p->patience_calls = FIRST_PATIENCE_CALLS;
}

static void wait_before_probe(Pressure *p, gint64 now) {
  p->probe_at = now + p->patience;
  p->probe_calls = p->patience_calls;
  p->calls_since = 0;
}

static void be_more_patient(Pressure *p) {
  p->patience = MIN(p->patience * 2, MOST_PATIENCE);
  p->patience_calls = MIN(p->patience_calls * 2, MOST_PATIENCE_CALLS);
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
  forget_patience(p);
  return p;
}

void pressure_free(Pressure *pressure) { g_free(pressure); }

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

static gboolean try_level(Pressure *p, Trial trial, double rate, double latency, const char *reason) {
  guint step = MAX((p->options.size_max - p->options.size_min) / SIZE_STEPS, 1);
  p->trial = trial;
  p->before_threads = p->threads;
  p->before_size = p->size;
  p->before_spacing = p->spacing;
  p->before_rate = rate;
  p->before_latency = latency;
  if (trial == TRIAL_LARGER)
    return decide(p, p->threads, p->size + step, p->spacing, reason);
  if (trial == TRIAL_CLOSER)
    return decide(p, p->threads, p->size, p->spacing < G_USEC_PER_SEC / 1000 ? 0 : p->spacing * 9 / 10, reason);
  return decide(p, p->threads + 1, p->size, p->spacing, reason);
}

/* The step up was wrong: back to the level that was good, and not again so soon. */
static gboolean step_back(Pressure *p, gint64 now, const char *reason) {
  Trial trial = p->trial;
  p->trial = TRIAL_NONE;
  if (trial == TRIAL_MORE_THREADS)
    p->threads_ceiling = p->before_threads + 1;
  else if (trial == TRIAL_LARGER)
    p->size_ceiling = p->size;
  else
    p->spacing_floor = p->before_spacing;
  be_more_patient(p);
  wait_before_probe(p, now);
  return decide(p, p->before_threads, p->before_size, p->before_spacing, reason);
}

static gboolean is_step_up(Trial trial) { return trial == TRIAL_MORE_THREADS || trial == TRIAL_LARGER || trial == TRIAL_CLOSER; }

static guint less(guint level, double factor) {
  guint smaller = (guint)((double)level * factor);
  return smaller < level ? smaller : level > 0 ? level - 1 : 0;
}

/* What is found at once on the way down is remembered, and what was known before does not hold any more. */
static void remember_harm(Pressure *p, gint64 now) {
  p->trial = TRIAL_NONE;
  p->threads_ceiling = MAX(p->threads, p->options.threads_min + 1);
  forget_patience(p);
  wait_before_probe(p, now);
}

/* --- Too much: overload answers, errors */

static gint64 next_pause(Pressure *p, gint64 retry_after) {
  gint64 pause = MIN(FIRST_PAUSE << MIN(p->pauses, 12), MOST_PAUSE);
  p->pauses++;
  return retry_after >= 0 ? retry_after : pause;
}

/* A single caller is refused, and served in between: so many calls in such a time are what the interface takes. */
static gint64 sustainable_spacing(const Pressure *p, gint64 now) {
  gint64 spacing = (now - p->last_refusal) / (gint64)MAX(p->good_since_refusal, 1);
  return CLAMP(spacing, p->spacing * 11 / 10, MOST_PAUSE);
}

static gboolean hurt(Pressure *p, gint64 now, const char *reason) {
  gboolean was_good = p->good_since_refusal > 0 && p->last_refusal > 0, at_floor = p->threads == p->options.threads_min;
  gint64 spacing = p->spacing;
  p->harms++;
  if (is_step_up(p->trial) && p->harms == 1)
    return step_back(p, now, reason);
  guint size = p->size;
  if (at_floor && was_good)
    p->spacing_floor = spacing = sustainable_spacing(p, now);
  else if (at_floor || p->harms > 1) {
    p->size_ceiling = p->size;
    size = less(size, BACK);
  }
  remember_harm(p, now);
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
    return step_back(p, now, "latency above the target");
  if (times >= COLLAPSE) {
    p->size_ceiling = p->size;
    remember_harm(p, now);
    p->threads_blameless = FALSE;
    return decide(p, less(p->threads, 0.5), p->size / 2, p->spacing, "latency far above the target");
  }
  if (can_thin && (!p->threads_blameless || !can_shrink)) {
    guint fewer = less(p->threads, times >= 2 ? 0.5 : 0.75);
    remember_harm(p, now);
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
  wait_before_probe(p, now);
  return decide(p, p->threads, smaller, p->spacing, "latency above the target");
}

/* Fewer calls in flight cost throughput in proportion: they were not queueing, they are long. */
static gboolean take_back_threads(Pressure *p, gint64 now) {
  double times = p->before_latency / (double)p->options.target_latency;
  p->trial = TRIAL_NONE;
  p->threads_blameless = TRUE;
  p->threads_ceiling = p->before_threads + 1;
  p->size_ceiling = p->size;
  wait_before_probe(p, now);
  return decide(p, p->before_threads, (guint)((double)p->size * CLAMP(0.95 / times, 0.5, 0.95)), p->spacing, "calls are long, not queueing");
}

/* --- The end of a stretch */

static gboolean brought_something(const Pressure *p, double rate) {
  double step = (double)(p->threads - p->before_threads) / (double)p->before_threads;
  return rate >= p->before_rate * (1 + GAIN * step);
}

static gboolean cost_something(const Pressure *p, double rate) {
  double step = (double)(p->before_threads - p->threads) / (double)p->before_threads;
  return rate < p->before_rate * (1 - 0.5 * step);
}

/* x grows into latency in proportion at most. */
static gboolean has_room(const Pressure *p, double latency) {
  double step = (double)MAX((p->options.size_max - p->options.size_min) / SIZE_STEPS, 1);
  return p->size < p->options.size_max &&
         (p->options.target_latency == 0 || latency * (1 + step / (double)p->size) < 0.98 * (double)p->options.target_latency);
}

static gboolean climb(Pressure *p, gint64 now, double rate, double latency) {
  gboolean is_busy = 2 * p->at_limit >= p->begun, is_full = 2 * p->full >= p->calls;
  gboolean more = p->threads < p->options.threads_max && is_busy, larger = has_room(p, latency) && is_full;
  gboolean may_probe = now >= p->probe_at && p->calls_since >= p->probe_calls;
  if (p->spacing > 0 && is_busy && (p->spacing * 9 / 10 > p->spacing_floor || may_probe))
    return try_level(p, TRIAL_CLOSER, rate, latency, may_probe ? "probe" : "good");
  if (more && p->threads + 1 < p->threads_ceiling)
    return try_level(p, TRIAL_MORE_THREADS, rate, latency, "good");
  if (larger && p->size + (p->options.size_max - p->options.size_min) / SIZE_STEPS < p->size_ceiling)
    return try_level(p, TRIAL_LARGER, rate, latency, "good");
  begin_stretch(p);
  if (!may_probe || (!more && !larger))
    return FALSE;
  p->probes_size = larger && (p->probes_size || !more);
  Trial trial = p->probes_size ? TRIAL_LARGER : TRIAL_MORE_THREADS;
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
    return step_back(p, now, "brought nothing");
  }
  if (is_step_up(trial)) { /* what was remembered does not hold any more */
    forget_patience(p);
    if (trial == TRIAL_MORE_THREADS && p->threads >= p->threads_ceiling)
      p->threads_ceiling = G_MAXUINT;
    if (trial == TRIAL_LARGER && p->size >= p->size_ceiling)
      p->size_ceiling = G_MAXUINT;
    if (trial == TRIAL_CLOSER && p->spacing < p->spacing_floor)
      p->spacing_floor = 0;
  }
  return climb(p, now, rate, latency);
}

static gboolean good(Pressure *p, const PressureCall *call, gint64 now, guint records) {
  gboolean is_new = call->epoch == p->epoch;
  p->pauses = 0;
  p->good_since_refusal++;
  p->calls_since++;
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
  gboolean is_over = p->calls >= MAX(LEAST_STRETCH, 2 * p->threads);
  double bearable = (double)p->options.target_latency * (is_over ? 1.0 : 1.2);
  if (p->latency_calls >= (is_over ? 1 : MAX(3, p->threads / 2)) || is_over)
    p->latency = (gint64)latency;
  if (p->options.target_latency > 0 && p->latency_calls >= MAX(3, p->threads / 2) && latency > bearable)
    return slow(p, now, rate, latency);
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
  p->at_limit += p->in_flight == p->threads;
  p->last_begin = now;
  *call = (PressureCall){.sent = now, .epoch = p->epoch, .in_flight = p->in_flight};
  return 0;
}

void pressure_sent(PressureCall *call, gint64 now) { call->sent = now; }

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
  *state = (PressureState){.size = p->size, .threads = p->threads, .in_flight = p->in_flight, .latency = p->latency, .spacing = p->spacing,
                           .paused_until = p->paused_until, .calls = p->ended, .refused = p->refused, .failed = p->failed,
                           .reason = p->reason, .from_size = p->from_size, .from_threads = p->from_threads};
}
