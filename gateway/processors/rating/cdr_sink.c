#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include "gateway/processors/rating/cdr.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

struct CdrSink {
  char *folder, *temporary, *path;
  int fd;
  GString *buffer;
  GChecksum *digest; /* of all that was flushed */
};

CdrSink *cdr_sink_open(const char *folder, const char *name, GError **error) {
  if (folder && !files_make_folder(folder, error))
    return NULL;
  CdrSink *sink = g_new0(CdrSink, 1);
  sink->fd = -1;
  sink->buffer = g_string_sized_new(BUFFER + 4096);
  sink->digest = g_checksum_new(G_CHECKSUM_SHA256);
  if (!folder)
    return sink;
  sink->folder = g_strdup(folder);
  sink->temporary = g_strdup_printf("%s/.%s.part", folder, name);
  sink->path = g_build_filename(folder, name, NULL);
  sink->fd = open(sink->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (sink->fd >= 0)
    return sink;
  sallyport_error_errno(error, errno, "%s", sink->temporary);
  g_clear_pointer(&sink->temporary, g_free);
  cdr_sink_close(sink);
  return NULL;
}

void cdr_sink_close(CdrSink *sink) {
  if (!sink)
    return;
  if (sink->fd >= 0)
    close(sink->fd);
  if (sink->temporary)
    unlink(sink->temporary);
  g_string_free(sink->buffer, TRUE);
  g_checksum_free(sink->digest);
  g_free(sink->temporary);
  g_free(sink->folder);
  g_free(sink->path);
  g_free(sink);
}

GString *cdr_sink_line(CdrSink *sink) {
  return sink->buffer;
}

gboolean cdr_sink_flush(CdrSink *sink, gboolean all, GError **error) {
  if (sink->buffer->len < BUFFER && !all)
    return TRUE;
  g_checksum_update(sink->digest, (const guchar *)sink->buffer->str, (gssize)sink->buffer->len);
  gboolean ok = sink->fd < 0 || files_write_all(sink->fd, sink->buffer->str, sink->buffer->len, error);
  g_string_truncate(sink->buffer, 0);
  return ok;
}

char *cdr_sink_digest(CdrSink *sink) {
  g_autoptr(GChecksum) upto = g_checksum_copy(sink->digest);
  g_checksum_update(upto, (const guchar *)sink->buffer->str, (gssize)sink->buffer->len);
  return g_strdup(g_checksum_get_string(upto));
}

static gboolean is_same(const CdrSink *sink, gboolean *is_there, gboolean *same, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  int fd = open(sink->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  *is_there = fd >= 0 || errno != ENOENT;
  if (fd < 0)
    return !*is_there || sallyport_error_errno(error, errno, "%s", sink->path);
  gboolean ok = digest_file_sha256(fd, 0, G_MAXUINT64, digest, NULL, error);
  close(fd);
  g_autofree char *theirs = ok ? digest_hex(digest, sizeof digest) : NULL;
  *same = ok && strcmp(theirs, g_checksum_get_string(sink->digest)) == 0;
  return ok;
}

gboolean cdr_sink_finish(CdrSink *sink, gboolean *was_there, GError **error) {
  gboolean is_there = FALSE, same = FALSE;
  *was_there = FALSE;
  if (!cdr_sink_flush(sink, TRUE, error))
    return FALSE;
  if (!sink->path)
    return TRUE;
  if (!is_same(sink, &is_there, &same, error))
    return FALSE;
  *was_there = is_there;
  if (is_there)
    return same || sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s is there, and has other bytes", sink->path);
  if (!files_sync(sink->fd, sink->temporary, error))
    return FALSE;
  if (rename(sink->temporary, sink->path) != 0)
    return sallyport_error_errno(error, errno, "rename to %s", sink->path);
  g_clear_pointer(&sink->temporary, g_free);
  return files_sync_folder(sink->folder, error);
}
