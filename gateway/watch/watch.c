#include "gateway/watch/watch_private.h"
#include "gateway/common/log.h"
#include "gateway/processors/http/http_throttle.h"
#include "gateway/watch/dues.h"
#include "gateway/watch/teller.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
  LOOK_SECONDS = 1,
  LONGEST_SECONDS = 30,
  ASK_SECONDS = 15,
  FAILING_SECONDS = 300,
  DELIVERY_TRIES = 3,
  POSTING_TRIES = 3,
  FAR_OFF_SECONDS = 60,
  MOST_FILES = 1000,
  UNWRITABLE_SECONDS = 3600,
  PRUNE_SECONDS = 3600,
  QUIET_SECONDS = 60
};

typedef struct {
  const LaneHost *host;
  BookReader *reader;
  Teller *teller;
  Dues dues;
  GHashTable *pressed;       /* interface name (borrowed) → Pressed*: likewise */
  GHashTable *failing_since; /* pool name (borrowed) → gint64*, monotonic microseconds: the watch's thread only */
  gint64 pruned_at;          /* monotonic */
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  gboolean woken, stopping;
  char *unwritable;          /* to be told */
  gint64 unwritable_told_at; /* monotonic */
} Watch;

/* --- Interfaces that records are posted to */

typedef struct {
  guint64 bad;
  gint64 last_bad, since;
} Pressed; /* monotonic; 0: not */

/* Called with as little as is configured, and it refuses or fails even so, for five minutes without one quiet minute.
 */
static gboolean is_overwhelmed(Pressed *pressed, const PressureState *state, gint64 now) {
  guint64 bad = state->refused + state->failed;
  pressed->last_bad = bad > pressed->bad || state->paused_until > 0 ? now : pressed->last_bad;
  pressed->bad = bad;
  if (!state->at_floor || !pressed->last_bad || now - pressed->last_bad > QUIET_SECONDS * (gint64)G_USEC_PER_SEC)
    pressed->since = 0;
  else if (!pressed->since)
    pressed->since = now;
  return pressed->since && now - pressed->since > FAILING_SECONDS * (gint64)G_USEC_PER_SEC;
}

static void look_at_service(Watch *watch, const Feed *feed) {
  const char *name = accrual_service_name(feed->service);
  PressureState state;
  Pressed *pressed = g_hash_table_lookup(watch->pressed, name);
  if (!pressed)
    g_hash_table_insert(watch->pressed, (char *)name, pressed = g_new0(Pressed, 1));
  accrual_service_state(feed->service, &state);
  if (!is_overwhelmed(pressed, &state, g_get_monotonic_time())) {
    if (!pressed->since)
      alarms_clear(watch->host->alarms, "interface-failing", name);
    return;
  }
  g_autofree char *text = g_strdup_printf(
      "%s: it is called with as little as is configured, %u records in %u call%s, and refuses or fails even so", name,
      state.size, state.threads, state.threads == 1 ? "" : "s");
  alarms_raise(watch->host->alarms,
               &(AlarmCall){.kind = "interface-failing", .subject = name, .text = text, .weight = 1});
}

/* --- Feeds: polls, held files, answers */

static const BookPoll *poll_of(const GPtrArray *polls, const char *feed) {
  for (guint i = 0; i < polls->len; i++)
    if (g_str_equal(((const BookPoll *)polls->pdata[i])->feed, feed))
      return polls->pdata[i];
  return NULL;
}

static gboolean is_broken(EndpointPool *pool) {
  EndpointPoolStatus status;
  endpoint_pool_status(pool, &status);
  g_free(status.problem);
  g_free(status.describe);
  return status.state == ENDPOINT_POOL_BREAKER;
}

/* At its second failure after five minutes, or at the first where the next try is that far off. */
static gboolean is_poll_failing(const Watch *watch, const BookPoll *poll, gint64 now) {
  gint64 long_enough = FAILING_SECONDS * (gint64)G_USEC_PER_SEC, since = MAX(poll->last_ok_at, watch->host->started_at);
  if (poll->failures == 0)
    return FALSE;
  return poll->next_at - poll->last_at > long_enough || (poll->failures > 1 && now - since > long_enough);
}

