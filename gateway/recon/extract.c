/* Extracts: what a source gives, ordered, in one file.
 *
 * With an order: runs of some MiB are sorted in memory and written to unnamed files, then merged, at most MERGE_WIDTH
 * at a time, so that memory does not grow with the number of records. Equal keys keep the order in which they came,
 * which is the source's own and the same at every reading. The file gets its name when it is durable: one that has its
 * name is whole. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/recon/frames.h"
#include "gateway/recon/source.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  FRAME_RECORDS = 1024,
  FRAME_TEXT = 128 * 1024,
  RUN_BYTES = 12 * 1024 * 1024,
  BLOCK_RECORDS = 4096,
  MERGE_WIDTH = 48,
  MOST_KEYS = 32
};

typedef struct {
  guint columns[MOST_KEYS];
  guint n;
} Keys;
typedef struct {
  const RecordBlock *block;
  guint32 record, sequence;
} Item;

static int compare_cell(const RecordBlock *a, guint i, const RecordBlock *b, guint j, guint column) {
  gboolean a_null = record_block_is_null(a, column, i), b_null = record_block_is_null(b, column, j);
  if (a_null || b_null)
    return (int)b_null - (int)a_null; /* absent ones first */
  if (a->columns[column].type == BLOCK_INTEGER) {
    gint64 x = record_block_integer(a, column, i), y = record_block_integer(b, column, j);
    return (x > y) - (x < y);
  }
  gsize x_length, y_length;
  const char *x = record_block_text(a, column, i, &x_length), *y = record_block_text(b, column, j, &y_length);
  int order = memcmp(x, y, MIN(x_length, y_length));
  return order ? order : (x_length > y_length) - (x_length < y_length);
}

static int compare(const Keys *keys, const RecordBlock *a, guint i, const RecordBlock *b, guint j) {
  for (guint k = 0; k < keys->n; k++) {
    int order = compare_cell(a, i, b, j, keys->columns[k]);
    if (order)
      return order;
  }
  return 0;
}

