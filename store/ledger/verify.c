/* Verifying a ledger in flat memory. Keys: verify_keys.c; here the table of keys has to hold those of the postings
 * that are found by it. Balances: a run must be in order and hold the entries that it stands for. Both are compared by
 * sketches, sums of a hash of each entry's account (or key), seq and amount. If they differ in anything, so do the
 * sums, but for one chance in 2^64. */
#include "store/ledger/runs_private.h"
#include "store/ledger/queries.sql.h"
#include "store/staging/block_codec.h"
#include <string.h>
#include <xxhash.h>

typedef struct {
  LedgerRun run;
  guint64 sum, entries;
} RunSketch;

typedef struct {
  LedgerReader *reader;
  ShardView *view;
  GArray *sketches;
  guint run;            /* of the entry that is looked at */
  gint64 next;          /* the first seq of the next posting */
  guint64 indexed;      /* entries of indexed postings */
  guint64 index_sketch; /* of their keys and seqs; less those of the table */
  RecordBlock *block;   /* the posting that is looked at */
  gint64 first;
} Verify;

static gboolean fault(const Verify *verify, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean fault(const Verify *verify, GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "ledger shard %u: %s", verify->view->shard, what);
}

static gboolean check_file(const Verify *verify, GError **error) {
  if (db_check(verify->view->db, NULL, error))
    return TRUE;
  g_prefix_error(error, "ledger shard %u: ", verify->view->shard);
  return FALSE;
}

/* --- Sketches */

static guint64 hash_entry(const void *account, gsize length, gint64 seq, gint64 amount) {
  const gint64 numbers[] = {seq, amount};
  return XXH3_64bits_withSeed(numbers, sizeof numbers, XXH3_64bits(account, length));
}

static gboolean list_runs(Verify *verify, GError **error) {
  g_autoptr(GArray) runs = ledger_runs_list(verify->view->db, error);
  for (guint i = 0; runs && i < runs->len; i++) {
    RunSketch sketch = {.run = g_array_index(runs, LedgerRun, i)};
    g_array_append_val(verify->sketches, sketch);
  }
  return runs != NULL;
}

static void sketch_entry(Verify *verify, guint i) {
  gint64 seq = verify->first + i;
  while (verify->run < verify->sketches->len && g_array_index(verify->sketches, RunSketch, verify->run).run.last < seq)
    verify->run++;
  if (verify->run >= verify->sketches->len)
    return;
  RunSketch *sketch = &g_array_index(verify->sketches, RunSketch, verify->run);
  gsize length;
  const char *account = record_block_text(verify->block, ENTRY_ACCOUNT, i, &length);
  sketch->sum += hash_entry(account, length, seq, record_block_integer(verify->block, ENTRY_AMOUNT, i));
  sketch->entries++;
}

static gboolean check_run(const Verify *verify, RunSketch *sketch, RunCursor *cursor, GError **error) {
  g_autoptr(GByteArray) last = g_byte_array_new();
  gint64 last_seq = 0;
  while (!cursor->ended) {
    RunEntry entry = run_cursor_entry(cursor);
    int order = last_seq ? ledger_compare_texts(last->data, last->len, entry.account, entry.length) : -1;
    if (order > 0 || (order == 0 && last_seq >= entry.seq))
      return fault(verify, error, "run %" G_GINT64_FORMAT " is not in order", sketch->run.id);
    g_byte_array_set_size(last, 0);
    g_byte_array_append(last, (const guint8 *)entry.account, (guint)entry.length);
    last_seq = entry.seq;
    sketch->sum -= hash_entry(entry.account, entry.length, entry.seq, entry.amount);
    sketch->entries--;
    if (!run_cursor_next(cursor, error))
      return FALSE;
  }
  return (sketch->sum == 0 && sketch->entries == 0) ||
         fault(verify, error,
               "balances over entries %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " are not those of the entries",
               sketch->run.first, sketch->run.last);
}

