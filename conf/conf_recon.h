/* The part of the configuration that is about reconciliation files: what conf.h includes. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  const char *file;
  guint line;
} ConfWhere;

/* front { … }: the process that serves HTTPS to requesters. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *listen;                               /* address:port, [::]:8443 */
  char *certificate_file, *private_key_file;  /* PEM; may be credential:NAME */
  char *client_ca_file;                       /* client certificates are asked for; NULL: tokens only */
  char *url;                                  /* how requesters reach it: in manifests */
  guint connections, connections_per_address; /* 256, 16 */
  guint timeout;                              /* seconds; 30 */
  gboolean clear_text;                        /* without TLS, behind a proxy of our own: asked for */
} ConfFront;

/* The read rule: which records, of which columns, in which order. */
typedef enum {
  CONF_READ_LEDGER,
  CONF_READ_FILES,
  CONF_READ_RECORDS,
  CONF_READ_DELIMITED,
  CONF_READ_SQLITE,
  CONF_READ_POSTGRESQL
} ConfReadFrom;
typedef struct {
  ConfWhere where;
  ConfReadFrom from;
  char *ledger;    /* from = ledger: credits of the business date */
  char **feeds;    /* ledger, files, records: of these feeds only; NULL: all of the lane */
  char **statuses; /* records: accepted rejected duplicate; files: states' words; NULL: all */
  /* ledger: key account amount business_date file name line batch posted_at; … ; order of writing */
  char **columns;
  char **order; /* ledger: account key business_date; default: the order of posting (file, line) */
  /* option `where`: a sandboxed SQL condition over the columns, as rules are; NULL: none */
  char *where_sql;
  /* delimited: file and layout; sqlite: file and query with :date; postgresql: connection (path) and query with $1 */
  char *path, *query, *layout;
  char *amount; /* the column of the control total; ledger: amount; NULL: no total */
} ConfRead;

typedef enum { CONF_PERIOD_DAY, CONF_PERIOD_MONTH } ConfPeriod;
/* lane { reconcile "acme-daily" { … } } */
typedef struct {
  ConfWhere where;
  char *name, *requester /* a partner */, *type;
  guint threshold; /* most records a shard; required */
  ConfRead read;
  ConfPeriod period;
  guint at;         /* time of the day, seconds */
  guint day_offset; /* T+1 is 1: how many days (of the calendar, if there is one) after the period's end */
  char *calendar, *time_zone;
  char *shard_name;    /* '{type}_{date}_{shard}.csv'; also {requester} {version} */
  char *manifest_name; /* '{type}_{date}.manifest.json' */
  /* "," UTF-8 lf yes yes no */
  char *delimiter, *charset, *line_end;
  gboolean quote, header_line, neutralise;
  /* to the requester's encrypt-to */
  enum { CONF_SHARD_PLAIN, CONF_SHARD_GZIP, CONF_SHARD_ZSTD } compress;
  gboolean encrypt;
  gboolean delimited_manifest;                   /* also NAME.txt, for old systems */
  char *push_endpoint, *push_path, *push_marker; /* of the requester; NULL: not pushed */
  char *status_endpoint, *status_path;           /* of the requester, https; NULL: not told */
  gboolean serve;                                /* by the front; default: yes when there is a front */
  guint keep_days;                               /* 90 */
} ConfReconcile;
