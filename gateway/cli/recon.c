#include "gateway/cli/recon.h"
#include <string.h>

static const struct {
  const char *verb;
  guint least, most;
  CliExit (*run)(Cli *cli);
} verbs[] = {{"run", 2, 2, recon_cli_run},   {"list", 1, 1, recon_cli_list},     {"show", 2, 2, recon_cli_show},
             {"pull", 2, 2, recon_cli_pull}, {"verify", 2, 2, recon_cli_verify}, {"compare", 2, 2, recon_cli_compare}};

CliExit cli_recon(Cli *cli) {
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (strcmp(cli->arguments[0], verbs[i].verb) != 0)
      continue;
    if (cli->n_arguments >= verbs[i].least && cli->n_arguments <= verbs[i].most)
      return verbs[i].run(cli);
    cli_complain("recon %s: %s; sallyport recon --help tells how", verbs[i].verb,
                 cli->n_arguments < verbs[i].least ? "something is missing" : "that is too much");
    return CLI_EXIT_USAGE;
  }
  cli_complain("recon: there is no verb \"%s\"; sallyport recon --help lists them", cli->arguments[0]);
  return CLI_EXIT_USAGE;
}
