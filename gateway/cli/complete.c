/* Completion: `sallyport complete -- WORD…` prints what may stand for the last word, one per line. The shells' own
 * files (packaging/completion) only pass the words on, so that they never differ from the program. */
#include "gateway/cli/books.h"
#include <string.h>

enum { NEWEST = 50 };

typedef struct {
  Cli *cli;
  const char *typed;
} Completion;

static void offer(const Completion *completion, const char *candidate) {
  if (g_str_has_prefix(candidate, completion->typed))
    fprintf(completion->cli->out->file, "%s\n", candidate);
}

static void offer_commands(const Completion *completion) {
  for (const CliCommand *const *command = cli_commands; *command; command++)
    if ((*command)->summary)
      offer(completion, (*command)->name);
}

static void offer_options(const Completion *completion, const CliCommand *command) {
  g_autoptr(GPtrArray) options = cli_options_of(command);
  for (guint i = 0; i < options->len; i++) {
    g_autofree char *full = g_strconcat("--", ((const CliOption *)options->pdata[i])->name, NULL);
    offer(completion, full);
  }
}

static void offer_states(const Completion *completion) {
  offer(completion, "live");
  for (guint i = 0; i < FILE_N_STATES; i++)
    offer(completion, file_state_word((FileState)i));
}

static void offer_outcomes(const Completion *completion) {
  for (guint i = FILE_OUTCOME_NONE + 1; i < FILE_N_OUTCOMES; i++)
    offer(completion, file_outcome_word((FileOutcome)i));
}

static void offer_names(const Completion *completion, CliValue kind) {
  const Conf *conf = completion->cli->conf;
  if (!conf && !cli_load(completion->cli))
    return;
  conf = completion->cli->conf;
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    if (kind == CLI_VALUE_LANE)
      offer(completion, lane->name);
    for (guint j = 0; kind == CLI_VALUE_FEED && j < lane->feeds->len; j++)
      offer(completion, ((const ConfFeed *)lane->feeds->pdata[j])->name);
  }
}

static void offer_partners(const Completion *completion) {
  const Conf *conf = completion->cli->conf || cli_load(completion->cli) ? completion->cli->conf : NULL;
  for (guint i = 0; conf && i < conf->partners->len; i++)
    offer(completion, ((const ConfPartner *)conf->partners->pdata[i])->name);
}

static void offer_files(const Completion *completion) {
  g_autoptr(GPtrArray) lanes = NULL;
  BookFilter filter = {.newest_first = TRUE, .limit = NEWEST};
  if (cli_lanes(completion->cli, &lanes) != CLI_EXIT_FINE)
    return;
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GPtrArray) files = lane->reader ? book_files(lane->reader, &filter, NULL) : NULL;
    for (guint j = 0; files && j < files->len; j++) {
      const BookFile *file = files->pdata[j];
      offer(completion, file->id);
      offer(completion, file->name_shown);
    }
  }
}

static void offer_values(const Completion *completion, CliValue kind) {
  switch (kind) {
  case CLI_VALUE_LANE:
  case CLI_VALUE_FEED:
    offer_names(completion, kind);
    break;
  case CLI_VALUE_OUTCOME:
    offer_outcomes(completion);
    break;
  case CLI_VALUE_STATE:
    offer_states(completion);
    break;
  case CLI_VALUE_FILE:
    offer_files(completion);
    break;
  default:
    break; /* paths are the shell's own, the rest is free text */
  }
}

static void offer_argument(const Completion *completion, const CliCommand *command, guint place) {
  const char *takes = command->arguments ? command->arguments : "";
  if (place < command->most && g_str_has_prefix(takes, "FEED"))
    return place == 0 || command->most > 2 ? offer_values(completion, CLI_VALUE_FEED) : (void)0;
  if (g_str_has_prefix(takes, "PARTNER"))
    return place == 0 ? offer_partners(completion) : (void)0;
  if (place < command->most && (g_str_has_prefix(takes, "FILE") || g_str_has_prefix(takes, "[FILE")))
    return offer_values(completion, CLI_VALUE_FILE);
  for (const char *const *verb = command->verbs; place == 0 && verb && *verb; verb++)
    offer(completion, *verb);
}

static const CliOption *option_of(const CliCommand *command, const char *word) {
  g_autoptr(GPtrArray) options = cli_options_of(command);
  for (guint i = 0; i < options->len; i++) {
    const CliOption *option = options->pdata[i];
    gboolean is_long = g_str_has_prefix(word, "--") && strcmp(word + 2, option->name) == 0;
    gboolean is_short = option->short_name && word[0] == '-' && word[1] == option->short_name && !word[2];
    if ((is_long || is_short) && option->kind != G_OPTION_ARG_NONE)
      return option;
  }
  return NULL;
}

/* Walks the words that are complete already: which command, how many arguments, which configuration, and whether an
 * option waits for its value. */
static CliExit complete_command(Cli *cli) {
  char **words = cli->arguments;
  guint n = cli->n_arguments, place = 0, i = n && strcmp(words[0], "--") == 0 ? 1 : 0;
  const CliCommand *command = NULL;
  if (n <= i)
    return CLI_EXIT_USAGE;
  Completion completion = {cli, words[n - 1]};
  for (; i + 1 < n; i++) {
    const CliOption *option = option_of(command, words[i]);
    if (option && i + 2 == n)
      return offer_values(&completion, option->completes), CLI_EXIT_FINE;
    if (option && strcmp(option->name, "config") == 0 && !cli->options.config)
      cli->options.config = g_strdup(words[i + 1]);
    if (option)
      i++;
    else if (words[i][0] != '-' && command)
      place++;
    else if (words[i][0] != '-' && !(command = cli_command(words[i])))
      return CLI_EXIT_FINE;
  }
  if (completion.typed[0] == '-')
    offer_options(&completion, command);
  else if (command)
    offer_argument(&completion, command, place);
  else
    offer_commands(&completion);
  return CLI_EXIT_FINE;
}

const CliCommand cli_command_complete = {
    .name = "complete",
    .most = 1000,
    .takes_options = TRUE,
    .run = complete_command,
};
