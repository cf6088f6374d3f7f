#include "store/db/sqlite.h"
#include "tests/unit/folder.h"
#include "tests/unit/store/small_disk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_again_and_remove(void **state) {
  g_autofree char *command = g_strdup_printf("chmod -R u+rwx '%s'", (char *)*state);
  int rc = system(command);
  return folder_tear_down(state) || rc;
}

static Db *open_db(const char *folder, DbUse use) {
  GError *error = NULL;
  g_autofree char *path = g_build_filename(folder, "x.db", NULL);
  Db *db = db_open(&(DbOptions){.path = path, .use = use}, &error);
  if (!db)
    fail_msg("%s", error->message);
  return db;
}

static void run(Db *db, const char *sql) {
  GError *error = NULL;
  if (!db_run(db, sql, &error))
    fail_msg("%s", error->message);
}

static gint64 integer(Db *db, const char *sql) {
  GError *error = NULL;
  gint64 value;
  if (!db_value(db, sql, &value, &error))
    fail_msg("%s", error->message);
  return value;
}

static void a_writer_has_the_pragmas_that_durability_needs(void **state) {
  Db *db = open_db(*state, DB_WRITE);
  gboolean row;
  g_autoptr(DbStatement) mode = db_prepare(db, "PRAGMA journal_mode", NULL);
  assert_true(db_step(mode, &row, NULL) && row);
  assert_string_equal(db_text(mode, 0), "wal");
  g_clear_pointer(&mode, db_statement_free);
  assert_int_equal(integer(db, "PRAGMA synchronous"), 2);
  assert_int_equal(integer(db, "PRAGMA foreign_keys"), 1);
  assert_int_equal(integer(db, "PRAGMA trusted_schema"), 0);
  g_autofree char *path = g_build_filename(*state, "x.db", NULL);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  db_close(db);
}

static void a_reader_sees_what_is_committed_and_cannot_write(void **state) {
  Db *writer = open_db(*state, DB_WRITE);
  run(writer, "CREATE TABLE t(x); BEGIN; INSERT INTO t VALUES (1)");
  Db *reader = open_db(*state, DB_READ);
  assert_int_equal(integer(reader, "SELECT count(*) FROM t"), 0);
  run(writer, "COMMIT");
  assert_int_equal(integer(reader, "SELECT count(*) FROM t"), 1);
  assert_false(db_run(reader, "INSERT INTO t VALUES (2)", NULL));
  db_close(writer);
  assert_int_equal(integer(reader, "SELECT count(*) FROM t"), 1);
  db_close(reader);
}

/* As another user, when we are root; as ourselves without the right to write, when not. */
static int read_without_rights(const char *folder) {
  if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
    return 1;
  g_autofree char *path = g_build_filename(folder, "x.db", NULL);
  g_autoptr(GError) error = NULL;
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ}, &error);
  gint64 value = 0;
  if (!db || !db_value(db, "SELECT x FROM t", &value, &error))
    fprintf(stderr, "%s\n", error->message);
  db_close(db);
  return value == 7 ? 0 : 2;
}

static void a_reader_without_the_right_to_write_reads_a_closed_and_an_open_file(void **state) {
  Db *db = open_db(*state, DB_WRITE);
  run(db, "CREATE TABLE t(x); INSERT INTO t VALUES (7)");
  g_autofree char *command = g_strdup_printf("chmod 0444 '%s'/*; chmod 0555 '%s'", (char *)*state, (char *)*state);
  for (int closed = 0; closed < 2; closed++) {
    if (closed)
      db_close(db);
    assert_int_equal(system(command), 0);
    pid_t child = fork();
    if (child == 0)
      _exit(read_without_rights(*state));
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
  }
}

