/* Post: gives the file to its process (processor.h). validated → posting → posted.
 *
 *   crash in posting                          the process is run again, and goes on with what the book says
 *   crash after all batches, before `posted`  every batch is marked: only the last transition is made again */
#include "gateway/base/faultpoint.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/processor.h"
#include "gateway/flow/step.h"
#include "gateway/records/stage.h"

/* After a restart the file holds every key of the ledger. Where there is room for it and others, its own are enough,
 * and the others need not wait for it. */
static gboolean hold_own_keys(Step *step, GError **error) {
  if (!step->feed->ledger || !keygate_holds_all(step->flow->gate, step->file->id))
    return TRUE;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  ExamineOptions options = {.staging = path,
                            .scratch = step->flow->paths->stage,
                            .layout = step->feed->layout,
                            .conf = step->feed->conf,
                            .columns = step->feed->columns,
                            .threads = step->flow->threads};
  KeyFacts keys = {0};
  gboolean ok = examine_keys(&options, &keys, error);
  if (ok && ledger_promise(step->feed->ledger, step->file->id, keys.moved))
    keygate_narrow(step->flow->gate, step->file->id, keys.least, keys.greatest);
  key_facts_clear(&keys);
  return ok;
}

/* Also what was validated long ago: its amounts would be read from another field. */
static gboolean is_of_this_layout(const Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  return !step->feed->ledger || stage_check_layout(path, step->feed->layout, error);
}

gboolean flow_post(Step *step, GError **error) {
  BookFile *file = step->file;
  gint64 started = g_get_monotonic_time();
  if (!is_of_this_layout(step, error) || !hold_own_keys(step, error))
    return FALSE;
  if (file->state == FILE_VALIDATED && !flow_advance(step, FILE_POSTING, NULL, error))
    return FALSE;
  if (!step->feed->processor->run(step, error))
    return FALSE;
  if (file->batches_posted < file->batches)
    return TRUE; /* put off */
  fault_point("post-before-posted");
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " entries in %u batches, %" G_GINT64_FORMAT " ms",
                                            file->accepted, file->batches, (g_get_monotonic_time() - started) / 1000);
  if (!flow_advance(step, FILE_POSTED, detail, error))
    return FALSE;
  flow_release_keys(step);
  return TRUE;
}
