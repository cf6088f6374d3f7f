/* source { … }: the drop folder that a feed's files are taken from. */
#pragma once
#include "conf/model/envelope.h"

/* LISTED, and after it ACKNOWLEDGE: of mailboxes, which list only what is whole */
#define CONF_READIES(X)                 \
  X(CONF_READY_MARKER, "marker")        \
  X(CONF_READY_RENAME, "rename")        \
  X(CONF_READY_STABLE, "stable")        \
  X(CONF_READY_AGE, "age")              \
  X(CONF_READY_DECLARED, "declared")    \
  X(CONF_READY_LISTED, "listed")
typedef enum { CONF_READIES(CONF_CONSTANT) } ConfReady;

/* as md5sum prints; delimited; key=value lines */
#define CONF_DECLARED_FORMATS(X)          \
  X(CONF_DECLARED_SUMS, "sums")           \
  X(CONF_DECLARED_COLUMNS, "columns")     \
  X(CONF_DECLARED_PAIRS, "pairs")
typedef enum { CONF_DECLARED_FORMATS(CONF_CONSTANT) } ConfDeclaredFormat;

/* declared { … }: a file beside the data file (or one for many) that says what the data file is: evidence, and checked
 * after the fetch. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *file; /* template '{name}.sha256', or a glob 'INDEX_*.txt' of indexes */
  ConfDeclaredFormat format;
  /* name size records md5 sha1 sha256 sha512 total -; in order (columns) or by their key "theirs:ours" (pairs) */
  char **columns;
  char *delimiter;
} ConfDeclared;

#define CONF_AFTERS(X)                  \
  X(CONF_AFTER_ARCHIVE, "archive")      \
  X(CONF_AFTER_DELETE, "delete")        \
  X(CONF_AFTER_KEEP, "keep")            \
  X(CONF_AFTER_ACKNOWLEDGE, "acknowledge")
typedef enum { CONF_AFTERS(CONF_CONSTANT) } ConfAfter;

/* What is done with a file of no byte. */
#define CONF_EMPTIES(X)                 \
  X(CONF_EMPTY_REFUSE, "refuse")        \
  X(CONF_EMPTY_ACCEPT, "accept")        \
  X(CONF_EMPTY_IGNORE, "ignore")
typedef enum { CONF_EMPTIES(CONF_CONSTANT) } ConfEmpty;

typedef struct {
  ConfWhere where;
  char *endpoint; /* of the feed's partner */
  char *path;
  char *match;
  ConfReady ready;
  char *marker;     /* '{name}.ok' */
  char **temporary; /* READY_RENAME: globs of names still being written: '*.tmp', '*.filepart' */
  guint looks;      /* stable: 3 */
  guint least_age;  /* seconds, in addition to each kind of evidence; the kind of READY_AGE */
  guint every;      /* seconds; 0: cron */
  guint wait;       /* READY_LISTED: seconds that a poll waits for an item; 25 */
  char *cron;
  char *time_zone;
  ConfWhere schedule_where;
  guint tell_after; /* seconds that an incomplete or misnamed file lies there before it is an alarm; 0: never */
  ConfEmpty empty;
  char **ignore;    /* globs of names in the folder that are not for us; NULL: none */
  ConfAfter after;
  char *archive;      /* remote folder; default PATH/archive */
  guint64 size_limit; /* of the ciphertext; 4 GiB */
  char *calendar;     /* polls on its days only; NULL: all */
  ConfEnvelope envelope;
  char *signature; /* detached: '{name}.sig' */
  ConfPacking outer_packing; /* around the envelope */
  ConfPacking inner_packing; /* within it */
  ConfDeclared declared;
} ConfSourceFolder;
