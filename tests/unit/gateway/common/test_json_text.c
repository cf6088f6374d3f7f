/* JSON and its times as text. */
#include "gateway/common/json_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void a_value_becomes_compact_text_and_is_freed(void **state) {
  (void)state;
  g_autofree char *text = json_text_take(json_pack("{s:i, s:[s]}", "a", 1, "b", "x\n"));
  assert_string_equal(text, "{\"a\":1,\"b\":[\"x\\n\"]}");
  assert_null(json_text_take(NULL));
}

static void a_moment_is_told_in_utc_to_the_second(void **state) {
  (void)state;
  g_autofree char *zero = json_text_utc(0), *one = json_text_utc(G_GINT64_CONSTANT(1795190400999999)),
                  *never = json_text_utc(G_MAXINT64);
  assert_string_equal(zero, "1970-01-01T00:00:00Z");
  assert_string_equal(one, "2026-11-20T16:00:00Z");
  assert_string_equal(never, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_becomes_compact_text_and_is_freed),
      cmocka_unit_test(a_moment_is_told_in_utc_to_the_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
