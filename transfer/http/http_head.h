/* The two headers of an HTTP answer that libcurl does not take apart, read strictly from a server's hostile bytes. */
#pragma once
#include <glib.h>

/* Of Content-Range; -1: not said. NULL: there is none. */
typedef struct {
  gint64 from, total;
} HttpRange;
HttpRange http_range(const char *text);

/* Seconds from now, at most a day; -1: not said. A date is taken by the server's own clock where `date` tells it. Both
 * may
 * be NULL. */
gint64 http_retry_after(const char *text, const char *date);
