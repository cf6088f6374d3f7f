#include "gateway/rating/example.h"
#include "gateway/common/json_put.h"
#include <string.h>

enum { MOST_TIERS = 64 };

typedef struct {
  RatingPlan *plan;
  RecordBlock *block; /* the plan's columns but for the quantity */
  MoneyTier tiers[MOST_TIERS];
  guint n_tiers;
  gint64 counter;
} Example;

static gboolean wrong(GError **error, const char *what, const char *word) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s \"%s\"", what, word);
}

static gboolean read_number(guint scale, const char *text, gint64 *number) {
  const ConfField field = {.type = scale > 0 ? CONF_DECIMAL : CONF_INTEGER, .scale = scale};
  g_autofree char *kept = value_kept_as(&field, text);
  return kept && g_ascii_string_to_signed(kept, 10, G_MININT64, G_MAXINT64, number, NULL);
}

/* "10000:1.40/50000:1.32/:1.25": a tier without a bound has none. */
static gboolean read_tiers(Example *example, const char *text, GError **error) {
  g_auto(GStrv) parts = g_strsplit(text, "/", -1);
  for (char **part = parts; *part; part++) {
    g_auto(GStrv) pair = g_strsplit(*part, ":", 2);
    MoneyTier *tier = &example->tiers[example->n_tiers];
    tier->up_to = G_MAXINT64;
    if (example->n_tiers == MOST_TIERS || !pair[0] || !pair[1] ||
        (*pair[0] && !read_number(0, pair[0], &tier->up_to)) ||
        !read_number(rating_plan_conf(example->plan)->scale, pair[1], &tier->rate))
      return wrong(error, "no tier like 10000:1.40:", *part);
    example->n_tiers++;
  }
  return TRUE;
}

static gboolean take_word(Example *example, const char *name, const char *value, GError **error) {
  guint n;
  const StagingColumn *columns = rating_plan_columns(example->plan, &n);
  int column = rating_plan_column(example->plan, name);
  gint64 number;
  if (strcmp(name, "tiers") == 0)
    return read_tiers(example, value, error);
  if (strcmp(name, "counter") == 0)
    return read_number(0, value, &example->counter) || wrong(error, "no number:", value);
  if (column < 0 || column == (int)n - 1)
    return wrong(error, "there is no field", name);
  if (columns[column].type == BLOCK_TEXT)
    record_block_put_text(example->block, (guint)column, value, strlen(value));
  else if (read_number(columns[column].scale, value, &number))
    record_block_put_integer(example->block, (guint)column, number);
  else
    return wrong(error, "no value of its field:", value);
  return TRUE;
}

static gboolean read_words(Example *example, const char *in, GError **error) {
  g_auto(GStrv) words = g_strsplit(in, " ", -1);
  for (char **word = words; *word; word++) {
    g_auto(GStrv) pair = g_strsplit(*word, "=", 2);
    if (**word && !pair[1])
      return wrong(error, "no name=value:", *word);
    if (**word && !take_word(example, pair[0], pair[1], error))
      return FALSE;
  }
  return TRUE;
}

static char *price(Example *example, GError **error) {
  g_autoptr(Rated) rated = rated_new(example->plan, 1);
  rated_begin(rated, 1);
  RatedRecord *record = &rated->records[0];
  record->counter_before = example->counter;
  record->tiers = (RatingTiers){example->tiers, NULL, example->n_tiers};
  if (!rating_price(example->plan, example->block, NULL, rated, error))
    return NULL;
  if (record->status != RATING_RATED)
    return g_strdup(record->code);
  g_autoptr(GString) text = g_string_new(NULL);
  json_put_decimal(text, record->amount, rating_plan_conf(example->plan)->round.scale);
  return g_strndup(text->str + 1, text->len - 2); /* without its quotes */
}

char *rating_example(RatingPlan *plan, const char *in, GError **error) {
  guint n;
  const StagingColumn *columns = rating_plan_columns(plan, &n);
  g_autofree BlockType *types = g_new0(BlockType, n);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  g_autoptr(RecordBlock) block = record_block_new(1, types, n - 1);
  Example example = {.plan = plan, .block = block};
  record_block_begin(block, 1);
  gboolean ok = read_words(&example, in, error);
  record_block_end(block);
  return ok ? price(&example, error) : NULL;
}

gboolean rating_example_check(RatingPlan *plan, const ConfExample *example, GError **error) {
  g_autofree char *out = rating_example(plan, example->in, error);
  if (!out) {
    g_prefix_error(error, "example \"%s\": ", example->name);
    return FALSE;
  }
  return strcmp(out, example->out) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "example \"%s\" comes to %s, and not to %s",
                             example->name, out, example->out);
}
