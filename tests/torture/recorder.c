/* Records what a program and all of its children do to the files below some folders, in the order in which it is done:
 *   recorder LOG SOCKET FOLDER... -- PROGRAM ARGUMENT...
 * Every create, write, truncate, sync, rename, link, unlink, mkdir and rmdir becomes one record of LOG (see Record in
 * recorder.h). tests/torture/powerloss makes from it what a disk may hold after the power went at any moment.
 *
 * The calls are seen by ptrace, with a seccomp filter so that no other call costs anything. A call is recorded when it
 * has returned and before the caller goes on: what was caused by a call stands behind it in the log, whichever thread
 * or process did it. SOCKET takes datagrams "FROM\0TO": the recorder moves that file by itself, and records it as done
 * by somebody else ('p'), so that it has its place in the order, too.
 *
 * Not seen: writes through shared mappings. SQLite's index of its log (-shm) is one, and is made anew after a crash;
 * any other shared and writable mapping of a file below FOLDER ends the recording with a message. */
#include "tests/torture/recorder.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MOST = 512, CALLS_MOST = 64 };

static Thread threads[THREADS_MOST];
static pid_t child;

/* --- Following. */

static Thread *thread_of(pid_t tid) {
  Thread *empty = NULL;
  for (int i = 0; i < THREADS_MOST; i++) {
    if (threads[i].tid == tid)
      return &threads[i];
    if (!threads[i].tid && !empty)
      empty = &threads[i];
  }
  if (!empty)
    recorder_die("more than %d threads", THREADS_MOST);
  memset(empty, 0, offsetof(Thread, path));
  empty->tid = tid;
  return empty;
}

static struct __ptrace_syscall_info info_of(pid_t tid) {
  struct __ptrace_syscall_info info = {0};
  ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info);
  return info;
}

static void at_call(pid_t tid) {
  struct __ptrace_syscall_info info = info_of(tid);
  Thread *thread = thread_of(tid);
  thread->call = (long)info.seccomp.nr;
  memcpy(thread->arguments, info.seccomp.args, sizeof thread->arguments);
  thread->path[0] = thread->second[0] = 0;
  if (recorder_call(thread->call)->concerns(thread)) {
    ptrace(PTRACE_SYSCALL, tid, 0, 0);
    return;
  }
  thread->tid = 0;
  ptrace(PTRACE_CONT, tid, 0, 0);
}

static void at_return(pid_t tid) {
  struct __ptrace_syscall_info info = info_of(tid);
  Thread *thread = thread_of(tid);
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && !info.exit.is_error && thread->path[0])
    recorder_call(thread->call)->end(thread, info.exit.rval);
  thread->tid = 0;
  ptrace(PTRACE_CONT, tid, 0, 0);
}

static void follow(pid_t tid, int status) {
  int signal = WSTOPSIG(status), event = status >> 16;
  if (event == PTRACE_EVENT_SECCOMP)
    at_call(tid);
  else if (signal == (SIGTRAP | 0x80))
    at_return(tid);
  else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
    ptrace(PTRACE_LISTEN, tid, 0, 0);
  else
    ptrace(PTRACE_CONT, tid, 0, event ? 0 : signal);
}

/* The exit status of the program, once it has ended; -1 before. */
static int follow_all(void) {
  int status;
  pid_t tid;
  while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
    if (WIFSTOPPED(status)) {
      follow(tid, status);
      continue;
    }
    thread_of(tid)->tid = 0;
    if (tid == child)
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return -1;
}

/* --- What somebody else does meanwhile. */

static void take_order(int orders) {
  char text[2 * PATH_MAX];
  ssize_t length = recv(orders, text, sizeof text - 1, MSG_DONTWAIT);
  if (length <= 0)
    return;
  text[length] = 0;
  const char *to = text + strlen(text) + 1;
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    recorder_die("cannot read %s: %s", text, strerror(errno));
  size_t size = (size_t)status.st_size;
  char *data = malloc(size ? size : 1);
  if (read(fd, data, size) != (ssize_t)size || rename(text, to) != 0)
    recorder_die("cannot move %s to %s: %s", text, to, strerror(errno));
  close(fd);
  uint64_t modified = (uint64_t)status.st_mtim.tv_sec * 1000000000U + (uint64_t)status.st_mtim.tv_nsec;
  recorder_put('p', recorder_inode(to), modified, to, "", data, size);
  free(data);
}

static int listen_for_orders(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int orders = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (orders < 0 || bind(orders, (struct sockaddr *)&address, sizeof address) != 0)
    recorder_die("%s: %s", path, strerror(errno));
  return orders;
}

/* --- Beginning. */

static void filter_calls(void) {
  const unsigned count = (unsigned)recorder_call_count;
  struct sock_filter program[CALLS_MOST];
  unsigned at = 0;
  program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (unsigned i = 0; i < count; i++)
    program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)recorder_calls[i].number,
                                                 (uint8_t)(count - i), 0);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog filter = {(unsigned short)at, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    recorder_die("no seccomp filter: %s", strerror(errno));
}

static void start(char **words, const sigset_t *before) {
  child = fork();
  if (child == 0) {
    raise(SIGSTOP); /* until it is followed */
    sigprocmask(SIG_SETMASK, before, NULL);
    filter_calls();
    execv(words[0], words);
    recorder_die("%s: %s", words[0], strerror(errno));
  }
  int status;
  if (child < 0 || waitpid(child, &status, WUNTRACED) != child)
    recorder_die("fork: %s", strerror(errno));
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, child, 0, options) != 0)
    recorder_die("ptrace: %s", strerror(errno));
  kill(child, SIGCONT);
}

int main(int argc, char **argv) {
  int at = 3;
  for (; at < argc && strcmp(argv[at], "--") != 0; at++)
    recorder_watch(argv[at]);
  if (at == 3 || at + 1 >= argc)
    recorder_die("usage: recorder LOG SOCKET FOLDER... -- PROGRAM ARGUMENT...");
  recorder_open_log(argv[1]);
  int orders = listen_for_orders(argv[2]);
  sigset_t mask, before;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_BLOCK, &mask, &before);
  start(argv + at + 1, &before);
  struct pollfd both[2] = {{signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0}, {orders, POLLIN, 0}};
  int ended = -1;
  while (ended < 0) {
    struct signalfd_siginfo info;
    poll(both, 2, -1);
    while (read(both[0].fd, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD)
        kill(child, (int)info.ssi_signo);
    ended = follow_all();
    take_order(orders);
  }
  recorder_close_log();
  return ended;
}
