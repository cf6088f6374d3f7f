/* Migrations: one transaction each, resumed, and refused when they are from the future. */
#include "store/db/sqlite.h"
#include "tests/unit/store/book/book_fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static Db *open_database(const Fixture *f) {
  GError *error = NULL;
  Db *db = db_open(&(DbOptions){.path = f->path, .use = DB_WRITE}, &error);
  no_error(error);
  return db;
}

static gint64 number(Db *db, const char *sql) {
  GError *error = NULL;
  gint64 value;
  assert_true(db_value(db, sql, &value, &error));
  return value;
}

static void a_new_book_has_the_newest_schema_and_every_state(void **state) {
  Fixture *f = *state;
  open_book(f);
  close_book(f);
  Db *db = open_database(f);
  assert_int_equal(number(db, "PRAGMA user_version"), book_schema_version());
  assert_int_equal(number(db, "SELECT count(*) FROM file_state"), FILE_N_STATES);
  for (guint i = 0; i < FILE_N_STATES; i++) {
    g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM file_state WHERE word = '%s'",
                                           file_state_word((FileState)i));
    assert_int_equal(number(db, sql), 1);
  }
  db_close(db);
}

/* The SQL spells the terminal states, in the words of file_due's condition. */
static void the_schema_knows_the_terminal_states(void **state) {
  (void)state;
  g_autofree char *counts = book_statement_text(BOOK_COUNTS);
  g_autoptr(GString) words = g_string_new(NULL);
  for (guint i = 0; i < FILE_N_STATES; i++)
    if (file_state_is_terminal((FileState)i))
      g_string_append_printf(words, "%s'%s'", words->len ? ", " : "", file_state_word((FileState)i));
  g_autofree char *condition = g_strdup_printf("state NOT IN (%s)", words->str);
  assert_non_null(strstr(counts, condition));
  assert_non_null(strstr(book_migrations[0], condition));
}

static void an_unknown_state_cannot_be_stored(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  open_book(f);
  g_autoptr(BookFile) file = make_file("points", "a");
  add_file(f->book, file);
  close_book(f);
  Db *db = open_database(f);
  expect_error(db_run(db, "UPDATE file SET state = 'lost'", &error), &error, SALLYPORT_ERROR_BUG, "FOREIGN KEY");
  expect_error(db_run(db, "UPDATE file SET state = 'held'", &error), &error, SALLYPORT_ERROR_BUG, "CHECK");
  db_close(db);
}

static void a_newer_schema_is_refused_by_lane_and_reader(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  open_book(f);
  close_book(f);
  Db *db = open_database(f);
  assert_true(db_run(db, "PRAGMA user_version = 99", &error));
  db_close(db);
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "newer than this program's");
  assert_null(book_reader_open(f->path, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "newer than this program's");
}

static void another_programs_database_is_not_a_book(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  Db *db = open_database(f);
  assert_true(db_run(db, "CREATE TABLE t (x)", &error));
  db_close(db);
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "another program's");
  g_autofree char *wal = g_strconcat(f->path, "-wal", NULL), *shm = g_strconcat(f->path, "-shm", NULL);
  g_unlink(wal);
  g_unlink(shm);
  assert_true(g_file_set_contents(f->path,
                                  "not a database at all, but long enough to be read as one ............"
                                  "........................................................",
                                  -1, &error));
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_STORAGE, NULL);
}

static const char *const three[] = {"CREATE TABLE a (x);", "INSERT INTO a VALUES (1); CREATE TABLE b (x);",
                                    "INSERT INTO b SELECT x FROM a;"};

static void migrations_run_once_each_and_in_order(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  gboolean made;
  Db *db = open_database(f);
  assert_true(book_schema_migrate(db, three, 2, &made, &error));
  assert_true(made);
  for (guint round = 0; round < 2; round++) {
    assert_true(book_schema_migrate(db, three, 3, &made, &error));
    assert_false(made);
  }
  assert_int_equal(number(db, "SELECT count(*) FROM b"), 1);
  assert_int_equal(number(db, "PRAGMA user_version"), 3);
  db_close(db);
}

