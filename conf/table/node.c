/* The node: where the gateway keeps its state, and how it logs. */
#include "conf/read/section.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"

static void fill_folders(const Section *section, gpointer into) {
  (void)section;
  ConfNode *node = into;
  if (!node->runtime)
    node->runtime = g_build_filename(node->state, "run", NULL);
  if (!node->gnupg_home)
    node->gnupg_home = g_build_filename(node->state, "gnupg", NULL);
}

/* Hours that nobody chose decide days: the day of arrival, cut-offs, what is due. */
static void check_time_zone(const Section *section, gpointer into) {
  (void)into;
  if (!section_has(section, "time-zone") && !section->node->damaged && !section->tree->lost)
    section_warning(section, NULL,
                    "'time-zone' is not set, so days and times are those of UTC; if that is meant, say so with "
                    "time-zone = \"UTC\"");
}

static const Row log_rows[] = {
    ROW(ConfNode, "format", log_format, choice, .words = WORDS(CONF_LOG_FORMATS), .otherwise = CONF_LOG_TEXT),
    ROW(ConfNode, "level", log_level, choice, .words = WORDS(CONF_LOG_LEVELS), .otherwise = CONF_LOG_INFO),
    ROWS_END,
};
static const Table table_log = TABLE(ConfNode, log_rows);

static const Row rows[] = {
    WHERE(ConfNode),
    ROW(ConfNode, "name", name, name, .needed = "what this gateway is called in logs and in the audit chain"),
    ROW(ConfNode, "state", state, path, .text = "/var/lib/sallyport"),
    ROW(ConfNode, "runtime", runtime, path),
    ROW(ConfNode, "time-zone", time_zone, time_zone, .text = "UTC"),
    ROW(ConfNode, "gnupg-home", gnupg_home, path),
    CHECK(fill_folders),
    CHECK(check_time_zone),
    ROW(ConfNode, "key-warning-days", key_warning_days, number, .otherwise = 30, .least = 0, .most = 3650),
    ROW(ConfNode, "archive-days", archive_days, number, .otherwise = 30, .least = 0, .most = 36500),
    WITHIN("log", table_log, .always = TRUE),
    ROWS_END,
};
const Table table_node = TABLE(ConfNode, rows);
