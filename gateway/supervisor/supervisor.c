/* A loop over signals (signalfd), heartbeats and times; one thread. What ought to run (`wanted`: lane → its part of the
 * configuration) and what runs (`lanes`, and the front beside them) are two tables, and converge() makes the second
 * follow the first, so that start, reload, removal, restart and end need no code of their own. */
#include "gateway/supervisor/supervisor_private.h"
#include "gateway/base/files.h"
#include "gateway/common/exit.h"
#include "gateway/common/log.h"
#include "gateway/supervisor/notify.h"
#include "gateway/supervisor/pidfile.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* a lane that shows no life for so long holds up neither READY nor a reload */
#define SETTLE_TIME (60 * G_USEC_PER_SEC)

static void begin_stop(Supervisor *s) {
  if (s->is_stopping) { /* asked twice: at once */
    for (guint i = 0; i < s->lanes->len; i++) {
      Supervised *lane = s->lanes->pdata[i];
      lane->kill_at = MIN(lane->kill_at, g_get_monotonic_time());
    }
    return;
  }
  s->is_stopping = TRUE;
  log_event(LOG_INFO, "stopping", {"within_s", log_number(s->options.stop_seconds)});
  notify_send("STOPPING=1\n");
  g_hash_table_remove_all(s->wanted);
}

/* A lane that is being replaced, until its successor shows life: the next one is not touched before that. */
static gboolean is_replacing(const Supervisor *s, gint64 now) {
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    if (!g_hash_table_contains(s->wanted, lane->name))
      continue;
    if (lane->state == SUPERVISED_ENDING ||
        (lane->state == SUPERVISED_UP && !lane->is_settled && now - lane->started_at < SETTLE_TIME))
      return TRUE;
  }
  return FALSE;
}

static void start_lane(Supervisor *s, Supervised *lane, const char *part) {
  g_autoptr(GError) error = NULL;
  if (!supervised_start(lane, s->options.program, s->source, part, &error))
    log_event(LOG_ERROR, "lane-not-started", SUPERVISED_FIELD(lane->name), {"problem", error->message});
}

static void kill_silent(const Supervisor *s, Supervised *lane, gint64 now) {
  if (now - lane->beat_at < s->options.silent_seconds * G_USEC_PER_SEC)
    return;
  log_event(LOG_ERROR, "lane-silent", SUPERVISED_FIELD(lane->name), {"pid", log_number(lane->pid)},
            {"silent_ms", log_number((now - lane->beat_at) / 1000)}, {"next", "killed"});
  supervised_kill(lane);
}

static void converge_lane(Supervisor *s, Supervised *lane, gint64 now) {
  const char *part = g_hash_table_lookup(s->wanted, lane->name);
  switch (lane->state) {
  case SUPERVISED_DOWN:
    if (part && now >= lane->start_at)
      start_lane(s, lane, part);
    break;
  case SUPERVISED_UP:
    if (!part || (supervisor_is_changed(s, lane) && !is_replacing(s, now))) {
      lane->is_settled = FALSE;
      supervised_finish(lane, s->options.stop_seconds);
    } else {
      kill_silent(s, lane, now);
    }
    break;
  case SUPERVISED_ENDING:
    if (now >= lane->kill_at) {
      log_event(LOG_WARNING, "lane-killed", SUPERVISED_FIELD(lane->name),
                {"problem", "it did not finish in time; nothing is lost by it"});
      supervised_kill(lane);
    }
    break;
  case SUPERVISED_STOPPED:
    break;
  }
}

static void converge(Supervisor *s) {
  gint64 now = g_get_monotonic_time();
  for (guint i = 0; i < s->lanes->len; i++)
    converge_lane(s, s->lanes->pdata[i], now);
  for (guint i = s->lanes->len; i-- > 0;) {
    const Supervised *lane = s->lanes->pdata[i];
    if (lane->pid == 0 && !g_hash_table_contains(s->wanted, lane->name))
      g_ptr_array_remove_index(s->lanes, i);
  }
}

/* The zombie still holds its number while what it left in its process group (couriers, gpg) is killed. Children that
 * are not lanes are such orphans when we are a container's first process. */
