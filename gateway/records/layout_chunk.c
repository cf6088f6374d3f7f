#include "gateway/records/layout_chunk.h"
#include <string.h>

static void free_problem(gpointer data) {
  LayoutProblem *problem = data;
  g_free(problem->reason);
  g_free(problem);
}

static RecordBlock *new_block(const Layout *layout, guint capacity) {
  guint n = layout->n_staged;
  g_autofree BlockType *types = g_new(BlockType, n);
  for (guint i = 0; i < n; i++)
    types[i] = layout->columns[i].type;
  return record_block_new(capacity, types, n);
}

GroupNow *groups_now_new(const Layout *layout) {
  GroupNow *now = g_new0(GroupNow, layout->n_groups + 1);
  for (guint g = 0; g < layout->n_groups; g++) {
    guint n = layout->shapes[layout_group_header(layout, g)].n_fields;
    now[g].values = g_new0(GroupValue, n);
    for (guint i = 0; i < n; i++)
      now[g].values[i] = (GroupValue){.is_null = TRUE, .text = g_byte_array_new()};
  }
  return now;
}

void groups_now_free(const Layout *layout, GroupNow *now) {
  for (guint g = 0; g < layout->n_groups; g++) {
    for (guint i = 0; i < layout->shapes[layout_group_header(layout, g)].n_fields; i++)
      g_byte_array_unref(now[g].values[i].text);
    g_free(now[g].values);
  }
  g_free(now);
}

void group_now_copy(const Layout *layout, guint group, GroupNow *into, const GroupNow *from) {
  into->is_open = from->is_open;
  into->line = from->line;
  for (guint i = 0; from->is_open && i < layout->shapes[layout_group_header(layout, group)].n_fields; i++) {
    const GroupValue *value = &from->values[i];
    into->values[i].is_null = value->is_null;
    into->values[i].integer = value->integer;
    g_byte_array_set_size(into->values[i].text, 0);
    g_byte_array_append(into->values[i].text, value->text->data, value->text->len);
  }
}

LayoutChunk *layout_chunk_new(const Layout *layout) {
  ChunkState *state = g_new0(ChunkState, 1);
  state->layout = layout;
  state->chunk.block = new_block(layout, LAYOUT_CHUNK_LINES);
  state->chunk.problems = g_ptr_array_new_with_free_func(free_problem);
  state->types = layout->n_types > 1 ? g_new(guint8, LAYOUT_CHUNK_LINES) : NULL;
  state->decoder = charset_decoder_new(layout->charset);
  state->converted = g_byte_array_new();
  state->scratch = g_byte_array_new();
  state->positions = g_new0(guint32, layout->most_cells + 1);
  state->cells = g_new0(Cell, layout->most_cells + 1);
  state->ordered = g_new0(Cell, layout->most_cells + 1);
  state->unreadable = g_new0(guint64, layout->n_sums + 1);
  state->value.room = g_byte_array_new();
  state->group_lines = g_array_new(FALSE, FALSE, sizeof(GroupLine));
  state->numbers = g_array_new(FALSE, FALSE, sizeof(GroupNumber));
  state->counts = g_array_new(FALSE, FALSE, sizeof(guint64));
  state->beside = g_new0(guint64, layout->n_addenda + layout->n_remarks + 1);
  state->now = groups_now_new(layout);
  state->addendum_faults = g_array_new(FALSE, FALSE, sizeof(AddendumFault));
  return &state->chunk;
}

void layout_line_free(LayoutLine *line) {
  if (!line)
    return;
  g_ptr_array_unref(line->values);
  g_free(line);
}

static void clear_outer(ChunkState *state) {
  const Layout *layout = state->layout;
  state->may_have_addenda = FALSE;
  state->first_outer = state->last_outer = state->outer_behind = 0;
  g_array_set_size(state->group_lines, 0);
  g_array_set_size(state->numbers, 0);
  g_array_set_size(state->counts, 0);
  g_array_set_size(state->addendum_faults, 0);
  memset(state->beside, 0, (layout->n_addenda + layout->n_remarks) * sizeof *state->beside);
  for (guint g = 0; g < layout->n_groups; g++)
    state->now[g].is_told = state->now[g].is_open = FALSE;
}

