#include "gateway/recon/format.h"
#include <string.h>

enum { MOST_COLUMNS = 512, NUMBER_ROOM = 24 };

/* A cell of a piece, made ready: how it is to be written. */
typedef enum { WRITE_CONSTANT, WRITE_TEXT, WRITE_CAREFULLY, WRITE_INTEGER, WRITE_LINE } Way;
typedef struct {
  Way way;
  const BlockColumn *column;
  guint scale;
  gsize start, length; /* of a constant, in `constants` */
} Ready;

struct ReconFormat {
  const ConfReconcile *reconcile;
  const ReconSource *source;
  guint n;
  guint columns[MOST_COLUMNS]; /* of the source */
  gint amount;                 /* of the source; -1: none */
  gsize delimiter_length, end_length;
  const char *end;
  guint8 careful[256]; /* 1: a byte that may need care */
  Charset *charset;
  CharsetConverter *encoder; /* NULL: UTF-8 */
  GByteArray *lines;         /* UTF-8, before they are encoded */
  const ReconBatch *batch;
  GArray *ready; /* Ready: n per piece */
  GByteArray *constants;
  GError *fault; /* of a value in the batch at hand */
};

static gboolean find_columns(ReconFormat *format, GError **error) {
  char **names = format->reconcile->read.columns;
  for (; names && names[format->n]; format->n++) {
    int column = recon_source_column(format->source, names[format->n]);
    if (format->n == MOST_COLUMNS)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "more than %d columns", MOST_COLUMNS);
    if (column < 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "what is read has no column \"%s\"",
                                 names[format->n]);
    format->columns[format->n] = (guint)column;
  }
  const char *amount = format->reconcile->read.amount;
  format->amount = -1;
  /* a total that the requester cannot add up is none */
  if (!amount || !names || !g_strv_contains((const char *const *)names, amount))
    return TRUE;
  format->amount = recon_source_column(format->source, amount);
  return format->source->columns[format->amount].type == BLOCK_INTEGER ||
         sallyport_error_set(
             error, SALLYPORT_ERROR_CONFIGURATION,
             "the amount column \"%s\" is text: only integers and decimals of a fixed scale have a total", amount);
}

ReconFormat *recon_format_new(const ConfReconcile *reconcile, const ReconSource *source, GError **error) {
  ReconFormat *format = g_new0(ReconFormat, 1);
  *format = (ReconFormat){.reconcile = reconcile, .source = source};
  format->delimiter_length = strlen(reconcile->delimiter);
  format->end = g_strcmp0(reconcile->line_end, "crlf") == 0 ? "\r\n" : "\n";
  format->end_length = strlen(format->end);
  format->careful['"'] = reconcile->quote ? 1 : 0;
  format->careful['\n'] = format->careful['\r'] = format->careful[(guint8)reconcile->delimiter[0]] = 1;
  format->lines = g_byte_array_new();
  format->ready = g_array_new(FALSE, FALSE, sizeof(Ready));
  format->constants = g_byte_array_new();
  format->charset = charset_new(reconcile->charset, error);
  if (format->charset && find_columns(format, error)) {
    format->encoder = charset_encoder_new(format->charset);
    return format;
  }
  recon_format_free(format);
  return NULL;
}

void recon_format_free(ReconFormat *format) {
  if (!format)
    return;
  charset_converter_free(format->encoder);
  charset_free(format->charset);
  g_byte_array_unref(format->lines);
  g_byte_array_unref(format->constants);
  g_array_unref(format->ready);
  g_clear_error(&format->fault);
  g_free(format);
}

guint recon_format_scale(const ReconFormat *format) {
  return format->amount < 0 ? 0 : format->source->columns[format->amount].scale;
}

/* --- One value */

static gboolean needs_care(const ReconFormat *format, const char *text, gsize length) {
  guint8 careful = 0;
  for (gsize i = 0; i < length; i++)
    careful |= format->careful[(guint8)text[i]];
  return careful != 0;
}

static gboolean is_formula(const char *text, gsize length) {
  return length > 0 && strchr("=+-@\t\r", text[0]) && text[0];
}

static void put(GByteArray *into, const void *bytes, gsize length) {
  g_byte_array_append(into, bytes, (guint)length);
}

static void put_quoted(GByteArray *into, const char *text, gsize length) {
  put(into, "\"", 1);
  for (gsize i = 0; i < length; i++)
    put(into, text[i] == '"' ? "\"\"" : text + i, text[i] == '"' ? 2 : 1);
  put(into, "\"", 1);
}

