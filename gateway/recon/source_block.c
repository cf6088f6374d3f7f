#include "gateway/recon/source_block.h"
#include <string.h>

enum { BLOCK_RECORDS = 4096 };

typedef struct {
  ReconSource source;
  StagingColumn *columns;
  ReconFill fill;
  gpointer user;
  GDestroyNotify free_user;
  RecordBlock *block;
  ReconPiece piece;
  ReconBatch batch;
  GArray *entries;
} BlockSource;

static gboolean block_next(ReconSource *source, const ReconBatch **batch, GError **error) {
  BlockSource *blocks = (BlockSource *)source;
  *batch = NULL;
  record_block_clear(blocks->block);
  if (!blocks->fill(blocks->user, blocks->block, error))
    return FALSE;
  for (guint i = blocks->entries->len; i < blocks->block->count; i++) {
    ReconEntry entry = {0, i};
    g_array_append_val(blocks->entries, entry);
  }
  blocks->batch = (ReconBatch){.pieces = &blocks->piece,
                               .n_pieces = 1,
                               .entries = (const ReconEntry *)(const void *)blocks->entries->data,
                               .n = blocks->block->count};
  *batch = blocks->batch.n ? &blocks->batch : NULL;
  return TRUE;
}

static char *no_position(const ReconSource *source, guint entry) {
  (void)source, (void)entry;
  return g_strdup("");
}

static void block_close(ReconSource *source) {
  BlockSource *blocks = (BlockSource *)source;
  blocks->free_user(blocks->user);
  for (guint i = 0; i < source->n_columns; i++)
    g_free((char *)blocks->columns[i].name);
  g_free(blocks->columns);
  g_free(blocks->piece.cells);
  record_block_free(blocks->block);
  g_array_unref(blocks->entries);
  g_free(blocks);
}

ReconSource *recon_source_of_blocks(const StagingColumn *columns, guint n, ReconFill fill, gpointer user,
                                    GDestroyNotify free_user) {
  BlockSource *blocks = g_new0(BlockSource, 1);
  blocks->columns = g_new0(StagingColumn, n + 1);
  for (guint i = 0; i < n; i++)
    blocks->columns[i] = (StagingColumn){g_strdup(columns[i].name), columns[i].type, columns[i].scale};
  blocks->source = (ReconSource){
      .columns = blocks->columns, .n_columns = n, .next = block_next, .position = no_position, .close = block_close};
  blocks->fill = fill;
  blocks->user = user;
  blocks->free_user = free_user;
  blocks->block = recon_block_new(&blocks->source, BLOCK_RECORDS);
  blocks->piece = (ReconPiece){blocks->block, g_new0(ReconCell, n + 1)};
  for (guint i = 0; i < n; i++)
    blocks->piece.cells[i].column = (gint)i;
  blocks->entries = g_array_new(FALSE, FALSE, sizeof(ReconEntry));
  return &blocks->source;
}

void recon_put_text(RecordBlock *block, guint column, const char *text) {
  if (text)
    record_block_put_text(block, column, text, strlen(text));
}
