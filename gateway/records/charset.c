#include "gateway/records/charset.h"
#include "gateway/records/gb18030.h"
#include <errno.h>
#include <iconv.h>
#include <string.h>

typedef gsize FindPinned(const guint8 *text, gsize length, const char **from, const char **to);

struct CharsetConverter {
  iconv_t cd;
  FindPinned *find; /* characters that are not left to iconv; NULL: the set has none */
};

/* How many characters the bytes are in the set: -1 for none, or an incomplete one. */
static int count_characters(iconv_t cd, const guint8 *bytes, gsize length, char *utf8, gsize *utf8_length) {
  char *in = (char *)bytes, *out = utf8;
  gsize in_left = length, out_left = 32;
  iconv(cd, NULL, NULL, NULL, NULL);
  if (iconv(cd, &in, &in_left, &out, &out_left) == (gsize)-1 || in_left > 0 ||
      iconv(cd, NULL, NULL, &out, &out_left) == (gsize)-1)
    return -1;
  *utf8_length = (gsize)(out - utf8);
  int characters = 0;
  for (const char *at = utf8; at < out; at++)
    characters += ((guint8)*at & 0xc0) != 0x80;
  return characters;
}

/* As an entry of the table; 0: it is not exactly one character of up to three bytes. */
static guint32 entry_of(iconv_t cd, const guint8 *bytes, gsize length) {
  char utf8[32];
  gsize n = 0;
  if (count_characters(cd, bytes, length, utf8, &n) != 1 || n > 3)
    return 0;
  guint32 entry = (guint32)n << 24;
  for (gsize i = 0; i < n; i++)
    entry |= (guint32)(guint8)utf8[i] << (8 * i);
  return entry;
}

#define ENTRY_OF_ASCII(byte) ((guint32)1 << 24 | (guint32)(guint8)(byte))

/* Some sets write a letter and its accent one after the other, and iconv makes one character of both: what depends on
 * its neighbour cannot be decoded byte by byte. */
static gboolean composes(iconv_t cd, const CharsetTable *table) {
  char utf8[32];
  gsize length = 0;
  for (guint first = 0x20; first < 0x100; first++)
    for (guint second = 0x80; second < 0x100; second++) {
      const guint8 two[] = {(guint8)first, (guint8)second};
      guint32 a = table->single[first], b = table->single[second];
      if (a && b && (count_characters(cd, two, 2, utf8, &length) != 2 || length != (a >> 24) + (b >> 24)))
        return TRUE;
    }
  return FALSE;
}

static gboolean refuse_charset(const Charset *charset, const char *why, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "character set %s: %s; convert the file before, or declare UTF-8 or GB18030",
                             charset->name, why);
}

/* Which bytes are characters by themselves, and whether ASCII is. */
static void probe_singles(Charset *charset, iconv_t cd) {
  charset->is_ascii = charset->is_single = charset->is_structural = TRUE;
  for (guint byte = 0; byte < 0x100; byte++) {
    const guint8 one = (guint8)byte;
    guint32 entry = charset->table->single[byte] = entry_of(cd, &one, 1);
    charset->is_single = charset->is_single && (entry != 0 || byte < 0x80);
    if (entry == ENTRY_OF_ASCII(' '))
      charset->blank = one;
    if (byte >= 0x80 || entry == ENTRY_OF_ASCII(byte))
      continue;
    charset->is_ascii = FALSE;
    /* Shift_JIS has a yen sign and an overline here; nothing that makes a line's structure */
    if (byte != '\\' && byte != '~')
      charset->is_structural = FALSE;
  }
  const guint32 *single = charset->table->single;
  charset->has_braces = single[0xc0] == ENTRY_OF_ASCII('{') && single[0xd0] == ENTRY_OF_ASCII('}');
  charset->has_zones = !charset->is_structural && single[0xf0] == ENTRY_OF_ASCII('0') &&
                       single[0xf9] == ENTRY_OF_ASCII('9') && single[0xd1] == ENTRY_OF_ASCII('J');
}

