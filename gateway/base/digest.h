/* Digests over OpenSSL's EVP, streamed: SHA-256 is ours; the others are what partners ask for, beside it. */
#pragma once
#include "gateway/base/error.h"

#define DIGEST_SHA256_SIZE 32
#define DIGEST_MD5_SIZE 16
#define DIGEST_SIZE_MOST 64

typedef enum { DIGEST_SHA256, DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA512, DIGEST_KINDS } DigestKind;
gsize digest_size(DigestKind kind);       /* bytes */
const char *digest_word(DigestKind kind); /* "sha256" … */

typedef struct Digest Digest;
Digest *digest_new(DigestKind kind);
Digest *digest_new_sha256(void);
void digest_update(Digest *digest, const void *bytes, gsize length);
void digest_finish(Digest *digest, guint8 *out); /* digest_size() of its kind; frees the digest */
void digest_free(Digest *digest);

/* Takes in the file's bytes from *done up to `end`, which it must have, and moves *done there: for a file that grows.
 */
gboolean digest_update_from_file(Digest *digest, int fd, guint64 *done, guint64 end,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SHA-256 of `length` bytes from `offset` of the file, or up to its end when length is G_MAXUINT64; the offset of the
 * descriptor itself does not move. *size, when given, is the number of bytes read. */
gboolean digest_file_sha256(int fd, guint64 offset, guint64 length, guint8 out[DIGEST_SHA256_SIZE], guint64 *size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Both of the whole file, in one pass. */
gboolean digest_file_both(int fd, guint8 sha256[DIGEST_SHA256_SIZE], guint8 md5[DIGEST_MD5_SIZE],
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Two lower-case hexadecimal digits a byte; the caller frees. */
char *digest_hex(const guint8 *bytes, gsize length) G_GNUC_WARN_UNUSED_RESULT;

/* The same without an end: what it has taken in so far; it is empty again afterwards. For very many short texts. */
void digest_take(Digest *digest, guint8 *out);

void digest_sha256(const void *bytes, gsize length, guint8 out[DIGEST_SHA256_SIZE]);
