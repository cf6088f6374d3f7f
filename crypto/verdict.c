#include "crypto/verdict.h"
#include <gpg-error.h>
#include <stdlib.h>
#include <string.h>

#define ERRSIG_NO_PUBLIC_KEY 9
#define DIGEST_SHA1_NUMBER 2

static const char *const reason_words[] = {
#define OPENPGP_REASON_WORD(name, word) [OPENPGP_REASON_##name] = word,
    OPENPGP_REASONS(OPENPGP_REASON_WORD)};

const char *openpgp_reason_word(OpenpgpReason reason) {
  return (guint)reason < G_N_ELEMENTS(reason_words) ? reason_words[reason] : reason_words[OPENPGP_REASON_UNKNOWN];
}

gboolean fingerprint_is_full(const char *fingerprint) {
  size_t length = fingerprint ? strlen(fingerprint) : 0;
  return (length == 40 || length == 64) && strspn(fingerprint, "0123456789abcdefABCDEF") == length;
}

gboolean fingerprint_is_among(const char *fingerprint, const char *const *list) {
  if (!fingerprint_is_full(fingerprint))
    return FALSE;
  for (gsize i = 0; list && list[i]; i++)
    if (g_ascii_strcasecmp(fingerprint, list[i]) == 0)
      return TRUE;
  return FALSE;
}

static void copy_hex(char into[65], const char *word) {
  gsize length = word ? strspn(word, "0123456789abcdefABCDEF") : 0;
  if (length == 0 || length > 64 || word[length])
    return;
  memcpy(into, word, length + 1);
}

static void see_valid_signature(Evidence *evidence, char **words, guint count) {
  evidence->valid_signatures++;
  if (count < 10) /* no primary fingerprint: not OpenPGP's form of the line */
    return;
  copy_hex(evidence->issuer, words[0]);
  copy_hex(evidence->signer, words[9]);
  evidence->signed_at = g_ascii_strtoll(words[2], NULL, 10);
  evidence->digest = atoi(words[7]);
  evidence->signature_class = (int)g_ascii_strtoll(words[8], NULL, 16);
}

static void see_statement(Evidence *evidence, SignatureState state) {
  evidence->statements++;
  evidence->signature = state;
}

/* ERRSIG keyid algorithm digest class time rc [fingerprint]. With a clock that is behind, the signer's key is "created
 * in the future", which gpg calls a bad public key. */
static void see_signature_error(Evidence *evidence, char **words, guint count) {
  int why = count >= 6 ? atoi(words[5]) : 0;
  gboolean is_future = count >= 6 && evidence->now > 0 && g_ascii_strtoll(words[4], NULL, 10) > evidence->now;
  see_statement(evidence, why == ERRSIG_NO_PUBLIC_KEY  ? SIGNATURE_UNKNOWN
                          : why == GPG_ERR_DIGEST_ALGO ? SIGNATURE_WEAK
                          : is_future                  ? SIGNATURE_FROM_FUTURE
                                                       : SIGNATURE_BAD);
  if (count >= 3)
    evidence->digest = atoi(words[2]);
  if (count >= 1)
    copy_hex(evidence->issuer, words[0]);
  if (count >= 7)
    copy_hex(evidence->issuer, words[6]);
}

/* Which failures to decrypt a session key are about our own side: the passphrase, the agent, the system. All others may
 * be the message's doing, such as a changed octet in the encrypted session key. */
static gboolean is_our_fault(gpg_error_t error) {
  switch (gpg_err_code(error)) {
  case GPG_ERR_BAD_PASSPHRASE:
  case GPG_ERR_BAD_PIN:
  case GPG_ERR_NO_PASSPHRASE:
  case GPG_ERR_NO_PIN_ENTRY:
  case GPG_ERR_PIN_ENTRY:
  case GPG_ERR_CANCELED:
  case GPG_ERR_FULLY_CANCELED:
  case GPG_ERR_TIMEOUT:
  case GPG_ERR_AGENT:
  case GPG_ERR_NO_AGENT:
  case GPG_ERR_EOF:
  case GPG_ERR_RESOURCE_LIMIT:
  case GPG_ERR_NO_DATA:
  case GPG_ERR_FORBIDDEN:
  case GPG_ERR_NOT_SUPPORTED:
  case GPG_ERR_CARD:
  case GPG_ERR_CARD_NOT_PRESENT:
  case GPG_ERR_CARD_REMOVED:
  case GPG_ERR_ASS_CONNECT_FAILED:
  case GPG_ERR_ASS_READ_ERROR:
  case GPG_ERR_ASS_WRITE_ERROR:
  case GPG_ERR_ASS_NO_INPUT:
    return TRUE;
  default:
    return (gpg_err_code(error) & GPG_ERR_SYSTEM_ERROR) != 0;
  }
}

