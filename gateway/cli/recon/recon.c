#include "gateway/cli/recon/recon.h"
#include <string.h>

static const CliOption options[] = {
    CLI_TEXT(ReconGiven, type, "type", 0, "TYPE", "the type of data", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, date, "date", 'd', "DATE", "the period: 2026-11-20, or 2026-11 for a month", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, name, "name", 'n', "GLOB", "only names like this: '*_20261120*'", CLI_VALUE_TEXT),
    CLI_FLAG(ReconGiven, again, "again", 0, "also when it is done already: a new version if anything has changed"),
    CLI_FLAG(ReconGiven, no_wait, "no-wait", 0, "do not wait until it is done"),
    CLI_TEXT(ReconGiven, theirs, "theirs", 0, "FILE", "the other side's statement", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, layout, "layout", 0, "LAYOUT", "how it is written", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, column, "column", 0, "OURS[=THEIRS],…",
             "compare these columns, too; or what theirs are called", CLI_VALUE_TEXT),
    CLI_FLAG(ReconGiven, negate, "negate", 0, "their amounts have the opposite sign"),
    CLI_OPTION(ReconGiven, scale, "scale", 0, G_OPTION_ARG_INT, "N",
               "their amounts are in units of N decimals: 1230 at 2 is 12.30", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, output, "output", 'o', "FILE", "write to this file", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, into, "into", 0, "FOLDER", "the folder that is filled; made where it is missing",
             CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, manifest, "manifest", 0, "NAME", "the manifest's file name", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, join, "join", 0, "FILE", "make one file of all records, once they are all right",
             CLI_VALUE_PATH),
    CLI_OPTION(ReconGiven, parallel, "parallel", 'j', G_OPTION_ARG_INT, "N", "so many shards at a time; 4",
               CLI_VALUE_TEXT),
    CLI_OPTION(ReconGiven, of_version, "of-version", 0, G_OPTION_ARG_INT, "N", "this version; else the newest",
               CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, token_file, "token-file", 0, "FILE", "what we show the server: a bearer token",
             CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, ca_file, "ca-file", 0, "FILE", "who may have certified the server, PEM; else the system's",
             CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, tls_key, "tls-key", 0, "PIN[,PIN]", "the server's public key must be this, too: sha256//…",
             CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, certificate_file, "certificate-file", 0, "FILE", "our certificate, PEM", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, private_key_file, "private-key-file", 0, "FILE", "and its key", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, host_key, "host-key", 0, "PIN[,PIN]", "an SFTP server's host key: SHA256:…", CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, identity_file, "identity-file", 0, "FILE", "the private key for its login", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, password_file, "password-file", 0, "FILE", "the password for the login", CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, passphrase_file, "passphrase-file", 0, "FILE", "the passphrase of our OpenPGP key",
             CLI_VALUE_PATH),
    CLI_TEXT(ReconGiven, signed_by, "signed-by", 0, "KEY[,KEY]", "whole fingerprints: who may have signed the manifest",
             CLI_VALUE_TEXT),
    CLI_TEXT(ReconGiven, gnupg_home, "gnupg-home", 0, "FOLDER", "the key ring; else gpg's own", CLI_VALUE_PATH),
    CLI_FLAG(ReconGiven, no_signature, "no-signature", 0, "do not look at the manifest's signature"),
    CLI_FLAG(ReconGiven, keep_encrypted, "keep-encrypted", 0,
             "check the bytes only: the key for the records is elsewhere"),
    CLI_FLAG(ReconGiven, no_acknowledgement, "no-acknowledgement", 0, "do not tell the server that all is here"),
    CLI_FLAG(ReconGiven, clear_text, "clear-text", 0, "http:// or ftp:// without TLS"),
    {0}};

static const struct {
  const char *verb, *takes;
  CliExit (*run)(Cli *cli);
} verbs[] = {{"run", "NAME", recon_cli_run},         {"list", NULL, recon_cli_list},
             {"show", "TASK", recon_cli_show},       {"pull", "URL", recon_cli_pull},
             {"verify", "FOLDER", recon_cli_verify}, {"compare", "NAME", recon_cli_compare}};

static CliExit recon_command(Cli *cli) {
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (strcmp(cli->arguments[0], verbs[i].verb) != 0)
      continue;
    if (cli->n_arguments == (verbs[i].takes ? 2 : 1))
      return verbs[i].run(cli);
    if (verbs[i].takes)
      cli_complain("recon %s: %s is missing; sallyport recon --help tells how", verbs[i].verb, verbs[i].takes);
    else
      cli_complain("recon %s: it takes no argument; sallyport recon --help tells how", verbs[i].verb);
    return CLI_EXIT_USAGE;
  }
  cli_complain("recon: there is no verb \"%s\"; sallyport recon --help lists them", cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verb_words[] = {"run", "list", "show", "pull", "verify", "compare", NULL};
const CliCommand cli_command_recon = {
    .name = "recon",
    .arguments = "run NAME|list|show TASK|compare NAME|pull URL|verify FOLDER",
    .least = 1,
    .most = 2,
    .verbs = verb_words,
    .shared = CLI_LANE | CLI_LIMIT | CLI_UNMASK,
    .own = options,
    .own_size = sizeof(ReconGiven),
    .summary = "reconciliation files: make them, fetch and check them",
    .text = "run has the lane make the files of a date now, and waits; --again makes the next version if the data "
            "have changed since the\n"
            "last one, which stays as it is. list shows the tasks, show one of them with its shards.\n"
            "compare holds the requester's own statement against ours, by key: what either side has not, or too "
            "often; amounts, accounts,\n"
            "business dates and other columns that differ. It is written as our shards are, or in a --layout of the "
            "configuration;\n"
            "--output writes the differences in the feed's layout.\n"
            "pull fetches a manifest and its shards, several at a time, each resumed where it broke off, checks all "
            "of it against the\n"
            "signed manifest, fetches what is bad again, and acknowledges. It needs no configuration, and may be "
            "killed and run again.\n"
            "verify does the checks once more, offline.\n\n"
            "  sallyport recon run acme-daily --date 2026-11-20\n"
            "  sallyport recon compare acme-daily --date 2026-11-20 --theirs their.csv --output differences.dat\n"
            "  sallyport recon pull https://files.example.com --type points --date 2026-11-20 --into points/ \\\n"
            "    --token-file token --signed-by 0123456789ABCDEF0123456789ABCDEF01234567\n"
            "  sallyport recon verify points/ --signed-by 0123456789ABCDEF0123456789ABCDEF01234567\n",
    .run = recon_command,
};
