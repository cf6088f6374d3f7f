/* Folding: what was posted since the last fold is sorted by account and becomes a run (store/ledger/runs_private.h).
 * Late and in order, since scattered balance pages are what costs. A run and its row in `run`, which is the watermark,
 * are written in one transaction: a crash leaves the fold whole or undone, and reading a balance adds exactly the
 * entries behind the watermark. A fold ends at a posting's end and holds some 65,536 entries: its memory is a few
 * megabytes.
 *
 * Each run costs a balance one look. So neighbours of similar size are merged, up to RUN_AT_MOST entries: a shard with
 * a thousand million entries has two thousand runs and its balances take some milliseconds. */
#include "gateway/base/faultpoint.h"
#include "store/ledger/runs_private.h"
#include "store/ledger/sort_private.h"
#include "store/ledger/writer_private.h"
#include "store/ledger/queries.sql.h"

enum { SLICE = 65536, RUN_AT_MOST = 1 << 20, MERGE_FROM = 8, MERGE_AT_ONCE = 64, SIMILAR = 2 };

typedef struct {
  gint64 first, last;
  GByteArray *texts;
  GArray *items; /* FoldItem; the i-th has seq first + i */
} FoldSlice;

static void add_posting(FoldSlice *slice, const RecordBlock *block, gint64 first) {
  for (guint i = 0; i < block->count; i++) {
    gsize length;
    const char *account = record_block_text(block, ENTRY_ACCOUNT, i, &length);
    FoldItem item = {
        .text = slice->texts->len, .length = (guint32)length, .amount = record_block_integer(block, ENTRY_AMOUNT, i)};
    g_byte_array_append(slice->texts, (const guint8 *)account, (guint)length);
    g_array_append_val(slice->items, item);
  }
  slice->last = first + block->count - 1;
}

/* Fills the slice with whole postings from `folded` on; none: it stays empty. */
static gboolean read_slice(ShardView *view, gint64 folded, FoldSlice *slice, GError **error) {
  g_autoptr(DbStatement) postings = db_prepare_named(view->db, ledger_queries_sql, "postings-from", error);
  gboolean row = TRUE;
  if (!postings)
    return FALSE;
  slice->first = folded + 1;
  db_bind(postings, "i", slice->first);
  while (slice->items->len < SLICE) {
    if (!db_step(postings, &row, error))
      return FALSE;
    if (!row)
      return TRUE;
    gint64 first = db_integer(postings, 0);
    if (!shard_view_load(view, first, error))
      return FALSE;
    if (first != slice->first + slice->items->len)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "ledger shard %u: entries are missing before %" G_GINT64_FORMAT, view->shard, first);
    add_posting(slice, view->block, first);
  }
  return TRUE;
}

static gboolean write_slice(Db *db, const FoldSlice *slice, const guint32 *order, GError **error) {
  RunWriter writer;
  gboolean ok = run_writer_begin(&writer, db, slice->first, slice->last, error);
  for (guint i = 0; i < slice->items->len && ok; i++) {
    const FoldItem *item = &g_array_index(slice->items, FoldItem, order[i]);
    ok = run_writer_add(&writer,
                        &(RunEntry){.account = (const char *)slice->texts->data + item->text,
                                    .length = item->length,
                                    .seq = slice->first + order[i],
                                    .amount = item->amount},
                        error);
  }
  ok = ok && run_writer_end(&writer, error);
  run_writer_clear(&writer);
  return ok;
}

/* --- Merging */

static gint64 size_of(const GArray *runs, guint i) {
  const LedgerRun *run = &g_array_index(runs, LedgerRun, i);
  return run->last - run->first + 1;
}

/* The first of the newest runs that are worth merging: each at most twice as large as all newer ones together. */
static guint first_to_merge(const GArray *runs) {
  guint first = runs->len;
  gint64 size = 0;
  while (first > 0 && runs->len - first < MERGE_AT_ONCE && size + size_of(runs, first - 1) <= RUN_AT_MOST &&
         (size == 0 || size_of(runs, first - 1) <= SIMILAR * size))
    size += size_of(runs, --first);
  return first;
}

static gboolean is_before(const RunCursor *a, const RunCursor *b) {
  RunEntry one = run_cursor_entry(a), other = run_cursor_entry(b);
  int order = ledger_compare_texts(one.account, one.length, other.account, other.length);
  return order < 0 || (order == 0 && one.seq < other.seq);
}

