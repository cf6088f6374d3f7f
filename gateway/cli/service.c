/* check, run, version. */
#include "gateway/cli/command.h"
#include "gateway/cli/findings.h"
#include "gateway/cli/read_aloud.h"
#include "gateway/supervisor/supervisor.h"

static void print_count(FILE *file, const char *before, guint count, const char *noun) {
  fprintf(file, "%s%u %s%s", before, count, noun, count == 1 ? "" : "s");
}

static void print_contents(FILE *file, const Conf *conf) {
  guint feeds = 0, reconciles = 0, systems = 0;
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    feeds += lane->feeds->len;
    reconciles += lane->reconciles->len;
  }
  for (guint i = 0; i < conf->partners->len; i++)
    systems += ((const ConfPartner *)conf->partners->pdata[i])->is_system ? 1 : 0;
  print_count(file, " is good: ", conf->partners->len - systems, "partner");
  if (systems)
    print_count(file, ", ", systems, "system");
  print_count(file, ", ", conf->layouts->len, "layout");
  print_count(file, ", ", conf->lanes->len, "lane");
  print_count(file, ", ", feeds, "feed");
  if (reconciles)
    print_count(file, ", ", reconciles, "reconciliation");
}

static void print_summary(const Cli *cli, const ConfReport *report) {
  FILE *file = cli->out->file;
  fputs(cli_configuration_path(cli), file);
  if (report->errors == 0 && cli->conf)
    print_contents(file, cli->conf);
  else
    print_count(file, " has ", report->errors, "error");
  if (report->warnings)
    print_count(file, "; ", report->warnings, "warning");
  fputc('\n', file);
  if (report->errors == 0 && cli->conf)
    read_aloud(cli->out, cli->conf);
}

static void print_json(const Cli *cli, const ConfReport *report) {
  cli_json(cli->out, json_pack("{s:b, s:i, s:i, s:o}", "ok", report->errors == 0, "errors", (int)report->errors,
                               "warnings", (int)report->warnings, "findings", cli_findings_json(report)));
}

static CliExit check_command(Cli *cli) {
  ConfReport *report = conf_report_new();
  gboolean ok = cli_check(cli, report);
  if (!cli->source) {
    conf_report_free(report);
    return CLI_EXIT_CONFIGURATION;
  }
  if (cli->out->is_json) {
    print_json(cli, report);
  } else {
    cli_findings_print(cli->out, report);
    print_summary(cli, report);
  }
  conf_report_free(report);
  return ok ? CLI_EXIT_FINE : CLI_EXIT_CONFIGURATION;
}

static CliExit run_command(Cli *cli) {
  SupervisorOptions options = {.configuration = cli_configuration_path(cli), .only_lane = cli->options.lane};
  return (CliExit)supervisor_run(&options);
}

static CliExit version_command(Cli *cli) {
  g_autofree char *glib = g_strdup_printf("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
#ifdef SALLYPORT_FAULTS
  const char *kind = "test build with fail points: not for production";
#else
  const char *kind = NULL;
#endif
  if (cli->options.json) {
    CliOutput *out = cli->out ? cli->out : cli_output_new(stdout, TRUE);
    json_t *object = json_pack("{s:s, s:s, s:s}", "version", SALLYPORT_VERSION, "glib", glib, "jansson",
                               jansson_version_str());
    cli_json_text(object, "build", kind);
    cli_json(out, object);
    if (!cli->out)
      cli_output_free(out);
    return CLI_EXIT_FINE;
  }
  printf("sallyport %s (GLib %s, jansson %s)%s%s\n", SALLYPORT_VERSION, glib, jansson_version_str(), kind ? "; " : "",
         kind ? kind : "");
  return CLI_EXIT_FINE;
}

const CliCommand cli_command_check = {
    .name = "check",
    .summary = "check the whole configuration",
    .text = "Reads the configuration with all that it names: layouts and rules are compiled, schedules tried, keys "
            "looked up\n"
            "with gpg, secret files and folders looked at. Every finding is told as file:line: error|warning: what "
            "is wrong.\n\n"
            "  sallyport --config new.conf check && mv new.conf sallyport.conf && sallyport reload\n",
    .run = check_command,
};

const CliCommand cli_command_run = {
    .name = "run",
    .shared = CLI_LANE,
    .summary = "run the gateway in the foreground",
    .text = "Starts a process per lane, watches and restarts them. SIGHUP reloads the configuration (a bad one is "
            "refused, the\n"
            "old one stays), SIGTERM ends it: what is in work is finished or begun again at the next start, nothing "
            "is lost.\n\n"
            "  sallyport run\n"
            "  sallyport run --lane points     only that lane\n",
    .run = run_command,
};

const CliCommand cli_command_version = {
    .name = "version",
    .summary = "the program's version",
    .text = "\n"
            "  sallyport version\n",
    .run = version_command,
};
