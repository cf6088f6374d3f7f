#include "crypto/seen.h"
#include <string.h>

enum { MOST_LINES = 4096 }; /* bytes in which an armour is looked for */

static const struct {
  guint8 bytes[6];
  gsize length;
  const char *words;
} starts[] = {
    {{0xef, 0xbb, 0xbf}, 3, "a byte order mark stands before it: save it as plain ASCII"},
    {{0xff, 0xfe}, 2, "UTF-16 text: save it as plain ASCII"},
    {{0xfe, 0xff}, 2, "UTF-16 text: save it as plain ASCII"},
    {{0x1f, 0x8b}, 2, "a gzip file"},
    {{'P', 'K', 3, 4}, 4, "a zip file"},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, "a zstd file"},
    {{0x50, 0x2a, 0x4d, 0x18}, 4, "a zstd file"},
    {{0x30, 0x82}, 2, "DER, perhaps CMS (S/MIME)"},
    {{0x30, 0x80}, 2, "DER, perhaps CMS (S/MIME)"},
    {{'%', 'P', 'D', 'F'}, 4, "a PDF file"},
    {{'a', 'g', 'e', '-', 'e', 'n'}, 6, "a file encrypted with age"},
};

static const struct {
  const char *line, *words;
} frames[] = {
    {"-----BEGIN PGP PUBLIC KEY BLOCK-----", "a public key"},
    {"-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key: it must never be sent"},
    {"-----BEGIN PGP SIGNATURE-----", "a detached signature"},
    {"-----BEGIN PGP SIGNED MESSAGE-----", "a clear-signed text"},
    {"-----BEGIN PGP MESSAGE, PART", "one part of an armour in several parts"},
    {"-----BEGIN PKCS7-----", "CMS (S/MIME)"},
    {"-----BEGIN AGE ENCRYPTED FILE-----", "a file encrypted with age"},
};
static const char message_frame[] = "-----BEGIN PGP MESSAGE-----";

/* Where the armour begins not at the start of the text's first line. */
static const char *seen_around(const char *text, const char *frame) {
  const char *line = frame;
  while (line > text && line[-1] != '\n')
    line--;
  gsize before = (gsize)(frame - line);
  if (before > 0 && strspn(line, " \t") >= before)
    return "the lines of the armour are indented";
  if (before > 0 && strspn(line, "> \t") >= before)
    return "the armour is quoted (\"> \")";
  if (before > 0)
    return "other text stands in the armour's first line";
  return strspn(text, " \t\r\n") >= (gsize)(line - text) ? NULL : "other text stands before the armour";
}

static const char *seen_in_text(const char *text) {
  const char *frame = strstr(text, message_frame);
  for (gsize i = 0; i < G_N_ELEMENTS(frames); i++)
    if (strstr(text, frames[i].line) && !frame)
      return frames[i].words;
  if (!frame)
    return NULL;
  const char *words = seen_around(text, frame);
  const char *after = frame + strlen(message_frame);
  gboolean is_line = after[strspn(after, " \t\r")] == '\n' || !after[strspn(after, " \t\r")];
  if (!words && !is_line)
    return "the armour's lines end in no LF, or it stands in one line";
  return words;
}

const char *seen_as(const guint8 *bytes, gsize length) {
  for (gsize i = 0; i < G_N_ELEMENTS(starts); i++)
    if (length >= starts[i].length && memcmp(bytes, starts[i].bytes, starts[i].length) == 0)
      return starts[i].words;
  g_autofree char *text = g_strndup((const char *)bytes, MIN(length, MOST_LINES));
  const char *words = seen_in_text(text);
  if (words || length < 2 || !(bytes[0] & 0x80))
    return words;
  guint tag = bytes[0] & 0x40 ? bytes[0] & 0x3f : bytes[0] >> 2 & 0x0f;
  return tag == 6 ? "a public key" : tag == 5 ? "a private key: it must never be sent" : NULL;
}

/* Where the body of the first packet begins; 0: there is none. */
static gsize first_body(const guint8 *bytes, gsize length) {
  if (length < 3 || !(bytes[0] & 0x80))
    return 0;
  if (!(bytes[0] & 0x40))
    return (bytes[0] & 3) == 3 ? 1 : 1 + ((gsize)1 << (bytes[0] & 3));
  return bytes[1] < 192 ? 2 : bytes[1] < 224 ? 3 : bytes[1] == 255 ? 6 : 2;
}

static const char *seen_in_packet(const guint8 *bytes, gsize length, gboolean *is_over_text) {
  gsize body = first_body(bytes, length);
  if (body == 0 || body + 2 > length)
    return NULL;
  guint tag = bytes[0] & 0x40 ? bytes[0] & 0x3f : bytes[0] >> 2 & 0x0f;
  if (tag != 2) /* of a message: session keys, one-pass signature, compressed, encrypted, literal */
    return tag == 1 || tag == 3 || tag == 4 || tag == 8 || tag == 9 || tag == 11 || tag == 18 || tag == 20
               ? "a whole message, not a detached signature"
               : seen_as(bytes, length);
  if (bytes[body] == 6)
    return "a signature of version 6, which gpg does not read";
  /* version 3 has an octet of length in between */
  guint type = bytes[body] <= 3 && body + 3 <= length ? bytes[body + 2] : bytes[body + 1];
  *is_over_text = type == 1;
  return NULL;
}

const char *seen_instead_of_signature(const guint8 *bytes, gsize length, gboolean *is_over_text) {
  static const char frame[] = "-----BEGIN PGP SIGNATURE-----";
  *is_over_text = FALSE;
  if (length > 0 && bytes[0] & 0x80)
    return seen_in_packet(bytes, length, is_over_text);
  g_autofree char *text = g_strndup((const char *)bytes, length);
  const char *armor = strstr(text, frame);
  if (strstr(text, "-----BEGIN PGP SIGNED MESSAGE-----"))
    return "a clear-signed text, not a detached signature";
  if (strstr(text, message_frame))
    return "a whole message, not a detached signature";
  if (!armor)
    return seen_in_text(text);
  const char *begin = strstr(armor, "\n\n") ? strstr(armor, "\n\n") : strstr(armor, "\n\r\n");
  if (!begin)
    return NULL;
  gsize decoded = 0;
  g_autofree char *start = g_strndup(begin, 64);
  g_autofree guchar *packet = g_base64_decode(start, &decoded);
  return seen_in_packet(packet, decoded, is_over_text);
}
