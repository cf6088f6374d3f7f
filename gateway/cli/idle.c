/* idle: whether the lanes that wait for an idle machine work now, and if not, why. */
#include "gateway/cli/books.h"
#include <string.h>
#include <unistd.h>

typedef struct {
  gboolean watch;
} Given;
static const CliOption options[] = {
    CLI_FLAG(Given, watch, "watch", 'w', "look again each second, until it is interrupted"),
    {0},
};

static gint64 number(const json_t *told, const char *name) {
  return json_integer_value(json_object_get(told, name));
}

/* Thousandths, as "12.3%". */
static char *percent(const json_t *told, const char *name) {
  gint64 value = number(told, name);
  return g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT "%%", value / 10, value % 10);
}

static void show(const CliOutput *out, CliTable *table, const char *lane, const json_t *told) {
  gboolean is_idle = json_is_true(json_object_get(told, "idle"));
  const char *problem = json_string_value(json_object_get(told, "problem")),
             *why = json_string_value(json_object_get(told, "why"));
  cli_table_cell(table, g_strdup(lane));
  cli_table_coloured(table, g_strdup(is_idle ? "idle" : "busy"), is_idle ? CLI_GREEN : CLI_YELLOW);
  cli_table_cell(table, cli_duration(number(told, "for_seconds") * G_USEC_PER_SEC));
  cli_table_cell(table, percent(told, "cpu_others"));
  cli_table_cell(table, percent(told, "io_some"));
  cli_table_cell(table, percent(told, "memory_some"));
  cli_table_cell(table, g_strdup(json_string_value(json_object_get(told, "signals"))));
  cli_table_cell(table, cli_number(out, number(told, "transitions")));
  cli_table_cell(table, cli_number(out, number(told, "waiting")));
  cli_table_cell(table, cli_duration(number(told, "deferred_seconds") * G_USEC_PER_SEC));
  cli_table_cell(table, g_strdup(problem ? problem : why));
}

/* *found: how many lanes have idle { }. */
static CliExit show_lanes(Cli *cli, const GPtrArray *lanes, guint *found) {
  static const CliColumn columns[] = {{"lane", CLI_LEFT, CLI_WHOLE},        {"state", CLI_LEFT, CLI_WHOLE},
                                      {"for", CLI_RIGHT, CLI_WHOLE},        {"cpu", CLI_RIGHT, CLI_WHOLE},
                                      {"io", CLI_RIGHT, CLI_WHOLE},         {"memory", CLI_RIGHT, CLI_WHOLE},
                                      {"signals", CLI_LEFT, CLI_DROPPED(1)}, {"changes", CLI_RIGHT, CLI_DROPPED(2)},
                                      {"waiting", CLI_RIGHT, CLI_WHOLE},    {"deferred", CLI_RIGHT, CLI_WHOLE},
                                      {"why", CLI_LEFT, CLI_SHRINKS}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *list = json_array();
  CliExit exit = CLI_EXIT_FINE;
  *found = 0;
  for (guint i = 0; i < lanes->len && exit == CLI_EXIT_FINE; i++) {
    const StatusLane *lane = lanes->pdata[i];
    json_t *answer = NULL;
    if (!lane->conf->idle.present)
      continue;
    (*found)++;
    exit = cli_ask(lane, json_pack("{s:s}", "do", "idle"), &answer);
    json_t *told = json_object_get(answer, "idle");
    if (told) {
      show(cli->out, table, lane->conf->name, told);
      json_object_set_new(told, "lane", json_string(lane->conf->name));
      json_array_append(list, told);
    }
    json_decref(answer);
  }
  if (exit == CLI_EXIT_FINE && *found > 0 && !cli->out->is_json)
    cli_table_print(table, cli->out);
  else
    cli_table_free(table);
  if (exit == CLI_EXIT_FINE && cli->out->is_json)
    cli_json(cli->out, json_pack("{s:o}", "lanes", list));
  else
    json_decref(list);
  return exit;
}

static CliExit idle_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  gboolean watches = ((const Given *)cli->own)->watch;
  guint found;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  while ((exit = show_lanes(cli, lanes, &found)) == CLI_EXIT_FINE && watches && found > 0) {
    fflush(cli->out->file);
    sleep(1);
  }
  if (exit == CLI_EXIT_FINE && found == 0 && !cli->out->is_json)
    cli_complain("no lane waits for an idle machine: none has idle { }");
  return exit;
}

const CliCommand cli_command_idle = {
    .name = "idle",
    .shared = CLI_LANE,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "does a lane work that waits for an idle machine, and why not",
    .text = "A lane with idle { } works only while others leave the machine alone. cpu is what others use of all\n"
            "processors, io and memory the part of the time in which some wait for a disk or for memory: what the\n"
            "last second has shown. Signals are reduced where our own part of them cannot be told.\n\n"
            "  sallyport idle --watch\n",
    .run = idle_command,
};
