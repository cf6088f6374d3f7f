/* Amounts beyond 64 bits are printed exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "gateway/base/wide.h"
#include <cmocka.h>

static void wide_amounts_are_printed_with_their_scale(void **state) {
  (void)state;
  const Wide least = G_MININT64, most = G_MAXINT64, million = 1000000;
  const struct {
    Wide value;
    guint scale;
    const char *text;
  } table[] = {
      {0, 0, "0"},          {0, 2, "0.00"},      {5, 2, "0.05"},
      {-5, 2, "-0.05"},     {1230, 2, "12.30"},  {-100, 2, "-1.00"},
      {least, 0, "-9223372036854775808"},        {least * 2, 2, "-184467440737095516.16"},
      {most * million, 18, "9223372.036854775807000000"},
      {most * million * million, 0, "9223372036854775807000000000000"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    char text[WIDE_BYTES];
    assert_int_equal(wide_print(table[i].value, table[i].scale, text), strlen(table[i].text));
    assert_string_equal(text, table[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wide_amounts_are_printed_with_their_scale)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
