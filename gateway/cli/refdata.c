/* refdata: the lanes' reference tables. What is shown is read from their files; a rollback is asked of the lane. */
#include "gateway/cli/refdata_change.h"
#include "gateway/common/json_put.h"
#include "gateway/records/layout.h"
#include <string.h>

enum { STANDARD_LIMIT = 100, SHOWN_DIGEST = 12 };

typedef struct {
  char *name, *at, *reason;
  gint version;
  gboolean plain, anyway, dry;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, name, "name", 'n', "NAME", "this table, where there are several", CLI_VALUE_TEXT),
    CLI_TEXT(Given, at, "at", 0, "TIME", "show: only the row that is valid then", CLI_VALUE_TEXT),
    CLI_OPTION(Given, version, "of-version", 0, G_OPTION_ARG_INT, "N", "show: of this version; else the one in force",
               CLI_VALUE_TEXT),
    CLI_TEXT(Given, reason, "reason", 'r', "TEXT", "load, rollback: why, for the audit", CLI_VALUE_TEXT),
    CLI_FLAG(Given, plain, "plain", 0, "load: a file in the clear, without signature, encryption or packing"),
    CLI_FLAG(Given, anyway, "anyway", 0, "load: though it has far fewer rows, none, or an older number"),
    CLI_FLAG(Given, dry, "dry-run", 0, "load: only show what it would change"),
    {0}};

/* --- Tables */

static void table_free(gpointer data) {
  CliTableOf *table = data;
  reference_reader_close(table->reader);
  g_free(table);
}

