/* Our own OpenPGP keys, each used once as a file would use it: what is sealed to it and signed by it is opened again.
 * So a passphrase that does not fit is found before the first file comes.
 *
 * gpg-agent remembers a passphrase for some minutes: one that was right until now may still do here after its file was
 * changed, as it does for files. */
#include "gateway/check/check_private.h"
#include "gateway/common/paths.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEADLINE = 60 };

/* Of one partner: usable keys; NULL where there is none to be tried. */
typedef struct {
  const ConfPartner *partner;
  const char *decrypt_with, *sign_with;
} OwnKeys;

static gboolean is_usable(const KeyUse *use) {
  return use->condition <= KEY_ENDS_SOON && use->key && use->key->has_secret;
}

static OwnKeys own_keys(const ConfPartner *partner, const GPtrArray *uses) {
  OwnKeys own = {.partner = partner};
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    if (use->partner != partner || !is_usable(use))
      continue;
    if (use->purpose == KEY_DECRYPT_WITH)
      own.decrypt_with = use->fingerprint;
    if (use->key->can_sign && (use->purpose == KEY_SIGN_WITH || (use->purpose == KEY_DECRYPT_WITH && !own.sign_with)))
      own.sign_with = use->fingerprint;
  }
  return own;
}

static gssize give_text(gpointer user, void *into, gsize limit, GError **error) {
  gboolean *given = user;
  static const char text[] = "sallyport check";
  (void)error;
  if (*given || limit < sizeof text)
    return 0;
  *given = TRUE;
  memcpy(into, text, sizeof text);
  return sizeof text;
}

/* *what: the key that failed. */
static gboolean try_keys(const ConfNode *node, const OwnKeys *own, int sealed, int opened, const char **what,
                         GError **error) {
  const char *passphrase = secret_path(own->partner->openpgp.passphrase_file);
  const char *recipients[] = {own->decrypt_with, NULL}, *signers[] = {own->sign_with, NULL};
  gboolean is_given = FALSE;
  OpenpgpSealed made;
  OpenpgpOpened found;
  OpenpgpSealOptions seal = {.home = node->gnupg_home,
                             .encrypt_to = recipients,
                             .sign_with = own->sign_with,
                             .passphrase_file = passphrase,
                             .deadline = DEADLINE};
  OpenpgpOpenOptions open = {
      .home = node->gnupg_home, .signed_by = signers, .passphrase_file = passphrase, .deadline = DEADLINE};
  *what = own->sign_with;
  if (!own->decrypt_with)
    return openpgp_sign_detached(&seal, give_text, &is_given, sealed, &made, error);
  if (!openpgp_seal(&seal, give_text, &is_given, sealed, &made, error))
    return FALSE;
  *what = own->decrypt_with;
  return openpgp_open(&open, sealed, opened, &found, error); /* whatever the verdict: it was opened */
}

static void check_own(const ConfNode *node, const OwnKeys *own, ConfReport *report) {
  const ConfOpenpgp *openpgp = &own->partner->openpgp;
  g_autoptr(GError) error = NULL;
  const char *what = NULL;
  int sealed = memfd_create("sealed", MFD_CLOEXEC), opened = memfd_create("opened", MFD_CLOEXEC);
  gboolean ok = sealed < 0 || opened < 0 || try_keys(node, own, sealed, opened, &what, &error);
  if (sealed >= 0)
    close(sealed);
  if (opened >= 0)
    close(opened);
  if (ok || sallyport_error_code(error) != SALLYPORT_ERROR_CONFIGURATION)
    return;
  g_autofree char *with = openpgp->passphrase_file
                              ? g_strdup_printf(" with the passphrase in \"%s\"", openpgp->passphrase_file)
                              : g_strdup("");
  conf_report_error(report, openpgp->where, "partner %s: our key %s cannot be used%s: %s", own->partner->name, what,
                    with, error->message);
}

/* Partners share keys. */
void check_unlocking(const Conf *conf, const GPtrArray *uses, ConfReport *report) {
  g_autoptr(GHashTable) tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = conf->partners->pdata[i];
    const char *configured = partner->openpgp.passphrase_file, *passphrase = secret_path(configured);
    OwnKeys own = own_keys(partner, uses);
    if (!own.sign_with || (passphrase && access(passphrase, R_OK) != 0)) /* told already, or only the service sees it */
      continue;
    char *key = g_strdup_printf("%s %s %s", own.sign_with, own.decrypt_with ? own.decrypt_with : "",
                                passphrase ? passphrase : "");
    if (g_hash_table_add(tried, key))
      check_own(&conf->node, &own, report);
  }
}
