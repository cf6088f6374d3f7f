/* feed "…" { … }: a partner's files, from the folder that they come from to the answers; and lanes, which hold
 * feeds. */
#pragma once
#include "conf/model/exchange.h"
#include "conf/model/feedback.h"
#include "conf/model/idle.h"
#include "conf/model/process.h"
#include "conf/model/query.h"
#include "conf/model/rating.h"
#include "conf/model/replay.h"
#include "conf/model/scenario.h"
#include "conf/model/source.h"
#include "conf/model/watch.h"

typedef struct {
  ConfWhere where; /* of the check */
  char *name;
  char *check;
  char *code;
  char *message; /* default: the name */
} ConfRule;

/* Within what a key stands for one record. */
#define CONF_KEY_SCOPES(X)                     \
  X(CONF_KEY_EVER, "ever")                     \
  X(CONF_KEY_BUSINESS_DAY, "business-day")     \
  X(CONF_KEY_FILE, "file")
typedef enum { CONF_KEY_SCOPES(CONF_CONSTANT) } ConfKeyScope;
#define CONF_KEY_COLUMN "record_key" /* of a key that is composed: of several fields, or bounded */

#define CONF_PROCESS_MEMBER(constant, word, type, keeps_ledger) type word;
typedef struct {
  ConfWhere where;
  char *name;
  char *partner;
  char *layout;
  char *key;            /* the column of it: its one field, or CONF_KEY_COLUMN */
  char **key_fields;    /* it, or those that it is composed of */
  ConfKeyScope key_scope;
  char *business_date;  /* a header or record field; NULL: day of arrival */
  guint business_back;  /* seconds, whole days: the business date is no more of them before the day of arrival, … */
  guint business_ahead; /* … nor behind it */
  gboolean reject_file; /* on-reject = file (default), else record */
  guint64 plain_limit;
  guint ratio_limit;
  guint retry_limit; /* failed tries of one step before the file is held; 10 */
  ConfSourceFolder source;
  GPtrArray *rules; /* ConfRule* */
  ConfBatch batch;
  ConfProcess process;
  CONF_PROCESSES(CONF_PROCESS_MEMBER)
  ConfFeedback feedback;
  ConfRepeats repeats;
  ConfSequence sequence;
  GPtrArray *expects; /* ConfExpect* */
  ConfCutOff cut_off;
} ConfFeed;

/* A capability of a lane adds an array of its sections here. */
typedef struct {
  ConfWhere where;
  char *name;
  guint threads;         /* 0: one per processor */
  GPtrArray *feeds;      /* ConfFeed* */
  GPtrArray *reconciles; /* ConfReconcile* */
  GPtrArray *exchanges;  /* ConfExchange* */
  GPtrArray *ratings;    /* ConfRating* */
  GPtrArray *scenarios;  /* ConfScenario* */
  GPtrArray *queries;    /* ConfQuery* */
  ConfReplay replay;
  ConfIdle idle;
} ConfLane;
