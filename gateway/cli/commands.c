#include "gateway/cli/command.h"
#include <string.h>

/* The words of `sallyport --help`, in its order. */
#define COMMANDS(X)                                                                                             \
  X(check)                                                                                                      \
  X(run) X(status) X(files) X(show) X(trace) X(retry) X(hold) X(release) X(reject) X(poll) X(alarms) X(balance) \
      X(entries) X(try) X(doctor) X(keys) X(audit) X(verify) X(move) X(recon) X(version) X(complete)

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
  return g_strdup_printf("sallyport %s — %s\n\nUsage: sallyport %s%s%s [OPTION…]\n\n%s%s\n%s", command->name,
                         command->summary, command->name, command->arguments ? " " : "",
                         command->arguments ? command->arguments : "", command->text + (*command->text == '\n'),
                         *command->text == '\n' ? "" : "", options);
}

/* Damerau's distance without its refinement: insertions, deletions, changes, neighbours swapped. */
static guint distance(const char *a, const char *b) {
  enum { MOST = 32 };
  guint rows[3][MOST + 1] = {{0}};
  gsize n = strlen(a), m = strlen(b);
  if (n > MOST || m > MOST)
    return G_MAXUINT;
  for (guint j = 0; j <= m; j++)
    rows[0][j] = j;
  for (guint i = 1; i <= n; i++) {
    guint *here = rows[i % 3], *before = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
    here[0] = i;
    for (guint j = 1; j <= m; j++) {
      guint change = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      here[j] = MIN(MIN(before[j], here[j - 1]) + 1, change);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = MIN(here[j], twice[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}

const char *cli_suggest(const char *misspelt) {
  const char *nearest = NULL;
  guint least = 3;
  for (const CliCommand *const *command = cli_commands; *command; command++) {
    const char *name = (*command)->name;
    gboolean is_beginning = g_str_has_prefix(name, misspelt) && strlen(misspelt) >= 2;
    guint far = is_beginning ? 1 : distance(misspelt, name);
    if ((*command)->summary && far < least && far < strlen(name)) {
      least = far;
      nearest = name;
    }
  }
  return nearest;
}
