#include "gateway/replay/keep.h"
#include "gateway/replay/values.h"

typedef struct {
  const CasesToKeep *to_keep;
  GPtrArray *cases;   /* LibraryCase* */
  GPtrArray *strings; /* theirs */
  CasesKept *kept;
} Keeping;

static const char *own(const Keeping *keeping, char *text) {
  g_ptr_array_add(keeping->strings, text);
  return text;
}

char *case_comes_to(ReplayFeed *feed, const char *fields) {
  g_autoptr(RecordBlock) block = replay_feed_block(feed, 1);
  g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func(g_free);
  gboolean ok = fields_read(feed, fields, block, NULL) && replay_feed_run(feed, block, results, NULL);
  return ok && results->len == 1 ? g_strdup(results->pdata[0]) : NULL;
}

static char *masked_fields(const CasesToKeep *to_keep, const char *fields, gboolean keeps_prefix) {
  g_autoptr(RecordBlock) block = replay_feed_block(to_keep->feed, 1);
  const ValueRecord value = {block, NULL, 0, to_keep->mask_key, keeps_prefix};
  return fields_read(to_keep->feed, fields, block, NULL) ? fields_write(to_keep->feed, &value) : NULL;
}

/* The record masked so that it comes to the same, with what it comes to: where masking has changed what a rule looks
 * at, its letters in front are left as they were. NULL: it comes to something else, and is no case. */
static char *masked_alike(const CasesToKeep *to_keep, const char *fields, char **came_to) {
  *came_to = case_comes_to(to_keep->feed, fields);
  for (guint i = 0; *came_to && i < 2; i++) {
    g_autofree char *masked = masked_fields(to_keep, fields, i == 1);
    g_autofree char *again = masked ? case_comes_to(to_keep->feed, masked) : NULL;
    if (again && g_str_equal(again, *came_to))
      return g_steal_pointer(&masked);
  }
  g_clear_pointer(came_to, g_free);
  return NULL;
}

static void keep_pick(const Keeping *keeping, const PickCell *cell, const Pick *pick) {
  const CasesToKeep *to_keep = keeping->to_keep;
  char *came_to;
  char *masked = masked_alike(to_keep, pick->fields, &came_to);
  if (!masked) {
    keeping->kept->dropped++;
    return;
  }
  LibraryCase *one = g_new(LibraryCase, 1);
  *one = (LibraryCase){.id = own(keeping, g_strdup(pick->id)),
                       .feed = replay_feed_conf(to_keep->feed)->name,
                       .scenario = cell->scenario,
                       .channel = cell->channel,
                       .rules = replay_feed_rules(to_keep->feed),
                       .file = to_keep->file,
                       .line = pick->line,
                       .collected_at = g_get_real_time(),
                       .header = to_keep->header,
                       .fields = own(keeping, masked),
                       .result = own(keeping, came_to)};
  g_ptr_array_add(keeping->cases, one);
}

static void keep_picks(const Keeping *keeping) {
  g_autoptr(GPtrArray) cells = picks_cells(keeping->to_keep->picks);
  for (guint i = 0; i < cells->len; i++) {
    const PickCell *cell = cells->pdata[i];
    for (guint j = 0; j < cell->picks->len; j++) {
      Pick *pick = cell->picks->pdata[j];
      if (pick->fields)
        keep_pick(keeping, cell, pick);
      g_clear_pointer(&pick->fields, g_free);
    }
  }
}

gboolean cases_keep(const CasesToKeep *to_keep, CasesKept *kept, GError **error) {
  g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
  const Keeping keeping = {to_keep, cases, strings, kept};
  if (!replay_feed_set_header(to_keep->feed, to_keep->header, error))
    return FALSE;
  keep_picks(&keeping);
  kept->cases = cases->len;
  return case_library_add(to_keep->library, cases, &to_keep->bounds, error);
}
