/* A sample as a file. */
#include "gateway/guess/guess.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean guess_layout_file(const char *path, const char *name, GuessReport *report, GError **error) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", path, fd < 0 ? g_strerror(errno) : "it is no file");
    if (fd >= 0)
      close(fd);
    return FALSE;
  }
  gsize length = (gsize)status.st_size;
  const guint8 *text = length ? mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0) : (const guint8 *)"";
  gboolean ok = text != MAP_FAILED ? guess_layout(text, length, name, report, error)
                                   : sallyport_error_errno(error, errno, "map %s", path);
  if (length && text != MAP_FAILED)
    munmap((void *)text, length);
  close(fd);
  return ok;
}
