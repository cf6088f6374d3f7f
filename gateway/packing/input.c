/* The packed file, read at any place. */
#include "gateway/packing/packing_private.h"
#include "transfer/caged/sandbox.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

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
