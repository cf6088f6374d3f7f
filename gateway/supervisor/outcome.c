#include "gateway/supervisor/outcome.h"
#include "gateway/base/files.h"
#include "gateway/common/json_text.h"

#define NAME "reload.json"

gboolean outcome_write(const char *runtime, json_t *outcome, GError **error) {
  g_autofree char *text = json_text_take(outcome);
  if (!text)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "no memory for the outcome of a reload");
  return files_replace(runtime, NAME, text, error);
}

gboolean outcome_read(const char *runtime, gint64 since, json_t **outcome, GError **error) {
  g_autofree char *path = g_build_filename(runtime, NAME, NULL), *text = NULL;
  g_autoptr(GError) problem = NULL;
  *outcome = NULL;
  if (!g_file_get_contents(path, &text, NULL, &problem))
    return g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT) ||
           sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s", problem->message);
  json_t *last = json_loads(text, 0, NULL);
  if (json_integer_value(json_object_get(last, "begun")) >= since)
    *outcome = json_incref(last);
  json_decref(last);
  return TRUE;
}
