/* The SSH connection of a courier: handshake, login and one byte stream to the server's SFTP subsystem, by libssh2.
 *
 * Nothing here blocks beyond its deadline (monotonic microseconds), and each wait also ends when the lane's socket
 * does. The host key is only reported: whether it is the partner's is for the lane to say, before ssh_login() gets
 * anything. All libssh2 codes become ours in one function of ssh.c. */
#pragma once
#include "gateway/base/error.h"

typedef struct SshLink SshLink;

/* Types of host key, as bits: those to avoid in a handshake, and that of the key that was seen. */
enum { SSH_KEY_ED25519 = 1, SSH_KEY_ECDSA = 2, SSH_KEY_RSA = 4, SSH_KEY_OTHER = 8 };

typedef struct {
  int socket, lane;
  guint8 avoid;
  gint64 deadline;
} SshPlan;
typedef struct {
  const char *user, *identity, *passphrase, *password;
} SshCredentials; /* NULL: none */

/* Seeds the library; before the courier locks itself in, since it reads system files. */
gboolean ssh_prepare(GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the key can be read with this passphrase (NULL: none), as a login would; CONFIGURATION with the library's
 * reason. No connection is made. */
gboolean ssh_identity_opens(const char *identity, const char *passphrase, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Takes the socket, also on failure. NULL: AGAIN, PARTNER (no algorithm in common), LOGIN (the host does not own its
 * key). */
SshLink *ssh_handshake(const SshPlan *plan, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What OpenSSH says, instead of a banner, to an address that it has barred; and that in our words. Static. */
gboolean ssh_says_barred(const char *bytes, gsize length);
const char *ssh_barred_words(void);
const char *ssh_fingerprint(const SshLink *link); /* "SHA256:…", unpadded */
guint8 ssh_key_type(const SshLink *link);
/* What the installed library cannot do with RSA host keys, or "": for the error when the pinned key was not found. */
const char *ssh_host_key_hint(void);
const char *ssh_banner(const SshLink *link); /* the server's, as it came: hostile bytes */
/* In the order that the server asks for. Each credential is offered at most once, and the next one only when the server
 * asks for more after accepting the one before. */
gboolean ssh_login(SshLink *link, const SshCredentials *credentials, gint64 deadline,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ssh_start_sftp(SshLink *link, gint64 deadline, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the server lets this user try, before anything was tried ("publickey,password"), and what let us in; NULL: not
 * known. */
const char *ssh_login_offered(const SshLink *link);
const char *ssh_login_by(const SshLink *link);
/* What was agreed, as facts, for SSH_OFFER_…; static or the link's. */
typedef enum { SSH_OFFER_KEX, SSH_OFFER_HOST_KEY, SSH_OFFER_CIPHER, SSH_OFFER_MAC, SSH_OFFERS } SshOffer;
extern const char *const ssh_offer_names[SSH_OFFERS]; /* "our-kex", … */
const char *ssh_agreed(const SshLink *link, SshOffer what);
/* The ciphers that we want, best first, for a server with these key exchanges; NULL: not known. */
const char *ssh_ciphers(const char *their_kex);
/* What we would offer such a server: our preferences as far as the installed library knows them. The caller frees. */
char *ssh_offer(SshOffer what, const char *their_kex) G_GNUC_WARN_UNUSED_RESULT;
const char *ssh_library_version(void);
char *ssh_describe(const SshLink *link) G_GNUC_WARN_UNUSED_RESULT;

/* Bytes taken, 0 when there are none now, -1 on an error or the end of the stream. Never waits. */
gssize ssh_read(SshLink *link, void *bytes, gsize most, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All of the bytes. Answers that come meanwhile are kept for ssh_read(), within the channel's window. */
gboolean ssh_write(SshLink *link, const void *bytes, gsize length, gint64 deadline,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Until the socket is ready for what libssh2 wants next. */
gboolean ssh_wait(SshLink *link, gint64 deadline, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ssh_rest(void); /* nothing is asked of the server: no call will run for long */
int ssh_socket(const SshLink *link);
void ssh_end(SshLink *link); /* says good-bye without waiting; NULL is fine */
