/* The lanes' books and ledgers for commands: which lanes and which file are meant, what of them may be shown, and
 * asking the lane, which changes something where a command only looks. Each function tells what is wrong itself and
 * returns the exit status. */
#pragma once
#include "gateway/cli/command.h"
#include "gateway/status/lanes.h"
#include <jansson.h>

/* All lanes, or the one of --lane (status_lanes_open). Loads the configuration first. Array of StatusLane*. */
CliExit cli_lanes(Cli *cli, GPtrArray **lanes);

/* A file by number, beginning of a number, or name, over these lanes. */
typedef struct {
  const StatusLane *lane;
  BookFile *file;
  const ConfFeed *feed; /* NULL when it is not configured any more */
} CliFile;
CliExit cli_find_file(GPtrArray *lanes, const char *text, CliFile *found);
void cli_file_clear(CliFile *found);

/* What is shown stands in the state and in no configuration: one line on standard error for each lane, and each ledger.
 */
void cli_tell_unconfigured(GPtrArray *lanes);

/* Asks the lane; the answer is an object that says ok, the caller's. */
CliExit cli_ask(const StatusLane *lane, json_t *request, json_t **answer);
/* Who asks: the person behind sudo, or the user. */
const char *cli_who(void);
/* A masked value is starred unless `show`. The caller frees. */
char *cli_shown(const char *value, gboolean hides, gboolean show);
char *cli_shown_amount(const Cli *cli, const StatusLedger *ledger, gint64 amount); /* likewise: of one record */
void cli_json_shown_amount(const Cli *cli, json_t *object, const StatusLedger *ledger, gint64 amount);
