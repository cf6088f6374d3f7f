/* Reference tables: loads, versions, what is found against a load, and what is read. */
#include "store/reference/reference_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#define SHAPE "{}"
static char *folder, *scratch;

typedef struct {
  const char *key;
  gint64 start, finish;
  const char *content; /* NULL: it is taken away */
} Line;
#define LINES(...) (const Line[]){__VA_ARGS__, {0}}
static const Line no_lines[] = {{0}};

static int make_folder(void **state) {
  (void)state;
  folder = g_dir_make_tmp("sallyport-reference-XXXXXX", NULL);
  scratch = g_build_filename(folder, "beside.db", NULL);
  return folder ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  const char *name;
  while (listing && (name = g_dir_read_name(listing))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
  g_free(folder);
  g_free(scratch);
  return 0;
}

static ReferenceLoad *load_of(ReferenceKind kind, const Line *lines) {
  GError *error = NULL;
  ReferenceLoadOptions options = {.folder = folder, .name = "rates", .scratch = scratch, .kind = kind};
  ReferenceLoad *load = reference_load_new(&options, &error);
  assert_non_null(load);
  for (guint i = 0; lines[i].key; i++) {
    ReferenceRow row = {.key = lines[i].key,
                        .start = lines[i].start,
                        .finish = lines[i].finish ? lines[i].finish : REFERENCE_FOR_EVER,
                        .content = lines[i].content,
                        .line = i + 1};
    assert_true(reference_load_add(load, &row, &error));
  }
  return load;
}

static gint64 commit(ReferenceKind kind, const char *file, const Line *lines, ReferenceFindings *findings) {
  GError *error = NULL;
  gint64 number = 0;
  ReferenceFindings own;
  g_autoptr(ReferenceLoad) load = load_of(kind, lines);
  ReferenceFacts facts = {.sequence = 7, .file = file, .shape = SHAPE};
  if (!reference_load_commit(load, &facts, findings ? findings : &own, &number, &error))
    fail_msg("%s", error->message);
  return number;
}

static ReferenceFindings compare(ReferenceKind kind, const Line *lines) {
  GError *error = NULL;
  ReferenceFindings findings;
  g_autoptr(ReferenceLoad) load = load_of(kind, lines);
  assert_true(reference_load_compare(load, &findings, &error));
  return findings;
}

static ReferenceReader *reader_open(void) {
  GError *error = NULL;
  ReferenceReader *reader = reference_reader_open(folder, "rates", &error);
  assert_null(error);
  assert_non_null(reader);
  return reader;
}

/* "-": none */
static char *found(gint64 version, const char *key, gint64 at) {
  g_autoptr(ReferenceReader) reader = reader_open();
  ReferenceRow row;
  gboolean is = FALSE;
  assert_true(reference_find(reader, version, key, at, &row, &is, NULL));
  return g_strdup(is ? row.content : "-");
}

static void expect_found(gint64 version, const char *key, gint64 at, const char *content) {
  g_autofree char *is = found(version, key, at);
  if (strcmp(is, content) != 0)
    fail_msg("version %" G_GINT64_FORMAT ", %s at %" G_GINT64_FORMAT ": %s, not %s", version, key, at, is, content);
}

static gboolean tell(gpointer user, const ReferenceRow *row, gboolean comes) {
  g_string_append_printf(user, "%c%s:%" G_GINT64_FORMAT "=%s ", comes ? '+' : '-', row->key, row->start, row->content);
  return TRUE;
}

static void expect_difference(gint64 from, gint64 to, const char *text) {
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(GString) is = g_string_new(NULL);
  assert_true(reference_visit_difference(reader, from, to, tell, is, NULL));
  assert_string_equal(is->str, text);
}

static void a_row_is_valid_from_its_start_to_before_its_end(void **state) {
  (void)state;
  assert_int_equal(commit(REFERENCE_FULL, "f1", LINES({"a", 10, 20, "old"}, {"a", 20, 0, "new"}), NULL), 1);
  expect_found(1, "a", 9, "-");
  expect_found(1, "a", 10, "old");
  expect_found(1, "a", 19, "old");
  expect_found(1, "a", 20, "new");
  expect_found(1, "a", G_MAXINT64 - 1, "new");
  expect_found(1, "b", 10, "-");
}

static void a_full_load_is_the_whole_next_version_and_leaves_earlier_ones_as_they_were(void **state) {
  (void)state;
  ReferenceFindings findings;
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "1"}, {"b", 0, 0, "2"}, {"c", 0, 0, "3"}), NULL);
  const Line *second = LINES({"d", 0, 0, "4"}, {"a", 0, 0, "1"}, {"b", 0, 0, "20"});
  assert_int_equal(commit(REFERENCE_FULL, "f2", second, &findings), 2);
  assert_int_equal(findings.before, 3);
  assert_int_equal(findings.rows, 3);
  assert_int_equal(findings.added, 1);
  assert_int_equal(findings.changed, 1);
  assert_int_equal(findings.removed, 1);
  expect_found(1, "b", 5, "2");
  expect_found(1, "c", 5, "3");
  expect_found(1, "d", 5, "-");
  expect_found(2, "b", 5, "20");
  expect_found(2, "c", 5, "-");
  expect_found(2, "a", 5, "1");
  expect_difference(1, 2, "-b:0=2 +b:0=20 -c:0=3 +d:0=4 ");
  expect_difference(2, 1, "-b:0=20 +b:0=2 +c:0=3 -d:0=4 ");
}

