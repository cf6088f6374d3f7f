#include "gateway/lane/suspects.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static const char one[] = "0123456789abcdef", two[] = "fedcba9876543210", three[] = "00000000000000zz";

static Working *open_at(const char *path, guint slots, guint left, const char *who) {
  GHashTable *ids = NULL;
  Working *working = working_open(path, slots, &ids, NULL);
  assert_non_null(working);
  assert_int_equal(g_hash_table_size(ids), left);
  if (who)
    assert_true(g_hash_table_contains(ids, who));
  g_hash_table_unref(ids);
  return working;
}

static void what_was_under_way_when_the_process_died_is_known_to_the_next(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("working-XXXXXX", NULL), *path = g_build_filename(folder, "WORKING", NULL);
  Working *working = open_at(path, 2, 0, NULL);
  guint slot = working_begin(working, one);
  guint other = working_begin(working, two);
  assert_int_not_equal(slot, other);
  working_end(working, slot);
  working_close(working); /* as a death leaves it */
  working = open_at(path, 2, 1, two);
  working_close(working);
  working = open_at(path, 2, 0, NULL); /* told once */
  working_close(working);
  g_unlink(path);
  g_rmdir(folder);
}

static void slots_are_used_again_and_their_lack_harms_nothing(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("working-XXXXXX", NULL), *path = g_build_filename(folder, "WORKING", NULL);
  Working *working = open_at(path, 1, 0, NULL);
  guint slot = working_begin(working, one), none = working_begin(working, two);
  working_end(working, none);
  working_end(working, slot);
  slot = working_begin(working, three);
  working_close(working);
  assert_int_equal(slot, 0);
  working = open_at(path, 8, 1, three);
  working_end(working, G_MAXUINT);
  working_close(working);
  g_unlink(path);
  g_rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_under_way_when_the_process_died_is_known_to_the_next),
      cmocka_unit_test(slots_are_used_again_and_their_lack_harms_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
