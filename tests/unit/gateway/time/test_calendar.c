#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/time/schedule.h"
#include "gateway/time/calendar.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WEEKEND = 1 << 6 | 1 << 7 };

static Day day(const char *text) {
  Day parsed = 0;
  if (!day_parse(text, &parsed))
    fail_msg("%s is no day", text);
  return parsed;
}

static void assert_day(Day got, const char *wanted) {
  g_autofree char *text = day_text(got);
  assert_string_equal(text, wanted);
}

static Calendar *made(char **holidays, char **working, const char *file, GError **error) {
  char name[] = "cn";
  ConfCalendar conf = {.where = {"c.conf", 7},
                       .name = name,
                       .weekend = WEEKEND,
                       .holidays = holidays,
                       .working = working,
                       .holidays_file = (char *)file};
  return calendar_new(&conf, error);
}

/* National day 2026: the week off from Thursday the 1st, and Saturday the 10th worked for it. */
static Calendar *china(void) {
  const char *const holidays[] = {"2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07", NULL},
                    *const working[] = {"2026-09-20", "2026-10-10", NULL};
  GError *error = NULL;
  Calendar *calendar = made((char **)holidays, (char **)working, NULL, &error);
  if (!calendar)
    fail_msg("%s", error->message);
  return calendar;
}

