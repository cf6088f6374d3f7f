#include "gateway/flow/judging/keygate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const int ledger, other_ledger;

static gboolean reserve(KeyGate *gate, gconstpointer of, const char *file, const char *least, const char *greatest) {
  g_autoptr(GBytes) from = g_bytes_new(least, strlen(least)), to = g_bytes_new(greatest, strlen(greatest));
  return keygate_reserve(gate, of, file, from, to);
}

static void files_of_different_ranges_do_not_wait(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  assert_true(reserve(gate, &ledger, "one", "a", "c"));
  assert_true(reserve(gate, &ledger, "two", "d", "f"));
  assert_true(reserve(gate, &other_ledger, "three", "a", "f"));
  keygate_free(gate);
}

static void overlapping_ranges_wait_until_the_first_is_released(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  assert_true(reserve(gate, &ledger, "one", "a", "c"));
  assert_false(reserve(gate, &ledger, "two", "c", "f"));
  assert_false(reserve(gate, &ledger, "two", "0", "z"));
  keygate_release(gate, "one");
  assert_true(reserve(gate, &ledger, "two", "c", "f"));
  keygate_free(gate);
}

static void a_file_reserves_again_after_it_failed(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  assert_true(reserve(gate, &ledger, "one", "a", "c"));
  assert_true(reserve(gate, &ledger, "one", "b", "d"));
  assert_true(reserve(gate, &ledger, "two", "a", "a"));
  keygate_free(gate);
}

static void what_a_crash_left_holds_every_key(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  keygate_hold_all(gate, &ledger, "old");
  assert_false(reserve(gate, &ledger, "new", "a", "b"));
  assert_true(reserve(gate, &other_ledger, "new", "a", "b"));
  keygate_release(gate, "old");
  assert_true(reserve(gate, &ledger, "new", "a", "b"));
  keygate_free(gate);
}

static void a_file_without_keys_waits_only_for_nothing_less_than_everything(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  assert_true(keygate_reserve(gate, &ledger, "empty", NULL, NULL));
  assert_false(reserve(gate, &ledger, "one", "a", "b"));
  keygate_release(gate, "empty");
  assert_true(reserve(gate, &ledger, "one", "a", "b"));
  keygate_free(gate);
}

static gint64 seconds;
static gint64 test_clock(void) {
  return seconds * G_USEC_PER_SEC;
}

/* One file of all keys against a stream of small ones, of which another is always between validation and posting. */
static void a_file_that_waits_long_is_not_passed_over_for_ever(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  keygate_set_clock(gate, test_clock);
  seconds = 100;
  assert_true(reserve(gate, &ledger, "small-0", "a", "b"));
  assert_false(reserve(gate, &ledger, "large", "a", "z"));
  assert_true(reserve(gate, &ledger, "small-1", "c", "d")); /* nobody starves yet */
  keygate_release(gate, "small-0");
  seconds += KEYGATE_STARVING;
  assert_false(reserve(gate, &ledger, "large", "a", "z"));
  assert_false(reserve(gate, &ledger, "small-2", "a", "b")); /* free, but large has waited too long */
  assert_true(reserve(gate, &ledger, "elsewhere", "zz", "zzz"));
  assert_true(reserve(gate, &other_ledger, "other", "a", "z"));
  keygate_release(gate, "small-1");
  assert_true(reserve(gate, &ledger, "large", "a", "z"));
  keygate_release(gate, "large");
  assert_true(reserve(gate, &ledger, "small-2", "a", "b"));
  keygate_free(gate);
}

static void a_file_that_asks_no_more_holds_up_nobody(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  keygate_set_clock(gate, test_clock);
  seconds = 100;
  assert_true(reserve(gate, &ledger, "first", "a", "b"));
  assert_false(reserve(gate, &ledger, "held-by-hand", "a", "z"));
  seconds += KEYGATE_STARVING;
  assert_false(reserve(gate, &ledger, "held-by-hand", "a", "z"));
  assert_false(reserve(gate, &ledger, "another", "c", "d"));
  seconds += KEYGATE_FORGOTTEN;
  assert_true(reserve(gate, &ledger, "another", "c", "d"));
  keygate_free(gate);
}

static void two_that_starve_do_not_wait_for_each_other(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  keygate_set_clock(gate, test_clock);
  seconds = 100;
  assert_true(reserve(gate, &ledger, "first", "a", "z"));
  assert_false(reserve(gate, &ledger, "elder", "a", "z"));
  seconds++;
  assert_false(reserve(gate, &ledger, "younger", "a", "z"));
  seconds += KEYGATE_STARVING;
  assert_false(reserve(gate, &ledger, "elder", "a", "z"));
  assert_false(reserve(gate, &ledger, "younger", "a", "z"));
  keygate_release(gate, "first");
  assert_false(reserve(gate, &ledger, "younger", "a", "z"));
  assert_true(reserve(gate, &ledger, "elder", "a", "z"));
  keygate_release(gate, "elder");
  assert_true(reserve(gate, &ledger, "younger", "a", "z"));
  keygate_free(gate);
}

static void after_a_restart_a_file_holds_every_key_until_its_own_are_known(void **state) {
  (void)state;
  KeyGate *gate = keygate_new();
  g_autoptr(GBytes) least = g_bytes_new("c", 1), greatest = g_bytes_new("d", 1);
  keygate_hold_all(gate, &ledger, "posting");
  assert_true(keygate_holds_all(gate, "posting"));
  assert_false(keygate_holds_all(gate, "unknown"));
  assert_false(reserve(gate, &ledger, "other", "a", "b"));
  keygate_narrow(gate, "posting", least, greatest);
  assert_false(keygate_holds_all(gate, "posting"));
  assert_true(reserve(gate, &ledger, "other", "a", "b"));
  assert_false(reserve(gate, &ledger, "another", "d", "e"));
  keygate_narrow(gate, "posting", NULL, NULL); /* it has none */
  assert_true(reserve(gate, &ledger, "another", "d", "e"));
  keygate_free(gate);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_of_different_ranges_do_not_wait),
      cmocka_unit_test(overlapping_ranges_wait_until_the_first_is_released),
      cmocka_unit_test(a_file_reserves_again_after_it_failed),
      cmocka_unit_test(what_a_crash_left_holds_every_key),
      cmocka_unit_test(a_file_without_keys_waits_only_for_nothing_less_than_everything),
      cmocka_unit_test(a_file_that_waits_long_is_not_passed_over_for_ever),
      cmocka_unit_test(a_file_that_asks_no_more_holds_up_nobody),
      cmocka_unit_test(two_that_starve_do_not_wait_for_each_other),
      cmocka_unit_test(after_a_restart_a_file_holds_every_key_until_its_own_are_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
