#include "gateway/idle/idle.h"
#include "gateway/replay/collect.h"
#include "gateway/lane/lane_private.h"
#include "crypto/openpgp.h"
#include "gateway/common/key_use.h"
#include "gateway/common/log.h"
#include "gateway/watch/alarm.h"
#include "gateway/watch/teller.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <malloc.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { HEARTBEAT_SECONDS = 5, LONGEST_SLEEP_MS = 500, GRACE_SECONDS = 5, HOUSEKEEPING_SECONDS = 3600 };

/* --- Signals and hints that end a sleep */

typedef struct {
  int signals, hints;
  GHashTable *watches; /* inotify watch → Feed* */
} Senses;

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads inherit it; couriers reset it */
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* inotify only hastens a poll: hard links and network shares say nothing, so polling always goes on. */
static void watch_local_folders(Lane *lane, Senses *senses) {
  senses->watches = g_hash_table_new(g_direct_hash, g_direct_equal);
  senses->hints = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  for (guint i = 0; senses->hints >= 0 && i < lane->feeds->feeds->len; i++) {
    Feed *feed = lane->feeds->feeds->pdata[i];
    const ConfEndpoint *endpoint = conf_endpoint(feed->partner, feed->conf->source.endpoint);
    if (endpoint->scheme != CONF_URL_FILE)
      continue;
    g_autofree char *path = g_build_filename(endpoint->folder, feed->conf->source.path, NULL);
    int watch = inotify_add_watch(senses->hints, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
    if (watch >= 0)
      g_hash_table_insert(senses->watches, GINT_TO_POINTER(watch), feed);
  }
}

static void read_hints(Lane *lane, Senses *senses) {
  _Alignas(struct inotify_event) char buffer[16 * 1024];
  ssize_t length;
  while ((length = read(senses->hints, buffer, sizeof buffer)) > 0)
    for (char *at = buffer; at < buffer + length;) {
      const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
      Feed *feed = g_hash_table_lookup(senses->watches, GINT_TO_POINTER(event->wd));
      pthread_mutex_lock(&lane->lock);
      if (feed && schedule_has(feed->schedule, g_get_real_time()))
        feed->next_poll = 0;
      pthread_mutex_unlock(&lane->lock);
      at += sizeof *event + event->len;
    }
}

static void senses_close(Senses *senses) {
  if (senses->signals >= 0)
    close(senses->signals);
  if (senses->hints >= 0)
    close(senses->hints);
  g_clear_pointer(&senses->watches, g_hash_table_unref);
}

/* --- The main loop: sleeps, looks, hands out work; does none itself */

static int sleep_ms(Lane *lane) {
  gint64 wait = (lane_next_poll(lane) - g_get_real_time()) / 1000;
  return (int)CLAMP(wait, 0, LONGEST_SLEEP_MS);
}

static void beat(int supervisor, gint64 *last) {
  gint64 now = g_get_monotonic_time();
  if (supervisor < 0 || now - *last < HEARTBEAT_SECONDS * G_USEC_PER_SEC)
    return;
  *last = now;
  if (write(supervisor, ".", 1) < 0 && errno == EPIPE)
    log_event(LOG_WARNING, "supervisor-gone", {"error", g_strerror(errno)});
}

static void keep_house(Lane *lane, gint64 *last, guint *hours) {
  gint64 now = g_get_monotonic_time();
  if (*last > 0 && now - *last < (gint64)HOUSEKEEPING_SECONDS * G_USEC_PER_SEC)
    return;
  *last = now;
  lane_keep_house(lane, (*hours)++);
}

/* Whether the lane is to end. */
static gboolean look_around(Lane *lane, Senses *senses, int supervisor) {
  struct pollfd ends[] = {
      {senses->signals, POLLIN, 0}, {lane->wake, POLLIN, 0}, {senses->hints, POLLIN, 0}, {supervisor, POLLIN, 0}};
  if (poll(ends, G_N_ELEMENTS(ends), sleep_ms(lane)) < 0 && errno != EINTR)
    return TRUE;
  if (ends[0].revents)
    return TRUE;
  if (ends[1].revents) {
    eventfd_t count;
    eventfd_read(lane->wake, &count);
  }
  if (ends[2].revents)
    read_hints(lane, senses);
  if (ends[3].revents && !lane_listen(lane, supervisor))
    return TRUE; /* the supervisor is gone: finish */
  pthread_mutex_lock(&lane->lock);
  gboolean stopping = lane->stopping;
  pthread_mutex_unlock(&lane->lock);
  return stopping;
}

static void live(Lane *lane, Senses *senses, int supervisor) {
  gint64 last_beat = 0, last_housekeeping = 0;
  guint hours = 0;
  for (gboolean ending = FALSE; !ending;) {
    beat(supervisor, &last_beat);
    keep_house(lane, &last_housekeeping, &hours);
    g_autoptr(GError) error = NULL;
    if (!lane_pump(lane, &error)) {
      log_event(LOG_ERROR, "pump-failed", {"error", error->message});
      if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
        lane_stop(lane, CHILD_EXIT_DISTRUST);
    }
    ending = look_around(lane, senses, supervisor);
  }
}

/* --- Beginning and end */

static gboolean open_stores(Lane *lane, GError **error) {
  if (!lane_admit(lane, error) || !lane_paths_make(lane->paths, &lane->conf->node, error))
    return FALSE;
  if (key_uses_any(lane->conf) && !openpgp_start(error))
    return FALSE;
  lane->flow.book = book_open(lane->paths->book, lane->paths->tip, error);
  if (!lane->flow.book || !(lane->reader = book_reader_open(lane->paths->book, error)))
    return FALSE;
  g_autoptr(GPtrArray) decided = book_intents(lane->reader, NULL, error);
  lane->feeds = decided ? feeds_open(lane->conf, lane->settings, lane->paths, error) : NULL;
  return lane->feeds && feeds_add_decided(lane->feeds, lane->conf, lane->paths, decided, error) &&
         lane_recover(lane, error) && lane_mark_running(lane, error) && lane_note_start(lane, error);
}

static void poll_feed_now(gpointer user, const char *name) {
  Lane *lane = user;
  Feed *feed = feeds_find(lane->feeds, name);
  if (feed)
    lane_poll_now(lane, feed);
}

static void stop_for_storage(gpointer lane) {
  lane_stop(lane, CHILD_EXIT_DISTRUST);
}

static void wake_lane(gpointer lane) {
  lane_wake(lane);
}

static void set_host(Lane *lane) {
  lane->host = (LaneHost){.conf = lane->conf,
                          .lane = lane->settings,
                          .paths = lane->paths,
                          .book = lane->flow.book,
                          .feeds = lane->feeds,
                          .alarms = alarms_new(lane->flow.book, lane->flow.alarm_ways),
                          .gate = lane->flow.gate,
                          .alarm_ways = lane->flow.alarm_ways,
                          .threads = lane->flow.threads,
                          .started_at = lane->started_at,
                          .idle = lane->idle,
                          .pace = lane->flow.pace,
                          .collector = lane->collector,
                          .poll_now = poll_feed_now,
                          .wake = wake_lane,
                          .storage_failed = stop_for_storage,
                          .user = lane};
}

static gboolean start(Lane *lane, GError **error) {
  guint threads = lane->settings->threads ? lane->settings->threads : MAX(g_get_num_processors(), 1);
  lane->flow.conf = lane->conf;
  lane->flow.paths = lane->paths;
  lane->flow.threads = threads;
  lane->flow.alarm_ways = teller_ways(&lane->conf->alarms);
  lane->flow.gate = keygate_new();
  lane->idle = lane->settings->idle.present ? idle_new(&lane->settings->idle, &lane->flow.stopping) : NULL;
  lane->flow.pace = idle_pace(lane->idle);
  lane->collector = collector_new(lane->conf, lane->settings, lane->paths);
  lane->flow.validated = collector_sink(lane->collector);
  if (!open_stores(lane, error) || !(lane->workers = workers_start(threads, lane->paths->book, error)))
    return FALSE;
  set_host(lane);
  lane->services = services_new();
  if (!services_start(lane->services, &lane->host, error))
    return FALSE;
  lane->control = control_server_start(lane->paths->control, lane_request, lane, error);
  return lane->control != NULL;
}

/* In the order in which one uses the other. What has not finished is in the book, and goes on at the next start. */
static void stop(Lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->stopping = TRUE;
  g_atomic_int_set(&lane->flow.stopping, 1);
  pthread_mutex_unlock(&lane->lock);
  control_server_stop(lane->control);
  gboolean are_services_stuck = !services_stop(lane->services, GRACE_SECONDS);
  lane->is_stuck = !feeds_stop_pools(lane->feeds, GRACE_SECONDS) || are_services_stuck;
  workers_stop(lane->workers);
  if (!lane->is_stuck) { /* else a pool's thread may still hold an errand of a service */
    services_free(lane->services);
    g_clear_pointer(&lane->idle, idle_free);
    g_clear_pointer(&lane->collector, collector_free);
    g_clear_pointer(&lane->host.alarms, alarms_free);
  }
  feeds_close(lane->feeds);
  book_reader_close(lane->reader);
  if (lane->flow.book)
    book_close(lane->flow.book);
  keygate_free(lane->flow.gate);
  suspects_close(lane->suspects);
}

static gboolean load_configuration(Lane *lane, int fd, GError **error) {
  ConfSource *source = conf_source_load(fd, error);
  if (!source)
    return FALSE;
  ConfReport *report = conf_report_new();
  lane->conf = conf_parse(source, report);
  lane->digest = conf_source_digest(source);
  lane->settings = lane->conf ? conf_lane(lane->conf, lane->name) : NULL;
  if (lane->conf && !lane->settings)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "there is no lane \"%s\" in the configuration",
                        lane->name);
  else if (!lane->conf)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the configuration has %u errors; the first: %s",
                        report->errors,
                        report->findings->len ? ((ConfFinding *)report->findings->pdata[0])->message : "none told");
  conf_report_free(report);
  conf_source_free(source);
  return lane->settings != NULL;
}

