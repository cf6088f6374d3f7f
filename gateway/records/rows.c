#include "gateway/records/rows.h"
#include "gateway/base/files.h"
#include "gateway/records/coded.h"
#include <string.h>

/* --- Beginning */

static const char *line_end_of(const Layout *layout, const ConfFeedback *conf) {
  if (conf && conf->line_end)
    return g_str_equal(conf->line_end, "crlf") ? "\r\n" : "\n";
  if (layout->mark_length > 0)
    return layout->conf->terminator;
  if (layout->is_stream)
    return layout->is_fixed && !(conf && conf->delimiter) ? "" : "\n";
  return layout->conf->line_end == CONF_LINE_END_CRLF ? "\r\n"
         : layout->conf->line_end == CONF_LINE_END_CR ? "\r"
                                                      : "\n";
}

static gboolean open_charset(Rows *rows, const ConfFeedback *conf, GError **error) {
  rows->charset = rows->layout->charset;
  if (conf && conf->charset && !(rows->charset = rows->own = charset_new(conf->charset, error)))
    return FALSE;
  if (rows->line_end_length > 0 && !charset_check_structural(rows->charset, error))
    return FALSE;
  rows->encoder = charset_encoder_new(rows->charset);
  g_autoptr(GByteArray) zero = g_byte_array_new();
  rows->zero = '0';
  if (rows->encoder && charset_convert(rows->encoder, (const guint8 *)"0", 1, zero) < 0 && zero->len == 1)
    rows->zero = zero->data[0];
  return TRUE;
}

gboolean rows_open(Rows *rows, const Layout *layout, const ConfFeedback *conf, GError **error) {
  gboolean has_own = conf && conf->delimiter && *conf->delimiter;
  *rows = (Rows){.layout = layout, .is_fixed = layout->is_fixed && !has_own, .neutralise = conf && conf->neutralise};
  rows->delimiter = rows->is_fixed ? "" : has_own ? conf->delimiter : layout->conf->delimiter;
  rows->delimiter_length = strlen(rows->delimiter);
  /* values may hold a delimiter that is not their file's */
  rows->may_quote = !rows->is_fixed && (layout->is_quoted || has_own);
  rows->line_end = line_end_of(layout, conf);
  rows->line_end_length = strlen(rows->line_end);
  rows->descriptor = rows->line_end_length > 0 ? CONF_DESCRIPTOR_NONE : layout->conf->descriptor;
  rows->encoded = g_byte_array_new();
  if (rows->neutralise && rows->is_fixed)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                        "feedback: formulas are a matter of delimited answers; this layout's lines are fixed");
  else if (open_charset(rows, conf, error))
    return TRUE;
  g_prefix_error(error, "%s", "feedback of this layout: ");
  rows_close(rows);
  return FALSE;
}

void rows_close(Rows *rows) {
  g_clear_pointer(&rows->bytes, g_free);
  charset_converter_free(rows->encoder);
  g_clear_pointer(&rows->encoded, g_byte_array_unref);
  charset_free(rows->own);
  g_free(rows->unfit);
  *rows = (Rows){0};
}

void rows_grow(Rows *rows, gsize more) {
  rows->capacity = MAX(rows->capacity * 2, MAX(rows->length + more, 64 * 1024));
  rows->bytes = g_realloc(rows->bytes, rows->capacity);
}

/* Takes why; of several, the first is told. */
static void refuse_line(Rows *rows, char *why) {
  if (rows->unfit) {
    g_free(why);
    return;
  }
  rows->unfit = why;
  rows->unfit_line = rows->lines;
}

/* Of a line that has been put; a block has one line. */
static void put_descriptor(Rows *rows, gsize used) {
  guint8 words[8];
  gsize n = described_put(rows->descriptor, used, words);
  if (n == 0) {
    refuse_line(rows, g_strdup_printf("%" G_GSIZE_FORMAT " bytes are more than a descriptor word can say", used));
    return;
  }
  rows_reserve(rows, n);
  guint8 *line = rows->bytes + rows->line_start;
  memmove(line + n, line, used);
  memcpy(line, words, n);
  rows->length += n;
}

void rows_end_line(Rows *rows) {
  gsize used = rows->length - rows->line_start;
  if (rows->descriptor != CONF_DESCRIPTOR_NONE) {
    put_descriptor(rows, used);
  } else if (rows->line_end_length == 0 && used < rows->line_bytes) {
    memset(rows_reserve(rows, rows->line_bytes - used), rows->charset->blank, rows->line_bytes - used);
    rows->length += rows->line_bytes - used;
  }
  rows_put(rows, rows->line_end, rows->line_end_length);
  rows->line_start = rows->length;
  rows->lines++;
}

/* --- Delimited values */

