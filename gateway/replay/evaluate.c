#include "gateway/replay/evaluate_private.h"
#include "gateway/move/compare.h"
#include "gateway/records/rule_constants.h"
#include "gateway/replay/values.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

gboolean replay_takes(const ConfFeed *feed) {
  return feed->process != CONF_PROCESS_RATING && feed->process != CONF_PROCESS_REFERENCE;
}

const ConfFeed *replay_feed_conf(const ReplayFeed *feed) {
  return feed->conf;
}

const char *replay_feed_rules(const ReplayFeed *feed) {
  return feed->rules_digest;
}

const ScenarioSet *replay_feed_scenarios(const ReplayFeed *feed) {
  return feed->scenarios;
}

const StagingColumn *replay_feed_columns(const ReplayFeed *feed, guint *n_columns) {
  return layout_columns(feed->layout, n_columns);
}

RecordBlock *replay_feed_block(const ReplayFeed *feed, guint capacity) {
  guint n;
  const StagingColumn *columns = layout_columns(feed->layout, &n);
  g_autofree BlockType *types = g_new0(BlockType, n + 1);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  return record_block_new(capacity, types, n);
}

const RuleConstant *replay_feed_header(const ReplayFeed *feed) {
  return (const RuleConstant *)(const void *)feed->constants->data;
}

/* --- Its making */

static gboolean set_scenarios(ReplayFeed *feed, const ConfLane *lane, GError **error) {
  const ScenarioSource source = {lane, feed->conf, feed->layout};
  ConfReport *report = conf_report_new();
  feed->scenarios = scenario_set_new(&source, report);
  for (guint i = 0; !feed->scenarios && i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    if (!finding->is_warning) {
      sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", finding->message);
      break;
    }
  }
  conf_report_free(report);
  return feed->scenarios != NULL;
}

static gboolean set_rules(ReplayFeed *feed, GError **error) {
  guint n;
  const StagingColumn *columns = layout_columns(feed->layout, &n);
  g_clear_pointer(&feed->set, rule_set_free);
  feed->set = rule_set_new(feed->rules, feed->n_rules, columns, n, replay_feed_header(feed), feed->constants->len,
                           error);
  return feed->set != NULL;
}

ReplayFeed *replay_feed_new(const Conf *conf, const ConfLane *lane, const ConfFeed *settings, GError **error) {
  g_autoptr(ReplayFeed) feed = g_new0(ReplayFeed, 1);
  feed->conf = settings;
  feed->constants = rule_constants_of(conf_layout(conf, settings->layout));
  feed->n_rules = settings->rules ? settings->rules->len : 0;
  feed->rules = g_new0(Rule, feed->n_rules + 1);
  for (guint i = 0; i < feed->n_rules; i++) {
    const ConfRule *rule = settings->rules->pdata[i];
    feed->rules[i] = (Rule){rule->name, rule->check, rule->code};
  }
  if (!replay_takes(settings)) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "feed \"%s\": process %s is not replayed",
                        settings->name, conf_process_word(settings->process));
    return NULL;
  }
  feed->layout = layout_new(conf_layout(conf, settings->layout), error);
  if (!feed->layout || !set_scenarios(feed, lane, error) || !set_rules(feed, error)) {
    g_prefix_error(error, "feed \"%s\": ", settings->name);
    return NULL;
  }
  feed->rules_digest = state_feed_rules(conf, lane, settings);
  feed->amount = settings->ledger.amount ? layout_column(feed->layout, settings->ledger.amount) : -1;
  return g_steal_pointer(&feed);
}

void replay_feed_free(ReplayFeed *feed) {
  if (!feed)
    return;
  rule_set_free(feed->set);
  scenario_set_free(feed->scenarios);
  layout_free(feed->layout);
  rule_constants_free(feed->constants);
  g_free(feed->rules);
  g_free(feed->rules_digest);
  g_free(feed->header);
  g_free(feed->broken);
  g_free(feed);
}

/* A rule set has its constants in it: it is made anew for another header, and cases come header by header. */
gboolean replay_feed_set_header(ReplayFeed *feed, const char *header, GError **error) {
  if (g_strcmp0(feed->header, header) == 0)
    return TRUE;
  g_clear_pointer(&feed->header, g_free);
  if (!header_read(layout_conf(feed->layout), header, feed->constants, error) || !set_rules(feed, error))
    return FALSE;
  feed->header = g_strdup(header);
  return TRUE;
}

/* --- What records come to */

static void note_broken(gpointer user, guint record, guint64 rules) {
  ((ReplayFeed *)user)->broken[record] = rules;
}

static json_t *codes_of(const ReplayFeed *feed, guint64 broken) {
  json_t *codes = json_array();
  for (guint i = 0; i < feed->n_rules; i++)
    if (broken >> i & 1)
      json_array_append_new(codes, json_string(feed->rules[i].code ? feed->rules[i].code : feed->rules[i].name));
  return codes;
}

/* A feed without scenarios has one cell, whose names are empty. */
static gboolean add_cell(const ReplayFeed *feed, const RecordBlock *block, guint record, json_t *result,
                         GError **error) {
  const ScenarioRecord one = {block, record, replay_feed_header(feed)};
  ScenarioCell cell;
  if (scenario_set_count(feed->scenarios) == 0)
    return TRUE;
  if (!scenario_set_cell(feed->scenarios, &one, &cell, error))
    return FALSE;
  const ConfScenario *scenario = cell.scenario < 0 ? NULL : scenario_set_at(feed->scenarios, (guint)cell.scenario);
  const ConfChannel *channel = cell.channel < 0 ? NULL : scenario->channels->pdata[cell.channel];
  json_object_set_new(result, "scenario", scenario ? json_string(scenario->name) : json_null());
  if (scenario && scenario->channels->len > 0)
    json_object_set_new(result, "channel", channel ? json_string(channel->name) : json_null());
  return TRUE;
}

static void add_amount(const ReplayFeed *feed, const RecordBlock *block, guint record, json_t *result) {
  if (feed->amount < 0)
    return;
  json_t *value = value_write(feed, block, (guint)feed->amount, record);
  json_t *number = json_object_get(value, "n");
  json_object_set(result, "amount", number ? number : json_null());
  json_decref(value);
}

static gboolean add_result(const ReplayFeed *feed, const RecordBlock *block, guint record, GPtrArray *results,
                           GError **error) {
  json_t *result = json_object();
  gboolean ok = add_cell(feed, block, record, result, error);
  json_object_set_new(result, "codes", codes_of(feed, feed->broken[record]));
  json_object_set_new(result, "outcome", json_string(feed->broken[record] ? "rejected" : "accepted"));
  add_amount(feed, block, record, result);
  char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
  if (ok)
    g_ptr_array_add(results, g_strdup(text));
  free(text);
  json_decref(result);
  return ok;
}

gboolean replay_feed_run(ReplayFeed *feed, const RecordBlock *block, GPtrArray *results, GError **error) {
  if (feed->capacity < block->count) {
    feed->capacity = block->count;
    feed->broken = g_renew(guint64, feed->broken, feed->capacity);
  }
  memset(feed->broken, 0, block->count * sizeof *feed->broken);
  if (!rule_set_run(feed->set, block, note_broken, feed, error))
    return FALSE;
  for (guint i = 0; i < block->count; i++)
    if (!add_result(feed, block, i, results, error))
      return FALSE;
  return TRUE;
}