/* The pairs, and which first bytes have seconds that look like ASCII. */
static gboolean probe_pairs(Charset *charset, iconv_t cd, GError **error) {
  gboolean has_ascii_seconds = FALSE;
  for (guint first = 0x80; first < 0x100; first++) {
    if (charset->table->single[first])
      continue;
    charset->lead[first] = 1;
    for (guint second = 0; second < 0x100; second++) {
      const guint8 two[] = {(guint8)first, (guint8)second};
      const guint8 four[] = {(guint8)first, (guint8)second, 0x81, 0x30};
      char utf8[32];
      gsize length = 0;
      guint32 entry = charset->table->pair[first << 8 | second] = entry_of(cd, two, 2);
      if (second >= 0x80)
        continue;
      gboolean is_second = entry || count_characters(cd, two, 2, utf8, &length) == 1 ||
                           count_characters(cd, four, 4, utf8, &length) == 1;
      if (is_second && second < 0x30)
        return refuse_charset(charset, "its characters may hold line ends, quotes or blanks as second bytes", error);
      has_ascii_seconds = has_ascii_seconds || is_second;
    }
  }
  if (!has_ascii_seconds) /* EUC: ASCII is never inside a character */
    memset(charset->lead, 0, sizeof charset->lead);
  return TRUE;
}

/* Known by what it does, as iconv takes more than one spelling of its name: no other set has these four bytes. */
static void probe_gb18030(Charset *charset, iconv_t cd) {
  char utf8[32];
  gsize length = 0;
  charset->is_gb18030 = count_characters(cd, (const guint8 *)"\x81\x30\x81\x30", 4, utf8, &length) == 1 &&
                        length == 2 && memcmp(utf8, "\xc2\x80", 2) == 0;
  for (guint i = 0; charset->is_gb18030 && i < gb18030_n_pins; i++) {
    const guint8 *bytes = (const guint8 *)gb18030_pins[i].bytes;
    if (!bytes[2])
      charset->table->pair[(guint)bytes[0] << 8 | bytes[1]] = 0;
  }
}

/* A byte that is taken and gives nothing, not even at the end: it changes what the bytes behind it mean. Sets that hold
 * a letter back for its accent give it at the end. */
static gboolean shifts(iconv_t cd) {
  static const guint8 shifting[] = {0x0e, 0x0f, 0x1b};
  char utf8[32];
  gsize length = 0;
  for (guint i = 0; i < G_N_ELEMENTS(shifting); i++)
    if (count_characters(cd, &shifting[i], 1, utf8, &length) == 0)
      return TRUE;
  return FALSE;
}

static void learn_line_ends(Charset *charset) {
  for (guint byte = 0; byte < 0x100; byte++) {
    guint32 entry = charset->is_structural || !charset->table ? ENTRY_OF_ASCII(byte) : charset->table->single[byte];
    charset->is_line_end[byte] = entry == ENTRY_OF_ASCII('\n') || entry == ENTRY_OF_ASCII('\r');
  }
}

static gboolean probe(Charset *charset, iconv_t cd, GError **error) {
  charset->is_shifting = shifts(cd);
  charset->table = g_new0(CharsetTable, 1);
  probe_singles(charset, cd);
  learn_line_ends(charset);
  if (charset->is_shifting) {
    gboolean is_ebcdic = charset->has_zones;
    g_clear_pointer(&charset->table, g_free);
    charset->is_single = FALSE;
    return is_ebcdic ||
           refuse_charset(charset, "its bytes mean one thing or another by what came before them (shifting set)",
                          error);
  }
  if (!charset->is_structural && !charset->is_single)
    return refuse_charset(charset, "bytes of ASCII are not themselves in it (UTF-16, shifting sets)", error);
  if (!charset->is_single && !probe_pairs(charset, cd, error))
    return FALSE;
  probe_gb18030(charset, cd);
  if (composes(cd, charset->table))
    g_clear_pointer(&charset->table, g_free);
  return TRUE;
}

gboolean charset_check_structural(const Charset *charset, GError **error) {
  return charset->is_structural || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                                       "character set %s: bytes of ASCII are not themselves in it "
                                                       "(EBCDIC); it serves fixed lines without line ends only",
                                                       charset->name);
}

