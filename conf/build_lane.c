/* Lanes and their feeds: what concerns the feed as a whole. Its two ends are in build_source.c and build_feedback.c. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

#define RULES_LIMIT 64 /* one bit each in what the evaluation gives */
#define RULE_TEXT_LIMIT 4096
#define X_LEAST 2500 /* the range of x that needs no asking for */
#define X_MOST 5000

/* ---- references into the layout ---- */

static void check_business_date(const Section *section, const ConfFeed *feed, const ConfLayout *layout) {
  const char *name = feed->business_date;
  if (name == NULL || layout == NULL)
    return;
  const ConfField *header = conf_line_field(&layout->header, name);
  const ConfField *record = conf_line_field(&layout->record, name);
  if (header != NULL && record != NULL)
    section_error(section, "business-date",
                  "'business-date': the header and the record of layout \"%s\" both have a field \"%s\"", layout->name,
                  name);
  else if (header == NULL && record == NULL)
    section_error(section, "business-date",
                  "'business-date': neither the header nor the record of layout \"%s\" has a field \"%s\"",
                  layout->name, name);
  else if ((header != NULL ? header : record)->type != CONF_DATE)
    section_error(section, "business-date", "'business-date': field \"%s\" must be of type date", name);
  else if ((header != NULL ? header : record)->optional)
    section_error(section, "business-date", "'business-date': field \"%s\" is optional%s; every file must have it",
                  name, record != NULL && layout->records->len > 1 ? " or missing in one kind of record" : "");
}

/* ---- rules ---- */

static ConfRule *build_rule(const Section *section) {
  ConfRule *rule = g_new0(ConfRule, 1);
  rule->name = section_title(section);
  rule->where = section_where(section, "check");
  section_require(section, "check", "an SQL expression that is true for a good record");
  section_require(section, "code", "what the feedback says of a record that breaks the rule");
  rule->check = section_raw(section, "check");
  if (rule->check != NULL && (strlen(rule->check) > RULE_TEXT_LIMIT || !g_utf8_validate(rule->check, -1, NULL)))
    section_error(section, "check", "'check' must be at most %d bytes of UTF-8", RULE_TEXT_LIMIT);
  rule->code = section_raw(section, "code");
  if (rule->code != NULL && (!value_is_name(rule->code) || strlen(rule->code) > 32))
    section_error(section, "code", "'code' must be 1 to 32 letters, digits or . _ -, beginning with a letter or digit");
  rule->message = section_text(section, "message");
  if (rule->message == NULL)
    rule->message = g_strdup(rule->name);
  return rule;
}

static void build_rules(const Section *feed_section, ConfFeed *feed) {
  guint count = section_count(feed_section, "rule");
  if (count > RULES_LIMIT)
    section_error(feed_section, NULL, "feed \"%s\" has %u rules; %d are the most", feed->name, count, RULES_LIMIT);
  for (guint i = 0; i < count; i++) {
    Section section = section_at(feed_section, "rule", i);
    g_ptr_array_add(feed->rules, build_rule(&section));
  }
}

/* ---- batches ---- */

static void check_batch(const Section *section, const ConfBatch *batch) {
  if (batch->size_min > batch->size_max)
    section_error(section, "size-min", "'size-min' (%u) is greater than 'size-max' (%u)", batch->size_min,
                  batch->size_max);
  if (batch->allow_any_size)
    return;
  const char *options[] = {"size-min", "size-max"};
  guint sizes[] = {batch->size_min, batch->size_max};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (sizes[i] < X_LEAST || sizes[i] > X_MOST)
      section_error(section, options[i],
                    "'%s' is %u, outside %d to %d; if that is meant, say so with allow-any-size = yes", options[i],
                    sizes[i], X_LEAST, X_MOST);
}

