/* The private key of an SSH login: what can be told of it before a server refuses it. Only its beginning is looked at:
 * OpenSSH's own form has the cipher's name behind its magic (PROTOCOL.key), PEM says in a header that it is encrypted
 * (RFC 1421), PKCS #8 in its first line. Whether it opens, with its passphrase, is then tried. */
#include "gateway/base/files.h"
#include "gateway/check/check_private.h"
#include "gateway/common/paths.h"
#include "transfer/courier_endpoint.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOOKED_AT = 2048, OPENSSH_HEAD = 15 + 4 + 4 /* magic, length, "none" */ };

static gboolean is_openssh_locked(const char *body) {
  gint state = 0;
  guint bits = 0;
  guchar head[OPENSSH_HEAD + 3]; /* in whole groups of three */
  body += strspn(body, "\r\n");
  gsize got = g_base64_decode_step(body, MIN(strlen(body), sizeof head / 3 * 4), head, &state, &bits);
  static const char unlocked[] = "openssh-key-v1\0\0\0\0\4none";
  return got < OPENSSH_HEAD || memcmp(head, unlocked, OPENSSH_HEAD) != 0;
}

IdentityKind identity_kind(const char *text) {
  static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
  static const char *const public[] = {"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN SSH2 PUBLIC KEY"};
  for (gsize i = 0; i < G_N_ELEMENTS(public); i++)
    if (g_str_has_prefix(text, public[i]))
      return IDENTITY_PUBLIC;
  if (g_str_has_prefix(text, "PuTTY-User-Key-File-"))
    return IDENTITY_PUTTY;
  const char *own = strstr(text, openssh);
  if (own)
    return is_openssh_locked(own + strlen(openssh)) ? IDENTITY_LOCKED : IDENTITY_OPEN;
  if (strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || strstr(text, "Proc-Type: 4,ENCRYPTED"))
    return IDENTITY_LOCKED;
  return strstr(text, "PRIVATE KEY-----") ? IDENTITY_OPEN : IDENTITY_UNKNOWN;
}

/* FALSE: it could not be read, which is told already. */
static gboolean read_kind(const char *path, IdentityKind *kind) {
  char text[LOOKED_AT + 1];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, LOOKED_AT);
  if (fd >= 0)
    close(fd);
  if (got < 0)
    return FALSE;
  text[got] = '\0';
  *kind = identity_kind(text);
  explicit_bzero(text, sizeof text);
  return TRUE;
}

/* A passphrase file that cannot be read is told already. */
static void check_opens(const ConfEndpoint *endpoint, ConfReport *report) {
  const char *passphrase = secret_path(endpoint->passphrase_file);
  g_autoptr(GError) error = NULL;
  if ((passphrase && access(passphrase, R_OK) != 0) ||
      courier_identity_opens(secret_path(endpoint->identity_file), passphrase, &error) ||
      sallyport_error_code(error) != SALLYPORT_ERROR_CONFIGURATION)
    return;
  g_autofree char *with = passphrase ? g_strdup_printf("with the passphrase in \"%s\"", endpoint->passphrase_file)
                                     : g_strdup("as a private key");
  (endpoint->password_file ? conf_report_warning : conf_report_error)(
      report, endpoint->where, "identity-file \"%s\" cannot be opened %s (%s): `ssh-keygen -y -f` tries it",
      endpoint->identity_file, with, error->message);
}

void check_identity(const ConfEndpoint *endpoint, ConfReport *report) {
  static const char *const what[] = {
      [IDENTITY_UNKNOWN] = "is in no form that is known here (OpenSSH's, PEM): `ssh-keygen -y -f` tries it",
      [IDENTITY_PUBLIC] = "is the public half of the key, which the partner gets: name the private one",
      [IDENTITY_PUTTY] = "is in PuTTY's own form: puttygen -O private-openssh writes it as OpenSSH's",
      [IDENTITY_LOCKED] = "has a passphrase: name the file that holds it with passphrase-file"};
  const char *path = endpoint->identity_file;
  IdentityKind kind;
  if (!path || !read_kind(secret_path(path), &kind))
    return;
  if (kind == IDENTITY_OPEN || (kind == IDENTITY_LOCKED && endpoint->passphrase_file)) {
    check_opens(endpoint, report);
    return;
  }
  /* with a password beside it, the login may succeed all the same */
  if (kind == IDENTITY_UNKNOWN || endpoint->password_file)
    conf_report_warning(report, endpoint->where, "identity-file \"%s\" %s", path, what[kind]);
  else
    conf_report_error(report, endpoint->where, "identity-file \"%s\" %s", path, what[kind]);
}
