/* What is done with a feed's records. A kind of process is one line in CONF_PROCESSES, its struct here, and its rows in
 * process_WORD.c in conf/table/. */
#pragma once
#include "conf/model/envelope.h"

/* Each kind: its constant, its word (and the name of its member in ConfFeed), its struct, and whether it keeps a ledger
 * of what was credited: that tells keys seen before, and reconciliation reads it. A kind without one takes whole files
 * and needs no key. */
#define CONF_PROCESSES(X)                                     \
  X(CONF_PROCESS_LEDGER, ledger, ConfLedger, TRUE)            \
  X(CONF_PROCESS_HTTP, http, ConfHttp, TRUE)                  \
  X(CONF_PROCESS_DELIVER, deliver, ConfDeliver, FALSE)        \
  X(CONF_PROCESS_REFERENCE, reference, ConfReference, FALSE)  \
  X(CONF_PROCESS_RATING, rating, ConfUsage, FALSE)

#define CONF_PROCESS_CONSTANT(constant, word, type, keeps_ledger) constant,
typedef enum { CONF_PROCESSES(CONF_PROCESS_CONSTANT) } ConfProcess;

/* x: 2,500 and 5,000; beyond 2,500–5,000 only with allow-any-size = yes */
typedef struct {
  ConfWhere where;
  guint size_min;
  guint size_max;
  gboolean allow_any_size;
  guint target_latency; /* milliseconds; 0: no pressure block */
  guint threads_min;    /* calls in flight: 1 and 8 */
  guint threads_max;
} ConfBatch;

/* process ledger { … }; these settings are also those of the other kinds that keep a ledger. */
typedef struct {
  ConfWhere where;
  char *name;
  char *account;
  char *amount;
  guint shards;
} ConfLedger;

#define CONF_BODIES(X)          \
  X(CONF_BODY_JSON, "json")     \
  X(CONF_BODY_CSV, "csv")
typedef enum { CONF_BODIES(CONF_CONSTANT) } ConfBody;

/* process http { … } */
typedef struct {
  char *system;
  char *endpoint;
  char *path;
  ConfBody body;
  guint timeout;  /* seconds; 30 */
  char **columns; /* sent; default: all */
} ConfHttp;

/* process deliver { … } */
typedef struct {
  char *system;
  char *endpoint;
  char *path;
  char *name;
  char *marker;
  ConfEnvelope envelope; /* none or openpgp */
  char **encrypt_to;     /* openpgp */
  ConfPacking packing;
  ConfIfExists if_exists;
  ConfWrite write;
  ConfVanishes vanishes;
} ConfDeliver;

/* exclusive: valid before it; inclusive-day: also on that day */
#define CONF_UNTILS(X)                        \
  X(CONF_UNTIL_EXCLUSIVE, "exclusive")        \
  X(CONF_UNTIL_INCLUSIVE_DAY, "inclusive-day")
typedef enum { CONF_UNTILS(CONF_CONSTANT) } ConfUntil;

/* exact: the first load is a full one, and what is removed was there. cursor: they are changes behind a query's last
 * key, so that the first ones are all rows, and a row that is gone may never have been seen. */
#define CONF_DELTAS(X)                        \
  X(CONF_DELTAS_EXACT, "exact")               \
  X(CONF_DELTAS_CURSOR, "cursor")
typedef enum { CONF_DELTAS(CONF_CONSTANT) } ConfDeltas;

/* process reference { … } */
typedef struct {
  char *name;
  char **key;      /* fields of the record */
  char **valid;    /* fields of the record: from, until; NULL: rows are always valid */
  ConfUntil until;
  char *time_zone; /* of days and of times without an offset; default: the node's */
  char *kind;      /* a field of the header: full or delta; NULL: each file is a full load */
  char *sequence;  /* a field of the header */
  char *operation; /* a field of the record: put or remove; NULL: each is put */
  ConfDeltas deltas;
  guint keep_versions; /* 0: all */
  guint shrink_limit;  /* percent; 20 */
} ConfReference;

/* process rating { … } */
typedef struct {
  char *name; /* of the lane's rating */
} ConfUsage;
