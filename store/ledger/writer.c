#include "store/ledger/writer_private.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "store/ledger/runs_private.h"
#include <errno.h>
#include <time.h>

/* A group is large enough that its sync is spread over many batches, and small enough that a batch does not wait long.
 * A log of WAL_BYTES is checkpointed between two groups; an idle writer empties it. A tail of FOLD_AT entries costs a
 * balance some 50 ms to read: then it is folded even while batches wait. */
enum { GROUP_RECORDS = 50000, WAL_BYTES = 64 << 20, FOLD_AT = 4 << 20, IDLE_SECONDS = 2, AGAIN_SECONDS = 30 };

struct LedgerWriter {
  Db *db;
  LedgerPoster poster;
  gint64 gross_at_start;
  pthread_t thread;
  gint64 folded, house_again_at; /* the latter: after a failure */
  GError *failure;               /* of the storage: the writer's thread alone writes it, once, under the lock */

  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  GQueue parts;
  gboolean stop, index_all;
  gint64 top_seen, folded_seen, fold_to;
  guint fold_failures; /* counted, so that who waits for a fold learns of its failure */
  GError *fold_error;
};

/* --- Posting */

static guint take_group(LedgerWriter *writer, GPtrArray *group) {
  guint records = 0;
  LedgerPart *next;
  while ((next = g_queue_peek_head(&writer->parts)) && (group->len == 0 || records + next->count <= GROUP_RECORDS)) {
    records += next->count;
    g_ptr_array_add(group, g_queue_pop_head(&writer->parts));
  }
  return records;
}

