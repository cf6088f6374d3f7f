#include "transfer/wire/names.h"
#include "transfer/wire/wire.h"
#include <string.h>

NameVerdict name_judge(const void *name, gsize length) {
  if (length == 0 || length > NAME_LIMIT || memchr(name, '/', length) || memchr(name, 0, length))
    return NAME_REFUSED;
  if ((length == 1 && memcmp(name, ".", 1) == 0) || (length == 2 && memcmp(name, "..", 2) == 0))
    return NAME_SKIPPED;
  return NAME_ACCEPTED;
}

gboolean path_is_sendable(const void *path, gsize length) {
  return length > 0 && length <= WIRE_PATH_LIMIT && !memchr(path, 0, length);
}
