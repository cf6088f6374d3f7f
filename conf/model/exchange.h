/* exchange "…" { … }, a lane's: a mailbox between two partners that do not reach each other. */
#pragma once
#include "conf/model/source.h"

/* Which ends may ask. */
#define CONF_ASKERS(X)                  \
  X(CONF_ASKERS_BOTH, "both")           \
  X(CONF_ASKERS_SOURCE, "source")       \
  X(CONF_ASKERS_CONSUMER, "consumer")
typedef enum { CONF_ASKERS(CONF_CONSTANT) } ConfAskers;

/* drop-folder "PARTNER" { … }: the same mailbox by two folders on a server of one of its ends. */
typedef struct {
  ConfWhere where;
  char *name;        /* of the end */
  char *endpoint;    /* of it */
  char *outgoing;    /* remote folder: what the end puts */
  char *match;       /* a glob; "*" */
  ConfReady ready;   /* these as in source { … } */
  char *marker;
  char **temporary;
  guint looks;
  guint least_age;   /* seconds */
  guint every;       /* seconds; 30 */
  char *requests;    /* a glob of names by which it asks; NULL: it does not */
  gboolean answers;  /* what it is asked is put for it, and its answers are looked for; yes */
  char *incoming;    /* remote folder: what has come for it */
  char *incoming_marker; /* template; NULL: none */
  char *done;        /* remote folder: what it has moved there is acknowledged; INCOMING/done */
} ConfDropFolder;

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
  GPtrArray *drop_folders;  /* ConfDropFolder*, of at most both ends */
} ConfExchange;
