#include "gateway/cli/command.h"
#include <stdarg.h>
#include <stdlib.h>

void cli_complain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  fflush(stdout);
  fprintf(stderr, "sallyport: %s\n", text);
}

CliExit cli_fail(const GError *error) {
  cli_complain("%s", error->message);
  switch (sallyport_error_code(error)) {
  case SALLYPORT_ERROR_CONFIGURATION:
    return CLI_EXIT_CONFIGURATION;
  case SALLYPORT_ERROR_UNCERTAIN:
    return CLI_EXIT_UNCERTAIN;
  case SALLYPORT_ERROR_STORAGE:
    return CLI_EXIT_VERIFICATION;
  default:
    return CLI_EXIT_FAILED;
  }
}

guint cli_limit(const Cli *cli, guint standard) {
  if (cli->options.limit < 0)
    return cli->options.json ? G_MAXUINT : standard;
  return cli->options.limit == 0 ? G_MAXUINT : (guint)cli->options.limit;
}

const char *cli_configuration_path(const Cli *cli) {
  const char *given = getenv("SALLYPORT_CONFIG");
  if (cli->options.config)
    return cli->options.config;
  return given && *given ? given : "/etc/sallyport/sallyport.conf";
}

static void complain_of_first_finding(const ConfReport *report) {
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    if (finding->is_warning)
      continue;
    cli_complain("%s:%u: %s%s", finding->where.file ? finding->where.file : "configuration", finding->where.line,
                 finding->message, report->errors > 1 ? " (and more: `sallyport check` tells all)" : "");
    return;
  }
}

gboolean cli_load(Cli *cli) {
  g_autoptr(GError) error = NULL;
  cli->source = conf_source_read(cli_configuration_path(cli), &error);
  if (!cli->source) {
    cli_complain("%s", error->message);
    return FALSE;
  }
  ConfReport *report = conf_report_new();
  cli->conf = conf_parse(cli->source, report);
  if (!cli->conf)
    complain_of_first_finding(report);
  else
    cli_output_zone(cli->out, cli->conf->node.time_zone);
  conf_report_free(report);
  return cli->conf != NULL;
}
