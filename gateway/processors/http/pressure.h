/* How much an interface is asked at a time: x, the records of a call, and the calls in flight, between the bounds that
 * are configured. A pure controller: it has no clock, no lock, no thread and no log; whoever calls it tells the time
 * (microseconds, monotonic).
 *
 *   down, at once   an overload answer, or latency above the target: calls in flight by a third to a half, x likewise
 *                   when that did not help or was not the cause; a pause as long as Retry-After says, or growing while
 *                   nothing succeeds
 *   failures        cuts and errors change nothing as long as others succeed (pressure_harm.c); while none does, the
 *                   fewest calls are made, and the first success leads back in leaps
 *   up, slowly      one call in flight, or an eighth of x's range, after a stretch of good calls; kept only if it
 *                   brought throughput
 *   memory          the level that hurt, or gave nothing, is not tried again before a wait that doubles with each
 *                   failure: so refused calls become almost none, and an interface that has recovered is still found
 *                   out
 *   pacing          an interface that refuses a single caller, or refuses long after calls were added, has a limit in
 *                   calls a second: calls are spaced to keep within it
 *
 * Latency above the target has two causes. Calls that queue inside of the interface: then fewer in flight cost no
 * throughput. Calls that are long: then fewer in flight do, and it is x that has to go down. Which of them it is, is
 * found out by trying. */
#pragma once
#include <glib.h>

typedef struct {
  guint size_min, size_max, threads_min, threads_max;
  gint64 target_latency; /* microseconds; 0: none */
} PressureOptions;

typedef struct Pressure Pressure;
Pressure *pressure_new(const PressureOptions *options);
void pressure_free(Pressure *pressure);
/* Another feed of the same interface: the bounds become those of both, the target the smaller one. Before the first
 * call. */
void pressure_widen(Pressure *pressure, const PressureOptions *options);

/* A call under way: the caller's, from begin to end. */
typedef struct {
  gint64 sent;
  guint64 epoch;
  guint in_flight, row;
} PressureCall;
/* 0: a call may begin, and is in flight from now on. Else the time at which to ask again; G_MAXINT64: when one that is
 * under way has ended. */
gint64 pressure_begin(Pressure *pressure, gint64 now, PressureCall *call);
void pressure_sent(PressureCall *call, gint64 now); /* its latency counts from here */

typedef enum {
  PRESSURE_GOOD,
  PRESSURE_REFUSED,     /* 429, 503 with Retry-After: too much */
  PRESSURE_UNAVAILABLE, /* 503 without: counted as refused, and it may as well be broken: decided like the next */
  PRESSURE_FAILED,      /* time-out, cut, another 5xx */
  PRESSURE_NO_CALL      /* there was nothing to send, or our own side failed: tells nothing */
} PressureOutcome;
typedef struct {
  PressureOutcome outcome;
  guint records;      /* that were asked */
  gint64 retry_after; /* of a refusal: microseconds from now; -1: not said */
} PressureEnd;
/* Ends the call. TRUE: it decided something (pressure_state tells what). */
gboolean pressure_end(Pressure *pressure, const PressureCall *call, gint64 now, const PressureEnd *end);
/* Nobody calls before `until`; 0 ends a pause, and forgets how long the next one would have been. */
void pressure_pause(Pressure *pressure, gint64 until);

typedef struct {
  guint size, threads, in_flight; /* x, and the calls that may be in flight */
  gboolean at_floor;              /* both as small as they may be */
  gint64 latency;                 /* of the last stretch, microseconds; 0: not known yet */
  gint64 spacing;                 /* between the beginnings of two calls; 0: none */
  gint64 paused_until;            /* 0: not paused */
  guint64 calls, refused, failed; /* ended so far, since it was made */
  const char *reason;             /* of the last decision; "" before it */
  guint from_size, from_threads;  /* before the last decision */
} PressureState;
void pressure_state(const Pressure *pressure, PressureState *state);
static inline guint pressure_size_for(const PressureState *state, guint least, guint most) {
  return CLAMP(state->size, least, most);
}
