/* The controller against simulated interfaces whose capacity changes: throughput against the best fixed setting of each
 * capacity, found by trying all of them; refused calls; pauses, floors and bounds. Nothing here looks at a clock. */
#include "tests/unit/gateway/processors/http/simulation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void throughput_stays_within_a_tenth_of_the_best_fixed_setting(void **state) {
  (void)state;
  guint bad = 0;
  for (guint c = 0; c < G_N_ELEMENTS(courses); c++) {
    const Course *course = &courses[c];
    PressureOptions options = usual;
    Simulation s = {
        .pressure = pressure_new(&options), .seed = 42 + c, .is_traced = g_getenv("PRESSURE_TRACE") != NULL};
    print_message("%s\n", course->name);
    for (guint i = 0; i < course->n; i++) {
      Measured best = simulated_best(&course->phases[i], &options), settling, settled;
      simulate(&s, &course->phases[i], SECONDS(SETTLING), &settling);
      simulate(&s, &course->phases[i], SECONDS(MEASURED), &settled);
      double share = settled.rate / best.rate, refused = (double)settled.refused / (double)settled.calls;
      gboolean ok = share >= course->least && refused <= course->refused &&
                    settled.latency <= 1.05 * (double)options.target_latency;
      bad += !ok;
      print_message("  %-26s best %6.0f (%2u × %4u)  ours %6.0f (%2u × %4u, %3.0f ms) %5.1f %%; settling %5.1f %%; "
                    "refused %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "%s\n",
                    course->phases[i].name, best.rate, best.threads, best.size, settled.rate, settled.threads,
                    settled.size, settled.latency / 1000, 100 * share, 100 * settling.rate / best.rate, settled.refused,
                    settled.calls, ok ? "" : "   <--");
    }
    pressure_free(s.pressure);
  }
  assert_int_equal(bad, 0);
}

/* --- Failures that do not come from load */

/* Ten minutes of trouble, the interface in between as able as before; then 30 seconds to find out that it is over. */
static void ten_minutes_of_trouble(const Capacity *well, double fails, double least) {
  Capacity ill = *well;
  Simulation s = {.pressure = pressure_new(&usual), .seed = 11, .is_traced = g_getenv("PRESSURE_TRACE") != NULL};
  Measured before, trouble, finding, after;
  simulate(&s, well, SECONDS(SETTLING), &before);
  simulate(&s, well, SECONDS(MEASURED), &before);
  ill.fails = fails;
  simulate(&s, &ill, SECONDS(600), &trouble);
  simulate(&s, well, SECONDS(30), &finding);
  simulate(&s, well, SECONDS(60), &after);
  print_message("  %-26s %3.0f %% fail: %6.0f of %6.0f, %5.1f %%; the 30 s after it %5.1f %%, then %5.1f %%\n",
                well->name, 100 * fails, trouble.rate, before.rate, 100 * trouble.rate / before.rate,
                100 * finding.rate / before.rate, 100 * after.rate / before.rate);
  assert_true(trouble.rate >= least * before.rate);
  assert_true(after.rate >= 0.95 * before.rate);
  pressure_free(s.pressure);
}

static const Capacity interfaces[] = {{"8 workers", 8, 2, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
                                      {"1 worker", 1, 1, 80, 100000, 0, 0, -1, 0.1, 0, FALSE},
                                      {"a pipe", 0, 0, 50, 150000, 600000, 0, -1, 0.1, 0, FALSE},
                                      {"ample", 64, 64, 20, 10000, 0, 0, -1, 0.1, 0, FALSE},
                                      {"10 calls a second", 8, 4, 40, 50000, 0, 10, -1, 0.1, 0, FALSE}};

static void failures_at_random_cost_no_more_than_the_calls_that_fail(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
    ten_minutes_of_trouble(&interfaces[i], 0.05, 0.9);
    ten_minutes_of_trouble(&interfaces[i], 0.2, 0.7);
  }
}

