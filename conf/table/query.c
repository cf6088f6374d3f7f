/* Queries of other people's databases: where, what, how far at a time, and into which folder. */
#include "conf/table/query.h"
#include "conf/check/references.h"
#include "conf/read/section.h"
#include "conf/read/value.h"
#include <string.h>

static void read_place(const Section *section, const Row *row, gpointer at) {
  const ConfQuery *query = section->into;
  (query->from == CONF_QUERY_SQLITE ? kind_path : kind_connection).read(section, row, at);
}

static void check_login(const Section *section, gpointer into) {
  const ConfQuery *query = into;
  if (query->password_file && query->from == CONF_QUERY_SQLITE)
    section_error(section, "password-file", "'password-file' has no meaning for from = sqlite");
}

static void check_cursor(const Section *section, gpointer into) {
  const ConfQuery *query = into;
  for (char **name = query->cursor; name && *name; name++)
    if (!value_is_field(*name))
      section_error(section, "cursor",
                    "'cursor' must hold names of columns: letters, digits or _, not beginning with a digit");
  section_only_with(section, "rows", query->cursor != NULL, "'cursor'");
  section_only_with(section, "lag", query->cursor != NULL, "'cursor'");
}

static void check_schedule(const Section *section, gpointer into) {
  ConfQuery *query = into;
  gboolean by_cron = section_has(section, "cron");
  if (by_cron && section_has(section, "every"))
    section_error(section, "cron", "'cron' and 'every' exclude each other");
  section_only_with(section, "time-zone", by_cron, "cron");
  if (by_cron)
    query->every = 0;
}

/* Two that write the same names would overwrite, and one row of progress has one name. */
static void check_others(const Section *section, gpointer into) {
  const ConfQuery *query = into;
  const ConfLane *lane = section->outer->into;
  for (guint i = 0; lane->queries && i < lane->queries->len; i++) {
    const ConfQuery *other = lane->queries->pdata[i];
    if (other != query && g_strcmp0(other->folder, query->folder) == 0 &&
        g_strcmp0(other->file_name, query->file_name) == 0)
      section_error(section, "name", "'name': query \"%s\" puts files of the same names into the same folder",
                    other->name);
  }
}

static const char *const numbers[] = {"{sequence", NULL};
static const TemplateRule template_of_query = {TEMPLATE_FILE, numbers,
                                               "must contain {sequence}: else one file would stand for all"};
static const Kind kind_place = {.store = STORE_TEXT, .read = read_place};
static const Row rows[] = {
    WHERE(ConfQuery),
    TITLE(ConfQuery),
    ROW(ConfQuery, "from", from, choice, .words = WORDS(CONF_QUERY_FROMS), .otherwise = ROW_UNSAID,
        .needed = "what kind of database it is: sqlite, postgresql or odbc"),
    ROW(ConfQuery, "path", path, place, .needed = "the database file, or the connection, as \"host=db dbname=core\""),
    ROW(ConfQuery, "password-file", password_file, file),
    CHECK(check_login),
    ROW(ConfQuery, "query", query, raw, .needed = "a SELECT, without order and limit"),
    ROW(ConfQuery, "cursor", cursor, list, .most = 8),
    ROW(ConfQuery, "rows", rows, number, .otherwise = 5000, .least = 1, .most = 10000000),
    ROW(ConfQuery, "lag", lag, seconds, .otherwise = 0, .least = 0, .most = 7 * 86400),
    CHECK(check_cursor),
    ROW(ConfQuery, "timeout", timeout, seconds, .otherwise = 300, .least = 1, .most = 86400),
    ROW(ConfQuery, "every", every, seconds, .otherwise = 60, .least = 1, .most = 31 * 86400),
    ROW(ConfQuery, "cron", cron, text),
    ROW(ConfQuery, "time-zone", time_zone, own_time_zone),
    CHECK(check_schedule),
    ROW(ConfQuery, "layout", layout, layout, .needed = "how the rows are written"),
    ROW(ConfQuery, "folder", folder, path, .needed = "the folder that a feed takes the files from"),
    ROW(ConfQuery, "name", file_name, template, .rule = &template_of_query,
        .needed = "what the files are called, as 'CLAIMS_{sequence:6}.txt'"),
    CHECK(check_others),
    ROW(ConfQuery, "waiting", waiting, number, .otherwise = 8, .least = 1, .most = 10000),
    ROWS_END,
};
const Table table_query = TABLE(ConfQuery, rows);
