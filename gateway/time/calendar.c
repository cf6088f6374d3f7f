#include "gateway/time/calendar.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DAY_SECONDS = 86400, LONGEST_LINE = 200, MOST_LINES = 100000 };

/* --- Days. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil and civil_from_days, for
 * years from 1. */

Day day_of(int year, guint month, guint day_of_month) {
  int y = year - (month <= 2), era = y / 400, yoe = y - era * 400;
  int doy = (153 * (int)(month > 2 ? month - 3 : month + 9) + 2) / 5 + (int)day_of_month - 1;
  int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

void day_parts(Day day, int *year, guint *month, guint *day_of_month) {
  int z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
      mp = (5 * doy + 2) / 153;
  *day_of_month = (guint)(doy - (153 * mp + 2) / 5 + 1);
  *month = (guint)(mp < 10 ? mp + 3 : mp - 9);
  *year = yoe + era * 400 + (*month <= 2);
}

guint day_weekday(Day day) {
  return (guint)(((day + 3) % 7 + 7) % 7) + 1;
}

char *day_text(Day day) {
  int year;
  guint month, of_month;
  day_parts(day, &year, &month, &of_month);
  return g_strdup_printf("%04d-%02u-%02u", year, month, of_month);
}

static guint digits(const char *text, guint n) {
  guint value = 0;
  for (guint i = 0; i < n; i++)
    value = value * 10 + (guint)(text[i] - '0');
  return value;
}

gboolean day_parse(const char *text, Day *day) {
  for (guint i = 0; i < 10; i++)
    if (i == 4 || i == 7 ? text[i] != '-' : !g_ascii_isdigit(text[i]))
      return FALSE;
  guint year = digits(text, 4), month = digits(text + 5, 2), of_month = digits(text + 8, 2), month_again, day_again;
  int year_again;
  if (text[10] || year < 1900 || month < 1 || month > 12 || of_month < 1 || of_month > 31)
    return FALSE;
  *day = day_of((int)year, month, of_month);
  day_parts(*day, &year_again, &month_again, &day_again);
  return day_again == of_month; /* no 31 April */
}

/* --- Local time, in seconds. A local time is counted as if it were UTC. */

static gint64 floor_seconds(gint64 instant) {
  return instant / G_USEC_PER_SEC - (instant % G_USEC_PER_SEC < 0 ? 1 : 0);
}

static gint64 offset_at(GTimeZone *zone, gint64 second) {
  return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, second));
}

static gint64 local_at(GTimeZone *zone, gint64 instant) {
  gint64 second = floor_seconds(instant);
  return second + offset_at(zone, second);
}

Day day_at(GTimeZone *zone, gint64 instant) {
  gint64 local = local_at(zone, instant);
  return (Day)(local / DAY_SECONDS - (local % DAY_SECONDS < 0 ? 1 : 0));
}

Day day_today(const char *zone) {
  g_autoptr(GTimeZone) known = zone ? g_time_zone_new_identifier(zone) : NULL;
  g_autoptr(GTimeZone) utc = known ? NULL : g_time_zone_new_utc();
  return day_at(known ? known : utc, g_get_real_time());
}

guint day_seconds_at(GTimeZone *zone, gint64 instant) {
  return (guint)(local_at(zone, instant) - (gint64)day_at(zone, instant) * DAY_SECONDS);
}

/* Zones change their offset at most once in the two days around an instant. */
gint64 day_instant(GTimeZone *zone, Day day, gint64 seconds) {
  gint64 local = (gint64)day * DAY_SECONDS + seconds;
  gint64 before = offset_at(zone, local - DAY_SECONDS), after = offset_at(zone, local + DAY_SECONDS);
  gint64 early = local - MAX(before, after), late = local - MIN(before, after);
  if (early + offset_at(zone, early) == local)
    return early * G_USEC_PER_SEC;
  if (late + offset_at(zone, late) == local)
    return late * G_USEC_PER_SEC;
  gint64 low = early - DAY_SECONDS, high = late + DAY_SECONDS; /* low is before the gap, high behind it */
  while (high - low > 1) {
    gint64 middle = low + (high - low) / 2;
    if (middle + offset_at(zone, middle) < local)
      low = middle;
    else
      high = middle;
  }
  return high * G_USEC_PER_SEC;
}

/* --- Calendars */

enum { KIND_HOLIDAY = 1, KIND_WORKING = 2 };
struct Calendar {
  guint weekend;    /* bits, Monday is 1 << 1 */
  GHashTable *days; /* Day → KIND_…: what is not as its weekday says */
};

/* Repeating a day is fine, contradicting within one place is not. */
static gboolean add_day(GHashTable *days, const char *date, guint kind, const char *place, GError **error) {
  Day day;
  if (!day_parse(date, &day))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: \"%s\" is no date like 2026-10-01", place,
                               date);
  guint known = GPOINTER_TO_UINT(g_hash_table_lookup(days, GINT_TO_POINTER(day)));
  if (known && known != kind)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s: %s is given as a holiday and as a working day", place, date);
  g_hash_table_insert(days, GINT_TO_POINTER(day), GUINT_TO_POINTER(kind));
  return TRUE;
}

static gboolean add_list(GHashTable *days, char **dates, guint kind, const char *place, GError **error) {
  for (char **date = dates; date && *date; date++)
    if (!add_day(days, *date, kind, place, error))
      return FALSE;
  return TRUE;
}

