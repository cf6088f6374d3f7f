/* The partners with their keys, and our own inner systems. Endpoints are in endpoint.c. */
#include "conf/conf.h"
#include "conf/read/section.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"

/* --- Keys. Which of them are needed is the feeds' and reconciliations' to say: check/keys.c. */

static void put_in_place(const Section *section, const char *option, char ***values) {
  if (!*values && section_has(section, option))
    *values = g_new0(char *, 1);
}

/* What is written, though wrongly, is not told again as missing where it is needed: something stands in its place. */
static void fill_openpgp(const Section *section, gpointer into) {
  ConfOpenpgp *openpgp = into;
  put_in_place(section, "encrypt-to", &openpgp->encrypt_to);
  put_in_place(section, "signed-by", &openpgp->signed_by);
  if (!openpgp->decrypt_with && section_has(section, "decrypt-with"))
    openpgp->decrypt_with = g_strdup("");
  if (!openpgp->sign_with && section_has(section, "sign-with"))
    openpgp->sign_with = g_strdup("");
  if (!openpgp->sign_with)
    openpgp->sign_with = g_strdup(openpgp->decrypt_with);
}

static void check_sha1_until(const Section *section, gpointer into) {
  const ConfOpenpgp *openpgp = into;
  gint64 ends;
  if (openpgp->sha1_until && !conf_day_ends(openpgp->sha1_until, &ends))
    section_error(section, "sha1-until", "'sha1-until' must be a day such as 2027-03-31: until its end (UTC) the "
                                         "partner may sign over SHA-1");
}

static const Row openpgp_rows[] = {
    WHERE(ConfOpenpgp),
    ROW(ConfOpenpgp, "encrypt-to", encrypt_to, fingerprints),
    ROW(ConfOpenpgp, "signed-by", signed_by, fingerprints),
    ROW(ConfOpenpgp, "decrypt-with", decrypt_with, fingerprint),
    ROW(ConfOpenpgp, "sign-with", sign_with, fingerprint),
    CHECK(fill_openpgp),
    ROW(ConfOpenpgp, "passphrase-file", passphrase_file, file),
    ROW(ConfOpenpgp, "clock-skew", clock_skew, seconds, .otherwise = 300, .least = 1, .most = 86400),
    ROW(ConfOpenpgp, "sha1-until", sha1_until, text),
    CHECK(check_sha1_until),
    ROWS_END,
};
static const Table table_openpgp = TABLE(ConfOpenpgp, openpgp_rows);

static void check_access(const Section *section, gpointer into) {
  (void)into;
  if (!section_has(section, "token-sha256") && !section_has(section, "certificate-sha256"))
    section_require(section, "token-sha256", "the digest of the token that shows who asks (or certificate-sha256)");
}

static const Row access_rows[] = {
    WHERE(ConfAccess),
    ROW(ConfAccess, "token-sha256", token_sha256, digests),
    ROW(ConfAccess, "certificate-sha256", certificate_sha256, digests),
    CHECK(check_access),
    ROWS_END,
};
const Table table_access = TABLE(ConfAccess, access_rows);

/* --- Partners and systems. */

static void check_partner(const Section *section, gpointer into) {
  const ConfPartner *partner = into;
  if (partner->endpoints->len == 0 && !partner->access.where.file && !section->node->damaged)
    section_error(section, NULL, "partner \"%s\" has no endpoint", partner->name);
}

static const Row partner_rows[] = {
    WHERE(ConfPartner),
    TITLE(ConfPartner),
    KEPT(ConfPartner, is_system, uint),
    SECTION(ConfPartner, "openpgp", openpgp, table_openpgp),
    SECTION(ConfPartner, "access", access, table_access, .elsewhere = TRUE),
    SECTIONS(ConfPartner, "endpoint", endpoints, table_endpoint),
    CHECK(check_partner),
    ROWS_END,
};
const Table table_partner = TABLE(ConfPartner, partner_rows);

static void begin_system(const Section *section, gpointer into) {
  (void)section;
  ((ConfPartner *)into)->is_system = TRUE;
}

static void check_system(const Section *section, gpointer into) {
  const ConfPartner *system = into;
  if (system->endpoints->len == 0 && !section->node->damaged)
    section_error(section, NULL, "system \"%s\" has no endpoint", system->name);
}

/* Freed and compared as partners are. */
static const Row system_rows[] = {
    WHERE(ConfPartner),  TITLE(ConfPartner),
    CHECK(begin_system), SECTIONS(ConfPartner, "endpoint", endpoints, table_endpoint),
    CHECK(check_system), ROWS_END,
};
const Table table_system = TABLE(ConfPartner, system_rows);
