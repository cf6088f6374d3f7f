/* Detached signatures: a data file in the clear and, beside it, who signed it. Verifying feeds gpg the data through our
 * own hands, so that the digest is of exactly the bytes that gpg saw; the verdict comes from the same evidence as a
 * message's. */
#include "gateway/base/digest.h"
#include "crypto/gpg.h"
#include "crypto/openpgp.h"
#include "crypto/results.h"
#include "crypto/seen.h"
#include "crypto/signer.h"
#include "crypto/verdict.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SIGNATURE = 64 * 1024 };

typedef struct {
  const OpenpgpOpenOptions *options;
  const char *signature; /* as it came */
  gsize signature_length;
  gboolean is_over_text; /* by the signature's own class */
  int data;
  guint64 size;
  Digest *digest;
  Evidence evidence;
  ResultsClock clock;
  char *log;     /* gpg's, of a run that ended without a word */
  GError *error; /* of our own reading */
} Verifying;

static gssize read_data(gpointer user, void *into, gsize limit) {
  Verifying *verifying = user;
  ssize_t got;
  do
    got = pread(verifying->data, into, limit, (off_t)verifying->size);
  while (got < 0 && errno == EINTR);
  if (got < 0) {
    sallyport_error_errno(&verifying->error, errno, "read of the signed data");
    return -1;
  }
  digest_update(verifying->digest, into, (gsize)got);
  verifying->size += (guint64)got;
  return got;
}

static void see_status(gpointer user, const char *keyword, const char *arguments) {
  results_see_status(&((Verifying *)user)->evidence, keyword, arguments);
}

/* gpg ended without a word on the signature: killed, out of memory, or over what is no signature. */
static gboolean is_cut_short(const Evidence *evidence) {
  return evidence->statements == 0 && !evidence->said_failure && evidence->gpgme_error != GPG_ERR_NO_DATA &&
         evidence->gpgme_error != GPG_ERR_BAD_DATA;
}

static void conclude(Verifying *verifying, gpgme_error_t outcome, OpenpgpOpened *opened) {
  Evidence *evidence = &verifying->evidence;
  guint8 digest[DIGEST_SHA256_SIZE];
  gboolean is_text = verifying->is_over_text || (evidence->signature == SIGNATURE_GOOD && evidence->signature_class);
  opened->verdict = evidence_judge_detached(evidence, &opened->reason);
  opened->plaintext_size = verifying->size;
  opened->signed_at = evidence->signed_at;
  opened->is_weak = opened->verdict == OPENPGP_TRUSTED && evidence_weak_digest(evidence->digest);
  g_strlcpy(opened->signer, evidence->signer, sizeof opened->signer);
  digest_finish(g_steal_pointer(&verifying->digest), digest);
  if (opened->verdict == OPENPGP_TRUSTED)
    memcpy(opened->sha256, digest, sizeof digest);
  const char *hint = is_text && opened->reason == OPENPGP_REASON_BAD_SIGNATURE
                         ? "made over text, not over bytes: let the partner sign it as binary"
                         : NULL;
  results_explain(evidence, verifying->options, outcome, hint ? hint : verifying->log, opened);
}

/* *is_unclear as in open.c. */
static gboolean verify(Verifying *verifying, GpgRun *run, gpgme_data_t signature, OpenpgpOpened *opened,
                       gboolean *is_unclear, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  gboolean ran = gpg_run_wait(run, gpgme_op_verify_start(gpg_run_context(run), signature, gpg_run_input(run), NULL),
                              &outcome, &failure);
  if (verifying->error || !ran) {
    g_propagate_error(error, verifying->error ? g_steal_pointer(&verifying->error) : g_steal_pointer(&failure));
    return FALSE;
  }
  verifying->evidence.gpgme_error = gpg_err_code(outcome);
  if (is_cut_short(&verifying->evidence)) {
    verifying->log = gpg_run_diagnostics(run);
    LogWord word = evidence_log(&verifying->evidence, verifying->log);
    *is_unclear = word == LOG_UNCLEAR;
    if (word != LOG_MESSAGE)
      return results_no_answer(verifying->options->home, outcome, error);
  }
  results_see(&verifying->evidence, gpg_run_context(run), verifying->options->signed_by);
  if (results_are_out_of_time(&verifying->evidence, &verifying->clock))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the clock was set while gpg for %s ran",
                               verifying->options->home);
  conclude(verifying, outcome, opened);
  return TRUE;
}

