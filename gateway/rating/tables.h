/* What a rating looks up: rows of reference tables as of each event's time, from one version of each table, which is
 * the one in force when they are opened. */
#pragma once
#include "gateway/rating/plan.h"

typedef struct RatingTables RatingTables; /* one thread at a time */
/* `folder`: of the lane whose tables they are. Borrows the plan. A table that was never loaded has no row. */
RatingTables *rating_tables_open(const RatingPlan *plan, const char *folder,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rating_tables_free(RatingTables *tables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RatingTables, rating_tables_free)

/* Looks up for the records of a block, whose columns are the layout's, and gives a block with the plan's columns but
 * for the last, which borrows from the first: until the next call. Sets the records' times, their tiers, and their
 * status where something is missing. `arrived`: an event more than ten minutes later is held; 0: none is. */
enum { RATING_FUTURE_MINUTES = 10 };
typedef struct {
  const RecordBlock *block;
  gint64 arrived;
} RatingUsage;
const RecordBlock *rating_tables_gather(RatingTables *tables, const RatingUsage *usage, Rated *rated,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of the block gathered last: the row's id in its table; 0: none. */
gint64 rating_tables_row(const RatingTables *tables, guint record, guint lookup);
/* Of a look-up's table, or behind the last one of the tiers'; 0: never loaded. */
gint64 rating_tables_version(const RatingTables *tables, guint lookup);
