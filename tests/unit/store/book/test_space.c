#include "tests/unit/store/book/book_fixture.h"
#include "tests/unit/store/small_disk.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static gint64 size_of(const char *path, const char *ending) {
  g_autofree char *name = g_strconcat(path, ending, NULL);
  GStatBuf about;
  return g_stat(name, &about) == 0 ? about.st_size : -1;
}

/* 2,000 bytes that stay. */
static gboolean long_row(BookTransaction *tx, gpointer data, GError **error) {
  return book_audit(tx, "lane", NULL, data, error);
}

/* Writes until it is refused; the number of rows. */
static guint write_until_refused(Book *book, guint most, GError **error) {
  g_autofree char *text = g_strnfill(2000, 'x');
  guint n = 0;
  while (n < most && book_write(book, long_row, text, error))
    n++;
  return n;
}

static gboolean shortage_ends(Book *book) {
  for (guint i = 0; i < 200; i++) {
    g_autofree char *shortage = book_shortage(book);
    if (!shortage)
      return TRUE;
    g_usleep(50000);
  }
  return FALSE;
}

static int without_reserve(const char *folder) {
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(folder, "book.db", NULL), *tip = g_build_filename(folder, "tip", NULL);
  Book *book = book_open(path, tip, NULL);
  if (!book || size_of(path, ".reserve") >= 0 || book_shortage(book))
    return 1; /* on a disk as small as this nothing is held back */
  if (!fill_disk(folder, 6 * MIB))
    return 2;
  guint written = write_until_refused(book, 100000, &error);
  if (written == 100000 || sallyport_error_code(error) != SALLYPORT_ERROR_AGAIN)
    return 3;
  g_autofree char *shortage = book_shortage(book);
  if (!shortage || !strstr(shortage, "cannot be copied into the book") || size_of(path, "-wal") > 9 * MIB)
    return 4;
  empty_disk(folder);
  if (!shortage_ends(book) || size_of(path, "-wal") != 0)
    return 5; /* by itself: nothing was written meanwhile */
  if (write_until_refused(book, 10, NULL) != 10)
    return 6;
  book_close(book);
  g_autoptr(BookReader) reader = book_reader_open(path, NULL);
  guint64 verified = 0;
  return reader && book_verify(reader, NULL) && book_audit_verify(reader, tip, &verified, NULL) &&
                 verified == written + 11
             ? 0
             : 7;
}

static void a_log_that_cannot_be_copied_is_bounded_and_told_and_copied_as_soon_as_there_is_space(void **state) {
  on_a_small_disk(((Fixture *)*state)->folder, "20m", without_reserve);
}

static int with_reserve(const char *folder) {
  g_autofree char *path = g_build_filename(folder, "book.db", NULL), *tip = g_build_filename(folder, "tip", NULL);
  Book *book = book_open(path, tip, NULL);
  if (!book || size_of(path, ".reserve") != 4 * MIB)
    return 1;
  if (!fill_disk(folder, 5 * MIB))
    return 2;
  for (guint i = 0; i < 40 && size_of(path, ".reserve") >= 0; i++)
    if (write_until_refused(book, 100, NULL) != 100)
      return 3; /* no change is refused for want of space */
  g_autofree char *shortage = book_shortage(book);
  if (size_of(path, ".reserve") >= 0 || shortage)
    return 4;
  book_close(book);
  empty_disk(folder);
  book = book_open(path, tip, NULL);
  if (!book || size_of(path, ".reserve") != 4 * MIB)
    return 5;
  book_close(book);
  return 0;
}

static void what_was_held_back_lets_the_log_be_copied_on_a_full_disk(void **state) {
  on_a_small_disk(((Fixture *)*state)->folder, "96m", with_reserve);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(
          a_log_that_cannot_be_copied_is_bounded_and_told_and_copied_as_soon_as_there_is_space, make_fixture,
          tear_down),
      cmocka_unit_test_setup_teardown(what_was_held_back_lets_the_log_be_copied_on_a_full_disk, make_fixture,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
