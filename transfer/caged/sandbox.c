#include "transfer/caged/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* A build that measures the tests (COVERAGE=1), and no other: a process that ends writes its counters into files. */
#ifdef SALLYPORT_COVERAGE
#define COUNTED 1
#else
#define COUNTED 0
#endif

#define MEMORY_LIMIT (768ull << 20) /* address space: the program and its libraries, a 16 MiB window, buffers */
#define DESCRIPTOR_LIMIT 32u

/* Landlock's interface by its numbers: the headers of the oldest system that we build on stop at ABI 2. */
#define LANDLOCK_CREATE_RULESET_ 444
#define LANDLOCK_ADD_RULE_ 445
#define LANDLOCK_RESTRICT_SELF_ 446
#define RULESET_VERSION_FLAG 1u
#define RULE_PATH_BENEATH 1
struct ruleset {
  guint64 files, net, scoped;
};
struct path_beneath {
  guint64 allowed;
  gint32 folder;
} __attribute__((packed));
enum {
  READ_FILE = 1 << 2,
  WRITE_FILE = 1 << 1,
  READ_FOLDER = 1 << 3,
  REMOVE_FOLDER = 1 << 4,
  REMOVE_FILE = 1 << 5,
  MAKE_FOLDER = 1 << 7,
  MAKE_FILE = 1 << 8,
  REFER = 1 << 13,
  TRUNCATE = 1 << 14,
  DEVICE_IOCTL = 1 << 15,
};
#define FILES_ABI1 ((1u << 13) - 1u)

static gboolean set_limits(GError **error) {
  const struct rlimit no_core = {0, 0}, descriptors = {DESCRIPTOR_LIMIT, DESCRIPTOR_LIMIT},
                      memory = {MEMORY_LIMIT, MEMORY_LIMIT};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0 || setrlimit(RLIMIT_NOFILE, &descriptors) != 0)
    return sallyport_error_errno(error, errno, "limit the courier");
  if (!SANITIZED && setrlimit(RLIMIT_AS, &memory) != 0)
    return sallyport_error_errno(error, errno, "limit the courier's memory");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return sallyport_error_errno(error, errno, "give up privileges");
  return TRUE;
}

/* Returns the ABI in force, or 0 with the reason in *number. */
static long enter_landlock(const SandboxPlan *plan, int *number) {
  long abi = COUNTED ? 0 : syscall(LANDLOCK_CREATE_RULESET_, NULL, 0, RULESET_VERSION_FLAG);
  *number = errno;
  if (abi < 1)
    return 0;
  struct ruleset rules = {.files = FILES_ABI1};
  rules.files |= (abi >= 2 ? REFER : 0u) | (abi >= 3 ? TRUNCATE : 0u) | (abi >= 5 ? DEVICE_IOCTL : 0u);
  rules.net = abi >= 4 ? 3 : 0;    /* bind and connect by TCP: none is allowed */
  rules.scoped = abi >= 6 ? 3 : 0; /* abstract sockets and signals stay inside */
  gsize size = abi >= 6 ? sizeof rules : abi >= 4 ? 2 * sizeof(guint64) : sizeof(guint64);
  int ruleset = (int)syscall(LANDLOCK_CREATE_RULESET_, &rules, size, 0);
  *number = errno;
  if (ruleset < 0)
    return 0;
  guint64 allowed = READ_FILE | WRITE_FILE | READ_FOLDER | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE |
                    REFER | TRUNCATE;
  struct path_beneath folder = {allowed & rules.files, plan->folder};
  gboolean ok = plan->folder < 0 || syscall(LANDLOCK_ADD_RULE_, ruleset, RULE_PATH_BENEATH, &folder, 0) == 0;
  ok = ok && syscall(LANDLOCK_RESTRICT_SELF_, ruleset, 0) == 0;
  *number = errno;
  close(ruleset);
  return ok ? abi : 0;
}

/* What every courier needs: its descriptors, memory, time, and to wait. */
static const int common_calls[] = {
    SCMP_SYS(read),          SCMP_SYS(write),           SCMP_SYS(readv),        SCMP_SYS(writev),
    SCMP_SYS(pread64),       SCMP_SYS(pwrite64),        SCMP_SYS(recvmsg),      SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),      SCMP_SYS(sendto),          SCMP_SYS(shutdown),     SCMP_SYS(poll),
    SCMP_SYS(ppoll),         SCMP_SYS(close),           SCMP_SYS(fstat),        SCMP_SYS(lseek),
    SCMP_SYS(getsockopt),    SCMP_SYS(getsockname),     SCMP_SYS(getpeername),  SCMP_SYS(brk),
    SCMP_SYS(munmap),        SCMP_SYS(mremap),          SCMP_SYS(madvise),      SCMP_SYS(futex),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),    SCMP_SYS(time),         SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),     SCMP_SYS(getrandom),       SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),   SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),     SCMP_SYS(alarm),        SCMP_SYS(setitimer),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),      SCMP_SYS(rseq),         SCMP_SYS(set_robust_list),
};

