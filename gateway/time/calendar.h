/* Business calendars, and days and times of day in a time zone: pure functions over dates. What a zone's clock does is
 * asked of GLib; nothing here knows a rule of daylight saving. */
#pragma once
#include "conf/conf.h"

/* --- Days: counted from 1970-01-01. */
typedef gint Day;
#define NO_DAY G_MININT
/* "2026-11-20", and nothing else; years 1900 to 9999 */
gboolean day_parse(const char *text, Day *day) G_GNUC_WARN_UNUSED_RESULT;
char *day_text(Day day);    /* likewise; the caller frees */
guint day_weekday(Day day); /* Monday 1 … Sunday 7 */
void day_parts(Day day, int *year, guint *month, guint *day_of_month);
Day day_of(int year, guint month, guint day_of_month);

/* --- Local time. */
Day day_at(GTimeZone *zone, gint64 instant);           /* the zone's date at an instant (microseconds since 1970) */
Day day_today(const char *zone);                       /* by its name; NULL, or one that is not known: UTC */
guint day_seconds_at(GTimeZone *zone, gint64 instant); /* and its clock, in seconds since midnight */
/* The instant (microseconds) at which the zone's clock shows so many seconds after midnight of the day; may be more
 * than a day's. In the gap of a daylight-saving change the first instant behind it; at a fold the earlier of the two.
 */
gint64 day_instant(GTimeZone *zone, Day day, gint64 seconds);

/* --- Business days. A NULL calendar has every day. */
typedef struct Calendar Calendar;
/* Reads its holidays-file: a date a line, "2026-10-10 working" for a working day, # begins a comment; what the
 * configuration itself says of a day goes before it. CONFIGURATION names the file and its line, or the calendar: a day
 * that is a holiday and working in one place, a calendar without a weekday that counts. Borrows nothing. */
Calendar *calendar_new(const ConfCalendar *conf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void calendar_free(Calendar *calendar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Calendar, calendar_free)
gboolean calendar_has(const Calendar *calendar, Day day);
Day calendar_next(const Calendar *calendar, Day day);     /* the first business day later than `day` */
Day calendar_previous(const Calendar *calendar, Day day); /* the last one before it */
/* `n` business days on (or back, if negative). 0: the day itself, or the next business day if it is none. */
Day calendar_add(const Calendar *calendar, Day day, gint n);
/* the last business day of its month; of a month without one, the month's last day */
Day calendar_month_end(const Calendar *calendar, Day day);
Day calendar_month_begin(const Calendar *calendar, Day day); /* the first; likewise */
