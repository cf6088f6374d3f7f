/* Queries of other people's databases: what can be told without asking them; `sallyport query --look` asks. */
#include "gateway/check/check_private.h"
#include "gateway/records/layout_write.h"
#include "gateway/time/schedule.h"

static void check_query(const ConfQuery *query, GHashTable *layouts, ConfReport *report) {
  g_autoptr(GError) error = NULL, why = NULL;
  const Layout *layout = query->layout ? g_hash_table_lookup(layouts, query->layout) : NULL;
  g_autoptr(Schedule) schedule = query->cron ? schedule_new_cron(query->cron, query->time_zone, &error) : NULL;
  if (error)
    conf_report_error(report, query->where, "%s", error->message);
  if (layout && !layout_write_check(layout, &why))
    conf_report_error(report, query->where, "'layout': %s", why->message);
  check_secret(query->where, "password-file", query->password_file, report);
  if (query->from == CONF_QUERY_SQLITE && query->path && !g_file_test(query->path, G_FILE_TEST_IS_REGULAR))
    conf_report_warning(report, query->where, "the database \"%s\" is not there (yet)", query->path);
  if (query->folder && !g_file_test(query->folder, G_FILE_TEST_IS_DIR))
    conf_report_warning(report, query->where, "the folder \"%s\" is not there (yet)", query->folder);
}

void check_queries(const Conf *conf, GHashTable *layouts, ConfReport *report) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; lane->queries && j < lane->queries->len; j++)
      check_query(lane->queries->pdata[j], layouts, report);
  }
}
