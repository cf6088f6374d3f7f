/* A table's file: made, brought up to date, opened. */
#include "store/reference/reference_private.h"
#include "store/reference/queries.sql.h"
#include "store/reference/tables_2.sql.h"
#include "store/reference/tables.sql.h"
#include <unistd.h>

enum { WRITER_CACHE_KIB = 32768, READER_CACHE_KIB = 8192, APPLICATION = 0x53617252 };

/* The SQL that leads from version i to i + 1. */
static const char *const steps[] = {reference_tables_sql, reference_tables_2_sql};

char *reference_path(const char *folder, const char *name) {
  return g_strdup_printf("%s/%s.reference.db", folder, name);
}

static gboolean check_stamp(const DbStamp *stamp, GError **error) {
  if (!stamp->empty && stamp->application != APPLICATION)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "is no reference table");
  return stamp->version <= (gint64)G_N_ELEMENTS(steps) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "was made by a newer version of Sallyport (schema %" G_GINT64_FORMAT ")", stamp->version);
}

/* Each step is one transaction with the number of its version: a crash leaves the version before. */
static gboolean bring_up_to_date(Db *db, GError **error) {
  DbStamp stamp;
  if (!db_stamp(db, &stamp, error) || !check_stamp(&stamp, error))
    return FALSE;
  for (gint64 version = stamp.version; version < (gint64)G_N_ELEMENTS(steps); version++) {
    if (db_begin(db, error) && db_run(db, steps[version], error) && db_set_stamp(db, APPLICATION, version + 1, error) &&
        db_commit(db, error))
      continue;
    db_rollback(db);
    return FALSE;
  }
  return TRUE;
}

/* After a failed sync the log may be readable and yet not be on the disk: it is copied and synced before it is
 * believed, as a ledger's is. */
Db *reference_open_writer(const char *folder, const char *name, GError **error) {
  g_autofree char *path = reference_path(folder, name);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE, .cache_kib = WRITER_CACHE_KIB, .own_checkpoint = TRUE},
                   error);
  if (db && bring_up_to_date(db, error) && db_checkpoint(db, TRUE, error))
    return db;
  g_prefix_error(error, "reference table %s: ", path);
  db_close(db);
  return NULL;
}

/* Read as it is: who may only read brings nothing up to date. */
static gboolean is_made(Db *db, gint64 *schema, gboolean *is, GError **error) {
  DbStamp stamp;
  *is = FALSE;
  if (!db_stamp(db, &stamp, error) || !check_stamp(&stamp, error))
    return FALSE;
  *is = stamp.version > 0;
  *schema = stamp.version;
  return TRUE;
}

ReferenceReader *reference_reader_open(const char *folder, const char *name, GError **error) {
  g_autofree char *path = reference_path(folder, name);
  gboolean is = FALSE;
  if (access(path, F_OK) != 0)
    return NULL;
  ReferenceReader *reader = g_new0(ReferenceReader, 1);
  reader->db = db_open(&(DbOptions){.path = path, .use = DB_READ, .cache_kib = READER_CACHE_KIB}, error);
  if (!reader->db || !is_made(reader->db, &reader->schema, &is, error))
    g_prefix_error(error, "reference table %s: ", path);
  if (is)
    return reader;
  reference_reader_close(reader);
  return NULL;
}

void reference_reader_close(ReferenceReader *reader) {
  if (!reader)
    return;
  db_statement_free(reader->at);
  db_statement_free(reader->of_id);
  db_statement_free(reader->of_key);
  db_statement_free(reader->of_prefix);
  db_close(reader->db);
  g_free(reader);
}
