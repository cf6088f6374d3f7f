/* What gpg says of a signature while the clock is set. */
#include "crypto/results.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void a_clock_that_is_set_while_gpg_runs_makes_no_bad_signature(void **state) {
  const struct {
    gint64 step; /* seconds that the clock is set by while gpg runs */
    guint signature;
    gboolean is_out_of_time;
  } cases[] = {{0, SIGNATURE_BAD, FALSE},         {3600, SIGNATURE_BAD, TRUE},     {-3600, SIGNATURE_BAD, TRUE},
               {-3600, SIGNATURE_EXPIRED, TRUE},  {3600, SIGNATURE_GOOD, FALSE},   {3600, SIGNATURE_UNKNOWN, FALSE},
               {-3600, SIGNATURE_REVOKED, FALSE}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Evidence evidence = {.statements = 1, .signature = cases[i].signature};
    const OpenpgpOpenOptions options = {0};
    ResultsClock clock = results_begin(&options, &evidence);
    clock.wall -= cases[i].step * G_USEC_PER_SEC;
    if (results_are_out_of_time(&evidence, &clock) != cases[i].is_out_of_time)
      fail_msg("case %u", i);
    evidence.statements = 0; /* nothing was said of a signature that could come of it */
    assert_false(results_are_out_of_time(&evidence, &clock));
  }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clock_that_is_set_while_gpg_runs_makes_no_bad_signature),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
