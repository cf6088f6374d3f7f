#include "gateway/base/digest.h"
#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

/* Large enough that the system calls do not count, small enough to stay in the second-level cache. */
#define PIECE (256 * 1024)

struct Digest {
  EVP_MD_CTX *state;
};

/* OpenSSL fails here only when it has no memory or no SHA-256 at all; neither can be carried on from. */
static void must(int ok, const char *what) {
  if (ok != 1)
    g_error("OpenSSL: %s failed", what);
}

static const struct {
  const char *word;
  gsize size;
  const EVP_MD *(*method)(void);
} kinds[DIGEST_KINDS] = {[DIGEST_SHA256] = {"sha256", 32, EVP_sha256},
                         [DIGEST_MD5] = {"md5", 16, EVP_md5},
                         [DIGEST_SHA1] = {"sha1", 20, EVP_sha1},
                         [DIGEST_SHA512] = {"sha512", 64, EVP_sha512}};

gsize digest_size(DigestKind kind) {
  return kinds[kind].size;
}
const char *digest_word(DigestKind kind) {
  return kinds[kind].word;
}

Digest *digest_new(DigestKind kind) {
  Digest *digest = g_new(Digest, 1);
  digest->state = EVP_MD_CTX_new();
  must(digest->state != NULL, "EVP_MD_CTX_new");
  must(EVP_DigestInit_ex(digest->state, kinds[kind].method(), NULL), "EVP_DigestInit_ex");
  return digest;
}

Digest *digest_new_sha256(void) {
  return digest_new(DIGEST_SHA256);
}

void digest_update(Digest *digest, const void *bytes, gsize length) {
  must(EVP_DigestUpdate(digest->state, bytes, length), "EVP_DigestUpdate");
}

static void end(Digest *digest, guint8 *out) {
  unsigned int length = 0;
  must(EVP_DigestFinal_ex(digest->state, out, &length), "EVP_DigestFinal_ex");
}

void digest_finish(Digest *digest, guint8 *out) {
  end(digest, out);
  digest_free(digest);
}

void digest_take(Digest *digest, guint8 *out) {
  end(digest, out);
  must(EVP_DigestInit_ex(digest->state, NULL, NULL), "EVP_DigestInit_ex"); /* of the kind that it has */
}

void digest_free(Digest *digest) {
  if (!digest)
    return;
  EVP_MD_CTX_free(digest->state);
  g_free(digest);
}

/* From *done to `end` or the file's end, whichever comes first. */
static gboolean take_range(Digest *digest, int fd, guint64 *done, guint64 end, GError **error) {
  g_autofree guint8 *piece = g_malloc(PIECE);
  while (*done < end) {
    ssize_t got = pread(fd, piece, (gsize)MIN((guint64)PIECE, end - *done), (off_t)*done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return sallyport_error_errno(error, errno, "read for the digest");
    if (got == 0)
      break;
    digest_update(digest, piece, (gsize)got);
    *done += (guint64)got;
  }
  return TRUE;
}

gboolean digest_update_from_file(Digest *digest, int fd, guint64 *done, guint64 end, GError **error) {
  if (!take_range(digest, fd, done, end, error))
    return FALSE;
  if (*done < end)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "the file ends at %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " bytes were announced",
                               *done, end);
  return TRUE;
}

gboolean digest_file_sha256(int fd, guint64 offset, guint64 length, guint8 out[DIGEST_SHA256_SIZE], guint64 *size,
                            GError **error) {
  Digest *digest = digest_new_sha256();
  guint64 done = offset, end = length > G_MAXUINT64 - offset ? G_MAXUINT64 : offset + length;
  if (!take_range(digest, fd, &done, end, error)) {
    digest_free(digest);
    return FALSE;
  }
  digest_finish(digest, out);
  if (size)
    *size = done - offset;
  return TRUE;
}

gboolean digest_file_both(int fd, guint8 sha256[DIGEST_SHA256_SIZE], guint8 md5[DIGEST_MD5_SIZE], GError **error) {
  Digest *ours = digest_new(DIGEST_SHA256), *theirs = digest_new(DIGEST_MD5);
  g_autofree guint8 *piece = g_malloc(PIECE);
  ssize_t got;
  off_t at = 0;
  while ((got = pread(fd, piece, PIECE, at)) > 0 || (got < 0 && errno == EINTR)) {
    if (got < 0)
      continue;
    digest_update(ours, piece, (gsize)got);
    digest_update(theirs, piece, (gsize)got);
    at += got;
  }
  int number = errno;
  digest_finish(ours, sha256);
  digest_finish(theirs, md5);
  return got == 0 || sallyport_error_errno(error, number, "read for the digest");
}

char *digest_hex(const guint8 *bytes, gsize length) {
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc(2 * length + 1);
  for (gsize i = 0; i < length; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  text[2 * length] = '\0';
  return text;
}

void digest_sha256(const void *bytes, gsize length, guint8 out[DIGEST_SHA256_SIZE]) {
  Digest *digest = digest_new_sha256();
  digest_update(digest, bytes, length);
  digest_finish(digest, out);
}
