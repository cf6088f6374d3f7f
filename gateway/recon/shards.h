/* The making of a task's shard files: lines go in, durable files with their digests come out, several at a time.
 *
 *   lines ─(chunks)→ worker per shard: digests, file; then packing and sealing where asked for
 *                  → committer: some shards together are synced, get their names, and go into the book
 *
 * A shard has its name when it is durable, and its row in the book when it has its name; so a row never lies, and after
 * a crash what has no row is made again. No sync per record, and about one per shard. Memory is flat: so many chunks,
 * whatever the shards' sizes. */
#pragma once
#include "conf/conf.h"
#include "store/book_recon.h"

typedef struct {
  Book *book;
  const char *task;   /* id */
  const char *folder; /* the task's */
  ConfPacking packing;
  /* NULL: not encrypted; else the requester, for whom our sign-with of the same block signs */
  const ConfPartner *encrypt_to;
  const char *gnupg_home;
  guint threads;
  guint first; /* the number of the first shard that is made */
} ShardsOptions;

typedef struct Shards Shards;
/* what it points to outlives it */
Shards *shards_start(const ShardsOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A new shard with this name begins; the one before has ended. */
void shards_begin(Shards *shards, const char *name);
/* Where the next lines are to be appended. Valid until the next call of any of these. */
GByteArray *shards_lines(Shards *shards);
/* To be called after lines were appended: passes them on when they are enough. Blocks while the workers are behind.
 * FALSE: they have failed, and so has the task. */
gboolean shards_flush(Shards *shards, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The shard has these records and this total, and reading goes on behind it at `position`, which it takes. */
gboolean shards_end(Shards *shards, guint64 records, gint64 total, char *position,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Waits until all are durable and in the book, or one has failed. Frees it in every case. */
gboolean shards_finish(Shards *shards, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives up: what is not in the book yet is made again another time. Frees it. */
void shards_abandon(Shards *shards);

/* Threads of reconciliation give way to all others: nicer, and last at the disk where its scheduler knows that. */
void recon_be_nice(void);
