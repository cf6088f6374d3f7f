/* Pricing a block: step by step over all of its records, as each expression runs over a block at a time. */
#include "gateway/rating/plan_private.h"
#include <string.h>

/* --- What comes out */

Rated *rated_new(const RatingPlan *plan, guint capacity) {
  Rated *rated = g_new0(Rated, 1);
  rated->capacity = capacity;
  rated->most_steps = STEP_FIRST + plan->n_steps + 2;
  rated->records = g_new0(RatedRecord, capacity);
  rated->steps = g_new0(RatedStep, (gsize)capacity * rated->most_steps);
  rated->legs = g_array_new(FALSE, FALSE, sizeof(RatedLeg));
  return rated;
}

void rated_free(Rated *rated) {
  if (!rated)
    return;
  g_free(rated->records);
  g_free(rated->steps);
  g_array_unref(rated->legs);
  g_free(rated);
}

void rated_begin(Rated *rated, guint n) {
  g_assert(n <= rated->capacity);
  memset(rated->records, 0, n * sizeof *rated->records);
  rated->n = n;
  g_array_set_size(rated->legs, 0);
}

/* --- One block being priced */

typedef struct {
  RatingPlan *plan;
  const RecordBlock *view; /* the block, with the quantity */
  Rated *rated;
  Money *amounts, *base, *values, *rounding; /* one per record; base: before a choice */
  guint8 *outcomes, *has_campaign, *is_absent;
  const RatingCounters *counters;
  guint taken; /* of the counters, in this go */
  gint16 *best; /* of a choice, so far: the place among the record's steps; -1: none */
} Pricing;

static gboolean fail(RatedRecord *record, RatingStatus status, const char *code) {
  record->status = status;
  record->code = code;
  return FALSE;
}

static gboolean fail_amount(RatedRecord *record) {
  return fail(record, RATING_REJECTED, CODE_AMOUNT_BEYOND);
}

static RatedStep *add_step(const Pricing *pricing, guint record, guint step, Money before, Money after) {
  RatedRecord *of = &pricing->rated->records[record];
  RatedStep *added = pricing->rated->steps + (gsize)record * pricing->rated->most_steps + of->n_steps++;
  *added = (RatedStep){.step = step, .amount = after, .counts = TRUE};
  if (!money_subtract(after, before, &added->change))
    fail_amount(of);
  return added;
}

static void set_amount(const Pricing *pricing, guint record, Money amount) {
  const RatingPlan *plan = pricing->plan;
  RatedRecord *of = &pricing->rated->records[record];
  gint64 units;
  Money rounded, by;
  pricing->amounts[record] = amount;
  if (plan->conf->round.at != CONF_ROUND_EACH_STEP)
    return;
  if (!money_round(amount, plan->rounding, plan->dropped, &units) ||
      !money_portion(money_of(units), plan->unit, 1, &rounded) || !money_subtract(rounded, amount, &by) ||
      !money_add(pricing->rounding[record], by, &pricing->rounding[record]))
    fail_amount(of);
  else
    pricing->amounts[record] = rounded;
}

/* --- Quantity and tiers */

static void bill(const RatingPlan *plan, RatedRecord *record, const Money *value, guint8 outcome) {
  const ConfQuantity *conf = &plan->conf->quantity;
  record->quantity = outcome == VALUE_GIVEN ? (gint64)value->numerator : -1;
  if (!money_units(record->quantity, (gint64)conf->increment, (gint64)conf->first, &record->billed))
    fail(record, RATING_REJECTED, record->quantity < 0 ? CODE_BAD_QUANTITY : CODE_AMOUNT_BEYOND);
  else if (record->quantity == 0 && conf->charge_zero)
    record->billed = (gint64)conf->first;
}

static gboolean take_quantities(Pricing *pricing, const RecordBlock *block, BlockColumn *quantity, GError **error) {
  Rated *rated = pricing->rated;
  if (!value_set_run(pricing->plan->quantity, 0, block, NULL, pricing->values, pricing->outcomes, error))
    return FALSE;
  for (guint i = 0; i < rated->n; i++) {
    RatedRecord *record = &rated->records[i];
    if (record->status == RATING_RATED)
      bill(pricing->plan, record, &pricing->values[i], pricing->outcomes[i]);
    quantity->integers[i] = record->billed;
    quantity->nulls[i] = record->status != RATING_RATED;
  }
  return TRUE;
}

static gboolean price_leg(const MoneyTariff *tariff, const MoneyLeg *leg, Money *amount) {
  return money_price(leg->quantity, money_of(tariff->tiers[leg->tier].rate), tariff->per, amount);
}

