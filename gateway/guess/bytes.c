/* From bytes to lines: the character set, where lines end, and what is passed over. */
#include "gateway/guess/guess_private.h"
#include "gateway/records/charset.h"
#include <string.h>

enum { LOOKED_AT = 4 << 20 };

/* --- The character set. Bytes alone never prove one: whatever is not UTF-8 is unsure. */

static const char *const MANY_BYTES[] = {"GB18030", "BIG5", "CP932", "EUC-KR"};

/* How usual the characters are that the bytes would be, in thousandths: those that each set was made for first. */
static guint usual(const char *name, const guint8 *text, gsize length) {
  static const guint8 ranges[][4] = {{0xb0, 0xd7, 0xa1, 0xfe}, {0xa4, 0xc6, 0x40, 0xfe}, {0x82, 0x97, 0x40, 0xfc},
                                     {0xb0, 0xc8, 0xa1, 0xfe}};
  guint set = 0, pairs = 0, good = 0;
  while (set < G_N_ELEMENTS(MANY_BYTES) - 1 && strcmp(MANY_BYTES[set], name) != 0)
    set++;
  const guint8 *range = ranges[set];
  for (gsize i = 0; i + 1 < length; i++) {
    if (text[i] < 0x80)
      continue;
    pairs++;
    if (set == 2 && text[i] >= 0xa1 && text[i] <= 0xdf) { /* katakana of one byte */
      good++;
      continue;
    }
    good += text[i] >= range[0] && text[i] <= range[1] && text[i + 1] >= range[2] && text[i + 1] <= range[3];
    i++;
  }
  return pairs ? good * 1000 / pairs : 0;
}

static gboolean decodes(const char *name, const guint8 *text, gsize length) {
  g_autoptr(GError) none = NULL;
  Charset *charset = charset_new(name, &none);
  if (!charset)
    return FALSE;
  GByteArray *into = g_byte_array_new();
  CharsetConverter *decoder = charset_decoder_new(charset);
  gboolean ok = TRUE;
  for (gsize at = 0; ok && at < length;) {
    const guint8 *end = memchr(text + at, '\n', length - at);
    gsize stop = end ? (gsize)(end - text) : length;
    g_byte_array_set_size(into, 0);
    gssize bad = charset_decode(charset, decoder, text + at, stop - at, into);
    ok = bad < 0 || (!end && (gsize)bad + 4 > stop - at); /* cut within a character where looking ends */
    at = stop + 1;
  }
  charset_converter_free(decoder);
  charset_free(charset);
  g_byte_array_unref(into);
  return ok;
}

/* Bytes beyond ASCII that stand between bytes of it, in hundredths of all. */
static guint alone(const guint8 *text, gsize length) {
  gsize high = 0, single = 0;
  for (gsize i = 0; i < length; i++) {
    gboolean is_high = text[i] >= 0x80;
    high += is_high ? 1 : 0;
    single += is_high && (i == 0 || text[i - 1] < 0x80) && (i + 1 == length || text[i + 1] < 0x80) ? 1 : 0;
  }
  return high ? (guint)(single * 100 / high) : 0;
}

static void choose_set(Guess *guess, const guint8 *text, gsize length) {
  enum { MOSTLY = 60 };
  guint best = 0;
  if (alone(text, length) > MOSTLY) {
    guess->charset = "ISO-8859-1";
    guess_unsure(guess, "the character set: the file has letters of one byte beyond ASCII; which national set they are "
                        "of cannot be told (ISO-8859-1, -2, -15, CP1250, CP1252, CP850 and others)");
    return;
  }
  GString *others = g_string_new(NULL);
  guess->charset = "ISO-8859-1";
  for (guint i = 0; i < G_N_ELEMENTS(MANY_BYTES); i++) {
    if (!decodes(MANY_BYTES[i], text, length))
      continue;
    guint score = 1 + usual(MANY_BYTES[i], text, length);
    g_string_append_printf(others, "%s%s", others->len ? ", " : "", MANY_BYTES[i]);
    if (score > best) {
      best = score;
      guess->charset = MANY_BYTES[i];
    }
  }
  guess_unsure(guess, "the character set: the file is no UTF-8, and %s was chosen by what its characters would be%s%s",
               guess->charset, others->len ? "; it could also be read as " : "", others->str);
  g_string_free(others, TRUE);
}

/* Digits, capitals and blanks of EBCDIC, and none of ASCII's. */
static gboolean is_ebcdic(const guint8 *text, gsize length) {
  gsize usual_bytes = 0, ascii = 0;
  for (gsize i = 0; i < length; i++) {
    guint8 byte = text[i];
    usual_bytes += byte == 0x40 || byte >= 0xf0 || (byte >= 0xc0 && byte <= 0xe9) || (byte >= 0x81 && byte <= 0xa9) ||
                   byte == 0x4b || byte == 0x60 || byte == 0x61 || byte == 0x6b;
    ascii += byte == ' ' || byte == '\n' || (byte >= '0' && byte <= '9');
  }
  return length >= 20 && ascii * 50 < length && usual_bytes * 10 > length * 9;
}

