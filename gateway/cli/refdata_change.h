/* What changes a reference table: rollbacks, and loads of local files; and what verify looks at. */
#pragma once
#include "gateway/cli/books.h"
#include "store/reference.h"

typedef struct {
  const StatusLane *lane;
  const ConfFeed *feed; /* the first that loads it, or the one that was named */
  const ConfLayout *layout;
  ReferenceReader *reader; /* NULL: nothing was ever loaded */
} CliTableOf;

typedef struct {
  gint64 to;
  const char *reason; /* NULL: none is given */
} CliRollback;
CliExit refdata_roll_back(const Cli *cli, const CliTableOf *table, const CliRollback *rollback);

typedef struct {
  const char *path, *reason;
  gboolean is_plain, anyway, dry;
} CliLoad;
CliExit refdata_load(const Cli *cli, const CliTableOf *table, const CliLoad *load);

/* --- refdata_check.c: for verify, what was found in order of the lane's tables, in words; NULL without an error: it
 * has none. The caller frees. */
char *refdata_check(const StatusLane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
