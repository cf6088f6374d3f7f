#include "transfer/http/http_head.h"
#include <curl/curl.h>
#include <string.h>

#define RETRY_MOST 86400

static gint64 number_of(const char *text) {
  guint64 number;
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL) ? (gint64)number : -1;
}

/* "bytes 100-199/200", "bytes 100-199/\*", "bytes *\/200" */
HttpRange http_range(const char *text) {
  HttpRange range = {-1, -1};
  g_auto(GStrv) parts = text && g_ascii_strncasecmp(text, "bytes ", 6) == 0 ? g_strsplit(text + 6, "/", 2) : NULL;
  if (!parts || !parts[0] || !parts[1])
    return range;
  range.total = number_of(parts[1]);
  char *dash = strchr(parts[0], '-');
  if (dash) {
    *dash = 0;
    range.from = number_of(parts[0]);
  }
  return range;
}

gint64 http_retry_after(const char *text, const char *date) {
  if (!text)
    return -1;
  gint64 seconds = g_ascii_isdigit(*text) ? number_of(text) : -1;
  if (g_ascii_isdigit(*text))
    return MIN(seconds, RETRY_MOST);
  gint64 at = (gint64)curl_getdate(text, NULL), said = date ? (gint64)curl_getdate(date, NULL) : -1;
  gint64 now = said > 0 ? said : g_get_real_time() / G_USEC_PER_SEC;
  return at > 0 ? CLAMP(at - now, 0, RETRY_MOST) : -1;
}
