#include "gateway/records/keyset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What a visit told: record → number of the group in which it stood. */
typedef struct { GHashTable *group_of; guint groups; } Told;
typedef struct { gsize first, again; } Repeat;

static gboolean note_group(gpointer user, const guint64 *records, gsize n, GError **error) {
  (void)error;
  Told *told = user;
  told->groups++;
  for (gsize i = 0; i < n; i++) {
    assert_true(i == 0 || records[i] > records[i - 1]);
    assert_true(g_hash_table_insert(told->group_of, GSIZE_TO_POINTER(records[i]), GUINT_TO_POINTER(told->groups)));
  }
  return TRUE;
}

/* `n` keys out of `distinct` names by two adders; every two records with the same name must be told in one group. */
static void check_against_a_naive_set(guint n, guint distinct, guint bits) {
  GError *error = NULL;
  g_autoptr(KeySet) set = keyset_new(g_get_tmp_dir());
  if (bits)
    keyset_weaken(set, bits);
  KeyAdder *adders[] = {key_adder_new(set), key_adder_new(set)};
  g_autoptr(GHashTable) first_of = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GArray) repeats = g_array_new(FALSE, FALSE, sizeof(Repeat));
  guint64 random = 88172645463325252u;
  for (gsize record = 1; record <= n; record++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    char key[40];
    int length = g_snprintf(key, sizeof key, "KEY-%u", (guint)(random % distinct));
    assert_true(key_adder_add(adders[record % 2], key, (gsize)length, record, &error));
    gsize first = GPOINTER_TO_SIZE(g_hash_table_lookup(first_of, key));
    Repeat repeat = {first, record};
    if (first)
      g_array_append_val(repeats, repeat);
    else
      g_hash_table_insert(first_of, g_strdup(key), GSIZE_TO_POINTER(record));
  }
  for (int i = 0; i < 2; i++)
    assert_true(key_adder_finish(adders[i], &error));
  Told told = {g_hash_table_new(NULL, NULL), 0};
  assert_true(keyset_visit(set, note_group, &told, &error));
  for (guint i = 0; i < repeats->len; i++) {
    Repeat repeat = g_array_index(repeats, Repeat, i);
    gpointer a = g_hash_table_lookup(told.group_of, GSIZE_TO_POINTER(repeat.first)), b = g_hash_table_lookup(told.group_of, GSIZE_TO_POINTER(repeat.again));
    assert_non_null(a);
    assert_ptr_equal(a, b);
  }
  if (!bits && repeats->len == 0)
    assert_int_equal(told.groups, 0);
  g_hash_table_unref(told.group_of);
}

static void repeated_keys_are_told_in_one_group(void **state) {
  (void)state;
  check_against_a_naive_set(1000, 300, 0);
}

static void repeated_keys_are_found_among_those_that_went_to_the_file(void **state) {
  (void)state;
  check_against_a_naive_set(600000, 400000, 0);
}

static void colliding_hashes_are_candidates_together(void **state) {
  (void)state;
  check_against_a_naive_set(3000, 2000, 8);
}

static void keys_that_differ_are_not_told(void **state) {
  (void)state;
  check_against_a_naive_set(1, 1, 0);
  check_against_a_naive_set(2, 1u << 31, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(repeated_keys_are_told_in_one_group),
      cmocka_unit_test(repeated_keys_are_found_among_those_that_went_to_the_file),
      cmocka_unit_test(colliding_hashes_are_candidates_together),
      cmocka_unit_test(keys_that_differ_are_not_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
