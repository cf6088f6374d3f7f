/* Lines that are no records: addenda, whose values become columns of the record before them; remarks, which are checked
 * and counted; headers and trailers of groups. What a group's header says is put into each of its records. Nothing is
 * allocated for a line: what is kept stands in the chunk's own arrays. Whether groups begin and end as they should, and
 * their totals, is seen over the whole file (group_totals.c). */
#include "gateway/records/fixed_cells.h"

/* Of a group's header, all texts together: each of its records has a copy. */
enum { MOST_HEADER_TEXT = 1024 };

static Fault cut(Parse *parse, const Shape *shape, guint f, Cell *cell) {
  if (parse->layout->is_fixed)
    return fixed_cut_cell(parse, &shape->fields[f], cell);
  *cell = parse->cells[f + (shape->tag ? 1 : 0)];
  return FAULT_NONE;
}

/* Into parse->state->value. Takes no reason when all is well. */
static Fault read_field(Parse *parse, const Shape *shape, guint f, Cell *cell, char **reason) {
  const LayoutField *field = &shape->fields[f];
  Fault fault = cut(parse, shape, f, cell);
  if (fault)
    *reason = fixed_reason(parse, field, fault);
  else if ((fault = value_parse(field, cell->at, cell->length, &parse->state->value)))
    *reason = value_reason(field, fault, cell->at, cell->length);
  return fault;
}

/* --- Addenda */

static gboolean is_kept(const Layout *layout, guint column) {
  gboolean is_of_group = layout->n_groups > 0 && (gint)column >= layout->group_column[0] &&
                         (gint)column < layout->first_addenda_column;
  gboolean is_summed = is_of_group || (gint)column == layout->amount_column || (gint)column == layout->type_column;
  for (guint s = 0; s < layout->n_sums; s++)
    is_summed = is_summed || (layout->sums[s].outer == 0 && layout->sums[s].column == column);
  return is_summed;
}

/* The record answers for its addenda: it is refused, and keeps what its groups say and the file's sums need. */
static void refuse_record(Parse *parse, gint column, Fault fault, char *reason) {
  RecordBlock *block = parse->block;
  guint last = block->count - 1;
  char code[FAULT_CODE_LENGTH];
  if (record_block_fault(block, last)) {
    g_free(reason);
    return;
  }
  block->count = last;
  for (guint i = 0; i < block->n_columns; i++)
    if (!is_kept(parse->layout, i))
      record_block_put_null(block, i);
  block->count++;
  fault_code(fault, code);
  AddendumFault of = {block->faults->len, parse->state->chunk.lines};
  g_array_append_val(parse->state->addendum_faults, of);
  record_block_add_fault(block, last, column, code, reason);
}

static void note_outer(ChunkState *state) {
  state->last_outer = state->chunk.lines;
  if (state->first_outer == 0)
    state->first_outer = state->last_outer;
  if (state->trailer_line > 0 && state->outer_behind == 0)
    state->outer_behind = state->last_outer;
}

/* TRUE: there is a record that it belongs to. */
static gboolean begin_addendum(Parse *parse) {
  ChunkState *state = parse->state;
  note_outer(state);
  state->beside[parse->kind - parse->layout->first_outer]++;
  if (state->may_have_addenda && state->n_addenda++ < LAYOUT_MOST_ADDENDA)
    return TRUE;
  const char *tag = parse->layout->shapes[parse->kind].tag;
  parse_add_problem(parse, "T014",
                    state->may_have_addenda
                        ? g_strdup_printf("a line \"%s\" of a record that has %d lines of its own behind it already, "
                                          "which are the most", tag, LAYOUT_MOST_ADDENDA)
                        : g_strdup_printf("a line \"%s\" belongs to the record before it, and there is none", tag));
  state->may_have_addenda = FALSE;
  return FALSE;
}

/* Of a second addendum, texts are put behind the first one's; of all else, the first value is the record's. */
static gboolean put_addendum_value(Parse *parse, const LayoutField *field) {
  RecordBlock *block = parse->block;
  Value *value = &parse->state->value;
  gsize length;
  if (value->is_null)
    return TRUE;
  if (record_block_is_null(block, field->column, block->count)) {
    parse_put_value(parse, field->column, value);
    return TRUE;
  }
  if (field->conf->type != CONF_TEXT)
    return TRUE;
  record_block_text(block, field->column, block->count, &length);
  if (length + 1 + value->length > parse->layout->line_limit)
    return FALSE;
  record_block_append_text(block, field->column, " ", 1);
  record_block_append_text(block, field->column, value->text, value->length);
  return TRUE;
}

static void store_addendum(Parse *parse, const Shape *shape) {
  RecordBlock *block = parse->block;
  if (!begin_addendum(parse) || record_block_fault(block, block->count - 1))
    return;
  for (guint f = 0; f < shape->n_fields; f++) {
    const LayoutField *field = &shape->fields[f];
    Cell cell;
    char *reason = NULL;
    Fault fault = read_field(parse, shape, f, &cell, &reason);
    block->count--;
    gboolean fits = fault || put_addendum_value(parse, field);
    block->count++;
    if (!fits) {
      fault = FAULT_LONG;
      reason = g_strdup_printf("%s: longer than the line limit, with what stands before it", field->conf->name);
    }
    if (fault) {
      refuse_record(parse, (gint)field->column, fault, reason);
      return;
    }
  }
  block->columns[parse->layout->last_line_column].integers[block->count - 1] = (gint64)parse->state->chunk.lines;
}

/* --- Remarks, and headers and trailers of groups */

