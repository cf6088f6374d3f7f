#include "gateway/recon/contents.h"
#include "gateway/base/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include "gateway/packing/packing.h"
#include "gateway/records/layout.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, DEADLINE = 24 * 3600, RATIO = 100000 };

static gboolean differs(GError **error, const ReconManifestShard *shard, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", shard->name, what);
}

/* --- Layers */

static gboolean decrypt(const ReconManifestShard *shard, const ReconKeys *keys, int from, int to, GError **error) {
  /* what is inside may be packed: its size is bounded by the plain one and some room for what does not pack well */
  guint64 limit = shard->plain_size + shard->plain_size / 8 + 65536;
  OpenpgpOpenOptions options = {.home = keys->gnupg_home,
                                .signed_by = keys->signed_by,
                                .passphrase_file = keys->passphrase_file,
                                .size_limit = limit,
                                .ratio_limit = RATIO,
                                .deadline = DEADLINE};
  OpenpgpOpened opened = {0};
  if (!openpgp_open(&options, from, to, &opened, error))
    return FALSE;
  if (opened.verdict == OPENPGP_TRUSTED)
    return TRUE;
  g_autofree char *what = g_strdup_printf("its encryption or signature does not hold: %s%s%s",
                                          openpgp_reason_word(opened.reason), opened.message[0] ? ": " : "",
                                          opened.message);
  return differs(error, shard, what);
}

static gboolean unpack(const ReconManifest *manifest, const ReconManifestShard *shard, int from, int to,
                       GError **error) {
  UnpackOptions options = {.packing = manifest->compression == RECON_COMPRESS_GZIP ? CONF_PACK_GZIP : CONF_PACK_ZSTD,
                           .size_limit = shard->plain_size,
                           .ratio_limit = RATIO,
                           .deadline = DEADLINE};
  Unpacked unpacked = {0};
  if (!packing_unpack(&options, from, to, &unpacked, error))
    return FALSE;
  if (unpacked.verdict == PACKING_GOOD)
    return TRUE;
  g_autofree char *what = g_strdup_printf("it does not unpack: %s", packing_word(unpacked.verdict));
  return differs(error, shard, what);
}

gboolean recon_contents_open(const ReconManifest *manifest, const ReconManifestShard *shard, const ReconKeys *keys,
                             int shard_fd, int *plain, GError **error) {
  int opened = shard_fd, unpacked = -1;
  *plain = shard_fd;
  if (manifest->encrypted) {
    opened = files_open_unnamed(keys->scratch, error);
    if (opened < 0 || !decrypt(shard, keys, shard_fd, opened, error))
      goto failed;
  }
  if (manifest->compression != RECON_COMPRESS_NONE) {
    unpacked = files_open_unnamed(keys->scratch, error);
    if (unpacked < 0 || !unpack(manifest, shard, opened, unpacked, error))
      goto failed;
    if (opened != shard_fd)
      close(opened);
    opened = unpacked;
  }
  *plain = opened;
  return TRUE;
failed:
  if (opened >= 0 && opened != shard_fd)
    close(opened);
  if (unpacked >= 0)
    close(unpacked);
  return FALSE;
}

/* --- The records, read with the gateway's own parser: a layout of the manifest's columns */

static void add_fields(ConfLine *line, const ReconManifest *manifest, gboolean is_header) {
  line->present = TRUE;
  line->fields = g_ptr_array_new_with_free_func(g_free);
  for (char **column = manifest->columns; *column; column++) {
    ConfField *field = g_new0(ConfField, 1);
    field->name = *column; /* the manifest's */
    field->optional = TRUE;
    if (!is_header && g_strcmp0(*column, manifest->amount) == 0) {
      field->type = CONF_DECIMAL;
      field->scale = manifest->scale;
    }
    g_ptr_array_add(line->fields, field);
  }
}

typedef struct {
  ConfLayout conf;
  Layout *layout;
} Reading;

static gboolean reading_open(Reading *reading, const ReconManifest *manifest, GError **error) {
  ConfLayout *conf = &reading->conf;
  *conf = (ConfLayout){.name = (char *)(intptr_t) "manifest",
                       .kind = CONF_LAYOUT_DELIMITED,
                       .delimiter = manifest->delimiter,
                       .quote = manifest->quote ? CONF_QUOTE_RFC4180 : CONF_QUOTE_NONE,
                       .charset = manifest->charset,
                       .lines_by = CONF_LINES_BY_POSITION,
                       .line_limit = 1 << 20,
                       .line_end = g_strcmp0(manifest->line_end, "crlf") == 0 ? CONF_LINE_END_CRLF : CONF_LINE_END_LF};
  add_fields(&conf->record, manifest, FALSE);
  conf->records = g_ptr_array_new();
  g_ptr_array_add(conf->records, &conf->record);
  if (manifest->header_line)
    add_fields(&conf->header, manifest, TRUE);
  reading->layout = layout_new(conf, error);
  return reading->layout != NULL;
}

static void reading_close(Reading *reading) {
  layout_free(reading->layout);
  g_ptr_array_unref(reading->conf.record.fields);
  g_ptr_array_unref(reading->conf.records);
  if (reading->conf.header.fields)
    g_ptr_array_unref(reading->conf.header.fields);
}

