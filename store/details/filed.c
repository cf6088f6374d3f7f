#include "store/details/filed_private.h"
#include "store/details/queries.sql.h"
#include <string.h>

FileBase filed_of_writer(Details *details) {
  FileBase base = {.files = details->shards[0].business, .n = details->n_shards};
  for (guint i = 0; i < base.n; i++)
    base.shards[i] = (FileShard){details->shards[i].details, &details->shards[i].view, details->shards[i].settled};
  return base;
}

FileBase filed_of_reader(DetailsReader *reader) {
  FileBase base = {.files = reader->shards[0].business, .n = reader->n_shards};
  for (guint i = 0; i < base.n; i++)
    base.shards[i] = (FileShard){reader->shards[i].details, &reader->shards[i].view, 0};
  return base;
}

/* --- Files */

void detail_file_free(DetailFile *file) {
  if (!file)
    return;
  g_free(file->period);
  g_free(file->reason);
  g_free(file->format);
  g_free(file->sha256);
  g_free(file->held);
  g_free(file);
}

DetailFile *filed_row(DbStatement *row) {
  DetailFile *file = g_new(DetailFile, 1);
  *file = (DetailFile){.sequence = db_integer(row, 0),
                       .period = db_text_copy(row, 1),
                       .opened_at = db_integer(row, 2),
                       .closed_at = db_integer(row, 3),
                       .reason = db_text_copy(row, 4),
                       .format = db_text_copy(row, 5),
                       .sums = {.count = (guint64)db_integer(row, 6),
                                .amount = filed_wide(db_integer(row, 7), db_integer(row, 8)),
                                .first_event = db_integer(row, 13),
                                .last_event = db_integer(row, 14),
                                .late = (guint64)db_integer(row, 15),
                                .late_amount = filed_wide(db_integer(row, 16), db_integer(row, 17))},
                       .sha256 = db_text_copy(row, 9),
                       .day = db_integer(row, 10),
                       .has_day = !db_integer(row, 11),
                       .supplement = (guint)db_integer(row, 12),
                       .split_at = db_integer(row, 18),
                       .held = db_text_copy(row, 19),
                       .matrix = {.unrouted = (guint64)db_integer(row, 20),
                                  .unrouted_amount = filed_wide(db_integer(row, 21), db_integer(row, 22)),
                                  .several = (guint64)db_integer(row, 23),
                                  .extra = (guint64)db_integer(row, 24),
                                  .extra_amount = filed_wide(db_integer(row, 25), db_integer(row, 26))}};
  return file;
}

gboolean filed_one(Db *db, const char *query, const gint64 *sequence, DetailFile **file, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, query, error);
  gboolean row;
  *file = NULL;
  if (!ask)
    return FALSE;
  if (sequence)
    db_bind(ask, "i", *sequence);
  if (!db_step(ask, &row, error))
    return FALSE;
  *file = row ? filed_row(ask) : NULL;
  if (!row || db_row_whole(ask, error))
    return TRUE;
  g_clear_pointer(file, detail_file_free);
  return FALSE;
}

