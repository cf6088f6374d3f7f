/* Where a courier goes, and what it may show there: plain parameters, which the caller keeps as long as couriers of it
 * are
 * opened. */
#pragma once
#include "gateway/base/error.h"

/* MAILBOX: the mailboxes of an exchange, over HTTP */
typedef enum { COURIER_SFTP, COURIER_LOCAL, COURIER_FTP, COURIER_HTTP, COURIER_MAILBOX } CourierKind;
/* FTP: none, AUTH TLS, from the start; HTTP, MAILBOX: none or implicit */
typedef enum { COURIER_TLS_NONE, COURIER_TLS_EXPLICIT, COURIER_TLS_IMPLICIT } CourierTls;

typedef struct {
  CourierKind kind;
  const char *name; /* "acme-bank/main", for messages */
  const char *host;
  guint port; /* SFTP; port 0: the protocol's own */
  const char *user;
  const char *const *host_keys; /* NULL-terminated "SHA256:…" (unpadded base64), at least one: no first-use trust */
  const char *identity_file;    /* private key; read by the lane, passed as bytes. NULL: none */
  const char *passphrase_file;  /* of the private key; NULL: none */
  const char *password_file;    /* for password and keyboard-interactive; NULL: none */
  /* FTP, HTTP: certificate and host name are verified, on FTP's data connections, too */
  CourierTls tls;
  const char *ca_file; /* PEM; read by the lane. NULL: the system's */
  /* NULL-terminated "sha256//…": the server's public key must be one of these, too. NULL: any that is certified */
  const char *const *tls_keys;
  const char *certificate_file, *private_key_file; /* ours, PEM (passphrase_file is the key's); NULL: none */
  const char *token_file;        /* HTTP: sent as Authorization: Bearer; NULL: none, or user and password */
  const char *listing_time_zone; /* FTP without MLSD: of LIST's times; NULL: UTC */
  /* HTTP: base path of all paths, or NULL. COURIER_LOCAL: the root of all paths; nothing above or through a link out is
   * reached */
  const char *folder;
  guint connect_timeout, io_timeout; /* seconds; 0: 20 and 60. io_timeout: without progress, which is 1 KiB (or the end)
                                        of a file, 16 names of a listing, or the answer to anything else */
  const char *program;               /* executable to start; NULL: /proc/self/exe */
  /* Kept by the caller from one opening to the next, 0 at first; used by several threads at once. What is learnt there:
   * the types of host key that the server shows and that are not pinned. NULL: found out each time, by connections
   * without a login, for which some servers bar a client. */
  gint *other_keys;
} CourierEndpoint;

/* Whether this SSH key can be used with this passphrase (NULL: it needs none), found out without a connection;
 * CONFIGURATION: why not. */
gboolean courier_identity_opens(const char *identity_file, const char *passphrase_file,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