static void a_delta_puts_changes_and_takes_away_by_key_and_start(void **state) {
  (void)state;
  ReferenceFindings findings;
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 10, "1"}, {"b", 0, 0, "2"}, {"c", 0, 0, "3"}), NULL);
  commit(REFERENCE_DELTA, "f2", LINES({"a", 10, 0, "1b"}, {"b", 0, 9, "2b"}, {"c", 0, 0, NULL}, {"e", 3, 4, "5"}),
         &findings);
  assert_int_equal(findings.rows, 4);
  assert_int_equal(findings.added, 2);
  assert_int_equal(findings.changed, 1);
  assert_int_equal(findings.removed, 1);
  expect_found(2, "a", 9, "1");
  expect_found(2, "a", 10, "1b");
  expect_found(2, "b", 8, "2b");
  expect_found(2, "b", 9, "-");
  expect_found(2, "c", 0, "-");
  expect_found(2, "e", 3, "5");
  expect_found(1, "c", 0, "3");
}

typedef struct {
  ReferenceKind kind;
  const Line *lines;
  ReferenceFault fault;
  guint64 line, other_line;
  gint64 other_origin;
} Fault;

static void what_does_not_fit_is_told_with_both_lines(void **state) {
  (void)state;
  const Fault faults[] = {
      {REFERENCE_FULL, LINES({"a", 10, 20, "x"}, {"b", 0, 0, "y"}, {"a", 19, 30, "z"}), REFERENCE_OVERLAP, 1, 3, 0},
      {REFERENCE_FULL, LINES({"a", 10, 20, "x"}, {"a", 10, 20, "x"}), REFERENCE_OVERLAP, 1, 2, 0},
      {REFERENCE_FULL, LINES({"a", 10, 20, "x"}, {"a", 20, 30, "x"}), REFERENCE_FINE, 0, 0, 0},
      {REFERENCE_DELTA, LINES({"k", 0, 0, "n"}, {"m", 5, 15, "n"}), REFERENCE_OVERLAP, 2, 2, 1},
      {REFERENCE_DELTA, LINES({"m", 15, 25, "n"}), REFERENCE_OVERLAP, 1, 2, 1},
      {REFERENCE_DELTA, LINES({"m", 10, 0, NULL}, {"m", 5, 15, "n"}), REFERENCE_FINE, 0, 0, 0},
      {REFERENCE_DELTA, LINES({"m", 11, 0, NULL}), REFERENCE_NOTHING, 1, 0, 0},
      {REFERENCE_DELTA, LINES({"m", 10, 0, NULL}, {"m", 10, 20, "n"}), REFERENCE_OVERLAP, 1, 2, 0},
  };
  commit(REFERENCE_FULL, "f1", LINES({"l", 0, 0, "1"}, {"m", 10, 20, "2"}), NULL);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    ReferenceFindings is = compare(faults[i].kind, faults[i].lines);
    if (is.fault != faults[i].fault || is.line != faults[i].line || is.other_line != faults[i].other_line ||
        is.other_origin != faults[i].other_origin)
      fail_msg("case %u: fault %d, lines %u and %u of %d", i, is.fault, (guint)is.line, (guint)is.other_line,
               (int)is.other_origin);
  }
}

