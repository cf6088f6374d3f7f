/* Sealing with real keys: what comes out is opened again, by us, by gpg and by Sequoia. */
#include "gateway/base/digest.h"
#include "tests/unit/crypto/rings.h"
#include <pthread.h>

static OpenpgpSealed sealed; /* of the last seal() */

static OpenpgpSealOptions to_partner(void) {
  static const char *to_alice[2];
  to_alice[0] = rings.alice;
  return (OpenpgpSealOptions){.home = rings.us, .encrypt_to = to_alice, .sign_with = rings.us_key, .deadline = 60};
}

static gboolean seal(const OpenpgpSealOptions *options, const char *from, const char *to, GError **error) {
  int source = open_in_folder(from, O_RDONLY), target = open_in_folder(to, O_RDWR | O_CREAT | O_TRUNC);
  gboolean ok = openpgp_seal(options, from_descriptor, &source, target, &sealed, error);
  struct stat status;
  assert_int_equal(fstat(target, &status), 0);
  if (ok)
    assert_int_equal(status.st_size, sealed.size);
  close(source);
  close(target);
  return ok;
}

static void assert_sealed(const OpenpgpSealOptions *options, const char *from, const char *to) {
  g_autoptr(GError) error = NULL;
  if (!seal(options, from, to, &error))
    fail_msg("%s", error->message);
}

static void assert_refused(const OpenpgpSealOptions *options, SallyportErrorCode code) {
  g_autoptr(GError) error = NULL;
  assert_false(seal(options, "plain", "refused.pgp", &error));
  if (sallyport_error_code(error) != code)
    print_message("%s\n", error->message);
  assert_int_equal(sallyport_error_code(error), code);
  assert_int_equal(sealed.size, 0);
}

/* As the partner: opens F/name, pinning our key. */
static OpenpgpVerdict partner_opens(const char *name) {
  g_autoptr(GError) error = NULL;
  const char *pins[] = {rings.us_key, NULL};
  OpenpgpOpenOptions options = {.home = rings.them, .signed_by = pins};
  OpenpgpOpened opened;
  int ciphertext = open_in_folder(name, O_RDONLY), plaintext = open_in_folder("again", O_RDWR | O_CREAT | O_TRUNC);
  if (!openpgp_open(&options, ciphertext, plaintext, &opened, &error))
    fail_msg("%s", error->message);
  close(ciphertext);
  close(plaintext);
  return opened.verdict;
}

static void assert_partner_opens(const char *name) {
  assert_int_equal(partner_opens(name), OPENPGP_TRUSTED);
}

static void what_is_sealed_is_opened_by_the_partner(void **state) {
  static const OpenpgpCompression all[] = {OPENPGP_COMPRESS_NONE, OPENPGP_COMPRESS_FAST, OPENPGP_COMPRESS_ZLIB};
  guint64 sizes[3];
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
    OpenpgpSealOptions options = to_partner();
    options.compression = all[i];
    assert_sealed(&options, "plain", "sealed.pgp");
    sizes[i] = sealed.size;
    assert_partner_opens("sealed.pgp");
    assert_int_equal(sh("cmp plain again"), 0);
  }
  assert_true(sizes[0] > sizes[1]);
  assert_true(sizes[0] > sizes[2]);
}

static void size_and_digest_are_those_of_the_sealed_file(void **state) {
  guint8 expected[32];
  guint64 size;
  g_autoptr(GError) error = NULL;
  OpenpgpSealOptions options = to_partner();
  (void)state;
  assert_sealed(&options, "plain", "sealed.pgp");
  int file = open_in_folder("sealed.pgp", O_RDONLY);
  assert_true(digest_file_sha256(file, 0, G_MAXUINT64, expected, &size, &error));
  close(file);
  assert_int_equal(size, sealed.size);
  assert_memory_equal(expected, sealed.sha256, sizeof expected);
}

static void an_empty_and_a_large_plaintext_are_sealed(void **state) {
  OpenpgpSealOptions options = to_partner();
  (void)state;
  assert_int_equal(sh(": > empty; head -c 5000000 /dev/urandom > large"), 0);
  assert_sealed(&options, "empty", "sealed.pgp");
  assert_partner_opens("sealed.pgp");
  assert_int_equal(sh("cmp empty again"), 0);
  assert_sealed(&options, "large", "sealed.pgp");
  assert_partner_opens("sealed.pgp");
  assert_int_equal(sh("cmp large again"), 0);
}

