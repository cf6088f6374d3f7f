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

/* A state that was hidden in a column, counts and releases in texts: as books of version 5 have them. */
static const char version_5[] =
    "INSERT INTO file (id, feed, name, name_shown, size, modified, state, seen_at, changed_at, due_at, attempts, "
    "problem, "
    "  cipher_size, plain_size, records, accepted, rejected, duplicates, amount, amount_accepted, amount_rejected, "
    "  amount_duplicate, batches, batches_posted, feedback_name, counted, reason_code, held_from) VALUES "
    "('0000000000000001', 'f', 'a', 'a', 1, 1, 'posted', 1, 1, 1, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a_FB', "
    "1, "
    "  NULL, NULL), "
    "('0000000000000002', 'f', 'b', 'b', 1, 1, 'rejected', 1, 1, 1, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, "
    "0, "
    "  'F004', NULL), "
    "('0000000000000003', 'f', 'c', 'c', 1, 1, 'held', 1, 1, 1, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, "
    "  'F010', 'staged'), "
    "('0000000000000004', 'f', 'd', 'd', 1, 1, 'fetched', 1, 1, 1, 0, "
    "  'the lane died 3 times while this file was in work', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, NULL, NULL); "
    "INSERT INTO audit (sequence, at, event, subject, detail, hash) VALUES "
    "(1, 1, 'held', '0000000000000003', 'F003 the same content', zeroblob(32)), "
    "(2, 1, 'held', '0000000000000003', 'F010 2 of 3 records', zeroblob(32)), "
    "(3, 1, 'posted', '0000000000000001', NULL, zeroblob(32));";

static char *text(Db *db, const char *sql) {
  GError *error = NULL;
  gboolean row;
  g_autoptr(DbStatement) s = db_prepare(db, sql, &error);
  assert_non_null(s);
  assert_true(db_step(s, &row, &error) && row);
  return db_text_copy(s, 0);
}

static void an_older_books_hidden_facts_become_columns(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  gboolean made;
  static const struct {
    const char *sql, *value;
  } expected[] = {
      {"SELECT outcome FROM file WHERE id LIKE '%1'", "accepted"},
      {"SELECT outcome FROM file WHERE id LIKE '%2'", "rejected"},
      {"SELECT outcome FROM file WHERE id LIKE '%3'", NULL},
      {"SELECT released FROM file WHERE id LIKE '%3'", "F003"},
      {"SELECT waits_for || ' ' || waits_on FROM file WHERE id LIKE '%3'", "operator F010"},
      {"SELECT deaths FROM file WHERE id LIKE '%4'", "3"},
      {"SELECT state FROM file WHERE id LIKE '%1'", "sealed"},
      {"SELECT event FROM audit WHERE sequence > 3 AND subject LIKE '%1'", "sealed"},
  };
  Db *db = open_database(f);
  assert_true(book_schema_migrate(db, book_migrations, 5, &made, &error));
  assert_true(db_run(db, version_5, &error));
  db_close(db);
  for (guint round = 0; round < 2; round++) {
    open_book(f);
    close_book(f);
    db = open_database(f);
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
      g_autofree char *value = text(db, expected[i].sql);
      if (g_strcmp0(value, expected[i].value) != 0)
        fail_msg("%s: %s, not %s", expected[i].sql, value, expected[i].value);
    }
    assert_int_equal(number(db, "SELECT count(*) FROM audit WHERE event = 'sealed'"), 1);
    db_close(db);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, tear_down)
      TEST(a_new_book_has_the_newest_schema_and_every_state),
      TEST(an_older_books_hidden_facts_become_columns),
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
