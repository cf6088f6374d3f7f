#include "store/ledger/sieve_private.h"
#include <string.h>
#include <xxhash.h>

enum { LINE_BITS = 16, WORDS_A_LINE = 8, PROBES = 5 }; /* 65,536 lines of 64 bytes: 4 MiB */

struct KeySieve {
  guint64 *words;
  gint wide; /* atomic */
};

guint64 ledger_hash_key(const void *key, gsize length) {
  return XXH3_64bits(key, length);
}

KeySieve *key_sieve_new(void) {
  KeySieve *sieve = g_new0(KeySieve, 1);
  sieve->words = g_new0(guint64, (gsize)WORDS_A_LINE << LINE_BITS);
  return sieve;
}

void key_sieve_free(KeySieve *sieve) {
  if (!sieve)
    return;
  g_free(sieve->words);
  g_free(sieve);
}

static guint64 *line_of(const KeySieve *sieve, guint64 hash) {
  return sieve->words + (hash >> (64 - LINE_BITS)) * WORDS_A_LINE;
}

/* The i-th of the bits within the line: nine bits of the hash each. */
static guint bit_of(guint64 hash, guint i) {
  return (guint)(hash >> (9 * i)) & 511;
}

void key_sieve_add(KeySieve *sieve, guint64 hash) {
  guint64 *line = line_of(sieve, hash);
  for (guint i = 0; i < PROBES; i++) {
    guint bit = bit_of(hash, i);
    __atomic_fetch_or(&line[bit >> 6], G_GUINT64_CONSTANT(1) << (bit & 63), __ATOMIC_RELAXED);
  }
}

/* Relaxed: who must see a key has waited, under a lock, for the batch that brought it. */
gboolean key_sieve_may_have(const KeySieve *sieve, guint64 hash) {
  if (!sieve || g_atomic_int_get(&sieve->wide))
    return TRUE;
  const guint64 *line = line_of(sieve, hash);
  for (guint i = 0; i < PROBES; i++) {
    guint bit = bit_of(hash, i);
    if (!(__atomic_load_n(&line[bit >> 6], __ATOMIC_RELAXED) >> (bit & 63) & 1))
      return FALSE;
  }
  return TRUE;
}

void key_sieve_open_wide(KeySieve *sieve) {
  g_atomic_int_set(&sieve->wide, 1);
}

/* --- */

static gboolean insert(guint64 *slots, guint capacity, guint64 hash) {
  guint at = (guint)hash & (capacity - 1);
  while (slots[at] && slots[at] != hash)
    at = (at + 1) & (capacity - 1);
  gboolean fresh = slots[at] == 0;
  slots[at] = hash;
  return fresh;
}

static void grow(LooseKeys *loose) {
  guint capacity = MAX(1024, loose->capacity * 2);
  guint64 *slots = g_new0(guint64, capacity);
  for (guint i = 0; i < loose->capacity; i++)
    if (loose->slots[i])
      insert(slots, capacity, loose->slots[i]);
  g_free(loose->slots);
  loose->slots = slots;
  loose->capacity = capacity;
}

void loose_keys_init(LooseKeys *loose) {
  *loose = (LooseKeys){0};
  pthread_rwlock_init(&loose->lock, NULL);
}

void loose_keys_add(LooseKeys *loose, const guint64 *hashes, guint n) {
  pthread_rwlock_wrlock(&loose->lock);
  for (guint i = 0; i < n; i++) {
    if (2 * (loose->n + 1) > loose->capacity)
      grow(loose);
    loose->n += insert(loose->slots, loose->capacity, hashes[i] | 1) ? 1 : 0; /* 0 is an empty slot */
  }
  pthread_rwlock_unlock(&loose->lock);
}

static gboolean has(const LooseKeys *loose, guint64 hash) {
  guint at = (guint)hash & (loose->capacity - 1);
  while (loose->slots[at] && loose->slots[at] != hash)
    at = (at + 1) & (loose->capacity - 1);
  return loose->slots[at] != 0;
}

gboolean loose_keys_may_have(LooseKeys *loose, const guint64 *hashes, guint n) {
  gboolean any = FALSE;
  if (!loose)
    return TRUE;
  pthread_rwlock_rdlock(&loose->lock);
  for (guint i = 0; loose->n > 0 && i < n && !any; i++)
    any = has(loose, hashes[i] | 1);
  pthread_rwlock_unlock(&loose->lock);
  return any;
}

void loose_keys_clear(LooseKeys *loose) {
  pthread_rwlock_wrlock(&loose->lock);
  g_clear_pointer(&loose->slots, g_free);
  loose->n = loose->capacity = 0;
  pthread_rwlock_unlock(&loose->lock);
}

void loose_keys_free(LooseKeys *loose) {
  g_clear_pointer(&loose->slots, g_free);
  pthread_rwlock_destroy(&loose->lock);
}
