/* What is told of scenarios, word for word; and where records belong. The lane's own text has 19 lines. */
#include "tests/unit/gateway/scenario/scenario_fixture.h"

#define TWO(keys, a, b) \
  "scenario \"a\" { keys = { " keys " }\nwhen = \"" a "\" }\nscenario \"b\" { keys = { " keys " }\nwhen = \"" b "\" }\n"
#define GAP(record) \
  "21 warning: feed \"flights\": a record with " record " belongs to no scenario; otherwise = yes takes the rest\n"
#define ONE(keys, a) \
  "scenario \"a\" { keys = { " keys " }\nwhen = \"" a "\" }\nscenario \"z\" { keys = { \"kind\" }\n" \
  "otherwise = yes }\n"
#define CHANNELS(channels) \
  "scenario \"a\" { keys = { \"tier\", \"partner\", \"kind\" } otherwise = yes\n" channels "}\n"

static void tells(const char *scenarios, const char *expected) {
  g_auto(Site) site = site_of(scenarios);
  g_autofree char *text = told(&site);
  if (strcmp(text, expected) != 0)
    fail_msg("%s\nis told as:\n%s\nexpected:\n%s", scenarios, text, expected);
}

static void two_that_meet_are_told_with_both_lines_and_a_record_and_so_is_the_gap_beside_them(void **state) {
  (void)state;
  tells(TWO("\"amount\"", "amount BETWEEN 0 AND 1000", "amount BETWEEN 1000 AND 5000"),
        "23 error: scenario \"b\" overlaps \"a\" (test.conf:21): a record with amount=1000.00 matches both\n"
        GAP("amount=-0.01"));
  tells(TWO("\"tier\", \"amount\"", "tier = 'G' AND amount < 10", "amount = 5 AND tier NOT IN ('S', 'P')"),
        "23 error: scenario \"b\" overlaps \"a\" (test.conf:21): a record with tier='G', amount=5.00 matches both\n"
        GAP("tier='S', amount=0.00"));
  tells(TWO("\"tier\"", "tier IS NULL", "NOT (tier = 'it''s') OR tier IS NULL"),
        "23 error: scenario \"b\" overlaps \"a\" (test.conf:21): a record with tier=NULL matches both\n"
        GAP("tier='it''s'"));
  tells(TWO("\"day\"", "day >= '2026-02-28'", "'2026-03-01' > day"),
        "23 error: scenario \"b\" overlaps \"a\" (test.conf:21): a record with day='2026-02-28' matches both\n");
  tells(TWO("\"tier\"", "tier <> 'other'", "tier NOT IN ('G')"),
        "23 error: scenario \"b\" overlaps \"a\" (test.conf:21): a record with tier='other-2' matches both\n"
        GAP("tier=NULL"));
  tells("scenario \"a\" { keys = { \"tier\" } otherwise = yes }\n"
        "scenario \"b\" { keys = { \"tier\" } otherwise = yes }\n",
        "21 error: scenario \"b\" and \"a\" (test.conf:20) are both 'otherwise'\n");
}

static void a_gap_is_a_warning_with_a_record(void **state) {
  (void)state;
  tells(TWO("\"amount\"", "amount < 1000 OR amount IS NULL", "amount > 1000"),
        GAP("amount=1000.00"));
  tells(TWO("\"amount\"", "amount < 1000", "amount >= 1000"),
        GAP("amount=NULL"));
  tells(TWO("\"kind\", \"day\"", "kind = 'x'", "day <> '2026-01-05' AND kind = 'y'"),
        GAP("kind='y', day='2026-01-05'"));
  tells(TWO("\"kind\"", "kind = 'x'", "kind = 'y'"), "");
  tells(TWO("\"count\"", "count <= 5", "count > 5"), "");
  tells(ONE("\"tier\"", "tier = 'G'"), "");
}