static gboolean verify_once(Verifying *verifying, OpenpgpOpened *opened, gboolean *is_unclear, GError **error) {
  gpgme_data_t held = NULL;
  GpgRunOptions run_options = {.home = verifying->options->home,
                               .deadline = verifying->options->deadline,
                               .source = read_data,
                               .status = see_status,
                               .user = verifying};
  GpgRun *run = gpg_run_new(&run_options, error);
  if (!run)
    return FALSE;
  verifying->clock = results_begin(verifying->options, &verifying->evidence);
  verifying->digest = digest_new_sha256();
  gpgme_error_t failed = gpgme_data_new_from_mem(&held, verifying->signature, verifying->signature_length, 0);
  gboolean reached = failed ? sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "GPGME: %s", gpgme_strerror(failed))
                            : verify(verifying, run, held, opened, is_unclear, error);
  gpg_run_free(run);
  if (held)
    gpgme_data_release(held);
  digest_free(verifying->digest);
  g_clear_error(&verifying->error);
  return reached;
}

/* A gpg that ends twice in the same way over the same bytes ends so because of them. */
static gboolean verify_again(const Verifying *first, OpenpgpOpened *opened, GError **error) {
  Verifying second = *first;
  second.evidence = (Evidence){0};
  second.size = 0;
  second.log = NULL;
  ResultsAgain again = {.evidence = &second.evidence, .first_log = first->log};
  again.reached = verify_once(&second, opened, &again.is_unclear, &again.failure);
  again.log = second.log;
  return results_of_again(&again, first->options, opened, error);
}

static gboolean refused(OpenpgpReason reason, const char *words, OpenpgpOpened *opened) {
  opened->reason = reason;
  g_snprintf(opened->message, sizeof opened->message, "%s%s%s", openpgp_reason_word(reason), words ? ", " : "",
             words ? words : "");
  return TRUE;
}

/* The whole signature, in memory; *length over the limit: too large. */
static char *read_signature(int fd, gsize *length, GError **error) {
  g_autofree char *bytes = g_malloc(MOST_SIGNATURE + 1);
  *length = 0;
  while (*length <= MOST_SIGNATURE) {
    ssize_t got = pread(fd, bytes + *length, MOST_SIGNATURE + 1 - *length, (off_t)*length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      sallyport_error_errno(error, errno, "read of the signature");
      return NULL;
    }
    if (got == 0)
      break;
    *length += (gsize)got;
  }
  return g_steal_pointer(&bytes);
}

gboolean openpgp_verify_detached(const OpenpgpOpenOptions *options, int data, int signature, OpenpgpOpened *opened,
                                 GError **error) {
  gsize length;
  gboolean is_unclear = FALSE;
  g_autoptr(GError) failure = NULL;
  memset(opened, 0, sizeof *opened);
  if (!results_check_pins(options, error))
    return FALSE;
  g_autofree char *bytes = read_signature(signature, &length, error);
  if (!bytes)
    return FALSE;
  if (length == 0)
    return refused(OPENPGP_REASON_NOT_SIGNED, NULL, opened);
  Verifying verifying = {.options = options, .signature = bytes, .signature_length = length, .data = data};
  const char *other = seen_instead_of_signature((const guint8 *)bytes, length, &verifying.is_over_text);
  if (!other && length > MOST_SIGNATURE)
    other = "longer than any signature";
  if (other)
    return refused(OPENPGP_REASON_NOT_OPENPGP, other, opened);
  gboolean reached = verify_once(&verifying, opened, &is_unclear, &failure);
  if (!reached && is_unclear)
    reached = verify_again(&verifying, opened, error);
  else if (!reached)
    g_propagate_error(error, g_steal_pointer(&failure));
  g_free(verifying.log);
  if (!reached)
    memset(opened, 0, sizeof *opened);
  return reached;
}

/* --- Signing */

