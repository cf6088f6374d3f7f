/* A private key and its passphrase, tried without a server: libssh2 makes the public half of the key before it sends
 * the first byte of a login by it, and here nothing can be sent. Seen so in 1.10. */
#include "transfer/sftp/ssh_private.h"
#include <errno.h>
#include <string.h>

static ssize_t send_nothing(libssh2_socket_t socket, const void *bytes, size_t length, int flags, void **abstract) {
  (void)socket, (void)bytes, (void)length, (void)flags, (void)abstract;
  return -ECONNRESET;
}

static void send_by(LIBSSH2_SESSION *session) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)send_nothing);
#else
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send_nothing);
#endif
}

gboolean ssh_identity_opens(const char *identity, const char *passphrase, GError **error) {
  LIBSSH2_SESSION *session = ssh_prepare(error) ? libssh2_session_init() : NULL;
  char *why = NULL;
  if (!session && error && *error)
    return FALSE;
  if (!session)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "libssh2 has no memory");
  send_by(session);
  int failed = libssh2_userauth_publickey_frommemory(session, "nobody", strlen("nobody"), NULL, 0, identity,
                                                     strlen(identity), passphrase);
  gboolean opens = failed == 0 || failed == LIBSSH2_ERROR_SOCKET_SEND;
  if (!opens) {
    libssh2_session_last_error(session, &why, NULL, 0);
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "libssh2 %s: %s", ssh_library_version(), why);
  }
  libssh2_session_free(session);
  return opens;
}
