/* Options as data: reading them, their help and completion are made from rows. What only one command takes stands with
 * that command, as rows over a struct of its own; what several take is CliOptions. */
#pragma once
#include <glib.h>

typedef enum {
  CLI_VALUE_NONE,
  CLI_VALUE_TEXT,
  CLI_VALUE_LANE,
  CLI_VALUE_FEED,
  CLI_VALUE_STATE,
  CLI_VALUE_OUTCOME,
  CLI_VALUE_FILE,
  CLI_VALUE_PATH
} CliValue;
typedef struct {
  const char *name;
  char short_name; /* or 0 */
  GOptionArg kind;
  gsize offset;      /* in the struct that the row is of */
  const char *value; /* what stands for its value in the help */
  const char *text;
  CliValue completes;
  guint shared; /* of CliOptions: who takes it; 0: every command */
} CliOption;
#define CLI_OPTION(type, field, name, letter, kind, value, text, completes) \
  { name, letter, kind, offsetof(type, field), value, text, completes, 0 }
#define CLI_TEXT(type, field, name, letter, value, text, completes) \
  CLI_OPTION(type, field, name, letter, G_OPTION_ARG_STRING, value, text, completes)
#define CLI_FLAG(type, field, name, letter, text) \
  CLI_OPTION(type, field, name, letter, G_OPTION_ARG_NONE, NULL, text, CLI_VALUE_NONE)

/* What several commands take, and what every one does. Texts that are not given are NULL, the limit is negative. */
typedef struct {
  char *config, *lane;
  gint limit;
  gboolean unmask, json, help, version;
} CliOptions;
enum { CLI_LANE = 1 << 0, CLI_LIMIT = 1 << 1, CLI_UNMASK = 1 << 2, CLI_PROGRAM = 1 << 3 /* no command's */ };
enum { CLI_NO_LIMIT = -1 };

typedef struct CliCommand CliCommand;
/* Those that a command takes, its own first; NULL: the program's. const CliOption*; the caller unrefs. */
GPtrArray *cli_options_of(const CliCommand *command);

/* Takes the options of the command (NULL: the program's, up to the first word that is no option) out of *arguments, in
 * place. `own`: the command's own struct, zeroed, or NULL. */
gboolean cli_options_parse(CliOptions *options, const CliCommand *command, gpointer own, char ***arguments,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void cli_options_clear(CliOptions *options);
void cli_own_options_free(const CliCommand *command, gpointer own);
/* "  -n, --name=GLOB   …" lines of the command's options; the caller frees. */
char *cli_options_help(const CliCommand *command);
