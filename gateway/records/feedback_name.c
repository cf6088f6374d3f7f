#include "gateway/records/feedback.h"
#include <string.h>
#include <time.h>

/* The first dot that is not at the start: "POINTS_1.dat.pgp" has the stem "POINTS_1" and the extension ".dat.pgp". */
static gsize stem_length(const char *name, gsize length) {
  const char *dot = length > 1 ? memchr(name + 1, '.', length - 1) : NULL;
  return dot ? (gsize)(dot - name) : length;
}

static gboolean put_part(GString *into, const char *word, gsize word_length, GBytes *name, const char *file_id, gint64 at, GError **error) {
  gsize length;
  const char *bytes = g_bytes_get_data(name, &length);
  gsize stem = stem_length(bytes, length);
  g_autofree char *part = g_strndup(word, word_length);
  time_t seconds = (time_t)(at / G_USEC_PER_SEC);
  struct tm utc;
  char text[16] = "";
  if (g_str_equal(part, "name")) {
    g_string_append_len(into, bytes, (gssize)length);
  } else if (g_str_equal(part, "stem")) {
    g_string_append_len(into, bytes, (gssize)stem);
  } else if (g_str_equal(part, "extension")) {
    g_string_append_len(into, bytes + stem, (gssize)(length - stem));
  } else if (g_str_equal(part, "id")) {
    g_string_append(into, file_id);
  } else if ((g_str_equal(part, "date") || g_str_equal(part, "time")) && gmtime_r(&seconds, &utc)) {
    strftime(text, sizeof text, *part == 'd' ? "%Y%m%d" : "%H%M%S", &utc);
    g_string_append(into, text);
  } else {
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "name template: {%s} is not known: use {name} {stem} {extension} {date} {time} {id}", part);
  }
  return TRUE;
}

static gboolean is_safe(const GString *name) {
  return name->len > 0 && name->len <= 255 && !memchr(name->str, '/', name->len) && !memchr(name->str, 0, name->len) &&
         !g_str_equal(name->str, ".") && !g_str_equal(name->str, "..");
}

char *feedback_name(const char *template, GBytes *name, const char *file_id, gint64 at, GError **error) {
  g_autoptr(GString) made = g_string_new(NULL);
  for (const char *p = template; *p;) {
    const char *close = *p == '{' ? strchr(p, '}') : NULL;
    if (close) {
      if (!put_part(made, p + 1, (gsize)(close - p - 1), name, file_id, at, error))
        return NULL;
      p = close + 1;
    } else {
      g_string_append_c(made, *p++);
    }
  }
  if (is_safe(made))
    return g_string_free(g_steal_pointer(&made), FALSE);
  sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the name made from \"%s\" is no single file name of 1 to 255 bytes", template);
  return NULL;
}
