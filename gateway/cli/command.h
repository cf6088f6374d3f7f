/* The operator's commands: one table (commands.c), from which dispatch, --help, and completion are made; a file per
 * group.
 *
 * A command reads its options and arguments from the Cli it is given, prints its answer on standard output (as a table,
 * or as JSON with --json), what went wrong as one line on standard error, and returns the exit status (exit.h). */
#pragma once
#include "conf/conf.h"
#include "gateway/base/error.h"
#include "gateway/common/exit.h"
#include "gateway/cli/output.h"
#include "gateway/common/paths.h"

/* The values of all options there are; each command takes some of them (CliCommand.options). Texts that are not given
 * are NULL, the limit is negative. */
typedef struct {
  char *config, *lane, *feed, *state, *name, *since, *until, *reason, *account, *key, *entry, *file;
  char *type, *date, *into, *manifest, *join, *theirs, *layout, *output; /* recon */
  char *token_file, *ca_file, *tls_key, *certificate_file, *private_key_file, *host_key, *identity_file, *password_file,
      *passphrase_file, *signed_by, *gnupg_home; /* of a server and of keys, where there is no configuration */
  gint limit, parallel, of_version;
  char **write;
  gboolean json, help, version, watch, unmask, again, no_wait, no_signature, keep_encrypted, no_acknowledgement,
      clear_text;
} CliOptions;

typedef struct CliCommand CliCommand;
typedef struct {
  const CliCommand *command;
  CliOptions options;
  char **arguments; /* NULL-terminated */
  guint n_arguments;
  CliOutput *out;
  ConfSource *source; /* after cli_load */
  Conf *conf;
} Cli;

struct CliCommand {
  const char *name, *arguments; /* "FILE…" */
  const char *options;          /* names of those it takes besides the common ones, separated by spaces */
  const char *summary;          /* one line */
  const char *text;             /* what there is to know; with an example */
  guint least, most;            /* arguments */
  CliExit (*run)(Cli *cli);
};
extern const CliCommand cli_commands[]; /* ends with a NULL name */

/* The whole program but the processes that the supervisor and the lanes start. */
int cli_main(int argc, char **argv);
/* The command of that name; NULL: none. */
const CliCommand *cli_command(const char *name);
char *cli_help(void); /* of the program */
char *cli_command_help(const CliCommand *command);
/* The nearest command's name, when it is near enough; NULL: none. Static. */
const char *cli_suggest(const char *misspelt);

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

CliExit cli_check(Cli *cli), cli_run(Cli *cli), cli_version(Cli *cli); /* service.c */
CliExit cli_status(Cli *cli);                                          /* status.c */
CliExit cli_files(Cli *cli);                                           /* files.c */
CliExit cli_show(Cli *cli);                                            /* show.c */
CliExit cli_trace(Cli *cli);                                           /* trace.c */
/* act.c */
CliExit cli_retry(Cli *cli), cli_hold(Cli *cli), cli_release(Cli *cli), cli_reject(Cli *cli), cli_poll(Cli *cli);
CliExit cli_balance(Cli *cli), cli_entries(Cli *cli); /* credits.c */
CliExit cli_try(Cli *cli);                            /* try.c */
CliExit cli_alarms(Cli *cli);                         /* alarms.c */
CliExit cli_keys(Cli *cli);                           /* keys.c */
CliExit cli_audit(Cli *cli), cli_verify(Cli *cli);    /* verify.c */
CliExit cli_doctor(Cli *cli);                         /* doctor.c */
CliExit cli_recon(Cli *cli);                          /* recon.c */
CliExit cli_complete(Cli *cli);                       /* complete.c */
