/* The read rule of a reconciliation: which records, of which columns, in which order. */
#include "conf/check/references.h"
#include "conf/lookup.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

/* Which sources a setting has a meaning for: `fits` of its row. */
enum {
  LEDGER = 1 << CONF_READ_LEDGER,
  FILES = 1 << CONF_READ_FILES,
  RECORDS = 1 << CONF_READ_RECORDS,
  DELIMITED = 1 << CONF_READ_DELIMITED,
  SQLITE = 1 << CONF_READ_SQLITE,
  POSTGRESQL = 1 << CONF_READ_POSTGRESQL,
  ODBC = 1 << CONF_READ_ODBC,
  OURS = LEDGER | FILES | RECORDS,
  SERVERS = POSTGRESQL | ODBC,
  QUERIES = SQLITE | SERVERS,
  EACH = OURS | DELIMITED | QUERIES
};

static const char *const sources[] = {CONF_READ_FROMS(CONF_WORD)};

/* What each source needs, with what for. */
static const struct {
  ConfReadFrom from;
  const char *option, *what;
} needs[] = {
    {CONF_READ_LEDGER, "ledger", "the ledger whose entries are read"},
    {CONF_READ_DELIMITED, "path", "the file that is read"},
    {CONF_READ_DELIMITED, "layout", "how its records are written"},
    {CONF_READ_SQLITE, "path", "the database file"},
    {CONF_READ_SQLITE, "query", "a SELECT with :date for the business date"},
    {CONF_READ_POSTGRESQL, "path", "the connection, as \"host=db dbname=core\""},
    {CONF_READ_POSTGRESQL, "query", "a SELECT with $1 for the business date"},
    {CONF_READ_ODBC, "path", "the connection, as \"DSN=core;UID=reader\""},
    {CONF_READ_ODBC, "query", "a SELECT with ? for the business date"},
};

static void check_from(const Section *section, gpointer into) {
  const ConfRead *read = into;
  RowWalk walk = {.table = &table_read_rule};
  for (const Row *row; (row = grammar_next(&walk));)
    if (!(row->fits & 1u << read->from) && section_has(section, row->name))
      section_error(section, row->name, "'%s' has no meaning for from = %s", row->name, sources[read->from]);
  for (guint i = 0; i < G_N_ELEMENTS(needs); i++)
    if (needs[i].from == read->from)
      section_require(section, needs[i].option, needs[i].what);
}

/* --- What is here: ledgers and feeds of the own lane. */

static const ConfLane *lane_of(const Section *section) {
  return section->outer->outer->into;
}

static void check_ledger(const Section *section, gpointer into) {
  const ConfLane *lane = lane_of(section);
  const char *name = ((ConfRead *)into)->ledger;
  if (!name || section->tree->lost)
    return;
  for (guint i = 0; i < lane->feeds->len; i++)
    if (g_strcmp0(((const ConfFeed *)lane->feeds->pdata[i])->ledger.name, name) == 0)
      return;
  section_error(section, "ledger", "'ledger': no feed of lane \"%s\" credits a ledger \"%s\"", lane->name, name);
}

static void check_feeds(const Section *section, gpointer into) {
  const ConfLane *lane = lane_of(section);
  for (char **name = ((ConfRead *)into)->feeds; name && *name; name++) {
    if (named_find(lane->feeds, *name) || section->tree->lost)
      continue;
    g_autofree char *suggestion = named_suggest(lane->feeds, *name);
    section_error(section, "feeds", "'feeds': lane \"%s\" has no feed \"%s\"%s", lane->name, *name, suggestion);
  }
}

static void check_statuses(const Section *section, gpointer into) {
  static const char *const of_records[] = {"accepted", "rejected", "duplicate", NULL};
  static const char *const of_states[] = {"seen",      "admitted",  "fetched", "opened",   "staged",
                                          "validated", "posting",   "posted",  "sealed",   "answered",
                                          "closed",    "rejected",  "duplicate", "held",   NULL};
  const ConfRead *read = into;
  const char *const *words = read->from == CONF_READ_RECORDS ? of_records : of_states;
  for (char **status = read->statuses; status && *status; status++) {
    if (g_strv_contains(words, *status))
      continue;
    g_autofree char *all = g_strjoinv(", ", (char **)words);
    section_error(section, "statuses", "'statuses': each must be one of: %s", all);
    return;
  }
}

/* --- Outside. */

