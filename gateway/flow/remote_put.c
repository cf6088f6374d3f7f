#include "gateway/flow/remote_put.h"
#include "crypto/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/flow.h"
#include "gateway/common/log.h"
#include <string.h>
#include <unistd.h>

/* The hidden name beside the target under which it is uploaded. */
static char *temporary_name(const char *to, const char *owner) {
  g_autofree char *folder = g_path_get_dirname(to), *name = g_path_get_basename(to);
  gboolean is_bare = strchr(to, '/') == NULL;
  g_autofree char *hidden = g_strdup_printf(".%.200s.%s.part", name, owner);
  return is_bare ? g_steal_pointer(&hidden) : remote_path_join(folder, hidden, strlen(hidden));
}

/* Whether the remote file has these very bytes: it is read back, since a size proves little. */
static gboolean is_ours(const RemotePut *put, gboolean *ours, GError **error) {
  guint64 end = 0, size = 0;
  guint8 digest[DIGEST_SHA256_SIZE];
  int copy = files_open_unnamed(put->scratch, error);
  if (copy < 0)
    return FALSE;
  CourierGet get = {.path = put->to, .size_limit = put->size + 1, .fd = copy};
  gboolean ok = courier_get(put->courier, &get, &end, error) &&
                digest_file_sha256(copy, 0, G_MAXUINT64, digest, &size, error);
  close(copy);
  g_autofree char *hex = ok ? digest_hex(digest, sizeof digest) : NULL;
  *ours = ok && size == put->size && g_strcmp0(hex, put->sha256) == 0;
  return ok;
}

static gboolean is_there(const RemotePut *put, gboolean *there, GError **error) {
  CourierStat stat;
  *there = FALSE;
  if (!courier_stat(put->courier, put->to, &stat, error))
    return FALSE;
  if (!stat.exists)
    return TRUE;
  if (stat.size == put->size && !is_ours(put, there, error))
    return FALSE;
  if (!*there && !put->replace)
    return sallyport_error_set(
        error, SALLYPORT_ERROR_PARTNER,
        "%s exists on the other side with other content; remove it there, or set if-exists = replace, then retry",
        put->to);
  return TRUE;
}

static gboolean not_there(const RemotePut *put, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s: the server says that its rename was done, but %s",
                             put->to, what);
}

/* After the rename. A server that copies instead leaves the temporary one, which is ours to remove. */
static gboolean check_renamed(const RemotePut *put, const char *temporary, GError **error) {
  CourierStat target, rest;
  if (!courier_stat(put->courier, put->to, &target, error) || !courier_stat(put->courier, temporary, &rest, error))
    return FALSE;
  if (target.exists && target.size == put->size)
    return !rest.exists || courier_remove(put->courier, temporary, error);
  if (target.exists)
    return not_there(put, "what is there has another size", error);
  if (rest.exists)
    return not_there(put, "the file has its temporary name still", error);
  if (put->marker_follows)
    return not_there(put, "the file is gone", error);
  log_event(LOG_WARNING, "answer-not-seen", {"file", put->owner}, {"to", put->to},
            {"reason", "it is gone right after its rename: taken away at once, or lost by the server; a marker would "
                       "tell the two apart"});
  return TRUE;
}

gboolean remote_put(const RemotePut *put, GError **error) {
  gboolean there;
  if (!is_there(put, &there, error))
    return FALSE;
  if (there)
    return TRUE;
  g_autofree char *temporary = temporary_name(put->to, put->owner);
  CourierPut upload = {.path = temporary, .fd = put->fd, .size = put->size};
  if (!courier_put(put->courier, &upload, error))
    return FALSE;
  fault_point("deliver-before-rename");
  CourierRename rename = {
      .from = temporary, .to = put->to, .if_exists = put->replace ? COURIER_TARGET_REPLACE : COURIER_TARGET_REFUSE};
  if (!courier_rename(put->courier, &rename, error))
    return FALSE;
  fault_point("deliver-after-rename");
  return check_renamed(put, temporary, error);
}

gboolean remote_put_marker(Courier *courier, const char *scratch, const char *to, GError **error) {
  CourierStat stat;
  if (!courier_stat(courier, to, &stat, error))
    return FALSE;
  if (stat.exists)
    return TRUE;
  int empty = files_open_unnamed(scratch, error);
  if (empty < 0)
    return FALSE;
  CourierPut put = {.path = to, .fd = empty, .size = 0};
  gboolean ok = courier_put(courier, &put, error);
  close(empty);
  fault_point("deliver-after-marker");
  return ok;
}
