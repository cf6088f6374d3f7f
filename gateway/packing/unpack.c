/* The unpacking process's work: libarchive over descriptors, every byte accounted for. The input is hostile. */
#include "gateway/packing/packing_private.h"
#include "transfer/caged/sandbox.h"
#include "gateway/base/files.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

typedef struct {
  const UnpackTask *task;
  PackingInput input;
  int out;
  guint64 size;
  guint32 crc;
  PackingResult *result;
} Unpacking;

gboolean packing_read_at(int fd, guint64 at, void *into, gsize length) {
  for (gsize done = 0; done < length;) {
    ssize_t got = pread(fd, (char *)into + done, length - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return FALSE;
    done += (gsize)got;
  }
  return TRUE;
}

gboolean packing_input_init(PackingInput *input, int fd) {
  struct stat status;
  if (caged_fstat(fd, &status) != 0)
    return FALSE;
  input->fd = fd;
  input->size = (guint64)status.st_size;
  return TRUE;
}

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
    if (run->task->packing == CONF_PACK_GZIP)
      archive_read_support_filter_gzip(archive);
    else
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
static void refuse(Unpacking *run, struct archive *archive) {
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
  run->crc = (guint32)crc32_z(run->crc, bytes, length);
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
    refuse(run, archive);
  return status == ARCHIVE_EOF;
}

/* libarchive (3.6) reads over gzip's trailer without a look at it, and takes whatever follows for the end. One stream
 * with its own checksum and length as the very last bytes is what we accept. */
static PackingVerdict check_gzip_end(Unpacking *run, struct archive *archive) {
  guint8 end[8];
  guint64 used = (guint64)archive_filter_bytes(archive, -1);
  if (run->input.size < 18 || !packing_read_at(run->input.fd, run->input.size - 8, end, sizeof end))
    return PACKING_TRUNCATED;
  guint32 crc = (guint32)end[0] | (guint32)end[1] << 8 | (guint32)end[2] << 16 | (guint32)end[3] << 24;
  guint32 length = (guint32)end[4] | (guint32)end[5] << 8 | (guint32)end[6] << 16 | (guint32)end[7] << 24;
  if (used != run->input.size)
    return PACKING_BESIDE;
  return crc == run->crc && length == (guint32)run->size ? PACKING_GOOD : PACKING_DAMAGED;
}

/* `status` is of the header behind the member: there must be none. */
static void check_end(Unpacking *run, struct archive *archive, int status) {
  PackingVerdict verdict = PACKING_GOOD;
  if (status == ARCHIVE_OK || status == ARCHIVE_WARN)
    verdict = PACKING_MEMBERS;
  else if (status != ARCHIVE_EOF)
    return refuse(run, archive);
  else if (run->task->packing == CONF_PACK_GZIP)
    verdict = check_gzip_end(run, archive);
  else if (run->task->packing == CONF_PACK_ZSTD && (guint64)archive_filter_bytes(archive, -1) != run->input.size)
    verdict = PACKING_BESIDE;
  conclude(run, verdict,
           verdict == PACKING_DAMAGED ? "its checksum or length is wrong, or something follows it" : NULL);
}

/* The raw format takes anything, also what no filter has taken: the first bytes tell, and once it is open the filter's
 * code. */
static gboolean begins_so(const Unpacking *run) {
  static const guint8 gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
  guint8 start[4] = {0};
  (void)packing_read_at(run->input.fd, 0, start, MIN(run->input.size, sizeof start));
  return run->task->packing == CONF_PACK_ZIP ||
         (run->task->packing == CONF_PACK_GZIP ? memcmp(start, gzip, sizeof gzip) : memcmp(start, zstd, sizeof zstd)) ==
             0;
}

static gboolean is_packed_so(const Unpacking *run, struct archive *archive) {
  int filter = archive_filter_code(archive, 0);
  return run->task->packing == CONF_PACK_ZIP ||
         filter == (run->task->packing == CONF_PACK_GZIP ? ARCHIVE_FILTER_GZIP : ARCHIVE_FILTER_ZSTD);
}

static void unpack_opened(Unpacking *run, struct archive *archive) {
  struct archive_entry *entry;
  int status = archive_read_next_header(archive, &entry);
  if (!is_packed_so(run, archive))
    return conclude(run, PACKING_DAMAGED, NULL);
  if (status == ARCHIVE_EOF) { /* the empty format */
    if (run->task->packing == CONF_PACK_ZIP)
      return conclude(run, PACKING_MEMBERS, NULL);
    return check_end(run, archive, status);
  }
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) /* a warning is about the name, which plays no part */
    return refuse(run, archive);
  if (archive_entry_is_encrypted(entry))
    return conclude(run, PACKING_ENCRYPTED, NULL);
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_symlink(entry))
    return conclude(run, PACKING_MEMBERS, "its member is no plain file");
  if (unpack_data(run, archive))
    check_end(run, archive, archive_read_next_header(archive, &entry));
}

void unpack_run(const UnpackTask *task, int in, int out, PackingResult *result) {
  g_autofree Unpacking *run = g_new0(Unpacking, 1);
  *run = (Unpacking){.task = task, .out = out, .result = result};
  if (!packing_input_init(&run->input, in))
    return in_trouble(run, g_strerror(errno));
  PackingVerdict outline = task->packing == CONF_PACK_ZIP ? zip_outline_check(in, run->input.size)
                           : begins_so(run)               ? PACKING_GOOD
                                                          : PACKING_FOREIGN;
  if (outline != PACKING_GOOD)
    return conclude(run, outline, NULL);
  struct archive *archive = open_archive(run);
  if (!archive)
    return in_trouble(run, "libarchive does not start");
  if (archive_read_open1(archive) == ARCHIVE_OK)
    unpack_opened(run, archive);
  else
    refuse(run, archive);
  archive_read_free(archive);
}
