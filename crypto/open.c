/* Opens a message: outline, gpg, evidence, verdict. The order of things: the ciphertext's first part is outlined, which
 * refuses what is no encrypted message without gpg; then gpg runs, fed by read_ciphertext() and drained by
 * take_plaintext(); then our own side's faults are told from the message's; only what remains is judged. */
#include "crypto/digest.h"
#include "crypto/gpg.h"
#include "crypto/openpgp.h"
#include "crypto/verdict.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SIZE_LIMIT ((guint64)16 << 30)
#define DEFAULT_RATIO_LIMIT 200
#define RATIO_FREE ((guint64)1 << 20) /* below it no ratio is too high: a file of zeros is no attack */
#define FIRST_LOOK (64 * 1024)

typedef struct {
  const OpenpgpOpenOptions *options;
  GpgRun *run;
  int ciphertext, plaintext;
  guint64 ciphertext_size, plaintext_size, size_limit, ratio_limit;
  Digest *digest;
  Evidence evidence;
  GError *error; /* of our own reading or writing */
} Opening;

static gssize read_ciphertext(gpointer user, void *into, gsize limit) {
  Opening *opening = user;
  ssize_t got;
  do
    got = pread(opening->ciphertext, into, limit, (off_t)opening->ciphertext_size);
  while (got < 0 && errno == EINTR);
  if (got < 0) {
    sallyport_error_errno(&opening->error, errno, "read of the ciphertext");
    return -1;
  }
  outline_feed(&opening->evidence.outline, into, (gsize)got);
  opening->ciphertext_size += (guint64)got;
  return got;
}

/* What is over a limit is not written: the plaintext file never grows past the cap. */
static gboolean is_over_a_limit(Opening *opening, gsize length) {
  guint64 size = opening->plaintext_size + length;
  opening->evidence.over_size = size > opening->size_limit;
  opening->evidence.over_ratio = size > RATIO_FREE && size / opening->ratio_limit > opening->ciphertext_size;
  return opening->evidence.over_size || opening->evidence.over_ratio;
}

static gboolean take_plaintext(gpointer user, const void *bytes, gsize length) {
  Opening *opening = user;
  gsize done = 0;
  if (opening->error || is_over_a_limit(opening, length))
    return FALSE;
  while (done < length) {
    ssize_t put = pwrite(opening->plaintext, (const char *)bytes + done, length - done,
                         (off_t)(opening->plaintext_size + done));
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return sallyport_error_errno(&opening->error, errno, "write of the plaintext");
    done += (gsize)put;
  }
  digest_update(opening->digest, bytes, length);
  opening->plaintext_size += length;
  return TRUE;
}

/* gpg may end without reading on; the outline needs the rest. */
static gboolean outline_the_rest(Opening *opening) {
  g_autofree guint8 *bytes = g_malloc(FIRST_LOOK);
  gssize got;
  while ((got = read_ciphertext(opening, bytes, FIRST_LOOK)) > 0)
    ;
  outline_end(&opening->evidence.outline);
  return got == 0;
}

static void see_status(gpointer user, const char *keyword, const char *arguments) {
  evidence_status(&((Opening *)user)->evidence, keyword, arguments);
}

/* GPGME's own reading of the same status lines has to agree with ours. Its summary's VALID and GREEN bits are about the
 * web of trust, which has no say here; its other bits are flags of something wrong. */
static void see_results(Opening *opening, gpgme_ctx_t context) {
  Evidence *evidence = &opening->evidence;
  gpgme_decrypt_result_t decrypted = gpgme_op_decrypt_result(context);
  gpgme_verify_result_t verified = gpgme_op_verify_result(context);
  gpgme_signature_t first = verified ? verified->signatures : NULL;
  for (gpgme_signature_t signature = first; signature; signature = signature->next)
    evidence->gpgme_signatures++;
  unsigned int flags = first ? (unsigned int)first->summary & ~(unsigned int)(GPGME_SIGSUM_VALID | GPGME_SIGSUM_GREEN)
                             : 0;
  evidence->gpgme_clean = first && gpg_err_code(first->status) == GPG_ERR_NO_ERROR && flags == 0 &&
                          !first->wrong_key_usage && first->fpr &&
                          g_ascii_strcasecmp(first->fpr, evidence->issuer) == 0;
  evidence->unprotected |= decrypted && decrypted->legacy_cipher_nomdc;
  evidence->pinned = fingerprint_is_among(evidence->signer, opening->options->signed_by);
}

static gboolean check_options(const OpenpgpOpenOptions *options, GError **error) {
  if (!options->signed_by || !options->signed_by[0])
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "no signer is pinned: nothing could be trusted");
  for (gsize i = 0; options->signed_by[i]; i++)
    if (!fingerprint_is_full(options->signed_by[i]))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "signed-by \"%s\" is no full fingerprint (40 or 64 hexadecimal digits)",
                                 options->signed_by[i]);
  return TRUE;
}

