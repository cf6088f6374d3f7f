/* The configuration in force: read and checked at the start and at each reload, and taken up only as a whole. */
#include "gateway/supervisor/supervisor_private.h"
#include "gateway/check/check.h"
#include "gateway/common/log.h"
#include "gateway/move/compare.h"
#include "gateway/supervisor/lane_fingerprint.h"
#include "gateway/supervisor/notify.h"
#include "gateway/supervisor/outcome.h"
#include <string.h>

/* What is wrong, for the outcome; NULL: nobody asks. A message may name a file in bytes that are no text. */
static void add_problem(json_t *problems, const char *message) {
  g_autofree char *text = g_utf8_make_valid(message, -1);
  if (problems)
    json_array_append_new(problems, json_string(text));
}

static void tell_findings(const ConfReport *report, json_t *problems) {
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    log_event(finding->is_warning ? LOG_WARNING : LOG_ERROR, "configuration", {"where", finding->where.file},
              {"line", log_number(finding->where.line)}, {"problem", finding->message});
    g_autofree char *where = g_strdup_printf("%s:%u: %s", finding->where.file ? finding->where.file : "configuration",
                                             finding->where.line, finding->message);
    if (!finding->is_warning)
      add_problem(problems, where);
  }
}

Conf *supervisor_load(const SupervisorOptions *options, gboolean with_state, ConfSource **source, json_t *problems) {
  g_autoptr(GError) error = NULL;
  *source = conf_source_read(options->configuration, &error);
  if (!*source) {
    log_event(LOG_ERROR, "configuration", {"where", options->configuration}, {"problem", error->message});
    add_problem(problems, error->message);
    return NULL;
  }
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(*source, report);
  CheckKeys keys = options->without_keys ? CHECK_NO_KEYS : with_state ? CHECK_KEYS : CHECK_KEYS_IF_GPG_ANSWERS;
  gboolean ok = conf && check_configuration(conf, keys, report);
  if (ok)
    state_check(conf, report);
  tell_findings(report, problems);
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

static gboolean may_adopt(const Supervisor *s, const Conf *conf, json_t *problems) {
  const char *problem = NULL;
  if (strcmp(conf->node.runtime, s->conf->node.runtime) != 0 || strcmp(conf->node.state, s->conf->node.state) != 0)
    problem = "the node's state and runtime folders cannot change while it runs: restart the service";
  else if (s->options.only_lane && !conf_lane(conf, s->options.only_lane))
    problem = "the lane that this supervisor runs is not in it any more";
  if (!problem)
    return TRUE;
  log_event(LOG_ERROR, "reload-refused", {"problem", problem});
  add_problem(problems, problem);
  return FALSE;
}

static void tell_lanes(const Supervisor *s, const char *digest, json_t *lanes) {
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    gboolean stays = g_hash_table_contains(s->wanted, lane->name), is_changed = supervisor_is_changed(s, lane);
    log_event(LOG_INFO, "reload", SUPERVISED_FIELD(lane->name),
              {"changed", !stays ? "removed" : is_changed ? "yes" : "no"});
    json_array_append_new(lanes, json_pack("{s:s, s:s}", "lane", lane->name, "change",
                                           !stays           ? "removed"
                                           : lane->pid == 0 ? "started"
                                           : is_changed     ? "replaced"
                                                            : "kept"));
    if (stays && !is_changed && !supervised_is_front(lane->name))
      supervised_tell(lane, digest);
  }
}

/* TRUE: what the file says is in force now. */
static gboolean try_reload(Supervisor *s, json_t *outcome) {
  json_t *problems = json_object_get(outcome, "problems"), *lanes = json_object_get(outcome, "lanes");
  ConfSource *source = NULL;
  Conf *conf = supervisor_load(&s->options, TRUE, &source, problems);
  if (!conf) {
    log_event(LOG_ERROR, "reload-refused",
              {"problem", "the configuration is wrong, or contradicts the state; the old one stays in force"});
    return FALSE;
  }
  g_autofree char *digest = conf_source_digest(source);
  json_object_set_new(outcome, "digest", json_string(digest));
  gboolean is_same = conf_source_equal(source, s->source);
  for (guint i = 0; i < s->lanes->len; i++)
    supervised_revive(s->lanes->pdata[i]);
  if (is_same)
    log_event(LOG_INFO, "reload", {"changed", "nothing"});
  if (is_same || !may_adopt(s, conf, problems)) {
    conf_free(conf);
    conf_source_free(source);
    return is_same;
  }
  supervisor_adopt(s, conf, source);
  replace_all_if_none_changed(s);
  tell_lanes(s, digest, lanes);
  return TRUE;
}

void supervisor_reload(Supervisor *s) {
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_canonicalize_filename(s->options.configuration, NULL);
  notify_send("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n", g_get_monotonic_time());
  json_t *outcome = json_pack("{s:I, s:s, s:[], s:[]}", "begun", (json_int_t)g_get_monotonic_time(), "configuration",
                              path, "lanes", "problems");
  json_object_set_new(outcome, "taken", json_boolean(try_reload(s, outcome)));
  if (!outcome_write(s->conf->node.runtime, outcome, &error))
    log_event(LOG_WARNING, "not-noted", {"error", error->message});
  notify_send("READY=1\n");
}
