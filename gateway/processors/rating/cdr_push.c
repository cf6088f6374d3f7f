/* Platforms' files go to their endpoints, each platform's own in the order of the full files, and none twice:
 *
 *   crash while putting it, or behind it   the next try finds it there with the same bytes (remote_put)
 *   crash behind the row                   it is pushed, and is not looked at again
 *
 * A platform that is away keeps its files waiting, and nobody else's: the oldest is tried again and again, ever more
 * seldom, and an alarm stands as long as it fails. */
#include "conf/lookup.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/endpoint.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_path.h"
#include "gateway/common/remote_put.h"
#include "gateway/processors/rating/cdr.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVERY_SECONDS = 2, FIRST_WAIT_SECONDS = 2, LONGEST_WAIT_SECONDS = 300 };

struct CdrPusher {
  const LaneHost *host;
  const GPtrArray *desks; /* RatingDesk* */
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  gboolean stopping, ended;
  gboolean is_connecting, abandoned; /* its thread is left behind in that: it may touch nothing any more */
  Courier *courier;                  /* NULL: not connected */
};

typedef struct {
  CdrPusher *pusher;
  RatingDesk *desk;
  const LaneHost *host;
  const ConfPlatform *platform;
} Pushing;

/* The next one that is due. The desk may be closed by now: then there is none for now. */
static gboolean next_due(const Pushing *pushing, PlatformFile **file, GError **error) {
  RatingDesk *desk = pushing->desk;
  *file = NULL;
  rating_desk_take(desk);
  gboolean ok = !desk->details || details_next_push(desk->details, pushing->platform->name, file, error);
  rating_desk_give_back(desk);
  if (ok && *file && (*file)->due_at > g_get_real_time())
    g_clear_pointer(file, platform_file_free);
  return ok;
}

static gboolean note(const Pushing *pushing, const PlatformFile *file, const GError *why, GError **error) {
  RatingDesk *desk = pushing->desk;
  gint64 now = g_get_real_time(),
         wait = MIN(FIRST_WAIT_SECONDS << MIN(file->tries, 10u), LONGEST_WAIT_SECONDS) * G_USEC_PER_SEC;
  gboolean ok;
  rating_desk_take(desk);
  if (!desk->details)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the details are being opened anew");
  else
    ok = why ? details_put_off_push(desk->details, file, now + wait, why->message, error)
             : details_pushed(desk->details, file, now, error);
  rating_desk_give_back(desk);
  return ok;
}

static gboolean is_stopping(CdrPusher *pusher) {
  pthread_mutex_lock(&pusher->lock);
  gboolean stopping = pusher->stopping;
  pthread_mutex_unlock(&pusher->lock);
  return stopping;
}

static void disconnect(CdrPusher *pusher) {
  pthread_mutex_lock(&pusher->lock);
  Courier *courier = g_steal_pointer(&pusher->courier);
  pthread_mutex_unlock(&pusher->lock);
  courier_close(courier);
}

static gboolean open_courier(CdrPusher *pusher, const CourierEndpoint *to, GError **error) {
  pthread_mutex_lock(&pusher->lock);
  pusher->is_connecting = !pusher->stopping;
  gboolean stopping = pusher->stopping;
  pthread_mutex_unlock(&pusher->lock);
  if (stopping)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is stopping");
  Courier *courier = courier_open(to, error);
  pthread_mutex_lock(&pusher->lock);
  gboolean abandoned = pusher->abandoned;
  pusher->is_connecting = FALSE;
  pusher->courier = courier;
  pthread_mutex_unlock(&pusher->lock);
  while (abandoned)
    pause();
  return courier != NULL;
}

static gboolean connect_to(const Pushing *pushing, GError **error) {
  const ConfPartner *system = conf_system(pushing->host->conf, pushing->platform->push_system);
  const ConfEndpoint *endpoint = system ? conf_endpoint(system, pushing->platform->push_endpoint) : NULL;
  Courier *courier = pushing->pusher->courier;
  if (courier && !courier_is_lost(courier))
    return TRUE;
  disconnect(pushing->pusher);
  if (!endpoint)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "platform \"%s\": its endpoint is not there",
                               pushing->platform->name);
  CourierEndpoint to = endpoint_of(system, endpoint);
  return open_courier(pushing->pusher, &to, error);
}

static gboolean put_open(const Pushing *pushing, const PlatformFile *file, int fd, GError **error) {
  g_autofree char *to = remote_path_join(pushing->platform->push_path, file->name, strlen(file->name)),
                  *owner = g_strdup_printf("%s-%" G_GINT64_FORMAT, pushing->desk->name, file->sequence);
  struct stat local;
  if (fstat(fd, &local) != 0)
    return sallyport_error_errno(error, errno, "stat %s", file->name);
  RemotePut put = {.courier = pushing->pusher->courier,
                   .scratch = pushing->host->paths->stage,
                   .to = to,
                   .owner = owner,
                   .fd = fd,
                   .size = (guint64)local.st_size,
                   .sha256 = file->sha256,
                   .before_rename = "cdr-push-before-rename",
                   .after_rename = "cdr-push-after-rename"};
  return remote_put(&put, error);
}