static gboolean is_known(const GPtrArray *tables, const StatusLane *lane, const char *name) {
  for (guint i = 0; i < tables->len; i++) {
    const CliTableOf *table = tables->pdata[i];
    if (table->lane == lane && strcmp(table->feed->reference.name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean add_tables_of(const Cli *cli, const StatusLane *lane, GPtrArray *tables, GError **error) {
  const char *wanted = ((const Given *)cli->own)->name;
  for (guint i = 0; lane->conf->feeds && i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    if (feed->process != CONF_PROCESS_REFERENCE || (wanted && strcmp(wanted, feed->reference.name) != 0) ||
        is_known(tables, lane, feed->reference.name))
      continue;
    GError *why = NULL;
    CliTableOf *table = g_new(CliTableOf, 1);
    *table = (CliTableOf){lane, feed, conf_layout(cli->conf, feed->layout),
                          reference_reader_open(lane->paths->folder, feed->reference.name, &why)};
    g_ptr_array_add(tables, table);
    if (why) {
      g_propagate_error(error, why);
      return FALSE;
    }
  }
  return TRUE;
}

static CliExit find_tables(Cli *cli, GPtrArray **lanes, GPtrArray **tables) {
  g_autoptr(GError) error = NULL;
  CliExit exit = cli_lanes(cli, lanes);
  *tables = g_ptr_array_new_with_free_func(table_free);
  for (guint i = 0; exit == CLI_EXIT_FINE && i < (*lanes)->len; i++)
    if (!add_tables_of(cli, (*lanes)->pdata[i], *tables, &error))
      return cli_fail(error);
  if (exit == CLI_EXIT_FINE && (*tables)->len == 0) {
    const char *wanted = ((const Given *)cli->own)->name;
    if (wanted)
      cli_complain("no feed loads a reference table \"%s\"", wanted);
    else
      cli_complain("no feed loads a reference table: none has process reference");
    return CLI_EXIT_NOT_FOUND;
  }
  return exit;
}

static CliExit only_table(const GPtrArray *tables, gboolean needs_rows, CliTableOf **table) {
  *table = tables->pdata[0];
  if (tables->len > 1) {
    cli_complain("there are several reference tables: --name or --lane says which");
    return CLI_EXIT_USAGE;
  }
  if ((*table)->reader || !needs_rows)
    return CLI_EXIT_FINE;
  cli_complain("nothing was loaded into %s yet", (*table)->feed->reference.name);
  return CLI_EXIT_NOT_FOUND;
}

/* The version of that number, 0: in force; with what is wrong with it told. */
static CliExit find_version(const CliTableOf *table, gint64 number, ReferenceVersion **version) {
  g_autoptr(GError) error = NULL;
  if (!reference_version(table->reader, number, version, &error))
    return cli_fail(error);
  if (*version && (*version)->kept)
    return CLI_EXIT_FINE;
  cli_complain(*version ? "version %" G_GINT64_FORMAT " of %s is not kept any more"
                        : "version %" G_GINT64_FORMAT " of %s: there is none",
               number, table->feed->reference.name);
  return CLI_EXIT_NOT_FOUND;
}

static gboolean parse_number(const char *text, gint64 *number) {
  if (g_ascii_string_to_signed(text, 10, 1, G_MAXINT64, number, NULL))
    return TRUE;
  cli_complain("\"%s\" is no version", text);
  return FALSE;
}

/* --- list */

static json_t *version_json(const CliOutput *out, const ReferenceVersion *version) {
  json_t *object = json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "version", (json_int_t)version->number, "kind",
                             reference_kind_word(version->kind), "rows", (json_int_t)version->rows, "added",
                             (json_int_t)version->added, "changed", (json_int_t)version->changed, "removed",
                             (json_int_t)version->removed, "gaps", (json_int_t)version->gaps, "kept",
                             (int)version->kept);
  if (version->sequence != REFERENCE_NO_SEQUENCE)
    json_object_set_new(object, "sequence", json_integer(version->sequence));
  if (version->kind == REFERENCE_ROLLBACK)
    json_object_set_new(object, "back_to", json_integer(version->back_to));
  cli_json_text(object, "file", version->file);
  cli_json_text(object, "by", version->made_by);
  cli_json_text(object, "digest", version->digest);
  cli_json_time(out, object, "at", version->made_at);
  return object;
}

static void add_version(CliTable *list, const CliOutput *out, const CliTableOf *table,
                        const ReferenceVersion *version) {
  cli_table_cell(list, g_strdup(table->feed->reference.name));
  cli_table_cell(list, g_strdup_printf("%" G_GINT64_FORMAT, version->number));
  cli_table_cell(list, cli_time_brief(out, version->made_at));
  cli_table_cell(list, version->kind == REFERENCE_ROLLBACK ? g_strdup_printf("rollback to %" G_GINT64_FORMAT,
                                                                             version->back_to)
                                                           : g_strdup(reference_kind_word(version->kind)));
  cli_table_cell(list, version->sequence == REFERENCE_NO_SEQUENCE
                           ? NULL
                           : g_strdup_printf("%" G_GINT64_FORMAT, version->sequence));
  cli_table_cell(list, cli_unsigned(out, version->rows));
  cli_table_cell(list, cli_unsigned(out, version->added));
  cli_table_cell(list, cli_unsigned(out, version->changed));
  cli_table_cell(list, cli_unsigned(out, version->removed));
  cli_table_cell(list, cli_unsigned(out, version->gaps));
  cli_table_cell(list, version->digest ? g_strndup(version->digest, SHOWN_DIGEST) : NULL);
  cli_table_cell(list, g_strdup(version->file ? version->file : version->made_by));
}

static const CliColumn version_columns[] = {
    {"TABLE", CLI_LEFT, CLI_WHOLE},        {"VERSION", CLI_RIGHT, CLI_WHOLE}, {"AT", CLI_LEFT, CLI_WHOLE},
    {"KIND", CLI_LEFT, CLI_WHOLE},         {"NUMBER", CLI_RIGHT, CLI_WHOLE},  {"ROWS", CLI_RIGHT, CLI_WHOLE},
    {"ADDED", CLI_RIGHT, CLI_WHOLE},       {"CHANGED", CLI_RIGHT, CLI_WHOLE}, {"REMOVED", CLI_RIGHT, CLI_WHOLE},
    {"GAPS", CLI_RIGHT, CLI_DROPPED(1)},   {"DIGEST", CLI_LEFT, CLI_DROPPED(2)}, {"FILE OR WHO", CLI_LEFT, CLI_WHOLE}};

static CliExit list_versions(Cli *cli, const GPtrArray *tables) {
  CliTable *list = cli_table_new(version_columns, G_N_ELEMENTS(version_columns));
  json_t *all = json_array();
  g_autoptr(GError) error = NULL;
  for (guint i = 0; i < tables->len && !error; i++) {
    const CliTableOf *table = tables->pdata[i];
    g_autoptr(GPtrArray) versions =
        table->reader ? reference_versions(table->reader, cli_limit(cli, STANDARD_LIMIT), &error) : NULL;
    json_t *rows = json_array();
    for (guint j = 0; versions && j < versions->len; j++) {
      json_array_append_new(rows, version_json(cli->out, versions->pdata[j]));
      add_version(list, cli->out, table, versions->pdata[j]);
    }
    json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "lane", table->lane->conf->name, "name",
                                         table->feed->reference.name, "versions", rows));
  }
  if (!error && cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "tables", all));
  if (!error && !cli->out->is_json)
    cli_table_print(list, cli->out);
  else
    cli_table_free(list);
  json_decref(all);
  return error ? cli_fail(error) : CLI_EXIT_FINE;
}

