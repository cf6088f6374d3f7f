/* How far words are from each other. */
#include "gateway/base/spelling.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void each_wrong_letter_counts_once(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    guint distance;
  } rows[] = {{"", "", 0},           {"", "abc", 3},         {"marker", "marker", 0}, {"Marker", "mARKER", 0},
              {"markr", "marker", 1}, {"markeer", "marker", 1}, {"marger", "marker", 1}, {"amrker", "marker", 1},
              {"mrakre", "marker", 2}, {"status", "files", 5},  {"ab", "ba", 1},         {"abc", "ca", 3}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    if (spelling_distance(rows[i].a, rows[i].b) != rows[i].distance)
      fail_msg("%s and %s: %u", rows[i].a, rows[i].b, spelling_distance(rows[i].a, rows[i].b));
    assert_int_equal(spelling_distance(rows[i].b, rows[i].a), rows[i].distance);
  }
}

static void a_word_that_is_too_long_is_near_to_none(void **state) {
  (void)state;
  g_autofree char *most = g_strnfill(SPELLING_LONGEST, 'x'), *more = g_strnfill(SPELLING_LONGEST + 1, 'x');
  assert_int_equal(spelling_distance(most, most), 0);
  assert_int_equal(spelling_distance(most, ""), SPELLING_LONGEST);
  assert_true(spelling_distance(more, most) == G_MAXUINT);
  assert_true(spelling_distance("", more) == G_MAXUINT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_wrong_letter_counts_once),
      cmocka_unit_test(a_word_that_is_too_long_is_near_to_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
