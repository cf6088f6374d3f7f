#include "store/values.h"
#include "store/rules/sandbox_private.h"
#include "store/rules/text_private.h"
#include <string.h>

typedef struct {
  char *name;
  ValueKind kind;
  sqlite3_stmt *statement; /* whether it is asked, and its value */
} ValueColumn;

struct ValueSet {
  RuleSandbox sandbox;
  ValueColumn *values;
  guint n_values;
};

static gboolean blame(GError **error, const char *name) {
  if (error && *error) {
    (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
    g_prefix_error(error, "%s: ", name);
  }
  return FALSE;
}

/* The value's own type is looked at when it is read; a REAL is none. */
static gboolean take(const ValueColumn *value, sqlite3_stmt *statement, Money *into, guint8 *outcome) {
  sqlite3_value *given = sqlite3_column_value(statement, 1);
  *outcome = VALUE_UNASKED;
  if (sqlite3_column_int(statement, 0) == 0)
    return TRUE;
  *outcome = VALUE_ABSENT;
  if (sqlite3_value_type(given) == SQLITE_NULL)
    return TRUE;
  *outcome = VALUE_GIVEN;
  return (value->kind == VALUE_MONEY || sqlite3_value_type(given) == SQLITE_INTEGER) && rule_money_read(given, into);
}

static gboolean run(ValueSet *set, const ValueColumn *value, const RecordBlock *block, Money *values, guint8 *outcomes,
                    GError **error) {
  int rc;
  rule_sandbox_begin(&set->sandbox, block, 2);
  while ((rc = sqlite3_step(value->statement)) == SQLITE_ROW) {
    guint record = set->sandbox.record;
    if (!take(value, value->statement, &values[record], &outcomes[record]))
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %" G_GUINT64_FORMAT ": %s gives %s",
                                 block->lines[record], value->name,
                                 value->kind == VALUE_MONEY ? "no amount of money" : "no whole number of 64 bits");
  }
  guint64 line = set->sandbox.record < block->count ? block->lines[set->sandbox.record] : 0;
  if ((rc & 0xff) == SQLITE_NOMEM)
    return sqlite_fail(set->sandbox.db, error, "%s", value->name);
  return rc == SQLITE_DONE ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %" G_GUINT64_FORMAT ": %s: %s", line, value->name,
                             (rc & 0xff) == SQLITE_INTERRUPT ? "it takes too long" : sqlite3_errmsg(set->sandbox.db));
}

gboolean value_set_run(ValueSet *set, guint rule, const RecordBlock *block, const Money *amounts, Money *values,
                       guint8 *outcomes, GError **error) {
  const ValueColumn *value = &set->values[rule];
  memset(outcomes, VALUE_ABSENT, block->count);
  set->sandbox.amounts = amounts;
  gboolean ok = run(set, value, block, values, outcomes, error);
  sqlite3_reset(value->statement);
  set->sandbox.block = NULL;
  set->sandbox.amounts = NULL;
  return ok;
}

/* --- Its making */

static gboolean check_text(ValueSet *set, const char *text, gboolean gives_money, GError **error) {
  RuleTextMoney money = {set->sandbox.money, gives_money};
  gboolean computes;
  return rule_text_check(text, &money, &computes, error) && rule_compile_as_check(&set->sandbox, text, error);
}

static gboolean try_on_samples(ValueSet *set, const ValueColumn *value, GError **error) {
  g_autoptr(RecordBlock) samples = rule_make_samples(&set->sandbox);
  g_autofree Money *amounts = g_new(Money, samples->count), *values = g_new(Money, samples->count);
  g_autofree guint8 *outcomes = g_new(guint8, samples->count);
  for (guint i = 0; i < samples->count; i++)
    amounts[i] = money_of((gint64)i * 100);
  set->sandbox.amounts = amounts;
  gboolean ok = run(set, value, samples, values, outcomes, error);
  sqlite3_reset(value->statement);
  set->sandbox.amounts = NULL;
  return ok;
}

static gboolean prepare(ValueSet *set, const ValueRule *rule, ValueColumn *value, GError **error) {
  const char *when = rule->when ? rule->when : "1";
  g_autofree char *sql = g_strdup_printf("SELECT (%s) IS TRUE, iif((%s) IS TRUE, (%s), NULL) FROM record", when, when,
                                         rule->value);
  *value = (ValueColumn){.name = g_strdup(rule->name), .kind = rule->kind};
  if (!check_text(set, when, FALSE, error) || !check_text(set, rule->value, rule->kind == VALUE_MONEY, error))
    return blame(error, rule->name);
  value->statement = sqlite_prepare(set->sandbox.db, sql, error);
  return (value->statement && try_on_samples(set, value, error)) || blame(error, rule->name);
}

ValueSet *value_set_new(const ValueSetOptions *options, GError **error) {
  ValueSet *set = g_new0(ValueSet, 1);
  set->values = g_new0(ValueColumn, options->n_rules + 1);
  set->sandbox.money = g_strdup(options->money);
  gboolean ok = rule_sandbox_open(&set->sandbox, options->columns, options->n_columns, NULL, 0, error);
  for (guint i = 0; ok && i < options->n_rules; i++) {
    set->n_values = i + 1;
    ok = prepare(set, &options->rules[i], &set->values[i], error);
  }
  if (ok)
    return set;
  value_set_free(set);
  return NULL;
}

void value_set_free(ValueSet *set) {
  if (!set)
    return;
  for (guint i = 0; i < set->n_values; i++) {
    sqlite3_finalize(set->values[i].statement);
    g_free(set->values[i].name);
  }
  rule_sandbox_close(&set->sandbox);
  g_free(set->values);
  g_free(set);
}
