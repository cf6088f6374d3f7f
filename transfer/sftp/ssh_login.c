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

/* --- The order of methods is the server's: whatever it asks for next is given, each credential once. */

typedef struct {
  SshLink *link;
  const SshCredentials *credentials;
  gint64 deadline;
  gboolean key_given, password_given;
  GString *accepted; /* "publickey, password" */
} Login;

static gboolean login_refused(const Login *login, const char *tried, const char *methods, GError **error) {
  const SshCredentials *given = login->credentials;
  g_autofree char *shown = files_show_bytes(methods, strlen(methods), 200);
  return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN, "the server refuses user %s by %s%s%s (it accepts: %s)%s",
                             given->user, tried, login->accepted->len ? ", after it has accepted " : "",
                             login->accepted->str, shown,
                             given->identity && login->key_given ? rsa_hint(given->identity) : "");
}

/* Nothing that it offers is left to be tried. */
static gboolean nothing_left(const Login *login, const char *methods, GError **error) {
  const SshCredentials *given = login->credentials;
  g_autofree char *shown = files_show_bytes(methods, strlen(methods), 200);
  if (login->accepted->len > 0)
    return sallyport_error_set(
        error, SALLYPORT_ERROR_LOGIN, "the server has accepted user %s's %s, and wants %s besides: %s", given->user,
        login->accepted->str, shown,
        given->password ? "there is nothing configured that fits" : "no password-file is configured");
  return login_refused(login,
                       given->identity && given->password ? "key or password, which it does not offer"
                       : given->identity                  ? "key, which it does not offer"
                       : given->password                  ? "password, which it does not offer"
                                                          : "nothing: no credentials are configured",
                       methods, error);
}

/* The method that is tried next, of what the server offers now; NULL: none. */
static const char *next_method(const Login *login, const char *methods) {
  if (login->credentials->identity && !login->key_given && offers(methods, "publickey"))
    return "publickey";
  if (!login->credentials->password || login->password_given)
    return NULL;
  return offers(methods, "password")               ? "password"
         : offers(methods, "keyboard-interactive") ? "keyboard-interactive"
                                                   : NULL;
}

static int try_method(Login *login, const char *method, GError **error) {
  if (strcmp(method, "publickey") == 0) {
    login->key_given = TRUE;
    return try_key(login->link, login->credentials, login->deadline, error);
  }
  login->password_given = TRUE;
  return try_password(login->link, login->credentials, strcmp(method, "keyboard-interactive") == 0, login->deadline,
                      error);
}

/* libssh2 tells no partial success. A server that has accepted a method, and wants another one besides, does not offer
 * the first one any more; one that has refused it goes on offering it. So a credential never follows one that was
 * refused. */
static gboolean run_login(Login *login, char *methods, GError **error) {
  for (g_autofree char *offered = methods; offered;) {
    const char *method = next_method(login, offered);
    GError *asking = NULL;
    if (!method)
      return nothing_left(login, offered, error);
    int failed = try_method(login, method, error);
    if (failed != 0 && !refused(failed))
      return FALSE;
    if (failed != 0) {
      g_free(offered);
      offered = offered_methods(login->link, login->credentials->user, login->deadline, &asking);
    }
    if (asking) {
      g_propagate_error(error, asking);
      return FALSE;
    }
    if (failed != 0 && offered && offers(offered, method))
      return login_refused(login, strcmp(method, "publickey") == 0 ? "key" : method, offered, error);
    g_string_append_printf(login->accepted, "%s%s", login->accepted->len ? ", " : "", method);
    if (failed == 0)
      return TRUE;
  }
  return TRUE; /* let in, by what was tried last */
}

gboolean ssh_login(SshLink *link, const SshCredentials *credentials, gint64 deadline, GError **error) {
  GError *asking = NULL;
  char *methods = offered_methods(link, credentials->user, deadline, &asking);
  link->login_offered = g_strdup(methods);
  if (asking) {
    g_propagate_error(error, asking);
    return FALSE;
  }
  Login login = {.link = link, .credentials = credentials, .deadline = deadline, .accepted = g_string_new(NULL)};
  gboolean ok = !methods || run_login(&login, methods, error);
  link->login_by = !ok ? NULL : methods ? g_strdup(login.accepted->str) : g_strdup("none");
  g_string_free(login.accepted, TRUE);
  return ok;
}
