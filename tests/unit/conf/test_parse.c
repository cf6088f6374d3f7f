#include "tests/unit/conf/parse.h"

static void what_is_not_said_has_its_default(void **state) {
  (void)state;
  Conf *conf = build_with("", "");
  assert_string_equal(conf->node.state, "/var/lib/sallyport");
  assert_string_equal(conf->node.runtime, "/var/lib/sallyport/run");
  assert_string_equal(conf->node.time_zone, "UTC");
  const ConfFeed *feed = conf_feed(conf, "bank-points", NULL);
  assert_null(feed->business_date);
  assert_true(feed->reject_file);
  assert_int_equal(feed->source.ready, CONF_READY_STABLE);
  assert_int_equal(feed->source.looks, 3);
  assert_null(feed->source.marker);
  assert_string_equal(feed->source.archive, "/out/archive");
  assert_string_equal(feed->source.time_zone, "UTC");
  assert_string_equal(feed->feedback.exception_name, "{stem}_FB_EX.pgp");
  assert_null(feed->feedback.columns);
  assert_null(feed->feedback.marker);
  assert_int_equal(feed->batch.size_min, 2500);
  assert_int_equal(feed->batch.target_latency, 0);
  const ConfRule *rule = feed->rules->pdata[0];
  assert_string_equal(rule->message, "range");
  assert_int_equal(rule->where.line, 30);
  assert_null(conf_feed(conf, "none", NULL));
  assert_null(conf_lane(conf, "none"));
  assert_int_equal(feed->process, CONF_PROCESS_LEDGER);
  assert_int_equal(feed->batch.threads_min, 1);
  assert_int_equal(feed->batch.threads_max, 8);
  assert_int_equal(feed->source.envelope, CONF_ENVELOPE_OPENPGP);
  assert_int_equal(feed->source.inner_packing, CONF_PACK_NONE);
  assert_false(feed->source.declared.present);
  assert_int_equal(feed->feedback.envelope, CONF_ENVELOPE_OPENPGP);
  assert_null(feed->feedback.charset);
  assert_int_equal(feed->repeats.same_file, CONF_AGAIN_DUPLICATE);
  assert_int_equal(feed->repeats.same_name, CONF_AGAIN_HOLD);
  assert_int_equal(feed->repeats.same_content, CONF_AGAIN_DUPLICATE);
  assert_int_equal(feed->repeats.keys, CONF_AGAIN_DUPLICATE);
  assert_false(feed->sequence.present || feed->cut_off.present || conf->front.present);
  assert_int_equal(feed->expects->len, 0);
  assert_int_equal(conf->alarms.repeat, 3600);
  assert_int_equal(conf->alarms.repeat_limit, 24);
  assert_null(conf->alarms.command);
  conf_free(conf);
}

static void check_delimiter(const char *written, const char *meant) {
  g_autofree char *option = g_strdup_printf("delimiter = %s", written);
  Conf *conf = build_with("delimiter = \"|\"", option);
  assert_string_equal(conf_layout(conf, "points")->delimiter, meant);
  conf_free(conf);
}

static void a_delimiter_is_any_bytes_in_either_quotes(void **state) {
  (void)state;
  check_delimiter("\"\\t\"", "\t");
  check_delimiter("'\\t'", "\t");
  check_delimiter("\"|~|\"", "|~|");
  check_delimiter("\"\\x01f\"", "\x01"
                                "f");
  check_delimiter("\"\\037\"", "\x1f");
  check_delimiter("\"\\xff\\xfe\"", "\xff\xfe");
  check_delimiter("\"\\\"$\\\\\"", "\"$\\");
  check_delimiter("'${'", "${");
  check_delimiter("\"\\${\"", "${");
  check_delimiter("','", ",");
}

static void comments_continuations_and_line_ends_change_nothing(void **state) {
  (void)state;
  Conf *conf = build_with("key = \"ref\"",
                          "# a 'comment\r\n // another \"\r\n /* a\r\n third { */ key = \"r\\\r\nef\" # key = {");
  const ConfFeed *feed = conf_feed(conf, "bank-points", NULL);
  assert_string_equal(feed->key, "ref");
  assert_int_equal(feed->source.where.line, 29); /* 25, and the four lines above */
  conf_free(conf);
}

