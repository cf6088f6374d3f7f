/* Reconciliations: what is made for a requester, when, how it is written, and which ways it goes out. */
#include "conf/build.h"
#include "conf/url.h"
#include <string.h>

/* ---- when ---- */

static void build_period(const Section *section, const Conf *conf, ConfReconcile *reconcile) {
  static const char *const periods[] = {"day", "month", NULL};
  reconcile->period = section_choice(section, "period", periods, CONF_PERIOD_DAY);
  reconcile->at = section_time_of_day(section, "at", 2 * 3600);
  reconcile->day_offset = section_number(section, "day-offset", (Range){.otherwise = 1, .least = 0, .most = 60});
  reconcile->calendar = build_calendar_name(section, conf);
  reconcile->time_zone = build_time_zone(section, "time-zone");
  if (reconcile->time_zone == NULL)
    reconcile->time_zone = g_strdup(conf->node.time_zone);
  if (reconcile->day_offset == 0)
    section_warning(
        section, "day-offset",
        "'day-offset' is 0: the files are made on the period's last day, and what comes behind 'at' is not in them");
}

/* ---- what the files are like ---- */

static void build_shard_names(const Section *section, ConfReconcile *reconcile) {
  static const char *const suffixes[] = {"", ".gz", ".zst"};
  static const char *const shard[] = {"{shard}", NULL};
  static const char *const date[] = {"{date}", NULL};
  static const TemplateRule of_shard = {TEMPLATE_SHARD, shard,
                                        "must contain {shard}: else each shard would replace the last one"};
  static const TemplateRule of_date = {TEMPLATE_SHARD, date,
                                       "must contain {date}: else each period's files would replace the last one's"};
  reconcile->shard_name = build_template(section, "shard-name", of_shard);
  if (reconcile->shard_name == NULL)
    reconcile->shard_name = g_strconcat("{type}_{date}_{shard}.csv", suffixes[reconcile->compress],
                                        reconcile->encrypt ? ".pgp" : "", NULL);
  else if (!template_has(reconcile->shard_name, date))
    section_error(section, "shard-name", "'shard-name' %s", of_date.why);
  reconcile->manifest_name = build_template(section, "manifest-name", of_date);
  if (reconcile->manifest_name == NULL)
    reconcile->manifest_name = g_strdup("{type}_{date}.manifest.json");
  if (strstr(reconcile->manifest_name, "{shard}") != NULL)
    section_error(section, "manifest-name", "'manifest-name' holds {shard}, and there is one manifest for all shards");
}

static void build_form(const Section *section, ConfReconcile *reconcile) {
  static const char *const ends[] = {"lf", "crlf", NULL};
  static const char *const compressions[] = {"none", "gzip", "zstd", NULL};
  reconcile->quote = section_yes(section, "quote", TRUE);
  reconcile->delimiter = build_delimiter(section, reconcile->quote);
  if (reconcile->delimiter == NULL)
    reconcile->delimiter = g_strdup(",");
  reconcile->charset = build_charset(section);
  if (reconcile->charset == NULL)
    reconcile->charset = g_strdup("UTF-8");
  reconcile->line_end = g_strdup(ends[section_choice(section, "line-end", ends, 0)]);
  reconcile->header_line = section_yes(section, "header-line", TRUE);
  reconcile->neutralise = section_yes(section, "neutralise-formulas", FALSE);
  reconcile->compress = section_choice(section, "compress", compressions, CONF_SHARD_PLAIN);
  reconcile->encrypt = section_yes(section, "encrypt", FALSE);
  reconcile->delimited_manifest = section_yes(section, "delimited-manifest", FALSE);
}

/* ---- the ways out ---- */

static void build_push(const Section *outer, const ConfPartner *requester, ConfReconcile *reconcile) {
  Section section;
  if (!section_inner(outer, "push", &section))
    return;
  section_require(&section, "endpoint", "one of the requester's endpoints");
  section_require(&section, "path", "the folder on the endpoint");
  build_endpoint_name(&section, requester, ENDPOINT_FOLDERS, &reconcile->push_endpoint);
  reconcile->push_path = build_remote_path(&section, "path");
  reconcile->push_marker = build_template(&section, "marker", template_of_marker);
  if (g_strcmp0(reconcile->push_marker, "{name}") == 0)
    section_error(&section, "marker", "'marker' is the name of the file itself");
}

static void build_status(const Section *outer, const ConfPartner *requester, ConfReconcile *reconcile) {
  Section section;
  if (!section_inner(outer, "status", &section))
    return;
  section_require(&section, "endpoint", "one of the requester's endpoints, https");
  section_require(&section, "path", "the path of its status interface");
  build_endpoint_name(&section, requester, ENDPOINT_WEB, &reconcile->status_endpoint);
  reconcile->status_path = build_url_path(&section, "path");
}

static void build_serve(const Section *section, const Conf *conf, const ConfPartner *requester,
                        ConfReconcile *reconcile) {
  gboolean has_access = requester != NULL && requester->access.where.file != NULL;
  reconcile->serve = section_yes(section, "serve", conf->front.present && has_access);
  if (!reconcile->serve || !section_has(section, "serve") || section->scan->lost)
    return;
  if (!conf->front.present)
    section_error(section, "serve", "'serve' needs the front { … } that serves");
  if (requester != NULL && !has_access)
    section_error(section, "serve", "'serve': partner \"%s\" has no access { … } by which it could show who it is",
                  requester->name);
}

/* ---- all of it ---- */

ConfReconcile *build_reconcile(const Section *section, const Conf *conf, const ConfLane *lane) {
  ConfReconcile *reconcile = g_new0(ConfReconcile, 1);
  reconcile->where = section_where(section, NULL);
  reconcile->name = section_title(section);
  section_require(section, "requester", "the partner that the files are for");
  section_require(section, "type", "the data type that the requester asks for");
  section_require(section, "threshold", "the most records that one shard holds");
  const ConfPartner *requester = build_partner_name(section, conf, "requester", &reconcile->requester);
  reconcile->type = section_name(section, "type");
  reconcile->threshold = section_number(section, "threshold", (Range){.otherwise = 0, .least = 1, .most = 100000000});
  build_read(section, conf, lane, reconcile);
  build_period(section, conf, reconcile);
  build_form(section, reconcile);
  build_shard_names(section, reconcile);
  build_push(section, requester, reconcile);
  build_status(section, requester, reconcile);
  build_serve(section, conf, requester, reconcile);
  reconcile->keep_days = section_number(section, "keep-days", (Range){.otherwise = 90, .least = 1, .most = 36500});
  return reconcile;
}