static void see_error(Evidence *evidence, char **words, guint count) {
  if (count < 2)
    return;
  gpg_error_t number = (gpg_error_t)strtoul(words[1], NULL, 10);
  if (g_str_equal(words[0], "pkdecrypt_failed")) {
    evidence->key_refused |= gpg_err_code(number) != GPG_ERR_NO_SECKEY; /* gpg 2.4 says so of a key that is not there */
    if (is_our_fault(number))
      evidence->our_fault = number;
  }
  evidence->unprotected |= g_str_equal(words[0], "nomdc_with_legacy_cipher");
  evidence->gpg_failure = number;
}

/* DECRYPTION_INFO mdc_method cipher [aead_algorithm]: with AEAD the tag of each chunk has been checked when
 * DECRYPTION_OKAY is said; gpg 2.4 says GOODMDC for it too, once or twice. gpg 2.2 opens AEAD messages but names no
 * algorithm here. */
static void see_decryption_info(Evidence *evidence, char **words, guint count) {
  gboolean aead = count >= 3 && atoi(words[2]) != 0;
  evidence->session_key_found = TRUE;
  evidence->aead |= aead;
  evidence->integrity_good += aead ? 1 : 0;
  evidence->unprotected |= count >= 1 && atoi(words[0]) == 0 && !aead;
}

/* PLAINTEXT format time name: the format is the literal packet's octet, in hexadecimal. */
static void see_plaintext(Evidence *evidence, char **words, guint count) {
  long format = count >= 1 ? strtol(words[0], NULL, 16) : 0;
  if (evidence->decryptions_begun == evidence->decryptions_ended + 1)
    evidence->plaintexts++;
  else
    evidence->plaintexts_elsewhere++;
  evidence->is_text |= format == 't' || format == 'u';
}

static void see_decryption(Evidence *evidence, const char *keyword, char **words, guint count) {
  if (g_str_equal(keyword, "BEGIN_DECRYPTION"))
    evidence->decryptions_begun++;
  else if (g_str_equal(keyword, "END_DECRYPTION"))
    evidence->decryptions_ended++;
  else if (g_str_equal(keyword, "DECRYPTION_OKAY"))
    evidence->decryptions_okay++;
  else if (g_str_equal(keyword, "GOODMDC"))
    evidence->integrity_good += evidence->aead ? 0 : 1;
  else if (g_str_equal(keyword, "DECRYPTION_FAILED"))
    evidence->decryption_failed = TRUE;
  else if (g_str_equal(keyword, "BADMDC"))
    evidence->integrity_bad = TRUE;
  else if (g_str_equal(keyword, "NO_SECKEY"))
    evidence->no_secret_key = TRUE;
  else if (g_str_equal(keyword, "NEED_PASSPHRASE_SYM"))
    evidence->asked_passphrase = TRUE;
  else if (g_str_equal(keyword, "DECRYPTION_INFO"))
    see_decryption_info(evidence, words, count);
  else if (g_str_equal(keyword, "DECRYPTION_KEY"))
    evidence->session_key_found = TRUE;
  else if (g_str_equal(keyword, "PLAINTEXT"))
    see_plaintext(evidence, words, count);
  else if (g_str_equal(keyword, "PLAINTEXT_LENGTH") && count >= 1) {
    evidence->literal_size_known = TRUE;
    evidence->literal_size = g_ascii_strtoull(words[0], NULL, 10);
  }
}