/* --- Rows: of show and diff */

typedef struct {
  const Cli *cli;
  const CliTableOf *table;
  json_t *shape, *earlier; /* of the version, and of the one that it is compared with; NULL: the same */
  gint64 at;               /* 0: any */
  guint limit, count;
  gboolean tells_which;
  CliTable *list;
  json_t *rows;
} Listing;

static gboolean hides(const Listing *listing, const char *name) {
  const ConfField *field = listing->table->layout ? conf_line_field(&listing->table->layout->record, name) : NULL;
  return !listing->cli->options.unmask && (!field || field->mask);
}

/* The texts of a row's array with their names; names: strings, or arrays that begin with one. */
static json_t *named(const Listing *listing, const json_t *names, const char *text) {
  json_t *values = json_loads(text, 0, NULL), *object = json_object();
  for (size_t i = 0; i < json_array_size(names); i++) {
    json_t *name = json_array_get(names, i), *value = json_array_get(values, i);
    const char *word = json_string_value(json_is_array(name) ? json_array_get(name, 0) : name);
    if (!word || !value)
      continue;
    g_autofree char *shown = json_is_string(value) && hides(listing, word) ? cli_mask(json_string_value(value)) : NULL;
    if (shown)
      json_object_set_new(object, word, json_string(shown));
    else
      json_object_set(object, word, value);
  }
  json_decref(values);
  return object;
}

static char *joined(json_t *object) {
  GString *text = g_string_new(NULL);
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value)
    if (json_is_string(value))
      g_string_append_printf(text, "%s%s=%s", text->len > 0 ? " " : "", name, json_string_value(value));
  return g_string_free(text, FALSE);
}

static char *bound(const CliOutput *out, gint64 instant) {
  return instant == REFERENCE_SINCE_EVER || instant == REFERENCE_FOR_EVER ? NULL : cli_time(out, instant);
}

static void add_bound(const CliOutput *out, json_t *object, const char *name, gint64 instant) {
  if (instant != REFERENCE_SINCE_EVER && instant != REFERENCE_FOR_EVER)
    cli_json_time(out, object, name, instant);
}

static void add_row_json(Listing *listing, const ReferenceRow *row, gboolean comes, json_t *key, json_t *content) {
  const CliOutput *out = listing->cli->out;
  json_t *object = json_pack("{s:I, s:O, s:O, s:I, s:I}", "row", (json_int_t)row->id, "key", key, "content", content,
                             "of_version", (json_int_t)row->origin, "line", (json_int_t)row->line);
  if (listing->tells_which)
    json_object_set_new(object, "change", json_string(comes ? "added" : "removed"));
  add_bound(out, object, "from", row->start);
  add_bound(out, object, "until", row->finish);
  json_array_append_new(listing->rows, object);
}

static void add_row_cells(Listing *listing, const ReferenceRow *row, gboolean comes, json_t *key, json_t *content) {
  const CliOutput *out = listing->cli->out;
  if (listing->tells_which)
    cli_table_coloured(listing->list, g_strdup(comes ? "+" : "-"), comes ? CLI_GREEN : CLI_RED);
  cli_table_cell(listing->list, joined(key));
  cli_table_cell(listing->list, bound(out, row->start));
  cli_table_cell(listing->list, bound(out, row->finish));
  cli_table_cell(listing->list, g_strdup_printf("%" G_GINT64_FORMAT ":%" G_GUINT64_FORMAT, row->origin, row->line));
  cli_table_cell(listing->list, joined(content));
}

