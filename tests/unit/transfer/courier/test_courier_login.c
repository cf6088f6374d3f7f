/* Host keys and logins: what is sent to whom, and when. */
#include "tests/unit/transfer/one_sshd.h"

static void refused(const CourierEndpoint *endpoint, SallyportErrorCode code, const char *words) {
  GError *error = NULL;
  assert_null(courier_open(endpoint, &error));
  assert_non_null(error);
  if (!strstr(error->message, words))
    fail_msg("no \"%s\" in: %s", words, error->message);
  assert_code(&error, code);
}

static guint occurrences(const char *text, const char *of) {
  guint count = 0;
  for (const char *at = text; (at = strstr(at, of)); at++)
    count++;
  return count;
}

static void a_wrong_host_key_gets_no_login_attempt(void **state) {
  (void)state;
  Sshd *stranger = sshd_start(NULL);
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, stranger);
  made.pins[0] = server->ed25519;
  made.pins[1] = server->ecdsa;
  refused(endpoint, SALLYPORT_ERROR_LOGIN, "not a pinned one");
  g_autofree char *log = sshd_log_text(stranger);
  assert_non_null(strstr(log, "Connection from"));
  assert_null(strstr(log, "userauth-request"));
  assert_null(strstr(log, "Accepted"));
  assert_null(strstr(log, "Failed"));
  sshd_stop(stranger);
}

static void the_mismatch_tells_every_key_that_the_server_shows(void **state) {
  (void)state;
  GError *error = NULL;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  made.pins[0] = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  assert_null(courier_open(endpoint, &error));
  assert_non_null(strstr(error->message, server->ed25519));
  assert_non_null(strstr(error->message, server->ecdsa));
  assert_true(strstr(error->message, server->rsa) || strstr(error->message, "RSA host keys by SHA-1 only"));
  assert_code(&error, SALLYPORT_ERROR_LOGIN);
}

static void either_of_two_pins_opens(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  made.pins[0] = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  made.pins[1] = server->ed25519;
  courier_close(test_open(endpoint));
}

static void a_pinned_key_of_another_type_is_found(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  made.pins[0] = server->ecdsa;
  Courier *courier = test_open(endpoint);
  assert_non_null(strstr(courier_describe(courier), "ecdsa-sha2"));
  courier_close(courier);
  Sshd *old = sshd_start(&(SshdPlan){.config = "HostKeyAlgorithms +ssh-rsa"}); /* for libssh2 1.10 */
  endpoint = test_endpoint(&made, old);
  made.pins[0] = old->rsa;
  courier = test_open(endpoint);
  assert_non_null(strstr(courier_describe(courier), "rsa"));
  courier_close(courier);
  sshd_stop(old);
}

/* What the server shows besides is learnt: later openings make no connection without a login. */
static void the_type_of_a_pinned_key_is_remembered(void **state) {
  (void)state;
  TestEndpoint made;
  gint other_keys = 0;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->other_keys = &other_keys;
  made.pins[0] = server->ecdsa;
  courier_close(test_open(endpoint));
  assert_true(other_keys != 0);
  g_autofree char *before = sshd_log_text(server);
  courier_close(test_open(endpoint));
  g_autofree char *after = sshd_log_text(server);
  assert_int_equal(occurrences(after + strlen(before), "Connection from"), 1);
  /* and forgotten, when it does not hold any more */
  made.pins[0] = server->ed25519;
  courier_close(test_open(endpoint));
}

static void no_pin_no_connection(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  made.pins[0] = NULL;
  refused(endpoint, SALLYPORT_ERROR_CONFIGURATION, "pinned host key");
}

