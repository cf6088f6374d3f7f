/* from = sqlite, postgresql or odbc: what a query of somebody else's database gives. */
#include "gateway/recon/source_block.h"
#include "gateway/common/paths.h"
#include "store/outside.h"

static gboolean fill_from_query(gpointer user, RecordBlock *block, GError **error) {
  return outside_fill(user, block, error);
}
static void close_outside(gpointer user) {
  outside_close(user);
}

static gboolean is_stopped(gpointer user) {
  return g_atomic_int_get((const gboolean *)user);
}

ReconSource *recon_source_query(const ReconSourceOptions *options, GError **error) {
  static const char *const words[] = {CONF_READ_FROMS(CONF_WORD)};
  const ConfReconcile *reconcile = options->reconcile;
  g_autofree char *month = g_strndup(options->from, 7);
  OutsideQuery query = {.database = reconcile->read.path,
                        .password_file = secret_path(reconcile->read.password_file),
                        .query = reconcile->read.query,
                        .date = reconcile->period == CONF_PERIOD_MONTH ? month : options->from,
                        .from = options->from,
                        .to = options->to,
                        .stop = options->stop ? is_stopped : NULL,
                        .user = (gpointer)(intptr_t)options->stop};
  guint n;
  if (!outside_engine(words[reconcile->read.from], &query.engine)) {
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "from = %s is no query", words[reconcile->read.from]);
    return NULL;
  }
  Outside *outside = outside_open(&query, error);
  if (!outside)
    return NULL;
  const StagingColumn *columns = outside_columns(outside, &n);
  return recon_source_of_blocks(columns, n, fill_from_query, outside, close_outside);
}
