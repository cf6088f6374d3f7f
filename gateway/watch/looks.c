/* What the watch looks at besides what is due: interfaces, feeds with their files, endpoints. */
#include "gateway/processors/http/http_throttle.h"
#include "gateway/watch/watch_private.h"
#include <string.h>

enum {
  FAILING_SECONDS = 300,
  QUIET_SECONDS = 60,
  FAR_OFF_SECONDS = 60,
  DELIVERY_TRIES = 3,
  POSTING_TRIES = 3,
  FETCHING_TRIES = 3,
  MOST_FILES = 1000
};

/* --- The disk */

/* The text is always the same, and it is not tried at each look: there is hardly space for it. */
void watch_look_at_space(Watch *watch) {
  const char *lane = watch->host->lane->name;
  g_autofree char *shortage = book_shortage(watch->host->book);
  gint64 now = g_get_monotonic_time();
  if (!shortage) {
    watch->short_told_at = 0;
    alarms_clear(watch->host->alarms, "disk-short", lane);
    return;
  }
  if (watch->short_told_at && now - watch->short_told_at < QUIET_SECONDS * (gint64)G_USEC_PER_SEC)
    return;
  watch->short_told_at = now;
  g_autofree char *text = g_strdup_printf("lane %s: the disk of the state folder is full: the book's log grows and "
                                          "cannot be copied into the book; make room there, it then ends by itself",
                                          lane);
  alarms_raise(watch->host->alarms, &(AlarmCall){.kind = "disk-short", .subject = lane, .text = text, .weight = 1});
}

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

void watch_look_at_service(Watch *watch, const Feed *feed, gint64 now) {
  const char *name = accrual_service_name(feed->service);
  PressureState state;
  Pressed *pressed = g_hash_table_lookup(watch->pressed, name);
  if (!pressed)
    g_hash_table_insert(watch->pressed, (char *)name, pressed = g_new0(Pressed, 1));
  accrual_service_state(feed->service, &state);
  if (!is_overwhelmed(pressed, &state, now)) {
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

const BookPoll *watch_poll_of(const GPtrArray *polls, const char *feed) {
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

static gboolean cannot_be_delivered(const BookFile *file, gint64 now) {
  gboolean is_late = file->state == FILE_SEALED &&
                     now - file->changed_at > 2 * FAILING_SECONDS * (gint64)G_USEC_PER_SEC;
  return is_late || (file->problem && file->attempts >= DELIVERY_TRIES);
}

/* Past validation a file cannot be held: what its process refuses, it refuses again and again. At once where the next
 * try is far off, which is what somebody has to change something for. */
static gboolean cannot_be_posted(const BookFile *file, gint64 now) {
  gboolean is_far_off = file->due_at - now > FAR_OFF_SECONDS * (gint64)G_USEC_PER_SEC;
  return file->problem && (file->attempts >= POSTING_TRIES || is_far_off);
}

/* On their way in: after the feed's retry-limit they are held, and that is told as well. */
static gboolean cannot_be_fetched(const BookFile *file, gint64 now) {
  (void)now;
  return file->problem && file->attempts >= FETCHING_TRIES;
}

/* Files that do not get on. The first of them is named, and each that joins them weighs more. */
static const struct {
  const char *alarm, *what, *done, *of; /* "2 answers cannot be delivered, the first of them for file 0k3x…" */
  guint states;
  gboolean (*is_stuck)(const BookFile *file, gint64 now);
} stuck[] = {
    {"fetch-failing", "file", "fetched", "", 1u << FILE_ADMITTED, cannot_be_fetched},
    {"posting-failing", "file", "posted", "", 1u << FILE_VALIDATED | 1u << FILE_POSTING, cannot_be_posted},
    {"delivery-failing", "answer", "delivered", "for file ",
     1u << FILE_POSTED | 1u << FILE_REJECTED | 1u << FILE_DUPLICATE | 1u << FILE_SEALED, cannot_be_delivered},
};

static gboolean look_at_stuck(Watch *watch, const char *feed, guint kind, GError **error) {
  BookFilter filter = {.feed = feed, .states = stuck[kind].states, .limit = MOST_FILES};
  g_autoptr(GPtrArray) files = book_files(watch->reader, &filter, error);
  const BookFile *first = NULL;
  guint count = 0;
  gint64 now = g_get_real_time();
  if (!files)
    return FALSE;
  for (guint i = 0; i < files->len; i++)
    if (stuck[kind].is_stuck(files->pdata[i], now)) {
      first = first ? first : files->pdata[i];
      count++;
    }
  if (!first) {
    alarms_clear(watch->host->alarms, stuck[kind].alarm, feed);
    return TRUE;
  }
  g_autofree char *text = g_strdup_printf("%s: %u %s%s cannot be %s, the first of them %s%s", feed, count,
                                          stuck[kind].what, count == 1 ? "" : "s", stuck[kind].done, stuck[kind].of,
                                          first->id);
  alarms_raise(watch->host->alarms, &(AlarmCall){.kind = stuck[kind].alarm,
                                                 .subject = feed,
                                                 .feed = feed,
                                                 .text = text,
                                                 .detail = first->problem,
                                                 .weight = count});
  return TRUE;
}

gboolean watch_look_at_feeds(Watch *watch, const GPtrArray *polls, gint64 now, GError **error) {
  for (guint i = 0; i < watch->host->feeds->feeds->len; i++) {
    const Feed *feed = watch->host->feeds->feeds->pdata[i];
    look_at_poll(watch, feed, watch_poll_of(polls, feed->conf->name), now);
    if (feed->service)
      watch_look_at_service(watch, feed, g_get_monotonic_time());
    if (!look_at_held(watch, feed->conf->name, error))
      return FALSE;
    for (guint j = 0; j < G_N_ELEMENTS(stuck); j++)
      if (!look_at_stuck(watch, feed->conf->name, j, error))
        return FALSE;
  }
  return TRUE;
}

/* --- Endpoints */

static gint64 failing_since(Watch *watch, const char *name, gboolean fails, gint64 now) {
  gint64 *since = g_hash_table_lookup(watch->failing_since, name);
  if (!fails) {
    g_hash_table_remove(watch->failing_since, name);
    return G_MAXINT64;
  }
  if (!since) {
    since = g_new(gint64, 1);
    *since = now;
    g_hash_table_insert(watch->failing_since, (char *)name, since);
  }
  return *since;
}

static void look_at_endpoint(Watch *watch, EndpointPool *pool, gint64 now) {
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
  gint64 since = failing_since(watch, name, status.state == ENDPOINT_POOL_WAITING, now);
  if (since < now - FAILING_SECONDS * (gint64)G_USEC_PER_SEC) {
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

void watch_look_at_endpoints(Watch *watch, gint64 now) {
  for (guint i = 0; i < watch->host->feeds->pools->len; i++)
    look_at_endpoint(watch, watch->host->feeds->pools->pdata[i], now);
}

void watch_clear_strangers(Watch *watch) {
  static const char *const of_feeds[] = {"poll-failing",    "file-incomplete", "file-misnamed",    "file-held",
                                         "fetch-failing",   "posting-failing", "delivery-failing", "file-rejected",
                                         "sequence-reused", "sequence-late",    "listing-cut"};
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
