/* The numbers that partners argue about: each was worked out by hand, and the properties hold for random ones. */
#include "store/money.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static Money price(gint64 quantity, gint64 rate, gint64 per) {
  Money value;
  assert_true(money_price(quantity, money_of(rate), per, &value));
  return value;
}

static Money portion(Money amount, gint64 parts, gint64 of) {
  Money value;
  assert_true(money_portion(amount, parts, of, &value));
  return value;
}

static gint64 rounded(Money value, MoneyRounding rounding, guint dropped) {
  gint64 units;
  assert_true(money_round(value, rounding, dropped, &units));
  return units;
}

static gint64 half_up(Money value) {
  return rounded(value, MONEY_HALF_UP, 0);
}

/* --- Rounding. */

static void a_tie_goes_where_the_name_of_the_rounding_says(void **state) {
  (void)state;
  static const gint64 expected[MONEY_N_ROUNDINGS] = {
      [MONEY_HALF_UP] = 33, [MONEY_HALF_EVEN] = 32, [MONEY_DOWN] = 32, [MONEY_UP] = 33};
  Money charged = price(78, 25, 60), reversed = price(-78, 25, 60); /* 78 s at 0.25 a minute: 0.325 */
  for (guint i = 0; i < MONEY_N_ROUNDINGS; i++) {
    assert_int_equal(rounded(charged, (MoneyRounding)i, 0), expected[i]);
    assert_int_equal(rounded(reversed, (MoneyRounding)i, 0), -expected[i]);
  }
  assert_int_equal(rounded(portion(money_of(335), 1, 10), MONEY_HALF_EVEN, 0), 34);
}

static void what_is_nearer_is_no_tie(void **state) {
  (void)state;
  assert_int_equal(half_up((Money){3249999, 100000}), 32);
  assert_int_equal(rounded((Money){3250001, 100000}, MONEY_HALF_EVEN, 0), 33);
  assert_int_equal(rounded((Money){3200001, 100000}, MONEY_UP, 0), 33);
  assert_int_equal(rounded((Money){3299999, 100000}, MONEY_DOWN, 0), 32);
  for (guint i = 0; i < MONEY_N_ROUNDINGS; i++)
    assert_int_equal(rounded((Money){-6400, 200}, (MoneyRounding)i, 0), -32);
}

static void where_it_is_rounded_makes_a_difference(void **state) {
  (void)state;
  Money rate = money_of(25); /* 0.025 at scale 3; less 5 %, less 12 % */
  assert_int_equal(rounded(portion(portion(rate, 95, 100), 88, 100), MONEY_HALF_UP, 1), 2);
  gint64 each = rounded(portion(rate, 95, 100), MONEY_HALF_UP, 1);
  assert_int_equal(each, 2);
  each = half_up(portion(money_of(rounded(rate, MONEY_HALF_UP, 1)), 95, 100));
  assert_int_equal(half_up(portion(money_of(each), 88, 100)), 3); /* 0.03: rounded at each step */
  gint64 sum = 0;
  Money exact = money_of(0);
  for (guint i = 0; i < 1000; i++) {
    sum += half_up(price(78, 25, 60));
    assert_true(money_add(exact, price(78, 25, 60), &exact));
  }
  assert_int_equal(sum, 33000);
  assert_int_equal(half_up(exact), 32500);
}

static void a_discount_before_a_deduction_is_not_one_behind_it(void **state) {
  (void)state;
  Money value;
  assert_true(money_subtract(portion(money_of(1000), 95, 100), money_of(100), &value));
  assert_int_equal(half_up(value), 850);
  assert_true(money_subtract(money_of(1000), money_of(100), &value));
  assert_int_equal(half_up(portion(value, 95, 100)), 855);
}

static void a_rounding_is_known_by_its_word(void **state) {
  (void)state;
  MoneyRounding rounding;
  for (guint i = 0; i < MONEY_N_ROUNDINGS; i++) {
    assert_true(money_rounding_parse(money_rounding_word((MoneyRounding)i), &rounding));
    assert_int_equal(rounding, i);
  }
  assert_false(money_rounding_parse("nearest", &rounding));
  assert_false(money_rounding_parse(NULL, &rounding));
}

/* --- Quantities. */

static void increments_are_counted_behind_what_is_billed_at_least(void **state) {
  (void)state;
  static const struct {
    gint64 seconds, billed, price; /* of 0.0060 a minute, at scale 4 */
  } rows[] = {{0, 0, 0},    {1, 30, 30},  {30, 30, 30}, {31, 36, 36},
              {32, 36, 36}, {57, 60, 60}, {60, 60, 60}, {61, 66, 66}, {75, 78, 78}};
  gint64 billed;
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    assert_true(money_units(rows[i].seconds, 6, 30, &billed));
    assert_int_equal(billed, rows[i].billed);
    assert_int_equal(half_up(price(billed, 60, 60)), rows[i].price);
  }
  assert_int_equal(rounded(price(30, 60, 60), MONEY_HALF_UP, 2), 0);
  assert_int_equal(rounded(price(60, 60, 60), MONEY_HALF_UP, 2), 1);
  assert_true(money_units(61, 7, 60, &billed));
  assert_int_equal(billed, 67);
}

