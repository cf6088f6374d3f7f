/* A field of a fixed line that is not plain ASCII: its bytes alone are converted, behind those of the fields before. */
#include "gateway/records/fixed_cells.h"

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

Fault fixed_to_utf8(Parse *parse, const LayoutField *field, Cell *cell) {
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
  gssize bad = decode_slowly(parse, cell->at, cell->length);
  if (bad >= 0)
    return why_bad(parse, cell->at + bad, field->bytes - (gsize)bad);
  *cell = (Cell){parse->state->converted->data + used, parse->converted - used};
  return FAULT_NONE;
}
