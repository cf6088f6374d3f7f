/* Making and opening. Each of the files says up to which admission it is complete (the fact `through`), in the
 * transaction with that admission's rows. An admission counts when all of them say so:
 *
 *   crash before some file's commit   the least `through` is that of the admission before; the others' rows beyond it
 *                                     are deleted here, and nobody was told of them
 *   crash behind the last commit      it counts; who asks again gets its answers (details_answer)
 *
 * The first file is marked `complete` when all have been made: from then on a missing one is lost money, and is never
 * quietly made again. */
#include "gateway/base/faultpoint.h"
#include "store/details/details_private.h"
#include "store/details/queries.sql.h"
#include "store/details/tables.sql.h"
#include <unistd.h>

enum { WRITER_CACHE_KIB = 4096, READER_CACHE_KIB = 2048, APPLICATION = 0x53614474, VERSION = 2 };

static const char *const kinds[] = {"details", "business"};

/* *version: of its schema; 0: it is not made yet. */
static gboolean check_stamp(Db *db, gint64 *version, GError **error) {
  DbStamp stamp;
  if (!db_stamp(db, &stamp, error))
    return FALSE;
  *version = stamp.version;
  if (!stamp.empty && stamp.application != APPLICATION)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "is no file of details");
  return stamp.version <= VERSION ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "was made by a newer version of Sallyport (schema %" G_GINT64_FORMAT ")", stamp.version);
}

/* What each version has beyond the one before, up to this one. */
static gboolean bring_up(Db *db, const char *kind, gint64 version, GError **error) {
  while (version < VERSION) {
    g_autofree char *name = ++version == 1 ? g_strdup(kind) : g_strdup_printf("%s-%d", kind, (int)version);
    g_autofree char *tables = db_named(details_tables_sql, name);
    if (tables && !db_run(db, tables, error))
      return FALSE;
  }
  return db_set_stamp(db, APPLICATION, VERSION, error);
}