static void read_place(const Section *section, const Row *row, gpointer at) {
  const ConfRead *read = section->into;
  gboolean is_server = (SERVERS & 1u << read->from) != 0;
  (is_server ? kind_connection : kind_path).read(section, row, at);
}

static void check_query(const Section *section, gpointer into) {
  static const char *const dates[] = {
      [CONF_READ_SQLITE] = ":date", [CONF_READ_POSTGRESQL] = "$1", [CONF_READ_ODBC] = "?"};
  const ConfRead *read = into;
  const char *date = read->from < (ConfReadFrom)G_N_ELEMENTS(dates) ? dates[read->from] : NULL;
  if (read->query && date && !strstr(read->query, date))
    section_warning(section, "query", "'query' does not hold %s: it gives the same records for every date", date);
}

static void check_file(const Section *section, gpointer into) {
  const ConfRead *read = into;
  const ConfLayout *layout = read->layout ? conf_layout(section->conf, read->layout) : NULL;
  if (layout && read->from == CONF_READ_DELIMITED && read->path && !strstr(read->path, "{date}"))
    section_warning(section, "path", "'path' does not hold {date}: it is the same file for every date");
}

/* --- Columns. */

/* Those of ledgers, files and records are known to what reads them: gateway/check looks. Those of a query, only when it
 * is read. */
static gboolean is_column(const Conf *conf, const ConfRead *read, const char *name) {
  const ConfLayout *layout = read->layout ? conf_layout(conf, read->layout) : NULL;
  return read->from != CONF_READ_DELIMITED || !layout || conf_line_field(&layout->record, name);
}

static void check_names(const Section *section, const ConfRead *read, const char *option, char **names) {
  for (char **name = names; name && *name; name++) {
    if (!value_is_field(*name))
      section_error(section, option,
                    "'%s' must hold names of columns: letters, digits or _, not beginning with a digit", option);
    else if (!is_column(section->conf, read, *name))
      section_error(section, option, "'%s': from = %s has no column \"%s\"", option, sources[read->from], *name);
    else
      for (char **other = names; other != name; other++)
        if (strcmp(*other, *name) == 0)
          section_error(section, option, "'%s': \"%s\" stands there twice", option, *name);
  }
}

static void check_columns(const Section *section, gpointer into) {
  ConfRead *read = into;
  check_names(section, read, "columns", read->columns);
  check_names(section, read, "order", read->order);
  if (!read->amount && read->from == CONF_READ_LEDGER)
    read->amount = g_strdup("amount");
  if (read->amount && read->columns && section_has(section, "amount") &&
      !g_strv_contains((const char *const *)read->columns, read->amount))
    section_error(section, "amount", "'amount' must be one of 'columns': the requester adds it up, too");
}

static const Kind kind_place = {.store = STORE_TEXT, .read = read_place};
static const Row rows[] = {
    WHERE(ConfRead),
    ROW(ConfRead, "from", from, choice, .words = WORDS(CONF_READ_FROMS), .otherwise = ROW_UNSAID, .decides = TRUE,
        .fits = EACH, .needed = "where the records are: ledger, files, records, delimited, sqlite, postgresql or odbc"),
    CHECK(check_from),
    ROW(ConfRead, "ledger", ledger, name, .fits = LEDGER),
    CHECK(check_ledger),
    ROW(ConfRead, "feeds", feeds, list, .most = 500, .fits = OURS),
    CHECK(check_feeds),
    ROW(ConfRead, "statuses", statuses, list, .most = 20, .fits = FILES | RECORDS),
    CHECK(check_statuses),
    ROW(ConfRead, "path", path, place, .fits = DELIMITED | QUERIES),
    ROW(ConfRead, "password-file", password_file, file, .fits = SERVERS),
    ROW(ConfRead, "query", query, raw, .fits = QUERIES),
    CHECK(check_query),
    ROW(ConfRead, "layout", layout, layout, .fits = DELIMITED),
    CHECK(check_file),
    ROW(ConfRead, "columns", columns, list, .most = 500, .fits = EACH,
        .needed = "what is written of each record, in this order"),
    ROW(ConfRead, "order", order, list, .most = 20, .fits = OURS | DELIMITED),
    ROW(ConfRead, "amount", amount, text, .fits = EACH),
    CHECK(check_columns),
    ROW(ConfRead, "where", where_sql, raw, .fits = OURS | DELIMITED),
    ROWS_END,
};
const Table table_read_rule = TABLE(ConfRead, rows);