typedef struct {
  guint64 records;
  gint64 total;
  guint64 lines;
} Counted;

static gboolean count_chunk(const ReconManifestShard *shard, const LayoutChunk *chunk, int amount, Counted *counted,
                            GError **error) {
  const RecordBlock *block = chunk->block;
  if (chunk->problems->len > 0 || block->faults->len > 0) {
    const LayoutProblem *problem = chunk->problems->len > 0 ? chunk->problems->pdata[0] : NULL;
    const BlockFault *fault = problem ? NULL : &g_array_index(block->faults, BlockFault, 0);
    g_autofree char *what = g_strdup_printf("line %" G_GUINT64_FORMAT ": %s",
                                            counted->lines + (problem ? problem->line : block->lines[fault->record]),
                                            problem ? problem->reason : fault->reason);
    return differs(error, shard, what);
  }
  for (guint i = 0; amount >= 0 && i < block->count; i++)
    if (__builtin_add_overflow(counted->total, record_block_integer(block, (guint)amount, i), &counted->total))
      return differs(error, shard, "its total does not fit in 64 bits");
  counted->records += block->count;
  counted->lines += chunk->lines;
  return TRUE;
}

static gboolean count(const ReconManifest *manifest, const ReconManifestShard *shard, const guint8 *text, gsize length,
                      Counted *counted, GError **error) {
  Reading reading = {0};
  gboolean ok = reading_open(&reading, manifest, error);
  LayoutChunk *chunk = ok ? layout_chunk_new(reading.layout) : NULL;
  int amount = ok && manifest->amount ? layout_column(reading.layout, manifest->amount) : -1;
  for (gsize at = 0; ok && at < length;) {
    gsize end = layout_next_chunk(reading.layout, text, length, at, CHUNK_BYTES);
    layout_parse(reading.layout,
                 &(LayoutSpan){.text = text, .offset = at, .end = end, .is_first = at == 0, .is_last = end >= length},
                 chunk);
    ok = count_chunk(shard, chunk, amount, counted, error);
    gsize page = (gsize)sysconf(_SC_PAGESIZE), from = at / page * page;
    /* keeps what is mapped from counting as memory */
    madvise((void *)(intptr_t)(text + from), end / page * page - from, MADV_DONTNEED);
    at = end;
  }
  if (chunk)
    layout_chunk_free(chunk);
  reading_close(&reading);
  return ok;
}

/* Records that lie in the open are the shard's own bytes, and those have been looked at. */
static gboolean check_bytes(const ReconManifest *manifest, const ReconManifestShard *shard, int plain, guint64 *size,
                            GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  *size = shard->size;
  if (!manifest->encrypted && manifest->compression == RECON_COMPRESS_NONE)
    return (shard->plain_size == shard->size && strcmp(shard->plain_sha256, shard->sha256) == 0) ||
           differs(error, shard, "its records are said to be other bytes than the shard's");
  if (!digest_file_sha256(plain, 0, G_MAXUINT64, digest, size, error))
    return FALSE;
  g_autofree char *hex = digest_hex(digest, sizeof digest);
  return (*size == shard->plain_size && strcmp(hex, shard->plain_sha256) == 0) ||
         differs(error, shard, "its records are not those of the manifest");
}

gboolean recon_contents_check(const ReconManifest *manifest, const ReconManifestShard *shard, int plain,
                              GError **error) {
  guint64 size;
  if (!check_bytes(manifest, shard, plain, &size, error))
    return FALSE;
  const guint8 *text = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, plain, 0) : (const guint8 *)"";
  if (text == MAP_FAILED)
    return sallyport_error_errno(error, errno, "map %s", shard->name);
  Counted counted = {0};
  gboolean ok = count(manifest, shard, text, size, &counted, error);
  if (size)
    munmap((void *)(intptr_t)text, size);
  if (!ok)
    return FALSE;
  if (counted.records != shard->records)
    return differs(error, shard, "the number of its records is not the manifest's");
  return !manifest->amount || counted.total == shard->total || differs(error, shard, "its total is not the manifest's");
}

/* --- Joining */

/* Behind the header line: that line has no quoted line break, since its values are names of columns. */
static gboolean header_length(int plain, off_t *length, GError **error) {
  char text[65536];
  ssize_t got = pread(plain, text, sizeof text, 0);
  const char *end = got > 0 ? memchr(text, '\n', (gsize)got) : NULL;
  if (got < 0)
    return sallyport_error_errno(error, errno, "read a shard");
  *length = end ? end + 1 - text : 0;
  return end || sallyport_error_set(error, SALLYPORT_ERROR_FILE, "a shard has no header line");
}

gboolean recon_contents_append(const ReconManifest *manifest, int plain, gboolean is_first, int out, GError **error) {
  off_t at = 0;
  if (manifest->header_line && !is_first && !header_length(plain, &at, error))
    return FALSE;
  g_autofree char *buffer = g_malloc(CHUNK_BYTES);
  ssize_t got;
  while ((got = pread(plain, buffer, CHUNK_BYTES, at)) > 0) {
    if (!files_write_all(out, buffer, (gsize)got, error))
      return FALSE;
    at += got;
  }
  return got == 0 || sallyport_error_errno(error, errno, "read a shard");
}
