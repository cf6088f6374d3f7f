/* Business calendars, and where alarms go. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

#define DATES_LIMIT 20000 /* of one list, with the days of its spans */

/* ---- calendars ---- */

static void build_weekend(const Section *section, ConfCalendar *calendar) {
  static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  g_auto(GStrv) values = section_list(section, "weekend", 7);
  calendar->weekend = values == NULL ? 1u << 6 | 1u << 7 : 0;
  if (values != NULL && strcmp(values[0], "none") == 0 && values[1] == NULL)
    return;
  for (char **value = values; value != NULL && *value != NULL; value++) {
    guint day = 0;
    while (day < G_N_ELEMENTS(days) && g_ascii_strcasecmp(*value, days[day]) != 0)
      day++;
    if (day < G_N_ELEMENTS(days))
      calendar->weekend |= 1u << (day + 1);
    else
      section_error(section, "weekend", "'weekend' must hold days, as \"saturday\" (or \"none\" alone)");
  }
  if (calendar->weekend == 0xFE)
    section_error(section, "weekend", "'weekend' leaves no day of the week");
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
  g_autofree char *from = dots == NULL ? g_strdup(value) : g_strndup(value, (gsize)(dots - value));
  guint32 first = 0, last = 0;
  if (!value_date(from, &first) || !value_date(dots == NULL ? value : dots + 2, &last))
    return FALSE;
  if (last < first || last - first > 366 || days->len + last - first >= DATES_LIMIT)
    return FALSE;
  for (guint32 day = first; day <= last; day++)
    g_ptr_array_add(days, show_day(day));
  return TRUE;
}

static char **build_days(const Section *section, const char *option) {
  g_auto(GStrv) values = section_list(section, option, 5000);
  g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func(g_free);
  if (values == NULL)
    return NULL;
  for (char **value = values; *value != NULL; value++)
    if (!add_days(*value, days)) {
      section_error(section, option,
                    "'%s' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"",
                    option);
      return NULL;
    }
  char **list = g_new0(char *, days->len + 1);
  for (guint i = 0; i < days->len; i++)
    list[i] = g_strdup(g_ptr_array_index(days, i));
  return list;
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
static void check_days(const Section *section, const ConfCalendar *calendar) {
  for (char **day = calendar->working; day != NULL && *day != NULL; day++) {
    gboolean is_holiday = calendar->holidays != NULL && g_strv_contains((const char *const *)calendar->holidays, *day);
    if (is_holiday)
      section_error(section, "working", "'working': %s stands in 'holidays', too", *day);
    else if (!is_weekend(calendar, *day) && calendar->holidays_file == NULL)
      section_warning(section, "working", "'working': %s is a working day anyway", *day);
  }
}

ConfCalendar *build_calendar(const Section *section) {
  ConfCalendar *calendar = g_new0(ConfCalendar, 1);
  calendar->where = section_where(section, NULL);
  calendar->name = section_title(section);
  build_weekend(section, calendar);
  calendar->holidays = build_days(section, "holidays");
  calendar->working = build_days(section, "working");
  calendar->holidays_file = section_path(section, "holidays-file");
  check_days(section, calendar);
  return calendar;
}

/* ---- alarms ---- */

void build_alarms(const Section *root, const Conf *conf, ConfAlarms *alarms) {
  static const WebPurpose purpose = {.system = "the inner system that is told", .path = "where alarms are posted to"};
  *alarms = (ConfAlarms){.repeat = 3600, .repeat_limit = 24};
  Section section, webhook;
  if (!section_inner(root, "alarms", &section))
    return;
  alarms->where = section_where(&section, NULL);
  alarms->command = section_list(&section, "command", 50);
  if (alarms->command != NULL && (*alarms->command[0] != '/' || value_has_dot_dot(alarms->command[0])))
    section_error(&section, "command",
                  "'command' begins with the program's absolute path; its arguments follow, each a value of its own");
  if (section_inner(&section, "webhook", &webhook))
    build_web(&webhook, conf, purpose, &alarms->system, &alarms->endpoint, &alarms->path);
  alarms->repeat = section_seconds(&section, "repeat", (Range){.otherwise = 3600, .least = 1, .most = 7 * 86400});
  alarms->repeat_limit = section_number(&section, "repeat-limit", (Range){.otherwise = 24, .least = 0, .most = 1000});
}
