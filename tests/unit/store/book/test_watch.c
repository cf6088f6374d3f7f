/* What is watched: sequence numbers, counters, arrivals, due days and alarms in a real book. */
#include "tests/unit/store/book/book_fixture.h"
#include "store/book_watch.h"

#define SECOND ((gint64)G_USEC_PER_SEC)

static void change(Book *book, BookChange how, gpointer data) {
  GError *error = NULL;
  gboolean ok = book_write(book, how, data, &error);
  no_error(error);
  assert_true(ok);
}

/* --- Sequence numbers */

typedef struct {
  const char *file, *period;
  gint64 position, from;
  gboolean used;
} Judged;

static gboolean judge_change(BookTransaction *tx, gpointer data, GError **error) {
  const Judged *judged = data;
  BookSequenceFile row = {.file = (char *)judged->file,
                          .feed = (char *)"points",
                          .period = (char *)judged->period,
                          .number = (guint64)judged->position + 1,
                          .position = judged->position,
                          .verdict = (char *)"next",
                          .outcome = (char *)(judged->used ? "accepted" : "held"),
                          .used = judged->used,
                          .at = 1};
  return book_judge_sequence(tx, &row, judged->from, error);
}

static BookFile *added(Fixture *f, const char *name) {
  BookFile *file = make_file("points", name);
  add_file(f->book, file);
  return file;
}

static void use(Fixture *f, const char *name, const char *period, gint64 position, gint64 from) {
  g_autoptr(BookFile) file = added(f, name);
  change(f->book, judge_change, &(Judged){file->id, period, position, from, TRUE});
}

static void expect_sequence(Fixture *f, const char *period, gboolean known, gint64 complete_to, gint64 last) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  BookSequence sequence;
  assert_true(book_sequence(reader, "points", period, &sequence, &error));
  assert_int_equal(sequence.known, known);
  assert_int_equal(sequence.complete_to, complete_to);
  assert_int_equal(sequence.last, last);
}

static void numbers_are_complete_up_to_the_first_that_is_missing(void **state) {
  Fixture *f = *state;
  expect_sequence(f, "2026-11-20", FALSE, -1, -1);
  use(f, "a", "2026-11-20", 0, 0);
  expect_sequence(f, "2026-11-20", TRUE, 0, 0);
  use(f, "b", "2026-11-20", 3, 0);
  expect_sequence(f, "2026-11-20", TRUE, 0, 3);
  use(f, "c", "2026-11-20", 1, 0);
  expect_sequence(f, "2026-11-20", TRUE, 1, 3);
  use(f, "d", "2026-11-20", 2, 0);
  expect_sequence(f, "2026-11-20", TRUE, 3, 3);
  expect_sequence(f, "2026-11-21", FALSE, -1, -1);
  use(f, "e", "", 40, 40);
  expect_sequence(f, "", TRUE, 40, 40);
  assert_sound(f);
}

static void a_number_that_is_only_judged_is_not_used(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  gboolean used;
  g_autoptr(BookFile) file = added(f, "a");
  change(f->book, judge_change, &(Judged){file->id, "", 5, 0, FALSE});
  g_autoptr(BookReader) reader = open_reader(f);
  assert_true(book_sequence_used(reader, "points", "", 5, &used, &error));
  assert_false(used);
  expect_sequence(f, "", FALSE, -1, -1);
  g_autoptr(BookSequenceFile) row = NULL;
  assert_true(book_sequence_of_file(reader, file->id, &row, &error));
  assert_string_equal(row->outcome, "held");
  change(f->book, judge_change, &(Judged){file->id, "", 5, 5, TRUE});
  assert_true(book_sequence_used(reader, "points", "", 5, &used, &error));
  assert_true(used);
}

/* --- Our own numbers */

typedef struct {
  const char *counter, *file;
  guint64 number;
  gboolean fails;
} Counted;

static gboolean count_change(BookTransaction *tx, gpointer data, GError **error) {
  Counted *counted = data;
  return book_count(tx, counted->counter, counted->file, &counted->number, error) &&
         (!counted->fails || sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "as asked"));
}

