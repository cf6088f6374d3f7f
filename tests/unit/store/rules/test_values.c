/* Values of expressions over a block, and what is refused of their texts. */
#include "store/values.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const StagingColumn columns[] = {{"n", BLOCK_INTEGER, 0}, {"word", BLOCK_TEXT, 0}};

static ValueSet *set_of(const ValueRule *rule, GError **error) {
  return value_set_new(&(ValueSetOptions){rule, 1, columns, 2, "amount"}, error);
}

static RecordBlock *three_records(void) {
  static const BlockType types[] = {BLOCK_INTEGER, BLOCK_TEXT};
  RecordBlock *block = record_block_new(3, types, 2);
  for (guint i = 0; i < 3; i++) {
    record_block_begin(block, i + 1);
    if (i < 2)
      record_block_put_integer(block, 0, (gint64)i + 6);
    record_block_put_text(block, 1, "w", 1);
    record_block_end(block);
  }
  return block;
}

static void a_record_has_a_value_or_none_or_is_not_asked(void **state) {
  (void)state;
  const ValueRule rule = {"share", "n IS NULL OR n > 6", "plus(amount, portion(n, 1, 2))", VALUE_MONEY};
  const Money amounts[] = {money_of(10), money_of(20), money_of(30)};
  Money values[3];
  guint8 outcomes[3];
  g_autoptr(ValueSet) set = set_of(&rule, NULL);
  g_autoptr(RecordBlock) block = three_records();
  assert_non_null(set);
  assert_true(value_set_run(set, 0, block, amounts, values, outcomes, NULL));
  assert_int_equal(outcomes[0], VALUE_UNASKED);
  assert_int_equal(outcomes[1], VALUE_GIVEN);
  assert_int_equal(outcomes[2], VALUE_ABSENT);
  assert_int_equal(money_compare(values[1], (Money){47, 2}), 0);
}

static void the_column_of_money_itself_and_integers_are_money(void **state) {
  (void)state;
  const Money amounts[] = {{1, 3}, {1, 3}, {1, 3}};
  const char *const texts[] = {"amount", "n"};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    const ValueRule rule = {"same", NULL, texts[i], VALUE_MONEY};
    Money values[3];
    guint8 outcomes[3];
    g_autoptr(ValueSet) set = set_of(&rule, NULL);
    g_autoptr(RecordBlock) block = three_records();
    assert_true(value_set_run(set, 0, block, amounts, values, outcomes, NULL));
    assert_int_equal(money_compare(values[0], i == 0 ? (Money){1, 3} : money_of(6)), 0);
  }
}

static void an_integer_is_no_text_and_no_sum_beyond_64_bits(void **state) {
  (void)state;
  const char *const texts[] = {"word", "n + 9223372036854775807", "amount"};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    const ValueRule rule = {"much", NULL, texts[i], VALUE_INTEGER};
    g_autoptr(GError) error = NULL;
    assert_null(set_of(&rule, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
    assert_true(g_str_has_prefix(error->message, "much"));
  }
}

static void money_is_refused_where_sqlite_would_take_it_for_something_else(void **state) {
  (void)state;
  const char *const texts[] = {"amount + 1",     "-amount",         "amount = 1",           "coalesce(amount, 0)",
                               "n * 2",          "n / 2",           "n % 2",                "price(n, 1, 60) + 1",
                               "max(amount, n)", "amount || 'x'",   "CAST(amount AS TEXT)", "iif(n > 1, amount, n)",
                               "(amount)",       "amount, amount",  "amount amount",        "amount COLLATE NOCASE"};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    const ValueRule rule = {"x", NULL, texts[i], VALUE_MONEY};
    g_autoptr(GError) error = NULL;
    if (set_of(&rule, &error))
      fail_msg("%s is not refused", texts[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_record_has_a_value_or_none_or_is_not_asked),
      cmocka_unit_test(the_column_of_money_itself_and_integers_are_money),
      cmocka_unit_test(an_integer_is_no_text_and_no_sum_beyond_64_bits),
      cmocka_unit_test(money_is_refused_where_sqlite_would_take_it_for_something_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