/* Binary, AES-256, an MDC packet and no OCB, one session key for each recipient and no other. */
static void the_packets_are_those_that_old_partners_read(void **state) {
  const char *two[] = {rings.alice, rings.bob, NULL};
  OpenpgpSealOptions options = to_partner();
  (void)state;
  options.encrypt_to = two;
  assert_sealed(&options, "plain", "sealed.pgp");
  assert_int_equal(
      sh("them --list-packets -v sealed.pgp > packets 2>&1; test $(grep -c ':pubkey enc packet' packets) = 2\n"
         "grep -q 'mdc_method: 2' packets; ! grep -q ':aead' packets; ! grep -q ':symkey' packets\n"
         "them --status-fd 1 -o /dev/null -d sealed.pgp | grep -q 'DECRYPTION_INFO 2 9'"),
      0);
  assert_int_equal(sh("LC_ALL=C grep -q 'BEGIN PGP' sealed.pgp"), 256);
}

/* A newer key with the partner's user id is in the ring; it is not chosen. */
static void keys_are_chosen_by_fingerprint_only(void **state) {
  OpenpgpSealOptions options = to_partner();
  (void)state;
  assert_int_equal(
      sh("mkdir -m 700 twin; g='gpg --homedir twin --batch --quiet --pinentry-mode loopback --passphrase x'\n"
         "$g --quick-gen-key 'alice <alice@test>' ed25519 sign never\n"
         "f=$($g --list-keys --with-colons alice@test | awk -F: '/^fpr/{print $10; exit}')\n"
         "$g --quick-add-key $f cv25519 encrypt never; $g --export > twin.pub; us --import twin.pub\n"
         "gpgconf --homedir twin --kill all"),
      0);
  assert_sealed(&options, "plain", "sealed.pgp");
  assert_partner_opens("sealed.pgp");
}

static void settings_that_would_weaken_a_message_are_found_out(void **state) {
  OpenpgpSealOptions options = to_partner();
  (void)state;
  assert_int_equal(sh("mv us/gpg.conf saved.conf; echo 'cipher-algo 3DES' > us/gpg.conf"), 0);
  assert_refused(&options, SALLYPORT_ERROR_CONFIGURATION);
  assert_int_equal(sh("echo 'rfc2440' > us/gpg.conf"), 0);
  assert_refused(&options, SALLYPORT_ERROR_CONFIGURATION);
  assert_int_equal(sh("(echo 'cipher-algo AES256'; echo 'encrypt-to %s') > us/gpg.conf", rings.bob), 0);
  assert_sealed(&options, "plain", "sealed.pgp"); /* encrypt-to is overruled */
  assert_int_equal(sh("test $(them --list-packets sealed.pgp 2>&1 | grep -c ':pubkey enc packet') = 1\n"
                      "mv saved.conf us/gpg.conf"),
                   0);
}

static void unusable_recipients_are_a_matter_of_configuration(void **state) {
  const char *expired[] = {rings.dave, NULL}, *unknown[] = {rings.stranger, NULL}, *key_id[] = {rings.alice + 24, NULL};
  const char *one_bad[] = {rings.alice, rings.stranger, NULL}, *by_name[] = {"alice@test", NULL}, *none[] = {NULL};
  const char *sign_only[] = {rings.erin, NULL}, *revoked[] = {rings.carol, NULL}, *option[] = {"--hidden", NULL};
  const char *const *cases[] = {expired, unknown, key_id, one_bad, by_name, none, sign_only, revoked, option};
  (void)state;
  assert_int_equal(sh("sed 's/^:---/---/' them/openpgp-revocs.d/%s.rev | us --import", rings.carol), 0);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    OpenpgpSealOptions options = to_partner();
    options.encrypt_to = cases[i];
    assert_refused(&options, SALLYPORT_ERROR_CONFIGURATION);
  }
}

