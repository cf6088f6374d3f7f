#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean files_write_all(int fd, const void *bytes, gsize length, GError **error) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t written = write(fd, at, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return sallyport_error_errno(error, errno, "write");
    at += written;
    length -= (gsize)written;
  }
  return TRUE;
}

gboolean files_sync(int fd, const char *what, GError **error) {
  if (fsync(fd) == 0)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "fsync of %s: %s", what, g_strerror(errno));
}

gboolean files_sync_folder(const char *path, GError **error) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open folder %s", path);
  gboolean ok = files_sync(fd, path, error);
  close(fd);
  return ok;
}

gboolean files_replace(const char *folder, const char *name, const char *text, GError **error) {
  g_autofree char *final = g_build_filename(folder, name, NULL);
  g_autofree char *temporary = g_strdup_printf("%s/.%s.tmp", folder, name);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", temporary);
  gboolean ok = files_write_all(fd, text, strlen(text), error) && files_sync(fd, temporary, error);
  close(fd);
  if (ok && rename(temporary, final) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s to %s", temporary, final);
  return ok && files_sync_folder(folder, error);
}

/* Whatever is synced in a folder is lost with the folder's own name, so the parent is synced as well. */
gboolean files_make_folder(const char *path, GError **error) {
  g_autofree char *parent = g_path_get_dirname(path);
  int number = mkdir(path, 0700) == 0 ? 0 : errno;
  if (number == 0)
    return files_sync_folder(parent, error);
  if (number == EEXIST && g_file_test(path, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (number == ENOENT && strcmp(parent, path) != 0 && *path)
    return files_make_folder(parent, error) && files_make_folder(path, error);
  return sallyport_error_errno(error, number, "make folder %s", path);
}

void files_remove_folder(const char *path) {
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  const char *name;
  while (folder && (name = g_dir_read_name(folder))) {
    g_autofree char *file = g_build_filename(path, name, NULL);
    unlink(file);
  }
  rmdir(path);
}

/* For file systems without O_TMPFILE (NFS, FUSE, overlays of old kernels): it loses its name before a byte is written
 * to it. A crash in between leaves an empty file, which the lane sweeps at its next start. */
static int open_and_unlink(const char *folder) {
  g_autofree char *path = g_build_filename(folder, "unnamed-XXXXXX", NULL);
  int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 && unlink(path) != 0) {
    int number = errno;
    close(fd);
    errno = number;
    fd = -1;
  }
  return fd;
}

int files_open_unnamed(const char *folder, GError **error) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    fd = open_and_unlink(folder);
  if (fd < 0)
    sallyport_error_errno(error, errno, "make an unnamed file in %s", folder);
  return fd;
}

char *files_show_bytes(const void *bytes, gsize length, gsize limit) {
  const char *at = bytes, *end = at + length;
  GString *shown = g_string_new(NULL);
  if (limit == 0)
    limit = 200;
  while (at < end && limit-- > 0) {
    gunichar character = g_utf8_get_char_validated(at, end - at);
    if ((gint32)character < 0 || !g_unichar_isprint(character)) {
      g_string_append_printf(shown, "\\x%02x", (guchar)*at++);
      continue;
    }
    g_string_append_unichar(shown, character);
    at = g_utf8_next_char(at);
  }
  if (at < end)
    g_string_append(shown, "…");
  return g_string_free(shown, FALSE);
}

gboolean files_size(int fd, guint64 *size, GError **error) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return sallyport_error_errno(error, errno, "stat");
  *size = (guint64)status.st_size;
  return TRUE;
}