/* The first two minutes of a lane; the mean of several. */
static double first_minutes(const Capacity *capacity) {
  enum { SEEDS = 12 };
  double sum = 0;
  for (guint64 seed = 1; seed <= SEEDS; seed++) {
    Simulation s = {.pressure = pressure_new(&usual), .seed = seed};
    Measured measured;
    simulate(&s, capacity, SECONDS(120), &measured);
    sum += measured.rate / SEEDS;
    pressure_free(s.pressure);
  }
  return sum;
}

/* While there are few calls, the failures of some are many of them by chance, and say nothing about a step. */
static void an_interface_that_fails_from_the_first_call_is_found_as_able_as_it_is(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
    Capacity ill = interfaces[i];
    ill.fails = 0.2;
    double trouble = first_minutes(&ill), well = first_minutes(&interfaces[i]);
    print_message("  %-26s %6.0f of %6.0f, %5.1f %%\n", ill.name, trouble, well, 100 * trouble / well);
    assert_true(trouble >= 0.7 * well);
  }
}

static void after_an_outage_it_is_where_it_was_within_30_seconds(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++)
    ten_minutes_of_trouble(&interfaces[i], 1, 0);
}

static void an_interface_that_cuts_what_is_too_much_is_asked_less(void **state) {
  (void)state;
  static const Capacity courses_of_it[] = {{"6 workers", 6, 0, 80, 50000, 0, 0, -1, 0.1, 0, TRUE},
                                           {"2 workers", 2, 0, 80, 50000, 0, 0, -1, 0.1, 0, TRUE},
                                           {"10 workers", 10, 0, 80, 50000, 0, 0, -1, 0.1, 0, TRUE}};
  Simulation s = {.pressure = pressure_new(&usual), .seed = 3, .is_traced = g_getenv("PRESSURE_TRACE") != NULL};
  const PressureOptions largest = {usual.size_max, usual.size_max, usual.threads_min, usual.threads_max, 0};
  for (guint i = 0; i < G_N_ELEMENTS(courses_of_it); i++) {
    Measured best = simulated_best(&courses_of_it[i], &largest), settling, settled;
    simulate(&s, &courses_of_it[i], SECONDS(SETTLING), &settling);
    simulate(&s, &courses_of_it[i], SECONDS(MEASURED), &settled);
    print_message("  %-26s %5.1f %% of the best; cut %5.1f %%\n", courses_of_it[i].name, 100 * settled.rate / best.rate,
                  100.0 * (double)settled.failed / (double)settled.calls);
    assert_true(settled.rate >= 0.9 * best.rate);
    assert_true((double)settled.failed <= 0.35 * (double)settled.calls);
  }
  pressure_free(s.pressure);
}

/* --- Single rules */

static PressureState state_of(const Pressure *pressure) {
  PressureState state;
  pressure_state(pressure, &state);
  return state;
}

/* Calls one after the other, each a second long, until `end` gives out; all of this outcome. */
static void call(Pressure *pressure, gint64 *now, guint times, PressureOutcome outcome, gint64 latency) {
  for (guint i = 0; i < times; i++) {
    PressureCall one;
    gint64 next;
    while ((next = pressure_begin(pressure, *now, &one)) != 0) {
      assert_true(next != G_MAXINT64 && next > *now);
      *now = next;
    }
    *now += latency;
    pressure_end(pressure, &one, *now, &(PressureEnd){outcome, state_of(pressure).size, -1});
  }
}

/* So many calls in flight at once, then all of them end. */
static void burst(Pressure *pressure, gint64 *now, PressureOutcome outcome, gint64 latency) {
  PressureCall calls[SIMULATED_CALLS];
  guint n = 0;
  while (pressure_begin(pressure, *now, &calls[n]) == 0)
    n++;
  *now += latency;
  for (guint i = 0; i < n; i++)
    pressure_end(pressure, &calls[i], *now, &(PressureEnd){outcome, state_of(pressure).size, -1});
}

