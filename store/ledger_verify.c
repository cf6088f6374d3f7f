/* Verifying a ledger in flat memory. Keys: every posting's are searched in all shards, and each must be found once, where it is.
 * Balances: each fold is compared by linear sketches, a sum over the entries minus the same sum over the account rows, weighted by
 * a hash of the account. It is zero if they agree; if an amount, a seq or an account differs it is not, but for one chance in 2^64. */
#include "store/ledger_parts.h"
#include "store/ledger.sql.h"
#include <string.h>

typedef struct { gint64 id, first, last; guint64 amounts, seqs, entries; } FoldSketch;

typedef struct {
  LedgerReader *reader;
  ShardView *view;
  GArray *folds;
  guint fold;               /* of the entry that is looked at */
  gint64 next;              /* the first seq of the next posting */
  guint64 indexed;          /* entries of indexed postings */
  RecordBlock *block;       /* the posting that is looked at; the view reads others meanwhile */
  gint64 first;
  guint8 *found;            /* per record: how often its key was found, here or elsewhere */
  gboolean elsewhere;
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
  g_autoptr(sqlite3_stmt) integrity = sqlite_prepare(verify->view->db, "PRAGMA integrity_check(1)", error);
  g_autoptr(sqlite3_stmt) keys = sqlite_prepare(verify->view->db, "PRAGMA foreign_key_check", error);
  gboolean row = FALSE;
  if (!integrity || !keys || !sqlite_step(integrity, &row, error))
    return FALSE;
  const char *verdict = row ? (const char *)sqlite3_column_text(integrity, 0) : "no answer";
  if (strcmp(verdict, "ok") != 0)
    return fault(verify, error, "%s", verdict);
  if (!sqlite_step(keys, &row, error))
    return FALSE;
  return !row || fault(verify, error, "a row of %s refers to nothing", (const char *)sqlite3_column_text(keys, 0));
}

/* --- Sketches */

static guint64 mix(guint64 x) { /* the finalizer of MurmurHash3 (Austin Appleby) */
  x = (x ^ (x >> 33)) * G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
  x = (x ^ (x >> 33)) * G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
  return x ^ (x >> 33);
}

static guint64 hash_account(const void *account, gsize length) {
  guint64 hash = length;
  const guint8 *bytes = account;
  for (gsize i = 0; i < length; i++)
    hash = mix(hash ^ bytes[i]) + i;
  return hash | 1; /* odd: no difference of one amount can vanish */
}

static gboolean read_folds(Verify *verify, GError **error) {
  g_autoptr(sqlite3_stmt) folds = sqlite_prepare_named(verify->view->db, ledger_sql, "folds", error);
  gboolean row = folds != NULL;
  gint64 next = 1;
  while (row && sqlite_step(folds, &row, error) && row) {
    FoldSketch fold = {.id = sqlite3_column_int64(folds, 0), .first = sqlite3_column_int64(folds, 1), .last = sqlite3_column_int64(folds, 2)};
    if (fold.first != next || fold.last < fold.first)
      return fault(verify, error, "fold %" G_GINT64_FORMAT " does not follow the one before", fold.id);
    next = fold.last + 1;
    g_array_append_val(verify->folds, fold);
  }
  return !row && folds;
}

static void sketch_entry(Verify *verify, guint i) {
  gint64 seq = verify->first + i;
  while (verify->fold < verify->folds->len && g_array_index(verify->folds, FoldSketch, verify->fold).last < seq)
    verify->fold++;
  if (verify->fold >= verify->folds->len)
    return;
  FoldSketch *fold = &g_array_index(verify->folds, FoldSketch, verify->fold);
  gsize length;
  const char *account = record_block_text(verify->block, ENTRY_ACCOUNT, i, &length);
  guint64 hash = hash_account(account, length);
  fold->amounts += hash * (guint64)record_block_integer(verify->block, ENTRY_AMOUNT, i);
  fold->seqs += mix(hash ^ mix((guint64)seq));
  fold->entries++;
}

