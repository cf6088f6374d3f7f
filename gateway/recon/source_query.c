/* from = sqlite, from = postgresql: what a query of somebody else's database gives. */
#include "gateway/recon/source_block.h"
#include "store/outside.h"

static gboolean fill_from_query(gpointer user, RecordBlock *block, GError **error) {
  return outside_fill(user, block, error);
}
static void close_outside(gpointer user) {
  outside_close(user);
}

ReconSource *recon_source_query(const ReconSourceOptions *options, GError **error) {
  const ConfReconcile *reconcile = options->reconcile;
  g_autofree char *month = g_strndup(options->from, 7);
  OutsideQuery query = {.database = reconcile->read.path,
                        .query = reconcile->read.query,
                        .date = reconcile->period == CONF_PERIOD_MONTH ? month : options->from,
                        .from = options->from,
                        .to = options->to,
                        .stop = options->stop};
  Outside *outside = reconcile->read.from == CONF_READ_SQLITE ? outside_open_sqlite(&query, error)
                                                              : outside_open_postgresql(&query, error);
  guint n;
  if (!outside)
    return NULL;
  const StagingColumn *columns = outside_columns(outside, &n);
  return recon_source_of_blocks(columns, n, fill_from_query, outside, close_outside);
}