static gboolean add_line(GHashTable *days, char *line, const char *place, GError **error) {
  *strchrnul(line, '#') = '\0';
  g_auto(GStrv) split = g_strsplit_set(g_strstrip(line), " \t", -1);
  const char *words[3] = {NULL};
  guint n = 0;
  for (char **word = split; *word && n < G_N_ELEMENTS(words); word++)
    if (**word)
      words[n++] = *word;
  gboolean is_working = n == 2 && strcmp(words[1], "working") == 0,
           is_holiday = n == 1 || (n == 2 && strcmp(words[1], "holiday") == 0);
  if (n == 0)
    return TRUE;
  if (!is_working && !is_holiday)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s: a line is a date, or a date and the word \"working\"", place);
  return add_day(days, words[0], is_working ? KIND_WORKING : KIND_HOLIDAY, place, error);
}

static gboolean read_lines(GHashTable *days, FILE *file, const char *path, GError **error) {
  char line[LONGEST_LINE];
  for (guint number = 1; fgets(line, sizeof line, file); number++) {
    g_autofree char *place = g_strdup_printf("%s:%u", path, number);
    if ((!strchr(line, '\n') && !feof(file)) || number > MOST_LINES)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "%s: this is no file of dates: a line or the file is too long", place);
    if (number == 1 && g_str_has_prefix(line, "\xef\xbb\xbf"))
      memmove(line, line + 3, strlen(line + 3) + 1);
    if (!add_line(days, line, place, error))
      return FALSE;
  }
  return !ferror(file) || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: cannot be read", path);
}

/* What the configuration itself says of a day goes before its file. */
static gboolean add_file(Calendar *calendar, const ConfCalendar *conf, GError **error) {
  if (!conf->holidays_file)
    return TRUE;
  FILE *file = fopen(conf->holidays_file, "re");
  if (!file)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "calendar \"%s\": holidays-file %s: %s",
                               conf->name, conf->holidays_file, g_strerror(errno));
  g_autoptr(GHashTable) days = g_hash_table_new(g_direct_hash, g_direct_equal);
  gboolean ok = read_lines(days, file, conf->holidays_file, error);
  fclose(file);
  GHashTableIter iterator;
  gpointer day, kind;
  g_hash_table_iter_init(&iterator, days);
  while (ok && g_hash_table_iter_next(&iterator, &day, &kind))
    if (!g_hash_table_contains(calendar->days, day))
      g_hash_table_insert(calendar->days, day, kind);
  return ok;
}

Calendar *calendar_new(const ConfCalendar *conf, GError **error) {
  enum { WHOLE_WEEK = 0xfe };
  Calendar *calendar = g_new0(Calendar, 1);
  calendar->weekend = conf->weekend & WHOLE_WEEK;
  calendar->days = g_hash_table_new(g_direct_hash, g_direct_equal);
  gboolean ok = calendar->weekend != WHOLE_WEEK ||
                sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                    "calendar \"%s\" has no day that is not of its weekend", conf->name);
  g_autofree char *place = g_strdup_printf("calendar \"%s\"", conf->name);
  ok = ok && add_list(calendar->days, conf->holidays, KIND_HOLIDAY, place, error) &&
       add_list(calendar->days, conf->working, KIND_WORKING, place, error) && add_file(calendar, conf, error);
  if (ok)
    return calendar;
  calendar_free(calendar);
  return NULL;
}

void calendar_free(Calendar *calendar) {
  if (!calendar)
    return;
  g_hash_table_unref(calendar->days);
  g_free(calendar);
}

gboolean calendar_has(const Calendar *calendar, Day day) {
  if (!calendar)
    return TRUE;
  guint kind = GPOINTER_TO_UINT(g_hash_table_lookup(calendar->days, GINT_TO_POINTER(day)));
  return kind ? kind == KIND_WORKING : !((calendar->weekend >> day_weekday(day)) & 1);
}

/* Both end: holidays are a finite list, and some weekday always counts. */
Day calendar_next(const Calendar *calendar, Day day) {
  do
    day++;
  while (!calendar_has(calendar, day));
  return day;
}

Day calendar_previous(const Calendar *calendar, Day day) {
  do
    day--;
  while (!calendar_has(calendar, day));
  return day;
}

Day calendar_add(const Calendar *calendar, Day day, gint n) {
  if (n == 0)
    return calendar_has(calendar, day) ? day : calendar_next(calendar, day);
  for (; n > 0; n--)
    day = calendar_next(calendar, day);
  for (; n < 0; n++)
    day = calendar_previous(calendar, day);
  return day;
}

static Day month_first(Day day) {
  int year;
  guint month, of_month;
  day_parts(day, &year, &month, &of_month);
  return day_of(year, month, 1);
}

static Day next_month_first(Day day) {
  return month_first(month_first(day) + 31);
}

Day calendar_month_end(const Calendar *calendar, Day day) {
  Day first = month_first(day), behind = next_month_first(day), last = calendar_previous(calendar, behind);
  return last >= first ? last : behind - 1;
}

Day calendar_month_begin(const Calendar *calendar, Day day) {
  Day first = month_first(day), found = calendar_add(calendar, first, 0);
  return found < next_month_first(day) ? found : first;
}
