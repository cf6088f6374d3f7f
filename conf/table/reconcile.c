/* Reconciliations: what is made for a requester, when, how it is written, and which ways it goes out. Which records it
 * reads is in read.c. */
#include "conf/check/references.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

static const ConfPartner *requester_of(const Section *section, const ConfReconcile *reconcile) {
  return reconcile->requester ? conf_partner(section->conf, reconcile->requester) : NULL;
}

static void check_day_offset(const Section *section, gpointer into) {
  if (((ConfReconcile *)into)->day_offset == 0)
    section_warning(
        section, "day-offset",
        "'day-offset' is 0: the files are made on the period's last day, and what comes behind 'at' is not in them");
}

/* --- What the files are like. */

static void check_delimiter(const Section *section, gpointer into) {
  const ConfReconcile *reconcile = into;
  if (reconcile->quote && strchr(reconcile->delimiter, '"'))
    section_error(section, "delimiter", "'delimiter' holds the quote of quote = rfc4180");
}

static const char *const shard_word[] = {"{shard}", NULL};
static const char *const date_word[] = {"{date}", NULL};
static const TemplateRule template_of_shard = {TEMPLATE_SHARD, shard_word,
                                               "must contain {shard}: else each shard would replace the last one"};
static const TemplateRule template_of_date = {
    TEMPLATE_SHARD, date_word, "must contain {date}: else each period's files would replace the last one's"};

static void check_shard_name(const Section *section, gpointer into) {
  static const char *const suffixes[] = {"", ".gz", ".zst"};
  ConfReconcile *reconcile = into;
  if (!reconcile->shard_name)
    reconcile->shard_name = g_strconcat("{type}_{date}_{shard}.csv", suffixes[reconcile->compress],
                                        reconcile->encrypt ? ".pgp" : "", NULL);
  else if (!template_has(reconcile->shard_name, date_word))
    section_error(section, "shard-name", "'shard-name' %s", template_of_date.why);
}

static void check_manifest_name(const Section *section, gpointer into) {
  if (strstr(((ConfReconcile *)into)->manifest_name, "{shard}"))
    section_error(section, "manifest-name", "'manifest-name' holds {shard}, and there is one manifest for all shards");
}

/* --- The ways out. */

static void check_push_endpoint(const Section *section, gpointer into) {
  const ConfReconcile *reconcile = into;
  reference_endpoint(section, requester_of(section, reconcile), ENDPOINT_FOLDERS, reconcile->push_endpoint);
}

