/* Idle or busy: a decision of samples, without a clock or a file of its own.
 *
 *   busy → idle   all signals were below their lower marks for idle-for, and cool-down is over
 *   idle → busy   one was above its upper mark for busy-for; or at once, when something says no: the time of the day,
 *                 the probe, the veto file
 *
 * Between the marks nothing changes. It begins as busy. */
#pragma once
#include "conf/conf.h"
#include "gateway/idle/signals.h"

typedef struct {
  gboolean is_idle;
  gint64 since;               /* of this state; these are monotonic microseconds. 0: it has only begun */
  gint64 low_since, high_since; /* 0: it is not */
  guint transitions;
  const char *why; /* static: what makes it busy, or keeps it so; NULL: it is idle */
} IdleState;

/* `no`: what says no, or NULL. */
void idle_decide(const ConfIdle *conf, IdleState *state, const IdleSample *sample, const char *no, gint64 now);
/* Whether this second of the day lies in one of the windows; none: it does. */
gboolean idle_in_window(const ConfIdle *conf, guint second);
