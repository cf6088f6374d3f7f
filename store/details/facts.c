/* What the store's files have in common: their names, named values, and which shard and hash is whose. */
#include "store/details/details_private.h"
#include "store/details/queries.sql.h"
#include <xxhash.h>

char *details_path(const char *folder, const char *name, const char *kind, guint shard) {
  return g_strdup_printf("%s/%s.%s-%u.db", folder, name, kind, shard);
}

guint64 details_seeded_hash(guint64 seed, const void *key, gsize length) {
  return XXH3_64bits_withSeed(key, length, seed);
}

guint64 details_hash(const Details *details, const void *key, gsize length) {
  return details_seeded_hash(details->seed, key, length);
}

/* Part of the stored form: it never changes. */
guint details_shard_among(guint shards, const void *account, gsize length) {
  return (guint)(XXH3_64bits(account, length) % shards);
}

guint details_shard_of(const Details *details, const void *account, gsize length) {
  return details_shard_among(details->n_shards, account, length);
}

guint details_shards(const Details *details) {
  return details->n_shards;
}

gboolean details_fact(Db *db, const char *name, gint64 *value, GError **error) {
  g_autoptr(DbStatement) fact = db_prepare_named(db, details_queries_sql, "fact", error);
  gboolean row;
  if (!fact)
    return FALSE;
  db_bind(fact, "s", name);
  if (!db_step(fact, &row, error))
    return FALSE;
  *value = row ? db_integer(fact, 0) : 0;
  return TRUE;
}

gboolean details_set_fact(Db *db, const char *name, gint64 value, GError **error) {
  g_autoptr(DbStatement) set = db_prepare_named(db, details_queries_sql, "set-fact", error);
  if (!set)
    return FALSE;
  db_bind(set, "si", name, value);
  return db_done(set, error);
}
