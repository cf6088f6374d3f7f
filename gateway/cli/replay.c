/* replay: the cases that lanes have collected, and what they come to by the configuration as it stands in its files. */
#include "gateway/cli/books.h"
#include "gateway/cli/replay_report.h"
#include "gateway/move/compare.h"
#include "gateway/replay/evaluate.h"
#include <string.h>

enum { STANDARD_LIMIT = 100, SHOWN_ID = 12 };

typedef struct {
  char *feed, *id;
  gboolean allow_uncovered, gap;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, feed, "feed", 'f', "FEED", "only this feed's cases", CLI_VALUE_FEED),
    CLI_TEXT(Given, id, "case", 0, "ID", "only this case, by its whole number", CLI_VALUE_TEXT),
    CLI_FLAG(Given, allow_uncovered, "allow-uncovered", 0, "run: feeds without a case are no failure"),
    CLI_FLAG(Given, gap, "gap", 0, "coverage: only what has fewer cases than the lane keeps"),
    {0}};

typedef CliExit (*OfLane)(Cli *cli, const StatusLane *lane, CaseLibrary *library, json_t *told);

/* Each lane that collects, or has collected; its answer is a member of the list. `library` NULL: it has none yet. */
static CliExit each_lane(Cli *cli, const char *name, OfLane function) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes), worst = CLI_EXIT_FINE;
  json_t *list = json_array();
  guint found = 0;
  for (guint i = 0; exit == CLI_EXIT_FINE && i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(CaseLibrary) library = case_library_read(lane->paths->folder, &error);
    if (error)
      exit = cli_fail(error);
    if (error || (!library && !lane->conf->replay.present))
      continue;
    json_t *told = json_pack("{s:s}", "lane", lane->conf->name);
    CliExit its = function(cli, lane, library, told);
    static const guint8 ranks[] = {[CLI_EXIT_TOO_LITTLE] = 1, [CLI_EXIT_CORRUPT] = 2, [CLI_EXIT_NO_RESULT] = 3,
                                   [CLI_EXIT_CONFIGURATION] = 4, [CLI_EXIT_FAILED] = 5};
    if (its < G_N_ELEMENTS(ranks) && ranks[its] > (worst < G_N_ELEMENTS(ranks) ? ranks[worst] : 0))
      worst = its;
    json_array_append_new(list, told);
    found++;
  }
  if (exit == CLI_EXIT_FINE && cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", name, list));
  json_decref(list);
  if (exit == CLI_EXIT_FINE && found == 0) {
    cli_complain("no lane collects cases: replay { } in a lane does");
    return CLI_EXIT_TOO_LITTLE;
  }
  return exit == CLI_EXIT_FINE ? worst : exit;
}

/* --- run */

/* Feeds whose rules were tried on nothing. */
static json_t *uncovered(const Given *given, const StatusLane *lane, const ReplayReport *report) {
  json_t *list = json_array();
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    if (feed->process != CONF_PROCESS_REFERENCE && !replay_report_has_feed(report, feed->name) &&
        (!given->feed || strcmp(given->feed, feed->name) == 0))
      json_array_append_new(list, json_string(feed->name));
  }
  return list;
}

/* The worst, in this order: misconfigured, no result, inconsistent, too little. */
static CliExit exit_of(const Given *given, const ReplayReport *report, const json_t *without) {
  if (replay_report_count(report, REPLAY_MISCONFIGURED) > 0)
    return CLI_EXIT_CONFIGURATION;
  if (replay_report_count(report, REPLAY_NO_RESULT) > 0)
    return CLI_EXIT_NO_RESULT;
  if (replay_report_count(report, REPLAY_INCONSISTENT) > 0)
    return CLI_EXIT_CORRUPT;
  if (replay_report_cases(report) == 0 || (json_array_size(without) > 0 && !given->allow_uncovered))
    return CLI_EXIT_TOO_LITTLE;
  return CLI_EXIT_FINE;
}

static void print_run(const Cli *cli, const StatusLane *lane, const ReplayReport *report, const json_t *without) {
  cli_heading(cli->out, lane->conf->name);
  replay_report_print(report, cli->out);
  for (size_t i = 0; i < json_array_size(without); i++)
    fprintf(cli->out->file, "未收集 feed %s has no case\n", json_string_value(json_array_get(without, i)));
}

