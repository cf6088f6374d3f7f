/* Two statements side by side: what is missing on either side, what stands there too often, what differs, in which
 * column, at which scale, and what cannot be compared. */
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
  const char *account;
} Row; /* key, account NULL: none. amount NONE: none */
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
    if (row->account && block->n_columns > 2)
      record_block_put_text(block, 2, row->account, strlen(row->account));
    record_block_end(block);
  }
  return TRUE;
}

static const StagingColumn whole[] = {{"key", BLOCK_TEXT, 0}, {"amount", BLOCK_INTEGER, 0}},
                           cents[] = {{"key", BLOCK_TEXT, 0}, {"amount", BLOCK_INTEGER, 2}};

static const StagingColumn with_account[] = {
    {"key", BLOCK_TEXT, 0}, {"amount", BLOCK_INTEGER, 0}, {"account", BLOCK_TEXT, 0}};

static ReconSource *source_of(const StagingColumn *columns, const Row *rows, guint n) {
  Rows *kept = g_new0(Rows, 1);
  *kept = (Rows){rows, n, 0};
  return recon_source_of_blocks(columns, columns == with_account ? 3 : 2, fill, kept, g_free);
}

static gboolean note(gpointer user, const Difference *difference, GError **error) {
  (void)error;
  g_string_append_printf(user, "%s %.*s", difference->word, (int)difference->key_length, difference->key);
  if (difference->kind == COMPARE_COLUMN) {
    g_string_append_printf(user, " ours %s theirs %s\n", difference->our_text ? difference->our_text : "-",
                           difference->their_text ? difference->their_text : "-");
    return TRUE;
  }
  if (difference->has_ours)
    g_string_append_printf(user, " ours %" G_GINT64_FORMAT, (gint64)difference->ours);
  if (difference->has_theirs)
    g_string_append_printf(user, " theirs %" G_GINT64_FORMAT " line %" G_GUINT64_FORMAT, (gint64)difference->theirs,
                           difference->theirs_line);
  g_string_append(user, "\n");
  return TRUE;
}

typedef struct {
  const StagingColumn *columns;
  const Row *rows;
  guint n;
} Given;

static const CompareColumn account = {"account", "account", "account", FALSE};
static CompareOptions asked; /* what a test sets beside the sides */

static gboolean compare(Given ours, Given theirs, GString *text, Comparison *found, GError **error) {
  g_autofree char *folder = g_dir_make_tmp("compare-XXXXXX", NULL);
  g_autoptr(ReconSource) a = source_of(ours.columns, ours.rows, ours.n),
                         b = source_of(theirs.columns, theirs.rows, theirs.n);
  CompareOptions options = asked;
  options.ours = a;
  options.theirs = b;
  options.key = (CompareColumn){"key", "key", "key", asked.key.is_number};
  options.amount = (CompareColumn){"amount", "amount", "amount", FALSE};
  if (ours.columns == with_account && theirs.columns == with_account) {
    options.others = &account;
    options.n_others = 1;
  }
  options.work = folder;
  options.visit = note;
  options.user = text;
  gboolean ok = recon_compare(&options, found, error);
  asked = (CompareOptions){0};
  assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
  return ok;
}

#define GIVEN(columns, rows) ((Given){columns, rows, G_N_ELEMENTS(rows)})

static void each_difference_is_told_once_and_the_rest_matches(void **state) {
  (void)state;
  static const Row ours[] = {{"c", 3, NULL}, {"a", 1, NULL}, {"b", 2, NULL}, {"e", 5, NULL}},
                   theirs[] = {{"d", 4, NULL}, {"e", 5, NULL}, {"c", 7, NULL}, {"a", 1, NULL}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL));
  assert_string_equal(text->str,
                      "missing-theirs b ours 2\namount c ours 3 theirs 7 line 3\nmissing-ours d theirs 4 line 1\n");
  assert_int_equal(found.matched, 2);
  assert_int_equal(found.ours, 4);
  assert_int_equal(found.theirs, 4);
  assert_true(found.total_ours == 11);
  assert_true(found.total_theirs == 17);
  assert_int_equal(comparison_differences(&found), 3);
  g_string_free(text, TRUE);
}

