#include "gateway/common/local_socket.h"
#include "gateway/common/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 32 };

/* sun_path holds 108 bytes and state folders can be longer: the address goes through the open folder's entry in /proc.
 */
static void address_of(int folder, const char *name, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  g_snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder, name);
}

static int open_folder(const char *path, GError **error) {
  g_autofree char *folder = g_path_get_dirname(path);
  int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    g_set_error(error, SALLYPORT_ERROR, errno == ENOENT ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION,
                "folder of the socket %s: %s", path, g_strerror(errno));
  return fd;
}

static gboolean is_listening(int folder, const char *name, int type) {
  struct sockaddr_un address;
  address_of(folder, name, &address);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  gboolean is = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
  close(fd);
  return is;
}

/* Bound under a temporary name, listening, then renamed: whoever finds the socket can connect, and what a dead process
 * left is replaced in one step. */
static gboolean bind_socket(LocalSocket *it, const char *path, int type, GError **error) {
  g_autofree char *temporary = g_strdup_printf(".%s.%d", it->name, (int)getpid());
  struct sockaddr_un address;
  struct stat made;
  if (is_listening(it->folder, it->name, type))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "another process listens on %s", path);
  address_of(it->folder, temporary, &address);
  it->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (it->fd < 0)
    return sallyport_error_errno(error, errno, "socket %s", path);
  unlinkat(it->folder, temporary, 0);
  /* On Linux the mode of an unbound socket becomes that of its file, less the umask: no moment with a wider one. */
  if (fchmod(it->fd, 0600) != 0 || bind(it->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(it->fd, BACKLOG) != 0 || fstatat(it->folder, temporary, &made, AT_SYMLINK_NOFOLLOW) != 0 ||
      renameat(it->folder, temporary, it->folder, it->name) != 0) {
    int number = errno;
    unlinkat(it->folder, temporary, 0);
    return sallyport_error_errno(error, number, "socket %s", path);
  }
  it->device = made.st_dev;
  it->inode = made.st_ino;
  return TRUE;
}

LocalSocket *local_socket_listen(const char *path, int type, GError **error) {
  LocalSocket *it = g_new0(LocalSocket, 1);
  it->fd = -1;
  it->name = g_path_get_basename(path);
  it->folder = open_folder(path, error);
  if (it->folder >= 0 && bind_socket(it, path, type, error))
    return it;
  local_socket_end(it);
  return NULL;
}

void local_socket_end(LocalSocket *it) {
  struct stat there;
  if (!it)
    return;
  if (it->inode && fstatat(it->folder, it->name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_dev == it->device &&
      there.st_ino == it->inode)
    unlinkat(it->folder, it->name, 0);
  if (it->fd >= 0)
    close(it->fd);
  if (it->folder >= 0)
    close(it->folder);
  g_free(it->name);
  g_free(it);
}

/* The socket's mode keeps others out already; root passes every mode, and is told apart by name in the audit. */
static gboolean is_allowed(int fd, uid_t *uid) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return FALSE;
  *uid = peer.uid;
  return peer.uid == geteuid() || peer.uid == 0;
}

int local_socket_accept(const LocalSocket *it, uid_t *uid) {
  int fd = accept4(it->fd, NULL, NULL, SOCK_CLOEXEC);
  *uid = 0;
  if (fd < 0 || is_allowed(fd, uid))
    return fd;
  log_event(LOG_WARNING, "control-refused", {"uid", log_number((gint64)*uid)});
  close(fd);
  return -1;
}

int local_socket_connect(const char *path, int type, GError **error) {
  struct sockaddr_un address;
  int number = 0, folder = open_folder(path, error);
  if (folder < 0)
    return -1;
  g_autofree char *name = g_path_get_basename(path);
  address_of(folder, name, &address);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    number = errno;
  close(folder);
  if (number == 0)
    return fd;
  if (fd >= 0)
    close(fd);
  if (number == EACCES)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                        "no permission to use %s: run this as the service's user or root", path);
  else
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, number == EAGAIN ? "too many wait for %s (%s)"
                                                                       : "no lane listens on %s (%s)",
                        path, g_strerror(number));
  errno = number;
  return -1;
}
