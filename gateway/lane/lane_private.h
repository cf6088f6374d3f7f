/* What the lane's own files share: its main loop (lane.c), the running of steps (pump.c), its polls (polls.c), its
 * control socket (control.c), what it does at its start (start.c) and once an hour (house.c). */
#pragma once
#include "gateway/common/control.h"
#include "gateway/common/exit.h"
#include "gateway/lane/feeds.h"
#include "gateway/lane/lane.h"
#include "gateway/lane/services.h"
#include "gateway/lane/suspects.h"
#include "gateway/threads/workers.h"
#include <pthread.h>

typedef struct {
  const char *name;
  Conf *conf;
  const ConfLane *settings;
  char *digest; /* of the configuration in force (conf_source_digest) */
  LanePaths *paths;
  Flow flow;
  Feeds *feeds;
  Workers *workers;
  ControlServer *control;
  LaneHost host; /* what the services see of it */
  Services *services;
  Suspects *suspects;
  struct Idle *idle; /* NULL: it works always */
  struct Collector *collector; /* NULL: it collects no cases */
  BookReader *reader; /* the main thread's */
  gint64 started_at;
  int wake;             /* eventfd: something changed, look at the book again */
  pthread_mutex_t lock; /* of all below, and of the feeds' next_poll and polling */
  GHashTable *active;   /* file id → BookFile* under way (borrowed from its task) */
  gint64 idle_since;    /* monotonic; 0: busy */
  gint64 quiet_until;   /* monotonic; no file is begun before: the book could not be written */
  gint64 clock;         /* real minus monotonic time when last looked; the main thread's */
  gboolean folding;
  ChildExit exit_status;
  gboolean stopping;
  gboolean is_stuck; /* the main thread's, at the end: not all threads could be ended */
} Lane;

/* --- wake.c: any thread. */
void lane_wake(Lane *lane);
void lane_stop(Lane *lane, ChildExit exit_status);
void lane_report_unwritable(Lane *lane); /* the book; what cannot be noted is said without it */

/* --- pump.c */
/* Queues every due file that is not under way yet, within bounds per feed; polls that are due; folding when idle. */
gboolean lane_pump(Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files whose turn lies further in the future than any wait of ours are due now: the clock was set back. */
gboolean lane_bring_forward(Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- polls.c */
void lane_start_due_polls(Lane *lane);
void lane_poll_now(Lane *lane, Feed *feed);
gint64 lane_next_poll(Lane *lane); /* the earliest; microseconds since 1970 */

/* --- resend.c */
/* Queues it; what comes of it stands in the file's history. FILE: there is no answer to be sent again, and why. */
gboolean lane_resend(Lane *lane, BookFile *file, const char *who, const char *reason,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- start.c */
/* Before work begins: what a crash may have left is counted against the files that were under way, swept from the
 * spool, or held by the key gate. */
gboolean lane_recover(Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean lane_mark_running(const Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void lane_mark_stopped(const Lane *lane);

/* --- in_force.c: the audit chain says which configuration and rules were in force when. */
gboolean lane_admit(Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* the state does not contradict it */
gboolean lane_note_start(Lane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the supervisor says: after a reload that leaves this lane as it is, "DIGEST\n" of the configuration. FALSE: the
 * supervisor is gone. */
gboolean lane_listen(Lane *lane, int supervisor);

/* --- house.c */
void lane_keep_house(Lane *lane, guint hours_running); /* once an hour, from 0 */

/* --- control.c */
json_t *lane_request(gpointer lane, const char *who, const json_t *request); /* a ControlAnswer */
