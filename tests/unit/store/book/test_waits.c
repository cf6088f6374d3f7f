/* What a file waits for, what a person has decided, and what became of it: the facts beside its state. */
#include "tests/unit/store/book/book_fixture.h"

static BookFile *read_file(const Fixture *f, const char *id) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  BookFile *file = book_find_file(reader, id, &error);
  no_error(error);
  assert_non_null(file);
  return file;
}

static void a_wait_is_kept_and_ends_with_the_next_state(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = make_file("points", "w");
  book_file_set_wait(file, FILE_WAIT_MARKER, "w.ok", NULL);
  add_file(f->book, file);
  g_autoptr(BookFile) seen = read_file(f, file->id);
  assert_int_equal(seen->waits_for, FILE_WAIT_MARKER);
  assert_string_equal(seen->waits_on, "w.ok");
  book_file_set_wait(file, FILE_WAIT_RETRY, "poll", "the line broke");
  file->deaths = 2;
  GError *error = NULL;
  assert_true(book_write(f->book, note_change, &(Advance){.file = file}, &error));
  g_autoptr(BookFile) noted = read_file(f, file->id);
  assert_int_equal(noted->waits_for, FILE_WAIT_RETRY);
  assert_string_equal(noted->waits_why, "the line broke");
  assert_int_equal(noted->deaths, 2);
  advance(f->book, file, FILE_ADMITTED);
  g_autoptr(BookFile) admitted = read_file(f, file->id);
  assert_int_equal(admitted->waits_for, FILE_WAIT_NOTHING);
  assert_null(admitted->waits_on);
  assert_null(admitted->waits_why);
  assert_int_equal(admitted->deaths, 0);
}

static void a_release_is_remembered_by_the_code_of_the_hold(void **state) {
  Fixture *f = *state;
  static const char *const codes[] = {"F003", "F010", "F003"};
  g_autoptr(BookFile) file = make_file("points", "r");
  add_file(f->book, file);
  for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
    g_free(file->reason_code);
    file->reason_code = g_strdup(codes[i]);
    advance(f->book, file, FILE_HELD);
    g_autoptr(BookFile) held = read_file(f, file->id);
    assert_int_equal(held->waits_for, FILE_WAIT_OPERATOR);
    assert_string_equal(held->waits_on, codes[i]);
    advance(f->book, file, FILE_SEEN);
  }
  g_autoptr(BookFile) released = read_file(f, file->id);
  assert_string_equal(released->released, "F003 F010");
  assert_true(book_file_was_released(released, "F010"));
  assert_false(book_file_was_released(released, "F0"));
  assert_false(book_file_was_released(released, "F002"));
  advance(f->book, file, FILE_HELD);
  advance(f->book, file, FILE_REJECTED);
  g_autoptr(BookFile) rejected = read_file(f, file->id);
  assert_int_equal(rejected->outcome, FILE_OUTCOME_REJECTED);
}

static void files_are_found_by_their_outcome(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) good = make_file("points", "g"), bad = make_file("points", "b");
  add_file(f->book, good);
  add_file(f->book, bad);
  advance(f->book, bad, FILE_HELD);
  advance(f->book, bad, FILE_REJECTED);
  static const struct {
    guint outcomes, files;
  } cases[] = {{0, 2},
               {1u << FILE_OUTCOME_REJECTED, 1},
               {1u << FILE_OUTCOME_ACCEPTED | 1u << FILE_OUTCOME_DUPLICATE, 0},
               {1u << FILE_OUTCOME_REJECTED | 1u << FILE_OUTCOME_DUPLICATE, 1}};
  g_autoptr(BookReader) reader = book_reader_open(f->path, &error);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    for (guint newest = 0; newest < 2; newest++) {
      BookFilter filter = {.outcomes = cases[i].outcomes, .newest_first = newest == 1};
      g_autoptr(GPtrArray) files = book_files(reader, &filter, &error);
      no_error(error);
      assert_int_equal(files->len, cases[i].files);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(a_wait_is_kept_and_ends_with_the_next_state),
      TEST(a_release_is_remembered_by_the_code_of_the_hold),
      TEST(files_are_found_by_their_outcome),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
