/* What is kept of a line: the end of its record, its values as a header or trailer, a problem of the whole file. */
#include "gateway/records/parse.h"

enum { MOST_PROBLEMS = 100 }; /* of a chunk: the first one already decides about the file */

void parse_add_problem(Parse *parse, const char *code, char *reason) {
  GPtrArray *problems = parse->state->chunk.problems;
  if (problems->len >= MOST_PROBLEMS) {
    g_free(reason);
    return;
  }
  LayoutProblem *problem = g_new0(LayoutProblem, 1);
  problem->line = parse->state->chunk.lines;
  problem->reason = reason;
  g_strlcpy(problem->code, code, sizeof problem->code);
  g_ptr_array_add(problems, problem);
}

gboolean parse_pass_over(Parse *parse) {
  const RawLine *line = &parse->line;
  if (!passed_over(parse->layout, line->text, line->length, parse->is_last && line->next == parse->end))
    return FALSE;
  parse->state->chunk.lines++;
  parse->state->chunk.passed_over++;
  parse->has_passed_last = TRUE;
  return TRUE;
}

static gboolean is_first_line(const Parse *parse) {
  return parse->is_first && parse->state->chunk.lines - parse->state->chunk.passed_over == 1;
}

guint parse_recognise_by_place(const Parse *parse) {
  const Layout *layout = parse->layout;
  const Shape *shapes = layout->shapes;
  if (shapes[SHAPE_HEADER].present && is_first_line(parse))
    return SHAPE_HEADER;
  gboolean is_last = shapes[SHAPE_TRAILER].present && parse->is_last &&
                     (parse->line.next == parse->end ||
                      (layout->passes_over && passed_over_skip(layout, parse->line.next, parse->end) == parse->end));
  return is_last ? SHAPE_TRAILER : SHAPE_RECORD;
}

static void apply_signs(const Shape *shape, RecordBlock *block) {
  for (guint i = 0; i < shape->n_fields; i++) {
    const LayoutField *field = &shape->fields[i];
    if (!field->sign)
      continue;
    gsize length;
    const char *word = record_block_text(block, shape->fields[field->sign - 1].column, block->count, &length);
    gint64 *integer = &block->columns[field->column].integers[block->count];
    *integer = value_signed(field, *integer, word, length);
  }
}

void parse_put_type(Parse *parse, const Shape *shape) {
  guint column = (guint)parse->layout->type_column;
  if (shape->tag)
    record_block_put_text(parse->block, column, shape->tag, shape->tag_length);
  else
    record_block_put_null(parse->block, column);
}

void parse_put_beside(Parse *parse, const Shape *shape) {
  const Layout *layout = parse->layout;
  RecordBlock *block = parse->block;
  if (shape->n_signed > 0)
    apply_signs(shape, block);
  if (parse->state->types) {
    parse->state->types[block->count] = (guint8)(parse->kind - SHAPE_RECORD);
    for (guint i = 0; i < layout->n_columns; i++)
      if ((int)i == layout->type_column)
        parse_put_type(parse, shape);
      else if (shape->field_of[i] < 0)
        record_block_put_null(block, i);
    for (guint i = layout->n_columns; i < layout->n_staged; i++)
      if (shape->field_of[layout->spelled[i]] < 0)
        record_block_put_null(block, i);
  }
  if (layout->n_key_parts > 0) /* composed when all is known that the record has */
    record_block_put_null(block, layout->n_columns - 1);
  if (layout->n_shapes > layout->first_outer)
    outer_end_record(parse);
}

/* --- Header and trailer */

static char *line_name(const Parse *parse) {
  return layout_is_outer(parse->layout, parse->kind) ? layout_outer_name(parse->layout, parse->kind)
         : parse->kind == SHAPE_HEADER               ? g_strdup("header")
                                                     : g_strdup("trailer");
}

void parse_line_problem(Parse *parse, Fault fault, const char *reason) {
  char code[FAULT_CODE_LENGTH];
  g_autofree char *name = line_name(parse);
  fault_code(fault, code);
  parse_add_problem(parse, code, g_strdup_printf("%s: %s", name, reason));
}

LayoutValue *parse_make_value(Parse *parse, const LayoutField *field, const Cell *cell) {
  Value *value = &parse->state->value;
  LayoutValue *made = g_new0(LayoutValue, 1);
  made->field = field->conf;
  Fault fault = value_parse(field, cell->at, cell->length, value);
  if (fault) {
    g_autofree char *reason = value_reason(field, fault, cell->at, cell->length);
    parse_line_problem(parse, fault, reason);
  } else if (!value->is_null && value_is_integer(field->conf)) {
    made->integer = value->integer;
    /* "000017" is a sequence number: the answer repeats it as it came */
    made->text = g_strndup((const char *)cell->at, cell->length);
  } else if (!value->is_null) {
    made->text = g_strndup((const char *)value->text, value->length);
    if (field->format && !value_is_as_printed(field, cell, value))
      made->spelling = g_strndup((const char *)cell->at, cell->length);
  }
  return made;
}

void parse_sign_line(const Shape *shape, const LayoutLine *line) {
  for (guint i = 0; shape->n_signed > 0 && i < line->values->len; i++) {
    const LayoutField *field = &shape->fields[i];
    const LayoutValue *sign = field->sign ? line->values->pdata[field->sign - 1] : NULL;
    LayoutValue *value = line->values->pdata[i];
    if (sign && sign->text)
      value->integer = value_signed(field, value->integer, sign->text, strlen(sign->text));
  }
}

static void free_value(gpointer data) {
  LayoutValue *value = data;
  g_free(value->text);
  g_free(value->spelling);
  g_free(value);
}

LayoutLine *parse_open_line(Parse *parse) {
  gboolean is_header = parse->kind == SHAPE_HEADER;
  LayoutLine **into = is_header ? &parse->state->chunk.header : &parse->state->chunk.trailer;
  guint64 *seen = is_header ? &parse->state->header_line : &parse->state->trailer_line;
  parse->state->may_have_addenda = FALSE;
  if (*seen) {
    parse_add_problem(parse, is_header ? "T007" : "T008", g_strdup(is_header ? "a second header" : "a second trailer"));
    return NULL;
  }
  *seen = parse->state->chunk.lines;
  parse->state->header_is_first = parse->state->header_is_first || (is_header && is_first_line(parse));
  *into = g_new0(LayoutLine, 1);
  (*into)->line = *seen;
  (*into)->values = g_ptr_array_new_with_free_func(free_value);
  return *into;
}
