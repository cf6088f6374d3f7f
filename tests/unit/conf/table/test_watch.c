/* What is looked after beside each file: repeats, numbers, due days, cut-offs; the calendars behind them, and alarms.
 */
#include "tests/unit/conf/parse.h"

/* On line 30, before the rule. */
#define HERE "    rule \"range\""
#define WITH(sections) "    " sections " rule \"range\""
#define CALENDAR(options) "calendar \"banking\" { " options " } node {"

static const Row rows[] = {
    {HERE, WITH("repeats { same-file = accept same-name = reject same-content = hold keys = reject }"), ""},
    {HERE, WITH("repeats { same-file = ignore keys = accept }"),
     "30: 'same-file' must be one of: duplicate, hold, reject, accept\n"
     "30: 'keys' must be one of: duplicate, hold, reject\n"},
    {HERE, WITH("repeats { } repeats { }"),
     "30: 'repeats' stands twice in feed \"bank-points\" (first at test.conf:30)\n"},

    {HERE, WITH("sequence { name = 'P_{date}_{sequence:6}.pgp' }"), ""},
    {HERE,
     WITH("sequence { name = 'P_*_{sequence}.pgp' first = 0 most = 999 reset = yearly on-reused = reject on-gap = wait "
          "on-late = accept wait-limit = \"2h\" }"),
     ""},
    {HERE, WITH("sequence { }"),
     "30: 'name' is missing in sequence: where the number stands in the file's name (or header-field)\n"},
    {HERE, WITH("sequence { name = 'P_{date}.pgp' }"), "30: 'name' must contain {sequence}: where the number stands\n"},
    {HERE, WITH("sequence { name = 'P_{sequence}_{sequence}.pgp' }"), "30: 'name' holds {sequence} twice\n"},
    {HERE, WITH("sequence { name = 'P_{sequence:0}.pgp' }"),
     "30: 'name': it may hold {date} {time} {sequence}, and no other braces\n"},
    {HERE, WITH("sequence { name = 'P_{stem}_{sequence}.pgp' }"),
     "30: 'name': it may hold {date} {time} {sequence}, and no other braces\n"},
    {HERE, WITH("sequence { name = 'Q_{sequence}.pgp' }"),
     "30: no file of 'match' ('P_*.pgp') can have a name like 'Q_{sequence}.pgp'\n"},
    {HERE, WITH("sequence { header-field = \"day\" }"), "30: 'header-field': field \"day\" must be of type integer\n"},
    {HERE, WITH("sequence { header-field = \"dya\" }"),
     "30: 'header-field': the header of layout \"points\" has no field \"dya\"; did you mean \"day\"?\n"},
    {HERE, WITH("sequence { name = '{sequence}.pgp' header-field = \"day\" }"),
     "30: 'header-field' and 'name' exclude each other\n"
     "30: 'header-field': field \"day\" must be of type integer\n"
     "30: no file of 'match' ('P_*.pgp') can have a name like '{sequence}.pgp'\n"},
    {HERE, WITH("sequence { name = 'P_{sequence}.pgp' first = 10 most = 10 }"),
     "30: 'most' (10) is not greater than 'first' (10)\n"},
    {HERE,
     WITH("sequence { name = 'P_{sequence}.pgp' first = 1000000000000000000 reset = weekly on-reused = wait on-gap = "
          "stop }"),
     "30: 'first' must be a whole number from 0 to 999999999999999999\n"
     "30: 'reset' must be one of: never, daily, monthly, yearly\n"
     "30: 'on-reused' must be one of: accept, alarm, hold, reject\n"
     "30: 'on-gap' must be one of: accept, alarm, hold, reject, wait\n"},
    {HERE, WITH("sequence { name = 'P_{sequence}.pgp' wait-limit = \"1h\" }"),
     "30: 'wait-limit' has a meaning only with on-gap = wait\n"},
    {"name = '{stem}_FB.pgp'", "name = 'FB_{sequence:6}.pgp'", ""},

    {HERE,
     WITH("expect \"daily\" { by = \"06:00\" } expect \"night\" { by = \"06:00\" from = \"22:00:30\" day-offset = 1 "
          "files = 3 time-zone = \"Asia/Shanghai\" }"),
     ""},
    {HERE, WITH("expect { by = \"06:00\" }"), "30: 'expect' needs a name: expect \"…\" { … }\n"},
    {HERE, WITH("expect \"daily\" { }"),
     "30: 'by' is missing in expect \"daily\": when the files are due, as \"06:00\"\n"},
    {HERE, WITH("expect \"daily\" { by = \"24:00\" from = \"6:00\" files = 0 day-offset = -1 }"),
     "30: 'by' must be a time of the day from \"00:00\" to \"23:59\" (or with seconds, \"23:59:59\")\n"
     "30: 'from' must be a time of the day from \"00:00\" to \"23:59\" (or with seconds, \"23:59:59\")\n"
     "30: 'day-offset' must be a whole number from 0 to 31\n"
     "30: 'from' and 'by' are the same time of one day: nothing can come between them\n"
     "30: 'files' must be a whole number from 1 to 100000\n"},
    {HERE, WITH("expect \"daily\" { by = \"06:00\" from = \"06:00\" }"),
     "30: 'from' and 'by' are the same time of one day: nothing can come between them\n"},
    {HERE, WITH("expect \"daily\" { by = \"06:00\" calendar = \"banking\" }"),
     "30: there is no calendar \"banking\"\n"},
    {HERE, WITH("expect \"daily\" { by = \"06:00\" } expect \"daily\" { by = \"07:00\" }"),
     "30: expect \"daily\" stands twice in feed \"bank-points\" (first at test.conf:30)\n"},

    {HERE, WITH("cut-off { at = \"17:00\" after = hold }"), ""},
    {HERE, WITH("cut-off { after = later }"),
     "30: 'at' is missing in cut-off: the time of the day from which files are too late, as \"17:00\"\n"
     "30: 'after' must be one of: next-day, hold, reject\n"},
    {HERE, WITH("business-date = \"day\" cut-off { at = \"17:00\" }"),
     "30: warning: 'cut-off' with after = next-day moves the day of arrival, and this feed's day is its business-date: "
     "nothing is moved\n"},
    {HERE, WITH("business-date = \"day\" cut-off { at = \"17:00\" after = reject }"), ""},

    {"node {", CALENDAR(""), ""},
    {"node {",
     CALENDAR("weekend = { \"Friday\", \"saturday\" } holidays = { \"2026-10-01..2026-10-07\", \"2027-01-01\" } "
              "working = { \"2026-10-09\" } holidays-file = \"/etc/holidays\""),
     ""},
    {"node {", CALENDAR("weekend = { \"caturday\" }"),
     "1: 'weekend' must hold days, as \"saturday\" (or \"none\" alone)\n"},
    {"node {", CALENDAR("weekend = { \"none\", \"friday\" }"),
     "1: 'weekend' must hold days, as \"saturday\" (or \"none\" alone)\n"},
    {"node {",
     CALENDAR(
         "weekend = { \"monday\", \"tuesday\", \"wednesday\", \"thursday\", \"friday\", \"saturday\", \"sunday\" }"),
     "1: 'weekend' leaves no day of the week\n"},
    {"node {", CALENDAR("holidays = { \"2026-02-29\" }"),
     "1: 'holidays' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"\n"},
    {"node {", CALENDAR("holidays = { \"2026-10-07..2026-10-01\" }"),
     "1: 'holidays' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"\n"},
    {"node {", CALENDAR("holidays = { \"2026-10-01..2028-10-01\" }"),
     "1: 'holidays' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"\n"},
    {"node {", CALENDAR("holidays = { \"26-10-01\" } working = { }"),
     "1: 'holidays' must hold days, as \"2026-10-01\", or spans of at most a year, as \"2026-10-01..2026-10-07\"\n"
     "1: 'working' is an empty list\n"},
    {"node {", CALENDAR("holidays = { \"2026-10-01..2026-10-03\" } working = { \"2026-10-02\" }"),
     "1: 'working': 2026-10-02 stands in 'holidays', too\n"},
    {"node {", CALENDAR("working = { \"2026-10-02\" }"), "1: warning: 'working': 2026-10-02 is a working day anyway\n"},
    {"node {", CALENDAR("working = { \"2026-10-02\" } holidays-file = \"etc\""),
     "1: 'holidays-file' must be an absolute path without '..'\n"
     "1: warning: 'working': 2026-10-02 is a working day anyway\n"},

    {"node {", "alarms { command = { \"/usr/bin/page\", \"--now\" } repeat = \"10m\" repeat-limit = 0 } node {", ""},
    {"node {", "alarms { command = { \"page me\" } repeat = \"30d\" }\nnode {",
     "1: 'command' begins with the program's absolute path; its arguments follow, each a value of its own\n"
     "1: 'repeat' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 7d\n"},
    {"node {", "alarms { webhook { } } node {",
     "1: 'system' is missing in webhook: the inner system that is told\n"
     "1: 'endpoint' is missing in webhook: one of the system's endpoints\n"
     "1: 'path' is missing in webhook: where alarms are posted to\n"},
    {"node {", "alarms { webhook { system = \"core\" endpoint = \"api\" path = \"/a\" } } node {",
     "1: there is no system \"core\"\n"},
    {"node {", "alarms { } alarms { } node {", "1: 'alarms' stands twice in the top level (first at test.conf:1)\n"},

    {"match = 'P_*.pgp'", "match = 'P_*.pgp' calendar = \"bankin\"", "28: there is no calendar \"bankin\"\n"},
};

static void what_is_watched_for_wrongly_is_told(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

static void what_is_not_said_of_a_sequence_has_its_default(void **state) {
  (void)state;
  Conf *conf = build_with(
      HERE,
      WITH("sequence { name = 'P_{sequence}.pgp' } expect \"daily\" { by = \"06:30\" } cut-off { at = \"17:00:05\" }"));
  const ConfFeed *feed = conf_feed(conf, "bank-points", NULL);
  const ConfSequence *sequence = &feed->sequence;
  assert_true(sequence->present);
  assert_true(sequence->first == 1 && sequence->most == 0);
  assert_int_equal(sequence->reset, CONF_RESET_NEVER);
  assert_int_equal(sequence->on_reused, CONF_SEQUENCE_HOLD);
  assert_int_equal(sequence->on_gap, CONF_SEQUENCE_ALARM);
  assert_int_equal(sequence->on_late, CONF_SEQUENCE_ALARM);
  const ConfExpect *expect = feed->expects->pdata[0];
  assert_string_equal(expect->name, "daily");
  assert_int_equal(expect->by, 6 * 3600 + 1800);
  assert_int_equal(expect->from, 0);
  assert_int_equal(expect->files, 1);
  assert_int_equal(expect->day_offset, 0);
  assert_string_equal(expect->time_zone, "UTC");
  assert_int_equal(feed->cut_off.at, 17 * 3600 + 5);
  assert_int_equal(feed->cut_off.after, CONF_CUTOFF_NEXT_DAY);
  conf_free(conf);
}

static void a_calendars_spans_are_single_days(void **state) {
  (void)state;
  Conf *conf = build_with(
      "node {", CALENDAR("holidays = { \"2026-12-30..2027-01-02\", \"2028-02-29\" } working = { \"2026-10-10\" }"));
  const ConfCalendar *calendar = conf_calendar(conf, "banking");
  static const char *const days[] = {"2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02", "2028-02-29"};
  assert_int_equal(g_strv_length(calendar->holidays), G_N_ELEMENTS(days));
  for (guint i = 0; i < G_N_ELEMENTS(days); i++)
    assert_string_equal(calendar->holidays[i], days[i]);
  assert_string_equal(calendar->working[0], "2026-10-10");
  assert_int_equal(calendar->weekend, 1 << 6 | 1 << 7);
  conf_free(conf);
  conf = build_with("node {", CALENDAR("weekend = { \"none\" }"));
  assert_int_equal(conf_calendar(conf, "banking")->weekend, 0);
  assert_null(conf_calendar(conf, "other"));
  conf_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_watched_for_wrongly_is_told),
      cmocka_unit_test(what_is_not_said_of_a_sequence_has_its_default),
      cmocka_unit_test(a_calendars_spans_are_single_days),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
