/* A local drop folder. It may belong to somebody who wishes us ill: each path is resolved beneath the folder without
 * any link (openat2), files are regular and have one name only, and what is checked is the descriptor that is then
 * copied. */
#include "gateway/base/files.h"
#include "transfer/caged/driver.h"
#include "transfer/caged/sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE (1u << 20)
#define NAMES_AT_ONCE 65536u
#define RENAME_NOREPLACE_ 1u

typedef struct {
  Driver base;
  int root;
} Local;

/* The one place where a local folder's errno becomes ours: it is a partner's place, not our store. */
static gboolean local_error(GError **error, int number, const char *doing, const char *path) {
  g_autofree char *shown = files_show_bytes(path, strlen(path), 0);
  SallyportErrorCode code = SALLYPORT_ERROR_PARTNER;
  const char *hint = "";
  switch (number) {
  case ENOSPC:
  case EDQUOT:
  case EIO:
  case EAGAIN:
  case EINTR:
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case ESTALE:
  case ETIMEDOUT:
    code = SALLYPORT_ERROR_AGAIN;
    break;
  case ENOSYS:
    code = SALLYPORT_ERROR_CONFIGURATION;
    hint = " (local folders need Linux 5.6 or later)";
    break;
  case ELOOP:
  case EXDEV:
    hint = " (links and paths out of the folder are refused)";
    break;
  }
  return sallyport_error_set(error, code, "%s %s: %s%s", doing, shown, g_strerror(number), hint);
}

/* -1 with errno. */
static int open_beneath(int root, const char *path, guint64 flags, guint64 mode) {
  struct open_how how = {.flags = flags | O_CLOEXEC,
                         .mode = mode,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  long made;
  path += strspn(path, "/");
  do /* EAGAIN: something above it was renamed while it was resolved */
    made = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
  while (made < 0 && (errno == EINTR || errno == EAGAIN));
  return (int)made;
}

/* The folder that holds `path`, opened, and the name in it. */
static int open_parent(const Local *local, const char *path, const char **name, GError **error) {
  const char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  g_autofree char *folder = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
  if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s does not name a file", path);
    return -1;
  }
  int made = open_beneath(local->root, folder, O_RDONLY | O_DIRECTORY, 0);
  if (made < 0)
    local_error(error, errno, "open the folder of", path);
  return made;
}

/* Regular and with one name: a second hard link could be somebody else's file, or change under us. */
static gboolean check_regular(int fd, const char *path, struct stat *about, GError **error) {
  if (caged_fstat(fd, about) != 0)
    return local_error(error, errno, "look at", path);
  if (!S_ISREG(about->st_mode))
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s: not a regular file", path);
  if (about->st_nlink != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s: has %lu names (hard links are refused)", path,
                               (gulong)about->st_nlink);
  return TRUE;
}

/* By opening it: a stat by name is not allowed in the cage. FALSE: it has gone meanwhile. */
static gboolean look_in(int folder, const char *name, struct stat *about) {
  int opened = open_beneath(folder, name, O_PATH | O_NOFOLLOW, 0);
  gboolean ok = opened >= 0 && caged_fstat(opened, about) == 0;
  if (opened >= 0)
    close(opened);
  return ok;
}

static gboolean take_entry(int folder, const struct dirent64 *each, const DriverSink *sink) {
  struct stat about;
  if (!look_in(folder, each->d_name, &about))
    return TRUE;
  const WireEntry entry = {.name = (const guint8 *)each->d_name,
                           .name_length = strlen(each->d_name),
                           .modified = about.st_mtime,
                           .size = (guint64)about.st_size,
                           .is_file = S_ISREG(about.st_mode) && about.st_nlink == 1,
                           .is_link = S_ISLNK(about.st_mode)};
  return sink->take(sink->user, &entry);
}

/* Not by readdir(): the C library looks at the folder by a call that the cage does not have. */
static gboolean local_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error) {
  int opened = open_beneath(((Local *)driver)->root, folder, O_RDONLY | O_DIRECTORY, 0);
  if (opened < 0)
    return local_error(error, errno, "list", folder);
  g_autofree char *entries = g_malloc(NAMES_AT_ONCE);
  gboolean more = TRUE;
  ssize_t length = 1;
  while (more && (length = getdents64(opened, entries, NAMES_AT_ONCE)) > 0)
    for (ssize_t at = 0; more && at < length;) {
      const struct dirent64 *each = (const void *)(entries + at);
      more = take_entry(opened, each, sink);
      at += each->d_reclen;
    }
  int number = errno;
  close(opened);
  return length >= 0 || local_error(error, number, "list", folder);
}

