#include "gateway/records/charset.h"
#include <errno.h>
#include <iconv.h>
#include <string.h>

struct CharsetConverter {
  iconv_t cd;
};

/* How many characters the bytes are in the set: -1 for none, or an incomplete one. */
static int count_characters(iconv_t cd, const guint8 *bytes, gsize length, char *utf8, gsize *utf8_length) {
  char *in = (char *)bytes, *out = utf8;
  gsize in_left = length, out_left = 32;
  iconv(cd, NULL, NULL, NULL, NULL);
  if (iconv(cd, &in, &in_left, &out, &out_left) == (gsize)-1 || in_left > 0 || iconv(cd, NULL, NULL, &out, &out_left) == (gsize)-1)
    return -1;
  *utf8_length = (gsize)(out - utf8);
  int characters = 0;
  for (const char *at = utf8; at < out; at++)
    characters += ((guint8)*at & 0xc0) != 0x80;
  return characters;
}

static gboolean stands_for_itself(iconv_t cd, guint8 byte) {
  char utf8[32];
  gsize length = 0;
  return count_characters(cd, &byte, 1, utf8, &length) == 1 && length == 1 && (guint8)utf8[0] == byte;
}

/* A first byte that is no character alone, and makes one with some ASCII byte behind it (with more bytes: GB18030). */
static gboolean is_lead(iconv_t cd, guint8 first) {
  char utf8[32];
  gsize length = 0;
  if (count_characters(cd, &first, 1, utf8, &length) == 1)
    return FALSE;
  for (guint second = 0x21; second < 0x7f; second++) {
    const guint8 two[] = {first, (guint8)second};
    const guint8 four[] = {first, (guint8)second, 0x81, 0x30};
    if (count_characters(cd, two, 2, utf8, &length) == 1 || count_characters(cd, four, 4, utf8, &length) == 1)
      return TRUE;
  }
  return FALSE;
}

static gboolean probe(Charset *charset, iconv_t cd, GError **error) {
  char utf8[32];
  gsize length = 0;
  charset->is_ascii = charset->is_single = TRUE;
  for (guint byte = 0; byte < 0x80; byte++) {
    if (stands_for_itself(cd, (guint8)byte))
      continue;
    charset->is_ascii = FALSE;
    /* Shift_JIS has a yen sign and an overline here; nothing that makes a line's structure. */
    if (byte != '\\' && byte != '~')
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "character set %s: bytes of ASCII are not themselves in it (UTF-16, EBCDIC, shifting sets); convert the file before, "
                                 "or declare UTF-8 or GB18030", charset->name);
  }
  for (guint byte = 0x80; byte < 0x100; byte++) {
    const guint8 one = (guint8)byte;
    if (count_characters(cd, &one, 1, utf8, &length) != 1) {
      charset->is_single = FALSE;
      charset->lead[byte] = is_lead(cd, one) ? 1 : 0;
    }
  }
  return TRUE;
}

Charset *charset_new(const char *name, GError **error) {
  Charset *charset = g_new0(Charset, 1);
  charset->name = g_strdup(name && *name ? name : "UTF-8");
  if (g_ascii_strcasecmp(charset->name, "UTF-8") == 0 || g_ascii_strcasecmp(charset->name, "UTF8") == 0) {
    charset->is_utf8 = charset->is_ascii = TRUE;
    return charset;
  }
  iconv_t cd = strchr(charset->name, '/') ? (iconv_t)-1 : iconv_open("UTF-8", charset->name);
  gboolean ok = cd != (iconv_t)-1 ||
                sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "character set %s is not known (iconv -l lists them)", charset->name);
  ok = ok && probe(charset, cd, error);
  if (cd != (iconv_t)-1)
    iconv_close(cd);
  if (ok)
    return charset;
  charset_free(charset);
  return NULL;
}

void charset_free(Charset *charset) {
  if (!charset)
    return;
  g_free(charset->name);
  g_free(charset);
}

static CharsetConverter *converter_new(const Charset *charset, const char *to, const char *from) {
  if (charset->is_utf8)
    return NULL;
  CharsetConverter *converter = g_new(CharsetConverter, 1);
  converter->cd = iconv_open(to, from);
  if (converter->cd == (iconv_t)-1)
    g_error("iconv cannot open %s any more", charset->name); /* charset_new has opened it: out of memory or descriptors */
  return converter;
}

CharsetConverter *charset_decoder_new(const Charset *charset) {
  return converter_new(charset, "UTF-8", charset->name);
}

CharsetConverter *charset_encoder_new(const Charset *charset) {
  return converter_new(charset, charset->name, "UTF-8");
}

void charset_converter_free(CharsetConverter *converter) {
  if (!converter)
    return;
  iconv_close(converter->cd);
  g_free(converter);
}

gssize charset_convert(CharsetConverter *converter, const guint8 *text, gsize length, GByteArray *into) {
  char *in = (char *)text;
  gsize in_left = length;
  gboolean flushing = FALSE;
  iconv(converter->cd, NULL, NULL, NULL, NULL);
  for (;;) {
    guint used = into->len;
    gsize room = in_left * 4 + 32, out_left = room;
    g_byte_array_set_size(into, (guint)(used + room));
    char *out = (char *)into->data + used;
    gsize result = iconv(converter->cd, flushing ? NULL : &in, flushing ? NULL : &in_left, &out, &out_left);
    int problem = errno;
    g_byte_array_set_size(into, (guint)(used + room - out_left));
    if (result == (gsize)-1 && problem != E2BIG)
      return in - (char *)text;
    if (result == (gsize)-1)
      continue;
    if (flushing)
      return -1;
    flushing = TRUE; /* a few sets hold a character back until they have seen the next one */
  }
}
