/* Money, exactly: what rating is made of.
 *
 * An amount that is kept is a 64-bit integer of some scale (12.30 at scale 2 is 1230). Between two roundings a value is
 * a fraction: a numerator of 128 bits over a denominator of 64, in the same units (1/100 at scale 2). Nothing is ever
 * rounded but by money_round, by a rounding that has a name; nothing wraps: what leaves its bits is refused. No
 * function knows a scale or a currency: who adds two values sees to it that both are of one. Any thread. */
#pragma once
#include <glib.h>

typedef struct {
  __int128 numerator;
  gint64 denominator; /* > 0 */
} Money;

/* Ties are told from what is nearer; `half-up` and `up` go away from zero, so that a reversal takes back what was
 * charged: -0.325 is -0.33, as 0.325 is 0.33. */
#define MONEY_ROUNDINGS(X)                                       \
  X(MONEY_HALF_UP, "half-up")     /* the tie away from zero */   \
  X(MONEY_HALF_EVEN, "half-even") /* the tie to the even one */  \
  X(MONEY_DOWN, "down")           /* to zero */                  \
  X(MONEY_UP, "up")               /* away from zero */
#define MONEY_ROUNDING_ENUM(name, word) name,
typedef enum { MONEY_ROUNDINGS(MONEY_ROUNDING_ENUM) MONEY_N_ROUNDINGS } MoneyRounding;
const char *money_rounding_word(MoneyRounding rounding);
gboolean money_rounding_parse(const char *word, MoneyRounding *rounding) G_GNUC_WARN_UNUSED_RESULT;

static inline Money money_of(gint64 units) {
  return (Money){units, 1};
}

/* Each is FALSE when a value would leave its bits, or where the comment says so, and then sets nothing. */
/* quantity × rate ÷ per; FALSE for per < 1. */
gboolean money_price(gint64 quantity, Money rate, gint64 per, Money *price) G_GNUC_WARN_UNUSED_RESULT;
/* amount × parts ÷ of; FALSE for of < 1. */
gboolean money_portion(Money amount, gint64 parts, gint64 of, Money *portion) G_GNUC_WARN_UNUSED_RESULT;
gboolean money_add(Money a, Money b, Money *sum) G_GNUC_WARN_UNUSED_RESULT;
gboolean money_subtract(Money a, Money b, Money *difference) G_GNUC_WARN_UNUSED_RESULT;
int money_compare(Money a, Money b); /* < 0, 0, > 0; always exact */

/* To whole units, or with dropped = 2 to whole hundreds of them, given in hundreds: from scale 4 to scale 2. */
enum { MONEY_SCALE_MAX = 18 };
gboolean money_round(Money value, MoneyRounding rounding, guint dropped, gint64 *units) G_GNUC_WARN_UNUSED_RESULT;

/* What of a quantity is billed: 0 of 0; else at least `first`, and what is above it in whole increments. FALSE for a
 * quantity below 0, an increment below 1, a first below 0. units(61, 7, 60) is 67, and not 63. */
gboolean money_units(gint64 quantity, gint64 increment, gint64 first, gint64 *billed) G_GNUC_WARN_UNUSED_RESULT;

/* --- Tiers. `up_to` belongs to its own tier: with 10,000 the next one begins behind it. */
typedef struct {
  gint64 up_to; /* ascending; the last: G_MAXINT64, or what is above it has no price */
  gint64 rate;  /* units for `per` of the quantity */
} MoneyTier;
typedef enum {
  MONEY_GRADUATED, /* each part of the quantity by the tier that it lies in: several legs */
  MONEY_VOLUME     /* all of it by the tier of (before + quantity): one leg; what was before keeps its price */
} MoneyTiers;
typedef struct {
  gint64 quantity;
  guint tier; /* index */
} MoneyLeg;
typedef struct {
  const MoneyTier *tiers;
  guint n_tiers;
  MoneyTiers kind;
  gint64 before; /* the counter, without this quantity; ≥ 0 */
  gint64 per;
} MoneyTariff;
/* *legs has room for n_tiers; *n_legs: 0 for a quantity of 0. FALSE also for a quantity below 0, and for one that no
 * tier reaches. */
gboolean money_tiered(const MoneyTariff *tariff, gint64 quantity, MoneyLeg *legs, guint *n_legs,
                      Money *price) G_GNUC_WARN_UNUSED_RESULT;

/* --- Shares of one amount by weights: whole units whose sum is the amount. What is left over goes, a unit each, to the
 * largest remainders; of equal ones to the first. Parts of -a are those of a, negated. FALSE for a weight below 0, or
 * weights whose sum is 0 or leaves 64 bits. */
gboolean money_shares(gint64 amount, const gint64 *weights, guint n, gint64 *parts) G_GNUC_WARN_UNUSED_RESULT;
