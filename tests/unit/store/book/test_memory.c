/* SQLite's N-th allocation fails, for every N: nothing is half done, nothing is read as null that is not. */
#include "tests/unit/store/book/book_fixture.h"
#include <sqlite3.h>
#include <stdatomic.h>

static sqlite3_mem_methods real;
static atomic_int armed, calls, hit;

static gboolean fails_now(void) {
  if (!armed || ++calls != armed)
    return FALSE;
  hit = 1;
  return TRUE;
}
static void *faulty_malloc(int n) {
  return fails_now() ? NULL : real.xMalloc(n);
}
static void *faulty_realloc(void *p, int n) {
  return fails_now() ? NULL : real.xRealloc(p, n);
}

static void arm(int n) {
  calls = hit = 0;
  armed = n;
}
static gboolean disarm(void) {
  armed = 0;
  return hit;
}

static gboolean way_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  return book_add_file(tx, file, error) && book_advance_file(tx, file, FILE_ADMITTED, "marker", error) &&
         book_advance_file(tx, file, FILE_FETCHED, NULL, error);
}

static void a_change_without_memory_is_rolled_back(void **state) {
  Fixture *f = *state;
  gboolean again = TRUE;
  guint refused = 0;
  for (int n = 1; again; n++) {
    GError *error = NULL;
    g_autofree char *name = g_strdup_printf("a%d", n);
    g_autoptr(BookFile) file = make_file("points", name);
    file->evidence = g_strnfill(6000, 'x');
    arm(n);
    gboolean ok = book_write(f->book, way_change, file, &error);
    again = disarm();
    if (!ok) {
      expect_error(ok, &error, SALLYPORT_ERROR_AGAIN, NULL);
      refused++;
      file->state = FILE_SEEN;
      assert_true(book_write(f->book, way_change, file, &error)); /* nothing of it was there: it can be done anew */
    }
  }
  assert_true(refused > 3);
  assert_sound(f);
}

static void a_question_without_memory_is_refused_or_answered_whole(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a");
  file->evidence = g_strnfill(9000, 'x'); /* on overflow pages, so that its text is an allocation */
  assert_true(book_write(f->book, way_change, file, &error));
  gboolean again = TRUE;
  for (int n = 1; again; n++) {
    guint64 verified;
    arm(n);
    g_autoptr(BookReader) reader = book_reader_open(f->path, &error);
    g_autoptr(BookFile) read = reader ? book_find_file(reader, file->id, &error) : NULL;
    gboolean good = reader && read && book_audit_verify(reader, f->tip, &verified, &error) &&
                    book_verify(reader, &error);
    again = disarm();
    if (read) {
      assert_string_equal(read->evidence, file->evidence);
      assert_string_equal(read->folder, file->folder);
    }
    if (!good)
      expect_error(good, &error, SALLYPORT_ERROR_AGAIN, NULL);
  }
}

int main(void) {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
  sqlite3_mem_methods methods = real;
  methods.xMalloc = faulty_malloc;
  methods.xRealloc = faulty_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_change_without_memory_is_rolled_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_question_without_memory_is_refused_or_answered_whole, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
