/* idle { … }, a lane's: it works only while the machine has nothing better to do. */
#pragma once
#include "conf/model/where.h"

/* at `latest`: told, and nothing is sent; or sent at a tenth of the bandwidth */
#define CONF_AT_LATESTS(X)                \
  X(CONF_AT_LATEST_ALARM, "alarm")        \
  X(CONF_AT_LATEST_SLOWLY, "send-slowly")
typedef enum { CONF_AT_LATESTS(CONF_CONSTANT) } ConfAtLatest;

typedef struct {
  ConfWhere where;
  gboolean present;
  guint cpu_below, cpu_above; /* percent of all processors that others use: 30 and 50 */
  guint io_below, io_above;   /* percent of the time in which some wait for a disk: 5 and 15 */
  guint memory_above;         /* percent of the time in which some wait for memory: 1 */
  guint idle_for;             /* these in seconds: 60 */
  guint busy_for;             /* 2 */
  guint cool_down;            /* 30 */
  char **windows;             /* "19:00-07:00"; NULL: always */
  char **probe;               /* argv; 0: the business is idle. NULL: none */
  char *veto_file;            /* while it is there, it is not idle */
  guint latest;               /* from a file's arrival; 24 hours */
  ConfAtLatest at_latest;
  guint64 bandwidth; /* bytes a second; 20 MiB */
  guint64 piece;     /* bytes; 1 MiB */
} ConfIdle;

/* "HH:MM-HH:MM", in seconds of the day; the end may lie before the beginning: over midnight. */
gboolean conf_idle_window(const char *text, guint *from, guint *until);
