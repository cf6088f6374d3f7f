/* Lanes and their feeds: what concerns the feed as a whole. Its two ends are in build_folders.c. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

#define RULES_LIMIT 64 /* one bit each in what the evaluation gives */
#define RULE_TEXT_LIMIT 4096
#define X_LEAST 2500   /* the range of x that needs no asking for */
#define X_MOST 5000

/* ---- references into the layout ---- */

/* The record's field that an option names; NULL, and told, when there is none of the kinds wanted. */
static const ConfField *record_field(const Section *section, const char *option, const char *name, const ConfLayout *layout) {
  if (name == NULL || layout == NULL || !layout->record.present) return NULL;
  const ConfField *field = conf_line_field(&layout->record, name);
  if (field != NULL) return field;
  g_autofree char *suggestion = suggest_field(&layout->record, name);
  section_error(section, option, "'%s': the record of layout \"%s\" has no field \"%s\"%s", option, layout->name, name, suggestion);
  return NULL;
}

static void check_field_kind(const Section *section, const char *option, const ConfField *field, ConfFieldType other) {
  if (field == NULL) return;
  if (field->type != CONF_INTEGER && field->type != other)
    section_error(section, option, "'%s': field \"%s\" must be %s or integer", option, field->name, other == CONF_TEXT ? "text" : "decimal");
  if (field->optional) section_error(section, option, "'%s': field \"%s\" is optional; every record must have it", option, field->name);
}

static void check_business_date(const Section *section, const ConfFeed *feed, const ConfLayout *layout) {
  const char *name = feed->business_date;
  if (name == NULL || layout == NULL) return;
  const ConfField *header = conf_line_field(&layout->header, name);
  const ConfField *record = conf_line_field(&layout->record, name);
  if (header != NULL && record != NULL)
    section_error(section, "business-date", "'business-date': the header and the record of layout \"%s\" both have a field \"%s\"", layout->name, name);
  else if (header == NULL && record == NULL)
    section_error(section, "business-date", "'business-date': neither the header nor the record of layout \"%s\" has a field \"%s\"", layout->name, name);
  else if ((header != NULL ? header : record)->type != CONF_DATE)
    section_error(section, "business-date", "'business-date': field \"%s\" must be of type date", name);
  else if ((header != NULL ? header : record)->optional)
    section_error(section, "business-date", "'business-date': field \"%s\" is optional; every file must have it", name);
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
  if (rule->message == NULL) rule->message = g_strdup(rule->name);
  return rule;
}

static void build_rules(const Section *feed_section, ConfFeed *feed) {
  guint count = section_count(feed_section, "rule");
  if (count > RULES_LIMIT) section_error(feed_section, NULL, "feed \"%s\" has %u rules; %d are the most", feed->name, count, RULES_LIMIT);
  for (guint i = 0; i < count; i++) {
    Section section = section_at(feed_section, "rule", i);
    g_ptr_array_add(feed->rules, build_rule(&section));
  }
}

/* ---- batches ---- */

static void check_batch(const Section *section, const ConfBatch *batch) {
  if (batch->size_min > batch->size_max)
    section_error(section, "size-min", "'size-min' (%u) is greater than 'size-max' (%u)", batch->size_min, batch->size_max);
  if (batch->allow_any_size) return;
  const char *options[] = {"size-min", "size-max"};
  guint sizes[] = {batch->size_min, batch->size_max};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (sizes[i] < X_LEAST || sizes[i] > X_MOST)
      section_error(section, options[i], "'%s' is %u, outside %d to %d; if that is meant, say so with allow-any-size = yes", options[i], sizes[i],
                    X_LEAST, X_MOST);
}

