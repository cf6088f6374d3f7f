#include "gateway/recon/names.h"
#include "gateway/recon/manifest.h"
#include <string.h>

char *recon_folder(const char *lane_folder, const char *task_id) {
  return g_build_filename(lane_folder, "recon", task_id, NULL);
}

static char *replace(const char *text, const char *what, const char *with) {
  g_auto(GStrv) parts = g_strsplit(text, what, -1);
  return g_strjoinv(with, parts);
}

static char *add_version(const char *name, guint version) {
  const char *dot = strchr(name, '.');
  gsize stem = dot ? (gsize)(dot - name) : strlen(name);
  return g_strdup_printf("%.*s_v%u%s", (int)stem, name, version, name + stem);
}

/* The values are put in one after the other; none of them can hold a brace (the configuration's names, dates, numbers).
 */
static char *fill_name(const char *template, const ReconTask *task, guint shard, GError **error) {
  g_autofree char *number = g_strdup_printf("%04u", shard), *version = g_strdup_printf("%u", task->version);
  const char *const values[][2] = {{"{type}", task->type},
                                   {"{date}", task->period},
                                   {"{shard}", number},
                                   {"{requester}", task->requester},
                                   {"{version}", version}};
  g_autofree char *name = task->version > 1 && !strstr(template, "{version}") ? add_version(template, task->version)
                                                                              : g_strdup(template);
  for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
    char *next = replace(name, values[i][0], values[i][1]);
    g_free(name);
    name = next;
  }
  if (recon_name_is_plain(name))
    return g_steal_pointer(&name);
  sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "'%s' gives \"%s\", which is no plain file name", template,
                      name);
  return NULL;
}

char *recon_shard_name(const ConfReconcile *reconcile, const ReconTask *task, guint number, GError **error) {
  return fill_name(reconcile->shard_name, task, number, error);
}

char *recon_manifest_name(const ConfReconcile *reconcile, const ReconTask *task, GError **error) {
  return fill_name(reconcile->manifest_name, task, 0, error);
}

char **recon_manifest_files(const char *manifest_name, gboolean with_text) {
  GPtrArray *files = g_ptr_array_new();
  g_ptr_array_add(files, g_strconcat(manifest_name, ".sha256", NULL));
  g_ptr_array_add(files, g_strconcat(manifest_name, ".md5", NULL));
  if (with_text) {
    g_ptr_array_add(files, g_strconcat(manifest_name, ".txt", NULL));
    g_ptr_array_add(files, g_strconcat(manifest_name, ".txt.asc", NULL));
  }
  g_ptr_array_add(files, g_strconcat(manifest_name, ".asc", NULL));
  g_ptr_array_add(files, g_strdup(manifest_name));
  g_ptr_array_add(files, NULL);
  return (char **)g_ptr_array_free(files, FALSE);
}
