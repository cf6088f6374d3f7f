/* The operator's commands: a row and a file each, listed in commands.c; dispatch, --help, and completion are made from
 * the rows.
 *
 * A command reads its options and arguments from the Cli it is given, prints its answer on standard output (as a table,
 * or as JSON with --json), what went wrong as one line on standard error, and returns the exit status (exit.h). */
#pragma once
#include "conf/conf.h"
#include "gateway/base/error.h"
#include "gateway/cli/options.h"
#include "gateway/cli/output.h"
#include "gateway/common/exit.h"
#include "gateway/common/paths.h"
#include <stddef.h>

typedef struct {
  const CliCommand *command;
  CliOptions options;
  gpointer own;     /* the values of the command's own options */
  char **arguments; /* NULL-terminated */
  guint n_arguments;
  CliOutput *out;
  ConfSource *source; /* after cli_load */
  Conf *conf;
} Cli;

struct CliCommand {
  const char *name;
  const char *arguments;    /* as the usage shows them: "FILE…" */
  guint least, most;        /* arguments */
  const char *const *verbs; /* what the first argument may be, for completion; NULL: anything */
  guint shared;             /* the options of CliOptions that it takes: CLI_LANE | … */
  const CliOption *own;     /* its own, which end with a NULL name, over a struct of own_size bytes; NULL: none */
  gsize own_size;
  const char *summary;    /* one line; NULL: in no help */
  const char *text;       /* what there is to know; with an example */
  gboolean takes_options; /* as words, too: completion gets the command line that is being typed */
  CliExit (*run)(Cli *cli);
};
extern const CliCommand *const cli_commands[]; /* in the order of the help; ends with NULL */

/* The command of that name; NULL: none. */
const CliCommand *cli_command(const char *name);
char *cli_help(void); /* of the program */
char *cli_command_help(const CliCommand *command);
/* The nearest command's name, when it is near enough; NULL: none. Static. */
const char *cli_suggest(const char *misspelt);

/* The whole program but the processes that the supervisor and the lanes start. */
int cli_main(int argc, char **argv);

/* --- support.c: what commands share. */
/* One line on standard error: "sallyport: …". */
void cli_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same with an error's message, and the exit status that fits its code. */
CliExit cli_fail(const GError *error);
/* --limit: as given, where 0 means all; else `standard`, or all for JSON: a program that asks wants everything. */
guint cli_limit(const Cli *cli, guint standard);
const char *cli_configuration_path(const Cli *cli);
/* Reads and parses the configuration into cli->conf, and sets the output's time zone. On FALSE it has told what is
 * wrong. */
gboolean cli_load(Cli *cli) G_GNUC_WARN_UNUSED_RESULT;