static void build_batch(const Section *feed_section, ConfBatch *batch) {
  *batch = (ConfBatch){.where = section_where(feed_section, NULL), .size_min = X_LEAST, .size_max = X_MOST};
  Section section, pressure;
  if (!section_inner(feed_section, "batch", &section)) return;
  batch->where = section_where(&section, NULL);
  batch->allow_any_size = section_yes(&section, "allow-any-size", FALSE);
  guint minimum = section_number(&section, "size-min", (Range){.otherwise = 0, .least = 1, .most = 1000000});
  guint maximum = section_number(&section, "size-max", (Range){.otherwise = 0, .least = 1, .most = 1000000});
  /* One of them alone moves the other's default out of its way. */
  batch->size_min = minimum != 0 ? minimum : MIN(X_LEAST, maximum != 0 ? maximum : X_LEAST);
  batch->size_max = maximum != 0 ? maximum : MAX(X_MOST, batch->size_min);
  check_batch(&section, batch);
  if (!section_inner(&section, "pressure", &pressure)) return;
  section_require(&pressure, "target-latency", "how long a batch may take before the pressure is too high");
  batch->target_latency = section_milliseconds(&pressure, "target-latency", (Range){.otherwise = 0, .least = 1, .most = 600000});
}

/* ---- what is done with the records ---- */

static void build_process(const Section *feed_section, ConfFeed *feed, const ConfLayout *layout) {
  ConfLedger *ledger = &feed->ledger;
  section_require(feed_section, "process", "what is done with the records: process ledger { … }");
  Section section;
  if (!section_inner(feed_section, "process", &section)) return;
  ledger->where = section_where(&section, NULL);
  if (g_strcmp0(section.scanned->title, "ledger") != 0) {
    section_error(&section, NULL, "'process' must be ledger: the others are not supported yet by this version");
    return;
  }
  section_require(&section, "name", "the ledger's name");
  section_require(&section, "account", "the field that says whose account is credited");
  section_require(&section, "amount", "the field that says how much");
  ledger->name = section_name(&section, "name");
  ledger->account = section_text(&section, "account");
  ledger->amount = section_text(&section, "amount");
  ledger->shards = section_number(&section, "shards", (Range){.otherwise = 4, .least = 1, .most = 64});
  check_field_kind(&section, "account", record_field(&section, "account", ledger->account, layout), CONF_TEXT);
  check_field_kind(&section, "amount", record_field(&section, "amount", ledger->amount, layout), CONF_DECIMAL);
}

/* ---- feed and lane ---- */

static const ConfLayout *build_references(const Section *section, const Conf *conf, ConfFeed *feed) {
  section_require(section, "partner", "whose files these are");
  section_require(section, "layout", "how the records are written");
  feed->partner = section_name(section, "partner");
  feed->layout = section_name(section, "layout");
  if (feed->partner != NULL && conf_partner(conf, feed->partner) == NULL && !section->scan->lost)
    section_error(section, "partner", "there is no partner \"%s\"", feed->partner);
  const ConfLayout *layout = feed->layout == NULL ? NULL : conf_layout(conf, feed->layout);
  if (feed->layout != NULL && layout == NULL && !section->scan->lost)
    section_error(section, "layout", "there is no layout \"%s\"", feed->layout);
  return layout;
}

static ConfFeed *build_feed(const Section *section, const Conf *conf) {
  static const char *const rejects[] = {"record", "file", NULL};
  ConfFeed *feed = g_new0(ConfFeed, 1);
  feed->where = section_where(section, NULL);
  feed->name = section_title(section);
  feed->rules = g_ptr_array_new();
  const ConfLayout *layout = build_references(section, conf, feed);
  section_require(section, "key", "the field that tells records apart, so that none is credited twice");
  feed->key = section_text(section, "key");
  check_field_kind(section, "key", record_field(section, "key", feed->key, layout), CONF_TEXT);
  feed->business_date = section_text(section, "business-date");
  check_business_date(section, feed, layout);
  feed->reject_file = section_choice(section, "on-reject", rejects, TRUE) == 1;
  feed->plain_limit = section_size(section, "plain-limit", (Range){.otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40});
  feed->ratio_limit = section_number(section, "ratio-limit", (Range){.otherwise = 200, .least = 2, .most = 100000});
  feed->retry_limit = section_number(section, "retry-limit", (Range){.otherwise = 10, .least = 1, .most = 1000});
  build_source(section, conf, feed);
  build_rules(section, feed);
  build_batch(section, &feed->batch);
  build_process(section, feed, layout);
  build_feedback(section, conf, feed);
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
  if (lane->feeds->len == 0 && !section->scanned->damaged) section_warning(section, NULL, "lane \"%s\" has no feed", lane->name);
  return lane;
}