static gboolean local_stat(Driver *driver, const char *path, CourierStat *stat, GError **error) {
  struct stat about;
  *stat = (CourierStat){0};
  int opened = open_beneath(((Local *)driver)->root, path, O_PATH | O_NOFOLLOW, 0);
  if (opened < 0)
    return errno == ENOENT || errno == ENOTDIR || local_error(error, errno, "look at", path);
  gboolean ok = caged_fstat(opened, &about) == 0 || local_error(error, errno, "look at", path);
  close(opened);
  if (ok)
    *stat = (CourierStat){.exists = TRUE,
                          .is_file = S_ISREG(about.st_mode) && about.st_nlink == 1,
                          .size = (guint64)about.st_size,
                          .modified = about.st_mtime};
  return ok;
}

typedef struct {
  int from, to;
  guint64 at, most;
  gboolean is_piped; /* `to` is a pipe to the lane */
} Copy;

/* 0: the end, or not between these two. */
static gssize copy_in_kernel(const Copy *copy, gsize wanted) {
  loff_t from = (loff_t)copy->at, to = from;
  ssize_t done = copy->is_piped ? splice(copy->from, &from, copy->to, NULL, wanted, 0)
                                : copy_file_range(copy->from, &from, copy->to, &to, wanted, 0);
  return MAX(done, 0);
}

/* One piece: in the kernel where it can, else through a buffer. 0 at the end, -1 with errno; *writing tells whose it
 * is. */
static gssize copy_piece(const Copy *copy, guint8 **buffer, gboolean *writing) {
  gsize wanted = (gsize)MIN(copy->most, PIECE);
  *writing = FALSE;
  if (!*buffer) {
    gssize done = copy_in_kernel(copy, wanted);
    if (done > 0)
      return done;
    *buffer = g_malloc(PIECE); /* the plain way tells which */
  }
  ssize_t length = pread(copy->from, *buffer, wanted, (off_t)copy->at);
  *writing = length > 0;
  for (ssize_t written = 0; written < length;) {
    const guint8 *rest = *buffer + written;
    ssize_t done = copy->is_piped ? write(copy->to, rest, (gsize)(length - written))
                                  : pwrite(copy->to, rest, (gsize)(length - written), (off_t)copy->at + written);
    if (done < 0 && errno != EINTR)
      return -1;
    written += done > 0 ? done : 0;
  }
  return length;
}

/* Copies to the source's end, or `most` bytes. A failure on our side of the copy is judged as ours, one on the other
 * side as the partner's. */
static gboolean copy_file(Local *local, Copy *copy, const char *path, gboolean from_partner, GError **error) {
  g_autofree guint8 *buffer = NULL;
  const DriverHost *host = local->base.host;
  while (copy->most > 0) {
    gboolean writing;
    gssize done = copy_piece(copy, &buffer, &writing);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0 && writing == from_partner)
      return sallyport_error_errno(error, errno, "copy %s", path);
    if (done < 0)
      return local_error(error, errno, "copy", path);
    if (done == 0)
      return TRUE;
    copy->at += (guint64)done;
    copy->most -= (guint64)done;
    if (!host->progress(host->user, copy->at)) {
      local->base.lost = TRUE;
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
    }
  }
  return TRUE;
}

static gboolean get_opened(Local *local, int opened, const DriverTransfer *get, guint64 *end, GError **error) {
  struct stat before, after;
  if (!check_regular(opened, get->path, &before, error))
    return FALSE;
  if ((guint64)before.st_size > get->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "get %s: it has %lld bytes, allowed are %" G_GUINT64_FORMAT, get->path,
                               (long long)before.st_size, get->size);
  if ((guint64)before.st_size < get->offset)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                               "get %s: it has shrunk to %lld bytes, before where to resume", get->path,
                               (long long)before.st_size);
  Copy copy = {.from = opened,
               .to = get->fd,
               .at = get->offset,
               .most = (guint64)before.st_size - get->offset,
               .is_piped = TRUE};
  if (!copy_file(local, &copy, get->path, TRUE, error))
    return FALSE;
  *end = copy.at;
  if (caged_fstat(opened, &after) != 0)
    return local_error(error, errno, "look at", get->path);
  if (after.st_size == before.st_size && (guint64)after.st_size == *end &&
      after.st_mtim.tv_sec == before.st_mtim.tv_sec && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "get %s: changed while it was read", get->path);
}

static gboolean local_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error) {
  Local *local = (Local *)driver;
  int opened = open_beneath(local->root, get->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0); /* a FIFO would block */
  if (opened < 0)
    return local_error(error, errno, "open", get->path);
  gboolean ok = get_opened(local, opened, get, end, error);
  close(opened);
  return ok;
}

static gboolean put_opened(Local *local, int opened, const DriverTransfer *put, GError **error) {
  struct stat about;
  if (!check_regular(opened, put->path, &about, error))
    return FALSE;
  if (put->offset == 0 && ftruncate(opened, 0) != 0) /* not O_TRUNC: what has two names must not lose its content */
    return local_error(error, errno, "truncate", put->path);
  if (put->offset > 0 && ((guint64)about.st_size < put->offset || (guint64)about.st_size > put->size))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "put %s: the partial upload has %lld bytes: begin anew",
                               put->path, (long long)about.st_size);
  Copy copy = {.from = put->fd, .to = opened, .at = put->offset, .most = put->size - put->offset};
  if (!copy_file(local, &copy, put->path, FALSE, error))
    return FALSE;
  if (copy.most > 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "put %s: the local file is shorter than was said",
                               put->path);
  if (fsync(opened) != 0)
    return local_error(error, errno, "fsync", put->path);
  if (caged_fstat(opened, &about) != 0 || (guint64)about.st_size != put->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "put %s: it does not have the size that was written",
                               put->path);
  return TRUE;
}

