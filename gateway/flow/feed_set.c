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

typedef struct {
  gpointer what;
  GDestroyNotify free_it;
} Shared;

static void shared_free(gpointer data) {
  Shared *shared = data;
  shared->free_it(shared->what);
  g_free(shared);
}

gpointer feeds_share(Feeds *feeds, const char *name, gpointer (*make)(const char *name), GDestroyNotify free_it) {
  if (!feeds->shared)
    feeds->shared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, shared_free);
  Shared *shared = g_hash_table_lookup(feeds->shared, name);
  if (!shared) {
    shared = g_new(Shared, 1);
    *shared = (Shared){make(name), free_it};
    g_hash_table_insert(feeds->shared, g_strdup(name), shared);
  }
  return shared->what;
}
