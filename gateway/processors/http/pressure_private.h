/* What pressure.c (calls), pressure_climb.c (up), pressure_harm.c (down) and pressure_levels.c (both) share. */
#pragma once
#include "gateway/processors/http/pressure.h"

typedef enum {
  TRIAL_NONE,
  TRIAL_MORE_THREADS,
  TRIAL_FEWER_THREADS, /* is latency theirs? */
  TRIAL_CALMER,        /* are failures theirs? */
  TRIAL_LARGER,
  TRIAL_CLOSER
} Trial;

typedef struct {
  gint64 time;
  guint calls;
} Patience; /* both have to pass before a probe */

typedef struct {
  guint threads, size;
  gint64 spacing;
} Level;

struct Pressure {
  PressureOptions options;
  Level level;
  guint in_flight;
  gint64 last_begin;
  guint64 epoch;
  /* The stretch: from the first call's end on that began in this epoch. */
  gint64 opened;
  guint calls, begun, at_limit, full, stretch_failed;
  guint64 records, failed_records;
  gint64 latency_sum;
  guint latency_calls;
  /* Since the last decision: failures are told from each other by more calls than a stretch has. */
  guint seen, seen_failed;
  /* What the trial began from. */
  Trial trial;
  Level before;
  double before_rate, before_latency, before_share;
  guint before_ended;
  /* Memory: levels that hurt or gave nothing; only those below are climbed to without a probe. */
  guint threads_ceiling, size_ceiling;
  gint64 spacing_floor;
  gint64 roomy, roomy_until;  /* the spacing that the level before this one had; 0: the level is not new */
  gboolean threads_blameless; /* fewer of them cost throughput and did not help */
  gint64 failures_blameless;  /* until then: fewer calls did not make fewer failures */
  gboolean probes_size;       /* which of the two is probed next */
  gint64 probe_at;
  Patience patience, before_grant;
  guint calls_since, granted_for; /* good calls since the last step, since the patience was shortened */
  /* Harm. */
  guint harms;    /* without a good stretch between them */
  guint pauses;   /* without a good call between them */
  guint in_a_row; /* failures, the first of them at row_began */
  guint rows, older; /* older: calls in flight since before it: they may still succeed */
  gint64 row_began;
  gboolean is_down, was_out; /* was_out: it was down for so long that it may be another one now */
  Level recovers; /* what it had when nothing succeeded any more; threads 0: nothing to go back to */
  guint64 good_since_refusal, failed_since_refusal;
  gint64 last_refusal, paused_until;
  /* For people. */
  gint64 latency;
  guint64 ended, refused, failed;
  const char *reason;
  Level from;
};

/* The end of a stretch that hurt nobody; rate in records a microsecond. */
typedef struct {
  double rate, latency, share; /* share: of the calls that failed */
  guint ended;                 /* calls, failed ones among them */
} Stretch;

/* --- pressure_levels.c. All: TRUE when the level is another one. */
gboolean pressure_decide(Pressure *p, Level level, const char *reason);
gboolean pressure_step_back(Pressure *p, gint64 now, gboolean is_harm, const char *reason);
void pressure_try(Pressure *p, Trial trial, const Stretch *stretch);
void pressure_be_more_patient(Pressure *p, gint64 now, gboolean is_harm);
void pressure_be_less_patient(Pressure *p, gint64 now);
void pressure_wait_before_probe(Pressure *p, gint64 now);
void pressure_begin_stretch(Pressure *p);
gboolean pressure_is_step_up(Trial trial);
guint pressure_stretch_of(const Pressure *p);

/* --- pressure_harm.c */
gboolean pressure_refused(Pressure *p, const PressureCall *call, gint64 now, gint64 retry_after);
gboolean pressure_failed(Pressure *p, const PressureCall *call, gint64 now, guint records);
gboolean pressure_slow(Pressure *p, gint64 now, const Stretch *stretch);
gboolean pressure_take_back_threads(Pressure *p, gint64 now);
gboolean pressure_cost_something(const Pressure *p, double rate);
/* Of a stretch that ended: fewer calls for a while, when many fail; what that showed. FALSE and *judged FALSE: it has
 * nothing to say. */
gboolean pressure_weigh_failures(Pressure *p, gint64 now, const Stretch *stretch, gboolean *judged);
/* --- pressure_climb.c: a stretch is over, and nothing of it hurt. */
gboolean pressure_judge(Pressure *p, gint64 now, const Stretch *stretch);

enum { PRESSURE_COLLAPSE = 3 }; /* times the target: no time to find out why */
