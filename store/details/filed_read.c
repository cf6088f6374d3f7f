/* What is asked of full files from other processes, and what verify holds of them. */
#include "store/details/filed_private.h"
#include "store/details/queries.sql.h"

GPtrArray *details_reader_files(DetailsReader *reader, guint limit, GError **error) {
  Db *db = reader->shards[0].business;
  g_autoptr(DetailFile) last = NULL;
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)detail_file_free);
  if (!filed_one(db, "last-file", NULL, &last, error))
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
      g_ptr_array_add(files, filed_row(ask));
  }
  return g_steal_pointer(&files);
}

gboolean details_reader_visit_file(DetailsReader *reader, const DetailFile *file, DetailVisit visit, gpointer user,
                                   GError **error) {
  FileBase base = filed_of_reader(reader);
  return filed_visit(&base, file, visit, user, error);
}

/* --- In which file */

/* *sequence: of the file that has looked at it; 0: none has. */
static gboolean looked_at_by(Db *db, guint shard, gint64 number, gint64 *sequence, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "file-with-detail", error);
  gboolean row;
  if (!ask)
    return FALSE;
  db_bind(ask, "ui", shard, number);
  if (!db_step(ask, &row, error))
    return FALSE;
  *sequence = db_integer(ask, 0);
  return TRUE;
}

/* If that file has left it over, *sequence is that of the one that has taken it; 0: none yet. */
static gboolean follow_left(Db *db, guint shard, gint64 number, gint64 *sequence, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(db, details_queries_sql, "left-rows-of", error);
  gboolean row = rows != NULL;
  if (!rows)
    return FALSE;
  db_bind(rows, "iu", *sequence, shard);
  while (row) {
    gsize length;
    if (!db_step(rows, &row, error))
      return FALSE;
    const guint8 *bytes = row ? db_bytes(rows, 0, &length) : NULL;
    LeftOver left = {.numbers = g_byte_array_new()};
    g_byte_array_append(left.numbers, bytes, row ? (guint)length : 0);
    gboolean is_there = FALSE;
    for (guint i = 0; i < left_over_count(&left) && !is_there; i++)
      is_there = left_over_number(&left, i) == number;
    g_byte_array_unref(left.numbers);
    if (is_there) {
      *sequence = db_integer(rows, 1);
      return TRUE;
    }
  }
  return TRUE;
}

gboolean details_reader_file_of(DetailsReader *reader, guint shard, gint64 number, DetailFile **file, GError **error) {
  Db *db = reader->shards[0].business;
  gint64 sequence;
  *file = NULL;
  return looked_at_by(db, shard, number, &sequence, error) &&
         (!sequence || follow_left(db, shard, number, &sequence, error)) &&
         (!sequence || filed_one(db, "file-numbered", &sequence, file, error));
}

/* --- Verifying */

static gboolean wrong(const DetailFile *file, GError **error, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "full file %" G_GINT64_FORMAT " %s", file->sequence, what);
}

/* What was noted when they were left over is held against the details. */
static gboolean check_left(DetailView *view, const LeftOver *left, GError **error) {
  guint64 count = 0;
  Wide amount = 0;
  for (guint i = 0; i < left_over_count(left); i++) {
    gint64 number = left_over_number(left, i);
    if (!detail_view_load(view, number, error))
      return FALSE;
    guint at = (guint)(number - view->first);
    count += record_block_integer(view->block, DETAIL_STATUS, at) == DETAIL_RATED;
    amount += record_block_integer(view->block, DETAIL_AMOUNT, at);
  }
  return (count == left->count && amount == left->amount) ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "shard %u: details that were left over for another full file have another count or sum",
                             left->shard);
}

/* `sign` 1: those that the file has taken; -1: those that it has left. */
static gboolean add_left(const FileBase *base, const DetailFile *file, guint shard, int sign, DetailSums *sums,
                         GError **error) {
  g_autoptr(DbStatement) rows =
      db_prepare_named(base->files, details_queries_sql, sign > 0 ? "taken-by" : "left-by", error);
  gboolean row = rows != NULL;
  if (!rows)
    return FALSE;
  db_bind(rows, "iu", file->sequence, shard);
  while (row) {
    if (!db_step(rows, &row, error))
      return FALSE;
    g_autoptr(LeftOver) left = row ? left_over_of(rows) : NULL;
    if (!left)
      break;
    if (sign > 0 && file->has_day && left->day > file->day)
      return wrong(file, error, "has taken details of a later day");
    if (!check_left(base->shards[shard].view, left, error))
      return FALSE;
    sums->count += sign > 0 ? left->count : -left->count;
    sums->amount += sign > 0 ? left->amount : -left->amount;
  }
  return TRUE;
}

static gboolean verify_details(const FileBase *base, const DetailFile *file, GError **error) {
  DetailSums sums = {0};
  for (guint i = 0; i < base->n; i++) {
    FiledSpan span = {.shard = i};
    if (!filed_part_last(base->files, file->sequence - 1, i, &span.after, error) ||
        !filed_part_last(base->files, file->sequence, i, &span.last, error) ||
        !filed_walk(base, &span, &DETAIL_ALL_DAYS, &sums, error) || !add_left(base, file, i, 1, &sums, error) ||
        !add_left(base, file, i, -1, &sums, error))
      return FALSE;
    if (span.last < span.after)
      return wrong(file, error, "ends before the one before it");
  }
  return (sums.count == file->sums.count && sums.amount == file->sums.amount) ||
         wrong(file, error, "has another count or sum than its details");
}

/* Those that were taken apart before there was a matrix have none. */
static gboolean verify_matrix(DetailsReader *reader, const DetailFile *file, GError **error) {
  const DetailMatrix *matrix = &file->matrix;
  g_autoptr(GPtrArray) platforms = details_reader_platforms(reader, file->sequence, error);
  if (!platforms)
    return FALSE;
  if (!file->split_at || (platforms->len == 0 && matrix->unrouted == 0))
    return TRUE;
  guint64 count = matrix->unrouted - matrix->extra;
  Wide amount = matrix->unrouted_amount - matrix->extra_amount;
  for (guint i = 0; i < platforms->len; i++) {
    const PlatformFile *platform = platforms->pdata[i];
    count += platform->count;
    amount += platform->amount;
  }
  return (count == file->sums.count && amount == file->sums.amount) ||
         wrong(file, error, "has another count or sum than its platforms' files and what no platform got");
}

gboolean details_verify_files(DetailsReader *reader, GError **error) {
  FileBase base = filed_of_reader(reader);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, error);
  for (guint i = 0; files && i < files->len; i++) {
    const DetailFile *file = files->pdata[i];
    if (file->sequence != (gint64)i + 1)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "full file %u is missing", i + 1);
    if (!verify_details(&base, file, error) || !verify_matrix(reader, file, error))
      return FALSE;
  }
  return files != NULL;
}
