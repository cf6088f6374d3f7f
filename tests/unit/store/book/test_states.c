#include "store/states.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The diagram of states.h once more, drawn independently: a row per state, x where it may go. */
static const char *const drawn[FILE_N_STATES] = {
    /*             s a f o s v p p s a c r d h g */
    [FILE_SEEN] = ". x . . . . . . . . . . . x x",    [FILE_ADMITTED] = "x . x . . . . . . . . x . x x",
    [FILE_FETCHED] = ". . . x . . . . . . . x x x .", [FILE_OPENED] = ". . . . x . . . . . . x x x .",
    [FILE_STAGED] = ". . . . . x . . . . . x x x .",  [FILE_VALIDATED] = ". . . . . . x . . . . . . . .",
    [FILE_POSTING] = ". . . . . . . x . . . . . . .", [FILE_POSTED] = ". . . . . . . . x . . . . . .",
    [FILE_SEALED] = ". . . . . . . . . x . . . . .",  [FILE_ANSWERED] = ". . . . . . . . . . x . . . .",
    [FILE_CLOSED] = ". . . . . . . . . . . . . . .",  [FILE_REJECTED] = ". . . . . . . . x . . . . . .",
    [FILE_DUPLICATE] = ". . . . . . . . x x x . . . .", [FILE_HELD] = "x x x x x . . . . . . x . . .",
    [FILE_GONE] = ". . . . . . . . . . . . . . .",
};

static void every_transition_is_as_drawn(void **state) {
  (void)state;
  for (guint from = 0; from < FILE_N_STATES; from++)
    for (guint to = 0; to < FILE_N_STATES; to++)
      if (file_state_may_become((FileState)from, (FileState)to) != (drawn[from][2 * to] == 'x'))
        fail_msg("%s -> %s", file_state_word((FileState)from), file_state_word((FileState)to));
}

static void a_state_outside_the_list_goes_nowhere(void **state) {
  (void)state;
  assert_false(file_state_may_become(FILE_N_STATES, FILE_SEEN));
  assert_false(file_state_may_become(FILE_SEEN, FILE_N_STATES));
  assert_false(file_state_may_become((FileState)-1, FILE_SEEN));
  assert_string_equal(file_state_word((FileState)99), "unknown");
}

static void every_word_is_read_back_and_no_other(void **state) {
  (void)state;
  FileState parsed;
  for (guint i = 0; i < FILE_N_STATES; i++) {
    assert_true(file_state_parse(file_state_word((FileState)i), &parsed));
    assert_int_equal(parsed, i);
  }
  assert_false(file_state_parse("Seen", &parsed));
  assert_false(file_state_parse("", &parsed));
  assert_false(file_state_parse(NULL, &parsed));
}

static void only_what_goes_nowhere_is_terminal(void **state) {
  (void)state;
  for (guint i = 0; i < FILE_N_STATES; i++)
    assert_int_equal(file_state_is_terminal((FileState)i), strchr(drawn[i], 'x') == NULL);
}

static void every_live_state_leads_to_an_end(void **state) {
  (void)state;
  gboolean ends[FILE_N_STATES] = {[FILE_CLOSED] = TRUE, [FILE_GONE] = TRUE};
  for (guint round = 0; round < FILE_N_STATES; round++)
    for (guint from = 0; from < FILE_N_STATES; from++)
      for (guint to = 0; to < FILE_N_STATES; to++)
        ends[from] |= ends[to] && file_state_may_become((FileState)from, (FileState)to);
  for (guint i = 0; i < FILE_N_STATES; i++)
    assert_true(ends[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_transition_is_as_drawn),         cmocka_unit_test(a_state_outside_the_list_goes_nowhere),
      cmocka_unit_test(every_word_is_read_back_and_no_other), cmocka_unit_test(only_what_goes_nowhere_is_terminal),
      cmocka_unit_test(every_live_state_leads_to_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
