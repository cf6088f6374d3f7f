/* What the ledger's sources share: the shard's file, a view of it (a connection with its statements and the posting
 * that was read last), and the search for keys. Private to store/ledger/. */
#pragma once
#include "store/ledger.h"
#include "store/ledger/sieve_private.h"
#include "store/db/db.h"

/* The columns in which entries are stored. */
enum { ENTRY_DATE_BYTES = 10 }; /* 2026-11-20 */
enum { ENTRY_KEY, ENTRY_ACCOUNT, ENTRY_DATE, ENTRY_AMOUNT, ENTRY_COLUMNS };
enum { LEDGER_SHARDS = 2, LEDGER_SHARDS_MAX = 64 };

RecordBlock *ledger_entry_block_new(guint capacity);

/* Which shard an account belongs to: FNV-1a, folded. Part of the stored form: it never changes. */
guint ledger_shard_of(const void *account, gsize length, guint shards);
char *ledger_shard_path(const char *folder, const char *name, guint shard);

typedef struct {
  gint64 first;
  char *file, *business_date; /* owned by the view */
  guint batch;
  gint64 posted_at;
} LedgerPosting;

/* One thread at a time. */
typedef struct {
  guint shard;
  Db *db; /* closed by whoever opened it */
  DbStatement *overlapping, *loose, *has_key_between, *find_key, *posting_of_seq;
  const KeySieve *sieve; /* NULL: none, all keys are looked up */
  LooseKeys *loose_keys; /* NULL: none, loose postings are looked through */
  LedgerPosting posting; /* the one that `block` holds; first = 0: none */
  RecordBlock *block;
} ShardView;

gboolean shard_view_init(ShardView *view, Db *db, guint shard, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void shard_view_clear(ShardView *view);
/* Forgets the posting that was read last: after a rollback it may never have been. */
void shard_view_forget(ShardView *view);
/* Reads the posting that holds the entry. STORAGE when there is none, or it is damaged. */
gboolean shard_view_load(ShardView *view, gint64 seq, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Keys in order. */
typedef struct {
  const RecordBlock *block; /* borrowed */
  guint column, n;
  /* records in the order of their keys (equal keys: of the records), without those that are skipped or null */
  guint32 *order;
} KeyList;

void key_list_init(KeyList *keys, const RecordBlock *block, guint column, const guint8 *skip);
void key_list_clear(KeyList *keys);
/* The i-th key in order. */
static inline const char *key_list_at(const KeyList *keys, guint i, gsize *length) {
  return record_block_text(keys->block, keys->column, keys->order[i], length);
}
/* As memcmp of the bytes, the shorter first: SQLite's BINARY order. */
int ledger_compare_texts(const void *a, gsize a_length, const void *b, gsize b_length);

/* How a posting's keys are found: by its range, which no other one's in this zone overlaps; by the table `key`; or, for
 * a while, only by looking through it. */
enum { ZONE_RANGE, ZONE_INDEXED, ZONE_LOOSE };

/* Whether any posted key of this shard can lie in the list's range: a look at three indexes, whatever the list's
 * length. *postings: how many postings that are found by their range are touched, counted up to `most`; *others: keys
 * of the other zones. */
gboolean shard_view_overlaps(ShardView *view, const KeyList *keys, guint most, guint *postings, gboolean *others,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What of a list must be searched outside of the ranges. To be made before the snapshot in which is searched
 * (store/ledger/sieve_private.h). */
typedef struct {
  KeyList passed;
  guint64 *hashes;
  gboolean loose;
} SiftedKeys;
void shard_view_sift(const ShardView *view, const KeyList *keys, SiftedKeys *sifted);
void sifted_keys_clear(SiftedKeys *sifted);

/* The record's key is that of the entry `index` of view->posting. */
typedef void (*KeyHit)(gpointer user, guint record, const ShardView *view, guint index);
gboolean shard_view_find_keys(ShardView *view, const KeyList *keys, const SiftedKeys *sifted, KeyHit hit, gpointer user,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/files.c: making and opening. The id and number of shards stand in every file, and must agree. */
gboolean ledger_files_open(const char *folder, const char *name, guint shards, Db **dbs,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A named value of one file. NULL with no error: it is not there. */
char *ledger_fact_get(Db *db, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ledger_fact_set(Db *db, const char *name, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint ledger_files_shards(const char *folder, const char *name, GError **error); /* 0 on error */
/* A reader's connection to one shard. */
Db *ledger_files_open_reader(const char *folder, const char *name, guint shard, guint shards,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/facts.c: STORAGE when the shards do not have one scale. */
gboolean ledger_facts_verify(LedgerReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/verify_keys.c: STORAGE when a key stands there twice, or in the range of another posting. In a read
 * transaction of each shard. */
gboolean ledger_verify_keys(LedgerReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- store/ledger/reader.c, for the ledger's own threads. */
guint ledger_reader_shards(const LedgerReader *reader);
ShardView *ledger_reader_view(LedgerReader *reader, guint shard);
