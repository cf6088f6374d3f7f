#include "gateway/cli/options.h"
#include <stddef.h>
#include <string.h>

#define OPTION(name, letter, kind, field, value, text, common, completes) \
  {name, letter, kind, offsetof(CliOptions, field), value, text, common, completes}
#define WITH_TEXT(name, letter, field, value, text, completes) \
  OPTION(name, letter, G_OPTION_ARG_STRING, field, value, text, FALSE, completes)
#define FLAG(name, letter, field, text, common) \
  OPTION(name, letter, G_OPTION_ARG_NONE, field, NULL, text, common, CLI_VALUE_NONE)

const CliOption cli_options[] = {
    WITH_TEXT("feed", 0, feed, "FEED", "only this feed", CLI_VALUE_FEED),
    WITH_TEXT("state", 's', state, "STATE[,STATE…]",
              "only these states (seen, posting, held, …; live: all that are not at their end)", CLI_VALUE_STATE),
    WITH_TEXT("name", 'n', name, "GLOB", "only names like this: '*_20261120*'", CLI_VALUE_TEXT),
    WITH_TEXT("since", 0, since, "TIME",
              "from then on: 2026-11-20, 2026-11-20T10:00, 10:00, today, yesterday, or 90s, 30m, 12h, 7d ago",
              CLI_VALUE_TEXT),
    WITH_TEXT("until", 0, until, "TIME", "before then", CLI_VALUE_TEXT),
    WITH_TEXT("lane", 'l', lane, "LANE", "only this lane", CLI_VALUE_LANE),
    WITH_TEXT("account", 0, account, "ACCOUNT", "only this account", CLI_VALUE_TEXT),
    WITH_TEXT("key", 0, key, "KEY", "the record with this key", CLI_VALUE_TEXT),
    WITH_TEXT("entry", 0, entry, "ID", "the ledger entry of this number", CLI_VALUE_TEXT),
    WITH_TEXT("file", 0, file, "FILE", "only what this file brought", CLI_VALUE_FILE),
    WITH_TEXT("reason", 'r', reason, "TEXT", "why, for the file's history and for the partner", CLI_VALUE_TEXT),
    WITH_TEXT("type", 0, type, "TYPE", "the type of data", CLI_VALUE_TEXT),
    WITH_TEXT("date", 'd', date, "DATE", "the period: 2026-11-20, or 2026-11 for a month", CLI_VALUE_TEXT),
    WITH_TEXT("into", 0, into, "FOLDER", "the folder that is filled; made where it is missing", CLI_VALUE_PATH),
    WITH_TEXT("manifest", 0, manifest, "NAME", "the manifest's file name", CLI_VALUE_TEXT),
    WITH_TEXT("join", 0, join, "FILE", "make one file of all records, once they are all right", CLI_VALUE_PATH),
    WITH_TEXT("theirs", 0, theirs, "FILE", "the other side's statement", CLI_VALUE_PATH),
    WITH_TEXT("layout", 0, layout, "LAYOUT", "how it is written", CLI_VALUE_TEXT),
    WITH_TEXT("output", 'o', output, "FILE", "write to this file", CLI_VALUE_PATH),
    WITH_TEXT("token-file", 0, token_file, "FILE", "what we show the server: a bearer token", CLI_VALUE_PATH),
    WITH_TEXT("ca-file", 0, ca_file, "FILE", "who may have certified the server, PEM; else the system's",
              CLI_VALUE_PATH),
    WITH_TEXT("tls-key", 0, tls_key, "PIN[,PIN]", "the server's public key must be this, too: sha256//…",
              CLI_VALUE_TEXT),
    WITH_TEXT("certificate-file", 0, certificate_file, "FILE", "our certificate, PEM", CLI_VALUE_PATH),
    WITH_TEXT("private-key-file", 0, private_key_file, "FILE", "and its key", CLI_VALUE_PATH),
    WITH_TEXT("host-key", 0, host_key, "PIN[,PIN]", "an SFTP server's host key: SHA256:…", CLI_VALUE_TEXT),
    WITH_TEXT("identity-file", 0, identity_file, "FILE", "the private key for its login", CLI_VALUE_PATH),
    WITH_TEXT("password-file", 0, password_file, "FILE", "the password for the login", CLI_VALUE_PATH),
    WITH_TEXT("passphrase-file", 0, passphrase_file, "FILE", "the passphrase of our OpenPGP key", CLI_VALUE_PATH),
    WITH_TEXT("signed-by", 0, signed_by, "KEY[,KEY]", "whole fingerprints: who may have signed the manifest",
              CLI_VALUE_TEXT),
    WITH_TEXT("gnupg-home", 0, gnupg_home, "FOLDER", "the key ring; else gpg's own", CLI_VALUE_PATH),
    OPTION("parallel", 'j', G_OPTION_ARG_INT, parallel, "N", "so many shards at a time; 4", FALSE, CLI_VALUE_TEXT),
    OPTION("of-version", 0, G_OPTION_ARG_INT, of_version, "N", "this version; else the newest", FALSE, CLI_VALUE_TEXT),
    FLAG("again", 0, again, "also when it is done already: a new version if anything has changed", FALSE),
    FLAG("no-wait", 0, no_wait, "do not wait until it is done", FALSE),
    FLAG("no-signature", 0, no_signature, "do not look at the manifest's signature", FALSE),
    FLAG("keep-encrypted", 0, keep_encrypted, "check the bytes only: the key for the records is elsewhere", FALSE),
    FLAG("no-acknowledgement", 0, no_acknowledgement, "do not tell the server that all is here", FALSE),
    FLAG("clear-text", 0, clear_text, "http:// or ftp:// without TLS", FALSE),
    OPTION("write", 0, G_OPTION_ARG_STRING_ARRAY, write, "FOLDER",
           "probe files may be put there; may be given several times", FALSE, CLI_VALUE_TEXT),
    OPTION("limit", 0, G_OPTION_ARG_INT, limit, "N", "at most so many", FALSE, CLI_VALUE_TEXT),
    FLAG("watch", 'w', watch, "refresh every second, until Ctrl-C", FALSE),
    FLAG("unmask", 0, unmask, "show masked fields", FALSE),
    OPTION("config", 'c', G_OPTION_ARG_FILENAME, config, "FILE",
           "the configuration, instead of $SALLYPORT_CONFIG or /etc/sallyport/sallyport.conf", TRUE, CLI_VALUE_PATH),
    FLAG("json", 0, json, "answer as JSON", TRUE),
    FLAG("help", 'h', help, "this text", TRUE),
    {0}};

