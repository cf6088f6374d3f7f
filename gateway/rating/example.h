/* Examples: what people have worked out by hand, computed by the plan. `sallyport check` does it. */
#pragma once
#include "gateway/rating/plan.h"

/* `in`: "seconds=78 rate=0.25": fields of the record and of the tables, as they would be written; besides, counter=9990
 * is what was used before, and tiers=10000:1.40/50000:1.32 the tiers. Others are absent. What comes out is the amount
 * as a decimal, or a code. NULL with CONFIGURATION for an `in` that says nothing that is known. The caller frees. */
char *rating_example(RatingPlan *plan, const char *in, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CONFIGURATION: it comes to something else than `out`. */
gboolean rating_example_check(RatingPlan *plan, const ConfExample *example, GError **error) G_GNUC_WARN_UNUSED_RESULT;
