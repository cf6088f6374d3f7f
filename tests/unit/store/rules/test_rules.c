#include "store/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MEMBER, POINTS, AMOUNT, DATE, COLUMNS };
static const StagingColumn columns[COLUMNS] = {{"member", BLOCK_TEXT, 0},
                                               {"points", BLOCK_INTEGER, 0},
                                               {"amount", BLOCK_INTEGER, 2},
                                               {"business-date", BLOCK_TEXT, 0}};
static const RuleConstant constants[] = {{.name = "header_date", .text = "2026-11-20", .is_text = TRUE},
                                         {.name = "header_count", .integer = 3},
                                         {.name = "header_missing", .is_text = TRUE},
                                         {.name = "header_no_count", .is_null = TRUE}};

static gboolean check(const char *rule, GError **error) {
  return rules_check(rule, columns, COLUMNS, constants, G_N_ELEMENTS(constants), error);
}

static void assert_allowed(const char *rule) {
  g_autoptr(GError) error = NULL;
  if (!check(rule, &error))
    fail_msg("%s", error->message);
}

static void assert_refused(const char *rule, const char *because) {
  g_autoptr(GError) error = NULL;
  if (check(rule, &error))
    fail_msg("allowed: %s", rule);
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  if (!strstr(error->message, because))
    fail_msg("%s: the message does not say \"%s\"", error->message, because);
}

static void conditions_over_a_record_are_allowed(void **state) {
  (void)state;
  static const char *const rules[] = {"points BETWEEN 1 AND 100000",
                                      "amount >= scaled('0.50', 2)",
                                      "length(member) = 10 AND member GLOB 'M[0-9]*'",
                                      "\"business-date\" = header_date",
                                      "header_count >= 3 OR header_missing IS NULL",
                                      "points * 100 <= amount",
                                      "date(\"business-date\", '+1 day') > '2026-01-01'",
                                      "CASE WHEN points > 10 THEN amount > 0 ELSE 1 END",
                                      "member IN ('A', 'B;', '--', 'it''s') OR 1",
                                      "CAST(substr(member, 2) AS INTEGER) % 97 >= 0",
                                      "coalesce(points, 0) < 9223372036854775807",
                                      "points",
                                      "0x7f > points OR member LIKE '100%'",
                                      "member NOT NULL",
                                      "\"points\" > 1 AND [amount] > 1 AND `member` <> ''"};
  for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
    assert_allowed(rules[i]);
}

static void what_is_no_condition_over_one_record_is_refused(void **state) {
  (void)state;
  assert_refused("(SELECT 1)", "sub-queries");
  assert_refused("points IN (SELECT 1)", "sub-queries");
  assert_refused("EXISTS(WITH x AS (VALUES(1)) TABLE x)", "sub-queries");
  assert_refused("count(*) > 1", "rule");
  assert_refused("sum(points) > 1", "rule");
  assert_refused("max(points) > 1", "rule");
  assert_refused("row_number() OVER () > 1", "window");
  assert_refused("points > ?", "parameters");
  assert_refused("points > :limit", "parameters");
  assert_refused("points > 1; DROP TABLE record", "';'");
  assert_refused("points > 1) , CHECK (1", "')'");
  assert_refused("(points > 1", "')'");
  assert_refused("points > 1 -- always", "comments");
  assert_refused("points /* x */ > 1", "comments");
  assert_refused("member = 'open", "not closed");
  assert_refused("", "rule");
  assert_refused("points >", "rule");
  assert_refused("colour > 1", "no such column");
  assert_refused("\"member", "not closed");
  assert_refused("member = \"M1\"", "no such column"); /* no text in double quotes */
  assert_refused("rowid > 1", "");
  assert_refused("RAISE(IGNORE)", "");
}