static void see_signature(Evidence *evidence, const char *keyword, char **words, guint count) {
  if (g_str_equal(keyword, "NEWSIG"))
    evidence->signatures++;
  else if (g_str_equal(keyword, "GOODSIG"))
    see_statement(evidence, SIGNATURE_GOOD);
  else if (g_str_equal(keyword, "EXPSIG"))
    see_statement(evidence, SIGNATURE_EXPIRED);
  else if (g_str_equal(keyword, "EXPKEYSIG"))
    see_statement(evidence, SIGNATURE_KEY_EXPIRED);
  else if (g_str_equal(keyword, "REVKEYSIG"))
    see_statement(evidence, SIGNATURE_REVOKED);
  else if (g_str_equal(keyword, "BADSIG"))
    see_statement(evidence, SIGNATURE_BAD);
  else if (g_str_equal(keyword, "ERRSIG"))
    see_signature_error(evidence, words, count);
  else if (g_str_equal(keyword, "VALIDSIG"))
    see_valid_signature(evidence, words, count);
}

void evidence_status(Evidence *evidence, const char *keyword, const char *arguments) {
  g_auto(GStrv) words = g_strsplit(arguments ? arguments : "", " ", 32);
  guint count = g_strv_length(words);
  see_decryption(evidence, keyword, words, count);
  see_signature(evidence, keyword, words, count);
  if (g_str_equal(keyword, "ERROR"))
    see_error(evidence, words, count);
  if (g_str_equal(keyword, "FAILURE") || g_str_equal(keyword, "NODATA") || g_str_equal(keyword, "UNEXPECTED")) {
    evidence->said_failure = TRUE;
    if (g_str_equal(keyword, "FAILURE") && count >= 2 && evidence->gpg_failure == 0)
      evidence->gpg_failure = (guint32)strtoul(words[1], NULL, 10);
  }
}

static gboolean has_any(const char *text, const char *const *words, gsize count) {
  for (gsize i = 0; i < count; i++)
    if (strstr(text, words[i]))
      return TRUE;
  return FALSE;
}

LogWord evidence_log(Evidence *evidence, const char *log) {
  static const char *const messages[] = {"inflate problem",          "Assertion ",  "CRC error",     "malformed CRC",
                                         "not a detached signature", "Ohhhh jeeee", "premature eof", "bz2lib"};
  static const char *const ours[] = {"out of core",
                                     "Cannot allocate",
                                     "No space left",
                                     "Too many open files",
                                     "Input/output error",
                                     "agent",
                                     "Broken pipe",
                                     "can't open",
                                     "can't create",
                                     "Permission denied",
                                     "quota",
                                     "Read-only file",
                                     "secure memory",
                                     "temporarily unavailable",
                                     "keyblock resource"};
  if (!log || !*log)
    return LOG_SILENT;
  if (has_any(log, ours, G_N_ELEMENTS(ours)))
    return LOG_OURS;
  if (!has_any(log, messages, G_N_ELEMENTS(messages)))
    return LOG_UNCLEAR;
  evidence->gave_up = TRUE;
  return LOG_MESSAGE;
}

const char *evidence_weak_digest(int digest) {
  static const char *const words[] = {NULL, "MD5", "SHA-1", "RIPEMD-160"};
  return digest > 0 && digest < (int)G_N_ELEMENTS(words) ? words[digest] : NULL;
}

gboolean evidence_is_weak_allowed(const Evidence *e) {
  return e->digest == DIGEST_SHA1_NUMBER && e->now > 0 && e->now < e->weak_digest_until;
}

gboolean evidence_is_settled(const Evidence *evidence) {
  const Outline *outline = &evidence->outline;
  return evidence->over_size || evidence->over_ratio || !outline->complete || outline->beside || outline->malformed ||
         evidence->decryptions_begun > 1 || evidence->plaintexts > 1 || evidence->plaintexts_elsewhere > 0 ||
         evidence->integrity_bad || evidence->gave_up;
}

