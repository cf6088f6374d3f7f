/* An accrual interface and its caller, simulated: no clock but its own, no randomness but a generator with a seed. For
 * the test of the controller and for the benchmark's row "pressure".
 *
 * Two kinds of interface. Workers: so many calls are served at a time, each in overhead + records × per_record, some
 * more wait, the rest is refused. Pipe: all records go through one place at so many a second, each call has its
 * overhead beside it; when too much waits, calls are refused. And both may refuse more than so many calls a second. */
#pragma once
#include "gateway/processors/http/pressure.h"
#include <string.h>

typedef struct {
  const char *name;
  guint workers, queue;    /* workers: 0: a pipe */
  double per_record;       /* microseconds */
  double overhead;         /* microseconds */
  double backlog;          /* pipe: refused above so many microseconds of waiting */
  double calls_per_second; /* 0: no limit */
  gint64 retry_after;      /* microseconds; -1: not said */
  double jitter;           /* share of the service time, either way */
  double fails;            /* share of the calls that are cut, at any moment of their service */
  gboolean cuts;           /* what would be refused is cut */
} Capacity;

typedef struct {
  gint64 at;
  gboolean refused, failed;
  guint records;
  PressureCall call;
} SimulatedCall;

enum { SIMULATED_WORKERS = 64, SIMULATED_CALLS = 256, SIMULATED_WAIT = 100000 };

typedef struct {
  Pressure *pressure;
  gint64 now;
  guint64 seed;
  double free_at[SIMULATED_WORKERS]; /* of each worker; of the pipe the first */
  double tokens;
  gint64 tokens_at;
  SimulatedCall under_way[SIMULATED_CALLS];
  guint n_under_way;
  gint64 waits[SIMULATED_CALLS]; /* of batches whose call failed: when each is asked again */
  guint n_waits;
  gboolean is_traced;
} Simulation;

typedef struct {
  double rate;
  double latency;
  guint64 calls, refused, failed;
  guint size, threads;
} Measured;

static inline double simulated_chance(Simulation *s) { /* 0 … 1; the generator is Knuth's MMIX */
  s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(s->seed >> 33) / (double)(1u << 31);
}

static inline gboolean simulated_takes_call(Simulation *s, const Capacity *capacity) {
  if (capacity->calls_per_second == 0)
    return TRUE;
  s->tokens = MIN(s->tokens + (double)(s->now - s->tokens_at) * capacity->calls_per_second / G_USEC_PER_SEC,
                  MAX(capacity->calls_per_second, 1));
  s->tokens_at = s->now;
  if (s->tokens < 1)
    return FALSE;
  s->tokens -= 1;
  return TRUE;
}

/* The call's end, or -1: refused. */
static inline double simulated_service(Simulation *s, const Capacity *capacity, guint records) {
  double noise = 1 + capacity->jitter * (2 * simulated_chance(s) - 1), now = (double)s->now;
  if (!simulated_takes_call(s, capacity))
    return -1;
  if (capacity->workers == 0) {
    if (s->free_at[0] - now > capacity->backlog)
      return -1;
    s->free_at[0] = MAX(s->free_at[0], now) + records * capacity->per_record * noise;
    return s->free_at[0] + capacity->overhead;
  }
  guint inside = 0, first = 0;
  for (guint i = 0; i < s->n_under_way; i++)
    inside += !s->under_way[i].refused;
  if (inside >= capacity->workers + capacity->queue)
    return -1;
  for (guint i = 1; i < capacity->workers; i++)
    first = s->free_at[i] < s->free_at[first] ? i : first;
  s->free_at[first] = MAX(s->free_at[first], now) + (capacity->overhead + records * capacity->per_record) * noise;
  return s->free_at[first];
}

