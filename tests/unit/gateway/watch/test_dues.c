/* What is owed: spans of days, and the days of a book under a clock of our own. */
#include "gateway/common/log.h"
#include "gateway/watch/dues.h"
#include "tests/unit/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static gint64 at(const char *local) {
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Asia/Shanghai");
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(local, zone);
  assert_non_null(time);
  return g_date_time_to_unix(time) * G_USEC_PER_SEC;
}

static void expect_instant(gint64 got, const char *wanted) {
  if (got != at(wanted)) {
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Asia/Shanghai");
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(got / G_USEC_PER_SEC),
                         local = g_date_time_to_timezone(utc, zone);
    g_autofree char *text = g_date_time_format_iso8601(local);
    fail_msg("%s instead of %s", text, wanted);
  }
}

typedef struct {
  char *folder;
  ConfCalendar calendar;
  ConfExpect conf;
  Expect expect;
  ConfFeed feed_conf;
  FeedWatch watch;
  Book *book;
  Dues dues;
  DueFeed feed;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  f->calendar = (ConfCalendar){.name = (char *)"banking", .weekend = 1 << 6 | 1 << 7};
  f->conf = (ConfExpect){.name = (char *)"daily", .by = 6 * 3600, .files = 1};
  f->expect = (Expect){.conf = &f->conf,
                       .calendar = calendar_new(&f->calendar, NULL),
                       .zone = g_time_zone_new_identifier("Asia/Shanghai")};
  f->feed_conf = (ConfFeed){.name = (char *)"points"};
  f->watch = (FeedWatch){.conf = &f->feed_conf, .expects = &f->expect, .n_expects = 1, .cut_off_zone = f->expect.zone};
  f->folder = g_dir_make_tmp("dues-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(f->folder, "book.db", NULL), *tip = g_build_filename(f->folder, "tip", NULL);
  f->book = book_open(path, tip, NULL);
  f->feed = (DueFeed){.watch = &f->watch};
  f->dues = (Dues){.book = f->book,
                   .reader = book_reader_open(path, NULL),
                   .alarms = alarms_new(f->book, 0),
                   .feeds = &f->feed,
                   .n_feeds = 1};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  alarms_free(f->dues.alarms);
  book_reader_close(f->dues.reader);
  book_close(f->book);
  calendar_free(f->expect.calendar);
  g_time_zone_unref(f->expect.zone);
  folder_remove(f->folder);
  g_free(f->folder);
  g_free(f);
  return 0;
}

static void expect_span(Fixture *f, const char *day, const char *opens, const char *due, const char *closes) {
  Day parsed;
  assert_true(day_parse(day, &parsed));
  BookDue *made = expect_due(&f->expect, "points", parsed);
  expect_instant(made->opens_at, opens);
  expect_instant(made->due_at, due);
  expect_instant(made->closes_at, closes);
  book_due_free(made);
}

static void spans_follow_each_other_without_a_hole(void **state) {
  Fixture *f = *state;
  /* over the weekend */
  expect_span(f, "2026-11-20", "2026-11-20T00:00:00", "2026-11-20T06:00:00", "2026-11-23T00:00:00");
  expect_span(f, "2026-11-23", "2026-11-23T00:00:00", "2026-11-23T06:00:00", "2026-11-24T00:00:00");
  f->conf.day_offset = 1; /* Friday's is due on Monday; what comes until then is Friday's */
  expect_span(f, "2026-11-20", "2026-11-20T06:00:00", "2026-11-23T06:00:00", "2026-11-23T06:00:00");
  expect_span(f, "2026-11-23", "2026-11-23T06:00:00", "2026-11-24T06:00:00", "2026-11-24T06:00:00");
  f->conf.from = 18 * 3600;
  expect_span(f, "2026-11-23", "2026-11-23T18:00:00", "2026-11-24T06:00:00", "2026-11-24T18:00:00");
}

/* --- With a book */

static void look(Fixture *f, const char *now) {
  g_autoptr(GError) error = NULL;
  if (!alarms_refresh(f->dues.alarms, f->dues.reader, &error) || !dues_look(&f->dues, at(now), &error))
    fail_msg("%s: %s", now, error->message);
}

static void look_into_folder(Fixture *f, const char *now) {
  f->feed.looked_at = at(now);
  look(f, now);
}

/* "2026-11-20 missed, 2026-11-23 open" */
static void expect_open(Fixture *f, const char *wanted) {
  g_autoptr(GPtrArray) open = book_open_dues(f->dues.reader, NULL);
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < open->len; i++) {
    const BookDue *due = open->pdata[i];
    g_string_append_printf(text, "%s%s %s", i ? ", " : "", due->day, due_state_word(due->state));
  }
  assert_string_equal(text->str, wanted);
}