static gboolean push_one(const Pushing *pushing, const PlatformFile *file, GError **error) {
  g_autofree char *folder = cdr_platforms(pushing->host->paths->folder, pushing->desk->name),
                  *path = g_build_filename(folder, file->name, NULL), *sha256 = cdr_digest_of(path, error);
  if (!sha256)
    return FALSE;
  if (strcmp(sha256, file->sha256) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s is not as it was written: its digest is another one",
                               path);
  if (!connect_to(pushing, error))
    return FALSE;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "%s", path);
  gboolean ok = put_open(pushing, file, fd, error);
  close(fd);
  return ok;
}

/* FALSE: no more of this platform for now. */
static gboolean push_next(const Pushing *pushing, GError **error) {
  g_autoptr(PlatformFile) file = NULL;
  g_autoptr(GError) why = NULL;
  g_autofree char *subject = g_strdup_printf("%s/%s", pushing->desk->name, pushing->platform->name), *text = NULL;
  if (!next_due(pushing, &file, error) || !file)
    return FALSE;
  gboolean is_there = push_one(pushing, file, &why);
  fault_point("cdr-push-before-row");
  if (!is_there && is_stopping(pushing->pusher)) /* its call was cut off: no fault of the platform's */
    return FALSE;
  if (!note(pushing, file, why, error))
    return FALSE;
  if (is_there && file->tries > 0)
    cdr_alarm(pushing->host, "platform-failing", subject, NULL);
  if (is_there) {
    log_event(LOG_INFO, "platform-file-pushed", {"rating", pushing->desk->name},
              {"platform", pushing->platform->name}, {"sequence", log_number(file->sequence)}, {"name", file->name},
              {"records", log_number((gint64)file->count)}, {"sha256", file->sha256});
    return TRUE;
  }
  log_event(LOG_WARNING, "platform-failing", {"rating", pushing->desk->name}, {"platform", pushing->platform->name},
            {"name", file->name}, {"error", why->message});
  text = g_strdup_printf("rating %s: %s waits, and does not get to platform %s", pushing->desk->name, file->name,
                         pushing->platform->name);
  cdr_alarm(pushing->host, "platform-failing", subject, text);
  return FALSE;
}

static void push_desk(CdrPusher *pusher, RatingDesk *desk) {
  const ConfRating *rating = named_find(pusher->host->lane->ratings, desk->name);
  for (guint i = 0; rating && i < rating->platforms->len && !is_stopping(pusher); i++) {
    g_autoptr(GError) error = NULL;
    Pushing pushing = {pusher, desk, pusher->host, rating->platforms->pdata[i]};
    if (!pushing.platform->push_endpoint)
      continue;
    while (!is_stopping(pusher) && push_next(&pushing, &error))
      continue;
    if (error)
      log_event(LOG_WARNING, "platform-file-not-noted", {"rating", desk->name}, {"error", error->message});
    disconnect(pusher);
  }
}

static void *run_pusher(void *data) {
  CdrPusher *pusher = data;
  while (!is_stopping(pusher)) {
    for (guint i = 0; i < pusher->desks->len && !is_stopping(pusher); i++)
      push_desk(pusher, pusher->desks->pdata[i]);
    gint64 until = g_get_monotonic_time() + EVERY_SECONDS * G_USEC_PER_SEC;
    pthread_mutex_lock(&pusher->lock);
    while (!pusher->stopping && clock_condition_wait(&pusher->changed, &pusher->lock, until))
      continue;
    pthread_mutex_unlock(&pusher->lock);
  }
  pthread_mutex_lock(&pusher->lock);
  pusher->ended = TRUE;
  pthread_cond_broadcast(&pusher->changed);
  pthread_mutex_unlock(&pusher->lock);
  return NULL;
}

static void pusher_free(CdrPusher *pusher) {
  pthread_cond_destroy(&pusher->changed);
  pthread_mutex_destroy(&pusher->lock);
  g_free(pusher);
}

CdrPusher *cdr_pusher_start(const LaneHost *host, const GPtrArray *desks, GError **error) {
  CdrPusher *pusher = g_new0(CdrPusher, 1);
  pusher->host = host;
  pusher->desks = desks;
  pthread_mutex_init(&pusher->lock, NULL);
  clock_condition_init(&pusher->changed);
  int wrong = pthread_create(&pusher->thread, NULL, run_pusher, pusher);
  if (!wrong)
    return pusher;
  pusher_free(pusher);
  sallyport_error_errno(error, wrong, "the thread that brings platforms their files");
  return NULL;
}

gboolean cdr_pusher_stop(CdrPusher *pusher, guint grace_seconds) {
  if (!pusher)
    return TRUE;
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  pthread_mutex_lock(&pusher->lock);
  pusher->stopping = TRUE;
  pthread_cond_broadcast(&pusher->changed);
  if (pusher->courier)
    courier_abort(pusher->courier);
  while (!pusher->ended && clock_condition_wait(&pusher->changed, &pusher->lock, until))
    continue;
  pusher->abandoned = !pusher->ended && pusher->is_connecting;
  gboolean abandoned = pusher->abandoned;
  pthread_mutex_unlock(&pusher->lock);
  if (abandoned)
    return FALSE;
  pthread_join(pusher->thread, NULL);
  pusher_free(pusher);
  return TRUE;
}
