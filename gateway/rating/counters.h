/* What accounts have used in their periods, in memory and from nothing: for `rating try` and tests. */
#pragma once
#include "gateway/rating/plan.h"

/* Appends the name of the tiers' counter's period in which the event lies, in the rating's zone: "2026-11". */
void rating_period(const RatingPlan *plan, gint64 at, GString *period);

typedef struct RatingMemory RatingMemory;
RatingMemory *rating_memory_new(const RatingPlan *plan); /* borrows it */
void rating_memory_free(RatingMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RatingMemory, rating_memory_free)
/* For the next block: what was used up to here stays. Borrowed. */
const RatingCounters *rating_memory_begin(RatingMemory *memory);
