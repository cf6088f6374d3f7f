/* The next instant of a cron expression: the days are walked in local time, field by field, and each local minute that
 * matches is turned into an instant (gateway/time/calendar.h). */
#include "gateway/time/schedule.h"
#include <string.h>

enum { SEARCH_DAYS = 5 * 366, MINUTE = 60 };

typedef enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, N_FIELDS } FieldKind;
static const struct {
  const char *name;
  guint first, last;
  const char *words;
} FIELDS[N_FIELDS] = {{"minute", 0, 59, NULL},
                      {"hour", 0, 23, NULL},
                      {"day of the month", 1, 31, NULL},
                      {"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
                      {"day of the week", 0, 7, "sun mon tue wed thu fri sat"}};

struct Schedule {
  guint every; /* seconds; 0: cron */
  GTimeZone *zone;
  guint64 fields[N_FIELDS]; /* bit n: n matches; Sunday is bit 0 */
  gboolean any_day, any_weekday;
  const Calendar *calendar; /* NULL: every day */
};

Schedule *schedule_new_every(guint seconds) {
  Schedule *schedule = g_new0(Schedule, 1);
  schedule->every = MAX(seconds, 1);
  return schedule;
}

gboolean schedule_keep_to(Schedule *schedule, const Calendar *calendar, const char *time_zone, GError **error) {
  if (!schedule->zone && !(schedule->zone = g_time_zone_new_identifier(time_zone)))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "time zone \"%s\" is not known",
                               time_zone ? time_zone : "");
  schedule->calendar = calendar;
  return schedule->every > 0 || schedule_next(schedule, g_get_real_time()) < G_MAXINT64 ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "cron: matches no day of the calendar in the next five years");
}

gboolean schedule_has(const Schedule *schedule, gint64 instant) {
  return !schedule->calendar || calendar_has(schedule->calendar, day_at(schedule->zone, instant));
}

void schedule_free(Schedule *schedule) {
  if (!schedule)
    return;
  g_clear_pointer(&schedule->zone, g_time_zone_unref);
  g_free(schedule);
}

/* --- Reading the expression */

/* A number, or a name of three letters. Moves *at behind it. */
static gboolean read_number(FieldKind kind, const char **at, guint *number) {
  if (g_ascii_isdigit(**at)) {
    *number = 0;
    for (; g_ascii_isdigit(**at) && *number < 1000; ++*at)
      *number = *number * 10 + (guint)(**at - '0');
    return *number >= FIELDS[kind].first && *number <= FIELDS[kind].last;
  }
  *number = FIELDS[kind].first;
  for (const char *word = FIELDS[kind].words; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL, ++*number)
    if (g_ascii_strncasecmp(*at, word, 3) == 0) {
      *at += 3;
      return TRUE;
    }
  return FALSE;
}

/* One element of a list: star, a number, a range, and a step behind a star or a range. */
static gboolean read_element(FieldKind kind, const char *text, guint64 *bits) {
  guint first = FIELDS[kind].first, last = FIELDS[kind].last, step = 1;
  gboolean is_range = TRUE;
  const char *at = text;
  if (*at == '*') {
    at++;
    last = kind == FIELD_WEEKDAY ? 6 : last;
  } else {
    if (!read_number(kind, &at, &first))
      return FALSE;
    last = first;
    is_range = *at == '-';
    if (is_range && (at++, !read_number(kind, &at, &last)))
      return FALSE;
  }
  if (*at == '/' && is_range) {
    char *end = NULL;
    guint64 read = g_ascii_isdigit(at[1]) ? g_ascii_strtoull(at + 1, &end, 10) : 0;
    if (read == 0 || read > FIELDS[kind].last)
      return FALSE;
    step = (guint)read;
    at = end;
  }
  if (*at || first > last)
    return FALSE;
  for (guint value = first; value <= last; value += step)
    *bits |= G_GUINT64_CONSTANT(1) << (kind == FIELD_WEEKDAY ? value % 7 : value);
  return TRUE;
}

