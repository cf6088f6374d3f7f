/* The ledger: credits by account, in `shards` SQLite files, each with one writer thread, one writing connection.
 *
 * An entry belongs to the shard of its account's hash. A record's key is unique over the whole ledger. Entries are
 * appended; balances are folded from them late and in order (scattered balance pages are what costs), and every reading
 * of a balance adds the entries that are not folded yet, so it is always exact. Posting is idempotent: a batch that was
 * posted, wholly or in some shards, can be submitted again, and gives the same result.
 *
 * Amounts are integers of a scale (decimals), which the ledger keeps. The number of shards is fixed when a ledger is
 * made, its scale by its first entry; to open it with another, or post amounts of another scale, is CONFIGURATION. */
#pragma once
#include "gateway/base/error.h"
#include "gateway/base/wide.h"
#include "store/block.h"

typedef struct Ledger Ledger;

typedef struct {
  const char *folder; /* holds NAME.ledger-0.db … */
  const char *name;
  guint shards;     /* 0: 2 */
  guint scale;      /* decimals of its amounts; a ledger that does not know its own takes it */
  const char *unit; /* what is counted, for people; NULL: not said */
} LedgerOptions;

/* Opens for posting: makes the folder and the files where there are none, starts the writers. One process at a time (a
 * lock in the folder); AGAIN when another has it. */
