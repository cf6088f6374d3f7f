/* Down. Three kinds of harm:
 *
 *   refused   the interface says that it is too much
 *   slow      latency above the target
 *   failed    cut, timed out, another 5xx: mostly not because of how much it is asked. One by one they change nothing
 *             (each call is tried again by itself, after a wait of its own). Only when nothing succeeds any more it is
 *             asked with the fewest calls, in pauses that grow to some seconds, and at the first success goes back to
 *             where it was. When many fail, fewer calls are tried for a while: if then fewer fail, it was too much. */
#include "gateway/common/policy.h"
#include "gateway/processors/http/pressure_private.h"

/* multiplicative decrease: as gentle as congestion controls that keep a pipe full (CUBIC, RFC 9438) */
static const double BACK = 0.7;

enum { NOTHING_SUCCEEDS = 8, SAMPLE = 24 };
static const double MANY_FAIL = 0.35;
static const gint64 BLAMELESS = 60 * G_USEC_PER_SEC, OUTAGE = 10 * G_USEC_PER_SEC;

static guint less(guint level, double factor) {
  guint smaller = (guint)((double)level * factor);
  return smaller < level ? smaller : level > 0 ? level - 1 : 0;
}

static void remember_harm(Pressure *p, gint64 now, gboolean is_harm) {
  p->trial = TRIAL_NONE;
  p->recovers.threads = 0;
  p->threads_ceiling = MAX(p->level.threads, p->options.threads_min + 1);
  pressure_be_more_patient(p, now, is_harm);
}

/* --- Refused */

/* It is refused, and served in between: so many calls in such a time are what the interface takes, those that it took
 * and that failed among them. */
static gint64 sustainable_spacing(const Pressure *p, gint64 now) {
  gint64 spacing = (now - p->last_refusal) / (gint64)MAX(p->good_since_refusal + p->failed_since_refusal, 1);
  return CLAMP(spacing, p->level.spacing * 11 / 10, policy_longest(POLICY_INTERFACE));
}

/* More calls at a time brought more, and were refused only later: the limit is one of calls a second, and lies between
 * what the level before made of them and what this one does. */
static gboolean space_out(Pressure *p, gint64 now) {
  gint64 dense = p->latency / p->level.threads, roomy = p->roomy;
  p->spacing_floor = dense;
  pressure_be_more_patient(p, now, TRUE);
  return pressure_decide(p, (Level){p->level.threads, p->level.size, (dense + roomy) / 2}, "refused");
}

static gboolean hurt(Pressure *p, gint64 now) {
  gboolean was_good = p->good_since_refusal > 0 && p->last_refusal > 0,
           at_floor = p->level.threads == p->options.threads_min;
  Level level = {less(p->level.threads, BACK), p->level.size, p->level.spacing};
  p->harms++;
  if (pressure_is_step_up(p->trial) && p->harms == 1)
    return pressure_step_back(p, now, TRUE, "refused");
  if (p->roomy > 0 && now < p->roomy_until && p->harms == 1)
    return space_out(p, now);
  if (!at_floor && p->level.spacing > 0 && p->harms == 1)
    level.threads = p->level.threads;
  if ((at_floor || level.threads == p->level.threads) && was_good)
    p->spacing_floor = p->level.spacing, level.spacing = sustainable_spacing(p, now);
  else if (at_floor || p->harms > 2) {
    p->size_ceiling = p->level.size;
    level.size = less(level.size, BACK);
  }
  remember_harm(p, now, TRUE);
  return pressure_decide(p, level, "refused");
}

gboolean pressure_refused(Pressure *p, const PressureCall *call, gint64 now, gint64 retry_after) {
  gboolean is_new = call->epoch == p->epoch, decided = FALSE;
  if (is_new || retry_after >= 0) {
    gint64 pause = policy_wait(POLICY_INTERFACE, ++p->pauses);
    p->paused_until = MAX(p->paused_until, now + (retry_after >= 0 ? retry_after : pause));
  }
  if (is_new)
    decided = hurt(p, now);
  p->last_refusal = now;
  p->good_since_refusal = p->failed_since_refusal = 0;
  return decided;
}

/* --- Too slow */

