#include "store/db/db.h"
#include "store/staging.h"
#include "tests/unit/folder.h"
#include "tests/unit/store/staging/block_fixture.h"
#include "tests/unit/store/small_disk.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const StagingColumn columns[RANDOM_COLUMNS] = {
    {"fixed", BLOCK_TEXT, 0},  {"short", BLOCK_TEXT, 0},    {"middle", BLOCK_TEXT, 0},   {"long", BLOCK_TEXT, 0},
    {"absent", BLOCK_TEXT, 0}, {"small", BLOCK_INTEGER, 0}, {"large", BLOCK_INTEGER, 2}, {"extreme", BLOCK_INTEGER, 4}};

typedef struct {
  char *folder, *path;
} Place;

static int make_place(void **state) {
  Place *place = g_new0(Place, 1);
  place->folder = g_dir_make_tmp("sallyport-staging-XXXXXX", NULL);
  place->path = g_build_filename(place->folder, "42.staging", NULL);
  *state = place;
  return 0;
}

static int remove_place(void **state) {
  Place *place = *state;
  int rc = folder_remove(place->folder);
  g_free(place->folder);
  g_free(place->path);
  g_free(place);
  return rc;
}

static Staging *create(const char *path) {
  GError *error = NULL;
  Staging *staging = staging_create(path, columns, RANDOM_COLUMNS, &error);
  if (!staging)
    fail_msg("staging_create: %s", error->message);
  return staging;
}

/* Stages these blocks and leaves the file complete. */
static void stage(const char *path, GPtrArray *blocks) {
  GError *error = NULL;
  Staging *staging = create(path);
  for (guint i = 0; i < blocks->len; i++)
    if (!staging_append(staging, blocks->pdata[i], &error))
      fail_msg("staging_append: %s", error->message);
  assert_true(staging_set(staging, "header.business_date", "2026-11-20", &error));
  assert_true(staging_set(staging, "lines", "1", &error));
  assert_true(staging_set(staging, "lines", "2", &error));
  if (!staging_complete(staging, &error))
    fail_msg("staging_complete: %s", error->message);
}

static guint files_in(const char *folder) {
  guint n = 0;
  GDir *dir = g_dir_open(folder, 0, NULL);
  while (g_dir_read_name(dir))
    n++;
  g_dir_close(dir);
  return n;
}

static void free_block(gpointer block) {
  record_block_free(block);
}

static void what_was_staged_is_read_by_any_range(void **state) {
  const Place *place = *state;
  GError *error = NULL;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  guint64 line = 1, total = 0;
  static const guint counts[] = {1, 3000, 0, 2048, 4097, 17};
  for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
    g_ptr_array_add(blocks, random_block(counts[i], line, i % 2));
    line += counts[i] * 5;
    total += counts[i];
  }
  stage(place->path, blocks);
  StagingReader *reader = staging_reader_open(place->path, &error);
  assert_non_null(reader);
  assert_int_equal(staging_count(reader), total);
  g_autoptr(RecordBlock) all = staging_block_new(reader, (guint)total), part = staging_block_new(reader, 2500);
  assert_true(staging_read(reader, 1, (guint)total, all, &error));
  assert_int_equal(all->count, total);
  guint64 ordinal = 1;
  for (guint i = 0; i < blocks->len; i++) {
    const RecordBlock *block = blocks->pdata[i];
    assert_int_equal(block->first, ordinal);
    for (guint j = 0; j < block->count; j++, ordinal++) {
      assert_same_record(block, j, all, (guint)(ordinal - 1));
      assert_same_fault(block, j, all, (guint)(ordinal - 1));
    }
  }
  for (guint round = 0; round < 100; round++) {
    guint64 first = 1 + block_random((guint)total);
    guint count = block_random(2501);
    assert_true(staging_read(reader, first, count, part, &error));
    assert_int_equal(part->first, first);
    assert_int_equal(part->count, MIN((guint64)count, total - first + 1));
    for (guint i = 0; i < part->count; i += 1 + block_random(100)) {
      assert_same_record(part, i, all, (guint)first - 1 + i);
      assert_same_fault(part, i, all, (guint)first - 1 + i);
    }
  }
  assert_true(staging_read(reader, total + 1, 10, part, &error));
  assert_int_equal(part->count, 0);
  staging_reader_close(reader);
  assert_int_equal(files_in(place->folder), 1);
}

static void columns_and_facts_are_kept(void **state) {
  const Place *place = *state;
  GError *error = NULL;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  stage(place->path, blocks);
  StagingReader *reader = staging_reader_open(place->path, &error);
  guint n;
  const StagingColumn *stored = staging_columns(reader, &n);
  assert_int_equal(n, RANDOM_COLUMNS);
  for (guint i = 0; i < n; i++) {
    assert_string_equal(stored[i].name, columns[i].name);
    assert_int_equal(stored[i].type, columns[i].type);
    assert_int_equal(stored[i].scale, columns[i].scale);
  }
  g_autofree char *date = staging_get(reader, "header.business_date"), *lines = staging_get(reader, "lines");
  assert_string_equal(date, "2026-11-20");
  assert_string_equal(lines, "2");
  assert_null(staging_get(reader, "trailer.count"));
  assert_int_equal(staging_count(reader), 0);
  staging_reader_close(reader);
}

