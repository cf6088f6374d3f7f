/* Exact money in rules: a partner's amounts are computed again from its quantities. */
#include "store/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SECONDS, RATE, CHARGE, COLUMNS };
static const StagingColumn columns[COLUMNS] = {
    {"seconds", BLOCK_INTEGER, 0}, {"rate", BLOCK_INTEGER, 4}, {"charge", BLOCK_INTEGER, 2}};

static void assert_refused(const char *rule, const char *because) {
  g_autoptr(GError) error = NULL;
  if (rules_check(rule, columns, COLUMNS, NULL, 0, &error))
    fail_msg("allowed: %s", rule);
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  if (!strstr(error->message, because))
    fail_msg("%s: the message does not say \"%s\"", error->message, because);
}

static void note_broken(gpointer user, guint record, guint64 rules) {
  (void)rules;
  g_array_append_val((GArray *)user, record);
}

/* Whether the rule holds for these seconds, rate (scale 4) and charge (scale 2). */
static gboolean holds_for(const char *check, gint64 seconds, gint64 rate, gint64 charge) {
  const Rule rule = {"charge", check, "E1"};
  static const BlockType types[COLUMNS] = {BLOCK_INTEGER, BLOCK_INTEGER, BLOCK_INTEGER};
  g_autoptr(GError) error = NULL;
  g_autoptr(RuleSet) set = rule_set_new(&rule, 1, columns, COLUMNS, NULL, 0, &error);
  g_autoptr(RecordBlock) block = record_block_new(1, types, COLUMNS);
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(guint));
  record_block_begin(block, 1);
  record_block_put_integer(block, SECONDS, seconds);
  record_block_put_integer(block, RATE, rate);
  record_block_put_integer(block, CHARGE, charge);
  record_block_end(block);
  if (!set || !rule_set_run(set, block, note_broken, broken, &error))
    fail_msg("%s: %s", check, error->message);
  return broken->len == 0;
}

static void assert_holds(const char *check) {
  if (!holds_for(check, 78, 2500, 33))
    fail_msg("does not hold: %s", check);
}

static void a_charge_is_computed_again_and_compared_exactly(void **state) {
  (void)state;
  const char *rule = "charge = rounded(price(units(seconds, 6, 30), rate, 60), 'half-up', 2)";
  assert_true(holds_for(rule, 78, 2500, 33)); /* 0.2500 a minute: 0.325 */
  assert_false(holds_for(rule, 78, 2500, 32));
  assert_true(holds_for(rule, 73, 2500, 33));
  assert_true(holds_for(rule, 0, 2500, 0));
}

static void the_worked_numbers_hold_in_rules(void **state) {
  (void)state;
  assert_holds("rounded(price(78, 25, 60), 'half-up') = 33");
  assert_holds("rounded(price(78, 25, 60), 'half-even') = 32");
  assert_holds("rounded(price(78, 25, 60), 'down') = 32");
  assert_holds("rounded(price(78, 25, 60), 'up') = 33");
  assert_holds("rounded(price(-78, 25, 60), 'half-up') = -33");
  assert_holds("rounded(price(-78, 25, 60), 'down') = -32");
  assert_holds("rounded(portion(portion(25, 95, 100), 88, 100), 'half-up', 1) = 2");
  assert_holds("rounded(minus(portion(scaled('10.00', 2), 95, 100), scaled('1.00', 2)), 'half-up') = 850");
  assert_holds("rounded(portion(minus(scaled('10.00', 2), scaled('1.00', 2)), 95, 100), 'half-up') = 855");
  assert_holds("units(61, 7, 60) = 67 AND units(75, 6, 30) = 78 AND units(0, 6, 30) = 0");
  assert_holds("compare(price(1, 1, 3), portion(1, 2, 6)) = 0 AND compare(price(1, 1, 3), price(1, 1, 4)) = 1");
  assert_holds("rounded(lowest(price(10, 3, 4), 7, 8), 'up') = 7 AND rounded(highest(price(10, 3, 4), 7), 'up') = 8");
  assert_holds("rounded(plus(price(1, 1, 3), price(1, 1, 3), price(1, 1, 3)), 'down') = 1");
}

static void what_has_no_value_breaks_the_rule_and_not_the_file(void **state) {
  (void)state;
  assert_false(holds_for("units(seconds, 6, 30) >= 0", -1, 1, 1));
  assert_false(holds_for("rounded(price(seconds, rate, 1), 'down') > 0", G_MAXINT64, G_MAXINT64, 1));
  assert_true(holds_for("rounded(price(seconds, rate, 9223372036854775807), 'down') > 0", G_MAXINT64, 3, 1));
  assert_false(holds_for("rounded(price(nullif(seconds, 78), rate, 60), 'down') >= 0", 78, 1, 1));
}

static void exact_money_stands_only_where_it_is_understood(void **state) {
  (void)state;
  static const char *const rules[] = {
      "price(seconds, rate, 60) > 5",
      "price (seconds, rate, 60) > 5",
      "5 < PRICE(seconds, rate, 60)",
      "rounded(price(seconds, rate, 60) * 2, 'down') > 1",
      "rounded(2 + price(seconds, rate, 60), 'down') > 1",
      "rounded((price(seconds, rate, 60)), 'down') > 1",
      "rounded(coalesce(price(seconds, rate, 60), 0), 'down') > 1",
      "max(portion(charge, 1, 2), 3) > 1",
      "charge BETWEEN minus(charge, 1) AND plus(charge, 1)",
      "compare(lowest(charge, 1) - 1, 2) = 0",
      "price(seconds, rate, 60)",
  };
  for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
    assert_refused(rules[i], "exact money");
  assert_refused("\"price\"(seconds, rate, 60) > 5", "without quotes");
  assert_refused("[price] (seconds, rate, 60) > 5", "without quotes");
}

static void a_function_is_told_what_it_takes(void **state) {
  (void)state;
  assert_refused("rounded(price(seconds, rate, 0), 'down') > 0", "must be 1 or more");
  assert_refused("rounded(portion(charge, 95, -100), 'down') > 0", "must be 1 or more");
  assert_refused("rounded(charge, 'nearest') > 0", "'half-even'");
  assert_refused("rounded(charge, 'down', 19) > 0", "0 to 18");
  assert_refused("rounded('12.30', 'down') > 0", "an amount of money must be");
  assert_refused("rounded(price('1', rate, 60), 'down') > 0", "a quantity must be");
  assert_refused("rounded(plus(charge), 'down') > 0", "two amounts or more");
  assert_refused("units(seconds, 0, 30) > 0", "the increment must be 1 or more");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_charge_is_computed_again_and_compared_exactly),
      cmocka_unit_test(the_worked_numbers_hold_in_rules),
      cmocka_unit_test(what_has_no_value_breaks_the_rule_and_not_the_file),
      cmocka_unit_test(exact_money_stands_only_where_it_is_understood),
      cmocka_unit_test(a_function_is_told_what_it_takes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
