/* What the drivers of libcurl's protocols share: a connection that is made before the cage and handed to libcurl, a
 * multi handle that is run here, trust and login as blobs, our own clock, and the one function that maps libcurl's
 * codes.
 *
 * libcurl resolves nothing and opens no socket: the first connection is the one from before the cage, each further one
 * comes from the lane, which dials the same address. It reads no file, no environment, no .netrc; it follows no
 * redirect and uses no proxy. */
#pragma once
#include "transfer/caged/driver.h"
#include <curl/curl.h>

typedef struct {
  const DriverHost *host;
  CURLM *multi;
  CURL *easy;
  char *name, *address, *trust; /* trust: PEM of those that we believe */
  gsize trust_length;
  /* what the lane has sent: certificate, key, user, password as below borrow from it */
  WireBuffer *secrets;
  char *certificate, *key, *passphrase, *pins, *user, *password;
  struct curl_slist *resolved; /* name and address, so that nothing is asked of DNS */
  guint port;
  CourierTls tls;
  gboolean is_http;
  int first;           /* from before the cage; -1 once libcurl has it */
  int control;         /* the same, for good; */
  gboolean is_closed;  /* and libcurl has closed it */
  gboolean may_redial; /* FTP: once more, before anybody is logged in */
  gboolean with_tls13; /* FTP: see prepare_tls() */
  /* FTP: looks at the control connection that are left until its reply has to have come */
  guint replies_awaited;
  /* all of a file has been handed to the data connection, which is closed when its other end has read it */
  gboolean is_done;
  /* so many waits of a millisecond: libcurl has a connection that it does not watch yet */
  guint quick_looks;
  gint64 deadline;           /* monotonic; moved on by progress */
  gint64 patience;           /* microseconds without progress */
  gint64 end, looked_at;     /* of the whole run; when the lane and the clock were last looked at */
  guint64 moved, renewed_at; /* bytes of files in this run */
  /* why a callback of ours has ended the run: it counts, whatever code libcurl makes of it */
  GError *failure;
  gboolean out_of_time;
  CURLcode result; /* of the last run */
  char *protocol;  /* of TLS, and its cipher, as libcurl tells them */
  /* char*: the certificates that the server showed, its own first; NULL: none were shown yet */
  GPtrArray *chain;
  gint64 chain_ends;             /* when its own ends, seconds since 1970; 0: not known */
  char problem[CURL_ERROR_SIZE]; /* libcurl's own words */
} CurlLink;

/* Takes trust and credentials from the lane, connects, tells the lane where to, and locks in. *cage is for people. */
gboolean curl_link_open(CurlLink *link, const DriverHost *host, const WireMessage *open, char **cage,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void curl_link_close(CurlLink *link, gboolean politely); /* politely: FTP's QUIT */

/* Every option back to ours, for the next request: URL, time-outs, TLS, protocols, callbacks. */
void curl_link_prepare(CurlLink *link, const char *url);
/* Runs what was prepared. `limit` is for all of it, or 0: as long as there is progress. Any other code than CURLE_OK
 * goes to curl_link_failed(). */
CURLcode curl_link_run(CurlLink *link, gint64 limit) G_GNUC_WARN_UNUSED_RESULT;
/* So many more bytes of a file have been moved: 1 KiB is progress. FALSE: the lane is gone (the failure is set). */
gboolean curl_link_moved(CurlLink *link, gsize bytes, guint64 position);
/* A file on its way out: CURLOPT_READFUNCTION, with one of these as its CURLOPT_READDATA. */
typedef struct {
  CurlLink *link;
  int fd;
  guint64 at, end;
  const char *path;    /* for the error */
  gboolean tells_lane; /* how far it is; else only that it goes on */
} CurlUpload;
size_t curl_link_give(char *bytes, size_t one, size_t most, void *upload);
void curl_link_awaits_reply(CurlLink *link); /* FTP: a command has gone out */
void curl_link_heard(CurlLink *link);        /* FTP: and its reply has come, which is progress */
void curl_link_connected(CurlLink *link);    /* what was to be connected is */
void curl_link_alive(CurlLink *link);        /* an answer has come: the clock starts anew */
void curl_link_hear(CurlLink *link, const char *words, gsize length); /* libcurl's own, of CURLINFO_TEXT */
/* tls (protocol and cipher), certificate (several, the server's own first), certificate-ends */
void curl_link_facts(const CurlLink *link, const DriverFacts *facts);
/* The one place where libcurl's codes become ours. `reply`: the server's last code (FTP, HTTP) or 0. Always FALSE. */
gboolean curl_link_failed(CurlLink *link, CURLcode code, guint reply, const char *what, GError **error);
SallyportErrorCode curl_code(CURLcode code, guint reply);
