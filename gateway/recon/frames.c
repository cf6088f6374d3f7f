#include "gateway/recon/frames.h"
#include "gateway/base/files.h"
#include "store/staging/block_codec.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "sallyport-frames-1\n"
enum { BUFFER = 256 * 1024, FRAME_MAX = 64 * 1024 * 1024, COLUMNS_MAX = 4096 };

void frame_writer_init(FrameWriter *writer, int fd, gboolean with_digest) {
  *writer = (FrameWriter){.fd = fd,
                          .bytes = g_malloc(BUFFER),
                          .encoded = g_byte_array_new(),
                          .digest = with_digest ? digest_new_sha256() : NULL};
}

void frame_writer_clear(FrameWriter *writer) {
  g_clear_pointer(&writer->bytes, g_free);
  g_clear_pointer(&writer->encoded, g_byte_array_unref);
  g_clear_pointer(&writer->digest, digest_free);
}

gboolean frame_writer_flush(FrameWriter *writer, GError **error) {
  gsize length = writer->length;
  writer->length = 0;
  return files_write_all(writer->fd, writer->bytes, length, error);
}

static gboolean put(FrameWriter *writer, const void *bytes, gsize length, GError **error) {
  if (writer->digest)
    digest_update(writer->digest, bytes, length);
  writer->offset += length;
  if (writer->length + length > BUFFER && !frame_writer_flush(writer, error))
    return FALSE;
  if (length > BUFFER)
    return files_write_all(writer->fd, bytes, length, error);
  memcpy(writer->bytes + writer->length, bytes, length);
  writer->length += length;
  return TRUE;
}

static gboolean put_number(FrameWriter *writer, gsize number, GError **error) {
  guint32 value = GUINT32_TO_LE((guint32)number);
  return put(writer, &value, sizeof value, error);
}

gboolean frame_writer_columns(FrameWriter *writer, const StagingColumn *columns, guint n, GError **error) {
  if (!put(writer, MAGIC, strlen(MAGIC), error) || !put_number(writer, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!put_number(writer, columns[i].type, error) || !put_number(writer, columns[i].scale, error) ||
        !put_number(writer, strlen(columns[i].name), error) ||
        !put(writer, columns[i].name, strlen(columns[i].name), error))
      return FALSE;
  return TRUE;
}

gboolean frame_writer_put(FrameWriter *writer, const RecordBlock *block, GError **error) {
  if (block->count == 0)
    return TRUE;
  g_byte_array_set_size(writer->encoded, 0);
  block_encode(block, 0, block->count, writer->encoded);
  return put_number(writer, writer->encoded->len, error) &&
         put(writer, writer->encoded->data, writer->encoded->len, error);
}

/* --- Reading */

static gboolean damaged(GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the extract is damaged or no extract");
}

/* All of them, or *got = 0 at the end of the file. */
static gboolean get(FrameReader *reader, void *into, gsize length, gsize *got, GError **error) {
  for (*got = 0; *got < length;) {
    ssize_t n = pread(reader->fd, (guint8 *)into + *got, length - *got, (off_t)(reader->offset + *got));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return sallyport_error_errno(error, errno, "read an extract");
    if (n == 0)
      return *got == 0 || damaged(error);
    *got += (gsize)n;
  }
  reader->offset += length;
  return TRUE;
}

static gboolean get_number(FrameReader *reader, guint32 most, guint32 *number, GError **error) {
  gsize got;
  if (!get(reader, number, sizeof *number, &got, error))
    return FALSE;
  *number = GUINT32_FROM_LE(*number);
  return (got > 0 && *number <= most) || damaged(error);
}

static gboolean get_column(FrameReader *reader, StagingColumn *column, GError **error) {
  guint32 type, scale, length;
  gsize got = 0;
  if (!get_number(reader, BLOCK_INTEGER, &type, error) || !get_number(reader, 18, &scale, error) ||
      !get_number(reader, 1000, &length, error))
    return FALSE;
  char *name = g_malloc0(length + 1);
  *column = (StagingColumn){.name = name, .type = (BlockType)type, .scale = scale};
  return get(reader, name, length, &got, error) && (got == length || damaged(error));
}

gboolean frame_reader_init(FrameReader *reader, int fd, GError **error) {
  char magic[sizeof MAGIC] = "";
  guint32 n;
  gsize got;
  *reader = (FrameReader){.fd = fd, .bytes = g_byte_array_new()};
  if (!get(reader, magic, strlen(MAGIC), &got, error))
    return FALSE;
  if (strcmp(magic, MAGIC) != 0)
    return damaged(error);
  if (!get_number(reader, COLUMNS_MAX, &n, error))
    return FALSE;
  reader->columns = g_new0(StagingColumn, n + 1);
  g_autofree BlockType *types = g_new0(BlockType, n + 1);
  for (; reader->n_columns < n; reader->n_columns++) {
    if (!get_column(reader, &reader->columns[reader->n_columns], error))
      return FALSE;
    types[reader->n_columns] = reader->columns[reader->n_columns].type;
  }
  reader->block = record_block_new(1024, types, n);
  return TRUE;
}

gboolean frame_reader_next(FrameReader *reader, gboolean *more, GError **error) {
  guint32 length = 0;
  gsize got;
  reader->frame = reader->offset;
  record_block_clear(reader->block);
  if (!get(reader, &length, sizeof length, &got, error))
    return FALSE;
  *more = got > 0;
  if (got == 0)
    return TRUE;
  length = GUINT32_FROM_LE(length);
  if (length == 0 || length > FRAME_MAX)
    return damaged(error);
  g_byte_array_set_size(reader->bytes, length);
  if (!get(reader, reader->bytes->data, length, &got, error))
    return FALSE;
  guint count = got == length ? block_encoded_count(reader->bytes->data, length) : 0;
  if (count == 0)
    return damaged(error);
  if (count > reader->block->capacity) {
    g_autofree BlockType *types = g_new0(BlockType, reader->n_columns + 1);
    for (guint i = 0; i < reader->n_columns; i++)
      types[i] = reader->columns[i].type;
    record_block_free(reader->block);
    reader->block = record_block_new(count, types, reader->n_columns);
  }
  return block_decode(reader->bytes->data, length, 0, count, reader->block, error);
}

void frame_reader_clear(FrameReader *reader) {
  for (guint i = 0; reader->columns && i <= reader->n_columns; i++)
    g_free((char *)reader->columns[i].name);
  g_clear_pointer(&reader->columns, g_free);
  g_clear_pointer(&reader->block, record_block_free);
  g_clear_pointer(&reader->bytes, g_byte_array_unref);
}
