/* The key ring as people see it, the home's settings, and the agent's end. */
#include "tests/unit/crypto/rings.h"

static const OpenpgpKey *key_of(const GPtrArray *keys, const char *fingerprint) {
  for (guint i = 0; i < keys->len; i++)
    if (g_str_equal(((const OpenpgpKey *)keys->pdata[i])->fingerprint, fingerprint))
      return keys->pdata[i];
  fail_msg("%s is not listed", fingerprint);
  return NULL;
}

static GPtrArray *list(void) {
  g_autoptr(GError) error = NULL;
  GPtrArray *keys = openpgp_keys(rings.us, &error);
  if (!keys)
    fail_msg("%s", error->message);
  return keys;
}

static void all_keys_of_the_ring_are_listed(void **state) {
  g_autoptr(GPtrArray) keys = list();
  (void)state;
  const OpenpgpKey *ours = key_of(keys, rings.us_key), *alice = key_of(keys, rings.alice),
                   *erin = key_of(keys, rings.erin);
  assert_string_equal(ours->algorithm, "rsa2048");
  assert_string_equal(ours->user_id, "us <us@test>");
  assert_true(ours->has_secret && ours->can_sign && ours->can_encrypt);
  assert_int_equal(ours->sign_ends, 0);
  assert_int_equal(ours->encrypt_ends, 0);
  assert_in_range(ours->created, g_get_real_time() / G_USEC_PER_SEC - 600, g_get_real_time() / G_USEC_PER_SEC);
  assert_string_equal(alice->algorithm, "ed25519");
  assert_int_equal(alice->state, OPENPGP_KEY_VALID);
  assert_false(alice->has_secret);
  assert_true(erin->can_sign);
  assert_false(erin->can_encrypt);
}

static void expired_and_revoked_keys_say_so(void **state) {
  (void)state;
  assert_int_equal(sh("sed 's/^:---/---/' them/openpgp-revocs.d/%s.rev | us --import", rings.carol), 0);
  g_autoptr(GPtrArray) keys = list();
  assert_int_equal(key_of(keys, rings.carol)->state, OPENPGP_KEY_REVOKED);
  assert_int_equal(key_of(keys, rings.dave)->state, OPENPGP_KEY_EXPIRED);
  assert_in_range(key_of(keys, rings.dave)->sign_ends, 1577836800, 1577836800 + 2 * 86400);
}

/* The primary lasts for ever, its encryption subkey ten days: the key is of use for ten days. */
static void a_key_ends_when_its_first_use_ends(void **state) {
  (void)state;
  assert_int_equal(sh("us --quick-gen-key 'short <short@test>' ed25519 sign never\n"
                      "us --list-keys --with-colons short@test | awk -F: '/^fpr/{print $10; exit}' > fpr\n"
                      "us --quick-add-key $(cat fpr) cv25519 encrypt 10d"),
                   0);
  g_autofree char *fingerprint = read_file("fpr");
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(GPtrArray) keys = list();
  assert_in_range(key_of(keys, fingerprint)->encrypt_ends, now + 9 * 86400, now + 11 * 86400);
  assert_int_equal(sh("us --quick-add-key $(cat fpr) cv25519 encrypt 30d"), 0); /* a second one lasts longer */
  g_autoptr(GPtrArray) later = list();
  assert_in_range(key_of(later, fingerprint)->encrypt_ends, now + 29 * 86400, now + 31 * 86400);
  assert_int_equal(sh("us --quick-set-expire $(cat fpr) 5d"), 0); /* but not longer than the primary */
  g_autoptr(GPtrArray) last = list();
  assert_in_range(key_of(last, fingerprint)->encrypt_ends, now + 4 * 86400, now + 6 * 86400);
}

/* An old subkey of one use has ended, a new one of the other use lasts: each use has its own end. */
static void each_use_has_an_end_of_its_own(void **state) {
  (void)state;
  assert_int_equal(sh("us --faked-system-time 20200101T000000! --quick-gen-key 'turn <turn@test>' ed25519 cert never\n"
                      "us --list-keys --with-colons turn@test | awk -F: '/^fpr/{print $10; exit}' > fpr\n"
                      "us --faked-system-time 20200101T000000! --quick-add-key $(cat fpr) cv25519 encrypt 10d\n"
                      "us --faked-system-time 20200101T000000! --quick-add-key $(cat fpr) ed25519 sign 20d\n"
                      "us --quick-add-key $(cat fpr) cv25519 encrypt 30d"),
                   0);
  g_autofree char *fingerprint = read_file("fpr");
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(GPtrArray) keys = list();
  const OpenpgpKey *key = key_of(keys, fingerprint);
  assert_in_range(key->encrypt_ends, now + 29 * 86400, now + 31 * 86400);
  assert_in_range(key->sign_ends, 1577836800 + 19 * 86400, 1577836800 + 21 * 86400);
  assert_true(key->can_encrypt);
  assert_false(key->can_sign);
  assert_int_equal(g_strv_length(key->subkeys), 3);
}

