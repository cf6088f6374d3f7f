#include "gateway/recon/folder.h"
#include "gateway/base/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_plain(int folder, const char *name, struct stat *status) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode))) {
    close(fd);
    errno = EINVAL;
    return -1;
  }
  return fd;
}

static gboolean digests_of(int fd, ShardLook look, char **sha256, char **md5, GError **error) {
  guint8 ours[DIGEST_SHA256_SIZE], theirs[DIGEST_MD5_SIZE];
  gboolean ok = look == LOOK_BOTH ? digest_file_both(fd, ours, theirs, error)
                                  : digest_file_sha256(fd, 0, G_MAXUINT64, ours, NULL, error);
  *sha256 = ok ? digest_hex(ours, sizeof ours) : NULL;
  *md5 = ok && look == LOOK_BOTH ? digest_hex(theirs, sizeof theirs) : NULL;
  return ok;
}

gboolean recon_folder_is_right(int fd, const ReconManifestShard *shard, ShardLook look, char **problem) {
  g_autofree char *sha256 = NULL, *md5 = NULL;
  g_autoptr(GError) error = NULL;
  struct stat status;
  *problem = NULL;
  if (fstat(fd, &status) != 0)
    *problem = g_strdup(g_strerror(errno));
  else if ((guint64)status.st_size != shard->size)
    *problem = g_strdup_printf("it has %" G_GUINT64_FORMAT " bytes, not the manifest's %" G_GUINT64_FORMAT,
                               (guint64)status.st_size, shard->size);
  else if (!digests_of(fd, look, &sha256, &md5, &error))
    *problem = g_strdup(error->message);
  else if (strcmp(sha256, shard->sha256) != 0)
    *problem = g_strdup("its SHA-256 is not the manifest's");
  else if (md5 && strcmp(md5, shard->md5) != 0)
    *problem = g_strdup("its MD5 is not the manifest's");
  return *problem == NULL;
}

ShardState recon_folder_look(int folder, const ReconManifestShard *shard, ShardLook look, int *fd, char **problem) {
  struct stat status;
  *problem = NULL;
  *fd = open_plain(folder, shard->name, &status);
  if (*fd < 0 && errno == ENOENT)
    return SHARD_MISSING;
  if (*fd < 0)
    *problem = g_strdup(g_strerror(errno));
  else if (recon_folder_is_right(*fd, shard, look, problem))
    return SHARD_WHOLE;
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
  return SHARD_CORRUPT;
}

/* --- All shards, and the one file made of them */

typedef struct {
  FILE *out;
  char *temporary;
  int fd;
} Join;

static gboolean join_begin(Join *join, const char *path, GError **error) {
  *join = (Join){.fd = -1};
  if (!path)
    return TRUE;
  join->temporary = g_strconcat(path, ".part", NULL);
  join->fd = open(join->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  return join->fd >= 0 || sallyport_error_errno(error, errno, "make %s", join->temporary);
}

/* Durable under its name, or not there: a joined file that is short would look like a whole one. */
static gboolean join_end(Join *join, const char *path, gboolean is_good, GError **error) {
  gboolean ok = is_good;
  if (join->fd >= 0) {
    g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;
    ok = ok && files_sync(join->fd, join->temporary, error);
    close(join->fd);
    if (ok && rename(join->temporary, path) != 0)
      ok = sallyport_error_errno(error, errno, "rename %s", join->temporary);
    if (!ok)
      unlink(join->temporary);
    ok = ok && files_sync_folder(folder, error);
  }
  g_free(join->temporary);
  return ok;
}

static gboolean check_records(const ReconManifest *manifest, const ReconManifestShard *shard,
                              const ReconFolderCheck *check, const Join *join, int fd, GError **error) {
  int plain;
  if (check->keep_encrypted)
    return TRUE;
  if (!recon_contents_open(manifest, shard, &check->keys, fd, &plain, error))
    return FALSE;
  gboolean is_checked = check->is_known && plain == fd;
  gboolean ok = (is_checked || recon_contents_check(manifest, shard, plain, error)) &&
                (join->fd < 0 || recon_contents_append(manifest, plain, shard->number == 1, join->fd, error));
  if (plain != fd)
    close(plain);
  return ok;
}

static void note_first(GError **first, GError **error) {
  if (*first)
    g_clear_error(error);
  else
    *first = g_steal_pointer(error);
}

static gboolean check_shard(const ReconManifest *manifest, int folder, guint i, const ReconFolderCheck *check,
                            const Join *join, ShardState *state, GError **error) {
  const ReconManifestShard *shard = manifest->shards->pdata[i];
  g_autofree char *problem = NULL;
  int fd;
  struct stat status;
  if (check->is_known)
    *state = (fd = open_plain(folder, shard->name, &status)) >= 0 ? SHARD_WHOLE : SHARD_MISSING;
  else
    *state = recon_folder_look(folder, shard, LOOK_BOTH, &fd, &problem);
  if (*state != SHARD_WHOLE)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", shard->name,
                               problem ? problem : "it is not here");
  gboolean ok = check_records(manifest, shard, check, join, fd, error);
  close(fd);
  if (!ok && sallyport_error_code(*error) == SALLYPORT_ERROR_FILE)
    *state = SHARD_CORRUPT;
  return ok;
}

