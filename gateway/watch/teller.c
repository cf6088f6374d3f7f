#include "gateway/watch/teller.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/endpoint.h"
#include "gateway/common/json_text.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/common/run_command.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_SECONDS = 30, WEBHOOK_SECONDS = 30, LAST_SECONDS = 5, ANSWER_LIMIT = 64 * 1024, LOOK_SECONDS = 1 };
static const guint WAYS[] = {ALARM_BY_COMMAND, ALARM_BY_WEBHOOK};

struct Teller {
  TellerOptions options;
  BookReader *reader;
  pthread_t thread;
  int cancel;           /* eventfd: a running command ends */
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  Courier *courier;
  gboolean is_connecting, woken, stopping, ended, abandoned;
};

guint teller_ways(const ConfAlarms *alarms) {
  return (alarms->command && alarms->command[0] ? ALARM_BY_COMMAND : 0) | (alarms->endpoint ? ALARM_BY_WEBHOOK : 0);
}

/* --- The message */

typedef struct {
  const char *event;
  const BookAlarm *alarm;
  guint times;
} Message;

static char *message_text(const Conf *conf, const char *lane, const Message *message) {
  const BookAlarm *alarm = message->alarm;
  g_autofree char *raised_at = json_text_utc(alarm->raised_at);
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:i}", "event", message->event, "id",
                             alarm->id, "node", conf->node.name, "lane", lane, "kind", alarm->kind, "subject",
                             alarm->subject, "feed", alarm->feed, "text", alarm->text, "raised_at", raised_at, "times",
                             (int)message->times);
  g_autofree char *text = json_text_take(object);
  return g_strconcat(text ? text : "{}", "\n", NULL);
}

/* --- Its ways */

static gboolean by_command(const Conf *conf, const char *text, guint seconds, int cancel, GError **error) {
  CommandRun run = {.argv = conf->alarms.command, .input = text, .seconds = seconds, .cancel = cancel};
  return command_run(&run, error);
}

static int open_text(const char *text, GError **error) {
  int fd = memfd_create("alarm", MFD_CLOEXEC);
  if (fd >= 0 && files_write_all(fd, text, strlen(text), error))
    return fd;
  if (fd < 0)
    sallyport_error_errno(error, errno, "make the alarm's text");
  else
    close(fd);
  return -1;
}

static gboolean post(Courier *courier, const Conf *conf, const char *text, guint seconds, GError **error) {
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  CourierReply reply = {0};
  int body = open_text(text, error), answer = body < 0 ? -1 : open_text("", error);
  CourierPost request = {.path = conf->alarms.path ? conf->alarms.path : "",
                         .headers = headers,
                         .body = body,
                         .body_size = strlen(text),
                         .answer = answer,
                         .answer_limit = ANSWER_LIMIT,
                         .timeout = seconds};
  gboolean ok = answer >= 0 && courier_post(courier, &request, &reply, error);
  if (body >= 0)
    close(body);
  if (answer >= 0)
    close(answer);
  if (ok && reply.status / 100 != 2)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "the webhook answers with status %u", reply.status);
  return ok;
}

static gboolean webhook_endpoint(const Conf *conf, CourierEndpoint *endpoint, GError **error) {
  const ConfPartner *system = conf->alarms.system ? conf_system(conf, conf->alarms.system) : NULL;
  const ConfEndpoint *settings = system ? conf_endpoint(system, conf->alarms.endpoint) : NULL;
  if (!settings)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "the webhook's system or endpoint is not configured");
  *endpoint = endpoint_of(system, settings);
  return TRUE;
}

/* Between is_connecting and its end the thread may be left behind by teller_stop: then it may touch nothing any more.
 */
static Courier *connect_webhook(Teller *teller, GError **error) {
  CourierEndpoint endpoint;
  if (!webhook_endpoint(teller->options.conf, &endpoint, error))
    return NULL;
  pthread_mutex_lock(&teller->lock);
  gboolean stopping = teller->stopping;
  teller->is_connecting = !stopping;
  pthread_mutex_unlock(&teller->lock);
  if (stopping) {
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is stopping");
    return NULL;
  }
  Courier *courier = courier_open(&endpoint, error);
  pthread_mutex_lock(&teller->lock);
  gboolean abandoned = teller->abandoned;
  teller->is_connecting = FALSE;
  teller->courier = courier;
  pthread_mutex_unlock(&teller->lock);
  while (abandoned)
    pause();
  return courier;
}

