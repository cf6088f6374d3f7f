/* Messages of every kind, made with real keys, opened by the real gpg. */
#include "gateway/base/digest.h"
#include "tests/unit/crypto/rings.h"
#include <pthread.h>

static OpenpgpOpened opened; /* of the last open_message() */

static gboolean try_open(const OpenpgpOpenOptions *options, const char *name, GError **error) {
  int ciphertext = open_in_folder(name, O_RDONLY), plaintext = open_in_folder("plaintext", O_RDWR | O_CREAT | O_TRUNC);
  gboolean ok = openpgp_open(options, ciphertext, plaintext, &opened, error);
  struct stat status;
  assert_int_equal(fstat(plaintext, &status), 0);
  if (ok)
    assert_int_equal(status.st_size, opened.plaintext_size);
  close(ciphertext);
  close(plaintext);
  return ok;
}

static OpenpgpOpenOptions pinning_alice(void) {
  static const char *pins[4];
  pins[0] = rings.alice;
  pins[1] = rings.erin;
  pins[2] = rings.bob;
  return (OpenpgpOpenOptions){.home = rings.us, .signed_by = pins, .deadline = 60};
}

static void open_message(const char *name) {
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  if (!try_open(&options, name, &error))
    fail_msg("%s: no verdict: %s", name, error->message);
}

static void assert_not_trusted(const char *name, OpenpgpReason reason) {
  open_message(name);
  if (opened.reason != reason)
    print_message("%s: %s\n", name, opened.message);
  assert_string_equal(openpgp_reason_word(opened.reason), openpgp_reason_word(reason));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  guint8 nothing[32] = {0};
  assert_memory_equal(opened.sha256, nothing, sizeof nothing);
}

static void assert_trusted(const char *name, const char *signer) {
  open_message(name);
  if (opened.verdict != OPENPGP_TRUSTED)
    print_message("%s: %s\n", name, opened.message);
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_GOOD);
  assert_string_equal(opened.signer, signer);
}

/* F/plain: some lines; F/good.pgp: signed by alice, encrypted to us. */
static void make_good(void) {
  assert_int_equal(
      sh("seq -f 'D|%%06g|points' 1 200 > plain; them -z 0 -s -e -u alice@test -r us@test -o good.pgp plain"), 0);
}

static void a_good_message_of_a_pinned_signer_is_trusted(void **state) {
  guint8 expected[32];
  g_autoptr(GError) error = NULL;
  (void)state;
  assert_trusted("good.pgp", rings.alice);
  assert_int_equal(sh("cmp plain plaintext"), 0);
  int plain = open_in_folder("plain", O_RDONLY);
  assert_true(digest_file_sha256(plain, 0, G_MAXUINT64, expected, NULL, &error));
  close(plain);
  assert_memory_equal(opened.sha256, expected, sizeof expected);
  assert_in_range(opened.signed_at, g_get_real_time() / G_USEC_PER_SEC - 600, g_get_real_time() / G_USEC_PER_SEC);
}

static void the_web_of_trust_has_no_say(void **state) {
  (void)state; /* our ring has no owner trust for alice, and even distrusts her here */
  assert_int_equal(
      sh("echo %s:2: | us --import-ownertrust; test -n \"$(us --list-keys --with-colons alice@test)\"", rings.alice),
      0);
  assert_trusted("good.pgp", rings.alice);
}

static void armor_compression_and_an_empty_plaintext_are_read(void **state) {
  (void)state;
  assert_int_equal(sh("them -a -s -e -u alice@test -r us@test -o armored.pgp plain"), 0);
  assert_trusted("armored.pgp", rings.alice);
  assert_int_equal(
      sh("cmp plain plaintext\n"
         "for z in zip zlib bzip2; do them --compress-algo $z -s -e -u alice@test -r us@test -o $z.pgp plain; done\n"
         ": | them -s -e -u alice@test -r us@test > nothing.pgp"),
      0);
  assert_trusted("zip.pgp", rings.alice);
  assert_trusted("zlib.pgp", rings.alice);
  assert_trusted("bzip2.pgp", rings.alice);
  assert_trusted("nothing.pgp", rings.alice);
  assert_int_equal(opened.plaintext_size, 0);
}