gboolean filed_part_last(Db *db, gint64 sequence, guint shard, gint64 *last, GError **error) {
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

/* --- What is left over */

void left_over_free(LeftOver *left) {
  if (!left)
    return;
  g_byte_array_unref(left->numbers);
  g_free(left);
}

LeftOver *left_over_of(DbStatement *row) {
  gsize length;
  const void *numbers = db_bytes(row, 9, &length);
  LeftOver *left = g_new(LeftOver, 1);
  *left = (LeftOver){.id = db_integer(row, 0),
                     .shard = (guint)db_integer(row, 1),
                     .day = db_integer(row, 2),
                     .since = db_integer(row, 3),
                     .count = (guint64)db_integer(row, 4),
                     .amount = filed_wide(db_integer(row, 5), db_integer(row, 6)),
                     .first_event = db_integer(row, 7),
                     .last_event = db_integer(row, 8),
                     .numbers = g_byte_array_new()};
  g_byte_array_append(left->numbers, numbers, (guint)(length - length % NUMBER_BYTES));
  return left;
}

gint64 left_over_number(const LeftOver *left, guint index) {
  guint64 number;
  memcpy(&number, left->numbers->data + (gsize)index * NUMBER_BYTES, NUMBER_BYTES);
  return (gint64)GUINT64_FROM_LE(number);
}

/* --- Visiting */

static gboolean visit_one(DetailView *view, gint64 number, DetailVisit visit, gpointer user, GError **error) {
  if (!detail_view_load(view, number, error))
    return FALSE;
  Detail detail = detail_view_detail(view, (guint)(number - view->first));
  return visit(user, &detail, error);
}

static gboolean visit_taken(const FileBase *base, gint64 sequence, guint shard, DetailVisit visit, gpointer user,
                            GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(base->files, details_queries_sql, "taken-by", error);
  gboolean row = rows != NULL;
  if (!rows)
    return FALSE;
  db_bind(rows, "iu", sequence, shard);
  while (row) {
    if (!db_step(rows, &row, error))
      return FALSE;
    g_autoptr(LeftOver) left = row ? left_over_of(rows) : NULL;
    for (guint i = 0; left && i < left_over_count(left); i++)
      if (!visit_one(base->shards[shard].view, left_over_number(left, i), visit, user, error))
        return FALSE;
  }
  return TRUE;
}

/* A bit for each detail of the span. NULL with *error unset: nothing is left over. */
static guint8 *left_bits(const FileBase *base, const FiledSpan *span, GError **error) {
  g_autoptr(DbStatement) rows = db_prepare_named(base->files, details_queries_sql, "left-by", error);
  g_autofree guint8 *bits = NULL;
  gboolean row = rows != NULL;
  if (rows)
    db_bind(rows, "iu", span->left_by, span->shard);
  while (row) {
    if (!db_step(rows, &row, error))
      return NULL;
    g_autoptr(LeftOver) left = row ? left_over_of(rows) : NULL;
    if (left && !bits)
      bits = g_new0(guint8, (gsize)(span->last - span->after) / 8 + 1);
    for (guint i = 0; left && i < left_over_count(left); i++) {
      gint64 at = left_over_number(left, i) - span->after - 1;
      if (at < 0 || at >= span->last - span->after) {
        sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                            "full file %" G_GINT64_FORMAT " has left over what it never had", span->left_by);
        return NULL;
      }
      bits[at / 8] |= (guint8)(1u << at % 8);
    }
  }
  return g_steal_pointer(&bits);
}

static gboolean visit_block(const DetailView *view, const FiledSpan *span, const guint8 *bits, DetailVisit visit,
                            gpointer user, GError **error) {
  for (guint i = 0; i < view->count; i++) {
    gint64 at = view->first + i - span->after - 1;
    Detail detail = detail_view_detail(view, i);
    if (record_block_integer(view->block, DETAIL_STATUS, i) == DETAIL_RATED &&
        !(bits && bits[at / 8] >> at % 8 & 1) && !visit(user, &detail, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean visit_span(const FileBase *base, const FiledSpan *span, DetailVisit visit, gpointer user,
                           GError **error) {
  DetailView *view = base->shards[span->shard].view;
  GError *why = NULL;
  g_autofree guint8 *bits = left_bits(base, span, &why);
  g_autoptr(DbStatement) blocks = why ? NULL : db_prepare_named(view->db, details_queries_sql, "blocks-from", &why);
  gboolean row = blocks != NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  db_bind(blocks, "i", span->after + 1);
  while (row) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(view, blocks, error)))
      return FALSE;
    row = row && view->first <= span->last;
    if (row && !visit_block(view, span, bits, visit, user, error))
      return FALSE;
  }
  return TRUE;
}

gboolean filed_visit(const FileBase *base, const DetailFile *file, DetailVisit visit, gpointer user, GError **error) {
  for (guint i = 0; i < base->n; i++) {
    FiledSpan span = {.shard = i, .left_by = file->sequence};
    if (!filed_part_last(base->files, file->sequence - 1, i, &span.after, error) ||
        !filed_part_last(base->files, file->sequence, i, &span.last, error) ||
        !visit_taken(base, file->sequence, i, visit, user, error) || !visit_span(base, &span, visit, user, error))
      return FALSE;
  }
  return TRUE;
}