static void a_file_keeps_its_number_and_none_is_left_out(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) one = added(f, "a"), two = added(f, "b"), three = added(f, "c");
  Counted counted[] = {{"x", one->id, 0, FALSE}, {"x", two->id, 0, TRUE},  {"x", three->id, 0, FALSE},
                       {"x", one->id, 0, FALSE}, {"x", two->id, 0, FALSE}, {"y", two->id, 0, FALSE}};
  const guint64 wanted[] = {1, 2, 2, 1, 3, 1}; /* the second is rolled back */
  for (guint i = 0; i < G_N_ELEMENTS(counted); i++) {
    assert_int_equal(book_write(f->book, count_change, &counted[i], &error), !counted[i].fails);
    g_clear_error(&error);
    assert_int_equal(counted[i].number, wanted[i]);
  }
}

/* --- Arrivals */

typedef struct {
  const char *file;
  gint64 at;
  gboolean late;
} Arrived;

static gboolean arrive_change(BookTransaction *tx, gpointer data, GError **error) {
  const Arrived *arrived = data;
  return arrived->late ? book_judge_arrival(tx, arrived->file, arrived->at, error)
                       : book_note_arrival(tx, arrived->file, arrived->at, error);
}

static guint come(Fixture *f, gint64 from, gint64 to) {
  GError *error = NULL;
  guint files;
  g_autoptr(BookReader) reader = open_reader(f);
  assert_true(book_arrivals(reader, &(BookSpan){"points", from, to, 10}, &files, &error));
  return files;
}

static void files_count_from_their_fetching_until_they_are_refused(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = added(f, "a");
  gint64 at = file->seen_at - 10 * SECOND, noted;
  gboolean late;
  change(f->book, arrive_change, &(Arrived){file->id, at, FALSE});
  change(f->book, arrive_change, &(Arrived){file->id, at + SECOND, FALSE}); /* no effect */
  assert_int_equal(come(f, at, at + 1), 0);
  advance(f->book, file, FILE_ADMITTED);
  assert_int_equal(come(f, at, at + 1), 0);
  file->cipher_sha256 = g_strnfill(64, 'a');
  advance(f->book, file, FILE_FETCHED);
  assert_int_equal(come(f, at, at + 1), 1);
  assert_int_equal(come(f, at + 1, at + 20 * SECOND), 0);
  advance(f->book, file, FILE_HELD);
  assert_int_equal(come(f, at, at + 1), 1);
  advance(f->book, file, FILE_REJECTED);
  assert_int_equal(come(f, at, at + 1), 0);
  g_autoptr(BookReader) reader = open_reader(f);
  assert_true(book_arrival(reader, file->id, &noted, &late, &error));
  assert_int_equal(noted, at);
  assert_false(late);
  change(f->book, arrive_change, &(Arrived){file->id, at, TRUE});
  assert_true(book_arrival(reader, file->id, &noted, &late, &error));
  assert_true(late);
  g_autoptr(BookFile) unnoted = added(f, "b"); /* from before the feed was watched: by its sighting */
  advance(f->book, unnoted, FILE_ADMITTED);
  unnoted->cipher_sha256 = g_strnfill(64, 'b');
  advance(f->book, unnoted, FILE_FETCHED);
  assert_int_equal(come(f, unnoted->seen_at, unnoted->seen_at + 1), 1);
}

/* --- Alarms */

static gboolean raise_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_raise_alarm(tx, data, error);
}

typedef struct {
  const char *kind, *subject;
} Cleared;
static gboolean clear_change(BookTransaction *tx, gpointer data, GError **error) {
  const Cleared *cleared = data;
  return book_clear_alarm(tx, cleared->kind, cleared->subject, 3, error);
}

typedef struct {
  const char *id;
  gboolean ends;
} Seen;
static gboolean acknowledge_change(BookTransaction *tx, gpointer data, GError **error) {
  const Seen *seen = data;
  return book_acknowledge_alarm(tx, seen->id, "eve", seen->ends, error);
}

