/* exchange "…" { … }, a lane's: a mailbox between two partners that do not reach each other. */
#pragma once
#include "conf/model/where.h"

/* Which ends may ask. */
#define CONF_ASKERS(X)                  \
  X(CONF_ASKERS_BOTH, "both")           \
  X(CONF_ASKERS_SOURCE, "source")       \
  X(CONF_ASKERS_CONSUMER, "consumer")
typedef enum { CONF_ASKERS(CONF_CONSTANT) } ConfAskers;

typedef struct {
  ConfWhere where;
  char *name;               /* of the mailbox */
  char *source;             /* a partner */
  char *consumer;           /* another one */
  guint64 size_limit;       /* bytes of one item; 8 GiB */
  guint64 quota;            /* bytes of all that are here, in each direction; 200 GiB */
  guint64 reserve;          /* bytes of the disk that items leave to the book; 256 MiB */
  guint incomplete_keep;    /* these in seconds: 1 day */
  guint keep_acknowledged;  /* 7 days */
  guint keep_unacknowledged; /* 90 days */
  guint unacknowledged_after; /* 4 hours */
  guint untaken_after;      /* of a request; 8 hours */
  ConfAskers request_from;
  guint64 answer_limit;     /* bytes of one answer; 8 GiB */
  guint request_lease;      /* 10 minutes */
  guint request_expire;     /* 3 days */
  guint request_attempts;   /* takes; 3 */
} ConfExchange;