static Pressure *pressure_at_its_height(gint64 *now) {
  static const Capacity ample = {"ample", 64, 64, 20, 10000, 0, 0, -1, 0, 0, FALSE};
  Simulation s = {.pressure = pressure_new(&usual), .seed = 1};
  Measured measured;
  simulate(&s, &ample, SECONDS(60), &measured);
  for (guint i = 0; i < s.n_under_way; i++)
    pressure_end(s.pressure, &s.under_way[i].call, s.now, &(PressureEnd){PRESSURE_NO_CALL, 0, -1});
  assert_int_equal(state_of(s.pressure).threads, usual.threads_max);
  assert_int_equal(state_of(s.pressure).size, usual.size_max);
  *now = s.now;
  return s.pressure;
}

static void it_begins_with_the_fewest_calls(void **state) {
  (void)state;
  Pressure *pressure = pressure_new(&usual);
  assert_int_equal(state_of(pressure).threads, usual.threads_min);
  pressure_free(pressure);
}

static void the_refusals_of_one_burst_push_down_once(void **state) {
  (void)state;
  gint64 now;
  Pressure *pressure = pressure_at_its_height(&now);
  burst(pressure, &now, PRESSURE_REFUSED, 5000);
  assert_int_equal(state_of(pressure).threads, 8); /* 0.7 of 12, and at once */
  assert_int_equal(state_of(pressure).refused, 12);
  pressure_free(pressure);
}

static void what_goes_on_refusing_pushes_both_down_to_their_floors(void **state) {
  (void)state;
  static const PressureOutcome outcomes[] = {PRESSURE_REFUSED, PRESSURE_FAILED};
  for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++) {
    gint64 now;
    Pressure *pressure = pressure_at_its_height(&now);
    call(pressure, &now, 15, outcomes[i], 5000);
    assert_int_equal(state_of(pressure).threads, usual.threads_min);
    assert_int_equal(state_of(pressure).size, usual.size_min);
    pressure_free(pressure);
  }
}

static void latency_pushes_both_down_to_their_floors_and_recovery_raises_them(void **state) {
  (void)state;
  static const Capacity slow = {"slow", 64, 64, 2000, 10000, 0, 0, -1, 0.1, 0, FALSE},
                        ample = {"ample", 64, 64, 20, 10000, 0, 0, -1, 0.1, 0, FALSE};
  Simulation s = {.pressure = pressure_new(&usual), .seed = 5};
  Measured measured;
  simulate(&s, &ample, SECONDS(60), &measured);
  simulate(&s, &slow, SECONDS(120), &measured);
  assert_int_equal(measured.threads, usual.threads_min);
  assert_int_equal(measured.size, usual.size_min);
  simulate(&s, &ample, SECONDS(120), &measured);
  assert_int_equal(measured.threads, usual.threads_max);
  assert_int_equal(measured.size, usual.size_max);
  pressure_free(s.pressure);
}

static void nobody_calls_before_the_interface_wants_it(void **state) {
  (void)state;
  gint64 now = SECONDS(1), next;
  PressureCall one;
  Pressure *pressure = pressure_new(&usual);
  assert_true(pressure_begin(pressure, now, &one) == 0);
  pressure_end(pressure, &one, now, &(PressureEnd){PRESSURE_REFUSED, 0, SECONDS(30)});
  next = pressure_begin(pressure, now + SECONDS(29), &one);
  assert_true(next == now + SECONDS(30));
  assert_true(pressure_begin(pressure, next, &one) == 0);
  pressure_free(pressure);
}

static void pauses_grow_while_nothing_succeeds_and_an_operator_ends_them(void **state) {
  (void)state;
  gint64 now = SECONDS(1);
  PressureCall one;
  Pressure *pressure = pressure_new(&usual);
  call(pressure, &now, 14, PRESSURE_REFUSED, 1000);
  gint64 next = pressure_begin(pressure, now, &one);
  assert_true(next - now > SECONDS(50) && next - now <= SECONDS(60));
  pressure_pause(pressure, 0);
  assert_true(pressure_begin(pressure, now + SECONDS(1), &one) == 0);
  pressure_free(pressure);
}

