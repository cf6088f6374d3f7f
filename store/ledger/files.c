/* Making and opening a ledger's files. Every file names the ledger's id, its own number and the number of shards. Shard
 * 0 is marked `complete` when all files have been made: from then on a missing file is lost money and never quietly
 * made again; before, a crash has left some files without any posting, and the making goes on. */
#include "store/ledger/ledger_private.h"
#include "store/ledger/queries.sql.h"
#include <unistd.h>

enum { WRITER_CACHE_KIB = 4096, READER_CACHE_KIB = 512, SCHEMA_VERSION = 2 };

gboolean ledger_fact_set(Db *db, const char *name, const char *value, GError **error) {
  g_autoptr(DbStatement) set = db_prepare_named(db, ledger_queries_sql, "set-fact", error);
  if (!set)
    return FALSE;
  db_bind(set, "ss", name, value);
  return db_done(set, error);
}

char *ledger_fact_get(Db *db, const char *name, GError **error) {
  g_autoptr(DbStatement) get = db_prepare_named(db, ledger_queries_sql, "get-fact", error);
  gboolean row = FALSE;
  if (!get)
    return NULL;
  db_bind(get, "s", name);
  char *value = db_step(get, &row, error) && row ? db_text_copy(get, 0) : NULL;
  db_reset(get);
  return value;
}

static gboolean make_schema(Db *db, const char *id, guint shard, guint shards, GError **error) {
  g_autofree char *schema = db_named(ledger_queries_sql, "schema");
  g_autofree char *number = g_strdup_printf("%u", shard);
  g_autofree char *number_of_all = g_strdup_printf("%u", shards);
  return db_begin(db, error) && db_run(db, schema, error) && ledger_fact_set(db, "id", id, error) &&
         ledger_fact_set(db, "shard", number, error) && ledger_fact_set(db, "shards", number_of_all, error) &&
         db_commit(db, error);
}

/* A crash inside leaves version 1, and the next opening does it again. */
static gboolean upgrade_schema(Db *db, GError **error) {
  g_autofree char *upgrade = db_named(ledger_queries_sql, "upgrade-to-2");
  if (db_begin(db, error) && db_run(db, upgrade, error) && db_commit(db, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

static gboolean has_schema(Db *db, gboolean *has, GError **error) {
  DbStamp stamp;
  if (!db_stamp(db, &stamp, error))
    return FALSE;
  if (stamp.version > SCHEMA_VERSION)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "was made by a newer version of Sallyport (schema %" G_GINT64_FORMAT ")", stamp.version);
  *has = stamp.version > 0;
  return stamp.version != 1 || upgrade_schema(db, error);
}

static gboolean expect_fact(Db *db, const char *name, const char *expected, SallyportErrorCode code, GError **error) {
  GError *why = NULL;
  g_autofree char *value = ledger_fact_get(db, name, &why);
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  return g_strcmp0(value, expected) == 0 ||
         sallyport_error_set(error, code, "%s is %s here, and should be %s", name, value ? value : "not set", expected);
}

static gboolean expect_facts(Db *db, const char *id, guint shard, guint shards, GError **error) {
  g_autofree char *number = g_strdup_printf("%u", shard);
  g_autofree char *number_of_all = g_strdup_printf("%u", shards);
  return expect_fact(db, "shards", number_of_all, SALLYPORT_ERROR_CONFIGURATION, error) &&
         expect_fact(db, "shard", number, SALLYPORT_ERROR_STORAGE, error) &&
         (!id || expect_fact(db, "id", id, SALLYPORT_ERROR_STORAGE, error));
}

static gboolean open_shard(const char *path, const char **id, char **made, gboolean may_make, guint shard, guint shards,
                           Db **db, GError **error) {
  gboolean has = FALSE;
  if (!may_make && access(path, F_OK) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the file is missing; restore it from a backup");
  *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE, .cache_kib = WRITER_CACHE_KIB, .own_checkpoint = TRUE},
                error);
  if (!*db || !has_schema(*db, &has, error))
    return FALSE;
  if (!has && !may_make)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the file is empty; restore it from a backup");
  if (!has && !make_schema(*db, *id, shard, shards, error))
    return FALSE;
  /* After a failed sync the log may be readable from the kernel's cache and yet not be on the disk. Whatever it holds
   * is copied and synced into the file anew, before anything that it tells is believed. */
  if (!db_checkpoint(*db, TRUE, error))
    return FALSE;
  if (shard == 0 && has) {
    g_free(*made);
    *id = *made = ledger_fact_get(*db, "id", error);
    if (!*id)
      return FALSE;
  }
  return expect_facts(*db, *id, shard, shards, error);
}

/* Shard 0 is made first: without it no other can be a leftover of making. */
static gboolean check_first(const char *folder, const char *name, guint shards, GError **error) {
  g_autofree char *first = ledger_shard_path(folder, name, 0);
  for (guint i = 1; i < shards && access(first, F_OK) != 0; i++) {
    g_autofree char *path = ledger_shard_path(folder, name, i);
    if (access(path, F_OK) == 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "ledger %s is missing, though %s is there; restore it from a backup", first, path);
  }
  return TRUE;
}

gboolean ledger_files_open(const char *folder, const char *name, guint shards, Db **dbs, GError **error) {
  if (!check_first(folder, name, shards, error))
    return FALSE;
  g_autofree char *made = g_uuid_string_random();
  const char *id = made;
  gboolean may_make = TRUE;
  for (guint i = 0; i < shards; i++) {
    g_autofree char *path = ledger_shard_path(folder, name, i);
    if (!open_shard(path, &id, &made, may_make, i, shards, &dbs[i], error)) {
      g_prefix_error(error, "ledger %s: ", path);
      return FALSE;
    }
    GError *why = NULL;
    g_autofree char *complete = i == 0 ? ledger_fact_get(dbs[0], "complete", &why) : NULL;
    if (why) {
      g_propagate_error(error, why);
      return FALSE;
    }
    may_make &= complete == NULL;
  }
  return !may_make || ledger_fact_set(dbs[0], "complete", "1", error);
}

Db *ledger_files_open_reader(const char *folder, const char *name, guint shard, guint shards, GError **error) {
  g_autofree char *path = ledger_shard_path(folder, name, shard);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ, .cache_kib = READER_CACHE_KIB}, error);
  if (db && (shards == 0 || expect_facts(db, NULL, shard, shards, error)))
    return db;
  g_prefix_error(error, "ledger %s: ", path);
  db_close(db);
  return NULL;
}

guint ledger_files_shards(const char *folder, const char *name, GError **error) {
  g_autofree char *path = ledger_shard_path(folder, name, 0);
  if (access(path, F_OK) != 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "there is no ledger %s in %s yet", name, folder);
    return 0;
  }
  Db *db = ledger_files_open_reader(folder, name, 0, 0, error);
  g_autofree char *shards = db ? ledger_fact_get(db, "shards", error) : NULL;
  g_autofree char *complete = shards ? ledger_fact_get(db, "complete", error) : NULL;
  db_close(db);
  guint64 number = shards ? g_ascii_strtoull(shards, NULL, 10) : 0;
  if (complete && number >= 1 && number <= LEDGER_SHARDS_MAX)
    return (guint)number;
  if (error && !*error)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "ledger %s is not complete yet", path);
  return 0;
}
