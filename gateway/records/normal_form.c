#include "gateway/records/normal_form.h"
#include <string.h>

static inline gboolean has(guint forms, ConfNormalForm form) {
  return (forms & 1u << form) != 0;
}

static inline gboolean is_blank(guint8 byte) {
  return byte == ' ' || byte == '\t';
}

/* U+FF01 to U+FF5E are EF BC 81 to EF BD 9E, U+3000 is E3 80 80. The ASCII character, or 0: it is none of them. */
static char narrow(const guint8 *at, gsize left) {
  if (left < 3)
    return 0;
  if (at[0] == 0xe3 && at[1] == 0x80 && at[2] == 0x80)
    return ' ';
  if (at[0] != 0xef || (at[1] != 0xbc && at[1] != 0xbd))
    return 0;
  guint place = (at[1] - 0xbcu) * 64 + (at[2] - 0x80u);
  return place >= 1 && place <= 94 ? (char)(0x20 + place) : 0;
}

gboolean normal_form_changes(guint forms, const void *text, gsize length) {
  const guint8 *at = text;
  if (length == 0)
    return FALSE;
  if (has(forms, CONF_NORMAL_TRIM) && (is_blank(at[0]) || is_blank(at[length - 1])))
    return TRUE;
  for (gsize i = 0; i < length; i++)
    if ((has(forms, CONF_NORMAL_CASE) && at[i] >= 'a' && at[i] <= 'z') ||
        (has(forms, CONF_NORMAL_WIDTH) && at[i] >= 0xe3 && narrow(at + i, length - i)))
      return TRUE;
  return FALSE;
}

gsize normal_form_make(guint forms, const void *text, gsize length, char *into) {
  const guint8 *at = text;
  gsize n = 0, start = 0;
  for (gsize i = 0; i < length;) {
    char ascii = has(forms, CONF_NORMAL_WIDTH) ? narrow(at + i, length - i) : 0;
    into[n++] = ascii ? ascii : (char)at[i];
    i += ascii ? 3 : 1;
  }
  while (has(forms, CONF_NORMAL_TRIM) && n > 0 && is_blank((guint8)into[n - 1]))
    n--;
  while (has(forms, CONF_NORMAL_TRIM) && start < n && is_blank((guint8)into[start]))
    start++;
  n -= start;
  memmove(into, into + start, n);
  for (gsize i = 0; has(forms, CONF_NORMAL_CASE) && i < n; i++)
    into[i] = g_ascii_toupper(into[i]);
  return n;
}
