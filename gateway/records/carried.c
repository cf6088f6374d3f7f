/* What a record has from its groups and addenda: columns that are put when it ends. Of the group that a chunk begins
 * in, nothing is known before the chunks before it are: its part is filled in later. */
#include "gateway/records/parse.h"

static void put_group(Parse *parse, guint group) {
  const Layout *layout = parse->layout;
  const GroupNow *now = &parse->state->now[group];
  guint column = (guint)layout->group_column[group], n = layout->shapes[layout_group_header(layout, group)].n_fields;
  for (guint i = 0; !now->is_open && i <= n; i++) /* what it began in is put when it is known: layout_totals_add */
    record_block_put_null(parse->block, column + i);
  if (!now->is_open)
    return;
  record_block_put_integer(parse->block, column++, (gint64)now->line);
  for (guint i = 0; i < n; i++) {
    const GroupValue *value = &now->values[i];
    if (value->is_null)
      record_block_put_null(parse->block, column + i);
    else if (parse->block->columns[column + i].type == BLOCK_INTEGER)
      record_block_put_integer(parse->block, column + i, value->integer);
    else
      record_block_put_text(parse->block, column + i, value->text->data, value->text->len);
  }
}

void outer_keep_groups(Parse *parse) {
  parse->block->count--;
  for (guint g = 0; g < parse->layout->n_groups; g++)
    put_group(parse, g);
  parse->block->count++;
}

void outer_end_record(Parse *parse) {
  const Layout *layout = parse->layout;
  parse->state->may_have_addenda = TRUE;
  parse->state->n_addenda = 0;
  for (guint g = 0; g < layout->n_groups; g++)
    put_group(parse, g);
  if (layout->n_addenda == 0)
    return;
  for (gint i = layout->first_addenda_column; i < layout->last_line_column; i++)
    record_block_put_null(parse->block, (guint)i);
  record_block_put_integer(parse->block, (guint)layout->last_line_column, (gint64)parse->state->chunk.lines);
}

/* Puts what the chunk's first records have from the group that it began in. */
void outer_fill(LayoutChunk *chunk, guint group, const GroupNow *before) {
  ChunkState *state = layout_chunk_state(chunk);
  const Layout *layout = state->layout;
  const GroupNow *now = &state->now[group];
  guint n = now->is_told ? now->as_before : chunk->block->count, column = (guint)layout->group_column[group];
  if (n == 0 || !before->is_open)
    return;
  record_block_fill_integer(chunk->block, column++, n, (gint64)before->line);
  for (guint i = 0; i < layout->shapes[layout_group_header(layout, group)].n_fields; i++, column++) {
    const GroupValue *value = &before->values[i];
    if (value->is_null)
      continue;
    if (chunk->block->columns[column].type == BLOCK_INTEGER)
      record_block_fill_integer(chunk->block, column, n, value->integer);
    else
      record_block_fill_text(chunk->block, column, n, value->text->data, value->text->len);
  }
}
