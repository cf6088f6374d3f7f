/* What a feed's credits mean, as the configuration says it. */
#include "gateway/move/compare.h"
#include "conf/lookup.h"

static const ConfField *record_field(const Conf *conf, const ConfFeed *feed, const char *name) {
  const ConfLayout *layout = conf_layout(conf, feed->layout);
  return layout ? conf_line_field(&layout->record, name) : NULL;
}

/* How the values of a field are told apart: fields of one kind give the same key for the same bytes. "text", or with
 * its normal form "text trim case"; and what of their bytes is none of the value. A number with decimals is kept in its
 * smallest parts, and a time stamp in its zone: "decimal 2", "timestamp in Asia/Taipei". */
static char *kind_of_field(const ConfLayout *layout, const ConfField *field, StateWords words) {
  static const char *const forms[] = {CONF_NORMAL_FORMS(CONF_WORD) NULL};
  static const char *const kinds[] = {
      [CONF_TEXT] = "text", [CONF_INTEGER] = "integer",     [CONF_DECIMAL] = "decimal",
      [CONF_DATE] = "date", [CONF_TIMESTAMP] = "timestamp", [CONF_ENUMERATION] = "text"};
  if (!field)
    return NULL;
  GString *kind = g_string_new(kinds[field->type]);
  for (guint i = CONF_NORMAL_NONE + 1; forms[i]; i++)
    if (field->normal_form >> i & 1)
      g_string_append_printf(kind, " %s", forms[i]);
  gboolean all = words == STATE_ALL_WORDS;
  if (all && field->type == CONF_TEXT && layout->kind == CONF_LAYOUT_FIXED && field->pad == '0')
    g_string_append(kind, " without zeros before it");
  if (field->type == CONF_TEXT && layout->value_prefix)
    g_string_append_printf(kind, " behind %s", layout->value_prefix);
  if (field->strip_prefix)
    g_string_append_printf(kind, " without %s", field->strip_prefix);
  if (all && field->type == CONF_DECIMAL)
    g_string_append_printf(kind, " %u", field->scale);
  if (all && field->time_zone)
    g_string_append_printf(kind, " in %s", field->time_zone);
  return g_string_free(kind, FALSE);
}

static char *kind_of(const Conf *conf, const ConfFeed *feed, const char *name, StateWords words) {
  return kind_of_field(conf_layout(conf, feed->layout), record_field(conf, feed, name), words);
}

/* A rating is to usage what a ledger is to credits: it has each key once, and adds up by account. No ledger has a blank
 * in its name. */
static void add_rating(const Conf *conf, const ConfFeed *feed, BookFeed *facts) {
  static const char *const counters[] = {CONF_COUNTERS(CONF_WORD) NULL};
  const ConfLane *lane = NULL;
  conf_feed(conf, feed->name, &lane);
  const ConfRating *rating = lane ? conf_rating(lane, feed) : NULL;
  g_autoptr(GPtrArray) kinds = g_ptr_array_new_with_free_func(g_free);
  if (!rating || !rating->key)
    return;
  for (guint i = 0; rating->key[i]; i++)
    g_ptr_array_add(kinds, kind_of(conf, feed, rating->key[i], STATE_ALL_WORDS));
  g_ptr_array_add(kinds, NULL);
  facts->ledger = g_strconcat(STATE_RATING, rating->name, NULL);
  facts->key = g_strjoinv(", ", rating->key);
  facts->key_type = g_strjoinv(", ", (char **)kinds->pdata);
  facts->account = g_strdup(rating->account);
  facts->account_type = kind_of(conf, feed, rating->account, STATE_ALL_WORDS);
  facts->amount = g_strdup(rating->tiers.present ? counters[rating->tiers.counter] : NULL);
  facts->scale = (guint)rating->round.scale;
}

/* As "business-day of sent_on (date)"; of arrival, "business-day". The caller frees. */
static char *bounds_of_key(const Conf *conf, const ConfFeed *feed) {
  static const char *const scopes[] = {CONF_KEY_SCOPES(CONF_WORD)};
  const ConfLayout *layout = conf_layout(conf, feed->layout);
  if (feed->key_scope != CONF_KEY_BUSINESS_DAY || !feed->business_date || !layout)
    return g_strdup(scopes[feed->key_scope]);
  const ConfField *header = conf_line_field(&layout->header, feed->business_date);
  g_autofree char *kind =
      kind_of_field(layout, header ? header : conf_line_field(&layout->record, feed->business_date), STATE_ALL_WORDS);
  return g_strdup_printf("%s of %s (%s)", scopes[feed->key_scope], feed->business_date, kind ? kind : "none");
}

/* Of a field its kind; of several, of each; and last what bounds the key, as "text trim, integer, file". */
static char *kind_of_key(const Conf *conf, const ConfFeed *feed, StateWords words) {
  GString *kinds = g_string_new(NULL);
  for (char **name = feed->key_fields; name && *name; name++) {
    g_autofree char *kind = kind_of(conf, feed, *name, words);
    g_string_append_printf(kinds, "%s%s", kinds->len > 0 ? ", " : "", kind ? kind : "none");
  }
  if (feed->key_scope != CONF_KEY_EVER) {
    g_autofree char *bounds = bounds_of_key(conf, feed);
    g_string_append_printf(kinds, ", %s", bounds);
  }
  return g_string_free(kinds, kinds->len == 0);
}

BookFeed *state_feed_facts(const Conf *conf, const ConfFeed *feed, StateWords words) {
  BookFeed *facts = g_new0(BookFeed, 1);
  facts->feed = g_strdup(feed->name);
  facts->layout = g_strdup(feed->layout);
  facts->is_noted = TRUE;
  if (feed->process == CONF_PROCESS_RATING)
    add_rating(conf, feed, facts);
  if (!feed->ledger.name)
    return facts;
  const ConfField *amount = record_field(conf, feed, feed->ledger.amount);
  facts->ledger = g_strdup(feed->ledger.name);
  facts->key = feed->key_fields ? g_strjoinv("+", feed->key_fields) : NULL;
  facts->key_type = kind_of_key(conf, feed, words);
  facts->account = g_strdup(feed->ledger.account);
  facts->account_type = kind_of(conf, feed, feed->ledger.account, words);
  facts->amount = g_strdup(feed->ledger.amount);
  facts->scale = amount && amount->type == CONF_DECIMAL ? amount->scale : 0;
  return facts;
}

gboolean state_note_lane(BookTransaction *tx, const Conf *conf, const ConfLane *lane, GError **error) {
  gboolean ok = book_set_fact(tx, "lane", lane->name, error) && book_set_fact(tx, "kinds", "all words", error);
  for (guint i = 0; ok && i < lane->feeds->len; i++) {
    BookFeed *facts = state_feed_facts(conf, lane->feeds->pdata[i], STATE_ALL_WORDS);
    ok = book_note_feed(tx, facts, error);
    book_feed_free(facts);
  }
  return ok;
}
