/* The cage, from inside: a child enters it and tries what a broken-into courier would. */
#include "transfer/caged/sandbox.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { WENT_THROUGH = 10, DENIED = 11, NO_CAGE = 12 };
typedef int (*Attempt)(int folder);

static int verdict(long result) {
  return result < 0 ? DENIED : WENT_THROUGH;
}

static int open_a_file(int folder) {
  (void)folder;
  return verdict(open("/etc/passwd", O_RDONLY));
}
static int make_a_file(int folder) {
  (void)folder;
  return verdict(open("/tmp/sandbox-escape", O_WRONLY | O_CREAT, 0600));
}
static int run_a_program(int folder) {
  (void)folder;
  return verdict(execl("/bin/true", "true", (char *)NULL));
}
static int make_a_process(int folder) {
  (void)folder;
  return verdict(fork());
}
static int make_a_socket(int folder) {
  (void)folder;
  return verdict(socket(AF_INET, SOCK_STREAM, 0));
}
static int trace_the_parent(int folder) {
  (void)folder;
  return verdict(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}
static int signal_the_parent(int folder) {
  (void)folder;
  return verdict(kill(getppid(), 0));
}
static int signal_a_thread_of_the_parent(int folder) {
  (void)folder;
  return verdict(syscall(SYS_tgkill, getppid(), getppid(), 0));
}
static int look_at_a_path(int folder) {
  struct stat about;
  (void)folder;
  return verdict(syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &about, AT_EMPTY_PATH));
}
static int look_at_what_is_open(int folder) {
  struct stat about;
  return verdict(caged_fstat(folder, &about));
}
static int end_by_itself(int folder) {
  (void)folder;
  return syscall(SYS_tgkill, getpid(), gettid(), SIGSYS) < 0 ? WENT_THROUGH : WENT_THROUGH + 10;
}
static int make_code(int folder) {
  (void)folder;
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? DENIED
                                                                                                   : WENT_THROUGH;
}
static int look_at_a_file(int folder) {
  (void)folder;
  return verdict(access("/etc/passwd", R_OK));
}
static int remove_a_file(int folder) {
  (void)folder;
  return verdict(unlink("/tmp/sandbox-nothing") < 0 && errno == EPERM ? -1 : 0);
}

