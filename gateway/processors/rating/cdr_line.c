#include "gateway/processors/rating/cdr.h"
#include <jansson.h>
#include <string.h>

void cdr_put_value(GString *line, const char *value, gsize length) {
  gboolean quoted = FALSE;
  for (gsize i = 0; i < length && !quoted; i++)
    quoted = strchr("|\"\r\n", value[i]) != NULL;
  g_string_append_c(line, '|');
  if (!quoted) {
    g_string_append_len(line, value, (gssize)length);
    return;
  }
  g_string_append_c(line, '"');
  for (gsize i = 0; i < length; i++) {
    if (value[i] == '"')
      g_string_append_c(line, '"');
    g_string_append_c(line, value[i]);
  }
  g_string_append_c(line, '"');
}

gboolean cdr_get_value(const char **at, const char *end, GString *value) {
  const char *p = *at;
  g_string_truncate(value, 0);
  if (p >= end || *p != '|')
    return FALSE;
  p++;
  gboolean quoted = p < end && *p == '"';
  for (p += quoted ? 1 : 0; p < end; p++) {
    if (quoted && *p == '"' && p + 1 < end && p[1] == '"')
      p++;
    else if (quoted && *p == '"')
      break;
    else if (!quoted && (*p == '|' || *p == '\n'))
      break;
    g_string_append_c(value, *p);
  }
  if (quoted && p >= end)
    return FALSE;
  *at = p + (quoted ? 1 : 0);
  return TRUE;
}

static char *replaced(char *text, const char *word, const char *by) {
  g_auto(GStrv) parts = g_strsplit(text, word, -1);
  g_free(text);
  return g_strjoinv(by, parts);
}

char *cdr_name(const char *pattern, const CdrNumber *number) {
  g_autofree char *digits = g_strdup_printf("%06" G_GINT64_FORMAT, number->sequence);
  g_autofree char *name = replaced(replaced(g_strdup(pattern), "{sequence}", digits), "{period}", number->period);
  const char *dot = strrchr(name, '.');
  gsize stem = dot ? (gsize)(dot - name) : strlen(name);
  return number->supplement ? g_strdup_printf("%.*s_S%02u%s", (int)stem, name, number->supplement, name + stem)
                            : g_steal_pointer(&name);
}

char *cdr_file_name(const DetailFile *file) {
  json_t *format = json_loads(file->format, 0, NULL);
  const char *pattern = json_string_value(json_object_get(format, "name"));
  char *name = cdr_name(pattern ? pattern : "{sequence}", &(CdrNumber){file->sequence, file->period, file->supplement});
  json_decref(format);
  return name;
}

gboolean cdr_own_field(const ConfRating *rating, const char *name, StagingColumn *column) {
  static const StagingColumn own[] = {{"key", BLOCK_TEXT, 0},       {"event", BLOCK_TEXT, 0},
                                      {"amount", BLOCK_INTEGER, 0}, {"quantity", BLOCK_INTEGER, 0},
                                      {"billed", BLOCK_INTEGER, 0}, {"counter", BLOCK_INTEGER, 0},
                                      {"file", BLOCK_TEXT, 0},      {"line", BLOCK_INTEGER, 0},
                                      {"period", BLOCK_TEXT, 0},    {"late", BLOCK_TEXT, 0}};
  for (guint i = 0; i < G_N_ELEMENTS(own); i++)
    if (strcmp(own[i].name, name) == 0) {
      *column = own[i];
      column->scale = strcmp(name, "amount") == 0 ? rating->round.scale : 0;
      return TRUE;
    }
  return FALSE;
}

char *cdr_folder(const char *lane_folder, const char *rating) {
  return g_build_filename(lane_folder, "cdr", rating, NULL);
}

char *cdr_platforms(const char *lane_folder, const char *rating) {
  return g_build_filename(lane_folder, "cdr", rating, "platforms", NULL);
}