static int compare_items(const void *a, const void *b, void *keys) {
  const Item *x = a, *y = b;
  int order = compare(keys, x->block, x->record, y->block, y->record);
  return order ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static void copy_record(const RecordBlock *from, guint record, RecordBlock *into) {
  gsize length;
  record_block_begin(into, from->lines[record]);
  for (guint i = 0; i < from->n_columns; i++) {
    if (record_block_is_null(from, i, record))
      continue;
    if (from->columns[i].type == BLOCK_INTEGER) {
      record_block_put_integer(into, i, record_block_integer(from, i, record));
      continue;
    }
    const char *text = record_block_text(from, i, record, &length);
    record_block_put_text(into, i, text, length);
  }
  record_block_end(into);
}

/* Records one by one into frames. */
typedef struct {
  FrameWriter *writer;
  RecordBlock *frame;
} Framer;

static gboolean framer_put(Framer *framer, const RecordBlock *from, guint record, GError **error) {
  copy_record(from, record, framer->frame);
  if (framer->frame->count < FRAME_RECORDS && framer->frame->text_bytes < FRAME_TEXT)
    return TRUE;
  gboolean ok = frame_writer_put(framer->writer, framer->frame, error);
  record_block_clear(framer->frame);
  return ok;
}

static gboolean framer_end(Framer *framer, GError **error) {
  return frame_writer_put(framer->writer, framer->frame, error) && frame_writer_flush(framer->writer, error);
}

/* --- A sorted run */

typedef struct {
  const ReconSource *source;
  const ReconExtractOptions *options;
  Keys keys;
  GPtrArray *blocks; /* of the run that is being filled */
  gsize bytes;
  GArray *runs; /* int: unnamed files */
  guint64 records;
} Extract;

static int open_run(const Extract *extract, FrameWriter *writer, GError **error) {
  int fd = files_open_unnamed(extract->options->folder, error);
  if (fd < 0)
    return -1;
  frame_writer_init(writer, fd, FALSE);
  if (frame_writer_columns(writer, extract->source->columns, extract->source->n_columns, error))
    return fd;
  frame_writer_clear(writer);
  close(fd);
  return -1;
}

static gboolean write_items(const Extract *extract, const Item *items, gsize n, FrameWriter *writer, GError **error) {
  Framer framer = {writer, recon_block_new(extract->source, FRAME_RECORDS)};
  gboolean ok = TRUE;
  for (gsize i = 0; ok && i < n; i++)
    ok = framer_put(&framer, items[i].block, items[i].record, error);
  ok = ok && framer_end(&framer, error);
  record_block_free(framer.frame);
  return ok;
}

static gboolean end_run(Extract *extract, GError **error) {
  gsize n = 0;
  for (guint i = 0; i < extract->blocks->len; i++)
    n += ((RecordBlock *)extract->blocks->pdata[i])->count;
  if (n == 0)
    return TRUE;
  g_autofree Item *items = g_new(Item, n);
  n = 0;
  for (guint i = 0; i < extract->blocks->len; i++)
    for (guint j = 0; j < ((RecordBlock *)extract->blocks->pdata[i])->count; j++, n++)
      items[n] = (Item){extract->blocks->pdata[i], j, (guint32)n};
  qsort_r(items, n, sizeof *items, compare_items, &extract->keys);
  FrameWriter writer;
  int fd = open_run(extract, &writer, error);
  if (fd < 0)
    return FALSE;
  g_array_append_val(extract->runs, fd);
  gboolean ok = write_items(extract, items, n, &writer, error);
  frame_writer_clear(&writer);
  g_ptr_array_set_size(extract->blocks, 0);
  extract->bytes = 0;
  return ok;
}

static gsize size_of(const RecordBlock *block) {
  gsize size = block->text_bytes + block->count * sizeof(guint64);
  return size + (gsize)block->count * block->n_columns * 6 + block->count * sizeof(Item);
}

/* --- Merging */

typedef struct {
  FrameReader reader;
  guint at;
  guint number;
} Run;

static gboolean run_step(Run *run, gboolean *more, GError **error) {
  *more = TRUE;
  if (++run->at < run->reader.block->count)
    return TRUE;
  run->at = 0;
  return frame_reader_next(&run->reader, more, error);
}

static gboolean comes_before(const Keys *keys, const Run *a, const Run *b) {
  int order = compare(keys, a->reader.block, a->at, b->reader.block, b->at);
  return order ? order < 0 : a->number < b->number;
}

static void sift_down(const Keys *keys, Run **heap, guint n, guint at) {
  for (guint child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && comes_before(keys, heap[child + 1], heap[child]))
      child++;
    if (!comes_before(keys, heap[child], heap[at]))
      return;
    Run *run = heap[at];
    heap[at] = heap[child];
    heap[child] = run;
  }
}

static gboolean is_stopped(const Extract *extract, GError **error) {
  return extract->options->stop && g_atomic_int_get(extract->options->stop) &&
         !sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is ending");
}

static gboolean merge_heap(const Extract *extract, Run **heap, guint n, Framer *framer, GError **error) {
  for (guint i = n / 2; i-- > 0;)
    sift_down(&extract->keys, heap, n, i);
  for (guint64 count = 1; n > 0; count++) {
    gboolean more;
    if (!framer_put(framer, heap[0]->reader.block, heap[0]->at, error) || !run_step(heap[0], &more, error))
      return FALSE;
    if (!more)
      heap[0] = heap[--n];
    sift_down(&extract->keys, heap, n, 0);
    if (count % 65536 == 0 && is_stopped(extract, error))
      return FALSE;
  }
  return framer_end(framer, error);
}

