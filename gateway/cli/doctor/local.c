/* A folder of this machine: who may change it, on what it lies, and whether changes are told. */
#include "gateway/cli/doctor/doctor.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* File systems on which somebody else's changes raise no notice here (statfs(2)). */
static const struct {
  guint64 type;
  const char *name;
} remote_types[] = {
    {0x6969, "NFS"},      {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"}, {0x517b, "SMB"},
    {0x65735546, "FUSE"}, {0x01021997, "9P"},   {0x00c36400, "Ceph"},
};

static char *name_of_user(uid_t uid) {
  const struct passwd *user = getpwuid(uid);
  return user ? g_strdup(user->pw_name) : g_strdup_printf("user %u", uid);
}

static char *name_of_group(gid_t gid) {
  const struct group *group = getgrgid(gid);
  return group ? g_strdup(group->gr_name) : g_strdup_printf("group %u", gid);
}

static void tell_owner(Doctor *doctor, const char *path, const struct stat *about) {
  g_autofree char *user = name_of_user(about->st_uid), *group = name_of_group(about->st_gid);
  gboolean open_to_all = (about->st_mode & S_IWOTH) != 0;
  doctor_find(doctor, open_to_all && !(about->st_mode & S_ISVTX) ? DOCTOR_WARNING : DOCTOR_OK, "owner",
              open_to_all ? "chmod o-w: everybody on this machine can put files there, or take them away" : NULL,
              "%s: %s:%s, mode %04o", path, user, group, about->st_mode & 07777u);
}

static void tell_access(Doctor *doctor, const char *path) {
  if (access(path, R_OK | W_OK | X_OK) == 0) {
    doctor_find(doctor, DOCTOR_OK, "access", NULL, "%s: may be read and written", path);
    return;
  }
  gboolean readable = access(path, R_OK | X_OK) == 0;
  doctor_find(doctor, readable ? DOCTOR_WARNING : DOCTOR_PROBLEM, "access",
              "chown, chmod or setfacl, for the gateway's user", "%s: %s", path,
              readable ? "may be read, but not written: files can neither be archived nor deleted there"
                       : g_strerror(errno));
}

static void tell_file_system(Doctor *doctor, const char *path) {
  struct statfs about;
  if (statfs(path, &about) != 0)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS(remote_types); i++)
    if (remote_types[i].type == ((guint64)about.f_type & 0xffffffffu)) {
      doctor_find(doctor, DOCTOR_NOTE, "file-system", "every: as short as a file may wait",
                  "%s: %s: changes from elsewhere raise no notice, only the polls see them", path,
                  remote_types[i].name);
      return;
    }
  int notices = inotify_init1(IN_CLOEXEC);
  gboolean ok = notices >= 0 && inotify_add_watch(notices, path, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0;
  int number = errno;
  if (notices >= 0)
    close(notices);
  if (ok)
    doctor_find(doctor, DOCTOR_OK, "file-system", NULL, "%s: changes are noticed at once (inotify)", path);
  else
    doctor_find(doctor, DOCTOR_WARNING, "file-system",
                "sysctl fs.inotify.max_user_instances, fs.inotify.max_user_watches", "%s: no notices of changes: %s",
                path, g_strerror(number));
}

/* Files are moved to their archive and to their final names by rename, which does not leave a file system. */
static void tell_same_device(Doctor *doctor) {
  for (guint i = 0; i < doctor->conf->lanes->len; i++) {
    const ConfLane *lane = doctor->conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      if (strcmp(feed->partner, doctor->partner->name) != 0 ||
          strcmp(feed->source.endpoint, doctor->settings->name) != 0)
        continue;
      g_autofree char *source = g_build_filename(doctor->endpoint.folder, feed->source.path, NULL);
      g_autofree char *archive = feed->source.archive
                                     ? g_build_filename(doctor->endpoint.folder, feed->source.archive, NULL)
                                     : g_build_filename(source, "archive", NULL);
      struct stat from, to;
      if (feed->source.after == CONF_AFTER_ARCHIVE && stat(source, &from) == 0 && stat(archive, &to) == 0 &&
          from.st_dev != to.st_dev)
        doctor_find(doctor, DOCTOR_PROBLEM, "file-system", "archive: a folder of the same file system",
                    "feed %s: %s and %s are on different file systems", feed->name, source, archive);
    }
  }
}

gboolean doctor_local(Doctor *doctor) {
  struct stat about;
  const char *root = doctor->endpoint.folder;
  int number = stat(root, &about) != 0 ? errno : S_ISDIR(about.st_mode) ? 0 : ENOTDIR;
  if (number != 0) {
    doctor_find(doctor, DOCTOR_PROBLEM, "folder", "url, or make the folder", "%s: %s", root, g_strerror(number));
    return FALSE;
  }
  tell_owner(doctor, root, &about);
  tell_access(doctor, root);
  tell_file_system(doctor, root);
  tell_same_device(doctor);
  return TRUE;
}
