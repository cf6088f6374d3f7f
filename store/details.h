/* Details: what became of each usage record that was rated, by account, in `shards` pairs of SQLite files: the details
 * themselves (NAME.details-0.db …), and the business data beside them, which are answers and counters
 * (NAME.business-0.db …). What is configured lies in neither.
 *
 * Records come in admissions, numbered from 1, one at a time. An admission is durable in all shards or in none: each
 * file says up to which admission it is complete, and opening takes back what is beyond the least of them
 * (store/details/files.c). A key is there once, in whichever shard: who admits looks it up in all of them, and puts in
 * the same admission; a key without its detail cannot be.
 *
 * Keys are found by sorted runs of their hashes and by the newest ones in memory (store/details/keys.c), counters are
 * kept in memory and written late (counters.c): a crash costs neither, for both follow from the details. Memory does
 * not grow with the store. */
#pragma once
#include "gateway/base/error.h"
#include "gateway/base/wide.h"
#include "store/staging.h"

/* The columns of a detail; behind them the usage record's own fields, as the shape says. */
enum {
  DETAIL_KEY,
  DETAIL_ACCOUNT,
  DETAIL_AT,      /* the event, microseconds since 1970 */
  DETAIL_STATUS,  /* DetailStatus */
  DETAIL_SETTLES, /* the number, in its shard, of the suspended detail of this record; null: it is the first one */
  DETAIL_CODE,    /* null: rated */
  DETAIL_QUANTITY,
  DETAIL_BILLED,
  DETAIL_PERIOD,  /* of its counter; null: it has none */
  DETAIL_COUNTER, /* before it; null likewise */
  DETAIL_AMOUNT,
  DETAIL_STEPS, /* bytes, as their maker packs them */
  DETAIL_ROWS,
  DETAIL_COLUMNS
};
typedef enum { DETAIL_RATED, DETAIL_SUSPENDED } DetailStatus;
enum { DETAILS_BLOCK = 512, DETAILS_SHARDS = 2, DETAILS_SHARDS_MAX = 16 };

typedef struct Details Details;
typedef struct {
  const char *folder, *name;
  guint shards; /* 0: DETAILS_SHARDS; fixed when it is made: to open it with another number is CONFIGURATION */
} DetailsOptions;
/* Makes the files where there are none. One process at a time: its callers see to that. Takes back an admission that
 * was cut short. */
Details *details_open(const DetailsOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NULL is allowed. An admission that was begun is taken back at the next opening. */
void details_close(Details *details);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Details, details_close)
guint details_shards(const Details *details);
guint details_shards_wanted(guint configured); /* what DetailsOptions.shards comes to */
guint details_shard_of(const Details *details, const void *account, gsize length);
guint64 details_hash(const Details *details, const void *key, gsize length);

/* The fields of usage records as a text that is kept beside them, and back: *columns is the caller's, its names too
 * (details_shape_free). */
char *details_shape(const StagingColumn *columns, guint n_columns);
StagingColumn *details_shape_columns(const char *shape, guint *n_columns);
void details_shape_free(StagingColumn *columns, guint n_columns);
/* A block of DETAIL_COLUMNS and the shape's. The caller frees. */
RecordBlock *details_block_new(const char *shape, guint capacity);

/* An answer to a batch, as it was given with its admission; also that nothing was answered yet: *answer NULL. */
gboolean details_answer(Details *details, const char *file, guint batch, GBytes **answer,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- An admission. From begin to settle one caller; in between each shard may have a thread of its own. */
gint64 details_begin(Details *details); /* its number */

typedef struct {
  guint64 hash;
  guint32 record;
  guint32 length;
  const char *key;
} DetailProbe;
typedef struct {
  guint shard;
  gint64 number, admission; /* number: in its shard, from 1 */
  gint64 admitted_at;       /* microseconds since 1970 */
  const char *file, *shape, *terms;
  const RecordBlock *block; /* lines are the file's */
  guint index;              /* in the block */
} Detail;
typedef struct {
  const DetailProbe *probes; /* ascending by hash */
  guint n;
  void (*hit)(gpointer user, guint32 record, const Detail *detail); /* the record's key is this detail's */
  gpointer user;
} DetailLook;
/* Which of the keys are in the shard. */
gboolean details_find(Details *details, guint shard, const DetailLook *look,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The name of an account's counter in a period. */
void details_counter_name(GString *name, const char *period, gsize period_length, const char *account,
                          gsize account_length);
/* What a counter of that name has come to up to here, to be changed in place: good until settle. NULL on error. */
gint64 *details_counter(Details *details, guint shard, const char *counter, gsize length,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  /* At most DETAILS_BLOCK records, their accounts all of this shard, and their amounts' sum within 64 bits (else FILE);
   * lines are the file's. */
  const RecordBlock *block;
  const char *file;
  const char *shape; /* what the columns behind DETAIL_COLUMNS are; kept once for all that have it */
  const char *terms; /* by which it was rated; likewise */
} DetailPut;
gboolean details_put(Details *details, guint shard, const DetailPut *put, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Suspended details that have no price yet, from behind the number `after`: at most `limit`, ascending. */
gboolean details_waiting(Details *details, guint shard, gint64 after, guint limit, GArray *numbers,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One that waits is refused: its key is free for later admissions. It stays among the details. */
gboolean details_give_up(Details *details, guint shard, gint64 number, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Good until the next call for this shard. */
gboolean details_read(Details *details, guint shard, gint64 number, Detail *detail,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Into the shard that the file's id names. */
gboolean details_put_answer(Details *details, const char *file, guint batch, GBytes *answer,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* This shard's part is durable on return. Each shard has to be committed, also one that nothing was put into. */
gboolean details_commit(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All shards have been committed: the admission counts. After any failure before, there is no settling: the store must
 * be closed, and opened anew. */
void details_settle(Details *details);
/* Between admissions, each shard in a thread of its own: runs are made and merged, counters written, logs copied, as
 * far as it is time for it. */
gboolean details_rest(Details *details, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading; also from other processes. One thread at a time. */
typedef struct DetailsReader DetailsReader;
/* NULL without an error: there is none yet. */
DetailsReader *details_reader_open(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void details_reader_close(DetailsReader *reader); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetailsReader, details_reader_close)
guint details_reader_shards(const DetailsReader *reader);
typedef gboolean (*DetailVisit)(gpointer user, const Detail *detail, GError **error); /* FALSE ends it, with an error */
/* The one with this key, or none; of a suspended one that was priced later, the later one; of one that was given up,
 * none. */
gboolean details_reader_find(DetailsReader *reader, const char *key, gsize length, DetailVisit visit, gpointer user,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All of a file (NULL: of all files), by shard and number. */
gboolean details_reader_visit(DetailsReader *reader, const char *file, DetailVisit visit, gpointer user,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_reader_waiting(DetailsReader *reader, DetailVisit visit, gpointer user, /* by shard and number */
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  guint64 rated, suspended; /* without a price still */
  Wide amount;              /* of the rated */
} DetailTotals;
/* Files whole; numbers without a gap; accounts in their shard; every key once over all shards, and in a run or the
 * newest; counters are what their details have used. STORAGE names the first fault. May run beside the writer. */
gboolean details_verify(DetailsReader *reader, DetailTotals *totals, GError **error) G_GNUC_WARN_UNUSED_RESULT;
