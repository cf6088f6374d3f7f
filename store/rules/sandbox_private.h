/* The closed connection in which rules run: no files, no schema of its own, the virtual table `record` over a block,
 * and an authorizer that allows reading its columns and calling the functions on a short list. Private to
 * store/rules*.c. */
#pragma once
#include "store/money.h"
#include "store/rules.h"
#include "store/db/sqlite.h"

typedef struct {
  sqlite3 *db;
  const RecordBlock *block; /* what `record` streams; borrowed */
  guint record;             /* the one that the statement stands on */
  BlockType *types;
  guint n_columns;
  RuleConstant *constants; /* texts owned */
  guint n_constants;
  char *money;           /* the name of a column of money; NULL: none */
  const Money *amounts;  /* its values: one per record of the block; borrowed; NULL: all null */
  char *declaration;    /* "name" TEXT, … of columns and constants */
  gboolean defining;    /* a CHECK table is being made: the authorizer lets the schema be written */
  guint64 steps, limit; /* of the virtual machine, in units of the progress handler */
  gint64 deadline;      /* monotonic microseconds */
  struct PureDates *dates;
} RuleSandbox;

gboolean rule_sandbox_open(RuleSandbox *sandbox, const StagingColumn *columns, guint n_columns,
                           const RuleConstant *constants, guint n_constants, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rule_sandbox_close(RuleSandbox *sandbox);
/* Points `record` at a block and winds up the limits for `rules` rules over it. */
void rule_sandbox_begin(RuleSandbox *sandbox, const RecordBlock *block, guint rules);

/* store/rules/rules.c: an expression as a table's CHECK, in which SQLite itself refuses sub-queries, aggregates,
 * parameters and clocks; records of all kinds, to try it on; what SQLite says, for the operator. */
gboolean rule_compile_as_check(RuleSandbox *sandbox, const char *expression, GError **error);
RecordBlock *rule_make_samples(const RuleSandbox *sandbox);
gboolean rule_refused_by_sqlite(sqlite3 *db, GError **error);

/* store/rules/functions.c: scaled(), holds() and the date functions without a clock or a time zone. */
struct PureDates *rule_functions_add(sqlite3 *db);
void pure_dates_free(struct PureDates *dates);
/* store/rules/money_functions.c; an SQLite code. */
int rule_money_functions_add(sqlite3 *db);
void rule_money_give(sqlite3_context *context, Money money);
/* FALSE: it is no money, as an integer or as the functions give it. */
gboolean rule_money_read(sqlite3_value *value, Money *money) G_GNUC_WARN_UNUSED_RESULT;
