/* The unpacking process's work: libarchive (zstd, zip) and zlib (gzip: libarchive reads over its trailer without a look
 * at it) over descriptors, every byte accounted for. The input is hostile. */
#include "gateway/packing/packing_private.h"
#include "transfer/caged/sandbox.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

typedef struct {
  const UnpackTask *task;
  PackingInput input;
  int out;
  guint64 size;
  guint64 begin; /* of the input: behind what stands before a zstd stream */
  PackingResult *result;
} Unpacking;

static la_ssize_t read_input(struct archive *archive, void *user, const void **bytes) {
  PackingInput *input = user;
  gsize length = (gsize)MIN(input->size - MIN(input->at, input->size), PACKING_PIECE);
  *bytes = input->piece;
  if (length > 0 && !packing_read_at(input->fd, input->at, input->piece, length)) {
    input->failed = TRUE;
    archive_set_error(archive, EIO, "read");
    return -1;
  }
  input->at += length;
  return (la_ssize_t)length;
}

static la_int64_t seek_input(struct archive *archive, void *user, la_int64_t offset, int whence) {
  PackingInput *input = user;
  la_int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (la_int64_t)input->at : (la_int64_t)input->size;
  (void)archive;
  if (offset + base < 0 || (guint64)(offset + base) > input->size)
    return ARCHIVE_FATAL;
  input->at = (guint64)(offset + base);
  return offset + base;
}

static struct archive *open_archive(Unpacking *run) {
  struct archive *archive = archive_read_new();
  if (!archive)
    return NULL;
  if (run->task->packing == CONF_PACK_ZIP) {
    archive_read_support_format_zip_seekable(archive);
    archive_read_set_seek_callback(archive, seek_input);
  } else {
    archive_read_support_format_raw(archive);
    archive_read_support_format_empty(archive); /* what is packed may be nothing */
    archive_read_support_filter_zstd(archive);
  }
  archive_read_set_read_callback(archive, read_input);
  archive_read_set_callback_data(archive, &run->input);
  return archive;
}

static void conclude(Unpacking *run, PackingVerdict verdict, const char *detail) {
  run->result->kind = PACKING_RESULT_DONE;
  run->result->verdict = verdict;
  run->result->size = run->size;
  g_strlcpy(run->result->message, detail ? detail : "", sizeof run->result->message);
}

static void in_trouble(Unpacking *run, const char *what) {
  run->result->kind = PACKING_RESULT_TROUBLE;
  g_strlcpy(run->result->message, what, sizeof run->result->message);
}

/* libarchive has no code for "the input ended": its words are the only sign. */
static void refuse_archive(Unpacking *run, struct archive *archive) {
  const char *text = archive_error_string(archive);
  gboolean is_short = text && (strstr(text, "runcated") || strstr(text, "remature") || strstr(text, "nexpected end"));
  if (run->input.failed || archive_errno(archive) == ENOMEM)
    in_trouble(run, run->input.failed ? "the input cannot be read" : "it needs more memory than it may have");
  else
    conclude(run, is_short ? PACKING_TRUNCATED : PACKING_DAMAGED, text);
}

static gboolean write_out(Unpacking *run, const void *bytes, gsize length) {
  for (gsize done = 0; done < length;) {
    ssize_t put = pwrite(run->out, (const char *)bytes + done, length - done, (off_t)(run->size + done));
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0) {
      in_trouble(run, g_strerror(errno));
      return FALSE;
    }
    done += (gsize)put;
  }
  run->size += length;
  return TRUE;
}

static PackingVerdict over_a_limit(const Unpacking *run, gsize length) {
  guint64 size = run->size + length;
  if (size > run->task->size_limit)
    return PACKING_TOO_LARGE;
  return size > PACKING_RATIO_FREE && size / run->task->ratio_limit > run->task->ratio_base ? PACKING_TOO_DENSE
                                                                                            : PACKING_GOOD;
}

