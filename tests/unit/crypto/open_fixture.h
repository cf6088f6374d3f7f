/* What tests of opening a message share: one attempt, its verdict, and a message to begin with. */
#pragma once
#include "gateway/base/digest.h"
#include "tests/unit/crypto/rings.h"

static OpenpgpOpened opened; /* of the last try_open() */

static inline gboolean try_open(const OpenpgpOpenOptions *options, const char *name, GError **error) {
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

static inline OpenpgpOpenOptions pinning_alice(void) {
  static const char *pins[4];
  pins[0] = rings.alice;
  pins[1] = rings.erin;
  pins[2] = rings.bob;
  return (OpenpgpOpenOptions){.home = rings.us, .signed_by = pins, .deadline = 60};
}

static inline void open_message(const char *name) {
  g_autoptr(GError) error = NULL;
  OpenpgpOpenOptions options = pinning_alice();
  if (!try_open(&options, name, &error))
    fail_msg("%s: no verdict: %s", name, error->message);
}

static inline void assert_not_trusted(const char *name, OpenpgpReason reason) {
  open_message(name);
  if (opened.reason != reason)
    print_message("%s: %s\n", name, opened.message);
  assert_string_equal(openpgp_reason_word(opened.reason), openpgp_reason_word(reason));
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  guint8 nothing[32] = {0};
  assert_memory_equal(opened.sha256, nothing, sizeof nothing);
}

static inline void assert_trusted(const char *name, const char *signer) {
  open_message(name);
  if (opened.verdict != OPENPGP_TRUSTED)
    print_message("%s: %s\n", name, opened.message);
  assert_int_equal(opened.verdict, OPENPGP_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_GOOD);
  assert_string_equal(opened.signer, signer);
}

static inline void assert_no_verdict(const OpenpgpOpenOptions *options, const char *name, SallyportErrorCode code) {
  g_autoptr(GError) error = NULL;
  assert_false(try_open(options, name, &error));
  if (sallyport_error_code(error) != code)
    print_message("%s\n", error->message);
  assert_int_equal(sallyport_error_code(error), code);
  assert_int_equal(opened.verdict, OPENPGP_NOT_TRUSTED);
  assert_int_equal(opened.reason, OPENPGP_REASON_UNKNOWN);
}

/* F/plain: some lines; F/good.pgp: signed by alice, encrypted to us. */
static inline int make_rings_and_good(void **state) {
  make_rings(state);
  return sh("seq -f 'D|%%06g|points' 1 200 > plain; them -z 0 -s -e -u alice@test -r us@test -o good.pgp plain");
}
