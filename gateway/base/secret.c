#include "gateway/base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void secret_free(char *secret) {
  if (secret)
    explicit_bzero(secret, strlen(secret));
  g_free(secret);
}

void secret_clear(char **secret) {
  secret_free(*secret);
  *secret = NULL;
}

gboolean secret_read(const char *path, gsize limit, char **secret, GError **error) {
  *secret = NULL;
  if (!path)
    return TRUE;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char *bytes = g_malloc0(limit + 2);
  gsize length = 0;
  ssize_t done = fd < 0 ? -1 : 1;
  while (done > 0 && length <= limit) {
    done = read(fd, bytes + length, limit + 1 - length);
    done = done < 0 && errno == EINTR ? 1 : done;
    length += done > 0 ? (gsize)done : 0;
  }
  int number = errno;
  if (fd >= 0)
    close(fd);
  if (done == 0 && length > 0 && length <= limit && strlen(bytes) == length) {
    *secret = bytes;
    return TRUE;
  }
  secret_clear(&bytes);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: %s", path,
                             done < 0 ? g_strerror(number) : "empty, too large, or with a NUL");
}

gboolean secret_read_line(const char *path, gsize limit, char **secret, GError **error) {
  if (!secret_read(path, limit, secret, error))
    return FALSE;
  if (*secret)
    (*secret)[strcspn(*secret, "\r\n")] = 0;
  return TRUE;
}
