#include "gateway/common/json_text.h"
#include <stdlib.h>

char *json_text_take(json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT) : NULL, *copy = g_strdup(text);
  free(text);
  json_decref(value);
  return copy;
}

char *json_text_utc(gint64 at) {
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
  return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}
