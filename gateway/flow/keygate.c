#include "gateway/flow/keygate.h"
#include <pthread.h>

typedef struct {
  gconstpointer ledger;
  char *file;
  GBytes *least, *greatest; /* both NULL: every key */
} Range;

struct KeyGate {
  pthread_mutex_t lock;
  GPtrArray *ranges;
};

static void range_free(gpointer data) {
  Range *range = data;
  g_free(range->file);
  g_clear_pointer(&range->least, g_bytes_unref);
  g_clear_pointer(&range->greatest, g_bytes_unref);
  g_free(range);
}

KeyGate *keygate_new(void) {
  KeyGate *gate = g_new0(KeyGate, 1);
  pthread_mutex_init(&gate->lock, NULL);
  gate->ranges = g_ptr_array_new_with_free_func(range_free);
  return gate;
}

void keygate_free(KeyGate *gate) {
  if (!gate)
    return;
  g_ptr_array_unref(gate->ranges);
  pthread_mutex_destroy(&gate->lock);
  g_free(gate);
}

static gboolean overlaps(const Range *range, GBytes *least, GBytes *greatest) {
  if (!range->least || !least)
    return TRUE;
  return g_bytes_compare(range->least, greatest) <= 0 && g_bytes_compare(least, range->greatest) <= 0;
}

static void remove_file(KeyGate *gate, const char *file) {
  for (guint i = 0; i < gate->ranges->len; i++) {
    const Range *range = gate->ranges->pdata[i];
    if (g_str_equal(range->file, file)) {
      g_ptr_array_remove_index_fast(gate->ranges, i);
      return;
    }
  }
}

static void add(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) {
  Range *range = g_new0(Range, 1);
  range->ledger = ledger;
  range->file = g_strdup(file);
  range->least = least ? g_bytes_ref(least) : NULL;
  range->greatest = greatest ? g_bytes_ref(greatest) : NULL;
  remove_file(gate, file);
  g_ptr_array_add(gate->ranges, range);
}

gboolean keygate_reserve(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) {
  pthread_mutex_lock(&gate->lock);
  gboolean is_free = TRUE;
  for (guint i = 0; i < gate->ranges->len && is_free; i++) {
    const Range *range = gate->ranges->pdata[i];
    is_free = range->ledger != ledger || g_str_equal(range->file, file) || !overlaps(range, least, greatest);
  }
  if (is_free)
    add(gate, ledger, file, least, greatest);
  pthread_mutex_unlock(&gate->lock);
  return is_free;
}

void keygate_hold_all(KeyGate *gate, gconstpointer ledger, const char *file) {
  pthread_mutex_lock(&gate->lock);
  add(gate, ledger, file, NULL, NULL);
  pthread_mutex_unlock(&gate->lock);
}

void keygate_release(KeyGate *gate, const char *file) {
  pthread_mutex_lock(&gate->lock);
  remove_file(gate, file);
  pthread_mutex_unlock(&gate->lock);
}
