#include "gateway/cli/command.h"
#include "gateway/cli/options.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const CliCommand cli_commands[] = {
    {"check", NULL, NULL, "check the whole configuration",
     "Reads the configuration with all that it names: layouts and rules are compiled, schedules tried, keys looked up\n"
     "with gpg, secret files and folders looked at. Every finding is told as file:line: error|warning: what is "
     "wrong.\n\n"
     "  sallyport --config new.conf check && systemctl reload sallyport\n",
     0, 0, cli_check},
    {"run", NULL, "lane", "run the gateway in the foreground",
     "Starts a process per lane, watches and restarts them. SIGHUP reloads the configuration (a bad one is refused, "
     "the\n"
     "old one stays), SIGTERM ends it: what is in work is finished or begun again at the next start, nothing is "
     "lost.\n\n"
     "  sallyport run\n  sallyport run --lane points     only that lane\n",
     0, 0, cli_run},
    {"status", NULL, "lane watch", "lanes, feeds, counts, next polls",
     "Ends with status 5 when a lane is not running.\n\n"
     "  sallyport status\n  sallyport status --watch        with the progress of what is posting\n",
     0, 0, cli_status},
    {"files", NULL, "feed lane state name since until limit", "the files, newest first",
     "Shows the newest 20 unless --limit says otherwise (0: all); all with --json.\n\n"
     "  sallyport files --feed acme-points --state held,rejected --since yesterday\n"
     "  sallyport files --json --since 1h | jq '.files[].name'\n",
     0, 0, cli_files},
    {"show", "FILE", "unmask",
     "one file: history, evidence, verdict, totals, batches, what was refused, what is still to be sent",
     "FILE is its number, the beginning of it (4 characters or more), or its name (then the newest of that name).\n\n"
     "  sallyport show 0k3x9\n  sallyport show POINTS_20261120_0001.dat.pgp\n",
     1, 1, cli_show},
    {"trace", "[FILE:LINE|KEY]", "key entry lane unmask", "what became of one line; or where a key or credit came from",
     "FILE:LINE → its batch, whether it was credited (and the ledger entry), refused (and why) or a duplicate, and "
     "the\n"
     "feedback that said so. A record's key (also --key) or a\n"
     "credit's number (--entry) lead back to file and line.\n\n"
     "  sallyport trace 0k3x9:1234\n  sallyport trace --key TX-2026-000017\n  sallyport trace --entry "
     "72057594037927937\n",
     0, 1, cli_trace},
    {"retry", "FILE…", NULL, "try again now what waits for its next try",
     "Also for a delivery that the partner's server has refused.\n\n  sallyport retry 0k3x9\n", 1, 1000, cli_retry},
    {"hold", "FILE…", "reason", "stop a file before it is posted, until it is released",
     "A file that is posting or beyond cannot be held.\n\n  sallyport hold 0k3x9 --reason 'the bank asked us to "
     "wait'\n",
     1, 1000, cli_hold},
    {"release", "FILE…", NULL, "let a held file go on from where it was", "\n  sallyport release 0k3x9\n", 1, 1000,
     cli_release},
    {"reject", "FILE…", "reason", "send a file back as an exception file",
     "The reason is told to the partner. Nothing of the file is credited; it cannot be taken back.\n\n"
     "  sallyport reject 0k3x9 --reason 'withdrawn by phone, 2026-11-20'\n",
     1, 1000, cli_reject},
    {"poll", "FEED…", NULL, "look into a feed's drop folder now", "\n  sallyport poll acme-points\n", 1, 1000,
     cli_poll},
    {"alarms", "[list|acknowledge ALARM…|test]", "lane limit", "what is wrong and has not cleared yet",
     "list (default) shows the alarms that stand; with --limit the newest so many, also those that have cleared.\n"
     "acknowledge: it is not told any more; ALARM is its number, or the beginning of it (4 characters or more). A file "
     "that\n"
     "is missing is waited for no longer; what goes on by itself (a folder that cannot be polled) clears by itself.\n"
     "test sends an alarm to the configured command and webhook, and tells whether it got there (status 1: it did "
     "not).\n\n"
     "  sallyport alarms\n  sallyport alarms acknowledge 0k3x9\n  sallyport alarms test\n",
     0, 1000, cli_alarms},
    {"balance", "ACCOUNT", "lane", "an account's balance", "\n  sallyport balance 6222020000000017\n", 1, 1,
     cli_balance},
    {"entries", NULL, "account key file lane limit unmask", "credits in the ledger",
     "Shows 100 unless --limit says otherwise (0: all); all with --json.\n\n"
     "  sallyport entries --account 6222020000000017\n  sallyport entries --file 0k3x9 --limit 0 --json\n",
     0, 0, cli_entries},
    {"try", "FEED LOCALFILE", "unmask", "what would become of a local file, without doing it",
     "Opens it with the feed's keys, reads it with its layout, checks totals and rules, cuts the batches; changes "
     "nothing.\n\n"
     "  sallyport try acme-points /tmp/POINTS_20261120_0001.dat.pgp\n",
     2, 2, cli_try},
    {"doctor", "PARTNER [ENDPOINT]", "write", "what a partner's server can do, and where it will hurt",
     "Connects as the gateway does and tells, finding by finding, what was seen and what to set: name and addresses, "
     "algorithms\n"
     "offered and agreed on, what the installed libssh2 cannot do, host keys against the pins, login, extensions, "
     "listings.\n"
     "Nothing is written and no file is read, but in the folders named by --write: there a probe file "
     "(.sallyport-probe-…) is put,\n"
     "read, resumed, renamed, also onto another, timed, and removed again. PARTNER may be a system. Each run is one "
     "login more.\n"
     "Ends with status 0 when all is well, 12 when there are warnings, 1 when there are problems.\n\n"
     "  sallyport doctor acme-bank\n  sallyport doctor acme-bank main --write /incoming --write /outgoing\n",
     1, 2, cli_doctor},
    {"keys", NULL, NULL, "the OpenPGP keys that the configuration names",
     "Fingerprint, use, owner, state, and how long each is good. Ends with status 3 when one is missing or not "
     "usable.\n\n"
     "  sallyport keys\n",
     0, 0, cli_keys},
    {"audit", "[list|verify]", "lane since limit",
     "the audit chain: what was done, and that nobody changed the record of it",
     "list (default) shows the newest 50 records; verify recomputes the chain of hashes and holds it against the tip "
     "that\n"
     "is kept outside the book. Ends with status 6 when it does not hold.\n\n  sallyport audit verify\n",
     0, 1, cli_audit},
    {"verify", NULL, "lane", "check that the books hold",
     "Databases whole, histories allowed, batches and records add up, each file's accepted lines are its credits and\n"
     "nothing else is, balances are their entries, the audit chain is whole. May run while the gateway runs.\n\n"
     "  sallyport verify\n",
     0, 0, cli_verify},
    {"recon", "run NAME|list|show TASK|compare NAME|pull URL|verify FOLDER",
     "lane name limit again no-wait type date into manifest join token-file ca-file tls-key certificate-file "
     "private-key-file "
     "host-key identity-file password-file passphrase-file signed-by gnupg-home parallel of-version no-signature "
     "keep-encrypted "
     "no-acknowledgement clear-text theirs layout output",
     "reconciliation files: make them, fetch and check them",
     "run has the lane make the files of a date now, and waits; --again makes the next version if the data have "
     "changed since the\n"
     "last one, which stays as it is. list shows the tasks, show one of them with its shards.\n"
     "compare holds the requester's own statement against ours, by key: what either side has not, and amounts that "
     "differ. It is\n"
     "written as our shards are, or in a --layout of the configuration; --output writes the differences in the feed's "
     "layout.\n"
     "pull fetches a manifest and its shards, several at a time, each resumed where it broke off, checks all of it "
     "against the\n"
     "signed manifest, fetches what is bad again, and acknowledges. It needs no configuration, and may be killed and "
     "run again.\n"
     "verify does the checks once more, offline.\n\n"
     "  sallyport recon run acme-daily --date 2026-11-20\n"
     "  sallyport recon compare acme-daily --date 2026-11-20 --theirs their.csv --output differences.dat\n"
     "  sallyport recon pull https://files.example.com --type points --date 2026-11-20 --into points/ \\\n"
     "    --token-file token --signed-by 0123456789ABCDEF0123456789ABCDEF01234567\n"
     "  sallyport recon verify points/ --signed-by 0123456789ABCDEF0123456789ABCDEF01234567\n",
     1, 2, cli_recon},
    {"version", NULL, NULL, "the program's version", "\n  sallyport version\n", 0, 0, cli_version},
    {0}};

/* Completion's own; in no help. */
static const CliCommand complete_command = {"complete", NULL, NULL, "", "", 0, 1000, cli_complete};

const CliCommand *cli_command(const char *name) {
  for (const CliCommand *command = cli_commands; command->name; command++)
    if (strcmp(command->name, name) == 0)
      return command;
  return strcmp(name, complete_command.name) == 0 ? &complete_command : NULL;
}

char *cli_help(void) {
  GString *help = g_string_new("sallyport — the gate between partners' files and the business\n\n"
                               "Usage: sallyport [--config FILE] COMMAND …\n\n");
  for (const CliCommand *command = cli_commands; command->name; command++) {
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
  for (const CliCommand *command = cli_commands; command->name; command++) {
    guint far = g_str_has_prefix(command->name, misspelt) && strlen(misspelt) >= 2 ? 1
                                                                                   : distance(misspelt, command->name);
    if (far < least && far < strlen(command->name)) {
      least = far;
      nearest = command->name;
    }
  }
  return nearest;
}
