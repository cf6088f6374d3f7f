/* What polls have seen of a folder's names. */
#include "gateway/flow/admission/looks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static GBytes *name_of(const char *text) {
  return g_bytes_new(text, strlen(text));
}

static void a_name_is_found_by_its_bytes_until_it_is_not_listed_any_more(void **state) {
  (void)state;
  Looks *looks = looks_new();
  g_autoptr(GBytes) one = name_of("one.dat"), other = name_of("other.dat"), again = name_of("one.dat");
  const CourierEntry entry = {.size = 7, .modified = 8};
  assert_null(looks_find(looks, one));
  look_update(looks_make(looks, one), &entry, 5, 1);
  look_update(looks_make(looks, other), &entry, 5, 1);
  look_update(looks_make(looks, again), &entry, 6, 2);
  assert_ptr_equal(looks_find(looks, one), looks_find(looks, again));
  assert_int_equal(looks_find(looks, one)->looks, 2);
  assert_int_equal(looks_find(looks, one)->since, 5);
  looks_forget_others(looks, 2);
  assert_null(looks_find(looks, other));
  looks_drop(looks, again);
  assert_null(looks_find(looks, one));
  looks_free(looks);
}

/* As it is kept across a restart: the wait is known, how long it has looked so is not. */
static void what_a_file_waits_for_is_known_as_long_as_it_looks_the_same(void **state) {
  (void)state;
  Looks *looks = looks_new();
  g_autoptr(GBytes) one = name_of("one.dat");
  Look *look = looks_make(looks, one);
  *look = (Look){.size = 7, .modified = 8, .waits_for = FILE_WAIT_MARKER, .is_told = TRUE};
  look_update(look, &(CourierEntry){.size = 7, .modified = 8}, 100, 1);
  assert_int_equal(look->waits_for, FILE_WAIT_MARKER);
  assert_int_equal(look->looks, 1);
  assert_int_equal(look->since, 100);
  looks_ask_again(looks);
  assert_int_equal(look->waits_for, FILE_WAIT_NOTHING);
  look->waits_for = FILE_WAIT_MARKER;
  look_update(look, &(CourierEntry){.size = 9, .modified = 8}, 200, 2);
  assert_int_equal(look->waits_for, FILE_WAIT_NOTHING);
  assert_false(look->is_told);
  looks_free(looks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_is_found_by_its_bytes_until_it_is_not_listed_any_more),
      cmocka_unit_test(what_a_file_waits_for_is_known_as_long_as_it_looks_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
