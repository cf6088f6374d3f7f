/* move: what stands in the state gets the name that the configuration has given it, or is declared as closed. */
#include "gateway/cli/books.h"
#include "gateway/move/move.h"
#include <string.h>

typedef struct {
  char *reason;
  gboolean closes, reopens, accepts;
} How;
static const CliOption options[] = {
    CLI_FLAG(How, closes, "close", 0, "it has ended, and is in no configuration any more"),
    CLI_FLAG(How, reopens, "reopen", 0, "it was declared as closed, and goes on"),
    CLI_FLAG(How, accepts, "accept", 0, "of a feed: its key, account and amount mean the same under their new names"),
    CLI_TEXT(How, reason, "reason", 'r', "TEXT", "why, for the audit chain", CLI_VALUE_TEXT),
    {0}};

static const char *const kinds[] = {"lane", "feed", "ledger", NULL};

static CliExit misused(const Cli *cli, const How *how) {
  guint ways = (how->closes ? 1u : 0u) + (how->reopens ? 1u : 0u) + (how->accepts ? 1u : 0u);
  if (!g_strv_contains(kinds, cli->arguments[0]))
    cli_complain("move takes lane, feed or ledger, not \"%s\"", cli->arguments[0]);
  else if (ways + (cli->n_arguments == 3 ? 1u : 0u) != 1)
    cli_complain("move %s %s needs one of: its new name, --close, --reopen%s", cli->arguments[0], cli->arguments[1],
                 strcmp(cli->arguments[0], "feed") == 0 ? ", --accept" : "");
  else if (how->accepts && strcmp(cli->arguments[0], "feed") != 0)
    cli_complain("--accept is of a feed");
  else
    return CLI_EXIT_FINE;
  return CLI_EXIT_USAGE;
}

static CliExit move_command(Cli *cli) {
  g_autoptr(GError) error = NULL;
  const How *how = cli->own;
  CliExit exit = misused(cli, how);
  if (exit != CLI_EXIT_FINE)
    return exit;
  if (!cli_load(cli))
    return CLI_EXIT_CONFIGURATION;
  Move move = {.conf = cli->conf,
               .kind = cli->arguments[0],
               .name = cli->arguments[1],
               .new_name = cli->n_arguments == 3 ? cli->arguments[2] : NULL,
               .act = how->closes    ? MOVE_CLOSE
                      : how->reopens ? MOVE_REOPEN
                      : how->accepts ? MOVE_ACCEPT
                                     : MOVE_RENAME,
               .lane = cli->options.lane,
               .who = cli_who(),
               .reason = how->reason};
  g_autofree char *done = move_do(&move, &error);
  if (!done && sallyport_error_code(error) == SALLYPORT_ERROR_FILE) {
    cli_complain("%s", error->message);
    return CLI_EXIT_REFUSED;
  }
  if (!done)
    return cli_fail(error);
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:b, s:s}", "ok", TRUE, "done", done));
  else
    fprintf(cli->out->file, "%s\n", done);
  return CLI_EXIT_FINE;
}

const CliCommand cli_command_move = {
    .name = "move",
    .arguments = "lane|feed|ledger NAME [NEW]",
    .least = 2,
    .most = 3,
    .verbs = kinds,
    .shared = CLI_LANE,
    .own = options,
    .own_size = sizeof(How),
    .summary = "give what is in the books the name that it has in the configuration now, or declare it as closed",
    .text = "For a configuration that `sallyport check` refuses since it contradicts the books. Change the "
            "configuration first,\n"
            "stop the service, run this as the service's user, start the service. It may be killed and run again, and "
            "stands in the audit chain.\n\n"
            "  sallyport move lane points loyalty\n"
            "  sallyport move feed acme-points acme-loyalty\n"
            "  sallyport move ledger miles points\n"
            "  sallyport move feed acme-points --close --reason 'the contract has ended'\n"
            "  sallyport move feed acme-points --accept     a field has another name, and means the same\n",
    .run = move_command,
};
