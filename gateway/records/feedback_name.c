#include "gateway/records/feedback.h"
#include <string.h>
#include <time.h>

/* The first dot that is not at the start: "POINTS_1.dat.pgp" has the stem "POINTS_1" and the extension ".dat.pgp". */
static gsize stem_length(const char *name, gsize length) {
  const char *dot = length > 1 ? memchr(name + 1, '.', length - 1) : NULL;
  return dot ? (gsize)(dot - name) : length;
}

/* {sequence} or {sequence:6}. FALSE: the word is neither. */
static gboolean sequence_width(const char *word, guint *width) {
  char *end = NULL;
  *width = 0;
  if (g_str_equal(word, "sequence"))
    return TRUE;
  if (!g_str_has_prefix(word, "sequence:") || !g_ascii_isdigit(word[strlen("sequence:")]))
    return FALSE;
  guint64 wanted = g_ascii_strtoull(word + strlen("sequence:"), &end, 10);
  *width = (guint)MIN(wanted, 99);
  return *end == 0 && wanted >= 1 && wanted <= 18;
}

static gboolean put_part(GString *into, const char *word, gsize word_length, const FeedbackName *facts,
                         GError **error) {
  gsize length;
  guint width;
  const char *bytes = g_bytes_get_data(facts->name, &length);
  gsize stem = stem_length(bytes, length);
  g_autofree char *part = g_strndup(word, word_length);
  time_t seconds = (time_t)(facts->at / G_USEC_PER_SEC);
  struct tm utc;
  char text[16] = "";
  if (g_str_equal(part, "name")) {
    g_string_append_len(into, bytes, (gssize)length);
  } else if (g_str_equal(part, "stem")) {
    g_string_append_len(into, bytes, (gssize)stem);
  } else if (g_str_equal(part, "extension")) {
    g_string_append_len(into, bytes + stem, (gssize)(length - stem));
  } else if (g_str_equal(part, "id")) {
    g_string_append(into, facts->file_id);
  } else if ((g_str_equal(part, "date") || g_str_equal(part, "time")) && gmtime_r(&seconds, &utc)) {
    strftime(text, sizeof text, *part == 'd' ? "%Y%m%d" : "%H%M%S", &utc);
    g_string_append(into, text);
  } else if (sequence_width(part, &width)) {
    if (facts->sequence == 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "name template: {%s}: these files have no sequence number", part);
    g_string_append_printf(into, "%0*" G_GUINT64_FORMAT, (int)width, facts->sequence);
  } else {
    return sallyport_error_set(
        error, SALLYPORT_ERROR_CONFIGURATION,
        "name template: {%s} is not known: use {name} {stem} {extension} {date} {time} {id} {sequence} {sequence:6}",
        part);
  }
  return TRUE;
}

static gboolean is_safe(const GString *name) {
  return name->len > 0 && name->len <= 255 && !memchr(name->str, '/', name->len) && !memchr(name->str, 0, name->len) &&
         !g_str_equal(name->str, ".") && !g_str_equal(name->str, "..");
}

char *feedback_name(const char *template, const FeedbackName *facts, GError **error) {
  g_autoptr(GString) made = g_string_new(NULL);
  for (const char *p = template; *p;) {
    const char *close = *p == '{' ? strchr(p, '}') : NULL;
    if (close) {
      if (!put_part(made, p + 1, (gsize)(close - p - 1), facts, error))
        return NULL;
      p = close + 1;
    } else {
      g_string_append_c(made, *p++);
    }
  }
  if (is_safe(made))
    return g_string_free(g_steal_pointer(&made), FALSE);
  sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the name made from \"%s\" is no single file name of 1 to 255 bytes",
                      template);
  return NULL;
}