static void reap(Supervisor *s) {
  siginfo_t ended = {0};
  while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
    Supervised *lane = NULL;
    for (guint i = 0; i < s->lanes->len && !lane; i++) {
      Supervised *candidate = s->lanes->pdata[i];
      lane = candidate->pid == ended.si_pid ? candidate : NULL;
    }
    int status = 0;
    if (lane)
      kill(-lane->pid, SIGKILL);
    waitpid(ended.si_pid, &status, 0);
    if (lane)
      supervised_ended(lane, status);
    ended.si_pid = 0;
  }
}

static void take_signals(Supervisor *s) {
  struct signalfd_siginfo signal;
  while (read(s->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
    if (signal.ssi_signo == SIGHUP && !s->is_stopping)
      supervisor_reload(s);
    else if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
      begin_stop(s);
  }
  reap(s);
}

static void report_status(Supervisor *s) {
  guint up = 0, settled = 0, stopped = 0, refused = 0, wanted = g_hash_table_size(s->wanted);
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    up += lane->state == SUPERVISED_UP ? 1 : 0;
    stopped += lane->state == SUPERVISED_STOPPED && !lane->is_refused ? 1 : 0;
    refused += lane->state == SUPERVISED_STOPPED && lane->is_refused ? 1 : 0;
    settled += lane->is_settled ? 1 : 0;
  }
  g_autofree char *tail = stopped ? g_strdup_printf("; %u stopped: storage cannot be trusted", stopped)
                          : refused
                              ? g_strdup_printf("; %u do not run: the configuration contradicts the state", refused)
                              : g_strdup("");
  g_autofree char *status = s->is_stopping ? g_strdup_printf("finishing, %u lanes to go", s->lanes->len)
                                           : g_strdup_printf("%u of %u lanes running%s", up, wanted, tail);
  if (g_strcmp0(status, s->status) != 0) {
    g_free(s->status);
    s->status = g_steal_pointer(&status);
    notify_send("STATUS=%s\n", s->status);
  }
  if (!s->is_ready && !s->is_stopping && (settled >= wanted || g_get_monotonic_time() - s->started_at > SETTLE_TIME)) {
    s->is_ready = TRUE;
    notify_send("READY=1\nMAINPID=%d\n", (int)getpid());
    log_event(LOG_INFO, "ready", {"lanes", log_number(wanted)});
  }
}

static void feed_watchdog(Supervisor *s) {
  gint64 now = g_get_monotonic_time();
  if (s->watchdog_period == 0 || now < s->watchdog_at)
    return;
  notify_send("WATCHDOG=1\n");
  s->watchdog_at = now + s->watchdog_period;
}

static gint64 next_time(const Supervisor *s) {
  gint64 next = s->watchdog_period ? s->watchdog_at : G_MAXINT64;
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    if (lane->state == SUPERVISED_DOWN)
      next = MIN(next, lane->start_at);
    else if (lane->state == SUPERVISED_ENDING)
      next = MIN(next, lane->kill_at);
    else if (lane->state == SUPERVISED_UP)
      next = MIN(next, lane->beat_at + s->options.silent_seconds * G_USEC_PER_SEC);
  }
  /* A second at most: what depends on several times together (replacing, ready) needs no time of its own. */
  return MIN(next, g_get_monotonic_time() + G_USEC_PER_SEC);
}

