/* Folding: what was posted since the last fold, sorted by account, becomes one row per account with the sum, the number and
 * the entries' seqs. Sorted and late, since scattered balance pages are what costs. The rows and the watermark (the table
 * `fold`) are written in one transaction: a crash leaves the fold whole or undone, and reading a balance adds exactly the entries
 * behind the watermark. A fold ends at a posting's end and holds some 131,072 entries: its memory is some megabytes. */
#include "gateway/base/faultpoint.h"
#include "store/ledger_writer.h"
#include "store/ledger.sql.h"
#include <stdlib.h>
#include <string.h>

enum { SLICE = 131072 };

typedef struct {
  guint64 prefix;          /* of the account behind what all accounts of the slice have in common, to compare at once */
  guint32 text, length;    /* of the account in `texts` */
  guint32 offset;          /* seq - first */
  gint64 amount;
} FoldItem;

typedef struct {
  gint64 first, last;
  GByteArray *texts;
  GArray *items;
} Slice;

static void add_posting(Slice *slice, const RecordBlock *block, gint64 first) {
  for (guint i = 0; i < block->count; i++) {
    gsize length;
    const char *account = record_block_text(block, ENTRY_ACCOUNT, i, &length);
    FoldItem item = {.text = slice->texts->len, .length = (guint32)length, .offset = (guint32)(first + i - slice->first),
                     .amount = record_block_integer(block, ENTRY_AMOUNT, i)};
    if (length)
      g_byte_array_append(slice->texts, (const guint8 *)account, (guint)length);
    g_array_append_val(slice->items, item);
  }
  slice->last = first + block->count - 1;
}

/* Fills the slice with whole postings from `folded` on; none: slice->last = 0. */
static gboolean read_slice(ShardView *view, gint64 folded, Slice *slice, GError **error) {
  g_autoptr(sqlite3_stmt) postings = sqlite_prepare_named(view->db, ledger_sql, "postings-from", error);
  gboolean row = TRUE;
  if (!postings)
    return FALSE;
  slice->first = folded + 1;
  sqlite_bind(postings, "i", slice->first);
  while (slice->items->len < SLICE) {
    if (!sqlite_step(postings, &row, error))
      return FALSE;
    if (!row)
      return TRUE;
    gint64 first = sqlite3_column_int64(postings, 0);
    if (!shard_view_load(view, first, error))
      return FALSE;
    if (first != slice->first + slice->items->len)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "ledger shard %u: entries are missing before %" G_GINT64_FORMAT, view->shard, first);
    add_posting(slice, view->block, first);
  }
  return TRUE;
}

/* Account numbers share their beginning ("M000…"): eight bytes behind it decide nearly every comparison. */
static void set_prefixes(Slice *slice) {
  FoldItem *items = &g_array_index(slice->items, FoldItem, 0);
  const guint8 *texts = slice->texts->data;
  guint32 common = items[0].length;
  for (guint i = 1; i < slice->items->len; i++) {
    guint32 same = 0, most = MIN(common, items[i].length);
    while (same < most && texts[items[i].text + same] == texts[items[0].text + same])
      same++;
    common = same;
  }
  for (guint i = 0; i < slice->items->len; i++) {
    guint64 prefix = 0;
    memcpy(&prefix, texts + items[i].text + common, MIN(items[i].length - common, sizeof prefix));
    items[i].prefix = GUINT64_FROM_BE(prefix);
  }
}

static int compare_accounts(const FoldItem *a, const FoldItem *b, const guint8 *texts) {
  if (a->prefix != b->prefix)
    return a->prefix < b->prefix ? -1 : 1;
  return ledger_compare_texts(texts + a->text, a->length, texts + b->text, b->length);
}

static int compare_items(const void *left, const void *right, void *texts) {
  const FoldItem *a = left, *b = right;
  int order = compare_accounts(a, b, texts);
  return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static gboolean insert_account(sqlite3_stmt *insert, const Slice *slice, gint64 id, guint from, guint to, GArray *seqs, GError **error) {
  const FoldItem *items = &g_array_index(slice->items, FoldItem, 0);
  gint64 sum = 0;
  g_array_set_size(seqs, 0);
  for (guint i = from; i < to; i++) {
    if (__builtin_add_overflow(sum, items[i].amount, &sum)) /* posting sees to it that this cannot be */
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the entries of one account leave 64 bits");
    g_array_append_val(seqs, items[i].offset);
  }
  sqlite_bind(insert, "tiiub", slice->texts->data + items[from].text, (gsize)items[from].length, id, sum, to - from,
              seqs->data, (gsize)seqs->len * sizeof(guint32));
  return sqlite_done(insert, error);
}

static gboolean insert_accounts(sqlite3 *db, const Slice *slice, gint64 id, GError **error) {
  g_autoptr(sqlite3_stmt) insert = sqlite_prepare_named(db, ledger_sql, "insert-account", error);
  g_autoptr(GArray) seqs = g_array_new(FALSE, FALSE, sizeof(guint32));
  const FoldItem *items = &g_array_index(slice->items, FoldItem, 0);
  guint n = slice->items->len;
  gboolean ok = insert != NULL;
  for (guint from = 0, to; ok && from < n; from = to) {
    for (to = from + 1; to < n && compare_accounts(&items[from], &items[to], slice->texts->data) == 0; to++)
      ;
    ok = insert_account(insert, slice, id, from, to, seqs, error);
  }
  return ok;
}

static gboolean write_slice(sqlite3 *db, const Slice *slice, GError **error) {
  gint64 id = 0;
  g_autoptr(sqlite3_stmt) fold = sqlite_prepare_named(db, ledger_sql, "insert-fold", error);
  if (!fold || !sqlite_integer(db, "SELECT coalesce(max(id), 0) + 1 FROM fold", &id, error))
    return FALSE;
  sqlite_bind(fold, "iii", id, slice->first, slice->last);
  return sqlite_done(fold, error) && insert_accounts(db, slice, id, error);
}

static gboolean fold(ShardView *view, gint64 *folded, Slice *slice, GError **error) {
  if (!read_slice(view, *folded, slice, error))
    return FALSE;
  if (slice->items->len == 0)
    return TRUE;
  set_prefixes(slice);
  qsort_r(slice->items->data, slice->items->len, sizeof(FoldItem), compare_items, slice->texts->data);
  fault_point("ledger-fold-before");
  gboolean ok = sqlite_run(view->db, "BEGIN IMMEDIATE", error) && write_slice(view->db, slice, error) &&
                sqlite_run(view->db, "COMMIT", error);
  if (!ok) {
    sqlite_rollback(view->db);
    return FALSE;
  }
  *folded = slice->last;
  fault_point("ledger-fold-after");
  return TRUE;
}

gboolean ledger_fold_slice(ShardView *view, gint64 *folded, GError **error) {
  Slice slice = {.texts = g_byte_array_new(), .items = g_array_sized_new(FALSE, FALSE, sizeof(FoldItem), SLICE)};
  gboolean ok = fold(view, folded, &slice, error);
  g_byte_array_unref(slice.texts);
  g_array_unref(slice.items);
  return ok;
}
