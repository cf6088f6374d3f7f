/* Messages that were cut, changed on their way, or made to grow without end, opened by the real gpg. */
#include "tests/unit/crypto/open_fixture.h"

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
 * the plaintext and the signature are the same, too. Nowhere else may a bit go unseen. */
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
      sh("them --compress-algo zlib -s -e -u alice@test -r us@test -o zlib.pgp plain\n"
         "us --quick-gen-key 'curve <curve@test>' ed25519 sign never\n"
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_truncated_message_is_never_trusted),
      cmocka_unit_test(a_flipped_bit_is_never_trusted),
      cmocka_unit_test(a_bomb_is_stopped_at_the_cap),
      cmocka_unit_test(a_plaintext_of_just_the_limit_is_read),
  };
  return cmocka_run_group_tests(tests, make_rings_and_good, drop_rings);
}
