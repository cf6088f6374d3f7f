/* The controller against simulated interfaces whose capacity changes: throughput against the best fixed setting of each capacity, found
 * by trying all of them; refused calls; pauses, floors and bounds. Nothing here looks at a clock. */
#include "tests/unit/gateway/process/simulation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const PressureOptions usual = {2500, 5000, 1, 12, 800 * 1000};
#define SECONDS(n) ((gint64)(n) * G_USEC_PER_SEC)

typedef struct { const char *name; gint64 target; guint n; Capacity phases[6]; } Course;

static const Course courses[] = {
    {"workers", 800000, 5, {
        {"8 workers", 8, 2, 80, 100000, 0, 0, -1, 0.1}, {"2 workers", 2, 2, 80, 100000, 0, 0, -1, 0.1},
        {"12 workers", 12, 4, 80, 100000, 0, 0, -1, 0.1}, {"1 worker", 1, 1, 80, 100000, 0, 0, -1, 0.1},
        {"5 workers", 5, 1, 80, 100000, 0, 0, -1, 0.1}}},
    {"workers, nothing waits, Retry-After", 800000, 4, {
        {"6 workers", 6, 0, 80, 50000, 0, 0, 1000000, 0.1}, {"3 workers", 3, 0, 80, 50000, 0, 0, 1000000, 0.1},
        {"10 workers", 10, 0, 80, 50000, 0, 0, 1000000, 0.1}, {"6 workers", 6, 0, 80, 50000, 0, 0, 1000000, 0.1}}},
    {"slower records", 800000, 4, {
        {"80 us a record", 6, 3, 80, 100000, 0, 0, -1, 0.1}, {"200 us a record", 6, 3, 200, 100000, 0, 0, -1, 0.1},
        {"250 us a record", 6, 3, 250, 60000, 0, 0, -1, 0.1}, {"100 us a record", 6, 3, 100, 100000, 0, 0, -1, 0.1}}},
    {"a pipe", 800000, 4, {
        {"40,000 records a second", 0, 0, 25, 150000, 600000, 0, -1, 0.1}, {"10,000 records a second", 0, 0, 100, 150000, 600000, 0, -1, 0.1},
        {"60,000 records a second", 0, 0, 16.7, 150000, 600000, 0, -1, 0.1}, {"20,000 records a second", 0, 0, 50, 150000, 600000, 0, -1, 0.1}}},
    {"a limit of calls a second", 800000, 3, {
        {"10 calls a second", 8, 4, 40, 50000, 0, 10, -1, 0.1}, {"4 calls a second", 8, 4, 40, 50000, 0, 4, -1, 0.1},
        {"20 calls a second", 8, 4, 40, 50000, 0, 20, -1, 0.1}}},
};

static void throughput_stays_within_a_tenth_of_the_best_fixed_setting(void **state) {
  (void)state;
  guint bad = 0;
  for (guint c = 0; c < G_N_ELEMENTS(courses); c++) {
    const Course *course = &courses[c];
    PressureOptions options = usual;
    options.target_latency = course->target;
    Simulation s = {.pressure = pressure_new(&options), .seed = 42 + c};
    print_message("%s\n", course->name);
    for (guint i = 0; i < course->n; i++) {
      Measured best = simulated_best(&course->phases[i], &options), settling, settled;
      simulate(&s, &course->phases[i], SECONDS(30), &settling);
      simulate(&s, &course->phases[i], SECONDS(150), &settled);
      double share = settled.rate / best.rate, refused = (double)settled.refused / (double)settled.calls;
      gboolean ok = share >= 0.9 && refused <= 0.01 && settled.latency <= 1.05 * (double)options.target_latency;
      bad += !ok;
      print_message("  %-26s best %6.0f (%2u × %4u)  ours %6.0f (%2u × %4u, %3.0f ms) %5.1f %%; settling %5.1f %%; refused %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "%s\n",
                    course->phases[i].name, best.rate, best.threads, best.size, settled.rate, settled.threads, settled.size, settled.latency / 1000,
                    100 * share, 100 * settling.rate / best.rate, settled.refused, settled.calls, ok ? "" : "   <--");
    }
    pressure_free(s.pressure);
  }
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(throughput_stays_within_a_tenth_of_the_best_fixed_setting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