static CliExit run_lane(Cli *cli, const StatusLane *lane, CaseLibrary *library, json_t *told) {
  const Given *given = cli->own;
  g_autoptr(GError) error = NULL;
  g_autoptr(ReplayReport) report = replay_report_new();
  const ReplayRun run = {.conf = cli->conf,
                         .lane = lane->conf,
                         .library = library,
                         .feed = given->feed,
                         .id = given->id,
                         .told = replay_report_add,
                         .user = report};
  if (library && !replay_run(&run, &error))
    return cli_fail(error);
  g_autofree char *rules = state_rules_digest(cli->conf, lane->conf);
  json_t *without = uncovered(given, lane, report), *found = replay_report_json(report);
  CliExit exit = exit_of(given, report, without);
  json_object_update(told, found);
  json_decref(found);
  json_object_set_new(told, "rules", json_string(rules));
  json_object_set_new(told, "exit", json_integer(exit));
  if (!cli->out->is_json)
    print_run(cli, lane, report, without);
  json_object_set_new(told, "uncovered", without);
  return exit;
}

/* --- coverage: what the configuration has cells for, and how many cases each has */

typedef struct {
  Cli *cli;
  const GPtrArray *cells; /* LibraryCell*; NULL: none */
  guint64 enough;         /* cells with as many cases are left out; G_MAXUINT64: none is */
  CliTable *table;
  json_t *list;
} Coverage;

static void add_cell(const Coverage *coverage, const char *feed, const char *scenario, const char *channel) {
  const CliOutput *out = coverage->cli->out;
  const LibraryCell *found = NULL;
  for (guint i = 0; coverage->cells && i < coverage->cells->len && !found; i++) {
    const LibraryCell *cell = coverage->cells->pdata[i];
    if (strcmp(cell->feed, feed) == 0 && strcmp(cell->scenario, scenario) == 0 && strcmp(cell->channel, channel) == 0)
      found = cell;
  }
  if (found && found->cases >= coverage->enough)
    return;
  json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "feed", feed, "scenario", scenario, "channel", channel, "cases",
                             (json_int_t)(found ? found->cases : 0));
  cli_json_time(out, object, "oldest", found ? found->oldest : 0);
  cli_json_time(out, object, "newest", found ? found->newest : 0);
  json_array_append_new(coverage->list, object);
  cli_table_coloured(coverage->table, g_strdup(found ? "已收集" : "未收集"), found ? CLI_GREEN : CLI_YELLOW);
  cli_table_cell(coverage->table, g_strdup(feed));
  cli_table_cell(coverage->table, g_strdup(scenario));
  cli_table_cell(coverage->table, g_strdup(channel));
  cli_table_cell(coverage->table, cli_unsigned(out, found ? found->cases : 0));
  cli_table_cell(coverage->table, cli_time_brief(out, found ? found->newest : 0));
}

static gboolean is_of(const ConfScenario *scenario, const ConfFeed *feed) {
  return !scenario->feeds || g_strv_contains((const char *const *)scenario->feeds, feed->name);
}

static void add_feed(const Coverage *coverage, const ConfLane *lane, const ConfFeed *feed) {
  guint scenarios = 0;
  for (guint i = 0; i < lane->scenarios->len; i++) {
    const ConfScenario *scenario = lane->scenarios->pdata[i];
    if (!is_of(scenario, feed))
      continue;
    scenarios++;
    for (guint j = 0; j < scenario->channels->len; j++)
      add_cell(coverage, feed->name, scenario->name, ((const ConfChannel *)scenario->channels->pdata[j])->name);
    if (scenario->channels->len == 0)
      add_cell(coverage, feed->name, scenario->name, CASES_NO_CHANNEL);
  }
  if (scenarios == 0)
    add_cell(coverage, feed->name, "", CASES_NO_CHANNEL);
}

static CliExit cover_lane(Cli *cli, const StatusLane *lane, CaseLibrary *library, json_t *told) {
  static const CliColumn columns[] = {{"STATE", CLI_LEFT, CLI_WHOLE},    {"FEED", CLI_LEFT, CLI_WHOLE},
                                      {"SCENARIO", CLI_LEFT, CLI_WHOLE}, {"CHANNEL", CLI_LEFT, CLI_WHOLE},
                                      {"CASES", CLI_RIGHT, CLI_WHOLE},   {"NEWEST", CLI_LEFT, CLI_WHOLE}};
  const Given *given = cli->own;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) cells = library ? case_library_cells(library, &error) : NULL;
  if (error)
    return cli_fail(error);
  guint64 enough = given->gap ? MAX(lane->conf->replay.keep_per_cell, 1) : G_MAXUINT64;
  Coverage coverage = {cli, cells, enough, cli_table_new(columns, G_N_ELEMENTS(columns)), json_array()};
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    if (feed->process != CONF_PROCESS_REFERENCE && (!given->feed || strcmp(given->feed, feed->name) == 0))
      add_feed(&coverage, lane->conf, feed);
  }
  if (cli->out->is_json)
    cli_table_free(coverage.table);
  else
    cli_table_print(coverage.table, cli->out);
  json_object_set_new(told, "cells", coverage.list);
  return CLI_EXIT_FINE;
}

