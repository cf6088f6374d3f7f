#include "store/block.h"
#include <string.h>

static void clear_fault(gpointer fault) {
  g_free(((BlockFault *)fault)->reason);
}

RecordBlock *record_block_new(guint capacity, const BlockType *types, guint n_columns) {
  RecordBlock *block = g_new0(RecordBlock, 1);
  block->capacity = capacity;
  block->lines = g_new(guint64, capacity);
  block->n_columns = n_columns;
  block->columns = g_new0(BlockColumn, n_columns);
  block->faults = g_array_new(FALSE, FALSE, sizeof(BlockFault));
  g_array_set_clear_func(block->faults, clear_fault);
  for (guint i = 0; i < n_columns; i++) {
    BlockColumn *column = &block->columns[i];
    column->type = types[i];
    column->nulls = g_new(guint8, capacity);
    if (column->type == BLOCK_INTEGER) {
      column->integers = g_new(gint64, capacity);
      continue;
    }
    column->ends = g_new(guint32, capacity);
    column->bytes_capacity = 64;
    column->bytes = g_malloc(column->bytes_capacity); /* so that a text is never a null pointer */
  }
  return block;
}

void record_block_free(RecordBlock *block) {
  if (!block)
    return;
  for (guint i = 0; i < block->n_columns; i++) {
    g_free(block->columns[i].integers);
    g_free(block->columns[i].ends);
    g_free(block->columns[i].bytes);
    g_free(block->columns[i].nulls);
  }
  g_free(block->columns);
  g_free(block->lines);
  g_array_unref(block->faults);
  g_free(block);
}

void record_block_clear(RecordBlock *block) {
  block->first = 0;
  block->count = 0;
  block->text_bytes = 0;
  g_array_set_size(block->faults, 0);
}

static inline guint32 text_start(const BlockColumn *column, guint record) {
  return record ? column->ends[record - 1] : 0;
}

static inline void set_null(BlockColumn *column, guint record) {
  column->nulls[record] = 1;
  if (column->type == BLOCK_INTEGER)
    column->integers[record] = 0;
  else
    column->ends[record] = text_start(column, record);
}

guint record_block_begin(RecordBlock *block, guint64 line) {
  guint record = block->count;
  g_return_val_if_fail(record < block->capacity, record);
  block->lines[record] = line;
  for (guint i = 0; i < block->n_columns; i++)
    set_null(&block->columns[i], record);
  return record;
}

static void grow(BlockColumn *column, gsize needed) {
  gsize capacity = MAX(column->bytes_capacity * 2, MAX(needed, 4096));
  column->bytes = g_realloc(column->bytes, capacity);
  column->bytes_capacity = capacity;
}

void record_block_put_text(RecordBlock *block, guint index, const void *bytes, gsize length) {
  BlockColumn *column = &block->columns[index];
  guint record = block->count;
  guint32 start = text_start(column, record);
  gsize end = start + length;
  g_assert(column->type == BLOCK_TEXT && end <= G_MAXUINT32);
  if (G_UNLIKELY(end > column->bytes_capacity))
    grow(column, end);
  if (length)
    memcpy(column->bytes + start, bytes, length);
  column->ends[record] = (guint32)end;
  column->nulls[record] = 0;
}

void record_block_append_text(RecordBlock *block, guint index, const void *bytes, gsize length) {
  BlockColumn *column = &block->columns[index];
  gsize start = column->ends[block->count], end = start + length;
  g_assert(column->type == BLOCK_TEXT && end <= G_MAXUINT32);
  if (end > column->bytes_capacity)
    grow(column, end);
  if (length)
    memcpy(column->bytes + start, bytes, length);
  column->ends[block->count] = (guint32)end;
}

void record_block_put_integer(RecordBlock *block, guint index, gint64 value) {
  BlockColumn *column = &block->columns[index];
  g_assert(column->type == BLOCK_INTEGER);
  column->integers[block->count] = value;
  column->nulls[block->count] = 0;
}

void record_block_put_null(RecordBlock *block, guint index) {
  set_null(&block->columns[index], block->count);
}

void record_block_end(RecordBlock *block) {
  guint record = block->count++;
  for (guint i = 0; i < block->n_columns; i++)
    if (block->columns[i].type == BLOCK_TEXT)
      block->text_bytes += block->columns[i].ends[record] - text_start(&block->columns[i], record);
}

void record_block_end_faulty(RecordBlock *block, gint field, const char *code, char *reason) {
  guint record = block->count++;
  for (guint i = 0; i < block->n_columns; i++)
    set_null(&block->columns[i], record);
  record_block_add_fault(block, record, field, code, reason);
}

void record_block_add_fault(RecordBlock *block, guint record, gint field, const char *code, char *reason) {
  BlockFault fault = {.record = record, .field = (gint16)field, .reason = reason};
  g_strlcpy(fault.code, code, sizeof fault.code);
  g_array_append_val(block->faults, fault);
}

void record_block_fill_integer(RecordBlock *block, guint index, guint n, gint64 value) {
  BlockColumn *column = &block->columns[index];
  for (guint i = 0; i < n; i++) {
    column->integers[i] = value;
    column->nulls[i] = 0;
  }
}

void record_block_fill_text(RecordBlock *block, guint index, guint n, const void *bytes, gsize length) {
  BlockColumn *column = &block->columns[index];
  gsize more = n * length, used = block->count > 0 ? column->ends[block->count - 1] : 0;
  g_assert(column->type == BLOCK_TEXT && used + more <= G_MAXUINT32);
  if (used + more > column->bytes_capacity)
    grow(column, used + more);
  memmove(column->bytes + more, column->bytes, used);
  guint32 end = 0;
  for (guint i = 0; i < n; i++) {
    if (length > 0)
      memcpy(column->bytes + end, bytes, length);
    end += (guint32)length;
    column->ends[i] = end;
    column->nulls[i] = 0;
  }
  for (guint i = n; i < block->count; i++)
    column->ends[i] += (guint32)more;
  block->text_bytes += more;
}

const BlockFault *record_block_fault(const RecordBlock *block, guint record) {
  guint low = 0, high = block->faults->len;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    const BlockFault *fault = &g_array_index(block->faults, BlockFault, middle);
    if (fault->record == record)
      return fault;
    if (fault->record < record)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}
