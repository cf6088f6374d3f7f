/* The writer of one shard: a thread with the shard's only writing connection. It takes all parts that wait, up to a
 * bound, into one transaction (group commit), folds balances when it has nothing to post or the tail has grown long,
 * and checkpoints. Private to store/ledger/.
 *
 * What a part's owner may rely on: `done` is called once for each part, after its group is durable or has failed, from
 * the writer's thread, without locks. A failure of the storage is for ever: all later parts get it too. */
#pragma once
#include "store/ledger/ledger_private.h"
#include <pthread.h>

typedef struct LedgerPart LedgerPart;
typedef void (*LedgerPartDone)(LedgerPart *part, const GError *error);

/* A batch's entries of one shard. With count 0 it passes through: it only calls `done` from the writer. */
struct LedgerPart {
  LedgerPartDone done;
  gpointer user;
  const char *file, *business_date; /* borrowed until done */
  char *own_date;     /* of all entries, where they have one of their own: business_date then; owned likewise */
  gboolean own_dates; /* entries may have business dates other than `business_date` */
  guint batch;
  GByteArray *entries; /* encoded; owned by whoever made the part */
  guint count;
  gint64 amount, gross; /* gross: the sum of the amounts without their signs, at most G_MAXINT64 */
  char *min_key, *max_key;
  gsize min_length, max_length;
  /* Not a posting, but an order: index the postings that this part's key range touches. */
  gboolean index_only;
  /* Set by the writer. */
  guint posted, refused;
  gint64 posted_amount;
};

typedef struct LedgerWriter LedgerWriter;
/* Takes the connection; the sieve lives longer, and has the shard's keys after this. */
LedgerWriter *ledger_writer_start(Db *db, guint shard, KeySieve *sieve, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_writer_stop(LedgerWriter *writer); /* after all parts that were put */
void ledger_writer_put(LedgerWriter *writer, LedgerPart *part);
/* Has what was posted before the call folded, if at least `least` entries wait; the second call waits for that. With
 * `least` 1 keys of loose postings are indexed too. */
typedef struct {
  gint64 target;
  guint failures;
} LedgerFoldTicket;
LedgerFoldTicket ledger_writer_fold_begin(LedgerWriter *writer, guint64 least);
gboolean ledger_writer_fold_wait(LedgerWriter *writer, const LedgerFoldTicket *ticket,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
LooseKeys *ledger_writer_loose_keys(LedgerWriter *writer);
/* The durable sum of all amounts without their signs when the writer started. */
gint64 ledger_writer_gross(const LedgerWriter *writer);

/* --- store/ledger/post.c: one part inside the writer's transaction. */
typedef struct {
  ShardView view;
  DbStatement *insert_posting, *insert_entries, *insert_key, *mark_indexed;
  gint64 top; /* seq of the last entry */
  gint64 gross;
  RecordBlock *scratch; /* a part's entries where keys must be looked at */
  GByteArray *encoded;
  KeySieve *sieve;
  LooseKeys loose;
} LedgerPoster;
gboolean ledger_poster_init(LedgerPoster *poster, Db *db, guint shard, KeySieve *sieve,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_poster_clear(LedgerPoster *poster);
gboolean ledger_post_part(LedgerPoster *poster, LedgerPart *part, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/index.c: the table of keys. */
/* When a shard is opened: what is indexed or loose goes into the sieve. */
gboolean ledger_load_keys(LedgerPoster *poster, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_note_loose(LedgerPoster *poster, const RecordBlock *entries);
/* Inside the writer's transaction: indexes the postings that are found by their range and that the part's range
 * touches. */
gboolean ledger_index_touched(LedgerPoster *poster, const LedgerPart *part, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* When enough is loose: indexes all of it, in a transaction of its own. */
gboolean ledger_loose_are_many(const LedgerPoster *poster);
gboolean ledger_index_loose(LedgerPoster *poster, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/fold.c: folds the next postings after `*folded`, in a transaction of its own, and moves *folded on.
 * Then merges runs that have become many, in another. */
gboolean ledger_fold_slice(ShardView *view, gint64 *folded, GError **error) G_GNUC_WARN_UNUSED_RESULT;
