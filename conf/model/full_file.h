/* full-file { … } and platform "…" { … } of a rating: what leaves of what was rated. */
#pragma once
#include "conf/model/where.h"

#define CONF_FILE_PERIODS(X)                 \
  X(CONF_FILE_PERIOD_DAY, "day")             \
  X(CONF_FILE_PERIOD_NONE, "none")
typedef enum { CONF_FILE_PERIODS(CONF_CONSTANT) } ConfFilePeriod;

/* What becomes of an event whose period is closed. */
#define CONF_LATE_RECORDS(X)                        \
  X(CONF_LATE_RECORD_NEXT, "next")                  \
  X(CONF_LATE_RECORD_SUPPLEMENT, "supplement")
typedef enum { CONF_LATE_RECORDS(CONF_CONSTANT) } ConfLateRecord;

/* full-file { … }: what was rated, as files. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *name;    /* has {sequence}; {period} */
  char **fields; /* of the record, and what rating adds */
  guint records; /* 100,000 */
  guint age;     /* seconds; 15 minutes */
  ConfFilePeriod period;
  guint grace;   /* seconds behind the period's end in which its events are still its own; 30 minutes */
  gboolean empty; /* a period without a record has a file */
  ConfLateRecord late;
  char *archive;  /* a local folder for a copy of each; NULL: none */
  char *incoming; /* a local folder of full files that others put there; NULL: none */
} ConfFullFile;

/* Records that no platform gets. */
#define CONF_UNROUTEDS(X)                    \
  X(CONF_UNROUTED_ALARM, "alarm")            \
  X(CONF_UNROUTED_HOLD, "hold")              \
  X(CONF_UNROUTED_DROP, "drop")
typedef enum { CONF_UNROUTEDS(CONF_CONSTANT) } ConfUnrouted;

#define CONF_ROUTES(X)                       \
  X(CONF_ROUTE_ANY, "any")                   \
  X(CONF_ROUTE_ONE, "one")
typedef enum { CONF_ROUTES(CONF_CONSTANT) } ConfRoute; /* how many platforms may get a record */

/* platform "…" { … }: a file of its own for each full file. */
typedef struct {
  ConfWhere where;
  char *name;
  char *when;   /* an SQL expression over the full file's fields; NULL: each record */
  char **fields;
  char *file;
  char *push_system; /* NULL: its files stay here */
  char *push_endpoint;
  char *push_path;
} ConfPlatform;
