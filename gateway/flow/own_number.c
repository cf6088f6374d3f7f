#include "gateway/flow/own_number.h"
#include "gateway/base/faultpoint.h"
#include "store/book_watch.h"
#include <string.h>

typedef struct {
  const char *counter, *file;
  guint64 number;
} Count;

static gboolean count_change(BookTransaction *tx, gpointer data, GError **error) {
  Count *count = data;
  return book_count(tx, count->counter, count->file, &count->number, error);
}

gboolean flow_own_number(Step *step, const char *purpose, const char *const *templates, gsize n, guint64 *number,
                         GError **error) {
  gboolean is_used = FALSE;
  *number = 0;
  for (gsize i = 0; i < n; i++)
    is_used |= templates[i] && (strstr(templates[i], "{sequence}") || strstr(templates[i], "{sequence:"));
  if (!is_used)
    return TRUE;
  g_autofree char *counter = g_strdup_printf("%s %s", step->feed->conf->name, purpose);
  Count count = {counter, step->file->id, 0};
  if (!book_write(step->flow->book, count_change, &count, error))
    return FALSE;
  fault_point("own-number-after-commit");
  *number = count.number;
  return TRUE;
}