static void look_at_poll(Watch *watch, const Feed *feed, const BookPoll *poll, gint64 now) {
  const char *name = feed->conf->name;
  if (!poll || !is_poll_failing(watch, poll, now) || is_broken(feed->source)) {
    alarms_clear(watch->host->alarms, "poll-failing", name);
    return;
  }
  g_autofree char *text = g_strdup_printf("%s: its folder cannot be polled", name);
  alarms_raise(
      watch->host->alarms,
      &(AlarmCall){
          .kind = "poll-failing", .subject = name, .feed = name, .text = text, .detail = poll->problem, .weight = 1});
}

static gboolean look_at_held(Watch *watch, const char *feed, GError **error) {
  BookFilter filter = {.feed = feed, .states = 1u << FILE_HELD, .limit = MOST_FILES};
  g_autoptr(GPtrArray) held = book_files(watch->reader, &filter, error);
  const BookFile *newest = NULL;
  for (guint i = 0; held && i < held->len; i++)
    if (!newest || ((const BookFile *)held->pdata[i])->changed_at > newest->changed_at)
      newest = held->pdata[i];
  if (!newest) {
    if (held)
      alarms_clear(watch->host->alarms, "file-held", feed);
    return held != NULL;
  }
  g_autofree char *text = g_strdup_printf(
      "%s: %u file%s held for a person, the last of them %s%s%s", feed, held->len, held->len == 1 ? " is" : "s are",
      newest->id, newest->reason_code ? " for " : "", newest->reason_code ? newest->reason_code : "");
  /* The newest weighs most: another one that is held is told, one that is released is not. */
  alarms_raise(watch->host->alarms, &(AlarmCall){.kind = "file-held",
                                                 .subject = feed,
                                                 .feed = feed,
                                                 .text = text,
                                                 .detail = newest->reason,
                                                 .weight = newest->changed_at});
  return TRUE;
}

static gboolean look_at_answers(Watch *watch, const char *feed, GError **error) {
  BookFilter filter = {
      .feed = feed, .states = 1u << FILE_POSTED | 1u << FILE_REJECTED | 1u << FILE_DUPLICATE, .limit = MOST_FILES};
  g_autoptr(GPtrArray) files = book_files(watch->reader, &filter, error);
  const BookFile *first = NULL;
  guint count = 0;
  for (guint i = 0; files && i < files->len; i++) {
    const BookFile *file = files->pdata[i];
    gboolean is_late = file->feedback_name &&
                       g_get_real_time() - file->changed_at > 2 * FAILING_SECONDS * (gint64)G_USEC_PER_SEC;
    if (!is_late && !(file->problem && file->attempts >= DELIVERY_TRIES))
      continue;
    first = first ? first : file;
    count++;
  }
  if (!first) {
    if (files)
      alarms_clear(watch->host->alarms, "delivery-failing", feed);
    return files != NULL;
  }
  g_autofree char *text = g_strdup_printf("%s: %u answer%s cannot be delivered, the first of them for file %s", feed,
                                          count, count == 1 ? "" : "s", first->id);
  alarms_raise(watch->host->alarms, &(AlarmCall){.kind = "delivery-failing",
                                                 .subject = feed,
                                                 .feed = feed,
                                                 .text = text,
                                                 .detail = first->problem,
                                                 .weight = count});
  return TRUE;
}

/* Past validation a file cannot be held: what its process refuses, it refuses again and again. At once where the next
 * try is far off, which is what somebody has to change something for. */
