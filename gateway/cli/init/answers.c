/* Answers as a file: read, and kept while a person answers. */
#include "gateway/base/files.h"
#include "gateway/cli/init/init.h"
#include <string.h>

void init_answers_clear(InitAnswers *answers) {
  for (guint i = 0; i < INIT_QUESTIONS; i++) {
    g_clear_pointer(&answers->texts[i], g_free);
    g_clear_pointer(&answers->before[i], g_free);
  }
  g_clear_pointer(&answers->shown, g_ptr_array_unref);
}

gboolean init_answers_take(char **into, const char *line, const char *where, GError **error) {
  const char *equals = strchr(line, '=');
  g_autofree char *name = g_strstrip(equals ? g_strndup(line, (gsize)(equals - line)) : g_strdup(line));
  if (!equals)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: write NAME = ANSWER", where);
  for (guint i = 0; i < INIT_QUESTIONS; i++)
    if (strcmp(init_questions[i].name, name) == 0) {
      g_free(into[i]);
      into[i] = g_strstrip(g_strdup(equals + 1));
      return TRUE;
    }
  g_autofree char *shown = files_show_bytes(name, strlen(name), 0);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: there is no question \"%s\"", where, shown);
}

gboolean init_answers_read(char **into, const char *path, GError **error) {
  g_autofree char *text = NULL;
  g_autoptr(GError) problem = NULL;
  if (!g_file_get_contents(path, &text, NULL, &problem))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", problem->message);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    g_autofree char *where = g_strdup_printf("%s:%u", path, i + 1);
    g_strstrip(lines[i]);
    if (*lines[i] && *lines[i] != '#' && !init_answers_take(into, lines[i], where, error))
      return FALSE;
  }
  return TRUE;
}

gboolean init_answers_save(const InitAnswers *answers, const char *path, GError **error) {
  g_autoptr(GString) text = g_string_new("# Answers to `sallyport init`, which goes on from here.\n");
  g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
  for (guint i = 0; i < INIT_QUESTIONS; i++)
    if (answers->texts[i])
      g_string_append_printf(text, "%s = %s\n", init_questions[i].name, answers->texts[i]);
  return files_replace(folder, name, text->str, error);
}