/* --- cases */

typedef struct {
  Cli *cli;
  json_t *list;
  CliTable *table;
  guint limit, count;
} CaseList;

static gboolean add_case(gpointer user, const LibraryCase *one) {
  CaseList *list = user;
  const CliOutput *out = list->cli->out;
  if (list->limit && list->count == list->limit)
    return FALSE;
  list->count++;
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "case", one->id, "feed", one->feed,
                             "scenario", one->scenario, "channel", one->channel, "rules", one->rules, "file", one->file,
                             "line", (json_int_t)one->line, "header", json_loads(one->header, 0, NULL), "fields",
                             json_loads(one->fields, 0, NULL), "result", json_loads(one->result, 0, NULL));
  cli_json_time(out, object, "collected_at", one->collected_at);
  json_array_append_new(list->list, object);
  cli_table_cell(list->table, g_strndup(one->id, SHOWN_ID));
  cli_table_cell(list->table, g_strdup(one->feed));
  cli_table_cell(list->table, g_strdup(one->scenario));
  cli_table_cell(list->table, g_strdup(one->channel));
  cli_table_cell(list->table, g_strdup_printf("%s:%" G_GUINT64_FORMAT, one->file, one->line));
  cli_table_cell(list->table, cli_time_brief(out, one->collected_at));
  cli_table_cell(list->table, g_strdup(one->result));
  return TRUE;
}

static CliExit list_lane(Cli *cli, const StatusLane *lane, CaseLibrary *library, json_t *told) {
  static const CliColumn columns[] = {{"CASE", CLI_LEFT, CLI_WHOLE},     {"FEED", CLI_LEFT, CLI_WHOLE},
                                      {"SCENARIO", CLI_LEFT, CLI_WHOLE}, {"CHANNEL", CLI_LEFT, CLI_WHOLE},
                                      {"FROM", CLI_LEFT, CLI_WHOLE},     {"AT", CLI_LEFT, CLI_WHOLE},
                                      {"CAME TO", CLI_LEFT, CLI_SHRINKS}};
  const Given *given = cli->own;
  g_autoptr(GError) error = NULL;
  CaseList list = {cli, json_array(), cli_table_new(columns, G_N_ELEMENTS(columns)), cli_limit(cli, STANDARD_LIMIT), 0};
  (void)lane;
  gboolean ok = !library || case_library_each(library, given->feed, given->id, add_case, &list, &error);
  json_object_set_new(told, "cases", list.list);
  if (ok && !cli->out->is_json)
    cli_table_print(list.table, cli->out);
  else
    cli_table_free(list.table);
  return ok ? CLI_EXIT_FINE : cli_fail(error);
}

static CliExit replay_command(Cli *cli) {
  static const struct {
    const char *verb, *name;
    OfLane function;
  } verbs[] = {{"run", "runs", run_lane}, {"coverage", "coverage", cover_lane}, {"cases", "lanes", list_lane}};
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
    if (strcmp(cli->arguments[0], verbs[i].verb) == 0)
      return each_lane(cli, verbs[i].name, verbs[i].function);
  cli_complain("replay: there is no '%s'; there are run, coverage, cases", cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"run", "coverage", "cases", NULL};
const CliCommand cli_command_replay = {
    .name = "replay",
    .arguments = "run|coverage|cases",
    .least = 1,
    .most = 1,
    .verbs = verbs,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "changed rules, tried on cases of real files",
    .text = "run: each case that the lanes have collected goes through the rules of the configuration as it stands in\n"
            "its files, in a process that can do nothing else, and what it comes to is compared.\n"
            "coverage: how many cases each scenario and channel has. cases: the cases themselves.\n"
            "\n"
            "  sallyport replay run --config /tmp/changed/sallyport.conf\n"
            "  sallyport replay coverage --lane points --gap\n",
    .run = replay_command,
};
