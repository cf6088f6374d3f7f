#include "gateway/common/log.h"
#include "gateway/base/clock.h"
#include "gateway/watch/watch_private.h"
#include <string.h>
#include <time.h>

enum { LOOK_SECONDS = 1, LONGEST_SECONDS = 30, ASK_SECONDS = 15, UNWRITABLE_SECONDS = 3600, PRUNE_SECONDS = 3600 };

/* --- What is due */

static gboolean look_at_dues(Watch *watch, const GPtrArray *polls, gint64 now, GError **error) {
  for (guint i = 0; i < watch->dues.n_feeds; i++) {
    DueFeed *feed = &watch->dues.feeds[i];
    const BookPoll *poll = watch_poll_of(polls, feed->watch->conf->name);
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

static gboolean look_at_all(Watch *watch, GError **error) {
  gint64 now = g_get_real_time();
  g_autoptr(GPtrArray) polls = book_polls(watch->reader, error);
  if (!polls || !alarms_refresh(watch->host->alarms, watch->reader, error) || !look_at_dues(watch, polls, now, error) ||
      !watch_look_at_feeds(watch, polls, now, error))
    return FALSE;
  watch_look_at_endpoints(watch, g_get_monotonic_time());
  watch_look_at_space(watch);
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
  gint64 until = g_get_monotonic_time() +
                 CLAMP(cost * 20, LOOK_SECONDS * G_USEC_PER_SEC, LONGEST_SECONDS * G_USEC_PER_SEC);
  pthread_mutex_lock(&watch->lock);
  while (!watch->woken && !watch->stopping && clock_condition_wait(&watch->changed, &watch->lock, until))
    ;
  watch->woken = FALSE;
  gboolean stopping = watch->stopping;
  pthread_mutex_unlock(&watch->lock);
  return !stopping;
}

static void *run_watch(void *data) {
  Watch *watch = data;
  g_autofree char *told = NULL;
  gint64 began;
  do {
    g_autoptr(GError) error = NULL;
    bring_unwritable(watch);
    began = g_get_monotonic_time();
    if (look_at_all(watch, &error)) {
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

static gboolean begin_watch(Watch *watch, GError **error) {
  const LaneHost *host = watch->host;
  if (!(watch->reader = book_reader_open(host->paths->book, error)))
    return FALSE;
  set_dues(watch, teller_ways(&host->conf->alarms));
  if (!alarms_refresh(watch->host->alarms, watch->reader, error) || !dues_begin(&watch->dues, g_get_real_time(), error))
    return FALSE;
  watch_clear_strangers(watch);
  TellerOptions teller = {host->conf, host->lane->name, host->book, host->paths->book};
  if (!(watch->teller = teller_start(&teller, error)))
    return FALSE;
  if (pthread_create(&watch->thread, NULL, run_watch, watch) == 0)
    return TRUE;
  sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "cannot start a thread");
  return FALSE;
}

static gpointer watch_start(const LaneHost *host, GError **error) {
  Watch *watch = g_new0(Watch, 1);
  watch->host = host;
  watch->pressed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  watch->failing_since = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  pthread_mutex_init(&watch->lock, NULL);
  clock_condition_init(&watch->changed);
  if (begin_watch(watch, error))
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
