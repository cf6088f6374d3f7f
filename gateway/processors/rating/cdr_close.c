/* The life of a full file: closed (store/details/full_files.c) → written → in the archive → taken apart (cdr_apart.c) →
 * pushed (cdr_push.c).
 *
 *   crash before it is closed     there is no such file, and its number is not used
 *   crash behind it               it is found without a digest: written and archived now, with the same bytes
 *   crash within writing          likewise; what stands there under its name already has these bytes, or it is an error
 *   crash behind the digest       it is written and archived; taken apart at the next look
 *
 * Files are those of a day in the rating's zone, the open one. When that is over, and the grace behind it, its last
 * file is closed, and the next day is open: events of a later day wait for theirs, those of an earlier one are late.
 * The open day is noted, so that a clock that is put back closes no day twice, and none is passed over. */
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/time/calendar.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* --- When */

static GTimeZone *zone_of(const RatingDesk *desk) {
  return rating_plan_zone(desk->shards[0].plan);
}

static gint64 day_of_event(gpointer zone, gint64 event) {
  return day_at(zone, event);
}

typedef struct {
  RatingDesk *desk;
  const CdrTurn *turn;
  const ConfFullFile *conf;
  char *format;
  gint64 day; /* the open one; 0: files have no day */
} Closing;

static const char *reason_to_close(const Closing *closing, const DetailSums *sums, gboolean is_over) {
  const CdrTurn *turn = closing->turn;
  if (is_over)
    return "period";
  if (turn->close_now)
    return "manual";
  if (sums->count >= closing->conf->records)
    return "records";
  return sums->count > 0 && turn->now - sums->since >= (gint64)closing->conf->age * G_USEC_PER_SEC ? "age" : NULL;
}

static DetailDays days_between(const Closing *closing, gint64 from, gint64 to) {
  return closing->day ? (DetailDays){day_of_event, zone_of(closing->desk), from, to, closing->day} : DETAIL_ALL_DAYS;
}

static gboolean close_one(const Closing *closing, DetailClosing *file, GError **error) {
  gint64 label = file->day ? *file->day : day_at(zone_of(closing->desk), closing->turn->now);
  g_autofree char *period = day_text((Day)label);
  file->period = period;
  file->now = closing->turn->now;
  if (!file->format)
    file->format = closing->format;
  return details_close_file(closing->desk->details, file, error);
}

/* What was rated before the form of the file was changed leaves in the form that it was rated for: all that waits when
 * a lane begins, once. (A lane that begins again before a file of the new form takes what waits then for the old.) */
static gboolean close_old_form(const Closing *closing, GError **error) {
  g_autoptr(DetailFile) last = NULL;
  DetailDays days = DETAIL_ALL_DAYS;
  DetailSums sums;
  if (!details_last_file(closing->desk->details, &last, error))
    return FALSE;
  if (closing->desk->has_closed_old_form || !last || strcmp(last->format, closing->format) == 0)
    return TRUE;
  days = days_between(closing, G_MININT64, closing->day);
  if (!details_unfiled(closing->desk->details, &days, &sums, error))
    return FALSE;
  DetailClosing file = {.reason = "format", .format = last->format, .days = &days,
                        .day = closing->day ? &closing->day : NULL};
  closing->desk->has_closed_old_form = sums.count == 0 || close_one(closing, &file, error);
  return closing->desk->has_closed_old_form;
}

/* A file of its own for each earlier day, the earliest first. */
static gboolean close_supplements(const Closing *closing, gboolean is_over, GError **error) {
  for (;;) {
    DetailDays days = days_between(closing, G_MININT64, closing->day - 1);
    DetailSums sums;
    if (!details_unfiled(closing->desk->details, &days, &sums, error))
      return FALSE;
    const char *reason = sums.count > 0 ? reason_to_close(closing, &sums, is_over) : NULL;
    if (!reason)
      return TRUE;
    gint64 day = day_of_event(zone_of(closing->desk), sums.first_event);
    days.from = days.to = day;
    DetailClosing file = {.reason = reason, .days = &days, .day = &day, .is_supplement = TRUE};
    if (!close_one(closing, &file, error))
      return FALSE;
  }
}

