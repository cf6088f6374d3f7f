/* Telling what is wrong with a line: a faulty record, or a problem of the file. */
#include "gateway/base/files.h"
#include "gateway/records/fixed_cells.h"

/* Of a line that did not come so far that it was recognised: by its place, or by its bytes. n_shapes: none can be told.
 */
static guint kind_of_faulty(const Parse *parse) {
  const Layout *layout = parse->layout;
  if (parse->kind != layout->n_shapes)
    return parse->kind;
  if (layout->conf->lines_by != CONF_LINES_BY_TAG)
    return parse_recognise_by_place(parse);
  return tags_kind_like(layout, parse->line.text, parse->line.text + parse->line.length);
}

guint parse_type_of_faulty(const Parse *parse) {
  guint kind = kind_of_faulty(parse);
  if (layout_is_record(parse->layout, kind))
    return kind - SHAPE_RECORD;
  return kind == parse->layout->n_shapes && parse->layout->n_types == 1 ? 0 : LAYOUT_NO_TYPE;
}

typedef enum { AMOUNT_UNREADABLE, AMOUNT_ABSENT, AMOUNT_READ } AmountOf;

/* FALSE: not in the character set. */
static gboolean cut(Parse *parse, const Shape *shape, const LayoutField *field, Cell *cell) {
  if (parse->layout->is_fixed)
    return !fixed_cut_cell(parse, field, cell);
  *cell = parse->cells[field - shape->fields + (shape->tag ? 1 : 0)];
  return TRUE;
}

static AmountOf read_amount(Parse *parse, const Shape *shape, const LayoutField *field, gint64 *amount) {
  Cell cell = {0};
  Value value = {0};
  parse->converted = 0; /* the record's own fields are done with */
  if (!cut(parse, shape, field, &cell))
    return AMOUNT_UNREADABLE;
  if (cell.length == 0 && field->conf->optional)
    return AMOUNT_ABSENT;
  if (value_parse(field, cell.at, cell.length, &value))
    return AMOUNT_UNREADABLE;
  *amount = value.integer;
  if (!field->sign)
    return AMOUNT_READ;
  const LayoutField *sign = &shape->fields[field->sign - 1];
  if (!cut(parse, shape, sign, &cell) || value_parse(sign, cell.at, cell.length, &value))
    return AMOUNT_UNREADABLE;
  *amount = value_signed(field, *amount, value.text, value.length);
  return AMOUNT_READ;
}

/* Into the record, which has been ended. FALSE: it has one that cannot be read. */
static gboolean keep_amount(Parse *parse, guint type, gboolean has_cells, guint column) {
  RecordBlock *block = parse->block;
  gint64 amount;
  if (type == LAYOUT_NO_TYPE)
    return FALSE;
  const LayoutField *field = layout_field_of(parse->layout, type, column);
  if (!field)
    return TRUE;
  AmountOf of = has_cells ? read_amount(parse, &parse->layout->shapes[SHAPE_RECORD + type], field, &amount)
                          : AMOUNT_UNREADABLE;
  if (of == AMOUNT_READ) {
    block->count--;
    record_block_put_integer(block, column, amount);
    block->count++;
  }
  return of != AMOUNT_UNREADABLE;
}

/* A faulty record's amounts belong to every sum, the control total's and the file's, where they can be read. */
static void keep_amounts(Parse *parse, guint type, gboolean has_cells) {
  const Layout *layout = parse->layout;
  for (guint i = 0; i < layout->n_sums; i++) {
    SumOf of = layout->sums[i];
    if (of.outer > 0)
      continue;
    if (type != LAYOUT_NO_TYPE && of.type >= 0 && of.type != (int)type)
      continue;
    if (!keep_amount(parse, type, has_cells, of.column) && parse->state->unreadable[i] == 0)
      parse->state->unreadable[i] = parse->state->chunk.lines;
  }
  if (layout->amount_column >= 0 && !keep_amount(parse, type, has_cells, (guint)layout->amount_column)) {
    /* told with the record's own fault */
  }
}

/* Beside its amounts and its groups the column of the types is all that is kept of a faulty record: its answer has its
 * tag. */
static void keep_parse_type_of_faulty(Parse *parse, guint type) {
  const Layout *layout = parse->layout;
  RecordBlock *block = parse->block;
  parse->state->types[block->count - 1] = (guint8)type;
  if (type == LAYOUT_NO_TYPE)
    return;
  block->count--;
  parse_put_type(parse, &layout->shapes[SHAPE_RECORD + type]);
  block->count++;
}