static gboolean by_webhook(Teller *teller, const char *text, GError **error) {
  Courier *courier = connect_webhook(teller, error);
  gboolean ok = courier && post(courier, teller->options.conf, text, WEBHOOK_SECONDS, error);
  pthread_mutex_lock(&teller->lock);
  teller->courier = NULL;
  pthread_mutex_unlock(&teller->lock);
  courier_close(courier);
  return ok;
}

/* --- One alarm */

static void log_alarm(const Message *message) {
  const BookAlarm *alarm = message->alarm;
  gboolean is_end = g_str_equal(message->event, "cleared");
  g_autofree char *feed = g_strdup(alarm->feed ? alarm->feed : "");
  log_event(is_end ? LOG_INFO : LOG_WARNING, is_end ? "alarm-cleared" : "alarm", {"alarm", alarm->id},
            {"kind", alarm->kind}, {"subject", alarm->subject}, {"feed", feed}, {"text", alarm->text},
            {"detail", alarm->detail ? alarm->detail : ""}, {"times", log_number(message->times)});
}

static const char *event_of(const BookAlarm *alarm) {
  if (alarm->state == ALARM_CLEARED)
    return "cleared";
  return g_str_equal(alarm->kind, "test") ? "test" : alarm->told ? "repeated" : "raised";
}

/* A round that is complete: the next one is due after `repeat`, and there are `repeat_limit` of them behind the first.
 */
static void finish_round(const ConfAlarms *conf, const BookAlarm *alarm, BookAlarm *after, gint64 now) {
  gboolean goes_on = alarm->state == ALARM_STANDING && alarm->told < conf->repeat_limit && conf->repeat > 0;
  after->told = alarm->told + 1;
  after->told_at = now;
  after->failures = 0;
  after->problem = NULL;
  after->next_at = goes_on ? now + (gint64)conf->repeat * G_USEC_PER_SEC : 0;
  after->ways = goes_on ? teller_ways(conf) : 0;
}

typedef struct {
  const BookAlarm *before, *after;
  guint ways;
} Told;

static gboolean told_change(BookTransaction *tx, gpointer data, GError **error) {
  const Told *told = data;
  return book_told_alarm(tx, told->before, told->after, told->ways, error);
}

static void save(Teller *teller, const BookAlarm *before, const BookAlarm *after) {
  g_autoptr(GError) error = NULL;
  Told told = {before, after, teller_ways(&teller->options.conf->alarms)};
  fault_point("alarm-told-before-commit");
  if (!book_write(teller->options.book, told_change, &told, &error))
    log_event(LOG_WARNING, "not-noted", {"alarm", before->id}, {"error", error->message});
}

static gboolean bring_by(Teller *teller, guint way, const char *text, GError **error) {
  fault_point("alarm-before-telling");
  gboolean ok = way == ALARM_BY_COMMAND ? by_command(teller->options.conf, text, COMMAND_SECONDS, teller->cancel, error)
                                        : by_webhook(teller, text, error);
  fault_point("alarm-after-telling");
  return ok;
}

static gboolean is_stopping(Teller *teller) {
  pthread_mutex_lock(&teller->lock);
  gboolean stopping = teller->stopping;
  pthread_mutex_unlock(&teller->lock);
  return stopping;
}

/* *broken: ways that have failed in this pass; they are not tried again for each alarm that waits. */
static void bring(Teller *teller, const BookAlarm *alarm, guint *broken) {
  const ConfAlarms *conf = &teller->options.conf->alarms;
  Message message = {event_of(alarm), alarm, alarm->told + 1};
  g_autofree char *text = message_text(teller->options.conf, teller->options.lane, &message);
  g_autofree char *problem = NULL;
  BookAlarm after = *alarm;
  after.ways &= teller_ways(conf); /* the configuration may have lost one */
  if (alarm->failures == 0)
    log_alarm(&message);
  for (guint i = 0; i < G_N_ELEMENTS(WAYS) && !is_stopping(teller); i++) {
    g_autoptr(GError) error = NULL;
    if (!(after.ways & WAYS[i]) || (*broken & WAYS[i]))
      continue;
    if (bring_by(teller, WAYS[i], text, &error)) {
      after.ways &= ~WAYS[i];
      continue;
    }
    *broken |= WAYS[i];
    log_event(LOG_ERROR, "alarm-not-told", {"alarm", alarm->id},
              {"by", WAYS[i] == ALARM_BY_COMMAND ? "command" : "webhook"}, {"error", error->message},
              {"attempt", log_number(alarm->failures + 1)});
    g_free(problem);
    problem = g_strdup(error->message);
  }
  gint64 now = g_get_real_time();
  if (after.ways == 0)
    finish_round(conf, alarm, &after, now);
  else if (is_stopping(teller) && !problem)
    return;
  else {
    after.failures = alarm->failures + 1;
    after.problem = problem ? problem : alarm->problem;
    after.next_at = now + policy_wait(POLICY_ALARM, alarm->failures + 1);
  }
  save(teller, alarm, &after);
}

