/* A lane: the process of one business line. It owns a book, a ledger, worker threads, couriers, and the flow of its
 * files. */
#pragma once
#include "conf/conf.h"

/* `sallyport lane NAME`: started by the supervisor with the checked configuration on `configuration_fd` and an end of a
 * pipe or socket on `supervisor_fd` (heartbeats go there; its end of file means that the supervisor is gone: finish).
 * Returns the exit status: 0 asked to finish, 1 cannot start, 3 storage cannot be trusted any more (a person has to
 * look), 4 the configuration contradicts the state (ChildExit). */
typedef struct {
  const char *name;
  int configuration_fd;
  int supervisor_fd;
} LaneOptions;
int lane_run(const LaneOptions *options);