static void price_tiers(Pricing *pricing, guint index) {
  const ConfTiers *conf = &pricing->plan->conf->tiers;
  const RatingCounters *counters = pricing->counters;
  RatedRecord *record = &pricing->rated->records[index];
  if (counters)
    record->counter_before = counters->take(counters->user, pricing->view, index, record);
  MoneyTariff tariff = {.tiers = record->tiers.tiers,
                        .n_tiers = record->tiers.n,
                        .kind = conf->kind == CONF_TIERS_VOLUME ? MONEY_VOLUME : MONEY_GRADUATED,
                        .before = record->counter_before,
                        .per = (gint64)conf->per};
  g_autofree MoneyLeg *legs = g_new(MoneyLeg, record->tiers.n + 1);
  Money price, amount;
  if (!money_tiered(&tariff, record->billed, legs, &record->n_legs, &price)) {
    record->n_legs = 0;
    fail_amount(record);
    if (counters)
      counters->give_back(counters->user, 1);
    return;
  }
  pricing->taken += counters ? 1 : 0;
  record->first_leg = pricing->rated->legs->len;
  for (guint i = 0; i < record->n_legs; i++) {
    RatedLeg leg = {.quantity = legs[i].quantity, .row = record->tiers.rows ? record->tiers.rows[legs[i].tier] : 0};
    if (price_leg(&tariff, &legs[i], &amount))
      leg.amount = amount;
    g_array_append_val(pricing->rated->legs, leg);
  }
  add_step(pricing, index, STEP_TIERS, money_of(0), price);
  set_amount(pricing, index, price);
}

/* --- Steps */

static void choose(Pricing *pricing, guint index, guint step) {
  RatedStep *mine = add_step(pricing, index, STEP_FIRST + step, pricing->base[index], pricing->values[index]);
  RatedStep *steps = pricing->rated->steps + (gsize)index * pricing->rated->most_steps;
  gint16 best = pricing->best[index];
  if (best >= 0 && money_compare(mine->amount, steps[best].amount) >= 0) { /* of equal ones the first */
    mine->counts = FALSE;
    return;
  }
  if (best >= 0)
    steps[best].counts = FALSE;
  pricing->best[index] = (gint16)(mine - steps);
}

static void end_choice(Pricing *pricing, guint index) {
  const RatedStep *steps = rated_steps(pricing->rated, index);
  if (pricing->best[index] >= 0)
    set_amount(pricing, index, steps[pricing->best[index]].amount);
}

static void apply(Pricing *pricing, guint index, guint step) {
  const ConfStep *conf = pricing->plan->steps[step].conf;
  RatedRecord *record = &pricing->rated->records[index];
  Money before = pricing->amounts[index];
  gboolean is_blocked = conf->campaign && !conf->stack && pricing->has_campaign[index] &&
                        !(conf->choose && pricing->best[index] >= 0);
  if (pricing->outcomes[index] == VALUE_UNASKED)
    return;
  if (pricing->outcomes[index] == VALUE_ABSENT) {
    pricing->is_absent[index] = TRUE;
    fail_amount(record);
    return;
  }
  if (is_blocked) {
    add_step(pricing, index, STEP_FIRST + step, before, pricing->values[index])->counts = FALSE;
    return;
  }
  pricing->has_campaign[index] |= conf->campaign ? 1 : 0;
  if (conf->choose) {
    choose(pricing, index, step);
    return;
  }
  add_step(pricing, index, STEP_FIRST + step, before, pricing->values[index]);
  set_amount(pricing, index, pricing->values[index]);
}

static gboolean run_step(Pricing *pricing, guint step, GError **error) {
  const PlanStep *of = &pricing->plan->steps[step];
  Rated *rated = pricing->rated;
  if (of->begins_choice) {
    memcpy(pricing->base, pricing->amounts, rated->n * sizeof(Money));
    memset(pricing->best, -1, rated->n * sizeof *pricing->best);
  }
  const Money *amounts = of->conf->choose ? pricing->base : pricing->amounts;
  if (!value_set_run(pricing->plan->amounts, step, pricing->view, amounts, pricing->values, pricing->outcomes, error))
    return FALSE;
  for (guint i = 0; i < rated->n; i++) {
    if (rated->records[i].status == RATING_RATED)
      apply(pricing, i, step);
    if (rated->records[i].status == RATING_RATED && of->ends_choice)
      end_choice(pricing, i);
  }
  return TRUE;
}

/* --- The end: what is kept, and that it adds up */

static gboolean adds_up(const Pricing *pricing, guint index, gint64 amount) {
  const RatedStep *steps = rated_steps(pricing->rated, index);
  Money sum = money_of(0), units;
  for (guint i = 0; i < pricing->rated->records[index].n_steps; i++)
    if (steps[i].counts && !money_add(sum, steps[i].change, &sum))
      return FALSE;
  return money_portion(money_of(amount), pricing->plan->unit, 1, &units) && money_compare(sum, units) == 0;
}

static gboolean settle(Pricing *pricing, guint index) {
  const RatingPlan *plan = pricing->plan;
  RatedRecord *record = &pricing->rated->records[index];
  Money exact = pricing->amounts[index], rounded, by, least;
  gint64 units;
  if (!money_round(exact, plan->rounding, plan->dropped, &units) ||
      !money_portion(money_of(units), plan->unit, 1, &rounded) || !money_subtract(rounded, exact, &by) ||
      !money_add(by, pricing->rounding[index], &by))
    return fail_amount(record);
  if (by.numerator != 0) {
    add_step(pricing, index, STEP_FIRST + plan->n_steps + 1, exact, rounded)->change = by;
  }
  if (plan->has_minimum && units < plan->minimum) {
    if (!money_portion(money_of(plan->minimum), plan->unit, 1, &least))
      return fail_amount(record);
    add_step(pricing, index, STEP_FIRST + plan->n_steps, rounded, least);
    units = plan->minimum;
  }
  record->amount = units;
  return record->status == RATING_RATED;
}

