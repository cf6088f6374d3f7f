/* Post: gives the batches to the ledger. validated → posting → posted.
 *
 * Several batches are under way at a time; each is marked posted in the book after the ledger has made it durable.
 *   crash before a ledger commit             the batch is submitted again
 *   crash between ledger and book            submitted again; the ledger knows the batch and answers with the same result
 *   crash after all batches, before `posted` every batch is marked: only the last transition is made again
 * The sums that the ledger reports must be those that validation promised, else nothing is called posted. */
#include "gateway/base/faultpoint.h"
#include "gateway/flow/examine.h"
#include "gateway/flow/flow.h"
#include "gateway/log.h"
#include "gateway/records/exceptions.h"
#include <pthread.h>

typedef struct {
  Step *step;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  guint under_way;
  GArray *finished;  /* guint: batch numbers, durable in the ledger, not yet marked in the book */
  GError *error;     /* the first */
} Posting;

typedef struct { Posting *posting; const BookBatch *promised; } Submission;

static GError *check_promise(const Submission *submission, const LedgerResult *result) {
  const BookBatch *batch = submission->promised;
  GError *error = NULL;
  if (result->overflow)
    sallyport_error_set(&error, SALLYPORT_ERROR_BUG, "batch %u: a balance would leave 64 bits", batch->number);
  else if (result->refused > 0 || result->posted != batch->accepted || result->amount != batch->amount)
    sallyport_error_set(&error, SALLYPORT_ERROR_BUG,
                        "batch %u: %u entries over %" G_GINT64_FORMAT " posted, %u refused, but %u over %" G_GINT64_FORMAT " were accepted",
                        batch->number, result->posted, result->amount, result->refused, batch->accepted, batch->amount);
  return error;
}

/* In a ledger writer's thread. */
static void batch_done(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *failure) {
  g_autofree Submission *submission = user;
  Posting *posting = submission->posting;
  GError *error = failure ? g_error_copy(failure) : check_promise(submission, result);
  pthread_mutex_lock(&posting->lock);
  if (error && !posting->error)
    posting->error = error;
  else
    g_clear_error(&error);
  if (!posting->error)
    g_array_append_val(posting->finished, batch->batch);
  posting->under_way--;
  pthread_cond_signal(&posting->changed);
  pthread_mutex_unlock(&posting->lock);
}

static gboolean mark_change(BookTransaction *tx, gpointer data, GError **error) {
  const Posting *posting = ((gpointer *)data)[0];
  const GArray *numbers = ((gpointer *)data)[1];
  for (guint i = 0; i < numbers->len; i++)
    if (!book_post_batch(tx, posting->step->file->id, g_array_index(numbers, guint, i), error))
      return FALSE;
  return TRUE;
}

/* Marks what is durable in the ledger; with `wait` until at least one more batch is. */
static gboolean mark_finished(Posting *posting, gboolean wait, GError **error) {
  pthread_mutex_lock(&posting->lock);
  while (wait && posting->finished->len == 0 && posting->under_way > 0 && !posting->error)
    pthread_cond_wait(&posting->changed, &posting->lock);
  g_autoptr(GArray) numbers = g_steal_pointer(&posting->finished);
  posting->finished = g_array_new(FALSE, FALSE, sizeof(guint));
  pthread_mutex_unlock(&posting->lock);
  if (numbers->len == 0)
    return TRUE;
  gpointer data[] = {posting, numbers};
  fault_point("post-before-mark");
  if (!book_write(posting->step->flow->book, mark_change, data, error))
    return FALSE;
  posting->step->file->batches_posted += numbers->len;
  return TRUE;
}

static void wait_for_all(Posting *posting) {
  pthread_mutex_lock(&posting->lock);
  while (posting->under_way > 0)
    pthread_cond_wait(&posting->changed, &posting->lock);
  pthread_mutex_unlock(&posting->lock);
}

static gboolean skip_exceptions(const BookBatch *batch, guint8 *skip, GError **error) {
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  const RecordException *exception;
  GError *damage = NULL;
  while ((exception = exception_cursor_next(cursor, &damage)))
    if (exception->record >= batch->first && exception->record <= batch->last)
      skip[exception->record - batch->first] = 1;
  exception_cursor_free(cursor);
  if (damage)
    g_propagate_error(error, damage);
  return damage == NULL;
}

