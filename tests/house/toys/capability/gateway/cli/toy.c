/* toy: takes a note in a lane, and counts those of all lanes. */
#include "gateway/cli/books.h"
#include "store/toy.h"

typedef struct {
  char *note;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, note, "note", 0, "TEXT", "take this note first", CLI_VALUE_TEXT),
    {0},
};

static CliExit take_note(GPtrArray *lanes, const char *text) {
  json_t *answer = NULL;
  CliExit exit = cli_ask(lanes->pdata[0], json_pack("{s:s, s:s}", "do", "toy-note", "text", text), &answer);
  json_decref(answer);
  return exit;
}

static CliExit toy_command(Cli *cli) {
  const Given *given = cli->own;
  g_autoptr(GPtrArray) lanes = NULL;
  gint64 all = 0;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit == CLI_EXIT_FINE && given->note)
    exit = take_note(lanes, given->note);
  for (guint i = 0; exit == CLI_EXIT_FINE && i < lanes->len; i++) {
    g_autoptr(GError) error = NULL;
    gint64 notes = 0;
    const StatusLane *lane = lanes->pdata[i];
    if (lane->reader && !toy_count_notes(lane->reader, &notes, &error))
      return cli_fail(error);
    all += notes;
  }
  if (exit == CLI_EXIT_FINE)
    cli_json(cli->out, json_pack("{s:I}", "notes", (json_int_t)all));
  return exit;
}

const CliCommand cli_command_toy = {
    .name = "toy",
    .own = options,
    .own_size = sizeof(Given),
    .summary = "takes notes, in the tests only",
    .text = "\n  sallyport toy --note 'a word'\n",
    .run = toy_command,
};
