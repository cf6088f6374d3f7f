/* Process reference: a file's records are the rows of a reference table: a full load is the whole next version of it, a
 * delta changes the one in force.
 *
 * All that can be said against a load is said before the file is validated (judge): until then it can be held, for a
 * person, or rejected. From there until it is loaded no other file of the table is let through (keygate.h), and nobody
 * rolls it back, so that what was judged is what is changed.
 *
 *   crash while it is judged                nothing has changed: it is judged again
 *   crash before the version's commit       the file is loaded anew, from what was staged
 *   crash after it, before the marks        the version names the file: it is found, and only the marks are made
 *   crash after the marks                   every batch is marked: only the file's last transition is made again */
#include "gateway/processors/reference/reference.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/flow/processor.h"
#include "gateway/processors/reference/loading.h"
#include "gateway/processors/reference/reference_codes.h"
#include "gateway/processors/reference/shape.h"

gconstpointer reference_gate(const char *name) {
  g_autofree char *text = g_strconcat("reference ", name, NULL);
  return g_intern_string(text);
}

static gconstpointer gate(const ConfFeed *feed) {
  return reference_gate(feed->reference.name);
}

char *reference_scratch(const LanePaths *paths, const char *owner) {
  g_autofree char *name = g_strconcat(owner, ".reference", NULL);
  return g_build_filename(paths->stage, name, NULL);
}

/* `scratch`: path of the file beside. */
static ReferenceLoading loading_of(const Step *step, const char *staged, const char *scratch) {
  const ConfLane *lane = NULL;
  conf_feed(step->flow->conf, step->feed->conf->name, &lane);
  return (ReferenceLoading){.lane = lane,
                            .feed = step->feed->conf,
                            .layout = step->feed->layout,
                            .folder = step->flow->paths->folder,
                            .staged = staged,
                            .scratch = scratch,
                            .file = step->file};
}

static gboolean judge(Step *step, ProcessorVerdict *verdict, GError **error) {
  g_autofree char *staged = lane_path_stage(step->flow->paths, step->file->id),
                  *scratch = reference_scratch(step->flow->paths, step->file->id);
  ReferenceLoading loading = loading_of(step, staged, scratch);
  return reference_judge(&loading, verdict, NULL, error);
}

typedef struct {
  const BookFile *file;
  const GPtrArray *batches;
  const char *detail;
} Marks;

static gboolean marks_change(BookTransaction *tx, gpointer data, GError **error) {
  const Marks *marks = data;
  for (guint i = 0; i < marks->batches->len; i++) {
    const BookBatch *batch = marks->batches->pdata[i];
    if (batch->state != BATCH_POSTED && !book_post_batch(tx, marks->file->id, batch->number, error))
      return FALSE;
  }
  return book_note_file(tx, marks->file, marks->detail, error);
}

static gboolean mark(Step *step, const ReferenceVersion *version, GError **error) {
  const ConfReference *conf = &step->feed->conf->reference;
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autofree char *detail = reference_version_words(conf->name, version);
  if (!batches)
    return FALSE;
  fault_point("reference-before-marks");
  if (!book_write(step->flow->book, marks_change, &(Marks){step->file, batches, detail}, error))
    return FALSE;
  fault_point("reference-after-marks");
  step->file->batches_posted = step->file->batches;
  log_event(version->gaps > 0 ? LOG_WARNING : LOG_INFO, "reference-loaded", {"feed", step->feed->conf->name},
            {"file", step->file->id}, {"reference", conf->name}, {"version", log_number(version->number)},
            {"kind", reference_kind_word(version->kind)}, {"rows", log_number((gint64)version->rows)},
            {"added", log_number((gint64)version->added)}, {"changed", log_number((gint64)version->changed)},
            {"removed", log_number((gint64)version->removed)}, {"gaps", log_number((gint64)version->gaps)});
  return TRUE;
}

static gboolean load_reference(Step *step, GError **error) {
  g_autofree char *staged = lane_path_stage(step->flow->paths, step->file->id),
                  *scratch = reference_scratch(step->flow->paths, step->file->id);
  ReferenceLoading loading = loading_of(step, staged, scratch);
  g_autoptr(ReferenceVersion) version = NULL;
  const char *file = step->file->id;
  gint64 number = 0;
  if (!reference_version_made(&loading, file, &version, error))
    return FALSE;
  if (!version && (!reference_put(&loading, &number, error) ||
                   !reference_version_made(&loading, file, &version, error)))
    return FALSE;
  if (!version)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the version that it has made is not there");
  staging_remove(scratch); /* of a load that was killed behind its commit */
  return mark(step, version, error);
}

/* Of a local file, as the table lies there. */
static gboolean foresee(const ProcessorStaged *staged, ProcessorVerdict *verdict, GError **error) {
  g_autofree char *scratch = g_build_filename(staged->scratch, "beside.db", NULL);
  ReferenceLoading loading = {.lane = staged->lane,
                              .feed = staged->feed,
                              .layout = staged->layout,
                              .folder = staged->folder,
                              .staged = staged->path,
                              .scratch = scratch};
  return reference_judge(&loading, verdict, NULL, error);
}

static gboolean check(const ConfFeed *feed, const Layout *layout, GError **error) {
  g_autoptr(ReferenceShape) shape = reference_shape_new(&feed->reference, layout, error);
  return shape != NULL;
}

const Processor processor_reference = {.needs_reason = CODE_TABLE_SHRINKS " " CODE_TABLE_EMPTY " ",
                                       .check = check,
                                       .gate = gate,
                                       .judge = judge,
                                       .foresee = foresee,
                                       .run = load_reference};
