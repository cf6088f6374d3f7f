#include "transfer/courier/process_private.h"
#include "gateway/base/child.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LANE_IN_CHILD 3

static int describe_child(posix_spawn_file_actions_t *actions, gconstpointer socket) {
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (failed == 0)
    failed = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  if (failed == 0)
    failed = posix_spawn_file_actions_adddup2(actions, GPOINTER_TO_INT(socket),
                                              LANE_IN_CHILD); /* clears close-on-exec, also on itself */
  if (failed == 0)
    failed = posix_spawn_file_actions_addclosefrom_np(actions, LANE_IN_CHILD + 1);
  return failed;
}

static int spawn(const char *program, int socket, pid_t *pid) {
  char name[] = "sallyport", role[] = "courier";
  char *const arguments[] = {name, role, NULL}, *const environment[] = {NULL};
  ChildPlan plan = {.program = program,
                    .arguments = arguments,
                    .environment = environment,
                    .describe = describe_child,
                    .data = GINT_TO_POINTER(socket)};
  return child_spawn(&plan, pid);
}

gboolean courier_process_start(CourierProcess *process, const char *program, GError **error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return sallyport_error_errno(error, errno, "make the courier's socket");
  int failed = spawn(program ? program : "/proc/self/exe", ends[1], &process->pid);
  close(ends[1]);
  process->socket = ends[0];
  if (failed == 0)
    return TRUE;
  close(ends[0]);
  process->socket = -1;
  process->pid = 0;
  return sallyport_error_errno(error, failed, "start the courier");
}

void courier_process_kill(CourierProcess *process) {
  pthread_mutex_lock(&process->lock);
  if (process->pid > 0)
    kill(process->pid, SIGKILL);
  pthread_mutex_unlock(&process->lock);
}

static char *words_for(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
    return g_strdup("it tried what its cage forbids (SIGSYS)");
  if (WIFSIGNALED(status))
    return g_strdup_printf("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return g_strdup_printf("exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static gboolean try_reap(CourierProcess *process, char **how) {
  int status;
  pthread_mutex_lock(&process->lock);
  pid_t reaped = process->pid > 0 ? waitpid(process->pid, &status, WNOHANG) : -1;
  if (reaped != 0) /* gone, or (ECHILD) reaped by somebody who should not have */
    process->pid = 0;
  pthread_mutex_unlock(&process->lock);
  if (reaped > 0 && how)
    *how = words_for(status);
  return reaped != 0;
}

gboolean courier_process_reap(CourierProcess *process, int milliseconds, char **how) {
  gint64 until = g_get_monotonic_time() + (gint64)milliseconds * 1000;
  int watch = process->pid > 0 ? (int)syscall(SYS_pidfd_open, process->pid, 0) : -1;
  gboolean gone;
  while (!(gone = try_reap(process, how)) && g_get_monotonic_time() < until) {
    int left = (int)((until - g_get_monotonic_time() + 999) / 1000);
    struct pollfd wanted = {.fd = watch, .events = POLLIN};
    if (watch < 0 || poll(&wanted, 1, MAX(left, 1)) < 0)
      g_usleep(5000); /* a kernel without pidfd */
  }
  if (watch >= 0)
    close(watch);
  return gone;
}

void courier_process_end(CourierProcess *process, int milliseconds) {
  if (process->socket >= 0)
    close(process->socket);
  process->socket = -1;
  if (process->pid == 0 || courier_process_reap(process, milliseconds, NULL))
    return;
  courier_process_kill(process);
  /* longer only for a process that the kernel holds: init gets that one */
  (void)courier_process_reap(process, 1000, NULL);
}
