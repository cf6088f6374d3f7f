/* A file as JSON: the text that is written reads back as the shape that programs rely on. */
#include "gateway/status/file_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *written(const BookFile *file) {
  g_autoptr(GPtrArray) none = g_ptr_array_new();
  Conf conf = {.lanes = none};
  ConfLane of = {.name = (char *)"points"};
  StatusLane lane = {.conf = &of};
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Asia/Shanghai");
  GString *text = g_string_new(NULL);
  status_file_put(zone, &conf, &lane, file, text);
  return g_string_free(text, FALSE);
}

/* In the same order, too: both are compared as the library spells them. */
static void expect_json(const BookFile *file, const char *expected) {
  g_autofree char *text = written(file);
  json_error_t why;
  json_t *read = json_loads(text, 0, &why), *wanted = json_loads(expected, 0, &why);
  if (!read || !wanted)
    fail_msg("%s: %s", why.text, text);
  char *one = json_dumps(read, JSON_INDENT(1)), *two = json_dumps(wanted, JSON_INDENT(1));
  assert_string_equal(one, two);
  free(one);
  free(two);
  json_decref(read);
  json_decref(wanted);
}

static void what_is_not_known_is_null_and_never_left_out(void **state) {
  BookFile file = {.id = (char *)"0mx2k3tz8b5fp9wu", .feed = (char *)"f", .name_shown = (char *)"A.dat"};
  expect_json(&file, "{\"id\":\"0mx2k3tz8b5fp9wu\",\"lane\":\"points\",\"feed\":\"f\",\"name\":\"A.dat\","
                     "\"folder\":null,\"state\":\"seen\",\"outcome\":null,\"waits\":null,\"held_from\":null,\"size\":0,"
                     "\"modified\":null,\"seen_at\":null,\"changed_at\":null,\"due_at\":null,\"attempts\":0,"
                     "\"problem\":null,\"deaths\":0,\"reason_code\":null,\"reason\":null,\"duplicate_of\":null,"
                     "\"evidence\":null,\"cipher_size\":0,\"cipher_sha256\":null,\"plain_size\":0,"
                     "\"plain_sha256\":null,\"signer\":null,\"trust\":null,\"business_date\":null,\"header\":null,"
                     "\"records\":0,\"accepted\":0,\"rejected\":0,\"duplicates\":0,\"amount\":\"0\","
                     "\"amount_accepted\":\"0\",\"amount_rejected\":\"0\",\"amount_duplicate\":\"0\",\"batches\":0,"
                     "\"batches_posted\":0,\"feedback_name\":null}");
  (void)state;
}

static void what_is_known_is_told_as_it_is(void **state) {
  BookFile file = {.id = (char *)"0mx2k3tz8b5fp9wu", .feed = (char *)"f", .name_shown = (char *)"积分 \"A\"\\.dat",
                   .folder = (char *)"/out", .state = FILE_HELD, .held_from = FILE_FETCHED,
                   .outcome = FILE_OUTCOME_REJECTED, .waits_for = FILE_WAIT_OPERATOR, .waits_on = (char *)"T004",
                   .waits_why = (char *)"tab\there", .size = G_MAXINT64, .modified = 1700000000,
                   .seen_at = 1700000001000002, .changed_at = 1700000002000000, .due_at = 1700000003500000,
                   .attempts = 3, .problem = (char *)"bad \xff byte", .deaths = 1, .reason_code = (char *)"T004",
                   .reason = (char *)"total", .duplicate_of = (char *)"0mx2",
                   .evidence = (char *)"{\"kind\":\"marker\"}",
                   .header = (char *)"{\"partner\":\"AC", .amount = -5, .amount_accepted = G_MAXINT64,
                   .amount_rejected = G_MININT64, .records = 2, .feedback_name = (char *)"A_FB"};
  expect_json(&file,
              "{\"id\":\"0mx2k3tz8b5fp9wu\",\"lane\":\"points\",\"feed\":\"f\",\"name\":\"积分 \\\"A\\\"\\\\.dat\","
              "\"folder\":\"/out\",\"state\":\"held\",\"outcome\":\"rejected\",\"waits\":{\"for\":\"operator\","
              "\"on\":\"T004\",\"why\":\"tab\\there\",\"until\":null,"
              "\"words\":\"waits for an operator (T004): tab\\\\x09here\"},\"held_from\":\"fetched\","
              "\"size\":9223372036854775807,\"modified\":\"2023-11-15T06:13:20.000000+08:00\","
              "\"seen_at\":\"2023-11-15T06:13:21.000002+08:00\",\"changed_at\":\"2023-11-15T06:13:22.000000+08:00\","
              "\"due_at\":\"2023-11-15T06:13:23.500000+08:00\",\"attempts\":3,\"problem\":\"bad \357\277\275 byte\","
              "\"deaths\":1,\"reason_code\":\"T004\",\"reason\":\"total\",\"duplicate_of\":\"0mx2\","
              "\"evidence\":{\"kind\":\"marker\"},\"cipher_size\":0,\"cipher_sha256\":null,\"plain_size\":0,"
              "\"plain_sha256\":null,\"signer\":null,\"trust\":null,\"business_date\":null,"
              "\"header\":\"{\\\"partner\\\":\\\"AC\",\"records\":2,\"accepted\":0,\"rejected\":0,\"duplicates\":0,"
              "\"amount\":\"-5\",\"amount_accepted\":\"9223372036854775807\","
              "\"amount_rejected\":\"-9223372036854775808\",\"amount_duplicate\":\"0\",\"batches\":0,"
              "\"batches_posted\":0,\"feedback_name\":\"A_FB\"}");
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_known_is_null_and_never_left_out),
      cmocka_unit_test(what_is_known_is_told_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
