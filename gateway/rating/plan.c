#include "gateway/rating/plan_private.h"
#include "conf/lookup.h"
#include <string.h>

const ConfRating *rating_plan_conf(const RatingPlan *plan) {
  return plan->conf;
}

const Layout *rating_plan_layout(const RatingPlan *plan) {
  return plan->layout;
}

GTimeZone *rating_plan_zone(const RatingPlan *plan) {
  return plan->zone;
}

const StagingColumn *rating_plan_columns(const RatingPlan *plan, guint *n_columns) {
  *n_columns = plan->columns->len;
  return (const StagingColumn *)(const void *)plan->columns->data;
}

int rating_plan_column(const RatingPlan *plan, const char *name) {
  for (guint i = 0; i < plan->columns->len; i++)
    if (strcmp(g_array_index(plan->columns, StagingColumn, i).name, name) == 0)
      return (int)i;
  return -1;
}

guint rating_plan_lookups(const RatingPlan *plan) {
  return plan->lookups->len - 1;
}

guint rating_plan_lookup_column(const RatingPlan *plan, guint lookup) {
  return g_array_index(plan->lookups, guint, lookup);
}

const char *rating_plan_step(const RatingPlan *plan, guint step) {
  if (step == STEP_TIERS)
    return "tiers";
  step -= STEP_FIRST;
  return step < plan->n_steps ? plan->steps[step].conf->name : step == plan->n_steps ? "minimum" : "rounding";
}

const char *rating_status_word(RatingStatus status) {
  static const char *const words[] = {"rated", "suspended", "rejected", "held"};
  return words[status];
}

/* --- Columns: the record's, the tables', the quantity */

static gboolean is_among(char *const *names, const char *name) {
  return names && g_strv_contains((const char *const *)names, name);
}

/* The same fields as are kept of a row (processors/reference/shape.h). */
static gboolean is_content(const ConfReference *reference, const char *name) {
  return !is_among(reference->key, name) && !is_among(reference->valid, name) &&
         g_strcmp0(reference->operation, name) != 0;
}

/* In expressions all of them stand side by side, whatever they are of; SQLite takes no capitals for other letters. */
static gboolean check_name(const RatingPlan *plan, const ConfField *field, GError **error) {
  static const char *const own[] = {"amount", "quantity"};
  const char *taken = NULL;
  for (guint i = 0; i < G_N_ELEMENTS(own); i++)
    if (g_ascii_strcasecmp(own[i], field->name) == 0)
      taken = "it is what the rating reckons";
  for (guint i = 0; i < plan->columns->len && !taken; i++)
    if (g_ascii_strcasecmp(g_array_index(plan->columns, StagingColumn, i).name, field->name) == 0)
      taken = "another field of the record or of a table has it";
  return !taken || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                       "%s:%u: the name \"%s\" is taken in a rating's expressions: %s; give the field "
                                       "another name",
                                       field->where.file, field->where.line, field->name, taken);
}

static gboolean add_column(RatingPlan *plan, const ConfField *field, const char *table, GError **error) {
  gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
  if (field->type == CONF_DECIMAL && field->scale > plan->conf->scale)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "field %s of table %s has %u decimals, and the rating's scale is %u", field->name, table,
                               field->scale, plan->conf->scale);
  if (!check_name(plan, field, error))
    return FALSE;
  StagingColumn column = {.name = field->name,
                          .type = is_number ? BLOCK_INTEGER : BLOCK_TEXT,
                          .scale = field->type == CONF_DECIMAL ? plan->conf->scale : 0};
  g_array_append_val(plan->columns, column);
  return TRUE;
}

static gboolean add_lookup(RatingPlan *plan, const Conf *conf, const ConfLookup *lookup, GError **error) {
  const ConfFeed *feed = conf_reference_feed(conf, lookup->table);
  const ConfLayout *layout = feed ? conf_layout(conf, feed->layout) : NULL;
  if (!layout)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "lookup \"%s\": no feed loads a reference table \"%s\"", lookup->name, lookup->table);
  if (g_strv_length(lookup->key) != g_strv_length(feed->reference.key))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "lookup \"%s\": the key of table \"%s\" has %u fields, not %u", lookup->name,
                               lookup->table, g_strv_length(feed->reference.key), g_strv_length(lookup->key));
  guint begin = plan->columns->len;
  g_array_append_val(plan->lookups, begin);
  for (guint i = 0; i < layout->record.fields->len; i++) {
    const ConfField *field = layout->record.fields->pdata[i];
    if (is_content(&feed->reference, field->name) && !add_column(plan, field, lookup->table, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean check_tiers(const RatingPlan *plan, const Conf *conf, GError **error) {
  const ConfTiers *tiers = &plan->conf->tiers;
  const ConfFeed *feed = tiers->present ? conf_reference_feed(conf, tiers->table) : NULL;
  const ConfLayout *layout = feed ? conf_layout(conf, feed->layout) : NULL;
  if (!tiers->present)
    return TRUE;
  if (!layout)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "tiers: no feed loads a reference table \"%s\"",
                               tiers->table);
  const ConfField *up_to = conf_line_field(&layout->record, tiers->up_to),
                  *rate = conf_line_field(&layout->record, tiers->rate);
  guint n = g_strv_length(feed->reference.key);
  if (n != g_strv_length(tiers->key) + 1 || strcmp(feed->reference.key[n - 1], tiers->up_to) != 0 || !up_to ||
      up_to->type != CONF_INTEGER)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "tiers: the key of table \"%s\" must be the fields of 'key' and then '%s', an integer",
                               tiers->table, tiers->up_to);
  return (rate && rate->type == CONF_DECIMAL && rate->scale <= plan->conf->scale) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "tiers: '%s' must be a decimal of table \"%s\" with at most %u decimals", tiers->rate,
                             tiers->table, plan->conf->scale);
}

