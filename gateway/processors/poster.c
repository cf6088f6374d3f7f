#include "gateway/processors/poster.h"
#include "gateway/base/faultpoint.h"
#include "gateway/records/exceptions.h"
#include <pthread.h>

struct Poster {
  const Feed *feed;
  Book *book;
  BookFile *file;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  guint under_way;
  GArray *finished; /* guint: batch numbers, durable in the ledger, not yet marked in the book */
  GError *error;    /* the first */
  guint beyond;     /* the batch of which it is that a balance would leave 64 bits; 0: it is another */
};

typedef struct {
  Poster *poster;
  const BookBatch *promised;
} Submission;

static GError *check_promise(const Submission *submission, const LedgerResult *result) {
  const BookBatch *batch = submission->promised;
  GError *error = NULL;
  if (result->overflow)
    sallyport_error_set(&error, SALLYPORT_ERROR_BUG, "batch %u: a balance would leave 64 bits", batch->number);
  else if (result->refused > 0 || result->posted != batch->accepted || result->amount != batch->amount)
    sallyport_error_set(&error, SALLYPORT_ERROR_BUG,
                        "batch %u: %u entries over %" G_GINT64_FORMAT
                        " posted, %u refused, but %u over %" G_GINT64_FORMAT " were accepted",
                        batch->number, result->posted, result->amount, result->refused, batch->accepted, batch->amount);
  return error;
}

/* In a ledger writer's thread. */
static void batch_done(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *failure) {
  g_autofree Submission *submission = user;
  Poster *poster = submission->poster;
  GError *error = failure ? g_error_copy(failure) : check_promise(submission, result);
  pthread_mutex_lock(&poster->lock);
  if (error && !poster->error) {
    poster->error = error;
    poster->beyond = !failure && result->overflow && result->posted == 0 ? batch->batch : 0;
  } else {
    g_clear_error(&error);
  }
  if (!poster->error)
    g_array_append_val(poster->finished, batch->batch);
  poster->under_way--;
  pthread_cond_signal(&poster->changed);
  pthread_mutex_unlock(&poster->lock);
}

static gboolean mark_change(BookTransaction *tx, gpointer data, GError **error) {
  const Poster *poster = ((gpointer *)data)[0];
  const GArray *numbers = ((gpointer *)data)[1];
  for (guint i = 0; i < numbers->len; i++)
    if (!book_post_batch(tx, poster->file->id, g_array_index(numbers, guint, i), error))
      return FALSE;
  return TRUE;
}

/* Marks what is durable in the ledger; with `wait` until at least one more batch is. */
static gboolean mark_finished(Poster *poster, gboolean wait, GError **error) {
  pthread_mutex_lock(&poster->lock);
  while (wait && poster->finished->len == 0 && poster->under_way > 0 && !poster->error)
    pthread_cond_wait(&poster->changed, &poster->lock);
  g_autoptr(GArray) numbers = g_steal_pointer(&poster->finished);
  poster->finished = g_array_new(FALSE, FALSE, sizeof(guint));
  pthread_mutex_unlock(&poster->lock);
  if (numbers->len == 0)
    return TRUE;
  gpointer data[] = {poster, numbers};
  fault_point("post-before-mark");
  if (!book_write(poster->book, mark_change, data, error))
    return FALSE;
  poster->file->batches_posted += numbers->len;
  return TRUE;
}

static void wait_for_all(Poster *poster) {
  pthread_mutex_lock(&poster->lock);
  while (poster->under_way > 0)
    pthread_cond_wait(&poster->changed, &poster->lock);
  pthread_mutex_unlock(&poster->lock);
}

