/* What an engine says of how it would read a piece. PostgreSQL sorts a small table also where there is an index, as it
 * is cheaper so: it counts where it reckons with many rows. Sorting what is in order by the first columns already
 * ("Incremental Sort", "RIGHT PART OF ORDER BY") is no walk over all rows. */
#include "store/outside/outside_private.h"
#include "store/outside/pieces_private.h"
#include <string.h>

enum { PLAN_ROWS = 64, MANY_ROWS = 10000 };

static gboolean sqlite_sorts(const char *line) {
  return strstr(line, "USE TEMP B-TREE FOR ORDER BY") != NULL;
}

static gboolean postgresql_sorts(const char *line) {
  const char *sort = strstr(line, "Sort "), *rows = sort ? strstr(sort, "rows=") : NULL;
  return rows && !strstr(line, "Incremental") && g_ascii_strtoull(rows + strlen("rows="), NULL, 10) >= MANY_ROWS;
}

static const struct {
  const char *explain;
  gboolean (*sorts)(const char *line);
} plans[OUTSIDE_N_ENGINES] = {
    [OUTSIDE_SQLITE] = {"EXPLAIN QUERY PLAN ", sqlite_sorts},
    [OUTSIDE_POSTGRESQL] = {"EXPLAIN ", postgresql_sorts},
};

static gboolean look_through(const RecordBlock *block, gboolean (*sorts)(const char *line)) {
  for (guint i = 0; i < block->n_columns; i++)
    for (guint j = 0; block->columns[i].type == BLOCK_TEXT && j < block->count; j++) {
      gsize length;
      const char *text = record_block_text(block, i, j, &length);
      g_autofree char *line = g_strndup(text, length);
      if (sorts(line))
        return TRUE;
    }
  return FALSE;
}

gboolean outside_pieces_sorts(const OutsidePiece *piece, gboolean *sorts, GError **error) {
  const char *explain = plans[piece->query.engine].explain;
  *sorts = FALSE;
  if (!explain || !piece->cursor)
    return TRUE;
  OutsideText text = outside_text_new();
  outside_text_make(&text, OUTSIDE_TEXT_PIECE, piece, NULL, NULL);
  g_string_prepend(text.sql, explain);
  OutsideQuery query = piece->query;
  query.query = text.sql->str;
  query.most = piece->rows ? piece->rows + 1 : 0;
  g_autoptr(Outside) outside = outside_open(&query, error);
  outside_text_clear(&text);
  if (!outside)
    return FALSE;
  g_autofree BlockType *types = g_new0(BlockType, outside->n);
  for (guint i = 0; i < outside->n; i++)
    types[i] = outside->columns[i].type;
  g_autoptr(RecordBlock) plan = record_block_new(PLAN_ROWS, types, outside->n);
  if (!outside_fill(outside, plan, error))
    return FALSE;
  *sorts = look_through(plan, plans[piece->query.engine].sorts);
  return TRUE;
}