typedef struct {
  const BookAlarm *before, *after;
} Told;
static gboolean told_change(BookTransaction *tx, gpointer data, GError **error) {
  const Told *told = data;
  return book_told_alarm(tx, told->before, told->after, 3, error);
}

static BookAlarm *only(Fixture *f, gboolean live) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) alarms = live ? book_live_alarms(reader, &error) : book_alarms(reader, 1, &error);
  no_error(error);
  return alarms->len == 1 ? g_ptr_array_steal_index(alarms, 0) : NULL;
}

static guint waiting(Fixture *f) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) alarms = book_alarms_to_tell(reader, g_get_real_time() + SECOND, &error);
  return alarms->len;
}

static void raise_it(Fixture *f, const char *text, gint64 weight) {
  change(f->book, raise_change,
         &(AlarmCall){
             .kind = "file-held", .subject = "points", .feed = "points", .text = text, .weight = weight, .ways = 3});
}

/* As the teller does: once by all ways, and again in an hour. */
static void tell(Fixture *f) {
  g_autoptr(BookAlarm) before = only(f, FALSE);
  BookAlarm after = *before;
  after.told++;
  after.told_at = g_get_real_time();
  after.next_at = before->state == ALARM_STANDING ? after.told_at + 3600 * SECOND : 0;
  change(f->book, told_change, &(Told){before, &after});
}

static void an_alarm_stands_once_and_is_told_anew_when_it_weighs_more(void **state) {
  Fixture *f = *state;
  raise_it(f, "one", 1);
  raise_it(f, "one", 1);
  g_autoptr(BookAlarm) first = only(f, TRUE);
  assert_non_null(first);
  assert_int_equal(waiting(f), 1);
  tell(f);
  assert_int_equal(waiting(f), 0);
  raise_it(f, "one, in other words", 1);
  assert_int_equal(waiting(f), 0);
  raise_it(f, "two", 2);
  g_autoptr(BookAlarm) second = only(f, TRUE);
  assert_string_equal(second->id, first->id);
  assert_string_equal(second->text, "two");
  assert_int_equal(second->told, 0);
  /* not more than once a minute */
  assert_true(second->next_at >= g_get_real_time() + 50 * SECOND && second->next_at <= g_get_real_time() + 61 * SECOND);
  raise_it(f, "one again", 1);
  g_autoptr(BookAlarm) third = only(f, TRUE);
  assert_int_equal(third->next_at, second->next_at);
  assert_sound(f);
}

static void the_end_is_told_to_those_who_heard_of_it(void **state) {
  Fixture *f = *state;
  const Cleared end = {"file-held", "points"};
  change(f->book, clear_change, (gpointer)&end); /* nothing stands */
  raise_it(f, "one", 1);
  change(f->book, clear_change, (gpointer)&end);
  assert_int_equal(waiting(f), 0);
  assert_null(only(f, TRUE));
  raise_it(f, "two", 1);
  g_autoptr(BookAlarm) before = only(f, TRUE);
  change(f->book, clear_change, (gpointer)&end); /* while it is being told */
  BookAlarm after = *before;
  after.told = 1;
  change(f->book, told_change, &(Told){before, &after});
  assert_int_equal(waiting(f), 1);
  tell(f);
  assert_int_equal(waiting(f), 0);
  raise_it(f, "three", 1);
  tell(f);
  change(f->book, clear_change, (gpointer)&end);
  assert_int_equal(waiting(f), 1);
}

static void what_a_person_has_seen_is_told_no_more_until_it_is_worse(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  raise_it(f, "one", 1);
  g_autoptr(BookAlarm) alarm = only(f, TRUE);
  change(f->book, acknowledge_change, &(Seen){alarm->id, FALSE});
  assert_int_equal(waiting(f), 0);
  expect_error(book_write(f->book, acknowledge_change, &(Seen){alarm->id, FALSE}, &error), &error, SALLYPORT_ERROR_FILE,
               "no alarm");
  raise_it(f, "one", 1);
  g_autoptr(BookAlarm) seen = only(f, TRUE);
  assert_int_equal(seen->state, ALARM_ACKNOWLEDGED);
  assert_string_equal(seen->acknowledged_by, "eve");
  raise_it(f, "two", 2);
  g_autoptr(BookAlarm) worse = only(f, TRUE);
  assert_int_equal(worse->state, ALARM_STANDING);
  change(f->book, acknowledge_change, &(Seen){alarm->id, TRUE});
  assert_null(only(f, TRUE));
  assert_int_equal(waiting(f), 0);
}

