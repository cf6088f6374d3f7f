#include "gateway/cli/command.h"
#include "gateway/base/spelling.h"
#include <string.h>

/* The words of `sallyport --help`, in its order. */
#define COMMANDS(X)                                                                                             \
  X(check) X(init)                                                                                              \
  X(run) X(reload) X(status) X(files) X(show) X(trace) X(retry) X(hold) X(release) X(reject) X(resend) X(poll)  \
      X(alarms) X(balance) X(entries) X(try) X(layout) X(doctor) X(keys) X(audit) X(verify) X(move) X(recon)    \
      X(exchange) X(request) X(account) X(idle) X(refdata) X(rating) X(cdr) X(query) X(replay) X(version)       \
      X(complete)

#define DECLARE(name) extern const CliCommand cli_command_##name;
COMMANDS(DECLARE)
#undef DECLARE
#define ROW(name) &cli_command_##name,
const CliCommand *const cli_commands[] = {COMMANDS(ROW) NULL};
#undef ROW

const CliCommand *cli_command(const char *name) {
  for (const CliCommand *const *command = cli_commands; *command; command++)
    if (strcmp((*command)->name, name) == 0)
      return *command;
  return NULL;
}

char *cli_help(void) {
  GString *help = g_string_new("sallyport — the gate between partners' files and the business\n\n"
                               "Usage: sallyport [--config FILE] COMMAND …\n\n");
  for (const CliCommand *const *at = cli_commands; *at; at++) {
    const CliCommand *command = *at;
    if (!command->summary)
      continue;
    g_autofree char *usage = g_strconcat(command->name, command->arguments ? " " : "", command->arguments, NULL);
    guint width = cli_text_width(usage), column = 21;
    g_string_append_printf(help, "  %s%*s %s\n", usage, (int)(width < column ? column - width : 0), "",
                           command->summary);
  }
  g_autofree char *options = cli_options_help(NULL);
  g_string_append_printf(help, "\n%s\nExit status:\n", options);
#define LINE(name, number, text) g_string_append_printf(help, "  %d  %s\n", number, text);
  CLI_EXITS(LINE)
#undef LINE
  g_string_append(help, "\nsallyport COMMAND --help tells more, with an example.\n");
  return g_string_free(help, FALSE);
}

char *cli_command_help(const CliCommand *command) {
  if (!command->summary)
    return cli_help();
  g_autofree char *options = cli_options_help(command);
  return g_strdup_printf("sallyport %s — %s\n\nUsage: sallyport %s%s%s [OPTION…]\n\n%s\n%s", command->name,
                         command->summary, command->name, command->arguments ? " " : "",
                         command->arguments ? command->arguments : "", command->text + (*command->text == '\n'),
                         options);
}

const char *cli_suggest(const char *misspelt) {
  const char *nearest = NULL;
  guint least = 3;
  for (const CliCommand *const *command = cli_commands; *command; command++) {
    const char *name = (*command)->name;
    gboolean is_beginning = g_str_has_prefix(name, misspelt) && strlen(misspelt) >= 2;
    guint far = is_beginning ? 1 : spelling_distance(misspelt, name);
    if ((*command)->summary && far < least && far < strlen(name)) {
      least = far;
      nearest = name;
    }
  }
  return nearest;
}