static void build_batch(const Section *feed_section, ConfBatch *batch) {
  *batch = (ConfBatch){.where = section_where(feed_section, NULL),
                       .size_min = X_LEAST,
                       .size_max = X_MOST,
                       .threads_min = 1,
                       .threads_max = 8};
  Section section, pressure;
  if (!section_inner(feed_section, "batch", &section))
    return;
  batch->where = section_where(&section, NULL);
  batch->allow_any_size = section_yes(&section, "allow-any-size", FALSE);
  guint minimum = section_number(&section, "size-min", (Range){.otherwise = 0, .least = 1, .most = 1000000});
  guint maximum = section_number(&section, "size-max", (Range){.otherwise = 0, .least = 1, .most = 1000000});
  /* One of them alone moves the other's default out of its way. */
  batch->size_min = minimum != 0 ? minimum : MIN(X_LEAST, maximum != 0 ? maximum : X_LEAST);
  batch->size_max = maximum != 0 ? maximum : MAX(X_MOST, batch->size_min);
  check_batch(&section, batch);
  if (!section_inner(&section, "pressure", &pressure))
    return;
  section_require(&pressure, "target-latency", "how long a batch may take before the pressure is too high");
  batch->target_latency = section_milliseconds(&pressure, "target-latency",
                                               (Range){.otherwise = 0, .least = 1, .most = 600000});
  batch->threads_min = section_number(&pressure, "threads-min", (Range){.otherwise = 1, .least = 1, .most = 256});
  batch->threads_max = section_number(&pressure, "threads-max",
                                      (Range){.otherwise = MAX(8, batch->threads_min), .least = 1, .most = 256});
  if (batch->threads_min > batch->threads_max)
    section_error(&pressure, "threads-min", "'threads-min' (%u) is greater than 'threads-max' (%u)", batch->threads_min,
                  batch->threads_max);
}

/* ---- feed and lane ---- */

static const ConfLayout *build_feed_references(const Section *section, const Conf *conf, ConfFeed *feed) {
  section_require(section, "partner", "whose files these are");
  section_require(section, "layout", "how the records are written");
  build_partner_name(section, conf, "partner", &feed->partner);
  return build_layout_name(section, conf, &feed->layout);
}

/* deliver credits nothing: without a key it tells no records apart. */
static gboolean needs_key(const Section *section) {
  Section process;
  return !section_inner(section, "process", &process) || g_strcmp0(process.scanned->title, "deliver") != 0;
}

static ConfFeed *build_feed(const Section *section, const Conf *conf) {
  static const char *const rejects[] = {"record", "file", NULL};
  ConfFeed *feed = g_new0(ConfFeed, 1);
  feed->where = section_where(section, NULL);
  feed->name = section_title(section);
  feed->rules = g_ptr_array_new();
  feed->expects = g_ptr_array_new();
  const ConfLayout *layout = build_feed_references(section, conf, feed);
  if (needs_key(section))
    section_require(section, "key", "the field that tells records apart, so that none is credited twice");
  feed->key = section_text(section, "key");
  check_record_field(section, "key", feed->key, layout, CONF_TEXT);
  feed->business_date = section_text(section, "business-date");
  check_business_date(section, feed, layout);
  feed->reject_file = section_choice(section, "on-reject", rejects, TRUE) == 1;
  feed->plain_limit = section_size(section, "plain-limit",
                                   (Range){.otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40});
  feed->ratio_limit = section_number(section, "ratio-limit", (Range){.otherwise = 200, .least = 2, .most = 100000});
  feed->retry_limit = section_number(section, "retry-limit", (Range){.otherwise = 10, .least = 1, .most = 1000});
  build_source(section, conf, feed);
  build_rules(section, feed);
  build_batch(section, &feed->batch);
  build_process(section, conf, feed);
  build_feedback(section, conf, feed);
  build_watch(section, conf, feed);
  return feed;
}

ConfLane *build_lane(const Section *section, const Conf *conf) {
  ConfLane *lane = g_new0(ConfLane, 1);
  lane->where = section_where(section, NULL);
  lane->name = section_title(section);
  lane->threads = section_number(section, "threads", (Range){.otherwise = 0, .least = 0, .most = 256});
  lane->feeds = g_ptr_array_new();
  for (guint i = 0; i < section_count(section, "feed"); i++) {
    Section inner = section_at(section, "feed", i);
    g_ptr_array_add(lane->feeds, build_feed(&inner, conf));
  }
  lane->reconciles = g_ptr_array_new();
  for (guint i = 0; i < section_count(section, "reconcile"); i++) {
    Section inner = section_at(section, "reconcile", i);
    g_ptr_array_add(lane->reconciles, build_reconcile(&inner, conf, lane));
  }
  if (lane->feeds->len == 0 && lane->reconciles->len == 0 && !section->scanned->damaged)
    section_warning(section, NULL, "lane \"%s\" has no feed", lane->name);
  return lane;
}
