/* SHA-256 (and MD5 for manifests) over OpenSSL's EVP, streamed. */
#pragma once
#include "gateway/base/error.h"

#define DIGEST_SHA256_SIZE 32

typedef struct Digest Digest;
Digest *digest_new_sha256(void);
void digest_update(Digest *digest, const void *bytes, gsize length);
void digest_finish(Digest *digest, guint8 out[DIGEST_SHA256_SIZE]); /* frees the digest */
void digest_free(Digest *digest);

/* Takes in the file's bytes from *done up to `end`, which it must have, and moves *done there: for a file that grows. */
gboolean digest_update_from_file(Digest *digest, int fd, guint64 *done, guint64 end, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SHA-256 of `length` bytes from `offset` of the file, or up to its end when length is G_MAXUINT64; the offset of the
 * descriptor itself does not move. *size, when given, is the number of bytes read. */
gboolean digest_file_sha256(int fd, guint64 offset, guint64 length, guint8 out[DIGEST_SHA256_SIZE], guint64 *size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 64 lower-case hexadecimal digits; the caller frees. */
char *digest_hex(const guint8 *bytes, gsize length) G_GNUC_WARN_UNUSED_RESULT;

/* SHA-256 of a chain's link: of the previous tip and the record's text. For the audit chain. */
void digest_sha256(const void *bytes, gsize length, guint8 out[DIGEST_SHA256_SIZE]);
