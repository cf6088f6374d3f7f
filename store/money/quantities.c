/* How much of a quantity is billed, at which tier, and how one amount is shared. */
#include "store/money.h"

gboolean money_units(gint64 quantity, gint64 increment, gint64 first, gint64 *billed) {
  if (quantity < 0 || increment < 1 || first < 0)
    return FALSE;
  if (quantity <= first) {
    *billed = quantity == 0 ? 0 : first;
    return TRUE;
  }
  gint64 above = quantity - first, steps = above / increment + (above % increment > 0), sum;
  if (__builtin_mul_overflow(steps, increment, &sum) || __builtin_add_overflow(sum, first, &sum))
    return FALSE;
  *billed = sum;
  return TRUE;
}

/* --- Tiers. */

static gboolean add_leg(const MoneyTariff *tariff, gint64 quantity, guint tier, Money *price) {
  Money leg;
  return money_price(quantity, money_of(tariff->tiers[tier].rate), tariff->per, &leg) && money_add(*price, leg, price);
}

static guint tier_of(const MoneyTariff *tariff, gint64 counter) {
  guint tier = 0;
  while (tier < tariff->n_tiers && tariff->tiers[tier].up_to < counter)
    tier++;
  return tier;
}

gboolean money_tiered(const MoneyTariff *tariff, gint64 quantity, MoneyLeg *legs, guint *n_legs, Money *price) {
  gint64 at = tariff->before, after;
  Money sum = money_of(0);
  guint n = 0;
  if (quantity < 0 || at < 0 || __builtin_add_overflow(at, quantity, &after))
    return FALSE;
  gboolean whole = tariff->kind == MONEY_VOLUME;
  while (at < after) {
    guint tier = tier_of(tariff, whole ? after : at + 1);
    if (tier == tariff->n_tiers)
      return FALSE;
    gint64 end = whole ? after : MIN(after, tariff->tiers[tier].up_to);
    if (!add_leg(tariff, end - at, tier, &sum))
      return FALSE;
    legs[n++] = (MoneyLeg){end - at, tier};
    at = end;
  }
  *n_legs = n;
  *price = sum;
  return TRUE;
}

/* --- Shares. */

static gboolean sum_of(const gint64 *weights, guint n, gint64 *sum) {
  *sum = 0;
  for (guint i = 0; i < n; i++)
    if (weights[i] < 0 || __builtin_add_overflow(*sum, weights[i], sum))
      return FALSE;
  return *sum > 0;
}

gboolean money_shares(gint64 amount, const gint64 *weights, guint n, gint64 *parts) {
  gint64 all;
  if (!sum_of(weights, n, &all))
    return FALSE;
  g_autofree gint64 *rests = g_new(gint64, n); /* -1: has had its unit */
  __int128 whole = amount, left = whole < 0 ? -whole : whole;
  const __int128 size = left;
  for (guint i = 0; i < n; i++) {
    __int128 product = size * weights[i];
    rests[i] = (gint64)(product % all);
    __int128 part = product / all;
    left -= part;
    parts[i] = (gint64)(amount < 0 ? -part : part);
  }
  for (; left > 0; left--) { /* fewer than n */
    guint best = 0;
    for (guint i = 1; i < n; i++)
      if (rests[i] > rests[best])
        best = i;
    rests[best] = -1;
    parts[best] += amount < 0 ? -1 : 1;
  }
  return TRUE;
}
