/* Looks now and then whether a table has got a version that suspended usage has waited for, and has it priced. */
#include "gateway/processors/rating/rating_service.h"
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/processors/rating/intake.h"
#include "store/book_watch.h"
#include <errno.h>
#include <time.h>

enum { EVERY_SECONDS = 2 };

typedef struct {
  const LaneHost *host;
  GPtrArray *desks; /* RatingDesk*: the feeds', … */
  GPtrArray *own;   /* … and those that no feed is of */
  Intake *intake;   /* NULL: none */
  CdrPusher *pusher;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gint stopping; /* atomic, and changed under the lock */
} RatingService;

static gboolean raise_alarm(BookTransaction *tx, gpointer call, GError **error) {
  return book_raise_alarm(tx, call, error);
}

/* The alarm comes first: a crash behind it leaves those that it tells of to the next start. */
static gboolean give_up(const RatingService *service, RatingDesk *desk, GError **error) {
  const LaneHost *host = service->host;
  gboolean any;
  guint64 records = 0;
  if (!rating_desk_overdue(desk, &any, error))
    return FALSE;
  if (!any)
    return TRUE;
  g_autofree char *text = g_strdup_printf("rating \"%s\": usage has waited for longer than suspend-limit for a "
                                          "product, a rate or a member, and is refused", desk->name);
  AlarmCall call = {.kind = "rates-missing", .subject = desk->name, .text = text,
                    .weight = g_get_real_time() / G_USEC_PER_SEC, .ways = host->alarm_ways};
  if (!book_write(host->book, raise_alarm, &call, error) ||
      !rating_desk_give_up(desk, MAX(host->threads, 1), &service->stopping, &records, error))
    return FALSE;
  log_event(LOG_WARNING, "rating-given-up", {"rating", desk->name}, {"records", log_number((gint64)records)});
  return TRUE;
}

/* What others have put there does not wait for a file of ours that cannot be written. */
static gboolean take_turn(RatingDesk *desk, const CdrTurn *turn, GError **error) {
  guint written;
  GError *why = NULL;
  gboolean ok = cdr_take_turn(desk, turn, &written, &why);
  g_autofree char *text = ok ? NULL : g_strdup_printf("rating %s: a full file cannot be made, and those behind it "
                                                      "wait: %s", desk->name, why->message);
  if (g_strcmp0(desk->trouble, text ? text : "") != 0) {
    cdr_alarm(turn->host, "full-file-failing", desk->name, text);
    g_free(desk->trouble);
    desk->trouble = g_strdup(text ? text : "");
  }
  cdr_take_incoming(desk, turn);
  if (why)
    g_propagate_error(error, why);
  return ok;
}

static gboolean settle_desk(const RatingService *service, RatingDesk *desk, guint64 *settled, GError **error) {
  const LaneHost *host = service->host;
  DeskPlace place = {host->conf, host->lane, host->paths->folder};
  rating_desk_take(desk);
  CdrTurn turn = {host, place.folder, g_get_real_time(), FALSE};
  gboolean ok = rating_desk_open(desk, &place, error) &&
                rating_desk_settle(desk, MAX(host->threads, 1), &service->stopping, settled, error) &&
                give_up(service, desk, error) && take_turn(desk, &turn, error);
  rating_desk_let_go(desk);
  rating_desk_give_back(desk);
  return ok;
}

static void look_at(const RatingService *service, RatingDesk *desk) {
  g_autoptr(GError) error = NULL;
  guint64 settled = 0;
  if (!settle_desk(service, desk, &settled, &error)) {
    log_event(LOG_WARNING, "rating-not-settled", {"rating", desk->name}, {"error", error->message});
    if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
      service->host->storage_failed(service->host->user);
  } else if (settled > 0) {
    log_event(LOG_INFO, "rating-settled", {"rating", desk->name}, {"records", log_number((gint64)settled)});
  }
}

static void *run(void *data) {
  RatingService *service = data;
  pthread_mutex_lock(&service->lock);
  while (!service->stopping) {
    pthread_mutex_unlock(&service->lock);
    for (guint i = 0; i < service->desks->len && !g_atomic_int_get(&service->stopping); i++)
      look_at(service, service->desks->pdata[i]);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVERY_SECONDS;
    pthread_mutex_lock(&service->lock);
    while (!service->stopping && pthread_cond_timedwait(&service->changed, &service->lock, &until) != ETIMEDOUT)
      continue;
  }
  pthread_mutex_unlock(&service->lock);
  return NULL;
}

static void free_service(gpointer data) {
  RatingService *service = data;
  intake_free(service->intake);
  g_ptr_array_unref(service->desks);
  g_ptr_array_unref(service->own);
  pthread_cond_destroy(&service->changed);
  pthread_mutex_destroy(&service->lock);
  g_free(service);
}