static gboolean merge_into(const Extract *extract, const int *fds, guint n, FrameWriter *writer, GError **error) {
  g_autofree Run *runs = g_new0(Run, n + 1);
  g_autofree Run **heap = g_new0(Run *, n + 1);
  Framer framer = {writer, recon_block_new(extract->source, FRAME_RECORDS)};
  gboolean ok = TRUE;
  guint live = 0;
  for (guint i = 0; ok && i < n; i++) {
    gboolean more = FALSE;
    runs[i].number = i;
    ok = frame_reader_init(&runs[i].reader, fds[i], error) && frame_reader_next(&runs[i].reader, &more, error);
    if (ok && more)
      heap[live++] = &runs[i];
  }
  ok = ok && merge_heap(extract, heap, live, &framer, error);
  for (guint i = 0; i < n; i++)
    frame_reader_clear(&runs[i].reader);
  record_block_free(framer.frame);
  return ok;
}

/* The first MERGE_WIDTH runs become one, which takes their place: so equal keys stay in order. */
static gboolean merge_first(Extract *extract, GError **error) {
  FrameWriter writer;
  int fd = open_run(extract, &writer, error);
  if (fd < 0)
    return FALSE;
  gboolean ok = merge_into(extract, (const int *)(const void *)extract->runs->data, MERGE_WIDTH, &writer, error);
  frame_writer_clear(&writer);
  for (guint i = 0; i < MERGE_WIDTH; i++)
    close(g_array_index(extract->runs, int, i));
  g_array_remove_range(extract->runs, 0, MERGE_WIDTH);
  g_array_prepend_val(extract->runs, fd);
  return ok;
}

/* --- All of it */

static gboolean find_keys(Extract *extract, GError **error) {
  for (char *const *name = extract->options->order; name && *name; name++) {
    int column = recon_source_column(extract->source, *name);
    if (column < 0 || extract->keys.n == MOST_KEYS)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "'order': what is read has no column \"%s\", or there are too many", *name);
    extract->keys.columns[extract->keys.n++] = (guint)column;
  }
  return TRUE;
}

static gboolean take_batch(Extract *extract, const ReconBatch *batch, FrameWriter *writer, GError **error) {
  for (guint at = 0; at < batch->n;) {
    RecordBlock *block = recon_block_new(extract->source, MIN(BLOCK_RECORDS, batch->n - at));
    at += recon_block_take(extract->source, batch, at, block);
    if (extract->keys.n == 0) {
      gboolean ok = frame_writer_put(writer, block, error);
      record_block_free(block);
      if (!ok)
        return FALSE;
      continue;
    }
    extract->bytes += size_of(block);
    g_ptr_array_add(extract->blocks, block);
    if (extract->bytes >= RUN_BYTES && !end_run(extract, error))
      return FALSE;
  }
  extract->records += batch->n;
  return TRUE;
}

static gboolean read_all(ReconSource *source, Extract *extract, FrameWriter *writer, GError **error) {
  for (const ReconBatch *batch;;) {
    if (is_stopped(extract, error) || !source->next(source, &batch, error))
      return FALSE;
    if (!batch)
      break;
    if (!take_batch(extract, batch, writer, error))
      return FALSE;
  }
  if (extract->keys.n == 0)
    return frame_writer_flush(writer, error);
  if (!end_run(extract, error))
    return FALSE;
  while (extract->runs->len > MERGE_WIDTH)
    if (!merge_first(extract, error))
      return FALSE;
  return merge_into(extract, (const int *)(const void *)extract->runs->data, extract->runs->len, writer, error);
}

static gboolean make(ReconSource *source, Extract *extract, int fd, char **sha256, GError **error) {
  FrameWriter writer;
  guint8 digest[DIGEST_SHA256_SIZE];
  frame_writer_init(&writer, fd, TRUE);
  gboolean ok = frame_writer_columns(&writer, source->columns, source->n_columns, error) && find_keys(extract, error) &&
                read_all(source, extract, &writer, error);
  if (ok) {
    digest_finish(g_steal_pointer(&writer.digest), digest);
    *sha256 = digest_hex(digest, sizeof digest);
  }
  frame_writer_clear(&writer);
  return ok;
}

