#include "gateway/records/keyset.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* 5 million records make partitions of 78,000 entries, which are sorted in memory; larger ones are taken window by
 * window. */
enum {
  PARTITION_BITS = 6,
  PARTITIONS = 1 << PARTITION_BITS,
  BLOCK_ENTRIES = 256,
  MEMORY_BLOCKS = 512,
  LARGEST_WINDOW = KEYSET_LARGEST_GROUP
};

typedef struct {
  guint64 hash, record;
} Entry;
typedef struct {
  Entry entries[BLOCK_ENTRIES];
} Block;

struct KeyAdder {
  KeySet *set;
  guint filled[PARTITIONS];
  Block blocks[PARTITIONS];
};

struct KeySet {
  char *folder;
  pthread_mutex_t lock; /* of all that adders share: */
  int file;             /* -1 until something has to go there */
  GPtrArray *memory;    /* the first MEMORY_BLOCKS blocks; the file holds those behind */
  guint blocks;
  GArray *pieces[PARTITIONS]; /* guint32: numbers of the partition's blocks, all full */
  GPtrArray *adders;          /* finished: the partly filled blocks */
  guint64 seed, mask;
};

KeySet *keyset_new(const char *scratch_folder) {
  KeySet *set = g_new0(KeySet, 1);
  set->folder = g_strdup(scratch_folder);
  set->file = -1;
  set->mask = G_MAXUINT64;
  set->memory = g_ptr_array_new_with_free_func(g_free);
  set->adders = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < PARTITIONS; i++)
    set->pieces[i] = g_array_new(FALSE, FALSE, sizeof(guint32));
  pthread_mutex_init(&set->lock, NULL);
  if (getrandom(&set->seed, sizeof set->seed, 0) != (ssize_t)sizeof set->seed)
    set->seed = (guint64)g_get_monotonic_time();
  return set;
}

void keyset_free(KeySet *set) {
  if (!set)
    return;
  for (guint i = 0; i < PARTITIONS; i++)
    g_array_unref(set->pieces[i]);
  g_ptr_array_unref(set->memory);
  g_ptr_array_unref(set->adders);
  if (set->file >= 0)
    close(set->file);
  pthread_mutex_destroy(&set->lock);
  g_free(set->folder);
  g_free(set);
}

void keyset_weaken(KeySet *set, guint bits) {
  set->mask = ((G_GUINT64_CONSTANT(1) << MIN(bits, 32)) - 1) << PARTITION_BITS;
}

/* --- Adding */

static inline guint64 mix(guint64 h) {
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

static inline guint64 hash_of(const KeySet *set, const void *key, gsize length) {
  const guint8 *at = key;
  guint64 h = set->seed ^ length * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15), word = 0;
  for (; length >= 8; length -= 8, at += 8) {
    memcpy(&word, at, 8);
    h = mix(h ^ word) + set->seed;
  }
  word = 0;
  if (length > 0)
    memcpy(&word, at, length);
  return mix(h ^ word) & set->mask;
}

static inline guint partition_of(guint64 hash) {
  return (guint)(hash & (PARTITIONS - 1));
}

KeyAdder *key_adder_new(KeySet *set) {
  KeyAdder *adder = g_malloc(sizeof *adder);
  adder->set = set;
  memset(adder->filled, 0, sizeof adder->filled);
  return adder;
}

/* Under the lock: takes the next number, and keeps the block in memory or has a file to write it to. FALSE: no file. */
static gboolean take_place(KeySet *set, guint partition, const Block *block, guint32 *number, GError **error) {
  if (set->blocks >= MEMORY_BLOCKS && set->file < 0)
    set->file = files_open_unnamed(set->folder, error);
  if (set->blocks >= MEMORY_BLOCKS && set->file < 0)
    return FALSE;
  *number = set->blocks++;
  if (*number < MEMORY_BLOCKS)
    g_ptr_array_add(set->memory, g_memdup2(block, sizeof *block));
  g_array_append_val(set->pieces[partition], *number);
  return TRUE;
}

static off_t place_of(guint32 number) {
  return (off_t)(number - MEMORY_BLOCKS) * (off_t)sizeof(Block);
}

