/* Blocks of records one after the other in a file: of an extract, or of a sorted run. Each frame is its length and the
 * encoded block (store/staging/block_codec.h, which finds damage); in front stand the columns. */
#pragma once
#include "gateway/base/digest.h"
#include "store/staging.h"

typedef struct {
  int fd;
  guint8 *bytes;
  gsize length;
  guint64 offset;
  GByteArray *encoded;
  Digest *digest;
} FrameWriter;
void frame_writer_init(FrameWriter *writer, int fd, gboolean with_digest);
gboolean frame_writer_columns(FrameWriter *writer, const StagingColumn *columns, guint n,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* an empty one: nothing */
gboolean frame_writer_put(FrameWriter *writer, const RecordBlock *block, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean frame_writer_flush(FrameWriter *writer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void frame_writer_clear(FrameWriter *writer);

typedef struct {
  int fd;
  guint64 offset, frame; /* where the next, and the last, begins */
  StagingColumn *columns;
  guint n_columns;
  RecordBlock *block;
  GByteArray *bytes;
} FrameReader;
/* From the file's beginning, which has the columns; the descriptor stays the caller's. FILE: not one of ours. */
gboolean frame_reader_init(FrameReader *reader, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* into reader->block */
gboolean frame_reader_next(FrameReader *reader, gboolean *more, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void frame_reader_clear(FrameReader *reader);