static gboolean add_row(gpointer user, const ReferenceRow *row, gboolean comes) {
  Listing *listing = user;
  if (listing->at && (row->start > listing->at || row->finish <= listing->at))
    return TRUE;
  if (listing->limit && listing->count == listing->limit)
    return FALSE;
  listing->count++;
  const json_t *shape = comes || !listing->earlier ? listing->shape : listing->earlier;
  json_t *key = named(listing, json_object_get(shape, "key"), row->key),
         *content = named(listing, json_object_get(shape, "content"), row->content);
  if (listing->cli->out->is_json)
    add_row_json(listing, row, comes, key, content);
  else
    add_row_cells(listing, row, comes, key, content);
  json_decref(key);
  json_decref(content);
  return TRUE;
}

static const CliColumn row_columns[] = {{"", CLI_LEFT, CLI_WHOLE},       {"KEY", CLI_LEFT, CLI_SHRINKS},
                                        {"FROM", CLI_LEFT, CLI_WHOLE},   {"UNTIL", CLI_LEFT, CLI_WHOLE},
                                        {"LOADED", CLI_LEFT, CLI_WHOLE}, {"VALUES", CLI_LEFT, CLI_SHRINKS}};

static Listing listing_of(const Cli *cli, const CliTableOf *table, const char *shape, gboolean tells_which) {
  guint skipped = tells_which ? 0 : 1;
  return (Listing){.cli = cli,
                   .table = table,
                   .shape = json_loads(shape, 0, NULL),
                   .limit = cli_limit(cli, STANDARD_LIMIT),
                   .tells_which = tells_which,
                   .list = cli_table_new(row_columns + skipped, G_N_ELEMENTS(row_columns) - skipped),
                   .rows = json_array()};
}

static CliExit finish_listing(Listing *listing, const GError *error) {
  if (!error && listing->cli->out->is_json)
    cli_json(listing->cli->out, json_pack("{s:O}", "rows", listing->rows));
  if (!error && !listing->cli->out->is_json)
    cli_table_print(listing->list, listing->cli->out);
  else
    cli_table_free(listing->list);
  json_decref(listing->rows);
  json_decref(listing->shape);
  json_decref(listing->earlier);
  return error ? cli_fail(error) : CLI_EXIT_FINE;
}

/* As the processor writes it, of the fields as a person spells them. */
static char *key_of(const CliTableOf *table, char **fields) {
  char **names = table->feed->reference.key;
  guint n_names = g_strv_length(names);
  GString *key = g_string_new("[");
  for (guint i = 0; fields[i]; i++) {
    const ConfField *field = table->layout && i < n_names ? conf_line_field(&table->layout->record, names[i]) : NULL;
    g_autofree char *kept = field && field->type != CONF_DECIMAL ? value_kept_as(field, fields[i]) : NULL;
    const char *text = kept ? kept : fields[i];
    if (i > 0)
      g_string_append_c(key, ',');
    json_put_text(key, text, strlen(text));
  }
  return g_string_free(g_string_append_c(key, ']'), FALSE);
}

static CliExit show_key(Cli *cli, const CliTableOf *table, char **arguments) {
  const Given *given = cli->own;
  g_autoptr(ReferenceVersion) version = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *key = key_of(table, arguments);
  gint64 at = 0;
  if (given->at && !cli_parse_time(cli->out, given->at, g_get_real_time(), &at)) {
    cli_complain("\"%s\" is no time", given->at);
    return CLI_EXIT_USAGE;
  }
  CliExit exit = find_version(table, given->version, &version);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Listing listing = listing_of(cli, table, version->shape, FALSE);
  listing.at = at;
  gboolean ok = reference_visit(table->reader, version->number, key, add_row, &listing, &error);
  gboolean none = ok && listing.count == 0;
  exit = finish_listing(&listing, error);
  if (none) {
    g_autofree char *fields = g_strjoinv(" ", table->feed->reference.key);
    cli_complain("version %" G_GINT64_FORMAT " has no such row; a key of %s is a word for each of: %s", version->number,
                 table->feed->reference.name, fields);
  }
  return none ? CLI_EXIT_NOT_FOUND : exit;
}

