#include "store/outside/outside_private.h"

const StagingColumn *outside_columns(const Outside *outside, guint *n) {
  *n = outside->n;
  return outside->columns;
}

gboolean outside_fill(Outside *outside, RecordBlock *block, GError **error) {
  return outside->fill(outside, block, error);
}

void outside_close(Outside *outside) {
  if (!outside)
    return;
  for (guint i = 0; i < outside->n; i++)
    g_free((char *)outside->columns[i].name);
  g_free(outside->columns);
  outside->close(outside);
}

gboolean outside_is_stopped(const Outside *outside, GError **error) {
  return outside->stop && g_atomic_int_get(outside->stop) &&
         !sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is ending");
}
