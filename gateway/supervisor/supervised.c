#include "gateway/supervisor/supervised.h"
#include "gateway/common/exit.h"
#include "gateway/base/child.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD_RUN (60 * G_USEC_PER_SEC)

gboolean supervised_is_front(const char *name) {
  return strcmp(name, SUPERVISED_FRONT) == 0;
}

Supervised *supervised_new(const char *name) {
  Supervised *lane = g_new0(Supervised, 1);
  lane->name = g_strdup(name);
  lane->channel = -1;
  return lane;
}

void supervised_free(Supervised *lane) {
  if (lane->channel >= 0)
    close(lane->channel);
  g_free(lane->name);
  g_free(lane->part);
  g_free(lane);
}

/* A snapshot of its own for each process: descriptors that come from one memfd would share their offset. Sealed, so
 * that no lane can change what it was checked as. */
static int snapshot(const ConfSource *source, GError **error) {
  int fd = memfd_create("sallyport-configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "memfd for the configuration");
    return -1;
  }
  if (!conf_source_save(source, fd, error)) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  lseek(fd, 0, SEEK_SET);
  return fd;
}

/* systemd's variables are for the supervisor alone: a lane that spoke for the service would confuse it. And what
 * GLib before 2.76 frees of small things it keeps beside the heap, where malloc_trim() does not find it: 28 MiB after a
 * listing of 200,000 names. */
static GStrv lane_environment(void) {
  GStrv environment = g_get_environ();
  const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
  for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
    environment = g_environ_unsetenv(environment, ours[i]);
  return g_environ_setenv(environment, "G_SLICE", "always-malloc", TRUE);
}

static int describe_child(posix_spawn_file_actions_t *actions, gconstpointer data) {
  (void)data;
  return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

/* A group of its own: Ctrl-C reaches the supervisor only, a kill all of it. */
static int spawn(const char *program, char *const *arguments, pid_t *pid) {
  g_auto(GStrv) environment = lane_environment();
  ChildPlan plan = {.program = program,
                    .arguments = arguments,
                    .environment = environment,
                    .describe = describe_child,
                    .own_group = TRUE};
  return child_spawn(&plan, pid);
}

static void be_inherited(int fd) {
  fcntl(fd, F_SETFD, 0);
} /* one thread: nothing else is started in between */

static void back_off(Supervised *lane) {
  lane->start_at = g_get_monotonic_time() + policy_wait(POLICY_CHILD, ++lane->failures);
}

static gboolean start_with(Supervised *lane, const char *program, int configuration, const int channel[2],
                           GError **error) {
  char numbers[2][16];
  g_snprintf(numbers[0], sizeof numbers[0], "%d", configuration);
  g_snprintf(numbers[1], sizeof numbers[1], "%d", channel[1]);
  gboolean is_front = supervised_is_front(lane->name);
  g_autofree char *own = g_strdup("sallyport"), *verb = g_strdup(is_front ? "front" : "lane");
  g_autofree char *first = g_strdup("--configuration-fd"), *second = g_strdup("--supervisor-fd");
  char *of_lane[] = {own, verb, lane->name, first, numbers[0], second, numbers[1], NULL};
  char *of_front[] = {own, verb, first, numbers[0], second, numbers[1], NULL};
  be_inherited(configuration);
  be_inherited(channel[1]);
  int number = spawn(program ? program : "/proc/self/exe", is_front ? of_front : of_lane, &lane->pid);
  if (number != 0) {
    lane->pid = 0;
    return sallyport_error_errno(error, number, "start %s", is_front ? "the front" : lane->name);
  }
  return TRUE;
}

static gboolean try_start(Supervised *lane, const char *program, const ConfSource *source, GError **error) {
  int channel[2], configuration = snapshot(source, error);
  if (configuration < 0)
    return FALSE;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) {
    sallyport_error_errno(error, errno, "socket pair for %s",
                          supervised_is_front(lane->name) ? "the front" : lane->name);
    close(configuration);
    return FALSE;
  }
  gboolean ok = start_with(lane, program, configuration, channel, error);
  close(configuration);
  close(channel[1]);
  if (ok)
    lane->channel = channel[0];
  else
    close(channel[0]);
  return ok;
}