static FoldSketch *find_fold(Verify *verify, gint64 id) {
  for (guint i = verify->folds->len; i-- > 0;)
    if (g_array_index(verify->folds, FoldSketch, i).id == id)
      return &g_array_index(verify->folds, FoldSketch, i);
  return NULL;
}

static gboolean unsketch_account(Verify *verify, sqlite3_stmt *row, GError **error) {
  gint64 id = sqlite3_column_int64(row, 1), entries = sqlite3_column_int64(row, 3);
  FoldSketch *fold = find_fold(verify, id);
  guint64 hash = hash_account(sqlite3_column_text(row, 0), (gsize)sqlite3_column_bytes(row, 0));
  const guint8 *seqs = sqlite3_column_blob(row, 4);
  int length = sqlite3_column_bytes(row, 4);
  if (!fold || entries <= 0 || length != entries * (gint64)sizeof(guint32))
    return fault(verify, error, "an account's row in fold %" G_GINT64_FORMAT " is damaged", id);
  fold->amounts -= hash * (guint64)sqlite3_column_int64(row, 2);
  fold->entries -= (guint64)entries;
  for (gint64 i = 0; i < entries; i++) {
    guint32 offset;
    memcpy(&offset, seqs + i * (gint64)sizeof offset, sizeof offset);
    fold->seqs -= mix(hash ^ mix((guint64)fold->first + offset));
  }
  return TRUE;
}

static gboolean check_balances(Verify *verify, GError **error) {
  g_autoptr(sqlite3_stmt) accounts = sqlite_prepare_named(verify->view->db, ledger_sql, "accounts", error);
  gboolean row = accounts != NULL;
  if (!accounts)
    return FALSE;
  while (row) {
    if (!sqlite_step(accounts, &row, error) || (row && !unsketch_account(verify, accounts, error)))
      return FALSE;
  }
  for (guint i = 0; i < verify->folds->len; i++) {
    const FoldSketch *fold = &g_array_index(verify->folds, FoldSketch, i);
    if (fold->amounts || fold->seqs || fold->entries)
      return fault(verify, error, "balances of fold %" G_GINT64_FORMAT " (entries %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ") are not those of its entries",
                   fold->id, fold->first, fold->last);
  }
  return TRUE;
}

/* --- Postings */

static void note_hit(gpointer user, guint record, const ShardView *view, guint index) {
  Verify *verify = user;
  gboolean itself = view == verify->view && view->posting.first + index == verify->first + record;
  verify->elsewhere |= !itself;
  verify->found[record]++;
}

static gboolean check_keys(Verify *verify, GError **error) {
  KeyList keys;
  gboolean ok = TRUE;
  verify->elsewhere = FALSE;
  g_free(verify->found);
  verify->found = g_new0(guint8, MAX(verify->block->count, 1));
  key_list_init(&keys, verify->block, ENTRY_KEY, NULL);
  for (guint i = 0; i < ledger_reader_shards(verify->reader) && ok; i++)
    ok = shard_view_find_keys(ledger_reader_view(verify->reader, i), &keys, note_hit, verify, error);
  key_list_clear(&keys);
  for (guint i = 0; ok && i < verify->block->count; i++)
    if (verify->elsewhere || verify->found[i] != 1)
      ok = fault(verify, error, "a key of the posting at %" G_GINT64_FORMAT " is %s", verify->first,
                 verify->elsewhere ? "posted twice" : "not found by its index");
  return ok;
}

static gboolean key_is(const KeyList *keys, guint i, sqlite3_stmt *row, int column, int outside) {
  gsize length;
  const char *key = key_list_at(keys, i, &length);
  const void *bound = sqlite3_column_blob(row, column);
  int order = ledger_compare_texts(key, length, bound ? bound : "", (gsize)sqlite3_column_bytes(row, column));
  return order == 0 || (outside && (order < 0) == (outside < 0));
}

