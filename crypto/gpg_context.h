/* GPGME contexts: how one is made for a home, and those kept for the next run. Private to crypto/. */
#pragma once
#include <glib.h>
#include <gpgme.h>

gpgme_error_t gpg_context_make(const char *home, gpgme_ctx_t *made);
gpgme_error_t gpg_context_make_spawn(gpgme_ctx_t *made); /* for gpgme_op_spawn() */

/* An idle context under this key (home and signer), the caller's now; NULL: none. */
gpgme_ctx_t gpg_context_take(const char *key);

/* Takes a context whose operation ended well, and the key. */
void gpg_context_give(gpgme_ctx_t context, char *key);