/* In one transaction: what is cut short is as it was. */
static gboolean make(const Details *details, Db *db, const char *kind, guint shard, gint64 version, GError **error) {
  if (db_begin(db, error) && bring_up(db, kind, version, error) &&
      (version > 0 ||
       (details_set_fact(db, "shard", shard, error) && details_set_fact(db, "shards", details->n_shards, error) &&
        details_set_fact(db, "seed", (gint64)(details->seed >> 1), error))) &&
      db_commit(db, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

static gboolean expect_facts(const Details *details, Db *db, guint shard, GError **error) {
  gint64 number, shards;
  if (!details_fact(db, "shard", &number, error) || !details_fact(db, "shards", &shards, error))
    return FALSE;
  if (number != shard)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "is that of shard %" G_GINT64_FORMAT, number);
  return shards == details->n_shards ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "has %" G_GINT64_FORMAT " shards, and %u are configured", shards, details->n_shards);
}

/* After a failed sync the log may be readable and yet not be on the disk: it is copied and synced before it is
 * believed, as a ledger's is. */
static Db *open_file(const Details *details, const char *kind, guint shard, gboolean may_make, GError **error) {
  g_autofree char *path = details_path(details->folder, details->name, kind, shard);
  gboolean is_there = access(path, F_OK) == 0;
  gint64 version = 0;
  Db *db = !is_there && !may_make
               ? NULL
               : db_open(&(DbOptions){.path = path, .use = DB_WRITE, .cache_kib = WRITER_CACHE_KIB,
                                      .own_checkpoint = TRUE},
                         error);
  if (!is_there && !may_make)
    sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the file is missing; restore it from a backup");
  if (db && check_stamp(db, &version, error) &&
      (version == VERSION || make(details, db, kind, shard, version, error)) &&
      expect_facts(details, db, shard, error) && db_checkpoint(db, TRUE, error))
    return db;
  g_prefix_error(error, "details %s: ", path);
  db_close(db);
  return NULL;
}

static gboolean open_files(Details *details, GError **error) {
  gint64 complete = 0, seed = 0;
  details->seed = ((guint64)g_random_int() << 32 | g_random_int()) & ~G_GUINT64_CONSTANT(1);
  for (guint i = 0; i < details->n_shards; i++) {
    DetailShard *shard = &details->shards[i];
    if (!(shard->details = open_file(details, kinds[0], i, !complete, error)))
      return FALSE;
    if (i == 0 && (!details_fact(shard->details, "complete", &complete, error) ||
                   !details_fact(shard->details, "seed", &seed, error)))
      return FALSE;
    if (i == 0)
      details->seed = (guint64)seed << 1;
    if (!(shard->business = open_file(details, kinds[1], i, !complete, error)))
      return FALSE;
  }
  return complete || details_set_fact(details->shards[0].details, "complete", 1, error);
}

/* --- Taking back */

static gboolean least_through(Details *details, GError **error) {
  details->admission = G_MAXINT64;
  for (guint i = 0; i < details->n_shards; i++) {
    Db *const dbs[] = {details->shards[i].details, details->shards[i].business};
    for (guint j = 0; j < G_N_ELEMENTS(dbs); j++) {
      gint64 through;
      if (!details_fact(dbs[j], "through", &through, error))
        return FALSE;
      details->admission = MIN(details->admission, through);
    }
  }
  return TRUE;
}

static gboolean take_back_rows(Db *db, const char *how, gint64 through, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare_named(db, details_queries_sql, how, error);
  if (!statement)
    return FALSE;
  db_bind(statement, "i", through);
  return db_done(statement, error);
}

/* `hows`: statements by name, which end with NULL. */
static gboolean take_back(Db *db, const char *const *hows, gint64 through, GError **error) {
  gint64 is;
  if (!details_fact(db, "through", &is, error))
    return FALSE;
  if (is <= through)
    return TRUE;
  fault_point("details-take-back");
  gboolean ok = db_begin(db, error);
  for (; *hows && ok; hows++)
    ok = take_back_rows(db, *hows, through, error);
  if (ok && details_set_fact(db, "through", through, error) && db_commit(db, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

static gboolean prepare(DetailShard *shard, GError **error) {
  const struct {
    DbStatement **statement;
    Db *db;
    const char *name;
  } all[] = {{&shard->add_detail, shard->details, "add-detail"},
             {&shard->add_text, shard->details, "add-text"},
             {&shard->text_id, shard->details, "text-id"},
             {&shard->add_suspended, shard->details, "add-suspended"},
             {&shard->settle, shard->details, "settle"},
             {&shard->give_up, shard->details, "give-up"},
             {&shard->settled_by, shard->details, "settled-by"},
             {&shard->waiting, shard->details, "waiting"},
             {&shard->add_answer, shard->business, "add-answer"},
             {&shard->answer, shard->business, "answer"},
             {&shard->counter, shard->business, "counter"}};
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    if (!(*all[i].statement = db_prepare_named(all[i].db, details_queries_sql, all[i].name, error)))
      return FALSE;
  return TRUE;
}

static gboolean open_shard(Details *details, guint number, GError **error) {
  static const char *const of_details[] = {"take-back-details", "take-back-suspended", "take-back-settled", NULL},
                          *const of_business[] = {"take-back-answers", NULL};
  DetailShard *shard = &details->shards[number];
  g_autoptr(DbStatement) last = NULL;
  gboolean row;
  detail_view_init(&shard->view, shard->details, number);
  if (!take_back(shard->details, of_details, details->admission, error) ||
      !take_back(shard->business, of_business, details->admission, error) || !prepare(shard, error) ||
      !(last = db_prepare_named(shard->details, details_queries_sql, "last", error)) || !db_step(last, &row, error))
    return FALSE;
  shard->last = shard->settled = row ? db_integer(last, 0) : 0;
  return detail_shard_load_keys(details, number, error) && detail_shard_load_counters(details, number, error);
}

guint details_shards_wanted(guint configured) {
  return configured ? configured : DETAILS_SHARDS;
}

Details *details_open(const DetailsOptions *options, GError **error) {
  g_autoptr(Details) details = g_new0(Details, 1);
  details->folder = g_strdup(options->folder);
  details->name = g_strdup(options->name);
  details->n_shards = details_shards_wanted(options->shards);
  details->shards = g_new0(DetailShard, details->n_shards);
  for (guint i = 0; i < details->n_shards; i++) {
    DetailShard *shard = &details->shards[i];
    shard->runs = g_ptr_array_new_with_free_func((GDestroyNotify)key_run_close);
    shard->fresh = g_array_new(FALSE, FALSE, sizeof(KeyEntry));
    shard->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    shard->bytes = g_byte_array_new();
  }
  if (!open_files(details, error) || !least_through(details, error))
    return NULL;
  for (guint i = 0; i < details->n_shards; i++)
    if (!open_shard(details, i, error)) {
      g_prefix_error(error, "details %s: ", details->name);
      return NULL;
    }
  return g_steal_pointer(&details);
}

static void close_shard(DetailShard *shard) {
  DbStatement *const all[] = {shard->add_detail, shard->add_text, shard->text_id, shard->add_suspended, shard->settle,
                              shard->waiting,    shard->answer,   shard->counter, shard->add_answer,
                              shard->give_up,    shard->settled_by};
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    db_statement_free(all[i]);
  detail_view_clear(&shard->view);
  if (shard->details)
    db_rollback(shard->details);
  if (shard->business)
    db_rollback(shard->business);
  db_close(shard->details);
  db_close(shard->business);
  g_ptr_array_unref(shard->runs);
  key_tail_clear(&shard->tail);
  g_array_unref(shard->fresh);
  g_hash_table_unref(shard->counters);
  g_byte_array_unref(shard->bytes);
  g_free(shard->last_texts[0]);
  g_free(shard->last_texts[1]);
}

void details_close(Details *details) {
  for (guint i = 0; details && i < details->n_shards; i++)
    close_shard(&details->shards[i]);
  if (!details)
    return;
  g_free(details->shards);
  g_free(details->folder);
  g_free(details->name);
  g_free(details);
}

Db *details_open_reader(const char *folder, const char *name, const char *kind, guint shard, GError **error) {
  g_autofree char *path = details_path(folder, name, kind, shard);
  gint64 version = 0;
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ, .cache_kib = READER_CACHE_KIB}, error);
  if (db && check_stamp(db, &version, error) && version == VERSION)
    return db;
  if (db && version < VERSION && error && !*error)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                        version ? "was made by an older version of Sallyport: it is brought up when the lane starts"
                                : "is being made");
  g_prefix_error(error, "details %s: ", path);
  db_close(db);
  return NULL;
}
