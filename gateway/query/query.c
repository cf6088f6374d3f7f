/* The thread: which query is due, whether it may be read now, and what becomes of one that fails.
 *
 * With `lag`, the highest key is noted, and rows up to it are read when it has been known for so long: whoever had
 * taken a lower key by then has committed meanwhile, or takes longer than `lag`. It is kept in memory: a lane that
 * begins waits anew. */
#include "gateway/query/query.h"
#include "gateway/base/clock.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/common/remote_put.h"
#include "gateway/query/piece.h"
#include "gateway/time/schedule.h"
#include "store/book_watch.h"
#include <pthread.h>
#include <string.h>

enum { LOOK_MS = 1000, TRIES_BEFORE_ALARM = 3, NULLS_SECONDS = 3600 };

typedef struct {
  const ConfQuery *conf;
  Schedule *schedule;
  Layout *layout;
  BookQuery *progress;
  gint64 next_at;        /* microseconds since 1970 */
  char *bound, *newest;  /* keys: up to which is read now; that will be it */
  gint64 newest_at;      /* monotonic: when that was seen */
  gint64 nulls_at;       /* monotonic: when nulls are looked for again */
  guint64 bytes;         /* of the last file, which the pace has not counted */
  guint failures;
  char *problem;    /* under the lock; NULL: none */
  char *waits;      /* likewise: what for */
  gint64 worked_at; /* microseconds since 1970: the last reading without a failure */
} Query;

typedef struct {
  const LaneHost *host;
  GPtrArray *queries; /* Query* */
  gboolean stop;      /* atomic */
  pthread_t thread;
  pthread_mutex_t lock; /* of what is shown */
  pthread_cond_t changed;
} Queries;

static gboolean is_stopping(const Queries *queries) {
  return g_atomic_int_get(&queries->stop);
}

/* Also when the machine is wanted by others: the query is taken up again later, with nothing lost but its reading. */
static gboolean gives_up(gpointer user) {
  const Queries *queries = user;
  const RemotePace *pace = queries->host->pace;
  return is_stopping(queries) || (pace && !pace->may(pace->user));
}

static void show(Queries *queries, char **what, const char *text) {
  pthread_mutex_lock(&queries->lock);
  g_free(*what);
  *what = g_strdup(text);
  pthread_mutex_unlock(&queries->lock);
}

/* --- Alarms. */

typedef struct {
  AlarmCall call;
  gboolean is_over;
} Telling;

static gboolean tell_change(BookTransaction *tx, gpointer data, GError **error) {
  const Telling *telling = data;
  const AlarmCall *call = &telling->call;
  return telling->is_over ? book_clear_alarm(tx, call->kind, call->subject, call->ways, error)
                          : book_raise_alarm(tx, call, error);
}

static void tell_alarm(const Queries *queries, const Query *query, const char *kind, const char *text,
                       const char *detail) {
  g_autoptr(GError) ignored = NULL;
  Telling telling = {.call = {.kind = kind,
                              .subject = query->conf->name,
                              .text = text,
                              .detail = detail,
                              .ways = queries->host->alarm_ways},
                     .is_over = !text};
  if (!book_write(queries->host->book, tell_change, &telling, &ignored))
    log_event(LOG_WARNING, "not-noted", {"query", query->conf->name}, {"error", ignored->message});
}

static void note_failure(Queries *queries, Query *query, const GError *error) {
  gboolean is_passing = sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN;
  gboolean is_known = g_strcmp0(query->problem, error->message) == 0;
  query->failures++;
  query->next_at = g_get_real_time() + policy_wait(POLICY_ENDPOINT, query->failures);
  show(queries, &query->problem, error->message);
  log_event(is_known ? LOG_DEBUG : LOG_WARNING, "query-failed", {"query", query->conf->name},
            {"code", sallyport_error_word((int)sallyport_error_code(error))}, {"error", error->message},
            {"failures", log_number(query->failures)});
  if (is_known ? query->failures != TRIES_BEFORE_ALARM : is_passing && query->failures < TRIES_BEFORE_ALARM)
    return;
  g_autofree char *text = g_strdup_printf("query %s: its rows cannot be read or written; it is tried again; `sallyport "
                                          "query %s --look` says more",
                                          query->conf->name, query->conf->name);
  tell_alarm(queries, query, QUERY_FAILING_ALARM, text, error->message);
}

static void note_success(Queries *queries, Query *query) {
  query->worked_at = g_get_real_time();
  if (query->failures == 0)
    return;
  query->failures = 0;
  show(queries, &query->problem, NULL);
  tell_alarm(queries, query, QUERY_FAILING_ALARM, NULL, NULL);
}

