/* recon pull and recon verify: the requester's tool. Everything that it needs comes from its options; there is no
 * configuration. */
#include "conf/read/url.h"
#include "conf/read/value.h"
#include "crypto/openpgp.h"
#include "gateway/cli/progress.h"
#include "gateway/cli/recon/recon.h"
#include "gateway/recon/folder.h"
#include "gateway/recon/pull.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PARALLEL_MOST = 32 };

/* --- Options to parameters */

typedef struct {
  char **signed_by, **host_keys, **tls_keys;
  char *gnupg_home, *remote_folder;
  Url url;
} Given;

static void given_clear(Given *given) {
  g_strfreev(given->signed_by);
  g_strfreev(given->host_keys);
  g_strfreev(given->tls_keys);
  g_free(given->gnupg_home);
  g_free(given->remote_folder);
  url_clear(&given->url);
}

static char **split(const char *list) {
  return list ? g_strsplit(list, ",", 8) : NULL;
}

/* Who signs must be said, or that nobody is to be looked at: there is no default for trust. */
static CliExit take_keys(const Cli *cli, Given *given, ReconKeys *keys) {
  if (!recon_given(cli)->signed_by && !recon_given(cli)->no_signature) {
    cli_complain("--signed-by KEY is missing: whose signature makes the manifest good? (or say --no-signature)");
    return CLI_EXIT_USAGE;
  }
  given->signed_by = split(recon_given(cli)->no_signature ? NULL : recon_given(cli)->signed_by);
  for (char **key = given->signed_by; key && *key; key++) {
    char *fingerprint = value_fingerprint(*key);
    if (!fingerprint) {
      cli_complain("--signed-by: a whole fingerprint has 40 or 64 hexadecimal digits (gpg --list-keys shows it)");
      return CLI_EXIT_USAGE;
    }
    g_free(*key);
    *key = fingerprint;
  }
  given->gnupg_home = recon_given(cli)->gnupg_home ? g_strdup(recon_given(cli)->gnupg_home)
                      : g_getenv("GNUPGHOME")      ? g_strdup(g_getenv("GNUPGHOME"))
                                                   : g_build_filename(g_get_home_dir(), ".gnupg", NULL);
  keys->signed_by = (const char *const *)given->signed_by;
  keys->gnupg_home = given->gnupg_home;
  keys->passphrase_file = recon_given(cli)->passphrase_file;
  return CLI_EXIT_FINE;
}

/* Behind an SFTP or FTP server's name stands the folder, from the login's own on as in any FTP URL; "//srv/out" is the
 * absolute one. A configuration's URLs end with the server. */
static const char *read_url(const char *text, Given *given) {
  const char *host = strstr(text, "://"), *slash = host ? strchr(host + 3, '/') : NULL;
  gboolean has_folder = slash && (g_str_has_prefix(text, "sftp:") || g_str_has_prefix(text, "ftp:") ||
                                  g_str_has_prefix(text, "ftps:"));
  g_autofree char *server = has_folder ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
  given->remote_folder = has_folder ? g_uri_unescape_string(slash + 1, NULL) : NULL;
  if (has_folder &&
      (!given->remote_folder || value_has_dot_dot(given->remote_folder) || !value_is_text(given->remote_folder)))
    return "its folder is not a plain path";
  return url_read(server, &given->url);
}