gboolean evidence_is_cut_short(const Evidence *evidence) {
  if (evidence_is_settled(evidence) || evidence->asked_passphrase)
    return FALSE;
  if (evidence->gpgme_error == GPG_ERR_BAD_DATA || evidence->gpgme_error == GPG_ERR_DECRYPT_FAILED)
    return FALSE; /* GPGME ends the run when it sees a status line that means them */
  return evidence->decryptions_ended == 0 && !evidence->said_failure && !evidence->decryption_failed;
}

gboolean evidence_is_hopeless(const Outline *outline, OpenpgpReason *reason) {
  if (outline->form == OUTLINE_EMPTY || outline->form == OUTLINE_FOREIGN)
    *reason = OPENPGP_REASON_NOT_OPENPGP;
  else if (outline->body == OUTLINE_CLEAR)
    *reason = OPENPGP_REASON_NOT_ENCRYPTED;
  else if (outline->body == OUTLINE_UNPROTECTED)
    *reason = OPENPGP_REASON_NOT_PROTECTED;
  else if (outline->body == OUTLINE_AEAD_RFC9580)
    *reason = OPENPGP_REASON_NOT_OPENPGP;
  else if (outline->body != OUTLINE_NO_BODY && outline->public_key_sessions == 0)
    *reason = OPENPGP_REASON_NO_SECRET_KEY;
  else if (outline->malformed) /* some of these crash gpg-agent */
    *reason = OPENPGP_REASON_DAMAGED;
  else
    return FALSE;
  return TRUE;
}

/* Decrypted once, wholly, with its integrity shown, to exactly one plaintext, with nothing beside it? GOOD if so. */
static OpenpgpReason judge_decryption(const Evidence *e) {
  OpenpgpReason reason;
  if (e->over_size)
    return OPENPGP_REASON_TOO_LARGE;
  if (e->over_ratio)
    return OPENPGP_REASON_TOO_DENSE;
  if (evidence_is_hopeless(&e->outline, &reason))
    return reason;
  if (e->is_aead_doubtful && e->outline.body == OUTLINE_AEAD)
    return OPENPGP_REASON_AEAD;
  if (!e->outline.complete || e->outline.body == OUTLINE_NO_BODY)
    return OPENPGP_REASON_TRUNCATED;
  if (e->outline.beside)
    return OPENPGP_REASON_DAMAGED;
  if (e->unprotected)
    return OPENPGP_REASON_NOT_PROTECTED;
  /* For a recipient who is not named gpg has no line: it tries all our keys and begins without a session key. */
  if (e->decryptions_okay == 0 && !e->key_refused &&
      (e->no_secret_key || e->asked_passphrase || (e->decryption_failed && !e->session_key_found)))
    return OPENPGP_REASON_NO_SECRET_KEY;
  if (e->decryption_failed || e->integrity_bad)
    return OPENPGP_REASON_DAMAGED;
  if (e->decryptions_begun != 1 || e->decryptions_ended != 1 || e->decryptions_okay != 1 || e->integrity_good != 1)
    return OPENPGP_REASON_DAMAGED;
  if (e->plaintexts != 1 || e->plaintexts_elsewhere != 0)
    return OPENPGP_REASON_DAMAGED;
  return OPENPGP_REASON_GOOD;
}