static int connect_elsewhere(int folder) {
  (void)folder; /* descriptor 9 is a socket from before the cage */
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(22), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return verdict(connect(9, (struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED ? 0 : -1);
}

/* libcurl's cage answers for the kernel: the call is not made, and the socket is as it was. */
static int connect_in_pretence(int folder) {
  (void)folder;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(22),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                     peer;
  socklen_t length = sizeof peer;
  gboolean said_so = connect(9, (struct sockaddr *)&address, sizeof address) < 0 && errno == EINPROGRESS;
  return verdict(said_so && getpeername(9, (struct sockaddr *)&peer, &length) < 0 && errno == ENOTCONN ? -1 : 0);
}

static int be_dumped(int folder) {
  (void)folder;
  struct rlimit core = {1, 1};
  return verdict(setrlimit(RLIMIT_CORE, &core) == 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0 : -1);
}

static int open_openat2(int at, const char *path) {
  struct open_how how = {.flags = O_RDONLY};
  return (int)syscall(SYS_openat2, at, path, &how, sizeof how);
}
static int read_in_the_folder(int folder) {
  return verdict(open_openat2(folder, "inside"));
}
static int read_above_the_folder(int folder) {
  (void)folder;
  return verdict(open_openat2(AT_FDCWD, "/etc/passwd"));
}

enum { CAGE, CAGE_OF_CURL, CAGE_WITH_FOLDER, NO_CAGE_AT_ALL };

static int in_cage(Attempt attempt, int kind) {
  g_autofree char *folder = g_dir_make_tmp("cage-XXXXXX", NULL), *inside = g_build_filename(folder, "inside", NULL);
  assert_true(g_file_set_contents(inside, "x", 1, NULL));
  pid_t child = fork();
  if (child == 0) {
    int root = open(folder, O_PATH | O_DIRECTORY), made = socket(AF_INET, SOCK_STREAM, 0);
    char *report = NULL;
    dup2(made, 9);
    signal(SIGSYS, SIG_DFL);
    if (kind != NO_CAGE_AT_ALL && !sandbox_enter(&(SandboxPlan){.folder = kind == CAGE_WITH_FOLDER ? root : -1,
                                                                .connect_is_pretended = kind == CAGE_OF_CURL},
                                                 &report, NULL))
      _exit(NO_CAGE);
    _exit(attempt(root));
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  unlink(inside);
  rmdir(folder);
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGSYS ? DENIED : -WTERMSIG(status);
  return WEXITSTATUS(status);
}

static void a_caged_courier_reaches_nothing(void **state) {
  (void)state;
  static const struct {
    const char *what;
    Attempt attempt;
  } attempts[] = {
      {"open a file", open_a_file},
      {"make a file", make_a_file},
      {"run a program", run_a_program},
      {"fork", make_a_process},
      {"make a socket", make_a_socket},
      {"trace", trace_the_parent},
      {"signal", signal_the_parent},
      {"signal a thread", signal_a_thread_of_the_parent},
      {"look at a path", look_at_a_path},
      {"executable memory", make_code},
      {"look at a file", look_at_a_file},
      {"remove a file", remove_a_file},
      {"connect elsewhere", connect_elsewhere},
      {"be dumped", be_dumped},
      {"read above", read_above_the_folder},
      {"read a folder", read_in_the_folder},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(attempts); i++) {
    int got = in_cage(attempts[i].attempt, CAGE);
    if (got != DENIED)
      fail_msg("%s: %d", attempts[i].what, got);
    Attempt attempt = attempts[i].attempt == connect_elsewhere ? connect_in_pretence : attempts[i].attempt;
    got = in_cage(attempt, CAGE_OF_CURL);
    if (got != DENIED)
      fail_msg("%s, in libcurl's cage: %d", attempts[i].what, got);
  }
}

static void a_local_courier_reaches_its_folder_only(void **state) {
  (void)state;
  assert_int_equal(in_cage(read_in_the_folder, CAGE_WITH_FOLDER), WENT_THROUGH);
  assert_int_equal(in_cage(open_a_file, CAGE_WITH_FOLDER), DENIED);
  assert_int_equal(in_cage(look_at_a_path, CAGE_WITH_FOLDER), DENIED);
  assert_int_equal(in_cage(look_at_what_is_open, CAGE_WITH_FOLDER), WENT_THROUGH);
  assert_int_equal(in_cage(end_by_itself, CAGE_WITH_FOLDER), DENIED); /* by SIGSYS, which it sent itself */
  assert_int_equal(in_cage(run_a_program, CAGE_WITH_FOLDER), DENIED);
  assert_int_equal(in_cage(connect_elsewhere, CAGE_WITH_FOLDER), DENIED);
  if (syscall(444, NULL, 0, 1) >= 1)
    assert_int_equal(in_cage(read_above_the_folder, CAGE_WITH_FOLDER), DENIED);
  else
    fprintf(stderr, "SKIPPED: no Landlock here\n");
}

/* Or the tests above would prove nothing. */
static void outside_the_cage_the_same_goes_through(void **state) {
  (void)state;
  static const Attempt attempts[] = {open_a_file,
                                     make_a_socket,
                                     signal_the_parent,
                                     make_code,
                                     look_at_a_file,
                                     connect_elsewhere,
                                     read_above_the_folder,
                                     read_in_the_folder,
                                     signal_a_thread_of_the_parent,
                                     look_at_a_path};
  for (gsize i = 0; i < G_N_ELEMENTS(attempts); i++)
    assert_int_equal(in_cage(attempts[i], NO_CAGE_AT_ALL), WENT_THROUGH);
  assert_int_equal(in_cage(run_a_program, NO_CAGE_AT_ALL), 0); /* became /bin/true */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_caged_courier_reaches_nothing),
      cmocka_unit_test(a_local_courier_reaches_its_folder_only),
      cmocka_unit_test(outside_the_cage_the_same_goes_through),
  };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  fprintf(stderr, "SKIPPED: the sanitizer needs what the cage forbids\n");
  (void)tests;
  return 0;
#else
  return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
