/* What the files of the SSH link share: the connection itself. Nobody else includes this. */
#pragma once
#include "transfer/sftp/ssh.h"
#include <libssh2.h>

#define SSH_SPIN_MOST 300 /* seconds in one call */
#define SSH_FIRST_BYTES 128u

typedef struct SshEarly SshEarly;

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
  SshEarly *early; /* what was read before libssh2 may have it; NULL: nothing */
};

/* Runs one libssh2 call until it is done; its result is in `failed`, LIBSSH2_ERROR_EAGAIN when the wait failed and set
 * *error. */
#define FINISH(link, failed, call, deadline, error)                 \
  do                                                                \
    (failed) = (call);                                              \
  while ((failed) == LIBSSH2_ERROR_EAGAIN && ssh_wait(link, deadline, error))

/* Sets the error from libssh2's code and its words; always FALSE. */
gboolean ssh_error(const SshLink *link, int failed, const char *what, GError **error);
/* All but the ciphers. */
gboolean ssh_prefer(SshLink *link, guint8 avoid, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* By the key exchanges of the server's KEXINIT; NULL: not known. Before libssh2 sends its own. */
gboolean ssh_prefer_ciphers(SshLink *link, const char *their_kex, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes libssh2 read by this link, for what it says first. */
void ssh_receive_by(SshLink *link);
/* Begins the handshake and waits for the server's KEXINIT before ours goes out: one round trip. Its list of key
 * exchanges, the caller's; NULL: none came, none in 2 s after its banner, or none that is well formed. The handshake
 * goes on in libssh2_session_handshake(), which gets all that was read here. */
char *ssh_early_kex(SshLink *link, gint64 deadline);
/* Ends this process in so many seconds, unless ssh_wait(), ssh_rest() or this is called before. */
void ssh_watch(gint64 seconds);
