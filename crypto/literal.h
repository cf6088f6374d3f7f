/* Counts the line ends in the literal data of a signed message that gpg has only decrypted (GPGME_DECRYPT_UNWRAP): what
 * gpg --decrypt takes out of text is seen here. Reads packets, and what is compressed with ZIP or ZLIB, in pieces of
 * any size; it judges nothing. Private to crypto/. */
#pragma once
#include <glib.h>

typedef struct Literal Literal;
Literal *literal_new(void);
void literal_free(Literal *literal);
/* FALSE: it is not what this can read (bzip2, something damaged). */
gboolean literal_feed(Literal *literal, const guint8 *bytes, gsize length) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  guint64 pairs;        /* CR LF */
  guint64 lone_returns; /* CR with no LF behind it */
  guint64 bare_feeds;   /* LF with no CR before it */
} LiteralCounts;
/* After the last piece. FALSE: there was not exactly one literal packet. */
gboolean literal_counts(Literal *literal, LiteralCounts *counts) G_GNUC_WARN_UNUSED_RESULT;
