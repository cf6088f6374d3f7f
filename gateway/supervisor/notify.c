#include "gateway/supervisor/notify.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* '@' at the beginning stands for the abstract name space, whose names begin with NUL and end with the address. */
static socklen_t address_of(const char *path, struct sockaddr_un *address) {
  gsize length = path ? strlen(path) : 0;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (length < 2 || length >= sizeof address->sun_path || (path[0] != '/' && path[0] != '@'))
    return 0;
  memcpy(address->sun_path, path, length);
  if (path[0] == '@')
    address->sun_path[0] = '\0';
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

gboolean notify_send(const char *format, ...) {
  struct sockaddr_un address;
  socklen_t size = address_of(getenv("NOTIFY_SOCKET"), &address);
  if (size == 0)
    return FALSE;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  close(fd);
  return sent >= 0;
}

gint64 notify_watchdog_period(void) {
  const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
  if (!period || !getenv("NOTIFY_SOCKET") || (pid && g_ascii_strtoll(pid, NULL, 10) != getpid()))
    return 0;
  gint64 allowed = g_ascii_strtoll(period, NULL, 10);
  return allowed > 0 ? MAX(allowed / 2, 1000) : 0;
}
