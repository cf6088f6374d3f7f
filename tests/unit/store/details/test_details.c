/* The store of details: admissions whole or not at all, keys once, counters, runs, and what verify finds. */
#include "store/db/db.h"
#include "store/details.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

static char *folder, *shape;

static int make_folder(void **state) {
  (void)state;
  static const StagingColumn columns[] = {{"serial", BLOCK_TEXT, 0}, {"seconds", BLOCK_INTEGER, 2}};
  folder = g_dir_make_tmp("sallyport-details-XXXXXX", NULL);
  shape = details_shape(columns, G_N_ELEMENTS(columns));
  return folder ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  for (const char *name; listing && (name = g_dir_read_name(listing));) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
  g_free(folder);
  g_free(shape);
  return 0;
}

static Details *open_details(guint shards) {
  GError *error = NULL;
  Details *details = details_open(&(DetailsOptions){folder, "music", shards}, &error);
  if (!details)
    fail_msg("%s", error->message);
  return details;
}

static void expect_opening_fails(guint shards, int code, const char *why) {
  GError *error = NULL;
  assert_null(details_open(&(DetailsOptions){folder, "music", shards}, &error));
  assert_int_equal(error->code, code);
  assert_non_null(strstr(error->message, why));
  g_error_free(error);
}

static void put_text(RecordBlock *block, guint column, const char *text) {
  record_block_put_text(block, column, text, strlen(text));
}

/* One unit of use each, for 0.03. */
static void add_detail(RecordBlock *block, const char *key, const char *account) {
  record_block_begin(block, block->count + 1);
  put_text(block, DETAIL_KEY, key);
  put_text(block, DETAIL_ACCOUNT, account);
  put_text(block, DETAIL_PERIOD, "2026-11");
  put_text(block, DETAIL_COLUMNS, key);
  record_block_put_integer(block, DETAIL_STATUS, DETAIL_RATED);
  record_block_put_integer(block, DETAIL_BILLED, 1);
  record_block_put_integer(block, DETAIL_AMOUNT, 3);
  record_block_put_integer(block, DETAIL_COLUMNS + 1, 7);
  record_block_end(block);
}

static void put(Details *details, guint shard, const RecordBlock *block, const char *file) {
  g_autoptr(GString) name = g_string_new(NULL);
  for (guint i = 0; i < block->count; i++) {
    gsize length;
    const char *account = record_block_text(block, DETAIL_ACCOUNT, i, &length);
    details_counter_name(name, "2026-11", 7, account, length);
    ++*details_counter(details, shard, name->str, name->len, NULL);
  }
  DetailPut one = {block, file, shape, "{}"};
  GError *error = NULL;
  if (!details_put(details, shard, &one, &error))
    fail_msg("%s", error->message);
}

/* The keys KEY-from … KEY-to, over ten accounts. */
static void put_keys(Details *details, const char *file, guint from, guint to) {
  for (guint shard = 0; shard < details_shards(details); shard++) {
    g_autoptr(RecordBlock) block = details_block_new(shape, DETAILS_BLOCK);
    for (guint i = from; i <= to; i++) {
      char key[32], account[32];
      g_snprintf(key, sizeof key, "KEY-%u", i);
      g_snprintf(account, sizeof account, "A%u", i % 10);
      if (details_shard_of(details, account, strlen(account)) != shard)
        continue;
      add_detail(block, key, account);
      if (block->count == DETAILS_BLOCK) {
        put(details, shard, block, file);
        record_block_clear(block);
      }
    }
    put(details, shard, block, file);
  }
}

static void finish(Details *details) {
  for (guint i = 0; i < details_shards(details); i++)
    assert_true(details_commit(details, i, NULL));
  details_settle(details);
  for (guint i = 0; i < details_shards(details); i++)
    assert_true(details_rest(details, i, NULL));
}

static void admit(Details *details, const char *file, guint from, guint to) {
  details_begin(details);
  put_keys(details, file, from, to);
  finish(details);
}

static void count_hit(gpointer user, guint32 record, const Detail *detail) {
  (void)record, (void)detail;
  ++*(guint *)user;
}

