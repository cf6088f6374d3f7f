/* Lanes and their feeds: what concerns the feed as a whole. */
#include "conf/check/references.h"
#include "conf/read/value.h"
#include "conf/table/exchange.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"
#include "conf/table/query.h"
#include "conf/table/idle.h"
#include "conf/table/rating.h"
#include "conf/table/replay.h"
#include "conf/table/scenario.h"
#include "conf/table/tables.h"
#include <string.h>

#define RULES_LIMIT 64 /* one bit each in what the evaluation gives */
#define RULE_TEXT_LIMIT 4096
#define DAYS_MOST 36500

static const ConfLayout *layout_of(const Section *section, const ConfFeed *feed) {
  return feed->layout ? conf_layout(section->conf, feed->layout) : NULL;
}

/* --- Rules. */

static void begin_rule(const Section *section, gpointer into) {
  ((ConfRule *)into)->where = section_where(section, "check");
}

static void check_rule(const Section *section, gpointer into) {
  ConfRule *rule = into;
  if (rule->check && (strlen(rule->check) > RULE_TEXT_LIMIT || !g_utf8_validate(rule->check, -1, NULL)))
    section_error(section, "check", "'check' must be at most %d bytes of UTF-8", RULE_TEXT_LIMIT);
}

static void check_code(const Section *section, gpointer into) {
  const ConfRule *rule = into;
  if (rule->code && (!value_is_name(rule->code) || strlen(rule->code) > 32))
    section_error(section, "code", "'code' must be 1 to 32 letters, digits or . _ -, beginning with a letter or digit");
}

static void fill_message(const Section *section, gpointer into) {
  (void)section;
  ConfRule *rule = into;
  if (!rule->message)
    rule->message = g_strdup(rule->name);
}

static const Row rule_rows[] = {
    WHERE(ConfRule),
    TITLE(ConfRule),
    CHECK(begin_rule),
    ROW(ConfRule, "check", check, raw, .needed = "an SQL expression that is true for a good record"),
    CHECK(check_rule),
    ROW(ConfRule, "code", code, raw, .needed = "what the feedback says of a record that breaks the rule"),
    CHECK(check_code),
    ROW(ConfRule, "message", message, text),
    CHECK(fill_message),
    ROWS_END,
};
static const Table table_rule = TABLE(ConfRule, rule_rows);

static void check_rule_count(const Section *section, gpointer into) {
  guint count = section_count(section, "rule");
  if (count > RULES_LIMIT)
    section_error(section, NULL, "feed \"%s\" has %u rules; %d are the most", ((ConfFeed *)into)->name, count,
                  RULES_LIMIT);
}

/* --- References into the layout. */

