/* Up, step by step, at the end of each stretch. */
#include "gateway/processors/http/pressure_private.h"

enum { SIZE_STEPS = 8, LEAST_SIZE_STEP = 50 };
static const gint64 ROOMY = 20 * G_USEC_PER_SEC;
static const double GAIN = 0.3;          /* of what a step could have brought: less is noise, or queueing */
static const double MORE_FAILURES = 0.2; /* of all calls, since the step: they are its fault */

/* A step of x, at most an eighth of its range, and no more than latency bears, which grows in proportion at most. */
static guint larger_size(const Pressure *p, double latency) {
  guint range = p->options.size_max - p->options.size_min,
        size = MIN(p->level.size + MAX(range / SIZE_STEPS, 1), p->options.size_max);
  if (p->options.target_latency > 0 && latency > 0)
    size = MIN(size, (guint)((double)p->level.size * 0.97 * (double)p->options.target_latency / latency));
  return size == p->options.size_max || size >= p->level.size + MAX(range / LEAST_SIZE_STEP, 1) ? size : p->level.size;
}

/* By a quarter; or half-way to the spacing that hurt, where that is nearer, and by more than a thirtieth. */
static gint64 closer_spacing(const Pressure *p) {
  gint64 spacing = p->level.spacing, quarter = spacing * 3 / 4, half = (spacing + p->spacing_floor) / 2;
  if (quarter <= p->spacing_floor && spacing - half >= spacing / 30)
    return half;
  return spacing < G_USEC_PER_SEC / 1000 ? 0 : quarter;
}

static gboolean step_up(Pressure *p, Trial trial, const Stretch *stretch, const char *reason) {
  Level level = p->level;
  pressure_try(p, trial, stretch);
  if (trial == TRIAL_LARGER)
    level.size = larger_size(p, stretch->latency);
  else if (trial == TRIAL_CLOSER)
    level.spacing = closer_spacing(p);
  else
    level.threads++;
  return pressure_decide(p, level, reason);
}

/* --- The end of a stretch */

static gboolean brought_something(const Pressure *p, double rate) {
  double step = (double)(p->level.threads - p->before.threads) / (double)p->before.threads;
  return rate >= p->before_rate * (1 + GAIN * step);
}

static gboolean climb(Pressure *p, gint64 now, const Stretch *stretch) {
  gboolean is_busy = 2 * p->at_limit >= p->begun, is_full = 2 * p->full >= p->calls;
  guint size = larger_size(p, stretch->latency);
  gboolean more = p->level.threads < p->options.threads_max && is_busy, larger = size > p->level.size && is_full,
           closer = p->level.spacing > 0 && is_busy;
  pressure_begin_stretch(p);
  if (closer && p->level.spacing * 3 / 4 > p->spacing_floor)
    return step_up(p, TRIAL_CLOSER, stretch, "good");
  if (more && p->level.threads + 1 < p->threads_ceiling)
    return step_up(p, TRIAL_MORE_THREADS, stretch, "good");
  if (larger && size < p->size_ceiling)
    return step_up(p, TRIAL_LARGER, stretch, "good");
  if (now < p->probe_at || p->calls_since < p->patience.calls || (!more && !larger && !closer))
    return FALSE;
  pressure_wait_before_probe(p, now);
  p->probes_size = larger && (p->probes_size || !(more || closer));
  Trial trial = p->probes_size ? TRIAL_LARGER : closer ? TRIAL_CLOSER : TRIAL_MORE_THREADS;
  p->probes_size = !p->probes_size;
  return step_up(p, trial, stretch, "probe");
}

/* So many more that it is not chance, by two deviations of the difference: of ten calls, whose fifth part fails anyhow,
 * often half do. */
static gboolean more_failed(const Pressure *p, const Stretch *stretch) {
  double now = MAX(stretch->ended, 1), before = MAX(p->before_ended, 1), more = stretch->share - p->before_share,
         share = (stretch->share * now + p->before_share * before) / (now + before);
  return more > MORE_FAILURES && more * more > 4 * share * (1 - share) * (1 / now + 1 / before);
}

/* What was remembered of this level does not hold any more. */
static void forget_ceilings(Pressure *p, gint64 now, Trial trial) {
  pressure_be_less_patient(p, now);
  gboolean all = p->patience.calls == 0;
  if (all || p->level.threads >= p->threads_ceiling)
    p->threads_ceiling = all ? G_MAXUINT : p->level.threads + 1;
  if (all || p->level.size >= p->size_ceiling)
    p->size_ceiling = all ? G_MAXUINT : p->level.size + 1;
  if (all || p->level.spacing < p->spacing_floor)
    p->spacing_floor = all ? 0 : p->level.spacing;
  /* a limit of calls a second may lie between this level and the one before, and is met when the next burst is over */
  if (trial == TRIAL_MORE_THREADS && p->level.spacing == 0 && p->before_latency > 0)
    p->roomy = (gint64)p->before_latency / p->before.threads, p->roomy_until = now + ROOMY;
}

/* After nothing succeeded for a while: back to where it was, in leaps, as that level had been good; after an outage
 * what was remembered from before it does not count. */
static gboolean recover(Pressure *p) {
  Level level = {MIN(2 * p->level.threads, p->recovers.threads), MIN(2 * p->level.size, p->recovers.size),
                 p->recovers.spacing};
  if (level.threads <= p->level.threads && level.size <= p->level.size) {
    p->recovers.threads = 0;
    if (p->was_out) {
      p->threads_ceiling = p->size_ceiling = G_MAXUINT;
      p->spacing_floor = 0;
      p->patience = p->before_grant = (Patience){0};
    }
    return FALSE;
  }
  return pressure_decide(p, level, "good again");
}

gboolean pressure_judge(Pressure *p, gint64 now, const Stretch *stretch) {
  Trial trial = p->trial;
  gboolean judged = FALSE;
  p->harms = 0;
  if (p->recovers.threads > 0 && recover(p))
    return TRUE;
  if (pressure_is_step_up(trial) && more_failed(p, stretch))
    return pressure_step_back(p, now, TRUE, "more of them failed");
  gboolean decided = pressure_weigh_failures(p, now, stretch, &judged);
  if (judged)
    return decided;
  if (trial == TRIAL_MORE_THREADS && !brought_something(p, stretch->rate))
    return pressure_step_back(p, now, FALSE, "brought nothing");
  p->trial = TRIAL_NONE;
  if (trial == TRIAL_FEWER_THREADS && pressure_cost_something(p, stretch->rate))
    return pressure_take_back_threads(p, now);
  if (pressure_is_step_up(trial))
    forget_ceilings(p, now, trial);
  return climb(p, now, stretch);
}