static guint found(Details *details, const char *key) {
  guint hits = 0;
  DetailProbe probe = {details_hash(details, key, strlen(key)), 0, (guint32)strlen(key), key};
  for (guint i = 0; i < details_shards(details); i++)
    assert_true(details_find(details, i, &(DetailLook){&probe, 1, count_hit, &hits}, NULL));
  return hits;
}

static gint64 used(Details *details, const char *account) {
  g_autoptr(GString) name = g_string_new(NULL);
  details_counter_name(name, "2026-11", 7, account, strlen(account));
  guint shard = details_shard_of(details, account, strlen(account));
  return *details_counter(details, shard, name->str, name->len, NULL);
}

static gboolean tell(gpointer user, const Detail *detail, GError **error) {
  gsize length;
  (void)error;
  const char *key = record_block_text(detail->block, DETAIL_KEY, detail->index, &length);
  g_string_append_printf(user, "%.*s of %s in %" G_GINT64_FORMAT " ", (int)length, key, detail->file,
                         detail->admission);
  return TRUE;
}

static void expect_read(const char *key, const char *text) {
  g_autoptr(DetailsReader) reader = details_reader_open(folder, "music", NULL);
  g_autoptr(GString) told = g_string_new(NULL);
  assert_non_null(reader);
  assert_true(details_reader_find(reader, key, strlen(key), tell, told, NULL));
  assert_string_equal(told->str, text);
}

/* NULL: it holds. */
static void expect_verified(const char *fault, guint64 rated) {
  g_autoptr(DetailsReader) reader = details_reader_open(folder, "music", NULL);
  DetailTotals totals;
  g_autoptr(GError) error = NULL;
  gboolean ok = details_verify(reader, &totals, &error);
  if (ok != !fault)
    fail_msg("%s", ok ? "it holds" : error->message);
  if (fault) {
    assert_non_null(strstr(error->message, fault));
    return;
  }
  assert_int_equal(totals.rated, rated);
  assert_true(totals.amount == (Wide)rated * 3);
}

static void what_was_admitted_is_there_with_its_key(void **state) {
  (void)state;
  g_autoptr(Details) details = open_details(3);
  admit(details, "f1", 1, 20);
  admit(details, "f2", 21, 1000);
  assert_int_equal(found(details, "KEY-7"), 1);
  assert_int_equal(found(details, "KEY-1000"), 1);
  assert_int_equal(found(details, "KEY-1001"), 0);
  assert_int_equal(used(details, "A3"), 100);
  expect_read("KEY-7", "KEY-7 of f1 in 1 ");
  expect_read("KEY-21", "KEY-21 of f2 in 2 ");
  expect_read("KEY-0", "");
  expect_verified(NULL, 1000);
}

/* As a kill between the commits of the files leaves it: the first shard has it, or both and not its answers. */
static void an_admission_that_is_not_in_every_file_is_taken_back(void **state) {
  (void)state;
  Details *details = open_details(2);
  admit(details, "f1", 1, 20);
  assert_int_equal(details_begin(details), 2);
  put_keys(details, "f2", 21, 40);
  assert_true(details_put_answer(details, "f2", 1, NULL, NULL));
  assert_true(details_commit(details, 0, NULL));
  expect_read("KEY-21", "");
  expect_read("KEY-22", "");
  details_close(details);
  details = open_details(2);
  GBytes *answer;
  for (guint i = 21; i <= 40; i++) {
    g_autofree char *key = g_strdup_printf("KEY-%u", i);
    assert_int_equal(found(details, key), 0);
  }
  assert_true(details_answer(details, "f2", 1, &answer, NULL));
  assert_null(answer);
  assert_int_equal(used(details, "A3"), 2);
  assert_int_equal(details_begin(details), 2);
  put_keys(details, "f3", 21, 40);
  finish(details);
  expect_verified(NULL, 40);
  details_close(details);
}

static void an_answer_is_kept_with_its_admission(void **state) {
  (void)state;
  Details *details = open_details(2);
  g_autoptr(GBytes) given = g_bytes_new_static("why", 3);
  GBytes *answer;
  details_begin(details);
  assert_true(details_put_answer(details, "f1", 1, given, NULL));
  assert_true(details_put_answer(details, "f1", 2, NULL, NULL));
  finish(details);
  details_close(details);
  details = open_details(2);
  assert_true(details_answer(details, "f1", 1, &answer, NULL));
  assert_true(g_bytes_equal(answer, given));
  g_bytes_unref(answer);
  assert_true(details_answer(details, "f1", 2, &answer, NULL));
  assert_int_equal(g_bytes_get_size(answer), 0);
  g_bytes_unref(answer);
  assert_true(details_answer(details, "f1", 3, &answer, NULL));
  assert_null(answer);
  details_close(details);
}

