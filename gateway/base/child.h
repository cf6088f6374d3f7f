/* Starting a child process of ours: signals at their defaults and none blocked, whatever the caller's threads do with
 * theirs, and only the descriptors that it is described with. */
#pragma once
#include <glib.h>
#include <spawn.h>
#include <sys/types.h>

typedef struct {
  const char *program;                         /* a path; with `by_path` a name that is looked for in $PATH */
  char *const *arguments, *const *environment; /* NULL-terminated */
  /* What the child's descriptors are: adds to the actions; an error number, or 0. */
  int (*describe)(posix_spawn_file_actions_t *actions, gconstpointer data);
  gconstpointer data;
  gboolean by_path, own_group; /* own_group: so that all of it can be killed */
} ChildPlan;
/* 0 and *pid, or an error number. */
int child_spawn(const ChildPlan *plan, pid_t *pid);
