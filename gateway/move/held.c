#include "gateway/move/held.h"
#include "gateway/common/paths.h"
#include <string.h>

#define FIRST_SHARD ".ledger-0.db"

static void ledger_free(gpointer data) {
  HeldLedger *ledger = data;
  g_free(ledger->name);
  g_free(ledger);
}

static void lane_free(gpointer data) {
  HeldLane *lane = data;
  g_free(lane->name);
  g_free(lane->folder);
  book_holdings_free(lane->book);
  g_ptr_array_unref(lane->ledgers);
  g_free(lane->problem);
  g_free(lane);
}

static int by_name(const void *a, const void *b) {
  return strcmp(**(char *const *const *)a, **(char *const *const *)b);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted; of none that cannot be opened. */
static GPtrArray *names_in(const char *folder) {
  GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  const char *name;
  while (listing && (name = g_dir_read_name(listing)))
    g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, by_text);
  return names;
}

/* A ledger that is only being made holds nothing yet. */
static gboolean read_ledger(HeldLane *lane, const char *name, GError **error) {
  g_autoptr(GError) why = NULL;
  HeldLedger *ledger = g_new0(HeldLedger, 1);
  ledger->name = g_strdup(name);
  g_ptr_array_add(lane->ledgers, ledger);
  if (ledger_facts_read(lane->folder, name, &ledger->facts, &why)) {
    lane->credits += ledger->facts.entries;
    return TRUE;
  }
  if (sallyport_error_code(why) == SALLYPORT_ERROR_AGAIN)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean read_ledgers(HeldLane *lane, GError **error) {
  g_autoptr(GPtrArray) names = names_in(lane->folder);
  for (guint i = 0; i < names->len; i++) {
    const char *file = names->pdata[i];
    if (!g_str_has_suffix(file, FIRST_SHARD))
      continue;
    g_autofree char *name = g_strndup(file, strlen(file) - strlen(FIRST_SHARD));
    if (!read_ledger(lane, name, error))
      return FALSE;
  }
  g_ptr_array_sort(lane->ledgers, by_name);
  return TRUE;
}

static HeldLane *read_lane(const LanePaths *paths, const char *name) {
  g_autoptr(GError) error = NULL;
  HeldLane *lane = g_new0(HeldLane, 1);
  lane->name = g_strdup(name);
  lane->folder = g_strdup(paths->folder);
  lane->ledgers = g_ptr_array_new_with_free_func(ledger_free);
  lane->book = book_holdings_read(paths->book, &error);
  for (guint i = 0; lane->book && i < lane->book->feeds->len; i++) {
    const BookFeed *feed = lane->book->feeds->pdata[i];
    lane->files += feed->files;
    lane->live += feed->live;
  }
  if (!lane->book || (!lane->book->moving && !read_ledgers(lane, &error))) {
    g_clear_pointer(&lane->book, book_holdings_free);
    lane->problem = g_strdup(error->message);
  }
  return lane;
}

GPtrArray *held_lanes(const ConfNode *node) {
  g_autoptr(GPtrArray) held = g_ptr_array_new_with_free_func(lane_free);
  g_autofree char *folder = g_build_filename(node->state, "lanes", NULL);
  g_autoptr(GPtrArray) names = names_in(folder);
  for (guint i = 0; i < names->len; i++) {
    g_autoptr(LanePaths) paths = lane_paths_new(node, names->pdata[i]);
    if (g_file_test(paths->book, G_FILE_TEST_EXISTS))
      g_ptr_array_add(held, read_lane(paths, names->pdata[i]));
  }
  return g_steal_pointer(&held);
}

const HeldLane *held_lane(const GPtrArray *held, const char *name) {
  for (guint i = 0; i < held->len; i++)
    if (strcmp(((const HeldLane *)held->pdata[i])->name, name) == 0)
      return held->pdata[i];
  return NULL;
}

const HeldLedger *held_ledger(const HeldLane *lane, const char *name) {
  for (guint i = 0; i < lane->ledgers->len; i++)
    if (strcmp(((const HeldLedger *)lane->ledgers->pdata[i])->name, name) == 0)
      return lane->ledgers->pdata[i];
  return NULL;
}

gboolean held_has_something(const HeldLane *lane) {
  return lane->book && (lane->files > 0 || lane->credits > 0 || lane->book->moving);
}