static void both_pinned_slots_are_trusted_and_a_third_key_is_not(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u bob@test -r us@test -o bob.pgp plain\n"
                      "them -s -e -u mallory@test -r us@test -o mallory.pgp plain"),
                   0);
  assert_trusted("bob.pgp", rings.bob);
  assert_not_trusted("mallory.pgp", OPENPGP_REASON_SIGNER_NOT_PINNED);
  assert_string_equal(opened.signer, rings.mallory);
}

static void a_signing_subkey_counts_as_its_pinned_primary(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u erin@test -r us@test -o erin.pgp plain"), 0);
  assert_trusted("erin.pgp", rings.erin);
  assert_null(strstr(opened.message, rings.erin)); /* the message names the subkey */
}

static void a_message_to_several_recipients_is_read(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u alice@test -r other@test -r us@test -o several.pgp plain\n"
                      "them -s -e -u alice@test -R us@test -o hidden.pgp plain"),
                   0);
  assert_trusted("several.pgp", rings.alice);
  assert_trusted("hidden.pgp", rings.alice);
}

static void an_encrypted_message_without_a_signature_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("them -e -r us@test -o unsigned.pgp plain"), 0);
  assert_not_trusted("unsigned.pgp", OPENPGP_REASON_NOT_SIGNED);
}

static void an_unknown_signer_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u stranger@test -r us@test -o stranger.pgp plain"), 0);
  assert_not_trusted("stranger.pgp", OPENPGP_REASON_UNKNOWN_SIGNER);
  assert_string_equal(opened.signer, "");
  assert_non_null(strstr(opened.message, rings.stranger)); /* but people are told who it was */
}

static void several_signatures_are_refused_whoever_made_them(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u alice@test -u stranger@test -r us@test -o two.pgp plain\n"
                      "them -s -e -u stranger@test -u alice@test -r us@test -o two-turned.pgp plain\n"
                      "them -s -e -u alice@test -u bob@test -r us@test -o two-pinned.pgp plain"),
                   0);
  assert_not_trusted("two.pgp", OPENPGP_REASON_SEVERAL_SIGNATURES);
  assert_not_trusted("two-turned.pgp", OPENPGP_REASON_SEVERAL_SIGNATURES);
  assert_not_trusted("two-pinned.pgp", OPENPGP_REASON_SEVERAL_SIGNATURES);
}

