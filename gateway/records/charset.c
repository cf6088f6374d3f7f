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

/* Whether it makes a character with some ASCII byte behind it (with more bytes: GB18030). */
static gboolean takes_ascii(iconv_t cd, guint8 first) {
  char utf8[32];
  gsize length = 0;
  for (guint second = 0x21; second < 0x7f; second++) {
    const guint8 two[] = {first, (guint8)second};
    const guint8 four[] = {first, (guint8)second, 0x81, 0x30};
    if (count_characters(cd, two, 2, utf8, &length) == 1 || count_characters(cd, four, 4, utf8, &length) == 1)
      return TRUE;
  }
  return FALSE;
}

/* Some sets write a letter and its accent one after the other, and iconv makes one character of both. */
static gboolean composes(iconv_t cd) {
  char utf8[32];
  gsize length = 0;
  for (const char *letter = "aAeEiIoOuUyYdDnN"; *letter; letter++)
    for (guint byte = 0x80; byte < 0x100; byte++) {
      const guint8 two[] = {(guint8)*letter, (guint8)byte};
      if (count_characters(cd, two, 2, utf8, &length) > 0 && utf8[0] != *letter)
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
  gboolean has_ascii_seconds = FALSE;
  for (guint byte = 0x80; byte < 0x100; byte++) {
    const guint8 one = (guint8)byte;
    if (count_characters(cd, &one, 1, utf8, &length) == 1)
      continue;
    charset->is_single = FALSE;
    charset->lead[byte] = 1;
    has_ascii_seconds = has_ascii_seconds || takes_ascii(cd, one);
  }
  if (!has_ascii_seconds) /* EUC: ASCII is never inside a character */
    memset(charset->lead, 0, sizeof charset->lead);
  charset->is_context_free = !composes(cd);
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

/* --- UTF-8 */

static inline gsize count_ascii(const guint8 *text, gsize length) {
  gsize n = 0;
  for (guint64 word; n + 8 <= length; n += 8) {
    memcpy(&word, text + n, 8);
    word &= G_GUINT64_CONSTANT(0x8080808080808080);
    if (word)
      return n + (gsize)__builtin_ctzll(GUINT64_TO_LE(word)) / 8;
  }
  while (n < length && text[n] < 0x80)
    n++;
  return n;
}

/* Bytes of the sequence at `at`; 0: it is none. */
static inline gsize utf8_sequence(const guint8 *at, gsize left) {
  guint first = at[0], low = 0x80, high = 0xbf, more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || left <= more)
    return 0;
  if (first == 0xe0)
    low = 0xa0; /* overlong */
  else if (first == 0xed)
    high = 0x9f; /* surrogates */
  else if (first == 0xf0)
    low = 0x90; /* overlong */
  else if (first == 0xf4)
    high = 0x8f; /* beyond U+10FFFF */
  if (at[1] < low || at[1] > high)
    return 0;
  for (guint i = 2; i <= more; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return more + 1;
}

gssize charset_check_utf8(const guint8 *text, gsize length) {
  for (gsize n = 0; n < length;) {
    if (text[n] < 0x80) {
      n += count_ascii(text + n, length - n);
      continue;
    }
    gsize sequence = utf8_sequence(text + n, length - n);
    if (sequence == 0)
      return (gssize)n;
    n += sequence;
  }
  return -1;
}

/* --- Decoding by runs */

static gsize count_beyond_ascii(const Charset *charset, const guint8 *text, gsize length) {
  gsize n = 0;
  while (n < length && text[n] >= 0x80)
    n += charset->lead[text[n]] && n + 1 < length && text[n + 1] >= 0x30 ? 2 : 1;
  return n;
}

gssize charset_decode(const Charset *charset, CharsetConverter *converter, const guint8 *text, gsize length, GByteArray *into) {
  if (!charset->is_ascii || !charset->is_context_free)
    return charset_convert(converter, text, length, into);
  for (gsize at = 0; at < length;) {
    gsize ascii = count_ascii(text + at, length - at);
    g_byte_array_append(into, text + at, (guint)ascii);
    at += ascii;
    gsize beyond = count_beyond_ascii(charset, text + at, length - at);
    gssize bad = beyond ? charset_convert(converter, text + at, beyond, into) : -1;
    if (bad >= 0)
      return (gssize)at + bad;
    at += beyond;
  }
  return -1;
}
