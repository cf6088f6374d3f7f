/* What the ledger keeps about its amounts: the scale (decimals) and the unit stand in each of its files, for they give
 * the stored integers their meaning. A ledger from before they were kept, or one without an entry, takes those with
 * which it is opened; after that they never change. */
#include "store/ledger/open_private.h"
#include "store/ledger/queries.sql.h"

static gboolean last_seq(Db *db, gint64 *last, GError **error) {
  g_autoptr(DbStatement) top = db_prepare_named(db, ledger_queries_sql, "top", error);
  gboolean row = FALSE;
  *last = 0;
  if (!top || !db_step(top, &row, error))
    return FALSE;
  *last = row ? db_integer(top, 0) : 0;
  db_reset(top);
  return TRUE;
}

/* *known FALSE: the file does not say. */
static gboolean read_scale(Db *db, gboolean *known, guint *scale, GError **error) {
  GError *why = NULL;
  g_autofree char *text = ledger_fact_get(db, "scale", &why);
  guint64 number = 0;
  *known = text != NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (text && !g_ascii_string_to_unsigned(text, 10, 0, LEDGER_SCALE_MAX, &number, NULL))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "its scale is \"%s\", which is no number of decimals",
                               text);
  *scale = (guint)number;
  return TRUE;
}

static gboolean has_entries(Db *const *dbs, guint shards, gboolean *has, GError **error) {
  *has = FALSE;
  for (guint i = 0; i < shards && !*has; i++) {
    gint64 last;
    if (!last_seq(dbs[i], &last, error))
      return FALSE;
    *has = last > 0;
  }
  return TRUE;
}

/* A crash between two files leaves some without it: the next opening writes the same there, or is refused. */
static gboolean write_facts(const Ledger *ledger, Db *db, const char *unit, GError **error) {
  g_autofree char *scale = g_strdup_printf("%u", ledger->scale);
  return db_begin(db, error) && ledger_fact_set(db, "scale", scale, error) &&
         (!unit || ledger_fact_set(db, "unit", unit, error)) && db_commit(db, error);
}

static gboolean settle_file(const Ledger *ledger, Db *db, const char *unit, gboolean has, GError **error) {
  gboolean known;
  guint kept;
  if (!read_scale(db, &known, &kept, error))
    return FALSE;
  if (known && kept == ledger->scale)
    return TRUE;
  if (known && has)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "its amounts have %u decimals, and the configuration says %u: what is credited would "
                               "change its value; put the amount's type and scale back, or credit a ledger of another "
                               "name",
                               kept, ledger->scale);
  if (write_facts(ledger, db, unit, error))
    return TRUE;
  db_rollback(db);
  return FALSE;
}

gboolean ledger_facts_settle(const Ledger *ledger, Db *const *dbs, const char *unit, GError **error) {
  gboolean has;
  if (!has_entries(dbs, ledger->shards, &has, error))
    return FALSE;
  for (guint i = 0; i < ledger->shards; i++)
    if (!settle_file(ledger, dbs[i], unit, has, error)) {
      g_prefix_error(error, "ledger %s: ", ledger->name);
      return FALSE;
    }
  return TRUE;
}

gboolean ledger_scale_fits(const Ledger *ledger, const LedgerColumns *columns, GError **error) {
  return columns->scale == ledger->scale ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "ledger %s has amounts with %u decimals, and these have %u: put the amount's type and "
                             "scale back",
                             ledger->name, ledger->scale, columns->scale);
}

/* --- For readers. */

static gboolean read_shard(const char *folder, const char *name, guint shard, LedgerFacts *facts, GError **error) {
  Db *db = ledger_files_open_reader(folder, name, shard, facts->shards, error);
  gint64 last = 0;
  guint scale = 0;
  gboolean known = FALSE, ok = db && last_seq(db, &last, error) && read_scale(db, &known, &scale, error);
  db_close(db);
  facts->entries += (guint64)last;
  if (ok && shard > 0 && (known != facts->has_scale || scale != facts->scale))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "ledger %s: shard %u does not have the scale of shard 0: start its lane, or restore it "
                               "from a backup",
                               name, shard);
  facts->has_scale = known;
  facts->scale = scale;
  return ok;
}

gboolean ledger_facts_read(const char *folder, const char *name, LedgerFacts *facts, GError **error) {
  *facts = (LedgerFacts){.shards = ledger_files_shards(folder, name, error)};
  gboolean ok = facts->shards > 0;
  for (guint i = 0; ok && i < facts->shards; i++)
    ok = read_shard(folder, name, i, facts, error);
  return ok;
}

gboolean ledger_facts_verify(LedgerReader *reader, GError **error) {
  guint first = 0;
  gboolean first_known = FALSE;
  for (guint i = 0; i < ledger_reader_shards(reader); i++) {
    guint scale;
    gboolean known;
    if (!read_scale(ledger_reader_view(reader, i)->db, &known, &scale, error))
      return FALSE;
    if (i > 0 && (known != first_known || scale != first))
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "shard %u has another scale than shard 0", i);
    first = scale;
    first_known = known;
  }
  return TRUE;
}
