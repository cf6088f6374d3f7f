/* Taking full files apart. What cannot be taken apart is held with its reason, and those behind it wait: a platform
 * gets its files in order, and never a part of one. The archive's copy must have the file's bytes before that. */
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/processors/rating/cdr.h"
#include "store/book_watch.h"
#include <string.h>

typedef struct {
  const AlarmCall call;
  gboolean clears;
} AlarmChange;

static gboolean alarm_change(BookTransaction *tx, gpointer data, GError **error) {
  const AlarmChange *change = data;
  const AlarmCall *call = &change->call;
  return change->clears ? book_clear_alarm(tx, call->kind, call->subject, call->ways, error)
                        : book_raise_alarm(tx, call, error);
}

void cdr_alarm(const LaneHost *host, const char *kind, const char *subject, const char *text) {
  g_autoptr(GError) error = NULL;
  AlarmChange change = {{.kind = kind, .subject = subject, .text = text, .weight = 1,
                         .ways = host ? host->alarm_ways : 0},
                        text == NULL};
  if (host && !book_write(host->book, alarm_change, &change, &error))
    log_event(LOG_WARNING, "alarm-not-written", {"kind", kind}, {"subject", subject}, {"error", error->message});
}

static gboolean is_in_archive(const RatingDesk *desk, const DetailFile *file, const char *name, GError **error) {
  const char *folder = desk->rating->full_file.archive;
  GError *why = NULL;
  g_autofree char *path = folder ? g_build_filename(folder, name, NULL) : NULL,
                  *sha256 = path && g_file_test(path, G_FILE_TEST_EXISTS) ? cdr_digest_of(path, &why) : NULL;
  if (why)
    g_propagate_error(error, why);
  return !why && (!sha256 || strcmp(sha256, file->sha256) == 0 ||
                  sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s has other bytes than the file that it is of",
                                      path));
}

/* Of this file, until a person has seen it; before its split is noted, so that a crash loses none. */
static gboolean tell_unrouted(const RatingDesk *desk, const CdrTurn *turn, const DetailFile *file,
                              const DetailMatrix *routed) {
  gboolean is_odd = routed->unrouted > 0 && desk->rating->platforms->len > 0 &&
                    desk->rating->unrouted == CONF_UNROUTED_ALARM;
  if (!is_odd)
    return FALSE;
  g_autofree char *subject = g_strdup_printf("%s/%06" G_GINT64_FORMAT, desk->name, file->sequence),
                  *text = g_strdup_printf("rating %s, full file %" G_GINT64_FORMAT ": records that go to no platform: "
                                          "%" G_GUINT64_FORMAT, desk->name, file->sequence, routed->unrouted);
  cdr_alarm(turn->host, "full-file-unrouted", subject, text);
  return TRUE;
}

static void tell_split(const RatingDesk *desk, const CdrTurn *turn, const DetailFile *file, const CdrMatrix *matrix,
                       LogLevel level) {
  log_event(level, "full-file-split", {"rating", desk->name}, {"sequence", log_number(file->sequence)},
            {"records", log_number((gint64)matrix->records)},
            {"unrouted", log_number((gint64)matrix->routed.unrouted)},
            {"several", log_number((gint64)matrix->routed.several)});
  cdr_alarm(turn->host, "full-file-held", desk->name, NULL);
}

static gboolean hold(RatingDesk *desk, const CdrTurn *turn, const DetailFile *file, const GError *why,
                     GError **error) {
  g_autofree char *text = g_strdup_printf("rating %s, full file %" G_GINT64_FORMAT " is not taken apart: %s",
                                          desk->name, file->sequence, why->message);
  desk->is_held = TRUE;
  if (g_strcmp0(file->held, why->message) == 0)
    return TRUE;
  log_event(LOG_WARNING, "full-file-held", {"rating", desk->name}, {"sequence", log_number(file->sequence)},
            {"error", why->message});
  cdr_alarm(turn->host, "full-file-held", desk->name, text);
  return details_hold_split(desk->details, file->sequence, why->message, error);
}

static gboolean take_apart(RatingDesk *desk, const CdrTurn *turn, const DetailFile *file, GError **error) {
  g_autofree char *folder = cdr_folder(turn->folder, desk->name), *into = cdr_platforms(turn->folder, desk->name),
                  *name = cdr_file_name(file),
                  *path = g_build_filename(folder, name, NULL);
  g_auto(CdrMatrix) matrix = {0};
  g_autoptr(GError) why = NULL;
  CdrSplit split = {.conf = desk->conf, .rating = desk->rating, .path = path, .into = into, .sha256 = file->sha256};
  if (!is_in_archive(desk, file, name, &why) || !cdr_split(&split, &matrix, &why)) {
    if (sallyport_error_code(why) == SALLYPORT_ERROR_FILE || sallyport_error_code(why) == SALLYPORT_ERROR_CONFIGURATION)
      return hold(desk, turn, file, why, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  DetailSplit made = {file->sequence, turn->now, &matrix.routed, matrix.files};
  gboolean is_odd = tell_unrouted(desk, turn, file, &matrix.routed);
  if (!details_split(desk->details, &made, error))
    return FALSE;
  tell_split(desk, turn, file, &matrix, is_odd ? LOG_WARNING : LOG_INFO);
  return TRUE;
}

gboolean cdr_take_apart(RatingDesk *desk, const CdrTurn *turn, GError **error) {
  desk->is_held = desk->is_held && !turn->close_now;
  while (!desk->is_held) {
    g_autoptr(DetailFile) file = NULL;
    if (!details_unsplit(desk->details, &file, error))
      return FALSE;
    if (!file)
      return TRUE;
    if (!take_apart(desk, turn, file, error))
      return FALSE;
  }
  return TRUE;
}
