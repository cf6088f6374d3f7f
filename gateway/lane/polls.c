/* The polls of source folders: when they are due, and what becomes of one that failed. */
#include "gateway/common/log.h"
#include "gateway/flow/admission/looks.h"
#include "gateway/lane/lane_private.h"
#include <malloc.h>

enum { HINT_MS = 100, MANY_NAMES = 5000 };

typedef struct {
  Task task;
  Lane *lane;
  Feed *feed;
  gboolean goes_on; /* the next one waits for what comes: it begins at once */
} PollTask;

static void poll_task_end(Task *task) {
  PollTask *run = (PollTask *)task;
  gint64 now = g_get_real_time();
  pthread_mutex_lock(&run->lane->lock);
  run->feed->polling = FALSE;
  if (run->feed->next_poll == 0) /* a hint or an operator asked while it ran: what it listed may be older than that */
    run->feed->next_poll = now + HINT_MS * 1000;
  else if (run->goes_on && schedule_has(run->feed->schedule, now))
    run->feed->next_poll = now;
  else if (run->feed->next_poll <= now)
    run->feed->next_poll = schedule_next(run->feed->schedule, now);
  pthread_mutex_unlock(&run->lane->lock);
  lane_wake(run->lane);
  g_free(run);
}

static gboolean is_waiting(const Feed *feed) {
  return feed->conf->source.ready == CONF_READY_LISTED && feed->conf->source.wait > 0;
}

static gboolean save_failed_poll(BookTransaction *tx, gpointer data, GError **error) {
  return book_save_poll(tx, data, error);
}

/* A folder that cannot be polled for a day says so once, not at each poll: again when it says something else. */
static void note_poll_failure(PollTask *run, BookReader *reader, const GError *error) {
  gint64 now = g_get_real_time();
  gboolean is_known = FALSE;
  if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    lane_stop(run->lane, CHILD_EXIT_DISTRUST);
  BookPoll poll = {.feed = run->feed->conf->name,
                   .last_at = now,
                   .next_at = schedule_next(run->feed->schedule, now),
                   .failures = 1,
                   .problem = error->message};
  g_autoptr(GPtrArray) polls = book_polls(reader, NULL);
  for (guint i = 0; polls && i < polls->len; i++) {
    const BookPoll *earlier = polls->pdata[i];
    if (!g_str_equal(earlier->feed, poll.feed))
      continue;
    poll.last_ok_at = earlier->last_ok_at;
    poll.failures = earlier->failures + 1;
    is_known = g_strcmp0(earlier->problem, error->message) == 0;
  }
  log_event(is_known ? LOG_DEBUG : LOG_WARNING, "poll-failed", {"feed", poll.feed},
            {"code", sallyport_error_word((int)sallyport_error_code(error))}, {"error", error->message},
            {"failures", log_number(poll.failures)});
  g_autoptr(GError) ignored = NULL;
  if (!book_write(run->lane->flow.book, save_failed_poll, &poll, &ignored)) {
    log_event(LOG_WARNING, "not-noted", {"feed", run->feed->conf->name}, {"error", ignored->message});
    lane_report_unwritable(run->lane);
  }
}

static void run_poll(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  PollTask *run = (PollTask *)task;
  g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
  guint admitted = 0;
  gint64 begun = g_get_monotonic_time();
  gboolean was_first = !run->feed->cursor;
  if (error || !flow_poll(&run->lane->flow, run->feed, reader, courier, &admitted, &error)) {
    if (!is_waiting(run->feed) || !g_atomic_int_get(&run->lane->flow.stopping))
      note_poll_failure(run, reader, error);
  } else if (is_waiting(run->feed)) { /* an exchange that answers at once has no room for one more that waits */
    run->goes_on = was_first || admitted > 0 || g_get_monotonic_time() - begun >= G_USEC_PER_SEC;
  }
  /* each thread has a heap of its own: what a listing of 200,000 names took would stay with every one that polled */
  if (looks_number(run->feed->looks) > MANY_NAMES)
    malloc_trim(0);
  poll_task_end(task);
}

void lane_start_due_polls(Lane *lane) {
  gint64 now = g_get_real_time();
  for (guint i = 0; i < lane->feeds->feeds->len; i++) {
    Feed *feed = lane->feeds->feeds->pdata[i];
    pthread_mutex_lock(&lane->lock);
    gboolean is_due = !feed->polling && feed->next_poll <= now;
    if (is_due) {
      feed->polling = TRUE;
      feed->next_poll = schedule_next(feed->schedule, now);
    }
    pthread_mutex_unlock(&lane->lock);
    if (!is_due)
      continue;
    PollTask *run = g_new0(PollTask, 1);
    *run = (PollTask){.task = {run_poll, poll_task_end, is_waiting(feed)}, .lane = lane, .feed = feed};
    endpoint_pool_add_first(feed->source, &run->task);
  }
}

void lane_poll_now(Lane *lane, Feed *feed) {
  pthread_mutex_lock(&lane->lock);
  feed->next_poll = 0;
  pthread_mutex_unlock(&lane->lock);
  lane_wake(lane);
}

gint64 lane_next_poll(Lane *lane) {
  gint64 next = G_MAXINT64;
  pthread_mutex_lock(&lane->lock);
  for (guint i = 0; i < lane->feeds->feeds->len; i++) {
    const Feed *feed = lane->feeds->feeds->pdata[i];
    if (!feed->polling)
      next = MIN(next, feed->next_poll);
  }
  pthread_mutex_unlock(&lane->lock);
  return next;
}
