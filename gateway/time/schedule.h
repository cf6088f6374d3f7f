/* When a feed is polled: a period, or a cron expression in a named time zone.
 *
 * Cron has five fields (minute hour day month weekday; lists, ranges, steps behind a star or a range, names of three
 * letters, Sunday is 0 or 7; both day fields other than a plain star: either matches, as in POSIX crontab). At a
 * daylight-saving gap the first valid instant after it; at a fold once, at its first pass. */
#pragma once
#include "gateway/time/calendar.h"

typedef struct Schedule Schedule;
Schedule *schedule_new_every(guint seconds);
/* CONFIGURATION names the field that is wrong; also when no instant in the next 5 years matches. */
Schedule *schedule_new_cron(const char *expression, const char *time_zone, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void schedule_free(Schedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Schedule, schedule_free)
/* Only on days of this calendar, which it borrows: a cron expression matches no other, a period goes on when the next
 * of them begins. Days are the cron expression's zone's, else those of `time_zone`. CONFIGURATION when nothing is left.
 */
gboolean schedule_keep_to(Schedule *schedule, const Calendar *calendar, const char *time_zone,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean schedule_has(const Schedule *schedule, gint64 instant); /* whether the instant's day is one of those */
/* The first instant later than `after`; microseconds since 1970. A period counts from `after`. */
gint64 schedule_next(const Schedule *schedule, gint64 after);
