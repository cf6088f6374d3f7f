/* Lines of a layout, written: what feedback.c puts together its answer from. Text is UTF-8 until rows_encode. */
#pragma once
#include "gateway/records/layout_internal.h"

typedef struct {
  const Layout *layout;
  guint8 *bytes;             /* one buffer, reused */
  gsize length, capacity;
  const char *line_end;
  gsize line_end_length;
  CharsetConverter *encoder; /* NULL: UTF-8 */
  GByteArray *encoded;
} Rows;

void rows_open(Rows *rows, const Layout *layout);
void rows_close(Rows *rows);

/* Room for `more` bytes behind bytes + length. */
void rows_grow(Rows *rows, gsize more);
static inline guint8 *rows_reserve(Rows *rows, gsize more) {
  if (G_UNLIKELY(rows->capacity - rows->length < more))
    rows_grow(rows, more);
  return rows->bytes + rows->length;
}
static inline void rows_put(Rows *rows, const void *bytes, gsize length) {
  memcpy(rows_reserve(rows, length), bytes, length);
  rows->length += length;
}
static inline void rows_put_delimiter(Rows *rows) { rows_put(rows, rows->layout->delimiter, rows->layout->delimiter_length); }
static inline void rows_put_line_end(Rows *rows) { rows_put(rows, rows->line_end, rows->line_end_length); }
/* A value: quoted where a quoting layout needs it, as it is elsewhere. */
void rows_put_value(Rows *rows, const char *text, gsize length);
/* Text of ours (messages, codes, names): control characters, and delimiters that could not be quoted, become blanks first,
 * and characters that the layout's set does not have are spelled \uXXXX. */
void rows_put_text(Rows *rows, const char *text);
void rows_put_integer(Rows *rows, gint64 integer, guint scale);

/* What has been put, in the layout's character set; borrowed until the next put. CONFIGURATION for what the set cannot
 * express, naming the line (counted from `line`) and the text. */
gboolean rows_encode(Rows *rows, guint64 line, const guint8 **bytes, gsize *length, GError **error);
