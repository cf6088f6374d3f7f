/* The rows of the kinds of process. */
#include "gateway/processors/processors.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static ConfFeed feed_of(ConfProcess process) {
  return (ConfFeed){.name = (char *)"points",
                    .process = process,
                    .http = {.system = (char *)"core", .endpoint = (char *)"web", .path = (char *)"/accruals"},
                    .deliver = {.system = (char *)"core", .endpoint = (char *)"drop", .path = (char *)"in"},
                    .batch = {.threads_max = 5}};
}

static void every_kind_has_a_row_that_can_be_run(void **state) {
  (void)state;
  for (ConfProcess process = CONF_PROCESS_LEDGER; process <= CONF_PROCESS_DELIVER; process++) {
    const ConfFeed feed = feed_of(process);
    assert_non_null(processor_of(&feed));
    assert_non_null(processor_of(&feed)->run);
  }
}

static void a_row_says_where_in_our_systems_it_goes(void **state) {
  (void)state;
  ConfFeed ledger = feed_of(CONF_PROCESS_LEDGER), http = feed_of(CONF_PROCESS_HTTP),
           deliver = feed_of(CONF_PROCESS_DELIVER);
  g_autoptr(GPtrArray) feeds = g_ptr_array_new();
  g_ptr_array_add(feeds, &http);
  const ConfLane lane = {.feeds = feeds};
  ProcessorTarget target = {0};
  assert_null(processor_of(&ledger)->target);
  processor_of(&http)->target(&lane, &http, &target);
  assert_string_equal(target.endpoint, "web");
  assert_null(target.folder);
  assert_int_equal(target.connections, 5);
  processor_of(&deliver)->target(&lane, &deliver, &target);
  assert_string_equal(target.endpoint, "drop");
  assert_string_equal(target.folder, "in");
}

static void only_what_is_sent_over_http_is_cut_when_it_is_sent(void **state) {
  (void)state;
  const ConfFeed ledger = feed_of(CONF_PROCESS_LEDGER), http = feed_of(CONF_PROCESS_HTTP),
                 deliver = feed_of(CONF_PROCESS_DELIVER);
  assert_false(processor_of(&ledger)->cuts_when_sent);
  assert_true(processor_of(&http)->cuts_when_sent);
  assert_false(processor_of(&deliver)->cuts_when_sent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_has_a_row_that_can_be_run),
      cmocka_unit_test(a_row_says_where_in_our_systems_it_goes),
      cmocka_unit_test(only_what_is_sent_over_http_is_cut_when_it_is_sent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
