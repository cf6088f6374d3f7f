/* Endpoints: where a server is, how it shows who it is, and how we show who we are. */
#include "conf/read/section.h"
#include "conf/read/url.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

/* Which schemes a setting has a meaning for: `fits` of its row. */
enum {
  SFTP = 1 << CONF_URL_SFTP,
  FTP = 1 << CONF_URL_FTP,
  FTPS = 1 << CONF_URL_FTPS,
  HTTPS = 1 << CONF_URL_HTTPS,
  HTTP = 1 << CONF_URL_HTTP,
  MAILBOX = 1 << CONF_URL_MAILBOX,
  EACH = SFTP | 1 << CONF_URL_FILE | FTP | FTPS | HTTPS | HTTP | MAILBOX
};

static void check_meanings(const Section *section, ConfScheme scheme) {
  RowWalk walk = {.table = &table_endpoint};
  for (const Row *row; (row = grammar_next(&walk));)
    if (!(row->fits & 1u << scheme) && section_has(section, row->name))
      section_error(section, row->name, "'%s' has no meaning with %s://", row->name, url_scheme_word(scheme));
}

/* --- By scheme. */

static void check_passphrase(const Section *section, const char *key) {
  if (section_has(section, "passphrase-file") && !section_has(section, key))
    section_error(section, "passphrase-file", "'passphrase-file' is for the private key of %s, which is not there",
                  key);
}

static void check_sftp(const Section *section) {
  section_require(section, "host-key",
                  "the server's key, so that nobody else gets our login; ssh-keyscan HOST | ssh-keygen -lf - shows it, "
                  "and the partner confirms it");
  if (!section_has(section, "identity-file") && !section_has(section, "password-file"))
    section_require(section, "identity-file", "the private key to log in with (or password-file)");
  check_passphrase(section, "identity-file");
}

/* What needs TLS beside what turns it off; and what everybody on the way then can read. */
static void check_clear_text(const Section *section, const ConfEndpoint *endpoint) {
  static const char *const of_tls[] = {"ca-file", "tls-key", "certificate-file", "private-key-file"};
  if (endpoint->scheme == CONF_URL_HTTP && !endpoint->clear_text)
    section_error(section, "url",
                  "'url': http:// is not encrypted; use https://, or say with clear-text = yes that it is meant");
  if (!endpoint->clear_text)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(of_tls) && endpoint->scheme != CONF_URL_HTTP; i++)
    if (section_has(section, of_tls[i]))
      section_error(section, of_tls[i], "'%s' is for TLS, which clear-text = yes turns off", of_tls[i]);
  const char *secret = section_has(section, "token-file")      ? "token-file"
                       : section_has(section, "password-file") ? "password-file"
                                                               : NULL;
  if (secret)
    section_warning(section, secret, "'%s': it is sent without encryption, and everyone on the way can read it",
                    secret);
}

static void check_web_login(const Section *section, const ConfEndpoint *endpoint) {
  if (section_has(section, "token-file") && section_has(section, "password-file"))
    section_error(section, "token-file", "'token-file' and 'password-file' exclude each other");
  if (section_has(section, "password-file") && !endpoint->user)
    section_error(section, "password-file", "'password-file' needs the user in the URL: https://user@host");
  if (endpoint->user)
    section_require(section, "password-file", "the password of the URL's user");
}

static void check_by_scheme(const Section *section, const ConfEndpoint *endpoint) {
  check_meanings(section, endpoint->scheme);
  switch (endpoint->scheme) {
  case CONF_URL_SFTP:
    check_sftp(section);
    return;
  case CONF_URL_FILE:
    return;
  case CONF_URL_FTP:
  case CONF_URL_FTPS:
    section_require(section, "password-file", "the password to log in with");
    break;
  case CONF_URL_HTTPS:
  case CONF_URL_HTTP:
  case CONF_URL_MAILBOX:
    check_web_login(section, endpoint);
    break;
  }
  check_clear_text(section, endpoint);
  check_passphrase(section, "private-key-file");
}

