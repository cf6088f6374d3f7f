/* The lane's own ledger: several batches are under way at a time, each marked posted after the ledger has made it
 * durable (poster.h). */
#include "gateway/processors/poster.h"
#include "gateway/flow/processor.h"

/* Files that were validated for an interface, before the feed's process was changed. What the interface has been told
 * stays its own. */
typedef struct {
  const char *file;
  BookBatch *batch;
  guint batches;
} Number;

static gboolean number_change(BookTransaction *tx, gpointer data, GError **error) {
  Number *number = data;
  BookCut cut = {number->file, number->batch, NULL, &number->batches};
  return book_cut_batch(tx, &cut, error);
}

static gboolean take_over(const Step *step, BookBatch *batch, GError **error) {
  Number number = {step->file->id, batch, 0};
  if (batch->state == BATCH_SENT)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "batch %u was sent to the interface of `process http`, and its outcome is not known: "
                               "put that process back until it is",
                               batch->number);
  return batch->number > 0 || book_write(step->flow->book, number_change, &number, error);
}

static gboolean post_all(const Step *step, Poster *poster, const GPtrArray *batches, StagingReader *reader,
                         GError **error) {
  for (guint i = 0; i < batches->len && !poster_has_failed(poster); i++) {
    BookBatch *batch = batches->pdata[i];
    if (batch->state == BATCH_POSTED)
      continue;
    if (!take_over(step, batch, error) || !poster_submit(poster, reader, batch, error) || !poster_mark(poster, error))
      return FALSE;
  }
  return poster_finish(poster, error);
}

static gboolean post_to_ledger(Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autoptr(StagingReader) reader = batches ? staging_reader_open(path, error) : NULL;
  if (!reader)
    return FALSE;
  Poster *poster = poster_new(step);
  gboolean ok = post_all(step, poster, batches, reader, error);
  poster_free(poster);
  if (ok)
    step->file->batches_posted = step->file->batches; /* those from before a restart among them */
  return ok;
}

const Processor processor_ledger = {.run = post_to_ledger};
