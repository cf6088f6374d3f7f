/* The pure function from evidence to verdict, without gpg. */
#include "crypto/verdict.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gpg-error.h>
#include <string.h>

#define SIGNER "0123456789ABCDEF0123456789ABCDEF01234567"
#define SUBKEY "FEDCBA9876543210FEDCBA9876543210FEDCBA98"

static Evidence good_evidence(void) {
  return (Evidence){
      .outline = {.form = OUTLINE_BINARY, .body = OUTLINE_MDC, .public_key_sessions = 1, .complete = TRUE},
      .decryptions_begun = 1,
      .decryptions_ended = 1,
      .decryptions_okay = 1,
      .integrity_good = 1,
      .plaintexts = 1,
      .signatures = 1,
      .statements = 1,
      .valid_signatures = 1,
      .signature = SIGNATURE_GOOD,
      .signer = SIGNER,
      .issuer = SUBKEY,
      .gpgme_signatures = 1,
      .gpgme_clean = TRUE,
      .pinned = TRUE,
  };
}

static void assert_reason(const Evidence *evidence, OpenpgpReason expected) {
  OpenpgpReason reason = OPENPGP_REASON_UNKNOWN;
  OpenpgpVerdict verdict = evidence_judge(evidence, &reason);
  assert_string_equal(openpgp_reason_word(reason), openpgp_reason_word(expected));
  assert_int_equal(verdict, expected == OPENPGP_REASON_GOOD ? OPENPGP_TRUSTED : OPENPGP_NOT_TRUSTED);
}

static void nothing_seen_is_not_trusted(void **state) {
  Evidence nothing = {0};
  (void)state;
  assert_int_equal(OPENPGP_NOT_TRUSTED, 0);
  assert_reason(&nothing, OPENPGP_REASON_NOT_OPENPGP);
}

static void all_of_it_in_order_is_trusted(void **state) {
  Evidence evidence = good_evidence();
  (void)state;
  assert_reason(&evidence, OPENPGP_REASON_GOOD);
  evidence.outline.body = OUTLINE_AEAD;
  evidence.outline.form = OUTLINE_ARMOR;
  evidence.outline.public_key_sessions = 3;
  assert_reason(&evidence, OPENPGP_REASON_GOOD);
}

