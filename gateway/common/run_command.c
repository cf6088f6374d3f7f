#include "gateway/common/run_command.h"
#include "gateway/base/child.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_KEPT = 300, LOOK_MS = 50 };

static int open_input(const char *text, GError **error) {
  int fd = memfd_create("alarm", MFD_CLOEXEC);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "make the alarm's text");
    return -1;
  }
  if (files_write_all(fd, text, strlen(text), error) && lseek(fd, 0, SEEK_SET) == 0)
    return fd;
  close(fd);
  return -1;
}

typedef struct {
  int input, output;
} Ends;

static int describe_child(posix_spawn_file_actions_t *actions, gconstpointer data) {
  const Ends *ends = data;
  int failed = posix_spawn_file_actions_adddup2(actions, ends->input, 0);
  if (failed == 0)
    failed = posix_spawn_file_actions_adddup2(actions, ends->output, 1);
  if (failed == 0)
    failed = posix_spawn_file_actions_adddup2(actions, ends->output, 2);
  if (failed == 0)
    failed = posix_spawn_file_actions_addchdir_np(actions, "/");
  if (failed == 0)
    failed = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  return failed;
}

static int spawn(char *const *argv, int input, int output, pid_t *pid) {
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
              language[] = "LC_ALL=C.UTF-8";
  char *const environment[] = {path, language, NULL};
  const Ends ends = {input, output};
  ChildPlan plan = {.program = argv[0],
                    .arguments = argv,
                    .environment = environment,
                    .describe = describe_child,
                    .data = &ends,
                    .by_path = TRUE,
                    .own_group = TRUE};
  return child_spawn(&plan, pid);
}

typedef struct {
  char text[OUTPUT_KEPT];
  gsize length;
} Output;

/* What does not fit is read and forgotten, so that the program does not wait for us. FALSE: it has closed its end. */
static gboolean read_output(int fd, Output *output) {
  char bytes[4096];
  ssize_t got = read(fd, bytes, sizeof bytes);
  if (got <= 0)
    return got < 0 && (errno == EAGAIN || errno == EINTR);
  gsize kept = MIN((gsize)got, sizeof output->text - output->length);
  memcpy(output->text + output->length, bytes, kept);
  output->length += kept;
  return TRUE;
}

/* Until it ends; TRUE: by itself, with *status. Its children may hold the pipe open: nobody waits for them. */
static gboolean wait_for(pid_t pid, const CommandRun *run, int pipe_end, Output *output, int *status) {
  gint64 until = g_get_monotonic_time() + (gint64)run->seconds * G_USEC_PER_SEC;
  for (gboolean is_open = TRUE;;) {
    struct pollfd ends[] = {{is_open ? pipe_end : -1, POLLIN, 0}, {run->cancel, POLLIN, 0}};
    poll(ends, G_N_ELEMENTS(ends), LOOK_MS);
    if (is_open && ends[0].revents)
      is_open = read_output(pipe_end, output);
    pid_t ended = waitpid(pid, status, WNOHANG);
    if (ended == pid || (ended < 0 && errno == ECHILD)) {
      while (is_open && poll(ends, 1, 0) > 0 && output->length < sizeof output->text)
        is_open = read_output(pipe_end, output);
      return ended == pid;
    }
    if (ends[1].revents || g_get_monotonic_time() > until)
      break;
  }
  kill(-pid, SIGKILL);
  while (waitpid(pid, status, 0) < 0 && errno == EINTR)
    ;
  return FALSE;
}

static gboolean judge_command(const CommandRun *run, gboolean ended, int status, const Output *output, GError **error) {
  if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return TRUE;
  g_autofree char *said = files_show_bytes(output->text, output->length, OUTPUT_KEPT);
  const char *colon = said[0] ? ": " : "";
  if (!ended)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s was killed, it did not end within %u s%s%s",
                               run->argv[0], run->seconds, colon, said);
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s ended with %s %d%s%s", run->argv[0],
                             WIFEXITED(status) ? "status" : "signal",
                             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), colon, said);
}

gboolean command_run(const CommandRun *run, GError **error) {
  int ends[2], status = 0;
  pid_t pid;
  Output output = {.length = 0};
  int input = open_input(run->input, error);
  if (input < 0)
    return FALSE;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    close(input);
    return sallyport_error_errno(error, errno, "make a pipe");
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  int failed = spawn(run->argv, input, ends[1], &pid);
  close(input);
  close(ends[1]);
  gboolean ended = failed == 0 && wait_for(pid, run, ends[0], &output, &status);
  close(ends[0]);
  if (failed == ENOENT || failed == EACCES || failed == ENOEXEC)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s cannot be run: %s", run->argv[0],
                               g_strerror(failed));
  if (failed != 0)
    return sallyport_error_errno(error, failed, "start %s", run->argv[0]);
  return judge_command(run, ended, status, &output, error);
}