static void a_revoked_signer_is_refused(void **state) {
  g_autoptr(GError) error = NULL;
  const char *pins[] = {rings.carol, NULL};
  OpenpgpOpenOptions options = {.home = rings.us, .signed_by = pins};
  (void)state;
  assert_int_equal(sh("them -s -e -u carol@test -r us@test -o carol.pgp plain"), 0);
  assert_true(try_open(&options, "carol.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  assert_int_equal(sh("sed 's/^:---/---/' them/openpgp-revocs.d/%s.rev | us --import", rings.carol), 0);
  assert_true(try_open(&options, "carol.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_SIGNER_REVOKED);
  assert_string_equal(opened.signer, rings.carol);
}

static void an_expired_signer_is_refused(void **state) {
  g_autoptr(GError) error = NULL;
  const char *pins[] = {rings.dave, NULL};
  OpenpgpOpenOptions options = {.home = rings.us, .signed_by = pins};
  (void)state;
  assert_int_equal(sh("them -z 0 -s -u dave@test --faked-system-time 20200101T010000! -o dave.sig plain\n"
                      "them --no-literal -z 0 -e -r us@test -o dave.pgp dave.sig"),
                   0);
  assert_true(try_open(&options, "dave.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_string_equal(openpgp_reason_word(opened.reason), "signer-expired");
}

static void an_expired_signature_is_refused(void **state) {
  (void)state;
  assert_int_equal(
      sh("t=$(date -u -d '3 days ago' +%%Y%%m%%dT%%H%%M%%S)\n"
         "them --quick-gen-key 'old <old@test>' ed25519 sign never\n"
         "them --default-sig-expire 1 --faked-system-time \"$(date -u -d '+1 minute' +%%Y%%m%%dT%%H%%M%%S)!\" "
         "--list-keys alice@test >/dev/null\n"
         "them -z 0 -s -u alice@test --default-sig-expire seconds=1 -o expired.sig plain\n"
         "sleep 2; them --no-literal -z 0 -e -r us@test -o expired.pgp expired.sig"),
      0);
  assert_not_trusted("expired.pgp", OPENPGP_REASON_SIGNATURE_EXPIRED);
  assert_string_equal(opened.signer, rings.alice);
}

static void what_is_signed_but_not_encrypted_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -u alice@test -o signed.pgp plain; them --clearsign -u alice@test -o clear.pgp plain\n"
                      "them -s -a -u alice@test -o armored-signed.pgp plain; them --store -o literal.pgp plain\n"
                      "them -s -u alice@test -o outside.pgp good.pgp"),
                   0);
  assert_not_trusted("signed.pgp", OPENPGP_REASON_NOT_ENCRYPTED);
  assert_not_trusted("clear.pgp", OPENPGP_REASON_NOT_ENCRYPTED);
  assert_not_trusted("armored-signed.pgp", OPENPGP_REASON_NOT_ENCRYPTED);
  assert_not_trusted("literal.pgp", OPENPGP_REASON_NOT_ENCRYPTED);
  assert_not_trusted("outside.pgp", OPENPGP_REASON_NOT_ENCRYPTED);
}

static void a_message_to_a_passphrase_is_refused(void **state) {
  (void)state;
  assert_int_equal(
      sh("gpg --homedir them --batch --quiet --pinentry-mode loopback --passphrase x -c -o symmetric.pgp plain"), 0);
  assert_not_trusted("symmetric.pgp", OPENPGP_REASON_NO_SECRET_KEY);
}

static void a_message_to_another_key_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("them -s -e -u alice@test -r other@test -o other.pgp plain"), 0);
  assert_not_trusted("other.pgp", OPENPGP_REASON_NO_SECRET_KEY);
}

static void a_message_without_integrity_protection_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh("them --rfc2440 --cipher-algo 3DES -z 0 -e -r us@test -o bare.pgp plain"), 0);
  assert_not_trusted("bare.pgp", OPENPGP_REASON_NOT_PROTECTED);
}

static void what_is_not_openpgp_is_refused(void **state) {
  (void)state;
  assert_int_equal(sh(": > empty; head -c 5000 /dev/urandom | sed 's/^/\\x1f/' > noise; gzip < plain > gzipped\n"
                      "us --export us@test > key.pgp"),
                   0);
  assert_not_trusted("plain", OPENPGP_REASON_NOT_OPENPGP);
  assert_not_trusted("empty", OPENPGP_REASON_NOT_OPENPGP);
  assert_not_trusted("noise", OPENPGP_REASON_NOT_OPENPGP);
  assert_not_trusted("gzipped", OPENPGP_REASON_NOT_OPENPGP);
  assert_not_trusted("key.pgp", OPENPGP_REASON_NOT_OPENPGP);
}

static void what_stands_beside_the_message_makes_it_refused(void **state) {
  (void)state;
  assert_int_equal(sh("(cat good.pgp; echo) > newline.pgp; (cat good.pgp; head -c 3000 /dev/urandom) > garbage.pgp\n"
                      "cat good.pgp good.pgp > twice.pgp; cat unsigned.pgp good.pgp > mixed.pgp\n"
                      "cat good.pgp unsigned.pgp > mixed-turned.pgp; cat armored.pgp armored.pgp > armored-twice.pgp\n"
                      "(echo hello; cat armored.pgp) > preface.pgp; (cat armored.pgp; echo hello) > epilogue.pgp"),
                   0);
  assert_not_trusted("newline.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("garbage.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("twice.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("mixed.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("mixed-turned.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("armored-twice.pgp", OPENPGP_REASON_DAMAGED);
  assert_not_trusted("preface.pgp", OPENPGP_REASON_NOT_OPENPGP);
  assert_not_trusted("epilogue.pgp", OPENPGP_REASON_DAMAGED);
}

/* Within the encryption: an unsigned part before or behind the signed one, two signed ones, an encryption in the
 * encryption. */
static void what_is_put_together_inside_the_encryption_is_refused(void **state) {
  static const char *const names[] = {"in-front.pgp", "in-behind.pgp", "in-both.pgp", "in-again.pgp"};
  (void)state;
  assert_int_equal(
      sh("them -z 0 -s -u alice@test -o inner.sig plain; echo 'D|999999|forged' | them -z 0 --store -o inner.lit\n"
         "e='them --no-literal -z 0 -e -r us@test'\n"
         "cat inner.lit inner.sig | $e -o in-front.pgp; cat inner.sig inner.lit | $e -o in-behind.pgp\n"
         "cat inner.sig inner.sig | $e -o in-both.pgp; $e -o in-again.pgp good.pgp"),
      0);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    open_message(names[i]);
    assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
    assert_int_not_equal(opened.reason, OPENPGP_REASON_GOOD);
  }
  assert_not_trusted("in-again.pgp", OPENPGP_REASON_DAMAGED);
}

enum { SESSION_KEY_END = 3 + 12 + 256 }; /* at the latest: of RSA with 2048 bits */

static void write_message(const char *name, const char *bytes, gsize length) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL);
  assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
}

