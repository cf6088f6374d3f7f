#include "conf/conf.h"
#include "conf/build.h"
#include "conf/source.h"
#include <pthread.h>
#include <string.h>

/* libconfuse's lexer is one for the process. */
static pthread_mutex_t confuse_lock = PTHREAD_MUTEX_INITIALIZER;

/* The scan has told what people wrote wrongly; what libconfuse still refuses is a disagreement between the two of us.
 */
static void tell_refused(cfg_t *cfg, const char *format, va_list arguments) {
  (void)cfg, (void)format, (void)arguments; /* not shown: it may quote a secret */
}

static cfg_t *parse_scanned(const Scan *scan, ConfReport *report) {
  cfg_t *cfg = cfg_init(grammar_root(), CFGF_NONE);
  cfg_set_error_function(cfg, tell_refused);
  if (cfg_parse_buf(cfg, scan->text->str) == CFG_SUCCESS)
    return cfg;
  const ScanSection *root = g_ptr_array_index(scan->sections, 0);
  conf_report_error(report, root->where,
                    "the configuration cannot be parsed (around statement %d as libconfuse sees it)", cfg->line);
  cfg_free(cfg);
  return NULL;
}

static Conf *conf_new(void) {
  Conf *conf = g_new0(Conf, 1);
  conf->partners = g_ptr_array_new();
  conf->layouts = g_ptr_array_new();
  conf->lanes = g_ptr_array_new();
  conf->calendars = g_ptr_array_new();
  return conf;
}

/* An array of what the sections of one name are built to. */
#define BUILD_ALL(array, root, name, build_one)                     \
  for (guint i = 0; i < section_count(root, name); i++) {           \
    Section section = section_at(root, name, i);                    \
    g_ptr_array_add(array, build_one(&section));                    \
  }

/* One name in both kinds would make two servers of one name in logs. */
static void check_system_names(const Conf *conf, const Section *root) {
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *system = g_ptr_array_index(conf->partners, i);
    if (system->is_system && conf_partner(conf, system->name) != NULL)
      conf_report_error(root->report, system->where, "system \"%s\" has the name of a partner", system->name);
  }
}

/* In the order of what refers to what, not of the text. */
static void build(Conf *conf, const Section *root) {
  build_node(root, &conf->node);
  BUILD_ALL(conf->partners, root, "partner", build_partner)
  BUILD_ALL(conf->partners, root, "system", build_system)
  check_system_names(conf, root);
  BUILD_ALL(conf->calendars, root, "calendar", build_calendar)
  BUILD_ALL(conf->layouts, root, "layout", build_layout)
  build_alarms(root, conf, &conf->alarms);
  build_front(root, &conf->front);
  for (guint i = 0; i < section_count(root, "lane"); i++) {
    Section section = section_at(root, "lane", i);
    g_ptr_array_add(conf->lanes, build_lane(&section, conf));
  }
  if (conf->lanes->len == 0 && !root->scan->lost && !root->scanned->damaged)
    section_warning(root, NULL, "there is no lane: the gateway has nothing to do");
}

/* The built configuration, whole as far as libconfuse could be asked at all. */
static Conf *parse(const ConfSource *source, ConfReport *report) {
  g_autoptr(Scan) scan = scan_new(source, report);
  cfg_t *cfg = parse_scanned(scan, report);
  if (cfg == NULL)
    return NULL;
  Conf *conf = conf_new();
  Section root = section_root(cfg, scan, report);
  build(conf, &root);
  check_feeds(conf, report);
  if (!scan->lost)
    check_keys(conf, report);
  check_reconciles(conf, report);
  cfg_free(cfg);
  return conf;
}

Conf *conf_parse(const ConfSource *source, ConfReport *report) {
  guint before = report->errors;
  pthread_mutex_lock(&confuse_lock);
  Conf *conf = parse(source, report);
  pthread_mutex_unlock(&confuse_lock);
  if (report->errors == before)
    return conf;
  conf_free(conf);
  return NULL;
}

/* ---- look-ups ---- */

static const ConfPartner *partner_or_system(const Conf *conf, const char *name, gboolean is_system) {
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = g_ptr_array_index(conf->partners, i);
    if (partner->is_system == is_system && strcmp(partner->name, name) == 0)
      return partner;
  }
  return NULL;
}

const ConfPartner *conf_partner(const Conf *conf, const char *name) {
  return partner_or_system(conf, name, FALSE);
}
const ConfPartner *conf_system(const Conf *conf, const char *name) {
  return partner_or_system(conf, name, TRUE);
}
const ConfCalendar *conf_calendar(const Conf *conf, const char *name) {
  return named_find(conf->calendars, name);
}
const ConfEndpoint *conf_endpoint(const ConfPartner *partner, const char *name) {
  return named_find(partner->endpoints, name);
}
const ConfLayout *conf_layout(const Conf *conf, const char *name) {
  return named_find(conf->layouts, name);
}
const ConfLane *conf_lane(const Conf *conf, const char *name) {
  return named_find(conf->lanes, name);
}

const ConfFeed *conf_feed(const Conf *conf, const char *name, const ConfLane **lane) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *candidate = g_ptr_array_index(conf->lanes, i);
    for (guint f = 0; f < candidate->feeds->len; f++) {
      const ConfFeed *feed = g_ptr_array_index(candidate->feeds, f);
      if (strcmp(feed->name, name) != 0)
        continue;
      if (lane != NULL)
        *lane = candidate;
      return feed;
    }
  }
  return NULL;
}
