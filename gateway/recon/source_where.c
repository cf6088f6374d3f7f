/* Records that hold a condition: the inner source's records as blocks of its columns, under one rule in the sandbox of
 * store/rules.h. As in SQL's WHERE, a condition that is NULL is not held. */
#include "gateway/recon/source.h"
#include "store/rules.h"
#include <string.h>

enum { BLOCK_RECORDS = 4096 };

typedef struct {
  ReconSource source;
  ReconSource *inner;
  RuleSet *rules;
  const ReconBatch *from; /* the inner source's, of which `taken` are done */
  guint taken, first;     /* first: of the inner batch's entries, the one that is the block's first */
  RecordBlock *block;
  guint8 *broken;
  ReconPiece piece;
  ReconBatch batch;
  GArray *entries;
} WhereSource;

static void note_broken(gpointer user, guint record, guint64 rules) {
  (void)rules;
  ((guint8 *)user)[record] = 1;
}

static gboolean filter(WhereSource *where, GError **error) {
  record_block_clear(where->block);
  where->first = where->taken;
  where->taken += recon_block_take(where->inner, where->from, where->taken, where->block);
  memset(where->broken, 0, BLOCK_RECORDS);
  g_array_set_size(where->entries, 0);
  if (!rule_set_run(where->rules, where->block, note_broken, where->broken, error))
    return FALSE;
  for (guint i = 0; i < where->block->count; i++) {
    ReconEntry entry = {0, i};
    if (!where->broken[i])
      g_array_append_val(where->entries, entry);
  }
  return TRUE;
}

static gboolean where_next(ReconSource *source, const ReconBatch **batch, GError **error) {
  WhereSource *where = (WhereSource *)source;
  *batch = NULL;
  do {
    if (!where->from || where->taken == where->from->n) {
      where->taken = 0;
      if (!where->inner->next(where->inner, &where->from, error))
        return FALSE;
      if (!where->from)
        return TRUE;
    }
    if (!filter(where, error))
      return FALSE;
  } while (where->entries->len == 0);
  where->batch = (ReconBatch){.pieces = &where->piece,
                              .n_pieces = 1,
                              .entries = (const ReconEntry *)(const void *)where->entries->data,
                              .n = where->entries->len};
  *batch = &where->batch;
  return TRUE;
}

/* The inner batch is still the one that the block was taken from. */
static char *where_position(const ReconSource *source, guint entry) {
  const WhereSource *where = (const WhereSource *)source;
  return where->inner->position(where->inner, where->first + where->batch.entries[entry].record);
}

static void where_close(ReconSource *source) {
  WhereSource *where = (WhereSource *)source;
  recon_source_close(where->inner);
  rule_set_free(where->rules);
  record_block_free(where->block);
  g_array_unref(where->entries);
  g_free(where->broken);
  g_free(where->piece.cells);
  g_free(where);
}

ReconSource *recon_source_where(ReconSource *inner, const char *condition, GError **error) {
  Rule rule = {.name = "where", .check = condition, .code = ""};
  WhereSource *where = g_new0(WhereSource, 1);
  where->inner = inner;
  where->source = (ReconSource){.columns = inner->columns,
                                .n_columns = inner->n_columns,
                                .next = where_next,
                                .position = where_position,
                                .close = where_close};
  where->entries = g_array_new(FALSE, FALSE, sizeof(ReconEntry));
  where->broken = g_new0(guint8, BLOCK_RECORDS);
  where->block = recon_block_new(inner, BLOCK_RECORDS);
  where->piece = (ReconPiece){where->block, g_new0(ReconCell, inner->n_columns)};
  for (guint i = 0; i < inner->n_columns; i++)
    where->piece.cells[i].column = (gint)i;
  where->rules = rule_set_new(&rule, 1, inner->columns, inner->n_columns, NULL, 0, error);
  if (where->rules)
    return &where->source;
  where_close(&where->source);
  return NULL;
}
