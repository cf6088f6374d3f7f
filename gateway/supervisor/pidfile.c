#include "gateway/supervisor/pidfile.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_file(const char *runtime, int flags) {
  g_autofree char *path = g_build_filename(runtime, "sallyport.pid", NULL);
  return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
}

static pid_t read_pid(int fd) {
  char text[24] = "";
  return pread(fd, text, sizeof text - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int pidfile_take(const char *runtime, GError **error) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd = open_file(runtime, O_RDWR | O_CREAT);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "%s/sallyport.pid", runtime);
    return -1;
  }
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "a supervisor runs already (process %d has %s/sallyport.pid)",
                        (int)read_pid(fd), runtime);
    close(fd);
    return -1;
  }
  char text[24];
  int length = g_snprintf(text, sizeof text, "%d\n", (int)getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (gsize)length, 0) != length) {
    sallyport_error_errno(error, errno, "%s/sallyport.pid", runtime);
    close(fd);
    return -1;
  }
  return fd;
}

void pidfile_leave(int fd) {
  if (ftruncate(fd, 0) != 0)
    return (void)close(fd);
  close(fd);
}

pid_t pidfile_holder(const char *runtime) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd = open_file(runtime, O_RDONLY);
  if (fd < 0)
    return 0;
  gboolean is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  pid_t holder = is_held ? read_pid(fd) : 0;
  close(fd);
  return holder;
}
