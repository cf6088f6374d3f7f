/* Messages of every kind, made with real keys, opened by the real gpg: who is trusted, and what is refused. */
#include "tests/unit/crypto/open_fixture.h"

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
  };
  return cmocka_run_group_tests(tests, make_rings_and_good, drop_rings);
}