static gboolean check_run_blocks(const Verify *verify, GError **error) {
  gint64 blocks, indexed;
  if (!db_value(verify->view->db, "SELECT count(*) FROM run_block", &blocks, error) ||
      !db_value(verify->view->db, "SELECT count(*) FROM run_block b JOIN run r ON r.id = b.run AND b.id >> 24 = r.id",
                &indexed, error))
    return FALSE;
  return blocks == indexed || fault(verify, error, "a run's block belongs to no run");
}

static gboolean check_balances(Verify *verify, GError **error) {
  for (guint i = 0; i < verify->sketches->len; i++) {
    RunSketch *sketch = &g_array_index(verify->sketches, RunSketch, i);
    RunCursor cursor;
    gboolean ok = run_cursor_open(&cursor, verify->view->db, &sketch->run, NULL, error) &&
                  check_run(verify, sketch, &cursor, error);
    run_cursor_clear(&cursor);
    if (!ok)
      return FALSE;
  }
  return check_run_blocks(verify, error);
}

/* --- Postings */

static void sketch_keys(Verify *verify) {
  for (guint i = 0; i < verify->block->count; i++) {
    gsize length;
    const char *key = record_block_text(verify->block, ENTRY_KEY, i, &length);
    verify->index_sketch += hash_entry(key, length, verify->first + i, 0);
  }
  verify->indexed += verify->block->count;
}

static gboolean check_index(Verify *verify, GError **error) {
  g_autoptr(DbStatement) keys = db_prepare_named(verify->view->db, ledger_queries_sql, "keys", error);
  gboolean row = TRUE;
  if (!keys)
    return FALSE;
  while (db_step(keys, &row, error) && row) {
    gsize length;
    const void *key = db_bytes(keys, 0, &length);
    verify->index_sketch -= hash_entry(key, length, db_integer(keys, 1), 0);
    verify->indexed--;
  }
  if (row)
    return FALSE;
  return (verify->indexed == 0 && verify->index_sketch == 0) ||
         fault(verify, error, "the table of keys does not have the keys of its postings");
}

static gboolean key_is(const KeyList *keys, guint i, DbStatement *row, guint column, int outside) {
  gsize length;
  const char *key = key_list_at(keys, i, &length);
  gsize bound_length;
  const void *bound = db_bytes(row, column, &bound_length);
  int order = ledger_compare_texts(key, length, bound ? bound : "", bound_length);
  return order == 0 || (outside && (order < 0) == (outside < 0));
}

/* The range of one that is not found by it may be wider than its keys. */
static gboolean check_range(const Verify *verify, DbStatement *row, gboolean wide) {
  KeyList keys;
  key_list_init(&keys, verify->block, ENTRY_KEY, NULL);
  gboolean ok = keys.n == verify->block->count && key_is(&keys, 0, row, 3, wide ? 1 : 0) &&
                key_is(&keys, keys.n - 1, row, 4, wide ? -1 : 0);
  key_list_clear(&keys);
  return ok;
}

static gboolean check_entries(Verify *verify, gint64 amount, GError **error) {
  guint shards = ledger_reader_shards(verify->reader);
  gint64 sum = 0;
  for (guint i = 0; i < verify->block->count; i++) {
    gsize length;
    const char *account = record_block_text(verify->block, ENTRY_ACCOUNT, i, &length);
    if (ledger_shard_of(account, length, shards) != verify->view->shard)
      return fault(verify, error, "entry %" G_GINT64_FORMAT " belongs to another shard", verify->first + i);
    if (__builtin_add_overflow(sum, record_block_integer(verify->block, ENTRY_AMOUNT, i), &sum))
      return fault(verify, error, "the posting at %" G_GINT64_FORMAT " leaves 64 bits", verify->first);
    sketch_entry(verify, i);
  }
  return sum == amount ||
         fault(verify, error, "the posting at %" G_GINT64_FORMAT " has another amount than its entries", verify->first);
}