static void lane_clear(Lane *lane) {
  if (lane->is_stuck) /* a thread still reads the configuration: both end with the process */
    return;
  g_hash_table_unref(lane->active);
  lane_paths_free(lane->paths);
  conf_free(lane->conf);
  g_free(lane->digest);
  pthread_mutex_destroy(&lane->lock);
  close(lane->wake);
}

static void run_lane(Lane *lane, const LaneOptions *options) {
  g_autoptr(GError) error = NULL;
  Senses senses = {.signals = open_signals(), .hints = -1};
  if (start(lane, &error)) {
    watch_local_folders(lane, &senses);
    log_event(LOG_INFO, "lane-ready", {"threads", log_number(lane->flow.threads)},
              {"feeds", log_number(lane->feeds->feeds->len)});
    live(lane, &senses, options->supervisor_fd);
    log_event(LOG_INFO, "lane-stopping", {"exit_status", log_number(lane->exit_status)});
  } else {
    log_event(LOG_ERROR, "lane-cannot-start", {"error", error->message});
    if (lane->exit_status != CHILD_EXIT_CONTRADICTED)
      lane->exit_status = sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE ? CHILD_EXIT_DISTRUST
                                                                                 : CHILD_EXIT_FAILED;
  }
  gboolean was_running = lane->control != NULL;
  stop(lane);
  if (lane->exit_status == CHILD_EXIT_DISTRUST)
    teller_tell_unsaved(lane->conf, lane->name, "storage-failed",
                        "the lane has stopped: its disk or store cannot be trusted any more; it stays down until the "
                        "service is restarted");
  if (lane->exit_status == CHILD_EXIT_CONTRADICTED)
    teller_tell_unsaved(lane->conf, lane->name, "configuration-contradicts",
                        "the lane does not run: the configuration contradicts what its books hold; `sallyport check` "
                        "says in what, and the way out");
  if (was_running && lane->exit_status == CHILD_EXIT_FINE)
    lane_mark_stopped(lane);
  senses_close(&senses);
}

int lane_run(const LaneOptions *options) {
  /* a heap for each thread would keep what each of them has needed once: a listing of 200,000 names is 40 MiB */
  mallopt(M_ARENA_MAX, 2);
  Lane lane = {.name = options->name,
               .started_at = g_get_real_time(),
               .idle_since = g_get_monotonic_time(),
               .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  g_autoptr(GError) error = NULL;
  pthread_mutex_init(&lane.lock, NULL);
  lane.active = g_hash_table_new(g_str_hash, g_str_equal);
  log_setup(LOG_INFO, FALSE, options->name);
  if (!load_configuration(&lane, options->configuration_fd, &error)) {
    log_event(LOG_ERROR, "lane-cannot-start", {"error", error->message});
    lane_clear(&lane);
    return CHILD_EXIT_FAILED;
  }
  log_setup((LogLevel)lane.conf->node.log_level, lane.conf->node.log_format == CONF_LOG_JSON, options->name);
  lane.paths = lane_paths_new(&lane.conf->node, options->name);
  run_lane(&lane, options);
  lane_clear(&lane);
  log_event(LOG_INFO, "lane-stopped", {"status", log_number(lane.exit_status)});
  return (int)lane.exit_status;
}
