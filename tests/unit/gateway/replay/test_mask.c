/* Keyed hashes, masked values, and picks. */
#include "gateway/base/digest.h"
#include "gateway/replay/mask.h"
#include "gateway/replay/picks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_hash_is_that_of_rfc_4231(void **state) {
  static const char text[] = "what do ya want for nothing?";
  guint8 hash[MASK_HASH];
  (void)state;
  mask_hash("Jefe", text, strlen(text), hash);
  g_autofree char *hex = digest_hex(hash, sizeof hash);
  assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static char *masked(const char *key, const char *text, gboolean is_number, gboolean keeps_prefix) {
  const MaskWhat what = {key, "member", is_number, keeps_prefix};
  return mask_text(&what, text, strlen(text));
}

static void a_masked_value_has_its_shape_and_is_the_same_for_the_same(void **state) {
  (void)state;
  g_autofree char *a = masked("key", "Ab 12-z9 张三", FALSE, FALSE), *b = masked("key", "Ab 12-z9 张三", FALSE, FALSE);
  g_autofree char *other = masked("other", "Ab 12-z9 张三", FALSE, FALSE);
  assert_string_equal(a, b);
  assert_string_not_equal(a, other);
  assert_int_equal(g_utf8_strlen(a, -1), 11);
  assert_true(g_ascii_isupper(a[0]) && g_ascii_islower(a[1]) && a[2] == ' ' && g_ascii_isdigit(a[3]));
  assert_true(a[5] == '-' && g_ascii_islower(a[6]) && g_ascii_isdigit(a[7]) && a[8] == ' ');
  assert_null(strstr(a, "张三"));
}

static void a_number_keeps_its_length_and_sign(void **state) {
  (void)state;
  for (guint i = 0; i < 200; i++) {
    g_autofree char *text = g_strdup_printf("-%u.50", 100 + i);
    g_autofree char *other = masked("key", text, TRUE, FALSE);
    assert_int_equal(strlen(other), strlen(text));
    assert_true(other[0] == '-' && other[1] != '0' && other[4] == '.');
  }
}

static void letters_in_front_stay_only_where_enough_digits_change(void **state) {
  (void)state;
  g_autofree char *member = masked("key", "M000123456", FALSE, TRUE), *name = masked("key", "Miller7", FALSE, TRUE);
  assert_int_equal(member[0], 'M');
  assert_string_not_equal(member, "M000123456");
  assert_true(strncmp(name, "Miller", 6) != 0);
}

/* --- Picks */

static char *ids_of(const guint *order, guint n) {
  Picks *picks = picks_new(7);
  GString *text = g_string_new(NULL);
  PickCell *cell = picks_cell(picks, "a", "");
  for (guint i = 0; i < n; i++) {
    g_autofree char *id = g_strdup_printf("%08x", order[i] * 2654435761U);
    if (picks_wants(picks, cell, id))
      picks_take(picks, cell, id, g_strdup("{}"), order[i]);
    assert_false(picks_wants(picks, cell, id)); /* it is there, or too large for ever */
  }
  assert_ptr_equal(picks_cell(picks, "a", ""), cell);
  for (guint i = 0; i < cell->picks->len; i++)
    g_string_append_printf(text, "%s ", ((const Pick *)cell->picks->pdata[i])->id);
  assert_int_equal(cell->picks->len, 7);
  picks_free(picks);
  return g_string_free(text, FALSE);
}

static void the_same_are_picked_in_any_order(void **state) {
  guint order[500];
  g_autofree char *first = NULL;
  GRand *random = g_rand_new_with_seed(3);
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(order); i++)
    order[i] = i;
  for (guint turn = 0; turn < 20; turn++) {
    for (guint i = G_N_ELEMENTS(order) - 1; i > 0; i--) {
      guint j = (guint)g_rand_int_range(random, 0, (gint)i + 1), kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    g_autofree char *ids = ids_of(order, G_N_ELEMENTS(order));
    if (first)
      assert_string_equal(ids, first);
    else
      first = g_steal_pointer(&ids);
  }
  g_rand_free(random);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hash_is_that_of_rfc_4231),
      cmocka_unit_test(a_masked_value_has_its_shape_and_is_the_same_for_the_same),
      cmocka_unit_test(a_number_keeps_its_length_and_sign),
      cmocka_unit_test(letters_in_front_stay_only_where_enough_digits_change),
      cmocka_unit_test(the_same_are_picked_in_any_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
