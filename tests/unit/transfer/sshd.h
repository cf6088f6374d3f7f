/* A throwaway OpenSSH server on a free loopback port, with its own keys and folder under $TMPDIR, for tests. As root
 * and as a user; each login is the user that runs the test (or, with a password and as root, one that only the server's
 * own mount namespace knows). Failing to start it aborts the test with the server's log. Include the .c file into the
 * test. */
#pragma once
#include <glib.h>
#include <sys/types.h>

typedef struct {
  const char *subsystem; /* NULL: internal-sftp */
  const char *config;    /* further lines of sshd_config, before the defaults */
  const char *password;  /* root only: makes the user "sallytest" with it */
  gboolean pam;          /* with password: keyboard-interactive by PAM instead */
} SshdPlan;

typedef struct {
  pid_t pid;
  guint port;
  char *home;   /* keys, configuration and log; also 0700 */
  char *folder; /* for the test's files; its path is the remote path too */
  char *user;
  char *log;                   /* path, at LogLevel DEBUG1 */
  char *ed25519, *ecdsa, *rsa; /* host keys, "SHA256:…" */
  char *identity;              /* ed25519 client key, authorised; more of them: sshd_identity() */
} Sshd;

Sshd *sshd_start(const SshdPlan *plan);
void sshd_stop(Sshd *sshd);            /* ends it and its sessions, removes the home */
void sshd_end_sessions(Sshd *sshd);    /* SIGKILL to every session: the line breaks */
char *sshd_log_text(const Sshd *sshd); /* the caller frees */
/* A further authorised client key: `ssh-keygen` arguments such as "-t ecdsa -b 384 -N secret". Path, freed by the
 * caller. */
char *sshd_identity(Sshd *sshd, const char *name, const char *arguments);
gboolean sshd_available(void); /* whether sshd and ssh-keygen are installed */