static void a_quantity_that_cannot_be_billed_is_refused(void **state) {
  (void)state;
  gint64 billed = 7;
  assert_false(money_units(-1, 6, 30, &billed));
  assert_false(money_units(1, 0, 30, &billed));
  assert_false(money_units(1, 6, -1, &billed));
  assert_false(money_units(G_MAXINT64, 6, 0, &billed)); /* the last increment ends behind 64 bits */
  assert_int_equal(billed, 7);
  assert_true(money_units(G_MAXINT64, 1, 0, &billed));
  assert_true(billed == G_MAXINT64);
}

/* --- Tiers. */

static const MoneyTier tiers[] = {{10000, 140}, {50000, 132}, {G_MAXINT64, 125}};

static gint64 tiered(MoneyTiers kind, gint64 before, gint64 quantity, guint expected_legs) {
  MoneyTariff tariff = {tiers, G_N_ELEMENTS(tiers), kind, before, 1};
  MoneyLeg legs[G_N_ELEMENTS(tiers)];
  guint n_legs;
  Money value;
  assert_true(money_tiered(&tariff, quantity, legs, &n_legs, &value));
  assert_int_equal(n_legs, expected_legs);
  gint64 sum = 0;
  for (guint i = 0; i < n_legs; i++)
    sum += legs[i].quantity;
  assert_int_equal(sum, quantity);
  return half_up(value);
}

static void graduated_and_volume_differ_behind_the_bound(void **state) {
  (void)state;
  static const struct {
    gint64 quantity, graduated, volume;
    guint legs;
  } rows[] = {{10000, 1400000, 1400000, 1},
              {10001, 1400132, 1320132, 2},
              {10500, 1466000, 1386000, 2},
              {50001, 6680125, 6250125, 3},
              {0, 0, 0, 0}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    assert_int_equal(tiered(MONEY_GRADUATED, 0, rows[i].quantity, rows[i].legs), rows[i].graduated);
    assert_int_equal(tiered(MONEY_VOLUME, 0, rows[i].quantity, rows[i].quantity > 0), rows[i].volume);
  }
}

static void the_counter_tells_where_a_quantity_begins(void **state) {
  (void)state;
  assert_int_equal(tiered(MONEY_GRADUATED, 9990, 20, 2), 1400 + 1320);
  /* 10,000, then 1 more: the first keeps its price */
  assert_int_equal(tiered(MONEY_VOLUME, 0, 10000, 1) + tiered(MONEY_VOLUME, 10000, 1, 1), 1400132);
}

static void what_no_tier_reaches_has_no_price(void **state) {
  (void)state;
  static const MoneyTier short_tiers[] = {{10, 140}, {20, 132}};
  MoneyTariff tariff = {short_tiers, 2, MONEY_GRADUATED, 0, 1};
  MoneyLeg legs[2];
  guint n_legs;
  Money value;
  assert_true(money_tiered(&tariff, 20, legs, &n_legs, &value));
  assert_false(money_tiered(&tariff, 21, legs, &n_legs, &value));
  assert_false(money_tiered(&tariff, -1, legs, &n_legs, &value));
  tariff.before = G_MAXINT64;
  assert_false(money_tiered(&tariff, 1, legs, &n_legs, &value));
  tariff.before = -1;
  assert_false(money_tiered(&tariff, 1, legs, &n_legs, &value));
}

/* --- Shares. */

static void shares_add_up_and_a_tie_goes_to_the_first(void **state) {
  (void)state;
  static const gint64 three_to_one[] = {75, 25}, thirds[] = {1, 1, 1}, nothing[] = {0, 0}, wrong[] = {2, -1};
  gint64 parts[3];
  assert_true(money_shares(9999, three_to_one, 2, parts));
  assert_int_equal(parts[0], 7499);
  assert_int_equal(parts[1], 2500);
  assert_true(money_shares(-9999, three_to_one, 2, parts));
  assert_int_equal(parts[0], -7499);
  assert_int_equal(parts[1], -2500);
  assert_true(money_shares(100, thirds, 3, parts));
  assert_int_equal(parts[0], 34);
  assert_int_equal(parts[2], 33);
  assert_false(money_shares(100, nothing, 2, parts));
  assert_false(money_shares(100, wrong, 2, parts));
  assert_false(money_shares(100, NULL, 0, parts));
  assert_true(money_shares(G_MININT64, thirds, 1, parts));
  assert_true(parts[0] == G_MININT64);
}

