/* A load: the file beside, and the transaction that makes it the version in force.
 *
 *   crash before the commit   nothing has changed; the file beside has no sync and no meaning, it is made anew
 *   crash after the commit    the version names its file: the next commit of the file finds it and changes nothing */
#include "store/reference/reference_private.h"
#include "gateway/base/faultpoint.h"
#include "store/reference/queries.sql.h"
#include "store/staging.h"

enum { SCRATCH_CACHE_KIB = 32768 };

ReferenceLoad *reference_load_new(const ReferenceLoadOptions *options, GError **error) {
  g_autofree char *schema = db_named(reference_queries_sql, "incoming-schema");
  ReferenceLoad *load = g_new0(ReferenceLoad, 1);
  staging_remove(options->scratch);
  *load = (ReferenceLoad){.folder = g_strdup(options->folder),
                          .name = g_strdup(options->name),
                          .scratch = g_strdup(options->scratch),
                          .kind = options->kind,
                          .may_miss = options->may_miss};
  load->db = db_open(&(DbOptions){.path = load->scratch, .use = DB_SCRATCH, .cache_kib = SCRATCH_CACHE_KIB}, error);
  if (load->db && db_run(load->db, schema, error) && db_begin(load->db, error) &&
      (load->add = db_prepare_named(load->db, reference_queries_sql, "add-incoming", error)))
    return load;
  g_prefix_error(error, "%s: ", load->scratch);
  reference_load_free(load);
  return NULL;
}

void reference_load_free(ReferenceLoad *load) {
  if (!load)
    return;
  db_statement_free(load->add);
  db_close(load->db);
  staging_remove(load->scratch);
  g_free(load->folder);
  g_free(load->name);
  g_free(load->scratch);
  g_free(load);
}

gboolean reference_load_add(ReferenceLoad *load, const ReferenceRow *row, GError **error) {
  if (row->start >= row->finish || (!row->content && load->kind != REFERENCE_DELTA) || load->is_filled)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "line %" G_GUINT64_FORMAT " is no row of this load",
                               row->line);
  load->added++;
  db_bind(load->add, "siisii", row->key, row->start, row->finish, row->content, row->origin, (gint64)row->line);
  return db_done(load->add, error);
}

/* What has been added can be read from now on, and nothing more is added. */
static gboolean fill(ReferenceLoad *load, GError **error) {
  if (load->is_filled)
    return TRUE;
  load->is_filled = TRUE;
  return db_commit(load->db, error);
}

static gboolean open_live(ReferenceLoad *load, ReferenceReader **live, GError **error) {
  GError *why = NULL;
  if (!fill(load, error))
    return FALSE;
  *live = reference_reader_open(load->folder, load->name, &why);
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  return !*live || db_begin_read((*live)->db, error);
}

gboolean reference_load_compare(ReferenceLoad *load, ReferenceFindings *findings, GError **error) {
  static const MergeSink none = {0};
  g_autoptr(ReferenceReader) live = NULL;
  return open_live(load, &live, error) && reference_merge(load, live, &none, findings, error);
}

/* --- The next version */

typedef struct {
  Db *db;
  DbStatement *enter, *leave;
  gint64 number;
} NextVersion;

static gboolean enter(gpointer user, const char *key, const GroupRow *row, const char *content, GError **error) {
  const NextVersion *next = user;
  db_bind(next->enter, "siisiii", key, row->start, row->finish, content, row->origin ? row->origin : next->number,
          (gint64)row->line, next->number);
  return db_done(next->enter, error);
}

static gboolean leave(gpointer user, gint64 id, GError **error) {
  const NextVersion *next = user;
  db_bind(next->leave, "ii", id, next->number);
  return db_done(next->leave, error);
}

static gboolean add_version(NextVersion *next, const ReferenceLoad *load, const ReferenceFacts *facts, GError **error) {
  g_autoptr(DbStatement) add = db_prepare_named(next->db, reference_queries_sql, "add-version", error);
  if (!add)
    return FALSE;
  db_bind(add, "is-s-iss", next->number, reference_kind_word(load->kind), facts->file, g_get_real_time(), facts->by,
          facts->shape);
  if (facts->sequence != REFERENCE_NO_SEQUENCE)
    db_bind_integer(add, 3, facts->sequence);
  if (load->kind == REFERENCE_ROLLBACK)
    db_bind_integer(add, 5, facts->back_to);
  return db_done(add, error);
}

static gboolean count_version(const NextVersion *next, const ReferenceFindings *findings, GError **error) {
  g_autoptr(DbStatement) count = db_prepare_named(next->db, reference_queries_sql, "count-version", error);
  guint64 rows = 0;
  g_autofree char *digest = count ? reference_digest(next->db, &rows, error) : NULL;
  if (!digest)
    return FALSE;
  if (rows != findings->rows)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "%" G_GUINT64_FORMAT " rows were counted, and are %"
                               G_GUINT64_FORMAT, findings->rows, rows);
  db_bind(count, "iiiiiiis", next->number, (gint64)findings->rows, (gint64)findings->added, (gint64)findings->changed,
          (gint64)findings->removed, (gint64)findings->gaps, (gint64)findings->gap_line, digest);
  return db_done(count, error);
}