static gboolean look_at_posting(Watch *watch, const char *feed, GError **error) {
  BookFilter filter = {.feed = feed, .states = 1u << FILE_VALIDATED | 1u << FILE_POSTING, .limit = MOST_FILES};
  g_autoptr(GPtrArray) files = book_files(watch->reader, &filter, error);
  const BookFile *first = NULL;
  guint count = 0;
  for (guint i = 0; files && i < files->len; i++) {
    const BookFile *file = files->pdata[i];
    gboolean is_far_off = file->due_at - g_get_real_time() > FAR_OFF_SECONDS * (gint64)G_USEC_PER_SEC;
    if (!file->problem || (file->attempts < POSTING_TRIES && !is_far_off))
      continue;
    first = first ? first : file;
    count++;
  }
  if (!first) {
    if (files)
      alarms_clear(watch->host->alarms, "posting-failing", feed);
    return files != NULL;
  }
  g_autofree char *text = g_strdup_printf("%s: %u file%s cannot be posted, the first of them %s", feed, count,
                                          count == 1 ? "" : "s", first->id);
  alarms_raise(watch->host->alarms, &(AlarmCall){.kind = "posting-failing",
                                                 .subject = feed,
                                                 .feed = feed,
                                                 .text = text,
                                                 .detail = first->problem,
                                                 .weight = count});
  return TRUE;
}

static gboolean look_at_feeds(Watch *watch, const GPtrArray *polls, gint64 now, GError **error) {
  for (guint i = 0; i < watch->host->feeds->feeds->len; i++) {
    const Feed *feed = watch->host->feeds->feeds->pdata[i];
    look_at_poll(watch, feed, poll_of(polls, feed->conf->name), now);
    if (feed->service)
      look_at_service(watch, feed);
    if (!look_at_held(watch, feed->conf->name, error) || !look_at_posting(watch, feed->conf->name, error) ||
        !look_at_answers(watch, feed->conf->name, error))
      return FALSE;
  }
  return TRUE;
}

/* --- Endpoints */

static gint64 failing_since(Watch *watch, const char *name, gboolean fails) {
  gint64 *since = g_hash_table_lookup(watch->failing_since, name);
  if (!fails) {
    g_hash_table_remove(watch->failing_since, name);
    return G_MAXINT64;
  }
  if (!since) {
    since = g_new(gint64, 1);
    *since = g_get_monotonic_time();
    g_hash_table_insert(watch->failing_since, (char *)name, since);
  }
  return *since;
}

static void look_at_endpoint(Watch *watch, EndpointPool *pool) {
  const char *name = endpoint_pool_name(pool);
  EndpointPoolStatus status;
  endpoint_pool_status(pool, &status);
  if (status.state == ENDPOINT_POOL_BREAKER) {
    g_autofree char *text = g_strdup_printf(
        "%s: it has refused our login or shown another host key; nothing more is tried until `sallyport poll`", name);
    alarms_raise(
        watch->host->alarms,
        &(AlarmCall){.kind = "login-refused", .subject = name, .text = text, .detail = status.problem, .weight = 1});
  } else {
    alarms_clear(watch->host->alarms, "login-refused", name);
  }
  gint64 since = failing_since(watch, name, status.state == ENDPOINT_POOL_WAITING);
  if (since < g_get_monotonic_time() - FAILING_SECONDS * (gint64)G_USEC_PER_SEC) {
    g_autofree char *text = g_strdup_printf("%s: it cannot be connected to", name);
    alarms_raise(
        watch->host->alarms,
        &(AlarmCall){.kind = "endpoint-failing", .subject = name, .text = text, .detail = status.problem, .weight = 1});
  } else if (status.state != ENDPOINT_POOL_WAITING) {
    alarms_clear(watch->host->alarms, "endpoint-failing", name);
  }
  g_free(status.problem);
  g_free(status.describe);
}

/* Alarms of what is not configured any more. */
static void clear_strangers(Watch *watch) {
  static const char *const of_feeds[] = {"poll-failing",     "file-held",       "posting-failing",
                                         "delivery-failing", "sequence-reused", "sequence-late"};
  const Feeds *all = watch->host->feeds;
  g_autoptr(GHashTable) feeds = g_hash_table_new(g_str_hash, g_str_equal),
                        endpoints = g_hash_table_new(g_str_hash, g_str_equal),
                        interfaces = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < all->feeds->len; i++) {
    const Feed *feed = all->feeds->pdata[i];
    g_hash_table_add(feeds, feed->conf->name);
    if (feed->service)
      g_hash_table_add(interfaces, (char *)accrual_service_name(feed->service));
  }
  for (guint i = 0; i < all->pools->len; i++)
    g_hash_table_add(endpoints, (char *)endpoint_pool_name(all->pools->pdata[i]));
  for (guint i = 0; i < G_N_ELEMENTS(of_feeds); i++)
    alarms_clear_others(watch->host->alarms, of_feeds[i], feeds);
  alarms_clear_others(watch->host->alarms, "interface-failing", interfaces);
  alarms_clear_others(watch->host->alarms, "login-refused", endpoints);
  alarms_clear_others(watch->host->alarms, "endpoint-failing", endpoints);
}

