/* The life of a full file: closed (store/details/full_files.c) → written → taken apart → done.
 *
 *   crash before it is closed     there is no such file, and its number is not used
 *   crash behind it               it is found without a digest: written and taken apart now, with the same bytes
 *   crash within writing          likewise; what stands there under its name already has these bytes, or it is an error
 *   crash behind the digest       it is done */
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/time/calendar.h"

char *cdr_folder(const char *lane_folder, const char *rating) {
  return g_build_filename(lane_folder, "cdr", rating, NULL);
}

static const char *reason_to_close(const ConfFullFile *conf, const DetailUnfiled *unfiled, gint64 now,
                                   gboolean close_now) {
  if (close_now)
    return "manual";
  if (unfiled->count >= conf->records)
    return "records";
  return unfiled->count > 0 && now - unfiled->since >= (gint64)conf->age * G_USEC_PER_SEC ? "age" : NULL;
}

/* The day on which it is closed, in the rating's zone. */
static char *period_of(const RatingDesk *desk, gint64 now) {
  int year;
  guint month, day;
  day_parts(day_at(rating_plan_zone(desk->shards[0].plan), now), &year, &month, &day);
  return g_strdup_printf("%04d-%02u-%02u", year, month, day);
}

static gboolean close_if_due(RatingDesk *desk, gboolean close_now, GError **error) {
  DetailUnfiled unfiled;
  gint64 now = g_get_real_time();
  if (!details_unfiled(desk->details, &unfiled, error))
    return FALSE;
  const char *reason = reason_to_close(&desk->rating->full_file, &unfiled, now, close_now);
  if (!reason)
    return TRUE;
  g_autofree char *period = period_of(desk, now), *format = cdr_format(desk->rating);
  return details_close_file(desk->details, &(DetailClosing){period, reason, format, now}, error);
}

static gboolean write_one(RatingDesk *desk, const char *folder, const DetailFile *file, const char *previous,
                          GError **error) {
  g_autofree char *path = NULL, *sha256 = NULL, *into = g_build_filename(folder, "platforms", NULL);
  CdrMatrix matrix;
  if (!cdr_write(desk->details, file, previous, folder, &path, &sha256, error) ||
      !cdr_split(desk->conf, desk->rating, path, into, &matrix, error))
    return FALSE;
  fault_point("full-file-before-done");
  if (!details_written(desk->details, file->sequence, sha256, error))
    return FALSE;
  fault_point("full-file-after-done");
  log_event(matrix.unrouted > 0 && desk->rating->platforms->len > 0 ? LOG_WARNING : LOG_INFO, "full-file",
            {"rating", desk->name}, {"sequence", log_number(file->sequence)}, {"reason", file->reason},
            {"records", log_number((gint64)matrix.records)}, {"unrouted", log_number((gint64)matrix.unrouted)},
            {"several", log_number((gint64)matrix.several)}, {"sha256", sha256});
  return TRUE;
}

gboolean cdr_take_turn(RatingDesk *desk, const CdrTurn *turn, guint *written, GError **error) {
  g_autofree char *folder = cdr_folder(turn->folder, desk->name);
  *written = 0;
  if (desk->rating->full_file.present && !close_if_due(desk, turn->close_now, error))
    return FALSE;
  for (;;) {
    g_autoptr(DetailFile) file = NULL;
    g_autofree char *previous = NULL;
    if (!details_unwritten(desk->details, &file, &previous, error))
      return FALSE;
    if (!file)
      return TRUE;
    if (!write_one(desk, folder, file, previous, error))
      return FALSE;
    ++*written;
  }
}
