#include "gateway/common/log.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_LIMIT = 500, RING = 16, NUMBER_SIZE = 24 };

static struct {
  int level;
  gboolean json;
  char *lane;
} settings = {LOG_INFO, FALSE, NULL};

/* The texts of log_number. That a value stands here is also how the JSON form knows that it is a number: guessing by
 * its digits would make a partner named "123" change type. */
static _Thread_local char ring[RING][NUMBER_SIZE];
static _Thread_local guint ring_next;

static const char *const level_words[] = {"error", "warning", "info", "debug"};

void log_setup(LogLevel level, gboolean json, const char *lane) {
  g_atomic_int_set(&settings.level, (int)level);
  settings.json = json;
  if (g_strcmp0(lane, settings.lane) != 0) {
    g_free(settings.lane);
    settings.lane = g_strdup(lane);
  }
}

gboolean log_is_on(LogLevel level) {
  return (int)level <= g_atomic_int_get(&settings.level);
}

const char *log_number(gint64 value) {
  char *text = ring[ring_next++ % RING];
  g_snprintf(text, NUMBER_SIZE, "%" G_GINT64_FORMAT, value);
  return text;
}

static gboolean is_number(const char *value) {
  const char *first = &ring[0][0];
  return value >= first && value < first + sizeof ring;
}

static void append_escaped(GString *line, const char *text, const char *escaped) {
  for (const char *at = text; *at; at++) {
    if (strchr(escaped, *at))
      g_string_append_c(line, '\\');
    g_string_append_c(line, *at);
  }
}

static void append_json(GString *line, const LogPair *pair) {
  g_string_append_printf(line, ",\"%s\":", pair->name);
  if (is_number(pair->value)) {
    g_string_append(line, pair->value);
    return;
  }
  g_autofree char *shown = files_show_bytes(pair->value, strlen(pair->value), VALUE_LIMIT);
  g_string_append_c(line, '"');
  append_escaped(line, shown, "\"\\");
  g_string_append_c(line, '"');
}

/* A value is quoted when a reader that splits at spaces and '=' would otherwise take it apart. */
static void append_text(GString *line, const LogPair *pair) {
  g_autofree char *shown = files_show_bytes(pair->value, strlen(pair->value), VALUE_LIMIT);
  g_string_append_printf(line, " %s=", pair->name);
  if (*shown && !strpbrk(shown, " =\"")) {
    g_string_append(line, shown);
    return;
  }
  g_string_append_c(line, '"');
  append_escaped(line, shown, "\"");
  g_string_append_c(line, '"');
}

static void append_pair(GString *line, const LogPair *pair) {
  if (!pair->value)
    return;
  if (settings.json)
    append_json(line, pair);
  else
    append_text(line, pair);
}

static void append_head(GString *line, LogLevel level, const char *event) {
  gint64 now = g_get_real_time();
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
  g_autofree char *seconds = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S");
  int milliseconds = (int)(now % G_USEC_PER_SEC / 1000);
  if (settings.json)
    g_string_append_printf(line, "{\"at\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\"", seconds, milliseconds,
                           level_words[level], event);
  else
    g_string_append_printf(line, "%s.%03dZ %s %s", seconds, milliseconds, level_words[level], event);
}

void log_event_pairs(LogLevel level, const char *event, const LogPair *pairs, gsize n_pairs) {
  if (!log_is_on(level))
    return;
  int number = errno; /* a caller may still want it */
  GString *line = g_string_sized_new(256);
  append_head(line, level, event);
  append_pair(line, &(LogPair){"lane", settings.lane});
  for (gsize i = 0; i < n_pairs; i++)
    append_pair(line, &pairs[i]);
  g_string_append(line, settings.json ? "}\n" : "\n");
  /* A log that cannot be written is no reason to stop a gateway, and there is nobody left to tell. */
  while (write(STDERR_FILENO, line->str, line->len) < 0 && errno == EINTR)
    ;
  g_string_free(line, TRUE);
  errno = number;
}
