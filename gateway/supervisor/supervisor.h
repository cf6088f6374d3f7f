/* `sallyport run`: starts a process per lane, watches, restarts and reloads them; touches no data.
 *
 * A lane that ends is started again after a back-off (0.2 s doubling to 30 s, back to the start after a minute of good
 * running). SIGHUP reads and checks the configuration; a bad one is refused and the old one stays; a good one replaces
 * the lanes whose part changed, one after the other, each asked to finish first. SIGTERM or SIGINT: lanes are asked to
 * finish; after `stop_seconds`, or at a second signal, they are killed (nothing is lost by it). systemd is told READY,
 * RELOADING, STOPPING, STATUS and WATCHDOG by NOTIFY_SOCKET.
 *
 * What a lane owes: a byte on its supervisor descriptor as soon as it works (that makes the service ready) and every 5
 * s from its start on; after 60 s of silence it is killed and started again. Status 3 means that its storage cannot be
 * trusted: it stays down, told as an error, until the service is restarted. Status 4 means that the configuration
 * contradicts its state: it stays down until a reload, the others run, and run ends with status 3; when no lane is left
 * it ends at once. SIGTERM asks it to finish. It runs in a
 * process group of its own, and what it leaves there when it ends is killed. */
#pragma once
#include "conf/conf.h"

typedef struct {
  const char *configuration; /* path */
  const char *only_lane;     /* NULL: all */
  guint stop_seconds;        /* 0: 20 */
  guint silent_seconds;      /* 0: 60 */
  const char *program;       /* started as PROGRAM lane NAME …; NULL: this one */
  gboolean without_keys;     /* do not ask gpg about the configured keys: for tests */
} SupervisorOptions;
/* Returns the process's exit status (gateway/common/exit.h). */
int supervisor_run(const SupervisorOptions *options);

/* The supervisor that has this runtime folder, 0: none runs. */
pid_t supervisor_pid(const char *runtime);