static void keys_of_every_type_log_in(void **state) {
  (void)state;
  static const char *const types[] = {"-t ecdsa -b 256 -N ''", "-t ecdsa -b 384 -N ''", "-t ecdsa -b 521 -N ''",
                                      "-t ed25519 -N sesame",  "-t ecdsa -N sesame",    "-t ecdsa -m PEM -N ''"};
  g_autofree char *passphrase = g_build_filename(server->home, "passphrase", NULL);
  assert_true(g_file_set_contents(passphrase, "sesame\n", -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
    g_autofree char *name = g_strdup_printf("key%zu", i), *identity = sshd_identity(server, name, types[i]);
    TestEndpoint made;
    CourierEndpoint *endpoint = test_endpoint(&made, server);
    endpoint->identity_file = identity;
    endpoint->passphrase_file = strstr(types[i], "sesame") ? passphrase : NULL;
    courier_close(test_open(endpoint));
  }
}

static void an_rsa_key_logs_in_or_the_reason_is_told(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *identity = sshd_identity(server, "rsa", "-t rsa -b 2048 -N ''");
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->identity_file = identity;
  Courier *courier = courier_open(endpoint, &error);
  if (courier) /* libssh2 1.11 and later */
    courier_close(courier);
  else
    assert_non_null(strstr(error->message, "SHA-1 only"));
}

static void a_refused_key_is_one_attempt_and_a_login_error(void **state) {
  (void)state;
  Sshd *other = sshd_start(NULL);
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, other);
  endpoint->identity_file = server->identity;
  refused(endpoint, SALLYPORT_ERROR_LOGIN, "refuses user");
  g_autofree char *log = sshd_log_text(other);
  assert_int_equal(occurrences(log, "method publickey"), 1);
  sshd_stop(other);
}

static void unreadable_credentials_are_a_configuration_error(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->identity_file = "/nonexistent/key";
  refused(endpoint, SALLYPORT_ERROR_CONFIGURATION, "/nonexistent/key");
  endpoint->identity_file = "/dev/zero";
  refused(endpoint, SALLYPORT_ERROR_CONFIGURATION, "/dev/zero");
  g_autofree char *garbage = g_build_filename(server->home, "garbage", NULL),
                  *locked = sshd_identity(server, "locked", "-t ed25519 -N sesame");
  assert_true(g_file_set_contents(garbage, "this is no key\n", -1, NULL));
  endpoint->identity_file = garbage;
  refused(endpoint, SALLYPORT_ERROR_CONFIGURATION, "private key");
  endpoint->identity_file = locked; /* without its passphrase */
  refused(endpoint, SALLYPORT_ERROR_CONFIGURATION, "passphrase");
}

static void a_network_that_fails_is_tried_again(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->port = sshd_free_port();
  refused(endpoint, SALLYPORT_ERROR_AGAIN, "connect to 127.0.0.1");
  endpoint->connect_timeout = 1;
  endpoint->host = "192.0.2.1"; /* reserved for documentation: nobody answers */
  refused(endpoint, SALLYPORT_ERROR_AGAIN, "192.0.2.1");
}

/* Accepts and says nothing, or nonsense. */
static void a_host_that_does_not_speak_ssh_is_left_in_time(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
  assert_int_equal(listen(listening, 5), 0);
  assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->port = ntohs(address.sin_port);
  endpoint->connect_timeout = 1;
  gint64 begun = g_get_monotonic_time();
  refused(endpoint, SALLYPORT_ERROR_AGAIN, "silent");
  assert_true(g_get_monotonic_time() - begun < 5 * G_USEC_PER_SEC);
  close(listening);
}

static void a_missing_program_is_told(void **state) {
  (void)state;
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, server);
  endpoint->program = "/nonexistent/sallyport";
  GError *error = NULL;
  assert_null(courier_open(endpoint, &error));
  assert_non_null(error);
  g_error_free(error);
  endpoint->program = "/bin/true"; /* ends at once */
  refused(endpoint, SALLYPORT_ERROR_AGAIN, "courier lost");
}

static void with_password(gboolean pam, const char *config) {
  if (geteuid() != 0) {
    fprintf(stderr, "SKIPPED: a password user needs root\n");
    skip();
  }
  g_autofree char *path = g_build_filename(server->home, "password", NULL),
                  *wrong = g_build_filename(server->home, "wrong", NULL);
  assert_true(g_file_set_contents(path, "correct horse\n", -1, NULL));
  assert_true(g_file_set_contents(wrong, "battery staple", -1, NULL));
  Sshd *other = sshd_start(&(SshdPlan){.password = "correct horse", .pam = pam, .config = config});
  TestEndpoint made;
  CourierEndpoint *endpoint = test_endpoint(&made, other);
  endpoint->password_file = path;
  if (!config)
    endpoint->identity_file = NULL;
  courier_close(test_open(endpoint));
  g_autofree char *before = sshd_log_text(other);
  endpoint->password_file = wrong;
  refused(endpoint, SALLYPORT_ERROR_LOGIN, "refuses user sallytest by");
  g_autofree char *after = sshd_log_text(other);
  const char *method = pam ? "method keyboard-interactive" : "method password";
  assert_int_equal(occurrences(after + strlen(before), method), 1);
  sshd_stop(other);
}

