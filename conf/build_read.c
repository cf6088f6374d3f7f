/* The read rule of a reconciliation: which records, of which columns, in which order. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

/* The options of each source, of those that `read` has altogether; and those that it needs, with what for. */
typedef struct {
  const char *word;
  const char *const *options;
  const char *needed[3][2];
} Source;
static const char *const of_ledger[] = {"from", "ledger", "feeds", "columns", "order", "where", "amount", NULL};
static const char *const of_files[] = {"from", "feeds", "statuses", "columns", "order", "where", "amount", NULL};
static const char *const of_delimited[] = {"from", "path", "layout", "columns", "order", "where", "amount", NULL};
static const char *const of_queries[] = {"from", "path", "query", "columns", "amount", NULL};
static const Source sources[] = {
    [CONF_READ_LEDGER] = {"ledger", of_ledger, {{"ledger", "the ledger whose entries are read"}}},
    [CONF_READ_FILES] = {"files", of_files, {{NULL, NULL}}},
    [CONF_READ_RECORDS] = {"records", of_files, {{NULL, NULL}}},
    [CONF_READ_DELIMITED] = {"delimited",
                             of_delimited,
                             {{"path", "the file that is read"}, {"layout", "how its records are written"}}},
    [CONF_READ_SQLITE] = {"sqlite",
                          of_queries,
                          {{"path", "the database file"}, {"query", "a SELECT with :date for the business date"}}},
    [CONF_READ_POSTGRESQL] = {"postgresql",
                              of_queries,
                              {{"path", "the connection, as \"host=db dbname=core\""},
                               {"query", "a SELECT with $1 for the business date"}}},
};

static gboolean build_from(const Section *section, ConfRead *read) {
  const char *words[G_N_ELEMENTS(sources) + 1] = {NULL};
  for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
    words[i] = sources[i].word;
  section_require(section, "from", "where the records are: ledger, files, records, delimited, sqlite or postgresql");
  guint choice = section_choice(section, "from", words, G_MAXUINT);
  if (choice == G_MAXUINT)
    return FALSE;
  read->from = (ConfReadFrom)choice;
  const Source *source = &sources[choice];
  for (const cfg_opt_t *option = section->cfg->opts; option->name != NULL; option++)
    if (section_has(section, option->name) && !g_strv_contains(source->options, option->name))
      section_error(section, option->name, "'%s' has no meaning for from = %s", option->name, source->word);
  for (guint i = 0; i < G_N_ELEMENTS(source->needed); i++)
    if (source->needed[i][0] != NULL)
      section_require(section, source->needed[i][0], source->needed[i][1]);
  return TRUE;
}

/* ---- what is here: ledgers and feeds of the own lane ---- */

static void check_ledger(const Section *section, const ConfLane *lane, const char *name) {
  if (name == NULL || section->scan->lost)
    return;
  for (guint i = 0; i < lane->feeds->len; i++)
    if (g_strcmp0(((const ConfFeed *)g_ptr_array_index(lane->feeds, i))->ledger.name, name) == 0)
      return;
  section_error(section, "ledger", "'ledger': no feed of lane \"%s\" credits a ledger \"%s\"", lane->name, name);
}

static void build_feeds(const Section *section, const ConfLane *lane, ConfRead *read) {
  read->feeds = section_list(section, "feeds", 500);
  for (char **name = read->feeds; name != NULL && *name != NULL; name++) {
    if (named_find(lane->feeds, *name) != NULL || section->scan->lost)
      continue;
    g_autofree char *suggestion = named_suggest(lane->feeds, *name);
    section_error(section, "feeds", "'feeds': lane \"%s\" has no feed \"%s\"%s", lane->name, *name, suggestion);
  }
}

static void build_statuses(const Section *section, ConfRead *read) {
  static const char *const of_records[] = {"accepted", "rejected", "duplicate", NULL};
  static const char *const of_states[] = {"seen",      "admitted",  "fetched", "opened",   "staged",
                                          "validated", "posting",   "posted",  "answered", "closed",
                                          "rejected",  "duplicate", "held",    NULL};
  read->statuses = section_list(section, "statuses", 20);
  const char *const *words = read->from == CONF_READ_RECORDS ? of_records : of_states;
  for (char **status = read->statuses; status != NULL && *status != NULL; status++) {
    if (g_strv_contains(words, *status))
      continue;
    g_autofree char *all = g_strjoinv(", ", (char **)words);
    section_error(section, "statuses", "'statuses': each must be one of: %s", all);
    return;
  }
}

