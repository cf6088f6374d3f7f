#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/keyset.h"
#include <pthread.h>
#include <string.h>
#include <cmocka.h>

/* The keys of a made-up file, and what was found in it. */
typedef struct {
  guint64 records;
  guint64 *keys;     /* key of record i + 1 */
  GHashTable *first; /* key -> first record */
  GHashTable *found; /* record -> the record that it repeats */
  gsize largest_part;
} File;

static guint64 key_of(const File *file, guint64 record) {
  return file->keys[record - 1];
}

/* What the caller of a set does: compares the keys of a group with each other. */
static gboolean compare(gpointer user, const guint64 *records, gsize n, GError **error) {
  (void)error;
  File *file = user;
  g_autoptr(GHashTable) here = g_hash_table_new(g_int64_hash, g_int64_equal);
  assert_true(n >= 2);
  file->largest_part = MAX(file->largest_part, n);
  for (gsize i = 0; i < n; i++) {
    assert_true(i == 0 || records[i] > records[i - 1]);
    gint64 *key = (gint64 *)&file->keys[records[i] - 1];
    gpointer first = g_hash_table_lookup(here, key);
    if (!first)
      g_hash_table_insert(here, key, GSIZE_TO_POINTER(records[i]));
    else
      assert_true(g_hash_table_insert(file->found, GSIZE_TO_POINTER(records[i]), first)); /* each record once */
  }
  return TRUE;
}

typedef struct {
  KeySet *set;
  const File *file;
  guint64 from, step;
} Share;

static void *add_share(void *data) {
  const Share *share = data;
  KeyAdder *adder = key_adder_new(share->set);
  for (guint64 record = share->from; record <= share->file->records; record += share->step) {
    char key[32];
    int length = g_snprintf(key, sizeof key, "K%" G_GUINT64_FORMAT, key_of(share->file, record));
    assert_true(key_adder_add(adder, key, (gsize)length, record, NULL));
  }
  assert_true(key_adder_finish(adder, NULL));
  return NULL;
}

static File *file_new(guint64 records, guint64 distinct, guint32 seed) {
  File *file = g_new0(File, 1);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  file->records = records;
  file->keys = g_new(guint64, records + 1);
  file->found = g_hash_table_new(NULL, NULL);
  for (guint64 i = 0; i < records; i++)
    file->keys[i] = distinct == 0 ? i : (guint64)(g_rand_double(random) * (double)distinct);
  return file;
}

static void file_free(File *file) {
  g_hash_table_unref(file->found);
  g_free(file->keys);
  g_free(file);
}

static void look(File *file, guint threads, int bits) {
  g_autoptr(KeySet) set = keyset_new(g_get_tmp_dir());
  GError *error = NULL;
  if (bits >= 0)
    keyset_weaken(set, (guint)bits);
  pthread_t running[8];
  Share shares[8];
  for (guint i = 0; i < threads; i++) {
    shares[i] = (Share){set, file, i + 1, threads};
    assert_int_equal(pthread_create(&running[i], NULL, add_share, &shares[i]), 0);
  }
  for (guint i = 0; i < threads; i++)
    pthread_join(running[i], NULL);
  assert_true(keyset_visit(set, compare, file, &error));
  assert_null(error);
}

/* Against a plain set. */
static void check(File *file) {
  g_autoptr(GHashTable) first = g_hash_table_new(g_int64_hash, g_int64_equal);
  gsize repeated = 0;
  for (guint64 record = 1; record <= file->records; record++) {
    gint64 *key = (gint64 *)&file->keys[record - 1];
    gpointer before = g_hash_table_lookup(first, key);
    if (!before) {
      g_hash_table_insert(first, key, GSIZE_TO_POINTER(record));
      continue;
    }
    repeated++;
    if (g_hash_table_lookup(file->found, GSIZE_TO_POINTER(record)) != before)
      fail_msg("record %" G_GUINT64_FORMAT " repeats %zu, found %zu", record, GPOINTER_TO_SIZE(before),
               GPOINTER_TO_SIZE(g_hash_table_lookup(file->found, GSIZE_TO_POINTER(record))));
  }
  assert_int_equal(g_hash_table_size(file->found), repeated);
  file_free(file);
}

static void repeated_keys_are_found_as_a_plain_set_finds_them(void **state) {
  (void)state;
  static const struct {
    guint64 records, distinct;
    guint threads;
  } cases[] = {{0, 1, 1},       {1, 1, 1},     {2, 1, 1},           {100, 0, 1},   {1000, 900, 2},
               {20000, 100, 3}, {20000, 0, 4}, {300000, 200000, 2}, {300000, 0, 4}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    File *file = file_new(cases[i].records, cases[i].distinct, i);
    look(file, cases[i].threads, -1);
    check(file);
  }
}