gboolean recon_folder_check(const ReconManifest *manifest, int folder, const ReconFolderCheck *check, guint *missing,
                            guint *corrupt, GError **error) {
  GError *first = NULL;
  Join join;
  guint64 bytes = 0;
  *missing = *corrupt = 0;
  if (!join_begin(&join, check->join, error))
    return join_end(&join, NULL, FALSE, NULL);
  for (guint i = 0; i < manifest->shards->len; i++) {
    GError *one = NULL;
    ShardState state;
    if (!check_shard(manifest, folder, i, check, &join, &state, &one))
      note_first(&first, &one);
    *missing += state == SHARD_MISSING;
    *corrupt += state == SHARD_CORRUPT;
    bytes += ((const ReconManifestShard *)manifest->shards->pdata[i])->size;
    if (check->progress)
      check->progress(check->user, i + 1, bytes);
  }
  gboolean ok = join_end(&join, check->join, first == NULL, first ? NULL : &first);
  if (first)
    g_propagate_error(error, first);
  return ok;
}

/* --- The manifest */

static GBytes *map_whole(int fd, gsize length, GError **error) {
  if (length > RECON_MANIFEST_SIZE_MAX) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "it is too large for a manifest");
    return NULL;
  }
  char *bytes = g_malloc(length + 1);
  for (gsize at = 0; at < length;) {
    ssize_t got = pread(fd, bytes + at, length - at, (off_t)at);
    if (got <= 0) {
      sallyport_error_errno(error, got < 0 ? errno : EIO, "read the manifest");
      g_free(bytes);
      return NULL;
    }
    at += (gsize)got;
  }
  return g_bytes_new_take(bytes, length);
}

static gboolean is_signed(int folder, const char *name, int manifest, const ReconKeys *keys, GError **error) {
  g_autofree char *beside = g_strconcat(name, ".asc", NULL);
  struct stat status;
  OpenpgpOpenOptions options = {.home = keys->gnupg_home, .signed_by = keys->signed_by};
  OpenpgpOpened opened = {0};
  int signature = open_plain(folder, beside, &status);
  if (signature < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", beside, g_strerror(errno));
  gboolean ok = openpgp_verify_detached(&options, manifest, signature, &opened, error);
  close(signature);
  if (!ok || opened.verdict == OPENPGP_TRUSTED)
    return ok;
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the manifest's signature does not hold: %s%s%s",
                             openpgp_reason_word(opened.reason), opened.message[0] ? ": " : "", opened.message);
}

ReconManifest *recon_folder_manifest(int folder, const char *name, const ReconKeys *keys, char **sha256,
                                     GError **error) {
  struct stat status;
  guint8 digest[DIGEST_SHA256_SIZE];
  ReconManifest *manifest = NULL;
  int fd = open_plain(folder, name, &status);
  if (fd < 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", name, g_strerror(errno));
    return NULL;
  }
  g_autoptr(GBytes) bytes = map_whole(fd, (gsize)status.st_size, error);
  gboolean ok = bytes && (!keys->signed_by || is_signed(folder, name, fd, keys, error));
  close(fd);
  if (ok) {
    digest_sha256(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), digest);
    *sha256 = digest_hex(digest, sizeof digest);
    manifest = recon_manifest_from_json(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
  }
  if (!manifest)
    g_prefix_error(error, "%s: ", name);
  return manifest;
}

char *recon_folder_find_manifest(const char *path, GError **error) {
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  char *found = NULL;
  for (const char *name; folder && (name = g_dir_read_name(folder));) {
    if (!g_str_has_suffix(name, ".manifest.json") || name[0] == '.')
      continue;
    if (found) {
      sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s holds several manifests: say which with --manifest", path);
      g_free(found);
      return NULL;
    }
    found = g_strdup(name);
  }
  if (!found)
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, folder ? "%s holds no *.manifest.json" : "%s cannot be read",
                        path);
  return found;
}