static CliExit take_url(const Cli *cli, Given *given, CourierEndpoint *endpoint) {
  const char *problem = read_url(cli->arguments[1], given);
  const Url *url = &given->url;
  gboolean is_clear = url->scheme == CONF_URL_HTTP || (url->scheme == CONF_URL_FTP && recon_given(cli)->clear_text);
  if (!problem && url->scheme == CONF_URL_HTTP && !recon_given(cli)->clear_text)
    problem = "http:// shows everything to everybody on the way: use https://, or say --clear-text";
  if (problem) {
    cli_complain("the URL: %s", problem);
    return CLI_EXIT_USAGE;
  }
  given->host_keys = split(recon_given(cli)->host_key);
  given->tls_keys = split(recon_given(cli)->tls_key);
  gboolean is_http = url->scheme == CONF_URL_HTTP || url->scheme == CONF_URL_HTTPS,
           is_ftp = url->scheme == CONF_URL_FTP || url->scheme == CONF_URL_FTPS;
  *endpoint = (CourierEndpoint){.kind = is_http                        ? COURIER_HTTP
                                        : is_ftp                       ? COURIER_FTP
                                        : url->scheme == CONF_URL_FILE ? COURIER_LOCAL
                                                                       : COURIER_SFTP,
                                .tls = is_clear                      ? COURIER_TLS_NONE
                                       : url->scheme == CONF_URL_FTP ? COURIER_TLS_EXPLICIT
                                                                     : COURIER_TLS_IMPLICIT,
                                .name = "the server",
                                .host = url->host,
                                .port = url->port,
                                .user = url->user,
                                .folder = url->folder,
                                .host_keys = (const char *const *)given->host_keys,
                                .tls_keys = (const char *const *)given->tls_keys,
                                .identity_file = recon_given(cli)->identity_file,
                                .password_file = recon_given(cli)->password_file,
                                .token_file = recon_given(cli)->token_file,
                                .ca_file = recon_given(cli)->ca_file,
                                .certificate_file = recon_given(cli)->certificate_file,
                                .private_key_file = recon_given(cli)->private_key_file};
  return CLI_EXIT_FINE;
}

static CliExit check_join(const Cli *cli) {
  if (!recon_given(cli)->join || !recon_given(cli)->keep_encrypted)
    return CLI_EXIT_FINE;
  cli_complain("--join needs the records, and --keep-encrypted does not look at them");
  return CLI_EXIT_USAGE;
}

static CliExit check_options(const Cli *cli) {
  const char *missing = !recon_given(cli)->type   ? "--type TYPE"
                        : !recon_given(cli)->date ? "--date DATE"
                        : !recon_given(cli)->into ? "--into FOLDER"
                                                  : NULL;
  if (missing)
    cli_complain("%s is missing; sallyport recon --help shows an example", missing);
  else if (recon_given(cli)->parallel < 0 || recon_given(cli)->parallel > PARALLEL_MOST)
    cli_complain("--parallel goes up to %d", PARALLEL_MOST);
  else if (!value_is_name(recon_given(cli)->type) || !value_is_name(recon_given(cli)->date))
    cli_complain("--type and --date are words of letters, digits and . _ -");
  else if (recon_given(cli)->manifest && !recon_name_is_plain(recon_given(cli)->manifest))
    cli_complain("--manifest is a file's name, not a path");
  else
    return check_join(cli);
  return CLI_EXIT_USAGE;
}

/* --- Pull */

static void show(gpointer user, const PullProgress *now) {
  ProgressLine lines[1 + PARALLEL_MOST];
  g_autofree char *total = g_strdup_printf("%u of %u shards", now->whole, now->shards);
  lines[0] = (ProgressLine){total, now->done, now->bytes};
  for (guint i = 0; i < now->n_lanes; i++)
    lines[1 + i] = (ProgressLine){now->lanes[i].name, now->lanes[i].done, now->lanes[i].size};
  progress_show(user, lines, 1 + now->n_lanes);
}

static CliExit exit_of(PullEnd end) {
  static const CliExit exits[] = {[PULL_WHOLE] = CLI_EXIT_FINE,          [PULL_NOT_READY] = CLI_EXIT_NOT_READY,
                                  [PULL_NOT_FOUND] = CLI_EXIT_NOT_FOUND, [PULL_INCOMPLETE] = CLI_EXIT_INCOMPLETE,
                                  [PULL_CORRUPT] = CLI_EXIT_CORRUPT,     [PULL_FAILED] = CLI_EXIT_FAILED};
  return exits[end];
}

