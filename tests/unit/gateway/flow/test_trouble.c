/* The failure policy as a table: state, code and tries in; what becomes of the file out. */
#include "gateway/common/codes.h"
#include "gateway/flow/flow.h"
#include "gateway/common/log.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct {
  char *folder, *path, *tip;
  ConfFeed conf;
  Feed feed;
  Flow flow;
  Step step;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  f->folder = g_dir_make_tmp("trouble-XXXXXX", NULL);
  f->path = g_build_filename(f->folder, "book.db", NULL);
  f->tip = g_build_filename(f->folder, "tip", NULL);
  f->conf = (ConfFeed){.name = (char *)"points", .retry_limit = 5};
  f->feed = (Feed){.conf = &f->conf};
  f->flow = (Flow){.book = book_open(f->path, f->tip, NULL), .gate = keygate_new()};
  f->step = (Step){.flow = &f->flow, .feed = &f->feed, .reader = book_reader_open(f->path, NULL)};
  assert_non_null(f->flow.book);
  assert_non_null(f->step.reader);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  book_reader_close(f->step.reader);
  if (f->flow.book)
    book_close(f->flow.book);
  keygate_free(f->flow.gate);
  book_file_free(f->step.file);
  GDir *listing = g_dir_open(f->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name(listing));) {
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    g_unlink(path);
  }
  g_dir_close(listing);
  g_rmdir(f->folder);
  g_free(f->folder);
  g_free(f->path);
  g_free(f->tip);
  g_free(f);
  return 0;
}

static gboolean add_change(BookTransaction *tx, gpointer file, GError **error) {
  return book_add_file(tx, file, error);
}
static gboolean note_change(BookTransaction *tx, gpointer file, GError **error) {
  return book_note_file(tx, file, NULL, error);
}
static gboolean next_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  return book_advance_file(tx, file, (FileState)(file->state + 1), NULL, error);
}

static void write_book(const Fixture *f, BookChange change, BookFile *file) {
  g_autoptr(GError) error = NULL;
  if (!book_write(f->flow.book, change, file, &error))
    fail_msg("%s", error->message);
}

/* A new file in that state, after so many failed tries of its step. */
static void be_at(Fixture *f, FileState at, guint attempts) {
  static guint number;
  g_autofree char *name = g_strdup_printf("file-%u", number++);
  book_file_free(f->step.file);
  BookFile *file = f->step.file = book_file_new();
  file->feed = g_strdup("points");
  file->name = g_bytes_new(name, strlen(name));
  file->name_shown = g_strdup(name);
  file->size = 10;
  write_book(f, add_change, file);
  while (file->state < at)
    write_book(f, next_change, file);
  file->attempts = attempts;
  write_book(f, note_change, file);
}

static Trouble fail_with(Fixture *f, SallyportErrorCode code) {
  g_autoptr(GError) cause = NULL;
  sallyport_error_set(&cause, code, "it did not work");
  return flow_trouble(&f->step, "step", cause);
}

static BookFile *row_of(const Fixture *f) {
  BookFile *row = book_find_file(f->step.reader, f->step.file->id, NULL);
  assert_non_null(row);
  return row;
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
  write_book(f, next_change, other);
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
      TEST(a_disk_that_cannot_be_trusted_stops_the_lane),
      TEST(only_what_the_book_says_is_noted),
      TEST(a_file_that_was_moved_meanwhile_is_let_go),
      TEST(holding_a_file_gives_its_keys_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