static gboolean prune_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_prune_watch(tx, *(gint64 *)data, error);
}

typedef struct {
  BookDue due;
  DueState to;
} Due;
static gboolean due_change(BookTransaction *tx, gpointer data, GError **error) {
  const Due *due = data;
  return book_add_due(tx, &due->due, error) &&
         (due->to == DUE_OPEN || book_settle_due(tx, &due->due, due->to, 1, error));
}

static gboolean ahead_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_drop_dues_ahead(tx, *(gint64 *)data, error);
}

static void what_is_over_for_long_is_forgotten_but_the_last_day(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  const char *const days[] = {"2026-11-18", "2026-11-19", "2026-11-20", "2026-11-23"};
  const DueState states[] = {DUE_MET, DUE_MISSED, DUE_EXCUSED, DUE_OPEN};
  for (guint i = 0; i < G_N_ELEMENTS(days); i++)
    change(
        f->book, due_change,
        &(Due){
            {.feed = (char *)"points", .name = (char *)"daily", .day = (char *)days[i], .due_at = 100 + i, .wanted = 1},
            states[i]});
  raise_it(f, "one", 1);
  change(f->book, clear_change, (gpointer) & (Cleared){"file-held", "points"});
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) open = book_open_dues(reader, &error);
  assert_int_equal(open->len, 2);
  assert_string_equal(((BookDue *)open->pdata[0])->day, "2026-11-19");
  gint64 now = 102, later = g_get_real_time() + 91 * 86400 * SECOND;
  change(f->book, ahead_change, &now);
  g_autoptr(GPtrArray) left = book_open_dues(reader, &error);
  assert_int_equal(left->len, 1);
  change(f->book, prune_change, &later);
  g_autofree char *last = NULL;
  assert_true(book_last_due(reader, "points", "daily", &last, &error));
  assert_string_equal(last, "2026-11-20");
  assert_null(only(f, FALSE));
  assert_sound(f);
}

static void what_is_asked_every_second_goes_by_an_index(void **state) {
  Fixture *f = *state;
  static const BookStatement often[] = {BOOK_OPEN_DUES,     BOOK_LAST_DUE,   BOOK_ARRIVALS,   BOOK_ALARMS_TO_TELL,
                                        BOOK_SEQUENCE_USED, BOOK_LIVE_ALARM, BOOK_LIVE_ALARMS};
  for (guint i = 0; i < G_N_ELEMENTS(often); i++) {
    GError *error = NULL;
    g_autofree char *text = book_statement_text(often[i]);
    g_autofree char *plan = db_plan(f->book->db, text, &error);
    no_error(error);
    g_auto(GStrv) lines = g_strsplit(plan, "\n", -1);
    for (char **line = lines; *line; line++)
      if (strstr(*line, "SCAN") && !strstr(*line, "USING INDEX") && !strstr(*line, "here"))
        fail_msg("%s\n%s", text, plan);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(numbers_are_complete_up_to_the_first_that_is_missing),
      TEST(a_number_that_is_only_judged_is_not_used),
      TEST(a_file_keeps_its_number_and_none_is_left_out),
      TEST(files_count_from_their_fetching_until_they_are_refused),
      TEST(an_alarm_stands_once_and_is_told_anew_when_it_weighs_more),
      TEST(the_end_is_told_to_those_who_heard_of_it),
      TEST(what_a_person_has_seen_is_told_no_more_until_it_is_worse),
      TEST(what_is_over_for_long_is_forgotten_but_the_last_day),
      TEST(what_is_asked_every_second_goes_by_an_index),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
