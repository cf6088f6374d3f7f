/* The open ledger, as store/ledger/ledger.c (opening, keys, folding) and store/ledger/submit.c (posting) share it. */
#pragma once
#include "store/ledger/admission_private.h"
#include "store/ledger/writer_private.h"

/* What a calling thread needs for one call; kept for the next. */
typedef struct {
  LedgerReader *reader;
  RecordBlock **blocks; /* one per shard: its entries of the batch */
} LedgerTools;

struct Ledger {
  char *folder, *name;
  guint shards, scale;
  int lock_fd;
  LedgerWriter **writers;
  LedgerAdmission admission;
  KeySieve *sieve;
  pthread_mutex_t lock; /* of all below */
  GQueue tools;         /* LedgerTools * that nobody uses now */
  GHashTable *promises; /* file's id → gint64: what it may post yet, without signs */
  gint64 *gross;        /* per shard: posted and under way, without signs; at G_MAXINT64 a balance could overflow */
  GError *failure;      /* the first failure of a shard's storage */
};

/* store/ledger/facts.c: holds the files' scale against the ledger's, or writes it where it is not known. */
gboolean ledger_facts_settle(const Ledger *ledger, Db *const *dbs, const char *unit,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CONFIGURATION unless the amounts have the ledger's scale. */
gboolean ledger_scale_fits(const Ledger *ledger, const LedgerColumns *columns,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

LedgerTools *ledger_take_tools(Ledger *ledger, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ledger_return_tools(Ledger *ledger, LedgerTools *tools);

/* The block with key and account as text: itself, or, where a layout has numbers there, a copy that *made owns, in the
 * columns of stored entries; *columns then says so. BUG when the amount is no integer column. */
const RecordBlock *ledger_text_form(const RecordBlock *block, LedgerColumns *columns, RecordBlock **made,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Tells every posted entry whose key is in the list, over all shards. Where so many postings are touched that each look
 * would be slow, has them indexed first. */
gboolean ledger_find_posted(Ledger *ledger, LedgerTools *tools, const KeyList *keys, KeyHit hit, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