static void check_push_marker(const Section *section, gpointer into) {
  if (g_strcmp0(((ConfReconcile *)into)->push_marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
}

static const Row push_rows[] = {
    ROW(ConfReconcile, "endpoint", push_endpoint, name, .needed = "one of the requester's endpoints"),
    CHECK(check_push_endpoint),
    ROW(ConfReconcile, "path", push_path, remote_path, .needed = "the folder on the endpoint"),
    ROW(ConfReconcile, "marker", push_marker, template, .rule = &template_of_marker),
    CHECK(check_push_marker),
    ROWS_END,
};
static const Table table_push = TABLE(ConfReconcile, push_rows);

static void check_status_endpoint(const Section *section, gpointer into) {
  const ConfReconcile *reconcile = into;
  reference_endpoint(section, requester_of(section, reconcile), ENDPOINT_WEB, reconcile->status_endpoint);
}

static const Row status_rows[] = {
    ROW(ConfReconcile, "endpoint", status_endpoint, name, .needed = "one of the requester's endpoints, https"),
    CHECK(check_status_endpoint),
    ROW(ConfReconcile, "path", status_path, url_path, .needed = "the path of its status interface"),
    ROWS_END,
};
static const Table table_status = TABLE(ConfReconcile, status_rows);

/* Unless it is said, what can be served is. */
static void read_serve(const Section *section, const Row *row, gpointer at) {
  const ConfPartner *requester = requester_of(section, section->into);
  const ConfFront *front = &section->conf->front;
  gboolean has_access = requester && requester->access.where.file;
  gboolean serves = section_yes(section, row->name, front->present && has_access);
  *(gboolean *)at = serves;
  if (!serves || !section_has(section, row->name) || section->tree->lost)
    return;
  if (!front->present)
    section_error(section, row->name, "'serve' needs the front { … } that serves");
  if (requester && !has_access)
    section_error(section, row->name, "'serve': partner \"%s\" has no access { … } by which it could show who it is",
                  requester->name);
}

/* What came since a version is known of a ledger alone; the delimited manifest has no place to say that it adds. */
static void check_late(const Section *section, gpointer into) {
  const ConfReconcile *reconcile = into;
  if (reconcile->late != CONF_LATE_SUPPLEMENT)
    return;
  if (reconcile->read.from != CONF_READ_LEDGER)
    section_error(section, "late", "'late = supplement' needs 'from = ledger' in the read rule: of others a version is "
                                   "made with all of the period, late = new-version");
  if (reconcile->delimited_manifest)
    section_error(section, "late", "'late = supplement' does not go with 'delimited-manifest', which cannot say that a "
                                   "version adds to the one before: whoever reads it would take it for all");
}

static const Kind kind_serve = {.store = STORE_UINT, .read = read_serve};
static const Row rows[] = {
    WHERE(ConfReconcile),
    TITLE(ConfReconcile),
    ROW(ConfReconcile, "requester", requester, partner, .needed = "the partner that the files are for"),
    ROW(ConfReconcile, "type", type, name, .needed = "the data type that the requester asks for"),
    ROW(ConfReconcile, "threshold", threshold, number, .otherwise = 0, .least = 1, .most = 100000000,
        .needed = "the most records that one shard holds"),
    SECTION(ConfReconcile, "read", read, table_read_rule, .needed = "the read rule: which records, of which columns"),
    ROW(ConfReconcile, "period", period, choice, .words = WORDS(CONF_PERIODS), .otherwise = CONF_PERIOD_DAY),
    ROW(ConfReconcile, "at", at, time_of_day, .otherwise = 2 * 3600),
    ROW(ConfReconcile, "day-offset", day_offset, number, .otherwise = 1, .least = 0, .most = 60),
    ROW(ConfReconcile, "calendar", calendar, calendar),
    ROW(ConfReconcile, "time-zone", time_zone, own_time_zone),
    CHECK(check_day_offset),
    ROW(ConfReconcile, "quote", quote, yes, .otherwise = TRUE),
    ROW(ConfReconcile, "delimiter", delimiter, delimiter, .text = ","),
    CHECK(check_delimiter),
    ROW(ConfReconcile, "charset", charset, charset, .text = "UTF-8"),
    ROW(ConfReconcile, "line-end", line_end, word, .words = words_line_end, .text = "lf"),
    ROW(ConfReconcile, "header-line", header_line, yes, .otherwise = TRUE),
    ROW(ConfReconcile, "neutralise-formulas", neutralise, yes),
    ROW(ConfReconcile, "compress", compress, choice, .words = WORDS(CONF_SHARD_PACKINGS),
        .otherwise = CONF_SHARD_PLAIN),
    ROW(ConfReconcile, "encrypt", encrypt, yes),
    ROW(ConfReconcile, "delimited-manifest", delimited_manifest, yes),
    ROW(ConfReconcile, "shard-name", shard_name, template, .rule = &template_of_shard),
    CHECK(check_shard_name),
    ROW(ConfReconcile, "manifest-name", manifest_name, template, .rule = &template_of_date,
        .text = "{type}_{date}.manifest.json"),
    CHECK(check_manifest_name),
    WITHIN("push", table_push),
    WITHIN("status", table_status),
    ROW(ConfReconcile, "serve", serve, serve),
    ROW(ConfReconcile, "keep-days", keep_days, number, .otherwise = 90, .least = 1, .most = 36500),
    ROW(ConfReconcile, "late", late, choice, .words = WORDS(CONF_LATES), .otherwise = CONF_LATE_TELL),
    CHECK(check_late),
    ROW(ConfReconcile, "late-wait", late_wait, seconds, .otherwise = 300, .least = 1, .most = 86400),
    {.kind = &kind_front_url}, /* manifests hold it */
    ROWS_END,
};
const Table table_reconcile = TABLE(ConfReconcile, rows);