/* Only the place is taken under the lock; threads write side by side. */
static gboolean spill(KeyAdder *adder, guint partition, GError **error) {
  KeySet *set = adder->set;
  guint32 number = 0;
  pthread_mutex_lock(&set->lock);
  gboolean ok = take_place(set, partition, &adder->blocks[partition], &number, error);
  pthread_mutex_unlock(&set->lock);
  adder->filled[partition] = 0;
  const char *bytes = (const char *)&adder->blocks[partition];
  for (gsize done = 0; ok && number >= MEMORY_BLOCKS && done < sizeof(Block);) {
    ssize_t written = pwrite(set->file, bytes + done, sizeof(Block) - done, place_of(number) + (off_t)done);
    if (written < 0 && errno != EINTR)
      ok = sallyport_error_errno(error, errno, "write keys to an unnamed file in %s", set->folder);
    else if (written > 0)
      done += (gsize)written;
  }
  return ok;
}

gboolean key_adder_add(KeyAdder *adder, const void *key, gsize length, guint64 record, GError **error) {
  guint64 hash = hash_of(adder->set, key, length);
  guint partition = partition_of(hash);
  adder->blocks[partition].entries[adder->filled[partition]++] = (Entry){hash, record};
  return G_LIKELY(adder->filled[partition] < BLOCK_ENTRIES) || spill(adder, partition, error);
}

gboolean key_adder_finish(KeyAdder *adder, GError **error) {
  (void)error; /* what is left stays in memory */
  KeySet *set = adder->set;
  pthread_mutex_lock(&set->lock);
  g_ptr_array_add(set->adders, adder);
  pthread_mutex_unlock(&set->lock);
  return TRUE;
}

/* --- Reading a partition: its blocks one after the other, each lent until the next */

typedef struct {
  const KeySet *set;
  guint partition, next;
  Block block;
} Walk;

