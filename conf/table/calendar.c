/* Business calendars. */
#include "conf/read/section.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

#define DATES_LIMIT 20000 /* of one list, with the days of its spans */
#define ALL_DAYS 0xFE     /* Monday to Sunday, as bits */

static void read_weekend(const Section *section, const Row *row, gpointer at) {
  static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  g_auto(GStrv) values = section_list(section, row->name, 7);
  guint *weekend = at;
  *weekend = values ? 0 : 1u << G_DATE_SATURDAY | 1u << G_DATE_SUNDAY;
  if (values && strcmp(values[0], "none") == 0 && !values[1])
    return;
  for (char **value = values; value && *value; value++) {
    guint day = 0;
    while (day < G_N_ELEMENTS(days) && g_ascii_strcasecmp(*value, days[day]) != 0)
      day++;
    if (day < G_N_ELEMENTS(days))
      *weekend |= 1u << (day + 1);
    else
      section_error(section, row->name, "'%s' must hold days, as \"saturday\" (or \"none\" alone)", row->name);
  }
  if (*weekend == ALL_DAYS)
    section_error(section, row->name, "'%s' leaves no day of the week", row->name);
}

static char *show_day(guint32 julian) {
  GDate date;
  char text[16];
  g_date_clear(&date, 1);
  g_date_set_julian(&date, julian);
  g_date_strftime(text, sizeof text, "%Y-%m-%d", &date);
  return g_strdup(text);
}

/* A day, or a span of days: 2026-10-01..2026-10-07. */
static gboolean add_days(const char *value, GPtrArray *days) {
  const char *dots = strstr(value, "..");
  g_autofree char *from = dots ? g_strndup(value, (gsize)(dots - value)) : g_strdup(value);
  guint32 first = 0, last = 0;
  if (!value_date(from, &first) || !value_date(dots ? dots + 2 : value, &last))
    return FALSE;
  if (last < first || last - first > 366 || days->len + last - first >= DATES_LIMIT)
    return FALSE;
  for (guint32 day = first; day <= last; day++)
    g_ptr_array_add(days, show_day(day));
  return TRUE;
}

static void read_days(const Section *section, const Row *row, gpointer at) {
  g_auto(GStrv) values = section_list(section, row->name, 5000);
  g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func(g_free);
  if (!values)
    return;
  for (char **value = values; *value; value++)
    if (!add_days(*value, days)) {
      section_error(section, row->name,
                    "'%s' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"",
                    row->name);
      return;
    }
  g_ptr_array_add(days, NULL);
  *(char ***)at = (char **)g_ptr_array_free(g_steal_pointer(&days), FALSE);
}

static gboolean is_weekend(const ConfCalendar *calendar, const char *day) {
  guint32 julian = 0;
  GDate date;
  if (!value_date(day, &julian))
    return FALSE;
  g_date_clear(&date, 1);
  g_date_set_julian(&date, julian);
  return (calendar->weekend & 1u << g_date_get_weekday(&date)) != 0;
}

/* Both lists at one day: which of them is meant is not clear to a reader. With a file of holidays it is: to overrule
 * it. */
static void check_days(const Section *section, gpointer into) {
  const ConfCalendar *calendar = into;
  for (char **day = calendar->working; day && *day; day++) {
    gboolean is_holiday = calendar->holidays && g_strv_contains((const char *const *)calendar->holidays, *day);
    if (is_holiday)
      section_error(section, "working", "'working': %s stands in 'holidays', too", *day);
    else if (!is_weekend(calendar, *day) && !calendar->holidays_file)
      section_warning(section, "working", "'working': %s is a working day anyway", *day);
  }
}

static const Kind kind_weekend = {.store = STORE_UINT, .is_list = TRUE, .read = read_weekend};
static const Kind kind_days = {.store = STORE_LIST, .is_list = TRUE, .read = read_days};

static const Row rows[] = {
    WHERE(ConfCalendar),
    TITLE(ConfCalendar),
    ROW(ConfCalendar, "weekend", weekend, weekend),
    ROW(ConfCalendar, "holidays", holidays, days),
    ROW(ConfCalendar, "working", working, days),
    ROW(ConfCalendar, "holidays-file", holidays_file, path),
    CHECK(check_days),
    ROWS_END,
};
const Table table_calendar = TABLE(ConfCalendar, rows);
