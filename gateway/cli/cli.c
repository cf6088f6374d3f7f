/* From the command line to a command and back: parsing, help, complaints, exit status. */
#include "gateway/cli/command.h"
#include "gateway/cli/options.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CLI_NO_LIMIT = -1 };

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

static void tell_first_finding(const ConfReport *report) {
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = g_ptr_array_index(report->findings, i);
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
    tell_first_finding(report);
  else
    cli_output_zone(cli->out, cli->conf->node.time_zone);
  conf_report_free(report);
  return cli->conf != NULL;
}

static CliExit wrong_use(const CliCommand *command, const char *what) {
  if (command)
    cli_complain("%s; sallyport %s --help tells how", what, command->name);
  else
    cli_complain("%s; sallyport --help lists the commands", what);
  return CLI_EXIT_USAGE;
}

static CliExit unknown_command(const char *name) {
  const char *meant = cli_suggest(name);
  g_autofree char *shown = g_utf8_make_valid(name, -1);
  if (meant)
    cli_complain("there is no command \"%s\"; did you mean \"%s\"?", shown, meant);
  else
    cli_complain("there is no command \"%s\"; sallyport --help lists them", shown);
  return CLI_EXIT_USAGE;
}

static CliExit print(char *text) {
  g_autofree char *owned = text;
  fputs(owned, stdout);
  return CLI_EXIT_FINE;
}

static CliExit run_command(Cli *cli) {
  const CliCommand *command = cli->command;
  cli->n_arguments = g_strv_length(cli->arguments);
  if (cli->options.help)
    return print(cli_command_help(command));
  if (cli->n_arguments < command->least)
    return wrong_use(command, "something is missing");
  if (cli->n_arguments > command->most)
    return wrong_use(command, "that is too much");
  if (cli->options.limit < CLI_NO_LIMIT)
    return wrong_use(command, "--limit cannot be negative");
  cli->out = cli_output_new(stdout, cli->options.json);
  CliExit status = command->run(cli);
  cli_output_free(cli->out);
  conf_free(cli->conf);
  conf_source_free(cli->source);
  return status;
}

/* Completion gets the words as they stand on the command line being typed, options among them. */
static gboolean takes_words_as_they_are(const CliCommand *command) {
  return command->run == cli_complete;
}

static CliExit dispatch(Cli *cli, char ***arguments) {
  g_autoptr(GError) error = NULL;
  if (!cli_options_parse(&cli->options, NULL, arguments, &error))
    return wrong_use(NULL, error->message);
  char **rest = *arguments + 1;
  if (*rest && strcmp(*rest, "--") == 0)
    rest++;
  if (cli->options.version)
    return cli_version(cli);
  if (!*rest || strcmp(*rest, "help") == 0) {
    if (!*rest && !cli->options.help)
      return wrong_use(NULL, "a command is missing");
    cli->command = *rest && rest[1] ? cli_command(rest[1]) : NULL;
    return print(cli->command ? cli_command_help(cli->command) : cli_help());
  }
  cli->command = cli_command(*rest);
  if (!cli->command)
    return unknown_command(*rest);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_strv_builder_addv(builder, (const char **)rest);
  g_auto(GStrv) words = g_strv_builder_end(builder);
  if (!takes_words_as_they_are(cli->command) && !cli_options_parse(&cli->options, cli->command, &words, &error))
    return wrong_use(cli->command, error->message);
  cli->arguments = words + 1;
  /* GLib leaves the "--" in place behind which an account or a key may begin with a dash. */
  for (char **word = words + 1; *word && !takes_words_as_they_are(cli->command); word++)
    if (strcmp(*word, "--") == 0) {
      g_free(*word);
      memmove(word, word + 1, g_strv_length(word + 1) * sizeof *word + sizeof *word);
      break;
    }
  return run_command(cli);
}

int cli_main(int argc, char **argv) {
  Cli cli = {.options.limit = CLI_NO_LIMIT};
  setlocale(LC_CTYPE, "");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (int i = 0; i < argc; i++)
    g_strv_builder_add(builder, argv[i]);
  g_auto(GStrv) arguments = g_strv_builder_end(builder);
  CliExit status = dispatch(&cli, &arguments);
  cli_options_clear(&cli.options);
  /* A full disk or a closed pipe behind standard output must not look like success. */
  if (fflush(stdout) != 0 || ferror(stdout)) {
    if (errno != EPIPE)
      cli_complain("standard output: %s", g_strerror(errno));
    return CLI_EXIT_FAILED;
  }
  return (int)status;
}
