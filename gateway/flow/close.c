/* Close: takes the partner's copy away as configured, keeps our ciphertext in the archive, and removes what is left of the
 * work. answered → closed. Each part may be run again: what is gone already is fine.
 *
 * Order: marker first (so that a file which is sent again under this name is not admitted by the old marker), then the
 * partner's file, then our own; the commit last. A copy that is no longer the one that was fetched is somebody's new file and
 * is left alone. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/admit.h"
#include "gateway/flow/flow.h"
#include "gateway/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *archive_folder(const ConfSourceFolder *source, char **owned) {
  return source->archive ? source->archive : (*owned = flow_remote_path(source->path, "archive", strlen("archive")));
}

/* Into the archive folder under its own name, or, where that is taken, with the file's id behind it. */
static gboolean archive(Step *step, const char *path, const void *name, gsize length, GError **error) {
  g_autofree char *owned = NULL;
  const char *folder = archive_folder(&step->feed->conf->source, &owned);
  g_autofree char *to = flow_remote_path(folder, name, length);
  CourierStat taken;
  if (!courier_stat(step->courier, to, &taken, error))
    return FALSE;
  g_autofree char *to_unique = taken.exists ? g_strdup_printf("%s.%s", to, step->file->id) : g_strdup(to);
  CourierRename rename = {.from = path, .to = to_unique, .if_exists = COURIER_TARGET_REFUSE};
  if (courier_rename(step->courier, &rename, NULL))
    return TRUE;
  if (courier_is_lost(step->courier))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the connection broke while %s was archived", path);
  return courier_make_folder(step->courier, folder, error) && courier_rename(step->courier, &rename, error);
}

static gboolean take_away(Step *step, const char *path, const void *name, gsize length, GError **error) {
  fault_point("close-before-source");
  gboolean ok = step->feed->conf->source.after == CONF_AFTER_DELETE ? courier_remove(step->courier, path, error)
                                                                     : archive(step, path, name, length, error);
  fault_point("close-after-source");
  return ok;
}

static gboolean take_marker_away(Step *step, GError **error) {
  g_autoptr(GBytes) marker = admit_marker_name(&step->feed->conf->source, step->file->name);
  if (!marker)
    return TRUE;
  gsize length;
  const char *name = g_bytes_get_data(marker, &length);
  g_autofree char *path = flow_remote_path(step->file->folder, name, length);
  CourierStat there;
  if (!courier_stat(step->courier, path, &there, error))
    return FALSE;
  return !there.exists || take_away(step, path, name, length, error);
}

static gboolean close_source(Step *step, GError **error) {
  if (step->feed->conf->source.after == CONF_AFTER_KEEP)
    return TRUE;
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *path = flow_remote_path(step->file->folder, name, length);
  CourierStat now;
  if (!courier_stat(step->courier, path, &now, error))
    return FALSE;
  if (now.exists && (now.size != step->file->size || now.modified != step->file->modified)) {
    log_event(LOG_WARNING, "source-left", {"feed", step->feed->conf->name}, {"file", step->file->id},
              {"reason", "the partner has put another file under this name"});
    return TRUE;
  }
  return take_marker_away(step, error) && (!now.exists || take_away(step, path, name, length, error));
}

static gboolean close_spool(Step *step, GError **error) {
  const LanePaths *paths = step->flow->paths;
  g_autofree char *stage = lane_path_stage(paths, step->file->id), *in = lane_path_in(paths, step->file->id);
  g_autofree char *part = lane_path_in_part(paths, step->file->id);
  g_autofree char *feedback = lane_path_out(paths, step->file->id, "feedback.pgp");
  g_autofree char *exception = lane_path_out(paths, step->file->id, "exception.pgp");
  staging_remove(stage);
  g_autofree char *archived = lane_path_archive(paths, step->file->id, step->file->seen_at);
  g_autofree char *folder = g_path_get_dirname(archived);
  if (!files_make_folder(folder, error))
    return FALSE;
  if (rename(in, archived) != 0 && errno != ENOENT)
    return sallyport_error_errno(error, errno, "archive %s", in);
  unlink(part);
  unlink(feedback);
  unlink(exception);
  return files_sync_folder(folder, error) && files_sync_folder(paths->in, error) && files_sync_folder(paths->stage, error);
}

gboolean flow_close(Step *step, GError **error) {
  if (!close_source(step, error) || !close_spool(step, error))
    return FALSE;
  fault_point("close-before-commit");
  return flow_advance(step, FILE_CLOSED, NULL, error);
}