/* A local endpoint's: Landlock keeps them beneath its folder. No plain open: openat2 with RESOLVE_BENEATH says it
 * better. No stat of a path, which Landlock does not watch: what is opened is looked at, by caged_fstat(). */
static const int folder_calls[] = {
    SCMP_SYS(openat2),         SCMP_SYS(getdents64), SCMP_SYS(renameat2),  SCMP_SYS(renameat),  SCMP_SYS(linkat),
    SCMP_SYS(unlinkat),        SCMP_SYS(mkdirat),    SCMP_SYS(fsync),      SCMP_SYS(ftruncate), SCMP_SYS(fadvise64),
    SCMP_SYS(copy_file_range), SCMP_SYS(splice),     SCMP_SYS(dup),        SCMP_SYS(faccessat2),
};

static const int counting_calls[] = {
    SCMP_SYS(openat), SCMP_SYS(fcntl), SCMP_SYS(newfstatat), SCMP_SYS(mkdir), SCMP_SYS(ftruncate),
};

/* What only a break-in would try. */
static const int deadly_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(memfd_create),
    SCMP_SYS(pidfd_getfd),
};

static int allow_all(scmp_filter_ctx filter, guint32 action, const int *calls, gsize count) {
  int failed = 0;
  for (gsize i = 0; i < count && failed == 0; i++)
    failed = seccomp_rule_add(filter, action, calls[i], 0);
  return failed;
}

static int add_rules(scmp_filter_ctx filter, const SandboxPlan *plan) {
  int failed = allow_all(filter, SCMP_ACT_ALLOW, common_calls, G_N_ELEMENTS(common_calls));
  if (failed == 0 && plan->folder >= 0)
    failed = allow_all(filter, SCMP_ACT_ALLOW, folder_calls, G_N_ELEMENTS(folder_calls));
  /* abort() and raise(): its own end, and nobody else's; Landlock scopes signals from Linux 6.12 on only */
  if (failed == 0)
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
  if (failed == 0 && COUNTED)
    failed = allow_all(filter, SCMP_ACT_ALLOW, counting_calls, G_N_ELEMENTS(counting_calls));
  /* descriptor flags only, and only options of the TCP connection that stands already */
  const int flags[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD};
  for (gsize i = 0; i < G_N_ELEMENTS(flags) && failed == 0; i++)
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)flags[i]));
  if (failed == 0)
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 1, SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP));
  /* memory never becomes executable */
  if (failed == 0)
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  if (failed == 0)
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  if (failed == 0 && !SANITIZED)
    failed = allow_all(filter, SCMP_ACT_KILL_PROCESS, deadly_calls, G_N_ELEMENTS(deadly_calls));
  if (failed == 0 && plan->connect_is_pretended)
    failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINPROGRESS), SCMP_SYS(connect), 0);
  else if (failed == 0 && !SANITIZED)
    failed = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(connect), 0);
  return failed;
}

static gboolean enter_seccomp(const SandboxPlan *plan, GError **error) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  int failed = filter ? 0 : -ENOMEM;
  if (failed == 0)
    failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
                              2); /* a binary tree: reads are many and early in no list */
  if (failed == 0)
    failed = add_rules(filter, plan);
  if (failed == 0)
    failed = seccomp_load(filter);
  seccomp_release(filter);
  if (failed == 0)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "this kernel refuses the courier's seccomp filter: %s", g_strerror(-failed));
}

int caged_fstat(int fd, struct stat *about) {
  return (int)syscall(SYS_fstat, fd, about);
}

gboolean sandbox_enter(const SandboxPlan *plan, char **report, GError **error) {
  int number = 0;
  if (!set_limits(error))
    return FALSE;
  long abi = enter_landlock(plan, &number);
  if (!enter_seccomp(plan, error))
    return FALSE;
  g_autofree char *landlock = abi > 0 ? g_strdup_printf("Landlock %ld%s", abi, abi < 4 ? " (files only)" : "")
                                      : g_strdup_printf("no Landlock (%s)", g_strerror(number));
  *report = g_strdup_printf("locked in by %s, seccomp", landlock);
  return TRUE;
}
