#include "gateway/cli/refdata_change.h"
#include <string.h>

static gboolean check_table(const StatusLane *lane, const char *name, GString *words, GError **error) {
  GError *why = NULL;
  g_autoptr(ReferenceVersion) version = NULL;
  g_autoptr(ReferenceReader) reader = reference_reader_open(lane->paths->folder, name, &why);
  if (why || (reader && !reference_verify(reader, &version, &why))) {
    g_propagate_prefixed_error(error, why, "%s: ", name);
    return FALSE;
  }
  g_string_append_printf(words, "%s%s ", words->len > 0 ? ", " : "the rows that were loaded; ", name);
  if (version)
    g_string_append_printf(words, "at version %" G_GINT64_FORMAT, version->number);
  else
    g_string_append(words, "has none yet");
  return TRUE;
}

static gboolean is_first(const GPtrArray *feeds, guint index) {
  const ConfFeed *feed = feeds->pdata[index];
  gboolean is = feed->process == CONF_PROCESS_REFERENCE;
  for (guint i = 0; i < index && is; i++) {
    const ConfFeed *other = feeds->pdata[i];
    is = other->process != CONF_PROCESS_REFERENCE || strcmp(other->reference.name, feed->reference.name) != 0;
  }
  return is;
}

char *refdata_check(const StatusLane *lane, GError **error) {
  g_autoptr(GString) words = g_string_new(NULL);
  const GPtrArray *feeds = lane->conf->feeds;
  for (guint i = 0; feeds && i < feeds->len; i++)
    if (is_first(feeds, i) &&
        !check_table(lane, ((const ConfFeed *)feeds->pdata[i])->reference.name, words, error))
      return NULL;
  return words->len > 0 ? g_strdup(words->str) : NULL;
}
