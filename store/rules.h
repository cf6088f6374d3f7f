/* Rules: an operator's SQL expressions, evaluated over blocks of records.
 *
 * Each RuleSet has a private :memory: connection that holds nothing but one streaming virtual table, `record`, with the
 * layout's columns (decimals as scaled integers), defensive, with an authorizer that denies by default, limits, and a
 * progress handler. One statement evaluates all rules over a block. A rule holds if its value is true; NULL means
 * broken. `header` values can be named in rules as text or integer constants: header_business_date.
 *
 * Functions allowed: abs char coalesce compare date datetime glob hex highest ifnull iif instr length like lower lowest
 * ltrim max min minus nullif plus portion price replace rounded rtrim scaled strftime substr substring time trim typeof
 * unicode units unixepoch upper. The date functions take no 'now', 'localtime' or 'utc'. scaled('12.30', 2) = 1230.
 * Sub-queries, aggregates, window functions, parameters, comments are refused.
 *
 * price portion plus minus lowest highest give exact money (store/money.h), which is no number: it may stand only as an
 * argument of these, of compare(a, b) = -1, 0 or 1, and of rounded(amount, 'half-up'), which gives an integer. units is
 * of quantities. What has no value there is null: the rule is broken.
 *
 * REAL has no place in a rule about money. A number with a fraction or exponent, or one that leaves 64 bits, is refused
 * when the rule is checked, and so is CAST to anything but INTEGER or TEXT; a rule whose own value is REAL, text or a
 * blob is refused there if a sample shows it, and when it runs. What SQLite does inside an expression remains: an
 * integer sum or product that leaves 64 bits becomes REAL there; it still compares as larger (or smaller) than every
 * integer. */
#pragma once
#include "gateway/base/error.h"
#include "store/block.h"
#include "store/staging.h"

typedef struct {
  const char *name;
  const char *check;
  const char *code;
} Rule;
typedef struct {
  const char *name;
  const char *text; /* NULL: null */
  gint64 integer;
  gboolean is_text;
  gboolean is_null; /* an integer that is not there */
} RuleConstant;

/* Compiles one expression as a table CHECK over the columns and constants, and tries it on sample records: what
 * `sallyport check` calls, per rule. CONFIGURATION with SQLite's words and what is allowed instead. */
gboolean rules_check(const char *check, const StagingColumn *columns, guint n_columns, const RuleConstant *constants,
                     guint n_constants, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What evaluates: SQLite's version and source, and the number of our own functions and exact money, which is another
 * one whenever a value of theirs is. Static. */
const char *rules_engine(void);

enum { RULES_MAX = 64 };

/* Checks every rule as above; copies what it needs. CONFIGURATION names the rule. */
typedef struct RuleSet RuleSet; /* one per thread */
RuleSet *rule_set_new(const Rule *rules, guint n_rules, const StagingColumn *columns, guint n_columns,
                      const RuleConstant *constants, guint n_constants, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rule_set_free(RuleSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuleSet, rule_set_free)

/* Calls `broken` for each record of the block that breaks rules, in order, with a mask of their indexes (bit i = rule
 * i; at most 64 rules). Records with a parse fault are skipped. FILE when a rule fails on a record (a REAL value, a bad
 * date, too long a text) or runs away; the records before it may have been told already. */
typedef void (*RuleBroken)(gpointer user, guint record, guint64 rules);
gboolean rule_set_run(RuleSet *set, const RecordBlock *block, RuleBroken broken, gpointer user,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