static void learn_plain(Guess *guess) {
  g_autoptr(GError) none = NULL;
  for (guint i = 0; i < 256; i++)
    guess->plain[i] = i < 0x80 ? (guint8)i : 0x80;
  Charset *charset = guess->is_ebcdic ? charset_new(guess->charset, &none) : NULL;
  for (guint i = 0; charset && charset->table && i < 256; i++)
    guess->plain[i] = charset->table->single[i] >> 24 == 1 ? (guint8)charset->table->single[i] : 0x80;
  charset_free(charset);
}

static void learn_charset(Guess *guess) {
  const guint8 *text = guess->text + guess->start;
  gsize length = MIN(guess->length - guess->start, LOOKED_AT);
  gssize bad = charset_check_utf8(text, length);
  gboolean is_cut = bad >= 0 && length < guess->length - guess->start && (gsize)bad + 4 > length;
  guess->charset = "UTF-8";
  if (bad >= 0 && !is_cut && is_ebcdic(text, length)) {
    guess->charset = "IBM1047";
    guess->is_ebcdic = TRUE;
    guess_unsure(guess, "the character set: EBCDIC, but which national page of it cannot be told");
  } else if (bad >= 0 && !is_cut) {
    choose_set(guess, text, length);
  }
  learn_plain(guess);
}

/* --- Line ends */

static gboolean learn_ends(Guess *guess, GError **error) {
  const guint8 *text = guess->text + guess->start;
  gsize length = MIN(guess->length - guess->start, LOOKED_AT), both = 0, lf = 0, cr = 0;
  for (gsize i = 0; i < length; i++) {
    if (text[i] == 0 && !guess->is_ebcdic)
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                                 "there are NUL bytes in it: it is no file of text lines, or of packed numbers, which "
                                 "no layout has");
    both += text[i] == '\n' && i > 0 && text[i - 1] == '\r';
    lf += text[i] == '\n';
    cr += text[i] == '\r';
  }
  if (guess->is_ebcdic || (lf == 0 && cr == 0)) {
    guess->is_stream = guess->is_fixed = TRUE;
    guess->line_end = "none";
  } else if (lf == 0) {
    guess->line_end = "cr";
  } else if (both == lf) {
    guess->line_end = "crlf";
  } else {
    guess->line_end = "any";
  }
  return TRUE;
}

gboolean guess_next(const Guess *guess, gsize *offset, GuessLine *line) {
  const guint8 *at = guess->text + *offset, *end = guess->text + guess->length;
  if (at >= end)
    return FALSE;
  if (guess->is_stream) {
    gsize n = MIN(guess->stride, (gsize)(end - at));
    *line = (GuessLine){.at = at, .length = (guint)n};
    *offset += n;
    return TRUE;
  }
  guint8 ends = g_str_equal(guess->line_end, "cr") ? '\r' : '\n';
  const guint8 *stop = memchr(at, ends, (gsize)(end - at));
  for (guint quotes = 0; guess->is_quoted && stop && stop - at < GUESS_LINE_MOST;) { /* within quotes, a line goes on */
    quotes = 0;
    for (const guint8 *byte = at; byte < stop; byte++)
      quotes += *byte == '"';
    if (quotes % 2 == 0)
      break;
    const guint8 *next = stop + 1 < end ? memchr(stop + 1, ends, (gsize)(end - stop - 1)) : NULL;
    if (!next)
      break;
    stop = next;
  }
  const guint8 *last = stop ? stop : end;
  *offset = (gsize)((stop ? stop + 1 : end) - guess->text);
  if (last > at && last[-1] == '\r' && ends == '\n')
    last--;
  *line = (GuessLine){.at = at, .length = (guint)MIN((gsize)(last - at), G_MAXINT)};
  return TRUE;
}

gboolean guess_is_passed(const Guess *guess, const GuessLine *line) {
  guint n = 0;
  while (n < line->length && (line->at[n] == ' ' || line->at[n] == '\t'))
    n++;
  if (n == line->length && !guess->is_stream)
    return TRUE;
  if (line->length == 1 && *line->at == 0x1a)
    return TRUE;
  for (guint i = 0; i < guess->beginnings->len; i++) {
    const char *beginning = guess->beginnings->pdata[i];
    gsize length = strlen(beginning);
    if (length <= line->length && memcmp(line->at, beginning, length) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean guess_bytes(Guess *guess, GError **error) {
  const guint8 *text = guess->text;
  if (guess->length == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "it is empty");
  if (guess->length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    guess->start = 3;
  if (guess->length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "it begins like UTF-16, which no layout has");
  learn_charset(guess);
  return learn_ends(guess, error);
}
