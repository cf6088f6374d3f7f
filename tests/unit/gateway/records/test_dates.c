/* Dates and time stamps in the forms that a field declares: read to one normal form, and printed back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/records/dates.h"
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

typedef struct {
  const char *text, *normal; /* NULL: it is none */
} Case;

static DateFormat *compiled(const ConfField *field) {
  g_autoptr(GError) error = NULL;
  DateFormat *format = date_format_new(field, &error);
  if (!format)
    fail_msg("%s: %s", field->format, error->message);
  return format;
}

static char *read_text(const DateFormat *format, Day lender, const char *text) {
  char normal[DATES_LONGEST];
  gsize length = date_format_parse(format, lender, (const guint8 *)text, strlen(text), normal);
  return length ? g_strndup(normal, length) : NULL;
}

static void expect(const ConfField *field, Day lender, const Case *cases, gsize n) {
  DateFormat *format = compiled(field);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *normal = read_text(format, lender, cases[i].text);
    if (g_strcmp0(normal, cases[i].normal) != 0)
      fail_msg("%s '%s': %s, not %s", field->format, cases[i].text, normal, cases[i].normal);
  }
  date_format_free(format);
}
#define EXPECT(field, lender, ...)                                                                         \
  do {                                                                                                     \
    static const Case cases[] = {__VA_ARGS__};                                                             \
    expect(&(ConfField)field, lender, cases, G_N_ELEMENTS(cases));                                         \
  } while (0)
#define DATE(...) {.type = CONF_DATE, __VA_ARGS__}
#define STAMP(...) {.type = CONF_TIMESTAMP, __VA_ARGS__}

static void two_digits_of_a_year_lie_in_the_declared_window(void **state) {
  (void)state;
#define FIELD DATE(.format = (char *)"%y%m%d", .first_year = 1970)
  EXPECT(FIELD, NO_DAY, {"700101", "1970-01-01"}, {"991231", "1999-12-31"}, {"000229", "2000-02-29"},
         {"691231", "2069-12-31"}, {"010229", NULL}, {"26112", NULL});
#undef FIELD
#define FIELD DATE(.format = (char *)"%y%m%d", .first_year = 2000)
  EXPECT(FIELD, NO_DAY, {"000101", "2000-01-01"}, {"990101", "2099-01-01"});
#undef FIELD
}

static void the_day_of_the_year_knows_leap_years(void **state) {
  (void)state;
#define FIELD DATE(.format = (char *)"%Y%j")
  EXPECT(FIELD, NO_DAY, {"2026001", "2026-01-01"}, {"2026059", "2026-02-28"}, {"2026060", "2026-03-01"},
         {"2024060", "2024-02-29"}, {"2026365", "2026-12-31"}, {"2024366", "2024-12-31"}, {"2026366", NULL},
         {"2026000", NULL}, {"2026367", NULL}, {"202612", NULL});
#undef FIELD
}

static void one_digit_will_do_where_it_is_declared(void **state) {
  (void)state;
#define FIELD STAMP(.format = (char *)"%-d.%-m.%Y %-H:%M")
  EXPECT(FIELD, NO_DAY, {"1.2.2026 8:05", "2026-02-01T08:05:00"}, {"01.02.2026 08:05", "2026-02-01T08:05:00"},
         {"001.2.2026 8:05", NULL}, {".2.2026 8:05", NULL}, {"31.12.2026 23:59", "2026-12-31T23:59:00"},
         {"1.2.2026 8:5", NULL}, {"1.2.2026 24:00", NULL});
#undef FIELD
}

