#include "gateway/replay/picks.h"
#include <string.h>

struct Picks {
  guint keep;
  GHashTable *cells; /* "scenario\nchannel" → PickCell */
};

static void pick_free(gpointer pick) {
  g_free(((Pick *)pick)->id);
  g_free(((Pick *)pick)->fields);
  g_free(pick);
}

static void cell_free(gpointer data) {
  PickCell *cell = data;
  g_free(cell->scenario);
  g_free(cell->channel);
  g_ptr_array_unref(cell->picks);
  g_free(cell);
}

Picks *picks_new(guint keep) {
  Picks *picks = g_new0(Picks, 1);
  picks->keep = keep;
  picks->cells = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, cell_free);
  return picks;
}

void picks_free(Picks *picks) {
  if (!picks)
    return;
  g_hash_table_unref(picks->cells);
  g_free(picks);
}

PickCell *picks_cell(Picks *picks, const char *scenario, const char *channel) {
  g_autofree char *name = g_strdup_printf("%s\n%s", scenario, channel);
  PickCell *cell = g_hash_table_lookup(picks->cells, name);
  if (cell)
    return cell;
  cell = g_new0(PickCell, 1);
  cell->scenario = g_strdup(scenario);
  cell->channel = g_strdup(channel);
  cell->picks = g_ptr_array_new_with_free_func(pick_free);
  g_hash_table_insert(picks->cells, g_steal_pointer(&name), cell);
  return cell;
}

/* The place of the first that is not smaller. */
static guint place_of(const PickCell *cell, const char *id) {
  guint low = 0, high = cell->picks->len;
  while (low < high) {
    guint middle = (low + high) / 2;
    if (strcmp(((const Pick *)cell->picks->pdata[middle])->id, id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

gboolean picks_wants(const Picks *picks, const PickCell *cell, const char *id) {
  guint n = cell->picks->len, place;
  if (n >= picks->keep && strcmp(id, ((const Pick *)cell->picks->pdata[n - 1])->id) >= 0)
    return FALSE;
  place = place_of(cell, id);
  return place == n || strcmp(((const Pick *)cell->picks->pdata[place])->id, id) != 0;
}

void picks_take(Picks *picks, PickCell *cell, const char *id, char *fields, guint64 line) {
  Pick *pick = g_new(Pick, 1);
  *pick = (Pick){g_strdup(id), fields, line};
  g_ptr_array_insert(cell->picks, (gint)place_of(cell, id), pick);
  if (cell->picks->len > picks->keep)
    g_ptr_array_set_size(cell->picks, (gint)picks->keep);
}

GPtrArray *picks_cells(const Picks *picks) {
  GPtrArray *cells = g_ptr_array_new();
  GHashTableIter each;
  gpointer cell;
  g_hash_table_iter_init(&each, picks->cells);
  while (g_hash_table_iter_next(&each, NULL, &cell))
    g_ptr_array_add(cells, cell);
  return cells;
}