static void functions_with_effects_or_moods_are_refused(void **state) {
  (void)state;
  static const char *const rules[] = {"random() > 1",
                                      "randomblob(4) IS NOT NULL",
                                      "load_extension('x') IS NULL",
                                      "readfile('/etc/passwd') IS NULL",
                                      "writefile('x', 1) > 0",
                                      "sqlite_version() > '3'",
                                      "changes() = 0",
                                      "last_insert_rowid() = 0",
                                      "current_timestamp > '2026'",
                                      "current_date > '2026'",
                                      "julianday(\"business-date\") > 1",
                                      "zeroblob(10) IS NULL",
                                      "round(points) = 1",
                                      "json_extract(member, '$') = 1",
                                      "member -> 'x' = 1",
                                      "member REGEXP 'x'",
                                      "member MATCH 'x'",
                                      "sqrt(points) > 1",
                                      "total_changes() = 0",
                                      "printf('%d', points) = '1'",
                                      "fts3_tokenizer('x') IS NULL",
                                      "sqlite_compileoption_get(1) = ''"};
  for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
    assert_refused(rules[i], "");
}

static void the_moment_and_the_time_zone_have_no_say(void **state) {
  (void)state;
  assert_refused("date('now') > '2026'", "present moment");
  assert_refused("date() > '2026'", "present moment");
  assert_refused("strftime('%Y') > '2026'", "present moment");
  assert_refused("datetime(\"business-date\", 'localtime') > '2026'", "time zone");
  assert_refused("time('12:00', ' UTC ') > '10'", "time zone");
  assert_allowed("strftime('%Y', \"business-date\") >= '2000' OR 1");
  assert_allowed("unixepoch(\"business-date\") > 0 OR 1");
}

static void real_numbers_are_refused(void **state) {
  (void)state;
  assert_refused("amount >= 0.5", "scaled('0.5', 2)");
  assert_refused("amount >= .5", "REAL");
  assert_refused("amount >= 5.", "REAL");
  assert_refused("amount >= 1e3", "REAL");
  assert_refused("amount < 1E+3", "REAL");
  assert_refused("amount < 9223372036854775808", "64 bits");
  assert_refused("CAST(points AS REAL) > 1", "INTEGER and TEXT");
  assert_refused("CAST(points AS NUMERIC) > 1", "INTEGER and TEXT");
  assert_refused("CAST(points AS \"REAL\") > 1", "INTEGER and TEXT");
  assert_refused("scaled('12.345', 2) < amount", "scaled()");
  assert_refused("scaled(12, 2) < amount AND scaled('x', 2) > 1", "scaled()");
  assert_refused("scaled(member, 2) < amount", "scaled()");
  assert_refused("9223372036854775807 + 1", "REAL");
  assert_refused("member", "");
  assert_refused("abs('1.5')", "REAL");
}

/* --- Running */

typedef struct {
  guint record;
  guint64 rules;
} Broken;
static void note_broken(gpointer user, guint record, guint64 rules) {
  Broken broken = {record, rules};
  g_array_append_val((GArray *)user, broken);
}

static void add(RecordBlock *block, const char *member, gint64 points, const char *date) {
  record_block_begin(block, 10 + block->count);
  if (member)
    record_block_put_text(block, MEMBER, member, strlen(member));
  record_block_put_integer(block, POINTS, points);
  record_block_put_integer(block, AMOUNT, points * 100);
  if (date)
    record_block_put_text(block, DATE, date, strlen(date));
  record_block_end(block);
}

static RecordBlock *new_block(void) {
  static const BlockType types[COLUMNS] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_INTEGER, BLOCK_TEXT};
  return record_block_new(100, types, COLUMNS);
}

static RuleSet *rule_set(const Rule *rules, guint n) {
  GError *error = NULL;
  RuleSet *set = rule_set_new(rules, n, columns, COLUMNS, constants, G_N_ELEMENTS(constants), &error);
  if (!set)
    fail_msg("%s", error->message);
  return set;
}

