#include "store/ledger/runs_private.h"
#include "store/ledger/queries.sql.h"
#include <string.h>

enum { SHARD_BITS = 56 };

typedef struct {
  ShardView view;
  DbStatement *postings_from, *postings_of_file, *postings_of_batch, *totals, *totals_of_file;
} ReadShard;

struct LedgerReader {
  guint shards;
  ReadShard *all;
};

static gboolean open_shard(ReadShard *shard, const char *folder, const char *name, guint number, guint shards,
                           GError **error) {
  Db *db = ledger_files_open_reader(folder, name, number, shards, error);
  shard->view.db = db;
  return db && shard_view_init(&shard->view, db, number, error) &&
         (shard->postings_from = db_prepare_named(db, ledger_queries_sql, "postings-from", error)) &&
         (shard->postings_of_file = db_prepare_named(db, ledger_queries_sql, "postings-of-file", error)) &&
         (shard->postings_of_batch = db_prepare_named(db, ledger_queries_sql, "postings-of-batch", error)) &&
         (shard->totals = db_prepare_named(db, ledger_queries_sql, "totals", error)) &&
         (shard->totals_of_file = db_prepare_named(db, ledger_queries_sql, "totals-of-file", error));
}

LedgerReader *ledger_reader_open(const char *folder, const char *name, GError **error) {
  guint shards = ledger_files_shards(folder, name, error);
  if (shards == 0)
    return NULL;
  LedgerReader *reader = g_new0(LedgerReader, 1);
  reader->shards = shards;
  reader->all = g_new0(ReadShard, shards);
  for (guint i = 0; i < shards; i++)
    if (!open_shard(&reader->all[i], folder, name, i, shards, error)) {
      ledger_reader_close(reader);
      return NULL;
    }
  return reader;
}

static void close_shard(ReadShard *shard) {
  Db *db = shard->view.db;
  shard_view_clear(&shard->view);
  db_statement_free(shard->postings_from);
  db_statement_free(shard->postings_of_file);
  db_statement_free(shard->postings_of_batch);
  db_statement_free(shard->totals);
  db_statement_free(shard->totals_of_file);
  db_close(db);
}

void ledger_reader_close(LedgerReader *reader) {
  if (!reader)
    return;
  for (guint i = 0; i < reader->shards; i++)
    close_shard(&reader->all[i]);
  g_free(reader->all);
  g_free(reader);
}

guint ledger_reader_shards(const LedgerReader *reader) {
  return reader->shards;
}

ShardView *ledger_reader_view(LedgerReader *reader, guint shard) {
  return &reader->all[shard].view;
}

/* Calls for each posting that the statement lists, with the view on it. The statement must not be stepped elsewhere
 * meanwhile. */
typedef gboolean (*PostingVisit)(gpointer user, const ShardView *view); /* FALSE ends the visit */
static gboolean each_posting(ReadShard *shard, DbStatement *list, PostingVisit visit, gpointer user, GError **error) {
  gboolean row = TRUE, ok = TRUE, going = TRUE;
  while (going && (ok = db_step(list, &row, error)) && row) {
    ok = shard_view_load(&shard->view, db_integer(list, 0), error);
    if (!ok)
      break;
    going = visit(user, &shard->view);
  }
  db_reset(list);
  return ok;
}

static gboolean text_is(const RecordBlock *block, guint column, guint record, const char *text) {
  gsize length;
  const char *bytes = record_block_text(block, column, record, &length);
  return strlen(text) == length && memcmp(bytes, text, length) == 0;
}

/* --- Balance */

typedef struct {
  const char *account;
  gint64 balance;
  guint64 entries;
  gboolean overflow;
} Sum;

static gboolean add_tail(gpointer user, const ShardView *view) {
  Sum *sum = user;
  for (guint i = 0; i < view->block->count; i++) {
    if (!text_is(view->block, ENTRY_ACCOUNT, i, sum->account))
      continue;
    sum->overflow |= __builtin_add_overflow(sum->balance, record_block_integer(view->block, ENTRY_AMOUNT, i),
                                            &sum->balance);
    sum->entries++;
  }
  return TRUE;
}

static gboolean add_folded(gpointer user, const RunEntry *entry, GError **error) {
  (void)error;
  Sum *sum = user;
  sum->overflow |= __builtin_add_overflow(sum->balance, entry->amount, &sum->balance);
  sum->entries++;
  return TRUE;
}

/* In one snapshot: the runs, and the tail behind them. */
static gboolean sum_account(ReadShard *shard, Sum *sum, GError **error) {
  g_autoptr(GArray) runs = ledger_runs_list(shard->view.db, error);
  if (!runs || !ledger_runs_visit(shard->view.db, runs, sum->account, add_folded, sum, error))
    return FALSE;
  db_bind(shard->postings_from, "i", ledger_runs_folded(runs) + 1);
  return each_posting(shard, shard->postings_from, add_tail, sum, error);
}

