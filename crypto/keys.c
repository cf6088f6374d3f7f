/* The key ring as the operator and the gateway's expiry alarm see it; start, and the end of the agent. */
#include "crypto/gpg.h"
#include "crypto/home.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LEAST_GPGME "1.18.0"
#define LEAST_GPG "2.2.27"
/* the supervisor waits for it at a reload, and must go on before its watchdog and an end run out */
#define LISTING_DEADLINE 15

static gboolean is_silent(gpgme_engine_info_t engine) {
  return !engine->version || g_str_equal(engine->version, "1.0.0");
}

/* GPGME asks gpg for its version once in the life of a process, keeps what it heard, and takes 1.0.0 for silence: gpg
 * was killed, or there was no memory for it. Then it is asked once more. NULL: gpgconf, which is asked first, knew no
 * gpg. */
static gpgme_engine_info_t find_engine(void) {
  gpgme_engine_info_t engine = NULL;
  for (guint tries = 0; tries < 2; tries++) {
    if (gpgme_get_engine_info(&engine) != 0)
      return NULL;
    while (engine && engine->protocol != GPGME_PROTOCOL_OpenPGP)
      engine = engine->next;
    if (!engine || !is_silent(engine) || !engine->file_name)
      return engine;
    g_autofree char *program = g_strdup(engine->file_name);
    (void)gpgme_set_engine_info(GPGME_PROTOCOL_OpenPGP, program, NULL);
  }
  return engine;
}

/* What is there and gives no answer is not missing: the next start, or the next process, may get one. */
static gboolean no_answer(gpgme_engine_info_t engine, GError **error) {
  g_autofree char *found = engine ? NULL : g_find_program_in_path("gpg");
  const char *program = engine && engine->file_name ? engine->file_name : found;
  if (program && g_file_test(program, G_FILE_TEST_IS_EXECUTABLE))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "%s is there, but %s gave no answer when asked for the version: killed, or no memory",
                               program, engine ? "it" : "gpgconf");
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "gpg is missing: install GnuPG %s or newer",
                             LEAST_GPG);
}

/* gpg's log is read where it says nothing else (verdict.c), so gpg is to speak English. */
gboolean openpgp_start(GError **error) {
  (void)g_setenv("LC_ALL", "C.UTF-8", TRUE);
  if (!gpgme_check_version(LEAST_GPGME))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "GPGME %s is older than " LEAST_GPGME,
                               gpgme_check_version(NULL));
  gpgme_engine_info_t engine = find_engine();
  if (!engine || is_silent(engine))
    return no_answer(engine, error);
  int major = 0, minor = 0, patch = 0;
  if (sscanf(engine->version, "%d.%d.%d", &major, &minor, &patch) < 2 || major < 2 || (major == 2 && minor < 2) ||
      (major == 2 && minor == 2 && patch < 27))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "gpg %s is older than " LEAST_GPG,
                               engine->version);
  return TRUE;
}

void openpgp_key_free(OpenpgpKey *key) {
  if (!key)
    return;
  g_free(key->user_id);
  g_strfreev(key->subkeys);
  g_free(key);
}

/* A use lasts as long as the last of the keys that can serve it, and at the latest as long as the primary key, on which
 * all hang; 0: for ever. */
static gint64 use_ends(gpgme_key_t key, gboolean signing) {
  gint64 ends = -1, primary = (gint64)key->subkeys->expires;
  for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
    if (!(signing ? subkey->can_sign : subkey->can_encrypt) || subkey->revoked || subkey->disabled || subkey->invalid)
      continue;
    if (subkey->expires == 0)
      return primary;
    ends = MAX(ends, (gint64)subkey->expires);
  }
  return primary && (ends < 0 || primary < ends) ? primary : MAX(ends, 0);
}

static char **fingerprints_of_subkeys(gpgme_key_t from) {
  GPtrArray *fingerprints = g_ptr_array_new();
  for (gpgme_subkey_t subkey = from->subkeys->next; subkey; subkey = subkey->next)
    if (subkey->fpr)
      g_ptr_array_add(fingerprints, g_strdup(subkey->fpr));
  g_ptr_array_add(fingerprints, NULL);
  return (char **)g_ptr_array_free(fingerprints, FALSE);
}