static void expect_alarms(Fixture *f, const char *wanted) {
  g_autoptr(GPtrArray) alarms = book_live_alarms(f->dues.reader, NULL);
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < alarms->len; i++)
    g_string_append_printf(text, "%s%s", i ? ", " : "", ((BookAlarm *)alarms->pdata[i])->subject);
  assert_string_equal(text->str, wanted);
}

typedef struct {
  BookFile *file;
  gint64 at;
} Come;
static gboolean come_change(BookTransaction *tx, gpointer data, GError **error) {
  const Come *come = data;
  return book_add_file(tx, come->file, error) && book_note_arrival(tx, come->file->id, come->at, error) &&
         book_advance_file(tx, come->file, FILE_ADMITTED, NULL, error) &&
         book_advance_file(tx, come->file, FILE_FETCHED, NULL, error);
}

static void come(Fixture *f, const char *when) {
  static guint64 size;
  BookFile *file = book_file_new();
  file->feed = g_strdup("points");
  file->name = g_bytes_new("a", 1);
  file->name_shown = g_strdup("a");
  file->size = ++size;
  file->seen_at = at(when);
  file->cipher_sha256 = g_strnfill(64, 'a');
  g_autoptr(GError) error = NULL;
  if (!book_write(f->book, come_change, &(Come){file, at(when)}, &error))
    fail_msg("%s", error->message);
  book_file_free(file);
}

static void a_day_is_met_missed_and_met_late(void **state) {
  Fixture *f = *state;
  f->dues.started_at = at("2026-11-19T12:00:00");
  look_into_folder(f, "2026-11-19T12:00:00");
  expect_open(f, "2026-11-20 open"); /* nothing is asked for before it was configured */
  come(f, "2026-11-20T05:00:00");
  look_into_folder(f, "2026-11-20T05:00:01");
  expect_open(f, "");
  look_into_folder(f, "2026-11-20T06:00:00");
  look_into_folder(f, "2026-11-23T05:59:59");
  expect_open(f, "2026-11-23 open");
  expect_alarms(f, "");
  look(f, "2026-11-23T06:00:00"); /* its folder was last looked into before it was due */
  expect_alarms(f, "");
  assert_true(f->feed.wants_look);
  look_into_folder(f, "2026-11-23T06:00:01");
  expect_alarms(f, "points daily 2026-11-23");
  expect_open(f, "2026-11-23 missed, 2026-11-24 open");
  come(f, "2026-11-23T09:00:00");
  look_into_folder(f, "2026-11-23T09:00:01");
  expect_alarms(f, "");
  expect_open(f, "2026-11-24 open");
}

static void a_folder_that_cannot_be_looked_into_is_no_excuse_for_long(void **state) {
  Fixture *f = *state;
  look_into_folder(f, "2026-11-19T12:00:00");
  look(f, "2026-11-20T06:04:59");
  expect_alarms(f, "");
  look(f, "2026-11-20T06:05:00");
  expect_alarms(f, "points daily 2026-11-20");
}

static void what_is_being_fetched_is_waited_for_a_minute(void **state) {
  Fixture *f = *state;
  look_into_folder(f, "2026-11-19T12:00:00");
  f->feed.is_coming = TRUE;
  look_into_folder(f, "2026-11-20T06:00:59");
  expect_alarms(f, "");
  look_into_folder(f, "2026-11-20T06:01:00");
  expect_alarms(f, "points daily 2026-11-20");
}

static void days_of_an_outage_are_found_again_each_with_what_came_for_it(void **state) {
  Fixture *f = *state;
  look_into_folder(f, "2026-11-16T12:00:00"); /* Monday */
  f->dues.started_at = at("2026-11-24T10:00:00");
  come(f, "2026-11-18T05:00:00"); /* lay there, by its time stamp, since Wednesday */
  look(f, "2026-11-24T10:00:01");
  expect_open(f,
              "2026-11-17 open, 2026-11-19 open, 2026-11-20 open, 2026-11-23 open, 2026-11-24 open, 2026-11-25 open");
  look_into_folder(f, "2026-11-24T10:00:02");
  expect_alarms(f, "points daily 2026-11-17, points daily 2026-11-19, points daily 2026-11-20, points daily "
                   "2026-11-23, points daily 2026-11-24");
}

static void the_look_back_is_bounded(void **state) {
  Fixture *f = *state;
  look_into_folder(f, "2025-11-20T12:00:00");
  look_into_folder(f, "2026-11-20T12:00:00");
  g_autoptr(GPtrArray) alarms = book_live_alarms(f->dues.reader, NULL);
  assert_in_range(alarms->len, 20, 25); /* the business days of 31 days, and the old one that stood open */
}

