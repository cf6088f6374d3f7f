#include "gateway/idle/decide.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S G_USEC_PER_SEC
static const ConfIdle conf = {.cpu_below = 30, .cpu_above = 50, .io_below = 5, .io_above = 15, .memory_above = 1,
                              .idle_for = 10, .busy_for = 2, .cool_down = 5};
static const IdleSample quiet = {.cpu = 20}, between = {.cpu = 400}, loud = {.cpu = 501};

/* A second each, of this sample; what it is at their end. */
static gboolean see(IdleState *state, gint64 *now, guint seconds, IdleSample sample, const char *no) {
  for (guint i = 0; i < seconds; i++)
    idle_decide(&conf, state, &sample, no, *now += S);
  return state->is_idle;
}

static void it_goes_idle_after_a_while_below_the_lower_marks_and_busy_above_the_upper_ones(void **state) {
  (void)state;
  IdleState idle = {0};
  gint64 now = 1000 * S;
  assert_false(see(&idle, &now, 10, quiet, NULL));
  assert_string_equal(idle.why, "it has not been idle for long enough");
  assert_true(see(&idle, &now, 1, quiet, NULL));
  assert_null(idle.why);
  assert_true(see(&idle, &now, 100, between, NULL));
  assert_true(see(&idle, &now, 2, loud, NULL));
  assert_false(see(&idle, &now, 1, loud, NULL));
  assert_string_equal(idle.why, "others use the processors");
  assert_false(see(&idle, &now, 100, between, NULL));
  assert_int_equal(idle.transitions, 2);
}

static void a_peak_that_is_shorter_than_busy_for_changes_nothing(void **state) {
  (void)state;
  IdleState idle = {0};
  gint64 now = 1000 * S;
  see(&idle, &now, 11, quiet, NULL);
  for (guint i = 0; i < 20; i++) {
    assert_true(see(&idle, &now, 2, loud, NULL));
    assert_true(see(&idle, &now, 1, quiet, NULL));
  }
  assert_int_equal(idle.transitions, 1);
}

static void each_signal_has_marks_of_its_own_and_says_its_name(void **state) {
  (void)state;
  static const struct {
    IdleSample sample;
    const char *why;
  } cases[] = {{{.io = 51}, "somebody waits for a disk"}, {{.memory = 11}, "somebody waits for memory"},
               {{.cpu = 301}, "others use the processors"}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    IdleState idle = {0};
    gint64 now = 1000 * S;
    assert_false(see(&idle, &now, 60, cases[i].sample, NULL));
    assert_string_equal(idle.why, cases[i].why);
  }
}

static void what_says_no_is_heard_at_once_and_it_cools_down_after_each_busy(void **state) {
  (void)state;
  ConfIdle quick = conf;
  IdleState idle = {0};
  gint64 now = 1000 * S;
  quick.idle_for = 1;
  see(&idle, &now, 11, quiet, NULL);
  assert_false(see(&idle, &now, 1, quiet, "the probe says so"));
  assert_string_equal(idle.why, "the probe says so");
  for (guint i = 0; i < 4; i++) {
    idle_decide(&quick, &idle, &quiet, NULL, now += S);
    assert_false(idle.is_idle);
  }
  assert_string_equal(idle.why, "it cools down");
  idle_decide(&quick, &idle, &quiet, NULL, now += S);
  assert_true(idle.is_idle);
}

static void windows_may_go_over_midnight(void **state) {
  (void)state;
  char *windows[] = {(char *)"19:00-07:00", (char *)"12:00-13:30", NULL};
  const ConfIdle night = {.windows = windows}, always = {0};
  static const struct {
    guint hour, minute;
    gboolean is_in;
  } cases[] = {{18, 59, FALSE}, {19, 0, TRUE},  {23, 59, TRUE}, {0, 0, TRUE},   {6, 59, TRUE},
               {7, 0, FALSE},   {12, 0, TRUE},  {13, 29, TRUE}, {13, 30, FALSE}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    guint second = cases[i].hour * 3600 + cases[i].minute * 60;
    assert_int_equal(idle_in_window(&night, second), cases[i].is_in);
    assert_true(idle_in_window(&always, second));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_goes_idle_after_a_while_below_the_lower_marks_and_busy_above_the_upper_ones),
      cmocka_unit_test(a_peak_that_is_shorter_than_busy_for_changes_nothing),
      cmocka_unit_test(each_signal_has_marks_of_its_own_and_says_its_name),
      cmocka_unit_test(what_says_no_is_heard_at_once_and_it_cools_down_after_each_busy),
      cmocka_unit_test(windows_may_go_over_midnight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