static CliExit show_difference(Cli *cli, const CliTableOf *table, char **arguments) {
  g_autoptr(ReferenceVersion) from = NULL, to = NULL;
  g_autoptr(GError) error = NULL;
  gint64 numbers[2];
  if (!parse_number(arguments[0], &numbers[0]) || !parse_number(arguments[1], &numbers[1]))
    return CLI_EXIT_USAGE;
  CliExit exit = find_version(table, numbers[0], &from);
  if (exit == CLI_EXIT_FINE)
    exit = find_version(table, numbers[1], &to);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Listing listing = listing_of(cli, table, to->shape, TRUE);
  listing.earlier = json_loads(from->shape, 0, NULL);
  gboolean ok = reference_visit_difference(table->reader, from->number, to->number, add_row, &listing, &error);
  return finish_listing(&listing, ok ? NULL : error);
}

/* --- What changes a table: refdata_change.c */

static CliExit roll_back(Cli *cli, const CliTableOf *table, char **arguments) {
  CliRollback rollback = {.reason = ((const Given *)cli->own)->reason};
  return parse_number(arguments[0], &rollback.to) ? refdata_roll_back(cli, table, &rollback) : CLI_EXIT_USAGE;
}

static CliExit load(Cli *cli, const CliTableOf *table, char **arguments) {
  const Given *given = cli->own;
  return refdata_load(cli, table,
                      &(CliLoad){.path = arguments[0],
                                 .reason = given->reason,
                                 .is_plain = given->plain,
                                 .anyway = given->anyway,
                                 .dry = given->dry});
}

/* --- The command */

static const struct {
  const char *verb, *takes;
  guint least, most; /* arguments behind it */
  gboolean needs_rows;
  CliExit (*run)(Cli *cli, const CliTableOf *table, char **arguments);
} verbs[] = {{"list", "", 0, 0, FALSE, NULL},
             {"diff", " VERSION VERSION", 2, 2, TRUE, show_difference},
             {"show", " KEY…", 1, 8, TRUE, show_key},
             {"load", " LOCALFILE", 1, 1, FALSE, load},
             {"rollback", " VERSION", 1, 1, TRUE, roll_back}};

static CliExit refdata_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL, tables = NULL;
  CliTableOf *table = NULL;
  guint i = 0;
  while (i < G_N_ELEMENTS(verbs) && strcmp(cli->arguments[0], verbs[i].verb) != 0)
    i++;
  if (i == G_N_ELEMENTS(verbs)) {
    cli_complain("refdata: there is no verb \"%s\"; sallyport refdata --help lists them", cli->arguments[0]);
    return CLI_EXIT_USAGE;
  }
  guint given = cli->n_arguments - 1;
  if (given < verbs[i].least || given > verbs[i].most) {
    cli_complain("it is: refdata %s%s", verbs[i].verb, verbs[i].takes);
    return CLI_EXIT_USAGE;
  }
  CliExit exit = find_tables(cli, &lanes, &tables);
  if (exit != CLI_EXIT_FINE || !verbs[i].run)
    return exit == CLI_EXIT_FINE ? list_versions(cli, tables) : exit;
  exit = only_table(tables, verbs[i].needs_rows, &table);
  return exit == CLI_EXIT_FINE ? verbs[i].run(cli, table, cli->arguments + 1) : exit;
}

static const char *const verb_words[] = {"list", "diff", "show", "load", "rollback", NULL};
const CliCommand cli_command_refdata = {
    .name = "refdata",
    .arguments = "list|diff V1 V2|show KEY…|load LOCALFILE|rollback VERSION",
    .least = 1,
    .most = 9,
    .verbs = verb_words,
    .shared = CLI_LANE | CLI_LIMIT | CLI_UNMASK,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "reference tables: their versions and rows",
    .text = "list shows the versions of each table, newest first; the first is in force. diff shows what the second of "
            "two versions has and\n"
            "the first has not (+), and the other way round (-). show takes the fields of a key, each as a word, and "
            "shows its rows.\n"
            "LOADED is the version whose file brought the row, and the line. load takes a local file as the table's "
            "feed would, with all\n"
            "its checks, and needs a reason; --dry-run changes nothing. rollback makes a new version with the rows of "
            "an earlier one;\n"
            "deltas are held from then on, until a full load has come.\n\n"
            "  sallyport refdata list\n"
            "  sallyport refdata diff 6 7 --name rates\n"
            "  sallyport refdata show P-100 home --at 2026-11-30T12:00\n"
            "  sallyport refdata load RATES_0018.dat --plain --dry-run\n"
            "  sallyport refdata rollback 6 --reason 'zone B had no rates'\n",
    .run = refdata_command,
};
