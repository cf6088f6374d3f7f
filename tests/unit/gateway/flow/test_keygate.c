#include "gateway/flow/keygate.h"
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_of_different_ranges_do_not_wait),
      cmocka_unit_test(overlapping_ranges_wait_until_the_first_is_released),
      cmocka_unit_test(a_file_reserves_again_after_it_failed),
      cmocka_unit_test(what_a_crash_left_holds_every_key),
      cmocka_unit_test(a_file_without_keys_waits_only_for_nothing_less_than_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
