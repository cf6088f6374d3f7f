/* Seals: signs with our key and encrypts to exactly the configured fingerprints. What gpg reports and what it wrote are
 * both looked at afterwards, since its choices depend on settings and on the partners' keys: one session key per
 * recipient, AES-256, integrity by MDC (no OCB, which old partners cannot read), signed by the key that was asked for.
 */
#include "gateway/base/digest.h"
#include "crypto/gpg.h"
#include "crypto/openpgp.h"
#include "crypto/outline.h"
#include "crypto/signer.h"
#include "crypto/verdict.h"
#include "gateway/base/files.h"
#include <stdlib.h>
#include <string.h>

#define CIPHER_AES256 9

typedef struct {
  const OpenpgpSealOptions *options;
  GpgRun *run;
  OpenpgpSource source;
  gpointer source_user;
  int sealed_fd;
  guint64 size;
  Digest *digest;
  Outline outline;
  GError *error; /* of the source, or of our writing */
  guint recipients;
  guint signatures, encryptions;
  int cipher;
  char signed_by[65]; /* the key, perhaps a subkey, that signed */
  char problem[128];  /* gpg's own word on a key that cannot be used */
} Sealing;

/* A source that fails gets gpg killed; a mere end of its input would make it seal what it has. */
static gssize read_source(gpointer user, void *into, gsize limit) {
  Sealing *sealing = user;
  gssize got = sealing->source(sealing->source_user, into, limit, &sealing->error);
  if (got < 0 && !sealing->error)
    sallyport_error_set(&sealing->error, SALLYPORT_ERROR_BUG, "the source of the plaintext failed without a reason");
  return got;
}

static gboolean write_sealed(gpointer user, const void *bytes, gsize length) {
  Sealing *sealing = user;
  if (sealing->error || !files_write_all(sealing->sealed_fd, bytes, length, &sealing->error))
    return FALSE;
  digest_update(sealing->digest, bytes, length);
  outline_feed(&sealing->outline, bytes, length);
  sealing->size += length;
  return TRUE;
}

static void see_status(gpointer user, const char *keyword, const char *arguments) {
  Sealing *sealing = user;
  g_auto(GStrv) words = g_strsplit(arguments, " ", 16);
  guint count = g_strv_length(words);
  if (g_str_equal(keyword, "BEGIN_ENCRYPTION") && count >= 2) {
    sealing->encryptions++;
    sealing->cipher = atoi(words[1]);
  } else if (g_str_equal(keyword, "SIG_CREATED") && count >= 6) {
    sealing->signatures++;
    g_strlcpy(sealing->signed_by, words[5], sizeof sealing->signed_by);
  } else if (g_str_equal(keyword, "INV_RECP") && count >= 2) {
    g_snprintf(sealing->problem, sizeof sealing->problem, "recipient %s: %s", words[1],
               signer_why_unusable(atoi(words[0])));
  } else if (g_str_equal(keyword, "INV_SGNR") && count >= 2) {
    g_snprintf(sealing->problem, sizeof sealing->problem, "signer %s: %s", words[1],
               signer_why_unusable(atoi(words[0])));
  }
}

/* gpgme_op_encrypt_sign_ext wants them in lines; "--" keeps it from looking for options among them. */
static char *recipient_lines(const OpenpgpSealOptions *options, guint *count, GError **error) {
  g_autoptr(GString) lines = g_string_new("--\n");
  for (*count = 0; options->encrypt_to && options->encrypt_to[*count]; (*count)++) {
    const char *fingerprint = options->encrypt_to[*count];
    if (!fingerprint_is_full(fingerprint)) {
      sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                          "encrypt-to \"%s\" is no full fingerprint (40 or 64 hexadecimal digits)", fingerprint);
      return NULL;
    }
    g_string_append_printf(lines, "%s\n", fingerprint);
  }
  if (*count == 0) { /* gpg would fall back to a passphrase */
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "encrypt-to names no key");
    return NULL;
  }
  return g_strdup(lines->str);
}