Ledger *ledger_open(const LedgerOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Waits until what was submitted is durable, ends the writers, checkpoints. */
void ledger_close(Ledger *ledger);

/* Which columns of a block are what. */
typedef struct {
  guint account, amount, key;
  gint business_date; /* -1: the batch's own */
  gboolean has_times; /* it begins a time stamp */
  guint scale;        /* of the amounts */
} LedgerColumns;

/* --- Keys, for validation. Which of the block's records have keys that are in the ledger already? */
/* POSTED: same account and amount */
typedef enum { LEDGER_KEY_NEW, LEDGER_KEY_POSTED, LEDGER_KEY_CONFLICT } LedgerKeyVerdict;
/* verdicts[i] for every record (those with skip[i] != 0 are not looked at); entries that `file` itself posted count as
 * NEW. Costs nothing per record when the ledger knows that no key lies in the block's range. Any thread. */
gboolean ledger_check_keys(Ledger *ledger, const char *file, const RecordBlock *block, const LedgerColumns *columns,
                           const guint8 *skip, guint8 *verdicts, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Two files with the same keys could both pass the check and then meet while posting: the second one's records are
 * refused there (see `refused`). Whoever must credit a file wholly or not at all keeps such files apart
 * (gateway/flow/judging/keygate.h). */

/* --- Room. A balance that would leave 64 bits must be found before a file is accepted: later there is no way back. */
/* Promises that `file` posts at most this sum of amounts without their signs. TRUE: with it and all other promises no
 * balance can leave 64 bits, in whatever order they are posted. FALSE, and nothing is promised: each balance has to be
 * looked at while no other file is posted (gateway/flow/judging/examine_balances.c). A new promise of a file takes the
 * place of its old one; it is kept in memory until it is forgotten. Any thread. */
gboolean ledger_promise(Ledger *ledger, const char *file, gint64 moved) G_GNUC_WARN_UNUSED_RESULT;
void ledger_forget_promise(Ledger *ledger, const char *file); /* no effect where there is none */

/* --- Posting. */
typedef struct {
  char *file;          /* the file's id */
  guint batch;         /* its number, from 1 */
  char *business_date; /* "2026-11-20"; used when columns.business_date is -1 */
  LedgerColumns columns;
  RecordBlock *block; /* the batch's records */
  guint8 *skip;       /* one per record: != 0 is not posted (rejected, duplicate) */
} LedgerBatch;
LedgerBatch *ledger_batch_new(void);
void ledger_batch_free(LedgerBatch *batch); /* frees what it holds */

typedef struct {
  guint posted;  /* entries of this batch in the ledger now, whenever they were posted */
  gint64 amount; /* and their sum */
  guint refused; /* records whose key another file or line had posted meanwhile (ledger_check_keys tells which), or
                  * without key, account or amount: 0 unless validation was bypassed */
  /* a balance would leave 64 bits, or the batch's amounts without their signs do: nothing was posted */
  gboolean overflow;
} LedgerResult;
/* Called once, in a writer's thread, when every shard has made the batch durable (or one failed: error != NULL, result
 * partial). AGAIN: nothing is wrong with the batch, submit it later. STORAGE: nothing will be posted any more until a
 * restart. It must not call ledger_submit, and the caller of ledger_submit must not hold a lock that it needs. */
typedef void (*LedgerDone)(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error);
/* Takes the batch. Batches of all callers are committed in groups. Blocks while 16 are under way (bounded memory), and
 * while an earlier batch of another file whose key range touches this one's is. Any thread. */
void ledger_submit(Ledger *ledger, LedgerBatch *batch, LedgerDone done, gpointer user);

/* Folds balances up to now when enough entries wait or `all` is set; called when the lane is idle. Batches that are
 * submitted meanwhile go first. */
gboolean ledger_fold(Ledger *ledger, gboolean all, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading; also from another process while a lane writes. */
typedef struct LedgerReader LedgerReader;
LedgerReader *ledger_reader_open(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_reader_close(LedgerReader *reader);

/* What the ledger says of itself, without opening all of it. */
enum { LEDGER_SCALE_MAX = 18 };
typedef struct {
  guint shards, scale;
  gboolean has_scale; /* FALSE: made by a program that did not keep it, and not opened for posting since */
  guint64 entries;
} LedgerFacts;
gboolean ledger_facts_read(const char *folder, const char *name, LedgerFacts *facts,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gint64 id; /* unique in the ledger: shard number in the top byte */
  const char *key, *account, *business_date, *file;
  gint64 amount;
  guint64 line;
  guint batch;
  gint64 posted_at; /* microseconds since 1970 */
} LedgerEntry;
typedef gboolean (*LedgerEntryVisit)(gpointer user, const LedgerEntry *entry); /* FALSE ends the visit */

/* *exists and *entries: NULL when they are not asked for. STORAGE for a balance beyond 64 bits. */
gboolean ledger_balance(LedgerReader *reader, const char *account, gboolean *exists, gint64 *balance, guint64 *entries,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same question as ledger_promise's, without a promise and without those of the lane. */
gboolean ledger_has_room(LedgerReader *reader, gint64 moved, gboolean *has_room,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Which entries. With id, key or account (in this order) the few entries are found by index; else the file's or all are
 * gone through. They come by shard, and in it in the order of posting. An entry's texts are valid during the visit. */
typedef struct {
  const char *account, *key, *file; /* NULL: any */
  guint batch;                      /* with file; 0: any */
  guint64 line;                     /* with file; 0: any */
  gint64 id;                        /* 0: any */
  guint64 limit;                    /* 0: no limit */
} LedgerFilter;
gboolean ledger_entries(LedgerReader *reader, const LedgerFilter *filter, LedgerEntryVisit visit, gpointer user,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Number and sum of all entries, or of one file's: for the invariants. */
typedef struct {
  guint64 entries;
  Wide amount;
} LedgerTotals;
gboolean ledger_totals(LedgerReader *reader, const char *file, LedgerTotals *totals,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of each file that has entries, from the id `first` to the id `last`, both included: char * → LedgerTotals *. NULL on
 * error. */
GHashTable *ledger_totals_between(LedgerReader *reader, const char *first, const char *last,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Each shard's integrity_check and foreign keys, its postings against their entries, accounts in their shard, balances
 * against the folded entries, and every key once over all shards. FALSE with STORAGE naming the first fault. Flat
 * memory; for a quiet ledger: a batch that is posted meanwhile may be seen in one shard and not yet in another. */
gboolean ledger_verify(LedgerReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same in parts, which several threads may do, each with a reader of its own. */
guint ledger_verify_parts(const LedgerReader *reader);
gboolean ledger_verify_part(LedgerReader *reader, guint part, GError **error) G_GNUC_WARN_UNUSED_RESULT;
