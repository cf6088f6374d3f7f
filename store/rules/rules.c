#include "store/rules.h"
#include "store/rules/sandbox_private.h"
#include "store/rules/text_private.h"
#include <string.h>

struct RuleSet {
  RuleSandbox sandbox;
  sqlite3_stmt *statement; /* NULL: no rules */
  guint n_rules;
};

/* --- Checking one rule */

/* Whatever SQLite says about a rule is for the operator; the next attempt would hear the same. */
static gboolean blame_rule(GError **error, const char *check) {
  if (error && *error) {
    (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
    g_prefix_error(error, "rule \"%s\": ", check);
  }
  return FALSE;
}

gboolean rule_refused_by_sqlite(sqlite3 *db, GError **error) {
  const char *words = sqlite3_errmsg(db);
  gboolean denied = strstr(words, "not authorized") || strstr(words, "prohibited");
  return sallyport_error_set(
      error, SALLYPORT_ERROR_CONFIGURATION, "%s%s", words,
      denied ? " (a rule may use the record's columns, header constants, operators and deterministic scalar "
               "functions like length, substr, coalesce, date, scaled)"
             : "");
}

/* SQLite itself refuses sub-queries, aggregates, parameters and clocks in a CHECK. */
gboolean rule_compile_as_check(RuleSandbox *sandbox, const char *check, GError **error) {
  g_autofree char *sql = g_strdup_printf("CREATE TABLE checked(%s, CHECK (%s))", sandbox->declaration, check);
  sandbox->defining = TRUE;
  gboolean ok = sqlite3_exec(sandbox->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
                rule_refused_by_sqlite(sandbox->db, error);
  if (ok && sqlite3_exec(sandbox->db, "DROP TABLE checked", NULL, NULL, NULL) != SQLITE_OK)
    ok = rule_refused_by_sqlite(sandbox->db, error);
  sandbox->defining = FALSE;
  return ok;
}

RecordBlock *rule_make_samples(const RuleSandbox *sandbox) {
  static const char *const texts[] = {"", "A1", "2026-11-20", "2026-11-20T10:11:12+08:00"};
  static const gint64 integers[] = {0, 1, -250, 1234567};
  RecordBlock *block = record_block_new(1 + G_N_ELEMENTS(texts), sandbox->types, sandbox->n_columns);
  record_block_begin(block, 1);
  record_block_end(block); /* all null */
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    record_block_begin(block, i + 2);
    for (guint j = 0; j < sandbox->n_columns; j++)
      if (sandbox->types[j] == BLOCK_INTEGER)
        record_block_put_integer(block, j, integers[i]);
      else
        record_block_put_text(block, j, texts[i], strlen(texts[i]));
    record_block_end(block);
  }
  return block;
}

static gboolean try_on_samples(RuleSandbox *sandbox, const char *check, GError **error) {
  g_autofree char *sql = g_strdup_printf("SELECT holds((%s), 'here') FROM record", check);
  g_autoptr(RecordBlock) samples = rule_make_samples(sandbox);
  sqlite3_stmt *statement = NULL;
  rule_sandbox_begin(sandbox, samples, 1);
  int rc = sqlite3_prepare_v2(sandbox->db, sql, -1, &statement, NULL);
  while (rc == SQLITE_OK || rc == SQLITE_ROW)
    rc = sqlite3_step(statement);
  gboolean ok = rc == SQLITE_DONE || rule_refused_by_sqlite(sandbox->db, error);
  sqlite3_finalize(statement);
  return ok;
}

static gboolean check_rule(RuleSandbox *sandbox, const char *check, gboolean *computes, GError **error) {
  static const RuleTextMoney no_money = {0};
  gboolean ok = rule_text_check(check, &no_money, computes, error) && rule_compile_as_check(sandbox, check, error) &&
                try_on_samples(sandbox, check, error);
  return ok || blame_rule(error, check);
}

gboolean rules_check(const char *check, const StagingColumn *columns, guint n_columns, const RuleConstant *constants,
                     guint n_constants, GError **error) {
  RuleSandbox sandbox = {0};
  gboolean computes;
  gboolean ok = rule_sandbox_open(&sandbox, columns, n_columns, constants, n_constants, error) &&
                check_rule(&sandbox, check, &computes, error);
  rule_sandbox_close(&sandbox);
  return ok;
}

const char *rules_engine(void) {
  static const char functions[] = "; functions 2";
  static gsize once;
  static char engine[160];
  if (g_once_init_enter(&once)) {
    g_snprintf(engine, sizeof engine, "SQLite %s %.20s%s", sqlite3_libversion(), strrchr(sqlite3_sourceid(), ' ') + 1,
               functions);
    g_once_init_leave(&once, 1);
  }
  return engine;
}

/* --- Running all of them */

static void append_condition(GString *sql, const Rule *rule, gboolean computes) {
  if (!computes) {
    g_string_append_printf(sql, "((%s) IS TRUE)", rule->check);
    return;
  }
  char *name = sqlite3_mprintf("%Q", rule->name);
  g_string_append_printf(sql, "holds((%s), %s)", rule->check, name);
  sqlite3_free(name);
}

/* The condition lets good records pass without a row; each rule is evaluated a second time for bad records only. */
static gboolean prepare_rules(RuleSet *set, const Rule *rules, GError **error) {
  g_autoptr(GString) results = g_string_new(NULL);
  g_autoptr(GString) condition = g_string_new(NULL);
  for (guint i = 0; i < set->n_rules; i++) {
    gboolean computes = FALSE;
    if (!check_rule(&set->sandbox, rules[i].check, &computes, error)) {
      g_prefix_error(error, "%s: ", rules[i].name);
      return FALSE;
    }
    g_string_append(results, i ? ", " : "");
    g_string_append(condition, i ? " AND " : "");
    append_condition(results, &rules[i], computes);
    append_condition(condition, &rules[i], computes);
  }
  g_autofree char *sql = g_strdup_printf("SELECT %s FROM record WHERE NOT (%s)", results->str, condition->str);
  set->statement = sqlite_prepare(set->sandbox.db, sql, error);
  if (!set->statement && error && *error)
    (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
  return set->statement != NULL;
}

RuleSet *rule_set_new(const Rule *rules, guint n_rules, const StagingColumn *columns, guint n_columns,
                      const RuleConstant *constants, guint n_constants, GError **error) {
  if (n_rules > RULES_MAX) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%u rules: at most %d are possible", n_rules, RULES_MAX);
    return NULL;
  }
  RuleSet *set = g_new0(RuleSet, 1);
  set->n_rules = n_rules;
  if (rule_sandbox_open(&set->sandbox, columns, n_columns, constants, n_constants, error) &&
      (n_rules == 0 || prepare_rules(set, rules, error)))
    return set;
  rule_set_free(set);
  return NULL;
}

void rule_set_free(RuleSet *set) {
  if (!set)
    return;
  sqlite3_finalize(set->statement);
  rule_sandbox_close(&set->sandbox);
  g_free(set);
}

static guint64 broken_rules(const RuleSet *set) {
  guint64 rules = 0;
  for (guint i = 0; i < set->n_rules; i++)
    if (sqlite3_column_int(set->statement, (int)i) == 0)
      rules |= G_GUINT64_CONSTANT(1) << i;
  return rules;
}

/* The block may have more columns behind those of the rules. */
static gboolean fits(const RuleSet *set, const RecordBlock *block) {
  gboolean same = block->n_columns >= set->sandbox.n_columns;
  for (guint i = 0; i < set->sandbox.n_columns && same; i++)
    same = block->columns[i].type == set->sandbox.types[i];
  return same;
}

gboolean rule_set_run(RuleSet *set, const RecordBlock *block, RuleBroken broken, gpointer user, GError **error) {
  if (!fits(set, block))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "rules for other columns than the block's");
  if (set->n_rules == 0)
    return TRUE;
  rule_sandbox_begin(&set->sandbox, block, set->n_rules);
  int rc;
  while ((rc = sqlite3_step(set->statement)) == SQLITE_ROW)
    broken(user, set->sandbox.record, broken_rules(set));
  guint64 line = set->sandbox.record < block->count ? block->lines[set->sandbox.record] : 0;
  gboolean ok = rc == SQLITE_DONE;
  if (!ok && (rc & 0xff) == SQLITE_INTERRUPT)
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %" G_GUINT64_FORMAT ": the rules take too long", line);
  else if (!ok && (rc & 0xff) == SQLITE_NOMEM)
    sqlite_fail(set->sandbox.db, error, "rules");
  else if (!ok)
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %" G_GUINT64_FORMAT ": %s", line,
                        sqlite3_errmsg(set->sandbox.db));
  sqlite3_reset(set->statement);
  set->sandbox.block = NULL;
  return ok;
}