gboolean supervised_start(Supervised *lane, const char *program, const ConfSource *source, const char *part,
                          GError **error) {
  if (!try_start(lane, program, source, error)) {
    back_off(lane);
    return FALSE;
  }
  g_free(lane->part);
  lane->part = g_strdup(part);
  lane->state = SUPERVISED_UP;
  lane->started_at = lane->beat_at = g_get_monotonic_time();
  lane->is_asked = FALSE;
  log_event(LOG_INFO, "lane-started", SUPERVISED_FIELD(lane->name), {"pid", log_number(lane->pid)});
  return TRUE;
}

void supervised_finish(Supervised *lane, guint seconds) {
  lane->state = SUPERVISED_ENDING;
  lane->is_asked = TRUE;
  lane->kill_at = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  kill(lane->pid, SIGTERM);
}

void supervised_kill(Supervised *lane) {
  lane->state = SUPERVISED_ENDING;
  lane->kill_at = G_MAXINT64;
  kill(-lane->pid, SIGKILL);
}

void supervised_tell(const Supervised *lane, const char *digest) {
  g_autofree char *line = g_strconcat(digest, "\n", NULL);
  if (lane->channel >= 0 && send(lane->channel, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    log_event(LOG_WARNING, "lane-not-told", SUPERVISED_FIELD(lane->name), {"problem", g_strerror(errno)});
}

void supervised_revive(Supervised *lane) {
  if (lane->state != SUPERVISED_DOWN && !(lane->state == SUPERVISED_STOPPED && lane->is_refused))
    return;
  lane->state = SUPERVISED_DOWN;
  lane->is_refused = FALSE;
  lane->start_at = g_get_monotonic_time();
  lane->failures = 0;
}

void supervised_listen(Supervised *lane) {
  char buffer[256];
  ssize_t got = -1;
  while (lane->channel >= 0 && (got = recv(lane->channel, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    lane->beat_at = g_get_monotonic_time();
    lane->is_settled = TRUE;
  }
  /* It closed its end: it is ending, or it will be found silent. */
  if (got == 0) {
    close(lane->channel);
    lane->channel = -1;
  }
}

static void log_end(const Supervised *lane, int wait_status, gint64 ran) {
  gboolean by_signal = WIFSIGNALED(wait_status);
  int number = by_signal ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  LogLevel level = lane->is_asked ? LOG_INFO : LOG_ERROR;
  const char *next = lane->state == SUPERVISED_STOPPED ? "stays down" : lane->is_asked ? NULL : "starts again";
  log_event(level, "lane-ended", SUPERVISED_FIELD(lane->name), {"pid", log_number(lane->pid)},
            {by_signal ? "signal" : "status", log_number(number)}, {"ran_ms", log_number(ran / 1000)}, {"next", next});
}

void supervised_ended(Supervised *lane, int wait_status) {
  gint64 now = g_get_monotonic_time(), ran = now - lane->started_at;
  gboolean is_distrusted = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == CHILD_EXIT_DISTRUST;
  lane->is_refused = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == CHILD_EXIT_CONTRADICTED;
  lane->state = is_distrusted || lane->is_refused ? SUPERVISED_STOPPED : SUPERVISED_DOWN;
  if (ran >= GOOD_RUN)
    lane->failures = 0;
  if (lane->is_asked)
    lane->start_at = now;
  else
    back_off(lane);
  log_end(lane, wait_status, ran);
  if (is_distrusted)
    log_event(LOG_ERROR, "lane-stopped", SUPERVISED_FIELD(lane->name),
              {"problem", "its storage cannot be trusted any more: look at the disk and at `sallyport verify`, then "
                          "restart the service"});
  if (lane->is_refused)
    log_event(LOG_ERROR, "lane-stopped", SUPERVISED_FIELD(lane->name),
              {"problem",
               "the configuration contradicts what its books hold: `sallyport check` says in what and the way "
               "out; then reload or restart the service"});
  lane->pid = 0;
  lane->is_settled = TRUE;
  if (lane->channel >= 0)
    close(lane->channel);
  lane->channel = -1;
}
