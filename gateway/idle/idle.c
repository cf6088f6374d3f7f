#include "gateway/idle/idle.h"
#include "gateway/base/clock.h"
#include "gateway/common/log.h"
#include "gateway/common/run_command.h"
#include "gateway/idle/decide.h"
#include "store/book_watch.h"
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_SECONDS = 1, PROBE_SECONDS = 5, WAITING_SECONDS = 2, WAITING_SECONDS_MOST = 60, WAITING_MOST = 100000 };
enum { SLOWLY = 10, COST = 50 /* counting costs at most one part in so many */ };
enum { IOPRIO_OF_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

struct Idle {
  const ConfIdle *conf;
  const gint *stopping;
  RemotePace pace;
  pthread_mutex_t lock; /* of all down to `failed` */
  pthread_cond_t changed;
  IdleState state;
  IdleSample sample;
  gboolean is_late; /* something has waited for `latest` */
  gboolean is_ending;
  gint64 next_piece;       /* monotonic: not before */
  gint64 deferred;         /* microseconds in which something waited and the machine was busy */
  guint64 own_cpu, bytes;  /* microseconds of processors, and bytes sent, since the start */
  guint waiting;           /* files */
  gint64 oldest;           /* of them: arrival, microseconds since 1970 */
  char *failed;            /* the signals cannot be read: busy, then */
  /* the thread's own */
  const LaneHost *host;
  BookReader *reader;
  pthread_t thread;
  IdleSources sources;
  IdleReading last;
  guint64 own_at_start;
  gint64 count_at; /* when the waiting files are counted next */
  gint64 told_hours; /* of the alarm; -1: none stands, -2: not known */
  int cancel;
};

static gboolean is_open(const Idle *idle) {
  return idle->state.is_idle || (idle->is_late && idle->conf->at_latest == CONF_AT_LATEST_SLOWLY);
}

gboolean idle_may_work(Idle *idle) {
  if (!idle)
    return TRUE;
  pthread_mutex_lock(&idle->lock);
  gboolean may = is_open(idle);
  pthread_mutex_unlock(&idle->lock);
  return may;
}

/* --- Pieces */

/* A bucket that holds one piece: after a pause there is no burst. */
static gint64 piece_due(Idle *idle, guint64 bytes, gint64 now) {
  guint64 rate = idle->state.is_idle ? idle->conf->bandwidth : MAX(idle->conf->bandwidth / SLOWLY, 1);
  if (idle->next_piece > now)
    return idle->next_piece;
  idle->next_piece = now + (gint64)(bytes * G_USEC_PER_SEC / rate);
  idle->bytes += bytes;
  return 0;
}

/* Looks a few times a second at whether the lane ends. */
static gboolean wait_for_piece(gpointer user, guint64 bytes, GError **error) {
  Idle *idle = user;
  gint64 due = 1;
  pthread_mutex_lock(&idle->lock);
  while (!g_atomic_int_get(idle->stopping)) {
    gint64 now = g_get_monotonic_time(), soon = now + G_USEC_PER_SEC / 4;
    due = is_open(idle) ? piece_due(idle, bytes, now) : soon;
    if (due == 0)
      break;
    clock_condition_wait(&idle->changed, &idle->lock, MIN(due, soon));
  }
  pthread_mutex_unlock(&idle->lock);
  return due == 0 || sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is stopping");
}

static gboolean may_go_on(gpointer user) {
  Idle *idle = user;
  pthread_mutex_lock(&idle->lock);
  gboolean may = is_open(idle);
  pthread_mutex_unlock(&idle->lock);
  return may;
}

const RemotePace *idle_pace(Idle *idle) {
  return idle ? &idle->pace : NULL;
}

/* --- What decides */

static const char *says_no(Idle *idle) {
  const ConfIdle *conf = idle->conf;
  const char *zone = idle->host->conf->node.time_zone;
  g_autoptr(GTimeZone) here = zone ? g_time_zone_new_identifier(zone) : g_time_zone_new_utc();
  g_autoptr(GDateTime) now = g_date_time_new_now(here ? here : g_time_zone_new_utc());
  guint second = (guint)(g_date_time_get_hour(now) * 3600 + g_date_time_get_minute(now) * 60 +
                         g_date_time_get_second(now));
  if (!idle_in_window(conf, second))
    return "it is not the time of the day";
  if (conf->veto_file && access(conf->veto_file, F_OK) == 0)
    return "the veto file is there";
  const CommandRun probe = {.argv = conf->probe, .input = "", .seconds = PROBE_SECONDS, .cancel = idle->cancel};
  g_autoptr(GError) ignored = NULL;
  return conf->probe && !command_run(&probe, &ignored) ? "the probe says so" : NULL;
}

typedef struct {
  guint count;
  gint64 oldest;
} Waiting;

/* Those that have arrived, and whose way is not at its end; a person's are not ours. */
static gboolean count_waiting(Idle *idle, Waiting *waiting, GError **error) {
  guint64 others = 1u << FILE_SEEN | 1u << FILE_CLOSED | 1u << FILE_GONE | 1u << FILE_HELD;
  BookFilter filter = {.states = ((1u << FILE_N_STATES) - 1) & ~others, .limit = WAITING_MOST};
  g_autoptr(GPtrArray) files = book_files(idle->reader, &filter, error);
  *waiting = (Waiting){.count = files ? files->len : 0};
  for (guint i = 0; i < waiting->count; i++) {
    gint64 seen = ((const BookFile *)files->pdata[i])->seen_at;
    waiting->oldest = waiting->oldest ? MIN(waiting->oldest, seen) : seen;
  }
  return files != NULL;
}

typedef struct {
  const Idle *idle;
  const Waiting *waiting;
  const char *why;
  gint64 hours;
} Late;

static gboolean clear_change(BookTransaction *tx, gpointer data, GError **error) {
  const Idle *idle = data;
  return book_clear_alarm(tx, "idle-deferred", idle->host->lane->name, idle->host->alarm_ways, error);
}

static gboolean late_change(BookTransaction *tx, gpointer data, GError **error) {
  const Late *late = data;
  const Idle *idle = late->idle;
  const char *lane = idle->host->lane->name;
  g_autofree char *text = g_strdup_printf("lane %s waits for an idle machine: %u files, the oldest for "
                                          "%" G_GINT64_FORMAT " hours; %s",
                                          lane, late->waiting->count, late->hours,
                                          idle->conf->at_latest == CONF_AT_LATEST_SLOWLY ? "it is sent slowly now"
                                                                                         : "nothing is sent");
  return book_raise_alarm(tx,
                          &(AlarmCall){.kind = "idle-deferred",
                                       .subject = lane,
                                       .text = text,
                                       .detail = late->why ? late->why : "it is idle now",
                                       .weight = late->hours,
                                       .ways = idle->host->alarm_ways},
                          error);
}

/* Once for each hour. */
static void tell_late(Idle *idle, gboolean is_late, const Waiting *waiting, const char *why) {
  g_autoptr(GError) error = NULL;
  gint64 hours = is_late ? (g_get_real_time() - waiting->oldest) / G_USEC_PER_SEC / 3600 : -1;
  Late late = {idle, waiting, why, hours};
  if (hours == idle->told_hours)
    return;
  if (book_write(idle->host->book, is_late ? late_change : clear_change, is_late ? (gpointer)&late : idle, &error))
    idle->told_hours = hours;
  else
    log_event(LOG_WARNING, "not-noted", {"error", error->message});
}

static void look_at_waiting(Idle *idle) {
  gint64 now = g_get_monotonic_time();
  Waiting waiting;
  g_autoptr(GError) error = NULL;
  if (now < idle->count_at)
    return;
  gboolean ok = count_waiting(idle, &waiting, &error);
  gint64 cost = g_get_monotonic_time() - now;
  idle->count_at = now + CLAMP(cost * COST, WAITING_SECONDS * (gint64)G_USEC_PER_SEC,
                               WAITING_SECONDS_MOST * (gint64)G_USEC_PER_SEC);
  if (!ok) {
    log_event(LOG_WARNING, "idle-not-counted", {"error", error->message});
    return;
  }
  gboolean is_late = waiting.oldest > 0 &&
                     g_get_real_time() - waiting.oldest >= (gint64)idle->conf->latest * G_USEC_PER_SEC;
  pthread_mutex_lock(&idle->lock);
  idle->is_late = is_late;
  idle->waiting = waiting.count;
  idle->oldest = waiting.oldest;
  const char *why = idle->state.why;
  pthread_mutex_unlock(&idle->lock);
  tell_late(idle, is_late, &waiting, why);
}

static void take_sample(Idle *idle, const IdleReading *reading, const char *no) {
  IdleSample sample;
  if (!idle_between(&idle->last, reading, &sample))
    return;
  pthread_mutex_lock(&idle->lock);
  gboolean was_idle = idle->state.is_idle;
  idle->sample = sample;
  idle->own_cpu = reading->own > idle->own_at_start ? reading->own - idle->own_at_start : 0;
  idle->deferred += !is_open(idle) && idle->waiting > 0 ? reading->at - idle->last.at : 0;
  idle_decide(idle->conf, &idle->state, &sample, no, reading->at);
  gboolean is_other = idle->state.is_idle != was_idle;
  const char *why = idle->state.why;
  pthread_cond_broadcast(&idle->changed);
  pthread_mutex_unlock(&idle->lock);
  if (is_other)
    log_event(LOG_INFO, "idle", {"state", was_idle ? "busy" : "idle"}, {"why", why},
              {"cpu_others", log_number(sample.cpu / 10)}, {"io_some", log_number(sample.io / 10)},
              {"memory_some", log_number(sample.memory / 10)});
}

/* Signals that cannot be read mean that nothing is known: busy. */
static void look(Idle *idle) {
  IdleReading reading;
  g_autoptr(GError) error = NULL;
  const char *no = says_no(idle);
  gboolean ok = idle_read(&idle->sources, &reading, &error), is_news = FALSE;
  pthread_mutex_lock(&idle->lock);
  is_news = !ok && !idle->failed;
  g_free(idle->failed);
  idle->failed = ok ? NULL : g_strdup(error->message);
  if (!ok)
    idle->state = (IdleState){.why = "the signals cannot be read", .transitions = idle->state.transitions};
  pthread_mutex_unlock(&idle->lock);
  if (is_news)
    log_event(LOG_ERROR, "idle-unknown", {"error", error->message});
  if (!ok)
    return;
  if (idle->last.at == 0)
    idle->own_at_start = reading.own;
  take_sample(idle, &reading, no);
  idle->last = reading;
}

static gboolean wait_a_second(Idle *idle) {
  gint64 until = g_get_monotonic_time() + LOOK_SECONDS * G_USEC_PER_SEC;
  pthread_mutex_lock(&idle->lock);
  while (!idle->is_ending && clock_condition_wait(&idle->changed, &idle->lock, until))
    ;
  gboolean goes_on = !idle->is_ending;
  pthread_mutex_unlock(&idle->lock);
  return goes_on;
}

static void *run(void *user) {
  Idle *idle = user;
  do {
    gboolean could = idle_may_work(idle);
    look(idle);
    look_at_waiting(idle);
    if (!could && idle_may_work(idle))
      idle->host->wake(idle->host->user);
  } while (wait_a_second(idle));
  return NULL;
}

/* --- What people see */

static json_t *told(Idle *idle) {
  pthread_mutex_lock(&idle->lock);
  const IdleState *state = &idle->state;
  gint64 now = g_get_monotonic_time();
  json_t *object = json_pack("{s:b, s:b, s:s*, s:I, s:i, s:i, s:i, s:s, s:s*}", "idle", state->is_idle, "works",
                             is_open(idle), "why", state->why, "for_seconds",
                             (json_int_t)(state->since ? (now - state->since) / G_USEC_PER_SEC : 0), "cpu_others",
                             (int)idle->sample.cpu, "io_some", (int)idle->sample.io, "memory_some",
                             (int)idle->sample.memory, "signals", idle->sample.is_reduced ? "reduced" : "all",
                             "problem", idle->failed);
  json_t *more = json_pack("{s:I, s:I, s:I, s:I, s:i}", "transitions", (json_int_t)state->transitions,
                           "deferred_seconds", (json_int_t)(idle->deferred / G_USEC_PER_SEC), "own_cpu_us",
                           (json_int_t)idle->own_cpu, "bytes", (json_int_t)idle->bytes, "waiting", (int)idle->waiting);
  pthread_mutex_unlock(&idle->lock);
  json_object_update(object, more);
  json_decref(more);
  return object;
}

static json_t *answer_idle(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  (void)host, (void)who, (void)request;
  return service ? json_pack("{s:b, s:o}", "ok", TRUE, "idle", told(service))
                 : json_pack("{s:b, s:s}", "ok", FALSE, "error", "this lane has no idle { }");
}

static json_t *status(gpointer service) {
  return told(service);
}
static const LaneRequest requests[] = {{"idle", answer_idle}, {NULL, NULL}};

/* --- Beginning and end */

/* Neither can be refused; and a scheduler that knows no priorities for disks still has our pieces. */
static void step_back(void) {
  const struct sched_param none = {0};
  sched_setscheduler(0, SCHED_IDLE, &none);
  syscall(SYS_ioprio_set, IOPRIO_OF_PROCESS, 0, IOPRIO_IDLE);
}

Idle *idle_new(const ConfIdle *conf, const gint *stopping) {
  Idle *idle = g_new0(Idle, 1);
  *idle = (Idle){.conf = conf,
                 .stopping = stopping,
                 .told_hours = -2,
                 .pace = {.piece = conf->piece, .next = wait_for_piece, .may = may_go_on, .user = idle},
                 .state = {.why = "it has only begun to look"},
                 .sources = {.root = "", .ours = getppid()},
                 .cancel = eventfd(0, EFD_CLOEXEC)};
  pthread_mutex_init(&idle->lock, NULL);
  clock_condition_init(&idle->changed);
  step_back();
  return idle;
}

void idle_free(Idle *idle) {
  if (!idle)
    return;
  pthread_cond_destroy(&idle->changed);
  pthread_mutex_destroy(&idle->lock);
  close(idle->cancel);
  g_free(idle->failed);
  g_free(idle);
}

static gpointer start_looking(const LaneHost *host, GError **error) {
  Idle *idle = host->idle;
  if (!idle)
    return NULL;
  idle->host = host;
  if (!(idle->reader = book_reader_open(host->paths->book, error)))
    return NULL;
  int number = pthread_create(&idle->thread, NULL, run, idle);
  if (number == 0)
    return idle;
  sallyport_error_errno(error, number, "start the thread that looks whether the machine is idle");
  g_clear_pointer(&idle->reader, book_reader_close);
  return NULL;
}

static gboolean stop_looking(gpointer service, guint grace_seconds) {
  Idle *idle = service;
  (void)grace_seconds;
  eventfd_write(idle->cancel, 1);
  pthread_mutex_lock(&idle->lock);
  idle->is_ending = TRUE;
  pthread_cond_broadcast(&idle->changed);
  pthread_mutex_unlock(&idle->lock);
  pthread_join(idle->thread, NULL);
  return TRUE;
}

static void end_looking(gpointer service) {
  g_clear_pointer(&((Idle *)service)->reader, book_reader_close);
}

const LaneService idle_service = {.name = "idle",
                                  .start = start_looking,
                                  .stop = stop_looking,
                                  .free = end_looking,
                                  .requests = requests,
                                  .status = status};