static void tell(GroupNow *now, const RecordBlock *block, gboolean is_open) {
  if (!now->is_told)
    now->as_before = block->count;
  now->is_told = TRUE;
  now->is_open = is_open;
}

/* Where the numbers of its fields are to be written. */
static GroupNumber *begin_group_line(Parse *parse, guint group, guint n_fields) {
  const Layout *layout = parse->layout;
  ChunkState *state = parse->state;
  gboolean is_header = parse->kind == layout_group_header(layout, group);
  GroupLine line = {.kind = parse->kind,
                    .record = parse->block->count,
                    .line = state->chunk.lines,
                    .passed_over = state->chunk.passed_over,
                    .numbers = state->numbers->len,
                    .beside = state->counts->len};
  g_array_append_val(state->group_lines, line);
  if (layout->n_addenda + layout->n_remarks > 0)
    g_array_append_vals(state->counts, state->beside, layout->n_addenda + layout->n_remarks);
  g_array_set_size(state->numbers, line.numbers + n_fields);
  GroupNumber *numbers = &g_array_index(state->numbers, GroupNumber, line.numbers);
  memset(numbers, 0, n_fields * sizeof *numbers);
  for (guint g = group; g < layout->n_groups; g++) /* the groups within end with it */
    tell(&state->now[g], parse->block, is_header && g == group);
  if (!is_header)
    return numbers;
  state->now[group].line = line.line;
  for (guint i = 0; i < layout->shapes[parse->kind].n_fields; i++)
    state->now[group].values[i].is_null = TRUE;
  return numbers;
}

static void keep_header_value(Parse *parse, guint group, guint f) {
  GroupValue *kept = &parse->state->now[group].values[f];
  const Value *value = &parse->state->value;
  kept->is_null = value->is_null;
  kept->integer = value->is_null ? 0 : value->integer;
  g_byte_array_set_size(kept->text, 0);
  if (!value->is_null && !value_is_integer(parse->layout->shapes[parse->kind].fields[f].conf))
    g_byte_array_append(kept->text, value->text, (guint)value->length);
}

static void sign_numbers(Parse *parse, const Shape *shape, guint f, const Cell *sign, GroupNumber *numbers) {
  gint group = layout_group_of(parse->layout, parse->kind);
  const LayoutField *field = &shape->fields[f];
  if (!numbers[f].is_known)
    return;
  numbers[f].integer = value_signed(field, numbers[f].integer, sign->at, sign->length);
  if (parse->kind == layout_group_header(parse->layout, (guint)group))
    parse->state->now[group].values[f].integer = numbers[f].integer;
}

static void check_header_text(Parse *parse, guint group, const Shape *shape) {
  gsize length = 0;
  GroupValue *values = parse->state->now[group].values;
  for (guint f = 0; f < shape->n_fields; f++)
    length += values[f].text->len;
  if (length <= MOST_HEADER_TEXT)
    return;
  parse_line_problem(parse, FAULT_LONG, "more than 1,024 bytes of text, which each record of the group would have");
  for (guint f = 0; f < shape->n_fields; f++)
    values[f].is_null = TRUE;
}

/* Its fields; of a group's, the numbers are kept, and of a header all values. */
static void read_fields(Parse *parse, const Shape *shape, gint group, GroupNumber *numbers) {
  gboolean is_header = group >= 0 && parse->kind == layout_group_header(parse->layout, (guint)group);
  for (guint f = 0; f < shape->n_fields; f++) {
    Cell cell;
    g_autofree char *reason = NULL;
    Fault fault = read_field(parse, shape, f, &cell, &reason);
    if (fault) {
      parse_line_problem(parse, fault, reason);
      continue;
    }
    const Value *value = &parse->state->value;
    if (group >= 0)
      numbers[f] = (GroupNumber){value->integer, !value->is_null && value_is_integer(shape->fields[f].conf)};
    if (is_header)
      keep_header_value(parse, (guint)group, f);
  }
  for (guint f = 0; group >= 0 && shape->n_signed > 0 && f < shape->n_fields; f++) {
    Cell sign;
    if (shape->fields[f].sign > 0 && !cut(parse, shape, shape->fields[f].sign - 1, &sign))
      sign_numbers(parse, shape, f, &sign, numbers);
  }
  if (is_header)
    check_header_text(parse, (guint)group, shape);
}

static GroupNumber *begin_line(Parse *parse, guint n_fields) {
  ChunkState *state = parse->state;
  gint group = layout_group_of(parse->layout, parse->kind);
  state->may_have_addenda = FALSE;
  note_outer(state);
  if (group >= 0)
    return begin_group_line(parse, (guint)group, n_fields);
  state->beside[parse->kind - parse->layout->first_outer]++;
  return NULL;
}

void outer_store(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  if (!parse->layout->is_fixed && !parse_fit_cells(parse, shape)) {
    outer_refuse(parse, FAULT_FIELDS, parse_count_reason(parse, shape));
  } else if (layout_is_addendum(parse->layout, parse->kind)) {
    store_addendum(parse, shape);
  } else {
    GroupNumber *numbers = begin_line(parse, shape->n_fields);
    read_fields(parse, shape, layout_group_of(parse->layout, parse->kind), numbers);
  }
}

void outer_refuse(Parse *parse, Fault fault, char *reason) {
  if (!layout_is_addendum(parse->layout, parse->kind)) {
    begin_line(parse, parse->layout->shapes[parse->kind].n_fields);
    parse_line_problem(parse, fault, reason);
  } else if (begin_addendum(parse)) {
    refuse_record(parse, -1, fault, g_steal_pointer(&reason));
  }
  g_free(reason);
}
