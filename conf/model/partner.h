/* Partners and our own inner systems: their keys, and the servers where files are exchanged. */
#pragma once
#include "conf/model/where.h"

/* Fingerprints: upper-case hex, 40 (or 64) digits. */
typedef struct {
  ConfWhere where;
  char **encrypt_to;
  char **signed_by;
  char *decrypt_with;
  char *sign_with; /* default: decrypt_with */
  char *passphrase_file;
  guint clock_skew; /* seconds that a signature may be ahead of our clock; 0: no section, the usual ones */
  char *sha1_until; /* YYYY-MM-DD, in UTC: signatures over SHA-1 pass to its end; NULL: none does */
} ConfOpenpgp;

/* ftp:// is FTP with AUTH TLS (explicit FTPS), ftps:// is implicit FTPS; mailbox:// is an exchange over HTTPS. All in
 * the clear only with clear-text = yes, and so http://. The words are those of URLs. */
#define CONF_SCHEMES(X)         \
  X(CONF_URL_SFTP, "sftp")      \
  X(CONF_URL_FILE, "file")      \
  X(CONF_URL_FTP, "ftp")        \
  X(CONF_URL_FTPS, "ftps")      \
  X(CONF_URL_HTTPS, "https")    \
  X(CONF_URL_HTTP, "http")      \
  X(CONF_URL_MAILBOX, "mailbox")
typedef enum { CONF_SCHEMES(CONF_CONSTANT) } ConfScheme;

typedef struct {
  ConfWhere where;
  char *name;
  char *url; /* as it is written; what follows up to `folder` are its parts */
  ConfScheme scheme;
  char *user;
  char *host;
  guint port;
  char *folder; /* file://; of http(s):// and mailbox:// the base path */
  char **host_keys;
  char *identity_file;
  char *passphrase_file;
  char *password_file;
  guint connections;     /* 2 */
  guint connect_timeout; /* seconds */
  guint io_timeout;      /* seconds */
  gboolean clear_text;   /* ftp://, http://, mailbox://: without TLS, asked for */
  char *ca_file;         /* PEM; NULL: the system's */
  char **tls_keys;       /* pinned public keys, "sha256//…" (base64), two slots; beside the certificate's check */
  char *certificate_file; /* ours, for TLS; PEM */
  char *private_key_file;
  char *token_file;        /* HTTP: Authorization: Bearer */
  char *listing_time_zone; /* FTP's LIST without MLSD; NULL: UTC */
} ConfEndpoint;

/* How a requester of reconciliation files shows who it is to the front: SHA-256 of its bearer tokens and of its client
 * certificates (hex). */
typedef struct {
  ConfWhere where;
  char **token_sha256;
  char **certificate_sha256;
} ConfAccess;

/* Also what `system "core" { endpoint … }` makes, our own inner systems: without openpgp and access. */
typedef struct {
  ConfWhere where;
  char *name;
  gboolean is_system;
  ConfOpenpgp openpgp; /* where.file NULL: none */
  ConfAccess access;
  GPtrArray *endpoints; /* ConfEndpoint* */
} ConfPartner;