/* --- What is due */

static gboolean look_at_dues(Watch *watch, const GPtrArray *polls, gint64 now, GError **error) {
  for (guint i = 0; i < watch->dues.n_feeds; i++) {
    DueFeed *feed = &watch->dues.feeds[i];
    const BookPoll *poll = poll_of(polls, feed->watch->conf->name);
    feed->looked_at = poll ? poll->last_ok_at : 0;
    feed->is_coming = FALSE;
    if (feed->watch->n_expects == 0)
      continue;
    BookFilter filter = {.feed = feed->watch->conf->name, .states = 1u << FILE_ADMITTED, .limit = 1};
    g_autoptr(GPtrArray) coming = book_files(watch->reader, &filter, error);
    if (!coming)
      return FALSE;
    feed->is_coming = coming->len > 0;
  }
  if (!dues_look(&watch->dues, now, error))
    return FALSE;
  for (guint i = 0; i < watch->dues.n_feeds; i++) {
    DueFeed *feed = &watch->dues.feeds[i];
    if (!feed->wants_look || now - feed->asked_at < ASK_SECONDS * (gint64)G_USEC_PER_SEC)
      continue;
    feed->asked_at = now;
    watch->host->poll_now(watch->host->user, feed->watch->conf->name);
  }
  return TRUE;
}

/* --- The thread */

static gboolean prune_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_prune_watch(tx, *(gint64 *)data, error);
}

static gboolean prune(Watch *watch, gint64 now, GError **error) {
  gint64 monotonic = g_get_monotonic_time();
  if (watch->pruned_at && monotonic - watch->pruned_at < PRUNE_SECONDS * (gint64)G_USEC_PER_SEC)
    return TRUE;
  watch->pruned_at = monotonic;
  return book_write(watch->host->book, prune_change, &now, error);
}

static gboolean look(Watch *watch, GError **error) {
  gint64 now = g_get_real_time();
  g_autoptr(GPtrArray) polls = book_polls(watch->reader, error);
  if (!polls || !alarms_refresh(watch->host->alarms, watch->reader, error) || !look_at_dues(watch, polls, now, error) ||
      !look_at_feeds(watch, polls, now, error))
    return FALSE;
  for (guint i = 0; i < watch->host->feeds->pools->len; i++)
    look_at_endpoint(watch, watch->host->feeds->pools->pdata[i]);
  return prune(watch, now, error);
}

static void bring_unwritable(Watch *watch) {
  pthread_mutex_lock(&watch->lock);
  g_autofree char *why = g_steal_pointer(&watch->unwritable);
  pthread_mutex_unlock(&watch->lock);
  if (why)
    teller_tell_unsaved(watch->host->conf, watch->host->lane->name, "book-unwritable", why);
}

/* A second, or, where looking takes long because many files are live, so much longer that it costs one part in twenty.
 */
static gboolean wait_a_while(Watch *watch, gint64 cost) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)CLAMP(cost * 20 / G_USEC_PER_SEC, LOOK_SECONDS, LONGEST_SECONDS);
  pthread_mutex_lock(&watch->lock);
  for (int waited = 0; !watch->woken && !watch->stopping && waited == 0;)
    waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
  watch->woken = FALSE;
  gboolean stopping = watch->stopping;
  pthread_mutex_unlock(&watch->lock);
  return !stopping;
}

