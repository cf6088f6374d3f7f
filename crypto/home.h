/* The OpenPGP home: gpg's settings that cannot be given per call. Private to crypto/; openpgp_prepare_home() is public.
 */
#pragma once
#include "gateway/base/error.h"
#include <gpgme.h>

/* As openpgp_prepare_home() for a home that exists, without a word: what the settings are for is checked on each
 * result. */
void home_prepare_quietly(const char *home);

/* TRUE if a private key for one of the key's parts lies in the home, though gpg tells of no secret part: then gpg-agent
 * did not answer (no disk, no memory, just killed). */
gboolean home_keeps_secret_of(const char *home, gpgme_key_t key);

/* This gpg names AEAD algorithms and checks their tags to the end: GnuPG 2.3 and later. */
gboolean home_gpg_vouches_for_aead(void);