/* What is the same is matched; of the rest one on each side is a difference, and no more is guessed. */
static void a_key_that_stands_there_too_often_is_surplus(void **state) {
  (void)state;
  static const struct {
    Row ours[3], theirs[3];
    guint n_ours, n_theirs;
    const char *told;
    guint matched;
  } table[] = {
      {{{"a", 200, NULL}, {"a", 100, NULL}},
       {{"a", 100, NULL}, {"a", 200, NULL}, {"a", 300, NULL}},
       2,
       3,
       "surplus-theirs a theirs 300 line 3\n",
       2},
      {{{"a", 100, NULL}}, {{"a", 100, NULL}, {"a", 100, NULL}}, 1, 2, "surplus-theirs a theirs 100 line 2\n", 1},
      {{{"a", 100, NULL}, {"a", 100, NULL}}, {{"a", 100, NULL}}, 2, 1, "surplus-ours a ours 100\n", 1},
      {{{"a", 100, NULL}, {"a", 300, NULL}},
       {{"a", 400, NULL}, {"a", 100, NULL}},
       2,
       2,
       "amount a ours 300 theirs 400 line 1\n",
       1},
      {{{"a", 100, NULL}},
       {{"a", 300, NULL}, {"a", 200, NULL}},
       1,
       2,
       "surplus-ours a ours 100\nsurplus-theirs a theirs 200 line 2\nsurplus-theirs a theirs 300 line 1\n",
       0},
      {{{"b", 1, NULL}},
       {{"a", 7, NULL}, {"a", 7, NULL}},
       1,
       2,
       "missing-ours a theirs 7 line 1\nmissing-ours a theirs 7 line 2\nmissing-theirs b ours 1\n",
       0},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    GString *text = g_string_new(NULL);
    Comparison found;
    Given ours = {whole, table[i].ours, table[i].n_ours}, theirs = {whole, table[i].theirs, table[i].n_theirs};
    assert_true(compare(ours, theirs, text, &found, NULL));
    assert_string_equal(text->str, table[i].told);
    assert_int_equal(found.matched, table[i].matched);
    g_string_free(text, TRUE);
  }
}

/* The right amounts on exchanged accounts. */
static void other_columns_are_compared_each_by_itself(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 100, "ann"}, {"b", 200, "bob"}, {"c", 5, "cy"}, {"d", 6, NULL}, {"e", 7, NULL}},
                   theirs[] = {{"a", 100, "bob"}, {"b", 200, "ann"}, {"c", 6, "cid"}, {"d", 6, NULL}, {"e", 7, "eve"}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(with_account, ours), GIVEN(with_account, theirs), text, &found, NULL));
  assert_string_equal(text->str, "account a ours ann theirs bob\naccount b ours bob theirs ann\n"
                                 "amount c ours 5 theirs 6 line 3\naccount c ours cy theirs cid\n"
                                 "account e ours - theirs eve\n");
  assert_int_equal(found.differences[COMPARE_COLUMN], 4);
  assert_int_equal(found.columns[0], 4);
  assert_int_equal(found.matched, 1);
  g_string_free(text, TRUE);
}

static void records_of_one_key_meet_by_all_their_columns(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 100, "ann"}, {"a", 100, "bob"}, {"a", 100, "cy"}},
                   theirs[] = {{"a", 100, "cy"}, {"a", 100, "bob"}, {"a", 100, "eve"}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(with_account, ours), GIVEN(with_account, theirs), text, &found, NULL));
  assert_string_equal(text->str, "account a ours ann theirs eve\n");
  assert_int_equal(found.matched, 2);
  g_string_free(text, TRUE);
}

static void their_amounts_may_have_the_other_sign_and_another_unit(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 1230, NULL}, {"b", -500, NULL}, {"c", 0, NULL}},
                   theirs[] = {{"a", -1230, NULL}, {"b", 501, NULL}, {"c", 0, NULL}};
  GString *text = g_string_new(NULL);
  Comparison found;
  asked.negate = TRUE;
  asked.scale = 2; /* theirs are whole numbers of cents, ours are decimals */
  assert_true(compare(GIVEN(cents, ours), GIVEN(whole, theirs), text, &found, NULL));
  assert_string_equal(text->str, "amount b ours -500 theirs -501 line 2\n");
  assert_true(found.total_theirs == 729);
  assert_int_equal(found.scale, 2);
  g_string_free(text, TRUE);
}

static void keys_that_are_numbers_are_compared_by_their_value(void **state) {
  (void)state;
  static const struct {
    const char *ours, *theirs;
    gboolean same;
  } table[] = {
      {"123", "000123", TRUE}, {"0", "000", TRUE},      {"0", "-0", TRUE},        {"-5", "-0005", TRUE},
      {"5", "+5", TRUE},       {"5", "-5", FALSE},      {"1.5", "1.50", TRUE},    {"2", "2.00", TRUE},
      {"0.5", "00.5", TRUE},   {"20", "2", FALSE},      {"A007", "A7", FALSE},    {"1.2.3", "1.2.30", FALSE},
      {".5", "0.5", FALSE},    {"1.", "1", FALSE},      {"-", "0", FALSE},        {"100", "1", FALSE},
      {"99999999999999999999999999", "00099999999999999999999999999", TRUE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    const Row ours[] = {{table[i].ours, 1, NULL}}, theirs[] = {{table[i].theirs, 1, NULL}};
    GString *text = g_string_new(NULL);
    Comparison found;
    asked.key.is_number = TRUE;
    assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL));
    assert_int_equal(found.matched, table[i].same ? 1 : 0);
    assert_true(compare(GIVEN(whole, ours), GIVEN(whole, theirs), text, &found, NULL)); /* as bytes */
    assert_int_equal(found.matched, 0);
    g_string_free(text, TRUE);
  }
}

