/* Scenarios: no two of a feed meet. One that is of several feeds is told of once where they say the same. */
#include "gateway/check/check_private.h"
#include "gateway/scenario/scenario.h"

static void pass_on(const ConfReport *from, GHashTable *told, ConfReport *report) {
  for (guint i = 0; i < from->findings->len; i++) {
    const ConfFinding *finding = from->findings->pdata[i];
    char *name = g_strdup_printf("%s:%u:%s", finding->where.file, finding->where.line, finding->message);
    if (g_hash_table_add(told, name))
      (finding->is_warning ? conf_report_warning : conf_report_error)(report, finding->where, "%s", finding->message);
  }
}

static void check_feed(const ConfLane *lane, const ConfFeed *feed, const Layout *layout, GHashTable *told,
                       ConfReport *report) {
  const ScenarioSource source = {lane, feed, layout};
  ConfReport *own = conf_report_new();
  g_autoptr(ScenarioSet) set = scenario_set_new(&source, own);
  pass_on(own, told, report);
  conf_report_free(own);
}

void check_scenarios(const Conf *conf, GHashTable *layouts, ConfReport *report) {
  g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; lane->scenarios->len > 0 && j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      const Layout *layout = g_hash_table_lookup(layouts, feed->layout);
      if (layout) /* else its own fault is told already */
        check_feed(lane, feed, layout, told, report);
    }
  }
}
