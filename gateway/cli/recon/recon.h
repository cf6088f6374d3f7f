/* recon: one command with verbs. The verbs of the gateway's side (run, list, show) are in tasks.c, the
 * requester's in pull.c. */
#pragma once
#include "gateway/cli/command.h"
#include "store/book_recon.h"

/* What the verbs take besides the shared options. */
typedef struct {
  char *name, *type, *date;                 /* which tasks */
  gboolean again, no_wait;                  /* run */
  char *theirs, *layout, *output, *column;  /* compare */
  gboolean negate;
  gint scale;
  char *into, *manifest, *join;             /* pull, verify */
  gint parallel, of_version;
  gboolean no_signature, keep_encrypted, no_acknowledgement;
  char *signed_by, *gnupg_home, *passphrase_file; /* keys, where there is no configuration */
  char *token_file, *ca_file, *tls_key, *certificate_file, *private_key_file, *host_key, *identity_file,
      *password_file; /* of the server, likewise */
  gboolean clear_text;
} ReconGiven;
static inline const ReconGiven *recon_given(const Cli *cli) {
  return cli->own;
}

/* What is outstanding, as `status` shows it: nothing where there is nothing. */
json_t *cli_recon_open_json(const CliOutput *out, const GPtrArray *tasks);
void cli_print_recon_open(const CliOutput *out, const GPtrArray *tasks);

CliExit recon_cli_run(Cli *cli);     /* recon run NAME --date D */
CliExit recon_cli_list(Cli *cli);    /* recon list */
CliExit recon_cli_show(Cli *cli);    /* recon show TASK */
CliExit recon_cli_pull(Cli *cli);    /* recon pull URL */
CliExit recon_cli_verify(Cli *cli);  /* recon verify FOLDER */
CliExit recon_cli_compare(Cli *cli); /* recon compare NAME --date D --theirs FILE: compare.c */
