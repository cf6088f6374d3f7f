/* Other people's tables, read in pieces: by SQLite itself and by its ODBC driver, which has to give the same. */
#include "store/outside_pieces.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <sqlite3.h>

#define ROWS "CREATE TABLE item (at TEXT, id INTEGER, text TEXT, UNIQUE (at, id));"
static char *folder, *database, *connection;

static int make_folder(void **state) {
  (void)state;
  folder = g_dir_make_tmp("sallyport-pieces-XXXXXX", NULL);
  database = g_build_filename(folder, "core.db", NULL);
  connection = g_strdup_printf("Driver=SQLite3;Database=%s", database);
  return folder ? 0 : -1;
}
static int remove_folder(void **state) {
  (void)state;
  g_unlink(database);
  g_rmdir(folder);
  g_free(folder);
  g_free(database);
  g_free(connection);
  return 0;
}

static void sql(const char *text) {
  sqlite3 *db;
  char *problem = NULL;
  assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
  if (sqlite3_exec(db, text, NULL, NULL, &problem) != SQLITE_OK)
    fail_msg("%s: %s", text, problem);
  sqlite3_close(db);
}
static void begin(const char *text) {
  g_unlink(database);
  sql(text);
}

static char at[] = "at", id[] = "id", gone[] = "gone";
static char *const by_time[] = {at, id, NULL}, *const by_at[] = {at, NULL}, *const by_id[] = {id, NULL},
                   *const by_none[] = {gone, NULL};
typedef struct {
  OutsideEngine engine;
  const char *query;
  char *const *cursor;
  guint rows;
  const char *until;
} Read;

static OutsidePiece piece_of(const Read *read, const char *after) {
  return (OutsidePiece){.query = {.engine = read->engine,
                                  .database = read->engine == OUTSIDE_ODBC ? connection : database,
                                  .query = read->query ? read->query : "SELECT * FROM item"},
                        .cursor = read->cursor,
                        .rows = read->rows,
                        .after = after,
                        .until = read->until};
}

/* The values of one piece, "a|b;", or "! " and the error; *position moves on. */
static char *read_piece(const Read *read, char **position, gboolean *more) {
  g_autoptr(GError) error = NULL;
  OutsidePiece piece = piece_of(read, *position);
  g_autoptr(OutsidePieces) pieces = outside_pieces_open(&piece, &error);
  guint n = 0;
  const StagingColumn *columns = pieces ? outside_pieces_columns(pieces, &n) : NULL;
  g_autofree BlockType *types = g_new0(BlockType, n + 1);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  g_autoptr(RecordBlock) block = record_block_new(2, types, n); /* smaller than pieces: keys are compared over blocks */
  GString *text = g_string_new(NULL);
  while (pieces && outside_pieces_fill(pieces, block, &error) && block->count > 0) {
    for (guint i = 0; i < block->count; i++) {
      for (guint j = 0; j < n; j++) {
        gsize length = 0;
        const char *value = types[j] == BLOCK_TEXT ? record_block_text(block, j, i, &length) : NULL;
        g_string_append_printf(text, "%s%.*s", j ? "|" : "", (int)length, value ? value : "");
        if (!value && !record_block_is_null(block, j, i))
          g_string_append_printf(text, "%" G_GINT64_FORMAT, record_block_integer(block, j, i));
      }
      g_string_append_c(text, ';');
    }
    record_block_clear(block);
  }
  *more = pieces && outside_pieces_has_more(pieces);
  if (error)
    g_string_printf(text, "! %s", error->message);
  else if (outside_pieces_position(pieces)) {
    g_free(*position);
    *position = g_strdup(outside_pieces_position(pieces));
  }
  return g_string_free(text, FALSE);
}

static void gives(const Read *read, char **position, const char *wanted, gboolean wants_more) {
  gboolean more;
  g_autofree char *text = read_piece(read, position, &more);
  assert_string_equal(text, wanted);
  assert_int_equal(more, wants_more);
}
static void says(const Read *read, const char *position, const char *wanted) {
  gboolean more;
  g_autofree char *behind = g_strdup(position), *text = read_piece(read, &behind, &more);
  if (*text != '!' || !strstr(text, wanted))
    fail_msg("%s instead of %s", text, wanted);
}

static const OutsideEngine engines[] = {OUTSIDE_SQLITE, OUTSIDE_ODBC};
#define FOR_EACH(engine) for (const OutsideEngine *engine = engines; engine < engines + G_N_ELEMENTS(engines); engine++)

