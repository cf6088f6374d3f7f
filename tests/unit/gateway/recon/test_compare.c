/* Two statements side by side: what is missing on either side, what differs, at which scale, and what cannot be
 * compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/recon/compare.h"
#include "gateway/recon/source_block.h"
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct {
  const char *key;
  gint64 amount;
} Row; /* key NULL: none. amount NONE: none */
#define NONE G_MININT64
typedef struct {
  const Row *rows;
  guint n, at;
} Rows;

static gboolean fill(gpointer user, RecordBlock *block, GError **error) {
  (void)error;
  Rows *rows = user;
  for (; rows->at < rows->n && record_block_has_room(block); rows->at++) {
    const Row *row = &rows->rows[rows->at];
    record_block_begin(block, rows->at + 1);
    if (row->key)
      record_block_put_text(block, 0, row->key, strlen(row->key));
    if (row->amount != NONE)
      record_block_put_integer(block, 1, row->amount);
    record_block_end(block);
  }
  return TRUE;
}

static const StagingColumn whole[] = {{"key", BLOCK_TEXT, 0}, {"amount", BLOCK_INTEGER, 0}},
                           cents[] = {{"key", BLOCK_TEXT, 0}, {"amount", BLOCK_INTEGER, 2}};

static ReconSource *source_of(const StagingColumn *columns, const Row *rows, guint n) {
  Rows *kept = g_new0(Rows, 1);
  *kept = (Rows){rows, n, 0};
  return recon_source_of_blocks(columns, 2, fill, kept, g_free);
}

static gboolean note(gpointer user, const Difference *difference, GError **error) {
  (void)error;
  g_string_append_printf(user, "%s %.*s", compare_word(difference->kind), (int)difference->key_length, difference->key);
  if (difference->has_ours)
    g_string_append_printf(user, " ours %" G_GINT64_FORMAT, difference->ours);
  if (difference->has_theirs)
    g_string_append_printf(user, " theirs %" G_GINT64_FORMAT " line %" G_GUINT64_FORMAT, difference->theirs,
                           difference->theirs_line);
  g_string_append(user, "\n");
  return TRUE;
}

typedef struct {
  const StagingColumn *columns;
  const Row *rows;
  guint n;
} Given;

static gboolean compare(Given ours, Given theirs, GString *text, Comparison *found, GError **error) {
  g_autofree char *folder = g_dir_make_tmp("compare-XXXXXX", NULL);
  g_autoptr(ReconSource) a = source_of(ours.columns, ours.rows, ours.n),
                         b = source_of(theirs.columns, theirs.rows, theirs.n);
  CompareOptions options = {
      .ours = {a, "key", "amount"}, .theirs = {b, "key", "amount"}, .work = folder, .visit = note, .user = text};
  gboolean ok = recon_compare(&options, found, error);
  assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
  return ok;
}

#define GIVEN(columns, rows) ((Given){columns, rows, G_N_ELEMENTS(rows)})

static void each_difference_is_told_once_and_the_rest_matches(void **state) {
  (void)state;
  static const Row ours[] = {{"c", 3}, {"a", 1}, {"b", 2}, {"e", 5}},
                   theirs[] = {{"d", 4}, {"e", 5}, {"c", 7}, {"a", 1}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL));
  assert_string_equal(text->str,
                      "missing-theirs b ours 2\namount c ours 3 theirs 7 line 3\nmissing-ours d theirs 4 line 1\n");
  assert_int_equal(found.matched, 2);
  assert_int_equal(found.ours, 4);
  assert_int_equal(found.theirs, 4);
  assert_int_equal(found.total_ours, 11);
  assert_int_equal(found.total_theirs, 17);
  g_string_free(text, TRUE);
}

static void keys_that_stand_there_several_times_meet_by_their_amounts(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 200}, {"a", 100}}, theirs[] = {{"a", 100}, {"a", 200}, {"a", 300}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL));
  assert_string_equal(text->str, "missing-ours a theirs 300 line 3\n");
  g_string_free(text, TRUE);
}

static void amounts_are_compared_at_the_greater_number_of_decimals(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 12}, {"b", 12}}, theirs[] = {{"a", 1200}, {"b", 1201}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(cents, theirs), text, &found, NULL));
  assert_string_equal(text->str, "amount b ours 1200 theirs 1201 line 2\n");
  assert_int_equal(found.scale, 2);
  assert_int_equal(found.total_ours, 2400);
  g_string_free(text, TRUE);
}

static void keys_are_bytes_and_a_prefix_comes_first(void **state) {
  (void)state;
  static const Row ours[] = {{"ab", 1}, {"a", 1}, {"\xc3\xa9", 1}, {"B", 1}},
                   theirs[] = {{"abc", 1}, {"a", 1}, {"b", 1}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL));
  assert_string_equal(text->str, "missing-theirs B ours 1\nmissing-theirs ab ours 1\nmissing-ours abc theirs 1 line "
                                 "1\nmissing-ours b theirs 1 line 3\n"
                                 "missing-theirs \xc3\xa9 ours 1\n");
  g_string_free(text, TRUE);
}

static void a_side_may_be_empty(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 1}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), (Given){whole, NULL, 0}, text, &found, NULL));
  assert_string_equal(text->str, "missing-theirs a ours 1\n");
  assert_true(compare((Given){whole, NULL, 0}, (Given){whole, NULL, 0}, text, &found, NULL));
  assert_int_equal(found.matched + found.ours + found.theirs, 0);
  g_string_free(text, TRUE);
}

static void fails_with(Given ours, Given theirs, const char *words) {
  g_autoptr(GError) error = NULL;
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_false(compare(ours, theirs, text, &found, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_FILE);
  if (!strstr(error->message, words))
    fail_msg("\"%s\" lacks \"%s\"", error->message, words);
  g_string_free(text, TRUE);
}

static void what_cannot_be_compared_is_an_error_at_its_line(void **state) {
  (void)state;
  static const Row good[] = {{"a", 1}}, no_key[] = {{"a", 1}, {NULL, 1}}, no_amount[] = {{"a", 1}, {"b", NONE}};
  static const Row huge[] = {{"a", G_MAXINT64}, {"b", 1}}, wide[] = {{"a", G_MAXINT64 / 10}};
  fails_with(GIVEN(whole, good), GIVEN(whole, no_key), "theirs: line 2 has no key");
  fails_with(GIVEN(whole, good), GIVEN(whole, no_amount), "theirs: line 2 has no amount");
  fails_with(GIVEN(whole, huge), GIVEN(whole, good), "ours: line 2: the total does not fit");
  fails_with(GIVEN(whole, wide), GIVEN(cents, good), "ours: line 1: the total does not fit");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_difference_is_told_once_and_the_rest_matches),
                                     cmocka_unit_test(keys_that_stand_there_several_times_meet_by_their_amounts),
                                     cmocka_unit_test(amounts_are_compared_at_the_greater_number_of_decimals),
                                     cmocka_unit_test(keys_are_bytes_and_a_prefix_comes_first),
                                     cmocka_unit_test(a_side_may_be_empty),
                                     cmocka_unit_test(what_cannot_be_compared_is_an_error_at_its_line)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
