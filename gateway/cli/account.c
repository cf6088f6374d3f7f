/* account: partners that reach this machine by SFTP. The server is OpenSSH's own (internal-sftp, chroot); here is
 * written what it reads: for each account a file in sshd_config.d with its one Match block, a file of public keys that
 * only root can change, and its folders. Under --root DIRECTORY all of it is written there, and nothing is run.
 *
 * An account's parts are written in an order in which no half of it lets anybody in: folders, keys, and the Match block
 * that makes them count last; each file by a rename. To run it again finishes what a crash has left. */
#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include "gateway/base/child.h"
#include "gateway/cli/command.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_FOLDER "/etc/ssh/sshd_config.d"
#define KEYS_FOLDER "/etc/ssh/sallyport-keys"
#define HOME_FOLDER "/srv/sallyport"
#define OFF_SUFFIX ".disabled"
#define USER_COMMENT "sallyport-account"
#define OWN_PREFIX "from=\"127.0.0.1,::1\" " /* of the gateway's own key */
static const char *const folders[] = {"to-gateway", "from-gateway", "from-gateway/done"};
enum { NAME_MOST = 31, KEYS_MOST = 32, KEY_FILE_MOST = 64 * 1024 };

typedef struct {
  char *root, *key, *gateway_key, *quota;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, key, "key", 'k', "FILE", "add: the partner's public keys, one a line", CLI_VALUE_PATH),
    CLI_TEXT(Given, gateway_key, "gateway-key", 'g', "FILE", "add: the gateway's own public key for this account",
             CLI_VALUE_PATH),
    CLI_TEXT(Given, quota, "quota", 'q', "KIB", "add: what the account may hold, in KiB, by the file system's quota",
             CLI_VALUE_TEXT),
    CLI_TEXT(Given, root, "root", 0, "DIRECTORY", "write below this directory, and run nothing", CLI_VALUE_PATH),
    {0},
};

typedef struct {
  Cli *cli;
  const Given *given;
  const char *name;
  GPtrArray *steps; /* char*: what is left for root to do */
} Account;

static char *place(const Account *account, const char *folder, const char *name, const char *suffix) {
  return g_strdup_printf("%s%s%s%s%s", account->given->root ? account->given->root : "", folder, name ? "/" : "",
                         name ? name : "", suffix);
}

static char *config_name(const char *name) {
  return g_strdup_printf("sallyport-%s.conf", name);
}

