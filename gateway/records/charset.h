/* The character sets of layouts, by iconv: what may be declared, and conversion from and to UTF-8, strictly.
 *
 * A line is cut out of the raw bytes and converted alone, so an invalid sequence harms one line only. That is safe for
 * sets in which every ASCII byte is itself and neither LF, CR nor the quote is ever a second byte: GB18030, GBK, Big5,
 * Shift_JIS, EUC, all ISO 8859 and Windows sets. charset_new looks at every byte and every pair of bytes of a set
 * before it takes it. UTF-16, UTF-32, UTF-7 and the shifting ISO 2022 sets are refused, and so are "//TRANSLIT" and
 * "//IGNORE", which change text silently. Delimiters may be second bytes ('|' in GBK): fields are split after
 * conversion, and `lead` tells the one place that must look at raw bytes (quoted values) which to step over. EBCDIC has
 * no LF, CR or delimiter in its ASCII place: it serves lines of a fixed width without line ends, and nothing else
 * (is_structural). Its sets that shift (IBM935, IBM1388, IBM939) do so within a field: each begins and ends unshifted.
 *
 * Decoding goes by a table of single bytes and pairs that iconv filled; iconv itself is asked only for what the table
 * does not have (GB18030's four bytes, EUC's three, whatever is invalid). What the editions of GB18030 differ in is
 * converted by a table of our own. */
#pragma once
#include "gateway/base/error.h"
#include <string.h>

/* UTF-8 of a byte or a pair: its length in the high byte, then the first byte in the lowest one. 0: ask iconv. */
typedef struct {
  guint32 single[256], pair[65536];
} CharsetTable;

typedef struct {
  char *name;
  gboolean is_utf8;
  gboolean is_gb18030;    /* its edition is ours, not the C library's (gb18030.h) */
  gboolean is_single;     /* every byte is a character */
  gboolean is_ascii;      /* all of ASCII is itself, so ASCII needs no conversion */
  gboolean is_shifting;   /* EBCDIC with SO and SI around what has two bytes for a character */
  gboolean is_structural; /* what makes the structure of lines is itself; FALSE: EBCDIC */
  gboolean has_zones;     /* EBCDIC: the digits are F0 to F9, so that a zoned decimal's are F, and its sign C or D */
  gboolean has_braces;    /* { and } are C0 and D0 there, so that a zoned decimal is read like any text */
  guint8 blank;           /* the byte of a blank */
  guint8 is_line_end[256]; /* CR and LF: in EBCDIC, LF is 0x25, and 0x0a is another control character */
  /* 1: first of two bytes, the second of which may be ASCII; GB18030's four are two such pairs */
  guint8 lead[256];
  /* NULL: UTF-8, and sets in which a character depends on the one before it (CP1258 composes) */
  CharsetTable *table;
} Charset;

/* `name` NULL: UTF-8. CONFIGURATION for a set that iconv does not have or that is refused. The caller frees. */
Charset *charset_new(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void charset_free(Charset *charset);
/* CONFIGURATION unless lines can be told apart by their line ends in it. */
gboolean charset_check_structural(const Charset *charset, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One direction; one thread at a time. NULL for UTF-8, where there is nothing to convert. */
typedef struct CharsetConverter CharsetConverter;
CharsetConverter *charset_decoder_new(const Charset *charset); /* to UTF-8 */
CharsetConverter *charset_encoder_new(const Charset *charset); /* from UTF-8 */
void charset_converter_free(CharsetConverter *converter);
/* Offset of the first byte of `text` that is no UTF-8 (Unicode 15, table 3-7); -1: all of it is. */
gssize charset_check_utf8(const guint8 *text, gsize length);
/* Decodes from the beginning what the table has, and returns how many bytes that were. *to is moved behind what was
 * written: at most three bytes for one, and it needs room for four more. Sets with a table only. */
gsize charset_decode_known(const Charset *charset, const guint8 *text, gsize length, guint8 **to);
/* To UTF-8, as charset_convert, but only what the table does not have goes through iconv. */
gssize charset_decode(const Charset *charset, CharsetConverter *converter, const guint8 *text, gsize length,
                      GByteArray *into);
/* Appends the converted text to `into`. -1 when all was converted; else the offset of the first byte that could not be
 * (what came before it has been appended). */
gssize charset_convert(CharsetConverter *converter, const guint8 *text, gsize length, GByteArray *into);

/* Whether any byte is beyond ASCII. */
static inline gboolean charset_has_high(const guint8 *at, gsize length) {
  guint64 word, high = 0;
  gsize n = 0;
  for (; n + 8 <= length; n += 8) {
    memcpy(&word, at + n, 8);
    high |= word;
  }
  for (; n < length; n++)
    high |= at[n];
  return (high & G_GUINT64_CONSTANT(0x8080808080808080)) != 0;
}
