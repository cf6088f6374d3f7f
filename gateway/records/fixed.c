/* Lines of a fixed width: nothing is looked for, fields have their places. Widths are bytes of the file's own character
 * set, so a field is cut out of the raw bytes and converted alone; where that cuts a character in two, the widths are
 * not what the partner means by them, and it is told. */
#include "gateway/records/fixed_cells.h"

/* --- What is wrong with a line */

static gboolean refuse_length(Parse *parse, gsize wanted) {
  g_autofree char *reason = g_strdup_printf("%" G_GSIZE_FORMAT " bytes, the layout's line has %" G_GSIZE_FORMAT,
                                            parse->line.length, wanted);
  return parse_refuse(parse, FAULT_LENGTH, reason);
}

static gboolean refuse_byte(Parse *parse, Fault fault, gsize offset, const char *what) {
  const Shape *shape = parse->kind < parse->layout->n_shapes ? &parse->layout->shapes[parse->kind] : NULL;
  const char *name = "the line";
  gint column = -1;
  for (guint i = 0; shape && i < shape->n_fields; i++) {
    const LayoutField *field = &shape->fields[i];
    if (offset < field->offset || offset >= field->offset + field->bytes)
      continue;
    name = field->conf->name;
    column = layout_is_record(parse->layout, parse->kind) ? (gint)field->column : -1;
  }
  g_autofree char *reason = g_strdup_printf("%s: %s, byte %" G_GSIZE_FORMAT " of the line", name, what, offset + 1);
  if (column < 0)
    return parse_refuse(parse, fault, reason);
  parse_end_faulty(parse, column, fault, FALSE, g_steal_pointer(&reason));
  return FALSE;
}

static gboolean is_second(const Parse *parse) {
  return (parse->kind == SHAPE_HEADER && parse->state->header_line > 0) ||
         (parse->kind == SHAPE_TRAILER && parse->state->trailer_line > 0);
}

/* The file's rest, shorter than a line: also the file as a whole is refused, since nothing tells where bytes are
 * missing. A second header or trailer is told as that, as totals.c does when the first one is in another chunk. */
static gboolean refuse_rest(Parse *parse) {
  const Layout *layout = parse->layout;
  if (!is_second(parse))
    parse_add_problem(parse, "T009",
                      g_strdup_printf("the file ends with %" G_GSIZE_FORMAT
                                      " bytes that are no whole line of %" G_GSIZE_FORMAT
                                      ": bytes are missing, or too many, in this line or before",
                                      parse->line.length, layout->stride));
  return refuse_length(parse, layout->stride);
}

/* Nothing tells where another line begins: the whole file is refused. */
static gboolean refuse_described(Parse *parse) {
  g_autofree char *why = described_reason(parse->layout, &parse->line, parse->line.text == parse->file);
  g_autofree char *reason = g_strdup_printf("at byte %" G_GSIZE_FORMAT " of the file: %s",
                                            (gsize)(parse->line.text - parse->file) + 1, why);
  parse->kind = parse->layout->n_shapes;
  parse_add_problem(parse, parse->line.described == DESCRIBED_CUT ? "T009" : "T017", g_strdup(reason));
  return parse_refuse(parse, FAULT_LENGTH, reason);
}

static gboolean check_stream(Parse *parse) {
  const RawLine *line = &parse->line;
  if (G_LIKELY(line->length == parse->layout->stride && !(line->flags & LINE_HAS_ODD)))
    return TRUE;
  if (parse->layout->conf->descriptor != CONF_DESCRIPTOR_NONE)
    return line->described ? refuse_described(parse) : TRUE;
  if (line->length < parse->layout->stride)
    return refuse_rest(parse);
  if (parse->layout->has_coded)
    return TRUE;
  for (gsize i = 0; i < line->length; i++)
    if (parse->layout->charset->is_line_end[line->text[i]])
      return refuse_byte(parse, FAULT_LINE_END, i, "a CR or LF in a layout without line ends");
  return TRUE;
}

/* What stands in a gap is a field that is longer than agreed, or a line that has moved. */
static gboolean check_gaps(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  for (guint i = 0; i < shape->n_fields; i++) {
    const LayoutField *field = &shape->fields[i];
    for (gsize at = field->offset + field->bytes; at < field->offset + field->bytes + field->conf->gap; at++)
      if (parse->line.text[at] != parse->layout->charset->blank) {
        g_autofree char *reason = g_strdup_printf("byte %" G_GSIZE_FORMAT ", behind %s, is no blank: fields are longer "
                                                  "than agreed, or have moved", at + 1, field->conf->name);
        return parse_refuse(parse, FAULT_LENGTH, reason);
      }
  }
  return TRUE;
}

