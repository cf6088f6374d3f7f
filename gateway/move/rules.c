/* The canonical form of a feed's rules: what its records come to, and nothing else. Blocks whose order means nothing
 * stand in the order of their texts; blanks of expressions are one each, so that an expression that was only broken
 * into lines is the same. */
#include "conf/read/text.h"
#include "conf/table/rating.h"
#include "gateway/base/digest.h"
#include "gateway/move/compare.h"
#include <string.h>

/* An expression; blanks within quotes stay. Comments are in none: they are refused. NULL for NULL. */
static char *plain_of(const char *expression) {
  GString *plain = g_string_new(NULL);
  char quote = 0;
  for (const char *at = expression; at && *at; at++) {
    gboolean is_blank = !quote && g_ascii_isspace(*at);
    quote = quote ? (*at == quote ? 0 : quote) : (*at == '\'' || *at == '"') ? *at : 0;
    if (!is_blank)
      g_string_append_c(plain, *at);
    else if (plain->len > 0 && at[1] && !g_ascii_isspace(at[1]))
      g_string_append_c(plain, ' ');
  }
  return g_string_free(plain, !expression);
}

static void put_expression(GString *text, const char *name, const char *expression) {
  g_autofree char *plain = plain_of(expression);
  g_string_append_printf(text, "%s ", name);
  text_put(text, plain);
}

static gint compare_texts(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes the texts. */
static void put_sorted(GString *text, const char *name, GPtrArray *texts) {
  g_ptr_array_sort(texts, compare_texts);
  for (guint i = 0; i < texts->len; i++) {
    g_string_append_printf(text, "%s ", name);
    text_put(text, texts->pdata[i]);
  }
  g_ptr_array_unref(texts);
}

static void put_names(GString *text, const char *name, char *const *names) {
  g_autofree char *all = names ? g_strjoinv("\n", (char **)(gsize)names) : NULL;
  g_string_append_printf(text, "%s ", name);
  text_put(text, all);
}

/* --- Types, of a line's fields */

static char *type_of(const ConfField *field) {
  GString *text = g_string_new(NULL);
  text_put(text, field->name);
  g_string_append_printf(text, "type %d scale %u optional %d normal %u\n", (int)field->type, field->scale,
                         field->optional, field->normal_form);
  text_put(text, field->strip_prefix);
  text_put(text, field->time_zone);
  put_names(text, "values", field->values);
  return g_string_free(text, FALSE);
}

static void put_types(GString *text, const char *name, const ConfLine *line) {
  GPtrArray *types = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; line->present && i < line->fields->len; i++)
    g_ptr_array_add(types, type_of(line->fields->pdata[i]));
  put_sorted(text, name, types);
}

static void put_layout(GString *text, const Conf *conf, const char *name) {
  const ConfLayout *layout = conf_layout(conf, name);
  if (!layout)
    return;
  put_types(text, "header", &layout->header);
  put_types(text, "record", &layout->record);
}

/* --- What a rating does: without its examples, and how the files of what was rated are cut. */

static void put_table(GString *text, const Conf *conf, const char *table) {
  const ConfFeed *feed = conf_reference_feed(conf, table);
  if (feed)
    put_layout(text, conf, feed->layout);
}

/* The text of an expression in its plain form, which `kept` frees. */
static char *keep_plain(GPtrArray *kept, const char *expression) {
  char *plain = plain_of(expression);
  g_ptr_array_add(kept, plain);
  return plain;
}

static void put_rating(GString *text, const Conf *conf, const ConfRating *rating) {
  g_autoptr(GPtrArray) none = g_ptr_array_new(), kept = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
  ConfRating plain = *rating;
  for (guint i = 0; i < rating->steps->len; i++) {
    ConfStep *step = g_memdup2(rating->steps->pdata[i], sizeof(ConfStep));
    step->when = keep_plain(kept, step->when);
    step->amount = keep_plain(kept, step->amount);
    g_ptr_array_add(steps, step);
  }
  plain.quantity.value = keep_plain(kept, plain.quantity.value);
  plain.steps = steps;
  plain.examples = none;
  plain.full_file = (ConfFullFile){0};
  plain.shards = 0;
  text_put_struct(text, &table_lane_rating, &plain, NULL, NULL);
  for (guint i = 0; i < rating->lookups->len; i++)
    put_table(text, conf, ((const ConfLookup *)rating->lookups->pdata[i])->table);
  if (rating->tiers.present)
    put_table(text, conf, rating->tiers.table);
}

/* --- Scenarios */

static char *channel_text(const ConfChannel *channel) {
  GString *text = g_string_new(NULL);
  text_put(text, channel->name);
  put_expression(text, "when", channel->when);
  return g_string_free(text, FALSE);
}

static char *scenario_text(const ConfScenario *scenario) {
  GString *text = g_string_new(NULL);
  GPtrArray *channels = g_ptr_array_new_with_free_func(g_free);
  text_put(text, scenario->name);
  put_expression(text, "when", scenario->when);
  for (guint i = 0; i < scenario->channels->len; i++)
    g_ptr_array_add(channels, channel_text(scenario->channels->pdata[i]));
  put_sorted(text, "channel", channels);
  return g_string_free(text, FALSE);
}

static void put_scenarios(GString *text, const ConfLane *lane, const ConfFeed *feed) {
  GPtrArray *scenarios = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < lane->scenarios->len; i++) {
    const ConfScenario *scenario = lane->scenarios->pdata[i];
    if (!scenario->feeds || g_strv_contains((const char *const *)scenario->feeds, feed->name))
      g_ptr_array_add(scenarios, scenario_text(scenario));
  }
  put_sorted(text, "scenario", scenarios);
}

/* --- A feed, and all of a lane */

static char *digest_of(GString *text) {
  guint8 digest[DIGEST_SHA256_SIZE];
  digest_sha256(text->str, text->len, digest);
  g_string_free(text, TRUE);
  return digest_hex(digest, sizeof digest);
}

char *state_feed_rules(const Conf *conf, const ConfLane *lane, const ConfFeed *feed) {
  GString *text = g_string_new(NULL);
  const ConfRating *rating = conf_rating(lane, feed);
  text_put(text, feed->name);
  g_string_append_printf(text, "on-reject %s process %s key-scope %d\n", feed->reject_file ? "file" : "record",
                         conf_process_word(feed->process), (int)feed->key_scope);
  put_names(text, "key", feed->key_fields);
  put_layout(text, conf, feed->layout);
  for (guint i = 0; feed->rules && i < feed->rules->len; i++) {
    const ConfRule *rule = feed->rules->pdata[i];
    text_put(text, rule->name);
    put_expression(text, "check", rule->check);
    text_put(text, rule->code);
  }
  text_put(text, feed->ledger.account);
  text_put(text, feed->ledger.amount);
  if (rating)
    put_rating(text, conf, rating);
  put_scenarios(text, lane, feed);
  return digest_of(text);
}

char *state_rules_digest(const Conf *conf, const ConfLane *lane) {
  GPtrArray *feeds = g_ptr_array_new_with_free_func(g_free);
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < lane->feeds->len; i++)
    g_ptr_array_add(feeds, state_feed_rules(conf, lane, lane->feeds->pdata[i]));
  put_sorted(text, "feed", feeds);
  return digest_of(text);
}
