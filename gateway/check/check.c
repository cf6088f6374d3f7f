#include "gateway/check/check_private.h"
#include "gateway/records/feedback.h"
#include "gateway/processors/processors.h"
#include "gateway/records/layout.h"
#include "gateway/records/rule_constants.h"
#include "gateway/time/schedule.h"
#include "store/rules.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below it gpg-agent's sockets (108 bytes) fit. */
enum { GNUPG_HOME_LIMIT = 80 };

/* --- The node's folders. (That its time zone exists is conf/'s to check.) */

/* The folder itself, or the nearest that exists above it, since missing ones are made. NULL: told already. */
static char *nearest_folder(ConfWhere where, const char *what, const char *path, ConfReport *report) {
  g_autofree char *at = g_strdup(path);
  struct stat there;
  while (stat(at, &there) != 0) {
    if (errno != ENOENT) {
      conf_report_error(report, where, "%s \"%s\": %s", what, path, g_strerror(errno));
      return NULL;
    }
    char *above = g_path_get_dirname(at);
    gboolean is_top = strcmp(above, at) == 0;
    g_free(at);
    at = above;
    if (is_top)
      break;
  }
  if (stat(at, &there) == 0 && S_ISDIR(there.st_mode))
    return g_steal_pointer(&at);
  conf_report_error(report, where, "%s \"%s\": %s is no folder", what, path, at);
  return NULL;
}

static void check_writable(ConfWhere where, const char *what, const char *path, ConfReport *report) {
  g_autofree char *at = nearest_folder(where, what, path, report);
  if (at && access(at, W_OK | X_OK) != 0)
    conf_report_error(report, where, "%s \"%s\" cannot be %s by this user: %s", what, path,
                      strcmp(at, path) == 0 ? "written" : "made", g_strerror(errno));
}

/* One that is missing is systemd's to make when it starts the service (RuntimeDirectory=), below a /run that belongs to
 * root: before the first start that is how it has to be. Without systemd, `sallyport run` says that it cannot make it.
 */
static void check_runtime(ConfWhere where, const char *path, ConfReport *report) {
  g_autofree char *at = nearest_folder(where, "runtime folder", path, report);
  if (!at || access(at, W_OK | X_OK) == 0)
    return;
  if (strcmp(at, path) == 0)
    conf_report_error(report, where, "runtime folder \"%s\" cannot be written by this user: %s", path,
                      g_strerror(errno));
  else
    conf_report_warning(report, where,
                        "runtime folder \"%s\" is not there, and this user cannot make it: the systemd unit makes "
                        "/run/sallyport when it starts the service; any other folder root has to make and give to this "
                        "user",
                        path);
}

static void check_node(const ConfNode *node, ConfReport *report) {
  check_writable(node->where, "state folder", node->state, report);
  check_runtime(node->where, node->runtime, report);
  if (strlen(node->gnupg_home) >= GNUPG_HOME_LIMIT)
    conf_report_error(report, node->where,
                      "gnupg-home \"%s\" is longer than %d characters: gpg-agent's sockets do not fit below it",
                      node->gnupg_home, GNUPG_HOME_LIMIT);
}

/* --- Feeds: schedules, and rules over their layout's columns and header. */

static void check_schedule(const Conf *conf, const ConfSourceFolder *source, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  ConfWhere where = source->schedule_where.line ? source->schedule_where : source->where;
  const ConfCalendar *settings = source->calendar ? conf_calendar(conf, source->calendar) : NULL;
  if (!source->cron)
    return;
  g_autoptr(Calendar) calendar = settings ? calendar_new(settings, NULL) : NULL; /* its own faults are told already */
  g_autoptr(Schedule) schedule = schedule_new_cron(source->cron, source->time_zone, &error);
  if (!schedule || (calendar && !schedule_keep_to(schedule, calendar, source->time_zone, &error)))
    conf_report_error(report, where, "%s", error->message);
}

/* What is masked is in no book, and so it cannot be counted either. */
static void check_sequence(const ConfFeed *feed, const Layout *layout, ConfReport *report) {
  const ConfLine *header = &layout_conf(layout)->header;
  for (guint i = 0; feed->sequence.header_field && header->present && i < header->fields->len; i++) {
    const ConfField *field = header->fields->pdata[i];
    if (field->mask && strcmp(field->name, feed->sequence.header_field) == 0)
      conf_report_error(report, feed->sequence.where,
                        "'header-field': field \"%s\" is masked: the number of a file cannot be", field->name);
  }
}

