#include "gateway/flow/judging/keygate.h"
#include <pthread.h>

typedef struct {
  gconstpointer ledger;
  char *file;
  GBytes *least, *greatest; /* both NULL: every key */
  gboolean is_waiting;      /* not held yet */
  gint64 since, asked_at;   /* of one that waits */
} KeyRange;

struct KeyGate {
  pthread_mutex_t lock;
  GPtrArray *ranges;
  gint64 (*now)(void);
};

static void range_free(gpointer data) {
  KeyRange *range = data;
  g_free(range->file);
  g_clear_pointer(&range->least, g_bytes_unref);
  g_clear_pointer(&range->greatest, g_bytes_unref);
  g_free(range);
}

KeyGate *keygate_new(void) {
  KeyGate *gate = g_new0(KeyGate, 1);
  pthread_mutex_init(&gate->lock, NULL);
  gate->ranges = g_ptr_array_new_with_free_func(range_free);
  gate->now = g_get_monotonic_time;
  return gate;
}

void keygate_set_clock(KeyGate *gate, gint64 (*now)(void)) {
  gate->now = now;
}

void keygate_free(KeyGate *gate) {
  if (!gate)
    return;
  g_ptr_array_unref(gate->ranges);
  pthread_mutex_destroy(&gate->lock);
  g_free(gate);
}

static gboolean overlaps(const KeyRange *range, GBytes *least, GBytes *greatest) {
  if (!range->least || !least)
    return TRUE;
  return g_bytes_compare(range->least, greatest) <= 0 && g_bytes_compare(least, range->greatest) <= 0;
}

static KeyRange *find(const KeyGate *gate, const char *file) {
  for (guint i = 0; i < gate->ranges->len; i++)
    if (g_str_equal(((KeyRange *)gate->ranges->pdata[i])->file, file))
      return gate->ranges->pdata[i];
  return NULL;
}

static void remove_file(KeyGate *gate, const char *file) {
  KeyRange *range = find(gate, file);
  if (range)
    g_ptr_array_remove_fast(gate->ranges, range);
}

static KeyRange *add_range(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) {
  KeyRange *range = g_new0(KeyRange, 1);
  range->ledger = ledger;
  range->file = g_strdup(file);
  range->least = least ? g_bytes_ref(least) : NULL;
  range->greatest = greatest ? g_bytes_ref(greatest) : NULL;
  remove_file(gate, file);
  g_ptr_array_add(gate->ranges, range);
  return range;
}

static gboolean is_starving(const KeyRange *range, gint64 now) {
  return range->is_waiting && now - range->since >= KEYGATE_STARVING * G_USEC_PER_SEC &&
         now - range->asked_at < KEYGATE_FORGOTTEN * G_USEC_PER_SEC;
}

/* Of two that starve the elder goes first: each has to give way to none that is younger. */
static gboolean stands_in_the_way(const KeyRange *range, gint64 since, gint64 now) {
  return !range->is_waiting || (is_starving(range, now) && range->since < since);
}

static void wait_for_it(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest,
                        gint64 since, gint64 now) {
  KeyRange *range = add_range(gate, ledger, file, least, greatest);
  range->is_waiting = TRUE;
  range->since = since;
  range->asked_at = now;
}

static gint64 waits_since(const KeyRange *own, gint64 now) {
  return own && own->is_waiting ? own->since : now;
}

static const KeyRange *find_obstacle(const KeyGate *gate, gconstpointer ledger, const KeyRange *own, GBytes *least,
                                     GBytes *greatest) {
  gint64 now = gate->now(), since = waits_since(own, now);
  for (guint i = 0; i < gate->ranges->len; i++) {
    const KeyRange *range = gate->ranges->pdata[i];
    if (range->ledger == ledger && range != own && stands_in_the_way(range, since, now) &&
        overlaps(range, least, greatest))
      return range;
  }
  return NULL;
}

gboolean keygate_reserve(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) {
  pthread_mutex_lock(&gate->lock);
  const KeyRange *own = find(gate, file);
  gint64 now = gate->now();
  gboolean is_free = !find_obstacle(gate, ledger, own, least, greatest);
  if (is_free)
    add_range(gate, ledger, file, least, greatest);
  else if (!own || own->is_waiting)
    wait_for_it(gate, ledger, file, least, greatest, waits_since(own, now), now);
  pthread_mutex_unlock(&gate->lock);
  return is_free;
}

char *keygate_holder(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) {
  pthread_mutex_lock(&gate->lock);
  const KeyRange *obstacle = find_obstacle(gate, ledger, find(gate, file), least, greatest);
  char *holder = obstacle ? g_strdup(obstacle->file) : NULL;
  pthread_mutex_unlock(&gate->lock);
  return holder;
}

void keygate_hold_all(KeyGate *gate, gconstpointer ledger, const char *file) {
  pthread_mutex_lock(&gate->lock);
  add_range(gate, ledger, file, NULL, NULL);
  pthread_mutex_unlock(&gate->lock);
}

gboolean keygate_holds_all(KeyGate *gate, const char *file) {
  pthread_mutex_lock(&gate->lock);
  const KeyRange *range = find(gate, file);
  gboolean holds = range && !range->is_waiting && !range->least;
  pthread_mutex_unlock(&gate->lock);
  return holds;
}

void keygate_narrow(KeyGate *gate, const char *file, GBytes *least, GBytes *greatest) {
  pthread_mutex_lock(&gate->lock);
  const KeyRange *range = find(gate, file);
  if (range && least)
    add_range(gate, range->ledger, file, least, greatest);
  else if (range)
    remove_file(gate, file);
  pthread_mutex_unlock(&gate->lock);
}

void keygate_release(KeyGate *gate, const char *file) {
  pthread_mutex_lock(&gate->lock);
  remove_file(gate, file);
  pthread_mutex_unlock(&gate->lock);
}
