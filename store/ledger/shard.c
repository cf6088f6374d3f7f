#include "store/ledger/ledger_private.h"
#include "store/staging/block_codec.h"
#include "store/ledger/queries.sql.h"
#include <string.h>

RecordBlock *ledger_entry_block_new(guint capacity) {
  static const BlockType types[ENTRY_COLUMNS] = {[ENTRY_KEY] = BLOCK_TEXT,
                                                 [ENTRY_ACCOUNT] = BLOCK_TEXT,
                                                 [ENTRY_DATE] = BLOCK_TEXT,
                                                 [ENTRY_AMOUNT] = BLOCK_INTEGER};
  return record_block_new(capacity, types, ENTRY_COLUMNS);
}

guint ledger_shard_of(const void *account, gsize length, guint shards) {
  const guint8 *bytes = account;
  guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325);
  for (gsize i = 0; i < length; i++)
    hash = (hash ^ bytes[i]) * G_GUINT64_CONSTANT(0x100000001b3);
  return (guint)((hash ^ (hash >> 32)) % shards);
}

char *ledger_shard_path(const char *folder, const char *name, guint shard) {
  return g_strdup_printf("%s/%s.ledger-%u.db", folder, name, shard);
}

gboolean shard_view_init(ShardView *view, Db *db, guint shard, GError **error) {
  *view = (ShardView){.shard = shard, .db = db};
  return (view->overlapping = db_prepare_named(db, ledger_queries_sql, "overlapping", error)) &&
         (view->loose = db_prepare_named(db, ledger_queries_sql, "loose", error)) &&
         (view->has_key_between = db_prepare_named(db, ledger_queries_sql, "has-key-between", error)) &&
         (view->find_key = db_prepare_named(db, ledger_queries_sql, "find-key", error)) &&
         (view->posting_of_seq = db_prepare_named(db, ledger_queries_sql, "posting-of-seq", error));
}

void shard_view_forget(ShardView *view) {
  g_clear_pointer(&view->posting.file, g_free);
  g_clear_pointer(&view->posting.business_date, g_free);
  view->posting.first = 0;
}

void shard_view_clear(ShardView *view) {
  shard_view_forget(view);
  g_clear_pointer(&view->block, record_block_free);
  g_clear_pointer(&view->overlapping, db_statement_free);
  g_clear_pointer(&view->loose, db_statement_free);
  g_clear_pointer(&view->has_key_between, db_statement_free);
  g_clear_pointer(&view->find_key, db_statement_free);
  g_clear_pointer(&view->posting_of_seq, db_statement_free);
}

static void make_room(ShardView *view, guint count) {
  if (view->block && view->block->capacity < count)
    g_clear_pointer(&view->block, record_block_free);
  if (!view->block)
    view->block = ledger_entry_block_new(MAX(count, 1024));
  record_block_clear(view->block);
}

static gboolean take_posting(ShardView *view, gint64 seq, GError **error) {
  DbStatement *row = view->posting_of_seq;
  gint64 first = db_integer(row, 0), count = db_integer(row, 5);
  gsize length;
  const void *bytes = db_bytes(row, 6, &length);
  if (count <= 0 || seq >= first + count || block_encoded_count(bytes, length) != count)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "entry %" G_GINT64_FORMAT " is missing from its posting",
                               seq);
  make_room(view, (guint)count);
  if (!block_decode(bytes, length, 0, (guint)count, view->block, error))
    return FALSE;
  view->posting = (LedgerPosting){.first = first,
                                  .file = db_text_copy(row, 1),
                                  .batch = (guint)db_integer(row, 2),
                                  .business_date = db_text_copy(row, 3),
                                  .posted_at = db_integer(row, 4)};
  return TRUE;
}

gboolean shard_view_load(ShardView *view, gint64 seq, GError **error) {
  if (view->posting.first && seq >= view->posting.first && seq < view->posting.first + view->block->count)
    return TRUE;
  shard_view_forget(view);
  gboolean row = FALSE;
  db_bind(view->posting_of_seq, "i", seq);
  gboolean ok = db_step(view->posting_of_seq, &row, error);
  if (ok && !row)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "there is no entry %" G_GINT64_FORMAT, seq);
  ok = ok && take_posting(view, seq, error);
  db_reset(view->posting_of_seq);
  if (!ok)
    g_prefix_error(error, "ledger shard %u: ", view->shard);
  return ok;
}
