/* One request over HTTP, by libcurl: what the drivers of web servers (driver.c) and of mailboxes (mailbox.c) share. */
#pragma once
#include "transfer/curl/curl_link.h"
#include "transfer/http/http_head.h"

typedef struct {
  Driver base;
  CurlLink link;
  char *root;          /* "https://host:port/base", without a slash at the end */
  char *authorization; /* the header, or NULL */
  gboolean has_asked;  /* for credentials */
  /* the request that runs */
  const char *path;
  struct curl_slist *headers;
  gsize head_bytes;
  gboolean is_sent, may_repeat;
  int to;        /* the answer's descriptor; -1: none */
  GString *text; /* the answer, where it is short; NULL: not kept */
  guint64 written, skip, limit, dropped;
  gboolean is_get;
  guint64 offset;
} Http;

/* Every option for a request of this path. `headers`: lines, or NULL. FALSE: it is no path of a URL. */
gboolean http_begin(Http *http, const char *path, const char *headers, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void http_add_header(Http *http, const char *line);
/* The request's body: set after http_begin(), and kept until it has run. */
void http_send(Http *http, CurlUpload *body, guint64 size);
/* Of the answer that is there so far; NULL: it has none of that name. */
const char *http_header(const Http *http, const char *name);
guint http_status(const Http *http);
/* What an answer's status means to somebody who only wanted a file; always FALSE. */
gboolean http_refused(const Http *http, const char *what, const char *path, GError **error);
/* What libcurl's code means; always FALSE. */
gboolean http_failed(Http *http, CURLcode code, const char *what, const char *path, GError **error);
/* A driver of these operations, connected and locked in. */
Driver *http_open(const DriverHost *host, const WireMessage *open, const DriverOperations *operations,
                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Operations that both have. */
gboolean http_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error);
gboolean http_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                    GError **error);
gboolean http_idle(Driver *driver);
void http_close(Driver *driver);