/* Signed once, by a pinned key, cleanly? GOOD if so. */
static OpenpgpReason judge_signature(const Evidence *e) {
  if (e->signatures == 0 && e->statements == 0 && e->gpgme_signatures == 0)
    return OPENPGP_REASON_NOT_SIGNED;
  if (e->signatures > 1 || e->statements > 1 || e->gpgme_signatures > 1 || e->valid_signatures > 1)
    return OPENPGP_REASON_SEVERAL_SIGNATURES;
  if (e->signature == SIGNATURE_UNKNOWN)
    return OPENPGP_REASON_UNKNOWN_SIGNER;
  if (e->signature == SIGNATURE_FROM_FUTURE)
    return OPENPGP_REASON_FROM_FUTURE;
  if (e->signature == SIGNATURE_WEAK)
    return OPENPGP_REASON_WEAK_DIGEST;
  if (e->signature == SIGNATURE_NONE || e->signature == SIGNATURE_BAD)
    return OPENPGP_REASON_BAD_SIGNATURE;
  if (!e->pinned || !fingerprint_is_full(e->signer))
    return OPENPGP_REASON_SIGNER_NOT_PINNED;
  if (e->signature == SIGNATURE_REVOKED)
    return OPENPGP_REASON_SIGNER_REVOKED;
  if (e->signature == SIGNATURE_KEY_EXPIRED)
    return OPENPGP_REASON_SIGNER_EXPIRED;
  if (e->signature == SIGNATURE_EXPIRED)
    return OPENPGP_REASON_SIGNATURE_EXPIRED;
  if (e->signature != SIGNATURE_GOOD || e->signatures != 1 || e->statements != 1 || e->valid_signatures != 1)
    return OPENPGP_REASON_BAD_SIGNATURE;
  if (e->gpgme_signatures != 1 || !e->gpgme_clean)
    return OPENPGP_REASON_BAD_SIGNATURE;
  if (evidence_weak_digest(e->digest) && !evidence_is_weak_allowed(e))
    return OPENPGP_REASON_WEAK_DIGEST;
  if (e->now > 0 && e->signed_at > e->now + e->skew)
    return OPENPGP_REASON_FROM_FUTURE;
  return OPENPGP_REASON_GOOD;
}

/* Of text gpg takes every CR out. That changes nothing where there was none, and only the line ends where each stood
 * before an LF: RFC 4880 sends text so. A CR that stood alone is gone from within a line. */
static gboolean is_changed(const Evidence *e) {
  if (!e->is_text)
    return FALSE;
  if (e->returns_counted)
    return e->lone_returns > 0 || (e->pairs > 0 && e->bare_feeds > 0);
  return !e->literal_size_known || e->literal_size != e->delivered;
}

/* With "batch" in its settings gpg ends at a bad or expired signature, before it has said that the message was whole.
 */
static gboolean ended_at_the_signature(const Evidence *e) {
  OpenpgpReason reason;
  return e->said_failure && e->decryptions_begun == 1 && e->decryptions_ended == 0 && !e->decryption_failed &&
         !e->integrity_bad && !e->outline.malformed && !e->outline.beside && e->outline.complete && !e->unprotected &&
         !e->over_size && !e->over_ratio && !evidence_is_hopeless(&e->outline, &reason) && e->statements == 1 &&
         (e->signature == SIGNATURE_BAD || e->signature == SIGNATURE_EXPIRED);
}

OpenpgpVerdict evidence_judge(const Evidence *evidence, OpenpgpReason *reason) {
  *reason = judge_decryption(evidence);
  if (*reason == OPENPGP_REASON_GOOD || ended_at_the_signature(evidence))
    *reason = judge_signature(evidence);
  if (*reason == OPENPGP_REASON_GOOD && (evidence->gpgme_error != 0 || evidence->said_failure || evidence->gave_up))
    *reason = OPENPGP_REASON_DAMAGED;
  if (*reason == OPENPGP_REASON_GOOD && is_changed(evidence))
    *reason = OPENPGP_REASON_TEXT;
  return *reason == OPENPGP_REASON_GOOD ? OPENPGP_TRUSTED : OPENPGP_NOT_TRUSTED;
}

OpenpgpVerdict evidence_judge_detached(const Evidence *evidence, OpenpgpReason *reason) {
  *reason = judge_signature(evidence);
  if (*reason == OPENPGP_REASON_NOT_SIGNED && (evidence->said_failure || evidence->gave_up))
    *reason = OPENPGP_REASON_NOT_OPENPGP;
  if (*reason == OPENPGP_REASON_GOOD &&
      (evidence->plaintexts || evidence->plaintexts_elsewhere || evidence->decryptions_begun))
    *reason = OPENPGP_REASON_DAMAGED; /* a message of its own, not a signature over our bytes */
  if (*reason == OPENPGP_REASON_GOOD &&
      (evidence->signature_class != 0 || evidence->gpgme_error != 0 || evidence->said_failure || evidence->gave_up))
    *reason = OPENPGP_REASON_BAD_SIGNATURE;
  return *reason == OPENPGP_REASON_GOOD ? OPENPGP_TRUSTED : OPENPGP_NOT_TRUSTED;
}
