/* layout: what a sample of a partner's file may be read by. */
#include "gateway/cli/command.h"
#include "gateway/guess/guess.h"
#include <string.h>

typedef struct {
  char *name;
} Given;

static const CliOption options[] = {
    CLI_TEXT(Given, name, "name", 0, "NAME", "the layout's, instead of \"sample\"", CLI_VALUE_TEXT), {0}};

static void print(const Cli *cli, const GuessReport *report) {
  if (!cli->out->is_json) {
    fputs(report->text, cli->out->file);
    return;
  }
  json_t *unsure = json_array();
  for (guint i = 0; i < report->unsure->len; i++)
    json_array_append_new(unsure, json_string(report->unsure->pdata[i]));
  json_t *object = json_pack("{s:s, s:o, s:I, s:I}", "layout", report->text, "unsure", unsure, "lines",
                             (json_int_t)report->lines, "records", (json_int_t)report->records);
  cli_json_text(object, "fault", report->verdict);
  cli_json(cli->out, object);
}

static CliExit layout_command(Cli *cli) {
  g_autoptr(GError) error = NULL;
  const Given *given = cli->own;
  GuessReport report = {0};
  if (strcmp(cli->arguments[0], "guess") != 0) {
    cli_complain("layout: there is no verb \"%s\"; sallyport layout --help lists them", cli->arguments[0]);
    return CLI_EXIT_USAGE;
  }
  gboolean ok = guess_layout_file(cli->arguments[1], given->name ? given->name : "sample", &report, &error);
  if (ok)
    print(cli, &report);
  guess_report_clear(&report);
  return ok ? CLI_EXIT_FINE : cli_fail(error);
}

static const char *const verb_words[] = {"guess", NULL};
const CliCommand cli_command_layout = {
    .name = "layout",
    .arguments = "guess FILE",
    .least = 2,
    .most = 2,
    .verbs = verb_words,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "a layout for a sample of a partner's file",
    .text = "guess looks at a sample in the clear and proposes a layout as configuration text, which `check` takes: "
            "type, delimiter or columns,\n"
            "character set, kinds of line, types, and totals that hold over the whole file. What is not certain says "
            "\"unsure\".\n\n"
            "  sallyport layout guess /tmp/sample.dat --name acme > /etc/sallyport/conf.d/acme-layout.conf\n",
    .run = layout_command,
};
