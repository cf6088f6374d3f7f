#include "gateway/base/files.h"
#include "transfer/sftp/ssh_private.h"
#include <stdlib.h>
#include <string.h>

/* What the server lets us try: "publickey,password". NULL with *error, or without when it has let us in already. */
static char *offered_methods(SshLink *link, const char *user, gint64 deadline, GError **error) {
  char *list;
  while (!(list = libssh2_userauth_list(link->session, user, (unsigned)strlen(user)))) {
    if (libssh2_userauth_authenticated(link->session))
      return NULL;
    int failed = libssh2_session_last_errno(link->session);
    if (failed != LIBSSH2_ERROR_EAGAIN) {
      ssh_error(link, failed, "ask for the login methods", error);
      return NULL;
    }
    if (!ssh_wait(link, deadline, error))
      return NULL;
  }
  return g_strndup(list, 500);
}

static gboolean offers(const char *methods, const char *wanted) {
  g_auto(GStrv) each = g_strsplit(methods, ",", 32);
  return g_strv_contains((const char *const *)each, wanted);
}

/* Whether the private key is RSA, as far as its text shows: only to explain a refusal. */
static gboolean is_rsa(const char *identity) {
  if (strstr(identity, "BEGIN RSA PRIVATE KEY"))
    return TRUE;
  const char *body = strchr(identity, '\n');
  gsize length = 0;
  g_autofree guchar *bytes = body ? g_base64_decode(body, &length) : NULL;
  gboolean rsa = bytes && memmem(bytes, length, "ssh-rsa", strlen("ssh-rsa"));
  if (bytes)
    explicit_bzero(bytes, length);
  return rsa;
}

const char *ssh_host_key_hint(void) {
  return libssh2_version(0x010b00)
             ? ""
             : " (this libssh2, before 1.11, knows RSA host keys by SHA-1 only, which current servers do not "
               "show: pin the ed25519 or ECDSA key)";
}

/* What the installed library cannot do, where that may be the reason. */
static const char *rsa_hint(const char *identity) {
  if (libssh2_version(0x010b00) || !is_rsa(identity))
    return "";
  return "; this libssh2 (before 1.11) signs with RSA keys by SHA-1 only, which current servers refuse: use an ed25519 "
         "or ECDSA key";
}

static gboolean refused(int failed) {
  return failed == LIBSSH2_ERROR_AUTHENTICATION_FAILED || failed == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
}

static int try_key(SshLink *link, const SshCredentials *credentials, gint64 deadline, GError **error) {
  const char *user = credentials->user, *identity = credentials->identity;
  int failed;
  FINISH(link, failed,
         libssh2_userauth_publickey_frommemory(link->session, user, strlen(user), NULL, 0, identity, strlen(identity),
                                               credentials->passphrase),
         deadline, error);
  if (failed == LIBSSH2_ERROR_EAGAIN || failed == 0 || refused(failed))
    return failed;
  GError *why = NULL;
  ssh_error(link, failed, "login with the key (is it a private key that this libssh2 reads, and its passphrase right?)",
            &why);
  if (why->code == SALLYPORT_ERROR_PARTNER) /* libssh2 calls a key that it cannot parse a protocol error too */
    why->code = SALLYPORT_ERROR_CONFIGURATION;
  g_propagate_error(error, why);
  return failed;
}

/* The password answers the first hidden question of the login and no second one: one attempt. */
static void answer_prompts(const char *name, int name_length, const char *instruction, int instruction_length,
                           int count, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
                           LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract) {
  (void)name, (void)name_length, (void)instruction, (void)instruction_length;
  SshLink *link = *abstract;
  for (int i = 0; i < count; i++) {
    gboolean wanted = !prompts[i].echo && !link->password_given;
    responses[i].text = strdup(wanted ? link->password : ""); /* libssh2 frees it */
    responses[i].length = responses[i].text ? (unsigned)strlen(responses[i].text) : 0;
    link->password_given |= wanted;
  }
}

static int try_password(SshLink *link, const SshCredentials *credentials, gboolean interactive, gint64 deadline,
                        GError **error) {
  const char *user = credentials->user, *password = credentials->password;
  int failed;
  link->password = password;
  if (interactive) {
    FINISH(link, failed,
           libssh2_userauth_keyboard_interactive_ex(link->session, user, (unsigned)strlen(user), answer_prompts),
           deadline, error);
  } else {
    FINISH(link, failed,
           libssh2_userauth_password_ex(link->session, user, (unsigned)strlen(user), password,
                                        (unsigned)strlen(password), NULL),
           deadline, error);
  }
  link->password = NULL;
  if (failed != 0 && failed != LIBSSH2_ERROR_EAGAIN && !refused(failed))
    ssh_error(link, failed, "login with the password", error);
  return failed;
}

/* The server's way to say "accepted, and now the next": after the key it offers the password, which it did not before.
 */
static gboolean asks_for_password_next(const char *before, const char *now) {
  gboolean could = offers(before, "password") || offers(before, "keyboard-interactive");
  return !could && (offers(now, "password") || offers(now, "keyboard-interactive"));
}

static gboolean login_refused(const char *user, const char *tried, const char *methods, const char *hint,
                              GError **error) {
  g_autofree char *shown = files_show_bytes(methods, strlen(methods), 200);
  return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN, "the server refuses user %s by %s (it accepts: %s)%s", user,
                             tried, shown, hint);
}

static gboolean by_password(SshLink *link, const SshCredentials *credentials, const char *methods, gint64 deadline,
                            GError **error) {
  gboolean interactive = !offers(methods, "password");
  if (interactive && !offers(methods, "keyboard-interactive"))
    return login_refused(credentials->user, "password, which it does not offer", methods, "", error);
  int failed = try_password(link, credentials, interactive, deadline, error);
  if (refused(failed))
    return login_refused(credentials->user, interactive ? "keyboard-interactive" : "password", methods, "", error);
  link->login_by = failed != 0 ? NULL : interactive ? "keyboard-interactive" : "password";
  return failed == 0;
}

gboolean ssh_login(SshLink *link, const SshCredentials *credentials, gint64 deadline, GError **error) {
  const char *user = credentials->user;
  GError *asking = NULL;
  g_autofree char *methods = offered_methods(link, user, deadline, &asking);
  link->login_offered = g_strdup(methods);
  if (!methods) {
    gboolean in = !asking;
    link->login_by = in ? "none" : NULL;
    if (asking)
      g_propagate_error(error, asking);
    return in;
  }
  if (!credentials->identity || !offers(methods, "publickey")) {
    if (credentials->password)
      return by_password(link, credentials, methods, deadline, error);
    return login_refused(
        user, credentials->identity ? "key, which it does not offer" : "nothing: no credentials are configured",
        methods, "", error);
  }
  int failed = try_key(link, credentials, deadline, error);
  link->login_by = failed == 0 ? "publickey" : NULL;
  if (failed == 0 || !refused(failed))
    return failed == 0;
  if (!credentials->password)
    return login_refused(user, "key", methods, rsa_hint(credentials->identity), error);
  g_autofree char *next = offered_methods(link, user, deadline, &asking);
  if (asking) {
    g_propagate_error(error, asking);
    return FALSE;
  }
  if (!next || !asks_for_password_next(methods, next))
    return next ? login_refused(user, "key", next, rsa_hint(credentials->identity), error) : TRUE;
  return by_password(link, credentials, next, deadline, error);
}
