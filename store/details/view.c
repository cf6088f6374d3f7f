/* Blocks of details, and the texts beside them, as they are read. */
#include "store/details/details_private.h"
#include "store/details/queries.sql.h"
#include "store/staging/block_codec.h"
#include <string.h>

static const BlockType own_types[DETAIL_COLUMNS] = {
    [DETAIL_KEY] = BLOCK_TEXT,        [DETAIL_ACCOUNT] = BLOCK_TEXT,     [DETAIL_AT] = BLOCK_INTEGER,
    [DETAIL_STATUS] = BLOCK_INTEGER,  [DETAIL_SETTLES] = BLOCK_INTEGER,  [DETAIL_CODE] = BLOCK_TEXT,
    [DETAIL_QUANTITY] = BLOCK_INTEGER, [DETAIL_BILLED] = BLOCK_INTEGER,  [DETAIL_PERIOD] = BLOCK_TEXT,
    [DETAIL_COUNTER] = BLOCK_INTEGER, [DETAIL_AMOUNT] = BLOCK_INTEGER,   [DETAIL_STEPS] = BLOCK_TEXT,
    [DETAIL_ROWS] = BLOCK_TEXT};

/* --- Shapes: a line for each column: t NAME, or i SCALE NAME. */

char *details_shape(const StagingColumn *columns, guint n_columns) {
  GString *shape = g_string_new(NULL);
  for (guint i = 0; i < n_columns; i++)
    if (columns[i].type == BLOCK_TEXT)
      g_string_append_printf(shape, "t %s\n", columns[i].name);
    else
      g_string_append_printf(shape, "i %u %s\n", columns[i].scale, columns[i].name);
  return g_string_free(shape, FALSE);
}

StagingColumn *details_shape_columns(const char *shape, guint *n_columns) {
  g_auto(GStrv) lines = g_strsplit(shape, "\n", -1);
  StagingColumn *columns = g_new0(StagingColumn, g_strv_length(lines) + 1);
  *n_columns = 0;
  for (char **line = lines; *line && **line; line++) {
    char *at = *line + 1;
    StagingColumn *column = &columns[(*n_columns)++];
    column->type = **line == 'i' ? BLOCK_INTEGER : BLOCK_TEXT;
    column->scale = **line == 'i' ? (guint)g_ascii_strtoull(at, &at, 10) : 0;
    column->name = g_strdup(*at == ' ' ? at + 1 : at);
  }
  return columns;
}

void details_shape_free(StagingColumn *columns, guint n_columns) {
  for (guint i = 0; columns && i < n_columns; i++)
    g_free((char *)(gpointer)(guintptr)columns[i].name);
  g_free(columns);
}

RecordBlock *details_block_new(const char *shape, guint capacity) {
  guint n;
  StagingColumn *columns = details_shape_columns(shape, &n);
  g_autofree BlockType *types = g_new(BlockType, DETAIL_COLUMNS + n);
  memcpy(types, own_types, sizeof own_types);
  for (guint i = 0; i < n; i++)
    types[DETAIL_COLUMNS + i] = columns[i].type;
  details_shape_free(columns, n);
  return record_block_new(capacity, types, DETAIL_COLUMNS + n);
}

/* --- A view */

void detail_view_init(DetailView *view, Db *db, guint shard) {
  *view = (DetailView){.db = db, .shard = shard};
}

void detail_view_clear(DetailView *view) {
  g_clear_pointer(&view->block_of, db_statement_free);
  g_clear_pointer(&view->block, record_block_free);
  g_clear_pointer(&view->shape, g_free);
  g_clear_pointer(&view->file, g_free);
  g_clear_pointer(&view->terms, g_free);
}

enum { ROW_FIRST, ROW_ADMISSION, ROW_AT, ROW_FILE, ROW_COUNT, ROW_RATED, ROW_AMOUNT, ROW_BLOCK, ROW_SHAPE, ROW_TERMS };

static void keep(char **text, DbStatement *row, guint column) {
  const char *now = db_text(row, column);
  if (g_strcmp0(*text, now) == 0)
    return;
  g_free(*text);
  *text = g_strdup(now ? now : "");
}

gboolean detail_view_take(DetailView *view, DbStatement *row, GError **error) {
  gsize length;
  const char *shape = db_text(row, ROW_SHAPE);
  if (!view->block || g_strcmp0(view->shape, shape) != 0) {
    g_clear_pointer(&view->block, record_block_free);
    view->block = details_block_new(shape ? shape : "", DETAILS_BLOCK);
  }
  keep(&view->shape, row, ROW_SHAPE);
  keep(&view->file, row, ROW_FILE);
  keep(&view->terms, row, ROW_TERMS);
  view->first = db_integer(row, ROW_FIRST);
  view->admission = db_integer(row, ROW_ADMISSION);
  view->at = db_integer(row, ROW_AT);
  view->count = (guint)db_integer(row, ROW_COUNT);
  view->rated = (guint)db_integer(row, ROW_RATED);
  view->amount = db_integer(row, ROW_AMOUNT);
  const void *bytes = db_bytes(row, ROW_BLOCK, &length);
  record_block_clear(view->block);
  if (!db_row_whole(row, error))
    return FALSE;
  if (view->count <= DETAILS_BLOCK && block_encoded_count(bytes, length) == view->count &&
      block_decode(bytes, length, 0, view->count, view->block, error))
    return TRUE;
  g_clear_pointer(&view->block, record_block_free);
  g_clear_error(error);
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "shard %u: the block of detail %" G_GINT64_FORMAT
                             " is damaged",
                             view->shard, view->first);
}

gboolean detail_view_load(DetailView *view, gint64 number, GError **error) {
  gboolean row;
  if (view->block && view->first <= number && number < view->first + view->count)
    return TRUE;
  if (!view->block_of && !(view->block_of = db_prepare_named(view->db, details_queries_sql, "block-of", error)))
    return FALSE;
  db_bind(view->block_of, "i", number);
  if (!db_step(view->block_of, &row, error))
    return FALSE;
  gboolean ok = !row || detail_view_take(view, view->block_of, error);
  db_reset(view->block_of);
  if (ok && row && number < view->first + view->count)
    return TRUE;
  return ok ? sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "shard %u: detail %" G_GINT64_FORMAT " is missing",
                                  view->shard, number)
            : FALSE;
}

Detail detail_view_detail(const DetailView *view, guint index) {
  return (Detail){.shard = view->shard,
                  .number = view->first + index,
                  .admission = view->admission,
                  .admitted_at = view->at,
                  .file = view->file,
                  .shape = view->shape,
                  .terms = view->terms,
                  .block = view->block,
                  .index = index};
}

gboolean detail_has_key(const DetailView *view, guint index, const char *key, gsize length) {
  gsize own_length;
  const char *own = record_block_text(view->block, DETAIL_KEY, index, &own_length);
  return own_length == length && memcmp(own, key, length) == 0;
}

gboolean detail_fate(const DetailView *view, guint index, DbStatement *settled_by, gint64 through, gint64 *by,
                     GError **error) {
  gboolean row;
  *by = view->first + index;
  if (record_block_integer(view->block, DETAIL_STATUS, index) != DETAIL_SUSPENDED)
    return TRUE;
  db_bind(settled_by, "i", *by);
  if (!db_step(settled_by, &row, error))
    return FALSE;
  gint64 in = row ? db_integer(settled_by, 1) : 0; /* 0: it waits */
  if (in > 0 && in <= through)
    *by = db_integer(settled_by, 0);
  db_reset(settled_by);
  return TRUE;
}
