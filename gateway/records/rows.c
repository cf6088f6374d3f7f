#include "gateway/records/rows.h"
#include "gateway/base/files.h"
#include <string.h>

void rows_open(Rows *rows, const Layout *layout) {
  *rows = (Rows){.layout = layout};
  rows->line_end = layout->conf->line_end == CONF_LINE_END_CRLF ? "\r\n" : layout->conf->line_end == CONF_LINE_END_CR ? "\r" : "\n";
  rows->line_end_length = strlen(rows->line_end);
  rows->encoder = charset_encoder_new(layout->charset);
  rows->encoded = g_byte_array_new();
}

void rows_close(Rows *rows) {
  g_free(rows->bytes);
  charset_converter_free(rows->encoder);
  g_byte_array_unref(rows->encoded);
}

void rows_grow(Rows *rows, gsize more) {
  rows->capacity = MAX(rows->capacity * 2, MAX(rows->length + more, 64 * 1024));
  rows->bytes = g_realloc(rows->bytes, rows->capacity);
}

static gboolean needs_quotes(const Layout *layout, const char *text, gsize length) {
  for (gsize i = 0; i < length; i++)
    if (text[i] == '"' || text[i] == '\n' || text[i] == '\r' || (guint8)text[i] == *layout->delimiter)
      return TRUE;
  return FALSE;
}

void rows_put_value(Rows *rows, const char *text, gsize length) {
  if (!rows->layout->is_quoted || !needs_quotes(rows->layout, text, length)) {
    rows_put(rows, text, length);
    return;
  }
  guint8 *start = rows_reserve(rows, length * 2 + 2), *at = start;
  *at++ = '"';
  for (gsize i = 0; i < length; i++) {
    if (text[i] == '"')
      *at++ = '"';
    *at++ = (guint8)text[i];
  }
  *at++ = '"';
  rows->length += (gsize)(at - start);
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

void rows_put_text(Rows *rows, const char *text) {
  const Layout *layout = rows->layout;
  const char *delimiter = layout->conf->delimiter;
  g_autoptr(GString) clean = g_string_new(NULL);
  for (const char *at = text ? text : ""; *at;) {
    if (!layout->is_quoted && g_str_has_prefix(at, delimiter)) {
      g_string_append_c(clean, strchr(delimiter, ' ') ? '_' : ' ');
      at += layout->delimiter_length;
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
  rows_put_value(rows, clean->str, clean->len);
}

void rows_put_integer(Rows *rows, gint64 integer, guint scale) {
  char text[24];
  rows_put(rows, text, value_print(integer, scale, text));
}

static gboolean is_ascii(const guint8 *bytes, gsize length) {
  guint8 high = 0;
  for (gsize i = 0; i < length; i++)
    high |= bytes[i];
  return high < 0x80;
}

static gboolean tell_inexpressible(const Rows *rows, gsize offset, guint64 line, GError **error) {
  for (gsize i = 0; i < offset; i++)
    line += rows->bytes[i] == (guint8)rows->line_end[rows->line_end_length - 1];
  gsize character = (gsize)g_utf8_skip[rows->bytes[offset]];
  g_autofree char *shown = files_show_bytes(rows->bytes + offset, MIN(rows->length - offset, character), 0);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "line %" G_GUINT64_FORMAT " of the answer: \"%s\" cannot be expressed in the layout's character set %s", line, shown,
                             rows->layout->charset->name);
}

gboolean rows_encode(Rows *rows, guint64 line, const guint8 **bytes, gsize *length, GError **error) {
  *bytes = rows->bytes;
  *length = rows->length;
  if (!rows->encoder || (rows->layout->charset->is_ascii && is_ascii(rows->bytes, rows->length)))
    return TRUE;
  g_byte_array_set_size(rows->encoded, 0);
  gssize bad = charset_convert(rows->encoder, rows->bytes, rows->length, rows->encoded);
  *bytes = rows->encoded->data;
  *length = rows->encoded->len;
  return bad < 0 || tell_inexpressible(rows, (gsize)bad, line, error);
}
