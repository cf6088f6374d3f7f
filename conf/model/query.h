/* query "…" { … }, a lane's: rows of somebody else's database that become files in a folder of this machine, for a feed
 * to take. */
#pragma once
#include "conf/model/where.h"

#define CONF_QUERY_FROMS(X)                   \
  X(CONF_QUERY_SQLITE, "sqlite")              \
  X(CONF_QUERY_POSTGRESQL, "postgresql")      \
  X(CONF_QUERY_ODBC, "odbc")
typedef enum { CONF_QUERY_FROMS(CONF_CONSTANT) } ConfQueryFrom;

typedef struct {
  ConfWhere where;
  char *name;
  ConfQueryFrom from;
  char *path;          /* sqlite: the file; else the connection */
  char *password_file; /* NULL: none */
  char *query;
  char **cursor; /* columns; NULL: the whole result each time */
  guint rows;    /* the most of one file; 5,000; without a cursor it is not looked at */
  guint lag;     /* seconds; keys are left alone until they have been seen for so long */
  guint timeout; /* seconds that one query may take; 300 */
  guint every;   /* seconds; 0: cron */
  char *cron;
  char *time_zone;
  char *layout;
  char *folder;    /* on this machine */
  char *file_name; /* has {sequence} */
  guint waiting;   /* files that may lie there untaken: 8 */
} ConfQuery;