static void midnight_at_the_end_of_a_day_is_the_next_day_where_it_is_declared(void **state) {
  (void)state;
#define FIELD STAMP(.format = (char *)"%Y%m%d%H%M%S", .hour_24 = TRUE)
  EXPECT(FIELD, NO_DAY, {"20261231240000", "2027-01-01T00:00:00"}, {"20240228240000", "2024-02-29T00:00:00"},
         {"20261231240001", NULL}, {"20261231240100", NULL}, {"20261231250000", NULL},
         {"20261231235959", "2026-12-31T23:59:59"}, {"99991231240000", NULL});
#undef FIELD
#define FIELD STAMP(.hour_24 = TRUE)
  EXPECT(FIELD, NO_DAY, {"2026-11-20T24:00:00Z", "2026-11-21T00:00:00Z"},
         {"2026-11-20T24:00:00.000Z", "2026-11-21T00:00:00.000Z"}, {"2026-11-20T24:00:00.001Z", NULL});
#undef FIELD
}

static void years_are_counted_as_declared(void **state) {
  (void)state;
#define FIELD DATE(.format = (char *)"%Y%m%d", .years = CONF_YEARS_MINGUO)
  EXPECT(FIELD, NO_DAY, {"1151120", "2026-11-20"}, {"0890229", "2000-02-29"}, {"1150229", NULL}, {"0000101", NULL},
         {"20261120", NULL}, {"115112", NULL});
#undef FIELD
#define FIELD DATE(.format = (char *)"%-Y/%-m/%-d", .years = CONF_YEARS_MINGUO)
  EXPECT(FIELD, NO_DAY, {"99/1/1", "2010-01-01"}, {"115/11/20", "2026-11-20"}, {"2026/1/1", NULL});
#undef FIELD
#define FIELD DATE(.format = (char *)"%d/%m/%Y", .years = CONF_YEARS_BUDDHIST)
  EXPECT(FIELD, NO_DAY, {"20/11/2569", "2026-11-20"}, {"29/02/2567", "2024-02-29"}, {"29/02/2569", NULL},
         {"01/01/0543", NULL}, {"01/01/0544", "0001-01-01"});
#undef FIELD
#define FIELD DATE(.format = (char *)"%y%m%d", .years = CONF_YEARS_BUDDHIST, .first_year = 2530)
  EXPECT(FIELD, NO_DAY, {"691120", "2026-11-20"}, {"300101", "1987-01-01"}, {"290101", "2086-01-01"});
#undef FIELD
#define FIELD DATE(.format = (char *)"%Y%m%d", .years = CONF_YEARS_REIWA)
  EXPECT(FIELD, NO_DAY, {"081120", "2026-11-20"}, {"010501", "2019-05-01"}, {"000101", NULL});
#undef FIELD
}

static void an_era_and_its_years_agree(void **state) {
  (void)state;
#define FIELD DATE(.format = (char *)"%E%Y%m%d", .years = CONF_YEARS_JAPANESE)
  EXPECT(FIELD, NO_DAY, {"R081120", "2026-11-20"}, {"5081120", "2026-11-20"}, {"令和081120", "2026-11-20"},
         {"r010501", "2019-05-01"}, {"R010430", NULL}, {"H310430", "2019-04-30"}, {"H310501", NULL},
         {"S640107", "1989-01-07"}, {"S640108", NULL}, {"T011231", "1912-12-31"}, {"M450729", "1912-07-29"},
         {"M060101", "1873-01-01"}, {"M051231", NULL}, {"X081120", NULL}, {"081120", NULL}, {"令081120", NULL});
#undef FIELD
}