static void check_rules(const ConfFeed *feed, const Layout *layout, ConfReport *report) {
  GArray *constants = rule_constants_of(layout_conf(layout));
  guint n_columns;
  const StagingColumn *columns = layout_columns(layout, &n_columns);
  for (guint i = 0; feed->rules && i < feed->rules->len; i++) {
    const ConfRule *rule = feed->rules->pdata[i];
    g_autoptr(GError) error = NULL;
    if (!rules_check(rule->check, columns, n_columns, (const RuleConstant *)(const void *)constants->data,
                     constants->len, &error))
      conf_report_error(report, rule->where, "%s", error->message);
  }
  rule_constants_free(constants);
}

static void check_answer(const ConfFeed *feed, const Layout *layout, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  if (!feedback_check(layout, &feed->feedback, &error))
    conf_report_error(report, feed->feedback.where.line ? feed->feedback.where : feed->where, "%s", error->message);
}

static void check_processor(const ConfFeed *feed, const Layout *layout, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  const Processor *processor = processor_of(feed);
  if (processor->check && !processor->check(feed, layout, &error))
    conf_report_error(report, feed->where, "%s", error->message);
}

static void check_feeds(const Conf *conf, GHashTable *layouts, ConfReport *report) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      const Layout *layout = g_hash_table_lookup(layouts, feed->layout);
      check_schedule(conf, &feed->source, report);
      if (layout) { /* else its own fault is told already */
        check_sequence(feed, layout, report);
        check_rules(feed, layout, report);
        check_answer(feed, layout, report);
        check_processor(feed, layout, report);
      }
    }
  }
}

static GHashTable *check_layouts(const Conf *conf, ConfReport *report) {
  GHashTable *layouts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)layout_free);
  for (guint i = 0; i < conf->layouts->len; i++) {
    const ConfLayout *described = conf->layouts->pdata[i];
    g_autoptr(GError) error = NULL;
    Layout *layout = layout_new(described, &error);
    if (layout && layout_header_is_any_line(layout))
      conf_report_warning(
          report, described->where,
          "layout \"%s\": any line would do as its header, a record too, which would then be lost: give "
          "%s",
          described->name,
          described->kind == CONF_LAYOUT_FIXED
              ? "header and record a tag each (lines-by = tag), or their fields their 'type'"
              : "the record's fields their 'title', or header and record the 'type' of their fields");
    if (layout)
      g_hash_table_insert(layouts, described->name, layout);
    else
      conf_report_error(report, described->where, "%s", error->message);
  }
  return layouts;
}

/* --- Keys. What only time did is a warning: a gateway with many partners starts although one partner's key has ended.
 */

static void report_use(const KeyUse *use, ConfReport *report) {
  ConfWhere where = use->partner->openpgp.where.line ? use->partner->openpgp.where : use->partner->where;
  gboolean is_error = use->condition == KEY_MISSING || use->condition == KEY_UNFIT;
  (is_error ? conf_report_error : conf_report_warning)(report, where, "partner %s: %s key %s %s", use->partner->name,
                                                       key_purpose_word(use->purpose), use->fingerprint, use->remark);
}

static void check_keys(const Conf *conf, CheckKeys keys, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  if (!key_uses_any(conf)) /* then no gpg is needed */
    return;
  g_autoptr(GPtrArray) ring = openpgp_start(&error) ? openpgp_keys(conf->node.gnupg_home, &error) : NULL;
  /* That gpg cannot answer now says nothing about the configuration: the lanes look again, and say so. */
  if (!ring && keys != CHECK_KEYS && sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN)
    return conf_report_warning(report, conf->node.where, "the keys were not looked at: %s", error->message);
  if (!ring)
    return conf_report_error(report, conf->node.where, "%s", error->message);
  g_autoptr(GPtrArray) uses = key_uses(conf, ring, g_get_real_time() / G_USEC_PER_SEC);
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    if (use->remark)
      report_use(use, report);
  }
  check_unlocking(conf, uses, report);
}

gboolean check_configuration(const Conf *conf, CheckKeys keys, ConfReport *report) {
  check_node(&conf->node, report);
  check_files(conf, report);
  check_calendars(conf, report);
  g_autoptr(GHashTable) layouts = check_layouts(conf, report);
  check_feeds(conf, layouts, report);
  check_reads(conf, layouts, report);
  check_queries(conf, layouts, report);
  check_ratings(conf, layouts, report);
  check_scenarios(conf, layouts, report);
  if (keys != CHECK_NO_KEYS)
    check_keys(conf, keys, report);
  return report->errors == 0;
}
