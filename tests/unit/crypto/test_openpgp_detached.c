/* Detached signatures with real keys, made by plain gpg and read back by it; and signatures from the future. */
#include "tests/unit/crypto/rings.h"

static const char *pins[3]; /* alice, erin */

static OpenpgpOpened verify(const char *data, const char *signature) {
  g_autoptr(GError) error = NULL;
  OpenpgpOpened opened;
  OpenpgpOpenOptions options = {.home = rings.us, .signed_by = pins, .deadline = 60};
  int fd = open_in_folder(data, O_RDONLY), signature_fd = open_in_folder(signature, O_RDONLY);
  pins[0] = rings.alice;
  pins[1] = rings.erin;
  if (!openpgp_verify_detached(&options, fd, signature_fd, &opened, &error))
    fail_msg("%s over %s: %s", signature, data, error->message);
  close(fd);
  close(signature_fd);
  assert_int_equal(opened.verdict == OPENPGP_TRUSTED, opened.reason == OPENPGP_REASON_GOOD);
  return opened;
}

static void assert_reason(const char *data, const char *signature, OpenpgpReason reason) {
  OpenpgpOpened opened = verify(data, signature);
  if (opened.reason != reason)
    fail_msg("%s over %s: %s, not %s", signature, data, opened.message, openpgp_reason_word(reason));
}

static int make(void **state) {
  make_rings(state);
  return sh("seq 1 40000 > data; printf x > small; : > empty\n"
            "them --faked-system-time 20200101T010000 -u dave@test -o dave.sig -b data; for n in alice mallory "
            "stranger; do them -u $n@test -o $n.sig -b data; done\n"
            "them -u alice@test -a -o alice.asc -b data; them -u erin@test -o erin.sig -b data; them -u alice@test -o "
            "empty.sig -b empty\n"
            "them -u alice@test -u bob@test -o two.sig -b data; them -u alice@test --textmode -o text.sig -b data\n"
            "them -u alice@test -o inline.pgp -s data; them -u alice@test --clear-sign -o clear.asc data\n"
            "cp data changed; printf y >> changed; head -c 100000 data > short\n"
            "cp alice.sig tail.sig; printf garbage >> tail.sig; cat alice.sig alice.sig > twice.sig; head -c 20 "
            "alice.sig > cut.sig; head -c 70000 /dev/zero > huge.sig");
}

static void a_good_signature_of_a_pinned_signer_is_trusted(void **state) {
  (void)state;
  OpenpgpOpened opened = verify("data", "alice.sig");
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  assert_string_equal(opened.signer, rings.alice);
  assert_int_equal(opened.plaintext_size, 228894);
  assert_reason("data", "alice.asc", OPENPGP_REASON_GOOD);
  assert_reason("data", "erin.sig", OPENPGP_REASON_GOOD);
  assert_reason("empty", "empty.sig", OPENPGP_REASON_GOOD);
}

static void other_bytes_are_not_what_was_signed(void **state) {
  (void)state;
  assert_reason("changed", "alice.sig", OPENPGP_REASON_BAD_SIGNATURE);
  assert_reason("short", "alice.sig", OPENPGP_REASON_BAD_SIGNATURE);
  assert_reason("small", "alice.sig", OPENPGP_REASON_BAD_SIGNATURE);
  assert_reason("empty", "alice.sig", OPENPGP_REASON_BAD_SIGNATURE);
}

static void other_signers_are_refused(void **state) {
  (void)state;
  assert_reason("data", "mallory.sig", OPENPGP_REASON_SIGNER_NOT_PINNED);
  assert_reason("data", "stranger.sig", OPENPGP_REASON_UNKNOWN_SIGNER);
  assert_reason("data", "dave.sig", OPENPGP_REASON_SIGNER_NOT_PINNED);
}

static void exactly_one_signature_is_wanted(void **state) {
  (void)state;
  assert_reason("data", "two.sig", OPENPGP_REASON_SEVERAL_SIGNATURES);
  assert_reason("data", "empty", OPENPGP_REASON_NOT_SIGNED);
  assert_int_equal(verify("data", "twice.sig").verdict, OPENPGP_NOT_TRUSTED);
}

static void what_is_no_detached_signature_over_bytes_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"text.sig", "inline.pgp", "clear.asc", "data",    "cut.sig",
                                    "huge.sig", "us.pub",     "small",     "tail.sig"};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    OpenpgpOpened opened = verify("data", bad[i]);
    if (opened.verdict != OPENPGP_NOT_TRUSTED)
      fail_msg("%s is trusted", bad[i]);
  }
}

