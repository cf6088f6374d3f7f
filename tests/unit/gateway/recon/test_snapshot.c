/* A task's snapshot as text, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/recon/snapshot.h"
#include <cmocka.h>

static void a_snapshot_is_read_as_it_was_written(void **state) {
  (void)state;
  gint64 positions[] = {7, 0, G_MAXINT64};
  g_autoptr(GHashTable) without = g_hash_table_new(g_str_hash, g_str_equal);
  g_hash_table_add(without, (char *)"b");
  g_hash_table_add(without, (char *)"a");
  ReconSnapshot written = {.plan = (char *)"abc",
                           .at = 12,
                           .sequence = 34,
                           .from = (char *)"2026-11-20",
                           .to = (char *)"2026-11-20",
                           .positions = positions,
                           .shards = 3,
                           .without = without},
                read;
  g_autofree char *text = recon_snapshot_text(&written);
  assert_string_equal(text, "{\"plan\":\"abc\",\"at\":12,\"sequence\":34,\"from\":\"2026-11-20\",\"to\":\"2026-11-20\","
                            "\"positions\":[7,0,9223372036854775807],\"without\":[\"a\",\"b\"]}");
  assert_true(recon_snapshot_read(text, &read));
  g_autofree char *again = recon_snapshot_text(&read);
  assert_string_equal(again, text);
  recon_snapshot_clear(&read);
  written.supplements = 2;
  g_autofree char *adds = recon_snapshot_text(&written);
  assert_true(recon_snapshot_read(adds, &read));
  assert_int_equal(read.supplements, 2);
  recon_snapshot_clear(&read);
}

static void one_of_an_earlier_program_has_no_sequence_and_other_text_is_none(void **state) {
  (void)state;
  ReconSnapshot read;
  assert_true(recon_snapshot_read("{\"plan\":\"abc\",\"at\":12,\"positions\":[1],\"without\":[]}", &read));
  assert_int_equal(read.sequence, -1);
  assert_int_equal(read.shards, 1);
  recon_snapshot_clear(&read);
  static const char *const others[] = {NULL, "", "{", "[]", "{\"at\":1}"};
  for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
    assert_false(recon_snapshot_read(others[i], &read));
    recon_snapshot_clear(&read);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_snapshot_is_read_as_it_was_written),
      cmocka_unit_test(one_of_an_earlier_program_has_no_sequence_and_other_text_is_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
