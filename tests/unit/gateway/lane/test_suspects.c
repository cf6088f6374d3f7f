#include "gateway/lane/suspects.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static const char one[] = "0123456789abcdef", two[] = "fedcba9876543210", three[] = "00000000000000zz";

static Suspects *open_at(const char *path, guint slots, guint left, const char *who) {
  GHashTable *ids = NULL;
  Suspects *suspects = suspects_open(path, slots, &ids, NULL);
  assert_non_null(suspects);
  assert_int_equal(g_hash_table_size(ids), left);
  if (who)
    assert_true(g_hash_table_contains(ids, who));
  g_hash_table_unref(ids);
  return suspects;
}

static void what_was_under_way_when_the_process_died_is_known_to_the_next(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("working-XXXXXX", NULL), *path = g_build_filename(folder, "WORKING", NULL);
  Suspects *suspects = open_at(path, 2, 0, NULL);
  guint slot = suspects_begin(suspects, one);
  guint other = suspects_begin(suspects, two);
  assert_int_not_equal(slot, other);
  suspects_end(suspects, slot);
  suspects_close(suspects); /* as a death leaves it */
  suspects = open_at(path, 2, 1, two);
  suspects_close(suspects);
  suspects = open_at(path, 2, 0, NULL); /* told once */
  suspects_close(suspects);
  g_unlink(path);
  g_rmdir(folder);
}

static void slots_are_used_again_and_their_lack_harms_nothing(void **state) {
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("working-XXXXXX", NULL), *path = g_build_filename(folder, "WORKING", NULL);
  Suspects *suspects = open_at(path, 1, 0, NULL);
  guint slot = suspects_begin(suspects, one), none = suspects_begin(suspects, two);
  suspects_end(suspects, none);
  suspects_end(suspects, slot);
  slot = suspects_begin(suspects, three);
  suspects_close(suspects);
  assert_int_equal(slot, 0);
  suspects = open_at(path, 8, 1, three);
  suspects_end(suspects, G_MAXUINT);
  suspects_close(suspects);
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
