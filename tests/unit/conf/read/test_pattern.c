#include "conf/read/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void patterns_overlap_when_one_name_matches_both(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    gboolean overlap;
  } rows[] = {
      {"", "", TRUE},
      {"*", "", TRUE},
      {"?", "", FALSE},
      {"a", "a", TRUE},
      {"a", "b", FALSE},
      {"a*", "*b", TRUE},
      {"a*", "b*", FALSE},
      {"P_*.pgp", "*_FB.pgp", TRUE},
      {"P_*.pgp", "F_*.pgp", FALSE},
      {"P_????.pgp", "*_FB.pgp", TRUE},
      {"P_????.pgp", "P_*_FEEDBACK.pgp", FALSE},
      {"[0-9]*", "[a-z]*", FALSE},
      {"[0-9]*", "[!0-8]*", TRUE},
      {"[!0-9]", "5", FALSE},
      {"[]]", "]", TRUE},
      {"[a-]", "-", TRUE},
      {"\\*", "*", TRUE},
      {"\\*", "x", FALSE},
      {"*a*a*a*a*", "b*", TRUE},
      {"*.dat", "*.dat.ok", FALSE},
      {"\xE7\xA7\xAF*", "*\xE5\x88\x86", TRUE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    if (pattern_overlap(rows[i].a, rows[i].b) != rows[i].overlap ||
        pattern_overlap(rows[i].b, rows[i].a) != rows[i].overlap)
      fail_msg("%s and %s", rows[i].a, rows[i].b);
  }
}

static void what_cannot_be_a_pattern_or_template_is_told(void **state) {
  (void)state;
  assert_null(pattern_problem("P_[0-9]?*.pgp"));
  assert_non_null(pattern_problem("a/b"));
  assert_non_null(pattern_problem("[a"));
  assert_non_null(pattern_problem("a\\"));
  g_autofree char *sound = template_problem("{stem}_{date}{time}_{id}.{extension}", TEMPLATE_FILE);
  assert_null(sound);
  g_autofree char *numbered = template_problem("{sequence:18}{sequence}", TEMPLATE_FILE);
  assert_null(numbered);
  g_autofree char *shard = template_problem("{sequence}", TEMPLATE_SHARD);
  assert_non_null(shard);
  static const char *const wrong[] = {"{",           "}",      "{}",       "{stem",         "{nam}",
                                      "a/b",         "..",     "{{name}}", "{sequence:19}", "{sequence:}",
                                      "{sequence:1", "{shard}"};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autofree char *problem = template_problem(wrong[i], TEMPLATE_FILE);
    if (!problem)
      fail_msg("%s", wrong[i]);
  }
}

static void the_names_that_a_template_makes_are_a_pattern(void **state) {
  (void)state;
  static const struct {
    const char *text, *glob, *made;
  } rows[] = {
      {"{name}.ok", "P_*.pgp", "P_*.pgp.ok"}, {"{stem}_FB.pgp", "P_*.dat.pgp", "P_*_FB.pgp"},
      {"{stem}", "P[.]x.y", "P[.]x"},         {"a*b{id}", "x", "a\\*b*"},
      {"{date}-{stem}", "*", "*-*"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *made = template_as_pattern(rows[i].text, rows[i].glob, TEMPLATE_FILE);
    assert_string_equal(made, rows[i].made);
  }
  g_autofree char *numbered = template_as_pattern("P*_{date}_{sequence:3}.{sequence}[", NULL, TEMPLATE_SEQUENCE);
  assert_string_equal(numbered, "P*_[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]_[0-9][0-9][0-9].[0-9]*\\[");
  g_autofree char *shards = template_as_pattern("{type}_{shard}", NULL, TEMPLATE_SHARD);
  assert_string_equal(shards, "*_*");
  /* Eight characters and _FB are not eight characters. */
  g_autofree char *feedback = template_as_pattern("{stem}_FB.pgp", "P_????????.pgp", TEMPLATE_FILE);
  assert_false(pattern_overlap(feedback, "P_????????.pgp"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_overlap_when_one_name_matches_both),
      cmocka_unit_test(what_cannot_be_a_pattern_or_template_is_told),
      cmocka_unit_test(the_names_that_a_template_makes_are_a_pattern),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
