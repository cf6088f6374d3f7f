/* reload: the configuration is checked, the service is asked to take it up, and what came of it is told. */
#include "gateway/cli/findings.h"
#include "gateway/supervisor/outcome.h"
#include "gateway/supervisor/supervisor.h"
#include <errno.h>
#include <signal.h>

/* Reading the keys may wait for a gpg that hangs, and a lane's end holds up nothing: a minute is long. */
enum { LOOKS = 1200, LOOK_EVERY = 50000 /* microseconds */ };

/* *outcome: the answer to this request; NULL unless CLI_EXIT_FINE. */
static CliExit ask_service(const Cli *cli, json_t **outcome) {
  g_autoptr(GError) error = NULL;
  const char *runtime = cli->conf->node.runtime;
  pid_t service = supervisor_pid(runtime);
  gint64 asked = g_get_monotonic_time();
  *outcome = NULL;
  if (service == 0) {
    cli_complain("no service runs that has the runtime folder %s; the configuration is good", runtime);
    return CLI_EXIT_NOT_RUNNING;
  }
  if (kill(service, SIGHUP) != 0) {
    cli_complain("process %d, the service, cannot be signalled: %s", (int)service, g_strerror(errno));
    return CLI_EXIT_FAILED;
  }
  for (guint i = 0; i < LOOKS && supervisor_pid(runtime) == service; i++) {
    if (!outcome_read(runtime, asked, outcome, &error))
      return cli_fail(error);
    if (*outcome)
      return CLI_EXIT_FINE;
    g_usleep(LOOK_EVERY);
  }
  cli_complain("the service was asked and has not said what came of it: look into its log, and at `sallyport status`");
  return CLI_EXIT_UNCERTAIN;
}

static void print_outcome(const Cli *cli, const json_t *outcome) {
  FILE *file = cli->out->file;
  json_t *lanes = json_object_get(outcome, "lanes"), *one;
  gsize i;
  fprintf(file, "%s is in force", json_string_value(json_object_get(outcome, "configuration")));
  if (json_array_size(lanes) == 0)
    fputs(": nothing has changed", file);
  fputc('\n', file);
  json_array_foreach(lanes, i, one)
    fprintf(file, "  %s: %s\n", json_string_value(json_object_get(one, "lane")),
            json_string_value(json_object_get(one, "change")));
}

static void complain_of_refusal(const json_t *outcome) {
  json_t *problem;
  gsize i;
  json_array_foreach(json_object_get(outcome, "problems"), i, problem)
    cli_complain("refused: %s", json_string_value(problem));
  cli_complain("the service goes on with the configuration that it had");
}

/* The service may have been started with another file than the one that was looked at here. */
static gboolean has_read_the_same(const Cli *cli, const json_t *outcome) {
  g_autofree char *ours = conf_source_digest(cli->source);
  const char *theirs = json_string_value(json_object_get(outcome, "digest"));
  if (g_strcmp0(ours, theirs) == 0)
    return TRUE;
  cli_complain("the service has taken up %s, which is not what was checked here (%s)",
               json_string_value(json_object_get(outcome, "configuration")), cli_configuration_path(cli));
  return FALSE;
}

static CliExit tell_outcome(const Cli *cli, const json_t *outcome) {
  if (!json_is_true(json_object_get(outcome, "taken"))) {
    complain_of_refusal(outcome);
    return CLI_EXIT_REFUSED;
  }
  if (!cli->out->is_json)
    print_outcome(cli, outcome);
  return has_read_the_same(cli, outcome) ? CLI_EXIT_FINE : CLI_EXIT_FAILED;
}

static void print_json(const Cli *cli, const ConfReport *report, json_t *outcome) {
  json_t *object = json_pack("{s:b, s:o}", "taken", json_is_true(json_object_get(outcome, "taken")), "findings",
                             cli_findings_json(report));
  json_object_del(outcome, "begun");
  json_object_update_missing(object, outcome);
  cli_json(cli->out, object);
}

static CliExit reload_command(Cli *cli) {
  ConfReport *report = conf_report_new();
  json_t *outcome = NULL;
  gboolean ok = cli_check(cli, report);
  CliExit exit = CLI_EXIT_CONFIGURATION;
  if (cli->source && !cli->out->is_json)
    cli_findings_print(cli->out, report);
  if (ok)
    exit = ask_service(cli, &outcome);
  else if (cli->source)
    cli_complain("the service was not asked, and goes on with the configuration that it had");
  if (outcome)
    exit = tell_outcome(cli, outcome);
  if (cli->source && cli->out->is_json)
    print_json(cli, report, outcome);
  json_decref(outcome);
  conf_report_free(report);
  return exit;
}

const CliCommand cli_command_reload = {
    .name = "reload",
    .summary = "check the configuration, and have the service take it up",
    .text = "Checks as check does; with an error the service is not asked. Else it is sent SIGHUP, and what came of it "
            "is told:\n"
            "taken up, and what became of each lane; or refused, and why (status 7): then the one before stays in "
            "force.\n"
            "Status 5: no service runs; 8: it has not answered within a minute.\n\n"
            "  sallyport reload\n",
    .run = reload_command,
};