/* As useradd takes it; the file names are made of it. */
static gboolean is_name(const char *name) {
  gsize length = strlen(name);
  return length > 0 && length <= NAME_MOST && (g_ascii_islower(name[0]) || name[0] == '_') &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/* --- Keys: "TYPE BASE64 [COMMENT]". Options before them would be the partner's word on our server: they are refused.
 */

static char *fingerprint_of(const char *line) {
  g_auto(GStrv) words = g_strsplit(line, " ", 3);
  gsize length = 0;
  guint8 digest[DIGEST_SHA256_SIZE];
  if (!words[0] || !words[1])
    return NULL;
  g_autofree guint8 *blob = g_base64_decode(words[1], &length);
  gsize type = strlen(words[0]);
  gboolean is_key = length > 4 + type && blob[0] == 0 && blob[1] == 0 && blob[2] == 0 && blob[3] == type &&
                    memcmp(blob + 4, words[0], type) == 0;
  if (!is_key)
    return NULL;
  digest_sha256(blob, length, digest);
  char *text = g_base64_encode(digest, sizeof digest);
  g_autofree char *unpadded = text;
  text[strcspn(text, "=")] = '\0';
  return g_strconcat("SHA256:", text, NULL);
}

/* The lines of a file of keys, each with `before` in front; or *error. */
static gboolean read_keys(const char *path, const char *before, GString *keys, GError **error) {
  g_autofree char *text = NULL;
  gsize length;
  guint found = 0;
  if (!g_file_get_contents(path, &text, &length, error)) {
    (*error)->domain = SALLYPORT_ERROR, (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
    return FALSE;
  }
  g_auto(GStrv) lines = g_strsplit(length <= KEY_FILE_MOST ? text : "", "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    const char *line = g_strstrip(lines[i]);
    if (!*line || *line == '#')
      continue;
    g_autofree char *fingerprint = fingerprint_of(line);
    if (!fingerprint || ++found > KEYS_MOST)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "%s:%u: this is no public key as ssh-keygen writes it (type, key, comment)%s", path,
                                 i + 1, fingerprint ? ", or the file has more than 32" : "");
    g_string_append_printf(keys, "%s%s\n", before, line);
  }
  return found > 0 || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s holds no public key", path);
}

/* --- Files and folders */

static void left_to_root(Account *account, char *step) {
  g_ptr_array_add(account->steps, step);
}

static gboolean may_act(const Account *account) {
  return geteuid() == 0 && !account->given->root;
}

static gboolean make_folder(const char *path, mode_t mode, GError **error) {
  if (!files_make_folder(path, error))
    return FALSE;
  return chmod(path, mode) == 0 || sallyport_error_errno(error, errno, "change the mode of %s", path);
}

/* sshd reads it, as root or as the account: so everybody may. */
static gboolean write_file(const Account *account, const char *folder, const char *name, const char *text,
                           GError **error) {
  g_autofree char *in = place(account, folder, NULL, ""), *path = place(account, folder, name, "");
  return files_make_folder(in, error) && files_replace(in, name, text, error) &&
         ((chmod(in, 0755) == 0 && chmod(path, 0644) == 0) ||
          sallyport_error_errno(error, errno, "change the mode of %s", path));
}

static gboolean give(Account *account, const char *path, GError **error) {
  const struct passwd *user = may_act(account) ? getpwnam(account->name) : NULL;
  if (!user) {
    left_to_root(account, g_strdup_printf("chown %s: %s", account->name, path));
    return TRUE;
  }
  return chown(path, user->pw_uid, user->pw_gid) == 0 || sallyport_error_errno(error, errno, "give %s away", path);
}

/* What is above the folders belongs to root and nobody else writes there: else sshd refuses the chroot. */
static gboolean make_folders(Account *account, GError **error) {
  g_autofree char *parent = place(account, HOME_FOLDER, NULL, ""),
                  *home = place(account, HOME_FOLDER, account->name, "");
  if (!make_folder(parent, 0755, error) || !make_folder(home, 0755, error))
    return FALSE;
  if (geteuid() != 0)
    left_to_root(account, g_strdup_printf("chown root: %s %s", parent, home));
  for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
    g_autofree char *path = g_build_filename(home, folders[i], NULL);
    if (!make_folder(path, 0700, error) || !give(account, path, error))
      return FALSE;
  }
  return TRUE;
}

/* Its standard descriptors are ours, whose reader sees what it says. */
static int share_descriptors(posix_spawn_file_actions_t *actions, gconstpointer data) {
  (void)data;
  return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

static gboolean run(const Account *account, const char *const *words, GError **error) {
  pid_t pid;
  int status;
  ChildPlan plan = {.program = words[0], .arguments = (char *const *)words, .environment = environ,
                    .describe = share_descriptors, .by_path = TRUE};
  int number = child_spawn(&plan, &pid);
  if (number != 0)
    return sallyport_error_errno(error, number, "start %s", words[0]);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "account %s: %s failed", account->name, words[0]);
}

/* Runs it, or leaves it to root. */
static gboolean act(Account *account, const char *const *words, GError **error) {
  if (may_act(account))
    return run(account, words, error);
  GString *line = g_string_new(NULL);
  for (guint i = 0; words[i]; i++) {
    g_autofree char *quoted = strpbrk(words[i], "*!") ? g_shell_quote(words[i]) : g_strdup(words[i]);
    g_string_append_printf(line, "%s%s", i ? " " : "", quoted);
  }
  left_to_root(account, g_string_free(line, FALSE));
  return TRUE;
}

/* A user that was there before is none of ours to lock into a folder, root before all. Ours have this comment; those of
 * an account that is whole are ours without it. */