static void wait_for_events(Supervisor *s) {
  g_autofree struct pollfd *polled = g_new0(struct pollfd, s->lanes->len + 1);
  guint n = s->lanes->len;
  polled[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
  for (guint i = 0; i < n; i++)
    polled[i + 1] = (struct pollfd){.fd = ((Supervised *)s->lanes->pdata[i])->channel, .events = POLLIN};
  gint64 left = MAX(next_time(s) - g_get_monotonic_time(), 0);
  struct timespec timeout = {.tv_sec = left / G_USEC_PER_SEC, .tv_nsec = left % G_USEC_PER_SEC * 1000};
  if (ppoll(polled, n + 1, &timeout, NULL) < 0)
    return;
  if (polled[0].revents)
    take_signals(s);
  /* After the signals: a reload can take long, and what the lanes said meanwhile counts before their silence is judged.
   */
  for (guint i = 0; i < s->lanes->len; i++)
    supervised_listen(s->lanes->pdata[i]);
}

/* Lanes that do not run since the configuration contradicts their state; *all: and no other is wanted. */
static guint refused_lanes(const Supervisor *s, gboolean *all) {
  guint refused = 0, others = 0;
  for (guint i = 0; i < s->lanes->len; i++) {
    const Supervised *lane = s->lanes->pdata[i];
    refused += lane->state == SUPERVISED_STOPPED && lane->is_refused ? 1 : 0;
    others += supervised_is_front(lane->name) || (lane->state == SUPERVISED_STOPPED && lane->is_refused) ? 0 : 1;
  }
  *all = refused > 0 && others == 0;
  return refused;
}

/* With nothing left to run there is nothing to supervise: the exit status says why. */
static void look_at_refused(Supervisor *s) {
  gboolean all;
  guint refused = refused_lanes(s, &all);
  if (s->is_stopping)
    return;
  s->status_at_end = refused ? CLI_EXIT_CONFIGURATION : CLI_EXIT_FINE;
  if (all)
    begin_stop(s);
}

static int supervise(Supervisor *s) {
  sigset_t handled;
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGINT);
  sigaddset(&handled, SIGHUP);
  sigaddset(&handled, SIGCHLD);
  sigprocmask(SIG_BLOCK, &handled, NULL);
  signal(SIGPIPE, SIG_IGN);
  s->signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
  if (s->signals < 0) {
    log_event(LOG_ERROR, "not-started", {"problem", g_strerror(errno)});
    return CLI_EXIT_FAILED;
  }
  s->started_at = g_get_monotonic_time();
  s->watchdog_period = notify_watchdog_period();
  log_event(LOG_INFO, "started", {"version", SALLYPORT_VERSION}, {"pid", log_number(getpid())},
            {"configuration", s->options.configuration});
  for (;;) {
    converge(s);
    look_at_refused(s);
    if (s->is_stopping && s->lanes->len == 0)
      break;
    report_status(s);
    feed_watchdog(s);
    wait_for_events(s);
  }
  log_event(LOG_INFO, "stopped", {"pid", log_number(getpid())});
  close(s->signals);
  return s->status_at_end;
}

static int run_with(Supervisor *s) {
  g_autoptr(GError) error = NULL;
  int pidfile = -1;
  if (s->options.only_lane && !conf_lane(s->conf, s->options.only_lane)) {
    log_event(LOG_ERROR, "not-started", {"problem", "no such lane in the configuration"},
              {"lane", s->options.only_lane});
    return CLI_EXIT_NOT_FOUND;
  }
  if (!files_make_folder(s->conf->node.runtime, &error) ||
      (pidfile = pidfile_take(s->conf->node.runtime, &error)) < 0) {
    log_event(LOG_ERROR, "not-started", {"problem", error->message});
    return CLI_EXIT_FAILED;
  }
  int status = supervise(s);
  pidfile_leave(pidfile);
  return status;
}

int supervisor_run(const SupervisorOptions *options) {
  Supervisor s = {.options = *options, .lanes = g_ptr_array_new_with_free_func((GDestroyNotify)supervised_free)};
  ConfSource *source = NULL;
  if (s.options.stop_seconds == 0)
    s.options.stop_seconds = 20;
  if (s.options.silent_seconds == 0)
    s.options.silent_seconds = 60;
  Conf *conf = supervisor_load(&s.options, FALSE, &source, NULL);
  int status = CLI_EXIT_CONFIGURATION;
  if (conf) {
    supervisor_adopt(&s, conf, source);
    status = run_with(&s);
    g_hash_table_unref(s.wanted);
    conf_free(s.conf);
    conf_source_free(s.source);
  }
  g_ptr_array_unref(s.lanes);
  g_free(s.status);
  return status;
}

pid_t supervisor_pid(const char *runtime) {
  return pidfile_holder(runtime);
}
