/* The calls that change files, and what becomes of each in the log: see recorder.c. */
#include "tests/torture/recorder.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IOV_MOST = 1024 };

static const char *folders[FOLDERS_MOST];
static int folder_count;
static FILE *log_file;

void recorder_die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("recorder: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(99);
}

/* --- Where things are. */

static int is_below(const char *path) {
  for (int i = 0; i < folder_count; i++) {
    size_t length = strlen(folders[i]);
    if (strncmp(path, folders[i], length) == 0 && (path[length] == '/' || path[length] == 0))
      return 1;
  }
  return 0;
}

/* number: a descriptor, or AT_FDCWD. */
static int read_link(char *into, pid_t tid, int number) {
  char link[64];
  if (number == AT_FDCWD)
    snprintf(link, sizeof link, "/proc/%d/cwd", tid);
  else
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, number);
  ssize_t length = readlink(link, into, PATH_MAX - 1);
  into[length > 0 ? length : 0] = 0;
  return length > 0;
}

static int path_of(char *into, pid_t tid, uint64_t number) {
  static const char gone[] = " (deleted)";
  if (!read_link(into, tid, (int)number) || into[0] != '/')
    return 0;
  size_t length = strlen(into);
  int is_gone = length > sizeof gone - 1 && strcmp(into + length - (sizeof gone - 1), gone) == 0;
  return !is_gone && is_below(into);
}

static int peek(pid_t tid, uint64_t address, void *into, size_t length) {
  struct iovec here = {into, length}, there = {(void *)(uintptr_t)address, length};
  return process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)length;
}

static int peek_text(pid_t tid, uint64_t address, char *into) {
  for (size_t at = 0; at < PATH_MAX; at++) {
    size_t page = 4096 - (address + at) % 4096, length = page < PATH_MAX - at ? page : PATH_MAX - at;
    if (!peek(tid, address + at, into + at, length))
      return 0;
    if (memchr(into + at, 0, length))
      return 1;
    at += length - 1;
  }
  return 0;
}

/* The path that a call names by a folder's descriptor and a text; whether it lies below one of the folders. */
static int name_of(char *into, pid_t tid, int folder, uint64_t address) {
  char text[PATH_MAX], base[PATH_MAX] = "";
  if (!peek_text(tid, address, text))
    return 0;
  if (text[0] != '/' && !read_link(base, tid, folder))
    return 0;
  if (snprintf(into, PATH_MAX, "%s%s%s", base, base[0] ? "/" : "", text) >= PATH_MAX)
    return 0;
  return is_below(into);
}

static uint64_t inode_of(pid_t tid, uint64_t number, mode_t *mode) {
  char link[64];
  struct stat status;
  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, (int)number);
  if (stat(link, &status) != 0)
    return 0;
  if (mode)
    *mode = status.st_mode;
  return status.st_ino;
}

uint64_t recorder_inode(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 ? status.st_ino : 0;
}

static uint64_t position_of(pid_t tid, uint64_t number) {
  char path[64];
  unsigned long long position = 0;
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, (int)number);
  FILE *file = fopen(path, "re");
  if (!file || fscanf(file, "pos: %llu", &position) != 1)
    recorder_die("no position of %s", path);
  fclose(file);
  return position;
}

/* --- The log. */

void recorder_watch(const char *folder) {
  if (folder_count == FOLDERS_MOST)
    recorder_die("more than %d folders", FOLDERS_MOST);
  folders[folder_count++] = folder;
}

void recorder_open_log(const char *path) {
  log_file = fopen(path, "we");
  if (!log_file)
    recorder_die("%s: %s", path, strerror(errno));
}

void recorder_close_log(void) {
  if (fclose(log_file) != 0)
    recorder_die("cannot write the log: %s", strerror(errno));
}

void recorder_put(char kind, uint64_t inode, uint64_t offset, const char *path, const char *second, const void *data,
                  size_t length) {
  Record record = {.kind = (uint32_t)kind,
                   .path = (uint32_t)strlen(path),
                   .second = (uint32_t)strlen(second),
                   .inode = inode,
                   .offset = offset,
                   .data = length};
  if (fwrite(&record, sizeof record, 1, log_file) != 1 || fwrite(path, 1, record.path, log_file) != record.path ||
      fwrite(second, 1, record.second, log_file) != record.second || fwrite(data, 1, length, log_file) != length)
    recorder_die("cannot write the log: %s", strerror(errno));
}