/* --- Limits. */

static void what_leaves_its_bits_is_refused(void **state) {
  (void)state;
  Money value = money_of(3);
  gint64 units = 4;
  assert_true(money_price(G_MAXINT64, money_of(G_MAXINT64), 1, &value));
  assert_false(money_round(value, MONEY_DOWN, 0, &units));
  Money large = value;
  assert_false(money_portion(value, 1000, 1, &value));
  assert_true(value.numerator == large.numerator);
  assert_true(money_portion(value, 1000, 1000, &value)); /* reduced before it is refused */
  assert_int_equal(money_compare(value, large), 0);
  assert_true(money_portion(value, 1, G_MAXINT64, &value));
  assert_true(money_portion(value, 1, G_MAXINT64, &value));
  assert_int_equal(half_up(value), 1);
  assert_false(money_price(1, money_of(1), 0, &value));
  assert_false(money_portion(value, 1, -1, &value));
  Money tiny = {1, G_MAXINT64}, other = {1, G_MAXINT64 - 1};
  assert_false(money_add(tiny, other, &value));
  assert_false(money_portion(tiny, 1, G_MAXINT64, &value));
  assert_true(money_compare(tiny, other) < 0);
  assert_true(money_round((Money){(__int128)G_MAXINT64 * 100, 1}, MONEY_UP, 2, &units));
  assert_true(units == G_MAXINT64);
  assert_true(money_round(money_of(G_MININT64), MONEY_UP, 0, &units));
  assert_true(units == G_MININT64);
  assert_false(money_round(money_of(1), MONEY_UP, MONEY_SCALE_MAX + 1, &units));
}

/* --- For any numbers. */

static gint64 any(GRand *random, gint64 most) {
  return (gint64)(g_rand_double(random) * (double)most);
}

static void the_parts_of_anything_are_the_whole(void **state) {
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(11);
  for (guint round = 0; round < 20000; round++) {
    gint64 weights[7], parts[7], sum = 0, amount = any(random, 1000000000) - 500000000;
    guint n = 1 + g_rand_int(random) % 7;
    for (guint i = 0; i < n; i++)
      weights[i] = any(random, 1000) + (i == 0);
    assert_true(money_shares(amount, weights, n, parts));
    for (guint i = 0; i < n; i++)
      sum += parts[i];
    assert_int_equal(sum, amount);
  }
}

/* A quantity in two halves, the second behind the first, costs what it costs as one; what is taken back leaves 0. */
static void graduated_prices_do_not_depend_on_how_usage_was_cut(void **state) {
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(12);
  for (guint round = 0; round < 5000; round++) {
    MoneyTier own[] = {{1 + any(random, 1000), any(random, 500)}, {2000, any(random, 500)}, {G_MAXINT64, 7}};
    MoneyTariff tariff = {own, 3, MONEY_GRADUATED, any(random, 3000), 1 + any(random, 90)};
    gint64 quantity = any(random, 3000), half = quantity / 2;
    MoneyLeg legs[3];
    guint n_legs;
    Money whole, first, second, rest;
    assert_true(money_tiered(&tariff, quantity, legs, &n_legs, &whole));
    assert_true(money_tiered(&tariff, half, legs, &n_legs, &first));
    tariff.before += half;
    assert_true(money_tiered(&tariff, quantity - half, legs, &n_legs, &second));
    assert_true(money_subtract(whole, first, &rest) && money_subtract(rest, second, &rest));
    assert_true(rest.numerator == 0);
    for (guint i = 0; i < MONEY_N_ROUNDINGS; i++) {
      Money back = {-whole.numerator, whole.denominator};
      assert_int_equal(rounded(whole, (MoneyRounding)i, 1) + rounded(back, (MoneyRounding)i, 1), 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tie_goes_where_the_name_of_the_rounding_says),
      cmocka_unit_test(what_is_nearer_is_no_tie),
      cmocka_unit_test(where_it_is_rounded_makes_a_difference),
      cmocka_unit_test(a_discount_before_a_deduction_is_not_one_behind_it),
      cmocka_unit_test(a_rounding_is_known_by_its_word),
      cmocka_unit_test(increments_are_counted_behind_what_is_billed_at_least),
      cmocka_unit_test(a_quantity_that_cannot_be_billed_is_refused),
      cmocka_unit_test(graduated_and_volume_differ_behind_the_bound),
      cmocka_unit_test(the_counter_tells_where_a_quantity_begins),
      cmocka_unit_test(what_no_tier_reaches_has_no_price),
      cmocka_unit_test(shares_add_up_and_a_tie_goes_to_the_first),
      cmocka_unit_test(what_leaves_its_bits_is_refused),
      cmocka_unit_test(the_parts_of_anything_are_the_whole),
      cmocka_unit_test(graduated_prices_do_not_depend_on_how_usage_was_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