static gboolean set_columns(RatingPlan *plan, const Conf *conf, GError **error) {
  guint n;
  const StagingColumn *columns = layout_columns(plan->layout, &n);
  const StagingColumn quantity = {.name = "quantity", .type = BLOCK_INTEGER};
  const GPtrArray *fields = conf_layout(conf, plan->conf->layout)->record.fields;
  for (guint i = 0; i < fields->len; i++)
    if (!check_name(plan, fields->pdata[i], error))
      return FALSE;
  g_array_append_vals(plan->columns, columns, n);
  for (guint i = 0; plan->conf->lookups && i < plan->conf->lookups->len; i++)
    if (!add_lookup(plan, conf, plan->conf->lookups->pdata[i], error))
      return FALSE;
  guint end = plan->columns->len;
  g_array_append_val(plan->lookups, end);
  g_array_append_val(plan->columns, quantity);
  return check_tiers(plan, conf, error);
}

/* --- Expressions */

static const char *choice_of(const RatingPlan *plan, guint step) {
  return step < plan->n_steps ? plan->steps[step].conf->choose : NULL;
}

static gboolean set_steps(RatingPlan *plan, GError **error) {
  plan->n_steps = plan->conf->steps ? plan->conf->steps->len : 0;
  plan->steps = g_new0(PlanStep, plan->n_steps + 1);
  g_autofree ValueRule *rules = g_new0(ValueRule, plan->n_steps + 1);
  if (plan->n_steps > RULES_MAX)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%u steps: at most %d are possible",
                               plan->n_steps, RULES_MAX);
  for (guint i = 0; i < plan->n_steps; i++)
    plan->steps[i].conf = plan->conf->steps->pdata[i];
  for (guint i = 0; i < plan->n_steps; i++) {
    const ConfStep *step = plan->steps[i].conf;
    rules[i] = (ValueRule){step->name, step->when, step->amount, VALUE_MONEY};
    plan->steps[i].begins_choice = step->choose && (i == 0 || g_strcmp0(choice_of(plan, i - 1), step->choose) != 0);
    plan->steps[i].ends_choice = step->choose && g_strcmp0(choice_of(plan, i + 1), step->choose) != 0;
  }
  ValueSetOptions options = {.rules = rules, .n_rules = plan->n_steps, .money = "amount"};
  options.columns = rating_plan_columns(plan, &options.n_columns);
  return (plan->amounts = value_set_new(&options, error)) != NULL;
}

static gboolean set_quantity(RatingPlan *plan, GError **error) {
  ValueRule rule = {"quantity", NULL, plan->conf->quantity.value, VALUE_INTEGER};
  ValueSetOptions options = {.rules = &rule, .n_rules = 1};
  options.columns = rating_plan_columns(plan, &options.n_columns);
  options.n_columns--; /* not by itself */
  return (plan->quantity = value_set_new(&options, error)) != NULL;
}

static gboolean set_rounding(RatingPlan *plan, GError **error) {
  const ConfRating *conf = plan->conf;
  const ConfField field = {.type = CONF_DECIMAL, .scale = conf->round.scale};
  g_autofree char *minimum = conf->minimum ? value_kept_as(&field, conf->minimum) : NULL;
  plan->rounding = (MoneyRounding)conf->round.mode;
  plan->dropped = conf->scale - conf->round.scale;
  plan->unit = 1;
  for (guint i = 0; i < plan->dropped; i++)
    plan->unit *= 10;
  plan->has_minimum = conf->minimum != NULL;
  if (!conf->minimum || (minimum && g_ascii_string_to_signed(minimum, 10, G_MININT64, G_MAXINT64, &plan->minimum,
                                                             NULL)))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "'minimum' must be a decimal with %u decimals",
                             conf->round.scale);
}

RatingPlan *rating_plan_new(const Conf *conf, const ConfRating *rating, GError **error) {
  RatingPlan *plan = g_new0(RatingPlan, 1);
  plan->conf = rating;
  plan->columns = g_array_new(FALSE, FALSE, sizeof(StagingColumn));
  plan->lookups = g_array_new(FALSE, FALSE, sizeof(guint));
  plan->zone = rating->time_zone ? g_time_zone_new_identifier(rating->time_zone) : g_time_zone_new_utc();
  if (!plan->zone)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "time zone %s is not known", rating->time_zone);
  if (plan->zone && (plan->layout = layout_new(conf_layout(conf, rating->layout), error)) &&
      set_columns(plan, conf, error) && set_quantity(plan, error) && set_steps(plan, error) &&
      set_rounding(plan, error))
    return plan;
  rating_plan_free(plan);
  return NULL;
}

void rating_plan_free(RatingPlan *plan) {
  if (!plan)
    return;
  value_set_free(plan->quantity);
  value_set_free(plan->amounts);
  layout_free(plan->layout);
  g_clear_pointer(&plan->zone, g_time_zone_unref);
  g_array_unref(plan->columns);
  g_array_unref(plan->lookups);
  g_free(plan->steps);
  g_free(plan);
}
