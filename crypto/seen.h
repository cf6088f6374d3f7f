/* Names, for people, what the first bytes of a file are that is no OpenPGP message, or none that gpg reads. Decides
 * nothing. Private to crypto/. */
#pragma once
#include <glib.h>

/* A phrase such as "UTF-16 text", or NULL when nothing is known. */
const char *seen_as(const guint8 *bytes, gsize length);

/* What a detached signature is, if it is none: a phrase, or NULL when it may be one. *is_over_text is set when it is a
 * signature of the text class. */
const char *seen_instead_of_signature(const guint8 *bytes, gsize length, gboolean *is_over_text);