static inline void simulated_begin(Simulation *s, const Capacity *capacity, PressureCall call) {
  PressureState state;
  pressure_state(s->pressure, &state);
  double end = simulated_service(s, capacity, state.size);
  g_assert(s->n_under_way < SIMULATED_CALLS);
  SimulatedCall one = {end < 0 ? s->now + 3000 : (gint64)end, end < 0, end < 0 && capacity->cuts, state.size, call};
  if (!one.refused && capacity->fails > 0 && simulated_chance(s) < capacity->fails) {
    one.failed = TRUE;
    one.at = s->now + (gint64)((double)(one.at - s->now) * simulated_chance(s));
  }
  s->under_way[s->n_under_way++] = one;
}

static inline void simulated_end(Simulation *s, guint which, const Capacity *capacity, Measured *measured) {
  SimulatedCall done = s->under_way[which];
  s->under_way[which] = s->under_way[--s->n_under_way];
  PressureEnd end = {done.failed    ? PRESSURE_FAILED
                     : done.refused ? PRESSURE_REFUSED
                                    : PRESSURE_GOOD,
                     done.records, done.refused ? capacity->retry_after : -1};
  measured->calls++;
  measured->refused += done.refused ? 1 : 0;
  measured->failed += done.failed ? 1 : 0;
  if (done.failed && s->n_waits < SIMULATED_CALLS)
    s->waits[s->n_waits++] = s->now + SIMULATED_WAIT;
  if (!done.refused && !done.failed) {
    measured->rate += done.records;
    measured->latency += (double)(s->now - done.call.sent);
  }
  if (pressure_end(s->pressure, &done.call, s->now, &end) && s->is_traced) {
    PressureState state;
    pressure_state(s->pressure, &state);
    g_printerr("%8.2f s  threads %2u -> %2u  x %4u -> %4u  spacing %4" G_GINT64_FORMAT " ms  %s\n",
               (double)s->now / 1e6, state.from_threads, state.threads, state.from_size, state.size,
               state.spacing / 1000, state.reason);
  }
}

/* As http_call.c does it: when twice as many batches wait as calls may be in flight, no other batch is begun.
 * G_MAXINT64: one may be. */
static inline gint64 simulated_wait(Simulation *s) {
  gint64 first = G_MAXINT64;
  for (guint i = 0; i < s->n_waits;)
    if (s->waits[i] <= s->now)
      s->waits[i] = s->waits[--s->n_waits];
    else
      first = MIN(first, s->waits[i++]);
  PressureState state;
  pressure_state(s->pressure, &state);
  return s->n_waits >= 2 * state.threads ? first : G_MAXINT64;
}

/* Runs for so long with work without end; throughput in records a second, latency in microseconds. */
static inline void simulate(Simulation *s, const Capacity *capacity, gint64 duration, Measured *measured) {
  gint64 until = s->now + duration;
  memset(measured, 0, sizeof *measured);
  while (s->now < until) {
    PressureCall call;
    gint64 next;
    while ((next = simulated_wait(s)) == G_MAXINT64 && (next = pressure_begin(s->pressure, s->now, &call)) == 0)
      simulated_begin(s, capacity, call);
    guint first = SIMULATED_CALLS;
    for (guint i = 0; i < s->n_under_way; i++)
      if (first == SIMULATED_CALLS || s->under_way[i].at < s->under_way[first].at)
        first = i;
    if (first < SIMULATED_CALLS && s->under_way[first].at <= next) {
      s->now = MAX(s->now, s->under_way[first].at);
      simulated_end(s, first, capacity, measured);
    } else {
      s->now = MAX(next, s->now + 1);
    }
  }
  PressureState state;
  pressure_state(s->pressure, &state);
  measured->size = state.size;
  measured->threads = state.threads;
  measured->rate /= (double)duration / G_USEC_PER_SEC;
  guint64 good = measured->calls - MAX(measured->refused, measured->failed);
  measured->latency = good ? measured->latency / (double)good : 0;
}

/* The best that a fixed setting does: without many refusals, and within the target where it can be kept. Found by
 * trying all. */