typedef struct {
  OpenpgpSource source;
  gpointer source_user;
  int fd;
  guint64 size;
  Digest *digest;
  GError *error;
  guint signatures;
  char signed_by[65], problem[128];
} Signing;

static gssize read_source(gpointer user, void *into, gsize limit) {
  Signing *signing = user;
  gssize got = signing->source(signing->source_user, into, limit, &signing->error);
  if (got < 0 && !signing->error)
    sallyport_error_set(&signing->error, SALLYPORT_ERROR_BUG, "the source of what is signed failed without a reason");
  return got;
}

static gboolean write_signature(gpointer user, const void *bytes, gsize length) {
  Signing *signing = user;
  if (signing->error || !files_write_all(signing->fd, bytes, length, &signing->error))
    return FALSE;
  digest_update(signing->digest, bytes, length);
  signing->size += length;
  return TRUE;
}

static void see_signing(gpointer user, const char *keyword, const char *arguments) {
  Signing *signing = user;
  g_auto(GStrv) words = g_strsplit(arguments, " ", 16);
  guint count = g_strv_length(words);
  if (g_str_equal(keyword, "SIG_CREATED") && count >= 6 && g_str_equal(words[0], "D")) {
    signing->signatures++;
    g_strlcpy(signing->signed_by, words[5], sizeof signing->signed_by);
  } else if (g_str_equal(keyword, "INV_SGNR") && count >= 2) {
    g_snprintf(signing->problem, sizeof signing->problem, "signer %s: %s", words[1],
               signer_why_unusable(atoi(words[0])));
  }
}

static gboolean sign(Signing *signing, const OpenpgpSealOptions *options, GpgRun *run, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  gpgme_ctx_t context = gpg_run_context(run);
  if (!signer_add(options->home, options->sign_with, options->deadline, context, error))
    return FALSE;
  gpgme_set_armor(context, options->armor);
  gboolean ran = gpg_run_wait(
      run, gpgme_op_sign_start(context, gpg_run_input(run), gpg_run_output(run), GPGME_SIG_MODE_DETACH), &outcome,
      &failure);
  gpgme_set_armor(context, 0); /* contexts are kept for others */
  if (signing->error || !ran) {
    g_propagate_error(error, signing->error ? g_steal_pointer(&signing->error) : g_steal_pointer(&failure));
    return FALSE;
  }
  if (outcome) {
    SallyportErrorCode code;
    g_autofree char *shown = files_show_bytes(signing->problem, strlen(signing->problem), 0);
    if (!gpg_error_is_ours(outcome, &code))
      code = gpg_err_code(outcome) == GPG_ERR_GENERAL && !shown[0] ? SALLYPORT_ERROR_AGAIN
                                                                   : SALLYPORT_ERROR_CONFIGURATION;
    return sallyport_error_set(error, code, "cannot sign with %s and the key %s: %s", options->home, options->sign_with,
                               shown[0] ? shown : gpgme_strerror(outcome));
  }
  return (signing->signatures == 1 && signing->size > 0 && signer_is_ours(context, signing->signed_by)) ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "gpg for %s ended without one signature of %s",
                             options->home, options->sign_with);
}

gboolean openpgp_sign_detached(const OpenpgpSealOptions *options, OpenpgpSource source, gpointer user, int signature_fd,
                               OpenpgpSealed *sealed, GError **error) {
  Signing signing = {.source = source, .source_user = user, .fd = signature_fd};
  memset(sealed, 0, sizeof *sealed);
  if (!signer_check(options->sign_with, error))
    return FALSE;
  GpgRunOptions run_options = {.home = options->home,
                               .signer = options->sign_with,
                               .passphrase_file = options->passphrase_file,
                               .deadline = options->deadline,
                               .source = read_source,
                               .sink = write_signature,
                               .status = see_signing,
                               .user = &signing};
  GpgRun *run = gpg_run_new(&run_options, error);
  if (!run)
    return FALSE;
  signing.digest = digest_new_sha256();
  gboolean ok = sign(&signing, options, run, error);
  digest_finish(g_steal_pointer(&signing.digest), sealed->sha256);
  sealed->size = signing.size;
  gpg_run_free(run);
  g_clear_error(&signing.error);
  if (!ok)
    memset(sealed, 0, sizeof *sealed);
  return ok;
}