static void each_broken_rule_of_each_record_is_told_in_order(void **state) {
  (void)state;
  static const Rule rules[] = {{"range", "points BETWEEN 1 AND 100", "E1"},
                               {"member", "member LIKE 'M%'", "E2"},
                               {"date", "\"business-date\" = header_date", "E3"},
                               {"sum", "points + amount < scaled('99.00', 2)", "E4"}};
  GError *error = NULL;
  g_autoptr(RuleSet) set = rule_set(rules, 4);
  g_autoptr(RecordBlock) block = new_block();
  add(block, "M1", 1, "2026-11-20"); /* good */
  add(block, "X1", 0, "2026-11-20"); /* range, member */
  record_block_begin(block, 5);
  record_block_end_faulty(block, -1, "L001", g_strdup("not a record"));
  add(block, NULL, 5, NULL);           /* null is broken: member, date */
  add(block, "M2", 100, "2026-11-21"); /* date, sum */
  record_block_begin(block, 6);
  record_block_end_faulty(block, -1, "L001", g_strdup("not a record"));
  for (int again = 0; again < 2; again++) {
    g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
    if (!rule_set_run(set, block, note_broken, broken, &error))
      fail_msg("%s", error->message);
    static const Broken expected[] = {{1, 3}, {3, 6}, {4, 12}};
    assert_int_equal(broken->len, 3);
    for (guint i = 0; i < 3; i++) {
      assert_int_equal(g_array_index(broken, Broken, i).record, expected[i].record);
      assert_int_equal(g_array_index(broken, Broken, i).rules, expected[i].rules);
    }
  }
  record_block_clear(block);
  g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(Broken));
  assert_true(rule_set_run(set, block, note_broken, none, &error));
  assert_int_equal(none->len, 0);
}