static void a_truncated_message_is_never_trusted(void **state) {
  g_autofree char *path = g_build_filename(rings.folder, "good.pgp", NULL), *bytes = NULL;
  gsize length;
  (void)state;
  assert_true(g_file_get_contents(path, &bytes, &length, NULL));
  for (guint i = 0; i <= 40; i++) {
    gsize kept = i == 40 ? length - 1 : i < 8 ? 2 + i : length * i / 40;
    write_message("cut.pgp", bytes, kept);
    assert_not_trusted("cut.pgp", OPENPGP_REASON_TRUNCATED);
  }
}

/* A number that is spelled otherwise (its count of bits, a curve point's ignored bit) is the same number: then all of
 * the
 * plaintext and the signature are the same, too. Nowhere else may a bit go unseen. */
static void assert_only_spelled_otherwise(const char *name, const char *plain, gsize at, guint bit) {
  if (at >= SESSION_KEY_END || sh("cmp %s plaintext", plain) != 0 || strcmp(opened.signer, rings.alice) != 0)
    fail_msg("%s, bit %u of byte %zu: trusted", name, bit, at);
}

static void flip_bits(const char *name, const char *plain, guint flips) {
  g_autofree char *path = g_build_filename(rings.folder, name, NULL), *bytes = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  gsize length;
  assert_true(g_file_get_contents(path, &bytes, &length, NULL));
  for (guint i = 0; i < flips; i++) {
    g_autoptr(GError) error = NULL;
    gsize at = length * i / flips;
    bytes[at] = (char)(bytes[at] ^ (1 << (i % 8)));
    write_message("flipped.pgp", bytes, length);
    bytes[at] = (char)(bytes[at] ^ (1 << (i % 8)));
    if (!try_open(&options, "flipped.pgp", &error))
      fail_msg("%s, bit %u of byte %zu: no verdict: %s", name, i % 8, at, error->message);
    if (opened.verdict != OPENPGP_NOT_TRUSTED)
      assert_only_spelled_otherwise(name, plain, at, i % 8);
    else
      assert_int_not_equal(opened.reason, OPENPGP_REASON_GOOD);
    assert_int_not_equal(opened.reason, OPENPGP_REASON_UNKNOWN);
  }
}

/* So many of them in all (SALLYPORT_FLIPS): of a plain message, a compressed one and one to a curve key. */
#ifdef __SANITIZE_ADDRESS__
enum { FLIPS = 200 };
#else
enum { FLIPS = 1000 };
#endif
static void a_flipped_bit_is_never_trusted(void **state) {
  const char *wanted = getenv("SALLYPORT_FLIPS");
  guint flips = wanted ? (guint)atoi(wanted) : FLIPS;
  (void)state;
  assert_int_equal(
      sh("us --quick-gen-key 'curve <curve@test>' ed25519 sign never\n"
         "f=$(us --list-keys --with-colons curve@test | awk -F: '/^fpr/{print $10; exit}')\n"
         "us --quick-add-key $f cv25519 encrypt never; us --export curve@test > curve.pub; them --import curve.pub\n"
         "head -3 plain > short; them -s -e -u alice@test -r curve@test -o curve.pgp short"),
      0);
  assert_trusted("curve.pgp", rings.alice);
  flip_bits("good.pgp", "plain", flips - 2 * (flips / 3));
  flip_bits("zlib.pgp", "plain", flips / 3);
  flip_bits("curve.pgp", "short", flips / 3);
}

