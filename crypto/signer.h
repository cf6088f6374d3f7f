/* The key that signs for us: what sealing and detached signing share. Private to crypto/. */
#pragma once
#include "crypto/gpg.h"

/* CONFIGURATION unless it is a full fingerprint. */
gboolean signer_check(const char *sign_with, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the key to a new context; one out of the pool knows it already. */
gboolean signer_add(const char *home, const char *sign_with, guint deadline, gpgme_ctx_t context,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the fingerprint that gpg says it signed with is the context's signer or one of its subkeys. */
gboolean signer_is_ours(gpgme_ctx_t context, const char *signed_by);
/* Why gpg calls a key unusable: doc/DETAILS, INV_RECP and INV_SGNR. */
const char *signer_why_unusable(int number);
