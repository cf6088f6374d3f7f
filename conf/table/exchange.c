/* Mailboxes: whose they are, how much they hold, how long it stays. */
#include "conf/table/exchange.h"
#include "conf/conf.h"
#include "conf/read/section.h"
#include <string.h>

/* A mailbox is named in URLs, whatever its lane: its name is taken once. Lanes before this one are read, and of this
 * one the mailboxes before. */
static void check_name(const Section *section, gpointer into) {
  const ConfExchange *exchange = into;
  for (guint i = 0; i < section->conf->lanes->len; i++) {
    const ConfLane *lane = section->conf->lanes->pdata[i];
    for (guint j = 0; lane->exchanges && j < lane->exchanges->len; j++) {
      const ConfExchange *other = lane->exchanges->pdata[j];
      if (other != exchange && strcmp(other->name, exchange->name) == 0)
        section_error(section, NULL,
                      "exchange \"%s\" stands in lane \"%s\" (%s:%u), too: a mailbox's name is taken once",
                      exchange->name, lane->name, other->where.file, other->where.line);
    }
  }
}

static void check_ends(const Section *section, gpointer into) {
  const ConfExchange *exchange = into;
  const char *const options[] = {"source", "consumer"}, *const names[] = {exchange->source, exchange->consumer};
  if (!section->conf->front.present && !section->tree->lost)
    section_error(section, NULL, "exchange \"%s\" needs the front { … } that serves it", exchange->name);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    const ConfPartner *partner = names[i] ? conf_partner(section->conf, names[i]) : NULL;
    if (partner && !partner->access.where.file)
      section_error(section, options[i], "'%s': partner \"%s\" has no access { … } by which it could show who it is",
                    options[i], names[i]);
  }
  if (names[0] && g_strcmp0(names[0], names[1]) == 0)
    section_error(section, "consumer", "'consumer' is the source itself: a mailbox lies between two partners");
}

static const Row items_rows[] = {
    ROW(ConfExchange, "size-limit", size_limit, size64, .otherwise = 8ULL << 30, .least = 1024, .most = 1ULL << 40),
    ROW(ConfExchange, "quota", quota, size64, .otherwise = 200ULL << 30, .least = 1024, .most = 1ULL << 50),
    ROW(ConfExchange, "reserve", reserve, size64, .otherwise = 256ULL << 20, .least = 0, .most = 1ULL << 50),
    ROW(ConfExchange, "incomplete-keep", incomplete_keep, seconds, .otherwise = 86400, .least = 1, .most = 31536000),
    ROW(ConfExchange, "keep-acknowledged", keep_acknowledged, seconds, .otherwise = 7 * 86400, .least = 1,
        .most = 157680000),
    ROW(ConfExchange, "keep-unacknowledged", keep_unacknowledged, seconds, .otherwise = 90 * 86400, .least = 1,
        .most = 157680000),
    ROWS_END,
};
static const Table table_items = TABLE(ConfExchange, items_rows);

static const Row alarm_rows[] = {
    ROW(ConfExchange, "unacknowledged-after", unacknowledged_after, seconds, .otherwise = 4 * 3600, .least = 1,
        .most = 31536000),
    ROW(ConfExchange, "untaken-after", untaken_after, seconds, .otherwise = 8 * 3600, .least = 1, .most = 31536000),
    ROWS_END,
};
static const Table table_alarm = TABLE(ConfExchange, alarm_rows);

static const Row requests_rows[] = {
    ROW(ConfExchange, "from", request_from, choice, .words = WORDS(CONF_ASKERS), .otherwise = CONF_ASKERS_BOTH),
    ROW(ConfExchange, "answer-limit", answer_limit, size64, .otherwise = 8ULL << 30, .least = 1024,
        .most = 1ULL << 40),
    ROW(ConfExchange, "lease", request_lease, seconds, .otherwise = 600, .least = 1, .most = 7 * 86400),
    ROW(ConfExchange, "expire", request_expire, seconds, .otherwise = 3 * 86400, .least = 1, .most = 31536000),
    ROW(ConfExchange, "attempts", request_attempts, number, .otherwise = 3, .least = 1, .most = 1000),
    ROWS_END,
};
static const Table table_requests = TABLE(ConfExchange, requests_rows);

static const Row rows[] = {
    WHERE(ConfExchange),
    TITLE(ConfExchange),
    CHECK(check_name),
    ROW(ConfExchange, "source", source, partner, .needed = "the partner that sends by this mailbox"),
    ROW(ConfExchange, "consumer", consumer, partner, .needed = "the partner that obtains what the source sends"),
    CHECK(check_ends),
    WITHIN("items", table_items, .always = TRUE),
    WITHIN("alarm", table_alarm, .always = TRUE),
    WITHIN("requests", table_requests, .always = TRUE),
    SECTIONS(ConfExchange, "drop-folder", drop_folders, table_drop_folder, .most = 2),
    ROWS_END,
};
const Table table_exchange = TABLE(ConfExchange, rows);