static void a_password_logs_in(void **state) {
  (void)state;
  with_password(FALSE, NULL);
}

static void keyboard_interactive_logs_in(void **state) {
  (void)state;
  with_password(TRUE, NULL);
}

static void key_and_password_together_log_in(void **state) {
  (void)state;
  with_password(FALSE, "AuthenticationMethods publickey,password");
}

/* Partial success is followed in any order that the server asks for. */
static void what_the_server_wants_next_is_given(void **state) {
  (void)state;
  with_password(FALSE, "AuthenticationMethods password,publickey");
  with_password(FALSE, "AuthenticationMethods publickey,password password,publickey");
  with_password(TRUE, "AuthenticationMethods publickey,keyboard-interactive");
}

/* A method that was accepted is not the one to blame. */
static void what_is_missing_is_told_and_not_what_was_accepted(void **state) {
  (void)state;
  if (geteuid() != 0) {
    fprintf(stderr, "SKIPPED: a password user needs root\n");
    return;
  }
  Sshd *other = sshd_start(
      &(SshdPlan){.password = "correct horse", .config = "AuthenticationMethods publickey,password"});
  TestEndpoint made;
  refused(test_endpoint(&made, other), SALLYPORT_ERROR_LOGIN, "has accepted user");
  sshd_stop(other);
}

static void secrets_stand_in_no_argument_and_no_environment(void **state) {
  (void)state;
  TestEndpoint made;
  setenv("SALLYPORT_TEST_CANARY", "canary", 1);
  Courier *courier = test_open(test_endpoint(&made, server));
  g_autofree char *environment = NULL, *arguments = NULL;
  g_autofree char *one = g_strdup_printf("/proc/%d/environ", courier_pid(courier)),
                  *two = g_strdup_printf("/proc/%d/cmdline", courier_pid(courier));
  gsize length = 0;
  if (g_file_get_contents(one, &environment, &length, NULL)) /* not dumpable: only root may look */
    assert_int_equal(length, 0);
  assert_true(g_file_get_contents(two, &arguments, &length, NULL));
  assert_int_equal(length, sizeof "sallyport\0courier");
  courier_close(courier);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_host_key_gets_no_login_attempt),
      cmocka_unit_test(the_mismatch_tells_every_key_that_the_server_shows),
      cmocka_unit_test(either_of_two_pins_opens),
      cmocka_unit_test(a_pinned_key_of_another_type_is_found),
      cmocka_unit_test(the_type_of_a_pinned_key_is_remembered),
      cmocka_unit_test(no_pin_no_connection),
      cmocka_unit_test(keys_of_every_type_log_in),
      cmocka_unit_test(an_rsa_key_logs_in_or_the_reason_is_told),
      cmocka_unit_test(a_refused_key_is_one_attempt_and_a_login_error),
      cmocka_unit_test(unreadable_credentials_are_a_configuration_error),
      cmocka_unit_test(a_network_that_fails_is_tried_again),
      cmocka_unit_test(a_host_that_does_not_speak_ssh_is_left_in_time),
      cmocka_unit_test(a_missing_program_is_told),
      cmocka_unit_test(a_password_logs_in),
      cmocka_unit_test(keyboard_interactive_logs_in),
      cmocka_unit_test(key_and_password_together_log_in),
      cmocka_unit_test(what_the_server_wants_next_is_given),
      cmocka_unit_test(what_is_missing_is_told_and_not_what_was_accepted),
      cmocka_unit_test(secrets_stand_in_no_argument_and_no_environment),
  };
  if (!sshd_available()) {
    fprintf(stderr, "SKIPPED: sshd or ssh-keygen is not installed\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
