/* The OpenPGP home: gpg's settings that cannot be given per call. Private to crypto/; openpgp_prepare_home() is public.
 */
#pragma once
#include "gateway/base/error.h"

/* As openpgp_prepare_home() for a home that exists, without a word: what the settings are for is checked on each
 * result. */
void home_prepare_quietly(const char *home);