static void put_carefully(ReconFormat *format, guint column, const char *text, gsize length, GByteArray *into) {
  const ConfReconcile *reconcile = format->reconcile;
  g_autofree char *guarded = NULL;
  if (reconcile->neutralise && is_formula(text, length)) {
    guarded = g_strdup_printf("'%.*s", (int)length, text);
    text = guarded;
    length++;
  }
  if (!needs_care(format, text, length))
    put(into, text, length);
  else if (reconcile->quote)
    put_quoted(into, text, length);
  else if (!format->fault)
    sallyport_error_set(&format->fault, SALLYPORT_ERROR_CONFIGURATION,
                        "column \"%s\" has a value with the delimiter or a line end, which cannot be written without "
                        "quotes: set quote = yes, or another delimiter",
                        reconcile->read.columns[column]);
}

/* Two digits at a time, from the end. */
static guint8 *put_digits(guint8 *end, guint64 value, guint scale) {
  static const char pairs[] =
      "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
      "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
  guint digits = 0;
  if (scale == 0) {
    while (value >= 100) {
      end -= 2;
      memcpy(end, pairs + value % 100 * 2, 2);
      value /= 100;
    }
    if (value >= 10) {
      end -= 2;
      memcpy(end, pairs + value * 2, 2);
      return end;
    }
    *--end = (guint8)('0' + value);
    return end;
  }
  for (; value > 0 || digits <= scale; value /= 10) {
    *--end = (guint8)('0' + value % 10);
    if (++digits == scale)
      *--end = '.';
  }
  return end;
}

static inline guint8 *put_integer(guint8 *at, gint64 value, guint scale) {
  guint8 text[2 * NUMBER_ROOM], *end = text + sizeof text;
  guint8 *begin = put_digits(end, value < 0 ? 0 - (guint64)value : (guint64)value, scale);
  if (value < 0)
    *--begin = '-';
  memcpy(at, begin, (gsize)(end - begin));
  return at + (end - begin);
}

/* --- A batch */

/* Whether no value of the column needs care; one pass over all of its bytes, which the compiler does many at a time. */
__attribute__((optimize("O3"))) static gboolean is_plain(const ReconFormat *format, const RecordBlock *block,
                                                         const BlockColumn *column) {
  guint8 quote = format->reconcile->quote ? '"' : '\n', delimiter = (guint8)format->reconcile->delimiter[0], found = 0;
  gsize length = block->count ? column->ends[block->count - 1] : 0;
  const guint8 *bytes = column->bytes;
  for (gsize i = 0; i < length; i++)
    found |= (guint8)((bytes[i] == quote) | (bytes[i] == delimiter) | (bytes[i] == '\n') | (bytes[i] == '\r'));
  return !found && !format->reconcile->neutralise;
}

static Ready make_ready(ReconFormat *format, const ReconPiece *piece, guint number) {
  guint column = format->columns[number];
  const ReconCell *cell = &piece->cells[column];
  const StagingColumn *told = &format->source->columns[column];
  if (cell->column == RECON_CELL_LINE)
    return (Ready){.way = WRITE_LINE};
  if (cell->column >= 0) {
    const BlockColumn *values = &piece->block->columns[cell->column];
    Way way = told->type == BLOCK_INTEGER              ? WRITE_INTEGER
              : is_plain(format, piece->block, values) ? WRITE_TEXT
                                                       : WRITE_CAREFULLY;
    return (Ready){.way = way, .column = values, .scale = told->scale};
  }
  Ready ready = {.way = WRITE_CONSTANT, .start = format->constants->len};
  if (cell->text && told->type == BLOCK_TEXT)
    put_carefully(format, number, cell->text, cell->length, format->constants);
  else if (cell->text)
    put(format->constants, cell->text, cell->length);
  ready.length = format->constants->len - ready.start;
  return ready;
}

void recon_format_batch(ReconFormat *format, const ReconBatch *batch) {
  format->batch = batch;
  g_byte_array_set_size(format->constants, 0);
  g_array_set_size(format->ready, 0);
  for (guint i = 0; i < batch->n_pieces; i++)
    for (guint j = 0; j < format->n; j++) {
      Ready ready = make_ready(format, &batch->pieces[i], j);
      g_array_append_val(format->ready, ready);
    }
}

/* --- Lines. The room for a line is made sure of once, by the lengths of its texts; what needs care goes the slow way.
 */

static inline gsize text_of(const BlockColumn *column, guint record, const guint8 **text) {
  guint32 start = record ? column->ends[record - 1] : 0;
  *text = column->bytes + start;
  return column->ends[record] - start;
}