static void pieces_go_on_behind_the_last_key_and_keep_what_comes_later(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('10:00', 2, 'b'), ('10:00', 1, '王'), ('09:00', 7, ''), ('10:00', 3, NULL), "
               "('11:00', 1, 'd; --')");
    Read read = {*engine, "SELECT * FROM item -- all\n ;", by_time, 3, NULL};
    g_autofree char *position = NULL;
    gives(&read, &position, "09:00|7|;10:00|1|王;10:00|2|b;", TRUE);
    assert_string_equal(position, "t5:10:00,i1:2,");
    gives(&read, &position, "10:00|3|;11:00|1|d; --;", FALSE);
    gives(&read, &position, "", FALSE); /* an empty result moves nothing */
    sql("INSERT INTO item VALUES ('11:00', 2, 'new'), ('10:30', 9, 'late')");
    gives(&read, &position, "11:00|2|new;", FALSE);
    g_autofree char *shown = outside_position_show(position);
    assert_string_equal(shown, "11:00, 2");
  }
}

/* Integers as texts would come in the order 1, 10, 2. */
static void integers_of_expressions_are_compared_as_integers(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('', 1, 'a'), ('', 2, 'b'), ('', 10, 'c'), ('', 11, 'd')");
    Read read = {*engine, "SELECT id + 0 AS id, text FROM item", by_id, 2, NULL};
    g_autofree char *position = NULL;
    gives(&read, &position, "1|a;2|b;", TRUE);
    gives(&read, &position, "10|c;11|d;", FALSE);
  }
}

/* Its driver calls them decimals, and cuts them to 15 digits. */
static void decimals_that_are_kept_as_reals_are_refused(void **state) {
  (void)state;
  static const char *const queries[] = {"SELECT amount FROM item", "SELECT net FROM item",
                                        "SELECT sum(net) AS net FROM item"};
  FOR_EACH(engine) {
    begin("CREATE TABLE item (id INTEGER, amount DECIMAL(18, 2), net NUMERIC, cents INTEGER);"
          "INSERT INTO item VALUES (1, 90071992547409.93, 12.5, 9007199254740993)");
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++)
      says(&(Read){*engine, queries[i], NULL, 0, NULL}, NULL,
           *engine == OUTSIDE_ODBC ? "that may be rounded" : "no exact number");
    g_autofree char *position = NULL;
    gives(&(Read){*engine, "SELECT cents FROM item", NULL, 0, NULL}, &position, "9007199254740993;", FALSE);
  }
}

static void a_key_that_tells_nothing_apart_is_told_and_never_skipped(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('1', 1, 'a'), ('2', 2, 'b'), ('2', 3, 'c')");
    Read at_border = {*engine, NULL, by_at, 2, NULL}, within = {*engine, NULL, by_at, 9, NULL};
    says(&at_border, NULL, "cursor at: two rows have the same key");
    says(&within, NULL, "cursor at: two rows have the same key");
    sql("UPDATE item SET at = NULL WHERE id = 1");
    says(&within, NULL, "a row has a null there");
    Read missing = {*engine, NULL, by_none, 9, NULL};
    says(&missing, NULL, "gone");
    Read other = {*engine, NULL, by_time, 9, NULL};
    says(&other, "i1:2,", "is no key of these columns");
    says(&other, "t9999:x,i1:2,", "is no key of these columns");
    says(&other, "t1:x,i1:2", "is no key of these columns");
  }
}

static void the_newest_key_bounds_what_is_read(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('1', 1, 'a'), ('2', 2, 'b'), (NULL, 9, 'null')");
    Read read = {*engine, "SELECT * FROM item WHERE at IS NOT NULL", by_time, 9, NULL};
    OutsidePiece piece = piece_of(&read, NULL);
    g_autofree char *newest = NULL, *position = NULL, *none = NULL;
    assert_true(outside_pieces_newest(&piece, &newest, NULL));
    assert_string_equal(newest, "t1:2,i1:2,");
    sql("INSERT INTO item VALUES ('2', 1, 'late'), ('2', 3, 'young')");
    read.until = newest;
    gives(&read, &position, "1|1|a;2|1|late;2|2|b;", FALSE);
    sql("DELETE FROM item");
    assert_true(outside_pieces_newest(&piece, &none, NULL));
    assert_null(none);
  }
}