static void a_constant_that_is_not_there_is_null_as_text_and_as_number(void **state) {
  (void)state;
  static const Rule rules[] = {{"text", "header_missing IS NULL", "E1"},
                               {"number", "header_no_count IS NULL", "E2"},
                               {"less", "header_no_count < 10", "E3"},
                               {"there", "header_count IS NOT NULL", "E4"}};
  GError *error = NULL;
  g_autoptr(RuleSet) set = rule_set(rules, 4);
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  add(block, "M", 1, "");
  assert_true(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(broken->len, 1);
  assert_int_equal(g_array_index(broken, Broken, 0).rules, 4); /* null is broken */
}

static void sixty_four_rules_have_a_bit_each(void **state) {
  (void)state;
  Rule rules[65];
  GError *error = NULL;
  for (guint i = 0; i < 65; i++)
    rules[i] = (Rule){"r", g_strdup_printf("points <> %u", i), "E"};
  g_autoptr(RuleSet) set = rule_set(rules, 64);
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  add(block, "M", 63, "");
  add(block, "M", 0, "");
  assert_true(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(broken->len, 2);
  assert_true(g_array_index(broken, Broken, 0).rules == G_GUINT64_CONSTANT(1) << 63);
  assert_true(g_array_index(broken, Broken, 1).rules == 1);
  assert_null(rule_set_new(rules, 65, columns, COLUMNS, NULL, 0, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  g_clear_error(&error);
  for (guint i = 0; i < 65; i++)
    g_free((char *)rules[i].check);
}

static void a_value_that_becomes_real_ends_the_run_with_its_line(void **state) {
  (void)state;
  static const Rule rules[] = {{"fine", "1", "E0"}, {"product", "points * 4000000000000000000", "E1"}};
  GError *error = NULL;
  g_autoptr(RuleSet) set = NULL;
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  set = rule_set_new(rules, 2, columns, COLUMNS, NULL, 0, &error);
  assert_null(set); /* a sample shows it */
  g_clear_error(&error);
  static const Rule hidden[] = {
      {"product", "CASE WHEN points = 77 THEN points * 4000000000000000000 ELSE 1 END", "E1"}};
  set = rule_set(hidden, 1);
  add(block, "M", 1, "");
  add(block, "M", 77, "");
  assert_false(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  assert_non_null(strstr(error->message, "line 11"));
  assert_non_null(strstr(error->message, "product"));
  g_clear_error(&error);
}

static void a_partner_that_writes_now_into_a_date_gets_no_clock(void **state) {
  (void)state;
  static const Rule rules[] = {{"date", "date(\"business-date\") IS NOT NULL", "E1"}};
  GError *error = NULL;
  g_autoptr(RuleSet) set = rule_set(rules, 1);
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  add(block, "M", 1, "2026-02-30x");
  assert_true(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(broken->len, 1);
  add(block, "M", 1, "NOW");
  assert_false(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  g_clear_error(&error);
}

static void a_rule_that_makes_texts_without_end_is_ended(void **state) {
  (void)state;
  g_autofree char *check = g_strdup("member");
  for (int i = 0; i < 6; i++) {
    g_autofree char *inner = check;
    check = g_strdup_printf("replace(%s, 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
                            inner);
  }
  g_autofree char *condition = g_strconcat(check, " <> ''", NULL);
  Rule rules[] = {{"growing", condition, "E1"}};
  g_autoptr(GError) error = NULL;
  g_autoptr(RuleSet) set = rule_set(rules, 1);
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  add(block, "a", 1, "");
  assert_false(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
}

static void two_columns_of_one_name_are_a_configuration_error(void **state) {
  (void)state;
  static const StagingColumn twice[] = {{"a", BLOCK_TEXT, 0}, {"A", BLOCK_INTEGER, 0}};
  g_autoptr(GError) error = NULL;
  assert_false(rules_check("1", twice, 2, NULL, 0, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
}

static void names_with_quotes_are_names(void **state) {
  (void)state;
  static const StagingColumn odd[] = {{"a\"); DROP TABLE x; --", BLOCK_TEXT, 0}, {"select", BLOCK_INTEGER, 0}};
  g_autoptr(GError) error = NULL;
  assert_true(rules_check("\"a\"\"); DROP TABLE x; --\" = 'x' AND \"select\" > 1", odd, 2, NULL, 0, &error));
}

static void scaled_is_exact(void **state) {
  (void)state;
  assert_allowed("scaled('92233720368547758.07', 2) = 9223372036854775807");
  static const Rule rules[] = {
      {"1", "scaled('12.3', 2) = 1230 AND scaled('-0.01', 2) = -1 AND scaled('+7', 0) = 7 AND scaled('0', 18) = 0", ""},
      {"2", "scaled('92233720368547758.07', 2) = 9223372036854775807", ""},
      {"3", "scaled('-92233720368547758.08', 2) + 9223372036854775807 = -1", ""}};
  GError *error = NULL;
  g_autoptr(RuleSet) set = rule_set(rules, 3);
  g_autoptr(RecordBlock) block = new_block();
  g_autoptr(GArray) broken = g_array_new(FALSE, FALSE, sizeof(Broken));
  add(block, "M", 1, "");
  assert_true(rule_set_run(set, block, note_broken, broken, &error));
  assert_int_equal(broken->len, 0);
  static const char *const wrong[] = {
      "92233720368547758.08", "12.345", "1.", ".5", "", "-", "1e3", "0x1", " 1", "1 ", "1.2.3", "--1"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autofree char *rule = g_strdup_printf("scaled('%s', 2) > 0", wrong[i]);
    assert_refused(rule, "scaled()");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conditions_over_a_record_are_allowed),
      cmocka_unit_test(what_is_no_condition_over_one_record_is_refused),
      cmocka_unit_test(functions_with_effects_or_moods_are_refused),
      cmocka_unit_test(the_moment_and_the_time_zone_have_no_say),
      cmocka_unit_test(real_numbers_are_refused),
      cmocka_unit_test(each_broken_rule_of_each_record_is_told_in_order),
      cmocka_unit_test(a_constant_that_is_not_there_is_null_as_text_and_as_number),
      cmocka_unit_test(sixty_four_rules_have_a_bit_each),
      cmocka_unit_test(a_value_that_becomes_real_ends_the_run_with_its_line),
      cmocka_unit_test(a_partner_that_writes_now_into_a_date_gets_no_clock),
      cmocka_unit_test(a_rule_that_makes_texts_without_end_is_ended),
      cmocka_unit_test(two_columns_of_one_name_are_a_configuration_error),
      cmocka_unit_test(names_with_quotes_are_names),
      cmocka_unit_test(scaled_is_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