/* What a null hides is never read, and nothing else would tell it. */
static gboolean look_for_nulls(Queries *queries, Query *query, GError **error) {
  gboolean has;
  gint64 now = g_get_monotonic_time();
  if (!query->conf->cursor || now < query->nulls_at)
    return TRUE;
  OutsidePiece piece = query_piece_of(query->conf);
  piece.query.stop = gives_up;
  piece.query.user = queries;
  if (!outside_pieces_nulls(&piece, &has, error))
    return FALSE;
  query->nulls_at = now + (gint64)NULLS_SECONDS * G_USEC_PER_SEC;
  g_autofree char *text = g_strdup_printf("query %s: rows have a null in the cursor, and are never read: leave them "
                                          "out (WHERE … IS NOT NULL), or give them a value",
                                          query->conf->name);
  tell_alarm(queries, query, QUERY_NULLS_ALARM, has ? text : NULL, NULL);
  return TRUE;
}

/* --- Reading. */

/* FALSE without an error: not yet. */
static gboolean find_bound(Queries *queries, Query *query, GError **error) {
  gint64 now = g_get_monotonic_time(), lag = (gint64)query->conf->lag * G_USEC_PER_SEC;
  if (lag == 0 || query->bound)
    return TRUE;
  if (!query->newest) {
    OutsidePiece piece = query_piece_of(query->conf);
    piece.after = query->progress->position;
    piece.query.stop = gives_up;
    piece.query.user = queries;
    if (!outside_pieces_newest(&piece, &query->newest, error))
      return FALSE;
    query->newest_at = now;
  }
  gint64 ready = query->newest_at + lag;
  if (!query->newest || now < ready) {
    query->next_at = query->newest ? g_get_real_time() + (ready - now)
                                   : schedule_next(query->schedule, g_get_real_time());
    return FALSE;
  }
  query->bound = g_steal_pointer(&query->newest);
  return TRUE;
}

static gboolean set_progress(BookTransaction *tx, gpointer data, GError **error) {
  return book_set_query(tx, data, NULL, error);
}

/* A period counts from now; an instant that was missed while the lane did not run must be known. */
static gboolean end_reading(Queries *queries, Query *query, GError **error) {
  gint64 now = g_get_real_time();
  g_clear_pointer(&query->bound, g_free);
  query->next_at = schedule_next(query->schedule, now);
  if (!look_for_nulls(queries, query, error))
    return FALSE;
  query->progress->ran_at = now;
  return !query->conf->cron || book_write(queries->host->book, set_progress, query->progress, error);
}

static gboolean read_query(Queries *queries, Query *query, GError **error) {
  QueryReading reading = {.conf = query->conf,
                          .layout = query->layout,
                          .book = queries->host->book,
                          .scratch = queries->host->paths->folder,
                          .progress = query->progress,
                          .stop = gives_up,
                          .user = queries};
  QueryMade made = {0};
  if (!find_bound(queries, query, error))
    return *error == NULL;
  reading.until = query->bound;
  gint64 begun = g_get_monotonic_time();
  if (!query_make_file(&reading, &made, error))
    return FALSE;
  query->bytes = made.bytes;
  if (made.is_file)
    log_event(LOG_INFO, "query-file", {"query", query->conf->name}, {"file", query->progress->file},
              {"records", log_number((gint64)made.records)}, {"bytes", log_number((gint64)made.bytes)},
              {"ms", log_number((g_get_monotonic_time() - begun) / 1000)});
  if (made.more)
    return TRUE; /* at once */
  return end_reading(queries, query, error);
}

/* Files that nobody takes are not heaped up. */
static gboolean has_room(Queries *queries, Query *query, gboolean *has, GError **error) {
  guint files;
  if (!query_count_waiting(query->conf, &files, error))
    return FALSE;
  *has = files < query->conf->waiting;
  show(queries, &query->waits, *has ? NULL : "its files in the folder are not taken");
  if (!*has)
    query->next_at = g_get_real_time() + LOOK_MS * 1000;
  return TRUE;
}

static gboolean run_query(Queries *queries, Query *query, GError **error) {
  const RemotePace *pace = queries->host->pace;
  gboolean has = FALSE;
  if (!query_publish(query->conf, query->progress, error) || !has_room(queries, query, &has, error))
    return FALSE;
  if (!has)
    return TRUE;
  if (pace && !pace->may(pace->user))
    show(queries, &query->waits, "the machine is not idle");
  if (pace && !pace->next(pace->user, MAX(query->bytes, 1), error))
    return FALSE;
  show(queries, &query->waits, NULL);
  query->bytes = 0;
  return read_query(queries, query, error);
}

/* --- The thread. */

static gboolean run_due(Queries *queries) {
  for (guint i = 0; i < queries->queries->len && !is_stopping(queries); i++) {
    Query *query = queries->queries->pdata[i];
    g_autoptr(GError) error = NULL;
    if (query->next_at > g_get_real_time())
      continue;
    if (run_query(queries, query, &error))
      note_success(queries, query);
    else if (is_stopping(queries) || (sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN && gives_up(queries)))
      continue; /* nothing is wrong with it */
    else if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
      return FALSE;
    else
      note_failure(queries, query, error);
  }
  return TRUE;
}

