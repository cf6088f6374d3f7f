/* What is our own side's doing and never the message's: homes, passphrases, agents, time, space, threads. */
#include "tests/unit/crypto/open_fixture.h"
#include <pthread.h>

static void a_bad_home_is_a_matter_of_configuration(void **state) {
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  options.home = "/nowhere/at/all";
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.home = "/tmp/a-path-that-is-much-too-long-for-a-socket/a-path-that-is-much-too-long-for-a-socket";
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.home = "";
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
}

static void an_empty_home_does_not_blame_the_message(void **state) {
  g_autofree char *empty = g_build_filename(rings.folder, "empty-home", NULL);
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_true(openpgp_prepare_home(empty, &error));
  options.home = empty;
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
  openpgp_stop_agent(empty);
}

static void a_pin_that_is_no_full_fingerprint_is_refused(void **state) {
  const char *key_id[] = {rings.alice + 24, NULL}, *none[] = {NULL};
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  options.signed_by = key_id;
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.signed_by = none;
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.signed_by = NULL;
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_CONFIGURATION);
}

static void the_passphrase_comes_from_its_file(void **state) {
  g_autofree char *home = g_build_filename(rings.folder, "locked", NULL);
  g_autofree char *right = g_build_filename(rings.folder, "right", NULL),
                  *wrong = g_build_filename(rings.folder, "wrong", NULL);
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_int_equal(sh("mkdir -m 700 locked; echo 'secret word' > right; echo nonsense > wrong\n"
                      "g='gpg --homedir locked --batch --quiet --trust-model always --pinentry-mode loopback "
                      "--passphrase-file right'\n"
                      "$g --quick-gen-key 'locked <locked@test>' ed25519 sign never\n"
                      "f=$($g --list-keys --with-colons locked@test | awk -F: '/^fpr/{print $10; exit}')\n"
                      "$g --quick-add-key $f cv25519 encrypt never; $g --import them.pub; $g --export > locked.pub\n"
                      "them --import locked.pub; them -s -e -u alice@test -r locked@test -o locked.pgp plain"),
                   0);
  options.home = home;
  openpgp_stop_agent(home); /* it remembers passphrases */
  assert_no_verdict(&options, "locked.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.passphrase_file = wrong;
  assert_no_verdict(&options, "locked.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.passphrase_file = "/nowhere/at/all";
  assert_no_verdict(&options, "locked.pgp", SALLYPORT_ERROR_CONFIGURATION);
  options.passphrase_file = right;
  assert_true(try_open(&options, "locked.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  openpgp_stop_agent(home);
}

/* With a passphrase at hand, a message to a passphrase still does not get it. */
static void our_passphrase_is_not_tried_on_a_strangers_message(void **state) {
  g_autofree char *right = g_build_filename(rings.folder, "right", NULL);
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_int_equal(
      sh("gpg --homedir them --batch --quiet --trust-model always --pinentry-mode loopback --passphrase 'secret word' "
         "-c -e -r other@test -o both.pgp plain"),
      0);
  options.passphrase_file = right;
  assert_true(try_open(&options, "both.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_int_equal(opened.plaintext_size, 0);
}

static void a_missing_agent_does_not_blame_the_message(void **state) {
  g_autofree char *home = g_build_filename(rings.folder, "no-agent", NULL);
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_int_equal(sh("mkdir -m 700 no-agent; cp -r us/pubring.kbx us/private-keys-v1.d no-agent\n"
                      "echo 'agent-program /nowhere/gpg-agent' > no-agent/gpg.conf"),
                   0);
  options.home = home;
  assert_false(try_open(&options, "good.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
}

static void the_deadline_kills_gpg(void **state) {
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  stop_agent(rings.us);
  options.deadline = 1;
  gint64 began = g_get_monotonic_time();
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_AGAIN);
  gint64 took = g_get_monotonic_time() - began;
  g_usleep(50 * 1000);
  guint left = running("gpg", rings.us);
  continue_agent(rings.us);
  assert_int_equal(left, 0);
  assert_in_range(took, G_USEC_PER_SEC * 9 / 10, G_USEC_PER_SEC * 3);
  assert_trusted("good.pgp", rings.alice);
}

static void *kill_soon(void *unused) {
  (void)unused;
  for (int i = 0; i < 400; i++) {
    if (i > 20 && signal_all("gpg", rings.us, SIGKILL, NULL) > 0)
      return NULL;
    g_usleep(10 * 1000);
  }
  return NULL;
}

static void a_killed_gpg_does_not_blame_the_message(void **state) {
  OpenpgpOpenOptions options = pinning_alice();
  pthread_t killer;
  (void)state;
  stop_agent(rings.us);
  assert_int_equal(pthread_create(&killer, NULL, kill_soon, NULL), 0);
  assert_no_verdict(&options, "good.pgp", SALLYPORT_ERROR_AGAIN);
  pthread_join(killer, NULL);
  continue_agent(rings.us);
}

static void no_space_and_no_reading_are_our_own_affair(void **state) {
  g_autoptr(GError) full = NULL, unreadable = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  int ciphertext = open_in_folder("good.pgp", O_RDONLY), device = open("/dev/full", O_WRONLY | O_CLOEXEC);
  (void)state;
  assert_false(openpgp_open(&options, ciphertext, device, &opened, &full));
  assert_int_equal(sallyport_error_code(full), SALLYPORT_ERROR_AGAIN);
  assert_false(openpgp_open(&options, device, ciphertext, &opened, &unreadable));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  close(ciphertext);
  close(device);
}

/* Good and bad by turns: what is open and who is our child is the same afterwards as before. */
static void nothing_is_left_behind(void **state) {
  static const char *const names[] = {"good.pgp", "unsigned.pgp", "cut.pgp",    "other.pgp",
                                      "bomb.pgp", "plain",        "garbage.pgp"};
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  guint descriptors = 0, offspring = children();
  for (guint i = 0; i < 56; i++) {
    g_autoptr(GError) error = NULL;
    if (i == 7)
      descriptors = open_descriptors();
    (void)!try_open(&options, names[i % G_N_ELEMENTS(names)], &error);
  }
  assert_int_equal(open_descriptors(), descriptors);
  assert_int_equal(children(), offspring);
  g_usleep(100 * 1000);
  assert_int_equal(running("gpg", rings.us), 0);
}

static void *open_many(void *failures) {
  OpenpgpOpenOptions options = pinning_alice();
  g_autofree char *good = g_build_filename(rings.folder, "good.pgp", NULL);
  g_autofree char *bad = g_build_filename(rings.folder, "garbage.pgp", NULL);
  for (guint i = 0; i < 12; i++) {
    g_autoptr(GError) error = NULL;
    OpenpgpOpened result;
    int ciphertext = open(i % 3 ? good : bad, O_RDONLY | O_CLOEXEC),
        plaintext = files_open_unnamed(rings.folder, &error);
    gboolean ok = openpgp_open(&options, ciphertext, plaintext, &result, &error);
    if (!ok || result.verdict != (i % 3 ? OPENPGP_TRUSTED : OPENPGP_NOT_TRUSTED))
      g_atomic_int_inc((gint *)failures);
    close(ciphertext);
    close(plaintext);
  }
  return NULL;
}

static void many_threads_open_at_once(void **state) {
  pthread_t threads[8];
  gint failures = 0;
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, open_many, &failures), 0);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(failures, 0);
}

static void nothing_reaches_for_the_network(void **state) {
  (void)state;
  assert_int_equal(running("dirmngr", rings.us), 0);
  assert_int_equal(sh("test ! -e us/S.dirmngr && test ! -d us/crls.d"), 0);
}

static int set_up(void **state) {
  make_rings_and_good(state);
  return sh("head -c 200 good.pgp > cut.pgp; (cat good.pgp; head -c 3000 /dev/urandom) > garbage.pgp\n"
            "them -e -r us@test -o unsigned.pgp plain; them -s -e -u alice@test -r other@test -o other.pgp plain\n"
            "head -c 64M /dev/zero | them --compress-algo bzip2 -s -e -u alice@test -r us@test -o bomb.pgp");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bad_home_is_a_matter_of_configuration),
      cmocka_unit_test(an_empty_home_does_not_blame_the_message),
      cmocka_unit_test(a_pin_that_is_no_full_fingerprint_is_refused),
      cmocka_unit_test(the_passphrase_comes_from_its_file),
      cmocka_unit_test(our_passphrase_is_not_tried_on_a_strangers_message),
      cmocka_unit_test(a_missing_agent_does_not_blame_the_message),
      cmocka_unit_test(the_deadline_kills_gpg),
      cmocka_unit_test(a_killed_gpg_does_not_blame_the_message),
      cmocka_unit_test(no_space_and_no_reading_are_our_own_affair),
      cmocka_unit_test(nothing_is_left_behind),
      cmocka_unit_test(many_threads_open_at_once),
      cmocka_unit_test(nothing_reaches_for_the_network),
  };
  return cmocka_run_group_tests(tests, set_up, drop_rings);
}