static void an_older_snapshot_does_not_stop_a_checkpoint(void **state) {
  GError *error = NULL;
  Db *writer = open_db(*state, DB_WRITE);
  run(writer, "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
  Db *reader = open_db(*state, DB_READ);
  run(reader, "BEGIN");
  assert_int_equal(integer(reader, "SELECT count(*) FROM t"), 1);
  run(writer, "INSERT INTO t VALUES (2)");
  gint64 before = g_get_monotonic_time();
  assert_true(db_checkpoint(writer, TRUE, &error));
  assert_true(g_get_monotonic_time() - before < 2 * G_USEC_PER_SEC);
  assert_int_equal(integer(reader, "SELECT count(*) FROM t"), 1);
  run(reader, "COMMIT");
  assert_true(db_checkpoint(writer, TRUE, &error));
  g_autofree char *log = g_build_filename(*state, "x.db-wal", NULL);
  struct stat status;
  assert_int_equal(stat(log, &status), 0);
  assert_int_equal(status.st_size, 0);
  db_close(reader);
  db_close(writer);
}

static SallyportErrorCode code_of(Db *db, const char *sql) {
  g_autoptr(GError) error = NULL;
  assert_false(db_run(db, sql, &error));
  return sallyport_error_code(error);
}

static void codes_say_what_to_do(void **state) {
  g_autoptr(GError) error = NULL;
  Db *db = open_db(*state, DB_WRITE), *other = open_db(*state, DB_WRITE);
  run(db, "CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES (1); BEGIN IMMEDIATE");
  sqlite3_busy_timeout(db_sqlite(other), 10);
  assert_int_equal(code_of(other, "BEGIN IMMEDIATE"), SALLYPORT_ERROR_AGAIN);
  assert_int_equal(code_of(db, "INSERT INTO t VALUES (1)"), SALLYPORT_ERROR_BUG);
  assert_int_equal(code_of(db, "nonsense"), SALLYPORT_ERROR_BUG);
  run(db, "ROLLBACK; PRAGMA max_page_count = 3");
  assert_int_equal(code_of(db, "INSERT INTO t VALUES (zeroblob(100000))"), SALLYPORT_ERROR_AGAIN);
  db_close(other);
  db_close(db);
  g_autofree char *missing = g_build_filename(*state, "missing", NULL),
                  *garbage = g_build_filename(*state, "garbage", NULL);
  assert_null(db_open(&(DbOptions){.path = missing, .use = DB_READ}, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  g_clear_error(&error);
  g_autofree char *text = g_strnfill(8192, 'x');
  assert_true(g_file_set_contents(garbage, text, -1, NULL));
  assert_null(db_open(&(DbOptions){.path = garbage, .use = DB_WRITE}, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
}

static int write_too_much(const char *folder) {
  Db *db = open_db(folder, DB_WRITE);
  run(db, "CREATE TABLE t(x)");
  g_autoptr(GError) error = NULL;
  if (db_run(db, "INSERT INTO t VALUES (zeroblob(1000000))", &error))
    return 1;
  if (sallyport_error_code(error) != SALLYPORT_ERROR_AGAIN)
    return 2;
  if (resize_small_disk(folder, "4m") != 0)
    return 3;
  run(db, "INSERT INTO t VALUES (zeroblob(1000000))");
  gint64 rows = integer(db, "SELECT count(*) FROM t");
  db_close(db);
  return rows == 1 ? 0 : 4;
}

static void a_full_disk_is_tried_again_and_then_succeeds(void **state) {
  on_a_small_disk(*state, "512k", write_too_much);
}

static void statements_are_found_by_their_names(void **state) {
  static const char sql[] = "-- about the file\n-- name: first\nSELECT 1;\n\n-- name: first-again\nSELECT 2;\n-- a "
                            "comment\n-- name: last\nSELECT 3;\n";
  gboolean row;
  Db *db = open_db(*state, DB_WRITE);
  static const struct {
    const char *name;
    int value;
  } expected[] = {{"first", 1}, {"first-again", 2}, {"last", 3}};
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    g_autoptr(DbStatement) statement = db_prepare_named(db, sql, expected[i].name, NULL);
    assert_non_null(statement);
    assert_true(db_step(statement, &row, NULL) && row);
    assert_int_equal((int)db_integer(statement, 0), expected[i].value);
  }
  g_autoptr(GError) error = NULL;
  assert_null(db_prepare_named(db, sql, "firs", &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_BUG);
  db_close(db);
}

static void values_are_bound_by_a_format(void **state) {
  GError *error = NULL;
  Db *db = open_db(*state, DB_SCRATCH);
  run(db, "CREATE TABLE t(a, b, c, d, e, f)");
  DbStatement *insert = db_prepare(db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &error);
  db_bind(insert, "iustbn", (gint64)-1, 7u, "text", "cut here", (gsize)3, "\0\1", (gsize)2);
  assert_true(db_done(insert, &error));
  assert_true(db_done(insert, &error)); /* bindings were cleared: a row of nulls */
  db_statement_free(insert);
  assert_int_equal(
      integer(
          db,
          "SELECT count(*) FROM t WHERE a = -1 AND b = 7 AND c = 'text' AND d = 'cut' AND e = x'0001' AND f IS NULL"),
      1);
  assert_int_equal(integer(db, "SELECT count(*) FROM t WHERE coalesce(a, b, c, d, e, f) IS NULL"), 1);
  db_close(db);
}

int main(void) {
#define with_folder(test) cmocka_unit_test_setup_teardown(test, folder_set_up, open_again_and_remove)
  const struct CMUnitTest tests[] = {
      with_folder(a_writer_has_the_pragmas_that_durability_needs),
      with_folder(a_reader_sees_what_is_committed_and_cannot_write),
      with_folder(a_reader_without_the_right_to_write_reads_a_closed_and_an_open_file),
      with_folder(an_older_snapshot_does_not_stop_a_checkpoint),
      with_folder(codes_say_what_to_do),
      with_folder(a_full_disk_is_tried_again_and_then_succeeds),
      with_folder(statements_are_found_by_their_names),
      with_folder(values_are_bound_by_a_format),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
