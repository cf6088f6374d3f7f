#include "gateway/base/wide.h"
#include <string.h>

gsize wide_print(Wide value, guint scale, char into[WIDE_BYTES]) {
  unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
  char digits[WIDE_BYTES];
  gsize at = sizeof digits;
  digits[--at] = '\0';
  for (guint n = 0; rest > 0 || n <= scale; n++) {
    if (n == scale && scale > 0)
      digits[--at] = '.';
    digits[--at] = (char)('0' + (int)(rest % 10));
    rest /= 10;
  }
  if (value < 0)
    digits[--at] = '-';
  memcpy(into, digits + at, sizeof digits - at);
  return sizeof digits - at - 1;
}
