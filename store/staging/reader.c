#include "store/staging/block_codec.h"
#include "store/db/db.h"
#include "store/staging.h"
#include "store/staging/queries.sql.h"
#include <unistd.h>

struct StagingReader {
  char *path;
  Db *db;
  DbStatement *blocks, *faults, *fact;
  StagingColumn *columns;
  guint n_columns;
  guint64 count;
};

static gboolean read_columns(StagingReader *reader, GError **error) {
  g_autoptr(DbStatement) select = db_prepare_named(reader->db, staging_queries_sql, "columns", error);
  g_autoptr(GArray) columns = g_array_new(FALSE, TRUE, sizeof(StagingColumn));
  gboolean row = select != NULL, ok = row;
  while (row && (ok = db_step(select, &row, error)) && row) {
    StagingColumn column = {.name = db_text_copy(select, 0),
                            .type = (int)db_integer(select, 1) == BLOCK_INTEGER ? BLOCK_INTEGER : BLOCK_TEXT,
                            .scale = (guint)(int)db_integer(select, 2)};
    g_array_append_val(columns, column);
  }
  reader->n_columns = columns->len;
  reader->columns = (StagingColumn *)(gpointer)g_array_free(g_steal_pointer(&columns), FALSE);
  return ok;
}

static gboolean read_count(StagingReader *reader, GError **error) {
  gint64 count = 0;
  g_autofree char *select = db_named(staging_queries_sql, "count");
  if (!db_value(reader->db, select, &count, error))
    return FALSE;
  reader->count = (guint64)MAX(count, 0);
  return TRUE;
}

static gboolean prepare_reader(StagingReader *reader, GError **error) {
  DbStamp stamp;
  if (!db_stamp(reader->db, &stamp, error))
    return FALSE;
  if (stamp.version != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "not a staging file of this version (%" G_GINT64_FORMAT ")", stamp.version);
  return read_columns(reader, error) && read_count(reader, error) &&
         (reader->blocks = db_prepare_named(reader->db, staging_queries_sql, "blocks", error)) &&
         (reader->faults = db_prepare_named(reader->db, staging_queries_sql, "faults", error)) &&
         (reader->fact = db_prepare_named(reader->db, staging_queries_sql, "get-fact", error));
}

/* The file is derived and complete by its name: whatever does not fit in it is damage, also where SQLite says "no such
 * table". */
static void damaged(const char *path, GError **error) {
  if (error && *error && g_error_matches(*error, SALLYPORT_ERROR, SALLYPORT_ERROR_BUG))
    (*error)->code = SALLYPORT_ERROR_STORAGE;
  g_prefix_error(error, "staging %s: ", path);
}

StagingReader *staging_reader_open(const char *path, GError **error) {
  if (access(path, F_OK) != 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s is not there or was not completed: stage the file again",
                        path);
    return NULL;
  }
  StagingReader *reader = g_new0(StagingReader, 1);
  reader->path = g_strdup(path);
  reader->db = db_open(&(DbOptions){.path = path, .use = DB_READ, .cache_kib = 256}, error);
  if (reader->db && prepare_reader(reader, error))
    return reader;
  damaged(path, error);
  staging_reader_close(reader);
  return NULL;
}

void staging_reader_close(StagingReader *reader) {
  if (!reader)
    return;
  db_statement_free(reader->blocks);
  db_statement_free(reader->faults);
  db_statement_free(reader->fact);
  db_close(reader->db);
  for (guint i = 0; i < reader->n_columns; i++)
    g_free((char *)reader->columns[i].name);
  g_free(reader->columns);
  g_free(reader->path);
  g_free(reader);
}

guint64 staging_count(const StagingReader *reader) {
  return reader->count;
}

const StagingColumn *staging_columns(const StagingReader *reader, guint *n_columns) {
  *n_columns = reader->n_columns;
  return reader->columns;
}

char *staging_get(StagingReader *reader, const char *name) {
  gboolean row = FALSE;
  db_bind(reader->fact, "s", name);
  char *value = db_step(reader->fact, &row, NULL) && row ? db_text_copy(reader->fact, 0) : NULL;
  db_reset(reader->fact);
  return value;
}

RecordBlock *staging_block_new(const StagingReader *reader, guint capacity) {
  g_autofree BlockType *types = g_new(BlockType, MAX(reader->n_columns, 1));
  for (guint i = 0; i < reader->n_columns; i++)
    types[i] = reader->columns[i].type;
  return record_block_new(capacity, types, reader->n_columns);
}

/* One stored row's part of the wanted records. Rows must follow each other: `into` knows what comes next. */
static gboolean read_row(StagingReader *reader, guint64 first, guint count, RecordBlock *into, gboolean *faulty,
                         GError **error) {
  guint64 stored = (guint64)db_integer(reader->blocks, 0), next = first + into->count;
  gint64 records = db_integer(reader->blocks, 1);
  gsize length;
  const void *bytes = db_bytes(reader->blocks, 3, &length);
  if (stored > next || records <= 0 || stored + (guint64)records <= next ||
      block_encoded_count(bytes, length) != records)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "the block of record %" G_GUINT64_FORMAT " is missing or damaged", next);
  guint64 here = stored + (guint64)records - next, wanted = count - into->count;
  *faulty |= (int)db_integer(reader->blocks, 2) != 0;
  return block_decode(bytes, length, (guint)(next - stored), (guint)MIN(here, wanted), into, error);
}

static gboolean read_faults(StagingReader *reader, RecordBlock *into, GError **error) {
  gboolean row = TRUE;
  db_bind(reader->faults, "ii", (gint64)into->first, (gint64)(into->first + into->count - 1));
  while (db_step(reader->faults, &row, error)) {
    if (!row)
      return TRUE;
    BlockFault fault = {.record = (guint32)((guint64)db_integer(reader->faults, 0) - into->first),
                        .field = (gint16)(int)db_integer(reader->faults, 1),
                        .reason = db_text_copy(reader->faults, 3)};
    const char *code = db_text(reader->faults, 2);
    g_strlcpy(fault.code, code ? code : "", sizeof fault.code);
    g_array_append_val(into->faults, fault);
  }
  return FALSE;
}

gboolean staging_read(StagingReader *reader, guint64 first, guint count, RecordBlock *into, GError **error) {
  record_block_clear(into);
  into->first = first;
  if (first == 0 || count > into->capacity)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "staging_read of %u records from %" G_GUINT64_FORMAT, count,
                               first);
  if (first > reader->count || count == 0)
    return TRUE;
  count = (guint)MIN((guint64)count, reader->count - first + 1);
  gboolean row = TRUE, ok = TRUE, faulty = FALSE;
  db_bind(reader->blocks, "iu", (gint64)first, count);
  while (ok && into->count < count && (ok = db_step(reader->blocks, &row, error)) && row)
    ok = read_row(reader, first, count, into, &faulty, error);
  db_reset(reader->blocks);
  if (ok && into->count < count)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "records are missing from %" G_GUINT64_FORMAT,
                             first + into->count);
  if (ok && faulty)
    ok = read_faults(reader, into, error);
  if (!ok)
    damaged(reader->path, error);
  return ok;
}