static gboolean settle_all(Pricing *pricing, GError **error) {
  for (guint i = 0; i < pricing->rated->n; i++) {
    const RatedRecord *record = &pricing->rated->records[i];
    if (record->status == RATING_RATED && settle(pricing, i) && !adds_up(pricing, i, record->amount))
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                 "line %" G_GUINT64_FORMAT ": the steps of its price do not add up to it",
                                 pricing->view->lines[i]);
    if (record->status != RATING_RATED)
      pricing->rated->records[i].amount = 0;
  }
  return TRUE;
}

static void mark_faulty(const RecordBlock *block, Rated *rated) {
  for (guint i = 0; i < block->faults->len; i++) {
    const BlockFault *fault = &g_array_index(block->faults, BlockFault, i);
    fail(&rated->records[fault->record], RATING_REJECTED, fault->code);
  }
}

static gboolean price_once(Pricing *pricing, GError **error) {
  Rated *rated = pricing->rated;
  g_array_set_size(rated->legs, 0);
  memset(pricing->has_campaign, 0, rated->n);
  memset(pricing->is_absent, 0, rated->n);
  pricing->taken = 0;
  for (guint i = 0; i < rated->n; i++) {
    rated->records[i].n_steps = rated->records[i].n_legs = 0;
    pricing->amounts[i] = pricing->rounding[i] = money_of(0);
    if (pricing->plan->conf->tiers.present && rated->records[i].status == RATING_RATED)
      price_tiers(pricing, i);
  }
  for (guint i = 0; i < pricing->plan->n_steps; i++)
    if (!run_step(pricing, i, error))
      return FALSE;
  return settle_all(pricing, error);
}

/* A record that was counted and then refused has made the counter of those behind it too high, and for that alone they
 * may have been refused, too. The first such one is rightly refused, and so is each that lacks a value; all others are
 * rated anew. TRUE: there are such. */
static gboolean take_out(const Pricing *pricing, guint8 *is_open) {
  Rated *rated = pricing->rated;
  gboolean any = FALSE;
  for (guint i = 0; i < rated->n; i++) {
    const RatedRecord *record = &rated->records[i];
    if (!is_open[i] || record->status == RATING_RATED || record->n_legs == 0) /* n_legs: it was counted */
      continue;
    is_open[i] = any && !pricing->is_absent[i];
    any = TRUE;
  }
  for (guint i = 0; i < rated->n && any; i++)
    if (is_open[i]) {
      rated->records[i].status = RATING_RATED;
      rated->records[i].code = NULL;
    }
  return any;
}

static gboolean price(Pricing *pricing, const RecordBlock *block, BlockColumn *quantity, GError **error) {
  const RatingCounters *counters = pricing->plan->conf->tiers.present ? pricing->counters : NULL;
  Rated *rated = pricing->rated;
  g_autofree guint8 *is_open = g_new(guint8, rated->n + 1);
  if (!take_quantities(pricing, block, quantity, error))
    return FALSE;
  for (guint i = 0; i < rated->n; i++)
    is_open[i] = rated->records[i].status == RATING_RATED;
  for (;;) {
    if (!price_once(pricing, error))
      return FALSE;
    if (!counters || !take_out(pricing, is_open))
      return TRUE;
    counters->give_back(counters->user, pricing->taken);
  }
}

gboolean rating_price(RatingPlan *plan, const RecordBlock *block, const RatingCounters *counters, Rated *rated,
                      GError **error) {
  guint n = block->count, n_columns = plan->columns->len;
  if (n != rated->n || block->n_columns + 1 != n_columns)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a block of other columns than the rating's");
  g_autofree BlockColumn *columns = g_new(BlockColumn, n_columns);
  g_autofree gint64 *integers = g_new(gint64, n + 1);
  g_autofree guint8 *bytes = g_new0(guint8, 4 * n + 1); /* nulls, outcomes, campaigns, absent */
  g_autofree Money *money = g_new(Money, 4 * n + 1);
  g_autofree gint16 *best = g_new(gint16, n + 1);
  RecordBlock view = *block;
  memcpy(columns, block->columns, block->n_columns * sizeof *columns);
  columns[n_columns - 1] = (BlockColumn){.type = BLOCK_INTEGER, .integers = integers, .nulls = bytes};
  view.columns = columns;
  view.n_columns = n_columns;
  Pricing pricing = {.plan = plan,
                     .view = &view,
                     .rated = rated,
                     .counters = counters,
                     .amounts = money,
                     .base = money + n,
                     .values = money + 2 * n,
                     .rounding = money + 3 * n,
                     .outcomes = bytes + n,
                     .has_campaign = bytes + 2 * n,
                     .is_absent = bytes + 3 * n,
                     .best = best};
  mark_faulty(block, rated);
  return price(&pricing, block, &columns[n_columns - 1], error);
}