gboolean ledger_balance(LedgerReader *reader, const char *account, gboolean *exists, gint64 *balance, guint64 *entries,
                        GError **error) {
  Sum sum = {.account = account};
  ReadShard *shard = &reader->all[ledger_shard_of(account, strlen(account), reader->shards)];
  gboolean ok = db_begin_read(shard->view.db, error) && sum_account(shard, &sum, error);
  db_rollback(shard->view.db);
  if (!ok)
    return FALSE;
  if (exists)
    *exists = sum.entries > 0;
  *balance = sum.balance;
  if (entries)
    *entries = sum.entries;
  return !sum.overflow ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the balance of %s leaves 64 bits", account);
}

/* --- Entries */

typedef struct {
  const LedgerFilter *filter;
  LedgerEntryVisit visit;
  gpointer user;
  guint64 seen;
  gboolean ended;
  GString *key, *account, *date; /* the entry's texts, with their final zeros */
} Visit;

static const char *copy_text(GString *into, const RecordBlock *block, guint column, guint record) {
  gsize length;
  const char *text = record_block_text(block, column, record, &length);
  g_string_truncate(into, 0);
  if (length)
    g_string_append_len(into, text, (gssize)length);
  return into->str;
}

static gboolean passes(const LedgerFilter *filter, const ShardView *view, guint i) {
  return (!filter->account || text_is(view->block, ENTRY_ACCOUNT, i, filter->account)) &&
         (!filter->key || text_is(view->block, ENTRY_KEY, i, filter->key)) &&
         (!filter->line || view->block->lines[i] == filter->line);
}

static gboolean posting_passes(const LedgerFilter *filter, const ShardView *view) {
  return (!filter->file || g_strcmp0(filter->file, view->posting.file) == 0) &&
         (!filter->batch || filter->batch == view->posting.batch);
}

static void visit_entry(Visit *visit, const ShardView *view, guint i) {
  const RecordBlock *block = view->block;
  if (visit->ended || !posting_passes(visit->filter, view) || !passes(visit->filter, view, i))
    return;
  gboolean dated = !record_block_is_null(block, ENTRY_DATE, i);
  LedgerEntry entry = {.id = ((gint64)view->shard << SHARD_BITS) | (view->posting.first + i),
                       .key = copy_text(visit->key, block, ENTRY_KEY, i),
                       .account = copy_text(visit->account, block, ENTRY_ACCOUNT, i),
                       .business_date = dated ? copy_text(visit->date, block, ENTRY_DATE, i)
                                              : view->posting.business_date,
                       .file = view->posting.file,
                       .amount = record_block_integer(block, ENTRY_AMOUNT, i),
                       .line = block->lines[i],
                       .batch = view->posting.batch,
                       .posted_at = view->posting.posted_at};
  visit->seen++;
  visit->ended = !visit->visit(visit->user, &entry) || (visit->filter->limit && visit->seen >= visit->filter->limit);
}

static gboolean visit_posting(gpointer user, const ShardView *view) {
  Visit *visit = user;
  for (guint i = 0; posting_passes(visit->filter, view) && i < view->block->count && !visit->ended; i++)
    visit_entry(visit, view, i);
  return !visit->ended;
}

static gboolean visit_id(LedgerReader *reader, Visit *visit, GError **error) {
  gint64 seq = visit->filter->id & ((G_GINT64_CONSTANT(1) << SHARD_BITS) - 1);
  guint64 number = (guint64)visit->filter->id >> SHARD_BITS;
  gint64 top = 0;
  if (number >= reader->shards || seq == 0)
    return TRUE;
  ReadShard *shard = &reader->all[number];
  if (!db_value(shard->view.db, "SELECT first + count - 1 FROM posting ORDER BY first DESC LIMIT 1", &top, error))
    return FALSE;
  if (seq > top)
    return TRUE;
  if (!shard_view_load(&shard->view, seq, error))
    return FALSE;
  visit_entry(visit, &shard->view, (guint)(seq - shard->view.posting.first));
  return TRUE;
}

static void visit_hit(gpointer user, guint record, const ShardView *view, guint index) {
  (void)record;
  visit_entry(user, view, index);
}

static gboolean visit_key(ReadShard *shard, Visit *visit, GError **error) {
  g_autoptr(RecordBlock) one = ledger_entry_block_new(1);
  record_block_begin(one, 1);
  record_block_put_text(one, ENTRY_KEY, visit->filter->key, strlen(visit->filter->key));
  record_block_end(one);
  KeyList keys;
  SiftedKeys sifted;
  key_list_init(&keys, one, ENTRY_KEY, NULL);
  shard_view_sift(&shard->view, &keys, &sifted);
  gboolean ok = shard_view_find_keys(&shard->view, &keys, &sifted, visit_hit, visit, error);
  sifted_keys_clear(&sifted);
  key_list_clear(&keys);
  return ok;
}

