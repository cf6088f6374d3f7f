/* The matrix of a full file is noted in the transaction that says that it is taken apart:
 *
 *   crash before its commit   the platforms' files lie there, and are found with the same bytes at the next look
 *   crash behind it           they are pushed, each by its own row */
#include "gateway/base/faultpoint.h"
#include "store/details/filed_private.h"
#include "store/details/queries.sql.h"

void platform_file_free(PlatformFile *file) {
  if (!file)
    return;
  g_free(file->platform);
  g_free(file->name);
  g_free(file->sha256);
  g_free(file->reason);
  g_free(file);
}

static PlatformFile *file_of(DbStatement *row) {
  PlatformFile *file = g_new(PlatformFile, 1);
  *file = (PlatformFile){.platform = db_text_copy(row, 0),
                         .name = db_text_copy(row, 1),
                         .sha256 = db_text_copy(row, 2),
                         .count = (guint64)db_integer(row, 3),
                         .amount = filed_wide(db_integer(row, 4), db_integer(row, 5)),
                         .pushed_at = db_integer(row, 6),
                         .is_pushed = db_integer(row, 7) != 0,
                         .due_at = db_integer(row, 8),
                         .tries = (guint)db_integer(row, 9),
                         .reason = db_text_copy(row, 10),
                         .sequence = db_integer(row, 11)};
  return file;
}

/* --- Taking apart */

gboolean details_unsplit(Details *details, DetailFile **file, GError **error) {
  return filed_one(details->shards[0].business, "unsplit-file", NULL, file, error);
}

gboolean details_hold_split(Details *details, gint64 sequence, const char *why, GError **error) {
  g_autoptr(DbStatement) hold = db_prepare_named(details->shards[0].business, details_queries_sql, "hold-split", error);
  if (!hold)
    return FALSE;
  db_bind(hold, "is", sequence, why);
  return db_done(hold, error);
}

static gboolean add_platforms(Db *db, const DetailSplit *split, GError **error) {
  g_autoptr(DbStatement) add = db_prepare_named(db, details_queries_sql, "add-platform-file", error);
  for (guint i = 0; add && i < split->files->len; i++) {
    const PlatformFile *file = split->files->pdata[i];
    db_bind(add, "isssiiii", split->sequence, file->platform, file->name, file->sha256, (gint64)file->count,
            filed_high(file->amount), filed_low(file->amount), (gint64)file->is_pushed);
    if (!db_done(add, error))
      return FALSE;
  }
  return add != NULL;
}

static gboolean set_split(Db *db, const DetailSplit *split, GError **error) {
  const DetailMatrix *matrix = split->matrix;
  g_autoptr(DbStatement) set = db_prepare_named(db, details_queries_sql, "set-split", error);
  if (!set)
    return FALSE;
  db_bind(set, "iiiiiiiii", split->sequence, split->now, (gint64)matrix->unrouted,
          filed_high(matrix->unrouted_amount), filed_low(matrix->unrouted_amount), (gint64)matrix->several,
          (gint64)matrix->extra, filed_high(matrix->extra_amount), filed_low(matrix->extra_amount));
  return db_done(set, error);
}

gboolean details_split(Details *details, const DetailSplit *split, GError **error) {
  Db *db = details->shards[0].business;
  fault_point("full-file-before-split");
  if (db_begin(db, error) && add_platforms(db, split, error) && set_split(db, split, error) && db_commit(db, error)) {
    fault_point("full-file-after-split");
    return TRUE;
  }
  db_rollback(db);
  return FALSE;
}

/* --- Pushing */

gboolean details_next_push(Details *details, const char *platform, PlatformFile **file, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(details->shards[0].business, details_queries_sql, "next-push", error);
  gboolean row;
  *file = NULL;
  if (!ask)
    return FALSE;
  db_bind(ask, "s", platform);
  if (!db_step(ask, &row, error))
    return FALSE;
  *file = row ? file_of(ask) : NULL;
  if (!row || db_row_whole(ask, error))
    return TRUE;
  g_clear_pointer(file, platform_file_free);
  return FALSE;
}

gboolean details_pushed(Details *details, const PlatformFile *file, gint64 now, GError **error) {
  g_autoptr(DbStatement) set = db_prepare_named(details->shards[0].business, details_queries_sql, "set-pushed", error);
  if (!set)
    return FALSE;
  db_bind(set, "isi", file->sequence, file->platform, now);
  return db_done(set, error);
}

gboolean details_put_off_push(Details *details, const PlatformFile *file, gint64 due_at, const char *why,
                              GError **error) {
  g_autoptr(DbStatement) set =
      db_prepare_named(details->shards[0].business, details_queries_sql, "put-off-push", error);
  if (!set)
    return FALSE;
  db_bind(set, "isis", file->sequence, file->platform, due_at, why);
  return db_done(set, error);
}

/* --- Reading */

static GPtrArray *all_of(DbStatement *ask, GError **error) {
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)platform_file_free);
  for (gboolean row = TRUE; row;) {
    if (!db_step(ask, &row, error))
      return NULL;
    if (row)
      g_ptr_array_add(files, file_of(ask));
  }
  return g_steal_pointer(&files);
}

GPtrArray *details_reader_platforms(DetailsReader *reader, gint64 sequence, GError **error) {
  g_autoptr(DbStatement) ask =
      db_prepare_named(reader->shards[0].business, details_queries_sql, "platform-files", error);
  if (!ask)
    return NULL;
  db_bind(ask, "i", sequence);
  return all_of(ask, error);
}

GPtrArray *details_reader_unpushed(DetailsReader *reader, GError **error) {
  g_autoptr(DbStatement) ask =
      db_prepare_named(reader->shards[0].business, details_queries_sql, "oldest-unpushed", error);
  return ask ? all_of(ask, error) : NULL;
}
