#include "gateway/front/front_private.h"
#include <string.h>

/* Digits only, up to 19 of them: every offset that a file can have. */
static gboolean take_number(const char **at, guint64 *number) {
  const char *start = *at;
  guint64 value = 0;
  while (g_ascii_isdigit(**at) && *at - start < 19)
    value = value * 10 + (guint64)(*(*at)++ - '0');
  *number = value;
  return *at > start && !g_ascii_isdigit(**at);
}

/* A header that is not understood is no range at all, and so are several ranges: the whole file is a right answer to
 * both. */
RangeKind range_parse(const char *header, guint64 size, ByteRange *range) {
  if (!header || g_ascii_strncasecmp(header, "bytes=", 6) != 0)
    return RANGE_WHOLE;
  const char *at = header + 6;
  guint64 first = 0, last = 0;
  if (*at == '-') { /* the last so many */
    at++;
    if (!take_number(&at, &last) || *at != '\0')
      return RANGE_WHOLE;
    if (last == 0 || size == 0)
      return RANGE_UNSATISFIABLE;
    *range = (ByteRange){last >= size ? 0 : size - last, size - 1};
    return RANGE_PART;
  }
  if (!take_number(&at, &first) || *at++ != '-')
    return RANGE_WHOLE;
  gboolean is_open = *at == '\0';
  if (!is_open && (!take_number(&at, &last) || *at != '\0' || last < first))
    return RANGE_WHOLE;
  if (first >= size)
    return RANGE_UNSATISFIABLE;
  *range = (ByteRange){first, is_open ? size - 1 : MIN(last, size - 1)};
  return RANGE_PART;
}
