/* The closed connection in which rules run: no files, no schema of its own, the virtual table `record` over a block,
 * and an authorizer that allows reading its columns and calling the functions on a short list. Private to
 * store/rules*.c. */
#pragma once
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

/* store/rules/functions.c: scaled(), holds() and the date functions without a clock or a time zone. */
struct PureDates *rule_functions_add(sqlite3 *db);
void pure_dates_free(struct PureDates *dates);
/* store/rules/money_functions.c; an SQLite code. */
int rule_money_functions_add(sqlite3 *db);