static void dates_are_read_and_written(void **state) {
  (void)state;
  Day parsed;
  assert_int_equal(day("1970-01-01"), 0);
  assert_int_equal(day("2000-03-01"), 11017);
  assert_int_equal(day_weekday(day("2026-11-22")), 7);
  assert_int_equal(day_weekday(day("1969-12-29")), 1);
  for (Day d = day("1960-01-01"); d < day("2060-01-01"); d++) {
    g_autofree char *text = day_text(d);
    assert_int_equal(day(text), d);
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc((gint64)d * 86400);
    assert_int_equal((int)day_weekday(d), g_date_time_get_day_of_week(at));
  }
  const char *const wrong[] = {"",          "2026-02-29", "2026-04-31",  "2026-13-01",  "2026-00-01", "2026-01-00",
                               "2026-1-01", "26-01-01",   "2026-01-01 ", "2026-01-011", "1899-01-01", "２026-01-01"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_false(day_parse(wrong[i], &parsed));
}

static void without_a_calendar_every_day_counts(void **state) {
  (void)state;
  assert_true(calendar_has(NULL, day("2026-11-22")));
  assert_day(calendar_next(NULL, day("2026-12-31")), "2027-01-01");
  assert_day(calendar_month_end(NULL, day("2028-02-10")), "2028-02-29");
}

static void weekends_holidays_and_working_weekends_count_as_they_should(void **state) {
  (void)state;
  g_autoptr(Calendar) calendar = china();
  assert_true(calendar_has(calendar, day("2026-09-30")));
  assert_false(calendar_has(calendar, day("2026-10-01")));
  assert_false(calendar_has(calendar, day("2026-10-03")));
  assert_true(calendar_has(calendar, day("2026-10-10")));
  assert_false(calendar_has(calendar, day("2026-10-11")));
  assert_day(calendar_next(calendar, day("2026-09-30")), "2026-10-08");
  assert_day(calendar_next(calendar, day("2026-10-09")), "2026-10-10");
  assert_day(calendar_previous(calendar, day("2026-10-12")), "2026-10-10");
  assert_day(calendar_previous(calendar, day("2026-10-08")), "2026-09-30");
  assert_day(calendar_add(calendar, day("2026-10-03"), 0), "2026-10-08");
  assert_day(calendar_add(calendar, day("2026-10-08"), 0), "2026-10-08");
  assert_day(calendar_add(calendar, day("2026-09-30"), 3), "2026-10-10");
  assert_day(calendar_add(calendar, day("2026-10-10"), -3), "2026-09-30");
}

static void months_end_and_begin_on_business_days(void **state) {
  (void)state;
  g_autoptr(Calendar) calendar = china();
  assert_day(calendar_month_begin(calendar, day("2026-10-20")), "2026-10-08");
  assert_day(calendar_month_end(calendar, day("2026-10-20")), "2026-10-30");
  assert_day(calendar_month_end(calendar, day("2026-02-01")), "2026-02-27"); /* the 28th is a Saturday */
  assert_day(calendar_month_end(calendar, day("2028-02-29")), "2028-02-29"); /* a leap day, a Tuesday */
  assert_day(calendar_month_end(calendar, day("2000-02-01")), "2000-02-29");
  assert_day(calendar_month_end(calendar, day("2100-02-01")), "2100-02-26"); /* no leap year; the 28th is a Sunday */
  assert_day(calendar_month_end(calendar, day("2026-12-31")), "2026-12-31");
  assert_day(calendar_month_begin(calendar, day("2027-01-31")), "2027-01-01");
}

static char *dates_file(const char *text) {
  char *path = NULL;
  int fd = g_file_open_tmp("dates-XXXXXX", &path, NULL);
  assert_true(fd >= 0);
  close(fd);
  assert_true(g_file_set_contents(path, text, -1, NULL));
  return path;
}

static void a_holidays_file_is_read(void **state) {
  (void)state;
  GError *error = NULL;
  g_autofree char *path = dates_file("\xef\xbb\xbf# 2026\r\n2026-10-01\r\n\n  2026-10-02  # Friday\n2026-10-10 "
                                     "working\n2026-10-05\tholiday\n2026-10-06");
  g_autoptr(Calendar) calendar = made(NULL, NULL, path, &error);
  g_unlink(path);
  if (!calendar)
    fail_msg("%s", error->message);
  assert_false(calendar_has(calendar, day("2026-10-01")));
  assert_false(calendar_has(calendar, day("2026-10-02")));
  assert_false(calendar_has(calendar, day("2026-10-05")));
  assert_false(calendar_has(calendar, day("2026-10-06")));
  assert_true(calendar_has(calendar, day("2026-10-07")));
  assert_true(calendar_has(calendar, day("2026-10-10")));
}

static void the_configuration_goes_before_its_file(void **state) {
  (void)state;
  GError *error = NULL;
  const char *const holidays[] = {"2026-10-09", NULL}, *const working[] = {"2026-10-01", NULL};
  g_autofree char *path = dates_file("2026-10-01\n2026-10-02\n2026-10-09 working\n");
  g_autoptr(Calendar) calendar = made((char **)holidays, (char **)working, path, &error);
  g_unlink(path);
  assert_true(calendar_has(calendar, day("2026-10-01")));
  assert_false(calendar_has(calendar, day("2026-10-02")));
  assert_false(calendar_has(calendar, day("2026-10-09")));
}

static void a_wrong_holidays_file_is_refused_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {{"2026-10-01\n2026-02-30\n", ":2: \"2026-02-30\" is no date"},
               {"# x\n\n2026-10-01 off\n", ":3: a line is a date"},
               {"2026-10-10\n2026-10-10 working\n", ":2: 2026-10-10 is given as a holiday and as a working day"},
               {"2026-10-01 working twice\n", ":1: a line is a date"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = dates_file(cases[i].text);
    assert_null(made(NULL, NULL, path, &error));
    g_unlink(path);
    if (!strstr(error->message, cases[i].message) || !g_str_has_prefix(error->message, path))
      fail_msg("%s", error->message);
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
  }
  g_autoptr(GError) missing = NULL, zero = NULL;
  assert_null(made(NULL, NULL, "/nowhere/dates", &missing));
  assert_non_null(strstr(missing->message, "calendar \"cn\": holidays-file /nowhere/dates"));
  assert_null(made(NULL, NULL, "/dev/zero", &zero));
}

static void a_calendar_without_any_day_is_refused(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  ConfCalendar conf = {.where = {"c.conf", 7}, .name = (char *)"none", .weekend = 0xfe};
  assert_null(calendar_new(&conf, &error));
  assert_non_null(strstr(error->message, "calendar \"none\""));
}

static gint64 utc(const char *text) {
  g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(text, NULL);
  return g_date_time_to_unix(at) * G_USEC_PER_SEC;
}

static void times_of_day_are_instants_also_where_the_clock_changes(void **state) {
  (void)state;
  g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin"),
                       shanghai = g_time_zone_new_identifier("Asia/Shanghai");
  assert_int_equal(day_instant(shanghai, day("2026-11-20"), 6 * 3600), utc("2026-11-19T22:00:00Z"));
  /* in the gap: behind it */
  assert_int_equal(day_instant(berlin, day("2026-03-29"), 2 * 3600 + 1800), utc("2026-03-29T01:00:00Z"));
  /* at the fold: the first */
  assert_int_equal(day_instant(berlin, day("2026-10-25"), 2 * 3600 + 1800), utc("2026-10-25T00:30:00Z"));
  assert_int_equal(day_instant(berlin, day("2026-03-29"), 0), utc("2026-03-28T23:00:00Z"));
  assert_int_equal(day_instant(berlin, day("2026-03-30"), 0) - day_instant(berlin, day("2026-03-29"), 0),
                   (gint64)23 * 3600 * G_USEC_PER_SEC);
  assert_int_equal(day_instant(berlin, day("2026-10-26"), 0) - day_instant(berlin, day("2026-10-25"), 0),
                   (gint64)25 * 3600 * G_USEC_PER_SEC);
  assert_day(day_at(shanghai, utc("2026-11-19T16:00:00Z")), "2026-11-20");
  assert_day(day_at(shanghai, utc("2026-11-19T15:59:59Z")), "2026-11-19");
  assert_int_equal(day_seconds_at(shanghai, utc("2026-11-19T16:00:01Z")), 1);
  assert_day(day_at(berlin, -1), "1970-01-01");
}

static void polls_keep_to_the_calendar(void **state) {
  (void)state;
  GError *error = NULL;
  g_autoptr(Calendar) calendar = china();
  g_autoptr(Schedule) daily = schedule_new_cron("0 6 * * *", "Asia/Shanghai", &error),
                      period = schedule_new_every(3600);
  assert_true(schedule_keep_to(daily, calendar, NULL, &error));
  assert_true(schedule_keep_to(period, calendar, "Asia/Shanghai", &error));
  /* from the 30th to the 8th */
  assert_int_equal(schedule_next(daily, utc("2026-09-29T22:00:00Z")), utc("2026-10-07T22:00:00Z"));
  /* the working Saturday */
  assert_int_equal(schedule_next(daily, utc("2026-10-08T23:00:00Z")), utc("2026-10-09T22:00:00Z"));
  assert_int_equal(schedule_next(period, utc("2026-09-30T12:00:00Z")), utc("2026-09-30T13:00:00Z"));
  /* the 8th begins */
  assert_int_equal(schedule_next(period, utc("2026-09-30T15:30:00Z")), utc("2026-10-07T16:00:00Z"));
  assert_true(schedule_has(period, utc("2026-10-10T03:00:00Z")));
  assert_false(schedule_has(period, utc("2026-10-01T03:00:00Z")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates_are_read_and_written),
      cmocka_unit_test(without_a_calendar_every_day_counts),
      cmocka_unit_test(weekends_holidays_and_working_weekends_count_as_they_should),
      cmocka_unit_test(months_end_and_begin_on_business_days),
      cmocka_unit_test(a_holidays_file_is_read),
      cmocka_unit_test(the_configuration_goes_before_its_file),
      cmocka_unit_test(a_wrong_holidays_file_is_refused_with_its_line),
      cmocka_unit_test(a_calendar_without_any_day_is_refused),
      cmocka_unit_test(times_of_day_are_instants_also_where_the_clock_changes),
      cmocka_unit_test(polls_keep_to_the_calendar),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
