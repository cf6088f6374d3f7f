/* One lane, or the front, as the supervisor sees it: a process that is to run, its heartbeats, and when it is started
 * again.
 *
 *     DOWN ──start──→ UP ──finish──→ ENDING ──ended──→ DOWN (at once)
 *                     └──ended, silent──→ DOWN (after the back-off)
 *                     └──ended with status 3──→ STOPPED (for good)
 *                     └──ended with status 4──→ STOPPED, until a reload tries it again */
#pragma once
#include "conf/conf.h"
#include <sys/types.h>

typedef enum { SUPERVISED_DOWN, SUPERVISED_UP, SUPERVISED_ENDING, SUPERVISED_STOPPED } SupervisedState;

/* The front's name among them; no lane's begins so. */
#define SUPERVISED_FRONT "@front"
/* A field for the log: lane=points, or process=front. */
#define SUPERVISED_FIELD(name) \
  { supervised_is_front(name) ? "process" : "lane", supervised_is_front(name) ? "front" : (name) }
gboolean supervised_is_front(const char *name);

typedef struct {
  char *name; /* the lane's, or SUPERVISED_FRONT */
  char *part; /* the configuration that the running process was started with (gateway/supervisor/lane_fingerprint.h) */
  SupervisedState state;
  pid_t pid;       /* 0: none */
  int channel;     /* our end of its supervisor descriptor; -1: none */
  gint64 start_at; /* DOWN: when it may be started. Times are monotonic microseconds */
  gint64 started_at, beat_at;
  gint64 kill_at;      /* ENDING */
  guint failures;      /* unasked ends in a row */
  gboolean is_refused; /* STOPPED: its state contradicts the configuration; a reload tries it again */
  gboolean is_asked;   /* its end was asked for */
  gboolean is_settled; /* has shown life, or has ended, since it was last started on purpose */
} Supervised;

Supervised *supervised_new(const char *name);
void supervised_free(Supervised *lane); /* the process must have ended */

/* UP on TRUE. On FALSE it stays DOWN with a back-off. */
gboolean supervised_start(Supervised *lane, const char *program, const ConfSource *source, const char *part,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void supervised_finish(Supervised *lane, guint seconds); /* SIGTERM; killed after `seconds` */
void supervised_kill(Supervised *lane);                  /* the lane and all of its process group */
/* A reload left it as it is, or will replace it: it hears the digest of the configuration that is in force now. */
void supervised_tell(const Supervised *lane, const char *digest);
/* A reload: what waits for its back-off, or was refused for its state, is started at once. */
void supervised_revive(Supervised *lane);
void supervised_listen(Supervised *lane); /* takes the heartbeats that have come */
/* Its process has ended and was reaped: logs it, decides what is next. */
void supervised_ended(Supervised *lane, int wait_status);