static void wait_a_little(Queries *queries) {
  gint64 now = g_get_real_time(), wait = LOOK_MS * 1000;
  for (guint i = 0; i < queries->queries->len; i++)
    wait = MIN(wait, MAX(((const Query *)queries->queries->pdata[i])->next_at - now, 0));
  gint64 until = g_get_monotonic_time() + wait;
  pthread_mutex_lock(&queries->lock);
  while (!is_stopping(queries) && g_get_monotonic_time() < until)
    clock_condition_wait(&queries->changed, &queries->lock, until);
  pthread_mutex_unlock(&queries->lock);
}

static void *live(void *user) {
  Queries *queries = user;
  while (!is_stopping(queries)) {
    if (!run_due(queries)) {
      queries->host->storage_failed(queries->host->user);
      return NULL;
    }
    wait_a_little(queries);
  }
  return NULL;
}

/* --- Beginning and end. */

static void query_free(gpointer data) {
  Query *query = data;
  schedule_free(query->schedule);
  layout_free(query->layout);
  book_query_free(query->progress);
  g_free(query->bound);
  g_free(query->newest);
  g_free(query->problem);
  g_free(query->waits);
  g_free(query);
}

static void queries_free(gpointer service) {
  Queries *queries = service;
  g_ptr_array_unref(queries->queries);
  pthread_mutex_destroy(&queries->lock);
  pthread_cond_destroy(&queries->changed);
  g_free(queries);
}

static gboolean add_query(Queries *queries, BookReader *reader, const ConfQuery *conf, GError **error) {
  Query *query = g_new0(Query, 1);
  query->conf = conf;
  g_ptr_array_add(queries->queries, query);
  query->schedule =
      conf->cron ? schedule_new_cron(conf->cron, conf->time_zone, error) : schedule_new_every(conf->every);
  const ConfLayout *layout = conf_layout(queries->host->conf, conf->layout);
  if (!query->schedule || !(query->layout = layout_new(layout, error)))
    return FALSE;
  g_autoptr(GPtrArray) rows = book_queries(reader, conf->name, error);
  if (!rows)
    return FALSE;
  if (rows->len > 0) {
    query->progress = g_ptr_array_steal_index(rows, 0);
  } else {
    query->progress = g_new0(BookQuery, 1);
    query->progress->name = g_strdup(conf->name);
    query->progress->cursor = query_cursor_text(conf);
  }
  query->next_at = conf->cron ? schedule_next(query->schedule, query->progress->ran_at ? query->progress->ran_at
                                                                                      : g_get_real_time())
                              : 0;
  return TRUE;
}

static gpointer start(const LaneHost *host, GError **error) {
  const GPtrArray *confs = host->lane->queries;
  if (!confs || confs->len == 0)
    return NULL;
  Queries *queries = g_new0(Queries, 1);
  queries->host = host;
  queries->queries = g_ptr_array_new_with_free_func(query_free);
  pthread_mutex_init(&queries->lock, NULL);
  clock_condition_init(&queries->changed);
  g_autoptr(BookReader) reader = book_reader_open(host->paths->book, error);
  gboolean ok = reader != NULL;
  for (guint i = 0; ok && i < confs->len; i++)
    ok = add_query(queries, reader, confs->pdata[i], error);
  int number = ok ? pthread_create(&queries->thread, NULL, live, queries) : 0;
  if (ok && number == 0)
    return queries;
  if (ok)
    sallyport_error_errno(error, number, "start the thread of queries");
  queries_free(queries);
  return NULL;
}

static gboolean stop(gpointer service, guint grace_seconds) {
  Queries *queries = service;
  (void)grace_seconds;
  pthread_mutex_lock(&queries->lock);
  g_atomic_int_set(&queries->stop, TRUE);
  pthread_cond_broadcast(&queries->changed);
  pthread_mutex_unlock(&queries->lock);
  pthread_join(queries->thread, NULL);
  return TRUE;
}

/* --- What is shown beside the book's rows. */

static json_t *status(gpointer service) {
  Queries *queries = service;
  json_t *all = json_array();
  pthread_mutex_lock(&queries->lock);
  for (guint i = 0; i < queries->queries->len; i++) {
    const Query *query = queries->queries->pdata[i];
    json_array_append_new(all, json_pack("{s:s, s:s?, s:s?}", "query", query->conf->name, "problem", query->problem,
                                         "waits_for", query->waits));
  }
  pthread_mutex_unlock(&queries->lock);
  return all;
}

const LaneService query_service = {
    .name = "queries", .start = start, .stop = stop, .free = queries_free, .status = status};