static gboolean needs_quotes(const Rows *rows, const char *text, gsize length) {
  for (gsize i = 0; i < length; i++)
    if (text[i] == '"' || text[i] == '\n' || text[i] == '\r' || text[i] == *rows->delimiter)
      return TRUE;
  return FALSE;
}

/* What a spreadsheet takes for a formula when it opens the file (OWASP, "CSV Injection"): these are shown as text
 * behind an apostrophe. */
static gboolean is_formula(const Rows *rows, const char *text, gsize length) {
  return rows->neutralise && length > 0 && *text && strchr("=+-@\t\r\n", *text);
}

static void put_delimited(Rows *rows, const char *text, gsize length, gboolean is_value) {
  gboolean is_formula_like = is_value && is_formula(rows, text, length);
  if (!rows->may_quote || !needs_quotes(rows, text, length)) {
    rows_put(rows, "'", is_formula_like ? 1 : 0);
    rows_put(rows, text, length);
    return;
  }
  guint8 *start = rows_reserve(rows, length * 2 + 3), *at = start;
  *at++ = '"';
  if (is_formula_like)
    *at++ = '\'';
  for (gsize i = 0; i < length; i++) {
    if (text[i] == '"')
      *at++ = '"';
    *at++ = (guint8)text[i];
  }
  *at++ = '"';
  rows->length += (gsize)(at - start);
}

/* --- Fixed values */

static gboolean is_ascii(const guint8 *bytes, gsize length) {
  guint8 high = 0;
  for (gsize i = 0; i < length; i++)
    high |= bytes[i];
  return high < 0x80;
}

static void put_at_place(Rows *rows, CellPlace place, const void *bytes, gsize length) {
  guint8 *at = rows_reserve(rows, place.bytes + place.gap);
  memset(at, place.pad == '0' && length > 0 ? rows->zero : rows->charset->blank, place.bytes);
  if (length > 0)
    memcpy(at + (place.align_right ? place.bytes - length : 0), bytes, length);
  memset(at + place.bytes, rows->charset->blank, place.gap);
  rows->length += place.bytes + place.gap;
}

/* Borrowed until the next one. FALSE: the set does not have it. */
static gboolean encode(Rows *rows, const char *text, gsize length, const guint8 **bytes, gsize *n) {
  *bytes = (const guint8 *)text;
  *n = length;
  if (!rows->encoder || (rows->charset->is_ascii && is_ascii(*bytes, length)))
    return TRUE;
  g_byte_array_set_size(rows->encoded, 0);
  gssize bad = charset_convert(rows->encoder, (const guint8 *)text, length, rows->encoded);
  *bytes = rows->encoded->data;
  *n = rows->encoded->len;
  return bad < 0;
}

static void put_coded_absent(Rows *rows, CellPlace place) {
  guint8 *at = rows_reserve(rows, place.bytes + place.gap);
  memset(at, coded_absent(place.field, rows->charset), place.bytes);
  memset(at + place.bytes, rows->charset->blank, place.gap);
  rows->length += place.bytes + place.gap;
}

/* FALSE: the place has characters. */
static gboolean put_coded(Rows *rows, CellPlace place, const char *text, gsize length) {
  if (!coded_is_written(place.field, rows->charset))
    return FALSE;
  guint8 *at = rows_reserve(rows, place.bytes + place.gap);
  gsize own = place.field->bytes ? MIN(place.field->bytes, place.bytes) : place.bytes;
  put_coded_absent(rows, place);
  if (!coded_write(place.field, text, length, at, own)) {
    g_autofree char *shown = files_show_bytes(text, length, 40);
    refuse_line(rows, g_strdup_printf("\"%s\" does not fit into the %" G_GSIZE_FORMAT " bytes of %s", shown, own,
                                      place.field->name ? place.field->name : "an amount"));
  }
  return TRUE;
}

static void put_fixed(Rows *rows, CellPlace place, const char *text, gsize length) {
  const guint8 *bytes;
  gsize n;
  if (put_coded(rows, place, text, length))
    return;
  gboolean is_expressed = encode(rows, text, length, &bytes, &n);
  if (is_expressed && n <= place.bytes) {
    put_at_place(rows, place, bytes, n);
    return;
  }
  put_at_place(rows, place, "", 0);
  g_autofree char *shown = files_show_bytes(text, length, 40);
  refuse_line(rows, is_expressed ? g_strdup_printf("\"%s\" does not fit into %" G_GSIZE_FORMAT " bytes of %s", shown,
                                                   place.bytes, rows->charset->name)
                                 : g_strdup_printf("\"%s\" cannot be expressed in the character set %s", shown,
                                                   rows->charset->name));
}

/* As many whole characters as fit. */
static void put_cut(Rows *rows, CellPlace place, const char *text) {
  const guint8 *bytes;
  gsize n, fits = strlen(text);
  while (!encode(rows, text, fits, &bytes, &n) || n > place.bytes)
    fits = (gsize)(g_utf8_prev_char(text + fits) - text);
  put_at_place(rows, place, bytes, n);
}

