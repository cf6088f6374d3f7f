/* The node, and the partners with their keys and endpoints. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

/* ---- node ---- */

static void build_log(const Section *node_section, ConfNode *node) {
  static const char *const formats[] = {"text", "json", NULL};
  static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
  node->log_format = CONF_LOG_TEXT;
  node->log_level = CONF_LOG_INFO;
  Section section;
  if (!section_inner(node_section, "log", &section)) return;
  node->log_format = section_choice(&section, "format", formats, CONF_LOG_TEXT);
  node->log_level = section_choice(&section, "level", levels, CONF_LOG_INFO);
}

/* GLib looks the name up below the zoneinfo folder: nothing but a plain zone name may get there. */
char *build_time_zone(const Section *section) {
  char *name = section_text(section, "time-zone");
  if (name == NULL) return NULL;
  gboolean plain = g_ascii_isalpha(*name) && !value_has_dot_dot(name) && strlen(name) <= 64;
  for (const char *c = name; *c != '\0'; c++) plain = plain && (g_ascii_isalnum(*c) || strchr("/_+-", *c) != NULL);
  g_autoptr(GTimeZone) zone = plain ? g_time_zone_new_identifier(name) : NULL;
  if (zone != NULL) return name;
  section_error(section, "time-zone", "'time-zone' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"");
  g_free(name);
  return NULL;
}

void build_node(const Section *root, ConfNode *node) {
  Section section;
  if (!section_inner(root, "node", &section)) {
    if (!root->scan->lost)
      conf_report_error(root->report, root->scanned->where, "there is no node { … }: it says where the gateway keeps its state");
    return;
  }
  node->where = section_where(&section, NULL);
  section_require(&section, "name", "what this gateway is called in logs and in the audit chain");
  node->name = section_name(&section, "name");
  node->state = section_path(&section, "state");
  if (node->state == NULL) node->state = g_strdup("/var/lib/sallyport");
  node->runtime = section_path(&section, "runtime");
  if (node->runtime == NULL) node->runtime = g_build_filename(node->state, "run", NULL);
  node->gnupg_home = section_path(&section, "gnupg-home");
  if (node->gnupg_home == NULL) node->gnupg_home = g_build_filename(node->state, "gnupg", NULL);
  node->time_zone = build_time_zone(&section);
  if (node->time_zone == NULL) node->time_zone = g_strdup("UTC");
  node->key_warning_days = section_number(&section, "key-warning-days", (Range){.otherwise = 30, .least = 0, .most = 3650});
  node->archive_days = section_number(&section, "archive-days", (Range){.otherwise = 30, .least = 0, .most = 36500});
  build_log(&section, node);
}

/* ---- partner ---- */

static char *build_fingerprint(const Section *section, const char *option) {
  g_autofree char *text = section_text(section, option);
  if (text == NULL) return NULL;
  char *fingerprint = value_fingerprint(text);
  if (fingerprint == NULL)
    section_error(section, option, "'%s' must be a whole fingerprint, 40 or 64 hexadecimal digits (gpg --list-keys shows it)", option);
  return fingerprint;
}

static char **build_fingerprints(const Section *section, const char *option) {
  g_auto(GStrv) values = section_list(section, option, 2);
  for (guint i = 0; values != NULL && values[i] != NULL; i++) {
    char *fingerprint = value_fingerprint(values[i]);
    if (fingerprint == NULL) {
      section_error(section, option, "'%s' must hold whole fingerprints, 40 or 64 hexadecimal digits (gpg --list-keys shows them)", option);
      return NULL;
    }
    g_free(values[i]);
    values[i] = fingerprint;
  }
  if (values != NULL && values[1] != NULL && strcmp(values[0], values[1]) == 0)
    section_warning(section, option, "'%s' holds the same key twice; the second place is for the next key", option);
  return g_steal_pointer(&values);
}

static void build_openpgp(const Section *partner_section, ConfOpenpgp *openpgp) {
  Section section;
  section_require(partner_section, "openpgp", "the keys that its files are signed and encrypted with");
  if (!section_inner(partner_section, "openpgp", &section)) return;
  openpgp->where = section_where(&section, NULL);
  section_require(&section, "encrypt-to", "the partner's key, or its current and next one");
  section_require(&section, "signed-by", "the key that the partner signs with, or its current and next one");
  section_require(&section, "decrypt-with", "our own key");
  openpgp->encrypt_to = build_fingerprints(&section, "encrypt-to");
  openpgp->signed_by = build_fingerprints(&section, "signed-by");
  openpgp->decrypt_with = build_fingerprint(&section, "decrypt-with");
  openpgp->sign_with = build_fingerprint(&section, "sign-with");
  if (openpgp->sign_with == NULL) openpgp->sign_with = g_strdup(openpgp->decrypt_with);
  openpgp->passphrase_file = section_path(&section, "passphrase-file");
}

/* ---- endpoint ---- */

static void build_host_keys(const Section *section, ConfEndpoint *endpoint) {
  endpoint->host_keys = section_list(section, "host-key", 2);
  for (char **key = endpoint->host_keys; key != NULL && *key != NULL; key++)
    if (!value_is_host_key(*key)) {
      section_error(section, "host-key", "'host-key' must be as ssh-keygen -lf shows it: SHA256: and 43 digits of base 64");
      return;
    }
}

static void check_sftp(const Section *section) {
  section_require(section, "host-key", "the server's key, so that nobody else gets our login; ssh-keyscan HOST | ssh-keygen -lf - shows it, and the partner confirms it");
  if (!section_has(section, "identity-file") && !section_has(section, "password-file"))
    section_require(section, "identity-file", "the private key to log in with (or password-file)");
  if (section_has(section, "passphrase-file") && !section_has(section, "identity-file"))
    section_error(section, "passphrase-file", "'passphrase-file' is for the private key of identity-file, which is not there");
}

static void check_file(const Section *section) {
  static const char *const network[] = {"host-key", "identity-file", "passphrase-file", "password-file"};
  for (guint i = 0; i < G_N_ELEMENTS(network); i++)
    if (section_has(section, network[i])) section_error(section, network[i], "'%s' has no meaning for a file:// endpoint", network[i]);
}

static void build_url(const Section *section, ConfEndpoint *endpoint) {
  section_require(section, "url", "where the server is, as sftp://user@host:22 or file:///folder");
  g_autofree char *text = section_text(section, "url");
  if (text == NULL) return;
  Url url;
  const char *problem = value_url(text, &url);
  if (problem != NULL) {
    section_error(section, "url", "'url': %s", problem);
    value_url_clear(&url);
    return;
  }
  endpoint->url = g_steal_pointer(&text);
  endpoint->scheme = url.scheme;
  endpoint->user = url.user;
  endpoint->host = url.host;
  endpoint->port = url.port;
  endpoint->folder = url.folder;
  if (url.scheme == CONF_URL_SFTP) check_sftp(section);
  else check_file(section);
}

static ConfEndpoint *build_endpoint(const Section *section) {
  ConfEndpoint *endpoint = g_new0(ConfEndpoint, 1);
  endpoint->where = section_where(section, NULL);
  endpoint->name = section_title(section);
  build_url(section, endpoint);
  build_host_keys(section, endpoint);
  endpoint->identity_file = section_path(section, "identity-file");
  endpoint->passphrase_file = section_path(section, "passphrase-file");
  endpoint->password_file = section_path(section, "password-file");
  endpoint->connections = section_number(section, "connections", (Range){.otherwise = 2, .least = 1, .most = 16});
  endpoint->connect_timeout = section_seconds(section, "connect-timeout", (Range){.otherwise = 15, .least = 1, .most = 300});
  endpoint->io_timeout = section_seconds(section, "io-timeout", (Range){.otherwise = 60, .least = 1, .most = 3600});
  return endpoint;
}

ConfPartner *build_partner(const Section *section) {
  ConfPartner *partner = g_new0(ConfPartner, 1);
  partner->where = section_where(section, NULL);
  partner->name = section_title(section);
  partner->endpoints = g_ptr_array_new();
  build_openpgp(section, &partner->openpgp);
  for (guint i = 0; i < section_count(section, "endpoint"); i++) {
    Section inner = section_at(section, "endpoint", i);
    g_ptr_array_add(partner->endpoints, build_endpoint(&inner));
  }
  if (partner->endpoints->len == 0 && !section->scanned->damaged)
    section_error(section, NULL, "partner \"%s\" has no endpoint", partner->name);
  return partner;
}