static gboolean local_put(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error) {
  Local *local = (Local *)driver;
  if (put->offset > put->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "put %s: resumes beyond its end", put->path);
  int opened = open_beneath(local->root, put->path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0666);
  if (opened < 0)
    return local_error(error, errno, "create", put->path);
  gboolean ok = put_opened(local, opened, put, error);
  close(opened);
  *there = TRUE;
  return ok;
}

typedef struct {
  int from, to;
  const char *old, *new;
} LocalMove;

/* 0 or an errno. Where the file system cannot refuse an existing target by itself, a second name does: a crash between
 * the two calls leaves both names, one file, and the caller's next look finds the new one. */
static int move(const LocalMove *names, gboolean replace) {
  if (syscall(SYS_renameat2, names->from, names->old, names->to, names->new, replace ? 0 : RENAME_NOREPLACE_) == 0)
    return 0;
  if (replace || errno != EINVAL)
    return errno;
  if (linkat(names->from, names->old, names->to, names->new, 0) != 0)
    return errno;
  return unlinkat(names->from, names->old, 0) == 0 ? 0 : errno;
}

static gboolean move_durably(const LocalMove *names, const CourierRename *wanted, GError **error) {
  int number = move(names, wanted->if_exists == COURIER_TARGET_REPLACE);
  if (number == EEXIST)
    return driver_target_exists(wanted->to, error);
  if (number != 0)
    return local_error(error, number, "rename", wanted->from);
  if (fsync(names->to) == 0 && fsync(names->from) == 0)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_UNCERTAIN, "rename to %s: done, but fsync of the folder failed: %s",
                             wanted->to, g_strerror(errno));
}

static gboolean local_rename(Driver *driver, const CourierRename *wanted, GError **error) {
  LocalMove names = {.from = -1, .to = -1};
  names.from = open_parent((Local *)driver, wanted->from, &names.old, error);
  if (names.from < 0)
    return FALSE;
  names.to = open_parent((Local *)driver, wanted->to, &names.new, error);
  gboolean ok = names.to >= 0 && move_durably(&names, wanted, error);
  close(names.from);
  if (names.to >= 0)
    close(names.to);
  return ok;
}

static gboolean local_remove(Driver *driver, const char *path, GError **error) {
  const char *name;
  int folder = open_parent((Local *)driver, path, &name, error);
  if (folder < 0)
    return FALSE; /* a missing folder is a mistake in the path, not a file that has gone already */
  gboolean ok = unlinkat(folder, name, 0) == 0 || errno == ENOENT || local_error(error, errno, "remove", path);
  close(folder);
  return ok;
}

static gboolean local_make_folder(Driver *driver, const char *path, GError **error) {
  const char *name;
  struct stat about;
  int folder = open_parent((Local *)driver, path, &name, error);
  if (folder < 0)
    return FALSE;
  int number = mkdirat(folder, name, 0777) == 0 ? 0 : errno;
  if (number == EEXIST && look_in(folder, name, &about) && S_ISDIR(about.st_mode))
    number = 0;
  if (number == 0 && fsync(folder) != 0)
    number = errno;
  close(folder);
  return number == 0 || local_error(error, number, "make folder", path);
}

static gboolean local_idle(Driver *driver) {
  (void)driver;
  return TRUE;
}

static void local_close(Driver *driver) {
  close(((Local *)driver)->root);
  g_free(driver->description);
  g_free(driver);
}

static const DriverOperations local_operations = {
    .list = local_list,
    .stat = local_stat,
    .get = local_get,
    .put = local_put,
    .rename = local_rename,
    .remove = local_remove,
    .make_folder = local_make_folder,
    .idle = local_idle,
    .close = local_close,
};

Driver *driver_local_open(const DriverHost *host, const WireMessage *open_message, GError **error) {
  g_autofree char *folder = wire_string(open_message->folder), *cage = NULL;
  /* the operator's own path: links in it are the operator's */
  int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "folder %s: %s", folder, g_strerror(errno));
    return NULL;
  }
  if (!sandbox_enter(&(SandboxPlan){.folder = root}, &cage, error)) {
    close(root);
    return NULL;
  }
  Local *local = g_new0(Local, 1);
  local->root = root;
  local->base = (Driver){.operations = &local_operations,
                         .host = host,
                         .descriptor = -1,
                         .description = g_strdup_printf("local folder %s, %s", folder, cage)};
  return &local->base;
}
