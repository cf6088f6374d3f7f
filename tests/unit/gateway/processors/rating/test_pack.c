/* Prices as bytes, and back; and bytes that are none. */
#include "gateway/processors/rating/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LARGE ((__int128)1 << 120)

static void pack(GString *bytes, const RatedStep *steps, guint n_steps, const RatedLeg *legs, guint n_legs) {
  RatedRecord record = {.n_steps = n_steps, .n_legs = n_legs};
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(RatedLeg));
  if (n_legs > 0)
    g_array_append_vals(all, legs, n_legs);
  Rated rated = {.records = &record, .n = 1, .steps = (RatedStep *)(gpointer)steps, .most_steps = 8, .legs = all};
  price_pack(&rated, 0, bytes);
}

static void expect_money(Money is, __int128 numerator, gint64 denominator) {
  assert_true(is.numerator == numerator);
  assert_int_equal(is.denominator, denominator);
}

/* A choice of two, of which the second is lower and counts; then a rounding. */
static void steps_come_back_with_the_amounts_behind_them(void **state) {
  (void)state;
  const RatedStep steps[] = {{.step = 1, .change = {1000, 3}, .counts = TRUE},
                             {.step = 2, .change = {-10, 1}, .counts = FALSE},
                             {.step = 3, .change = {-100, 3}, .counts = TRUE},
                             {.step = 200, .change = {-LARGE, 1}, .counts = TRUE}};
  const RatedLeg legs[] = {{.quantity = 10, .row = G_MAXINT64, .amount = {LARGE, 1}},
                           {.quantity = G_MININT64, .row = 0, .amount = {0, G_MAXINT64}}};
  g_autoptr(GString) bytes = g_string_new(NULL);
  g_auto(PackedPrice) price = {0};
  pack(bytes, steps, 4, legs, 2);
  assert_true(price_unpack(bytes->str, bytes->len, &price));
  assert_int_equal(price.legs->len, 2);
  assert_int_equal(g_array_index(price.legs, RatedLeg, 0).row, G_MAXINT64);
  expect_money(g_array_index(price.legs, RatedLeg, 0).amount, LARGE, 1);
  assert_int_equal(g_array_index(price.legs, RatedLeg, 1).quantity, G_MININT64);
  assert_int_equal(price.steps->len, 4);
  const RatedStep *back = (const RatedStep *)(gpointer)price.steps->data;
  assert_true(money_compare(back[0].amount, (Money){1000, 3}) == 0);
  assert_true(money_compare(back[1].amount, (Money){970, 3}) == 0);
  assert_true(money_compare(back[2].amount, (Money){900, 3}) == 0);
  assert_false(back[1].counts);
  assert_int_equal(back[3].step, 200);
  expect_money(back[3].change, -LARGE, 1);
}

static void a_price_of_nothing_is_no_fault(void **state) {
  (void)state;
  g_autoptr(GString) bytes = g_string_new(NULL);
  g_auto(PackedPrice) price = {0};
  pack(bytes, NULL, 0, NULL, 0);
  assert_true(price_unpack(bytes->str, bytes->len, &price));
  assert_int_equal(price.steps->len, 0);
}

static void bytes_that_were_cut_or_made_up_are_refused(void **state) {
  (void)state;
  const RatedStep steps[] = {{.step = 1, .change = {100000, 60}, .counts = TRUE}};
  const RatedLeg legs[] = {{.quantity = 300, .row = 7, .amount = {5, 7}}};
  g_autoptr(GString) bytes = g_string_new(NULL);
  pack(bytes, steps, 1, legs, 1);
  for (gsize length = 0; length < bytes->len; length++) {
    g_auto(PackedPrice) price = {0};
    gboolean ok = price_unpack(bytes->str, length, &price);
    assert_true(!ok || price.steps->len == 0); /* cut between two steps it is a price of fewer */
  }
  const char *const wrong[] = {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                               "\x01\x02\x02\x02", "\x7f"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_auto(PackedPrice) price = {0};
    assert_false(price_unpack(wrong[i], strlen(wrong[i]), &price));
  }
}

static void rows_come_back(void **state) {
  (void)state;
  const gint64 rows[] = {0, 1, 63, 64, G_MAXINT64};
  g_autoptr(GString) bytes = g_string_new(NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    price_pack_row(rows[i], bytes);
  g_autoptr(GArray) back = price_unpack_rows(bytes->str, bytes->len);
  assert_int_equal(back->len, G_N_ELEMENTS(rows));
  assert_memory_equal(back->data, rows, sizeof rows);
  assert_null(price_unpack_rows("\xff", 1));
}

/* "ab" and "c" are not "a" and "bc". */
static void keys_of_several_parts_are_told_apart(void **state) {
  (void)state;
  g_autoptr(GString) one = g_string_new(NULL);
  g_autoptr(GString) other = g_string_new(NULL);
  g_autoptr(GString) alone = g_string_new(NULL);
  usage_key_add(one, 2, "ab", 2);
  usage_key_add(one, 2, "c", 1);
  usage_key_add(other, 2, "a", 1);
  usage_key_add(other, 2, "bc", 2);
  assert_string_not_equal(one->str, other->str);
  usage_key_add(alone, 1, "2:ab", 4);
  assert_string_equal(alone->str, "2:ab");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_come_back_with_the_amounts_behind_them),
      cmocka_unit_test(a_price_of_nothing_is_no_fault),
      cmocka_unit_test(bytes_that_were_cut_or_made_up_are_refused),
      cmocka_unit_test(rows_come_back),
      cmocka_unit_test(keys_of_several_parts_are_told_apart),
  };
  return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
