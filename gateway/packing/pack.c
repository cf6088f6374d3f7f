/* The packing process's work. No time, no owner, no name but the one it is given: the same content makes the same
 * bytes. */
#include "gateway/packing/packing_private.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static void in_trouble(PackingResult *result, struct archive *archive, const char *what) {
  const char *text = archive ? archive_error_string(archive) : NULL;
  result->kind = PACKING_RESULT_TROUBLE;
  g_snprintf(result->message, sizeof result->message, "%s%s%s", what, text ? ": " : "", text ? text : "");
}

/* A size that is known beforehand keeps a small zip free of zip64, which old readers do not know. */
static gboolean set_format(struct archive *archive, ConfPacking packing) {
  if (packing == CONF_PACK_ZIP)
    return archive_write_set_format_zip(archive) == ARCHIVE_OK &&
           archive_write_zip_set_compression_deflate(archive) == ARCHIVE_OK;
  if (archive_write_set_format_raw(archive) != ARCHIVE_OK)
    return FALSE;
  if (packing == CONF_PACK_GZIP)
    return archive_write_add_filter_gzip(archive) == ARCHIVE_OK &&
           archive_write_set_filter_option(archive, "gzip", "timestamp", NULL) == ARCHIVE_OK;
  return archive_write_add_filter_zstd(archive) == ARCHIVE_OK;
}

static la_ssize_t write_output(struct archive *archive, void *user, const void *bytes, size_t length) {
  int out = *(const int *)user;
  ssize_t put;
  do
    put = write(out, bytes, length);
  while (put < 0 && errno == EINTR);
  if (put < 0)
    archive_set_error(archive, errno, "%s", g_strerror(errno));
  return put;
}

static struct archive_entry *describe_member(const PackingInput *input, const char *member) {
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, member ? member : "data");
  archive_entry_set_size(entry, (la_int64_t)input->size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  return entry;
}

static gboolean copy_all(struct archive *archive, PackingInput *input) {
  while (input->at < input->size) {
    gsize length = (gsize)MIN(input->size - input->at, PACKING_PIECE);
    if (!packing_read_at(input->fd, input->at, input->piece, length) ||
        archive_write_data(archive, input->piece, length) != (la_ssize_t)length)
      return FALSE;
    input->at += length;
  }
  return TRUE;
}

void pack_run(ConfPacking packing, const char *member, int in, int out, PackingResult *result) {
  g_autofree PackingInput *input = g_new0(PackingInput, 1);
  struct archive *archive = archive_write_new();
  if (!archive || !packing_input_init(input, in))
    return in_trouble(result, archive, "the input cannot be read");
  archive_write_set_bytes_per_block(archive, 0); /* else the last block is filled up */
  struct archive_entry *entry = describe_member(input, member);
  if (set_format(archive, packing) && archive_write_open(archive, &out, NULL, write_output, NULL) == ARCHIVE_OK &&
      archive_write_header(archive, entry) == ARCHIVE_OK && copy_all(archive, input) &&
      archive_write_close(archive) == ARCHIVE_OK)
    result->kind = PACKING_RESULT_DONE;
  else
    in_trouble(result, archive, "pack");
  archive_entry_free(entry);
  archive_write_free(archive);
}