/* The verdict that the outline of the first part gives. A file shorter than that part is outlined to its end. */
static gboolean first_look(int ciphertext, gboolean *hopeless, OpenpgpReason *reason, GError **error) {
  g_autofree guint8 *bytes = g_malloc(FIRST_LOOK);
  gsize length = 0;
  Outline outline;
  outline_init(&outline);
  while (length < FIRST_LOOK) {
    ssize_t got = pread(ciphertext, bytes + length, FIRST_LOOK - length, (off_t)length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return sallyport_error_errno(error, errno, "read of the ciphertext");
    if (got == 0)
      break;
    length += (gsize)got;
  }
  outline_feed(&outline, bytes, length);
  if (length < FIRST_LOOK)
    outline_end(&outline);
  *hopeless = evidence_is_hopeless(&outline, reason);
  return TRUE;
}

/* What went wrong on our own side, and is no word about the message. */
static gboolean check_our_side(Opening *opening, gpgme_error_t outcome, GError **error) {
  const Evidence *evidence = &opening->evidence;
  const char *home = opening->options->home;
  SallyportErrorCode code = SALLYPORT_ERROR_CONFIGURATION;
  if (opening->error) {
    g_propagate_error(error, g_steal_pointer(&opening->error));
    return FALSE;
  }
  if (evidence_is_settled(evidence))
    return TRUE;
  if (evidence->our_fault) {
    (void)gpg_error_is_ours(evidence->our_fault, &code);
    return sallyport_error_set(error, code, "the decryption key of %s cannot be used: %s", home,
                               gpgme_strerror(evidence->our_fault));
  }
  if (evidence_is_cut_short(evidence)) {
    gboolean ours = gpg_error_is_ours(outcome, &code);
    return sallyport_error_set(error, ours ? code : SALLYPORT_ERROR_AGAIN, "gpg for %s ended without a result: %s",
                               home, outcome ? gpgme_strerror(outcome) : "it was killed or could not start");
  }
  return TRUE;
}

static gboolean is_our_key(const GPtrArray *keys, const char *key_id, gpgme_pubkey_algo_t algorithm, gboolean *any) {
  for (guint i = 0; i < keys->len; i++) {
    gpgme_key_t key = keys->pdata[i];
    for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
      *any |= subkey->secret;
      if (subkey->secret && subkey->pubkey_algo == algorithm && g_ascii_strcasecmp(subkey->keyid, key_id) == 0)
        return TRUE;
    }
  }
  return FALSE;
}

/* gpg says "no secret key" also when its agent cannot be reached or the home is empty. A partner must not get a good
 * file back for that, so the recipients are looked for among our secret keys before it becomes a verdict. */
static gboolean check_missing_key(Opening *opening, gpgme_ctx_t context, GError **error) {
  const char *home = opening->options->home;
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)gpgme_key_unref);
  GpgRunOptions listing = {.home = home, .deadline = 60, .keys = keys};
  g_autoptr(GpgRun) run = gpg_run_new(&listing, error);
  gpgme_error_t outcome;
  gboolean any = FALSE;
  if (!run)
    return FALSE;
  gpgme_set_keylist_mode(gpg_run_context(run), GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_SECRET);
  if (!gpg_run_wait(run, gpgme_op_keylist_start(gpg_run_context(run), NULL, 0), &outcome, error))
    return FALSE;
  gpgme_decrypt_result_t decrypted = gpgme_op_decrypt_result(context);
  for (gpgme_recipient_t to = decrypted ? decrypted->recipients : NULL; to; to = to->next)
    if (is_our_key(keys, to->keyid, to->pubkey_algo, &any))
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the key %s is in %s, but gpg could not use it",
                                 to->keyid, home);
  (void)is_our_key(keys, "", GPGME_PK_RSA, &any);
  if (!any)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s holds no secret key, or its gpg-agent cannot be reached", home);
  return TRUE;
}