/* A million and more: runs are made, and four of them are one; nothing is lost by closing. */
static void change(const char *kind, const char *sql) {
  g_autofree char *path = g_strdup_printf("%s/music.%s-0.db", folder, kind);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, NULL);
  assert_true(db_run(db, sql, NULL));
  db_close(db);
}

static void keys_are_found_and_counters_go_on_whatever_has_become_of_them(void **state) {
  (void)state;
  enum { ALL = 1250000, STEP = 50000 };
  Details *details = open_details(1);
  for (guint i = 0; i < ALL; i += STEP)
    admit(details, "f", i + 1, i + STEP);
  for (guint turn = 0; turn < 2; turn++) {
    for (guint i = 1; i <= ALL; i += 9973) {
      g_autofree char *key = g_strdup_printf("KEY-%u", i);
      assert_int_equal(found(details, key), 1);
    }
    assert_int_equal(found(details, "KEY-0"), 0);
    assert_int_equal(used(details, "A3"), ALL / 10);
    details_close(details);
    details = open_details(1);
  }
  details_close(details);
  g_autofree char *merged = g_strdup_printf("%s/music.details-0.keys-1-1200000", folder);
  assert_true(g_file_test(merged, G_FILE_TEST_EXISTS));
  expect_read("KEY-1249999", "KEY-1249999 of f in 25 ");
  expect_read("KEY-3", "KEY-3 of f in 1 ");
  expect_verified(NULL, ALL);
  change("business", "UPDATE counter SET counter = counter || 'x' WHERE counter LIKE '%A3'"); /* the sum is the same */
  expect_verified("counters are not what details have used", 0);
}

static void put_one(Details *details, const char *key, DetailStatus status, gint64 settles) {
  g_autoptr(RecordBlock) block = details_block_new(shape, DETAILS_BLOCK);
  record_block_begin(block, 9);
  put_text(block, DETAIL_KEY, key);
  put_text(block, DETAIL_ACCOUNT, "A");
  record_block_put_integer(block, DETAIL_STATUS, status);
  record_block_put_integer(block, DETAIL_AMOUNT, status == DETAIL_RATED ? 3 : 0);
  if (settles)
    record_block_put_integer(block, DETAIL_SETTLES, settles);
  record_block_end(block);
  DetailPut one = {block, "f", shape, "{}"};
  assert_true(details_put(details, 0, &one, NULL));
}

static guint waiting(Details *details) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  assert_true(details_waiting(details, 0, 0, 10, numbers, NULL));
  return numbers->len;
}

