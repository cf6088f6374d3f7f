/* What process http asks of a feed and of the lane before the first file: its endpoint, its columns, its service. */
#include "gateway/processors/http/http_private.h"
#include "gateway/threads/endpoint_pool.h"

/* The services of the endpoint that this lane's feeds post to may have so many calls in flight: of each path the
 * largest number. */
static guint calls_in_flight(const ConfLane *lane, const char *system, const char *endpoint) {
  g_autoptr(GHashTable) most = g_hash_table_new(g_str_hash, g_str_equal);
  guint all = 0;
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *feed = lane->feeds->pdata[i];
    if (feed->process != CONF_PROCESS_HTTP || !g_str_equal(feed->http.system, system) ||
        !g_str_equal(feed->http.endpoint, endpoint))
      continue;
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(most, feed->http.path)),
          now = MAX(before, feed->batch.threads_max);
    g_hash_table_insert(most, feed->http.path, GUINT_TO_POINTER(now));
    all += now - before;
  }
  return all;
}

void accrual_target(const ConfLane *lane, const ConfFeed *feed, ProcessorTarget *target) {
  *target = (ProcessorTarget){.system = feed->http.system,
                              .endpoint = feed->http.endpoint,
                              .connections = calls_in_flight(lane, feed->http.system, feed->http.endpoint)};
}

gboolean accrual_check(const ConfFeed *feed, const Layout *layout, GError **error) {
  AccrualColumns *columns = accrual_columns_new(layout, &feed->http, feed->key, error);
  gboolean ok = columns != NULL;
  accrual_columns_free(columns);
  return ok;
}

/* Feeds that post to the same path of the same endpoint press on one service. */
gboolean accrual_open_service(Feeds *feeds, Feed *feed, GError **error) {
  const ConfFeed *settings = feed->conf;
  if (!accrual_check(settings, feed->layout, error)) { /* fails here, or never */
    g_prefix_error(error, "%s:%u: feed %s: ", settings->where.file, settings->where.line, settings->name);
    return FALSE;
  }
  g_autofree char *name = g_strdup_printf("%s %s", endpoint_pool_name(feed->process), settings->http.path);
  feed->service = g_hash_table_lookup(feeds->services, name);
  if (feed->service) {
    accrual_service_share(feed->service, &settings->batch);
    return TRUE;
  }
  feed->service = accrual_service_new(name, &settings->batch);
  g_hash_table_insert(feeds->services, g_steal_pointer(&name), feed->service);
  return TRUE;
}