static void put_write(const Thread *thread, uint64_t number, uint64_t offset, const void *data, size_t length) {
  recorder_put('w', inode_of(thread->tid, number, NULL), offset, thread->path, "", data, length);
}

/* What was written, from the caller's memory. */
static void wrote(const Thread *thread, int64_t result) {
  size_t length = (size_t)result;
  const uint64_t *a = thread->arguments;
  char *data = malloc(length ? length : 1);
  struct iovec vector[IOV_MOST] = {{(void *)(uintptr_t)a[1], (size_t)a[2]}};
  size_t count = 1, have = 0;
  int is_vector = thread->call != SYS_write && thread->call != SYS_pwrite64;
  if (is_vector) {
    count = a[2] < IOV_MOST ? (size_t)a[2] : IOV_MOST;
    if (!peek(thread->tid, a[1], vector, count * sizeof *vector))
      recorder_die("cannot read a vector");
  }
  for (size_t i = 0; i < count && have < length; i++) {
    size_t take = vector[i].iov_len < length - have ? vector[i].iov_len : length - have;
    if (take && !peek(thread->tid, (uintptr_t)vector[i].iov_base, data + have, take))
      recorder_die("cannot read what was written");
    have += take;
  }
  int has_offset = thread->call == SYS_pwrite64 || thread->call == SYS_pwritev || thread->call == SYS_pwritev2;
  put_write(thread, a[0], has_offset ? a[3] : position_of(thread->tid, a[0]) - length, data, length);
  free(data);
}

/* What the kernel copied by itself, from the file. */
static void copied(const Thread *thread, int64_t result) {
  size_t length = (size_t)result;
  int has_offset = thread->call != SYS_sendfile; /* copy_file_range and splice */
  uint64_t number = thread->arguments[has_offset ? 2 : 0];
  char link[64], *data = malloc(length ? length : 1);
  snprintf(link, sizeof link, "/proc/%d/fd/%d", thread->tid, (int)number);
  uint64_t offset = position_of(thread->tid, number) - length;
  if (has_offset && thread->arguments[3]) {
    if (!peek(thread->tid, thread->arguments[3], &offset, sizeof offset))
      recorder_die("cannot read an offset");
    offset -= length;
  }
  int fd = open(link, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || pread(fd, data, length, (off_t)offset) != (ssize_t)length)
    recorder_die("cannot read back %s", thread->path);
  close(fd);
  put_write(thread, number, offset, data, length);
  free(data);
}

/* --- Calls: what is asked; whether it concerns us. */

static int of_first(Thread *thread) {
  return path_of(thread->path, thread->tid, thread->arguments[0]);
}

static int of_third(Thread *thread) {
  return path_of(thread->path, thread->tid, thread->arguments[2]);
}

static int by_name(Thread *thread) {
  return name_of(thread->path, thread->tid, AT_FDCWD, thread->arguments[0]);
}

static int by_name_at(Thread *thread) {
  return name_of(thread->path, thread->tid, (int)thread->arguments[0], thread->arguments[1]);
}

static int by_two(Thread *thread, int from, uint64_t name, int to, uint64_t second) {
  int one = name_of(thread->path, thread->tid, from, name), two = name_of(thread->second, thread->tid, to, second);
  if (one != two)
    recorder_die("from one side to the other: %s to %s", thread->path, thread->second);
  return one;
}

static int by_two_names(Thread *thread) {
  return by_two(thread, AT_FDCWD, thread->arguments[0], AT_FDCWD, thread->arguments[1]);
}

static int by_two_names_at(Thread *thread) {
  const uint64_t *a = thread->arguments;
  return by_two(thread, (int)a[0], a[1], (int)a[2], a[3]);
}

static int to_open(Thread *thread) {
  const uint64_t *a = thread->arguments;
  struct open_how how = {.flags = a[2]};
  if (thread->call == SYS_openat2 && !peek(thread->tid, a[2], &how, sizeof how))
    return 0;
  int flags = (int)how.flags;
  if ((flags & O_TMPFILE) == O_TMPFILE || !(flags & (O_CREAT | O_TRUNC)) || !by_name_at(thread))
    return 0;
  thread->was_there = recorder_inode(thread->path) != 0;
  thread->truncates = (flags & O_TRUNC) != 0;
  return 1;
}