static LedgerBatch *load_batch(Posting *posting, StagingReader *reader, const BookBatch *batch, GError **error) {
  const BookFile *file = posting->step->file;
  guint count = (guint)(batch->last - batch->first + 1);
  LedgerBatch *loaded = ledger_batch_new();
  loaded->file = g_strdup(file->id);
  loaded->batch = batch->number;
  loaded->business_date = g_strdup(file->business_date);
  loaded->columns = posting->step->feed->columns;
  loaded->block = staging_block_new(reader, count);
  loaded->skip = g_new0(guint8, count);
  if (staging_read(reader, batch->first, count, loaded->block, error) && skip_exceptions(batch, loaded->skip, error))
    return loaded;
  ledger_batch_free(loaded);
  return NULL;
}

static gboolean submit(Posting *posting, StagingReader *reader, const BookBatch *batch, GError **error) {
  LedgerBatch *loaded = load_batch(posting, reader, batch, error);
  if (!loaded)
    return FALSE;
  Submission *submission = g_new(Submission, 1);
  *submission = (Submission){posting, batch};
  pthread_mutex_lock(&posting->lock);
  posting->under_way++;
  pthread_mutex_unlock(&posting->lock);
  ledger_submit(posting->step->feed->ledger, loaded, batch_done, submission);
  return TRUE;
}

static gboolean has_failed(Posting *posting) {
  pthread_mutex_lock(&posting->lock);
  gboolean failed = posting->error != NULL;
  pthread_mutex_unlock(&posting->lock);
  return failed;
}

static gboolean post_all(Posting *posting, GPtrArray *batches, StagingReader *reader, GError **error) {
  for (guint i = 0; i < batches->len && !has_failed(posting); i++) {
    const BookBatch *batch = batches->pdata[i];
    if (batch->state == BATCH_POSTED)
      continue;
    if (!submit(posting, reader, batch, error) || !mark_finished(posting, FALSE, error))
      return FALSE;
  }
  while (!has_failed(posting)) {
    if (!mark_finished(posting, TRUE, error))
      return FALSE;
    pthread_mutex_lock(&posting->lock);
    gboolean is_through = posting->under_way == 0 && posting->finished->len == 0;
    pthread_mutex_unlock(&posting->lock);
    if (is_through)
      return TRUE;
  }
  return FALSE;
}

static gboolean post_batches(Step *step, GPtrArray *batches, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  g_autoptr(StagingReader) reader = staging_reader_open(path, error);
  if (!reader)
    return FALSE;
  Posting posting = {.step = step, .finished = g_array_new(FALSE, FALSE, sizeof(guint))};
  pthread_mutex_init(&posting.lock, NULL);
  pthread_cond_init(&posting.changed, NULL);
  gboolean ok = post_all(&posting, batches, reader, error);
  wait_for_all(&posting); /* their callbacks hold pointers into this frame */
  if (!ok && posting.error && (!error || !*error))
    g_propagate_error(error, g_steal_pointer(&posting.error));
  g_clear_error(&posting.error);
  g_array_unref(posting.finished);
  pthread_cond_destroy(&posting.changed);
  pthread_mutex_destroy(&posting.lock);
  return ok;
}

/* After a restart the file holds every key of the ledger; its own are enough, and the others need not wait for it. */
static gboolean hold_own_keys(Step *step, GError **error) {
  if (!keygate_holds_all(step->flow->gate, step->file->id))
    return TRUE;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  ExamineOptions options = {.staging = path, .scratch = step->flow->paths->stage, .layout = step->feed->layout, .conf = step->feed->conf,
                            .columns = step->feed->columns, .threads = step->flow->threads};
  KeyFacts keys = {0};
  gboolean ok = examine_keys(&options, &keys, error);
  if (ok)
    keygate_narrow(step->flow->gate, step->file->id, keys.least, keys.greatest);
  key_facts_clear(&keys);
  return ok;
}

gboolean flow_post(Step *step, GError **error) {
  BookFile *file = step->file;
  gint64 started = g_get_monotonic_time();
  if (!hold_own_keys(step, error))
    return FALSE;
  if (file->state == FILE_VALIDATED && !flow_advance(step, FILE_POSTING, NULL, error))
    return FALSE;
  g_autoptr(GPtrArray) batches = book_batches(step->reader, file->id, error);
  if (!batches || !post_batches(step, batches, error))
    return FALSE;
  file->batches_posted = file->batches;
  fault_point("post-before-posted");
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " entries in %u batches, %" G_GINT64_FORMAT " ms", file->accepted,
                                            file->batches, (g_get_monotonic_time() - started) / 1000);
  if (!flow_advance(step, FILE_POSTED, detail, error))
    return FALSE;
  keygate_release(step->flow->gate, file->id);
  return TRUE;
}