/* Changes that a query reads by a cursor: all rows at first, and a row may be gone before anybody saw it. */
static void a_delta_may_begin_a_table_and_miss_what_it_takes_away(void **state) {
  (void)state;
  GError *error = NULL;
  ReferenceFindings findings;
  gint64 number = 0;
  ReferenceLoadOptions options = {folder, "rates", scratch, REFERENCE_DELTA, TRUE};
  g_autoptr(ReferenceLoad) load = reference_load_new(&options, &error);
  const ReferenceRow rows[] = {{.key = "a", .finish = 9, .content = "1", .line = 1},
                               {.key = "b", .finish = REFERENCE_FOR_EVER, .line = 2}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    assert_true(reference_load_add(load, &rows[i], &error));
  assert_true(reference_load_commit(load, &(ReferenceFacts){.shape = SHAPE}, &findings, &number, &error));
  assert_int_equal(findings.fault, REFERENCE_FINE);
  assert_int_equal(findings.rows, 1);
  assert_int_equal(findings.removed, 0);
  expect_found(1, "a", 8, "1");
  expect_found(1, "b", 8, "-");
}

static void a_load_with_a_fault_changes_nothing(void **state) {
  (void)state;
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "1"}), NULL);
  g_autoptr(ReferenceLoad) load = load_of(REFERENCE_FULL, LINES({"a", 0, 10, "x"}, {"a", 5, 0, "y"}));
  g_autoptr(GError) error = NULL;
  ReferenceFindings findings;
  gint64 number = 0;
  ReferenceFacts facts = {.file = "f2", .shape = SHAPE};
  assert_false(reference_load_commit(load, &facts, &findings, &number, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(ReferenceVersion) version = NULL;
  assert_true(reference_version(reader, 0, &version, NULL));
  assert_int_equal(version->number, 1);
  assert_int_equal(version->rows, 1);
}

static void gaps_are_counted_in_full_loads_and_deltas(void **state) {
  (void)state;
  ReferenceFindings findings = compare(REFERENCE_FULL, LINES({"a", 0, 10, "1"}, {"a", 11, 20, "2"}, {"b", 0, 0, "3"}));
  assert_int_equal(findings.gaps, 1);
  assert_int_equal(findings.gap_line, 2);
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 10, "1"}, {"a", 11, 20, "2"}), NULL);
  findings = compare(REFERENCE_DELTA, LINES({"a", 10, 11, "between"}));
  assert_int_equal(findings.gaps, 0);
  findings = compare(REFERENCE_DELTA, LINES({"a", 25, 0, "later"}));
  assert_int_equal(findings.gaps, 2);
  assert_int_equal(findings.gap_line, 1);
}

static void a_file_makes_one_version_however_often_it_is_committed(void **state) {
  (void)state;
  assert_int_equal(commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "1"}), NULL), 1);
  assert_int_equal(commit(REFERENCE_FULL, "f2", LINES({"a", 0, 0, "2"}), NULL), 2);
  assert_int_equal(commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "3"}), NULL), 1);
  expect_found(2, "a", 0, "2");
}

static void a_reader_in_the_midst_of_a_table_goes_on_in_its_version(void **state) {
  (void)state;
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "1"}, {"b", 0, 0, "2"}), NULL);
  g_autoptr(ReferenceReader) reader = reader_open();
  ReferenceRow row;
  gboolean is = FALSE;
  assert_true(reference_find(reader, 1, "a", 0, &row, &is, NULL) && is);
  commit(REFERENCE_FULL, "f2", no_lines, NULL);
  assert_true(reference_find(reader, 1, "b", 0, &row, &is, NULL) && is);
  assert_string_equal(row.content, "2");
  assert_true(reference_row(reader, row.id, &row, &is, NULL) && is);
  assert_string_equal(row.content, "2");
  expect_found(2, "b", 0, "-");
}