/* Takes the URL apart. One that is not sound is no URL, so that nothing more is told of it. */
static void check_url(const Section *section, gpointer into) {
  ConfEndpoint *endpoint = into;
  Url url;
  if (!endpoint->url)
    return;
  const char *problem = url_read(endpoint->url, &url);
  if (problem) {
    section_error(section, "url", "'url': %s", problem);
    url_clear(&url);
    g_clear_pointer(&endpoint->url, g_free);
    return;
  }
  endpoint->scheme = url.scheme;
  endpoint->user = url.user;
  endpoint->host = url.host;
  endpoint->port = url.port;
  endpoint->folder = url.folder;
  check_by_scheme(section, endpoint);
}

/* --- How the server shows who it is. */

static void check_host_keys(const Section *section, gpointer into) {
  for (char **key = ((ConfEndpoint *)into)->host_keys; key && *key; key++)
    if (!value_is_host_key(*key)) {
      section_error(section, "host-key",
                    "'host-key' must be as ssh-keygen -lf shows it: SHA256: and 43 digits of base 64");
      return;
    }
}

static void check_certificate(const Section *section, gpointer into) {
  (void)into;
  if (section_has(section, "certificate-file") && !section_has(section, "private-key-file"))
    section_require(section, "private-key-file", "the private key of certificate-file");
  if (section_has(section, "private-key-file") && !section_has(section, "certificate-file"))
    section_require(section, "certificate-file", "the certificate of private-key-file");
}

static void check_tls_keys(const Section *section, gpointer into) {
  for (char **key = ((ConfEndpoint *)into)->tls_keys; key && *key; key++)
    if (!value_is_tls_key(*key)) {
      section_error(
          section, "tls-key",
          "'tls-key' must be as curl pins keys: sha256// and the SHA-256 of the public key in base 64, 44 digits");
      return;
    }
}

static const Row rows[] = {
    WHERE(ConfEndpoint),
    TITLE(ConfEndpoint),
    ROW(ConfEndpoint, "clear-text", clear_text, yes, .fits = FTP | HTTP | MAILBOX),
    ROW(ConfEndpoint, "url", url, text, .fits = EACH,
        .needed = "where the server is, as sftp://user@host:22 or file:///folder"),
    CHECK(check_url),
    KEPT(ConfEndpoint, scheme, uint),
    KEPT(ConfEndpoint, user, text),
    KEPT(ConfEndpoint, host, text),
    KEPT(ConfEndpoint, port, uint),
    KEPT(ConfEndpoint, folder, text),
    ROW(ConfEndpoint, "host-key", host_keys, list, .most = 2, .fits = SFTP),
    CHECK(check_host_keys),
    ROW(ConfEndpoint, "identity-file", identity_file, file, .fits = SFTP),
    ROW(ConfEndpoint, "passphrase-file", passphrase_file, file, .fits = SFTP | FTP | FTPS | HTTPS | MAILBOX),
    ROW(ConfEndpoint, "password-file", password_file, file, .fits = SFTP | FTP | FTPS | HTTPS | HTTP | MAILBOX),
    ROW(ConfEndpoint, "token-file", token_file, file, .fits = HTTPS | HTTP | MAILBOX),
    ROW(ConfEndpoint, "ca-file", ca_file, file, .fits = FTP | FTPS | HTTPS | MAILBOX),
    ROW(ConfEndpoint, "certificate-file", certificate_file, file, .fits = FTP | FTPS | HTTPS | MAILBOX),
    ROW(ConfEndpoint, "private-key-file", private_key_file, file, .fits = FTP | FTPS | HTTPS | MAILBOX),
    CHECK(check_certificate),
    ROW(ConfEndpoint, "tls-key", tls_keys, list, .most = 2, .fits = FTP | FTPS | HTTPS | MAILBOX),
    CHECK(check_tls_keys),
    ROW(ConfEndpoint, "listing-time-zone", listing_time_zone, time_zone, .fits = FTP | FTPS),
    ROW(ConfEndpoint, "connections", connections, number, .otherwise = 2, .least = 1, .most = 16, .fits = EACH),
    ROW(ConfEndpoint, "connect-timeout", connect_timeout, seconds, .otherwise = 15, .least = 1, .most = 300,
        .fits = EACH),
    ROW(ConfEndpoint, "io-timeout", io_timeout, seconds, .otherwise = 60, .least = 1, .most = 3600, .fits = EACH),
    ROWS_END,
};
const Table table_endpoint = TABLE(ConfEndpoint, rows);
