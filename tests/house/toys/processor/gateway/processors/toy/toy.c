/* A processor that exists in the tests only: credits the lane's ledger like process ledger, the last batch first unless
 * it is configured otherwise. It may be run again from its beginning: the ledger knows the batches that it has. */
#include "gateway/flow/processor.h"
#include "gateway/processors/poster.h"

static gboolean post_all(const Step *step, Poster *poster, const GPtrArray *batches, StagingReader *reader,
                         GError **error) {
  gboolean backwards = step->feed->conf->toy.backwards;
  for (guint i = 0; i < batches->len && !poster_has_failed(poster); i++) {
    const BookBatch *batch = batches->pdata[backwards ? batches->len - 1 - i : i];
    if (batch->state == BATCH_POSTED)
      continue;
    if (!poster_submit(poster, reader, batch, error) || !poster_mark(poster, error))
      return FALSE;
  }
  return poster_finish(poster, error);
}

static gboolean run_toy(Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autoptr(StagingReader) reader = batches ? staging_reader_open(path, error) : NULL;
  if (!reader)
    return FALSE;
  Poster *poster = poster_new(step);
  gboolean ok = post_all(step, poster, batches, reader, error);
  poster_free(poster);
  if (ok)
    step->file->batches_posted = step->file->batches;
  return ok;
}

const Processor processor_toy = {.run = run_toy};