static gboolean may_be_ours(const Account *account, GError **error) {
  g_autofree char *config = config_name(account->name), *path = place(account, CONFIG_FOLDER, config, "");
  const struct passwd *user = account->given->root ? NULL : getpwnam(account->name);
  gboolean is_root = strcmp(account->name, "root") == 0 || (user && user->pw_uid == 0);
  if (!is_root && (!user || g_strcmp0(user->pw_gecos, USER_COMMENT) == 0 || access(path, F_OK) == 0))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the user %s is there already and is no account of sallyport: take another name",
                             account->name);
}

/* A password that nothing is, "*", and not the one of useradd's own, "!": without PAM sshd lets no account in that is
 * locked so, whatever keys it has. */
static gboolean make_user(Account *account, GError **error) {
  const char *const words[] = {"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell",
                               "/usr/sbin/nologin", "--comment", USER_COMMENT, "--password", "*", account->name, NULL};
  return (!account->given->root && getpwnam(account->name)) || act(account, words, error);
}

static gboolean is_quota(const char *quota, GError **error) {
  guint64 kib;
  return !quota || g_ascii_string_to_unsigned(quota, 10, 1, G_MAXINT64, &kib, NULL) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "--quota %s is no number of KiB", quota);
}

static gboolean set_quota(Account *account, GError **error) {
  const char *quota = account->given->quota;
  const char *const words[] = {"setquota", "-u", account->name, "0", quota, "0", "0", HOME_FOLDER, NULL};
  return !quota || act(account, words, error);
}

/* --- The verbs */

/* "Match all" ends the block: whatever sshd reads behind this file is everybody's again. */
static char *config_text(const Account *account) {
  return g_strdup_printf("# Written by `sallyport account`: %s is let in by SFTP, by its keys, and sees its folder.\n"
                         "Match User %s\n"
                         "  ChrootDirectory " HOME_FOLDER "/%s\n"
                         "  ForceCommand internal-sftp -u 0077\n"
                         "  AuthorizedKeysFile " KEYS_FOLDER "/%s\n"
                         "  AuthenticationMethods publickey\n"
                         "  PasswordAuthentication no\n"
                         "  KbdInteractiveAuthentication no\n"
                         "  DisableForwarding yes\n"
                         "  PermitTTY no\n"
                         "  PermitUserRC no\n"
                         "Match all\n",
                         account->name, account->name, account->name, account->name);
}

/* Our own key stays, whatever keys the partner gets: the gateway moves the account's files by it. */
static void keep_own_keys(const Account *account, const char *suffix, GString *keys) {
  g_autofree char *path = place(account, KEYS_FOLDER, account->name, suffix), *text = NULL;
  g_auto(GStrv) lines = g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", -1) : NULL;
  for (char **line = lines; line && *line; line++)
    if (g_str_has_prefix(*line, OWN_PREFIX))
      g_string_append_printf(keys, "%s\n", *line);
}

/* The file of keys, as it is to be. */
static gboolean gather_keys(const Account *account, const char *file, GString *keys, GError **error) {
  const char *own = account->given->gateway_key;
  if (own && !read_keys(own, OWN_PREFIX, keys, error))
    return FALSE;
  if (!own)
    keep_own_keys(account, "", keys);
  if (keys->len == 0)
    keep_own_keys(account, OFF_SUFFIX, keys);
  return read_keys(file, "", keys, error);
}

static gboolean add(Account *account, GError **error) {
  g_autofree char *config = config_name(account->name), *text = config_text(account);
  g_autofree char *off = place(account, KEYS_FOLDER, account->name, OFF_SUFFIX);
  g_autoptr(GString) keys = g_string_new(NULL);
  if (access(off, F_OK) == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "account %s is disabled: `sallyport account key` lets it in again", account->name);
  /* all that can be wrong first: what is refused leaves nothing behind */
  if (!is_quota(account->given->quota, error) || !gather_keys(account, account->given->key, keys, error) ||
      !may_be_ours(account, error))
    return FALSE;
  if (!make_user(account, error) || !make_folders(account, error) || !set_quota(account, error) ||
      !write_file(account, KEYS_FOLDER, account->name, keys->str, error) ||
      !write_file(account, CONFIG_FOLDER, config, text, error))
    return FALSE;
  left_to_root(account, g_strdup("sshd -t && systemctl reload ssh"));
  return TRUE;
}