gboolean batch_is_as_validated(const BookBatch *batch, const RecordBlock *block, const guint8 *skip, guint amount,
                               GError **error) {
  gint64 sum = 0;
  guint accepted = 0;
  gboolean fits = TRUE;
  for (guint i = 0; i < block->count; i++)
    if (!skip[i]) {
      accepted++;
      fits = fits && !__builtin_add_overflow(sum, record_block_integer(block, amount, i), &sum);
    }
  return (fits && accepted == batch->accepted && sum == batch->amount) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the lines %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                             " have %u records over %" G_GINT64_FORMAT " now, and had %u over %" G_GINT64_FORMAT
                             " when they were validated: put the field of the amount back until the file is posted",
                             batch->first_line, batch->last_line, accepted, sum, batch->accepted, batch->amount);
}

static LedgerBatch *load_batch(Poster *poster, StagingReader *reader, const BookBatch *batch, GError **error) {
  const BookFile *file = poster->file;
  guint count = (guint)(batch->last - batch->first + 1);
  LedgerBatch *loaded = ledger_batch_new();
  loaded->file = g_strdup(file->id);
  loaded->batch = batch->number;
  loaded->business_date = g_strdup(file->business_date);
  loaded->columns = *poster->feed->columns;
  guint n_columns;
  loaded->columns.scale = staging_columns(reader, &n_columns)[loaded->columns.amount].scale; /* as it was staged */
  loaded->block = staging_block_new(reader, count);
  loaded->skip = g_new0(guint8, count);
  if (staging_read(reader, batch->first, count, loaded->block, error) &&
      exceptions_mark(batch->exceptions, batch->first, count, loaded->skip, error) &&
      batch_is_as_validated(batch, loaded->block, loaded->skip, loaded->columns.amount, error))
    return loaded;
  ledger_batch_free(loaded);
  return NULL;
}

Poster *poster_new(const Step *step) {
  Poster *poster = g_new0(Poster, 1);
  *poster = (Poster){.feed = step->feed,
                     .book = step->flow->book,
                     .file = step->file,
                     .finished = g_array_new(FALSE, FALSE, sizeof(guint))};
  pthread_mutex_init(&poster->lock, NULL);
  pthread_cond_init(&poster->changed, NULL);
  return poster;
}

void poster_free(Poster *poster) {
  wait_for_all(poster); /* their callbacks hold pointers to it */
  g_clear_error(&poster->error);
  g_array_unref(poster->finished);
  pthread_cond_destroy(&poster->changed);
  pthread_mutex_destroy(&poster->lock);
  g_free(poster);
}

gboolean poster_submit(Poster *poster, StagingReader *reader, const BookBatch *batch, GError **error) {
  LedgerBatch *loaded = load_batch(poster, reader, batch, error);
  if (!loaded)
    return FALSE;
  Submission *submission = g_new(Submission, 1);
  *submission = (Submission){poster, batch};
  pthread_mutex_lock(&poster->lock);
  poster->under_way++;
  pthread_mutex_unlock(&poster->lock);
  ledger_submit(poster->feed->ledger, loaded, batch_done, submission);
  return TRUE;
}

gboolean poster_has_failed(Poster *poster) {
  pthread_mutex_lock(&poster->lock);
  gboolean failed = poster->error != NULL;
  pthread_mutex_unlock(&poster->lock);
  return failed;
}

guint poster_beyond(Poster *poster) {
  pthread_mutex_lock(&poster->lock);
  guint beyond = poster->beyond;
  pthread_mutex_unlock(&poster->lock);
  return beyond;
}

gboolean poster_mark(Poster *poster, GError **error) {
  return mark_finished(poster, FALSE, error);
}

static gboolean is_through(Poster *poster) {
  pthread_mutex_lock(&poster->lock);
  gboolean through = poster->under_way == 0 && poster->finished->len == 0;
  pthread_mutex_unlock(&poster->lock);
  return through;
}

gboolean poster_finish(Poster *poster, GError **error) {
  while (!poster_has_failed(poster)) {
    if (!mark_finished(poster, TRUE, error))
      return FALSE;
    if (is_through(poster) && !poster_has_failed(poster))
      return TRUE;
  }
  wait_for_all(poster);
  g_propagate_error(error, g_steal_pointer(&poster->error));
  return FALSE;
}
