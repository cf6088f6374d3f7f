/* The node; the partners with their keys, and our own inner systems. */
#include "conf/build.h"
#include "conf/value.h"

/* ---- node ---- */

static void build_log(const Section *node_section, ConfNode *node) {
  static const char *const formats[] = {"text", "json", NULL};
  static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
  node->log_format = CONF_LOG_TEXT;
  node->log_level = CONF_LOG_INFO;
  Section section;
  if (!section_inner(node_section, "log", &section))
    return;
  node->log_format = section_choice(&section, "format", formats, CONF_LOG_TEXT);
  node->log_level = section_choice(&section, "level", levels, CONF_LOG_INFO);
}

void build_node(const Section *root, ConfNode *node) {
  Section section;
  if (!section_inner(root, "node", &section)) {
    if (!root->scan->lost)
      conf_report_error(root->report, root->scanned->where,
                        "there is no node { … }: it says where the gateway keeps its state");
    return;
  }
  node->where = section_where(&section, NULL);
  section_require(&section, "name", "what this gateway is called in logs and in the audit chain");
  node->name = section_name(&section, "name");
  node->state = section_path(&section, "state");
  if (node->state == NULL)
    node->state = g_strdup("/var/lib/sallyport");
  node->runtime = section_path(&section, "runtime");
  if (node->runtime == NULL)
    node->runtime = g_build_filename(node->state, "run", NULL);
  node->gnupg_home = section_path(&section, "gnupg-home");
  if (node->gnupg_home == NULL)
    node->gnupg_home = g_build_filename(node->state, "gnupg", NULL);
  node->time_zone = build_time_zone(&section, "time-zone");
  if (node->time_zone == NULL)
    node->time_zone = g_strdup("UTC");
  node->key_warning_days = section_number(&section, "key-warning-days",
                                          (Range){.otherwise = 30, .least = 0, .most = 3650});
  node->archive_days = section_number(&section, "archive-days", (Range){.otherwise = 30, .least = 0, .most = 36500});
  build_log(&section, node);
}

/* ---- partner ---- */

/* What is written, though wrongly, is not told again as missing where it is needed: something stands in its place. */
static char **there_or_told(const Section *section, const char *option, char **values) {
  return values != NULL || !section_has(section, option) ? values : g_new0(char *, 1);
}

static char *build_own_key(const Section *section, const char *option) {
  char *fingerprint = build_fingerprint(section, option);
  return fingerprint != NULL || !section_has(section, option) ? fingerprint : g_strdup("");
}

/* Which of them are needed is the feeds' and reconciliations' to say: check_keys.c. */
static void build_openpgp(const Section *partner_section, ConfOpenpgp *openpgp) {
  Section section;
  if (!section_inner(partner_section, "openpgp", &section))
    return;
  openpgp->where = section_where(&section, NULL);
  openpgp->encrypt_to = there_or_told(&section, "encrypt-to", build_fingerprints(&section, "encrypt-to"));
  openpgp->signed_by = there_or_told(&section, "signed-by", build_fingerprints(&section, "signed-by"));
  openpgp->decrypt_with = build_own_key(&section, "decrypt-with");
  openpgp->sign_with = build_own_key(&section, "sign-with");
  if (openpgp->sign_with == NULL)
    openpgp->sign_with = g_strdup(openpgp->decrypt_with);
  openpgp->passphrase_file = section_file(&section, "passphrase-file");
}

static char **build_digests(const Section *section, const char *option) {
  g_auto(GStrv) values = section_list(section, option, 2);
  for (char **value = values; value != NULL && *value != NULL; value++) {
    if (!value_is_sha256(*value)) {
      section_error(section, option, "'%s' must hold SHA-256 digests, 64 hexadecimal digits each", option);
      return NULL;
    }
    g_autofree char *given = *value;
    *value = g_ascii_strdown(given, -1);
  }
  return g_steal_pointer(&values);
}

static void build_access(const Section *partner_section, ConfAccess *access) {
  Section section;
  if (!section_inner(partner_section, "access", &section))
    return;
  access->where = section_where(&section, NULL);
  access->token_sha256 = build_digests(&section, "token-sha256");
  access->certificate_sha256 = build_digests(&section, "certificate-sha256");
  if (!section_has(&section, "token-sha256") && !section_has(&section, "certificate-sha256"))
    section_require(&section, "token-sha256", "the digest of the token that shows who asks (or certificate-sha256)");
}

static void build_endpoints(const Section *section, ConfPartner *partner) {
  for (guint i = 0; i < section_count(section, "endpoint"); i++) {
    Section inner = section_at(section, "endpoint", i);
    g_ptr_array_add(partner->endpoints, build_endpoint(&inner));
  }
}

ConfPartner *build_partner(const Section *section) {
  ConfPartner *partner = g_new0(ConfPartner, 1);
  partner->where = section_where(section, NULL);
  partner->name = section_title(section);
  partner->endpoints = g_ptr_array_new();
  build_openpgp(section, &partner->openpgp);
  build_access(section, &partner->access);
  build_endpoints(section, partner);
  if (partner->endpoints->len == 0 && partner->access.where.file == NULL && !section->scanned->damaged)
    section_error(section, NULL, "partner \"%s\" has no endpoint", partner->name);
  return partner;
}

ConfPartner *build_system(const Section *section) {
  ConfPartner *system = g_new0(ConfPartner, 1);
  system->where = section_where(section, NULL);
  system->name = section_title(section);
  system->is_system = TRUE;
  system->endpoints = g_ptr_array_new();
  build_endpoints(section, system);
  if (system->endpoints->len == 0 && !section->scanned->damaged)
    section_error(section, NULL, "system \"%s\" has no endpoint", system->name);
  return system;
}
