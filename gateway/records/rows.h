/* Lines of an answer, written: what feedback.c puts together. Values come as UTF-8. Delimited lines stay so until
 * rows_encode; fields of fixed lines, whose widths are bytes of the answer's character set, are encoded one by one. */
#pragma once
#include "gateway/records/cells_private.h"

typedef struct {
  const Layout *layout;
  const Charset *charset; /* of the answer: the layout's, or `own` */
  Charset *own;
  gboolean is_fixed; /* as the layout, unless the answer has a delimiter of its own */
  gboolean may_quote, neutralise;
  const char *delimiter;
  gsize delimiter_length;
  const char *line_end; /* "": none, all lines are as long as the longest, or have their length before them */
  ConfDescriptor descriptor;
  gsize line_end_length, line_bytes;
  guint8 *bytes; /* one buffer, reused */
  gsize length, capacity;
  gsize line_start;          /* of the line being put */
  guint64 lines;             /* ended since the last rows_encode */
  CharsetConverter *encoder; /* NULL: UTF-8 */
  GByteArray *encoded;
  guint8 zero; /* the digit 0, encoded */
  /* the first field of a fixed line that cannot be written, and in which line; NULL: all could */
  char *unfit;
  guint64 unfit_line;
} Rows;

/* Where a value stands in a fixed line; nothing to a delimited one. */
typedef struct {
  gsize bytes;
  gboolean align_right;
  char pad;
  gsize gap; /* blanks behind it */
  const ConfField *field; /* of the layout, whose value may be no text there; NULL: none */
} CellPlace;
static inline CellPlace rows_place_of(const ConfField *field) {
  return (CellPlace){field->bytes, field->align_right, field->pad == '0' ? '0' : ' ', field->gap, field};
}

/* What an answer of this feed looks like. FALSE with CONFIGURATION: a character set that does not serve, or
 * neutralising without delimiters. `rows` is closed all the same. */
gboolean rows_open(Rows *rows, const Layout *layout, const ConfFeedback *conf,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void rows_close(Rows *rows);

/* Room for `more` bytes behind bytes + length. */
void rows_grow(Rows *rows, gsize more);
static inline guint8 *rows_reserve(Rows *rows, gsize more) {
  if (G_UNLIKELY(rows->capacity - rows->length < more))
    rows_grow(rows, more);
  return rows->bytes + rows->length;
}
static inline void rows_put(Rows *rows, const void *bytes, gsize length) {
  if (length == 0)
    return;
  memcpy(rows_reserve(rows, length), bytes, length);
  rows->length += length;
}
static inline void rows_put_delimiter(Rows *rows) {
  rows_put(rows, rows->delimiter, rows->delimiter_length);
}
void rows_end_line(Rows *rows);

/* A value of the partner's: neutralised where that is asked for, quoted where it needs it, as it is elsewhere; fixed:
 * at its place. */
void rows_put_value(Rows *rows, CellPlace place, const char *text, gsize length);
/* The same for texts that were put together, for whose length a fixed line has no place: as many characters as fit. */
void rows_put_joined(Rows *rows, CellPlace place, const char *text, gsize length);
/* The same for a number: what begins with a minus is no formula. */
void rows_put_number(Rows *rows, CellPlace place, const char *text, gsize length);
/* None: nothing, or blanks. */
void rows_put_absent(Rows *rows, CellPlace place);
/* Text of ours (messages, codes, names): control characters, and delimiters that could not be quoted, become blanks
 * first, characters that the set does not have are spelled \uXXXX, and what does not fit into its place is cut. */
void rows_put_text(Rows *rows, CellPlace place, const char *text);

/* What has been put, in the answer's character set; borrowed until the next put. CONFIGURATION for what cannot be
 * expressed or does not fit, naming the line (counted from `line`) and the text. */
gboolean rows_encode(Rows *rows, guint64 line, const guint8 **bytes, gsize *length,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
