#include "gateway/flow/feed_set.h"
#include "gateway/common/endpoint.h"

EndpointPool *feeds_pool_named(const Feeds *feeds, const char *name) {
  for (guint i = 0; i < feeds->pools->len; i++)
    if (g_str_equal(endpoint_pool_name(feeds->pools->pdata[i]), name))
      return feeds->pools->pdata[i];
  return NULL;
}

EndpointPool *feeds_pool(const Feeds *feeds, const ConfPartner *partner, const char *endpoint) {
  return feeds_pool_named(feeds, endpoint_of(partner, conf_endpoint(partner, endpoint)).name);
}

Feed *feeds_find(const Feeds *feeds, const char *name) {
  for (guint i = 0; i < feeds->feeds->len; i++)
    if (g_str_equal(((Feed *)feeds->feeds->pdata[i])->conf->name, name))
      return feeds->feeds->pdata[i];
  return NULL;
}

gpointer feeds_share(Feeds *feeds, const char *name, gpointer (*make)(const char *name), GDestroyNotify free_it) {
  gpointer shared = g_datalist_get_data(&feeds->shared, name);
  if (!shared) {
    shared = make(name);
    g_datalist_set_data_full(&feeds->shared, name, shared, free_it);
  }
  return shared;
}
