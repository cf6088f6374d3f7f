#include "crypto/results.h"
#include "gateway/base/files.h"
#include <string.h>

#define CLOCK_TOLERANCE (2 * G_USEC_PER_SEC)

gboolean results_check_pins(const OpenpgpOpenOptions *options, GError **error) {
  for (gsize i = 0; options->signed_by && options->signed_by[i]; i++)
    if (!fingerprint_is_full(options->signed_by[i]))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "signed-by \"%s\" is no full fingerprint (40 or 64 hexadecimal digits)",
                                 options->signed_by[i]);
  return (options->signed_by && options->signed_by[0]) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "no signer is pinned: nothing could be trusted");
}

ResultsClock results_begin(const OpenpgpOpenOptions *options, Evidence *evidence) {
  ResultsClock clock = {g_get_real_time(), g_get_monotonic_time()};
  evidence->now = clock.wall / G_USEC_PER_SEC;
  evidence->skew = options->clock_skew ? options->clock_skew : OPENPGP_CLOCK_SKEW;
  evidence->weak_digest_until = options->weak_digest_until;
  return clock;
}

/* gpg looked at the clock at some moment of its run: the earliest time that it can have seen counts. */
void results_see_status(Evidence *evidence, const char *keyword, const char *arguments) {
  evidence->now = MIN(evidence->now, g_get_real_time() / G_USEC_PER_SEC);
  evidence_status(evidence, keyword, arguments);
}

/* The summary's VALID and GREEN bits are about the web of trust, which has no say here; its other bits are flags of
 * something wrong. */
void results_see(Evidence *evidence, gpgme_ctx_t context, const char *const *signed_by) {
  gpgme_verify_result_t verified = gpgme_op_verify_result(context);
  gpgme_signature_t first = verified ? verified->signatures : NULL;
  evidence->gpgme_signatures = 0;
  for (gpgme_signature_t signature = first; signature; signature = signature->next)
    evidence->gpgme_signatures++;
  unsigned int flags = first ? (unsigned int)first->summary & ~(unsigned int)(GPGME_SIGSUM_VALID | GPGME_SIGSUM_GREEN)
                             : 0;
  evidence->gpgme_clean = first && gpg_err_code(first->status) == GPG_ERR_NO_ERROR && flags == 0 &&
                          !first->wrong_key_usage && first->fpr &&
                          g_ascii_strcasecmp(first->fpr, evidence->issuer) == 0;
  evidence->pinned = fingerprint_is_among(evidence->signer, signed_by);
}

gboolean results_are_out_of_time(const Evidence *evidence, const ResultsClock *clock) {
  gint64 wall = g_get_real_time() - clock->wall, monotonic = g_get_monotonic_time() - clock->monotonic;
  gboolean was_set = wall - monotonic > CLOCK_TOLERANCE || monotonic - wall > CLOCK_TOLERANCE;
  return was_set && evidence->statements > 0 && evidence->signature != SIGNATURE_GOOD &&
         evidence->signature != SIGNATURE_UNKNOWN && evidence->signature != SIGNATURE_REVOKED;
}

gboolean results_no_answer(const char *home, gpgme_error_t outcome, GError **error) {
  SallyportErrorCode code;
  gboolean ours = gpg_error_is_ours(outcome, &code);
  return sallyport_error_set(error, ours ? code : SALLYPORT_ERROR_AGAIN, "gpg for %s ended without a result: %s", home,
                             outcome ? gpgme_strerror(outcome) : "it was killed or could not start");
}

static void explain_signature(GString *text, const Evidence *evidence, const OpenpgpOpenOptions *options,
                              OpenpgpReason reason) {
  const char *digest = evidence_weak_digest(evidence->digest);
  if (evidence->issuer[0])
    g_string_append_printf(text, ", signed by %s", evidence->issuer);
  if (reason == OPENPGP_REASON_WEAK_DIGEST && digest)
    g_string_append_printf(text, " over %s: the partner is to sign with SHA-256 or better", digest);
  if (reason == OPENPGP_REASON_SIGNER_NOT_PINNED && evidence->signer[0] &&
      fingerprint_is_among(evidence->issuer, options->signed_by))
    g_string_append_printf(text, ", a subkey: signed-by is to name its primary key, %s", evidence->signer);
  if (reason == OPENPGP_REASON_FROM_FUTURE && evidence->signed_at > evidence->now)
    g_string_append_printf(text, ", dated %" G_GINT64_FORMAT " seconds ahead of our clock",
                           evidence->signed_at - evidence->now);
}

static void explain_gpg(GString *text, const Evidence *evidence, gpgme_error_t outcome) {
  if (outcome && !evidence->over_size && !evidence->over_ratio)
    g_string_append_printf(text, ", gpg: %s", gpgme_strerror(outcome));
  if (evidence->gpg_failure && gpg_err_code(evidence->gpg_failure) != GPG_ERR_GENERAL)
    g_string_append_printf(text, ", %s", gpgme_strerror(evidence->gpg_failure));
}

void results_explain(const Evidence *evidence, const OpenpgpOpenOptions *options, gpgme_error_t outcome,
                     const char *hint, OpenpgpOpened *opened) {
  g_autoptr(GString) text = g_string_new(openpgp_reason_word(opened->reason));
  explain_signature(text, evidence, options, opened->reason);
  if (hint && *hint)
    g_string_append_printf(text, ", %s", hint);
  if (opened->verdict != OPENPGP_TRUSTED)
    explain_gpg(text, evidence, outcome);
  g_autofree char *shown = files_show_bytes(text->str, text->len, sizeof opened->message - 8);
  g_strlcpy(opened->message, shown, sizeof opened->message);
  while (!g_utf8_validate(opened->message, -1, NULL)) /* cut inside a character */
    opened->message[strlen(opened->message) - 1] = '\0';
}

gboolean results_of_again(const ResultsAgain *again, const OpenpgpOpenOptions *options, OpenpgpOpened *opened,
                          GError **error) {
  g_autoptr(GError) failure = again->failure;
  g_autofree char *log = again->log;
  if (again->reached)
    return TRUE;
  if (!again->is_unclear || g_strcmp0(again->first_log, log) != 0) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  *opened = (OpenpgpOpened){.reason = OPENPGP_REASON_UNANSWERED};
  results_explain(again->evidence, options, 0, again->first_log, opened);
  return TRUE;
}