static void a_fixed_setting_stays_as_it_is(void **state) {
  (void)state;
  static const PressureOptions fixed = {2500, 2500, 3, 3, 100000};
  gint64 now = SECONDS(1);
  Pressure *pressure = pressure_new(&fixed);
  for (guint i = 0; i < 50; i++)
    burst(pressure, &now, PRESSURE_GOOD, SECONDS(2));
  assert_int_equal(state_of(pressure).threads, 3);
  assert_int_equal(state_of(pressure).size, 2500);
  pressure_free(pressure);
}

static void it_stays_within_its_bounds_whatever_happens(void **state) {
  (void)state;
  Simulation s = {.pressure = pressure_new(&usual), .seed = 99};
  for (guint i = 0; i < 20000; i++) {
    PressureCall one;
    gint64 next = pressure_begin(s.pressure, s.now, &one);
    if (next != 0 && next != G_MAXINT64)
      s.now = next;
    double chance = simulated_chance(&s);
    PressureOutcome outcome = chance < 0.6   ? PRESSURE_GOOD
                              : chance < 0.8 ? PRESSURE_REFUSED
                              : chance < 0.9 ? PRESSURE_FAILED
                                             : PRESSURE_NO_CALL;
    s.now += (gint64)(simulated_chance(&s) * 2e6);
    if (next == 0)
      pressure_end(
          s.pressure, &one, s.now,
          &(PressureEnd){outcome, (guint)(simulated_chance(&s) * 6000), chance < 0.7 ? -1 : (gint64)(chance * 1e6)});
    PressureState now = state_of(s.pressure);
    assert_in_range(now.threads, usual.threads_min, usual.threads_max);
    assert_in_range(now.size, usual.size_min, usual.size_max);
    assert_true(now.in_flight <= usual.threads_max && now.spacing >= 0 && now.spacing <= SECONDS(60));
  }
  pressure_free(s.pressure);
}

static void what_was_no_call_tells_nothing(void **state) {
  (void)state;
  gint64 now;
  Pressure *pressure = pressure_at_its_height(&now);
  guint64 calls = state_of(pressure).calls;
  burst(pressure, &now, PRESSURE_NO_CALL, SECONDS(30));
  assert_int_equal(state_of(pressure).threads, usual.threads_max);
  assert_int_equal(state_of(pressure).calls, calls);
  assert_int_equal(state_of(pressure).in_flight, 0);
  pressure_free(pressure);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_begins_with_the_fewest_calls),
      cmocka_unit_test(the_refusals_of_one_burst_push_down_once),
      cmocka_unit_test(what_goes_on_refusing_pushes_both_down_to_their_floors),
      cmocka_unit_test(latency_pushes_both_down_to_their_floors_and_recovery_raises_them),
      cmocka_unit_test(nobody_calls_before_the_interface_wants_it),
      cmocka_unit_test(pauses_grow_while_nothing_succeeds_and_an_operator_ends_them),
      cmocka_unit_test(a_fixed_setting_stays_as_it_is),
      cmocka_unit_test(it_stays_within_its_bounds_whatever_happens),
      cmocka_unit_test(what_was_no_call_tells_nothing),
      cmocka_unit_test(failures_at_random_cost_no_more_than_the_calls_that_fail),
      cmocka_unit_test(an_interface_that_fails_from_the_first_call_is_found_as_able_as_it_is),
      cmocka_unit_test(after_an_outage_it_is_where_it_was_within_30_seconds),
      cmocka_unit_test(an_interface_that_cuts_what_is_too_much_is_asked_less),
      cmocka_unit_test(throughput_stays_within_a_tenth_of_the_best_fixed_setting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