/* Also when the first try was cut short between two files. */
static void a_suspended_detail_gets_its_price_once_and_keeps_its_key(void **state) {
  (void)state;
  Details *details = open_details(1);
  Detail detail;
  details_begin(details);
  put_one(details, "K1", DETAIL_SUSPENDED, 0);
  put_one(details, "K2", DETAIL_SUSPENDED, 0);
  finish(details);
  assert_int_equal(waiting(details), 2);
  details_begin(details);
  put_one(details, "K1", DETAIL_RATED, 1);
  assert_int_equal(waiting(details), 1);
  details_close(details);
  details = open_details(1);
  assert_int_equal(waiting(details), 2);
  expect_read("K1", "K1 of f in 1 ");
  details_begin(details);
  put_one(details, "K1", DETAIL_RATED, 1);
  finish(details);
  expect_read("K1", "K1 of f in 2 ");
  expect_read("K2", "K2 of f in 1 ");
  assert_int_equal(found(details, "K1"), 1);
  assert_true(details_read(details, 0, 3, &detail, NULL));
  assert_int_equal(record_block_integer(detail.block, DETAIL_SETTLES, detail.index), 1);
  expect_verified(NULL, 1);
  details_begin(details);
  g_autoptr(GError) error = NULL;
  g_autoptr(RecordBlock) again = details_block_new(shape, DETAILS_BLOCK);
  add_detail(again, "K1", "A");
  again->columns[DETAIL_SETTLES].integers[0] = 1;
  again->columns[DETAIL_SETTLES].nulls[0] = 0;
  DetailPut put_again = {again, "f", shape, "{}"};
  assert_false(details_put(details, 0, &put_again, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_BUG);
  details_close(details);
}

/* Its key is free then; also when the first try was cut short. */
static void a_suspended_detail_that_was_given_up_has_no_key(void **state) {
  (void)state;
  Details *details = open_details(1);
  for (guint i = 1; i <= 2; i++) {
    g_autofree char *key = g_strdup_printf("K%u", i);
    details_begin(details);
    put_one(details, key, DETAIL_SUSPENDED, 0);
    finish(details);
  }
  details_begin(details);
  assert_true(details_give_up(details, 0, 1, NULL));
  details_close(details);
  details = open_details(1);
  assert_int_equal(waiting(details), 2);
  assert_int_equal(found(details, "K1"), 1);
  details_begin(details);
  assert_true(details_give_up(details, 0, 1, NULL));
  finish(details);
  assert_int_equal(waiting(details), 1);
  assert_int_equal(found(details, "K1"), 0);
  expect_read("K1", "");
  expect_verified(NULL, 0);
  details_begin(details);
  put_one(details, "K1", DETAIL_RATED, 0);
  finish(details);
  assert_int_equal(found(details, "K1"), 1);
  expect_read("K1", "K1 of f in 4 ");
  expect_verified(NULL, 1);
  g_autoptr(GError) error = NULL;
  details_begin(details);
  assert_false(details_give_up(details, 0, 1, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_BUG);
  details_close(details);
}

static void verify_names_what_does_not_hold(void **state) {
  (void)state;
  Details *details = open_details(1);
  admit(details, "f1", 1, 2000);
  details_close(details);
  change("details", "UPDATE detail SET amount = amount + 1 WHERE first = 1");
  expect_verified("detail 1: the sum of its block is not that of its details", 0);
  change("details", "UPDATE detail SET amount = amount - 1 WHERE first = 1");
  change("business", "INSERT INTO counter VALUES ('2026-11|A1', 1)");
  expect_verified("counters are not what details have used", 0);
  change("business", "DELETE FROM counter");
  details = open_details(1);
  admit(details, "f2", 7, 7); /* nobody has looked for its key */
  details_close(details);
  expect_verified("its key is there twice", 0);
  change("details", "DELETE FROM detail WHERE file = 'f2'");
  expect_verified(NULL, 2000);
  change("details", "DELETE FROM detail WHERE first = 513");
  expect_verified("it does not follow the one before", 0);
}

static void the_number_of_shards_never_changes_and_no_file_is_made_twice(void **state) {
  (void)state;
  details_close(open_details(2));
  expect_opening_fails(3, SALLYPORT_ERROR_CONFIGURATION, "has 2 shards, and 3 are configured");
  g_autofree char *path = g_strdup_printf("%s/music.business-1.db", folder);
  assert_int_equal(g_unlink(path), 0);
  expect_opening_fails(2, SALLYPORT_ERROR_STORAGE, "restore it from a backup");
}

static void fields_come_back_as_they_were(void **state) {
  (void)state;
  guint n;
  StagingColumn *columns = details_shape_columns(shape, &n);
  assert_int_equal(n, 2);
  assert_string_equal(columns[0].name, "serial");
  assert_int_equal(columns[0].type, BLOCK_TEXT);
  assert_string_equal(columns[1].name, "seconds");
  assert_int_equal(columns[1].scale, 2);
  details_shape_free(columns, n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_admitted_is_there_with_its_key),
      TEST(an_admission_that_is_not_in_every_file_is_taken_back),
      TEST(an_answer_is_kept_with_its_admission),
      TEST(keys_are_found_and_counters_go_on_whatever_has_become_of_them),
      TEST(a_suspended_detail_gets_its_price_once_and_keeps_its_key),
      TEST(a_suspended_detail_that_was_given_up_has_no_key),
      TEST(verify_names_what_does_not_hold),
      TEST(the_number_of_shards_never_changes_and_no_file_is_made_twice),
      TEST(fields_come_back_as_they_were),
  };
  return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
