/* When tasks are due: time zones, month ends, calendars, outages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/recon/period.h"
#include <string.h>
#include <cmocka.h>

static gint64 instant(const char *text) {
  g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(text, NULL);
  assert_non_null(at);
  return g_date_time_to_unix(at) * G_USEC_PER_SEC;
}

static char *holidays[] = {(char *)"2026-10-01", (char *)"2026-10-02", NULL}, *working[] = {(char *)"2026-10-10", NULL};
static ConfCalendar bank = {
    .name = (char *)"bank", .weekend = 1 << 6 | 1 << 7, .holidays = holidays, .working = working};

static char *due(ConfReconcile reconcile, const char *since, const char *now, guint most) {
  GError *error = NULL;
  Conf conf = {.calendars = g_ptr_array_new()};
  g_ptr_array_add(conf.calendars, &bank);
  ReconSchedule *schedule = recon_schedule_new(&conf, &reconcile, &error);
  if (!schedule)
    fail_msg("%s", error->message);
  g_autoptr(GPtrArray) periods = recon_periods_due(schedule, instant(since), instant(now), most);
  g_ptr_array_add(periods, NULL);
  char *text = g_strjoinv(" ", (char **)periods->pdata);
  recon_schedule_free(schedule);
  g_ptr_array_unref(conf.calendars);
  return text;
}

#define expect(text, ...)                     \
  do {                                        \
    g_autofree char *seen = due(__VA_ARGS__); \
    assert_string_equal(seen, text);          \
  } while (0)

static void a_day_is_due_once_at_its_time_in_its_zone(void **state) {
  (void)state;
  ConfReconcile daily = {.name = (char *)"d",
                         .period = CONF_PERIOD_DAY,
                         .at = 2 * 3600,
                         .day_offset = 1,
                         .time_zone = (char *)"Asia/Shanghai"};
  expect("", daily, "2026-11-20T17:59:00Z", "2026-11-20T17:59:59Z", 100);
  expect("2026-11-20", daily, "2026-11-20T17:59:00Z", "2026-11-20T18:00:00Z", 100);
  expect("", daily, "2026-11-20T18:00:00Z", "2026-11-21T17:59:59Z", 100);
  expect("2026-11-20 2026-11-21 2026-11-22", daily, "2026-11-20T17:00:00Z", "2026-11-22T18:00:00Z", 100);
  expect("2026-11-21 2026-11-22", daily, "2026-11-20T17:00:00Z", "2026-11-22T18:00:00Z", 2);
}

static void the_same_day_may_be_due_on_itself(void **state) {
  (void)state;
  ConfReconcile daily = {
      .name = (char *)"d", .period = CONF_PERIOD_DAY, .at = 22 * 3600, .day_offset = 0, .time_zone = (char *)"UTC"};
  expect("2026-11-20", daily, "2026-11-20T00:00:00Z", "2026-11-20T22:00:00Z", 100);
}

static void a_month_is_due_after_its_last_day(void **state) {
  (void)state;
  ConfReconcile monthly = {
      .name = (char *)"m", .period = CONF_PERIOD_MONTH, .at = 3600, .day_offset = 1, .time_zone = (char *)"UTC"};
  expect("2024-02", monthly, "2024-02-29T23:00:00Z", "2024-03-01T01:00:00Z", 100);
  expect("2026-02", monthly, "2026-02-28T23:00:00Z", "2026-03-01T01:00:00Z", 100);
  expect("2025-12 2026-01", monthly, "2025-12-31T12:00:00Z", "2026-02-01T01:00:00Z", 100);
  expect("", monthly, "2026-02-01T01:00:00Z", "2026-02-28T23:59:59Z", 100);
}

static void a_calendar_says_when_and_no_day_is_left_out(void **state) {
  (void)state;
  ConfReconcile daily = {.name = (char *)"d",
                         .period = CONF_PERIOD_DAY,
                         .at = 6 * 3600,
                         .day_offset = 1,
                         .calendar = (char *)"bank",
                         .time_zone = (char *)"UTC"};
  /* Wednesday 30 September is due on Monday 5 October: Thursday and Friday are holidays. These, and the weekend, are
   * due with it. */
  expect("", daily, "2026-09-30T07:00:00Z", "2026-10-05T05:59:59Z", 100);
  expect("2026-09-30 2026-10-01 2026-10-02 2026-10-03 2026-10-04", daily, "2026-09-30T07:00:00Z",
         "2026-10-05T06:00:00Z", 100);
  /* Friday 9 October is due on Saturday the 10th, which is worked; that one on Monday. */
  expect("2026-10-09", daily, "2026-10-09T06:00:00Z", "2026-10-10T06:00:00Z", 100);
  expect("2026-10-10 2026-10-11", daily, "2026-10-10T06:00:00Z", "2026-10-12T06:00:00Z", 100);
  /* January ends on a Saturday: its first business day behind is Monday 2 February. */
  ConfReconcile monthly = {.name = (char *)"m",
                           .period = CONF_PERIOD_MONTH,
                           .at = 0,
                           .day_offset = 1,
                           .calendar = (char *)"bank",
                           .time_zone = (char *)"UTC"};
  expect("2026-01", monthly, "2026-01-31T00:00:00Z", "2026-02-02T00:00:00Z", 100);
}

static void a_day_of_23_or_25_hours_is_due_once(void **state) {
  (void)state;
  ConfReconcile daily = {.name = (char *)"d",
                         .period = CONF_PERIOD_DAY,
                         .at = 2 * 3600 + 1800,
                         .day_offset = 1,
                         .time_zone = (char *)"Europe/Berlin"};
  /* 29 March 2026: 02:30 is not there, 03:00 (01:00Z) is the first instant behind it. */
  expect("2026-03-28", daily, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", 100);
  expect("", daily, "2026-03-29T01:00:00Z", "2026-03-29T23:00:00Z", 100);
  /* 25 October 2026: 02:30 is there twice, the first counts. */
  expect("2026-10-24", daily, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", 100);
  expect("", daily, "2026-10-25T00:30:00Z", "2026-10-25T23:00:00Z", 100);
}

static void periods_hold_their_dates(void **state) {
  (void)state;
  static const char *const good[][3] = {{"2026-11-20", "2026-11-20", "2026-11-20"},
                                        {"2024-02", "2024-02-01", "2024-02-29"},
                                        {"2026-12", "2026-12-01", "2026-12-31"}};
  static const char *const bad[] = {"",          "2026",     "2026-13",     "2026-02-30", "2026-1",
                                    "2026-11-2", "20261120", "2026-11-20 ", "../../x"};
  char from[11], to[11];
  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    assert_true(recon_period_dates(good[i][0], NULL, from, to));
    assert_string_equal(from, good[i][1]);
    assert_string_equal(to, good[i][2]);
  }
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    assert_false(recon_period_dates(bad[i], NULL, from, to));
  ConfReconcile monthly = {.period = CONF_PERIOD_MONTH};
  assert_false(recon_period_dates("2026-11-20", &monthly, from, to));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_day_is_due_once_at_its_time_in_its_zone),
      cmocka_unit_test(the_same_day_may_be_due_on_itself),
      cmocka_unit_test(a_month_is_due_after_its_last_day),
      cmocka_unit_test(a_calendar_says_when_and_no_day_is_left_out),
      cmocka_unit_test(a_day_of_23_or_25_hours_is_due_once),
      cmocka_unit_test(periods_hold_their_dates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
