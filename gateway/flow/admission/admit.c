#include "gateway/flow/admission/admit.h"
#include "gateway/base/files.h"
#include "gateway/common/json_text.h"
#include "gateway/flow/claim.h"
#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

void look_update(Look *look, const CourierEntry *entry, gint64 now, guint generation) {
  if (look->size != entry->size || look->modified != entry->modified)
    *look = (Look){.size = entry->size, .modified = entry->modified};
  if (look->looks == 0)
    look->since = now;
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
  GString *text = g_string_new(template);
  g_string_replace(text, placeholder, value, 0);
  return g_string_free(text, FALSE);
}

char *admit_expand(const char *template, const char *name) {
  const char *dot = strchr(name + (name[0] == '.'), '.');
  g_autofree char *stem = dot ? g_strndup(name, (gsize)(dot - name)) : g_strdup(name);
  g_autofree char *with_name = replace(template, "{name}", name);
  return replace(with_name, "{stem}", stem);
}

gboolean admit_is_temporary(const ConfSourceFolder *source, const char *name) {
  for (char **glob = source->temporary; glob && *glob; glob++)
    if (fnmatch(*glob, name, 0) == 0)
      return TRUE;
  return FALSE;
}

static const char *template_of(const ConfSourceFolder *source, Companion which) {
  switch (which) {
  case COMPANION_MARKER:
    return source->ready == CONF_READY_MARKER ? source->marker : NULL;
  case COMPANION_SIGNATURE:
    return source->envelope == CONF_ENVELOPE_DETACHED ? source->signature : NULL;
  case COMPANION_DECLARATION:
    return source->declared.present ? source->declared.file : NULL;
  default:
    return NULL;
  }
}

/* A marker, signature or declaration that the feed's own pattern would match too ('*' and '{name}.ok') must never be
 * taken for a file. */
static gboolean looks_like_companion(const ConfSourceFolder *source, const char *name) {
  for (Companion which = 0; which < COMPANIONS; which++) {
    const char *template = template_of(source, which);
    if (!template)
      continue;
    g_autofree char *any = replace(template, "{name}", "*");
    g_autofree char *glob = replace(any, "{stem}", "*");
    if (fnmatch(glob, name, 0) == 0)
      return TRUE;
  }
  return FALSE;
}

/* But that it may be a companion. */
static gboolean matches(const ConfSourceFolder *source, const char *name) {
  return fnmatch(source->match, name, FNM_PERIOD) == 0 && !claim_is_one(name) && !admit_is_temporary(source, name);
}

gboolean admit_is_candidate(const ConfSourceFolder *source, GBytes *bytes) {
  g_autofree char *name = name_string(bytes);
  return matches(source, name) && !looks_like_companion(source, name);
}

gboolean admit_is_relevant(const ConfSourceFolder *source, const char *name) {
  return matches(source, name) || looks_like_companion(source, name); /* an index looks like a companion, too */
}

GBytes *admit_companion(const ConfSourceFolder *source, Companion which, GBytes *bytes) {
  const char *template = template_of(source, which);
  if (!template || (which == COMPANION_DECLARATION && !strchr(template, '{')))
    return NULL;
  g_autofree char *name = name_string(bytes);
  char *companion = admit_expand(template, name);
  return g_bytes_new_take(companion, strlen(companion));
}

gboolean admit_is_index(const ConfSourceFolder *source, GBytes *bytes) {
  const char *glob = template_of(source, COMPANION_DECLARATION);
  g_autofree char *name = name_string(bytes);
  return glob && !strchr(glob, '{') && fnmatch(glob, name, FNM_PERIOD) == 0;
}

/* In this order: what a partner has forgotten is told before what only takes its time. */
static const struct {
  Companion which;
  FileWait wait;
} beside[] = {{COMPANION_MARKER, FILE_WAIT_MARKER}, {COMPANION_SIGNATURE, FILE_WAIT_SIGNATURE}};

FileWait admit_missing(const ConfSourceFolder *source, GBytes *name, const Look *look, GHashTable *names, gint64 now,
                       char **on) {
  *on = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(beside); i++) {
    g_autoptr(GBytes) companion = admit_companion(source, beside[i].which, name);
    gsize length;
    if (!companion || g_hash_table_contains(names, companion))
      continue;
    const char *bytes = g_bytes_get_data(companion, &length);
    *on = files_show_bytes(bytes, length, 0);
    return beside[i].wait;
  }
  guint looks = source->ready == CONF_READY_STABLE ? MAX(source->looks, 2) : 0;
  if (look->looks < looks)
    *on = g_strdup_printf("seen %u of %u times without a change", look->looks, looks);
  else if ((now - look->since) / G_USEC_PER_SEC < (gint64)source->least_age)
    *on = g_strdup_printf("%" G_GINT64_FORMAT " s without a change", (gint64)source->least_age);
  return *on ? FILE_WAIT_EVIDENCE : FILE_WAIT_NOTHING;
}

static const char *const kinds[] = {[CONF_READY_MARKER] = "marker",
                                    [CONF_READY_RENAME] = "rename",
                                    [CONF_READY_STABLE] = "stable",
                                    [CONF_READY_AGE] = "age",
                                    [CONF_READY_DECLARED] = "declared",
                                    [CONF_READY_LISTED] = "listed"};

char *admit_evidence(const ConfSourceFolder *source, GBytes *name, const Look *look, GHashTable *names, gint64 now) {
  gint64 unchanged = (now - look->since) / G_USEC_PER_SEC;
  g_autofree char *missing = NULL;
  if (admit_missing(source, name, look, names, now, &missing) != FILE_WAIT_NOTHING)
    return NULL;
  g_autoptr(GBytes) marker = admit_companion(source, COMPANION_MARKER, name);
  json_t *evidence = json_pack("{s:s, s:I, s:I, s:i, s:I}", "kind", kinds[source->ready], "size",
                               (json_int_t)look->size, "modified", (json_int_t)look->modified, "looks",
                               (int)look->looks, "unchanged_seconds", (json_int_t)unchanged);
  if (marker) {
    gsize length;
    const char *bytes = g_bytes_get_data(marker, &length);
    g_autofree char *shown = files_show_bytes(bytes, length, 0);
    json_object_set_new(evidence, "marker", json_string(shown));
  }
  return json_text_take(evidence);
}
