/* The log: one line per event on standard error (systemd's journal adds what it knows), as text or as JSON.
 *
 *   2026-11-20T06:00:01.123Z info file lane=points feed=acme-points file=0k3x… state=staged name=POINTS_0001.dat ms=812
 *   {"at":"2026-11-20T06:00:01.123Z","level":"info","event":"file","lane":"points",…}
 * Values are escaped (control characters, invalid UTF-8), bounded to 500 characters, and never a masked field's value,
 * a passphrase or a key. A line is written by one write(2), so that processes do not mix theirs. The only mutable
 * global of the program besides the stop flag: level, format and the process's fixed pairs. */
#pragma once
#include <glib.h>

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

/* Called once per process before threads start, and at a reload. `lane` stands in every line; NULL: none. Copied. */
void log_setup(LogLevel level, gboolean json, const char *lane);

/* Pairs of name and value, both strings; a pair whose value is NULL is left out. Names are literals: feed, file, … */
typedef struct {
  const char *name;
  const char *value;
} LogPair;
void log_event_pairs(LogLevel level, const char *event, const LogPair *pairs, gsize n_pairs);
#define log_event(level, event, ...) \
  log_event_pairs((level), (event), (const LogPair[]){__VA_ARGS__}, \
                  sizeof((const LogPair[]){__VA_ARGS__}) / sizeof(LogPair))
/* log_event(LOG_INFO, "poll", {"feed", feed}, {"listed", log_number(n)}); the number's text lives in a small per-thread
 * ring of 16, so it is good until 16 further calls. */
const char *log_number(gint64 value);
gboolean log_is_on(LogLevel level);
