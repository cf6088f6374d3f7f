/* What ssh.c and ssh_login.c share: the connection itself. Nobody else includes this. */
#pragma once
#include "transfer/sftp/ssh.h"
#include <libssh2.h>

#define SSH_FIRST_BYTES 128u

struct SshLink {
  LIBSSH2_SESSION *session;
  LIBSSH2_CHANNEL *channel;
  int socket, lane;
  char *fingerprint;
  guint8 key_type;
  const char *password; /* while keyboard-interactive runs */
  gboolean password_given;
  char *login_offered;
  char *login_by;
  char first[SSH_FIRST_BYTES]; /* that the server sent, for what it says instead of a banner */
  gsize first_length;
};

/* Runs one libssh2 call until it is done; its result is in `failed`, LIBSSH2_ERROR_EAGAIN when the wait failed and set
 * *error. */
#define FINISH(link, failed, call, deadline, error)                 \
  do                                                                \
    (failed) = (call);                                              \
  while ((failed) == LIBSSH2_ERROR_EAGAIN && ssh_wait(link, deadline, error))

/* Sets the error from libssh2's code and its words; always FALSE. */
gboolean ssh_error(const SshLink *link, int failed, const char *what, GError **error);
