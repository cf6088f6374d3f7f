/* Periods and when their tasks are due. A day's task is due `day-offset` days after it, a month's so many after its
 * last day, at the time of day `at` in the block's time zone; with a calendar, its business days are counted. Every day
 * has a task, a holiday's is due with that of the business day before it. */
#pragma once
#include "conf/conf.h"
#include "gateway/time/calendar.h"

typedef struct {
  const ConfReconcile *reconcile;
  Calendar *calendar; /* NULL: every day */
  GTimeZone *zone;
} ReconSchedule;
/* CONFIGURATION: a calendar's file, an unknown time zone. */
ReconSchedule *recon_schedule_new(const Conf *conf, const ConfReconcile *reconcile,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void recon_schedule_free(ReconSchedule *schedule);

/* "2026-11-20" or "2026-11" as the dates that it holds. FALSE: it is neither, or not of the block's kind (NULL: any
 * kind). */
gboolean recon_period_dates(const char *period, const ConfReconcile *reconcile, char from[11], char to[11]);
/* The period that a day belongs to; the caller frees. */
char *recon_period_of(const ConfReconcile *reconcile, Day day);

/* The periods whose tasks fell due after `since` and by `now` (microseconds), oldest first, at most `most` (the latest
 * ones): char*. */
GPtrArray *recon_periods_due(const ReconSchedule *schedule, gint64 since, gint64 now, guint most);
/* The instant at which the next task falls due after `since`. */
gint64 recon_next_due(const ReconSchedule *schedule, gint64 since);
