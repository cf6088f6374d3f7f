#include "transfer/caged/driver.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define FACTS_MOST 8000u /* bytes of a value */

void driver_fact(const DriverFacts *facts, const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *value = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  if (strlen(value) > FACTS_MOST)
    value[FACTS_MOST] = 0;
  (void)facts->tell(facts->user, name, value); /* a lane that is gone is noticed by the next wait */
}

gboolean driver_ask_credentials(const DriverHost *host, const char *fingerprint, guint8 key_type, WireBuffer *buffer,
                                WireMessage *message, GError **error) {
  const WireMessage question = {.type = WIRE_HOST_KEY, .fd = -1, .text = wire_text(fingerprint), .key_type = key_type};
  if (!wire_send_waiting(host->lane, &question, error))
    return FALSE;
  if (wire_receive(host->lane, -1, buffer, message) == WIRE_GOT_MESSAGE && message->type == WIRE_CREDENTIALS)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN, "the host key was not approved");
}

gboolean driver_target_exists(const char *to, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "rename to %s: exists", to);
}

gboolean driver_wrong_size(const char *path, guint64 told, guint64 came, GError **error) {
  return sallyport_error_set(
      error, SALLYPORT_ERROR_PARTNER,
      "get %s: it changed while it was read, or the server tells its size wrong: it says %" G_GUINT64_FORMAT
      " bytes before and after, and %" G_GUINT64_FORMAT
      " came up to the end of the file. Nothing is taken from it until both agree",
      path, told, came);
}

gboolean driver_write(int fd, const void *bytes, gsize length, guint64 *at, const char *path, GError **error) {
  for (const char *from = bytes; length > 0;) {
    ssize_t done = write(fd, from, length);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0 && errno == EPIPE)
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "get %s: the lane takes no more of it", path);
    if (done < 0)
      return sallyport_error_errno(error, errno, "write what was got from %s", path);
    from += done;
    length -= (gsize)done;
    *at += (guint64)done;
  }
  return TRUE;
}

gssize driver_read(int fd, void *bytes, gsize length, guint64 *at, const char *path, GError **error) {
  ssize_t done;
  do
    done = pread(fd, bytes, length, (off_t)*at);
  while (done < 0 && errno == EINTR);
  if (done > 0) {
    *at += (guint64)done;
    return done;
  }
  if (done < 0)
    sallyport_error_errno(error, errno, "read what is put to %s", path);
  else
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "put %s: the local file is shorter than was said", path);
  return -1;
}
