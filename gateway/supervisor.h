/* `sallyport run`: starts a process per lane, watches, restarts and reloads them; touches no data.
 *
 * A lane that ends is started again after a back-off (0.2 s doubling to 30 s, back to the start after a minute of good
 * running). SIGHUP reads and checks the configuration; a bad one is refused and the old one stays; a good one replaces the
 * lanes whose part changed, each asked to finish first. SIGTERM or SIGINT: lanes are asked to finish; after `stop_seconds`
 * they are killed (nothing is lost by it). systemd is told READY, RELOADING, STOPPING, STATUS and WATCHDOG by NOTIFY_SOCKET. */
#pragma once
#include "conf/conf.h"

typedef struct {
  const char *configuration; /* path */
  const char *only_lane;     /* NULL: all */
  guint stop_seconds;        /* 0: 20 */
} SupervisorOptions;
/* Returns the process's exit status. */
int supervisor_run(const SupervisorOptions *options);
