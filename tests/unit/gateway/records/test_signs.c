/* Numbers whose sign another field of their line has, and what is summed of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static char *tell(ConfLayout *conf, const char *text) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  layout_keep_amount(layout, 0);
  char *whole = layouts_tell(layout, text, strlen(text), strlen(text) + 1);
  g_autofree char *pieces = layouts_tell(layout, text, strlen(text), 1);
  assert_string_equal(whole, pieces);
  layouts_free(conf);
  return whole;
}

static void expect(ConfLayout *conf, const char *text, const char *expected) {
  g_autofree char *told = tell(conf, text);
  assert_string_equal(told, expected);
}

static ConfLayout *of_trailer(const char *trailer) {
  return layouts_conf("|", NULL, "D amount:dec=2?$kind=D/2 kind:enum=C/D/1/2 key:text", trailer);
}

static void a_debit_is_below_zero(void **state) {
  (void)state;
  expect(of_trailer(NULL),
         "D|1.50|C|a\nD|1.50|D|b\nD|0|2|c\nD||D|d\nD|7|1|e\nD|-7|D|f\nD|7|X|g\nD|7||h\nD|-0|2|i\n",
         "1 D 150 \"C\" \"a\"\n2 D -150 \"D\" \"b\"\n3 D 0 \"2\" \"c\"\n4 D null \"D\" \"d\"\n5 D 700 \"1\" \"e\"\n"
         "6 L013 0\n7 L017 1\n8 L010 1\n9 L013 0\n= 9 lines, 9 records, ok\n");
}

/* Per trailer: its field, its value, the verdict. */
static void sums_are_net_debits_credits_or_gross(void **state) {
  (void)state;
  static const struct {
    const char *field, *value, *verdict;
  } cases[] = {
      {"dec=2#sum=amount", "-1.25", "ok"},   {"dec=2#debits=amount", "3.00", "ok"},
      {"dec=2#credits=amount", "1.75", "ok"}, {"dec=2#gross=amount", "4.75", "ok"},
      {"dec=2#sum=amount", "1.25", "T004"},  {"dec=2#debits=amount", "-3.00", "T004"},
      {"dec=2#credits=amount", "1.74", "T004"}, {"dec=2#gross=amount", "1.25", "T004"},
      {"int#debits=amount", "3", "ok"},      {"dec=4#gross=amount", "4.7500", "ok"},
      {"dec=1#credits=amount", "1.7", "T004"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *trailer = g_strdup_printf("T total:%s", cases[i].field);
    g_autofree char *text = g_strdup_printf("D|1.50|C|a\nD|2|D|b\nD|1|2|c\nD|0.25|1|d\nT|%s\n", cases[i].value);
    g_autofree char *told = tell(of_trailer(trailer), text);
    g_autofree char *end = g_strdup_printf("= 5 lines, 4 records, %s%s", cases[i].verdict,
                                           g_str_equal(cases[i].verdict, "ok") ? "\n" : " in 5\n");
    if (!g_str_has_suffix(told, end))
      fail_msg("%s %s: %s", cases[i].field, cases[i].value, told);
  }
}

/* Two sums over one field do not get into each other's way, also beyond 64 bits. */
static void a_header_and_trailer_may_have_both(void **state) {
  (void)state;
  const char *wide = "D|9000000000000000000|C|a\nD|9000000000000000000|D|b\n";
  g_autofree char *net = g_strdup_printf("H|0\n%sT|1\n", wide);
  ConfLayout *conf = layouts_conf("|", "H net:int#sum=amount", "D amount:int$kind=D kind:enum=C/D key:text",
                                  "T gross:int#gross=amount");
  g_autofree char *told = tell(conf, net);
  assert_non_null(strstr(told, "T006 in 4"));
}

/* Of a line whose other field is faulty, the amount counts with its sign; without the sign, the sum is not known. */
static void a_faulty_lines_amount_counts_with_its_sign(void **state) {
  (void)state;
  expect(of_trailer("T net:dec=2#sum=amount"), "D|2|C|a\nD|1|D|\nT|1\n",
         "1 D 200 \"C\" \"a\"\n2 L010 2\nT 3 \"1\"\n= 3 lines, 2 records, ok\n");
  expect(of_trailer("T net:dec=2#sum=amount"), "D|2|C|a\nD|1|X|b\nT|1\n",
         "1 D 200 \"C\" \"a\"\n2 L017 1\nT 3 \"1\"\n= 3 lines, 2 records, T005 in 2\n");
}

static void a_trailers_own_sum_may_have_its_sign_beside_it(void **state) {
  (void)state;
  expect(of_trailer("T net:dec=2$dc=D#sum=amount dc:enum=C/D"), "D|2|D|a\nT|2|D\n",
         "1 D -200 \"D\" \"a\"\nT 2 \"2\" \"D\"\n= 2 lines, 1 records, ok\n");
  expect(of_trailer("T net:dec=2$dc=D#sum=amount dc:enum=C/D"), "D|2|D|a\nT|2|C\n",
         "1 D -200 \"D\" \"a\"\nT 2 \"2\" \"C\"\n= 2 lines, 1 records, T004 in 2\n");
}

static void each_kind_of_record_has_its_own_sign(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "A amount:int$dc=D dc:enum=C/D",
                                  "T net:int#sum=amount n:int#debits=amount/A");
  layouts_record(conf, "B amount:int dc:enum=C/D");
  expect(conf, "A|5|D\nB|5|D\nB|-1|C\nT|-1|5\n",
         "1 D -5 \"D\" \"A\"\n2 D 5 \"D\" \"B\"\n3 D -1 \"C\" \"B\"\nT 4 \"-1\" \"5\"\n"
         "= 4 lines, 3 records, ok\n");
}

/* With 18 digits more the sum is 2^128 less that fraction. */
static void a_sum_beyond_128_bits_with_its_scale_is_not_a_small_one(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D key:text n:int", "T sum:dec=18#sum=n");
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < 36; i++)
    g_string_append_printf(text, "D|k%u|9223372036854775807\n", i);
  g_string_append(text, "D|k|8240973594166534411\nT|-0.374607431768211456\n");
  g_autoptr(Layout) layout = layout_new(conf, NULL);
  g_autofree char *told = layouts_tell(layout, text->str, text->len, 100);
  assert_non_null(strstr(told, "T006 in 38"));
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_debit_is_below_zero),
      cmocka_unit_test(sums_are_net_debits_credits_or_gross),
      cmocka_unit_test(a_header_and_trailer_may_have_both),
      cmocka_unit_test(a_faulty_lines_amount_counts_with_its_sign),
      cmocka_unit_test(a_trailers_own_sum_may_have_its_sign_beside_it),
      cmocka_unit_test(each_kind_of_record_has_its_own_sign),
      cmocka_unit_test(a_sum_beyond_128_bits_with_its_scale_is_not_a_small_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
