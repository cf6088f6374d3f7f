#include "gateway/base/faultpoint.h"
#include "store/details/queries.sql.h"
#include "store/details/reader_private.h"
#include "store/details_files.h"

void detail_file_free(DetailFile *file) {
  if (!file)
    return;
  g_free(file->period);
  g_free(file->reason);
  g_free(file->format);
  g_free(file->sha256);
  g_free(file);
}

static DetailFile *file_of(DbStatement *row) {
  DetailFile *file = g_new(DetailFile, 1);
  *file = (DetailFile){.sequence = db_integer(row, 0),
                       .period = db_text_copy(row, 1),
                       .opened_at = db_integer(row, 2),
                       .closed_at = db_integer(row, 3),
                       .reason = db_text_copy(row, 4),
                       .format = db_text_copy(row, 5),
                       .count = (guint64)db_integer(row, 6),
                       .amount = ((Wide)db_integer(row, 7) << 32) + db_integer(row, 8),
                       .sha256 = db_text_copy(row, 9)};
  return file;
}

static gboolean one_file(Db *db, const char *which, DetailFile **file, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, which, error);
  gboolean row;
  *file = NULL;
  if (!ask || !db_step(ask, &row, error))
    return FALSE;
  *file = row ? file_of(ask) : NULL;
  return !row || db_row_whole(ask, error);
}

/* The last detail of the shard that is in the file; 0: there is no such file. */
static gboolean part_last(Db *db, gint64 sequence, guint shard, gint64 *last, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "part-last", error);
  gboolean row;
  if (!ask)
    return FALSE;
  db_bind(ask, "iu", sequence, shard);
  if (!db_step(ask, &row, error))
    return FALSE;
  *last = row ? db_integer(ask, 0) : 0;
  return TRUE;
}

typedef struct {
  guint64 count;
  Wide amount;
  gint64 since;
} FileSums;

static gboolean add_sums(Db *db, gint64 after, gint64 last, FileSums *sums, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "sums-between", error);
  gboolean row;
  if (!ask)
    return FALSE;
  db_bind(ask, "ii", after, last);
  if (!db_step(ask, &row, error))
    return FALSE;
  gint64 since = db_integer(ask, 3);
  sums->count += (guint64)db_integer(ask, 0);
  sums->amount += ((Wide)db_integer(ask, 1) << 32) + db_integer(ask, 2);
  if (since && (!sums->since || since < sums->since))
    sums->since = since;
  return TRUE;
}