static void bring_due(Teller *teller) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) due = book_alarms_to_tell(teller->reader, g_get_real_time(), &error);
  guint broken = 0;
  if (!due)
    log_event(LOG_WARNING, "alarms-unknown", {"error", error->message});
  for (guint i = 0; due && i < due->len && !is_stopping(teller); i++)
    bring(teller, due->pdata[i], &broken);
}

/* --- The thread */

static void wait_a_while(Teller *teller) {
  gint64 until = g_get_monotonic_time() + LOOK_SECONDS * G_USEC_PER_SEC;
  pthread_mutex_lock(&teller->lock);
  while (!teller->woken && !teller->stopping && clock_condition_wait(&teller->changed, &teller->lock, until))
    ;
  teller->woken = FALSE;
  pthread_mutex_unlock(&teller->lock);
}

static void *run_teller(void *data) {
  Teller *teller = data;
  while (!is_stopping(teller)) {
    bring_due(teller);
    wait_a_while(teller);
  }
  pthread_mutex_lock(&teller->lock);
  teller->ended = TRUE;
  pthread_cond_broadcast(&teller->changed);
  pthread_mutex_unlock(&teller->lock);
  return NULL;
}

static void teller_free(Teller *teller) {
  book_reader_close(teller->reader);
  if (teller->cancel >= 0)
    close(teller->cancel);
  pthread_cond_destroy(&teller->changed);
  pthread_mutex_destroy(&teller->lock);
  g_free(teller);
}

Teller *teller_start(const TellerOptions *options, GError **error) {
  Teller *teller = g_new0(Teller, 1);
  teller->options = *options;
  teller->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&teller->lock, NULL);
  clock_condition_init(&teller->changed);
  teller->reader = book_reader_open(options->book_path, error);
  if (teller->reader && pthread_create(&teller->thread, NULL, run_teller, teller) == 0)
    return teller;
  if (teller->reader)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "cannot start a thread");
  teller_free(teller);
  return NULL;
}

void teller_wake(Teller *teller) {
  pthread_mutex_lock(&teller->lock);
  teller->woken = TRUE;
  pthread_cond_broadcast(&teller->changed);
  pthread_mutex_unlock(&teller->lock);
}

gboolean teller_stop(Teller *teller, guint grace_seconds) {
  if (!teller)
    return TRUE;
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  eventfd_write(teller->cancel, 1);
  pthread_mutex_lock(&teller->lock);
  teller->stopping = TRUE;
  pthread_cond_broadcast(&teller->changed);
  if (teller->courier)
    courier_abort(teller->courier);
  while (!teller->ended && clock_condition_wait(&teller->changed, &teller->lock, until))
    ;
  teller->abandoned = !teller->ended && teller->is_connecting;
  gboolean abandoned = teller->abandoned;
  pthread_mutex_unlock(&teller->lock);
  if (abandoned)
    return FALSE;
  pthread_join(teller->thread, NULL);
  teller_free(teller);
  return TRUE;
}

/* --- Without the book */

void teller_tell_unsaved(const Conf *conf, const char *lane, const char *kind, const char *text) {
  g_autofree char *subject = g_strdup_printf("lane %s", lane), *id = g_strnfill(16, '0');
  BookAlarm alarm = {
      .id = id, .kind = (char *)kind, .subject = subject, .text = (char *)text, .raised_at = g_get_real_time()};
  Message message = {"raised", &alarm, 1};
  g_autofree char *body = message_text(conf, lane, &message);
  guint ways = teller_ways(&conf->alarms);
  g_autoptr(GError) error = NULL, unposted = NULL;
  log_alarm(&message);
  if ((ways & ALARM_BY_COMMAND) && !by_command(conf, body, LAST_SECONDS, -1, &error))
    log_event(LOG_ERROR, "alarm-not-told", {"by", "command"}, {"error", error->message});
  CourierEndpoint endpoint;
  if (!(ways & ALARM_BY_WEBHOOK) || !webhook_endpoint(conf, &endpoint, &unposted))
    return;
  endpoint.connect_timeout = endpoint.io_timeout = LAST_SECONDS;
  Courier *courier = courier_open(&endpoint, &unposted);
  if (!courier || !post(courier, conf, body, LAST_SECONDS, &unposted))
    log_event(LOG_ERROR, "alarm-not-told", {"by", "webhook"}, {"error", unposted->message});
  courier_close(courier);
}