static gboolean read_block(Walk *walk, guint32 number, GError **error) {
  for (gsize done = 0; done < sizeof(Block);) {
    ssize_t got = pread(walk->set->file, (char *)&walk->block + done, sizeof(Block) - done,
                        place_of(number) + (off_t)done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return sallyport_error_errno(error, got < 0 ? errno : EIO, "read keys back");
    done += (gsize)got;
  }
  return TRUE;
}

/* The next entries; *n is 0 at the end. NULL with *n > 0: error. */
static const Entry *next_entries(Walk *walk, guint *n, GError **error) {
  const KeySet *set = walk->set;
  const GArray *pieces = set->pieces[walk->partition];
  guint at = walk->next++;
  if (at < pieces->len) {
    guint32 number = g_array_index(pieces, guint32, at);
    *n = BLOCK_ENTRIES;
    if (number < MEMORY_BLOCKS)
      return ((const Block *)set->memory->pdata[number])->entries;
    return read_block(walk, number, error) ? walk->block.entries : NULL;
  }
  for (at -= pieces->len; at < set->adders->len; at++, walk->next++) {
    const KeyAdder *adder = set->adders->pdata[at];
    *n = adder->filled[walk->partition];
    if (*n > 0)
      return adder->blocks[walk->partition].entries;
  }
  *n = 0;
  return NULL;
}

/* --- Visiting. A window is a range of hashes or, where one hash alone is too many, of ordinals with that hash. */

typedef struct {
  guint64 least_hash, greatest_hash, least_record, greatest_record;
} Window;

typedef struct {
  const KeySet *set;
  guint partition;
  Entry *entries, *scattered;
  guint32 *starts; /* of buckets */
  guint64 *group;
  gboolean is_in_parts;
  guint64 first; /* of the group that comes in parts; 0: its first part is still to come */
  KeyGroupVisit visit;
  gpointer user;
} Visit;

enum { MOST_BUCKETS = 16384, BINS = 256, INSERTION_LIMIT = 48 };

static inline gboolean is_inside(const Window *window, const Entry *entry) {
  return entry->hash >= window->least_hash && entry->hash <= window->greatest_hash &&
         entry->record >= window->least_record && entry->record <= window->greatest_record;
}

static inline gboolean is_before(const Entry *a, const Entry *b) {
  return a->hash != b->hash ? a->hash < b->hash : a->record < b->record;
}

static int by_hash_and_record(const void *a, const void *b) {
  return is_before(a, b) ? -1 : is_before(b, a);
}

static void sort_bucket(Entry *entries, guint n) {
  if (n > INSERTION_LIMIT) {
    qsort(entries, n, sizeof *entries, by_hash_and_record);
    return;
  }
  for (guint i = 1; i < n; i++) {
    Entry entry = entries[i];
    guint at = i;
    for (; at > 0 && is_before(&entry, &entries[at - 1]); at--)
      entries[at] = entries[at - 1];
    entries[at] = entry;
  }
}

static inline guint bucket_of(const Entry *entry, guint buckets) {
  return (guint)(entry->hash >> PARTITION_BITS) & (buckets - 1);
}

/* Scatters by some bits of the hash, which brings equal hashes together, and sorts the few of each bucket. */
static void sort_entries(Visit *run, guint n) {
  guint buckets = 16; /* a power of two, a few entries each */
  while (buckets < MOST_BUCKETS && buckets * 8 < n)
    buckets *= 2;
  memset(run->starts, 0, (buckets + 1) * sizeof *run->starts);
  for (guint i = 0; i < n; i++)
    run->starts[bucket_of(&run->entries[i], buckets) + 1]++;
  for (guint i = 0; i < buckets; i++)
    run->starts[i + 1] += run->starts[i];
  for (guint i = 0; i < n; i++)
    run->scattered[run->starts[bucket_of(&run->entries[i], buckets)]++] = run->entries[i];
  for (guint i = 0, start = 0; i < buckets; start = run->starts[i++])
    if (run->starts[i] - start > 1)
      sort_bucket(run->scattered + start, run->starts[i] - start);
}

static gboolean visit_group(Visit *run, const Entry *entries, guint n, GError **error) {
  guint led = run->first ? 1 : 0;
  run->group[0] = run->first;
  for (guint i = 0; i < n; i++)
    run->group[i + led] = entries[i].record;
  if (run->is_in_parts)
    run->first = run->group[0];
  return n + led < 2 || run->visit(run->user, run->group, n + led, error);
}

static gboolean visit_sorted(Visit *run, guint n, GError **error) {
  const Entry *entries = run->scattered;
  for (guint i = 0, next; i < n; i = next) {
    for (next = i + 1; next < n && entries[next].hash == entries[i].hash; next++) {}
    if ((next - i > 1 || run->is_in_parts) && !visit_group(run, entries + i, next - i, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean load(Visit *run, const Window *window, guint *loaded, GError **error) {
  Walk walk = {.set = run->set, .partition = run->partition};
  const Entry *entries;
  guint n;
  *loaded = 0;
  while ((entries = next_entries(&walk, &n, error)))
    for (guint i = 0; i < n; i++)
      if (is_inside(window, &entries[i]))
        run->entries[(*loaded)++] = entries[i];
  return n == 0;
}

typedef struct {
  guint64 least, greatest, step;
  guint64 counts[BINS];
} Histogram;

static gboolean count_bins(Visit *run, const Window *window, gboolean by_record, Histogram *histogram, GError **error) {
  Walk walk = {.set = run->set, .partition = run->partition};
  const Entry *entries;
  guint n;
  memset(histogram->counts, 0, sizeof histogram->counts);
  while ((entries = next_entries(&walk, &n, error)))
    for (guint i = 0; i < n; i++)
      if (is_inside(window, &entries[i]))
        histogram->counts[((by_record ? entries[i].record : entries[i].hash) - histogram->least) / histogram->step]++;
  return n == 0;
}

/* Cuts the window to what is really in it, so that the bins of a histogram are of use. */
static gboolean narrow(Visit *run, Window *window, guint64 *count, GError **error) {
  Walk walk = {.set = run->set, .partition = run->partition};
  Window found = {G_MAXUINT64, 0, G_MAXUINT64, 0};
  const Entry *entries;
  guint n;
  *count = 0;
  while ((entries = next_entries(&walk, &n, error)))
    for (guint i = 0; i < n; i++)
      if (is_inside(window, &entries[i])) {
        ++*count;
        found.least_hash = MIN(found.least_hash, entries[i].hash);
        found.greatest_hash = MAX(found.greatest_hash, entries[i].hash);
        found.least_record = MIN(found.least_record, entries[i].record);
        found.greatest_record = MAX(found.greatest_record, entries[i].record);
      }
  *window = found;
  return n == 0;
}

static gboolean visit_window(Visit *run, Window window, GError **error);

/* Neighbouring bins together while they fit; one that does not fit is split again. */
static gboolean visit_bins(Visit *run, const Window *window, gboolean by_record, const Histogram *histogram,
                           GError **error) {
  for (guint i = 0, next; i < BINS; i = next) {
    guint64 count = histogram->counts[i];
    for (next = i + 1; next < BINS && count + histogram->counts[next] <= LARGEST_WINDOW; next++)
      count += histogram->counts[next];
    Window part = *window;
    guint64 low = histogram->least + i * histogram->step;
    guint64 high = next == BINS ? histogram->greatest
                                : MIN(histogram->greatest, histogram->least + next * histogram->step - 1);
    *(by_record ? &part.least_record : &part.least_hash) = low;
    *(by_record ? &part.greatest_record : &part.greatest_hash) = high;
    if (count > 0 && !visit_window(run, part, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean visit_loaded(Visit *run, const Window *window, GError **error) {
  guint loaded;
  if (!load(run, window, &loaded, error))
    return FALSE;
  sort_entries(run, loaded);
  return visit_sorted(run, loaded, error);
}

static gboolean split_window(Visit *run, const Window *window, GError **error) {
  gboolean by_record = window->least_hash == window->greatest_hash;
  guint64 least = by_record ? window->least_record : window->least_hash,
          greatest = by_record ? window->greatest_record : window->greatest_hash;
  Histogram histogram = {.least = least, .greatest = greatest, .step = (greatest - least) / BINS + 1};
  if (by_record && least == greatest)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "record %" G_GUINT64_FORMAT " was added again and again",
                               least);
  if (!count_bins(run, window, by_record, &histogram, error))
    return FALSE;
  gboolean is_outermost = by_record && !run->is_in_parts;
  if (is_outermost)
    run->is_in_parts = TRUE;
  gboolean ok = visit_bins(run, window, by_record, &histogram, error);
  if (is_outermost) {
    run->is_in_parts = FALSE;
    run->first = 0;
  }
  return ok;
}

static gboolean visit_window(Visit *run, Window window, GError **error) {
  guint64 count;
  if (!narrow(run, &window, &count, error))
    return FALSE;
  return count <= LARGEST_WINDOW ? visit_loaded(run, &window, error) : split_window(run, &window, error);
}

static guint64 count_partition(const KeySet *set, guint partition) {
  guint64 count = (guint64)set->pieces[partition]->len * BLOCK_ENTRIES;
  for (guint i = 0; i < set->adders->len; i++)
    count += ((const KeyAdder *)set->adders->pdata[i])->filled[partition];
  return count;
}

gboolean keyset_visit(KeySet *set, KeyGroupVisit visit, gpointer user, GError **error) {
  const Window all = {0, G_MAXUINT64, 0, G_MAXUINT64};
  Visit run = {.set = set, .visit = visit, .user = user};
  guint64 most = 0;
  for (guint i = 0; i < PARTITIONS; i++)
    most = MAX(most, count_partition(set, i));
  most = MIN(most, LARGEST_WINDOW);
  run.entries = g_new(Entry, most + 1);
  run.scattered = g_new(Entry, most + 1);
  run.group = g_new(guint64, most + 1);
  run.starts = g_new(guint32, MOST_BUCKETS + 1);
  gboolean ok = TRUE;
  for (run.partition = 0; ok && run.partition < PARTITIONS; run.partition++) {
    guint64 count = count_partition(set, run.partition);
    if (count > 1)
      ok = count <= LARGEST_WINDOW ? visit_loaded(&run, &all, error) : visit_window(&run, all, error);
  }
  g_free(run.entries);
  g_free(run.scattered);
  g_free(run.group);
  g_free(run.starts);
  return ok;
}