/* Puts the first of the cursors, which has moved, to its place among the others, which are in order. */
static void sink(RunCursor **cursors, guint n) {
  RunCursor *moved = cursors[0];
  guint i = 0;
  for (; i + 1 < n && !is_before(moved, cursors[i + 1]); i++)
    cursors[i] = cursors[i + 1];
  cursors[i] = moved;
}

static gboolean merge_cursors(RunCursor **cursors, guint n, RunWriter *writer, GError **error) {
  for (guint i = n; i-- > 0;)
    sink(cursors + i, n - i);
  while (n > 0) {
    RunEntry entry = run_cursor_entry(cursors[0]);
    if (!run_writer_add(writer, &entry, error) || !run_cursor_next(cursors[0], error))
      return FALSE;
    if (cursors[0]->ended) {
      cursors++;
      n--;
    } else {
      sink(cursors, n);
    }
  }
  return run_writer_end(writer, error);
}

static gboolean delete_runs(Db *db, const LedgerRun *runs, guint n, GError **error) {
  g_autoptr(DbStatement) blocks = db_prepare_named(db, ledger_queries_sql, "delete-run-blocks", error);
  g_autoptr(DbStatement) run = db_prepare_named(db, ledger_queries_sql, "delete-run", error);
  gboolean ok = blocks && run;
  for (guint i = 0; i < n && ok; i++) {
    db_bind(blocks, "i", runs[i].id);
    db_bind(run, "i", runs[i].id);
    ok = db_done(blocks, error) && db_done(run, error);
  }
  return ok;
}

static gboolean merge_runs(Db *db, const LedgerRun *runs, guint n, GError **error) {
  RunCursor all[MERGE_AT_ONCE] = {0}, *cursors[MERGE_AT_ONCE];
  RunWriter writer;
  gboolean ok = run_writer_begin(&writer, db, runs[0].first, runs[n - 1].last, error);
  for (guint i = 0; i < n && ok; i++) {
    cursors[i] = &all[i];
    ok = run_cursor_open(&all[i], db, &runs[i], NULL, error);
    if (ok && all[i].ended)
      ok = sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "run %" G_GINT64_FORMAT " is empty", runs[i].id);
  }
  ok = ok && merge_cursors(cursors, n, &writer, error);
  for (guint i = 0; i < n; i++)
    run_cursor_clear(&all[i]);
  run_writer_clear(&writer);
  return ok && delete_runs(db, runs, n, error);
}

/* --- Both */

static gboolean commit_or_not(Db *db, gboolean ok, GError **error) {
  ok = ok && db_commit(db, error);
  if (!ok)
    db_rollback(db);
  return ok;
}

static gboolean fold(ShardView *view, gint64 *folded, FoldSlice *slice, GError **error) {
  if (!read_slice(view, *folded, slice, error))
    return FALSE;
  if (slice->items->len == 0)
    return TRUE;
  g_autofree guint32 *order = ledger_sort_items((FoldItem *)(gpointer)slice->items->data, slice->items->len,
                                                slice->texts->data);
  fault_point("ledger-fold-before");
  gboolean ok = db_begin(view->db, error) && write_slice(view->db, slice, order, error);
  if (!commit_or_not(view->db, ok, error))
    return FALSE;
  *folded = slice->last;
  fault_point("ledger-fold-after");
  return TRUE;
}

static gboolean merge(Db *db, GError **error) {
  g_autoptr(GArray) runs = ledger_runs_list(db, error);
  if (!runs)
    return FALSE;
  guint first = first_to_merge(runs);
  if (runs->len - first < MERGE_FROM)
    return TRUE;
  fault_point("ledger-merge-before");
  gboolean ok = db_begin(db, error) && merge_runs(db, &g_array_index(runs, LedgerRun, first), runs->len - first, error);
  if (!commit_or_not(db, ok, error))
    return FALSE;
  fault_point("ledger-merge-after");
  return TRUE;
}

gboolean ledger_fold_slice(ShardView *view, gint64 *folded, GError **error) {
  FoldSlice slice = {.texts = g_byte_array_new(), .items = g_array_sized_new(FALSE, FALSE, sizeof(FoldItem), SLICE)};
  gboolean ok = fold(view, folded, &slice, error);
  g_byte_array_unref(slice.texts);
  g_array_unref(slice.items);
  return ok && merge(view->db, error);
}