static void a_migration_that_fails_leaves_the_version_before(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  gboolean made;
  static const char *const broken[] = {"CREATE TABLE a (x);",
                                       "CREATE TABLE b (x); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1);"};
  Db *db = open_database(f);
  expect_error(book_schema_migrate(db, broken, 2, &made, &error), &error, SALLYPORT_ERROR_BUG, "version 2");
  assert_int_equal(number(db, "PRAGMA user_version"), 1);
  assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema"), 1);
  assert_true(book_schema_migrate(db, three, 3, &made, &error));
  db_close(db);
}

static void die(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)context, (void)n, (void)values;
  kill(getpid(), SIGKILL);
}

static void a_migration_killed_half_way_resumes(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  gboolean made;
  static const char *const deadly[] = {"CREATE TABLE a (x);",
                                       "INSERT INTO a VALUES (1); CREATE TABLE b (x); SELECT die();"};
  pid_t child = fork();
  if (child == 0) {
    Db *db = open_database(f);
    sqlite3_create_function(db_sqlite(db), "die", 0, SQLITE_UTF8, NULL, die, NULL, NULL);
    _exit(book_schema_migrate(db, deadly, 2, &made, NULL));
  }
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
  Db *db = open_database(f);
  assert_int_equal(number(db, "PRAGMA user_version"), 1);
  assert_int_equal(number(db, "SELECT count(*) FROM a"), 0);
  assert_true(book_schema_migrate(db, three, 3, &made, &error));
  assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);
  db_close(db);
}

static const char *const toy[] = {"CREATE TABLE toy (x BIGINT NOT NULL);", "INSERT INTO toy VALUES (7);", "BROKEN"};

static void a_capability_has_its_tables_in_the_book_with_a_version_of_their_own(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  open_book(f);
  close_book(f);
  Db *db = open_database(f);
  assert_int_equal(number(db, "SELECT version FROM capability WHERE name = 'recon'"), 1);
  assert_true(book_capability_migrate(db, "toy", &(BookMigrations){toy, 1}, &error));
  assert_int_equal(number(db, "SELECT version FROM capability WHERE name = 'toy'"), 1);
  for (guint i = 0; i < 2; i++) /* the second time there is nothing to do */
    assert_true(book_capability_migrate(db, "toy", &(BookMigrations){toy, 2}, &error));
  assert_int_equal(number(db, "SELECT count(*) FROM toy"), 1);
  expect_error(book_capability_migrate(db, "toy", &(BookMigrations){toy, 3}, &error), &error, SALLYPORT_ERROR_BUG,
               "tables of toy to version 3");
  assert_int_equal(number(db, "SELECT version FROM capability WHERE name = 'toy'"), 2);
  expect_error(book_capability_migrate(db, "toy", &(BookMigrations){toy, 1}, &error), &error,
               SALLYPORT_ERROR_CONFIGURATION, "newer than this program's (1)");
  assert_int_equal(number(db, "PRAGMA user_version"), book_schema_version());
  db_close(db);
}

static void a_book_with_tables_of_an_unknown_capability_is_refused(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  open_book(f);
  close_book(f);
  Db *db = open_database(f);
  assert_true(db_run(db, "INSERT INTO capability VALUES ('billing', 3)", &error));
  db_close(db);
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "tables of billing are version 3");
  assert_null(book_reader_open(f->path, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "tables of billing are version 3");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, tear_down)
      TEST(a_new_book_has_the_newest_schema_and_every_state),
      TEST(the_schema_knows_the_terminal_states),
      TEST(an_unknown_state_cannot_be_stored),
      TEST(a_newer_schema_is_refused_by_lane_and_reader),
      TEST(another_programs_database_is_not_a_book),
      TEST(migrations_run_once_each_and_in_order),
      TEST(a_migration_that_fails_leaves_the_version_before),
      TEST(a_migration_killed_half_way_resumes),
      TEST(a_capability_has_its_tables_in_the_book_with_a_version_of_their_own),
      TEST(a_book_with_tables_of_an_unknown_capability_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
