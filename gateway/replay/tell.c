#include "gateway/replay/tell.h"
#include "gateway/common/log.h"
#include "store/book_watch.h"

#define MISMATCH_ALARM "replay-mismatch"

typedef struct {
  const LaneHost *host;
  const ReplayFeed *feed;
  const CasesSuperseded *counts;
  guint64 differing; /* and what does not fit */
} Telling;

static const char *name_of(const Telling *telling) {
  return replay_feed_conf(telling->feed)->name;
}

/* "13 cases, 4 come to something else: outcome 3, amount 1; 0 dropped" */
static char *told_of(const Telling *telling) {
  const CasesSuperseded *counts = telling->counts;
  g_autoptr(GString) text = g_string_new(NULL);
  const char *between = ":";
  g_string_printf(text, "%" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT " come to something else",
                  counts->superseded + counts->dropped, telling->differing - counts->dropped);
  for (guint i = 0; i < RESULT_FIELDS; i++) {
    if (counts->differing[i] == 0)
      continue;
    g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT, between, result_fields[i], counts->differing[i]);
    between = ",";
  }
  g_string_append_printf(text, "; %" G_GUINT64_FORMAT " dropped", counts->dropped);
  return g_strdup(text->str);
}

static gboolean raise_alarm(BookTransaction *tx, const Telling *telling, const char *told, GError **error) {
  const char *feed = name_of(telling);
  g_autofree char *text = g_strdup_printf("%s: by the rules that are in force now, of %s", feed, told);
  AlarmCall call = {.kind = MISMATCH_ALARM,
                    .subject = feed,
                    .feed = feed,
                    .text = text,
                    .detail = replay_feed_rules(telling->feed),
                    .weight = g_get_real_time(),
                    .ways = telling->host->alarm_ways};
  return book_raise_alarm(tx, &call, error);
}

static gboolean tell_change(BookTransaction *tx, gpointer data, GError **error) {
  const Telling *telling = data;
  g_autofree char *told = told_of(telling);
  g_autofree char *detail = g_strdup_printf("rules sha256 %s: of %s", replay_feed_rules(telling->feed), told);
  gboolean alarms = telling->host->lane->replay.gate == CONF_GATE_REPORT && telling->differing > 0;
  return book_audit(tx, "rules-replayed", name_of(telling), detail, error) &&
         (!alarms || raise_alarm(tx, telling, told, error));
}

gboolean tell_changed_rules(gconstpointer host, const ReplayFeed *feed, const CasesSuperseded *counts, GError **error) {
  Telling telling = {host, feed, counts, counts->dropped};
  for (guint i = 0; i < RESULT_FIELDS; i++)
    telling.differing += counts->differing[i];
  log_event(LOG_INFO, "cases-superseded", {"feed", name_of(&telling)},
            {"cases", log_number((gint64)counts->superseded)},
            {"differing", log_number((gint64)(telling.differing - counts->dropped))},
            {"dropped", log_number((gint64)counts->dropped)});
  return book_write(telling.host->book, tell_change, &telling, error);
}