/* No room for its socket: gpg cannot ask for secret keys. That is no key ring without them. */
static void an_agent_that_cannot_start_is_no_missing_key(void **state) {
  g_autofree char *home = g_build_filename(rings.folder, "mute", NULL);
  g_autoptr(GError) error = NULL, again = NULL;
  (void)state;
  assert_int_equal(sh("mkdir -m 700 mute; cp -r us/pubring.kbx us/private-keys-v1.d mute\n"
                      "echo 'agent-program /nowhere/gpg-agent' > mute/gpg.conf"),
                   0);
  assert_null(openpgp_keys(home, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  assert_int_equal(sh("rm mute/gpg.conf"), 0);
  g_autoptr(GPtrArray) keys = openpgp_keys(home, &again);
  assert_non_null(keys);
  assert_true(key_of(keys, rings.us_key)->has_secret);
  openpgp_stop_agent(home);
}

static void user_ids_are_escaped(void **state) {
  (void)state;
  assert_int_equal(sh("n=$(printf 'evil \\033[31m <evil@test>'); us --quick-gen-key \"$n\" ed25519 sign never\n"
                      "us --list-keys --with-colons evil@test | awk -F: '/^fpr/{print $10; exit}' > fpr"),
                   0);
  g_autofree char *fingerprint = read_file("fpr");
  g_autoptr(GPtrArray) keys = list();
  assert_null(strchr(key_of(keys, fingerprint)->user_id, '\033'));
}

static void a_home_that_is_not_there_is_a_matter_of_configuration(void **state) {
  g_autoptr(GError) error = NULL;
  (void)state;
  assert_null(openpgp_keys("/nowhere/at/all", &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
}

static void an_empty_home_has_no_keys(void **state) {
  g_autoptr(GError) error = NULL;
  g_autofree char *home = g_build_filename(rings.folder, "fresh", NULL);
  (void)state;
  assert_true(openpgp_prepare_home(home, &error));
  g_autoptr(GPtrArray) keys = openpgp_keys(home, &error);
  assert_non_null(keys);
  assert_int_equal(keys->len, 0);
  openpgp_stop_agent(home);
}

static void a_home_is_prepared_as_often_as_one_likes(void **state) {
  g_autoptr(GError) error = NULL;
  g_autofree char *home = g_build_filename(rings.folder, "deep/new", NULL);
  (void)state;
  assert_true(openpgp_prepare_home(home, &error));
  assert_int_equal(
      sh("test $(stat -c %%a deep/new) = 700; grep -q disable-dirmngr deep/new/gpg.conf; cp deep/new/gpg.conf first\n"
         "chmod 755 deep/new; echo '# Written by Sallyport, long ago' > deep/new/gpg-agent.conf"),
      0);
  assert_true(openpgp_prepare_home(home, &error));
  assert_int_equal(sh("test $(stat -c %%a deep/new) = 700; cmp first deep/new/gpg.conf\n"
                      "grep -q allow-loopback-pinentry deep/new/gpg-agent.conf; test $(ls -A deep/new | wc -l) = 2"),
                   0);
}

static void the_operators_own_settings_are_left_alone(void **state) {
  g_autoptr(GError) error = NULL;
  g_autofree char *home = g_build_filename(rings.folder, "deep/new", NULL);
  (void)state;
  assert_int_equal(sh("echo 'no-greeting' > deep/new/gpg.conf"), 0);
  assert_true(openpgp_prepare_home(home, &error));
  assert_int_equal(sh("test \"$(cat deep/new/gpg.conf)\" = no-greeting"), 0);
}

static void the_agent_is_gone_when_it_was_stopped(void **state) {
  (void)state;
  g_autoptr(GPtrArray) keys = list();
  assert_true(running("gpg-agent", rings.us) > 0);
  openpgp_stop_agent(rings.us);
  g_usleep(50 * 1000);
  assert_int_equal(running("gpg-agent", rings.us), 0);
  openpgp_stop_agent(rings.us); /* none runs: nothing happens */
  assert_int_equal(running("gpg-agent", rings.us), 0);
  openpgp_stop_agent("/nowhere/at/all");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_keys_of_the_ring_are_listed),
      cmocka_unit_test(expired_and_revoked_keys_say_so),
      cmocka_unit_test(a_key_ends_when_its_first_use_ends),
      cmocka_unit_test(each_use_has_an_end_of_its_own),
      cmocka_unit_test(an_agent_that_cannot_start_is_no_missing_key),
      cmocka_unit_test(user_ids_are_escaped),
      cmocka_unit_test(a_home_that_is_not_there_is_a_matter_of_configuration),
      cmocka_unit_test(an_empty_home_has_no_keys),
      cmocka_unit_test(a_home_is_prepared_as_often_as_one_likes),
      cmocka_unit_test(the_operators_own_settings_are_left_alone),
      cmocka_unit_test(the_agent_is_gone_when_it_was_stopped),
  };
  return cmocka_run_group_tests(tests, make_rings, drop_rings);
}