/* What is missing at its end is blank, and what is too much is not looked at: where the layout says so. */
static gboolean fit_length(Parse *parse) {
  RawLine *line = &parse->line;
  const Shape *shape = &parse->layout->shapes[parse->kind];
  if (line->length > shape->bytes && shape->open & 1u << CONF_OPEN_MORE) {
    line->length = shape->bytes;
    return TRUE;
  }
  if (line->length > shape->bytes || !(shape->open & 1u << CONF_OPEN_FEWER))
    return FALSE;
  GByteArray *filled = parse->state->scratch;
  g_byte_array_set_size(filled, (guint)shape->bytes + 32); /* texts are copied 32 bytes at a time */
  memcpy(filled->data, line->text, line->length);
  memset(filled->data + line->length, parse->layout->charset->blank, shape->bytes - line->length + 32);
  parse->text = line->text = filled->data;
  parse->readable = filled->data + filled->len;
  line->length = shape->bytes;
  return TRUE;
}

/* The line end is cut off, and what is left is as long as its kind of line. */
static gboolean check_line(Parse *parse) {
  const Layout *layout = parse->layout;
  RawLine *line = &parse->line;
  gboolean is_odd = line->flags & LINE_HAS_ODD;
  if (layout->is_stream ? !check_stream(parse)
                        : (is_odd || layout->conf->line_end == CONF_LINE_END_CRLF) && !parse_check_line_end(parse))
    return FALSE;
  if (parse->kind == layout->n_shapes) {
    Cell tag = parse_tag_of_none(parse);
    if (!tag.at)
      return refuse_length(parse, layout->shapes[SHAPE_RECORD].bytes);
    parse_refuse_tag(parse, tag);
    return FALSE;
  }
  if (G_UNLIKELY(line->length != layout->shapes[parse->kind].bytes) && !fit_length(parse))
    return refuse_length(parse, layout->shapes[parse->kind].bytes);
  const guint8 *zero = is_odd && !layout->has_coded ? memchr(line->text, 0, line->length) : NULL;
  if (zero)
    return refuse_byte(parse, FAULT_NUL, (gsize)(zero - line->text), "a NUL byte");
  return G_LIKELY(!layout->shapes[parse->kind].has_gaps) || check_gaps(parse);
}

/* --- Storing */

static void store_record(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  Value *value = &parse->state->value;
  for (guint i = 0; i < shape->n_fields; i++) {
    const LayoutField *field = &shape->fields[i];
    Cell cell;
    Fault fault = fixed_cut_cell(parse, field, &cell);
    gboolean is_read = !fault;
    fault = is_read ? value_parse(field, cell.at, cell.length, value) : fault;
    if (G_UNLIKELY(fault)) {
      char *reason = is_read ? value_reason(field, fault, cell.at, cell.length) : fixed_reason(parse, field, fault);
      parse_end_faulty(parse, (gint)field->column, fault, TRUE, reason);
      return;
    }
    parse_put_value(parse, field->column, value);
    if (G_UNLIKELY(field->spelling))
      parse_put_spelling(parse, field, &cell);
  }
  parse_end_record(parse, shape);
}

static void store_line(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  LayoutLine *line = parse_open_line(parse);
  if (line && !names_check(parse))
    return;
  for (guint i = 0; line && i < shape->n_fields; i++) {
    const LayoutField *field = &shape->fields[i];
    Cell cell;
    Fault fault = fixed_cut_cell(parse, field, &cell);
    if (!fault) {
      g_ptr_array_add(line->values, parse_make_value(parse, field, &cell));
      continue;
    }
    g_autofree char *reason = fixed_reason(parse, field, fault);
    parse_line_problem(parse, fault, reason);
  }
  if (line && line->values->len == shape->n_fields) /* else the file is refused */
    parse_sign_line(shape, line);
}

static inline gboolean has_tag(const Parse *parse, const Shape *shape) {
  return shape->present && parse->line.length >= shape->raw_tag_length &&
         memcmp(parse->line.text, shape->raw_tag, shape->raw_tag_length) == 0;
}

/* What a line needs before its fields are looked at. */
static void begin_fields(Parse *parse) {
  const Charset *charset = parse->layout->charset;
  parse->is_plain = charset->is_ascii && !(parse->line.flags & LINE_HAS_HIGH);
  parse->converted = 0;
  if (parse->is_plain)
    return;
  if (charset->is_utf8)
    parse->is_valid = charset_check_utf8(parse->line.text, parse->line.length) < 0;
  if (!charset->is_utf8 || parse->layout->has_coded)
    g_byte_array_set_size(parse->state->converted, (guint)fixed_converted_room(parse->layout));
}

const guint8 *fixed_line(Parse *parse, const guint8 *at) {
  const Layout *layout = parse->layout;
  layout->scan(layout, at, parse->end, &parse->line, parse->state->positions, 0);
  if (layout->passes_over && parse_pass_over(parse))
    return parse->line.next;
  parse->state->chunk.lines++;
  parse->is_quoted = FALSE;
  parse->text = parse->line.text;
  parse->readable = parse->end;
  parse->present = parse->line.length;
  parse->kind = parse_recognise(parse, has_tag);
  if (!check_line(parse))
    return parse->line.next;
  begin_fields(parse);
  if (G_LIKELY(layout_is_record(layout, parse->kind)))
    store_record(parse);
  else if (layout_is_outer(layout, parse->kind))
    outer_store(parse);
  else
    store_line(parse);
  return parse->line.next;
}
