/* All options that commands take, as data: parsing, help and completion are made from it. */
#pragma once
#include "gateway/cli/command.h"

typedef enum {
  CLI_VALUE_NONE,
  CLI_VALUE_TEXT,
  CLI_VALUE_LANE,
  CLI_VALUE_FEED,
  CLI_VALUE_STATE,
  CLI_VALUE_FILE,
  CLI_VALUE_PATH
} CliValue;
typedef struct {
  const char *name;
  char short_name; /* or 0 */
  GOptionArg kind;
  gsize offset;      /* in CliOptions */
  const char *value; /* what stands for its value in the help */
  const char *text;
  gboolean is_common; /* every command takes it */
  CliValue completes;
} CliOption;
extern const CliOption cli_options[]; /* ends with a NULL name */

gboolean cli_option_is_of(const CliOption *option, const CliCommand *command);

/* Takes the options of the command (NULL: the common ones, up to the first word that is no option) out of *arguments,
 * in place. */
gboolean cli_options_parse(CliOptions *options, const CliCommand *command, char ***arguments,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void cli_options_clear(CliOptions *options);
/* "  -n, --name=GLOB   …" lines of the command's options; the caller frees. */
char *cli_options_help(const CliCommand *command);
