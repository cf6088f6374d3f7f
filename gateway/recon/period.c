#include "gateway/recon/period.h"
#include <stdio.h>
#include <string.h>

enum { LOOK_BACK = 3660, LOOK_AHEAD = 400 }; /* days */

static const ConfCalendar *find_calendar(const Conf *conf, const ConfReconcile *reconcile) {
  return reconcile->calendar ? conf_calendar(conf, reconcile->calendar) : NULL;
}

ReconSchedule *recon_schedule_new(const Conf *conf, const ConfReconcile *reconcile, GError **error) {
  const char *name = reconcile->time_zone ? reconcile->time_zone : conf->node.time_zone;
  const ConfCalendar *calendar = find_calendar(conf, reconcile);
  ReconSchedule *schedule = g_new0(ReconSchedule, 1);
  schedule->reconcile = reconcile;
  schedule->zone = name ? g_time_zone_new_identifier(name) : g_time_zone_new_utc();
  if (!schedule->zone)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "reconcile %s: there is no time zone \"%s\"",
                        reconcile->name, name);
  else if (!calendar || (schedule->calendar = calendar_new(calendar, error)))
    return schedule;
  recon_schedule_free(schedule);
  return NULL;
}

void recon_schedule_free(ReconSchedule *schedule) {
  if (!schedule)
    return;
  calendar_free(schedule->calendar);
  if (schedule->zone)
    g_time_zone_unref(schedule->zone);
  g_free(schedule);
}

static Day month_end(Day day) {
  int year;
  guint month, day_of_month;
  day_parts(day, &year, &month, &day_of_month);
  return (month == 12 ? day_of(year + 1, 1, 1) : day_of(year, month + 1, 1)) - 1;
}

gboolean recon_period_dates(const char *period, const ConfReconcile *reconcile, char from[11], char to[11]) {
  gboolean is_month = strlen(period) == 7;
  g_autofree char *first = is_month ? g_strconcat(period, "-01", NULL) : g_strdup(period);
  Day day;
  if (!day_parse(first, &day) || (reconcile && is_month != (reconcile->period == CONF_PERIOD_MONTH)))
    return FALSE;
  g_autofree char *last = day_text(is_month ? month_end(day) : day);
  g_strlcpy(from, first, 11);
  g_strlcpy(to, last, 11);
  return TRUE;
}

char *recon_period_of(const ConfReconcile *reconcile, Day day) {
  g_autofree char *text = day_text(day);
  return reconcile->period == CONF_PERIOD_MONTH ? g_strndup(text, 7) : g_steal_pointer(&text);
}

/* Whether a period ends on this day, and a task is made of it. Holidays have one, too: a credit that bears a holiday's
 * date would be in no file at all else. */
static gboolean ends_on(const ReconSchedule *schedule, Day day) {
  return schedule->reconcile->period != CONF_PERIOD_MONTH || day == month_end(day);
}

/* calendar_add counts from the day itself; what ends on a holiday is counted from the business day before, and falls
 * due on a business day: the first behind it is 1. */
static gint64 due_at(const ReconSchedule *schedule, Day end) {
  gint offset = (gint)schedule->reconcile->day_offset;
  Day day = end + offset;
  if (schedule->calendar && calendar_has(schedule->calendar, end))
    day = calendar_add(schedule->calendar, end, offset);
  else if (schedule->calendar)
    day = calendar_add(schedule->calendar, calendar_previous(schedule->calendar, end), MAX(offset, 1));
  return day_instant(schedule->zone, day, schedule->reconcile->at);
}

GPtrArray *recon_periods_due(const ReconSchedule *schedule, gint64 since, gint64 now, guint most) {
  GPtrArray *periods = g_ptr_array_new_with_free_func(g_free);
  Day today = day_at(schedule->zone, now);
  for (Day day = today; day > today - LOOK_BACK && periods->len < most; day--) {
    if (!ends_on(schedule, day))
      continue;
    gint64 due = due_at(schedule, day);
    if (due <= since)
      break; /* what ended earlier was due earlier */
    if (due <= now)
      g_ptr_array_insert(periods, 0, recon_period_of(schedule->reconcile, day));
  }
  return periods;
}

gint64 recon_next_due(const ReconSchedule *schedule, gint64 since) {
  gint64 next = G_MAXINT64;
  Day today = day_at(schedule->zone, since);
  for (Day day = today - LOOK_AHEAD; day <= today + LOOK_AHEAD; day++) {
    if (!ends_on(schedule, day))
      continue;
    gint64 due = due_at(schedule, day);
    if (due > since)
      return due;
  }
  return next;
}
