/* All files of a filter, one by one, over the ends of pages. */
#include "tests/unit/store/book/book_fixture.h"

typedef struct {
  guint from, to;
  gint64 at, step; /* seen_at of the first, and from one to the next */
} Some;

static gboolean add_some(BookTransaction *tx, gpointer data, GError **error) {
  const Some *some = data;
  for (guint i = some->from; i < some->to; i++) {
    g_autofree char *name = g_strdup_printf("%05u", i);
    g_autoptr(BookFile) file = make_file(i % 2 ? "odd" : "even", name);
    file->seen_at = some->at + (i - some->from) * some->step;
    if (!book_add_file(tx, file, error))
      return FALSE;
  }
  return TRUE;
}

static void add(Fixture *f, Some some) {
  GError *error = NULL;
  gboolean ok = book_write(f->book, add_some, &some, &error);
  no_error(error);
  assert_true(ok);
}

/* 1,100 files, a microsecond from one to the next; 2,300 of one moment; 50 more. */
static void many_files(Fixture *f) {
  add(f, (Some){0, 1100, 1000, 1});
  add(f, (Some){1100, 3400, 5000, 0});
  add(f, (Some){3400, 3450, 6000, 1});
}

static BookFile *next(BookWalk *walk) {
  GError *error = NULL;
  BookFile *file;
  gboolean ok = book_walk_next(walk, &file, &error);
  no_error(error);
  assert_true(ok);
  return file;
}

static guint walk_all(Fixture *f, BookFilter filter) {
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(BookWalk) walk = book_walk_new(reader, &filter);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gint64 before = filter.newest_first ? G_MAXINT64 : 0;
  for (;;) {
    g_autoptr(BookFile) file = next(walk);
    if (!file)
      break;
    assert_true(filter.newest_first ? file->seen_at <= before : file->seen_at >= before);
    before = file->seen_at;
    assert_true(g_hash_table_add(seen, g_strdup(file->id)));
  }
  assert_null(next(walk)); /* and it stays at its end */
  return g_hash_table_size(seen);
}

static void every_file_is_given_once_in_order_over_the_ends_of_pages(void **state) {
  static const struct {
    BookFilter filter;
    guint files;
  } rows[] = {{{0}, 3450},
              {{.newest_first = TRUE}, 3450},
              {{.feed = "odd"}, 1725},
              {{.feed = "odd", .newest_first = TRUE}, 1725},
              {{.limit = 1}, 1},
              {{.limit = 1000}, 1000},
              {{.limit = 1001, .newest_first = TRUE}, 1001},
              {{.limit = 3449}, 3449},
              {{.limit = G_MAXUINT, .newest_first = TRUE}, 3450},
              {{.since = 5000}, 2350},
              {{.until = 4999, .newest_first = TRUE}, 1100},
              {{.states = (guint64)1 << FILE_SEEN, .newest_first = TRUE}, 3450},
              {{.states = (guint64)1 << FILE_SEEN, .limit = 2000}, 2000},
              {{.states = (guint64)1 << FILE_CLOSED}, 0}};
  many_files(*state);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    assert_int_equal(walk_all(*state, rows[i].filter), rows[i].files);
}

/* A reader that pauses in the middle does not keep the book's log from being emptied. */
static void nothing_of_the_book_is_held_between_two_pages(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  many_files(f);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(BookWalk) walk = book_walk_new(reader, &(BookFilter){.newest_first = TRUE});
  book_file_free(next(walk));
  close_book(f);
  Db *db = db_open(&(DbOptions){.path = f->path, .use = DB_WRITE, .own_checkpoint = TRUE}, &error);
  no_error(error);
  assert_true(db_run(db, "DELETE FROM poll", &error) && db_checkpoint(db, TRUE, &error));
  assert_int_equal(db_log_bytes(db), 0);
  db_close(db);
  guint left = 0;
  for (BookFile *file; (file = next(walk)); left++)
    book_file_free(file);
  assert_int_equal(left, 3449);
}

static void what_goes_wrong_is_told_and_ends_the_walk(void **state) {
  Fixture *f = *state;
  g_autoptr(GError) error = NULL;
  BookFile *file;
  add(f, (Some){0, 1, 1000, 1});
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(BookWalk) walk = book_walk_new(reader, &(BookFilter){0});
  close_book(f);
  Db *db = db_open(&(DbOptions){.path = f->path, .use = DB_WRITE}, &error);
  assert_true(db_run(db, "PRAGMA foreign_keys = OFF; UPDATE file SET outcome = 'odd'", &error));
  db_close(db);
  expect_error(book_walk_next(walk, &file, &error), &error, SALLYPORT_ERROR_STORAGE, "unknown outcome odd");
  assert_null(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(every_file_is_given_once_in_order_over_the_ends_of_pages),
      TEST(nothing_of_the_book_is_held_between_two_pages),
      TEST(what_goes_wrong_is_told_and_ends_the_walk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
