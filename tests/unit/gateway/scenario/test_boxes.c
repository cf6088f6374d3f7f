/* What the check says of random scenarios, against brute force: SQLite evaluates the same conditions, as a feed's rules
 * are, over a grid of records that has each value that a condition names, its neighbours and NULL. */
#include "tests/unit/gateway/scenario/scenario_fixture.h"
#include <stdlib.h>

enum { TURNS = 1000, SCENARIOS = 3 };

/* Values of each key, as a condition, and as a rule, has them; the first constants are those that conditions name. */
typedef struct {
  const char *name, *column;
  const char *values[8]; /* NULL: none; "" is NULL */
  guint n_values, first, n_constants;
  gboolean is_text;
} GridKey;
static const GridKey grid[] = {
    {"tier", "tier", {"", "'A'", "'B'", "'C'", "'it''s'"}, 5, 1, 2, TRUE},
    {"amount", "amount", {"", "-1", "0", "1", "2", "3", "4"}, 7, 2, 3, FALSE},
    {"day", "day", {"'2026-02-27'", "'2026-02-28'", "'2026-03-01'", "'2026-03-02'"}, 4, 1, 2, FALSE},
    {"kind", "kind", {"'x'", "'y'"}, 2, 0, 2, TRUE},
};

static void put_constant(GString *condition, GString *rule, const GridKey *key) {
  const char *value = key->values[key->first + (guint)g_random_int_range(0, (gint)key->n_constants)];
  g_string_append(rule, value);
  if (strcmp(key->name, "amount") == 0)
    g_string_append_printf(condition, "0.0%s", value); /* none that is named is below zero */
  else
    g_string_append(condition, value);
}

static void put(GString *condition, GString *rule, const char *text) {
  g_string_append(condition, text);
  g_string_append(rule, text);
}

