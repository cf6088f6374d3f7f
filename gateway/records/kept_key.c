#include "gateway/records/kept_key.h"
#include "gateway/records/composed_private.h"
#include "gateway/records/dates.h"
#include "gateway/records/layout.h"
#include <string.h>

static const ConfField *field_of(const KeyForm *form, const char *name) {
  return conf_line_field(&form->layout->record, name);
}

/* NULL: it has no value in the field's format; it may be in our own. */
static char *date_kept_as(const ConfField *field, const char *text) {
  char normal[DATES_LONGEST];
  DateFormat *format = date_format_new(field, NULL);
  gsize length = format ? date_format_parse(format, NO_DAY, (const guint8 *)text, strlen(text), normal) : 0;
  date_format_free(format);
  return length > 0 ? g_strndup(normal, length) : NULL;
}

static char *part_kept_as(const KeyForm *form, const char *name, const char *text) {
  const ConfField *field = field_of(form, name);
  if (!field)
    return NULL;
  if (field->type == CONF_DATE || field->type == CONF_TIMESTAMP) {
    char *day = date_kept_as(field, text);
    return day ? day : g_strdup(text);
  }
  ConfField plain = *field;
  if (form->is_shown)
    plain.strip_prefix = NULL;
  return value_kept_as(&plain, text);
}

/* At slashes that stand behind no backslash; backslashes before another one or a slash are taken away. */
static GPtrArray *split(const char *text) {
  GPtrArray *parts = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) part = g_string_new(NULL);
  for (;; text++) {
    if (*text == '\\' && (text[1] == '\\' || text[1] == '/')) {
      g_string_append_c(part, *++text);
    } else if (*text && *text != '/') {
      g_string_append_c(part, *text);
    } else {
      g_ptr_array_add(parts, g_strdup(part->str));
      g_string_truncate(part, 0);
      if (!*text)
        return parts;
    }
  }
}

char *key_kept_as(const KeyForm *form, const char *text) {
  const ConfFeed *feed = form->feed;
  if (g_strcmp0(feed->key, CONF_KEY_COLUMN) != 0)
    return feed->key ? part_kept_as(form, feed->key, text) : NULL;
  g_autoptr(GPtrArray) parts = split(text);
  guint bounds = feed->key_scope == CONF_KEY_EVER ? 0 : 1;
  if (parts->len != bounds + g_strv_length(feed->key_fields))
    return NULL;
  g_autoptr(GString) key = g_string_new(NULL);
  for (guint i = 0; i < parts->len; i++) {
    const char *part = parts->pdata[i];
    g_autofree char *kept = i < bounds ? g_strdup(part) : part_kept_as(form, feed->key_fields[i - bounds], part);
    if (!kept)
      return NULL;
    composed_add_part(key, kept, strlen(kept));
  }
  return g_string_free(g_steal_pointer(&key), FALSE);
}

gboolean key_has_forms(const KeyForm *form) {
  gboolean has = g_strcmp0(form->feed->key, CONF_KEY_COLUMN) == 0;
  for (char **name = form->feed->key_fields; name && *name; name++) {
    const ConfField *field = field_of(form, *name);
    has = has || (field && (field->normal_form >> (CONF_NORMAL_NONE + 1) || (field->strip_prefix && !form->is_shown)));
  }
  return has;
}
