#include "gateway/base/child.h"
#include <signal.h>

static int spawn_with(const ChildPlan *plan, posix_spawn_file_actions_t *actions, pid_t *pid) {
  posix_spawnattr_t attributes;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  int failed = posix_spawnattr_init(&attributes);
  if (failed != 0)
    return failed;
  posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                (plan->own_group ? POSIX_SPAWN_SETPGROUP : 0)));
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  failed = plan->describe(actions, plan->data);
  if (failed == 0)
    failed = (plan->by_path ? posix_spawnp : posix_spawn)(pid, plan->program, actions, &attributes, plan->arguments,
                                                          plan->environment);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

int child_spawn(const ChildPlan *plan, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed != 0)
    return failed;
  failed = spawn_with(plan, &actions, pid);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}
