/* Dates and time stamps as instants. */
#include "gateway/time/instant.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND G_USEC_PER_SEC

typedef struct {
  const char *zone, *text;
  InstantVerdict verdict;
  gint64 instant; /* microseconds */
} Case;

static const Case cases[] = {
    {"UTC", "1970-01-01", INSTANT_FINE, 0},
    {"UTC", "1970-01-01T00:00:01.5Z", INSTANT_FINE, 1500000},
    {"UTC", "1970-01-01T00:00:00.0000019Z", INSTANT_FINE, 1},
    {"Asia/Shanghai", "1970-01-01T08:00:00", INSTANT_FINE, 0},
    {"Asia/Shanghai", "1970-01-01T00:00:00Z", INSTANT_FINE, 0},
    {"UTC", "1970-01-01T00:00:00-01:30", INSTANT_FINE, 5400LL * SECOND},
    {"Asia/Shanghai", "2026-12-01T00:00:00+08:00", INSTANT_FINE, 1796054400LL * SECOND},
    {"UTC", "2026-11-30T16:00:00Z", INSTANT_FINE, 1796054400LL * SECOND},
    {"Asia/Shanghai", "2026-12-01", INSTANT_FINE, 1796054400LL * SECOND},
    {"Asia/Shanghai", "2026-11-30T23:59:59.999+08:00", INSTANT_FINE, 1796054400LL * SECOND - 1000},
    {"Europe/Berlin", "2026-10-25T01:59:59", INSTANT_FINE, 1792886399LL * SECOND},
    {"Europe/Berlin", "2026-10-25T02:30:00", INSTANT_TWICE, 1792888200LL * SECOND},
    {"Europe/Berlin", "2026-10-25T02:30:00+01:00", INSTANT_FINE, 1792891800LL * SECOND},
    {"Europe/Berlin", "2026-10-25T03:00:00", INSTANT_FINE, 1792893600LL * SECOND},
    {"Europe/Berlin", "2026-03-29T02:30:00", INSTANT_NEVER, 1774746000LL * SECOND},
    {"Europe/Berlin", "2026-03-29T03:00:00", INSTANT_FINE, 1774746000LL * SECOND},
    {"UTC", "2026-11-31", INSTANT_MALFORMED, 0},
    {"UTC", "2026-11-30T24:00:00", INSTANT_MALFORMED, 0},
    {"UTC", "2026-11-30T10:00", INSTANT_MALFORMED, 0},
    {"UTC", "2026-11-30T10:00:00+8", INSTANT_MALFORMED, 0},
    {"UTC", "2026-11-30 10:00:00", INSTANT_MALFORMED, 0},
    {"UTC", "", INSTANT_MALFORMED, 0},
};

static void a_text_is_the_instant_that_its_zone_or_offset_says(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Case *at = &cases[i];
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(at->zone);
    gint64 instant = 0;
    InstantVerdict verdict = instant_parse(at->text, strlen(at->text), zone, &instant);
    if (verdict != at->verdict || (verdict != INSTANT_MALFORMED && instant != at->instant))
      fail_msg("%s in %s: %d, %" G_GINT64_FORMAT, at->text, at->zone, verdict, instant);
  }
}

static void an_inclusive_day_ends_where_the_next_one_begins(void **state) {
  (void)state;
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Asia/Shanghai");
  gint64 instant = 0;
  assert_int_equal(instant_after_day("2026-11-30", 10, zone, &instant), INSTANT_FINE);
  assert_true(instant == 1796054400LL * SECOND);
  assert_int_equal(instant_after_day("2026-11-30T00:00:00", 19, zone, &instant), INSTANT_MALFORMED);
}

static void what_a_clock_shows_twice_has_a_second_time(void **state) {
  (void)state;
  g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin"),
                       lord_howe = g_time_zone_new_identifier("Australia/Lord_Howe"); /* by half an hour */
  gint64 instant = 0;
  assert_int_equal(instant_parse("2026-10-25T02:30:00", 19, berlin, &instant), INSTANT_TWICE);
  assert_true(instant_again(berlin, instant) == instant + 3600LL * SECOND);
  assert_int_equal(instant_parse("2026-04-05T01:45:00", 19, lord_howe, &instant), INSTANT_TWICE);
  assert_true(instant_again(lord_howe, instant) == instant + 1800LL * SECOND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_is_the_instant_that_its_zone_or_offset_says),
      cmocka_unit_test(what_a_clock_shows_twice_has_a_second_time),
      cmocka_unit_test(an_inclusive_day_ends_where_the_next_one_begins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