typedef struct {
  gint64 key;
  gboolean done;
} Numbered;
static gboolean fill_numbered(gpointer user, RecordBlock *block, GError **error) {
  (void)error;
  Numbered *numbered = user;
  if (numbered->done)
    return TRUE;
  record_block_begin(block, 1);
  record_block_put_integer(block, 0, numbered->key);
  record_block_put_integer(block, 1, 7);
  record_block_end(block);
  return numbered->done = TRUE;
}

static void a_key_that_is_an_integer_on_one_side_meets_its_text_on_the_other(void **state) {
  (void)state;
  static const StagingColumn numbers[] = {{"id", BLOCK_INTEGER, 0}, {"sum", BLOCK_INTEGER, 0}};
  static const Row ours[] = {{"000123", 7, NULL}};
  g_autofree char *folder = g_dir_make_tmp("compare-XXXXXX", NULL);
  Numbered *numbered = g_new0(Numbered, 1);
  numbered->key = 123;
  g_autoptr(ReconSource) a = source_of(whole, ours, 1),
                         b = recon_source_of_blocks(numbers, 2, fill_numbered, numbered, g_free);
  CompareOptions options = {.ours = a,
                            .theirs = b,
                            .key = {"key", "key", "id", FALSE},
                            .amount = {"amount", "amount", "sum", FALSE},
                            .work = folder};
  Comparison found;
  assert_true(recon_compare(&options, &found, NULL));
  assert_int_equal(found.matched, 1);
  options.key.theirs = "ident";
  g_autoptr(GError) error = NULL;
  assert_false(recon_compare(&options, &found, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  assert_string_equal(error->message, "theirs: there is no column \"ident\"; there are: id, sum");
  assert_int_equal(rmdir(folder), 0);
}

static void amounts_are_compared_at_the_greater_number_of_decimals(void **state) {
  (void)state;
  static const Row ours[] = {{"a", 12, NULL}, {"b", 12, NULL}}, theirs[] = {{"a", 1200, NULL}, {"b", 1201, NULL}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, ours), GIVEN(cents, theirs), text, &found, NULL));
  assert_string_equal(text->str, "amount b ours 1200 theirs 1201 line 2\n");
  assert_int_equal(found.scale, 2);
  assert_true(found.total_ours == 2400);
  g_string_free(text, TRUE);
}

static void keys_are_bytes_and_a_prefix_comes_first(void **state) {
  (void)state;
  static const Row ours[] = {{"ab", 1, NULL}, {"a", 1, NULL}, {"\xc3\xa9", 1, NULL}, {"B", 1, NULL}},
                   theirs[] = {{"abc", 1, NULL}, {"a", 1, NULL}, {"b", 1, NULL}};
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
  static const Row ours[] = {{"a", 1, NULL}};
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
  static const Row good[] = {{"a", 1, NULL}}, no_key[] = {{"a", 1, NULL}, {NULL, 1, NULL}},
                   no_amount[] = {{"a", 1, NULL}, {"b", NONE, NULL}};
  fails_with(GIVEN(whole, good), GIVEN(whole, no_key), "theirs: line 2 has no key");
  fails_with(GIVEN(whole, good), GIVEN(whole, no_amount), "theirs: line 2 has no amount");
}

static void sums_and_scaled_amounts_may_leave_64_bits(void **state) {
  (void)state;
  static const Row huge[] = {{"a", G_MAXINT64, NULL}, {"b", G_MAXINT64, NULL}}, one[] = {{"a", G_MAXINT64, NULL}};
  GString *text = g_string_new(NULL);
  Comparison found;
  assert_true(compare(GIVEN(whole, huge), GIVEN(cents, one), text, &found, NULL));
  assert_true(found.total_ours == (Wide)G_MAXINT64 * 200);
  assert_true(found.total_theirs == G_MAXINT64);
  assert_int_equal(found.differences[COMPARE_AMOUNT], 1);
  assert_int_equal(found.differences[COMPARE_NOT_THEIRS], 1);
  g_string_free(text, TRUE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_difference_is_told_once_and_the_rest_matches),
                                     cmocka_unit_test(a_key_that_stands_there_too_often_is_surplus),
                                     cmocka_unit_test(other_columns_are_compared_each_by_itself),
                                     cmocka_unit_test(records_of_one_key_meet_by_all_their_columns),
                                     cmocka_unit_test(their_amounts_may_have_the_other_sign_and_another_unit),
                                     cmocka_unit_test(keys_that_are_numbers_are_compared_by_their_value),
                                     cmocka_unit_test(a_key_that_is_an_integer_on_one_side_meets_its_text_on_the_other),
                                     cmocka_unit_test(sums_and_scaled_amounts_may_leave_64_bits),
                                     cmocka_unit_test(amounts_are_compared_at_the_greater_number_of_decimals),
                                     cmocka_unit_test(keys_are_bytes_and_a_prefix_comes_first),
                                     cmocka_unit_test(a_side_may_be_empty),
                                     cmocka_unit_test(what_cannot_be_compared_is_an_error_at_its_line)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
