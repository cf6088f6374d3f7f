/* What is looked after beside each file: those that come again, their numbers, when they are due, when it is too late.
 * Times of the day are in seconds. */
#pragma once
#include "conf/model/where.h"

/* Re-processing: what becomes of what was there before. */
#define CONF_AGAINS(X)                    \
  X(CONF_AGAIN_DUPLICATE, "duplicate")    \
  X(CONF_AGAIN_HOLD, "hold")              \
  X(CONF_AGAIN_REJECT, "reject")          \
  X(CONF_AGAIN_ACCEPT, "accept")
typedef enum { CONF_AGAINS(CONF_CONSTANT) } ConfAgain;

/* Defaults: duplicate, hold, duplicate, duplicate. */
typedef struct {
  ConfWhere where;
  ConfAgain same_file;    /* same name and bytes */
  ConfAgain same_name;    /* same name, other bytes */
  ConfAgain same_content; /* other name, same bytes */
  ConfAgain keys;         /* records posted before: duplicate or reject (each), hold (the file); never accept */
} ConfRepeats;

/* wait: only for a gap, at most wait_limit seconds */
#define CONF_SEQUENCE_POLICIES(X)         \
  X(CONF_SEQUENCE_ACCEPT, "accept")       \
  X(CONF_SEQUENCE_ALARM, "alarm")         \
  X(CONF_SEQUENCE_HOLD, "hold")           \
  X(CONF_SEQUENCE_REJECT, "reject")       \
  X(CONF_SEQUENCE_WAIT, "wait")
typedef enum { CONF_SEQUENCE_POLICIES(CONF_CONSTANT) } ConfSequencePolicy;

/* by business date */
#define CONF_RESETS(X)                    \
  X(CONF_RESET_NEVER, "never")            \
  X(CONF_RESET_DAILY, "daily")            \
  X(CONF_RESET_MONTHLY, "monthly")        \
  X(CONF_RESET_YEARLY, "yearly")
typedef enum { CONF_RESETS(CONF_CONSTANT) } ConfReset;

/* File sequence numbers, from the name ('POINTS_{date}_{sequence}.dat.pgp') or a header field. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *name;
  char *header_field;
  guint64 first; /* 1 */
  guint64 most;  /* wraps to first after it; 0: never */
  ConfReset reset;
  ConfSequencePolicy on_reused; /* hold */
  ConfSequencePolicy on_gap;    /* alarm */
  ConfSequencePolicy on_late;   /* alarm */
  guint wait_limit;
} ConfSequence;

/* expect "daily" { by = "06:00" … }: files that are due, in time_zone. */
typedef struct {
  ConfWhere where;
  char *name;
  guint by;
  guint from;      /* counted from then on; 0: midnight */
  gint day_offset; /* by is so many days after the day it is for */
  guint files;     /* 1 */
  char *calendar;
  char *time_zone;
} ConfExpect;

#define CONF_CUTOFFS(X)                   \
  X(CONF_CUTOFF_NEXT_DAY, "next-day")     \
  X(CONF_CUTOFF_HOLD, "hold")             \
  X(CONF_CUTOFF_REJECT, "reject")
typedef enum { CONF_CUTOFFS(CONF_CONSTANT) } ConfCutOffAfter;

/* cut-off { at = "17:00" … }: what arrives later belongs to the calendar's next day, or is held, or rejected. */
typedef struct {
  ConfWhere where;
  gboolean present;
  guint at;
  char *calendar;
  char *time_zone;
  ConfCutOffAfter after;
} ConfCutOff;
