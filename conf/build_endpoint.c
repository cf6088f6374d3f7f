/* Endpoints: where a server is, how it shows who it is, and how we show who we are. */
#include "conf/build.h"
#include "conf/url.h"
#include "conf/value.h"
#include <string.h>

enum {
  SFTP = 1 << CONF_URL_SFTP,
  FTP = 1 << CONF_URL_FTP,
  FTPS = 1 << CONF_URL_FTPS,
  HTTPS = 1 << CONF_URL_HTTPS,
  HTTP = 1 << CONF_URL_HTTP
};

/* Which schemes each option has a meaning for. */
typedef struct {
  const char *option;
  guint schemes;
} Meaning;
static const Meaning meanings[] = {
    {"host-key", SFTP},
    {"identity-file", SFTP},
    {"passphrase-file", SFTP | FTP | FTPS | HTTPS},
    {"password-file", SFTP | FTP | FTPS | HTTPS | HTTP},
    {"token-file", HTTPS | HTTP},
    {"clear-text", FTP | HTTP},
    {"ca-file", FTP | FTPS | HTTPS},
    {"tls-key", FTP | FTPS | HTTPS},
    {"certificate-file", FTP | FTPS | HTTPS},
    {"private-key-file", FTP | FTPS | HTTPS},
    {"listing-time-zone", FTP | FTPS},
};

static void check_meanings(const Section *section, ConfScheme scheme) {
  for (guint i = 0; i < G_N_ELEMENTS(meanings); i++)
    if ((meanings[i].schemes & (1u << scheme)) == 0 && section_has(section, meanings[i].option))
      section_error(section, meanings[i].option, "'%s' has no meaning with %s://", meanings[i].option,
                    url_scheme_word(scheme));
}

/* ---- how the server shows who it is ---- */

static void build_host_keys(const Section *section, ConfEndpoint *endpoint) {
  endpoint->host_keys = section_list(section, "host-key", 2);
  for (char **key = endpoint->host_keys; key != NULL && *key != NULL; key++)
    if (!value_is_host_key(*key)) {
      section_error(section, "host-key",
                    "'host-key' must be as ssh-keygen -lf shows it: SHA256: and 43 digits of base 64");
      return;
    }
}

static void build_tls(const Section *section, ConfEndpoint *endpoint) {
  endpoint->ca_file = section_file(section, "ca-file");
  endpoint->certificate_file = section_file(section, "certificate-file");
  endpoint->private_key_file = section_file(section, "private-key-file");
  if (section_has(section, "certificate-file") && !section_has(section, "private-key-file"))
    section_require(section, "private-key-file", "the private key of certificate-file");
  if (section_has(section, "private-key-file") && !section_has(section, "certificate-file"))
    section_require(section, "certificate-file", "the certificate of private-key-file");
  endpoint->tls_keys = section_list(section, "tls-key", 2);
  for (char **key = endpoint->tls_keys; key != NULL && *key != NULL; key++)
    if (!value_is_tls_key(*key)) {
      section_error(
          section, "tls-key",
          "'tls-key' must be as curl pins keys: sha256// and the SHA-256 of the public key in base 64, 44 digits");
      return;
    }
}

/* ---- by scheme ---- */

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
  for (guint i = 0; i < G_N_ELEMENTS(of_tls) && endpoint->scheme == CONF_URL_FTP; i++)
    if (section_has(section, of_tls[i]))
      section_error(section, of_tls[i], "'%s' is for TLS, which clear-text = yes turns off", of_tls[i]);
  const char *secret = section_has(section, "token-file")      ? "token-file"
                       : section_has(section, "password-file") ? "password-file"
                                                               : NULL;
  if (secret != NULL)
    section_warning(section, secret, "'%s': it is sent without encryption, and everyone on the way can read it",
                    secret);
}

static void check_web_login(const Section *section, const ConfEndpoint *endpoint) {
  if (section_has(section, "token-file") && section_has(section, "password-file"))
    section_error(section, "token-file", "'token-file' and 'password-file' exclude each other");
  if (section_has(section, "password-file") && endpoint->user == NULL)
    section_error(section, "password-file", "'password-file' needs the user in the URL: https://user@host");
  if (endpoint->user != NULL)
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
    check_web_login(section, endpoint);
    break;
  }
  check_clear_text(section, endpoint);
  check_passphrase(section, "private-key-file");
}

static void build_url(const Section *section, ConfEndpoint *endpoint) {
  section_require(section, "url", "where the server is, as sftp://user@host:22 or file:///folder");
  g_autofree char *text = section_text(section, "url");
  if (text == NULL)
    return;
  Url url;
  const char *problem = url_read(text, &url);
  if (problem != NULL) {
    section_error(section, "url", "'url': %s", problem);
    url_clear(&url);
    return;
  }
  endpoint->url = g_steal_pointer(&text);
  endpoint->scheme = url.scheme;
  endpoint->user = url.user;
  endpoint->host = url.host;
  endpoint->port = url.port;
  endpoint->folder = url.folder;
  check_by_scheme(section, endpoint);
}

ConfEndpoint *build_endpoint(const Section *section) {
  ConfEndpoint *endpoint = g_new0(ConfEndpoint, 1);
  endpoint->where = section_where(section, NULL);
  endpoint->name = section_title(section);
  endpoint->clear_text = section_yes(section, "clear-text", FALSE);
  build_url(section, endpoint);
  build_host_keys(section, endpoint);
  endpoint->identity_file = section_file(section, "identity-file");
  endpoint->passphrase_file = section_file(section, "passphrase-file");
  endpoint->password_file = section_file(section, "password-file");
  endpoint->token_file = section_file(section, "token-file");
  build_tls(section, endpoint);
  endpoint->listing_time_zone = build_time_zone(section, "listing-time-zone");
  endpoint->connections = section_number(section, "connections", (Range){.otherwise = 2, .least = 1, .most = 16});
  endpoint->connect_timeout = section_seconds(section, "connect-timeout",
                                              (Range){.otherwise = 15, .least = 1, .most = 300});
  endpoint->io_timeout = section_seconds(section, "io-timeout", (Range){.otherwise = 60, .least = 1, .most = 3600});
  return endpoint;
}