static void a_day_without_a_year_is_next_to_the_day_that_lends_it(void **state) {
  (void)state;
#define FIELD DATE(.format = (char *)"%m%d", .year_from = (char *)"arrival")
  EXPECT(FIELD, day_of(2027, 1, 2), {"1231", "2026-12-31"}, {"0101", "2027-01-01"}, {"0103", "2027-01-03"},
         {"0601", "2027-06-01"}, {"0229", NULL}, {"1301", NULL}, {"0000", NULL});
  EXPECT(FIELD, day_of(2026, 12, 31), {"0101", "2027-01-01"}, {"1231", "2026-12-31"}, {"1130", "2026-11-30"});
  EXPECT(FIELD, day_of(2028, 3, 1), {"0229", "2028-02-29"});
  EXPECT(FIELD, NO_DAY, {"1231", NULL});
#undef FIELD
  ConfField field = DATE(.format = (char *)"%m%d", .year_from = (char *)"arrival"),
            ordinal = DATE(.format = (char *)"%j", .year_from = (char *)"arrival");
  DateFormat *format = compiled(&field), *by_day = compiled(&ordinal);
  for (Day lender = day_of(2023, 1, 1); lender < day_of(2025, 12, 31); lender += 3)
    for (Day day = lender - 175; day <= lender + 175; day++) {
      int year;
      guint month, of_month;
      day_parts(day, &year, &month, &of_month);
      g_autofree char *wanted = day_text(day), *text = g_strdup_printf("%02u%02u", month, of_month),
                      *number = g_strdup_printf("%03d", day - day_of(year, 1, 1) + 1),
                      *found = read_text(format, lender, text), *also = read_text(by_day, lender, number);
      assert_string_equal(found, wanted);
      assert_string_equal(also, wanted);
    }
  date_format_free(format);
  date_format_free(by_day);
}

static void a_time_has_the_offset_of_its_zone(void **state) {
  (void)state;
#define FIELD STAMP(.format = (char *)"%Y%m%d%H%M%S", .time_zone = (char *)"Asia/Shanghai")
  EXPECT(FIELD, NO_DAY, {"20261120080910", "2026-11-20T08:09:10+08:00"});
#undef FIELD
#define FIELD STAMP(.format = (char *)"%Y%m%d%H%M%S", .time_zone = (char *)"Europe/Berlin")
  EXPECT(FIELD, NO_DAY, {"20260701120000", "2026-07-01T12:00:00+02:00"},
         {"20261201120000", "2026-12-01T12:00:00+01:00"},
         {"20260329023000", NULL}, {"20261025023000", "2026-10-25T02:30:00+02:00"});
#undef FIELD
#define FIELD STAMP(.time_zone = (char *)"Asia/Shanghai")
  EXPECT(FIELD, NO_DAY, {"2026-12-31T16:30:00Z", "2027-01-01T00:30:00+08:00"},
         {"2026-11-20T08:09:10.5-05:00", "2026-11-20T21:09:10.5+08:00"}, {"2026-11-20T08:09:10", NULL});
#undef FIELD
#define FIELD STAMP(.time_zone = (char *)"UTC", .hour_24 = TRUE)
  EXPECT(FIELD, NO_DAY, {"2026-12-31T24:00:00+08:00", "2026-12-31T16:00:00+00:00"});
#undef FIELD
}

/* Every day of two hundred years, in every count of years, comes back as it was written. */
static void what_was_read_is_printed_again(void **state) {
  (void)state;
  static const ConfField fields[] = {
      DATE(.format = (char *)"%Y%m%d"),
      DATE(.format = (char *)"%Y%j"),
      DATE(.format = (char *)"%-d/%-m/%Y"),
      DATE(.format = (char *)"%Y%m%d", .years = CONF_YEARS_BUDDHIST),
      DATE(.format = (char *)"%Y.%m.%d", .years = CONF_YEARS_MINGUO),
      DATE(.format = (char *)"%E%Y%m%d", .years = CONF_YEARS_JAPANESE),
      DATE(.format = (char *)"%E%-Y.%-m.%-d", .years = CONF_YEARS_JAPANESE),
      DATE(.format = (char *)"%y%m%d", .first_year = 1950),
  };
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    DateFormat *format = compiled(&fields[i]);
    Day end = fields[i].first_year ? day_of(2050, 1, 1) : day_of(2110, 1, 1);
    for (Day day = fields[i].first_year ? day_of(1950, 1, 1) : day_of(1912, 1, 1); day < end; day++) {
      g_autofree char *normal = day_text(day);
      char printed[DATES_LONGEST];
      printed[date_format_print(format, normal, 10, printed)] = 0;
      g_autofree char *again = read_text(format, NO_DAY, printed);
      if (g_strcmp0(again, normal) != 0)
        fail_msg("%s: %s was printed '%s', and read as %s", fields[i].format, normal, printed, again);
    }
    date_format_free(format);
  }
}