static gboolean acknowledge_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_acknowledge_alarm(tx, data, "eve", FALSE, error);
}

static void a_person_may_excuse_a_day(void **state) {
  Fixture *f = *state;
  look_into_folder(f, "2026-11-19T12:00:00");
  look_into_folder(f, "2026-11-20T06:00:00");
  g_autoptr(GPtrArray) alarms = book_live_alarms(f->dues.reader, NULL);
  assert_true(book_write(f->book, acknowledge_change, ((BookAlarm *)alarms->pdata[0])->id, NULL));
  look_into_folder(f, "2026-11-20T06:00:02");
  expect_open(f, "2026-11-23 open");
  expect_alarms(f, "");
}

static void a_changed_calendar_moves_the_days_ahead_only(void **state) {
  Fixture *f = *state;
  const char *const holidays[] = {"2026-11-23", NULL};
  look_into_folder(f, "2026-11-19T12:00:00");
  look_into_folder(f, "2026-11-20T06:00:00");
  expect_open(f, "2026-11-20 missed, 2026-11-23 open");
  f->calendar.holidays = (char **)holidays;
  calendar_free(f->expect.calendar);
  f->expect.calendar = calendar_new(&f->calendar, NULL);
  assert_true(dues_begin(&f->dues, at("2026-11-20T08:00:00"), NULL));
  look_into_folder(f, "2026-11-20T08:00:00");
  expect_open(f, "2026-11-20 missed, 2026-11-24 open");
  f->dues.n_feeds = 0; /* it is not expected any more */
  look_into_folder(f, "2026-11-20T09:00:00");
  expect_open(f, "");
  expect_alarms(f, "");
}

static void several_files_are_all_owed(void **state) {
  Fixture *f = *state;
  f->conf.files = 2;
  look_into_folder(f, "2026-11-19T12:00:00");
  come(f, "2026-11-20T01:00:00");
  look_into_folder(f, "2026-11-20T06:00:00");
  expect_alarms(f, "points daily 2026-11-20");
  come(f, "2026-11-21T01:00:00"); /* Saturday: still Friday's */
  look_into_folder(f, "2026-11-21T02:00:00");
  expect_alarms(f, "");
}

static void an_arrival_lies_between_two_looks(void **state) {
  (void)state;
  gint64 second = G_USEC_PER_SEC;
  assert_int_equal(feed_watch_arrival(500, 400 * second, 600 * second), 500 * second);
  assert_int_equal(feed_watch_arrival(300, 400 * second, 600 * second), 400 * second); /* an old time stamp was kept */
  assert_int_equal(feed_watch_arrival(700, 400 * second, 600 * second), 600 * second); /* their clock is ahead */
  assert_int_equal(feed_watch_arrival(500, 0, 600 * second), 600 * second);            /* the first look ever */
  assert_int_equal(feed_watch_arrival(0, 400 * second, 600 * second), 600 * second);   /* no time is told */
}

static void the_day_of_arrival_follows_the_cut_off_and_the_calendar(void **state) {
  Fixture *f = *state;
  f->watch.cut_off_calendar = f->expect.calendar;
  f->feed_conf.cut_off = (ConfCutOff){.present = TRUE, .at = 17 * 3600, .after = CONF_CUTOFF_NEXT_DAY};
  static const struct {
    const char *at, *day;
    gboolean late;
  } cases[] = {{"2026-11-20T16:59:59", "2026-11-20", FALSE},
               {"2026-11-20T17:00:00", "2026-11-23", TRUE},
               {"2026-11-21T09:00:00", "2026-11-23", TRUE},
               {"2026-11-23T00:00:00", "2026-11-23", FALSE},
               {"2026-11-30T23:59:59", "2026-12-01", TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    gboolean late;
    g_autofree char *day = day_text(feed_watch_day(&f->watch, at(cases[i].at), &late));
    assert_string_equal(day, cases[i].day);
    assert_int_equal(late, cases[i].late);
  }
  f->watch.cut_off_calendar = NULL;
}

int main(void) {
  log_setup(LOG_ERROR, FALSE, NULL);
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(spans_follow_each_other_without_a_hole),
      TEST(a_day_is_met_missed_and_met_late),
      TEST(a_folder_that_cannot_be_looked_into_is_no_excuse_for_long),
      TEST(what_is_being_fetched_is_waited_for_a_minute),
      TEST(days_of_an_outage_are_found_again_each_with_what_came_for_it),
      TEST(the_look_back_is_bounded),
      TEST(a_person_may_excuse_a_day),
      TEST(a_changed_calendar_moves_the_days_ahead_only),
      TEST(several_files_are_all_owed),
      TEST(an_arrival_lies_between_two_looks),
      TEST(the_day_of_arrival_follows_the_cut_off_and_the_calendar),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