static void nulls_and_missing_indexes_are_found(void **state) {
  (void)state;
  FOR_EACH(engine) {
    gboolean found;
    begin(ROWS "INSERT INTO item VALUES ('1', 1, 'a')");
    Read read = {*engine, NULL, by_time, 9, NULL};
    OutsidePiece piece = piece_of(&read, NULL);
    assert_true(outside_pieces_nulls(&piece, &found, NULL) && !found);
    assert_true(outside_pieces_sorts(&piece, &found, NULL) && !found);
    sql("INSERT INTO item VALUES ('2', NULL, 'a')");
    assert_true(outside_pieces_nulls(&piece, &found, NULL) && found);
    read.cursor = by_id;
    piece = piece_of(&read, NULL);
    assert_true(outside_pieces_sorts(&piece, &found, NULL) && found == (*engine == OUTSIDE_SQLITE));
  }
}

static void without_a_cursor_the_result_is_one_piece(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('1', 1, 'a'), ('1', 1000000, 'b'), ('1', 2, 'b')");
    Read read = {*engine, "SELECT text, id FROM item ORDER BY rowid", NULL, 0, NULL};
    g_autofree char *position = NULL;
    gives(&read, &position, "a|1;b|1000000;b|2;", FALSE);
    assert_null(position);
  }
}

/* Nothing is changed, whatever the query is. */
static void what_is_no_select_is_refused(void **state) {
  (void)state;
  static const char *const queries[] = {"DELETE FROM item", "SELECT 1) x; DELETE FROM item; SELECT * FROM (SELECT 1",
                                        "INSERT INTO item VALUES ('2', 2, 'b') RETURNING id",
                                        "PRAGMA user_version = 3"};
  FOR_EACH(engine) {
    begin(ROWS "INSERT INTO item VALUES ('1', 1, 'a')");
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++) {
      OutsideQuery query = {.engine = *engine,
                            .database = *engine == OUTSIDE_ODBC ? connection : database,
                            .query = queries[i]};
      g_autoptr(Outside) outside = outside_open(&query, NULL);
      assert_null(outside);
      Read read = {*engine, queries[i], by_id, 5, NULL};
      says(&read, NULL, "");
    }
    Read read = {OUTSIDE_SQLITE, NULL, by_id, 5, NULL};
    g_autofree char *position = NULL;
    gives(&read, &position, "1|1|a;", FALSE);
  }
}

static void a_password_is_read_from_its_file_and_told_nowhere(void **state) {
  (void)state;
  g_autofree char *file = g_build_filename(folder, "secret", NULL);
  assert_true(g_file_set_contents(file, "hunt}er2\n", -1, NULL));
  OutsideQuery query = {.engine = OUTSIDE_ODBC, .database = "DSN=nowhere", .password_file = file, .query = "SELECT 1"};
  g_autoptr(GError) error = NULL, missing = NULL;
  g_autoptr(Outside) outside = outside_open(&query, &error);
  assert_null(outside);
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  assert_non_null(strstr(error->message, "IM002"));
  assert_null(strstr(error->message, "hunt"));
  g_unlink(file);
  g_autoptr(Outside) none = outside_open(&query, &missing);
  assert_null(none);
  assert_non_null(strstr(missing->message, file));
}

static gboolean always(gpointer user) {
  (void)user;
  return TRUE;
}

static void who_is_told_to_stop_gives_up(void **state) {
  (void)state;
  FOR_EACH(engine) {
    begin(ROWS);
    Read read = {*engine,
                 "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 999999) SELECT id FROM n",
                 by_id, 0, NULL};
    OutsidePiece piece = piece_of(&read, NULL);
    piece.query.stop = always;
    g_autoptr(GError) error = NULL;
    g_autoptr(OutsidePieces) pieces = outside_pieces_open(&piece, &error);
    g_autoptr(RecordBlock) block = record_block_new(10, (const BlockType[]){BLOCK_INTEGER}, 1);
    assert_true(!pieces || !outside_pieces_fill(pieces, block, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_go_on_behind_the_last_key_and_keep_what_comes_later),
      cmocka_unit_test(integers_of_expressions_are_compared_as_integers),
      cmocka_unit_test(decimals_that_are_kept_as_reals_are_refused),
      cmocka_unit_test(a_key_that_tells_nothing_apart_is_told_and_never_skipped),
      cmocka_unit_test(the_newest_key_bounds_what_is_read),
      cmocka_unit_test(nulls_and_missing_indexes_are_found),
      cmocka_unit_test(without_a_cursor_the_result_is_one_piece),
      cmocka_unit_test(what_is_no_select_is_refused),
      cmocka_unit_test(a_password_is_read_from_its_file_and_told_nowhere),
      cmocka_unit_test(who_is_told_to_stop_gives_up),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