static OpenpgpKey *describe_key(gpgme_key_t from) {
  OpenpgpKey *key = g_new0(OpenpgpKey, 1);
  gpgme_subkey_t primary = from->subkeys;
  const char *user_id = from->uids && from->uids->uid ? from->uids->uid : "";
  char *algorithm = gpgme_pubkey_algo_string(primary);
  g_strlcpy(key->fingerprint, primary->fpr ? primary->fpr : "", sizeof key->fingerprint);
  g_strlcpy(key->algorithm, algorithm ? algorithm : "", sizeof key->algorithm);
  gpgme_free(algorithm);
  key->user_id = files_show_bytes(user_id, strlen(user_id), 0);
  key->subkeys = fingerprints_of_subkeys(from);
  key->created = (gint64)primary->timestamp;
  key->sign_ends = use_ends(from, TRUE);
  key->encrypt_ends = use_ends(from, FALSE);
  key->state = from->revoked                     ? OPENPGP_KEY_REVOKED
               : from->expired                   ? OPENPGP_KEY_EXPIRED
               : from->disabled || from->invalid ? OPENPGP_KEY_DISABLED
                                                 : OPENPGP_KEY_VALID;
  key->can_sign = from->can_sign;
  key->can_encrypt = from->can_encrypt;
  for (gpgme_subkey_t subkey = primary; subkey; subkey = subkey->next)
    key->has_secret |= subkey->secret;
  return key;
}

/* A listing that gpg broke off has nothing to do with the keys: only what gpg itself lacks is for a person. */
static SallyportErrorCode listing_failed(gpgme_error_t outcome) {
  SallyportErrorCode code;
  return gpg_error_is_ours(outcome, &code) ? code : SALLYPORT_ERROR_AGAIN;
}

GPtrArray *openpgp_keys(const char *home, GError **error) {
  g_autoptr(GPtrArray) listed = g_ptr_array_new_with_free_func((GDestroyNotify)gpgme_key_unref);
  GpgRunOptions options = {.home = home, .deadline = LISTING_DEADLINE, .keys = listed};
  g_autoptr(GpgRun) run = gpg_run_new(&options, error);
  gpgme_error_t outcome = 0;
  if (!run)
    return NULL;
  gpgme_set_keylist_mode(gpg_run_context(run),
                         GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_SECRET | GPGME_KEYLIST_MODE_WITH_KEYGRIP);
  if (!gpg_run_wait(run, gpgme_op_keylist_start(gpg_run_context(run), NULL, 0), &outcome, error))
    return NULL;
  if (outcome) {
    sallyport_error_set(error, listing_failed(outcome), "keys of %s: %s", home, gpgme_strerror(outcome));
    return NULL;
  }
  for (guint i = 0; i < listed->len; i++)
    if (home_keeps_secret_of(home, listed->pdata[i])) {
      sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                          "gpg-agent for %s does not answer, so its secret keys cannot be told: is its disk full, or "
                          "memory short?",
                          home);
      return NULL;
    }
  GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)openpgp_key_free);
  for (guint i = 0; i < listed->len; i++)
    if (((gpgme_key_t)listed->pdata[i])->subkeys)
      g_ptr_array_add(keys, describe_key(listed->pdata[i]));
  return keys;
}

static gboolean answers(const char *home) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = g_snprintf(address.sun_path, sizeof address.sun_path, "%s/S.gpg-agent", home);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean there = fd >= 0 && length < (int)sizeof address.sun_path &&
                   connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  if (fd >= 0)
    close(fd);
  return there;
}

static gboolean ignore_output(gpointer user, const void *bytes, gsize length) {
  (void)user, (void)bytes, (void)length;
  return TRUE;
}

/* By gpgconf, which knows where the sockets are (in the home, or in /run/user) and starts no agent to end one. An agent
 * that was told to end still takes a moment over it; the next gpg would talk to it in vain, so that is waited for. */
void openpgp_stop_agent(const char *home) {
  g_autoptr(GError) unheard = NULL;
  const char *program = gpgme_get_dirinfo("gpgconf-name");
  const char *arguments[] = {"gpgconf", "--homedir", home, "--kill", "all", NULL};
  GpgRunOptions options = {.home = home, .deadline = 10, .other_program = TRUE, .sink = ignore_output};
  gpgme_error_t outcome;
  if (!program || !g_file_test(home, G_FILE_TEST_IS_DIR))
    return;
  g_autoptr(GpgRun) run = gpg_run_new(&options, &unheard);
  if (!run ||
      !gpg_run_wait(run,
                    gpgme_op_spawn_start(gpg_run_context(run), program, arguments, NULL, gpg_run_output(run), NULL, 0),
                    &outcome, &unheard))
    return;
  for (int i = 0; i < 100 && answers(home); i++)
    g_usleep(10 * 1000);
}