/* A process without a ledger credits nothing: without a key it tells no records apart. */
static gboolean needs_key(const Section *section) {
  if (section_count(section, "process") == 0)
    return TRUE;
  Section process = section_at(section, "process", 0, NULL);
#define NEEDS_NONE(constant, word, type, keeps_ledger)               \
  if (!(keeps_ledger) && g_strcmp0(process.node->title, #word) == 0) \
    return FALSE;
  CONF_PROCESSES(NEEDS_NONE)
  return TRUE;
}

static void require_key(const Section *section, gpointer into) {
  (void)into;
  if (needs_key(section))
    section_require(section, "key", "the field that tells records apart, so that none is credited twice");
}

static void check_key(const Section *section, gpointer into) {
  ConfFeed *feed = into;
  const ConfLayout *layout = layout_of(section, feed);
  guint n = feed->key_fields ? g_strv_length(feed->key_fields) : 0;
  section_only_with(section, "key-scope", n > 0, "'key'");
  if (n == 0)
    return;
  feed->key = g_strdup(n == 1 && feed->key_scope == CONF_KEY_EVER ? feed->key_fields[0] : CONF_KEY_COLUMN);
  reference_key(section, feed, layout);
}

static void check_repeating_key(const Section *section, gpointer into) {
  reference_key_that_repeats(section, into, layout_of(section, into));
}

static void check_business_date(const Section *section, gpointer into) {
  const ConfFeed *feed = into;
  const char *name = feed->business_date;
  const ConfLayout *layout = layout_of(section, feed);
  if (!name || !layout)
    return;
  const ConfField *header = conf_line_field(&layout->header, name);
  const ConfField *record = conf_line_field(&layout->record, name);
  const ConfField *field = header ? header : record;
  if (header && record)
    section_error(section, "business-date",
                  "'business-date': the header and the record of layout \"%s\" both have a field \"%s\"", layout->name,
                  name);
  else if (!field)
    section_error(section, "business-date",
                  "'business-date': neither the header nor the record of layout \"%s\" has a field \"%s\"",
                  layout->name, name);
  else if (field->type != CONF_DATE && field->type != CONF_TIMESTAMP)
    section_error(section, "business-date", "'business-date': field \"%s\" must be of type date or timestamp", name);
  else if (field->optional)
    section_error(section, "business-date", "'business-date': field \"%s\" is optional%s; every file must have it",
                  name, record && layout->records->len > 1 ? " or missing in one kind of record" : "");
}

static void check_business_days(const Section *section, gpointer into) {
  const ConfFeed *feed = into;
  static const char *const names[] = {"business-date-back", "business-date-ahead"};
  guint values[] = {feed->business_back, feed->business_ahead};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    section_only_with(section, names[i], feed->business_date != NULL, "'business-date'");
    if (values[i] % 86400 != 0)
      section_error(section, names[i], "'%s' must be whole days, as 90d", names[i]);
  }
}

/* --- Between the feed's sections. */

static void check_day_of_arrival(const Section *section, gpointer into) {
  const ConfFeed *feed = into;
  if (feed->cut_off.present && feed->cut_off.after == CONF_CUTOFF_NEXT_DAY && feed->business_date)
    conf_report_warning(section->report, feed->cut_off.where,
                        "'cut-off' with after = next-day moves the day of arrival, and this feed's day is its "
                        "business-date: nothing is moved");
}

extern const Kind kind_process; /* process.c */
static const char *const rejects[] = {"record", "file", NULL};
#define PROCESS_MEMBER(constant, word, type, keeps_ledger) KEPT(ConfFeed, word, struct, .inner = &table_##word),
static const Row feed_rows[] = {
    WHERE(ConfFeed),
    TITLE(ConfFeed),
    ROW(ConfFeed, "partner", partner, partner, .needed = "whose files these are"),
    ROW(ConfFeed, "layout", layout, layout, .needed = "how the records are written"),
    CHECK(require_key),
    ROW(ConfFeed, "key", key_fields, list, .most = 8),
    ROW(ConfFeed, "key-scope", key_scope, choice, .words = WORDS(CONF_KEY_SCOPES), .otherwise = CONF_KEY_EVER),
    CHECK(check_key),
    KEPT(ConfFeed, key, text),
    ROW(ConfFeed, "business-date", business_date, text),
    CHECK(check_business_date),
    ROW(ConfFeed, "business-date-back", business_back, seconds, .otherwise = 731 * 86400U, .least = 0,
        .most = DAYS_MOST * 86400ULL),
    ROW(ConfFeed, "business-date-ahead", business_ahead, seconds, .otherwise = 31 * 86400U, .least = 0,
        .most = DAYS_MOST * 86400ULL),
    CHECK(check_business_days),
    ROW(ConfFeed, "on-reject", reject_file, choice, .words = rejects, .otherwise = TRUE),
    ROW(ConfFeed, "plain-limit", plain_limit, size64, .otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40),
    ROW(ConfFeed, "ratio-limit", ratio_limit, number, .otherwise = 200, .least = 2, .most = 100000),
    ROW(ConfFeed, "retry-limit", retry_limit, number, .otherwise = 10, .least = 1, .most = 1000),
    SECTION(ConfFeed, "source", source, table_source, .needed = "the folder that the files come from"),
    CHECK(check_rule_count),
    SECTIONS(ConfFeed, "rule", rules, table_rule),
    SECTION(ConfFeed, "batch", batch, table_batch, .always = TRUE),
    ROW(ConfFeed, "process", process, process, .inner = &table_process, .title = TITLE_REQUIRED,
        .needed = "what is done with the records: process ledger { … }"),
    CONF_PROCESSES(PROCESS_MEMBER) CHECK(check_repeating_key),
    SECTION(ConfFeed, "feedback", feedback, table_feedback, .needed = "the folder that the answers go to"),
    SECTION(ConfFeed, "repeats", repeats, table_repeats, .always = TRUE),
    SECTION(ConfFeed, "sequence", sequence, table_sequence),
    SECTIONS(ConfFeed, "expect", expects, table_expect),
    SECTION(ConfFeed, "cut-off", cut_off, table_cut_off),
    CHECK(check_day_of_arrival),
    ROWS_END,
};
const Table table_feed = TABLE(ConfFeed, feed_rows);

/* --- Lanes: a capability adds a row of its sections here. */

static void check_lane(const Section *section, gpointer into) {
  const ConfLane *lane = into;
  guint sections = lane->feeds->len + lane->reconciles->len + lane->exchanges->len + lane->ratings->len +
                   lane->queries->len;
  if (sections == 0 && !section->node->damaged)
    section_warning(section, NULL, "lane \"%s\" has no feed", lane->name);
}

static const Row lane_rows[] = {
    WHERE(ConfLane),
    TITLE(ConfLane),
    ROW(ConfLane, "threads", threads, number, .otherwise = 0, .least = 0, .most = 256),
    SECTIONS(ConfLane, "rating", ratings, table_lane_rating), /* before the feeds, which name them */
    SECTIONS(ConfLane, "feed", feeds, table_feed),
    SECTIONS(ConfLane, "scenario", scenarios, table_scenario, .most = 256), /* behind the feeds, which it names */
    SECTIONS(ConfLane, "reconcile", reconciles, table_reconcile),
    SECTIONS(ConfLane, "exchange", exchanges, table_exchange),
    SECTIONS(ConfLane, "query", queries, table_query),
    SECTION(ConfLane, "replay", replay, table_replay),
    SECTION(ConfLane, "idle", idle, table_idle),
    CHECK(check_lane),
    ROWS_END,
};
const Table table_lane = TABLE(ConfLane, lane_rows);