static void what_nothing_fulfils_is_refused(void **state) {
  (void)state;
  const char none[] = "21 error: scenario \"a\": no record can fulfil its condition\n";
  tells(ONE("\"count\"", "count > 5 AND count < 6"), none);
  tells(ONE("\"amount\"", "amount = 10.005"), none);
  tells(ONE("\"amount\"", "amount > 10.00 AND amount < 10.01"), none);
  tells(ONE("\"kind\"", "kind NOT IN ('x', 'y')"), none);
  tells(ONE("\"kind\"", "kind IS NULL"), none); /* it is in every record */
  tells(ONE("\"tier\"", "tier IS NULL AND tier <> 'G'"), none);
  tells(ONE("\"amount\"", "amount BETWEEN 5 AND 4"), none);
}

static void what_cannot_be_decided_is_refused_and_not_warned_of(void **state) {
  static const struct {
    const char *keys, *when, *why;
  } cases[] = {
      {"\"amount\"", "amount + 1 > 5", "not decidable at \"+ 1 > 5\": only keys, constants"},
      {"\"amount\"", "amount > count", "not decidable at \"count\": a constant has to stand here"},
      {"\"amount\"", "count > 1", "not decidable at \"count > 1\": that is none of the scenario's 'keys'"},
      {"\"tier\"", "tier GLOB 'M*'", "not decidable at \"GLOB 'M*'\": a comparison is missing"},
      {"\"tier\"", "length(tier) > 1", "not decidable at \"length(tier) > 1\": that is none"},
      {"\"tier\"", "tier > 'A'", "a text has no order here"},
      {"\"tier\"", "'A' < tier", "a text has no order here"},
      {"\"tier\"", "tier = NULL", "write IS NULL"},
      {"\"tier\"", "tier = 5", "5 is no value of key \"tier\": it stands in quotes"},
      {"\"amount\"", "amount = '5'", "5 is no value of key \"amount\": it is a number"},
      {"\"amount\"", "amount = 92233720368547758.08", "it leaves 64 bits"},
      {"\"day\"", "day = '2026-02-29'", "2026-02-29 is no value of key \"day\": it is a date"},
      {"\"kind\"", "kind = 'z'", "z is no value of key \"kind\": it is none of the words that there are"},
      {"\"tier\"", "tier = 'G' tier = 'S'", "AND or OR is missing before it"},
      {"\"tier\"", "(tier = 'G'", ") is missing"},
      {"\"tier\"", "tier = 'G", "only keys, constants"},
      {"\"tier\"", "tier NOT = 'G'", "IN or BETWEEN has to stand behind NOT"},
      {"\"at\"", "at IS NULL", "not decidable: key \"at\" is a timestamp"},
      {"\"nothing\"", "nothing = 1", "key \"nothing\": the records of feed \"flights\" have no such field"},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *scenario = g_strdup_printf("scenario \"a\" { keys = { %s }\nwhen = \"%s\" }\n", cases[i].keys,
                                                cases[i].when);
    g_auto(Site) site = site_of(scenario);
    g_autofree char *text = told(&site);
    if (site.set || site.report->errors != 1 || !strstr(text, cases[i].why))
      fail_msg("%s is told as: %s", cases[i].when, text);
  }
}

static void a_condition_of_too_many_alternatives_or_too_deep_is_refused(void **state) {
  g_autoptr(GString) wide = g_string_new("scenario \"a\" { keys = { \"count\", \"kind\" }\nwhen = \"count = 0");
  g_autoptr(GString) deep = g_string_new("scenario \"a\" { keys = { \"count\" }\nwhen = \"");
  (void)state;
  for (guint i = 0; i < 260; i++)
    g_string_append_printf(wide, " OR count=%u", i);
  for (guint i = 0; i < 200; i++)
    g_string_append(deep, "NOT (");
  g_string_append(wide, "\" }\n");
  g_string_append(deep, "\" }\n");
  g_auto(Site) site = site_of(wide->str);
  g_autofree char *text = told(&site);
  assert_non_null(strstr(text, "more than 256 alternatives"));
  g_auto(Site) other = site_of(deep->str);
  g_autofree char *other_text = told(&other);
  assert_non_null(strstr(other_text, "it is nested too deeply"));
}

