/* The configuration in force: read and checked at the start and at each reload, and taken up only as a whole. */
#include "gateway/supervisor/supervisor_private.h"
#include "gateway/check/check.h"
#include "gateway/common/log.h"
#include "gateway/move/compare.h"
#include "gateway/supervisor/lane_fingerprint.h"
#include "gateway/supervisor/notify.h"
#include <string.h>

static void log_findings(const ConfReport *report) {
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    log_event(finding->is_warning ? LOG_WARNING : LOG_ERROR, "configuration", {"where", finding->where.file},
              {"line", log_number(finding->where.line)}, {"problem", finding->message});
  }
}

Conf *supervisor_load(const SupervisorOptions *options, gboolean with_state, ConfSource **source) {
  g_autoptr(GError) error = NULL;
  *source = conf_source_read(options->configuration, &error);
  if (!*source) {
    log_event(LOG_ERROR, "configuration", {"where", options->configuration}, {"problem", error->message});
    return NULL;
  }
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(*source, report);
  CheckKeys keys = options->without_keys ? CHECK_NO_KEYS : with_state ? CHECK_KEYS : CHECK_KEYS_IF_GPG_ANSWERS;
  gboolean ok = conf && check_configuration(conf, keys, report);
  if (ok)
    state_check(conf, report);
  log_findings(report);
  ok = ok && (!with_state || report->errors == 0);
  conf_report_free(report);
  if (ok)
    return conf;
  conf_free(conf);
  conf_source_free(*source);
  *source = NULL;
  return NULL;
}

static GHashTable *wanted_of(const Conf *conf, const char *only_lane) {
  GHashTable *wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    if (!only_lane || strcmp(only_lane, lane->name) == 0)
      g_hash_table_insert(wanted, g_strdup(lane->name), part_of_lane(conf, lane));
  }
  if (conf->front.present && !only_lane)
    g_hash_table_insert(wanted, g_strdup(SUPERVISED_FRONT), part_of_front(conf));
  return wanted;
}

static Supervised *find_lane(const Supervisor *s, const char *name) {
  for (guint i = 0; i < s->lanes->len; i++) {
    Supervised *lane = s->lanes->pdata[i];
    if (strcmp(lane->name, name) == 0)
      return lane;
  }
  return NULL;
}

static void set_up_log(const Supervisor *s) {
  static const LogLevel levels[] = {[CONF_LOG_ERROR] = LOG_ERROR,
                                    [CONF_LOG_WARNING] = LOG_WARNING,
                                    [CONF_LOG_INFO] = LOG_INFO,
                                    [CONF_LOG_DEBUG] = LOG_DEBUG};
  log_setup(levels[s->conf->node.log_level], s->conf->node.log_format == CONF_LOG_JSON, NULL);
}

void supervisor_adopt(Supervisor *s, Conf *conf, ConfSource *source) {
  if (s->wanted)
    g_hash_table_unref(s->wanted);
  conf_free(s->conf);
  conf_source_free(s->source);
  s->conf = conf;
  s->source = source;
  s->wanted = wanted_of(conf, s->options.only_lane);
  set_up_log(s);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    if (g_hash_table_contains(s->wanted, lane->name) && !find_lane(s, lane->name))
      g_ptr_array_add(s->lanes, supervised_new(lane->name));
  }
  if (g_hash_table_contains(s->wanted, SUPERVISED_FRONT) && !find_lane(s, SUPERVISED_FRONT))
    g_ptr_array_add(s->lanes, supervised_new(SUPERVISED_FRONT));
}

gboolean supervisor_is_changed(const Supervisor *s, const Supervised *lane) {
  const char *part = g_hash_table_lookup(s->wanted, lane->name);
  return !part || g_strcmp0(part, lane->part) != 0;
}

/* The text changed and no part did: a comment, or a setting that lane_fingerprint.c does not know. Rather
 * one replacement too many than a setting that silently does not take effect. */
static void replace_all_if_none_changed(Supervisor *s) {
  for (guint i = 0; i < s->lanes->len; i++)
    if (supervisor_is_changed(s, s->lanes->pdata[i]))
      return;
  for (guint i = 0; i < s->lanes->len; i++) {
    Supervised *lane = s->lanes->pdata[i];
    g_free(lane->part);
    lane->part = NULL;
  }
}

static gboolean may_adopt(const Supervisor *s, const Conf *conf) {
  const char *problem = NULL;
  if (strcmp(conf->node.runtime, s->conf->node.runtime) != 0 || strcmp(conf->node.state, s->conf->node.state) != 0)
    problem = "the node's state and runtime folders cannot change while it runs: restart the service";
  else if (s->options.only_lane && !conf_lane(conf, s->options.only_lane))
    problem = "the lane that this supervisor runs is not in it any more";
  if (problem)
    log_event(LOG_ERROR, "reload-refused", {"problem", problem});
  return problem == NULL;
}

static void try_reload(Supervisor *s) {
  ConfSource *source = NULL;
  Conf *conf = supervisor_load(&s->options, TRUE, &source);
  if (!conf) {
    log_event(LOG_ERROR, "reload-refused",
              {"problem", "the configuration is wrong, or contradicts the state; the old one stays in force"});
    return;
  }
  gboolean is_same = conf_source_equal(source, s->source);
  for (guint i = 0; i < s->lanes->len; i++)
    supervised_revive(s->lanes->pdata[i]);
  if (is_same)
    log_event(LOG_INFO, "reload", {"changed", "nothing"});
  if (is_same || !may_adopt(s, conf)) {
    conf_free(conf);
    conf_source_free(source);
    return;
  }
  supervisor_adopt(s, conf, source);
  replace_all_if_none_changed(s);
  g_autofree char *digest = conf_source_digest(source);
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    gboolean stays = g_hash_table_contains(s->wanted, lane->name);
    log_event(LOG_INFO, "reload", SUPERVISED_FIELD(lane->name),
              {"changed", !stays                ? "removed"
                          : supervisor_is_changed(s, lane) ? "yes"
                                                : "no"});
    if (stays && !supervisor_is_changed(s, lane) && !supervised_is_front(lane->name))
      supervised_tell(lane, digest);
  }
}

void supervisor_reload(Supervisor *s) {
  notify_send("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n", g_get_monotonic_time());
  try_reload(s);
  notify_send("READY=1\n");
}