/* gpg has no status line for some of these: a verdict all the same, and the words name what it is. */
static void what_is_no_detached_signature_is_named(void **state) {
  static const struct {
    const char *name, *words;
    OpenpgpReason reason;
  } cases[] = {
      {"inline.pgp", "a whole message", OPENPGP_REASON_NOT_OPENPGP},
      {"inline.asc", "a whole message", OPENPGP_REASON_NOT_OPENPGP},
      {"clear.asc", "clear-signed", OPENPGP_REASON_NOT_OPENPGP},
      {"us.pub", "a public key", OPENPGP_REASON_NOT_OPENPGP},
      {"sealed-for-us.pgp", "a whole message", OPENPGP_REASON_NOT_OPENPGP},
      {"six.sig", "version 6", OPENPGP_REASON_NOT_OPENPGP},
      {"u16.asc", "UTF-16", OPENPGP_REASON_NOT_OPENPGP},
      {"sum.asc", "", OPENPGP_REASON_NOT_OPENPGP},
      {"then-literal.sig", "", OPENPGP_REASON_NOT_OPENPGP},
      {"text.sig", "over text", OPENPGP_REASON_BAD_SIGNATURE},
      {"text-other.sig", "over text", OPENPGP_REASON_BAD_SIGNATURE},
      {"sha1.sig", "SHA-1", OPENPGP_REASON_WEAK_DIGEST},
      {"md5.sig", "MD5", OPENPGP_REASON_WEAK_DIGEST},
      {"ahead.sig", "ahead of our clock", OPENPGP_REASON_FROM_FUTURE},
  };
  (void)state;
  assert_int_equal(
      sh("them -u alice@test -a -o inline.asc -s data; them -u alice@test -r us@test -se -o sealed-for-us.pgp small\n"
         "(printf '\\302\\012\\006'; head -c 9 /dev/zero) > six.sig; iconv -t UTF-16 alice.asc > u16.asc\n"
         "sed 's/^=....$/=AAAA/' alice.asc > sum.asc; them --store -z 0 -o small.lit small\n"
         "cat alice.sig small.lit > then-literal.sig\n"
         "printf 'a\\nb\\n' > unix; them -u alice@test --textmode -o text-other.sig -b unix\n"
         "for d in sha1 md5; do them -u alice@test --allow-weak-digest-algos --digest-algo $d -o $d.sig -b data; done\n"
         "t=$(date -u -d '400 days' +%%Y%%m%%dT%%H%%M%%S); them --faked-system-time $t! -u alice@test -o ahead.sig -b "
         "data"),
      0);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    OpenpgpOpened opened = verify("data", cases[i].name);
    if (opened.reason != cases[i].reason || !strstr(opened.message, cases[i].words))
      fail_msg("%s: %s", cases[i].name, opened.message);
  }
}

static void what_we_sign_the_partner_verifies(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  OpenpgpSealed sealed;
  OpenpgpSealOptions options = {.home = rings.us, .sign_with = rings.us_key, .deadline = 60};
  int source = open_in_folder("data", O_RDONLY), target = open_in_folder("ours.sig", O_RDWR | O_CREAT | O_TRUNC);
  if (!openpgp_sign_detached(&options, from_descriptor, &source, target, &sealed, &error))
    fail_msg("%s", error->message);
  close(source);
  close(target);
  assert_int_equal(sh("them --verify ours.sig data"), 0);
  assert_int_not_equal(sh("them --verify ours.sig changed"), 0);
  source = open_in_folder("data", O_RDONLY);
  target = open_in_folder("ours.asc", O_RDWR | O_CREAT | O_TRUNC);
  options.armor = TRUE;
  assert_true(openpgp_sign_detached(&options, from_descriptor, &source, target, &sealed, &error));
  close(source);
  close(target);
  assert_int_equal(sh("grep -q 'BEGIN PGP SIGNATURE' ours.asc; them --verify ours.asc data"), 0);
  options.sign_with = rings.alice; /* her secret key is not here */
  target = open_in_folder("ours.sig", O_RDWR | O_CREAT | O_TRUNC);
  source = open_in_folder("data", O_RDONLY);
  assert_false(openpgp_sign_detached(&options, from_descriptor, &source, target, &sealed, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  close(source);
  close(target);
}

/* Our clock is behind: the key was made in its future. No word against the partner's file. */
static void a_signature_from_the_future_is_told_apart_from_a_bad_one(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  OpenpgpOpened opened;
  OpenpgpOpenOptions options = {.home = rings.us, .signed_by = pins, .deadline = 60};
  assert_int_equal(
      sh("them --faked-system-time 20400101T000000! --quick-gen-key 'marty <marty@test>' ed25519 sign never; them "
         "--export marty@test > marty.pub; us --faked-system-time 20400102T000000! --import marty.pub\n"
         "them --faked-system-time 20400101T000100! -u marty@test -o marty.sig -b data; them --faked-system-time "
         "20400101T000100! -u marty@test -r us@test -o sealed.pgp -se data"),
      0);
  assert_reason("data", "marty.sig", OPENPGP_REASON_FROM_FUTURE);
  int ciphertext = open_in_folder("sealed.pgp", O_RDONLY),
      plaintext = open_in_folder("again", O_RDWR | O_CREAT | O_TRUNC);
  if (!openpgp_open(&options, ciphertext, plaintext, &opened, &error))
    fail_msg("%s", error->message);
  if (opened.reason != OPENPGP_REASON_FROM_FUTURE)
    fail_msg("%s", opened.message);
  close(ciphertext);
  close(plaintext);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_good_signature_of_a_pinned_signer_is_trusted),
                                     cmocka_unit_test(other_bytes_are_not_what_was_signed),
                                     cmocka_unit_test(other_signers_are_refused),
                                     cmocka_unit_test(exactly_one_signature_is_wanted),
                                     cmocka_unit_test(what_is_no_detached_signature_over_bytes_is_refused),
                                     cmocka_unit_test(what_is_no_detached_signature_is_named),
                                     cmocka_unit_test(what_we_sign_the_partner_verifies),
                                     cmocka_unit_test(a_signature_from_the_future_is_told_apart_from_a_bad_one)};
  return cmocka_run_group_tests(tests, make, drop_rings);
}