/* --- Values */

void rows_put_value(Rows *rows, CellPlace place, const char *text, gsize length) {
  if (rows->is_fixed)
    put_fixed(rows, place, text, length);
  else
    put_delimited(rows, text, length, TRUE);
}

void rows_put_joined(Rows *rows, CellPlace place, const char *text, gsize length) {
  const guint8 *bytes;
  gsize n;
  if (!rows->is_fixed || coded_is_written(place.field, rows->charset) || !encode(rows, text, length, &bytes, &n)) {
    rows_put_value(rows, place, text, length);
    return;
  }
  g_autofree char *whole = g_strndup(text, length);
  put_cut(rows, place, whole);
}

void rows_put_number(Rows *rows, CellPlace place, const char *text, gsize length) {
  if (rows->is_fixed)
    put_fixed(rows, place, text, length);
  else
    put_delimited(rows, text, length, FALSE);
}

void rows_put_absent(Rows *rows, CellPlace place) {
  if (rows->is_fixed && coded_is_written(place.field, rows->charset))
    put_coded_absent(rows, place);
  else if (rows->is_fixed)
    put_at_place(rows, place, "", 0);
}

/* What the character set does not have is spelled \u6c49: an answer must not fail for a message of ours. */
static void spell_inexpressible(Rows *rows, GString *text) {
  g_byte_array_set_size(rows->encoded, 0);
  if (!rows->encoder || charset_convert(rows->encoder, (const guint8 *)text->str, text->len, rows->encoded) < 0)
    return;
  g_autoptr(GString) spelled = g_string_new(NULL);
  for (const char *at = text->str; *at; at = g_utf8_next_char(at)) {
    gsize length = (gsize)(g_utf8_next_char(at) - at);
    if (charset_convert(rows->encoder, (const guint8 *)at, length, rows->encoded) < 0)
      g_string_append_len(spelled, at, (gssize)length);
    else
      g_string_append_printf(spelled, "\\u%04x", g_utf8_get_char(at));
  }
  g_string_assign(text, spelled->str);
}

void rows_put_text(Rows *rows, CellPlace place, const char *text) {
  g_autoptr(GString) clean = g_string_new(NULL);
  for (const char *at = text ? text : ""; *at;) {
    if (!rows->may_quote && rows->delimiter_length > 0 && g_str_has_prefix(at, rows->delimiter)) {
      g_string_append_c(clean, strchr(rows->delimiter, ' ') ? '_' : ' ');
      at += rows->delimiter_length;
      continue;
    }
    if (rows->layout->mark_length > 0 && strchr(rows->line_end, *at)) {
      g_string_append_c(clean, ' ');
      at++;
      continue;
    }
    gunichar character = g_utf8_get_char_validated(at, -1);
    if ((gint32)character < 0) { /* not UTF-8: no text of ours */
      g_string_append_c(clean, '?');
      at++;
      continue;
    }
    gboolean is_control = g_unichar_iscntrl(character) || character == 0x2028 || character == 0x2029;
    g_string_append_unichar(clean, is_control ? ' ' : character);
    at = g_utf8_next_char(at);
  }
  spell_inexpressible(rows, clean);
  if (rows->is_fixed)
    put_cut(rows, place, clean->str);
  else
    put_delimited(rows, clean->str, clean->len, TRUE);
}

/* --- The end */

static gboolean tell_inexpressible(const Rows *rows, gsize offset, guint64 line, GError **error) {
  for (gsize i = 0; i < offset; i++)
    line += rows->bytes[i] == (guint8)rows->line_end[rows->line_end_length - 1];
  gsize character = (gsize)g_utf8_skip[rows->bytes[offset]];
  g_autofree char *shown = files_show_bytes(rows->bytes + offset, MIN(rows->length - offset, character), 0);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "line %" G_GUINT64_FORMAT
                             " of the answer: \"%s\" cannot be expressed in the character set %s",
                             line, shown, rows->charset->name);
}

gboolean rows_encode(Rows *rows, guint64 line, const guint8 **bytes, gsize *length, GError **error) {
  *bytes = rows->bytes;
  *length = rows->length;
  rows->lines = rows->line_start = 0;
  if (rows->unfit)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "line %" G_GUINT64_FORMAT " of the answer: %s",
                               line + rows->unfit_line, rows->unfit);
  if (rows->is_fixed || !rows->encoder || (rows->charset->is_ascii && is_ascii(rows->bytes, rows->length)))
    return TRUE;
  g_byte_array_set_size(rows->encoded, 0);
  gssize bad = charset_convert(rows->encoder, rows->bytes, rows->length, rows->encoded);
  *bytes = rows->encoded->data;
  *length = rows->encoded->len;
  return bad < 0 || tell_inexpressible(rows, (gsize)bad, line, error);
}
