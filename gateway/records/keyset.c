#include "gateway/records/keyset.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* 256 partitions of 512 entries in a thread's buffers: 2 MiB a thread; a partition of 50 million records is 3 MiB. */
enum { PARTITIONS = 256, BUFFERED = 512 };

typedef struct { guint64 hash, record; } Entry;

/* Where a partition's pieces lie in the unnamed file. */
typedef struct { guint64 offset; guint count; } Piece;

struct KeySet {
  char *folder;
  pthread_mutex_t lock;
  int file;              /* -1 until something has to go there */
  guint64 end;
  GArray *pieces[PARTITIONS]; /* Piece; NULL: none */
  GArray *kept[PARTITIONS];   /* Entry: what adders had in their buffers at the end */
  guint64 seed, mask;
};

struct KeyAdder {
  KeySet *set;
  guint filled[PARTITIONS];
  Entry entries[PARTITIONS][BUFFERED];
};

KeySet *keyset_new(const char *scratch_folder) {
  KeySet *set = g_new0(KeySet, 1);
  set->folder = g_strdup(scratch_folder);
  set->file = -1;
  set->mask = G_MAXUINT64;
  pthread_mutex_init(&set->lock, NULL);
  if (getrandom(&set->seed, sizeof set->seed, 0) != (ssize_t)sizeof set->seed)
    set->seed = (guint64)g_get_monotonic_time();
  return set;
}

void keyset_free(KeySet *set) {
  if (!set)
    return;
  for (guint i = 0; i < PARTITIONS; i++) {
    g_clear_pointer(&set->pieces[i], g_array_unref);
    g_clear_pointer(&set->kept[i], g_array_unref);
  }
  if (set->file >= 0)
    close(set->file);
  pthread_mutex_destroy(&set->lock);
  g_free(set->folder);
  g_free(set);
}

void keyset_weaken(KeySet *set, guint bits) { set->mask = (G_GUINT64_CONSTANT(1) << bits) - 1; }

static guint64 mix(guint64 h) {
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

static guint64 hash_of(const KeySet *set, const void *key, gsize length) {
  const guint8 *at = key;
  guint64 h = set->seed ^ length * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
  for (; length >= 8; length -= 8, at += 8) {
    guint64 word;
    memcpy(&word, at, 8);
    h = mix(h ^ word) + set->seed;
  }
  guint64 rest = 0;
  memcpy(&rest, at, length);
  return mix(h ^ rest) & set->mask;
}

KeyAdder *key_adder_new(KeySet *set) {
  KeyAdder *adder = g_malloc(sizeof *adder);
  adder->set = set;
  memset(adder->filled, 0, sizeof adder->filled);
  return adder;
}

/* Under the set's lock only the place is taken; threads write side by side. */
static gboolean spill(KeyAdder *adder, guint partition, GError **error) {
  KeySet *set = adder->set;
  gsize bytes = adder->filled[partition] * sizeof(Entry);
  pthread_mutex_lock(&set->lock);
  if (set->file < 0)
    set->file = files_open_unnamed(set->folder, error);
  gboolean ok = set->file >= 0;
  Piece piece = {set->end, adder->filled[partition]};
  if (ok) {
    set->end += bytes;
    if (!set->pieces[partition])
      set->pieces[partition] = g_array_new(FALSE, FALSE, sizeof(Piece));
    g_array_append_val(set->pieces[partition], piece);
  }
  pthread_mutex_unlock(&set->lock);
  const char *at = (const char *)adder->entries[partition];
  for (gsize done = 0; ok && done < bytes;) {
    ssize_t written = pwrite(set->file, at + done, bytes - done, (off_t)(piece.offset + done));
    if (written < 0 && errno != EINTR)
      ok = sallyport_error_errno(error, errno, "write keys to an unnamed file in %s", set->folder);
    else if (written > 0)
      done += (gsize)written;
  }
  adder->filled[partition] = 0;
  return ok;
}

gboolean key_adder_add(KeyAdder *adder, const void *key, gsize length, guint64 record, GError **error) {
  guint64 hash = hash_of(adder->set, key, length);
  guint partition = (guint)(hash % PARTITIONS);
  adder->entries[partition][adder->filled[partition]++] = (Entry){hash, record};
  return adder->filled[partition] < BUFFERED || spill(adder, partition, error);
}

gboolean key_adder_finish(KeyAdder *adder, GError **error) {
  (void)error;
  KeySet *set = adder->set;
  pthread_mutex_lock(&set->lock);
  for (guint i = 0; i < PARTITIONS; i++) {
    if (adder->filled[i] == 0)
      continue;
    if (!set->kept[i])
      set->kept[i] = g_array_new(FALSE, FALSE, sizeof(Entry));
    g_array_append_vals(set->kept[i], adder->entries[i], adder->filled[i]);
  }
  pthread_mutex_unlock(&set->lock);
  g_free(adder);
  return TRUE;
}

static gboolean read_piece(const KeySet *set, const Piece *piece, Entry *into, GError **error) {
  gsize bytes = piece->count * sizeof(Entry), done = 0;
  while (done < bytes) {
    ssize_t got = pread(set->file, (char *)into + done, bytes - done, (off_t)(piece->offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return sallyport_error_errno(error, got < 0 ? errno : EIO, "read keys back");
    done += (gsize)got;
  }
  return TRUE;
}

static gboolean load(const KeySet *set, guint partition, GArray *into, GError **error) {
  const GArray *pieces = set->pieces[partition], *kept = set->kept[partition];
  gsize count = kept ? kept->len : 0, at = count;
  for (guint i = 0; pieces && i < pieces->len; i++)
    count += g_array_index(pieces, Piece, i).count;
  g_array_set_size(into, (guint)count);
  Entry *entries = (Entry *)(void *)into->data;
  if (kept && kept->len)
    memcpy(entries, kept->data, kept->len * sizeof(Entry));
  for (guint i = 0; pieces && i < pieces->len; i++) {
    const Piece *piece = &g_array_index(pieces, Piece, i);
    if (!read_piece(set, piece, entries + at, error))
      return FALSE;
    at += piece->count;
  }
  return TRUE;
}

static int by_hash_and_record(const void *a, const void *b) {
  const Entry *x = a, *y = b;
  if (x->hash != y->hash)
    return x->hash < y->hash ? -1 : 1;
  return x->record < y->record ? -1 : x->record > y->record;
}

static gboolean visit_groups(const GArray *sorted, GArray *group, KeyGroupVisit visit, gpointer user, GError **error) {
  const Entry *entries = (const Entry *)(const void *)sorted->data;
  for (guint i = 0, next; i < sorted->len; i = next) {
    for (next = i + 1; next < sorted->len && entries[next].hash == entries[i].hash; next++) { }
    if (next - i < 2)
      continue;
    g_array_set_size(group, 0);
    for (guint k = i; k < next; k++)
      g_array_append_val(group, entries[k].record);
    if (!visit(user, (const guint64 *)(const void *)group->data, group->len, error))
      return FALSE;
  }
  return TRUE;
}

gboolean keyset_visit(KeySet *set, KeyGroupVisit visit, gpointer user, GError **error) {
  g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
  g_autoptr(GArray) group = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint i = 0; i < PARTITIONS; i++) {
    if (!load(set, i, entries, error))
      return FALSE;
    if (entries->len > 1)
      qsort(entries->data, entries->len, sizeof(Entry), by_hash_and_record);
    if (!visit_groups(entries, group, visit, user, error))
      return FALSE;
  }
  return TRUE;
}
