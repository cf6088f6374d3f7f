/* rating "…" { … }, a lane's: what a business' usage costs. */
#pragma once
#include "conf/model/full_file.h"

/* Of whom a look-up tells: what is missing there has a code of its own. */
#define CONF_LOOKUP_OFS(X)                   \
  X(CONF_LOOKUP_PRODUCT, "product")          \
  X(CONF_LOOKUP_MEMBER, "member")
typedef enum { CONF_LOOKUP_OFS(CONF_CONSTANT) } ConfLookupOf;

/* lookup "…" { … }: a row of a reference table; its fields can be named in what follows. */
typedef struct {
  ConfWhere where;
  char *name;
  char *table;
  char **key; /* fields of the usage record, in the order of the table's key */
  ConfLookupOf of;
  gboolean optional; /* where there is no row its fields are absent */
} ConfLookup;

typedef struct {
  ConfWhere where;
  char *value;         /* an SQL expression */
  guint64 increment;   /* 1 */
  guint64 first;       /* at least so much; 0 */
  gboolean charge_zero; /* nothing is billed as `first`, too */
} ConfQuantity;

#define CONF_TIERS_KINDS(X)                  \
  X(CONF_TIERS_GRADUATED, "graduated")       \
  X(CONF_TIERS_VOLUME, "volume")
typedef enum { CONF_TIERS_KINDS(CONF_CONSTANT) } ConfTiersKind;

#define CONF_COUNTERS(X)                     \
  X(CONF_COUNTER_MONTH, "month")             \
  X(CONF_COUNTER_DAY, "day")                 \
  X(CONF_COUNTER_YEAR, "year")               \
  X(CONF_COUNTER_EVER, "ever")
typedef enum { CONF_COUNTERS(CONF_CONSTANT) } ConfCounter;

/* tiers { … }: several rows of a reference table, told apart by `up_to`, the last field of its key. */
typedef struct {
  ConfWhere where;
  gboolean present;
  ConfTiersKind kind;
  char *table;
  char **key;
  char *up_to;
  char *rate;
  guint64 per; /* 1 */
  ConfCounter counter;
} ConfTiers;

/* step "…" { … } */
typedef struct {
  ConfWhere where;
  char *name;
  char *when;   /* NULL: always */
  char *amount;
  gboolean campaign; /* of several that apply only the first does, … */
  gboolean stack;    /* … but for those that say so */
  char *choose;      /* of the steps that stand together and have this name, the lowest; NULL: none */
} ConfStep;

#define CONF_ROUND_ATS(X)                    \
  X(CONF_ROUND_END, "end")                   \
  X(CONF_ROUND_EACH_STEP, "each-step")
typedef enum { CONF_ROUND_ATS(CONF_CONSTANT) } ConfRoundAt;

#define CONF_ROUND_MODES(X)                  \
  X(CONF_ROUND_HALF_UP, "half-up")           \
  X(CONF_ROUND_HALF_EVEN, "half-even")       \
  X(CONF_ROUND_DOWN, "down")                 \
  X(CONF_ROUND_UP, "up")
typedef enum { CONF_ROUND_MODES(CONF_CONSTANT) } ConfRoundMode; /* in the order of MONEY_ROUNDINGS */

typedef struct {
  ConfWhere where;
  ConfRoundAt at;
  ConfRoundMode mode;
  guint scale;
} ConfRound;

/* example "…" { … }: the check computes it. */
typedef struct {
  ConfWhere where;
  char *name;
  char *in;  /* "seconds=78 rate=0.25" */
  char *out; /* "0.33", or a code */
} ConfExample;

/* A local time that the zone's clock shows twice, when it is put back. */
#define CONF_AMBIGUOUS(X)                    \
  X(CONF_AMBIGUOUS_REJECT, "reject")         \
  X(CONF_AMBIGUOUS_FIRST, "first")           \
  X(CONF_AMBIGUOUS_SECOND, "second")
typedef enum { CONF_AMBIGUOUS(CONF_CONSTANT) } ConfAmbiguous;

/* intake { … }: usage that comes over HTTP. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char **partners;    /* who may send it */
  guint64 size_limit; /* bytes of a batch; 4 MiB */
  guint records;      /* of a batch; 5,000 */
  guint waiting;      /* batches at once; 32 */
} ConfIntake;

typedef struct {
  ConfWhere where;
  char *name;
  char *layout;
  char *account;    /* a field */
  char *event_time; /* likewise */
  char **key;       /* fields; NULL: no feed may name it */
  guint shards;     /* of its details; 2 */
  guint horizon;    /* seconds; 0: for ever */
  guint suspend_limit; /* seconds; 7 days */
  char *time_zone;  /* of times without an offset, and of counters' periods */
  ConfAmbiguous ambiguous;
  guint scale;      /* of the amounts within */
  ConfQuantity quantity;
  GPtrArray *lookups; /* ConfLookup* */
  ConfTiers tiers;
  GPtrArray *steps; /* ConfStep*, in their order */
  ConfRound round;
  char *minimum;       /* a decimal; NULL: none */
  GPtrArray *examples; /* ConfExample* */
  ConfFullFile full_file;
  GPtrArray *platforms; /* ConfPlatform* */
  ConfIntake intake;
  ConfUnrouted unrouted;
  ConfRoute route;
} ConfRating;