/* A header or trailer that is faulty as a whole is still there: that it is missing would be another thing to tell. */
static void refuse_header_or_trailer(Parse *parse, guint kind, Fault fault, char *reason) {
  parse->kind = kind;
  if (parse_open_line(parse))
    parse_line_problem(parse, fault, reason);
  g_free(reason);
}

void parse_end_faulty(Parse *parse, gint column, Fault fault, gboolean has_cells, char *reason) {
  char code[FAULT_CODE_LENGTH];
  guint kind = kind_of_faulty(parse), type = parse_type_of_faulty(parse);
  if (kind == SHAPE_HEADER || kind == SHAPE_TRAILER) {
    refuse_header_or_trailer(parse, kind, fault, reason);
    return;
  }
  if (layout_is_outer(parse->layout, kind)) {
    parse->kind = kind;
    outer_refuse(parse, fault, reason);
    return;
  }
  parse->state->may_have_addenda = TRUE;
  parse->state->n_addenda = 0;
  fault_code(fault, code);
  parse->block->lines[parse->block->count] = parse->state->chunk.lines;
  record_block_end_faulty(parse->block, column, code, reason);
  if (parse->state->types)
    keep_parse_type_of_faulty(parse, type);
  if (parse->layout->n_groups > 0)
    outer_keep_groups(parse);
  keep_amounts(parse, type, has_cells);
}

gint parse_column_of_cell(const Parse *parse, gsize cell) {
  guint type = parse_type_of_faulty(parse);
  if (type == LAYOUT_NO_TYPE)
    return -1;
  const Shape *record = &parse->layout->shapes[SHAPE_RECORD + type];
  gint field = tags_field_of_cell(record, cell);
  for (guint i = 0; parse->state->columns && i < record->n_fields; i++)
    if (parse->state->columns[i] == cell)
      field = (gint)i;
  return field >= 0 && (guint)field < record->n_fields ? (gint)record->fields[field].column : -1;
}

/* The column of the byte at `offset` of the line, by the delimiters before it: -1 for the tag or when there are too
 * many. */
gint parse_column_at(const Parse *parse, const guint8 *text, gsize offset) {
  return parse_column_of_cell(parse, lines_split(parse->layout, text, offset, NULL, 0) - 1);
}

const char *parse_column_name(const Parse *parse, gint column) {
  return column >= 0 ? parse->layout->columns[column].name : "the line";
}

gboolean parse_refuse(Parse *parse, Fault fault, const char *reason) {
  parse_end_faulty(parse, -1, fault, FALSE, g_strdup(reason));
  return FALSE;
}

void parse_refuse_tag(Parse *parse, Cell tag) {
  g_autofree char *shown = parse->layout->has_masked ? NULL : files_show_bytes(tag.at, tag.length, 20);
  parse_end_faulty(parse, -1, FAULT_TAG, FALSE,
                   shown ? g_strdup_printf("the tag '%s' is not one of the layout's", shown)
                         : g_strdup("the tag is not one of the layout's"));
}

/* Where lines end in bytes of the layout's own. */
static gboolean check_no_break(Parse *parse) {
  const RawLine *line = &parse->line;
  return (!memchr(line->text, '\r', line->length) && !memchr(line->text, '\n', line->length)) ||
         parse_refuse(parse, FAULT_LINE_END, "a CR or LF that does not stand behind the terminator");
}

/* An ending that the layout allows is cut off; any other CR or LF outside quotes is a fault. */
gboolean parse_check_line_end(Parse *parse) {
  RawLine *line = &parse->line;
  const ConfLayout *conf = parse->layout->conf;
  if (parse->layout->mark_length > 0)
    return check_no_break(parse);
  gsize ending = (gsize)(line->next - line->text) - line->length;
  gboolean may_cr = conf->line_end == CONF_LINE_END_ANY || conf->line_end == CONF_LINE_END_CRLF;
  if (!parse->is_quoted && may_cr && ending == 1 && line->length > 0 && line->text[line->length - 1] == '\r') {
    line->length--;
    ending = 2;
  }
  if (conf->line_end == CONF_LINE_END_CRLF && ending == 1)
    return parse_refuse(parse, FAULT_LINE_END, "the line ends in LF alone; the layout says CRLF");
  if (parse->is_quoted ? conf->line_end == CONF_LINE_END_LF && ending == 2
                       : memchr(line->text, parse->layout->stray, line->length) != NULL)
    return parse_refuse(parse, FAULT_LINE_END,
                        parse->layout->stray == '\r' ? "a CR that is no line end of this layout"
                                                     : "an LF that is no line end of this layout");
  return TRUE;
}