static guint8 *grow(GByteArray *lines, gsize length, gsize more) {
  if (lines->len < length + more)
    g_byte_array_set_size(lines, (guint)MAX(length + more, (gsize)lines->len * 2));
  return lines->data + length;
}

static gsize put_slowly(ReconFormat *format, const Ready *ready, guint number, guint record, gsize length) {
  g_autoptr(GByteArray) value = g_byte_array_new();
  const guint8 *text;
  gsize size = text_of(ready->column, record, &text);
  put_carefully(format, number, (const char *)text, size, value);
  memcpy(grow(format->lines, length, value->len), value->data ? value->data : (const guint8 *)"", value->len);
  return length + value->len;
}

static gsize put_line(ReconFormat *format, const ReconEntry *entry, gsize length) {
  const Ready *ready = &g_array_index(format->ready, Ready, entry->piece * format->n);
  const RecordBlock *block = format->batch->pieces[entry->piece].block;
  guint record = entry->record;
  for (guint i = 0; i < format->n; i++, ready++) {
    const guint8 *text;
    gsize size;
    if (i > 0) {
      memcpy(grow(format->lines, length, format->delimiter_length), format->reconcile->delimiter,
             format->delimiter_length);
      length += format->delimiter_length;
    }
    switch (ready->way) {
    case WRITE_CONSTANT:
      memcpy(grow(format->lines, length, ready->length), format->constants->data + ready->start, ready->length);
      length += ready->length;
      break;
    case WRITE_TEXT:
      size = text_of(ready->column, record, &text); /* nothing for a null */
      memcpy(grow(format->lines, length, size), text, size);
      length += size;
      break;
    case WRITE_CAREFULLY:
      length = put_slowly(format, ready, i, record, length);
      break;
    case WRITE_INTEGER:
      if (!ready->column->nulls[record])
        length = (gsize)(put_integer(grow(format->lines, length, 2 * NUMBER_ROOM), ready->column->integers[record],
                                     ready->scale) -
                         format->lines->data);
      break;
    case WRITE_LINE:
      length = (gsize)(put_integer(grow(format->lines, length, NUMBER_ROOM), (gint64)block->lines[record], 0) -
                       format->lines->data);
      break;
    }
  }
  memcpy(grow(format->lines, length, format->end_length), format->end, format->end_length);
  return length + format->end_length;
}

static gboolean add_amount(const ReconFormat *format, const ReconEntry *entry, gint64 *total) {
  const ReconPiece *piece = &format->batch->pieces[entry->piece];
  const ReconCell *cell = &piece->cells[format->amount];
  gint64 amount = cell->column == RECON_CELL_LINE ? (gint64)piece->block->lines[entry->record]
                  : cell->column >= 0 ? record_block_integer(piece->block, (guint)cell->column, entry->record)
                  : cell->text        ? g_ascii_strtoll(cell->text, NULL, 10)
                                      : 0;
  return !__builtin_add_overflow(*total, amount, total);
}

static gboolean encode(ReconFormat *format, gsize length, GByteArray *into, GError **error) {
  if (!format->encoder) {
    put(into, format->lines->data, length);
    return TRUE;
  }
  gssize at = charset_convert(format->encoder, format->lines->data, length, into);
  if (at < 0)
    return TRUE;
  gunichar character = g_utf8_get_char_validated((const char *)format->lines->data + at, (gssize)length - at);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "a value has the character U+%04X, which %s does not have", character,
                             format->reconcile->charset);
}

gboolean recon_format_lines(ReconFormat *format, guint from, guint to, GByteArray *into, gint64 *total,
                            GError **error) {
  gsize length = 0;
  for (guint i = from; i < to; i++) {
    const ReconEntry *entry = &format->batch->entries[i];
    length = put_line(format, entry, length);
    if (format->amount >= 0 && !add_amount(format, entry, total))
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the sum of column \"%s\" leaves 64 bits",
                                 format->reconcile->read.amount);
  }
  if (format->fault) {
    g_propagate_error(error, g_steal_pointer(&format->fault));
    return FALSE;
  }
  return encode(format, length, into, error);
}

gboolean recon_format_header(ReconFormat *format, GByteArray *into, GError **error) {
  if (!format->reconcile->header_line)
    return TRUE;
  /* names: no character needs quotes */
  g_autofree char *line = g_strjoinv(format->reconcile->delimiter, format->reconcile->read.columns);
  g_byte_array_set_size(format->lines, 0);
  put(format->lines, line, strlen(line));
  put(format->lines, format->end, format->end_length);
  return encode(format, format->lines->len, into, error);
}