/* FALSE: run->result says why. */
static gboolean unpack_data(Unpacking *run, struct archive *archive) {
  const void *bytes;
  size_t length;
  la_int64_t offset;
  int status;
  while ((status = archive_read_data_block(archive, &bytes, &length, &offset)) == ARCHIVE_OK) {
    PackingVerdict verdict = over_a_limit(run, length);
    if (offset != (la_int64_t)run->size) { /* a sparse entry: no format of ours has one */
      conclude(run, PACKING_DAMAGED, "it has holes");
      return FALSE;
    }
    if (verdict != PACKING_GOOD) {
      conclude(run, verdict, NULL);
      return FALSE;
    }
    if (!write_out(run, bytes, length))
      return FALSE;
  }
  if (status != ARCHIVE_EOF)
    refuse_archive(run, archive);
  return status == ARCHIVE_EOF;
}

static int next_file(struct archive *archive, struct archive_entry **entry) {
  int status;
  do
    status = archive_read_next_header(archive, entry);
  while ((status == ARCHIVE_OK || status == ARCHIVE_WARN) && archive_entry_filetype(*entry) == AE_IFDIR);
  return status;
}

/* `status` is of the header behind the member: there must be none. */
static void check_end(Unpacking *run, struct archive *archive, int status) {
  PackingVerdict verdict = PACKING_GOOD;
  if (status == ARCHIVE_OK || status == ARCHIVE_WARN)
    verdict = PACKING_MEMBERS;
  else if (status != ARCHIVE_EOF)
    return refuse_archive(run, archive);
  else if (run->task->packing == CONF_PACK_ZSTD &&
           (guint64)archive_filter_bytes(archive, -1) != run->input.size - run->begin)
    verdict = PACKING_BESIDE;
  conclude(run, verdict, NULL);
}

/* A frame with bytes for other programs (RFC 8878, 3.1.2). pzstd writes one before each frame; libarchive 3.6 does not
 * know a stream that begins with one. */
static guint64 skip_zstd_frames(int fd, guint64 size) {
  guint64 at = 0;
  guint8 head[8];
  while (size - at >= sizeof head && packing_read_at(fd, at, head, sizeof head) && (head[0] & 0xf0) == 0x50 &&
         head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18) {
    guint64 whole = 8 + ((guint64)head[4] | (guint64)head[5] << 8 | (guint64)head[6] << 16 | (guint64)head[7] << 24);
    if (whole > size - at)
      break;
    at += whole;
  }
  return at;
}

/* The raw format takes anything, also what no filter has taken: the first bytes tell, and once it is open the filter's
 * code. */
static gboolean begins_so(const Unpacking *run) {
  static const guint8 gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
  guint8 start[4] = {0};
  (void)packing_read_at(run->input.fd, run->begin, start, MIN(run->input.size - run->begin, sizeof start));
  return run->task->packing == CONF_PACK_ZIP ||
         (run->task->packing == CONF_PACK_GZIP ? memcmp(start, gzip, sizeof gzip) : memcmp(start, zstd, sizeof zstd)) ==
             0;
}

static void unpack_opened(Unpacking *run, struct archive *archive) {
  struct archive_entry *entry;
  int status = next_file(archive, &entry);
  if (run->task->packing == CONF_PACK_ZSTD && archive_filter_code(archive, 0) != ARCHIVE_FILTER_ZSTD)
    return conclude(run, PACKING_DAMAGED, NULL);
  if (status == ARCHIVE_EOF) { /* the empty format */
    if (run->task->packing == CONF_PACK_ZIP)
      return conclude(run, PACKING_MEMBERS, NULL);
    return check_end(run, archive, status);
  }
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) /* a warning is about the name, which plays no part */
    return refuse_archive(run, archive);
  if (archive_entry_is_encrypted(entry))
    return conclude(run, PACKING_ENCRYPTED, NULL);
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_symlink(entry))
    return conclude(run, PACKING_MEMBERS, "its member is no plain file");
  if (unpack_data(run, archive))
    check_end(run, archive, next_file(archive, &entry));
}

