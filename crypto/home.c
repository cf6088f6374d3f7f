#include "crypto/home.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "# Written by Sallyport"

/* Everything that GPGME cannot say on the command line. A first line other than MARK: the operator's own, left alone.
 */
static const char gpg_settings[] = MARK " when it is missing or older; a file with another first line is left alone.\n"
                                        "no-greeting\n"
                                        "trust-model always\n"
                                        "no-auto-check-trustdb\n"
                                        "disable-dirmngr\n"
                                        "no-auto-key-locate\n"
                                        "no-random-seed-file\n"
                                        "cipher-algo AES256\n"
                                        "compress-algo zlib\n"
                                        "compress-level 1\n"
                                        "personal-digest-preferences SHA512 SHA256\n";

/* auto-expand-secmem: without it a dozen operations at once fail for want of locked memory ("Cannot allocate memory").
 */
static const char agent_settings[] = MARK
    " when it is missing or older; a file with another first line is left alone.\n"
    "allow-loopback-pinentry\n"
    "auto-expand-secmem 65536\n"
    "listen-backlog 256\n"
    "disable-scdaemon\n"
    "no-allow-external-cache\n";

/* TRUE if the file is missing or ours and has other content than `wanted`. */
static gboolean is_due(const char *path, const char *wanted) {
  char now[1024];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT;
  ssize_t length = read(file, now, sizeof now);
  close(file);
  if (length < (ssize_t)strlen(MARK) || memcmp(now, MARK, strlen(MARK)) != 0)
    return FALSE;
  return (size_t)length != strlen(wanted) || memcmp(now, wanted, (size_t)length) != 0;
}

/* Two threads may do this at once: each writes a file of its own name and renames it. Not synced: a crash here costs
 * the next start the same work. */
static gboolean write_settings(const char *home, const char *name, const char *text, GError **error) {
  g_autofree char *path = g_build_filename(home, name, NULL);
  if (!is_due(path, text))
    return TRUE;
  g_autofree char *temporary = g_strdup_printf("%s/.%s.XXXXXX", home, name);
  int file = mkostemp(temporary, O_CLOEXEC);
  if (file < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "OpenPGP home %s: cannot write: %s", home,
                               g_strerror(errno));
  gboolean ok = files_write_all(file, text, strlen(text), error);
  close(file);
  if (ok && rename(temporary, path) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s to %s", temporary, path);
  if (!ok)
    unlink(temporary);
  return ok;
}

gboolean openpgp_prepare_home(const char *home, GError **error) {
  struct stat status;
  if (!files_make_folder(home, error))
    return FALSE;
  if (stat(home, &status) == 0 && (status.st_mode & 077) && chmod(home, 0700) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "OpenPGP home %s is open to others and cannot be closed: %s", home, g_strerror(errno));
  return write_settings(home, "gpg.conf", gpg_settings, error) &&
         write_settings(home, "gpg-agent.conf", agent_settings, error);
}

void home_prepare_quietly(const char *home) {
  g_autoptr(GError) unheard = NULL;
  if (write_settings(home, "gpg.conf", gpg_settings, &unheard))
    (void)!write_settings(home, "gpg-agent.conf", agent_settings, &unheard);
}

gboolean home_keeps_secret_of(const char *home, gpgme_key_t key) {
  for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
    g_autofree char *path = subkey->keygrip ? g_strdup_printf("%s/private-keys-v1.d/%s.key", home, subkey->keygrip)
                                            : NULL;
    if (path && !subkey->secret && access(path, F_OK) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean home_gpg_vouches_for_aead(void) {
  int major = 0, minor = 0;
  gpgme_engine_info_t engine = NULL;
  if (gpgme_get_engine_info(&engine) != 0)
    return FALSE;
  while (engine && engine->protocol != GPGME_PROTOCOL_OpenPGP)
    engine = engine->next;
  return engine && engine->version && sscanf(engine->version, "%d.%d", &major, &minor) == 2 &&
         (major > 2 || (major == 2 && minor >= 3));
}
