/* A field of a fixed line that is not plain ASCII: its bytes alone are converted, behind those of the fields before. */
#include "gateway/records/fixed_cells.h"
#include "gateway/records/coded.h"

gsize fixed_converted_room(const Layout *layout) {
  return layout->most_bytes * 8 + 64;
}

/* -1, or where it went wrong. */
static gssize decode_slowly(Parse *parse, const guint8 *at, gsize length) {
  const Charset *charset = parse->layout->charset;
  GByteArray *converted = parse->state->converted;
  if (charset->is_utf8)
    return charset_check_utf8(at, length);
  g_byte_array_set_size(converted, (guint)parse->converted);
  gssize bad = charset_decode(charset, parse->state->decoder, at, length, converted);
  gsize end = converted->len;
  g_byte_array_set_size(converted, (guint)MAX(fixed_converted_room(parse->layout), end));
  parse->converted = bad < 0 ? end : parse->converted;
  return bad;
}

/* The character at `bad` is none by what the field has of it: is it one with the bytes behind the field? */
static Fault why_bad(Parse *parse, const guint8 *bad, gsize in_field) {
  gsize in_line = (gsize)(parse->line.text + parse->line.length - bad);
  for (gsize n = in_field + 1; in_field <= 3 && n <= MIN(in_field + 3, in_line); n++)
    if (decode_slowly(parse, bad, n) < 0)
      return FAULT_CUT;
  return FAULT_CHARSET;
}

static Fault utf8_cell(Parse *parse, const LayoutField *field, const Cell *cell) {
  const guint8 *behind = cell->at + cell->length, *end = parse->line.text + parse->line.length;
  if (parse->is_valid && (*cell->at & 0xc0) != 0x80 && (behind == end || (*behind & 0xc0) != 0x80))
    return FAULT_NONE;
  gssize bad = charset_check_utf8(cell->at, cell->length);
  return bad < 0 ? FAULT_NONE : why_bad(parse, cell->at + bad, field->bytes - (gsize)bad);
}

/* Two bytes are a character behind SO, until SI, neither of which is a part of one. A shift to where it is already
 * would be dropped by iconv, so that two spellings were one. */
static Fault check_shifts(const Cell *cell) {
  enum { SO = 0x0e, SI = 0x0f };
  gboolean is_shifted = FALSE;
  for (gsize i = 0; i < cell->length; i++) {
    if (cell->at[i] != SO && cell->at[i] != SI)
      continue;
    if (is_shifted == (cell->at[i] == SO))
      return FAULT_CHARSET;
    is_shifted = !is_shifted;
  }
  return is_shifted ? FAULT_CUT : FAULT_NONE;
}

static inline Fault text_cell(Parse *parse, const LayoutField *field, Cell *cell) {
  const Charset *charset = parse->layout->charset;
  if (charset->is_utf8)
    return utf8_cell(parse, field, cell);
  if (charset->is_ascii && !charset_has_high(cell->at, cell->length))
    return FAULT_NONE;
  gsize used = parse->converted;
  guint8 *start = parse->state->converted->data + used, *to = start;
  if (charset->table && charset_decode_known(charset, cell->at, cell->length, &to) == cell->length) {
    parse->converted += (gsize)(to - start);
    *cell = (Cell){start, (gsize)(to - start)};
    return FAULT_NONE;
  }
  Fault shifts = charset->is_shifting ? check_shifts(cell) : FAULT_NONE;
  if (shifts)
    return shifts;
  gssize bad = decode_slowly(parse, cell->at, cell->length);
  if (bad >= 0)
    return why_bad(parse, cell->at + bad, field->bytes - (gsize)bad);
  *cell = (Cell){parse->state->converted->data + used, parse->converted - used};
  return FAULT_NONE;
}

/* Where other fields may have any byte: one that none of this field's may be. Where it is; NULL: nowhere. */
static const guint8 *find_odd(const Charset *charset, const guint8 *at, gsize length, Fault *fault) {
  for (const guint8 *end = at + length; at < end; at++) {
    *fault = *at == 0 ? FAULT_NUL : charset->is_line_end[*at] ? FAULT_LINE_END : FAULT_NONE;
    if (*fault)
      return at;
  }
  return NULL;
}

/* Zones of C and D stand for what they say, and not for the character that a national code page has there. */
static Fault zoned_cell(Parse *parse, const LayoutField *field, Cell *cell) {
  guint8 last = cell->at[cell->length - 1];
  if (last != 0xc0 && last != 0xd0)
    return text_cell(parse, field, cell);
  cell->length--;
  Fault fault = text_cell(parse, field, cell);
  if (!fault) {
    parse->state->converted->data[parse->converted++] = last == 0xc0 ? '{' : '}';
    cell->length++;
  }
  return fault;
}

/* What a line that may end early has no more of is absent; so is a packed field of blanks, as a text would be. */
static Fault coded_cell(Parse *parse, const LayoutField *field, Cell *cell) {
  guint8 blank = parse->layout->charset->blank, *to = parse->state->converted->data + parse->converted;
  gsize length = 0;
  gboolean is_absent = field->offset >= parse->present ||
                       (field->conf->usage == CONF_USAGE_PACKED &&
                        fixed_count_of(cell->at, cell->length, blank) == cell->length);
  if (!is_absent && field->offset + field->bytes > parse->present)
    return FAULT_LENGTH;
  Fault fault = is_absent ? FAULT_NONE : field->coded(field, cell->at, to, &length);
  if (fault)
    return fault;
  *cell = (Cell){to, length};
  parse->converted += length;
  return FAULT_NONE;
}

G_GNUC_NO_INLINE static Fault special_cell(Parse *parse, const LayoutField *field, Cell *cell) {
  Fault fault = FAULT_NONE;
  if (field->coded)
    return coded_cell(parse, field, cell);
  if (parse->layout->has_coded && find_odd(parse->layout->charset, cell->at, cell->length, &fault))
    return fault;
  return field->is_zoned ? zoned_cell(parse, field, cell) : text_cell(parse, field, cell);
}

Fault fixed_to_utf8(Parse *parse, const LayoutField *field, Cell *cell) {
  return G_UNLIKELY(field->is_special) ? special_cell(parse, field, cell) : text_cell(parse, field, cell);
}

char *fixed_reason(const Parse *parse, const LayoutField *field, Fault fault) {
  gsize behind = field->offset + field->bytes;
  if (fault == FAULT_CODED)
    return coded_reason(field, parse->line.text + field->offset, field->bytes);
  if (fault == FAULT_LENGTH)
    return g_strdup_printf("%s: the line ends within the field, behind %" G_GSIZE_FORMAT " of its %" G_GSIZE_FORMAT
                           " bytes", field->conf->name, parse->present - field->offset, field->bytes);
  if (fault == FAULT_NUL || fault == FAULT_LINE_END) {
    const guint8 *at = find_odd(parse->layout->charset, parse->line.text + field->offset, field->bytes, &fault);
    return g_strdup_printf("%s: %s, byte %" G_GSIZE_FORMAT " of the line", field->conf->name,
                           fault == FAULT_NUL ? "a NUL byte" : "a CR or LF in a layout without line ends",
                           (gsize)(at - parse->line.text) + 1);
  }
  return fault == FAULT_CUT
             ? g_strdup_printf("%s: a character is cut in two by the end of the field, bytes %" G_GSIZE_FORMAT
                               " to %" G_GSIZE_FORMAT " of the line", field->conf->name, field->offset + 1, behind)
             : g_strdup_printf("%s: bytes that are not %s", field->conf->name, parse->layout->charset->name);
}