gboolean pressure_slow(Pressure *p, gint64 now, const Stretch *stretch) {
  double times = stretch->latency / (double)p->options.target_latency;
  guint smaller = (guint)((double)p->level.size * CLAMP(0.95 / times, 0.5, 0.95));
  gboolean can_shrink = p->level.size > p->options.size_min, can_thin = p->level.threads > p->options.threads_min;
  p->harms++;
  if (pressure_is_step_up(p->trial) && times < PRESSURE_COLLAPSE)
    return pressure_step_back(p, now, FALSE, "latency above the target");
  if (times >= PRESSURE_COLLAPSE) {
    p->size_ceiling = p->level.size;
    remember_harm(p, now, FALSE);
    p->threads_blameless = FALSE;
    return pressure_decide(p, (Level){less(p->level.threads, 0.5), p->level.size / 2, p->level.spacing},
                           "latency far above the target");
  }
  if (can_thin && (!p->threads_blameless || !can_shrink)) {
    /* if they queue, latency is in proportion to their number */
    guint fewer = less(p->level.threads, MAX(0.95 / times, 0.5));
    remember_harm(p, now, FALSE);
    pressure_try(p, can_shrink ? TRIAL_FEWER_THREADS : TRIAL_NONE, stretch);
    return pressure_decide(p, (Level){fewer, p->level.size, p->level.spacing}, "latency above the target");
  }
  if (!can_shrink) { /* both at their floors */
    pressure_begin_stretch(p);
    return FALSE;
  }
  p->size_ceiling = p->level.size;
  p->trial = TRIAL_NONE;
  pressure_be_more_patient(p, now, FALSE);
  return pressure_decide(p, (Level){p->level.threads, smaller, p->level.spacing}, "latency above the target");
}

gboolean pressure_cost_something(const Pressure *p, double rate) {
  double step = (double)(p->before.threads - p->level.threads) / (double)p->before.threads;
  return rate < p->before_rate * (1 - MIN(0.5 * step, 0.1));
}

/* Fewer calls in flight cost throughput in proportion: they were not queueing, they are long. */
gboolean pressure_take_back_threads(Pressure *p, gint64 now) {
  double times = p->before_latency / (double)p->options.target_latency;
  p->trial = TRIAL_NONE;
  p->threads_blameless = TRUE;
  p->threads_ceiling = p->before.threads + 1;
  p->size_ceiling = p->level.size;
  pressure_be_more_patient(p, now, FALSE);
  return pressure_decide(p,
                         (Level){p->before.threads, (guint)((double)p->level.size * CLAMP(0.95 / times, 0.5, 0.95)),
                                 p->level.spacing},
                         "calls are long, not queueing");
}

/* --- Failed */

/* Each time that it goes down again without having been back, a little lower than before. */
static gboolean go_down(Pressure *p, gint64 now) {
  if (!p->is_down)
    p->recovers = p->recovers.threads > 0
                      ? (Level){MAX(less(p->recovers.threads, BACK), p->options.threads_min), p->recovers.size, 0}
                      : p->level;
  p->is_down = TRUE;
  p->was_out = now - p->row_began >= OUTAGE;
  p->trial = TRIAL_NONE;
  p->paused_until = MAX(p->paused_until, now + policy_wait(POLICY_CALL, ++p->pauses));
  return pressure_decide(p, (Level){p->options.threads_min, p->options.size_min, 0}, "nothing succeeds");
}

gboolean pressure_failed(Pressure *p, const PressureCall *call, gint64 now, guint records) {
  gint64 took = now - call->sent;
  gboolean is_new = call->epoch == p->epoch;
  if (p->in_a_row++ == 0) {
    p->row_began = now;
    p->rows++;
    p->older = p->in_flight;
  }
  p->failed_since_refusal++;
  p->seen += is_new ? 1 : 0;
  p->seen_failed += is_new ? 1 : 0;
  if (p->opened > 0) {
    p->stretch_failed++;
    p->failed_records += records;
  }
  /* it took at least so long; one that is never answered is still only one */
  if (is_new && p->options.target_latency > 0 && took > p->options.target_latency) {
    p->latency_sum += MIN(took, PRESSURE_COLLAPSE * p->options.target_latency);
    p->latency_calls++;
  }
  return p->in_a_row >= NOTHING_SUCCEEDS && p->older == 0 && (is_new || !p->is_down) && go_down(p, now);
}

gboolean pressure_weigh_failures(Pressure *p, gint64 now, const Stretch *stretch, gboolean *judged) {
  double share = (double)p->seen_failed / MAX(p->seen, 1);
  gboolean is_trial = p->trial == TRIAL_CALMER;
  *judged = is_trial;
  if (p->seen < SAMPLE) {
    if (is_trial)
      pressure_begin_stretch(p);
    return FALSE;
  }
  if (is_trial) {
    gboolean helped = share < p->before_share / 2;
    p->trial = TRIAL_NONE;
    if (helped) {
      p->threads_ceiling = p->before.threads;
      pressure_be_more_patient(p, now, TRUE);
      pressure_begin_stretch(p);
      return FALSE;
    }
    p->failures_blameless = now + BLAMELESS;
    return pressure_decide(p, p->before, "failures do not come from many calls");
  }
  if (share < MANY_FAIL || p->level.threads == p->options.threads_min || now < p->failures_blameless)
    return FALSE;
  *judged = TRUE;
  remember_harm(p, now, FALSE);
  pressure_try(p, TRIAL_CALMER, stretch);
  p->before_share = share;
  return pressure_decide(p, (Level){less(p->level.threads, BACK), p->level.size, p->level.spacing}, "many fail");
}
