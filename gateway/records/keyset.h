/* Finds record keys that stand in a file more than once, in flat memory whatever the file's size, and whatever is in
 * it.
 *
 * Threads add a 64-bit hash of each key with the record's ordinal, through buffers of their own, into partitions by
 * hash. Small files stay in memory; what goes beyond 2 MiB goes to one unnamed file. keyset_visit sorts a partition at
 * a time. Equal hashes are candidates only: the caller compares the keys themselves, so that a collision is never taken
 * for a duplicate. The hash is seeded per set, so that nobody can prepare a file of collisions. (Partitioned as in a
 * grace hash join; the hash is made with the mixer of MurmurHash3, in the public domain.) Memory: 256 KiB per adder, 2
 * MiB of blocks, 4 MiB while visiting. */
#pragma once
#include "gateway/base/error.h"

typedef struct KeySet KeySet;
typedef struct KeyAdder KeyAdder; /* a thread's own */

KeySet *keyset_new(const char *scratch_folder);
void keyset_free(KeySet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeySet, keyset_free)

KeyAdder *key_adder_new(KeySet *set);
/* AGAIN when the scratch folder has no space. */
gboolean key_adder_add(KeyAdder *adder, const void *key, gsize length, guint64 record,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Hands over what is buffered; the adder is gone. */
gboolean key_adder_finish(KeyAdder *adder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Calls `visit` for each group of two or more records with equal hashes, ordinals ascending; groups come in no order.
 * When all adders are finished; once. A group of more than KEYSET_LARGEST_GROUP comes in parts, one after the other,
 * each later part led by the group's first record again. FALSE of `visit` ends it with what visit set as its error. */
#define KEYSET_LARGEST_GROUP (96 * 1024)
typedef gboolean (*KeyGroupVisit)(gpointer user, const guint64 *records, gsize n, GError **error);
gboolean keyset_visit(KeySet *set, KeyGroupVisit visit, gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For tests: cuts hashes down to `bits` (0: all are equal), so that collisions abound, and all stand in one partition.
 */
void keyset_weaken(KeySet *set, guint bits);