static int to_map(Thread *thread) {
  const uint64_t *a = thread->arguments;
  if ((a[3] & MAP_ANONYMOUS) || !(a[2] & PROT_WRITE) || (a[3] & MAP_TYPE) == MAP_PRIVATE ||
      !path_of(thread->path, thread->tid, a[4]))
    return 0;
  size_t length = strlen(thread->path);
  if (length < 4 || strcmp(thread->path + length - 4, "-shm") != 0)
    recorder_die("%s is written through a mapping, which is not seen", thread->path);
  return 0;
}

/* --- Calls: what became of it. */

static void opened(const Thread *thread, int64_t number) {
  uint64_t inode = inode_of(thread->tid, (uint64_t)number, NULL);
  if (!thread->was_there)
    recorder_put('c', inode, 0, thread->path, "", "", 0);
  else if (thread->truncates)
    recorder_put('t', inode, 0, thread->path, "", "", 0);
}

static void truncated(const Thread *thread, int64_t result) {
  (void)result;
  recorder_put('t', inode_of(thread->tid, thread->arguments[0], NULL), thread->arguments[1], thread->path, "", "", 0);
}

static void allocated(const Thread *thread, int64_t result) {
  (void)result;
  const uint64_t *a = thread->arguments;
  if (a[1] != 0)
    recorder_die("fallocate with flags of %s", thread->path);
  recorder_put('a', inode_of(thread->tid, a[0], NULL), a[2] + a[3], thread->path, "", "", 0);
}

static void synced(const Thread *thread, int64_t result) {
  (void)result;
  mode_t mode = 0;
  uint64_t inode = inode_of(thread->tid, thread->arguments[0], &mode);
  recorder_put(S_ISDIR(mode) ? 'd' : 's', inode, 0, thread->path, "", "", 0);
}

static void renamed(const Thread *thread, int64_t result) {
  (void)result;
  if (thread->call == SYS_renameat2 && (thread->arguments[4] & 2))
    recorder_die("%s and %s change places", thread->path, thread->second);
  recorder_put('r', recorder_inode(thread->second), 0, thread->path, thread->second, "", 0);
}

static void linked(const Thread *thread, int64_t result) {
  (void)result;
  recorder_put('l', recorder_inode(thread->second), 0, thread->path, thread->second, "", 0);
}

static void made_folder(const Thread *thread, int64_t result) {
  (void)result;
  recorder_put('m', 0, 0, thread->path, "", "", 0);
}

static void removed(const Thread *thread, int64_t result) {
  (void)result;
  int is_folder = thread->call == SYS_rmdir || (thread->call == SYS_unlinkat && (thread->arguments[2] & AT_REMOVEDIR));
  recorder_put(is_folder ? 'k' : 'u', 0, 0, thread->path, "", "", 0);
}

const Call recorder_calls[] = {
    {SYS_openat, to_open, opened},
    {SYS_openat2, to_open, opened},
    {SYS_write, of_first, wrote},
    {SYS_writev, of_first, wrote},
    {SYS_pwrite64, of_first, wrote},
    {SYS_pwritev, of_first, wrote},
    {SYS_pwritev2, of_first, wrote},
    {SYS_copy_file_range, of_third, copied},
    {SYS_splice, of_third, copied},
    {SYS_sendfile, of_first, copied},
    {SYS_ftruncate, of_first, truncated},
    {SYS_fallocate, of_first, allocated},
    {SYS_fsync, of_first, synced},
    {SYS_fdatasync, of_first, synced},
    {SYS_rename, by_two_names, renamed},
    {SYS_renameat, by_two_names_at, renamed},
    {SYS_renameat2, by_two_names_at, renamed},
    {SYS_link, by_two_names, linked},
    {SYS_linkat, by_two_names_at, linked},
    {SYS_mkdir, by_name, made_folder},
    {SYS_mkdirat, by_name_at, made_folder},
    {SYS_unlink, by_name, removed},
    {SYS_rmdir, by_name, removed},
    {SYS_unlinkat, by_name_at, removed},
    {SYS_mmap, to_map, NULL},
};
const int recorder_call_count = sizeof recorder_calls / sizeof *recorder_calls;

const Call *recorder_call(long number) {
  for (int i = 0; i < recorder_call_count; i++)
    if (recorder_calls[i].number == number)
      return &recorder_calls[i];
  recorder_die("call %ld was not asked for", number);
}
