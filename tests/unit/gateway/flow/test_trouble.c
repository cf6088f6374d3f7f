/* The failure policy as a table: state, code and tries in; what becomes of the file out. */
#include "gateway/common/codes.h"
#include "tests/unit/gateway/flow/step_fixture.h"

typedef StepFixture Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  step_set_up(f);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  step_tear_down(*state);
  g_free(*state);
  return 0;
}

/* A new file in that state, after so many failed tries of its step. */
static void be_at(Fixture *f, FileState at, guint attempts) {
  static guint number;
  g_autofree char *name = g_strdup_printf("file-%u", number++);
  book_file_free(f->step.file);
  BookFile *file = f->step.file = step_file_named(name);
  step_bring(f, file, at);
  file->attempts = attempts;
  step_write(f, step_note_change, file);
}

static Trouble fail_with(Fixture *f, SallyportErrorCode code) {
  g_autoptr(GError) cause = NULL;
  sallyport_error_set(&cause, code, "it did not work");
  return flow_trouble(&f->step, "step", cause);
}

static BookFile *row_of(const Fixture *f) {
  return step_row(f, f->step.file->id);
}

enum { SOON = 1, LATE = 300 };

static void the_table(void **state) {
  Fixture *f = *state;
  static const struct {
    FileState at;
    SallyportErrorCode code;
    guint tries;
    FileState becomes;
    gint64 wait;
  } table[] = {
      {FILE_FETCHED, SALLYPORT_ERROR_AGAIN, 0, FILE_FETCHED, SOON},
      {FILE_FETCHED, SALLYPORT_ERROR_AGAIN, 1000, FILE_FETCHED, LATE},
      {FILE_POSTED, SALLYPORT_ERROR_UNCERTAIN, 0, FILE_POSTED, SOON},
      {FILE_ADMITTED, SALLYPORT_ERROR_PARTNER, 3, FILE_ADMITTED, 8},
      {FILE_ADMITTED, SALLYPORT_ERROR_PARTNER, 4, FILE_HELD, 0},
      {FILE_POSTED, SALLYPORT_ERROR_PARTNER, 50, FILE_POSTED, LATE}, /* past the point where it can be held */
      {FILE_ADMITTED, SALLYPORT_ERROR_LOGIN, 50, FILE_ADMITTED, LATE},
      {FILE_OPENED, SALLYPORT_ERROR_CONFIGURATION, 50, FILE_OPENED, LATE},
      {FILE_OPENED, SALLYPORT_ERROR_FILE, 0, FILE_REJECTED, 0},
      {FILE_POSTED, SALLYPORT_ERROR_FILE, 0, FILE_POSTED, LATE},
      {FILE_STAGED, SALLYPORT_ERROR_BUG, 1, FILE_STAGED, 2},
      {FILE_STAGED, SALLYPORT_ERROR_BUG, 2, FILE_HELD, 0},
      {FILE_POSTING, SALLYPORT_ERROR_BUG, 2, FILE_POSTING, LATE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    be_at(f, table[i].at, table[i].tries);
    gint64 before = g_get_real_time();
    assert_int_equal(fail_with(f, table[i].code), TROUBLE_AGAIN);
    g_autoptr(BookFile) row = row_of(f);
    if (row->state != table[i].becomes)
      fail_msg("row %u: %s", i, file_state_word(row->state));
    if (table[i].wait == 0)
      continue;
    gint64 waits = row->due_at - before;
    assert_true(waits >= table[i].wait * 790000 && waits <= table[i].wait * 1210000 + G_USEC_PER_SEC / 2);
    assert_int_equal(row->attempts, table[i].tries + 1);
    assert_string_equal(row->problem, "it did not work");
  }
}

/* What becomes of a file in each state for each class of failure, at the first try and when retry-limit is used up:
 * . tried again soon   - tried again at the longest wait   H held   R rejected   S the lane stops */
static const struct {
  SallyportErrorCode code;
  const char *first, *last;
} classes[] = {
    /*                             a f o s v p p s a    a f o s v p p s a */
    {SALLYPORT_ERROR_AGAIN, ". . . . . . . . .", "H . . . . . . . ."},
    {SALLYPORT_ERROR_UNCERTAIN, ". . . . . . . . .", "H . . . . . . . ."},
    {SALLYPORT_ERROR_PARTNER, ". . . . . . . . .", "H H H H . . . . ."},
    {SALLYPORT_ERROR_LOGIN, "- - - - - - - - -", "- - - - - - - - -"},
    {SALLYPORT_ERROR_FILE, "R R R R - - - - -", "R R R R - - - - -"},
    {SALLYPORT_ERROR_CONFIGURATION, "- - - - - - - - -", "- - - - - - - - -"},
    {SALLYPORT_ERROR_BUG, ". . . . . . . . .", "H H H H - - - - -"},
    {SALLYPORT_ERROR_STORAGE, "S S S S S S S S S", "S S S S S S S S S"},
};

static char outcome_at(Fixture *f, FileState at, SallyportErrorCode code, guint tries) {
  be_at(f, at, tries);
  gint64 before = g_get_real_time();
  if (fail_with(f, code) == TROUBLE_STOP_LANE)
    return 'S';
  g_autoptr(BookFile) row = row_of(f);
  gint64 seconds = (row->due_at - before) / G_USEC_PER_SEC;
  if (row->state == at && row->waits_for != FILE_WAIT_RETRY)
    fail_msg("%s waits for nothing", file_state_word(at));
  return row->state == FILE_HELD ? 'H' : row->state == FILE_REJECTED ? 'R' : seconds > 200 ? '-' : '.';
}

static void every_class_of_failure_at_every_step_has_its_outcome(void **state) {
  Fixture *f = *state;
  for (gsize c = 0; c < G_N_ELEMENTS(classes); c++)
    for (FileState at = FILE_ADMITTED; at <= FILE_ANSWERED; at++)
      for (guint used_up = 0; used_up < 2; used_up++) {
        char expected = (used_up ? classes[c].last : classes[c].first)[2 * (at - FILE_ADMITTED)];
        char seen = outcome_at(f, at, classes[c].code, used_up ? f->conf.retry_limit - 1 : 0);
        if (seen != expected)
          fail_msg("%s in %s, try %s: %c, not %c", sallyport_error_word((int)classes[c].code), file_state_word(at),
                   used_up ? "last" : "first", seen, expected);
      }
}

static void a_disk_that_cannot_be_trusted_stops_the_lane(void **state) {
  Fixture *f = *state;
  be_at(f, FILE_FETCHED, 0);
  assert_int_equal(fail_with(f, SALLYPORT_ERROR_STORAGE), TROUBLE_STOP_LANE);
}

/* What a failed change has left in the step's copy is not in the book, and must not come there with the note of the
 * failure. */
static void only_what_the_book_says_is_noted(void **state) {
  Fixture *f = *state;
  be_at(f, FILE_ADMITTED, 0);
  f->step.file->size = 99;
  f->step.file->records = 7;
  f->step.file->feedback_name = g_strdup("answer");
  assert_int_equal(fail_with(f, SALLYPORT_ERROR_AGAIN), TROUBLE_AGAIN);
  g_autoptr(BookFile) row = row_of(f);
  assert_int_equal(row->size, 10);
  assert_int_equal(row->records, 0);
  assert_null(row->feedback_name);
  assert_int_equal(row->attempts, 1);
}

static void a_file_that_was_moved_meanwhile_is_let_go(void **state) {
  Fixture *f = *state;
  be_at(f, FILE_FETCHED, 0);
  g_autoptr(BookFile) other = row_of(f);
  step_write(f, step_next_change, other);
  assert_int_equal(fail_with(f, SALLYPORT_ERROR_FILE), TROUBLE_MOVED);
  g_autoptr(BookFile) row = row_of(f);
  assert_int_equal(row->state, FILE_OPENED);
}

static void holding_a_file_gives_its_keys_back(void **state) {
  Fixture *f = *state;
  g_autoptr(GBytes) key = g_bytes_new("k", 1);
  be_at(f, FILE_STAGED, 2);
  assert_true(keygate_reserve(f->flow.gate, f, f->step.file->id, key, key));
  assert_int_equal(fail_with(f, SALLYPORT_ERROR_BUG), TROUBLE_AGAIN);
  assert_true(keygate_reserve(f->flow.gate, f, "another", key, key));
  g_autoptr(BookFile) row = row_of(f);
  assert_int_equal(row->held_from, FILE_STAGED);
  assert_string_equal(row->reason_code, CODE_TRIES_USED_UP);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  log_setup((LogLevel)-1, FALSE, NULL);
  const struct CMUnitTest tests[] = {
      TEST(the_table),
      TEST(every_class_of_failure_at_every_step_has_its_outcome),
      TEST(a_disk_that_cannot_be_trusted_stops_the_lane),
      TEST(only_what_the_book_says_is_noted),
      TEST(a_file_that_was_moved_meanwhile_is_let_go),
      TEST(holding_a_file_gives_its_keys_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