/* gpg said that all is well: is it what was asked for? */
static gboolean check_sealed(Sealing *sealing, GError **error) {
  const char *home = sealing->options->home;
  outline_end(&sealing->outline);
  const Outline *outline = &sealing->outline;
  if (sealing->signatures != 1 || sealing->encryptions != 1 || !outline->complete || outline->malformed ||
      outline->beside)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "gpg for %s ended without a whole message", home);
  if (!signer_is_ours(gpg_run_context(sealing->run), sealing->signed_by))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "gpg signed with %s, which is not known as a part of %s",
                               sealing->signed_by, sealing->options->sign_with);
  if (outline->body != OUTLINE_MDC || sealing->cipher != CIPHER_AES256)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "gpg did not use AES-256 with MDC: set \"cipher-algo AES256\" and no OCB in %s/gpg.conf",
                               home);
  if (outline->public_key_sessions != sealing->recipients || outline->passphrase_sessions != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "gpg encrypted to %u keys instead of %u: look for encrypt-to in %s/gpg.conf",
                               outline->public_key_sessions, sealing->recipients, home);
  return TRUE;
}

static gboolean gpg_refused(const Sealing *sealing, gpgme_error_t outcome, GError **error) {
  SallyportErrorCode code;
  if (sealing->problem[0]) {
    g_autofree char *shown = files_show_bytes(sealing->problem, strlen(sealing->problem), 0);
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cannot seal with %s: %s", sealing->options->home,
                               shown);
  }
  if (!gpg_error_is_ours(outcome, &code))
    code = gpg_err_code(outcome) == GPG_ERR_GENERAL ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION;
  return sallyport_error_set(error, code, "cannot seal with %s and the key %s: %s", sealing->options->home,
                             sealing->options->sign_with, gpgme_strerror(outcome));
}

static gboolean run_gpg(Sealing *sealing, const char *recipients, gpgme_error_t *outcome, GError **error) {
  gpgme_encrypt_flags_t flags = GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO;
  if (sealing->options->compression == OPENPGP_COMPRESS_NONE)
    flags |= GPGME_ENCRYPT_NO_COMPRESS;
  GpgRun *run = sealing->run;
  gpgme_error_t started = gpgme_op_encrypt_sign_ext_start(gpg_run_context(run), NULL, recipients, flags,
                                                          gpg_run_input(run), gpg_run_output(run));
  return gpg_run_wait(run, started, outcome, error);
}

static gboolean seal_with_gpg(Sealing *sealing, const char *recipients, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  const OpenpgpSealOptions *options = sealing->options;
  if (!signer_add(options->home, options->sign_with, options->deadline, gpg_run_context(sealing->run), error))
    return FALSE;
  gboolean ran = run_gpg(sealing, recipients, &outcome, &failure);
  if (sealing->error) {
    g_propagate_error(error, g_steal_pointer(&sealing->error));
    return FALSE;
  }
  if (!ran) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  return outcome ? gpg_refused(sealing, outcome, error) : check_sealed(sealing, error);
}

gboolean openpgp_seal(const OpenpgpSealOptions *options, OpenpgpSource source, gpointer user, int sealed_fd,
                      OpenpgpSealed *sealed, GError **error) {
  Sealing sealing = {.options = options, .source = source, .source_user = user, .sealed_fd = sealed_fd};
  memset(sealed, 0, sizeof *sealed);
  if (!signer_check(options->sign_with, error))
    return FALSE;
  g_autofree char *recipients = recipient_lines(options, &sealing.recipients, error);
  if (!recipients)
    return FALSE;
  GpgRunOptions run = {.home = options->home,
                       .signer = options->sign_with,
                       .passphrase_file = options->passphrase_file,
                       .deadline = options->deadline,
                       .source = read_source,
                       .sink = write_sealed,
                       .status = see_status,
                       .user = &sealing};
  sealing.run = gpg_run_new(&run, error);
  if (!sealing.run)
    return FALSE;
  outline_init(&sealing.outline);
  sealing.digest = digest_new_sha256();
  gboolean ok = seal_with_gpg(&sealing, recipients, error);
  digest_finish(g_steal_pointer(&sealing.digest), sealed->sha256);
  sealed->size = sealing.size;
  gpg_run_free(sealing.run);
  g_clear_error(&sealing.error);
  if (!ok)
    memset(sealed, 0, sizeof *sealed);
  return ok;
}
