/* When a lane may work: idle { … }. */
#include "conf/read/section.h"
#include "conf/read/value.h"
#include "conf/model/idle.h"
#include "conf/table/idle.h"
#include <string.h>

gboolean conf_idle_window(const char *text, guint *from, guint *until) {
  g_auto(GStrv) parts = g_strsplit(text, "-", 3);
  return g_strv_length(parts) == 2 && value_time_of_day(parts[0], from) && value_time_of_day(parts[1], until) &&
         *from != *until;
}

/* Between the two nothing changes, so that a load at one mark does not make it start and stop. */
static gboolean is_wrong(guint below, guint above) {
  gboolean is_off = below == 100 && above == 100;
  return below >= above && !is_off;
}

static void check_marks(const Section *section, gpointer into) {
  const ConfIdle *idle = into;
  if (is_wrong(idle->cpu_below, idle->cpu_above))
    section_error(section, "cpu-others-above", "'cpu-others-above' must be more than 'cpu-others-below' (%u)",
                  idle->cpu_below);
  if (is_wrong(idle->io_below, idle->io_above))
    section_error(section, "io-some-above", "'io-some-above' must be more than 'io-some-below' (%u)", idle->io_below);
}

static void check_windows(const Section *section, gpointer into) {
  guint from, until;
  for (char **window = ((ConfIdle *)into)->windows; window && *window; window++)
    if (!conf_idle_window(*window, &from, &until))
      section_error(section, "window", "'window': \"%s\" is no span of the day, as \"19:00-07:00\"", *window);
}

static void check_probe(const Section *section, gpointer into) {
  char **probe = ((ConfIdle *)into)->probe;
  if (probe && (*probe[0] != '/' || value_has_dot_dot(probe[0])))
    section_error(section, "probe",
                  "'probe' begins with the program's absolute path; its arguments follow, each a value of its own");
}

#define PERCENT(option, member, default_) \
  ROW(ConfIdle, option, member, number, .otherwise = (default_), .least = 1, .most = 100)
#define SECONDS(option, member, default_, least_) \
  ROW(ConfIdle, option, member, seconds, .otherwise = (default_), .least = (least_), .most = 31 * 86400)
static const Row rows[] = {
    WHERE(ConfIdle),
    PRESENT(ConfIdle),
    PERCENT("cpu-others-below", cpu_below, 30),
    PERCENT("cpu-others-above", cpu_above, 50),
    PERCENT("io-some-below", io_below, 5),
    PERCENT("io-some-above", io_above, 15),
    PERCENT("memory-some-above", memory_above, 1),
    CHECK(check_marks),
    SECONDS("idle-for", idle_for, 60, 1),
    SECONDS("busy-for", busy_for, 2, 1),
    SECONDS("cool-down", cool_down, 30, 0),
    ROW(ConfIdle, "window", windows, list, .most = 20),
    CHECK(check_windows),
    ROW(ConfIdle, "probe", probe, list, .most = 50),
    CHECK(check_probe),
    ROW(ConfIdle, "veto-file", veto_file, path),
    SECONDS("latest", latest, 86400, 1),
    ROW(ConfIdle, "at-latest", at_latest, choice, .words = WORDS(CONF_AT_LATESTS), .otherwise = CONF_AT_LATEST_ALARM),
    ROW(ConfIdle, "bandwidth", bandwidth, size64, .otherwise = 20ULL << 20, .least = 1024, .most = 1ULL << 40),
    ROW(ConfIdle, "piece", piece, size64, .otherwise = 1ULL << 20, .least = 65536, .most = 64ULL << 20),
    ROWS_END,
};
const Table table_idle = TABLE(ConfIdle, rows);
