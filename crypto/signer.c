#include "crypto/signer.h"
#include "crypto/verdict.h"

gboolean signer_check(const char *sign_with, GError **error) {
  return fingerprint_is_full(sign_with) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the signing key \"%s\" is no full fingerprint (40 or 64 hexadecimal digits)",
                             sign_with ? sign_with : "");
}

gboolean signer_add(const char *home, const char *sign_with, guint deadline, gpgme_ctx_t context, GError **error) {
  if (gpgme_signers_count(context) == 1)
    return TRUE;
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)gpgme_key_unref);
  GpgRunOptions listing = {.home = home, .deadline = deadline, .keys = keys};
  g_autoptr(GpgRun) run = gpg_run_new(&listing, error);
  gpgme_error_t outcome;
  if (!run)
    return FALSE;
  gpgme_set_keylist_mode(gpg_run_context(run), GPGME_KEYLIST_MODE_LOCAL);
  if (!gpg_run_wait(run, gpgme_op_keylist_start(gpg_run_context(run), sign_with, 0), &outcome, error))
    return FALSE;
  if (outcome || keys->len != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "our signing key %s is not in %s", sign_with,
                               home);
  gpgme_error_t failed = gpgme_signers_add(context, keys->pdata[0]);
  if (failed)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "GPGME: %s", gpgme_strerror(failed));
  return TRUE;
}

gboolean signer_is_ours(gpgme_ctx_t context, const char *signed_by) {
  gpgme_key_t key = gpgme_signers_enum(context, 0);
  gboolean ours = FALSE;
  for (gpgme_subkey_t subkey = key ? key->subkeys : NULL; subkey; subkey = subkey->next)
    ours |= subkey->fpr && g_ascii_strcasecmp(subkey->fpr, signed_by) == 0;
  if (key)
    gpgme_key_unref(key);
  return ours;
}

const char *signer_why_unusable(int number) {
  static const char *const words[] = {"unusable",        "not found",        "ambiguous",   "wrong key usage",
                                      "revoked",         "expired",          "no CRL",      "CRL too old",
                                      "policy mismatch", "not a secret key", "not trusted", "missing certificate",
                                      "missing issuer",  "disabled",         "syntax error"};
  return number >= 0 && number < (int)G_N_ELEMENTS(words) ? words[number] : words[0];
}
