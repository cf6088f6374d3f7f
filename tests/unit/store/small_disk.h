/* A test in a child process whose folder is a tmpfs of a given size: a disk that is really full. Where the machine
 * allows no mount (no root and no user namespaces) the test is skipped, loudly. */
#pragma once
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SMALL_DISK_IMPOSSIBLE = 77 };

/* In the child: 0 when `folder` is now a disk of `size` ("512k"). */
static inline int mount_small_disk(const char *folder, const char *size) {
  char options[64];
  snprintf(options, sizeof options, "size=%s,mode=0700", size);
  if (unshare(CLONE_NEWNS | (getuid() ? CLONE_NEWUSER : 0)) != 0 ||
      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return -1;
  return mount("tmpfs", folder, "tmpfs", 0, options);
}

/* Gives the disk another size. */
static inline int resize_small_disk(const char *folder, const char *size) {
  char options[64];
  snprintf(options, sizeof options, "size=%s", size);
  return mount("tmpfs", folder, "tmpfs", MS_REMOUNT, options);
}

/* Leaves `left` bytes free; what fills it is one file, taken away by empty_disk. */
static inline int fill_disk(const char *folder, long left) {
  char path[4096];
  snprintf(path, sizeof path, "%s/filler", folder);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  off_t at = 0;
  while (posix_fallocate(fd, at, 64 * 1024) == 0)
    at += 64 * 1024;
  int ok = ftruncate(fd, at > left ? at - left : 0) == 0;
  close(fd);
  return ok;
}

static inline void empty_disk(const char *folder) {
  char path[4096];
  snprintf(path, sizeof path, "%s/filler", folder);
  unlink(path);
}

/* `test` returns 0, or the number of the step that failed. */
static inline void on_a_small_disk(const char *folder, const char *size, int (*test)(const char *folder)) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(mount_small_disk(folder, size) != 0 ? SMALL_DISK_IMPOSSIBLE : test(folder));
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == SMALL_DISK_IMPOSSIBLE) {
    fprintf(stderr, "SKIPPED: no tmpfs can be mounted here, so that the disk could be full\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}
