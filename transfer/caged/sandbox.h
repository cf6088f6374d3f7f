/* The courier's cage, entered once, after the connection stands and before the first byte of the partner is read.
 *
 * No new privileges, not dumpable, no core, few descriptors, bounded memory; Landlock: no file and no folder (but one,
 * for a local endpoint), no TCP connect or bind, no signals or abstract sockets to the outside, as far as the kernel
 * knows them; seccomp: only the system calls that a transfer needs. To start a program, open a socket, connect or trace
 * another process kills the courier (SIGSYS), so that a break-in is seen; any other forbidden call fails with EPERM. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  /* libcurl 7.88 calls connect() on a socket that it was handed connected, and takes EINPROGRESS for an answer: it gets
   * that one instead of being killed. The call is not made: the kernel's filter answers in its place. */
  gboolean connect_is_pretended;
  int folder; /* a local endpoint's root (O_PATH will do), the only place reachable; -1: none at all */
} SandboxPlan;

/* On success *report says what is in force and what this kernel lacks, for people; the caller frees it. Without
 * Landlock the courier goes on (seccomp alone already refuses every open to a network courier); without seccomp it does
 * not. */
gboolean sandbox_enter(const SandboxPlan *plan, char **report, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* fstat(2) by its own number: the C library's asks by a call that takes any path, which the cage therefore does not
 * have. */
struct stat;
int caged_fstat(int fd, struct stat *about);
