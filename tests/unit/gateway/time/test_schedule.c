#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/time/schedule.h"
#include <string.h>
#include <cmocka.h>

static gint64 instant(const char *text) {
  g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(text, NULL);
  assert_non_null(at);
  return g_date_time_to_unix(at) * G_USEC_PER_SEC;
}

/* Walks the schedule from `from` and compares each step; NULL ends. */
static void expect_steps(const char *cron, const char *zone, const char *from, const char *const *steps) {
  GError *error = NULL;
  g_autoptr(Schedule) schedule = schedule_new_cron(cron, zone, &error);
  if (!schedule)
    fail_msg("%s", error->message);
  gint64 at = instant(from);
  for (; *steps; steps++) {
    at = schedule_next(schedule, at);
    if (at != instant(*steps)) {
      g_autoptr(GDateTime) got = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
      g_autofree char *text = g_date_time_format_iso8601(got);
      fail_msg("%s in %s: %s instead of %s", cron, zone, text, *steps);
    }
  }
}
#define EXPECT_STEPS(cron, zone, from, ...) expect_steps(cron, zone, from, (const char *const[]){__VA_ARGS__, NULL})

static void a_period_counts_from_the_last_time(void **state) {
  (void)state;
  g_autoptr(Schedule) schedule = schedule_new_every(60);
  assert_int_equal(schedule_next(schedule, 5), 60 * G_USEC_PER_SEC + 5);
}