static void print_json(const Cli *cli, PullEnd end, const PullReport *report) {
  static const char *const words[] = {
      [PULL_WHOLE] = "whole",           [PULL_NOT_READY] = "not-ready", [PULL_NOT_FOUND] = "not-found",
      [PULL_INCOMPLETE] = "incomplete", [PULL_CORRUPT] = "corrupt",     [PULL_FAILED] = "failed"};
  json_t *object = json_pack("{s:s, s:i, s:i, s:I, s:i, s:i, s:b}", "result", words[end], "shards",
                             (int)report->progress.shards, "whole", (int)report->progress.whole, "bytes_transferred",
                             (json_int_t)report->progress.transferred, "breaks", (int)report->progress.breaks,
                             "refetched", (int)report->progress.refetched, "acknowledged", report->is_acknowledged);
  cli_json_text(object, "problem", report->problem);
  cli_json_text(object, "manifest", report->manifest_name);
  cli_json_text(object, "manifest_sha256", report->manifest_sha256);
  if (end == PULL_NOT_READY)
    json_object_set_new(object, "retry_after", json_integer(report->retry_after));
  if (report->manifest) {
    json_object_set_new(object, "version", json_integer(report->manifest->version));
    if (report->manifest->supplements)
      json_object_set_new(object, "supplements", json_integer(report->manifest->supplements));
    json_object_set_new(object, "records", json_integer((json_int_t)report->manifest->records));
    if (report->manifest->amount)
      cli_json_amount(object, "total", report->manifest->total, report->manifest->scale);
  }
  cli_json(cli->out, object);
}

static void print_manifest(const Cli *cli, const ReconManifest *manifest) {
  g_autofree char *total = manifest->amount ? recon_decimal(manifest->total, manifest->scale) : NULL;
  g_autofree char *adds = manifest->supplements
                              ? g_strdup_printf(", which adds to version %u", manifest->supplements)
                              : g_strdup("");
  fprintf(cli->out->file, "%s %s version %u%s: %u shards, %" G_GUINT64_FORMAT " records%s%s, all right\n",
          manifest->type, manifest->period, manifest->version, adds, manifest->shards->len, manifest->records,
          total ? ", total " : "", total ? total : "");
}

static CliExit pull(Cli *cli, const CourierEndpoint *endpoint, ReconKeys keys, const char *remote_folder) {
  keys.scratch = recon_given(cli)->into;
  Progress *progress = progress_new();
  PullOptions options = {.endpoint = endpoint,
                         .type = recon_given(cli)->type,
                         .period = recon_given(cli)->date,
                         .version = (guint)MAX(recon_given(cli)->of_version, 0),
                         .remote_folder = remote_folder,
                         .manifest_name = recon_given(cli)->manifest,
                         .folder = recon_given(cli)->into,
                         .parallel = (guint)recon_given(cli)->parallel,
                         .keys = keys,
                         .join = recon_given(cli)->join,
                         .keep_encrypted = recon_given(cli)->keep_encrypted,
                         .acknowledge = !recon_given(cli)->no_acknowledgement,
                         .progress = show,
                         .user = progress};
  PullReport report;
  PullEnd end = recon_pull(&options, &report);
  progress_end(progress);
  if (report.problem)
    cli_complain("%s", report.problem);
  if (cli->out->is_json)
    print_json(cli, end, &report);
  else if (end == PULL_WHOLE)
    print_manifest(cli, report.manifest);
  pull_report_clear(&report);
  return exit_of(end);
}

CliExit recon_cli_pull(Cli *cli) {
  g_autoptr(GError) error = NULL;
  Given given = {0};
  CourierEndpoint endpoint;
  ReconKeys keys = {0};
  CliExit exit = check_options(cli);
  if (exit == CLI_EXIT_FINE)
    exit = take_url(cli, &given, &endpoint);
  if (exit == CLI_EXIT_FINE)
    exit = take_keys(cli, &given, &keys);
  if (exit == CLI_EXIT_FINE)
    exit = openpgp_start(&error) ? pull(cli, &endpoint, keys, given.remote_folder) : cli_fail(error);
  given_clear(&given);
  return exit;
}