Charset *charset_new(const char *name, GError **error) {
  Charset *charset = g_new0(Charset, 1);
  charset->name = g_strdup(name && *name ? name : "UTF-8");
  if (g_ascii_strcasecmp(charset->name, "UTF-8") == 0 || g_ascii_strcasecmp(charset->name, "UTF8") == 0) {
    charset->is_utf8 = charset->is_ascii = charset->is_structural = TRUE;
    charset->blank = ' ';
    learn_line_ends(charset);
    return charset;
  }
  iconv_t cd = strchr(charset->name, '/') ? (iconv_t)-1 : iconv_open("UTF-8", charset->name);
  gboolean ok = cd != (iconv_t)-1 ||
                sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                    "character set %s is not known (iconv -l lists them)", charset->name);
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
  g_free(charset->table);
  g_free(charset);
}

static CharsetConverter *converter_new(const Charset *charset, const char *to, const char *from, FindPinned *find) {
  if (charset->is_utf8)
    return NULL;
  CharsetConverter *converter = g_new(CharsetConverter, 1);
  converter->find = charset->is_gb18030 ? find : NULL;
  converter->cd = iconv_open(to, from);
  if (converter->cd == (iconv_t)-1)
    g_error("iconv cannot open %s any more",
            charset->name); /* charset_new has opened it: out of memory or descriptors */
  return converter;
}

CharsetConverter *charset_decoder_new(const Charset *charset) {
  return converter_new(charset, "UTF-8", charset->name, gb18030_find_bytes);
}

CharsetConverter *charset_encoder_new(const Charset *charset) {
  return converter_new(charset, charset->name, "UTF-8", gb18030_find_utf8);
}

void charset_converter_free(CharsetConverter *converter) {
  if (!converter)
    return;
  iconv_close(converter->cd);
  g_free(converter);
}

static gssize convert_by_iconv(CharsetConverter *converter, const guint8 *text, gsize length, GByteArray *into) {
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

gssize charset_convert(CharsetConverter *converter, const guint8 *text, gsize length, GByteArray *into) {
  if (!converter->find)
    return convert_by_iconv(converter, text, length, into);
  for (gsize at = 0;;) {
    const char *from, *to;
    gsize before = converter->find(text + at, length - at, &from, &to);
    gssize bad = convert_by_iconv(converter, text + at, before, into);
    if (bad >= 0)
      return (gssize)at + bad;
    at += before;
    if (!from || !to)
      return from ? (gssize)at : -1;
    g_byte_array_append(into, (const guint8 *)to, (guint)strlen(to));
    at += strlen(from);
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

/* --- Decoding by the table */

/* What the table does not have: the characters from here on that are beyond ASCII go through iconv together. */
static gsize count_beyond_ascii(const Charset *charset, const guint8 *text, gsize length) {
  gsize n = 0;
  while (n < length && text[n] >= 0x80)
    n += charset->lead[text[n]] && n + 1 < length && text[n + 1] >= 0x30 ? 2 : 1;
  return MIN(MAX(n, 1), length);
}

gsize charset_decode_known(const Charset *charset, const guint8 *text, gsize length, guint8 **to) {
  const CharsetTable *table = charset->table;
  guint8 *out = *to;
  gsize at = 0;
  while (at < length) {
    if (charset->is_ascii && text[at] < 0x80) {
      gsize ascii = count_ascii(text + at, length - at);
      memcpy(out, text + at, ascii);
      out += ascii;
      at += ascii;
      continue;
    }
    gsize used = 1;
    guint32 entry = table->single[text[at]];
    if (!entry && at + 1 < length) {
      entry = table->pair[(guint)text[at] << 8 | text[at + 1]];
      used = 2;
    }
    if (!entry)
      break;
    guint32 bytes = GUINT32_TO_LE(entry);
    memcpy(out, &bytes, 4);
    out += entry >> 24;
    at += used;
  }
  *to = out;
  return at;
}

gssize charset_decode(const Charset *charset, CharsetConverter *converter, const guint8 *text, gsize length,
                      GByteArray *into) {
  if (!charset->table)
    return charset_convert(converter, text, length, into);
  for (gsize at = 0; at < length;) {
    guint used = into->len;
    g_byte_array_set_size(into, (guint)(used + (length - at) * 3 + 4));
    guint8 *out = into->data + used;
    at += charset_decode_known(charset, text + at, length - at, &out);
    g_byte_array_set_size(into, (guint)(out - into->data));
    if (at == length)
      break;
    gsize strange = count_beyond_ascii(charset, text + at, length - at);
    gssize bad = charset_convert(converter, text + at, strange, into);
    if (bad >= 0)
      return (gssize)at + bad;
    at += strange;
  }
  return -1;
}