static void a_rollback_is_a_new_version_with_the_rows_of_an_earlier_one(void **state) {
  (void)state;
  GError *error = NULL;
  gint64 number = 0;
  commit(REFERENCE_FULL, "f1", LINES({"a", 0, 0, "1"}, {"b", 0, 0, "2"}), NULL);
  commit(REFERENCE_FULL, "f2", LINES({"a", 0, 0, "1"}, {"c", 0, 0, "3"}), NULL);
  ReferenceRollback rollback = {folder, "rates", scratch, 1, "somebody"};
  assert_true(reference_roll_back(&rollback, &number, &error));
  assert_int_equal(number, 3);
  expect_difference(1, 3, "");
  expect_difference(2, 3, "+b:0=2 -c:0=3 ");
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(ReferenceVersion) version = NULL;
  assert_true(reference_version(reader, 3, &version, NULL));
  assert_int_equal(version->kind, REFERENCE_ROLLBACK);
  assert_int_equal(version->back_to, 1);
  assert_int_equal(version->sequence, REFERENCE_NO_SEQUENCE);
  assert_string_equal(version->made_by, "somebody");
  rollback.to = 9;
  assert_false(reference_roll_back(&rollback, &number, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  g_clear_error(&error);
}

static void versions_beyond_those_that_are_kept_lose_what_no_newer_one_has(void **state) {
  (void)state;
  for (gint64 i = 1; i <= 4; i++) {
    g_autofree char *file = g_strdup_printf("f%d", (int)i), *content = g_strdup_printf("%d", (int)i);
    g_autoptr(ReferenceLoad) load = load_of(REFERENCE_FULL, LINES({"a", 0, 0, content}, {"b", 0, 0, "same"}));
    ReferenceFindings findings;
    gint64 number = 0;
    ReferenceFacts facts = {.file = file, .shape = SHAPE, .keep_versions = 2};
    assert_true(reference_load_commit(load, &facts, &findings, &number, NULL));
  }
  expect_found(3, "a", 0, "3");
  expect_found(4, "b", 0, "same");
  expect_found(2, "a", 0, "-");
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(GPtrArray) versions = reference_versions(reader, 0, NULL);
  assert_int_equal(versions->len, 4);
  assert_true(((ReferenceVersion *)versions->pdata[1])->kept);
  assert_false(((ReferenceVersion *)versions->pdata[2])->kept);
}

static guint64 rows_on_disk(void) {
  g_autoptr(ReferenceReader) reader = reader_open();
  guint64 n = 0;
  ReferenceRow row;
  gboolean is = TRUE;
  for (gint64 id = 1; id < 20; id++) {
    assert_true(reference_row(reader, id, &row, &is, NULL));
    n += is ? 1 : 0;
  }
  return n;
}

/* Rows of version 2 alone go; those that 1, 3 or 6 has stay, in whichever order they become too old. */
static void a_version_that_is_named_or_in_hand_is_kept_however_old_it_is(void **state) {
  (void)state;
  g_autoptr(GArray) named = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_array_append_vals(named, (const gint64[]){1, 3}, 2);
  for (gint64 i = 1; i <= 6; i++) {
    g_autofree char *content = g_strdup_printf("%d", (int)i);
    const char *other = i < 4 ? "x" : "y";
    g_autoptr(ReferenceLoad) load = load_of(REFERENCE_FULL, LINES({"a", 0, 0, content}, {"b", 0, 0, other}));
    ReferenceFindings findings;
    gint64 number = 0;
    ReferenceFacts facts = {
        .shape = SHAPE, .keep_versions = 2, .named = named, .in_hand = i < 6 ? G_USEC_PER_SEC * 3600LL : 0};
    assert_true(reference_load_commit(load, &facts, &findings, &number, NULL));
    assert_int_equal(rows_on_disk(), i < 4 ? i + 1 : i < 6 ? i + 2 : 6); /* of six, 2 and 4 are gone */
  }
  expect_found(1, "a", 0, "1");
  expect_found(3, "b", 0, "x");
  expect_found(2, "a", 0, "-");
  expect_found(4, "a", 0, "-");
  expect_difference(1, 3, "-a:0=1 +a:0=3 ");
  g_autoptr(GString) kept = g_string_new(NULL);
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(GPtrArray) versions = reference_versions(reader, 0, NULL);
  for (guint i = versions->len; i-- > 0;)
    g_string_append_c(kept, ((ReferenceVersion *)versions->pdata[i])->kept ? 'k' : '-');
  assert_string_equal(kept->str, "k-k-kk");
}

/* What is the same rows has the same digest, whichever way it came. */
static void equal_rows_have_equal_digests(void **state) {
  (void)state;
  commit(REFERENCE_FULL, "a", LINES({"a", 0, 10, "1"}, {"b", 0, 0, "2"}), NULL);
  commit(REFERENCE_DELTA, "b", LINES({"b", 0, 0, "3"}), NULL);
  commit(REFERENCE_DELTA, "c", LINES({"b", 0, 0, "2"}), NULL);
  commit(REFERENCE_FULL, "d", LINES({"a", 0, 11, "1"}, {"b", 0, 0, "2"}), NULL);
  GError *error = NULL;
  gint64 number = 0;
  assert_true(reference_roll_back(&(ReferenceRollback){folder, "rates", scratch, 1, "ann"}, &number, &error));
  g_autoptr(ReferenceReader) reader = reader_open();
  g_autoptr(GPtrArray) versions = reference_versions(reader, 0, NULL);
  const char *digests[6];
  for (guint i = 0; i < 5; i++)
    digests[i + 1] = ((ReferenceVersion *)versions->pdata[4 - i])->digest;
  assert_int_equal(strlen(digests[1]), 64);
  assert_string_equal(digests[1], digests[3]);
  assert_string_equal(digests[1], digests[5]);
  assert_string_not_equal(digests[1], digests[2]);
  assert_string_not_equal(digests[1], digests[4]);
}

/* As a build before schema 2 has left it: read as it is, and brought up to date by the next load. */
static void a_table_of_schema_1_is_read_and_goes_on(void **state) {
  (void)state;
  commit(REFERENCE_FULL, "a", LINES({"a", 0, 10, "1"}, {"a", 20, 0, "2"}), NULL);
  g_autofree char *path = reference_path(folder, "rates");
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, NULL);
  assert_true(db_run(db, "ALTER TABLE reference_version DROP COLUMN digest;"
                         "ALTER TABLE reference_version DROP COLUMN gap_line; PRAGMA user_version = 1", NULL));
  db_close(db);
  for (guint i = 0; i < 2; i++) {
    g_autoptr(ReferenceReader) reader = reader_open();
    g_autoptr(ReferenceVersion) version = NULL;
    assert_true(reference_version(reader, 1, &version, NULL));
    assert_int_equal(version->rows, 2);
    assert_null(version->digest);
    expect_found(1, "a", 0, "1");
    assert_int_equal(commit(REFERENCE_DELTA, "b", LINES({"a", 20, 30, "2"}), NULL), 2);
  }
}

static void a_table_that_was_never_loaded_has_no_reader(void **state) {
  (void)state;
  GError *error = NULL;
  assert_null(reference_reader_open(folder, "rates", &error));
  assert_null(error);
}

static void too_many_rows_of_one_key_are_refused(void **state) {
  (void)state;
  g_autofree Line *lines = g_new0(Line, REFERENCE_KEY_ROWS + 3);
  for (gint64 i = 0; i < REFERENCE_KEY_ROWS + 2; i++)
    lines[i] = (Line){"a", i, i + 1, "x"};
  assert_int_equal(compare(REFERENCE_FULL, lines).fault, REFERENCE_CROWDED);
  lines[REFERENCE_KEY_ROWS].key = NULL;
  assert_int_equal(compare(REFERENCE_FULL, lines).fault, REFERENCE_FINE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_row_is_valid_from_its_start_to_before_its_end),
      TEST(a_full_load_is_the_whole_next_version_and_leaves_earlier_ones_as_they_were),
      TEST(a_delta_puts_changes_and_takes_away_by_key_and_start),
      TEST(what_does_not_fit_is_told_with_both_lines),
      TEST(a_delta_may_begin_a_table_and_miss_what_it_takes_away),
      TEST(a_load_with_a_fault_changes_nothing),
      TEST(gaps_are_counted_in_full_loads_and_deltas),
      TEST(a_file_makes_one_version_however_often_it_is_committed),
      TEST(a_reader_in_the_midst_of_a_table_goes_on_in_its_version),
      TEST(a_rollback_is_a_new_version_with_the_rows_of_an_earlier_one),
      TEST(versions_beyond_those_that_are_kept_lose_what_no_newer_one_has),
      TEST(a_version_that_is_named_or_in_hand_is_kept_however_old_it_is),
      TEST(equal_rows_have_equal_digests),
      TEST(a_table_of_schema_1_is_read_and_goes_on),
      TEST(a_table_that_was_never_loaded_has_no_reader),
      TEST(too_many_rows_of_one_key_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
