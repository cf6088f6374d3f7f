/* Closing. What has a place in a file, and what is left over, follows from the details and the days; both are noted in
 * one transaction, in the first shard's file alone:
 *
 *   crash before its commit   there is no file, no number is used, nothing is left over
 *   crash behind it           the file is there, and is written at the next look */
#include "gateway/base/faultpoint.h"
#include "store/details/filed_private.h"
#include "store/details/queries.sql.h"

#define OPEN_DAY "open-day"

gboolean details_open_day(Details *details, gint64 *day, GError **error) {
  return details_fact(details->shards[0].business, OPEN_DAY, day, error);
}

gboolean details_set_open_day(Details *details, gint64 day, GError **error) {
  return details_set_fact(details->shards[0].business, OPEN_DAY, day, error);
}

gboolean details_last_file(Details *details, DetailFile **file, GError **error) {
  return filed_one(details->shards[0].business, "last-file", NULL, file, error);
}

static gboolean sum_up(const FileBase *base, gint64 before, gint64 left_by, const DetailDays *days, DetailSums *sums,
                       GError **error) {
  *sums = (DetailSums){0};
  if (!filed_add_waiting(base, days, sums, error))
    return FALSE;
  for (guint i = 0; i < base->n; i++) {
    FiledSpan span = {.shard = i, .last = base->shards[i].settled, .left_by = left_by};
    if ((before && !filed_part_last(base->files, before, i, &span.after, error)) ||
        !filed_walk(base, &span, days, sums, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_unfiled(Details *details, const DetailDays *days, DetailSums *sums, GError **error) {
  FileBase base = filed_of_writer(details);
  g_autoptr(DetailFile) before = NULL;
  return details_last_file(details, &before, error) &&
         sum_up(&base, before ? before->sequence : 0, 0, days, sums, error);
}

static gboolean add_parts(const FileBase *base, gint64 sequence, GError **error) {
  g_autoptr(DbStatement) add = db_prepare_named(base->files, details_queries_sql, "add-part", error);
  for (guint i = 0; add && i < base->n; i++) {
    db_bind(add, "iui", sequence, i, base->shards[i].settled);
    if (!db_done(add, error))
      return FALSE;
  }
  return add != NULL;
}

static gboolean take_left(const FileBase *base, gint64 sequence, const DetailDays *days, GError **error) {
  g_autoptr(DbStatement) take = db_prepare_named(base->files, details_queries_sql, "take-left", error);
  if (!take)
    return FALSE;
  db_bind(take, "iii", sequence, days->from, days->to);
  return db_done(take, error);
}

static gboolean next_supplement(Db *db, const DetailClosing *closing, gint64 *supplement, GError **error) {
  g_autoptr(DbStatement) ask = db_prepare_named(db, details_queries_sql, "supplements", error);
  gboolean row;
  *supplement = 0;
  if (!ask || !closing->is_supplement)
    return ask != NULL;
  db_bind(ask, "s", closing->period);
  if (!db_step(ask, &row, error))
    return FALSE;
  *supplement = db_integer(ask, 0) + 1;
  return TRUE;
}

static gboolean add_file(Db *db, const DetailClosing *closing, const DetailFile *before, const DetailSums *sums,
                         GError **error) {
  g_autoptr(DbStatement) add = db_prepare_named(db, details_queries_sql, "add-file", error);
  gint64 opened_at = before ? before->closed_at : sums->since ? sums->since : closing->now, supplement;
  if (!add || !next_supplement(db, closing, &supplement, error))
    return FALSE;
  db_bind(add, "isiissiii-iiiiii", before ? before->sequence + 1 : (gint64)1, closing->period, opened_at, closing->now,
          closing->reason, closing->format, (gint64)sums->count, filed_high(sums->amount), filed_low(sums->amount),
          supplement, sums->first_event, sums->last_event, (gint64)sums->late, filed_high(sums->late_amount),
          filed_low(sums->late_amount));
  if (closing->day)
    db_bind_integer(add, 10, *closing->day);
  return db_done(add, error);
}

gboolean details_close_file(Details *details, const DetailClosing *closing, GError **error) {
  FileBase base = filed_of_writer(details);
  g_autoptr(DetailFile) before = NULL;
  DetailSums sums;
  if (!details_last_file(details, &before, error))
    return FALSE;
  gint64 sequence = before ? before->sequence + 1 : 1;
  fault_point("full-file-before-close");
  if (db_begin(base.files, error) && sum_up(&base, sequence - 1, sequence, closing->days, &sums, error) &&
      take_left(&base, sequence, closing->days, error) && add_file(base.files, closing, before, &sums, error) &&
      add_parts(&base, sequence, error) &&
      (!closing->open_day || details_set_open_day(details, closing->open_day, error)) &&
      db_commit(base.files, error)) {
    fault_point("full-file-after-close");
    return TRUE;
  }
  db_rollback(base.files);
  return FALSE;
}

gboolean details_unwritten(Details *details, DetailFile **file, char **previous, GError **error) {
  Db *db = details->shards[0].business;
  gboolean row = FALSE;
  *previous = NULL;
  if (!filed_one(db, "unwritten-file", NULL, file, error))
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

gboolean details_visit_file(Details *details, const DetailFile *file, DetailVisit visit, gpointer user,
                            GError **error) {
  FileBase base = filed_of_writer(details);
  return filed_visit(&base, file, visit, user, error);
}

gboolean details_written(Details *details, gint64 sequence, const char *sha256, GError **error) {
  g_autoptr(DbStatement) set = db_prepare_named(details->shards[0].business, details_queries_sql, "set-digest", error);
  if (!set)
    return FALSE;
  db_bind(set, "is", sequence, sha256);
  return db_done(set, error);
}