static void a_rule_may_have_several_lines(void **state) {
  (void)state;
  Conf *conf = build_with("check = \"points > 0\"", "check = \"points > 0\n  AND member <> '\\\"'\"\n");
  const ConfRule *rule = conf_feed(conf, "bank-points", NULL)->rules->pdata[0];
  assert_string_equal(rule->check, "points > 0\n  AND member <> '\"'");
  conf_free(conf);
}

static const ConfEndpoint *endpoint_of(const Conf *conf) {
  return conf_endpoint(conf_partner(conf, "bank"), "main");
}

static void urls_are_taken_apart(void **state) {
  (void)state;
  Conf *conf = build_with("sftp://gw@sftp.example:22", "sftp://a%40b@[2001:db8::1]:2222/");
  assert_string_equal(endpoint_of(conf)->user, "a@b");
  assert_string_equal(endpoint_of(conf)->host, "2001:db8::1");
  assert_int_equal(endpoint_of(conf)->port, 2222);
  conf_free(conf);
  conf = build_with("sftp://gw@sftp.example:22", "sftp://gw@192.0.2.7");
  assert_string_equal(endpoint_of(conf)->host, "192.0.2.7");
  assert_int_equal(endpoint_of(conf)->port, 22);
  conf_free(conf);
  g_autofree char *host_key = g_strndup(strstr(right_one, "    url ="),
                                        (gsize)(strstr(right_one, "  }\n}\nlayout") - strstr(right_one, "    url =")));
  conf = build_with(host_key, "url = \"file:///srv//drop%20folder/\"\n");
  assert_int_equal(endpoint_of(conf)->scheme, CONF_URL_FILE);
  assert_string_equal(endpoint_of(conf)->folder, "/srv/drop folder");
  assert_null(endpoint_of(conf)->host);
  conf_free(conf);
}

static void fingerprints_are_brought_into_one_form(void **state) {
  (void)state;
  Conf *conf = build_with("decrypt-with = \"" FINGERPRINT "\"",
                          "decrypt-with = \"0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567\"\n");
  assert_string_equal(conf_partner(conf, "bank")->openpgp.decrypt_with, FINGERPRINT);
  assert_string_equal(conf_partner(conf, "bank")->openpgp.sign_with, FINGERPRINT);
  conf_free(conf);
}

static void a_batch_size_outside_the_usual_is_taken_when_it_is_asked_for(void **state) {
  (void)state;
  Conf *conf = build_with("size-min = 2500 size-max = 5000", "size-max = 100 allow-any-size = yes");
  assert_int_equal(conf_feed(conf, "bank-points", NULL)->batch.size_min, 100);
  assert_int_equal(conf_feed(conf, "bank-points", NULL)->batch.size_max, 100);
  conf_free(conf);
}

static void a_feedback_in_the_source_folder_is_fine_when_the_pattern_keeps_them_apart(void **state) {
  (void)state;
  conf_free(
      build_with("path = \"/in\"\n      name = '{stem}_FB.pgp'",
                 "path = \"/out\"\n      name = 'FB_{stem}.pgp' exception-name = 'EX_{name}' marker = '{name}.ok'"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_said_has_its_default),
      cmocka_unit_test(a_delimiter_is_any_bytes_in_either_quotes),
      cmocka_unit_test(comments_continuations_and_line_ends_change_nothing),
      cmocka_unit_test(a_rule_may_have_several_lines),
      cmocka_unit_test(urls_are_taken_apart),
      cmocka_unit_test(fingerprints_are_brought_into_one_form),
      cmocka_unit_test(a_batch_size_outside_the_usual_is_taken_when_it_is_asked_for),
      cmocka_unit_test(a_feedback_in_the_source_folder_is_fine_when_the_pattern_keeps_them_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