static void collisions_are_never_taken_for_duplicates(void **state) {
  (void)state;
  static const int bits[] = {0, 1, 6, 8, 12};
  for (guint i = 0; i < G_N_ELEMENTS(bits); i++) {
    File *file = file_new(30000, 25000, i);
    look(file, 2, bits[i]);
    check(file);
  }
}

static void a_partition_too_large_for_memory_is_taken_window_by_window(void **state) {
  (void)state;
  File *file = file_new(400000, 300000, 6);
  look(file, 2, 20);
  check(file);
}

static void groups_beyond_all_measure_never_name_a_false_duplicate(void **state) {
  (void)state;
  File *file = file_new(500000, 300000, 5);
  look(file, 2, 2); /* four hashes: each group comes in parts, and keys that collide may be told in different ones */
  GHashTableIter found;
  gpointer record, first;
  g_hash_table_iter_init(&found, file->found);
  while (g_hash_table_iter_next(&found, &record, &first))
    assert_true(key_of(file, GPOINTER_TO_SIZE(record)) == key_of(file, GPOINTER_TO_SIZE(first)));
  assert_true(g_hash_table_size(file->found) > 0);
  file_free(file);
}

static gboolean count_parts(gpointer user, const guint64 *records, gsize n, GError **error) {
  (void)error;
  guint64 *seen = user;
  assert_true(n >= 2 && n <= KEYSET_LARGEST_GROUP + 1);
  assert_int_equal(records[0], 1); /* every part is led by the first */
  for (gsize i = 1; i < n; i++)
    assert_int_equal(records[i], ++seen[0] + 1); /* and nothing is left out or told twice */
  return TRUE;
}

static void one_key_in_every_record_comes_in_parts(void **state) {
  (void)state;
  File *file = file_new(350000, 1, 1);
  g_autoptr(KeySet) set = keyset_new(g_get_tmp_dir());
  guint64 seen = 0;
  add_share(&(Share){set, file, 1, 1});
  assert_true(keyset_visit(set, count_parts, &seen, NULL));
  assert_int_equal(seen + 1, 350000);
  file_free(file);
}

static gboolean refuse(gpointer user, const guint64 *records, gsize n, GError **error) {
  (void)records;
  (void)n;
  ++*(int *)user;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "enough");
}

static void a_visit_that_fails_ends_it(void **state) {
  (void)state;
  File *file = file_new(1000, 10, 1);
  g_autoptr(KeySet) set = keyset_new(g_get_tmp_dir());
  g_autoptr(GError) error = NULL;
  int calls = 0;
  add_share(&(Share){set, file, 1, 1});
  assert_false(keyset_visit(set, refuse, &calls, &error));
  assert_int_equal(calls, 1);
  assert_string_equal(error->message, "enough");
  file_free(file);
}

static void small_files_never_touch_the_disk(void **state) {
  (void)state;
  File *file = file_new(50000, 40000, 3);
  g_autoptr(KeySet) set = keyset_new("/nonexistent/folder");
  GError *error = NULL;
  add_share(&(Share){set, file, 1, 1});
  assert_true(keyset_visit(set, compare, file, &error));
  check(file);
}

static void a_folder_that_cannot_be_written_is_told(void **state) {
  (void)state;
  g_autoptr(KeySet) set = keyset_new("/nonexistent/folder");
  g_autoptr(GError) error = NULL;
  KeyAdder *adder = key_adder_new(set);
  guint64 record = 1;
  while (record < 1000000 && key_adder_add(adder, &record, sizeof record, record, &error))
    record++;
  assert_non_null(error);
  assert_true(key_adder_finish(adder, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(repeated_keys_are_found_as_a_plain_set_finds_them),
      cmocka_unit_test(collisions_are_never_taken_for_duplicates),
      cmocka_unit_test(a_partition_too_large_for_memory_is_taken_window_by_window),
      cmocka_unit_test(groups_beyond_all_measure_never_name_a_false_duplicate),
      cmocka_unit_test(one_key_in_every_record_comes_in_parts),
      cmocka_unit_test(a_visit_that_fails_ends_it),
      cmocka_unit_test(small_files_never_touch_the_disk),
      cmocka_unit_test(a_folder_that_cannot_be_written_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
