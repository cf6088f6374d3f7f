/* The head of an HTTP answer: the few headers that mean something to us, parsed strictly, from a server's hostile
 * bytes. */
#pragma once
#include "gateway/base/error.h"

#define HTTP_HEAD_LIMIT (256u << 10) /* bytes of all headers of a request's answers */

typedef struct {
  guint status;
  gint64 length, modified;        /* -1 (0): not said */
  gint64 range_from, range_total; /* of Content-Range; -1: not said */
  gint64 retry_seconds, retry_at; /* of Retry-After: seconds, or a date (seconds since 1970); -1: not said */
  gint64 date;                    /* the server's clock; -1 */
  gsize seen;
} HttpHead;

void http_head_clear(HttpHead *head);
/* One line as libcurl hands it, with or without its end. A new status line (after 100 Continue) begins anew. FALSE: too
 * many. */
gboolean http_head_take(HttpHead *head, const char *bytes, gsize length);
/* Seconds from now, at most a day; -1: not said. A date is taken by the server's own clock where it tells it. */
gint64 http_head_retry_after(const HttpHead *head);
