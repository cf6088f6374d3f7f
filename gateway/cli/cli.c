/* From the command line to a command and back: its options and arguments, help, exit status. */
#include "gateway/cli/command.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

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

/* The first argument that is missing, as the usage calls it. */
static CliExit missing_argument(const CliCommand *command, guint n) {
  g_auto(GStrv) names = g_strsplit(command->arguments, " ", -1);
  g_autofree char *verbs = command->verbs ? g_strjoinv(", ", (char **)(intptr_t)command->verbs) : NULL,
                  *what = verbs ? g_strdup_printf("one of %s is missing", verbs)
                                : g_strdup_printf("%s is missing", n < g_strv_length(names) ? names[n] : "an argument");
  return wrong_use(command, what);
}

static CliExit argument_too_many(const CliCommand *command, const char *argument) {
  g_autofree char *shown = g_utf8_make_valid(argument, -1), *what = NULL;
  what = command->arguments ? g_strdup_printf("\"%s\" is one argument too many: it takes %s", shown, command->arguments)
                            : g_strdup_printf("\"%s\" is one argument too many: it takes none", shown);
  return wrong_use(command, what);
}

static CliExit run_command(Cli *cli) {
  const CliCommand *command = cli->command;
  cli->n_arguments = g_strv_length(cli->arguments);
  if (cli->options.help)
    return print(cli_command_help(command));
  if (cli->n_arguments < command->least)
    return missing_argument(command, cli->n_arguments);
  if (cli->n_arguments > command->most)
    return argument_too_many(command, cli->arguments[command->most]);
  if (cli->options.limit < CLI_NO_LIMIT)
    return wrong_use(command, "--limit cannot be negative");
  cli->out = cli_output_new(stdout, cli->options.json);
  CliExit status = command->run(cli);
  cli_output_free(cli->out);
  conf_free(cli->conf);
  conf_source_free(cli->source);
  return status;
}

/* The command's own words: options are taken out, and the "--" that GLib leaves in place, behind which an account or a
 * key may begin with a dash. */
static gboolean take_options(Cli *cli, char ***words, GError **error) {
  const CliCommand *command = cli->command;
  cli->own = command->own ? g_malloc0(command->own_size) : NULL;
  if (command->takes_options)
    return TRUE;
  if (!cli_options_parse(&cli->options, command, cli->own, words, error))
    return FALSE;
  for (char **word = *words + 1; *word; word++)
    if (strcmp(*word, "--") == 0) {
      g_free(*word);
      memmove(word, word + 1, g_strv_length(word + 1) * sizeof *word + sizeof *word);
      break;
    }
  return TRUE;
}

static CliExit dispatch(Cli *cli, char ***arguments) {
  g_autoptr(GError) error = NULL;
  if (!cli_options_parse(&cli->options, NULL, NULL, arguments, &error))
    return wrong_use(NULL, error->message);
  char **rest = *arguments + 1;
  if (*rest && strcmp(*rest, "--") == 0)
    rest++;
  if (cli->options.version)
    return (cli->command = cli_command("version"))->run(cli);
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
  if (!take_options(cli, &words, &error))
    return wrong_use(cli->command, error->message);
  cli->arguments = words + 1;
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
  cli_own_options_free(cli.command, cli.own);
  cli_options_clear(&cli.options);
  /* A full disk or a closed pipe behind standard output must not look like success. */
  if (fflush(stdout) != 0 || ferror(stdout)) {
    if (errno != EPIPE)
      cli_complain("standard output: %s", g_strerror(errno));
    return CLI_EXIT_FAILED;
  }
  return (int)status;
}