/* *more: the day was over, and the next one may be, too. */
static gboolean close_if_due(const Closing *closing, gboolean *more, GError **error) {
  GTimeZone *zone = zone_of(closing->desk);
  gboolean is_late_apart = closing->day && closing->conf->late == CONF_LATE_RECORD_SUPPLEMENT;
  gboolean is_over = closing->day && closing->turn->now >= day_instant(zone, (Day)closing->day + 1, 0) +
                                                               (gint64)closing->conf->grace * G_USEC_PER_SEC;
  DetailDays days = days_between(closing, is_late_apart ? closing->day : G_MININT64, closing->day);
  DetailSums sums;
  *more = is_over;
  if ((is_late_apart && !close_supplements(closing, is_over, error)) ||
      !details_unfiled(closing->desk->details, &days, &sums, error))
    return FALSE;
  const char *reason = reason_to_close(closing, &sums, is_over);
  if (!reason)
    return TRUE;
  DetailClosing file = {.reason = reason,
                        .days = &days,
                        .day = closing->day ? &closing->day : NULL,
                        .open_day = is_over ? closing->day + 1 : 0};
  if (is_over && sums.count == 0 && !closing->conf->empty)
    return details_set_open_day(closing->desk->details, closing->day + 1, error);
  return close_one(closing, &file, error);
}

/* The first one is the day for which it is not too late yet. */
static gboolean know_day(Closing *closing, GError **error) {
  if (closing->conf->period == CONF_FILE_PERIOD_NONE)
    return TRUE;
  if (!details_open_day(closing->desk->details, &closing->day, error))
    return FALSE;
  if (closing->day)
    return TRUE;
  closing->day = day_at(zone_of(closing->desk), closing->turn->now - (gint64)closing->conf->grace * G_USEC_PER_SEC);
  return details_set_open_day(closing->desk->details, closing->day, error);
}

static gboolean close_what_is_due(RatingDesk *desk, const CdrTurn *turn, GError **error) {
  g_autofree char *format = cdr_format(desk);
  Closing closing = {desk, turn, &desk->rating->full_file, format, 0};
  gboolean more = TRUE;
  if (!know_day(&closing, error) || !close_old_form(&closing, error))
    return FALSE;
  while (more) {
    if (!close_if_due(&closing, &more, error))
      return FALSE;
    closing.day += more;
  }
  return TRUE;
}

/* --- Writing */

/* The archive's copy: the file's bytes under the file's name, or an error. */
static gboolean archive(const char *path, const char *folder, GError **error) {
  g_autofree char *name = g_path_get_basename(path);
  CdrSink *sink = cdr_sink_open(folder, name, error);
  FILE *from = sink ? fopen(path, "re") : NULL;
  gboolean ok = from != NULL, was_there;
  if (sink && !from)
    sallyport_error_errno(error, errno, "%s", path);
  for (gsize n = 1; ok && n > 0;) {
    char bytes[65536];
    n = fread(bytes, 1, sizeof bytes, from);
    g_string_append_len(cdr_sink_line(sink), bytes, (gssize)n);
    ok = cdr_sink_flush(sink, FALSE, error) &&
         (!ferror(from) || sallyport_error_errno(error, errno, "%s", path));
  }
  ok = ok && cdr_sink_finish(sink, &was_there, error);
  if (from)
    fclose(from);
  cdr_sink_close(sink);
  return ok;
}

static gboolean write_one(RatingDesk *desk, const char *folder, const DetailFile *file, const char *previous,
                          GError **error) {
  g_autofree char *path = NULL, *sha256 = NULL;
  const char *to = desk->rating->full_file.archive;
  if (!cdr_write(desk->details, file, previous, folder, &path, &sha256, error))
    return FALSE;
  fault_point("full-file-before-archive");
  if (to && !archive(path, to, error))
    return FALSE;
  fault_point("full-file-before-done");
  if (!details_written(desk->details, file->sequence, sha256, error))
    return FALSE;
  fault_point("full-file-after-done");
  log_event(LOG_INFO, "full-file", {"rating", desk->name}, {"sequence", log_number(file->sequence)},
            {"period", file->period}, {"reason", file->reason}, {"records", log_number((gint64)file->sums.count)},
            {"late", log_number((gint64)file->sums.late)}, {"sha256", sha256});
  return TRUE;
}

gboolean cdr_take_turn(RatingDesk *desk, const CdrTurn *turn, guint *written, GError **error) {
  g_autofree char *folder = cdr_folder(turn->folder, desk->name);
  *written = 0;
  if (desk->rating->full_file.present && !close_what_is_due(desk, turn, error))
    return FALSE;
  for (;;) {
    g_autoptr(DetailFile) file = NULL;
    g_autofree char *previous = NULL;
    if (!details_unwritten(desk->details, &file, &previous, error))
      return FALSE;
    if (!file)
      return cdr_take_apart(desk, turn, error);
    if (!write_one(desk, folder, file, previous, error))
      return FALSE;
    ++*written;
  }
}