/* Only the program itself takes these. */
static const CliOption program_options[] = {FLAG("version", 0, version, "the program's version", FALSE), {0}};

gboolean cli_option_is_of(const CliOption *option, const CliCommand *command) {
  if (option->is_common)
    return TRUE;
  g_auto(GStrv) names = g_strsplit(command && command->options ? command->options : "", " ", -1);
  return g_strv_contains((const char *const *)names, option->name);
}

static void add_entry(GArray *entries, const CliOption *option, CliOptions *options) {
  GOptionEntry entry = {.long_name = option->name,
                        .short_name = option->short_name,
                        .arg = option->kind,
                        .arg_data = (char *)options + option->offset,
                        .description = option->text,
                        .arg_description = option->value};
  g_array_append_val(entries, entry);
}

static GOptionContext *context_of(CliOptions *options, const CliCommand *command) {
  GOptionContext *context = g_option_context_new(NULL);
  g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
  for (const CliOption *option = cli_options; option->name; option++)
    if (cli_option_is_of(option, command))
      add_entry(entries, option, options);
  if (!command)
    add_entry(entries, program_options, options);
  g_option_context_add_main_entries(context, (const GOptionEntry *)(const void *)entries->data, NULL);
  g_option_context_set_help_enabled(context, FALSE);
  g_option_context_set_strict_posix(context, command == NULL);
  return context;
}

gboolean cli_options_parse(CliOptions *options, const CliCommand *command, char ***arguments, GError **error) {
  g_autoptr(GOptionContext) context = context_of(options, command);
  return g_option_context_parse_strv(context, arguments, error);
}

void cli_options_clear(CliOptions *options) {
  g_clear_pointer(&options->write, g_strfreev);
  char **texts[] = {&options->config,
                    &options->lane,
                    &options->feed,
                    &options->state,
                    &options->name,
                    &options->since,
                    &options->until,
                    &options->reason,
                    &options->account,
                    &options->key,
                    &options->entry,
                    &options->file,
                    &options->type,
                    &options->date,
                    &options->into,
                    &options->manifest,
                    &options->join,
                    &options->theirs,
                    &options->layout,
                    &options->output,
                    &options->token_file,
                    &options->ca_file,
                    &options->tls_key,
                    &options->certificate_file,
                    &options->private_key_file,
                    &options->host_key,
                    &options->identity_file,
                    &options->password_file,
                    &options->passphrase_file,
                    &options->signed_by,
                    &options->gnupg_home};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_clear_pointer(texts[i], g_free);
}

static void append_option(GString *help, const CliOption *option) {
  g_autofree char *letter = option->short_name ? g_strdup_printf("-%c,", option->short_name) : g_strdup("");
  g_autofree char *full = g_strdup_printf("--%s%s%s", option->name, option->value ? "=" : "",
                                          option->value ? option->value : "");
  guint width = cli_text_width(full), column = 24;
  g_string_append_printf(help, "  %-3s %s%*s %s\n", letter, full, (int)(width < column ? column - width : 0), "",
                         option->text);
}

char *cli_options_help(const CliCommand *command) {
  GString *help = g_string_new(NULL);
  for (const CliOption *option = cli_options; option->name; option++)
    if (cli_option_is_of(option, command))
      append_option(help, option);
  if (!command)
    append_option(help, program_options);
  return g_string_free(help, FALSE);
}
