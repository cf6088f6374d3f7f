/* Surveys and probes of a real server: what is told agrees with what the server was configured to be and with its
 * folder. */
#include "tests/unit/transfer/one_sshd.h"
#include "transfer/probe.h"

static GPtrArray *surveyed(const Sshd *sshd) {
  TestEndpoint made;
  g_autoptr(GError) error = NULL;
  GPtrArray *facts = courier_facts_new();
  gboolean ok = courier_survey(test_endpoint(&made, sshd), facts, &error);
  assert_fine(ok, error);
  return facts;
}

static gboolean has_item(const GPtrArray *facts, const char *name, const char *item) {
  const char *value = courier_fact(facts, name);
  g_auto(GStrv) items = g_strsplit(value ? value : "", ",", -1);
  return g_strv_contains((const char *const *)items, item);
}

static guint shown_keys(const GPtrArray *facts, const char *fingerprint) {
  guint count = 0;
  for (guint i = 0; i < facts->len; i++) {
    const CourierFact *fact = facts->pdata[i];
    count += strcmp(fact->name, "shown") == 0 && (!fingerprint || g_str_has_suffix(fact->value, fingerprint));
  }
  return count;
}

static void a_survey_tells_address_banner_lists_and_host_keys_and_does_not_log_in(void **state) {
  (void)state;
  g_autoptr(GPtrArray) facts = surveyed(server);
  assert_true(g_str_has_prefix(courier_fact(facts, "address"), "127.0.0.1 "));
  assert_true(g_str_has_suffix(courier_fact(facts, "address"), " 0"));
  assert_true(courier_fact_number(facts, "resolved", -1) >= 0);
  assert_true(g_str_has_prefix(courier_fact(facts, "banner"), "SSH-2.0-OpenSSH"));
  assert_true(has_item(facts, "cipher-in", "aes128-gcm@openssh.com"));
  assert_true(has_item(facts, "host-key", "ssh-ed25519"));
  assert_true(has_item(facts, "our-cipher", "aes128-ctr"));
  assert_true(has_item(facts, "our-kex", "curve25519-sha256"));
  assert_int_equal(shown_keys(facts, server->ed25519), 1);
  assert_int_equal(shown_keys(facts, server->ecdsa), 1);
  g_autofree char *log = sshd_log_text(server);
  assert_null(strstr(log, "userauth-request"));
}

static void what_a_server_was_told_to_offer_is_what_is_told(void **state) {
  (void)state;
  Sshd *odd = sshd_start(&(SshdPlan){
      .config =
          "Ciphers aes256-gcm@openssh.com\nMACs hmac-sha2-512-etm@openssh.com\nKexAlgorithms ecdh-sha2-nistp384"});
  g_autoptr(GPtrArray) facts = surveyed(odd);
  assert_string_equal(courier_fact(facts, "cipher-in"), "aes256-gcm@openssh.com");
  assert_string_equal(courier_fact(facts, "mac-out"), "hmac-sha2-512-etm@openssh.com");
  assert_true(has_item(facts, "kex", "ecdh-sha2-nistp384"));
  sshd_stop(odd);
}

static void a_survey_of_nobody_fails_and_keeps_what_it_learnt(void **state) {
  (void)state;
  TestEndpoint made;
  GError *error = NULL;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->port = 1;
  g_autoptr(GPtrArray) facts = courier_facts_new();
  assert_false(courier_survey(endpoint, facts, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  g_autofree char *refused = g_strdup_printf(" %d", ECONNREFUSED);
  assert_true(g_str_has_suffix(courier_fact(facts, "address"), refused));
}

static gboolean probe(Courier *courier, CourierProbe wanted, GPtrArray *facts) {
  g_autoptr(GError) error = NULL;
  gboolean known;
  gboolean ok = courier_probe(courier, &wanted, &known, facts, &error);
  assert_fine(ok, error);
  return known;
}

static void a_connection_is_probed(void **state) {
  (void)state;
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  g_autoptr(GPtrArray) facts = courier_facts_new();
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_CONNECTION}, facts));
  assert_string_equal(courier_fact(facts, "login-by"), "publickey");
  assert_non_null(strstr(courier_fact(facts, "login-offered"), "publickey"));
  assert_string_equal(courier_fact(facts, "agreed-host-key"), "ssh-ed25519");
  assert_int_equal(courier_fact_number(facts, "read-most", 0), 261120);
  assert_true(g_str_has_prefix(courier_fact(facts, "extension"), "posix-rename@openssh.com"));
  assert_non_null(courier_fact(facts, "working-folder"));
  g_autoptr(GPtrArray) folder = courier_facts_new();
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_FOLDER, .path = server->folder}, folder));
  assert_string_equal(courier_fact(folder, "mode"), "755");
  assert_true(courier_fact_number(folder, "free", 0) > 0);
  assert_false(probe(courier, (CourierProbe){.kind = COURIER_PROBES, .path = "x"}, folder));
  courier_close(courier);
}

static void writing_probes_do_what_they_say(void **state) {
  (void)state;
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  g_autofree char *a = g_build_filename(server->folder, "a", NULL), *b = g_build_filename(server->folder, "b", NULL);
  g_autofree char *folder = g_build_filename(server->folder, "made", NULL);
  struct stat about;
  test_write(a, 300000);
  test_write(b, 7);
  g_autoptr(GPtrArray) reads = courier_facts_new(), plain = courier_facts_new(), posix = courier_facts_new(),
                       time = courier_facts_new(), none = courier_facts_new();
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_READ, .path = a, .size = 300000}, reads));
  assert_int_equal(courier_fact_number(reads, "read-answered", 0), 261120);
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_RENAME, .path = a, .target = b}, plain));
  assert_string_not_equal(courier_fact(plain, "status"), "ok");
  assert_file(b, 7);
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_RENAME_POSIX, .path = a, .target = b}, posix));
  assert_string_equal(courier_fact(posix, "status"), "ok");
  assert_file(b, 300000);
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_SET_TIME, .path = b, .size = 1700000000}, time));
  assert_int_equal(stat(b, &about), 0);
  assert_int_equal(about.st_mtime, 1700000000);
  assert_int_equal(mkdir(folder, 0755), 0);
  assert_true(probe(courier, (CourierProbe){.kind = COURIER_PROBE_REMOVE_FOLDER, .path = folder}, none));
  assert_int_not_equal(stat(folder, &about), 0);
  unlink(b);
  courier_close(courier);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_survey_tells_address_banner_lists_and_host_keys_and_does_not_log_in),
      cmocka_unit_test(what_a_server_was_told_to_offer_is_what_is_told),
      cmocka_unit_test(a_survey_of_nobody_fails_and_keeps_what_it_learnt),
      cmocka_unit_test(a_connection_is_probed),
      cmocka_unit_test(writing_probes_do_what_they_say),
  };
  if (!sshd_available()) {
    fprintf(stderr, "SKIPPED: sshd or ssh-keygen is not installed\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
