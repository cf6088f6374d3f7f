#include "gateway/flow/admit.h"
#include "gateway/base/files.h"
#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

void look_update(Look *look, const CourierEntry *entry, gint64 now, guint generation) {
  gboolean is_same = look->looks > 0 && look->size == entry->size && look->modified == entry->modified;
  if (!is_same)
    *look = (Look){.size = entry->size, .modified = entry->modified, .since = now};
  look->looks++;
  look->generation = generation;
}

/* Names are bytes without NUL, so they can be matched as C strings; the locale plays no part. */
static char *name_string(GBytes *name) {
  gsize length;
  const char *bytes = g_bytes_get_data(name, &length);
  return g_strndup(bytes, length);
}

static char *replace(const char *template, const char *placeholder, const char *value) {
  g_auto(GStrv) parts = g_strsplit(template, placeholder, -1);
  return g_strjoinv(value, parts);
}

static char *expand_marker(const char *template, const char *name) {
  const char *dot = strchr(name + (name[0] == '.'), '.');
  g_autofree char *stem = dot ? g_strndup(name, (gsize)(dot - name)) : g_strdup(name);
  g_autofree char *with_name = replace(template, "{name}", name);
  return replace(with_name, "{stem}", stem);
}

static gboolean is_temporary(const ConfSourceFolder *source, const char *name) {
  for (char **glob = source->temporary; glob && *glob; glob++)
    if (fnmatch(*glob, name, 0) == 0)
      return TRUE;
  return FALSE;
}

/* A marker that the feed's own pattern would match too ('*' and '{name}.ok') must never be taken for a file. */
static gboolean looks_like_marker(const ConfSourceFolder *source, const char *name) {
  if (source->ready != CONF_READY_MARKER || !source->marker)
    return FALSE;
  g_autofree char *any = replace(source->marker, "{name}", "*");
  g_autofree char *glob = replace(any, "{stem}", "*");
  return fnmatch(glob, name, 0) == 0;
}

static gboolean is_candidate(const ConfSourceFolder *source, const char *name) {
  return fnmatch(source->match, name, FNM_PERIOD) == 0 && !is_temporary(source, name) && !looks_like_marker(source, name);
}

gboolean admit_is_candidate(const ConfSourceFolder *source, GBytes *bytes) {
  g_autofree char *name = name_string(bytes);
  return is_candidate(source, name);
}

gboolean admit_is_relevant(const ConfSourceFolder *source, const char *name) {
  return looks_like_marker(source, name) || is_candidate(source, name);
}

GBytes *admit_marker_name(const ConfSourceFolder *source, GBytes *bytes) {
  if (source->ready != CONF_READY_MARKER || !source->marker)
    return NULL;
  g_autofree char *name = name_string(bytes);
  char *marker = expand_marker(source->marker, name);
  return g_bytes_new_take(marker, strlen(marker));
}

static const char *const kinds[] = {
    [CONF_READY_MARKER] = "marker", [CONF_READY_RENAME] = "rename", [CONF_READY_STABLE] = "stable", [CONF_READY_AGE] = "age"};

char *admit_evidence(const ConfSourceFolder *source, GBytes *name, const Look *look, GHashTable *names, gint64 now) {
  gint64 unchanged = (now - look->since) / G_USEC_PER_SEC;
  if (unchanged < (gint64)source->least_age)
    return NULL;
  g_autoptr(GBytes) marker = admit_marker_name(source, name);
  if (source->ready == CONF_READY_MARKER && (!marker || !g_hash_table_contains(names, marker)))
    return NULL;
  if (source->ready == CONF_READY_STABLE && look->looks < MAX(source->looks, 2))
    return NULL;
  json_t *evidence = json_pack("{s:s, s:I, s:I, s:i, s:I}", "kind", kinds[source->ready], "size", (json_int_t)look->size,
                               "modified", (json_int_t)look->modified, "looks", (int)look->looks, "unchanged_seconds",
                               (json_int_t)unchanged);
  if (marker) {
    gsize length;
    const char *bytes = g_bytes_get_data(marker, &length);
    g_autofree char *shown = files_show_bytes(bytes, length, 0);
    json_object_set_new(evidence, "marker", json_string(shown));
  }
  char *text = json_dumps(evidence, JSON_COMPACT);
  char *copy = g_strdup(text);
  free(text);
  json_decref(evidence);
  return copy;
}