static gboolean must_be(const Account *account, GError **error) {
  g_autofree char *config = config_name(account->name), *path = place(account, CONFIG_FOLDER, config, "");
  return access(path, F_OK) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE, "there is no account %s: `sallyport account list` shows them",
                             account->name);
}

/* Without its keys nobody is let in, from the next login on; what is open stays so. */
static gboolean disable(Account *account, GError **error) {
  g_autofree char *keys = place(account, KEYS_FOLDER, account->name, ""), *in = place(account, KEYS_FOLDER, NULL, ""),
                  *off = place(account, KEYS_FOLDER, account->name, OFF_SUFFIX);
  if (!must_be(account, error))
    return FALSE;
  if (rename(keys, off) != 0 && !(errno == ENOENT && access(off, F_OK) == 0))
    return sallyport_error_errno(error, errno, "rename %s", keys);
  left_to_root(account, g_strdup_printf("pkill -u %s  (ends the sessions that are open)", account->name));
  return files_sync_folder(in, error);
}

/* These keys and no others from now on; a disabled account is let in again. */
static gboolean key(Account *account, GError **error) {
  g_autofree char *off = place(account, KEYS_FOLDER, account->name, OFF_SUFFIX);
  g_autoptr(GString) keys = g_string_new(NULL);
  if (!must_be(account, error) || !gather_keys(account, account->cli->arguments[2], keys, error) ||
      !write_file(account, KEYS_FOLDER, account->name, keys->str, error))
    return FALSE;
  return unlink(off) == 0 || errno == ENOENT || sallyport_error_errno(error, errno, "remove %s", off);
}

static guint64 bytes_in(const char *path) {
  struct stat status;
  guint64 bytes = 0;
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  for (const char *name; folder && (name = g_dir_read_name(folder));) {
    g_autofree char *inner = g_build_filename(path, name, NULL);
    if (lstat(inner, &status) == 0)
      bytes += S_ISDIR(status.st_mode) ? bytes_in(inner) : (guint64)status.st_size;
  }
  return bytes;
}

static json_t *fingerprints_in(const char *path) {
  g_autofree char *text = NULL;
  json_t *list = json_array();
  g_auto(GStrv) lines = g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", -1) : NULL;
  for (char **line = lines; line && *line; line++) {
    const char *from = g_str_has_prefix(*line, "from=") ? strchr(*line, ' ') : NULL;
    g_autofree char *fingerprint = fingerprint_of(from ? from + 1 : *line);
    if (fingerprint)
      json_array_append_new(list, json_string(fingerprint));
  }
  return list;
}

static void list_one(Account *account, CliTable *table, json_t *list) {
  g_autofree char *keys = place(account, KEYS_FOLDER, account->name, ""),
                  *home = place(account, HOME_FOLDER, account->name, ""),
                  *off = place(account, KEYS_FOLDER, account->name, OFF_SUFFIX);
  gboolean is_off = access(keys, F_OK) != 0, has_user = account->given->root || getpwnam(account->name);
  const char *state = !has_user ? "without a user" : is_off ? "disabled" : "enabled";
  json_t *fingerprints = fingerprints_in(is_off ? off : keys);
  guint64 bytes = bytes_in(home);
  cli_table_cell(table, g_strdup(account->name));
  cli_table_cell(table, g_strdup(state));
  cli_table_cell(table, cli_unsigned(account->cli->out, json_array_size(fingerprints)));
  cli_table_cell(table, cli_unsigned(account->cli->out, bytes));
  cli_table_cell(table, g_steal_pointer(&home));
  json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I}", "name", account->name, "state", state, "keys",
                                        fingerprints, "bytes", (json_int_t)bytes));
}

