/* What is put on the disk. A key or a configuration gets its name by a link when it is whole, and only where nothing
 * has that name: what was broken off leaves keys/.new or the draft, which the next time are made anew. */
#include "gateway/base/files.h"
#include "gateway/cli/init/init.h"
#include "gateway/common/run_command.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYGEN_SECONDS = 60 };

const char *init_service_user(void) {
  return geteuid() == 0 && getpwnam(INIT_SERVICE_USER) ? INIT_SERVICE_USER : NULL;
}

/* To the service's user, where there is one and we may. */
static gboolean give(const char *path, GError **error) {
  const struct passwd *user = init_service_user() ? getpwnam(INIT_SERVICE_USER) : NULL;
  return !user || chown(path, user->pw_uid, user->pw_gid) == 0 ||
         sallyport_error_errno(error, errno, "give %s to %s", path, INIT_SERVICE_USER);
}

/* With those above it that are missing: the service has to get through them. */
gboolean init_own_folder(const char *path, GError **error) {
  g_autofree char *above = g_path_get_dirname(path);
  return g_file_test(path, G_FILE_TEST_IS_DIR) ||
         (init_own_folder(above, error) && files_make_folder(path, error) && give(path, error));
}

static gboolean name_it(const char *from, const char *to, GError **error) {
  return (give(from, error) && link(from, to) == 0) || (error && *error) ||
         sallyport_error_errno(error, errno, "name %s", to);
}

/* The public half first: a private key with its name is all there. */
static gboolean name_pair(const char *made, const char *path, GError **error) {
  g_autofree char *public = g_strconcat(made, ".pub", NULL), *public_path = g_strconcat(path, ".pub", NULL);
  if (unlink(public_path) != 0 && errno != ENOENT)
    return sallyport_error_errno(error, errno, "remove %s", public_path);
  return name_it(public, public_path, error) && name_it(made, path, error);
}

static gboolean sync_file(const char *path, GError **error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", path);
  gboolean ok = files_sync(fd, path, error);
  close(fd);
  return ok;
}

static gboolean make_pair(const char *folder, const char *path, const char *comment, GError **error) {
  g_autofree char *place = g_build_filename(folder, ".new", NULL), *made = g_build_filename(place, "key", NULL),
                  *public = g_strconcat(made, ".pub", NULL);
  const char *const words[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", made, NULL};
  const CommandRun run = {.argv = (char *const *)words, .input = "", .seconds = KEYGEN_SECONDS, .cancel = -1};
  files_remove_folder(place);
  gboolean ok = files_make_folder(place, error) && command_run(&run, error) && sync_file(made, error) &&
                sync_file(public, error) && name_pair(made, path, error) && files_sync_folder(folder, error);
  files_remove_folder(place);
  return ok;
}

char *init_identity(const InitAnswers *answers, const char *configuration, gboolean *made, GError **error) {
  const char *answer = answers->texts[INIT_IDENTITY];
  *made = FALSE;
  if (g_strcmp0(answer, "make") != 0)
    return g_strdup(answer);
  g_autofree char *beside = g_path_get_dirname(configuration), *folder = g_build_filename(beside, "keys", NULL),
                  *name = g_strdup_printf("%s_ed25519", answers->texts[INIT_PARTNER]),
                  *path = g_build_filename(folder, name, NULL),
                  *comment = g_strdup_printf("sallyport for %s", answers->texts[INIT_PARTNER]);
  *made = TRUE;
  if (!init_own_folder(folder, error) || (access(path, F_OK) != 0 && !make_pair(folder, path, comment, error)))
    return NULL;
  return g_steal_pointer(&path);
}

gboolean init_draft(const char *draft, const char *text, GError **error) {
  g_autofree char *folder = g_path_get_dirname(draft), *name = g_path_get_basename(draft);
  return files_replace(folder, name, text, error) &&
         (chmod(draft, 0644) == 0 || sallyport_error_errno(error, errno, "change the mode of %s", draft));
}

gboolean init_publish(const char *draft, const char *configuration, GError **error) {
  g_autofree char *folder = g_path_get_dirname(configuration);
  if (link(draft, configuration) != 0)
    return sallyport_error_errno(error, errno, "write %s", configuration);
  return (unlink(draft) == 0 || sallyport_error_errno(error, errno, "remove %s", draft)) &&
         files_sync_folder(folder, error);
}
