/* Rules: an operator's SQL expressions, evaluated over blocks of records.
 *
 * Each RuleSet has a private :memory: connection that holds nothing but one streaming virtual table, `record`, with the
 * layout's columns (decimals as scaled integers), defensive, with an authorizer that denies by default, limits, and a
 * progress handler. One statement evaluates all rules over a block. A rule holds if its value is true; NULL means broken;
 * a REAL result is refused. `header` values can be named in rules as text or integer constants: header_business_date.
 * Functions allowed: SQLite's deterministic scalar ones (length, substr, abs, like, glob, coalesce, date, …) and
 * scaled('12.30', 2) = 1230. Sub-queries, aggregates, window functions, random(), 'now', PRAGMA, ATTACH are refused. */
#pragma once
#include "gateway/base/error.h"
#include "store/block.h"
#include "store/staging.h"

typedef struct { const char *name; const char *check; const char *code; } Rule;
typedef struct { const char *name; const char *text; gint64 integer; gboolean is_text; } RuleConstant;

/* Compiles one expression as a table CHECK over the columns and constants: what `sallyport check` calls, per rule.
 * CONFIGURATION with SQLite's words and what is allowed instead. */
gboolean rules_check(const char *check, const StagingColumn *columns, guint n_columns, const RuleConstant *constants,
                     guint n_constants, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct RuleSet RuleSet; /* one per thread */
RuleSet *rule_set_new(const Rule *rules, guint n_rules, const StagingColumn *columns, guint n_columns,
                      const RuleConstant *constants, guint n_constants, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rule_set_free(RuleSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuleSet, rule_set_free)

/* Calls `broken` for each record of the block that breaks rules, in order, with a mask of their indexes (bit i = rule i; at
 * most 64 rules). Records with a parse fault are skipped. A runaway rule ends with FILE after `rules` steps limit. */
typedef void (*RuleBroken)(gpointer user, guint record, guint64 rules);
gboolean rule_set_run(RuleSet *set, const RecordBlock *block, RuleBroken broken, gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
