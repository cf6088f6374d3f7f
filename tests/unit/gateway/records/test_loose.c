/* Numbers of a statement that is only compared: what says the same is read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static void expect(const char *type, const char *value, const char *expected) {
  g_autofree char *record = g_strconcat("D f:", type, NULL), *line = g_strdup_printf("D|%s\n", value);
  ConfLayout *conf = layouts_conf("|", NULL, record, NULL);
  g_autoptr(Layout) layout = layout_new(conf, NULL);
  layout_read_loosely(layout);
  g_autofree char *told = layouts_tell(layout, line, strlen(line), strlen(line) + 1);
  g_autofree char *wanted = expected[0] == 'L' ? g_strdup_printf("1 %s 0\n= 1 lines, 1 records, ok\n", expected)
                                               : g_strdup_printf("1 D %s\n= 1 lines, 1 records, ok\n", expected);
  assert_string_equal(told, wanted);
  layouts_free(conf);
}

static void numbers_that_say_the_same_are_read(void **state) {
  (void)state;
  static const struct {
    const char *type, *value, *expected;
  } table[] = {
      {"int", "-0", "0"},           {"int", "-000", "0"},        {"int", "+5", "5"},         {"int", "5.00", "5"},
      {"int", "-5.0", "-5"},        {"int", "100.000", "100"},   {"int", "+0.00", "0"},      {"int", "7", "7"},
      {"dec=2", "-0.00", "0"},      {"dec=2", "-0", "0"},        {"dec=2", "1.500", "150"},
      {"dec=2", "-1.2000", "-120"}, {"dec=2", "0.00000", "0"},   {"dec=2", "12.30", "1230"},
      {"dec=2", "+12.3", "1230"},   {"dec=2", "10.000", "1000"},
      {"int", "5.01", "L012"},      {"int", "5.", "L012"},       {"int", ".5", "L012"},      {"int", "-", "L012"},
      {"int", "+", "L012"},         {"int", "+-5", "L012"},      {"int", "--0", "L012"},     {"int", "1.0.0", "L012"},
      {"int", "1e3", "L012"},       {"int", " 5", "L012"},       {"int", "", "L010"},        {"dec=2", "0.005", "L014"},
      {"dec=2", "-.00", "L013"},    {"dec=2", "1,50", "L013"},   {"dec=2", "+", "L013"},
      {"dec=2", "1.2.30", "L013"},
      {"int", "+9223372036854775808", "L014"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    expect(table[i].type, table[i].value, table[i].expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_that_say_the_same_are_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
