#include "gateway/recon/source.h"
#include <string.h>

int recon_source_column(const ReconSource *source, const char *name) {
  for (guint i = 0; i < source->n_columns; i++)
    if (strcmp(source->columns[i].name, name) == 0)
      return (int)i;
  return -1;
}

RecordBlock *recon_block_new(const ReconSource *source, guint capacity) {
  g_autofree BlockType *types = g_new(BlockType, source->n_columns);
  for (guint i = 0; i < source->n_columns; i++)
    types[i] = source->columns[i].type;
  return record_block_new(capacity, types, source->n_columns);
}

static void take_cell(const ReconPiece *piece, const ReconCell *cell, guint record, guint column, RecordBlock *into) {
  gsize length = cell->length;
  const char *text = cell->text;
  if (cell->column == RECON_CELL_LINE) {
    record_block_put_integer(into, column, (gint64)piece->block->lines[record]);
    return;
  }
  if (cell->column >= 0 && record_block_is_null(piece->block, (guint)cell->column, record))
    return;
  if (cell->column >= 0 && into->columns[column].type == BLOCK_INTEGER) {
    record_block_put_integer(into, column, record_block_integer(piece->block, (guint)cell->column, record));
    return;
  }
  if (cell->column >= 0)
    text = record_block_text(piece->block, (guint)cell->column, record, &length);
  if (!text)
    return;
  if (into->columns[column].type == BLOCK_INTEGER)
    record_block_put_integer(into, column,
                             g_ascii_strtoll(text, NULL, 10)); /* a constant number of ours, as the batch's */
  else
    record_block_put_text(into, column, text, length);
}

guint recon_block_take(const ReconSource *source, const ReconBatch *batch, guint from, RecordBlock *into) {
  guint at = from;
  for (; at < batch->n && record_block_has_room(into); at++) {
    const ReconEntry *entry = &batch->entries[at];
    const ReconPiece *piece = &batch->pieces[entry->piece];
    record_block_begin(into, piece->block->lines[entry->record]);
    for (guint i = 0; i < source->n_columns; i++)
      take_cell(piece, &piece->cells[i], entry->record, i, into);
    record_block_end(into);
  }
  return at - from;
}

static const char *const of_ledger[] = {"key",  "account", "amount",    "business_date", "file", "name",
                                        "line", "batch",   "posted_at", "feed",          NULL};
static const char *const of_files[] = {
    "file",     "name",       "feed",   "state",           "business_date",   "seen_at",          "records", "accepted",
    "rejected", "duplicates", "amount", "amount_accepted", "amount_rejected", "amount_duplicate", "size",    "sha256",
    "code",     "reason",     NULL};
static const char *const of_records[] = {"file", "name", "feed",    "business_date", "line", "outcome",
                                         "code", "key",  "account", "amount",        NULL};

const char *const *recon_source_names(ConfReadFrom from) {
  return from == CONF_READ_LEDGER    ? of_ledger
         : from == CONF_READ_FILES   ? of_files
         : from == CONF_READ_RECORDS ? of_records
                                     : NULL;
}