typedef struct {
  ReadShard *shard;
  Visit *visit;
  gboolean ok;
} FoldedVisit;

static gboolean visit_folded(gpointer user, const RunEntry *entry, GError **error) {
  FoldedVisit *folded = user;
  ShardView *view = &folded->shard->view;
  folded->ok = shard_view_load(view, entry->seq, error);
  if (folded->ok)
    visit_entry(folded->visit, view, (guint)(entry->seq - view->posting.first));
  return folded->ok && !folded->visit->ended;
}

static gboolean visit_account(ReadShard *shard, Visit *visit, GError **error) {
  FoldedVisit folded = {.shard = shard, .visit = visit, .ok = TRUE};
  g_autoptr(GArray) runs = ledger_runs_list(shard->view.db, error);
  if (!runs || !ledger_runs_visit(shard->view.db, runs, visit->filter->account, visit_folded, &folded, error) ||
      !folded.ok)
    return FALSE;
  if (visit->ended)
    return TRUE;
  db_bind(shard->postings_from, "i", ledger_runs_folded(runs) + 1);
  return each_posting(shard, shard->postings_from, visit_posting, visit, error);
}

static gboolean visit_shard(LedgerReader *reader, guint number, Visit *visit, GError **error) {
  const LedgerFilter *filter = visit->filter;
  ReadShard *shard = &reader->all[number];
  if (filter->key)
    return visit_key(shard, visit, error);
  if (filter->account)
    return ledger_shard_of(filter->account, strlen(filter->account), reader->shards) != number ||
           visit_account(shard, visit, error);
  DbStatement *list = !filter->file   ? shard->postings_from
                      : filter->batch ? shard->postings_of_batch
                                      : shard->postings_of_file;
  if (!filter->file)
    db_bind(list, "i", (gint64)0);
  else if (filter->batch)
    db_bind(list, "su", filter->file, filter->batch);
  else
    db_bind(list, "s", filter->file);
  return each_posting(shard, list, visit_posting, visit, error);
}

gboolean ledger_entries(LedgerReader *reader, const LedgerFilter *filter, LedgerEntryVisit visitor, gpointer user,
                        GError **error) {
  Visit visit = {.filter = filter,
                 .visit = visitor,
                 .user = user,
                 .key = g_string_new(NULL),
                 .account = g_string_new(NULL),
                 .date = g_string_new(NULL)};
  gboolean ok = TRUE;
  if (filter->id)
    ok = visit_id(reader, &visit, error);
  for (guint i = 0; !filter->id && i < reader->shards && ok && !visit.ended; i++) {
    ok = db_begin_read(reader->all[i].view.db, error) && visit_shard(reader, i, &visit, error);
    db_rollback(reader->all[i].view.db);
  }
  g_string_free(visit.key, TRUE);
  g_string_free(visit.account, TRUE);
  g_string_free(visit.date, TRUE);
  return ok;
}

/* --- Totals */

static void add_totals(DbStatement *row, LedgerTotals *totals) {
  totals->entries += (guint64)db_integer(row, 0);
  totals->amount += (Wide)db_integer(row, 1) * ((Wide)1 << 32) + db_integer(row, 2); /* the first may be negative */
}

gboolean ledger_totals(LedgerReader *reader, const char *file, LedgerTotals *totals, GError **error) {
  *totals = (LedgerTotals){0};
  for (guint i = 0; i < reader->shards; i++) {
    DbStatement *s = file ? reader->all[i].totals_of_file : reader->all[i].totals;
    gboolean row = FALSE;
    if (file)
      db_bind(s, "s", file);
    if (!db_step(s, &row, error))
      return FALSE;
    add_totals(s, totals);
    db_reset(s);
  }
  return TRUE;
}

static gboolean add_shard(ReadShard *shard, const char *first, const char *last, GHashTable *all, GError **error) {
  g_autoptr(DbStatement) s = db_prepare_named(shard->view.db, ledger_queries_sql, "totals-of-files", error);
  gboolean row = TRUE;
  if (!s)
    return FALSE;
  db_bind(s, "ss", first, last);
  while (db_step(s, &row, error) && row) {
    LedgerTotals *totals = g_hash_table_lookup(all, db_text(s, 3));
    if (!totals)
      g_hash_table_insert(all, g_strdup(db_text(s, 3)), totals = g_new0(LedgerTotals, 1));
    add_totals(s, totals);
  }
  return !row;
}

GHashTable *ledger_totals_between(LedgerReader *reader, const char *first, const char *last, GError **error) {
  g_autoptr(GHashTable) all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < reader->shards; i++)
    if (!add_shard(&reader->all[i], first, last, all, error))
      return NULL;
  return g_steal_pointer(&all);
}