static gboolean read_entries(Verify *verify, DbStatement *row, gint64 count, GError **error) {
  gsize length;
  const void *bytes = db_bytes(row, 6, &length);
  if (!bytes || count <= 0 || block_encoded_count(bytes, length) != count)
    return fault(verify, error, "entries of the posting at %" G_GINT64_FORMAT " are missing", verify->first);
  if (verify->block && verify->block->capacity < count)
    g_clear_pointer(&verify->block, record_block_free);
  if (!verify->block)
    verify->block = ledger_entry_block_new((guint)MAX(count, 1024));
  record_block_clear(verify->block);
  if (block_decode(bytes, length, 0, (guint)count, verify->block, error))
    return TRUE;
  g_prefix_error(error, "ledger shard %u: ", verify->view->shard);
  return FALSE;
}

static gboolean check_posting(Verify *verify, DbStatement *row, GError **error) {
  int zone = (int)db_integer(row, 5);
  gint64 count = db_integer(row, 1);
  verify->first = db_integer(row, 0);
  if (verify->first != verify->next)
    return fault(verify, error, "entries are missing before %" G_GINT64_FORMAT, verify->first);
  verify->next += count;
  if (!read_entries(verify, row, count, error))
    return FALSE;
  if (verify->block->count != count || !check_range(verify, row, zone != ZONE_RANGE))
    return fault(verify, error, "the posting at %" G_GINT64_FORMAT " has other keys than its entries", verify->first);
  if (zone == ZONE_INDEXED)
    sketch_keys(verify);
  return check_entries(verify, db_integer(row, 2), error);
}

static gboolean check_postings(Verify *verify, GError **error) {
  g_autoptr(DbStatement) postings = db_prepare_named(verify->view->db, ledger_queries_sql, "postings-to-verify", error);
  gboolean row = postings != NULL;
  if (!postings)
    return FALSE;
  while (row)
    if (!db_step(postings, &row, error) || (row && !check_posting(verify, postings, error)))
      return FALSE;
  if (!check_index(verify, error))
    return FALSE;
  if (verify->sketches->len &&
      g_array_index(verify->sketches, RunSketch, verify->sketches->len - 1).run.last >= verify->next)
    return fault(verify, error, "more is folded than posted");
  return TRUE;
}

static gboolean verify_shard(LedgerReader *reader, guint shard, GError **error) {
  Verify verify = {.reader = reader,
                   .view = ledger_reader_view(reader, shard),
                   .next = 1,
                   .sketches = g_array_new(FALSE, FALSE, sizeof(RunSketch))};
  gboolean ok = check_file(&verify, error) && list_runs(&verify, error) && check_postings(&verify, error) &&
                check_balances(&verify, error);
  record_block_free(verify.block);
  g_array_unref(verify.sketches);
  return ok;
}

guint ledger_verify_parts(const LedgerReader *reader) {
  return ledger_reader_shards(reader) + 1;
}

gboolean ledger_verify_part(LedgerReader *reader, guint part, GError **error) {
  guint shards = ledger_reader_shards(reader), from = part < shards ? part : 0, to = part < shards ? part + 1 : shards;
  gboolean ok = TRUE;
  for (guint i = from; i < to && ok; i++) {
    shard_view_forget(ledger_reader_view(reader, i)); /* what was read before is read again */
    ok = db_begin_read(ledger_reader_view(reader, i)->db, error);
  }
  if (part < shards)
    ok = ok && verify_shard(reader, part, error);
  else
    ok = ok && ledger_facts_verify(reader, error) && ledger_verify_keys(reader, error);
  for (guint i = from; i < to; i++)
    db_rollback(ledger_reader_view(reader, i)->db);
  return ok;
}

gboolean ledger_verify(LedgerReader *reader, GError **error) {
  for (guint part = 0; part < ledger_verify_parts(reader); part++)
    if (!ledger_verify_part(reader, part, error))
      return FALSE;
  return TRUE;
}