static void what_does_not_go_together_is_refused(void **state) {
  (void)state;
  static const struct {
    ConfField field;
    const char *says;
  } cases[] = {
      {DATE(.format = (char *)"%y%m%d"), "%y needs 'first-year'"},
      {DATE(.format = (char *)"%Y%m%d", .first_year = 1970), "'first-year' is for"},
      {DATE(.format = (char *)"%Y%y%m%d", .first_year = 1970), "twice"},
      {DATE(.format = (char *)"%m%d"), "needs a year"},
      {DATE(.format = (char *)"%Y%m"), "needs month and day"},
      {DATE(.format = (char *)"%Y%j%d"), "%j is day and month in one"},
      {DATE(.format = (char *)"%Y%m%d", .year_from = (char *)"arrival"), "a year of its own"},
      {DATE(.year_from = (char *)"arrival"), "a year of its own"},
      {DATE(.format = (char *)"%m%d", .year_from = (char *)"arrival", .years = CONF_YEARS_MINGUO), "'years' is for"},
      {DATE(.format = (char *)"%E%Y%m%d"), "%E, the era"},
      {DATE(.format = (char *)"%Y%m%d", .years = CONF_YEARS_JAPANESE), "%E, the era"},
      {DATE(.format = (char *)"%-m%-d%Y"), "behind a number of one or more digits"},
      {DATE(.format = (char *)"%-m1%d%Y"), "behind a number of one or more digits"},
      {DATE(.format = (char *)"%-E%Y%m%d"), "is not known"},
      {DATE(.format = (char *)"%Y%b%d"), "%b is not known"},
      {STAMP(.format = (char *)"%F %H"), "hour and minute"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(date_format_new(&cases[i].field, &error));
    if (!strstr(error->message, cases[i].says))
      fail_msg("%s: %s", cases[i].field.format, error->message);
  }
}

/* Of a header, and of records; a day of another field is not looked at. */
static void a_business_date_is_near_the_day_of_arrival(void **state) {
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"H|20241120\nD|20261221|x|19000101\n", "2 D \"2026-12-21\" \"x\" \"1900-01-01\"\nH 1 \"2024-11-20\"\n"
                                              "= 2 lines, 1 records, ok\n"},
      {"H|25691120\nD|20261222|x|19000101\n", "2 L018 0\nH 1 null\n= 2 lines, 1 records, L018 in 1\n"},
      {"H|20241118\nD|20241118|x|19000101\n", "2 L018 0\nH 1 null\n= 2 lines, 1 records, L018 in 1\n"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf("|", "H day:date=%Y%m%d", "D day:date=%Y%m%d key:text born:date=%Y%m%d", NULL);
    g_autoptr(Layout) layout = layout_new(conf, NULL);
    layout_judge_date(layout, "day", 731, 31); /* the day of arrival is 2026-11-20 */
    g_autofree char *told = layouts_tell(layout, cases[i].text, strlen(cases[i].text), 1);
    assert_string_equal(told, cases[i].expected);
    g_clear_pointer(&layout, layout_free);
    layouts_free(conf);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_digits_of_a_year_lie_in_the_declared_window),
      cmocka_unit_test(the_day_of_the_year_knows_leap_years),
      cmocka_unit_test(one_digit_will_do_where_it_is_declared),
      cmocka_unit_test(midnight_at_the_end_of_a_day_is_the_next_day_where_it_is_declared),
      cmocka_unit_test(years_are_counted_as_declared),
      cmocka_unit_test(an_era_and_its_years_agree),
      cmocka_unit_test(a_day_without_a_year_is_next_to_the_day_that_lends_it),
      cmocka_unit_test(a_time_has_the_offset_of_its_zone),
      cmocka_unit_test(what_was_read_is_printed_again),
      cmocka_unit_test(what_does_not_go_together_is_refused),
      cmocka_unit_test(a_business_date_is_near_the_day_of_arrival),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
