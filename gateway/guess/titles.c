/* The names of columns, where the file's first line has them. */
#include "gateway/guess/guess_private.h"
#include "gateway/records/charset.h"
#include <string.h>

static char *decoded(const Charset *charset, CharsetConverter *decoder, const guint8 *at, guint length) {
  GByteArray *into = g_byte_array_new();
  gssize bad = decoder ? charset_decode(charset, decoder, at, length, into) : -1;
  if (!decoder)
    g_byte_array_append(into, at, length);
  gboolean is_text = bad < 0 && into->len > 0 && into->len <= 200 && !memchr(into->data, 0, into->len) &&
                     g_utf8_validate((const char *)into->data, into->len, NULL);
  char *text = is_text ? g_strndup((const char *)into->data, into->len) : NULL;
  g_byte_array_unref(into);
  return text;
}

/* FALSE: some name is none, or two are the same. */
static gboolean read_titles(const Guess *guess, const GuessKind *record, const Charset *charset) {
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  const GuessLine *line = &g_array_index(guess->lines, GuessLine, 0);
  CharsetConverter *decoder = charset_decoder_new(charset);
  GuessCell cells[GUESS_CELLS];
  guint n = MIN(guess_cells(guess, line, cells, GUESS_CELLS), GUESS_CELLS);
  gboolean ok = n == record->columns->len;
  for (guint c = 0; ok && c < n; c++) {
    GuessColumn *column = record->columns->pdata[c];
    GuessCell cell = guess_trim(guess, line->at, cells[c]);
    column->title = decoded(charset, decoder, line->at + cell.offset, cell.length);
    ok = column->title && g_hash_table_add(seen, column->title);
  }
  charset_converter_free(decoder);
  return ok;
}

void guess_titles(Guess *guess) {
  g_autoptr(GError) none = NULL;
  Charset *charset = guess->has_names ? charset_new(guess->charset, &none) : NULL;
  if (!charset)
    return;
  GuessKind *record = guess->kinds->pdata[guess->kinds->len - 1];
  if (!read_titles(guess, record, charset))
    for (guint c = 0; c < record->columns->len; c++)
      g_clear_pointer(&((GuessColumn *)record->columns->pdata[c])->title, g_free);
  charset_free(charset);
}