/* ---- columns ---- */

/* Those of ledgers, files and records are known to what reads them: gateway/check/check.c looks. Those of a query, only when
 * it is read. */
static gboolean is_column(const Conf *conf, const ConfRead *read, const char *name) {
  const ConfLayout *layout = read->layout == NULL ? NULL : conf_layout(conf, read->layout);
  return read->from != CONF_READ_DELIMITED || layout == NULL || conf_line_field(&layout->record, name) != NULL;
}

static void check_columns(const Section *section, const Conf *conf, const ConfRead *read, const char *option,
                          char **names) {
  for (char **name = names; name != NULL && *name != NULL; name++) {
    if (!value_is_field(*name))
      section_error(section, option,
                    "'%s' must hold names of columns: letters, digits or _, not beginning with a digit", option);
    else if (!is_column(conf, read, *name))
      section_error(section, option, "'%s': from = %s has no column \"%s\"", option, sources[read->from].word, *name);
    else
      for (char **other = names; other != name; other++)
        if (strcmp(*other, *name) == 0)
          section_error(section, option, "'%s': \"%s\" stands there twice", option, *name);
  }
}

static void build_columns(const Section *section, const Conf *conf, ConfRead *read) {
  section_require(section, "columns", "what is written of each record, in this order");
  read->columns = section_list(section, "columns", 500);
  read->order = section_list(section, "order", 20);
  check_columns(section, conf, read, "columns", read->columns);
  check_columns(section, conf, read, "order", read->order);
  read->amount = section_text(section, "amount");
  if (read->amount == NULL && read->from == CONF_READ_LEDGER)
    read->amount = g_strdup("amount");
  if (read->amount != NULL && read->columns != NULL && section_has(section, "amount") &&
      !g_strv_contains((const char *const *)read->columns, read->amount))
    section_error(section, "amount", "'amount' must be one of 'columns': the requester adds it up, too");
}

/* ---- outside ---- */

/* postgresql: libpq's words; a password in them would stand in the configuration. */
static void check_connection(const Section *section, const char *text) {
  g_autofree char *lower = g_ascii_strdown(text, -1);
  const char *authority = strstr(lower, "://");
  const char *at = authority == NULL ? NULL : strchr(authority + 3, '@');
  const char *colon = authority == NULL ? NULL : strchr(authority + 3, ':');
  if (strstr(lower, "password") != NULL || (at != NULL && colon != NULL && colon < at))
    section_error(section, "path", "'path' holds a password: put it into a file and name that with passfile=/path");
}

static void build_outside(const Section *section, const Conf *conf, ConfRead *read) {
  if (read->from == CONF_READ_POSTGRESQL) {
    read->path = section_text(section, "path");
    if (read->path != NULL)
      check_connection(section, read->path);
  } else {
    read->path = section_path(section, "path");
  }
  read->query = section_raw(section, "query");
  const char *date = read->from == CONF_READ_SQLITE ? ":date" : "$1";
  if (read->query != NULL && strstr(read->query, date) == NULL)
    section_warning(section, "query", "'query' does not hold %s: it gives the same records for every date", date);
  const ConfLayout *layout = build_layout_name(section, conf, &read->layout);
  if (layout != NULL && read->from == CONF_READ_DELIMITED && read->path != NULL && strstr(read->path, "{date}") == NULL)
    section_warning(section, "path", "'path' does not hold {date}: it is the same file for every date");
}

void build_read(const Section *reconcile_section, const Conf *conf, const ConfLane *lane, ConfReconcile *reconcile) {
  ConfRead *read = &reconcile->read;
  section_require(reconcile_section, "read", "the read rule: which records, of which columns");
  Section section;
  if (!section_inner(reconcile_section, "read", &section))
    return;
  read->where = section_where(&section, NULL);
  if (!build_from(&section, read)) {
    section_require(&section, "columns", "what is written of each record, in this order");
    return;
  }
  read->ledger = section_name(&section, "ledger");
  check_ledger(&section, lane, read->ledger);
  build_feeds(&section, lane, read);
  build_statuses(&section, read);
  build_outside(&section, conf, read);
  build_columns(&section, conf, read);
  read->where_sql = section_raw(&section, "where");
}
