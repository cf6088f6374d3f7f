/* Detached signatures: a data file in the clear and, beside it, who signed it. Verifying feeds gpg the data through our
 * own hands, so that the digest is of exactly the bytes that gpg saw; the verdict comes from the same evidence as a
 * message's. */
#include "crypto/digest.h"
#include "crypto/gpg.h"
#include "crypto/openpgp.h"
#include "crypto/signer.h"
#include "crypto/verdict.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SIGNATURE = 64 * 1024 };

typedef struct {
  int data;
  guint64 size;
  Digest *digest;
  Evidence evidence;
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
  evidence_status(&((Verifying *)user)->evidence, keyword, arguments);
}

/* GPGME's own reading of the same status lines has to agree with ours; see open.c on the summary's bits. */
static void see_results(Verifying *verifying, gpgme_ctx_t context, const char *const *signed_by) {
  Evidence *evidence = &verifying->evidence;
  gpgme_verify_result_t verified = gpgme_op_verify_result(context);
  gpgme_signature_t first = verified ? verified->signatures : NULL;
  for (gpgme_signature_t signature = first; signature; signature = signature->next)
    evidence->gpgme_signatures++;
  unsigned int flags = first ? (unsigned int)first->summary & ~(unsigned int)(GPGME_SIGSUM_VALID | GPGME_SIGSUM_GREEN)
                             : 0;
  evidence->gpgme_clean = first && gpg_err_code(first->status) == GPG_ERR_NO_ERROR && flags == 0 &&
                          !first->wrong_key_usage && first->fpr &&
                          g_ascii_strcasecmp(first->fpr, evidence->issuer) == 0;
  evidence->pinned = fingerprint_is_among(evidence->signer, signed_by);
}

static void explain(const Verifying *verifying, gpgme_error_t outcome, OpenpgpOpened *opened) {
  const Evidence *evidence = &verifying->evidence;
  const char *issuer = evidence->issuer[0] ? evidence->issuer : NULL;
  gboolean is_text = opened->reason == OPENPGP_REASON_BAD_SIGNATURE && evidence->signature == SIGNATURE_GOOD &&
                     evidence->signature_class != 0;
  g_autofree char *text = g_strdup_printf(
      "%s%s%s%s%s%s", openpgp_reason_word(opened->reason), issuer ? ", signed by " : "", issuer ? issuer : "",
      is_text ? ", made over text, not over bytes" : "", outcome && opened->verdict != OPENPGP_TRUSTED ? ", gpg: " : "",
      outcome && opened->verdict != OPENPGP_TRUSTED ? gpgme_strerror(outcome) : "");
  g_autofree char *shown = files_show_bytes(text, strlen(text), sizeof opened->message / 2);
  g_strlcpy(opened->message, shown, sizeof opened->message);
}

/* gpg ended without a word on the signature: killed, out of memory, or it could not start. */
static gboolean is_cut_short(const Evidence *evidence) {
  return evidence->statements == 0 && !evidence->said_failure && evidence->gpgme_error != GPG_ERR_NO_DATA &&
         evidence->gpgme_error != GPG_ERR_BAD_DATA;
}

static gboolean verify(Verifying *verifying, const OpenpgpOpenOptions *options, GpgRun *run, gpgme_data_t signature,
                       OpenpgpOpened *opened, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  SallyportErrorCode code = SALLYPORT_ERROR_AGAIN;
  guint8 digest[DIGEST_SHA256_SIZE];
  gboolean ran = gpg_run_wait(run, gpgme_op_verify_start(gpg_run_context(run), signature, gpg_run_input(run), NULL),
                              &outcome, &failure);
  if (verifying->error || !ran) {
    g_propagate_error(error, verifying->error ? g_steal_pointer(&verifying->error) : g_steal_pointer(&failure));
    return FALSE;
  }
  verifying->evidence.gpgme_error = gpg_err_code(outcome);
  if (is_cut_short(&verifying->evidence)) {
    gboolean ours = gpg_error_is_ours(outcome, &code);
    return sallyport_error_set(error, ours ? code : SALLYPORT_ERROR_AGAIN, "gpg for %s ended without a result: %s",
                               options->home, outcome ? gpgme_strerror(outcome) : "it was killed or could not start");
  }
  see_results(verifying, gpg_run_context(run), options->signed_by);
  opened->verdict = evidence_judge_detached(&verifying->evidence, &opened->reason);
  opened->plaintext_size = verifying->size;
  opened->signed_at = verifying->evidence.signed_at;
  g_strlcpy(opened->signer, verifying->evidence.signer, sizeof opened->signer);
  digest_finish(g_steal_pointer(&verifying->digest), digest);
  if (opened->verdict == OPENPGP_TRUSTED)
    memcpy(opened->sha256, digest, sizeof digest);
  explain(verifying, outcome, opened);
  return TRUE;
}

static gboolean refused(OpenpgpReason reason, OpenpgpOpened *opened) {
  opened->reason = reason;
  g_strlcpy(opened->message, openpgp_reason_word(reason), sizeof opened->message);
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

static gboolean check_pins(const OpenpgpOpenOptions *options, GError **error) {
  for (gsize i = 0; options->signed_by && options->signed_by[i]; i++)
    if (!fingerprint_is_full(options->signed_by[i]))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "signed-by \"%s\" is no full fingerprint (40 or 64 hexadecimal digits)",
                                 options->signed_by[i]);
  return (options->signed_by && options->signed_by[0]) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "no signer is pinned: nothing could be trusted");
}

gboolean openpgp_verify_detached(const OpenpgpOpenOptions *options, int data, int signature, OpenpgpOpened *opened,
                                 GError **error) {
  gsize length;
  gpgme_data_t held = NULL;
  memset(opened, 0, sizeof *opened);
  if (!check_pins(options, error))
    return FALSE;
  g_autofree char *bytes = read_signature(signature, &length, error);
  if (!bytes)
    return FALSE;
  if (length == 0 || length > MOST_SIGNATURE)
    return refused(length == 0 ? OPENPGP_REASON_NOT_SIGNED : OPENPGP_REASON_NOT_OPENPGP, opened);
  Verifying verifying = {.data = data, .evidence = {.now = g_get_real_time() / G_USEC_PER_SEC}};
  GpgRunOptions run_options = {.home = options->home,
                               .deadline = options->deadline,
                               .source = read_data,
                               .status = see_status,
                               .user = &verifying};
  GpgRun *run = gpg_run_new(&run_options, error);
  if (!run)
    return FALSE;
  verifying.digest = digest_new_sha256();
  gpgme_error_t failed = gpgme_data_new_from_mem(&held, bytes, length, 0);
  gboolean reached = failed ? sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "GPGME: %s", gpgme_strerror(failed))
                            : verify(&verifying, options, run, held, opened, error);
  gpg_run_free(run);
  if (held)
    gpgme_data_release(held);
  digest_free(verifying.digest);
  g_clear_error(&verifying.error);
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
