#include "gateway/front/front_parts.h"
#include <string.h>

char *front_file_path(const LanePaths *paths, const ReconTask *task, const char *name) {
  return g_build_filename(paths->folder, "recon", task->id, name, NULL);
}

char *front_secret_path(const char *setting, GError **error) {
  if (!g_str_has_prefix(setting, "credential:"))
    return g_strdup(setting);
  const char *folder = g_getenv("CREDENTIALS_DIRECTORY");
  if (folder)
    return g_build_filename(folder, setting + strlen("credential:"), NULL);
  sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: the service has no credentials (CREDENTIALS_DIRECTORY is not set)", setting);
  return NULL;
}

/* {type} {date} {requester} {version} of the template, as gateway/recon writes them. */
char *front_manifest_name(const ConfReconcile *reconcile, const ReconTask *task) {
  g_autofree char *date = g_strdup(task->period), *version = g_strdup_printf("%u", task->version);
  const char *const values[][2] = {{"{type}", task->type}, {"{date}", date}, {"{requester}", task->requester}, {"{version}", version}};
  GString *name = g_string_new(reconcile->manifest_name);
  for (guint i = 0; i < G_N_ELEMENTS(values); i++)
    g_string_replace(name, values[i][0], values[i][1], 0);
  return g_string_free(name, FALSE);
}
