/* Crash windows. Until staging_complete renames it, the file is PATH.part, which no reader opens: whatever a crash
 * leaves there is replaced by the next staging_create. The rename comes after the sync of the content, and is synced
 * itself, so a file that is there by its own name is whole. That is the mark of completeness. */
#include "store/staging.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "store/staging/block_codec.h"
#include "store/db/db.h"
#include "store/staging/queries.sql.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Measured with 105-byte records: larger rows waste less of the last page, smaller ones let a batch be read without its
 * neighbours. Write-back is started early, so that the final sync finds little left to do. */
enum { RECORDS_A_ROW = 2048, PAGE = 16384, CACHE_KIB = 1024, WRITE_BACK_BYTES = 8 << 20 };

struct Staging {
  char *path, *part;
  Db *db;
  DbStatement *insert_block, *insert_fault, *set_fact;
  guint64 next; /* ordinal of the next record */
  GByteArray *row;
  int fd; /* for syncs only; closed after the connection, whose locks its closing would drop */
  gsize unwritten;
  gboolean broken; /* nothing is taken back: after an error only discarding is left */
};

static char *part_name(const char *path) {
  return g_strconcat(path, ".part", NULL);
}

void staging_remove(const char *path) {
  static const char *const endings[] = {"", "-journal", "-wal", "-shm", ".part", ".part-journal"};
  for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
    g_autofree char *name = g_strconcat(path, endings[i], NULL);
    g_unlink(name);
  }
}

static gboolean make_tables(Staging *staging, const StagingColumn *columns, guint n_columns, GError **error) {
  g_autofree char *schema = db_named(staging_queries_sql, "schema");
  if (!db_run(staging->db, schema, error) || !db_run(staging->db, "BEGIN", error))
    return FALSE;
  g_autoptr(DbStatement) insert = db_prepare_named(staging->db, staging_queries_sql, "insert-column", error);
  if (!insert)
    return FALSE;
  for (guint i = 0; i < n_columns; i++) {
    db_bind(insert, "usuu", i, columns[i].name, (guint)columns[i].type, columns[i].scale);
    if (!db_done(insert, error))
      return FALSE;
  }
  return (staging->insert_block = db_prepare_named(staging->db, staging_queries_sql, "insert-block", error)) &&
         (staging->insert_fault = db_prepare_named(staging->db, staging_queries_sql, "insert-fault", error)) &&
         (staging->set_fact = db_prepare_named(staging->db, staging_queries_sql, "set-fact", error));
}

static gboolean open_part(Staging *staging, GError **error) {
  staging->db = db_open(
      &(DbOptions){.path = staging->part, .use = DB_SCRATCH, .page_size = PAGE, .cache_kib = CACHE_KIB}, error);
  if (!staging->db)
    return FALSE;
  staging->fd = open(staging->part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  return staging->fd >= 0 || sallyport_error_errno(error, errno, "open %s", staging->part);
}

Staging *staging_create(const char *path, const StagingColumn *columns, guint n_columns, GError **error) {
  staging_remove(path);
  Staging *staging = g_new0(Staging, 1);
  staging->path = g_strdup(path);
  staging->part = part_name(path);
  staging->next = 1;
  staging->row = g_byte_array_new();
  staging->fd = -1;
  if (open_part(staging, error) && make_tables(staging, columns, n_columns, error))
    return staging;
  g_prefix_error(error, "staging %s: ", path);
  staging_discard(staging);
  return NULL;
}

static gboolean is_usable(const Staging *staging, GError **error) {
  return !staging->broken || sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                                 "staging %s failed before and was not discarded", staging->path);
}

static gboolean append_rows(Staging *staging, const RecordBlock *block, GError **error) {
  guint fault = 0;
  for (guint from = 0; from < block->count; from += RECORDS_A_ROW) {
    guint count = MIN(block->count - from, RECORDS_A_ROW), faults = 0;
    while (fault + faults < block->faults->len &&
           g_array_index(block->faults, BlockFault, fault + faults).record < from + count)
      faults++;
    fault += faults;
    g_byte_array_set_size(staging->row, 0);
    block_encode(block, from, count, staging->row);
    db_bind(staging->insert_block, "iuub", (gint64)(block->first + from), count, faults, staging->row->data,
            (gsize)staging->row->len);
    if (!db_done(staging->insert_block, error))
      return FALSE;
    staging->unwritten += staging->row->len;
  }
  return TRUE;
}

static gboolean append_faults(Staging *staging, const RecordBlock *block, GError **error) {
  for (guint i = 0; i < block->faults->len; i++) {
    const BlockFault *fault = &g_array_index(block->faults, BlockFault, i);
    db_bind(staging->insert_fault, "iiss", (gint64)(block->first + fault->record), (gint64)fault->field, fault->code,
            fault->reason);
    if (!db_done(staging->insert_fault, error))
      return FALSE;
  }
  return TRUE;
}

gboolean staging_append(Staging *staging, RecordBlock *block, GError **error) {
  if (!is_usable(staging, error))
    return FALSE;
  block->first = staging->next;
  staging->broken = !append_rows(staging, block, error) || !append_faults(staging, block, error);
  if (staging->broken)
    return FALSE;
  staging->next += block->count;
  if (staging->unwritten >= WRITE_BACK_BYTES) {
    /* A hint: that it fails (a file system without it) changes nothing, the sync at the end decides. */
    (void)sync_file_range(staging->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    staging->unwritten = 0;
  }
  return TRUE;
}

gboolean staging_set(Staging *staging, const char *name, const char *value, GError **error) {
  if (!is_usable(staging, error))
    return FALSE;
  db_bind(staging->set_fact, "ss", name, value);
  staging->broken = !db_done(staging->set_fact, error);
  return !staging->broken;
}

static void close_file(Staging *staging) {
  g_clear_pointer(&staging->insert_block, db_statement_free);
  g_clear_pointer(&staging->insert_fault, db_statement_free);
  g_clear_pointer(&staging->set_fact, db_statement_free);
  g_clear_pointer(&staging->db, db_close);
}

static void free_staging(Staging *staging) {
  close_file(staging);
  if (staging->fd >= 0)
    close(staging->fd);
  g_byte_array_unref(staging->row);
  g_free(staging->path);
  g_free(staging->part);
  g_free(staging);
}

static gboolean make_durable(const Staging *staging, GError **error) {
  if (fdatasync(staging->fd) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "fdatasync of %s: %s", staging->part, g_strerror(errno));
  if (g_rename(staging->part, staging->path) != 0)
    return sallyport_error_errno(error, errno, "rename %s to %s", staging->part, staging->path);
  g_autofree char *folder = g_path_get_dirname(staging->path);
  return files_sync_folder(folder, error);
}

gboolean staging_complete(Staging *staging, GError **error) {
  fault_point("staging-complete-before");
  gboolean ok = is_usable(staging, error) && db_commit(staging->db, error);
  close_file(staging);
  ok = ok && make_durable(staging, error);
  if (!ok) {
    g_prefix_error(error, "staging %s: ", staging->path);
    staging_discard(staging);
    return FALSE;
  }
  fault_point("staging-complete-after");
  free_staging(staging);
  return TRUE;
}

void staging_discard(Staging *staging) {
  if (!staging)
    return;
  close_file(staging);
  staging_remove(staging->path);
  free_staging(staging);
}
