#include "gateway/common/paths.h"
#include "gateway/base/files.h"
#include <string.h>

LanePaths *lane_paths_new(const ConfNode *node, const char *lane) {
  LanePaths *paths = g_new0(LanePaths, 1);
  paths->folder = g_build_filename(node->state, "lanes", lane, NULL);
  paths->book = g_build_filename(paths->folder, "book.db", NULL);
  paths->in = g_build_filename(paths->folder, "spool", "in", NULL);
  paths->stage = g_build_filename(paths->folder, "spool", "stage", NULL);
  paths->out = g_build_filename(paths->folder, "spool", "out", NULL);
  paths->archive = g_build_filename(paths->folder, "archive", NULL);
  paths->tip = g_strdup_printf("%s/audit/%s.tip", node->state, lane);
  paths->control = g_strdup_printf("%s/%s.sock", node->runtime, lane);
  return paths;
}

void lane_paths_free(LanePaths *paths) {
  if (!paths)
    return;
  g_free(paths->folder);
  g_free(paths->book);
  g_free(paths->in);
  g_free(paths->stage);
  g_free(paths->out);
  g_free(paths->archive);
  g_free(paths->tip);
  g_free(paths->control);
  g_free(paths);
}

/* A run that was killed may have made a folder and not synced it: all that may have one are synced at each start. */
static gboolean sync_parents(const LanePaths *paths, const ConfNode *node, GError **error) {
  g_autofree char *lanes = g_path_get_dirname(paths->folder);
  g_autofree char *spool = g_path_get_dirname(paths->in);
  return files_sync_folder(paths->archive, error) && files_sync_folder(spool, error) &&
         files_sync_folder(paths->folder, error) && files_sync_folder(lanes, error) &&
         files_sync_folder(node->state, error);
}

gboolean lane_paths_make(const LanePaths *paths, const ConfNode *node, GError **error) {
  g_autofree char *audit = g_path_get_dirname(paths->tip);
  return files_make_folder(paths->in, error) && files_make_folder(paths->stage, error) &&
         files_make_folder(paths->out, error) && files_make_folder(paths->archive, error) &&
         files_make_folder(audit, error) && files_make_folder(node->runtime, error) && sync_parents(paths, node, error);
}

char *lane_path_in(const LanePaths *paths, const char *id) {
  return g_strdup_printf("%s/%s.pgp", paths->in, id);
}
char *lane_path_in_part(const LanePaths *paths, const char *id) {
  return g_strdup_printf("%s/%s.part", paths->in, id);
}
char *lane_path_in_signature(const LanePaths *paths, const char *id) {
  return g_strdup_printf("%s/%s.sig", paths->in, id);
}
char *lane_path_stage(const LanePaths *paths, const char *id) {
  return g_strdup_printf("%s/%s.db", paths->stage, id);
}
char *lane_path_out(const LanePaths *paths, const char *id, const char *kind) {
  return g_strdup_printf("%s/%s-%s", paths->out, id, kind);
}
char *lane_path_archive(const LanePaths *paths, const char *id, gint64 seen_at) {
  g_autoptr(GDateTime) day = g_date_time_new_from_unix_utc(seen_at / G_USEC_PER_SEC);
  g_autofree char *folder = g_date_time_format(day, "%Y-%m-%d");
  return g_strdup_printf("%s/%s/%s.pgp", paths->archive, folder, id);
}
char *lane_path_archive_signature(const LanePaths *paths, const char *id, gint64 seen_at) {
  g_autofree char *archived = lane_path_archive(paths, id, seen_at);
  return g_strdup_printf("%.*s.sig", (int)(strlen(archived) - strlen(".pgp")), archived);
}

char *lane_path_archive_answer(const LanePaths *paths, const char *name, gint64 seen_at) {
  g_autofree char *archived = lane_path_archive(paths, name, seen_at), *folder = g_path_get_dirname(archived);
  return g_build_filename(folder, name, NULL);
}

const char *secret_path(const char *configured) {
  static const char prefix[] = "credential:";
  const char *folder = g_getenv("CREDENTIALS_DIRECTORY");
  if (!configured || !folder || !g_str_has_prefix(configured, prefix))
    return configured;
  g_autofree char *path = g_build_filename(folder, configured + strlen(prefix), NULL);
  return g_intern_string(path);
}

/* No lane's name begins with "@". */
char *front_path_control(const ConfNode *node) {
  return g_strdup_printf("%s/@front.sock", node->runtime);
}
