/* Where usage is rated: a rating of the lane with its details, shared by all the feeds that it is for, and one
 * admission after the other (store/details.h). Private to gateway/processors/rating/. */
#pragma once
#include "gateway/flow/flow.h"
#include "gateway/rating/tables.h"
#include "store/details.h"
#include <pthread.h>

#define CODE_TOO_OLD "B007" /* older than the horizon; held */

typedef enum {
  USAGE_PASSED_OVER, /* refused when the file was validated */
  USAGE_NEW,
  USAGE_WAITS, /* for what becomes of the record before it with its key */
  USAGE_RATED,
  USAGE_SUSPENDED, /* accepted; what it lacks is told */
  USAGE_REJECTED,  /* these two do not occupy their key */
  USAGE_HELD,
  USAGE_DUPLICATE,
  USAGE_CONFLICT
} UsageVerdict;

typedef struct {
  UsageVerdict verdict;
  guint32 earlier;   /* USAGE_WAITS: the record */
  guint32 part;      /* of the admission: what it came in */
  gboolean of_file;  /* USAGE_DUPLICATE, USAGE_CONFLICT: with a record of this file, … */
  guint64 line;      /* … in this line */
  gint64 amount;     /* USAGE_RATED: in units of the round scale */
  const char *code;  /* static; NULL: the verdict's own, or none */
  guint32 key, key_length; /* in the admission's keys */
  guint8 shard;
} UsageRecord;

/* What one thread prices with. */
typedef struct {
  RatingPlan *plan;
  RatingTables *tables;
  Rated *rated;
  RecordBlock *usage, *details; /* at most DETAILS_BLOCK records */
  guint32 *records;             /* which those of `usage` are */
  GArray *taken;                /* of counters, to be given back */
  GArray *waiting;              /* guint32: records that stand among these, and wait for one of them */
  GString *period, *counter, *packed;
  GError *error;
} DeskShard;

typedef struct {
  char *name;
  pthread_mutex_t turn, lock; /* turn: who has it is the next to get the lock; lock: of all below */
  const Conf *conf;
  const ConfRating *rating;
  char *folder;     /* of the lane */
  Details *details; /* NULL: not open; after a failure within an admission it is opened anew */
  guint n_shards;
  DeskShard *shards;
  char *shape, *terms, *rules;
  char *tried; /* the terms with which suspended details were looked at last; NULL: not since the start */
  GArray *compared; /* guint: columns that make a record's content */
  char *trouble; /* why full files cannot be made, as an alarm tells; "": they can; NULL: not known yet */
  gboolean is_held; /* a full file cannot be taken apart: not before the next start, or `cdr close` */
  gboolean has_closed_old_form; /* what waited in the form before, if it was another, has left */
} RatingDesk;

gpointer rating_desk_new(const char *name);
void rating_desk_free(gpointer desk);
/* Its lock: who waits for it longest gets it. Who has many admissions to make gives it back between them. */
void rating_desk_take(RatingDesk *desk);
void rating_desk_give_back(RatingDesk *desk);
/* All of these under its lock. Details and plans; it may be open. */
typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const char *folder;
} DeskPlace;
gboolean rating_desk_open(RatingDesk *desk, const DeskPlace *place, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From here on the versions of its tables that are in force, of each table the same for every shard. */
gboolean rating_desk_refresh(RatingDesk *desk, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rating_desk_let_go(RatingDesk *desk); /* of the tables, when nothing is to be rated for now */
void rating_desk_close(RatingDesk *desk);
/* Calls work for each shard, in up to `threads` threads at once; the first error is told. */
typedef gboolean (*DeskWork)(gpointer user, guint shard, GError **error);
gboolean rating_desk_spread(RatingDesk *desk, guint threads, DeskWork work, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Prices suspended details whose tables have what they lacked, when a table has another version than it had the last
 * time: each pass an admission of some thousand, until none is left or *stop. *settled: how many. After a failure the
 * desk is closed. */
gboolean rating_desk_settle(RatingDesk *desk, guint threads, const gint *stop, guint64 *settled,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether some have waited for longer than suspend-limit; they are refused, and have no key any more. */
gboolean rating_desk_overdue(RatingDesk *desk, gboolean *any, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean rating_desk_give_up(RatingDesk *desk, guint threads, const gint *stop, guint64 *given_up,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One admission: some batches of a file, or what came at once by other ways. */
typedef struct {
  const char *file; /* what its records came in */
  gint64 arrived;   /* microseconds since 1970 */
} AdmissionPart;
typedef struct {
  RatingDesk *desk;
  const AdmissionPart *parts; /* in the order of their records */
  RecordBlock *block;  /* with the layout's columns first */
  UsageRecord *records;
  GString *keys;
  const gint64 *settles; /* of each record the suspended detail that it is; NULL: they are new */
  guint threads;
  gboolean is_quote; /* nothing is put, and there is no commit: admission_give_back instead */
} Admission;
void admission_clear(Admission *admission);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Admission, admission_clear)
/* Decides about every record and puts what is accepted. What USAGE_PASSED_OVER says is set by the caller. */
gboolean admission_decide(Admission *admission, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Durable in every shard on return. */
gboolean admission_commit(Admission *admission, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- pricing.c: the value, where there is one, into the record that is being put. */
void usage_copy_value(const RecordBlock *from, guint column, guint record, RecordBlock *into, guint to);
/* One shard's new records from *from on, in their order: rated, and put. Sets their verdicts. Ends before one that
 * waits for a record of another shard, which is *from then; else *from is the admission's end. */
gboolean admission_price_shard(Admission *admission, guint shard, guint32 *from,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a quote: counters are what they were. */
void admission_give_back(const Admission *admission);
/* --- repeated.c: of a record whose key is this detail's, what it is. */
void admission_meet(Admission *admission, guint32 record, const Detail *detail);
/* Of a record that waits, when what it waits for is decided: whether it is new, or repeated. */
void admission_settle_waiting(Admission *admission, guint32 record);
/* --- terms.c */
char *rating_terms(const RatingDesk *desk);
char *rating_rules_digest(const ConfRating *rating);