/* An indexed posting's range may be wider than its keys. */
static gboolean check_range(const Verify *verify, sqlite3_stmt *row, gboolean indexed) {
  KeyList keys;
  key_list_init(&keys, verify->block, ENTRY_KEY, NULL);
  gboolean ok = keys.n == verify->block->count && key_is(&keys, 0, row, 3, indexed ? 1 : 0) &&
                key_is(&keys, keys.n - 1, row, 4, indexed ? -1 : 0);
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
  return sum == amount || fault(verify, error, "the posting at %" G_GINT64_FORMAT " has another amount than its entries", verify->first);
}

static gboolean check_posting(Verify *verify, sqlite3_stmt *row, GError **error) {
  gboolean indexed = sqlite3_column_int(row, 5) != 0;
  gint64 count = sqlite3_column_int64(row, 1);
  verify->first = sqlite3_column_int64(row, 0);
  if (verify->first != verify->next)
    return fault(verify, error, "entries are missing before %" G_GINT64_FORMAT, verify->first);
  if (!shard_view_load(verify->view, verify->first, error))
    return FALSE;
  RecordBlock *mine = verify->view->block; /* the searches below read other postings into the view */
  verify->view->block = verify->block;
  verify->block = mine;
  shard_view_forget(verify->view);
  verify->next += count;
  verify->indexed += indexed ? (guint64)count : 0;
  if (mine->count != count || !check_range(verify, row, indexed))
    return fault(verify, error, "the posting at %" G_GINT64_FORMAT " has other keys than its entries", verify->first);
  return check_entries(verify, sqlite3_column_int64(row, 2), error) && check_keys(verify, error);
}

static gboolean check_postings(Verify *verify, GError **error) {
  g_autoptr(sqlite3_stmt) postings = sqlite_prepare_named(verify->view->db, ledger_sql, "postings-to-verify", error);
  gboolean row = postings != NULL;
  if (!postings)
    return FALSE;
  while (row)
    if (!sqlite_step(postings, &row, error) || (row && !check_posting(verify, postings, error)))
      return FALSE;
  gint64 keys = 0;
  g_autofree char *count_keys = sqlite_named(ledger_sql, "count-keys");
  if (!sqlite_integer(verify->view->db, count_keys, &keys, error))
    return FALSE;
  if ((guint64)keys != verify->indexed)
    return fault(verify, error, "%" G_GINT64_FORMAT " keys are indexed, and should be %" G_GUINT64_FORMAT, keys, verify->indexed);
  if (verify->folds->len && g_array_index(verify->folds, FoldSketch, verify->folds->len - 1).last >= verify->next)
    return fault(verify, error, "more is folded than posted");
  return TRUE;
}

static gboolean verify_shard(LedgerReader *reader, guint shard, GError **error) {
  Verify verify = {.reader = reader, .view = ledger_reader_view(reader, shard), .next = 1,
                   .folds = g_array_new(FALSE, FALSE, sizeof(FoldSketch))};
  gboolean ok = check_file(&verify, error) && read_folds(&verify, error) && check_postings(&verify, error) &&
                check_balances(&verify, error);
  record_block_free(verify.block);
  g_array_unref(verify.folds);
  g_free(verify.found);
  return ok;
}

gboolean ledger_verify(LedgerReader *reader, GError **error) {
  guint shards = ledger_reader_shards(reader);
  gboolean ok = TRUE;
  for (guint i = 0; i < shards && ok; i++) {
    shard_view_forget(ledger_reader_view(reader, i)); /* what was read before is read again */
    ok = sqlite_run(ledger_reader_view(reader, i)->db, "BEGIN", error);
  }
  for (guint i = 0; i < shards && ok; i++)
    ok = verify_shard(reader, i, error);
  for (guint i = 0; i < shards; i++)
    sqlite_rollback(ledger_reader_view(reader, i)->db);
  return ok;
}