/* For people. Reasons speak for themselves; this adds who and what gpg's own error was. */
static void explain(Opening *opening, gpgme_error_t outcome, OpenpgpOpened *opened) {
  const Evidence *evidence = &opening->evidence;
  g_autoptr(GString) text = g_string_new(openpgp_reason_word(opened->reason));
  if (evidence->issuer[0])
    g_string_append_printf(text, ", signed by %s", evidence->issuer);
  if (evidence->over_size)
    g_string_append_printf(text, ", more than %" G_GUINT64_FORMAT " bytes", opening->size_limit);
  if (evidence->over_ratio)
    g_string_append_printf(text, ", expands more than %" G_GUINT64_FORMAT " times", opening->ratio_limit);
  if (evidence->outline.beside)
    g_string_append(text, ", bytes beside the message");
  if (evidence->outline.body == OUTLINE_AEAD_RFC9580)
    g_string_append(text, ", encrypted in a format (RFC 9580) that gpg does not read");
  if (evidence->asked_passphrase || (evidence->outline.passphrase_sessions && !evidence->outline.public_key_sessions))
    g_string_append(text, ", encrypted with a passphrase");
  if (outcome && opened->verdict != OPENPGP_TRUSTED && !evidence->over_size && !evidence->over_ratio)
    g_string_append_printf(text, ", gpg: %s", gpgme_strerror(outcome));
  if (evidence->gpg_failure && gpg_err_code(evidence->gpg_failure) != GPG_ERR_GENERAL)
    g_string_append_printf(text, ", %s", gpgme_strerror(evidence->gpg_failure));
  g_autofree char *shown = files_show_bytes(text->str, text->len, sizeof opened->message - 8);
  g_strlcpy(opened->message, shown, sizeof opened->message);
  while (!g_utf8_validate(opened->message, -1, NULL)) /* cut inside a character */
    opened->message[strlen(opened->message) - 1] = '\0';
}

static void conclude(Opening *opening, gpgme_error_t outcome, OpenpgpOpened *opened) {
  guint8 digest[DIGEST_SHA256_SIZE];
  opened->verdict = evidence_judge(&opening->evidence, &opened->reason);
  opened->plaintext_size = opening->plaintext_size;
  g_strlcpy(opened->signer, opening->evidence.signer, sizeof opened->signer);
  opened->signed_at = opening->evidence.signed_at;
  digest_finish(g_steal_pointer(&opening->digest), digest);
  if (opened->verdict == OPENPGP_TRUSTED)
    memcpy(opened->sha256, digest, sizeof digest);
  explain(opening, outcome, opened);
}

static gboolean open_with_gpg(Opening *opening, OpenpgpOpened *opened, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  GpgRun *run = opening->run;
  gpgme_error_t started = gpgme_op_decrypt_verify_start(gpg_run_context(run), gpg_run_input(run), gpg_run_output(run));
  gboolean ran = gpg_run_wait(run, started, &outcome, &failure);
  if (!ran && !opening->error) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  gboolean stopped = opening->error || opening->evidence.over_size || opening->evidence.over_ratio;
  if (!stopped)
    (void)outline_the_rest(opening); /* a failure is in opening->error */
  opening->evidence.gpgme_error = gpg_err_code(outcome);
  if (evidence_is_cut_short(&opening->evidence)) {
    g_autofree char *log = gpg_run_diagnostics(opening->run);
    evidence_log(&opening->evidence, log);
  }
  if (!check_our_side(opening, outcome, error))
    return FALSE;
  see_results(opening, gpg_run_context(opening->run));
  conclude(opening, outcome, opened);
  return opened->reason != OPENPGP_REASON_NO_SECRET_KEY ||
         check_missing_key(opening, gpg_run_context(opening->run), error);
}

gboolean openpgp_open(const OpenpgpOpenOptions *options, int ciphertext, int plaintext, OpenpgpOpened *opened,
                      GError **error) {
  gboolean hopeless = FALSE;
  memset(opened, 0, sizeof *opened);
  if (!check_options(options, error) || !first_look(ciphertext, &hopeless, &opened->reason, error))
    return FALSE;
  if (hopeless) {
    g_strlcpy(opened->message, openpgp_reason_word(opened->reason), sizeof opened->message);
    return TRUE;
  }
  Opening opening = {
      .options = options,
      .ciphertext = ciphertext,
      .plaintext = plaintext,
      .size_limit = options->size_limit ? options->size_limit : DEFAULT_SIZE_LIMIT,
      .ratio_limit = options->ratio_limit ? options->ratio_limit : DEFAULT_RATIO_LIMIT,
  };
  GpgRunOptions run = {.home = options->home,
                       .passphrase_file = options->passphrase_file,
                       .deadline = options->deadline,
                       .source = read_ciphertext,
                       .sink = take_plaintext,
                       .status = see_status,
                       .user = &opening};
  opening.run = gpg_run_new(&run, error);
  if (!opening.run)
    return FALSE;
  opening.evidence.now = g_get_real_time() / G_USEC_PER_SEC;
  outline_init(&opening.evidence.outline);
  opening.digest = digest_new_sha256();
  gboolean reached = open_with_gpg(&opening, opened, error);
  digest_free(opening.digest);
  g_clear_error(&opening.error);
  gpg_run_free(opening.run);
  if (!reached) /* nothing that looks like a verdict stays behind an error */
    memset(opened, 0, sizeof *opened);
  return reached;
}