/* Some hundred bytes that expand to half a gigabyte. */
static void a_bomb_is_stopped_at_the_cap(void **state) {
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_int_equal(sh("head -c 512M /dev/zero | them --compress-algo bzip2 -s -e -u alice@test -r us@test -o bomb.pgp"),
                   0);
  gint64 began = g_get_monotonic_time();
  assert_not_trusted("bomb.pgp", OPENPGP_REASON_TOO_DENSE);
  assert_true(opened.plaintext_size <= 1 << 20);
  options.ratio_limit = G_MAXUINT;
  options.size_limit = 10 << 20;
  assert_true(try_open(&options, "bomb.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_TOO_LARGE);
  assert_true(opened.plaintext_size <= 10 << 20);
  assert_true(g_get_monotonic_time() - began < 4 * G_USEC_PER_SEC);
  g_usleep(100 * 1000);
  assert_int_equal(running("gpg", rings.us), 0);
}

static void a_plaintext_of_just_the_limit_is_read(void **state) {
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  (void)state;
  assert_int_equal(sh("head -c 3M /dev/urandom > large; them -z 0 -s -e -u alice@test -r us@test -o large.pgp large"),
                   0);
  options.size_limit = 3 << 20;
  assert_true(try_open(&options, "large.pgp", &error));
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  assert_int_equal(sh("cmp large plaintext"), 0);
  options.size_limit--;
  assert_true(try_open(&options, "large.pgp", &error));
  assert_int_equal(opened.reason, OPENPGP_REASON_TOO_LARGE);
}

static void assert_no_verdict(const OpenpgpOpenOptions *options, const char *name, SallyportErrorCode code) {
  g_autoptr(GError) error = NULL;
  assert_false(try_open(options, name, &error));
  if (sallyport_error_code(error) != code)
    print_message("%s\n", error->message);
  assert_int_equal(sallyport_error_code(error), code);
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_UNKNOWN);
}

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

static int setup(void **state) {
  make_rings(state);
  make_good();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_message_of_a_pinned_signer_is_trusted),
      cmocka_unit_test(the_web_of_trust_has_no_say),
      cmocka_unit_test(armor_compression_and_an_empty_plaintext_are_read),
      cmocka_unit_test(both_pinned_slots_are_trusted_and_a_third_key_is_not),
      cmocka_unit_test(a_signing_subkey_counts_as_its_pinned_primary),
      cmocka_unit_test(a_message_to_several_recipients_is_read),
      cmocka_unit_test(an_encrypted_message_without_a_signature_is_refused),
      cmocka_unit_test(an_unknown_signer_is_refused),
      cmocka_unit_test(several_signatures_are_refused_whoever_made_them),
      cmocka_unit_test(a_revoked_signer_is_refused),
      cmocka_unit_test(an_expired_signer_is_refused),
      cmocka_unit_test(an_expired_signature_is_refused),
      cmocka_unit_test(what_is_signed_but_not_encrypted_is_refused),
      cmocka_unit_test(a_message_to_a_passphrase_is_refused),
      cmocka_unit_test(a_message_to_another_key_is_refused),
      cmocka_unit_test(a_message_without_integrity_protection_is_refused),
      cmocka_unit_test(what_is_not_openpgp_is_refused),
      cmocka_unit_test(what_stands_beside_the_message_makes_it_refused),
      cmocka_unit_test(what_is_put_together_inside_the_encryption_is_refused),
      cmocka_unit_test(a_truncated_message_is_never_trusted),
      cmocka_unit_test(a_flipped_bit_is_never_trusted),
      cmocka_unit_test(a_bomb_is_stopped_at_the_cap),
      cmocka_unit_test(a_plaintext_of_just_the_limit_is_read),
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
  return cmocka_run_group_tests(tests, setup, drop_rings);
}