static void channels_are_held_apart_within_their_scenario(void **state) {
  (void)state;
  tells(CHANNELS("channel \"p\" {\nwhen = \"tier = 'G'\" }\nchannel \"q\" {\nwhen = \"tier IN ('S', 'G')\" }\n"
                 "channel \"r\" { otherwise = yes }\n"),
        "24 error: channel \"q\" overlaps \"p\" (test.conf:22): a record with tier='G' matches both\n");
  tells(CHANNELS("channel \"p\" {\nwhen = \"partner = 'acme'\" }\n"), "");
  tells(CHANNELS("channel \"p\" {\nwhen = \"partner = 'acme' AND kind = 'x'\" }\n"),
        "20 warning: scenario \"a\": a record with tier='other', partner='acme', kind='y' belongs to no channel; "
        "otherwise = yes takes the rest\n");
  /* they meet only where the scenario is not */
  tells("scenario \"a\" { keys = { \"kind\", \"tier\" }\nwhen = \"kind = 'x'\"\nchannel \"p\" {\nwhen = \"kind = 'x' "
        "OR tier = 'G'\" }\nchannel \"q\" { when = \"kind = 'y' AND tier = 'G'\" } }\n"
        "scenario \"b\" { keys = { \"kind\" } otherwise = yes }\n",
        "");
}

static void a_record_has_one_cell_also_by_header_and_partner(void **state) {
  g_auto(Site) site = site_of("scenario \"a\" { keys = { \"header_city\", \"partner\" }\n"
                              "when = \"header_city = 'Xi''an'\"\n"
                              "channel \"p\" { when = \"partner = 'acme'\" }\n"
                              "channel \"q\" { when = \"partner <> 'acme'\" } }\n"
                              "scenario \"b\" { keys = { \"tier\" } otherwise = yes\n"
                              "channel \"r\" { when = \"tier = 'G'\" } }\n");
  guint n;
  const StagingColumn *columns = layout_columns(site.layout, &n);
  g_autofree BlockType *types = g_new0(BlockType, n);
  GArray *constants = rule_constants_of(layout_conf(site.layout));
  ScenarioCell cell;
  (void)state;
  assert_non_null(site.set);
  assert_int_equal(scenario_set_count(site.set), 2);
  assert_string_equal(scenario_set_at(site.set, 1)->name, "b");
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  g_autoptr(RecordBlock) block = record_block_new(1, types, n);
  record_block_begin(block, 1);
  record_block_end(block);
  RuleConstant *city = &g_array_index(constants, RuleConstant, 0);
  const ScenarioRecord record = {block, 0, city};
  city->text = g_strdup("Xi'an");
  assert_true(scenario_set_cell(site.set, &record, &cell, NULL));
  assert_true(cell.scenario == 0 && cell.channel == 0 && cell.is_whole);
  g_clear_pointer((char **)(gsize)&city->text, g_free);
  assert_true(scenario_set_cell(site.set, &record, &cell, NULL));
  assert_true(cell.scenario == 1 && cell.channel == -1 && !cell.is_whole);
  rule_constants_free(constants);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_that_meet_are_told_with_both_lines_and_a_record_and_so_is_the_gap_beside_them),
      cmocka_unit_test(a_gap_is_a_warning_with_a_record),
      cmocka_unit_test(what_nothing_fulfils_is_refused),
      cmocka_unit_test(what_cannot_be_decided_is_refused_and_not_warned_of),
      cmocka_unit_test(a_condition_of_too_many_alternatives_or_too_deep_is_refused),
      cmocka_unit_test(channels_are_held_apart_within_their_scenario),
      cmocka_unit_test(a_record_has_one_cell_also_by_header_and_partner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