static inline Measured simulated_best(const Capacity *capacity, const PressureOptions *options) {
  Measured best = {0};
  guint step = MAX((options->size_max - options->size_min) / 10, 1);
  for (guint threads = options->threads_min; threads <= options->threads_max; threads++)
    for (guint size = options->size_min; size <= options->size_max; size += step) {
      PressureOptions fixed = {size, size, threads, threads, 0};
      Simulation s = {.pressure = pressure_new(&fixed), .seed = 7};
      Measured warm, measured;
      simulate(&s, capacity, 5 * G_USEC_PER_SEC, &warm);
      simulate(&s, capacity, 20 * G_USEC_PER_SEC, &measured);
      pressure_free(s.pressure);
      gboolean fits = options->target_latency == 0 || measured.latency <= (double)options->target_latency;
      if (fits && measured.rate > best.rate)
        best = measured;
    }
  return best;
}

/* --- Courses: capacities that one interface has one after the other. least: of the best fixed setting's throughput;
 * refused: the most. */

static const PressureOptions usual __attribute__((unused)) = {2500, 5000, 1, 12, 800 * 1000};
#define SECONDS(n) ((gint64)(n)*G_USEC_PER_SEC)

/* Of each capacity the first 70 seconds are for finding it: an interface that was at its least before is not tried more
 * often. */
enum { SETTLING = 70, MEASURED = 150 };
typedef struct {
  const char *name;
  double least, refused;
  guint n;
  Capacity phases[6];
} Course;

static const Course courses[] __attribute__((unused)) = {
    {"workers",
     0.9,
     0.01,
     5,
     {{"8 workers", 8, 2, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"2 workers", 2, 2, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"12 workers", 12, 4, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"1 worker", 1, 1, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"5 workers", 5, 1, 80, 100000, 0, 0, -1, 0.1, 0, FALSE}}},
    {"workers, nothing waits, Retry-After",
     0.9,
     0.01,
     4,
     {{"6 workers", 6, 0, 80, 50000, 0, 0, 1000000, 0.1, 0, FALSE},
      {"3 workers", 3, 0, 80, 50000, 0, 0, 1000000, 0.1, 0, FALSE},
      {"10 workers", 10, 0, 80, 50000, 0, 0, 1000000, 0.1, 0, FALSE},
      {"6 workers", 6, 0, 80, 50000, 0, 0, 1000000, 0.1, 0, FALSE}}},
    {"slower records",
     0.9,
     0.01,
     4,
     {{"80 us a record", 6, 3, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"200 us a record", 6, 3, 200, 100000, 0, 0, -1, 0.1, 0, FALSE},
      {"250 us a record", 6, 3, 250, 60000, 0, 0, -1, 0.1, 0, FALSE},
      {"100 us a record", 6, 3, 100, 100000, 0, 0, -1, 0.1, 0, FALSE}}},
    {"a pipe",
     0.9,
     0.012,
     4,
     {{"40,000 records a second", 0, 0, 25, 150000, 600000, 0, -1, 0.1, 0, FALSE},
      {"10,000 records a second", 0, 0, 100, 150000, 600000, 0, -1, 0.1, 0, FALSE},
      {"60,000 records a second", 0, 0, 16.7, 150000, 600000, 0, -1, 0.1, 0, FALSE},
      {"20,000 records a second", 0, 0, 50, 150000, 600000, 0, -1, 0.1, 0, FALSE}}},
    {"a limit of calls a second",
     0.9,
     0.02,
     3,
     {{"10 calls a second", 8, 4, 40, 50000, 0, 10, -1, 0.1, 0, FALSE},
      {"4 calls a second", 8, 4, 40, 50000, 0, 4, -1, 0.1, 0, FALSE},
      {"20 calls a second", 8, 4, 40, 50000, 0, 20, -1, 0.1, 0, FALSE}}},
};
