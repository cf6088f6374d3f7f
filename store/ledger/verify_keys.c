/* Every key once over the whole ledger, and where its posting says that it is found: all keys of all shards as one
 * stream in ascending order, merged from streams that are in order by themselves. Of each shard these are the postings
 * that are found by their ranges (which do not overlap), the table `key`, and what is loose, of which there is little.
 * Each posting is read once. */
#include "store/ledger/queries.sql.h"
#include "store/ledger/runs_private.h"
#include "store/staging/block_codec.h"
#include <string.h>

typedef struct {
  guint shard;
  DbStatement *rows;   /* postings, or keys; NULL: all is in the block */
  gboolean has_blocks; /* rows are postings */
  RecordBlock *block;
  KeyList list;
  guint at;
  const char *key; /* borrowed until the next step; NULL: the end */
  gsize length;
} KeyStream;

typedef struct {
  KeyStream *streams;
  guint n;
  KeyStream **heap;
  guint live;
} Sweep;

static gboolean fault(const KeyStream *stream, const char *key, gsize length, const char *what, GError **error) {
  g_autofree char *text = g_strndup(key, length), *shown = g_strescape(text, NULL);
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "ledger shard %u: the key %s %s", stream->shard, shown,
                             what);
}

static gboolean read_block(KeyStream *stream, DbStatement *rows, guint column, GError **error) {
  gsize length;
  const void *bytes = db_bytes(rows, column, &length);
  guint count = block_encoded_count(bytes, length);
  if (stream->block && stream->block->capacity < stream->block->count + count)
    g_clear_pointer(&stream->block, record_block_free);
  if (!stream->block)
    stream->block = ledger_entry_block_new(MAX(count, 1024));
  return block_decode(bytes, length, 0, count, stream->block, error);
}

static gboolean next_posting(KeyStream *stream, GError **error) {
  gboolean row = FALSE;
  key_list_clear(&stream->list);
  stream->list = (KeyList){0};
  stream->at = 0;
  if (!stream->rows)
    return TRUE;
  if (!db_step(stream->rows, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  if (stream->block)
    record_block_clear(stream->block);
  if (!read_block(stream, stream->rows, 0, error))
    return FALSE;
  key_list_init(&stream->list, stream->block, ENTRY_KEY, NULL);
  return TRUE;
}

static gboolean stream_step(KeyStream *stream, GError **error) {
  gboolean row = FALSE;
  stream->key = NULL;
  if (stream->rows && !stream->has_blocks) {
    if (!db_step(stream->rows, &row, error))
      return FALSE;
    if (row)
      stream->key = db_bytes(stream->rows, 0, &stream->length);
    return TRUE;
  }
  if (stream->at >= stream->list.n && !next_posting(stream, error))
    return FALSE;
  if (stream->at < stream->list.n)
    stream->key = key_list_at(&stream->list, stream->at++, &stream->length);
  return TRUE;
}

static void stream_clear(KeyStream *stream) {
  db_statement_free(stream->rows);
  key_list_clear(&stream->list);
  record_block_free(stream->block);
}

static gboolean open_rows(KeyStream *stream, Db *db, const char *name, gboolean has_blocks, GError **error) {
  stream->has_blocks = has_blocks;
  return (stream->rows = db_prepare_named(db, ledger_queries_sql, name, error)) != NULL;
}

/* All of it at once: the writer indexes what is loose before it grows large (store/ledger/index.c). */
static gboolean open_loose(KeyStream *stream, Db *db, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(db, ledger_queries_sql, "loose-blocks", error);
  gint64 entries = 0;
  gboolean row = TRUE;
  if (!rows || !db_value(db, "SELECT coalesce(sum(count), 0) FROM posting WHERE zone = 2", &entries, error))
    return FALSE;
  stream->block = ledger_entry_block_new((guint)MAX(entries, 1));
  while (row)
    if (!db_step(rows, &row, error) || (row && !read_block(stream, rows, 0, error)))
      return FALSE;
  key_list_init(&stream->list, stream->block, ENTRY_KEY, NULL);
  return TRUE;
}

static gboolean open_shard(Sweep *sweep, LedgerReader *reader, guint shard, GError **error) {
  Db *db = ledger_reader_view(reader, shard)->db;
  KeyStream *streams = &sweep->streams[sweep->n];
  sweep->n += 3;
  for (guint i = 0; i < 3; i++)
    streams[i].shard = shard;
  return open_rows(&streams[0], db, "range-blocks", TRUE, error) && open_rows(&streams[1], db, "keys", FALSE, error) &&
         open_loose(&streams[2], db, error);
}

static gboolean comes_before(const KeyStream *a, const KeyStream *b) {
  return ledger_compare_texts(a->key, a->length, b->key, b->length) < 0;
}

static void sift_down(Sweep *sweep, guint at) {
  for (guint child; (child = 2 * at + 1) < sweep->live; at = child) {
    if (child + 1 < sweep->live && comes_before(sweep->heap[child + 1], sweep->heap[child]))
      child++;
    if (!comes_before(sweep->heap[child], sweep->heap[at]))
      return;
    KeyStream *stream = sweep->heap[at];
    sweep->heap[at] = sweep->heap[child];
    sweep->heap[child] = stream;
  }
}

static gboolean walk(Sweep *sweep, GError **error) {
  g_autoptr(GString) last = g_string_new(NULL);
  for (gboolean any = FALSE; sweep->live > 0; any = TRUE) {
    KeyStream *first = sweep->heap[0];
    int order = any ? ledger_compare_texts(last->str, last->len, first->key, first->length) : -1;
    if (order >= 0)
      return fault(first, first->key, first->length,
                   order == 0 ? "was posted twice" : "lies in the range of another posting", error);
    g_string_truncate(last, 0);
    g_string_append_len(last, first->key, (gssize)first->length);
    if (!stream_step(first, error))
      return FALSE;
    if (!first->key)
      sweep->heap[0] = sweep->heap[--sweep->live];
    sift_down(sweep, 0);
  }
  return TRUE;
}

static gboolean begin_sweep(Sweep *sweep, GError **error) {
  for (guint i = 0; i < sweep->n; i++) {
    if (!stream_step(&sweep->streams[i], error))
      return FALSE;
    if (sweep->streams[i].key)
      sweep->heap[sweep->live++] = &sweep->streams[i];
  }
  for (guint i = sweep->live / 2; i-- > 0;)
    sift_down(sweep, i);
  return TRUE;
}

gboolean ledger_verify_keys(LedgerReader *reader, GError **error) {
  guint shards = ledger_reader_shards(reader);
  g_autofree KeyStream *streams = g_new0(KeyStream, 3 * shards);
  g_autofree KeyStream **heap = g_new0(KeyStream *, 3 * shards);
  Sweep sweep = {.streams = streams, .heap = heap};
  gboolean ok = TRUE;
  for (guint i = 0; i < shards && ok; i++)
    ok = open_shard(&sweep, reader, i, error);
  ok = ok && begin_sweep(&sweep, error) && walk(&sweep, error);
  for (guint i = 0; i < sweep.n; i++)
    stream_clear(&streams[i]);
  return ok;
}
