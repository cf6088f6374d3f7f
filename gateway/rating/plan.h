/* A rating plan: rating "…" { … } compiled over the fields of its usage records and of the tables that it looks into,
 * and the pure function that prices a block of records with it. It has no effect and knows no clock: the same plan,
 * fields and rows give the same amounts, whenever and wherever.
 *
 * Amounts within are exact (store/money.h), of the rating's scale; what is given is in units of the round scale. What
 * each step has changed is kept, rounding as a step of its own: the sum of the changes is the amount. */
#pragma once
#include "conf/conf.h"
#include "gateway/records/layout.h"
#include "store/money.h"

#define CODE_NO_PRODUCT "B001"     /* no such product; suspended */
#define CODE_NO_RATE "B002"        /* the product has no rate at that time; suspended */
#define CODE_NO_MEMBER "B004"      /* suspended */
#define CODE_BAD_QUANTITY "B005"   /* below 0, or there is none */
#define CODE_AMOUNT_BEYOND "B006"  /* an amount leaves its bits, or needs what is absent */
#define CODE_IN_THE_FUTURE "B008"  /* held */
#define CODE_NO_EVENT_TIME "B009"  /* no time, or one that the zone's clock does not show, or shows twice */

typedef struct RatingPlan RatingPlan; /* one thread at a time */
/* `conf` is borrowed. CONFIGURATION names the setting. */
RatingPlan *rating_plan_new(const Conf *conf, const ConfRating *rating, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rating_plan_free(RatingPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RatingPlan, rating_plan_free)

const ConfRating *rating_plan_conf(const RatingPlan *plan);
const Layout *rating_plan_layout(const RatingPlan *plan);
GTimeZone *rating_plan_zone(const RatingPlan *plan); /* borrowed */
/* What expressions can name: the record's fields, then each look-up's, then `quantity`. */
const StagingColumn *rating_plan_columns(const RatingPlan *plan, guint *n_columns);
int rating_plan_column(const RatingPlan *plan, const char *name); /* -1: none */
/* The column at which a look-up's fields begin; of the look-up behind the last one: `quantity`. */
guint rating_plan_lookup_column(const RatingPlan *plan, guint lookup);
guint rating_plan_lookups(const RatingPlan *plan);
/* "tiers", the steps' names, "minimum", "rounding". */
const char *rating_plan_step(const RatingPlan *plan, guint step);

/* --- A block. */
typedef enum { RATING_RATED, RATING_SUSPENDED, RATING_REJECTED, RATING_HELD } RatingStatus;
const char *rating_status_word(RatingStatus status);

typedef struct {
  guint step;
  Money change, amount; /* by it, and behind it; of one that does not count: what it would have been */
  gboolean counts;      /* FALSE: another was lower, or a campaign came before it that it does not stack upon */
} RatedStep;
typedef struct {
  gint64 quantity, row; /* of the tier's row in its table; 0: of an example */
  Money amount;
} RatedLeg;
/* The tiers of one record; ascending. `rows`: their ids. Borrowed. */
typedef struct {
  const MoneyTier *tiers;
  const gint64 *rows;
  guint n;
} RatingTiers;
typedef struct {
  RatingStatus status;
  const char *code; /* NULL: rated */
  gint64 at;        /* the event, microseconds since 1970 */
  gint64 quantity, billed;
  gint64 counter_before; /* of the tiers' counter; behind the record it is `billed` more */
  RatingTiers tiers;     /* handed in, where the plan has tiers */
  gint64 amount;         /* in units of the round scale; 0 unless rated */
  guint first_leg, n_legs, n_steps;
} RatedRecord;

/* What comes out of a block; reused. */
typedef struct {
  RatedRecord *records; /* one per record of the block */
  guint n, capacity;
  RatedStep *steps; /* `most_steps` of each record */
  guint most_steps;
  GArray *legs; /* RatedLeg */
} Rated;
Rated *rated_new(const RatingPlan *plan, guint capacity);
void rated_free(Rated *rated);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rated, rated_free)
static inline const RatedStep *rated_steps(const Rated *rated, guint record) {
  return rated->steps + (gsize)record * rated->most_steps;
}
static inline const RatedLeg *rated_legs(const Rated *rated, const RatedRecord *record) {
  return &g_array_index(rated->legs, RatedLeg, record->first_leg);
}

/* Forgets what was there, and makes room for n records, all of them rated so far. */
void rated_begin(Rated *rated, guint n);
/* How much an account has used before, where the plan has tiers: asked in the order of the records, of each whose
 * quantity is known. A record that is then refused has not been used: `give_back` undoes the last n calls, and what
 * comes behind it is counted without it. */
typedef struct {
  gint64 (*take)(gpointer user, const RecordBlock *block, guint index, const RatedRecord *record);
  void (*give_back)(gpointer user, guint n);
  gpointer user;
} RatingCounters;

/* Prices the block, whose columns are the plan's but for the last: `quantity` is made here. Records that have another
 * status already, and those with a fault, stay as they are; the others get a status, and if they are rated an amount.
 * counters NULL: counter_before is as it was handed in. FILE when an expression fails. */
gboolean rating_price(RatingPlan *plan, const RecordBlock *block, const RatingCounters *counters, Rated *rated,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
