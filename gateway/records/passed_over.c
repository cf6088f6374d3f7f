/* Lines that the layout says are to be passed over: comments, blank lines, fillers, the mark behind a text. They are
 * counted, and nothing else of them is looked at; so what begins and ends the file is the first and last other line. */
#include "gateway/records/cells_private.h"
#include <string.h>

enum { CTRL_Z = 0x1a };

gboolean passed_over_compile(Layout *layout, GError **error) {
  char **beginning = layout->conf->pass_over.beginning;
  layout->passes_over = layout->conf->pass_over.present;
  layout->n_beginnings = beginning ? g_strv_length(beginning) : 0;
  layout->beginnings = g_new0(GByteArray *, layout->n_beginnings + 1);
  CharsetConverter *encoder = charset_encoder_new(layout->charset);
  gboolean ok = TRUE;
  for (guint i = 0; i < layout->n_beginnings && ok; i++) {
    GByteArray *raw = layout->beginnings[i] = g_byte_array_new();
    gsize length = strlen(beginning[i]);
    if (!encoder)
      g_byte_array_append(raw, (const guint8 *)beginning[i], (guint)length);
    ok = length > 0 && (!encoder || charset_convert(encoder, (const guint8 *)beginning[i], length, raw) < 0);
    if (!ok)
      sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                          "pass-over: a line cannot begin with \"%s\" in the character set %s", beginning[i],
                          layout->charset->name);
  }
  charset_converter_free(encoder);
  return ok;
}

static gboolean is_nothing_but(const guint8 *text, gsize length, guint8 byte, guint8 other) {
  gsize n = 0;
  while (n < length && (text[n] == byte || text[n] == other))
    n++;
  return n == length;
}

gboolean passed_over(const Layout *layout, const guint8 *text, gsize length, gboolean is_last) {
  const ConfPassOver *over = &layout->conf->pass_over;
  if (length > 0 && text[length - 1] == layout->stray && !layout->is_stream && layout->mark_length == 0)
    length--;
  for (guint i = 0; i < layout->n_beginnings; i++) {
    const GByteArray *beginning = layout->beginnings[i];
    if (length >= beginning->len && memcmp(text, beginning->data, beginning->len) == 0)
      return TRUE;
  }
  if (over->blank && is_nothing_but(text, length, layout->charset->blank, layout->charset->is_ascii ? '\t' : ' '))
    return TRUE;
  return over->ctrl_z && is_last && length > 0 && is_nothing_but(text, length, CTRL_Z, CTRL_Z);
}

const guint8 *passed_over_skip(const Layout *layout, const guint8 *at, const guint8 *end) {
  while (at < end) {
    const guint8 *stop, *next = lines_next(layout, at, end, &stop);
    if (!passed_over(layout, at, (gsize)(stop - at), next == end))
      return at;
    at = next;
  }
  return at;
}