/* --- Verify */

typedef struct {
  Progress *progress;
  const ReconManifest *manifest;
  guint64 bytes;
} Verifying;

static void show_verified(gpointer user, guint shards, guint64 bytes) {
  Verifying *verifying = user;
  g_autofree char *name = g_strdup_printf("%u of %u shards", shards, verifying->manifest->shards->len);
  progress_show(verifying->progress, &(ProgressLine){name, bytes, verifying->bytes}, 1);
}

static CliExit verify_folder(Cli *cli, int folder, const ReconManifest *manifest, const ReconKeys *keys) {
  g_autoptr(GError) error = NULL;
  guint missing = 0, corrupt = 0;
  Verifying verifying = {.progress = progress_new(), .manifest = manifest};
  for (guint i = 0; i < manifest->shards->len; i++)
    verifying.bytes += ((const ReconManifestShard *)manifest->shards->pdata[i])->size;
  ReconFolderCheck check = {.keys = *keys,
                            .keep_encrypted = recon_given(cli)->keep_encrypted,
                            .join = recon_given(cli)->join,
                            .progress = show_verified,
                            .user = &verifying};
  gboolean ok = recon_folder_check(manifest, folder, &check, &missing, &corrupt, &error);
  progress_end(verifying.progress);
  if (!ok)
    cli_complain("%s", error->message);
  if (cli->out->is_json)
    cli_json(cli->out,
             json_pack("{s:b, s:i, s:i, s:i, s:I}", "whole", ok, "shards", (int)manifest->shards->len, "missing",
                       (int)missing, "corrupt", (int)corrupt, "records", (json_int_t)manifest->records));
  else if (ok)
    print_manifest(cli, manifest);
  else if (missing + corrupt > 0)
    fprintf(cli->out->file, "%u of %u shards missing, %u corrupt\n", missing, manifest->shards->len, corrupt);
  if (ok)
    return CLI_EXIT_FINE;
  return corrupt ? CLI_EXIT_CORRUPT : missing ? CLI_EXIT_INCOMPLETE : CLI_EXIT_FAILED;
}

static CliExit verify_with(Cli *cli, const char *path, const ReconKeys *keys) {
  g_autoptr(GError) error = NULL;
  g_autofree char *name = recon_given(cli)->manifest ? g_strdup(recon_given(cli)->manifest)
                                                     : recon_folder_find_manifest(path, &error),
                  *sha256 = NULL;
  int folder = name ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (folder < 0) {
    cli_complain("%s", error ? error->message : g_strerror(errno));
    return CLI_EXIT_NOT_FOUND;
  }
  g_autoptr(ReconManifest) manifest = recon_folder_manifest(folder, name, keys, &sha256, &error);
  CliExit exit = manifest ? verify_folder(cli, folder, manifest, keys) : CLI_EXIT_CORRUPT;
  if (!manifest && sallyport_error_code(error) != SALLYPORT_ERROR_FILE)
    exit = cli_fail(error);
  else if (!manifest)
    cli_complain("%s", error->message);
  close(folder);
  return exit;
}

CliExit recon_cli_verify(Cli *cli) {
  g_autoptr(GError) error = NULL;
  Given given = {0};
  ReconKeys keys = {.scratch = g_get_tmp_dir()};
  CliExit exit = check_join(cli);
  if (exit == CLI_EXIT_FINE)
    exit = take_keys(cli, &given, &keys);
  if (exit == CLI_EXIT_FINE)
    exit = openpgp_start(&error) ? verify_with(cli, cli->arguments[1], &keys) : cli_fail(error);
  given_clear(&given);
  return exit;
}