static gboolean post_parts(LedgerWriter *writer, GPtrArray *group, GError **error) {
  for (guint i = 0; i < group->len; i++)
    if (!ledger_post_part(&writer->poster, group->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* A crash before COMMIT returns leaves the group posted whole or not at all; it was not acknowledged, so all of its
 * batches come again and find out by their keys. If the log's sync fails, the group may be there after a restart all
 * the same: also then. */
static gboolean commit_group(LedgerWriter *writer, GPtrArray *group, GError **error) {
  gint64 top = writer->poster.top, gross = writer->poster.gross;
  if (writer->failure) {
    g_propagate_error(error, g_error_copy(writer->failure));
    return FALSE;
  }
  if (db_begin(writer->db, error) && post_parts(writer, group, error)) {
    fault_point("ledger-commit-before");
    if (db_commit(writer->db, error)) {
      fault_point("ledger-commit-after");
      return TRUE;
    }
  }
  db_rollback(writer->db);
  shard_view_forget(&writer->poster.view);
  writer->poster.top = top;
  writer->poster.gross = gross;
  return FALSE;
}

static void note_failure(LedgerWriter *writer, const GError *error) {
  if (writer->failure || !g_error_matches(error, SALLYPORT_ERROR, SALLYPORT_ERROR_STORAGE))
    return;
  pthread_mutex_lock(&writer->lock);
  writer->failure = g_error_copy(error);
  pthread_mutex_unlock(&writer->lock);
}

static void post_group(LedgerWriter *writer, GPtrArray *group, guint records) {
  GError *error = NULL;
  gboolean orders = FALSE;
  for (guint i = 0; i < group->len && !orders; i++)
    orders = ((LedgerPart *)group->pdata[i])->index_only;
  if ((records > 0 || orders || writer->failure) && !commit_group(writer, group, &error))
    note_failure(writer, error);
  pthread_mutex_lock(&writer->lock);
  writer->top_seen = writer->poster.top;
  pthread_mutex_unlock(&writer->lock);
  for (guint i = 0; i < group->len; i++) {
    LedgerPart *part = group->pdata[i];
    if (error) {
      part->posted = part->refused = 0;
      part->posted_amount = 0;
    }
    part->done(part, error);
  }
  g_clear_error(&error);
}

/* --- Keeping house */

static void fold_next(LedgerWriter *writer) {
  GError *error = NULL;
  gboolean ok = !writer->failure && ledger_fold_slice(&writer->poster.view, &writer->folded, &error);
  if (!ok && !error)
    error = g_error_copy(writer->failure);
  if (!ok) {
    shard_view_forget(&writer->poster.view);
    writer->house_again_at = g_get_monotonic_time() + AGAIN_SECONDS * G_USEC_PER_SEC;
    note_failure(writer, error);
  }
  pthread_mutex_lock(&writer->lock);
  writer->folded_seen = writer->folded;
  if (!ok) {
    writer->fold_to = 0;
    writer->fold_failures++;
    g_clear_error(&writer->fold_error);
    writer->fold_error = error;
  }
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
}

/* If it cannot be done, loose postings stay loose: slower to search, as right as before. */
static void index_loose(LedgerWriter *writer) {
  g_autoptr(GError) error = NULL;
  pthread_mutex_lock(&writer->lock);
  writer->index_all = FALSE;
  pthread_mutex_unlock(&writer->lock);
  if (ledger_index_loose(&writer->poster, &error))
    return;
  shard_view_forget(&writer->poster.view);
  writer->house_again_at = g_get_monotonic_time() + AGAIN_SECONDS * G_USEC_PER_SEC;
  note_failure(writer, error);
}

/* A checkpoint that finds the disk full is tried again after the next group, or in IDLE_SECONDS: the log holds all. One
 * whose sync fails stops the writer. */
static void checkpoint(LedgerWriter *writer, gboolean truncate) {
  g_autoptr(GError) error = NULL;
  if (writer->failure)
    return;
  if (!db_checkpoint(writer->db, truncate, &error))
    note_failure(writer, error);
}

typedef enum { WORK_POST, WORK_FOLD, WORK_INDEX, WORK_IDLE, WORK_STOP } Work;

/* Under the lock: what is next. Waits; WORK_IDLE after a while without anything. */
static Work next_work(LedgerWriter *writer) {
  gint64 until = g_get_monotonic_time() + IDLE_SECONDS * G_USEC_PER_SEC;
  for (;;) {
    gboolean well = !writer->failure && g_get_monotonic_time() >= writer->house_again_at;
    if (well && (ledger_loose_are_many(&writer->poster) || (writer->index_all && writer->poster.loose.n > 0)))
      return WORK_INDEX;
    if (well && writer->top_seen - writer->folded_seen >= FOLD_AT)
      return WORK_FOLD;
    if (!g_queue_is_empty(&writer->parts))
      return WORK_POST;
    if (writer->folded_seen < writer->fold_to)
      return WORK_FOLD;
    if (writer->stop)
      return WORK_STOP;
    gboolean timed = db_log_bytes(writer->db) > 0 && !writer->failure;
    if (!timed)
      pthread_cond_wait(&writer->changed, &writer->lock);
    else if (!clock_condition_wait(&writer->changed, &writer->lock, until))
      return WORK_IDLE;
  }
}

static void *write_loop(void *user) {
  LedgerWriter *writer = user;
  g_autoptr(GPtrArray) group = g_ptr_array_new();
  g_autofree char *name = g_strdup_printf("ledger-%u", writer->poster.view.shard);
  pthread_setname_np(pthread_self(), name); /* for top, gdb and perf */
  for (;;) {
    pthread_mutex_lock(&writer->lock);
    Work work = next_work(writer);
    guint records = work == WORK_POST ? take_group(writer, group) : 0;
    pthread_mutex_unlock(&writer->lock);
    if (work == WORK_STOP)
      return NULL;
    if (work == WORK_POST)
      post_group(writer, group, records);
    if (work == WORK_FOLD)
      fold_next(writer);
    if (work == WORK_INDEX)
      index_loose(writer);
    if (work == WORK_IDLE || db_log_bytes(writer->db) > WAL_BYTES)
      checkpoint(writer, work == WORK_IDLE);
    g_ptr_array_set_size(group, 0);
  }
}

/* --- Outside of the thread */

static gboolean read_folded(LedgerWriter *writer, GError **error) {
  g_autoptr(GArray) runs = ledger_runs_list(writer->db, error);
  if (!runs)
    return FALSE;
  writer->folded = ledger_runs_folded(runs);
  return TRUE;
}

static void free_writer(LedgerWriter *writer) {
  ledger_poster_clear(&writer->poster);
  db_close(writer->db);
  g_clear_error(&writer->failure);
  g_clear_error(&writer->fold_error);
  pthread_cond_destroy(&writer->changed);
  pthread_mutex_destroy(&writer->lock);
  g_free(writer);
}

LedgerWriter *ledger_writer_start(Db *db, guint shard, KeySieve *sieve, GError **error) {
  LedgerWriter *writer = g_new0(LedgerWriter, 1);
  clock_condition_init(&writer->changed);
  pthread_mutex_init(&writer->lock, NULL);
  g_queue_init(&writer->parts);
  writer->db = db;
  gboolean ok = ledger_poster_init(&writer->poster, db, shard, sieve, error) && read_folded(writer, error);
  writer->top_seen = writer->poster.top;
  writer->folded_seen = writer->folded;
  writer->gross_at_start = writer->poster.gross;
  int rc = ok ? pthread_create(&writer->thread, NULL, write_loop, writer) : 0;
  if (rc != 0)
    ok = sallyport_error_errno(error, rc, "start the writer of ledger shard %u", shard);
  if (ok)
    return writer;
  free_writer(writer);
  return NULL;
}

void ledger_writer_stop(LedgerWriter *writer) {
  pthread_mutex_lock(&writer->lock);
  writer->stop = TRUE;
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
  pthread_join(writer->thread, NULL);
  checkpoint(writer, TRUE);
  free_writer(writer);
}

void ledger_writer_put(LedgerWriter *writer, LedgerPart *part) {
  pthread_mutex_lock(&writer->lock);
  g_queue_push_tail(&writer->parts, part);
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
}

LedgerFoldTicket ledger_writer_fold_begin(LedgerWriter *writer, guint64 least) {
  pthread_mutex_lock(&writer->lock);
  LedgerFoldTicket ticket = {.target = writer->top_seen, .failures = writer->fold_failures};
  if ((guint64)(ticket.target - writer->folded_seen) < least)
    ticket.target = 0;
  writer->fold_to = MAX(writer->fold_to, ticket.target);
  writer->index_all |= least <= 1;
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
  return ticket;
}

gboolean ledger_writer_fold_wait(LedgerWriter *writer, const LedgerFoldTicket *ticket, GError **error) {
  pthread_mutex_lock(&writer->lock);
  while (writer->folded_seen < ticket->target && writer->fold_failures == ticket->failures)
    pthread_cond_wait(&writer->changed, &writer->lock);
  gboolean ok = writer->folded_seen >= ticket->target;
  if (!ok)
    g_propagate_error(error, g_error_copy(writer->fold_error));
  pthread_mutex_unlock(&writer->lock);
  return ok;
}

gint64 ledger_writer_gross(const LedgerWriter *writer) {
  return writer->gross_at_start;
}

LooseKeys *ledger_writer_loose_keys(LedgerWriter *writer) {
  return &writer->poster.loose;
}
