/* A piece of rows as a file: what stands in it, and what each crash leaves. */
#include "gateway/query/piece.h"
#include "tests/unit/conf/parse.h"
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <unistd.h>

typedef struct {
  char *folder, *out, *database, *book_path, *tip;
  Conf *conf;
  Layout *layout;
  Book *book;
  ConfQuery query;
  BookQuery *progress;
} World;

static char member[] = "ref";
static char *cursor[] = {member, NULL};

static void sql(const World *world, const char *text) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(world->database, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static int begin(void **state) {
  World *world = g_new0(World, 1);
  world->folder = g_dir_make_tmp("sallyport-piece-XXXXXX", NULL);
  world->out = g_build_filename(world->folder, "out", NULL);
  world->database = g_build_filename(world->folder, "core.db", NULL);
  world->book_path = g_build_filename(world->folder, "book.db", NULL);
  world->tip = g_build_filename(world->folder, "tip", NULL);
  g_mkdir(world->out, 0700);
  world->conf = build_with("gw", "gw");
  world->layout = layout_new(conf_layout(world->conf, "points"), NULL);
  world->book = book_open(world->book_path, world->tip, NULL);
  world->query = (ConfQuery){.name = (char *)(intptr_t)"q",
                             .from = CONF_QUERY_SQLITE,
                             .path = world->database,
                             .query = (char *)(intptr_t)"SELECT '2026-11-20' AS day, member, points, money, ref FROM p",
                             .cursor = cursor,
                             .rows = 2,
                             .folder = world->out,
                             .file_name = (char *)(intptr_t)"P_{sequence:3}.txt"};
  world->progress = g_new0(BookQuery, 1);
  world->progress->name = g_strdup("q");
  world->progress->cursor = g_strdup("ref");
  sql(world, "CREATE TABLE p (member TEXT, points INTEGER, money TEXT, ref TEXT);"
             "INSERT INTO p VALUES ('M1', 5, '1.5', 'a'), ('M2', -7, '-0.05', 'b'), (NULL, 3, '2', 'c')");
  *state = world;
  return world->folder && world->layout && world->book ? 0 : -1;
}

static void remove_all(const char *folder) {
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  const char *name;
  while (listing && (name = g_dir_read_name(listing))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      remove_all(path);
    g_unlink(path);
  }
  g_rmdir(folder);
}

static int end(void **state) {
  World *world = *state;
  book_close(world->book);
  layout_free(world->layout);
  conf_free(world->conf);
  book_query_free(world->progress);
  remove_all(world->folder);
  g_free(world->folder);
  g_free(world->out);
  g_free(world->database);
  g_free(world->book_path);
  g_free(world->tip);
  g_free(world);
  return 0;
}

static gboolean make(World *world, QueryMade *made, GError **error) {
  QueryReading reading = {.conf = &world->query,
                          .layout = world->layout,
                          .book = world->book,
                          .scratch = world->folder,
                          .progress = world->progress};
  return query_make_file(&reading, made, error);
}

static void is_there(const World *world, const char *name, const char *wanted) {
  g_autofree char *path = g_build_filename(world->out, name, NULL), *text = NULL;
  g_file_get_contents(path, &text, NULL, NULL);
  if (g_strcmp0(text, wanted) != 0)
    fail_msg("%s has:\n%s\ninstead of:\n%s", name, text, wanted);
}

static void fails(World *world, const char *wanted) {
  QueryMade made;
  g_autoptr(GError) error = NULL;
  assert_false(make(world, &made, &error));
  if (!strstr(error->message, wanted))
    fail_msg("%s", error->message);
}

#define ONE "H|2026-11-20\nD|M1|5|1.50|a\nD|M2|-7|-0.05|b\nT|2|-2\n"
#define TWO "H|2026-11-20\nD||3|2.00|c\nT|1|3\n"

static void files_have_the_layouts_header_and_totals_and_follow_each_other(void **state) {
  World *world = *state;
  QueryMade made;
  assert_true(make(world, &made, NULL) && made.is_file && made.more);
  is_there(world, "P_001.txt", ONE);
  assert_true(make(world, &made, NULL) && made.is_file && !made.more);
  is_there(world, "P_002.txt", TWO);
  assert_true(make(world, &made, NULL) && !made.is_file);
  guint waiting;
  assert_true(query_count_waiting(&world->query, &waiting, NULL) && waiting == 2);
  g_autoptr(BookReader) reader = book_reader_open(world->book_path, NULL);
  g_autoptr(GPtrArray) rows = book_queries(reader, NULL, NULL);
  assert_int_equal(rows->len, 1);
  const BookQuery *row = rows->pdata[0];
  assert_string_equal(row->position, "t1:c,");
  assert_true(row->sequence == 2 && row->records == 3 && strcmp(row->file, "P_002.txt") == 0);
}

/* As the head of piece.c argues. */
static void each_crash_leaves_every_row_in_one_file(void **state) {
  World *world = *state;
  QueryMade made;
  g_autofree char *final = g_build_filename(world->out, "P_001.txt", NULL), *part = g_strconcat(final, ".part", NULL);
  g_autofree char *next = g_build_filename(world->out, "P_002.txt.part", NULL);
  assert_true(g_file_set_contents(part, "half of an earli", -1, NULL)); /* before the change */
  assert_true(make(world, &made, NULL));
  is_there(world, "P_001.txt", ONE);
  assert_int_equal(g_rename(final, part), 0); /* behind the change */
  assert_true(g_file_set_contents(next, "and one that was begun", -1, NULL));
  assert_true(make(world, &made, NULL) && made.is_file);
  is_there(world, "P_001.txt", ONE);
  is_there(world, "P_002.txt", TWO);
  assert_int_equal(g_unlink(final), 0); /* taken: it does not come again */
  assert_true(make(world, &made, NULL) && !made.is_file);
  assert_false(g_file_test(final, G_FILE_TEST_EXISTS));
}

static void nothing_of_anothers_is_replaced_and_a_changed_cursor_is_told(void **state) {
  World *world = *state;
  QueryMade made;
  g_autofree char *theirs = g_build_filename(world->out, "P_001.txt", NULL);
  assert_true(g_file_set_contents(theirs, "theirs", -1, NULL));
  fails(world, "is there already, and is not ours");
  is_there(world, "P_001.txt", "theirs");
  assert_int_equal(g_unlink(theirs), 0);
  assert_true(make(world, &made, NULL));
  is_there(world, "P_001.txt", ONE);
  is_there(world, "P_002.txt", TWO);
  static char points[] = "points";
  static char *other[] = {points, NULL};
  world->query.cursor = other;
  fails(world, "read up to a key of (ref), and its cursor is (points) now");
}

static void what_the_layout_cannot_express_is_told_and_makes_no_file(void **state) {
  World *world = *state;
  sql(world, "UPDATE p SET member = 'M|2' WHERE ref = 'b'");
  fails(world, "row 2 of the query, field member of layout \"points\": a text with the delimiter");
  sql(world, "UPDATE p SET member = 'M2', money = '1.505' WHERE ref = 'b'");
  fails(world, "row 2 of the query, field money of layout \"points\": not a number of its scale");
  world->query.query = (char *)(intptr_t)"SELECT '20.11.2026' AS day, member, points, '1' AS money, ref FROM p";
  fails(world, "field day of layout \"points\": not a date or time");
  world->query.query = (char *)(intptr_t)"SELECT ref AS day, member, points, '1' AS money, ref FROM p";
  fails(world, "field day of layout \"points\": it stands once in a file, and differs between its rows");
  world->query.query = (char *)(intptr_t)"SELECT '2026-11-20' AS day, points, '1' AS money, ref FROM p";
  fails(world, "has a field member, and the query gives no column of that name");
  assert_null(world->progress->position);
}

static void a_whole_result_makes_a_file_only_when_it_has_changed(void **state) {
  World *world = *state;
  QueryMade made;
  world->query.cursor = NULL;
  g_free(world->progress->cursor);
  world->progress->cursor = g_strdup("");
  assert_true(make(world, &made, NULL) && made.is_file && made.records == 3);
  assert_true(make(world, &made, NULL) && !made.is_file);
  sql(world, "UPDATE p SET points = 6 WHERE ref = 'a'");
  assert_true(make(world, &made, NULL) && made.is_file);
  sql(world, "DELETE FROM p");
  assert_true(make(world, &made, NULL) && !made.is_file);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      TEST(files_have_the_layouts_header_and_totals_and_follow_each_other),
      TEST(each_crash_leaves_every_row_in_one_file),
      TEST(nothing_of_anothers_is_replaced_and_a_changed_cursor_is_told),
      TEST(what_the_layout_cannot_express_is_told_and_makes_no_file),
      TEST(a_whole_result_makes_a_file_only_when_it_has_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