static void fields_lists_ranges_steps_and_names_are_understood(void **state) {
  (void)state;
  EXPECT_STEPS("*/15 * * * *", "UTC", "2026-11-20T10:07:00Z", "2026-11-20T10:15:00Z", "2026-11-20T10:30:00Z",
               "2026-11-20T10:45:00Z", "2026-11-20T11:00:00Z");
  EXPECT_STEPS("0,30 9-11/2 * * *", "UTC", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T09:30:00Z",
               "2026-11-20T11:00:00Z", "2026-11-20T11:30:00Z", "2026-11-21T09:00:00Z");
  EXPECT_STEPS("0 6 * * MON-FRI", "UTC", "2026-11-20T06:00:00Z", "2026-11-23T06:00:00Z", "2026-11-24T06:00:00Z");
  EXPECT_STEPS("0 0 1 jan,JUL *", "UTC", "2026-11-20T06:00:00Z", "2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z");
  EXPECT_STEPS("0 0 * * 7", "UTC", "2026-11-20T06:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z");
  EXPECT_STEPS("0 0 * * 5-7", "UTC", "2026-11-20T06:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z",
               "2026-11-27T00:00:00Z");
  EXPECT_STEPS("0 0 29 2 *", "UTC", "2026-11-20T06:00:00Z", "2028-02-29T00:00:00Z");
  EXPECT_STEPS("59 23 31 12 *", "UTC", "2026-12-31T23:58:59Z", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z");
}

static void two_restricted_day_fields_match_either(void **state) {
  (void)state;
  EXPECT_STEPS("0 0 13 * 5", "UTC", "2026-11-12T06:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z",
               "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z");
}

static void an_instant_is_later_than_the_one_asked_for(void **state) {
  (void)state;
  g_autoptr(Schedule) schedule = schedule_new_cron("0 * * * *", "UTC", NULL);
  gint64 ten = instant("2026-11-20T10:00:00Z");
  assert_int_equal(schedule_next(schedule, ten - 1), ten);
  assert_int_equal(schedule_next(schedule, ten), ten + G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC);
  assert_int_equal(schedule_next(schedule, ten + 1), ten + G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC);
}

static void a_time_zone_is_where_the_clock_stands(void **state) {
  (void)state;
  EXPECT_STEPS("30 2 * * *", "Asia/Shanghai", "2026-11-20T00:00:00Z", "2026-11-20T18:30:00Z", "2026-11-21T18:30:00Z");
  EXPECT_STEPS("0 12 * * *", "America/New_York", "2026-07-01T00:00:00Z", "2026-07-01T16:00:00Z");
  EXPECT_STEPS("0 12 * * *", "America/New_York", "2026-12-01T00:00:00Z", "2026-12-01T17:00:00Z");
  EXPECT_STEPS("0 0 * * *", "Asia/Kathmandu", "2026-12-01T00:00:00Z", "2026-12-01T18:15:00Z");
}

static void in_a_gap_it_is_the_first_valid_instant(void **state) {
  (void)state;
  EXPECT_STEPS("30 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00", "2026-03-08T03:00:00-04:00",
               "2026-03-09T02:30:00-04:00");
  EXPECT_STEPS("*/20 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00", "2026-03-08T03:00:00-04:00",
               "2026-03-09T02:00:00-04:00");
  EXPECT_STEPS("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00",
               "2026-03-30T02:30:00+02:00");
  EXPECT_STEPS("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00",
               "2026-10-05T02:15:00+11:00");
  EXPECT_STEPS("*/30 * * * *", "America/New_York", "2026-03-08T01:10:00-05:00", "2026-03-08T01:30:00-05:00",
               "2026-03-08T03:00:00-04:00", "2026-03-08T03:30:00-04:00");
}

static void at_a_fold_it_is_once_at_the_first_pass(void **state) {
  (void)state;
  EXPECT_STEPS("30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00", "2026-11-01T01:30:00-04:00",
               "2026-11-02T01:30:00-05:00");
  EXPECT_STEPS("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00",
               "2026-10-26T02:30:00+01:00");
  EXPECT_STEPS("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00", "2026-04-05T01:45:00+11:00",
               "2026-04-06T01:45:00+10:30");
  EXPECT_STEPS("*/30 * * * *", "America/New_York", "2026-11-01T01:10:00-04:00", "2026-11-01T01:30:00-04:00",
               "2026-11-01T02:00:00-05:00");
  EXPECT_STEPS("30 1 * * *", "America/New_York", "2026-11-01T01:10:00-05:00", "2026-11-02T01:30:00-05:00");
}

static void a_day_that_a_zone_left_out_is_passed_over(void **state) {
  (void)state;
  EXPECT_STEPS("0 12 * * *", "Pacific/Apia", "2011-12-29T13:00:00-10:00", "2011-12-31T00:00:00+14:00",
               "2011-12-31T12:00:00+14:00");
}

static void it_never_stands_still_or_goes_back(void **state) {
  (void)state;
  static const char *const zones[] = {"America/New_York",    "Europe/Berlin", "Asia/Shanghai",
                                      "Australia/Lord_Howe", "Europe/Dublin", "Africa/Casablanca"};
  static const char *const crons[] = {"*/7 * * * *", "30 1,2 * * *", "0 0 1,15 * 3"};
  for (guint z = 0; z < G_N_ELEMENTS(zones); z++)
    for (guint c = 0; c < G_N_ELEMENTS(crons); c++) {
      g_autoptr(Schedule) schedule = schedule_new_cron(crons[c], zones[z], NULL);
      gint64 at = instant("2026-01-01T00:00:00Z");
      for (int i = 0; i < 20000 && at < instant("2027-01-01T00:00:00Z"); i++) {
        gint64 next = schedule_next(schedule, at);
        assert_true(next > at && next < G_MAXINT64);
        at = next;
      }
    }
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  static const struct {
    const char *cron, *zone, *says;
  } cases[] = {{"60 * * * *", "UTC", "minute \"60\""},
               {"* 24 * * *", "UTC", "hour"},
               {"* * 0 * *", "UTC", "day of the month"},
               {"* * 32 * *", "UTC", "day of the month"},
               {"* * * 13 *", "UTC", "month"},
               {"* * * * 8", "UTC", "day of the week"},
               {"* * * * mo", "UTC", "day of the week"},
               {"* * * *", "UTC", "4 fields"},
               {"* * * * * *", "UTC", "more than five"},
               {"", "UTC", "0 fields"},
               {"5-2 * * * *", "UTC", "minute"},
               {"*/0 * * * *", "UTC", "minute"},
               {"5/10 * * * *", "UTC", "minute"},
               {"1,,2 * * * *", "UTC", "minute"},
               {"*/ * * * *", "UTC", "minute"},
               {"-1 * * * *", "UTC", "minute"},
               {"@daily", "UTC", "minute"},
               {"1x * * * *", "UTC", "minute"},
               {"* * * * monday", "UTC", "day of the week"},
               {"0 0 30 2 *", "UTC", "no day"},
               {"0 0 31 4,6,9,11 *", "UTC", "no day"},
               {"* * * * *", "Mars/Olympus", "Mars/Olympus"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(schedule_new_cron(cases[i].cron, cases[i].zone, &error));
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
    if (!strstr(error->message, cases[i].says))
      fail_msg("%s: %s", cases[i].cron, error->message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_period_counts_from_the_last_time),
      cmocka_unit_test(fields_lists_ranges_steps_and_names_are_understood),
      cmocka_unit_test(two_restricted_day_fields_match_either),
      cmocka_unit_test(an_instant_is_later_than_the_one_asked_for),
      cmocka_unit_test(a_time_zone_is_where_the_clock_stands),
      cmocka_unit_test(in_a_gap_it_is_the_first_valid_instant),
      cmocka_unit_test(at_a_fold_it_is_once_at_the_first_pass),
      cmocka_unit_test(a_day_that_a_zone_left_out_is_passed_over),
      cmocka_unit_test(it_never_stands_still_or_goes_back),
      cmocka_unit_test(what_is_wrong_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
