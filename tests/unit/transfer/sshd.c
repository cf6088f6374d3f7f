#include "tests/unit/transfer/sshd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *sshd_output(const char *command) {
  g_autoptr(GError) error = NULL;
  char *text = NULL;
  int status;
  const char *const arguments[] = {"/bin/sh", "-c", command, NULL};
  if (!g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text, NULL, &status, &error) ||
      status != 0)
    g_error("test server: %s: %s, status %d", command, error ? error->message : "failed", status);
  return g_strchomp(text);
}

static void sshd_run(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void sshd_run(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *command = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_free(sshd_output(command));
}

static guint sshd_free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0 || bind(probe, (struct sockaddr *)&address, length) != 0 ||
      getsockname(probe, (struct sockaddr *)&address, &length) != 0)
    g_error("test server: no free port: %s", g_strerror(errno));
  close(probe);
  return ntohs(address.sin_port);
}

static gboolean sshd_answers(guint port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((guint16)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean yes = connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
  close(probe);
  return yes;
}

gboolean sshd_available(void) {
  g_autofree char *keygen = g_find_program_in_path("ssh-keygen");
  return keygen && access("/usr/sbin/sshd", X_OK) == 0;
}

static char *sshd_host_key(const Sshd *sshd, const char *type) {
  sshd_run("ssh-keygen -q -t %s %s -N '' -f %s/host_%s", type, strcmp(type, "rsa") == 0 ? "-b 2048" : "", sshd->home,
           type);
  g_autofree char *command = g_strdup_printf("ssh-keygen -l -E sha256 -f %s/host_%s.pub | cut -d' ' -f2", sshd->home,
                                             type);
  return sshd_output(command);
}

char *sshd_identity(Sshd *sshd, const char *name, const char *arguments) {
  char *path = g_strdup_printf("%s/%s", sshd->home, name);
  sshd_run("ssh-keygen -q %s -f %s && cat %s.pub >> %s/authorized && chmod 644 %s/authorized", arguments, path, path,
           sshd->home, sshd->home);
  return path;
}

static void sshd_write_config(const Sshd *sshd, const SshdPlan *plan) {
  g_autofree char *config = g_strdup_printf(
      "%s\nPort %u\nListenAddress 127.0.0.1\nHostKey %s/host_ed25519\nHostKey %s/host_ecdsa\nHostKey "
      "%s/host_rsa\nPidFile none\n"
      "AuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM %s\nPasswordAuthentication "
      "%s\nKbdInteractiveAuthentication %s\n"
      "PermitRootLogin yes\nLogLevel DEBUG1\nMaxStartups 200\nMaxAuthTries 20\nUseDNS no\nSubsystem sftp %s\n",
      plan->config ? plan->config : "", sshd->port, sshd->home, sshd->home, sshd->home, sshd->home,
      plan->pam ? "yes" : "no", plan->password && !plan->pam ? "yes" : "no", plan->pam ? "yes" : "no",
      plan->subsystem ? plan->subsystem : "internal-sftp");
  g_autofree char *path = g_build_filename(sshd->home, "sshd_config", NULL);
  if (!g_file_set_contents(path, config, -1, NULL))
    g_error("test server: cannot write %s", path);
}

/* A user with a password that exists in the server's mount namespace only. */
static char *sshd_password_script(const Sshd *sshd, const SshdPlan *plan) {
  return g_strdup_printf(
      "set -e; cd %s; cp /etc/passwd passwd; cp /etc/shadow shadow; chmod 644 passwd; chmod 600 shadow\n"
      "echo 'sallytest:x:54321:54321::%s:/bin/sh' >> passwd\n"
      "echo \"sallytest:$(openssl passwd -6 '%s'):19000:0:99999:7:::\" >> shadow\n"
      "printf 'auth required pam_unix.so\\naccount required pam_unix.so\\nsession required pam_permit.so\\n' > pam\n"
      "chmod 711 .; chmod 777 folder; mount --make-rprivate /; mount --bind passwd /etc/passwd; mount --bind shadow "
      "/etc/shadow\n"
      "mount --bind pam /etc/pam.d/sshd; exec /usr/sbin/sshd -D -f %s/sshd_config -E %s\n",
      sshd->home, sshd->folder, plan->password, sshd->home, sshd->log);
}

/* A test that is killed leaves no server behind. */
static void sshd_dies_with_us(gpointer unused) {
  (void)unused;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void sshd_spawn(Sshd *sshd, const SshdPlan *plan) {
  g_autofree char *config = g_build_filename(sshd->home, "sshd_config", NULL);
  g_autofree char *script = plan->password ? sshd_password_script(sshd, plan) : NULL;
  const char *plain[] = {"/usr/sbin/sshd", "-D", "-f", config, "-E", sshd->log, NULL};
  const char *with_password[] = {"unshare", "-m", "/bin/sh", "-c", script, NULL};
  g_autoptr(GError) error = NULL;
  if (!g_spawn_async(NULL, (char **)(script ? with_password : plain), NULL,
                     G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
                         G_SPAWN_STDERR_TO_DEV_NULL,
                     sshd_dies_with_us, NULL, &sshd->pid, &error))
    g_error("test server: %s", error->message);
}

Sshd *sshd_start(const SshdPlan *plan) {
  static const SshdPlan plain;
  Sshd *sshd = g_new0(Sshd, 1);
  plan = plan ? plan : &plain;
  if (geteuid() == 0 && mkdir("/run/sshd", 0755) != 0 && errno != EEXIST)
    g_error("test server: /run/sshd: %s", g_strerror(errno));
  sshd->home = g_dir_make_tmp("sshd-XXXXXX", NULL);
  sshd->folder = g_build_filename(sshd->home, "folder", NULL);
  sshd->log = g_build_filename(sshd->home, "log", NULL);
  sshd->user = g_strdup(plan->password ? "sallytest" : getpwuid(geteuid())->pw_name);
  mkdir(sshd->folder, 0755);
  sshd->ed25519 = sshd_host_key(sshd, "ed25519");
  sshd->ecdsa = sshd_host_key(sshd, "ecdsa");
  sshd->rsa = sshd_host_key(sshd, "rsa");
  sshd->identity = sshd_identity(sshd, "client", "-t ed25519 -N ''");
  if (geteuid() == 0)
    chmod(sshd->home, 0711);
  sshd->port = sshd_free_port();
  sshd_write_config(sshd, plan);
  sshd_spawn(sshd, plan);
  for (int i = 0; !sshd_answers(sshd->port); i++) {
    if (i > 500 || waitpid(sshd->pid, NULL, WNOHANG) != 0) {
      g_autofree char *log = sshd_log_text(sshd);
      g_error("test server does not start:\n%s", log);
    }
    g_usleep(10000);
  }
  return sshd;
}

char *sshd_log_text(const Sshd *sshd) {
  char *text = NULL;
  return g_file_get_contents(sshd->log, &text, NULL, NULL) ? text : g_strdup("");
}

static pid_t sshd_parent_of(const char *pid) {
  g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *text = NULL;
  pid_t parent = 0;
  if (g_file_get_contents(path, &text, NULL, NULL) && strrchr(text, ')'))
    sscanf(strrchr(text, ')') + 1, " %*c %d", &parent);
  return parent;
}

/* Every process below `root`, deepest last. */
static void sshd_descendants(pid_t root, GArray *found) {
  g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
  const char *name;
  while (processes && (name = g_dir_read_name(processes)))
    if (g_ascii_isdigit(*name) && sshd_parent_of(name) == root) {
      pid_t pid = (pid_t)atoi(name);
      g_array_append_val(found, pid);
      sshd_descendants(pid, found);
    }
}

void sshd_end_sessions(Sshd *sshd) {
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(pid_t));
  sshd_descendants(sshd->pid, found);
  for (guint i = 0; i < found->len; i++)
    kill(g_array_index(found, pid_t, i), SIGKILL);
}

void sshd_stop(Sshd *sshd) {
  if (!sshd)
    return;
  sshd_end_sessions(sshd);
  kill(sshd->pid, SIGKILL);
  waitpid(sshd->pid, NULL, 0);
  sshd_run("rm -rf '%s'", sshd->home);
  for (char **text = (char *[]){sshd->home, sshd->folder, sshd->user, sshd->log, sshd->ed25519, sshd->ecdsa, sshd->rsa,
                                sshd->identity, NULL};
       *text; text++)
    g_free(*text);
  g_free(sshd);
}