static void unusable_signers_are_a_matter_of_configuration(void **state) {
  const char *cases[] = {NULL, "", "us@test", rings.us_key + 24, rings.alice, rings.stranger, rings.carol};
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    OpenpgpSealOptions options = to_partner();
    options.sign_with = cases[i];
    assert_refused(&options, SALLYPORT_ERROR_CONFIGURATION);
  }
  assert_int_equal(sh("us --faked-system-time 20200101T000000! --quick-gen-key 'past <past@test>' ed25519 sign 1d\n"
                      "us --list-keys --with-colons past@test | awk -F: '/^fpr/{print $10; exit}' > fpr"),
                   0);
  g_autofree char *past = read_file("fpr");
  OpenpgpSealOptions options = to_partner();
  options.sign_with = past;
  assert_refused(&options, SALLYPORT_ERROR_CONFIGURATION);
}

static gssize failing_source(gpointer user, void *into, gsize limit, GError **error) {
  guint *calls = user;
  if (++*calls > 3) {
    sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the disk is gone");
    return -1;
  }
  memset(into, 'x', limit);
  return (gssize)limit;
}

static void a_failing_source_leaves_no_whole_message(void **state) {
  g_autoptr(GError) error = NULL;
  OpenpgpSealOptions options = to_partner();
  guint calls = 0;
  (void)state;
  int target = open_in_folder("sealed.pgp", O_RDWR | O_CREAT | O_TRUNC);
  assert_false(openpgp_seal(&options, failing_source, &calls, target, &sealed, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
  assert_string_equal(error->message, "the disk is gone");
  assert_int_equal(calls, 4);
  close(target);
  assert_int_equal(partner_opens("sealed.pgp"), OPENPGP_NOT_TRUSTED);
}

static void no_space_is_tried_again(void **state) {
  g_autoptr(GError) error = NULL;
  OpenpgpSealOptions options = to_partner();
  int source = open_in_folder("plain", O_RDONLY), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  (void)state;
  assert_false(openpgp_seal(&options, from_descriptor, &source, full, &sealed, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  close(source);
  close(full);
}

static void the_deadline_kills_gpg(void **state) {
  g_autoptr(GError) error = NULL;
  OpenpgpSealOptions options = to_partner();
  (void)state;
  stop_agent(rings.us);
  options.deadline = 1;
  gboolean ok = seal(&options, "plain", "refused.pgp", &error);
  g_usleep(50 * 1000);
  guint left = running("gpg", rings.us);
  continue_agent(rings.us);
  assert_false(ok);
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  assert_int_equal(left, 0);
}

static void nothing_is_left_behind(void **state) {
  (void)state;
  guint descriptors = 0, offspring = children();
  for (guint i = 0; i < 50; i++) {
    g_autoptr(GError) error = NULL;
    const char *unknown[] = {rings.stranger, NULL};
    OpenpgpSealOptions options = to_partner();
    if (i == 6)
      descriptors = open_descriptors();
    if (i % 3 == 1)
      options.encrypt_to = unknown;
    (void)!seal(&options, "plain", "sealed.pgp", &error);
  }
  assert_int_equal(open_descriptors(), descriptors);
  assert_int_equal(children(), offspring);
}

static void *seal_many(void *failures) {
  OpenpgpSealOptions options = to_partner();
  for (guint i = 0; i < 10; i++) {
    g_autoptr(GError) error = NULL;
    OpenpgpSealed result;
    int source = open_in_folder("plain", O_RDONLY), target = files_open_unnamed(rings.folder, &error);
    if (target < 0 || !openpgp_seal(&options, from_descriptor, &source, target, &result, &error))
      g_atomic_int_inc((gint *)failures);
    close(source);
    close(target);
  }
  return NULL;
}

static void many_threads_seal_at_once(void **state) {
  pthread_t threads[8];
  gint failures = 0;
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, seal_many, &failures), 0);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(failures, 0);
}

static gboolean sequoia_is_there(void) {
  if (sh("command -v sq > /dev/null") == 0)
    return TRUE;
  print_message("SKIPPED LOUDLY: sq (Sequoia) is not installed; nothing was shown about other implementations\n");
  return FALSE;
}

/* sq's options changed with 1.0: --for-file, --signer-file and --recipient-file there, as Debian 13 has it; Debian 12
 * has 0.27. sqe TO: signs F/plain as alice, encrypts it to us. sqd FROM: as alice, checks our signature, into F/again.
 */
static const char sequoia_functions[] =
    "export HOME=$F; rm -f again from-sq.pgp\n"
    "sqe() { if sq encrypt --help 2>&1 | grep -q -- --for-file; then\n"
    "    sq encrypt --for-file us.pub --signer-file alice.sec --output \"$1\" plain\n"
    "  else sq encrypt --recipient-cert us.pub --signer-key alice.sec --output \"$1\" plain; fi; }\n"
    "sqd() { if sq decrypt --help 2>&1 | grep -q -- --signer-file; then\n"
    "    sq decrypt --recipient-file alice.sec --signer-file us.pub --signatures 1 --output again \"$1\"\n"
    "  else sq decrypt --recipient-key alice.sec --signer-cert us.pub --signatures 1 --output again \"$1\"; fi; }\n";

static void sequoia_opens_what_we_sealed(void **state) {
  OpenpgpSealOptions options = to_partner();
  (void)state;
  if (!sequoia_is_there())
    skip();
  assert_int_equal(sh("them --export-secret-keys alice@test > alice.sec"), 0);
  for (guint i = 0; i < 3; i++) {
    options.compression = (OpenpgpCompression)i;
    assert_sealed(&options, "plain", "sealed.pgp");
    int status = sh("%s sqd sealed.pgp; cmp plain again", sequoia_functions);
    if (status != 0) {
      g_autofree char *log = read_file("log");
      print_message("%s\n", log);
    }
    assert_int_equal(status, 0);
  }
}

static void what_sequoia_made_is_opened(void **state) {
  g_autoptr(GError) error = NULL;
  const char *pins[] = {rings.alice, NULL};
  OpenpgpOpenOptions options = {.home = rings.us, .signed_by = pins};
  OpenpgpOpened opened;
  (void)state;
  if (!sequoia_is_there())
    skip();
  int status = sh("them --export-secret-keys alice@test > alice.sec\n%s sqe from-sq.pgp", sequoia_functions);
  if (status != 0) {
    g_autofree char *log = read_file("log");
    print_message("%s\n", log);
  }
  assert_int_equal(status, 0);
  int ciphertext = open_in_folder("from-sq.pgp", O_RDONLY),
      plaintext = open_in_folder("again", O_RDWR | O_CREAT | O_TRUNC);
  if (!openpgp_open(&options, ciphertext, plaintext, &opened, &error))
    fail_msg("%s", error->message);
  assert_string_equal(openpgp_reason_word(opened.reason), "good");
  assert_string_equal(opened.signer, rings.alice);
  close(ciphertext);
  close(plaintext);
  assert_int_equal(sh("cmp plain again"), 0);
}

static int setup(void **state) {
  make_rings(state);
  assert_int_equal(sh("seq -f 'D|%%06g|accepted|E000' 1 3000 > plain"), 0);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_sealed_is_opened_by_the_partner),
      cmocka_unit_test(size_and_digest_are_those_of_the_sealed_file),
      cmocka_unit_test(an_empty_and_a_large_plaintext_are_sealed),
      cmocka_unit_test(the_packets_are_those_that_old_partners_read),
      cmocka_unit_test(keys_are_chosen_by_fingerprint_only),
      cmocka_unit_test(settings_that_would_weaken_a_message_are_found_out),
      cmocka_unit_test(unusable_recipients_are_a_matter_of_configuration),
      cmocka_unit_test(unusable_signers_are_a_matter_of_configuration),
      cmocka_unit_test(a_failing_source_leaves_no_whole_message),
      cmocka_unit_test(no_space_is_tried_again),
      cmocka_unit_test(the_deadline_kills_gpg),
      cmocka_unit_test(nothing_is_left_behind),
      cmocka_unit_test(many_threads_seal_at_once),
      cmocka_unit_test(sequoia_opens_what_we_sealed),
      cmocka_unit_test(what_sequoia_made_is_opened),
  };
  return cmocka_run_group_tests(tests, setup, drop_rings);
}