static void only_its_owner_can_read_it(void **state) {
  const Place *place = *state;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  mode_t before = umask(0);
  stage(place->path, blocks);
  umask(before);
  struct stat status;
  assert_int_equal(stat(place->path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_file_that_was_not_completed_is_not_opened(void **state) {
  const Place *place = *state;
  g_autoptr(GError) error = NULL;
  assert_null(staging_reader_open(place->path, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  g_clear_error(&error);
  pid_t child = fork();
  if (child == 0) {
    g_autoptr(RecordBlock) block = random_block(2000, 1, FALSE);
    Staging *staging = create(place->path);
    for (int i = 0; i < 10; i++)
      if (!staging_append(staging, block, NULL))
        _exit(1);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
  assert_null(staging_reader_open(place->path, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  assert_true(files_in(place->folder) > 0);
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  stage(place->path, blocks);
  assert_int_equal(files_in(place->folder), 1);
}

static void discarding_and_removing_leave_nothing(void **state) {
  const Place *place = *state;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  staging_discard(create(place->path));
  assert_int_equal(files_in(place->folder), 0);
  stage(place->path, blocks);
  staging_remove(place->path);
  assert_int_equal(files_in(place->folder), 0);
}

static void damage_is_told_as_such_and_never_read(void **state) {
  const Place *place = *state;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(free_block);
  g_ptr_array_add(blocks, random_block(3000, 1, TRUE));
  stage(place->path, blocks);
  static const char *const damages[] = {
      "UPDATE block SET records = substr(records, 1, length(records) / 2) WHERE first = 1",
      "UPDATE block SET records = zeroblob(length(records)) WHERE first = 1",
      "UPDATE block SET records = 'text' WHERE first = 2049",
      "UPDATE block SET records = (SELECT records FROM block WHERE first = 1) WHERE first = 2049",
      "UPDATE block SET count = count + 1 WHERE first = 1",
      "DELETE FROM block WHERE first = 1"};
  for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = g_strdup_printf("%s-%u", place->path, i);
    g_autofree char *command = g_strdup_printf("cp '%s' '%s'", place->path, copy);
    assert_int_equal(system(command), 0);
    Db *db = db_open(&(DbOptions){.path = copy, .use = DB_SCRATCH}, &error);
    assert_true(db_run(db, damages[i], &error));
    db_close(db);
    StagingReader *reader = staging_reader_open(copy, &error);
    assert_non_null(reader);
    g_autoptr(RecordBlock) block = staging_block_new(reader, 3001);
    assert_false(staging_read(reader, 1, 3000, block, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
    staging_reader_close(reader);
  }
}

static void a_file_that_is_no_staging_is_damage(void **state) {
  const Place *place = *state;
  static const char *const contents[] = {
      "", "this is not a database, however long it goes on and on and on and on and on and on and on and on and on"};
  for (guint i = 0; i < G_N_ELEMENTS(contents); i++) {
    g_autoptr(GError) error = NULL;
    assert_true(g_file_set_contents(place->path, contents[i], -1, NULL));
    assert_null(staging_reader_open(place->path, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
  }
}

static int stage_too_much(const char *folder) {
  GError *error = NULL;
  g_autofree char *path = g_build_filename(folder, "43.staging", NULL);
  g_autoptr(RecordBlock) block = random_block(2000, 1, FALSE);
  Staging *staging = staging_create(path, columns, RANDOM_COLUMNS, &error);
  gboolean ok = staging != NULL;
  for (guint i = 0; ok && i < 50; i++)
    ok = staging_append(staging, block, &error);
  if (ok || sallyport_error_code(error) != SALLYPORT_ERROR_AGAIN)
    return 1;
  if (staging_append(staging, block, NULL) || staging_complete(staging, NULL))
    return 2;
  return files_in(folder) == 0 ? 0 : 3;
}

static void a_full_disk_is_tried_again_later(void **state) {
  const Place *place = *state;
  on_a_small_disk(place->folder, "512k", stage_too_much);
}

#define with_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
  const struct CMUnitTest tests[] = {
      with_place(what_was_staged_is_read_by_any_range),
      with_place(columns_and_facts_are_kept),
      with_place(only_its_owner_can_read_it),
      with_place(a_file_that_was_not_completed_is_not_opened),
      with_place(discarding_and_removing_leave_nothing),
      with_place(damage_is_told_as_such_and_never_read),
      with_place(a_file_that_is_no_staging_is_damage),
      with_place(a_full_disk_is_tried_again_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