static CliExit list(Account *account) {
  static const CliColumn columns[] = {{"ACCOUNT", CLI_LEFT, CLI_WHOLE},  {"STATE", CLI_LEFT, CLI_WHOLE},
                                      {"KEYS", CLI_RIGHT, CLI_WHOLE},    {"BYTES", CLI_RIGHT, CLI_WHOLE},
                                      {"FOLDER", CLI_LEFT, CLI_SHRINKS}};
  g_autofree char *in = place(account, CONFIG_FOLDER, NULL, "");
  g_autoptr(GDir) folder = g_dir_open(in, 0, NULL);
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *all = json_array();
  for (const char *file; folder && (file = g_dir_read_name(folder));) {
    if (!g_str_has_prefix(file, "sallyport-") || !g_str_has_suffix(file, ".conf"))
      continue;
    g_autofree char *name = g_strndup(file + strlen("sallyport-"), strlen(file) - strlen("sallyport-.conf"));
    account->name = name;
    if (is_name(name))
      list_one(account, table, all);
  }
  account->name = NULL;
  if (account->cli->out->is_json) {
    cli_table_free(table);
    cli_json(account->cli->out, json_pack("{s:o}", "accounts", all));
  } else {
    cli_table_print(table, account->cli->out);
    json_decref(all);
  }
  return CLI_EXIT_FINE;
}

static void tell_steps(const Account *account) {
  FILE *out = account->cli->out->file;
  if (account->steps->len > 0)
    fprintf(out, "What is left to do, as root:\n");
  for (guint i = 0; i < account->steps->len; i++)
    fprintf(out, "  %s\n", (const char *)account->steps->pdata[i]);
}

static CliExit account_command(Cli *cli) {
  static const struct {
    const char *word;
    guint arguments;
    gboolean (*function)(Account *account, GError **error);
  } rows[] = {{"add", 2, add}, {"disable", 2, disable}, {"key", 3, key}};
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
  Account account = {.cli = cli, .given = cli->own, .name = cli->arguments[1], .steps = steps};
  if (strcmp(cli->arguments[0], "list") == 0 && cli->n_arguments == 1)
    return list(&account);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    if (strcmp(cli->arguments[0], rows[i].word) != 0 || cli->n_arguments != rows[i].arguments)
      continue;
    if (!is_name(account.name)) {
      cli_complain("\"%s\" is no account's name: 1 to %d of a-z, 0-9, _ and -, beginning with a letter", account.name,
                   NAME_MOST);
      return CLI_EXIT_USAGE;
    }
    if (rows[i].function == add && !account.given->key) {
      cli_complain("account add needs --key FILE, the partner's public keys");
      return CLI_EXIT_USAGE;
    }
    if (!rows[i].function(&account, &error)) {
      CliExit exit = cli_fail(error);
      return sallyport_error_code(error) == SALLYPORT_ERROR_FILE ? CLI_EXIT_NOT_FOUND : exit;
    }
    tell_steps(&account);
    return CLI_EXIT_FINE;
  }
  cli_complain("account %s: add NAME --key FILE, list, disable NAME, or key NAME FILE; sallyport account --help tells "
               "more",
               cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"add", "list", "disable", "key", NULL};
const CliCommand cli_command_account = {
    .name = "account",
    .arguments = "add|list|disable|key [NAME [FILE]]",
    .least = 1,
    .most = 3,
    .verbs = verbs,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "partners that reach this machine by SFTP",
    .text = "add writes what OpenSSH reads of an account: a user that sees one folder, by its keys alone; its folders\n"
            "to-gateway and from-gateway; and says what is left to do. disable takes its keys away, key gives it the "
            "keys\n"
            "of FILE and no others. With --gateway-key the gateway itself may log in from this machine, for a drop "
            "folder\n"
            "of a mailbox by sftp://NAME@127.0.0.1.\n\n"
            "  sallyport account add acme --key acme.pub --gateway-key /etc/sallyport/sftp.pub\n"
            "  sallyport account list\n",
    .run = account_command,
};