static void put_comparison(GString *condition, GString *rule) {
  static const char *const signs[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
  const GridKey *key = &grid[g_random_int_range(0, G_N_ELEMENTS(grid))];
  int form = g_random_int_range(0, 6);
  if (form == 0 && !key->is_text) {
    put_constant(condition, rule, key);
    put(condition, rule, signs[g_random_int_range(0, 6)]);
    put(condition, rule, key->name);
    return;
  }
  put(condition, rule, key->name);
  if (form == 1) {
    put(condition, rule, g_random_boolean() ? " IS NULL" : " IS NOT NULL");
  } else if (form == 2) {
    put(condition, rule, g_random_boolean() ? " IN (" : " NOT IN (");
    put_constant(condition, rule, key);
    put(condition, rule, ", ");
    put_constant(condition, rule, key);
    put(condition, rule, ")");
  } else if (form == 3 && !key->is_text) {
    put(condition, rule, g_random_boolean() ? " BETWEEN " : " NOT BETWEEN ");
    put_constant(condition, rule, key);
    put(condition, rule, " AND ");
    put_constant(condition, rule, key);
  } else {
    put(condition, rule, signs[g_random_int_range(0, key->is_text ? 2 : 6)]);
    put_constant(condition, rule, key);
  }
}

static void put_condition(GString *condition, GString *rule, guint depth) {
  if (depth == 0 || g_random_int_range(0, 4) == 0) {
    put_comparison(condition, rule);
    return;
  }
  put(condition, rule, g_random_int_range(0, 3) == 0 ? "NOT (" : "(");
  put_condition(condition, rule, depth - 1);
  put(condition, rule, g_random_boolean() ? " AND " : " OR ");
  put_condition(condition, rule, depth - 1);
  put(condition, rule, ")");
}

/* --- The grid, as records. */

static RecordBlock *make_grid(const Layout *layout) {
  guint n, count = 1;
  const StagingColumn *columns = layout_columns(layout, &n);
  g_autofree BlockType *types = g_new0(BlockType, n);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  for (guint i = 0; i < G_N_ELEMENTS(grid); i++)
    count *= grid[i].n_values;
  RecordBlock *block = record_block_new(count, types, n);
  for (guint record = 0; record < count; record++) {
    guint rest = record;
    record_block_begin(block, record + 1);
    for (guint i = 0; i < G_N_ELEMENTS(grid); i++) {
      const char *value = grid[i].values[rest % grid[i].n_values];
      guint column = (guint)layout_column(layout, grid[i].column);
      rest /= grid[i].n_values;
      if (*value == '\'') {
        g_auto(GStrv) parts = g_strsplit(value, "''", -1);
        g_autofree char *text = g_strjoinv("'", parts);
        record_block_put_text(block, column, text + 1, strlen(text) - 2);
      } else if (*value) {
        record_block_put_integer(block, column, atoi(value));
      }
    }
    record_block_end(block);
  }
  return block;
}

typedef struct {
  guint64 *broken; /* of each record, by rule */
} Truth;

static void note(gpointer user, guint record, guint64 rules) {
  ((Truth *)user)->broken[record] = rules;
}

static void ask_sqlite(const Site *site, const RecordBlock *block, GString *const *rules, Truth *truth) {
  guint n;
  const StagingColumn *columns = layout_columns(site->layout, &n);
  g_autoptr(GError) error = NULL;
  Rule all[SCENARIOS];
  for (guint i = 0; i < SCENARIOS; i++)
    all[i] = (Rule){"rule", rules[i]->str, "E"};
  g_autoptr(RuleSet) set = rule_set_new(all, SCENARIOS, columns, n, NULL, 0, &error);
  if (!set || !rule_set_run(set, block, note, truth, &error))
    fail_msg("%s", error->message);
}

/* --- What is told against what is true. */

static guint bit(guint scenario) {
  return 1U << scenario;
}

/* Days beyond the grid are as its first or last one. */
static gboolean is_text_shown(const GridKey *key, const RecordBlock *block, guint record, guint column,
                              const char *at) {
  gsize length;
  const char *text = record_block_text(block, column, record, &length);
  g_autofree char *value = g_strdup_printf("'%.*s'", (int)length, text);
  g_autofree char *shown = g_strndup(at, strcspn(at + 1, "'") + 2);
  gboolean is_day = strcmp(key->name, "day") == 0;
  if (is_day && strcmp(shown, key->values[0]) < 0)
    return strcmp(value, key->values[0]) == 0;
  if (is_day && strcmp(shown, key->values[3]) > 0)
    return strcmp(value, key->values[3]) == 0;
  return g_str_has_prefix(at, "'other") || strcmp(value, shown) == 0;
}

/* The record that a message shows is found in the grid: what it does not say may be anything. */
static gboolean is_shown(const RecordBlock *block, guint record, const Layout *layout, const char *shown) {
  for (guint i = 0; i < G_N_ELEMENTS(grid); i++) {
    g_autofree char *name = g_strdup_printf("%s=", grid[i].name);
    const char *at = strstr(shown, name);
    guint column = (guint)layout_column(layout, grid[i].column);
    gboolean null = record_block_is_null(block, column, record);
    if (!at)
      continue;
    at += strlen(name);
    if (g_str_has_prefix(at, "NULL") != null)
      return FALSE;
    if (!null && *at != '\'' && (gint64)(g_ascii_strtod(at, NULL) * 100 + (*at == '-' ? -0.5 : 0.5)) !=
                                    record_block_integer(block, column, record))
      return FALSE;
    if (!null && *at == '\'' && !is_text_shown(&grid[i], block, record, column, at))
      return FALSE;
  }
  return TRUE;
}

static gboolean some(const Truth *truth, guint n, guint hold, guint fail) {
  for (guint i = 0; i < n; i++)
    if ((truth->broken[i] & hold) == 0 && (truth->broken[i] & fail) == fail)
      return TRUE;
  return FALSE;
}

static void hold_witness(const Site *site, const RecordBlock *block, const Truth *truth, const char *shown, guint hold,
                         guint fail) {
  for (guint i = 0; i < block->count; i++)
    if (is_shown(block, i, site->layout, shown) && (truth->broken[i] & hold) == 0 && (truth->broken[i] & fail) == fail)
      return;
  fail_msg("no such record: %s", shown);
}

static void hold_overlaps(const Site *site, const RecordBlock *block, const Truth *truth, const char *text) {
  for (guint i = 0; i < SCENARIOS; i++)
    for (guint j = 0; j < i; j++) {
      g_autofree char *words = g_strdup_printf("scenario \"%c\" overlaps \"%c\"", 'a' + i, 'a' + j);
      const char *at = strstr(text, words);
      gboolean expected = some(truth, block->count, bit(i) | bit(j), 0);
      if ((!at) == expected)
        fail_msg("%s is %s, and told is:\n%s", words, expected ? "so" : "not so", text);
      if (at) {
        const char *shown = strstr(at, "a record with ");
        g_autofree char *line = g_strndup(shown, strcspn(shown, "\n"));
        hold_witness(site, block, truth, line, bit(i) | bit(j), 0);
      }
    }
}

/* Also where scenarios overlap. */
static void hold_gap(const Site *site, const RecordBlock *block, const Truth *truth, const char *text) {
  const char *at = strstr(text, "feed \"flights\": a record with ");
  assert_int_equal(!at, !some(truth, block->count, 0, 7));
  if (at) {
    g_autofree char *line = g_strndup(at, strcspn(at, "\n"));
    hold_witness(site, block, truth, line, 0, 7);
  }
}

static void hold_cells(const Site *site, const RecordBlock *block, const Truth *truth) {
  for (guint i = 0; i < block->count; i++) {
    const ScenarioRecord record = {block, i, NULL};
    ScenarioCell cell;
    assert_true(scenario_set_cell(site->set, &record, &cell, NULL));
    assert_true(cell.scenario < 0 ? (truth->broken[i] & 7) == 7 : !(truth->broken[i] & bit((guint)cell.scenario)));
  }
}

static gboolean hold_one(GString *const *conditions, GString *const *rules) {
  g_autoptr(GString) scenarios = g_string_new(NULL);
  gboolean impossible = FALSE;
  for (guint i = 0; i < SCENARIOS; i++)
    g_string_append_printf(scenarios, "scenario \"%c\" { keys = { \"tier\", \"amount\", \"day\", \"kind\" }\n"
                           "when = \"%s\" }\n", 'a' + i, conditions[i]->str);
  g_auto(Site) site = site_of(scenarios->str);
  g_autoptr(RecordBlock) block = make_grid(site.layout);
  g_autofree guint64 *broken = g_new0(guint64, block->count);
  g_autofree char *text = told(&site);
  Truth truth = {broken};
  ask_sqlite(&site, block, rules, &truth);
  for (guint i = 0; i < SCENARIOS; i++) {
    g_autofree char *words = g_strdup_printf("scenario \"%c\": no record can fulfil", 'a' + i);
    gboolean expected = !some(&truth, block->count, bit(i), 0);
    if ((!strstr(text, words)) == expected)
      fail_msg("%s\n%s\nis told as:\n%s", conditions[i]->str, expected ? "is never true" : "can be true", text);
    impossible |= expected;
  }
  if (impossible)
    return FALSE;
  hold_overlaps(&site, block, &truth, text);
  hold_gap(&site, block, &truth, text);
  if (!site.set)
    return FALSE;
  hold_cells(&site, block, &truth);
  return TRUE;
}

/* Of every other turn the scenarios have nothing in common, so that there are cells. */
static void put_scenario(GString *condition, GString *rule, guint turn, guint scenario) {
  static const char *const parts[] = {"day = '2026-02-28' AND (", "'2026-03-01' = day AND (",
                                      "day NOT IN ('2026-02-28', '2026-03-01') AND ("};
  put(condition, rule, turn % 2 ? parts[scenario] : "(");
  put_condition(condition, rule, turn % 5 == 0 ? 0 : 1 + turn / 2 % 2);
  put(condition, rule, ")");
}

static void every_overlap_gap_and_empty_condition_is_found_and_no_other(void **state) {
  guint apart = 0;
  (void)state;
  for (guint turn = 0; turn < TURNS; turn++) {
    GString *conditions[SCENARIOS], *rules[SCENARIOS];
    for (guint i = 0; i < SCENARIOS; i++) {
      conditions[i] = g_string_new(NULL);
      rules[i] = g_string_new(NULL);
      put_scenario(conditions[i], rules[i], turn, i);
    }
    apart += hold_one(conditions, rules) ? 1 : 0;
    for (guint i = 0; i < SCENARIOS; i++) {
      g_string_free(conditions[i], TRUE);
      g_string_free(rules[i], TRUE);
    }
  }
  assert_true(apart > TURNS / 8); /* else the cells were not held against anything */
}

int main(void) {
  const char *seed = g_getenv("SALLYPORT_SEED");
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_overlap_gap_and_empty_condition_is_found_and_no_other)};
  g_random_set_seed(seed ? (guint32)atoi(seed) : 12);
  print_message("seed %s\n", seed ? seed : "12");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
