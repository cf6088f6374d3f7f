#include "transfer/http/http_head.h"
#include <curl/curl.h>
#include <string.h>
#include <time.h>

#define RETRY_MOST 86400

void http_head_clear(HttpHead *head) {
  *head = (HttpHead){
      .length = -1, .range_from = -1, .range_total = -1, .retry_seconds = -1, .retry_at = -1, .date = -1};
}

static gint64 number_of(const char *text) {
  guint64 number;
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL) ? (gint64)number : -1;
}

static gint64 date_of(const char *text) {
  time_t at = curl_getdate(text, NULL);
  return at > 0 ? (gint64)at : -1;
}

/* "bytes 100-199/200", "bytes 100-199/\*", "bytes *\/200" */
static void take_range(HttpHead *head, const char *text) {
  if (g_ascii_strncasecmp(text, "bytes ", 6) != 0)
    return;
  g_auto(GStrv) parts = g_strsplit(text + 6, "/", 2);
  if (!parts[0] || !parts[1])
    return;
  head->range_total = number_of(parts[1]);
  char *dash = strchr(parts[0], '-');
  if (dash) {
    *dash = 0;
    head->range_from = number_of(parts[0]);
  }
}

static void take_status(HttpHead *head, const char *line) {
  const char *space = strchr(line, ' ');
  gsize seen = head->seen;
  http_head_clear(head);
  head->seen = seen;
  for (int i = 1; space && i <= 3 && g_ascii_isdigit(space[i]); i++)
    head->status = head->status * 10 + (guint)(space[i] - '0');
}

gboolean http_head_take(HttpHead *head, const char *bytes, gsize length) {
  head->seen += length;
  if (head->seen > HTTP_HEAD_LIMIT)
    return FALSE;
  g_autofree char *line = g_strndup(bytes, length);
  g_strchomp(line);
  if (g_str_has_prefix(line, "HTTP/")) {
    take_status(head, line);
    return TRUE;
  }
  char *value = strchr(line, ':');
  if (!value)
    return TRUE;
  *value++ = 0;
  g_strchug(value);
  if (g_ascii_strcasecmp(line, "content-length") == 0)
    head->length = number_of(value);
  else if (g_ascii_strcasecmp(line, "content-range") == 0)
    take_range(head, value);
  else if (g_ascii_strcasecmp(line, "last-modified") == 0)
    head->modified = MAX(date_of(value), 0);
  else if (g_ascii_strcasecmp(line, "date") == 0)
    head->date = date_of(value);
  else if (g_ascii_strcasecmp(line, "retry-after") == 0 && g_ascii_isdigit(*value))
    head->retry_seconds = number_of(value);
  else if (g_ascii_strcasecmp(line, "retry-after") == 0)
    head->retry_at = date_of(value);
  return TRUE;
}

gint64 http_head_retry_after(const HttpHead *head) {
  gint64 now = head->date >= 0 ? head->date : g_get_real_time() / G_USEC_PER_SEC;
  if (head->retry_seconds >= 0)
    return MIN(head->retry_seconds, RETRY_MOST);
  return head->retry_at >= 0 ? CLAMP(head->retry_at - now, 0, RETRY_MOST) : -1;
}