static gboolean fill_version(NextVersion *next, ReferenceLoad *load, const ReferenceFacts *facts,
                             ReferenceFindings *findings, GError **error) {
  g_autoptr(ReferenceReader) live = NULL;
  MergeSink sink = {enter, leave, next};
  if (!open_live(load, &live, error) || !add_version(next, load, facts, error) ||
      !reference_merge(load, live, &sink, findings, error))
    return FALSE;
  if (findings->fault)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %" G_GUINT64_FORMAT " does not fit into the table",
                               findings->line);
  return count_version(next, findings, error) && reference_forget(next->db, next->number, facts, error);
}

static gboolean make_version(NextVersion *next, ReferenceLoad *load, const ReferenceFacts *facts,
                             ReferenceFindings *findings, GError **error) {
  g_autoptr(DbStatement) enters = db_prepare_named(next->db, reference_queries_sql, "enter", error);
  g_autoptr(DbStatement) leaves = enters ? db_prepare_named(next->db, reference_queries_sql, "leave", error) : NULL;
  next->enter = enters;
  next->leave = leaves;
  if (!leaves || !fill_version(next, load, facts, findings, error))
    return FALSE;
  fault_point("reference-before-commit");
  if (!db_commit(next->db, error))
    return FALSE;
  fault_point("reference-after-commit");
  return TRUE;
}

static gboolean version_before(Db *db, const char *file, gint64 *number, gint64 *newest, GError **error) {
  g_autoptr(DbStatement) of_file = db_prepare_named(db, reference_queries_sql, "version-of-file", error);
  g_autofree char *sql = db_named(reference_queries_sql, "newest");
  gboolean row = FALSE;
  *number = 0;
  if (!of_file)
    return FALSE;
  db_bind(of_file, "s", file);
  if (!db_step(of_file, &row, error))
    return FALSE;
  if (row)
    *number = db_integer(of_file, 0);
  db_reset(of_file);
  return db_value(db, sql, newest, error);
}

static gboolean commit(Db *db, ReferenceLoad *load, const ReferenceFacts *facts, ReferenceFindings *findings,
                       gint64 *number, GError **error) {
  gint64 newest = 0;
  NextVersion next = {.db = db};
  if (!db_begin(db, error) || !version_before(db, facts->file, number, &newest, error))
    return FALSE;
  if (*number > 0)
    return TRUE;
  *number = next.number = newest + 1;
  return make_version(&next, load, facts, findings, error) && db_checkpoint(db, TRUE, error);
}

gboolean reference_load_commit(ReferenceLoad *load, const ReferenceFacts *facts, ReferenceFindings *findings,
                               gint64 *number, GError **error) {
  *findings = (ReferenceFindings){0};
  Db *db = reference_open_writer(load->folder, load->name, error);
  if (!db)
    return FALSE;
  gboolean ok = commit(db, load, facts, findings, number, error);
  db_rollback(db);
  db_close(db);
  return ok;
}

/* --- Back to an earlier version */

static gboolean add_row(gpointer user, const ReferenceRow *row, gboolean comes) {
  gpointer *into = user;
  (void)comes;
  ReferenceRow again = *row;
  again.id = 0;
  return reference_load_add(into[0], &again, into[1]);
}

static gboolean find_version(const ReferenceRollback *rollback, ReferenceReader *reader, ReferenceVersion **version,
                             GError **error) {
  if (reader && !reference_version(reader, rollback->to, version, error))
    return FALSE;
  if (!reader || !*version)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s has no version %" G_GINT64_FORMAT, rollback->name,
                               rollback->to);
  return (*version)->kept || sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                                                 "version %" G_GINT64_FORMAT " of %s is not kept any more",
                                                 rollback->to, rollback->name);
}

gboolean reference_roll_back(const ReferenceRollback *rollback, gint64 *number, GError **error) {
  GError *why = NULL;
  g_autoptr(ReferenceReader) reader = reference_reader_open(rollback->folder, rollback->name, &why);
  g_autoptr(ReferenceVersion) version = NULL;
  ReferenceFindings findings;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (!find_version(rollback, reader, &version, error))
    return FALSE;
  g_autoptr(ReferenceLoad) load = reference_load_new(
      &(ReferenceLoadOptions){.folder = rollback->folder,
                              .name = rollback->name,
                              .scratch = rollback->scratch,
                              .kind = REFERENCE_ROLLBACK},
      error);
  gpointer into[] = {load, &why};
  if (!load || !reference_visit(reader, rollback->to, NULL, add_row, into, error))
    return FALSE;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  ReferenceFacts facts = {.sequence = REFERENCE_NO_SEQUENCE,
                          .by = rollback->by,
                          .back_to = rollback->to,
                          .shape = version->shape};
  return reference_load_commit(load, &facts, &findings, number, error);
}
