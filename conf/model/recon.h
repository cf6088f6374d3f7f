/* reconcile "…" { … }, a lane's: which records a requester gets on which day, how they are written, and which ways they
 * go out. */
#pragma once
#include "conf/model/where.h"

#define CONF_READ_FROMS(X)                    \
  X(CONF_READ_LEDGER, "ledger")               \
  X(CONF_READ_FILES, "files")                 \
  X(CONF_READ_RECORDS, "records")             \
  X(CONF_READ_DELIMITED, "delimited")         \
  X(CONF_READ_SQLITE, "sqlite")               \
  X(CONF_READ_POSTGRESQL, "postgresql")       \
  X(CONF_READ_ODBC, "odbc")
typedef enum { CONF_READ_FROMS(CONF_CONSTANT) } ConfReadFrom;

/* The read rule: which records, of which columns, in which order. */
typedef struct {
  ConfWhere where;
  ConfReadFrom from;
  char *ledger;    /* from = ledger: credits of the business date */
  char **feeds;    /* ledger, files, records: of these feeds only; NULL: all of the lane */
  char **statuses; /* records: accepted rejected duplicate; files: states' words; NULL: all */
  char **columns;  /* ledger: key account amount business_date file name line batch posted_at; …; order of writing */
  char **order;    /* ledger: account key business_date; default: the order of posting (file, line) */
  char *where_sql; /* option `where`: a sandboxed SQL condition over the columns, as rules are; NULL: none */
  /* delimited: file and layout; sqlite: file and query with :date; postgresql: connection (path) and query with $1;
   * odbc: connection and query with ? */
  char *path;
  char *password_file; /* of the connection's login; NULL: none */
  char *query;
  char *layout;
  char *amount; /* the column of the control total; ledger: amount; NULL: no total */
} ConfRead;

#define CONF_PERIODS(X)         \
  X(CONF_PERIOD_DAY, "day")     \
  X(CONF_PERIOD_MONTH, "month")
typedef enum { CONF_PERIODS(CONF_CONSTANT) } ConfPeriod;

#define CONF_SHARD_PACKINGS(X)  \
  X(CONF_SHARD_PLAIN, "none")   \
  X(CONF_SHARD_GZIP, "gzip")    \
  X(CONF_SHARD_ZSTD, "zstd")
typedef enum { CONF_SHARD_PACKINGS(CONF_CONSTANT) } ConfShardPacking;

/* What comes for a period that was published: it is only told, or the next version is made, with all of the period or
 * with what came since the last one. */
#define CONF_LATES(X)                      \
  X(CONF_LATE_TELL, "tell")                \
  X(CONF_LATE_NEW_VERSION, "new-version")  \
  X(CONF_LATE_SUPPLEMENT, "supplement")
typedef enum { CONF_LATES(CONF_CONSTANT) } ConfLate;

typedef struct {
  ConfWhere where;
  char *name;
  char *requester; /* a partner */
  char *type;
  guint threshold; /* most records a shard; required */
  ConfRead read;
  ConfPeriod period;
  guint at;         /* time of the day, seconds */
  guint day_offset; /* T+1 is 1: how many days (of the calendar, if there is one) after the period's end */
  char *calendar;
  char *time_zone;
  char *shard_name;    /* '{type}_{date}_{shard}.csv'; also {requester} {version} */
  char *manifest_name; /* '{type}_{date}.manifest.json' */
  char *delimiter;     /* "," */
  char *charset;       /* UTF-8 */
  char *line_end;      /* "lf" or "crlf" */
  gboolean quote;      /* yes */
  gboolean header_line; /* yes */
  gboolean neutralise;
  ConfShardPacking compress;
  gboolean encrypt;            /* to the requester's encrypt-to */
  gboolean delimited_manifest; /* also NAME.txt, for old systems */
  char *push_endpoint;         /* of the requester; NULL: not pushed */
  char *push_path;
  char *push_marker;
  char *status_endpoint; /* of the requester, https; NULL: not told */
  char *status_path;
  gboolean serve;  /* by the front; default: yes when there is a front */
  guint keep_days; /* 90 */
  ConfLate late;
  guint late_wait; /* seconds in which more may come; 300 */
} ConfReconcile;
