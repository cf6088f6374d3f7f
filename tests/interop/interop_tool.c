/* What crypto/ does, for the matrix of implementations: prints the verdict's word and what people are told.
 *   interop_tool open HOME SIGNER IN OUT | verify HOME SIGNER DATA SIGNATURE
 *   interop_tool seal HOME OURS THEIRS IN OUT | sign HOME OURS DATA SIGNATURE
 * Ends with 0 when it is trusted, or made. */
#include "crypto/openpgp.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gssize from_descriptor(gpointer user, void *into, gsize limit, GError **error) {
  ssize_t got = read(*(int *)user, into, limit);
  if (got < 0)
    sallyport_error_errno(error, errno, "read");
  return got;
}

static int tell(gboolean ok, const OpenpgpOpened *opened, const GError *error) {
  if (!ok) {
    printf("no verdict: %s\n", error->message);
    return 2;
  }
  printf("%s\n", opened->message);
  return opened->verdict != OPENPGP_TRUSTED;
}

static int take(char **arguments) {
  const char *pins[] = {arguments[3], NULL};
  OpenpgpOpenOptions options = {.home = arguments[2], .signed_by = pins, .deadline = 60};
  OpenpgpOpened opened;
  g_autoptr(GError) error = NULL;
  gboolean is_open = g_str_equal(arguments[1], "open");
  int one = open(arguments[4], O_RDONLY | O_CLOEXEC);
  int other = open(arguments[5], is_open ? O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
  gboolean ok = is_open ? openpgp_open(&options, one, other, &opened, &error)
                        : openpgp_verify_detached(&options, one, other, &opened, &error);
  return tell(ok, &opened, error);
}

static int make(int count, char **arguments) {
  gboolean is_seal = g_str_equal(arguments[1], "seal");
  const char *to[] = {is_seal ? arguments[4] : NULL, NULL};
  OpenpgpSealOptions options = {.home = arguments[2],
                                .encrypt_to = to,
                                .sign_with = arguments[3],
                                .compression = OPENPGP_COMPRESS_ZLIB,
                                .deadline = 60};
  OpenpgpSealed sealed;
  g_autoptr(GError) error = NULL;
  int in = open(arguments[count - 2], O_RDONLY | O_CLOEXEC);
  int out = open(arguments[count - 1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gboolean ok = is_seal ? openpgp_seal(&options, from_descriptor, &in, out, &sealed, &error)
                        : openpgp_sign_detached(&options, from_descriptor, &in, out, &sealed, &error);
  printf("%s\n", ok ? "made" : error->message);
  return !ok;
}

int main(int count, char **arguments) {
  g_autoptr(GError) error = NULL;
  if (count < 6 || !openpgp_start(&error)) {
    fprintf(stderr, "interop_tool: %s\n", error ? error->message : "wrong arguments");
    return 2;
  }
  gboolean takes = g_str_equal(arguments[1], "open") || g_str_equal(arguments[1], "verify");
  return takes ? take(arguments) : make(count, arguments);
}