static void end(RatingService *service) {
  pthread_mutex_lock(&service->lock);
  g_atomic_int_set(&service->stopping, 1);
  pthread_cond_signal(&service->changed);
  pthread_mutex_unlock(&service->lock);
  pthread_join(service->thread, NULL);
}

static RatingDesk *desk_named(const RatingService *service, const char *name) {
  for (guint i = 0; service && i < service->desks->len; i++)
    if (g_strcmp0(((RatingDesk *)service->desks->pdata[i])->name, name) == 0)
      return service->desks->pdata[i];
  return NULL;
}

static void find_desks(RatingService *service) {
  const LaneHost *host = service->host;
  for (guint i = 0; i < host->feeds->feeds->len; i++) {
    const Feed *feed = host->feeds->feeds->pdata[i];
    if (feed->conf->process == CONF_PROCESS_RATING && !g_ptr_array_find(service->desks, feed->shared, NULL))
      g_ptr_array_add(service->desks, feed->shared);
  }
  for (guint i = 0; host->lane->ratings && i < host->lane->ratings->len; i++) {
    const ConfRating *rating = host->lane->ratings->pdata[i];
    if (!rating->intake.present || desk_named(service, rating->name))
      continue;
    g_ptr_array_add(service->own, rating_desk_new(rating->name));
    g_ptr_array_add(service->desks, service->own->pdata[service->own->len - 1]);
  }
}

static RatingService *new_service(const LaneHost *host) {
  RatingService *service = g_new0(RatingService, 1);
  pthread_condattr_t monotonic;
  service->host = host;
  service->desks = g_ptr_array_new();
  service->own = g_ptr_array_new_with_free_func(rating_desk_free);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&service->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&service->lock, NULL);
  find_desks(service);
  return service;
}

/* Both threads, or none. */
static gboolean begin(RatingService *service, GError **error) {
  int wrong = pthread_create(&service->thread, NULL, run, service);
  if (wrong)
    return sallyport_error_errno(error, wrong, "the thread that rates what was suspended");
  if ((service->pusher = cdr_pusher_start(service->host, service->desks, error)))
    return TRUE;
  end(service);
  return FALSE;
}

static gpointer start(const LaneHost *host, GError **error) {
  RatingService *service = new_service(host);
  GError *wrong = NULL;
  service->intake = intake_open(host, service->desks, &wrong);
  if (service->desks->len > 0 && !wrong && begin(service, &wrong))
    return service;
  intake_end(service->intake, 0);
  free_service(service);
  if (wrong)
    g_propagate_error(error, wrong);
  return NULL;
}

/* A pass of the thread takes no longer than some thousand records. */
static gboolean stop(gpointer data, guint grace_seconds) {
  RatingService *service = data;
  end(service);
  gboolean ended = cdr_pusher_stop(service->pusher, grace_seconds);
  return intake_end(service->intake, grace_seconds) && ended;
}

static json_t *status(gpointer data) {
  return json_pack("{s:o*}", "intakes", intake_status(((RatingService *)data)->intake));
}

/* --- cdr-close {name} → {ok, files}: what was rated up to now, in a file. */

static json_t *close_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  const char *name = json_string_value(json_object_get(request, "name"));
  RatingDesk *desk = desk_named(service, name);
  DeskPlace place = {host->conf, host->lane, host->paths->folder};
  g_autoptr(GError) error = NULL;
  guint written = 0;
  if (!desk)
    return control_refusal(SALLYPORT_ERROR_FILE, "no feed of this lane is of a rating \"%s\"", name ? name : "");
  rating_desk_take(desk);
  gboolean ok = rating_desk_open(desk, &place, &error) &&
                cdr_take_turn(desk, &(CdrTurn){host, place.folder, g_get_real_time(), TRUE}, &written, &error);
  rating_desk_give_back(desk);
  if (!ok)
    return control_failure(error);
  log_event(LOG_INFO, "operator", {"event", "full-file-closed"}, {"by", who}, {"rating", name});
  return json_pack("{s:b, s:i}", "ok", 1, "files", (int)written);
}

/* --- rating-retry {name} → {ok}: suspended usage is looked at within seconds, whatever it was looked at by before. */

static json_t *retry_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  const char *name = json_string_value(json_object_get(request, "name"));
  RatingDesk *desk = desk_named(service, name);
  (void)host;
  if (!desk)
    return control_refusal(SALLYPORT_ERROR_FILE, "no feed of this lane is of a rating \"%s\"", name ? name : "");
  rating_desk_take(desk);
  g_clear_pointer(&desk->tried, g_free);
  rating_desk_give_back(desk);
  log_event(LOG_INFO, "operator", {"event", "rating-retry"}, {"by", who}, {"rating", name});
  return json_pack("{s:b}", "ok", 1);
}

static const LaneRequest requests[] = {{"cdr-close", close_request}, {"rating-retry", retry_request}, {0}};
const LaneService rating_service = {
    .name = "rating", .start = start, .stop = stop, .free = free_service, .requests = requests, .status = status};