gboolean recon_extract_make(ReconSource *source, const ReconExtractOptions *options, char **sha256, guint64 *records,
                            GError **error) {
  Extract extract = {.source = source,
                     .options = options,
                     .blocks = g_ptr_array_new_with_free_func((GDestroyNotify)record_block_free),
                     .runs = g_array_new(FALSE, FALSE, sizeof(int))};
  g_autofree char *final = g_build_filename(options->folder, options->name, NULL),
                  *part = g_strconcat(final, ".part", NULL);
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok = fd >= 0 || sallyport_error_errno(error, errno, "create %s", part);
  *sha256 = NULL;
  ok = ok && make(source, &extract, fd, sha256, error) && files_sync(fd, part, error);
  if (fd >= 0)
    close(fd);
  fault_point("recon-before-extract-rename");
  if (ok && rename(part, final) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s", part);
  ok = ok && files_sync_folder(options->folder, error);
  if (!ok)
    unlink(part); /* plaintext */
  *records = extract.records;
  for (guint i = 0; i < extract.runs->len; i++)
    close(g_array_index(extract.runs, int, i));
  g_array_unref(extract.runs);
  g_ptr_array_unref(extract.blocks);
  return ok;
}

/* --- Reading one */

typedef struct {
  ReconSource source;
  FrameReader reader;
  ReconPiece piece;
  ReconBatch batch;
  GArray *entries;
  guint skip; /* of the first frame */
} ExtractSource;

static gboolean extract_next(ReconSource *source, const ReconBatch **batch, GError **error) {
  ExtractSource *extract = (ExtractSource *)source;
  gboolean more = FALSE;
  *batch = NULL;
  do {
    if (!frame_reader_next(&extract->reader, &more, error))
      return FALSE;
    if (!more)
      return TRUE;
    g_array_set_size(extract->entries, 0);
    for (guint i = extract->skip; i < extract->reader.block->count; i++) {
      ReconEntry entry = {0, i};
      g_array_append_val(extract->entries, entry);
    }
    extract->skip = 0;
  } while (extract->entries->len == 0);
  extract->piece.block = extract->reader.block;
  extract->batch = (ReconBatch){.pieces = &extract->piece,
                                .n_pieces = 1,
                                .entries = (const ReconEntry *)(const void *)extract->entries->data,
                                .n = extract->entries->len};
  *batch = &extract->batch;
  return TRUE;
}

static char *extract_position(const ReconSource *source, guint entry) {
  const ExtractSource *extract = (const ExtractSource *)source;
  return g_strdup_printf("%" G_GUINT64_FORMAT " %u", extract->reader.frame, extract->batch.entries[entry].record + 1);
}

static void extract_close(ReconSource *source) {
  ExtractSource *extract = (ExtractSource *)source;
  if (extract->reader.fd >= 0)
    close(extract->reader.fd);
  frame_reader_clear(&extract->reader);
  g_free(extract->piece.cells);
  g_array_unref(extract->entries);
  g_free(extract);
}

ReconSource *recon_extract_open(const char *folder, const char *name, const char *position, GError **error) {
  g_autofree char *path = g_build_filename(folder, name, NULL);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  guint64 offset = 0;
  if (fd < 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "open %s: %s", path, g_strerror(errno));
    return NULL;
  }
  ExtractSource *extract = g_new0(ExtractSource, 1);
  extract->entries = g_array_new(FALSE, FALSE, sizeof(ReconEntry));
  gboolean ok = frame_reader_init(&extract->reader, fd, error);
  if (ok && position && sscanf(position, "%" G_GUINT64_FORMAT " %u", &offset, &extract->skip) != 2)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no position in an extract: %s", position);
  if (ok && position)
    extract->reader.offset = offset;
  extract->piece.cells = g_new0(ReconCell, extract->reader.n_columns + 1);
  for (guint i = 0; i < extract->reader.n_columns; i++)
    extract->piece.cells[i].column = (gint)i;
  extract->source = (ReconSource){.columns = extract->reader.columns,
                                  .n_columns = extract->reader.n_columns,
                                  .next = extract_next,
                                  .position = extract_position,
                                  .close = extract_close};
  if (ok)
    return &extract->source;
  extract_close(&extract->source);
  return NULL;
}
