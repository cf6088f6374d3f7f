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
  state->unreadable = g_new0(guint64, layout->n_sums + 1);
  state->value.room = g_byte_array_new();
  return &state->chunk;
}

void layout_line_free(LayoutLine *line) {
  if (!line)
    return;
  g_ptr_array_unref(line->values);
  g_free(line);
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
  g_free(state->types);
  g_free(state->unreadable);
  g_free(state);
}

static void add_lines(guint64 *line, guint64 lines_before) {
  if (*line > 0)
    *line += lines_before;
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
  if (chunk->header)
    chunk->header->line += lines_before;
  if (chunk->trailer)
    chunk->trailer->line += lines_before;
}
