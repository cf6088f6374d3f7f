#include "transfer/sftp/kexinit.h"
#include <string.h>

#define BANNER_MOST 1024u /* of one line; the protocol says 255, and some before it are longer */
enum { MESSAGE_KEXINIT = 20, COOKIE = 16, TAIL = 5 /* first_kex_packet_follows, reserved */ };

const char *const kexinit_names[KEXINIT_LISTS] = {"kex",    "host-key",        "cipher-out",     "cipher-in", "mac-out",
                                                  "mac-in", "compression-out", "compression-in", NULL,        NULL};

static gboolean is_printable(const guint8 *bytes, gsize length) {
  for (gsize i = 0; i < length; i++)
    if (bytes[i] < 0x21 || bytes[i] > 0x7e)
      return FALSE;
  return TRUE;
}

KexinitGot kexinit_banner(const guint8 *bytes, gsize length, char **banner, gsize *used) {
  *used = 0;
  for (const guint8 *end; (end = memchr(bytes + *used, '\n', length - *used));) {
    const guint8 *line = bytes + *used;
    gsize width = (gsize)(end - line);
    *used += width + 1;
    if (width >= 4 && memcmp(line, "SSH-", 4) == 0) {
      *banner = g_strndup((const char *)line, line[width - 1] == '\r' ? width - 1 : width);
      return width <= BANNER_MOST ? KEXINIT_WHOLE : (g_free(*banner), *banner = NULL, KEXINIT_WRONG);
    }
  }
  return length > KEXINIT_MOST || length - *used > BANNER_MOST ? KEXINIT_WRONG : KEXINIT_MORE;
}

static guint32 number_at(const guint8 *bytes) {
  return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

static gboolean take_lists(const guint8 *at, const guint8 *end, char *lists[KEXINIT_LISTS]) {
  for (guint i = 0; i < KEXINIT_LISTS; i++) {
    if (end - at < 4)
      return FALSE;
    guint32 length = number_at(at);
    at += 4;
    if (length > (gsize)(end - at) || !is_printable(at, length))
      return FALSE;
    lists[i] = g_strndup((const char *)at, length);
    at += length;
  }
  return end - at == TAIL;
}

KexinitGot kexinit_parse(const guint8 *bytes, gsize length, char *lists[KEXINIT_LISTS]) {
  memset(lists, 0, KEXINIT_LISTS * sizeof *lists);
  if (length < 6)
    return KEXINIT_MORE;
  guint32 packet = number_at(bytes);
  guint8 padding = bytes[4];
  if (packet > KEXINIT_MOST || packet < (guint32)padding + 2 + COOKIE || bytes[5] != MESSAGE_KEXINIT)
    return KEXINIT_WRONG;
  if (length - 4 < packet)
    return KEXINIT_MORE;
  if (take_lists(bytes + 6 + COOKIE, bytes + 4 + packet - padding, lists))
    return KEXINIT_WHOLE;
  for (guint i = 0; i < KEXINIT_LISTS; i++)
    g_clear_pointer(&lists[i], g_free);
  return KEXINIT_WRONG;
}

gboolean kexinit_has(const char *list, const char *name) {
  gsize length = strlen(name);
  for (const char *at = list; (at = strstr(at, name)); at += length)
    if ((at == list || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
      return TRUE;
  return FALSE;
}