static void *run(void *data) {
  Watch *watch = data;
  g_autofree char *told = NULL;
  gint64 began;
  do {
    g_autoptr(GError) error = NULL;
    bring_unwritable(watch);
    began = g_get_monotonic_time();
    if (look(watch, &error)) {
      teller_wake(watch->teller);
      g_clear_pointer(&told, g_free);
    } else if (g_strcmp0(told, error->message) != 0) { /* a full disk fails every second in the same words */
      log_event(LOG_ERROR, "watch-failed", {"error", error->message});
      g_free(told);
      told = g_strdup(error->message);
    }
  } while (wait_a_while(watch, g_get_monotonic_time() - began));
  return NULL;
}

static void watch_free(gpointer service) {
  Watch *watch = service;
  book_reader_close(watch->reader);
  g_hash_table_unref(watch->failing_since);
  g_hash_table_unref(watch->pressed);
  g_free(watch->dues.feeds);
  g_free(watch->unwritable);
  pthread_cond_destroy(&watch->changed);
  pthread_mutex_destroy(&watch->lock);
  g_free(watch);
}

static void set_dues(Watch *watch, guint ways) {
  const GPtrArray *feeds = watch->host->feeds->feeds;
  watch->dues = (Dues){.book = watch->host->book,
                       .reader = watch->reader,
                       .alarms = watch->host->alarms,
                       .ways = ways,
                       .started_at = watch->host->started_at,
                       .feeds = g_new0(DueFeed, feeds->len + 1),
                       .n_feeds = feeds->len};
  for (guint i = 0; i < feeds->len; i++)
    watch->dues.feeds[i].watch = ((const Feed *)feeds->pdata[i])->watch;
}

static gboolean begin(Watch *watch, GError **error) {
  const LaneHost *host = watch->host;
  if (!(watch->reader = book_reader_open(host->paths->book, error)))
    return FALSE;
  set_dues(watch, teller_ways(&host->conf->alarms));
  if (!alarms_refresh(watch->host->alarms, watch->reader, error) || !dues_begin(&watch->dues, g_get_real_time(), error))
    return FALSE;
  clear_strangers(watch);
  TellerOptions teller = {host->conf, host->lane->name, host->book, host->paths->book};
  if (!(watch->teller = teller_start(&teller, error)))
    return FALSE;
  if (pthread_create(&watch->thread, NULL, run, watch) == 0)
    return TRUE;
  sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "cannot start a thread");
  return FALSE;
}

static gpointer watch_start(const LaneHost *host, GError **error) {
  Watch *watch = g_new0(Watch, 1);
  pthread_condattr_t attributes;
  watch->host = host;
  watch->pressed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  watch->failing_since = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  pthread_mutex_init(&watch->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&watch->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  if (begin(watch, error))
    return watch;
  (void)teller_stop(watch->teller, 0);
  watch_free(watch);
  return NULL;
}

void watch_wake(gpointer service) {
  Watch *watch = service;
  pthread_mutex_lock(&watch->lock);
  watch->woken = TRUE;
  pthread_cond_signal(&watch->changed);
  pthread_mutex_unlock(&watch->lock);
}

/* Before the endpoints' pools are stopped, at whose state it looks. */
static gboolean watch_stop(gpointer service, guint grace_seconds) {
  Watch *watch = service;
  pthread_mutex_lock(&watch->lock);
  watch->stopping = TRUE;
  pthread_cond_signal(&watch->changed);
  pthread_mutex_unlock(&watch->lock);
  pthread_join(watch->thread, NULL);
  return teller_stop(watch->teller, grace_seconds);
}

static void watch_book_unwritable(gpointer service, const char *why) {
  Watch *watch = service;
  gint64 now = g_get_monotonic_time();
  pthread_mutex_lock(&watch->lock);
  if (!watch->unwritable_told_at || now - watch->unwritable_told_at > UNWRITABLE_SECONDS * (gint64)G_USEC_PER_SEC) {
    watch->unwritable_told_at = now;
    g_free(watch->unwritable);
    watch->unwritable = g_strdup_printf("the lane's book cannot be written, nothing more is begun until it can: %s",
                                        why);
  }
  pthread_mutex_unlock(&watch->lock);
}

const LaneService watch_service = {
    .name = "watch",
    .start = watch_start,
    .stop = watch_stop,
    .free = watch_free,
    .requests = watch_requests,
    .book_unwritable = watch_book_unwritable,
};