/* Each line spoils one thing in good evidence and names the verdict that has to come of it. */
#define SPOILED(field, value, expected)          \
  do {                                           \
    Evidence spoiled = good_evidence();          \
    spoiled.field = (value);                     \
    assert_reason(&spoiled, OPENPGP_REASON_##expected); \
  } while (0)

static void each_fault_of_the_message_has_its_reason(void **state) {
  (void)state;
  SPOILED(over_size, TRUE, TOO_LARGE);
  SPOILED(over_ratio, TRUE, TOO_DENSE);
  SPOILED(outline.form, OUTLINE_EMPTY, NOT_OPENPGP);
  SPOILED(outline.form, OUTLINE_FOREIGN, NOT_OPENPGP);
  SPOILED(outline.body, OUTLINE_NO_BODY, TRUNCATED);
  SPOILED(outline.body, OUTLINE_CLEAR, NOT_ENCRYPTED);
  SPOILED(outline.body, OUTLINE_UNPROTECTED, NOT_PROTECTED);
  SPOILED(outline.body, OUTLINE_AEAD_RFC9580, NOT_OPENPGP);
  SPOILED(outline.public_key_sessions, 0, NO_SECRET_KEY);
  SPOILED(outline.complete, FALSE, TRUNCATED);
  SPOILED(outline.beside, TRUE, DAMAGED);
  SPOILED(outline.malformed, TRUE, DAMAGED);
  SPOILED(unprotected, TRUE, NOT_PROTECTED);
  SPOILED(decryption_failed, TRUE, DAMAGED);
  SPOILED(integrity_bad, TRUE, DAMAGED);
  SPOILED(decryptions_begun, 0, DAMAGED);
  SPOILED(decryptions_begun, 2, DAMAGED);
  SPOILED(decryptions_ended, 0, DAMAGED);
  SPOILED(decryptions_ended, 2, DAMAGED);
  SPOILED(decryptions_okay, 0, DAMAGED);
  SPOILED(decryptions_okay, 2, DAMAGED);
  SPOILED(integrity_good, 0, DAMAGED);
  SPOILED(integrity_good, 2, DAMAGED);
  SPOILED(plaintexts, 0, DAMAGED);
  SPOILED(plaintexts, 2, DAMAGED);
  SPOILED(plaintexts_elsewhere, 1, DAMAGED);
  SPOILED(gpgme_error, 58, DAMAGED);
  SPOILED(said_failure, TRUE, DAMAGED);
}

static void each_fault_of_the_signature_has_its_reason(void **state) {
  (void)state;
  SPOILED(signatures, 2, SEVERAL_SIGNATURES);
  SPOILED(statements, 2, SEVERAL_SIGNATURES);
  SPOILED(valid_signatures, 2, SEVERAL_SIGNATURES);
  SPOILED(gpgme_signatures, 2, SEVERAL_SIGNATURES);
  SPOILED(signatures, 0, BAD_SIGNATURE);
  SPOILED(statements, 0, BAD_SIGNATURE);
  SPOILED(valid_signatures, 0, BAD_SIGNATURE);
  SPOILED(gpgme_signatures, 0, BAD_SIGNATURE);
  SPOILED(gpgme_clean, FALSE, BAD_SIGNATURE);
  SPOILED(signature, SIGNATURE_NONE, BAD_SIGNATURE);
  SPOILED(signature, SIGNATURE_BAD, BAD_SIGNATURE);
  SPOILED(signature, SIGNATURE_UNKNOWN, UNKNOWN_SIGNER);
  SPOILED(signature, SIGNATURE_REVOKED, SIGNER_REVOKED);
  SPOILED(signature, SIGNATURE_KEY_EXPIRED, SIGNER_EXPIRED);
  SPOILED(signature, SIGNATURE_EXPIRED, SIGNATURE_EXPIRED);
  SPOILED(pinned, FALSE, SIGNER_NOT_PINNED);
  SPOILED(signer[0], '\0', SIGNER_NOT_PINNED);
  SPOILED(signer[39], '\0', SIGNER_NOT_PINNED);
}

static void no_signature_at_all_is_not_signed(void **state) {
  Evidence evidence = good_evidence();
  (void)state;
  evidence.signatures = evidence.statements = evidence.valid_signatures = evidence.gpgme_signatures = 0;
  evidence.signature = SIGNATURE_NONE;
  evidence.gpgme_clean = FALSE;
  assert_reason(&evidence, OPENPGP_REASON_NOT_SIGNED);
}

static void a_missing_key_is_told_from_one_that_the_message_spoiled(void **state) {
  Evidence evidence = good_evidence();
  (void)state;
  evidence.decryptions_okay = 0;
  evidence.decryption_failed = TRUE;
  evidence.no_secret_key = TRUE;
  assert_reason(&evidence, OPENPGP_REASON_NO_SECRET_KEY);
  evidence.key_refused = TRUE;
  assert_reason(&evidence, OPENPGP_REASON_DAMAGED);
}

/* Every field drawn at random, mostly good: whatever comes out as trusted has to satisfy the rule, written down a
 * second time here as one condition. */
static gboolean satisfies_the_rule(const Evidence *e) {
  return !e->over_size && !e->over_ratio && e->outline.complete && !e->outline.beside && !e->outline.malformed &&
         (e->outline.form == OUTLINE_BINARY || e->outline.form == OUTLINE_ARMOR) &&
         e->outline.public_key_sessions > 0 && (e->outline.body == OUTLINE_MDC || e->outline.body == OUTLINE_AEAD) &&
         !e->unprotected && !e->decryption_failed && !e->integrity_bad && e->decryptions_begun == 1 &&
         e->decryptions_ended == 1 && e->decryptions_okay == 1 && e->integrity_good == 1 && e->plaintexts == 1 &&
         e->plaintexts_elsewhere == 0 && e->signatures == 1 && e->statements == 1 && e->valid_signatures == 1 &&
         e->signature == SIGNATURE_GOOD && e->pinned && e->gpgme_signatures == 1 && e->gpgme_clean &&
         e->gpgme_error == 0 && !e->said_failure;
}

static guint draw(GRand *random, guint usual, guint below) {
  return g_rand_int_range(random, 0, 40) ? usual : (guint)g_rand_int_range(random, 0, (gint32)below);
}

static void no_mixture_of_evidence_is_trusted_against_the_rule(void **state) {
  GRand *random = g_rand_new_with_seed(20240601);
  guint trusted = 0;
  (void)state;
  for (guint i = 0; i < 300000; i++) {
    Evidence e = good_evidence();
    OpenpgpReason reason;
    e.over_size = draw(random, 0, 2) != 0;
    e.over_ratio = draw(random, 0, 2) != 0;
    e.outline.form = (OutlineForm)draw(random, OUTLINE_BINARY, 4);
    e.outline.body = (OutlineBody)draw(random, OUTLINE_MDC, 6);
    e.outline.public_key_sessions = draw(random, 1, 3);
    e.outline.complete = draw(random, 1, 2) != 0;
    e.outline.beside = draw(random, 0, 2) != 0;
    e.outline.malformed = draw(random, 0, 2) != 0;
    e.unprotected = draw(random, 0, 2) != 0;
    e.decryption_failed = draw(random, 0, 2) != 0;
    e.integrity_bad = draw(random, 0, 2) != 0;
    e.no_secret_key = draw(random, 0, 2) != 0;
    e.decryptions_begun = draw(random, 1, 3);
    e.decryptions_ended = draw(random, 1, 3);
    e.decryptions_okay = draw(random, 1, 3);
    e.integrity_good = draw(random, 1, 3);
    e.plaintexts = draw(random, 1, 3);
    e.plaintexts_elsewhere = draw(random, 0, 2);
    e.signatures = draw(random, 1, 4);
    e.statements = draw(random, 1, 4);
    e.valid_signatures = draw(random, 1, 3);
    e.signature = (SignatureState)draw(random, SIGNATURE_GOOD, 7);
    e.pinned = draw(random, 1, 2) != 0;
    e.gpgme_signatures = draw(random, 1, 3);
    e.gpgme_clean = draw(random, 1, 2) != 0;
    e.gpgme_error = draw(random, 0, 200);
    e.said_failure = draw(random, 0, 2) != 0;
    OpenpgpVerdict verdict = evidence_judge(&e, &reason);
    assert_int_equal(verdict == OPENPGP_TRUSTED, satisfies_the_rule(&e));
    assert_int_equal(verdict == OPENPGP_TRUSTED, reason == OPENPGP_REASON_GOOD);
    trusted += verdict == OPENPGP_TRUSTED;
  }
  assert_true(trusted > 100000);
  g_rand_free(random);
}

static void see(Evidence *evidence, const char *lines) {
  g_auto(GStrv) all = g_strsplit(lines, "\n", 0);
  for (guint i = 0; all[i]; i++) {
    g_auto(GStrv) words = g_strsplit(all[i], " ", 2);
    if (words[0])
      evidence_status(evidence, words[0], words[1]);
  }
}

static void the_status_lines_of_a_good_message_are_understood(void **state) {
  Evidence evidence = {
      .outline = {.form = OUTLINE_BINARY, .body = OUTLINE_MDC, .public_key_sessions = 1, .complete = TRUE}};
  (void)state;
  see(&evidence, "ENC_TO 0123456789ABCDEF 18 0\nBEGIN_DECRYPTION\nDECRYPTION_INFO 2 9\nPLAINTEXT 62 1717200000 x\n"
                 "NEWSIG a@example\nGOODSIG 89ABCDEF01234567 A <a@example>\n"
                 "VALIDSIG " SUBKEY " 2024-06-01 1717200000 0 4 0 22 10 00 " SIGNER "\nTRUST_UNDEFINED 0 always\n"
                 "DECRYPTION_OKAY\nGOODMDC\nEND_DECRYPTION");
  evidence.gpgme_signatures = 1;
  evidence.gpgme_clean = evidence.pinned = TRUE;
  assert_reason(&evidence, OPENPGP_REASON_GOOD);
  assert_string_equal(evidence.signer, SIGNER);
  assert_string_equal(evidence.issuer, SUBKEY);
  assert_int_equal(evidence.signed_at, 1717200000);
  assert_false(evidence_is_cut_short(&evidence));
}

static void a_plaintext_outside_the_decryption_is_seen(void **state) {
  Evidence before = {0}, after = {0};
  (void)state;
  see(&before, "PLAINTEXT 62 0 x\nBEGIN_DECRYPTION\nEND_DECRYPTION");
  see(&after, "BEGIN_DECRYPTION\nEND_DECRYPTION\nPLAINTEXT 62 0 x");
  assert_int_equal(before.plaintexts_elsewhere, 1);
  assert_int_equal(after.plaintexts_elsewhere, 1);
}

static void aead_counts_as_integrity(void **state) {
  Evidence aead = {0}, none = {0};
  (void)state;
  see(&aead, "DECRYPTION_INFO 0 9 2");
  see(&none, "DECRYPTION_INFO 0 9 0");
  assert_int_equal(aead.integrity_good, 1);
  assert_false(aead.unprotected);
  assert_true(none.unprotected);
}

static void the_states_of_a_signature_are_told_apart(void **state) {
  static const struct {
    const char *line;
    SignatureState expected;
  } cases[] = {
      {"GOODSIG X y", SIGNATURE_GOOD},
      {"EXPSIG X y", SIGNATURE_EXPIRED},
      {"EXPKEYSIG X y", SIGNATURE_KEY_EXPIRED},
      {"REVKEYSIG X y", SIGNATURE_REVOKED},
      {"BADSIG X y", SIGNATURE_BAD},
      {"ERRSIG 89ABCDEF01234567 22 10 00 1717200000 9 " SUBKEY, SIGNATURE_UNKNOWN},
      {"ERRSIG 89ABCDEF01234567 22 10 00 1717200000 9", SIGNATURE_UNKNOWN},
      {"ERRSIG 89ABCDEF01234567 22 10 00 1717200000 4", SIGNATURE_BAD},
      {"ERRSIG", SIGNATURE_BAD},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Evidence evidence = {0};
    see(&evidence, cases[i].line);
    assert_int_equal(evidence.signature, cases[i].expected);
    assert_int_equal(evidence.statements, 1);
  }
}

static void a_short_or_foreign_valid_line_names_no_signer(void **state) {
  Evidence evidence = {0};
  (void)state;
  see(&evidence, "VALIDSIG " SUBKEY " 2024-06-01 1717200000 0 4 0 22 10 00");
  assert_string_equal(evidence.signer, "");
  see(&evidence, "VALIDSIG x 2024-06-01 1717200000 0 4 0 22 10 00 ../../etc/passwd");
  assert_string_equal(evidence.signer, "");
}

static void the_agents_errors_are_ours_and_others_are_not(void **state) {
  static const struct {
    gpg_err_code_t code;
    gboolean ours;
  } cases[] = {
      {GPG_ERR_BAD_PASSPHRASE, TRUE},  {GPG_ERR_NO_AGENT, TRUE},   {GPG_ERR_CANCELED, TRUE},
      {GPG_ERR_ENOMEM, TRUE},          {GPG_ERR_NO_SECKEY, FALSE}, {GPG_ERR_BAD_SECKEY, FALSE},
      {GPG_ERR_DECRYPT_FAILED, FALSE}, {GPG_ERR_INV_DATA, FALSE},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Evidence evidence = {0};
    g_autofree char *line = g_strdup_printf("ERROR pkdecrypt_failed %u",
                                            gpg_err_make(GPG_ERR_SOURCE_GPGAGENT, cases[i].code));
    see(&evidence, line);
    assert_int_equal(evidence.our_fault != 0, cases[i].ours);
    assert_int_equal(evidence.key_refused, cases[i].code != GPG_ERR_NO_SECKEY);
  }
}

static void a_gpg_that_ends_without_a_word_gives_no_verdict(void **state) {
  Evidence evidence = {
      .outline = {.form = OUTLINE_BINARY, .body = OUTLINE_MDC, .public_key_sessions = 1, .complete = TRUE}};
  (void)state;
  see(&evidence, "ENC_TO 0123456789ABCDEF 18 0\nBEGIN_DECRYPTION\nDECRYPTION_INFO 2 9\nPLAINTEXT 62 0 x");
  assert_true(evidence_is_cut_short(&evidence));
  evidence.outline.complete = FALSE; /* this alone decides, whatever became of gpg */
  assert_false(evidence_is_cut_short(&evidence));
  evidence.outline.complete = TRUE;
  see(&evidence, "BEGIN_DECRYPTION"); /* an encryption in the encryption: gpg then dies of an assertion */
  assert_false(evidence_is_cut_short(&evidence));
  assert_reason(&evidence, OPENPGP_REASON_DAMAGED);
  evidence.decryptions_begun = 1;
  see(&evidence, "FAILURE gpg-exit 33554433");
  assert_false(evidence_is_cut_short(&evidence));
}

static void a_gpg_that_gave_up_over_the_message_is_told_from_a_killed_one(void **state) {
  Evidence evidence = {
      .outline = {.form = OUTLINE_BINARY, .body = OUTLINE_MDC, .public_key_sessions = 1, .complete = TRUE}};
  (void)state;
  see(&evidence, "BEGIN_DECRYPTION\nDECRYPTION_INFO 2 9 0");
  evidence_log(&evidence, NULL);
  evidence_log(&evidence, "gpg: out of memory while allocating 512 bytes\n");
  assert_true(evidence_is_cut_short(&evidence));
  evidence_log(&evidence, "gpg: Fatal: zlib inflate problem: invalid distance too far back\n");
  assert_false(evidence_is_cut_short(&evidence));
  assert_true(evidence_is_settled(&evidence));
  assert_reason(&evidence, OPENPGP_REASON_DAMAGED);
  Evidence good = good_evidence();
  good.gave_up = TRUE;
  assert_reason(&good, OPENPGP_REASON_DAMAGED);
}

/* gpg with "batch" in its settings says this of an expired signature, and no more. */
static void an_end_at_the_signature_is_about_the_signature(void **state) {
  Evidence evidence = {
      .outline = {.form = OUTLINE_BINARY, .body = OUTLINE_MDC, .public_key_sessions = 1, .complete = TRUE}};
  (void)state;
  see(&evidence,
      "BEGIN_DECRYPTION\nDECRYPTION_INFO 2 9 0\nPLAINTEXT 62 0 x\nNEWSIG\nEXPSIG 89ABCDEF01234567 A\n"
      "VALIDSIG " SUBKEY " 2024-06-01 1717200000 1717200001 4 0 22 10 00 " SIGNER "\nFAILURE gpg-exit 33554433");
  evidence.pinned = TRUE;
  assert_reason(&evidence, OPENPGP_REASON_SIGNATURE_EXPIRED);
  evidence.pinned = FALSE;
  assert_reason(&evidence, OPENPGP_REASON_SIGNER_NOT_PINNED);
  evidence.signature = SIGNATURE_BAD;
  assert_reason(&evidence, OPENPGP_REASON_BAD_SIGNATURE);
  evidence.outline.beside = TRUE;
  assert_reason(&evidence, OPENPGP_REASON_DAMAGED);
  evidence.outline.beside = FALSE;
  evidence.signature = SIGNATURE_GOOD; /* a good one is no reason to end */
  assert_reason(&evidence, OPENPGP_REASON_DAMAGED);
}

static void fingerprints_are_compared_whole(void **state) {
  const char *const pins[] = {SIGNER, NULL}, *const key_id[] = {"89ABCDEF01234567", NULL};
  (void)state;
  assert_true(fingerprint_is_among(SIGNER, pins));
  assert_true(fingerprint_is_among("0123456789abcdef0123456789abcdef01234567", pins));
  assert_false(fingerprint_is_among(SUBKEY, pins));
  assert_false(fingerprint_is_among("89ABCDEF01234567", key_id));
  assert_false(fingerprint_is_among("", pins));
  assert_false(fingerprint_is_among(NULL, pins));
  assert_false(fingerprint_is_among(SIGNER, NULL));
  assert_false(fingerprint_is_full("0123456789ABCDEF0123456789ABCDEF0123456G"));
}

static void every_reason_has_a_word(void **state) {
  (void)state;
  assert_string_equal(openpgp_reason_word(OPENPGP_REASON_GOOD), "good");
  assert_string_equal(openpgp_reason_word(OPENPGP_REASON_TOO_DENSE), "ratio-too-high");
  assert_string_equal(openpgp_reason_word((OpenpgpReason)9999), "unknown");
  for (int i = 0; i <= OPENPGP_REASON_TOO_DENSE; i++)
    assert_true(strlen(openpgp_reason_word((OpenpgpReason)i)) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_seen_is_not_trusted),
      cmocka_unit_test(all_of_it_in_order_is_trusted),
      cmocka_unit_test(each_fault_of_the_message_has_its_reason),
      cmocka_unit_test(each_fault_of_the_signature_has_its_reason),
      cmocka_unit_test(no_signature_at_all_is_not_signed),
      cmocka_unit_test(a_missing_key_is_told_from_one_that_the_message_spoiled),
      cmocka_unit_test(no_mixture_of_evidence_is_trusted_against_the_rule),
      cmocka_unit_test(the_status_lines_of_a_good_message_are_understood),
      cmocka_unit_test(a_plaintext_outside_the_decryption_is_seen),
      cmocka_unit_test(aead_counts_as_integrity),
      cmocka_unit_test(the_states_of_a_signature_are_told_apart),
      cmocka_unit_test(a_short_or_foreign_valid_line_names_no_signer),
      cmocka_unit_test(the_agents_errors_are_ours_and_others_are_not),
      cmocka_unit_test(a_gpg_that_ends_without_a_word_gives_no_verdict),
      cmocka_unit_test(a_gpg_that_gave_up_over_the_message_is_told_from_a_killed_one),
      cmocka_unit_test(an_end_at_the_signature_is_about_the_signature),
      cmocka_unit_test(fingerprints_are_compared_whole),
      cmocka_unit_test(every_reason_has_a_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
