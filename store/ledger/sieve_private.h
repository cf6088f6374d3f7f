/* Two quick answers to "is this key known?" for keys that come in no order, where each look at a large index would cost
 * a page. Both may say "perhaps" of a key that is not known, never "no" of one that is. Private to store/ledger/.
 *
 * KeySieve: a Bloom filter in blocks of a cache line over all keys of the ledger that are not found by their postings'
 * ranges; of fixed size, for all shards and threads. It is made anew when a ledger is opened; with more than some
 * million keys it would let too much pass, and then lets everything pass. LooseKeys: the fingerprints of a shard's
 * loose postings (store/ledger/index.c); exact but for one chance in 2^40. Its writer adds and clears, any thread asks.
 * Who asks and then opens a snapshot cannot miss a key: keys are cleared after they have been indexed, so either they
 * were still here, or the snapshot has them in the index. */
#pragma once
#include <glib.h>
#include <pthread.h>

guint64 ledger_hash_key(const void *key, gsize length);

typedef struct KeySieve KeySieve;
KeySieve *key_sieve_new(void);
void key_sieve_free(KeySieve *sieve);
void key_sieve_add(KeySieve *sieve, guint64 hash);
gboolean key_sieve_may_have(const KeySieve *sieve, guint64 hash); /* NULL: TRUE */
void key_sieve_open_wide(KeySieve *sieve);                        /* from now on every key may be known */
enum { KEY_SIEVE_KEYS = 8 << 20 };                                /* more are of no use */

typedef struct {
  pthread_rwlock_t lock;
  guint64 *slots;
  guint n, capacity;
} LooseKeys;
void loose_keys_init(LooseKeys *loose);
void loose_keys_add(LooseKeys *loose, const guint64 *hashes, guint n);
gboolean loose_keys_may_have(LooseKeys *loose, const guint64 *hashes, guint n); /* any of them; NULL: TRUE */
void loose_keys_clear(LooseKeys *loose);
void loose_keys_free(LooseKeys *loose); /* what it holds */