/* --- Gzip: members one behind the other, each with its own checksum and length, are one content (RFC 1952, 2.2). */

static gboolean take_inflated(Unpacking *run, const guint8 *bytes, gsize length) {
  PackingVerdict verdict = over_a_limit(run, length);
  if (verdict != PACKING_GOOD)
    conclude(run, verdict, NULL);
  return verdict == PACKING_GOOD && write_out(run, bytes, length);
}

/* Fills the stream's input when it is empty. FALSE: at the end, or the input cannot be read. */
static gboolean refill(Unpacking *run, z_stream *stream) {
  const void *bytes;
  if (stream->avail_in > 0)
    return TRUE;
  la_ssize_t got = read_input(NULL, &run->input, &bytes);
  stream->next_in = (Bytef *)bytes;
  stream->avail_in = got > 0 ? (uInt)got : 0;
  return got > 0;
}

/* TRUE: a member has ended well. */
static gboolean inflate_member(Unpacking *run, z_stream *stream, guint8 *piece) {
  for (int result = Z_OK; result != Z_STREAM_END;) {
    if (!refill(run, stream)) {
      if (run->input.failed)
        in_trouble(run, "the input cannot be read");
      else
        conclude(run, PACKING_TRUNCATED, NULL);
      return FALSE;
    }
    stream->next_out = piece;
    stream->avail_out = PACKING_PIECE;
    result = inflate(stream, Z_NO_FLUSH);
    if (!take_inflated(run, piece, PACKING_PIECE - stream->avail_out))
      return FALSE;
    if (result == Z_MEM_ERROR)
      in_trouble(run, "it needs more memory than it may have");
    else if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      conclude(run, PACKING_DAMAGED, stream->msg);
    else
      continue;
    return FALSE;
  }
  return TRUE;
}

/* Behind a member stands another one, or nothing. */
static gboolean is_next_member(const Unpacking *run, const z_stream *stream) {
  guint8 magic[2] = {0};
  guint64 at = run->input.at - stream->avail_in;
  return run->input.size - at >= 18 && packing_read_at(run->input.fd, at, magic, sizeof magic) && magic[0] == 0x1f &&
         magic[1] == 0x8b;
}

static void unpack_gzip(Unpacking *run) {
  z_stream stream = {0};
  g_autofree guint8 *piece = g_malloc(PACKING_PIECE);
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
    return in_trouble(run, "zlib does not start");
  gboolean ok = inflate_member(run, &stream, piece);
  while (ok && is_next_member(run, &stream))
    ok = inflateReset(&stream) == Z_OK && inflate_member(run, &stream, piece);
  if (ok)
    conclude(run, run->input.at - stream.avail_in == run->input.size ? PACKING_GOOD : PACKING_BESIDE, NULL);
  (void)inflateEnd(&stream);
}

void unpack_run(const UnpackTask *task, int in, int out, PackingResult *result) {
  g_autofree Unpacking *run = g_new0(Unpacking, 1);
  *run = (Unpacking){.task = task, .out = out, .result = result};
  if (!packing_input_init(&run->input, in))
    return in_trouble(run, g_strerror(errno));
  const char *detail = NULL;
  if (task->packing == CONF_PACK_ZSTD)
    run->begin = run->input.at = skip_zstd_frames(in, run->input.size);
  PackingVerdict outline = task->packing == CONF_PACK_ZIP ? zip_outline_check(in, run->input.size, &detail)
                           : begins_so(run)               ? PACKING_GOOD
                                                          : PACKING_FOREIGN;
  if (outline != PACKING_GOOD)
    return conclude(run, outline, detail);
  if (task->packing == CONF_PACK_GZIP)
    return unpack_gzip(run);
  struct archive *archive = open_archive(run);
  if (!archive)
    return in_trouble(run, "libarchive does not start");
  if (archive_read_open1(archive) == ARCHIVE_OK)
    unpack_opened(run, archive);
  else
    refuse_archive(run, archive);
  archive_read_free(archive);
}