static gboolean read_field(Schedule *schedule, FieldKind kind, const char *text, GError **error) {
  g_auto(GStrv) elements = g_strsplit(text, ",", -1);
  for (char **element = elements; *element; element++)
    if (!read_element(kind, *element, &schedule->fields[kind]))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cron: %s \"%s\": \"%s\" is none (%u to %u%s)",
                                 FIELDS[kind].name, text, *element, FIELDS[kind].first, FIELDS[kind].last,
                                 FIELDS[kind].words ? ", or a name of three letters" : "");
  if (kind == FIELD_DAY)
    schedule->any_day = g_str_equal(text, "*");
  if (kind == FIELD_WEEKDAY)
    schedule->any_weekday = g_str_equal(text, "*");
  return TRUE;
}

static gboolean read_expression(Schedule *schedule, const char *expression, GError **error) {
  g_auto(GStrv) words = g_strsplit_set(expression, " \t", -1);
  guint n = 0;
  for (char **word = words; *word; word++) {
    if (!**word)
      continue;
    if (n == N_FIELDS)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cron: \"%s\" has more than five fields",
                                 expression);
    if (!read_field(schedule, (FieldKind)n++, *word, error))
      return FALSE;
  }
  return n == N_FIELDS ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "cron: \"%s\" has %u fields, not five (minute hour day month weekday)", expression, n);
}

Schedule *schedule_new_cron(const char *expression, const char *time_zone, GError **error) {
  Schedule *schedule = g_new0(Schedule, 1);
  schedule->zone = g_time_zone_new_identifier(time_zone);
  gboolean ok = schedule->zone || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                                      "time zone \"%s\" is not known", time_zone ? time_zone : "");
  ok = ok && read_expression(schedule, expression, error);
  if (ok && schedule_next(schedule, g_get_real_time()) == G_MAXINT64)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cron: \"%s\" matches no day of the next five years",
                             expression);
  if (ok)
    return schedule;
  schedule_free(schedule);
  return NULL;
}

/* --- The next instant */

static gboolean has(const Schedule *schedule, FieldKind kind, guint value) {
  return (schedule->fields[kind] >> value) & 1;
}

static gboolean matches_day(const Schedule *schedule, Day day) {
  int year;
  guint month, day_of_month, weekday = day_weekday(day) % 7;
  day_parts(day, &year, &month, &day_of_month);
  if (!has(schedule, FIELD_MONTH, month) || !calendar_has(schedule->calendar, day))
    return FALSE;
  gboolean by_day = has(schedule, FIELD_DAY, day_of_month), by_weekday = has(schedule, FIELD_WEEKDAY, weekday);
  return schedule->any_day || schedule->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* The first matching local minute of the day at or behind `minute`; -1: none. */
static int minute_of_day(const Schedule *schedule, guint minute) {
  for (guint at = minute; at < 24 * 60; at++) {
    if (!has(schedule, FIELD_HOUR, at / 60))
      at += 59 - at % 60;
    else if (has(schedule, FIELD_MINUTE, at % 60))
      return (int)at;
  }
  return -1;
}

/* A period that would end on a day that does not count ends with that day. */
static gint64 next_of_period(const Schedule *schedule, gint64 after) {
  gint64 next = after + (gint64)schedule->every * G_USEC_PER_SEC;
  if (schedule_has(schedule, next))
    return next;
  return day_instant(schedule->zone, calendar_next(schedule->calendar, day_at(schedule->zone, next)), 0);
}

gint64 schedule_next(const Schedule *schedule, gint64 after) {
  if (schedule->every > 0)
    return next_of_period(schedule, after);
  Day first = day_at(schedule->zone, after);
  guint minute = day_seconds_at(schedule->zone, after) / MINUTE + 1; /* the instant must be later than `after` */
  for (Day day = first; day <= first + SEARCH_DAYS; day++, minute = 0) {
    if (!matches_day(schedule, day))
      continue;
    for (int at = minute_of_day(schedule, minute); at >= 0; at = minute_of_day(schedule, (guint)at + 1)) {
      gint64 instant = day_instant(schedule->zone, day, (gint64)at * MINUTE);
      if (instant > after) /* not so in the second pass of a fold: its minutes had their turn in the first */
        return instant;
    }
  }
  return G_MAXINT64;
}