static gboolean sum_up(Details *details, const DetailFile *before, FileSums *sums, GError **error) {
  Db *files = details->shards[0].business;
  *sums = (FileSums){0};
  for (guint i = 0; i < details->n_shards; i++) {
    gint64 after = 0;
    if ((before && !part_last(files, before->sequence, i, &after, error)) ||
        !add_sums(details->shards[i].details, after, details->shards[i].settled, sums, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_unfiled(Details *details, DetailUnfiled *unfiled, GError **error) {
  g_autoptr(DetailFile) before = NULL;
  FileSums sums;
  if (!one_file(details->shards[0].business, "last-file", &before, error) ||
      !sum_up(details, before, &sums, error))
    return FALSE;
  *unfiled = (DetailUnfiled){sums.count, sums.since, before ? before->closed_at : 0};
  return TRUE;
}

static gboolean add_parts(Details *details, gint64 sequence, GError **error) {
  g_autoptr(DbStatement) add =
      db_prepare_named(details->shards[0].business, details_queries_sql, "add-part", error);
  for (guint i = 0; add && i < details->n_shards; i++) {
    db_bind(add, "iui", sequence, i, details->shards[i].settled);
    if (!db_done(add, error))
      return FALSE;
  }
  return add != NULL;
}

static gboolean add_file(Details *details, const DetailClosing *closing, gint64 opened_at, gint64 sequence,
                         const FileSums *sums, GError **error) {
  g_autoptr(DbStatement) add =
      db_prepare_named(details->shards[0].business, details_queries_sql, "add-file", error);
  if (!add)
    return FALSE;
  db_bind(add, "isiissiii", sequence, closing->period, opened_at, closing->now, closing->reason, closing->format,
          (gint64)sums->count, (gint64)(sums->amount >> 32), (gint64)(sums->amount & 0xffffffff));
  return db_done(add, error);
}

/* A crash before the commit leaves no file, and no number is lost; behind it, a file that is written at the next look.
 */
gboolean details_close_file(Details *details, const DetailClosing *closing, GError **error) {
  Db *db = details->shards[0].business;
  g_autoptr(DetailFile) before = NULL;
  FileSums sums;
  if (!one_file(db, "last-file", &before, error) || !sum_up(details, before, &sums, error))
    return FALSE;
  gint64 sequence = before ? before->sequence + 1 : 1;
  gint64 opened_at = before ? before->closed_at : sums.since ? sums.since : closing->now;
  fault_point("full-file-before-close");
  if (db_begin(db, error) && add_file(details, closing, opened_at, sequence, &sums, error) &&
      add_parts(details, sequence, error) && db_commit(db, error)) {
    fault_point("full-file-after-close");
    return TRUE;
  }
  db_rollback(db);
  return FALSE;
}

gboolean details_unwritten(Details *details, DetailFile **file, char **previous, GError **error) {
  Db *db = details->shards[0].business;
  gboolean row = FALSE;
  *previous = NULL;
  if (!one_file(db, "unwritten-file", file, error))
    return FALSE;
  if (!*file)
    return TRUE;
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "file-digest", error);
  if (ask)
    db_bind(ask, "i", (*file)->sequence - 1);
  if (ask && db_step(ask, &row, error)) {
    *previous = row ? db_text_copy(ask, 0) : NULL;
    return TRUE;
  }
  g_clear_pointer(file, detail_file_free);
  return FALSE;
}

static gboolean visit_priced(const DetailView *view, DetailVisit visit, gpointer user, GError **error) {
  for (guint i = 0; i < view->count; i++) {
    Detail detail = detail_view_detail(view, i);
    if (record_block_integer(view->block, DETAIL_STATUS, i) == DETAIL_RATED && !visit(user, &detail, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean visit_part(DetailShard *shard, gint64 after, gint64 last, DetailVisit visit, gpointer user,
                           GError **error) {
  g_autoptr(DbStatement) blocks = db_prepare_named(shard->details, details_queries_sql, "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks)
    return FALSE;
  db_bind(blocks, "i", after + 1);
  while (row) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(&shard->view, blocks, error)))
      return FALSE;
    row = row && shard->view.first <= last;
    if (row && !visit_priced(&shard->view, visit, user, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_visit_file(Details *details, const DetailFile *file, DetailVisit visit, gpointer user,
                            GError **error) {
  Db *db = details->shards[0].business;
  for (guint i = 0; i < details->n_shards; i++) {
    gint64 after, last;
    if (!part_last(db, file->sequence - 1, i, &after, error) || !part_last(db, file->sequence, i, &last, error) ||
        !visit_part(&details->shards[i], after, last, visit, user, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_written(Details *details, gint64 sequence, const char *sha256, GError **error) {
  g_autoptr(DbStatement) set = db_prepare_named(details->shards[0].business, details_queries_sql, "set-digest", error);
  if (!set)
    return FALSE;
  db_bind(set, "is", sequence, sha256);
  return db_done(set, error);
}

/* --- Reading */

GPtrArray *details_reader_files(DetailsReader *reader, guint limit, GError **error) {
  Db *db = reader->shards[0].business;
  g_autoptr(DetailFile) last = NULL;
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)detail_file_free);
  if (!one_file(db, "last-file", &last, error))
    return NULL;
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "files-from", error);
  gboolean row = ask != NULL;
  if (!ask)
    return NULL;
  db_bind(ask, "i", limit && last && last->sequence > limit ? last->sequence - limit + 1 : 1);
  while (row) {
    if (!db_step(ask, &row, error))
      return NULL;
    if (row)
      g_ptr_array_add(files, file_of(ask));
  }
  return g_steal_pointer(&files);
}

static gboolean verify_file(DetailsReader *reader, const DetailFile *file, GError **error) {
  Db *db = reader->shards[0].business;
  FileSums sums = {0};
  for (guint i = 0; i < reader->n_shards; i++) {
    gint64 after, last;
    if (!part_last(db, file->sequence - 1, i, &after, error) || !part_last(db, file->sequence, i, &last, error) ||
        !add_sums(reader->shards[i].details, after, last, &sums, error))
      return FALSE;
  }
  return (sums.count == file->count && sums.amount == file->amount) ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "full file %" G_GINT64_FORMAT " has another count or sum than its details",
                             file->sequence);
}

gboolean details_verify_files(DetailsReader *reader, GError **error) {
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, error);
  for (guint i = 0; files && i < files->len; i++) {
    const DetailFile *file = files->pdata[i];
    if (file->sequence != (gint64)i + 1)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "full file %u is missing", i + 1);
    if (!verify_file(reader, file, error))
      return FALSE;
  }
  return files != NULL;
}