void layout_chunk_clear(ChunkState *state) {
  record_block_clear(state->chunk.block);
  g_clear_pointer(&state->chunk.header, layout_line_free);
  g_clear_pointer(&state->chunk.trailer, layout_line_free);
  state->chunk.lines = state->chunk.passed_over = 0;
  state->header_is_first = FALSE;
  g_ptr_array_set_size(state->chunk.problems, 0);
  state->header_line = state->trailer_line = 0;
  memset(state->unreadable, 0, state->layout->n_sums * sizeof *state->unreadable);
  clear_outer(state);
}

void layout_chunk_enlarge(ChunkState *state) {
  guint capacity = state->chunk.block->capacity * 2;
  layout_chunk_clear(state);
  record_block_free(state->chunk.block);
  state->chunk.block = new_block(state->layout, capacity);
  if (state->types)
    state->types = g_renew(guint8, state->types, capacity);
}

void layout_chunk_free(LayoutChunk *chunk) {
  if (!chunk)
    return;
  ChunkState *state = layout_chunk_state(chunk);
  layout_chunk_clear(state);
  record_block_free(chunk->block);
  g_ptr_array_unref(chunk->problems);
  charset_converter_free(state->decoder);
  g_byte_array_unref(state->converted);
  g_byte_array_unref(state->scratch);
  g_byte_array_unref(state->value.room);
  g_free(state->positions);
  g_free(state->cells);
  g_free(state->ordered);
  g_free(state->types);
  g_free(state->unreadable);
  g_array_unref(state->group_lines);
  g_array_unref(state->numbers);
  g_array_unref(state->counts);
  g_free(state->beside);
  groups_now_free(state->layout, state->now);
  g_array_unref(state->addendum_faults);
  g_free(state);
}

static void add_lines(guint64 *line, guint64 lines_before) {
  if (*line > 0)
    *line += lines_before;
}

/* Columns of line numbers: what is null has none. */
static void rebase_column(const RecordBlock *block, gint index, guint64 lines_before) {
  if (index < 0)
    return;
  const BlockColumn *column = &block->columns[index];
  for (guint i = 0; i < block->count; i++)
    column->integers[i] += column->nulls[i] ? 0 : (gint64)lines_before;
}

static void name_addendum(const RecordBlock *block, const AddendumFault *of, guint64 lines_before) {
  BlockFault *fault = &g_array_index(block->faults, BlockFault, of->fault);
  g_autofree char *reason = fault->reason;
  fault->reason =
      g_strdup_printf("line %" G_GUINT64_FORMAT ", an addendum of it: %s", of->line + lines_before, reason);
}

static void rebase_outer(ChunkState *state, guint64 lines_before) {
  const Layout *layout = state->layout;
  for (guint g = 0; g < layout->n_groups; g++) {
    rebase_column(state->chunk.block, layout->group_column[g], lines_before);
    state->now[g].line += lines_before;
  }
  rebase_column(state->chunk.block, layout->last_line_column, lines_before);
  for (guint i = 0; i < state->group_lines->len; i++)
    g_array_index(state->group_lines, GroupLine, i).line += lines_before;
  for (guint i = 0; i < state->addendum_faults->len; i++)
    name_addendum(state->chunk.block, &g_array_index(state->addendum_faults, AddendumFault, i), lines_before);
  g_array_set_size(state->addendum_faults, 0);
  add_lines(&state->first_outer, lines_before);
  add_lines(&state->last_outer, lines_before);
  add_lines(&state->outer_behind, lines_before);
}

void layout_chunk_rebase(LayoutChunk *chunk, guint64 lines_before) {
  ChunkState *state = layout_chunk_state(chunk);
  for (guint i = 0; i < chunk->block->count; i++)
    chunk->block->lines[i] += lines_before;
  for (guint i = 0; i < chunk->problems->len; i++)
    ((LayoutProblem *)chunk->problems->pdata[i])->line += lines_before;
  for (guint i = 0; i < state->layout->n_sums; i++)
    add_lines(&state->unreadable[i], lines_before);
  add_lines(&state->header_line, lines_before);
  add_lines(&state->trailer_line, lines_before);
  rebase_outer(state, lines_before);
  if (chunk->header)
    chunk->header->line += lines_before;
  if (chunk->trailer)
    chunk->trailer->line += lines_before;
}
