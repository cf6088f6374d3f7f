/* Process rating: a file's records are usage, and each is rated exactly once. Some batches at a time are one admission
 * (store/details.h): decided, put with their answers, and durable in every shard or in none; then the book learns of
 * them.
 *
 *   crash before an admission's last commit   it is taken back when the details are opened: the batches come again
 *   crash between the details and the book    the answers are there, and are given again, whatever tables say by now
 *   crash behind the book's commit            the batches are marked
 *
 * Feeds of one rating take turns: an admission is decided when the one before it is durable. */
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/flow/processor.h"
#include "gateway/processors/rating/answers.h"
#include "gateway/records/exceptions.h"
#include "gateway/records/stage.h"
#include <string.h>

/* Enough that the syncs of all shards are spread over many records. */
enum { ADMISSION_RECORDS = 30000 };

typedef struct {
  Step *step;
  RatingDesk *desk;
  StagingReader *staged;
  GPtrArray *batches; /* BookBatch*, by their first records */
} Run;

/* --- An admission of some batches, from `from` to before `to` */

static gboolean read_records(const Run *run, guint from, guint to, Admission *admission, GError **error) {
  const BookBatch *first = run->batches->pdata[from], *last = run->batches->pdata[to - 1];
  guint count = (guint)(last->last - first->first + 1);
  g_autofree guint8 *skip = g_new0(guint8, count);
  admission->block = staging_block_new(run->staged, count);
  admission->records = g_new0(UsageRecord, count);
  if (!staging_read(run->staged, first->first, count, admission->block, error))
    return FALSE;
  for (guint i = from; i < to; i++) {
    const BookBatch *batch = run->batches->pdata[i];
    if (!exceptions_mark(batch->exceptions, first->first, count, skip, error))
      return FALSE;
  }
  for (guint i = 0; i < count; i++)
    admission->records[i].verdict = skip[i] ? USAGE_PASSED_OVER : USAGE_NEW;
  return TRUE;
}

static gboolean put_answers(const Run *run, guint from, guint to, const Admission *admission, GError **error) {
  guint at = 0;
  for (guint i = from; i < to; i++) {
    const BookBatch *batch = run->batches->pdata[i];
    g_autoptr(GBytes) answer = NULL;
    if (!rating_answer(admission, batch, at, &answer, error) ||
        !details_put_answer(run->desk->details, run->step->file->id, batch->number, answer, error))
      return FALSE;
    at += (guint)(batch->last - batch->first + 1);
  }
  return TRUE;
}

/* After a failure the store is closed: opening it takes back what was begun. */
static gboolean admit(const Run *run, guint from, guint to, GError **error) {
  const BookFile *file = run->step->file;
  g_auto(Admission) admission = {.desk = run->desk,
                                 .parts = &(AdmissionPart){file->id, file->seen_at},
                                 .threads = MAX(run->step->flow->threads, 1)};
  if (!read_records(run, from, to, &admission, error) || !rating_desk_refresh(run->desk, error))
    return FALSE;
  details_begin(run->desk->details);
  if (admission_decide(&admission, error) && put_answers(run, from, to, &admission, error) &&
      admission_commit(&admission, error))
    return TRUE;
  rating_desk_close(run->desk);
  return FALSE;
}

/* --- The book */

typedef struct {
  const Run *run;
  guint from, to;
  GPtrArray *answers; /* GBytes, empty: nothing to say */
} Marks;

static gboolean mark_batch(BookTransaction *tx, const Run *run, BookBatch *batch, GBytes *answer, GError **error) {
  AnswerCounts counts;
  gboolean any = g_bytes_get_size(answer) > 0;
  if (!rating_answer_count(any ? answer : NULL, &counts, error))
    return FALSE;
  if (counts.rejected < batch->rejected || counts.duplicates < batch->duplicates)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "batch %u: its answer is not that of its records",
                               batch->number);
  g_autofree char *text = g_strdup_printf("%u rejected, %u duplicates, %u not priced yet", counts.rejected,
                                          counts.duplicates, counts.suspended);
  BookReply reply = {.rejected = counts.rejected - batch->rejected,
                     .duplicates = counts.duplicates - batch->duplicates,
                     .exceptions = any ? answer : NULL,
                     .text = text};
  return (!any || book_refuse_in_batch(tx, run->step->file, batch, &reply, error)) &&
         book_post_batch(tx, run->step->file->id, batch->number, error);
}

static gboolean marks_change(BookTransaction *tx, gpointer data, GError **error) {
  const Marks *marks = data;
  for (guint i = marks->from; i < marks->to; i++)
    if (!mark_batch(tx, marks->run, marks->run->batches->pdata[i], marks->answers->pdata[i - marks->from], error))
      return FALSE;
  return TRUE;
}

static gboolean mark(const Run *run, guint from, guint to, GError **error) {
  g_autoptr(GPtrArray) answers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  const BookFile *file = run->step->file;
  for (guint i = from; i < to; i++) {
    const BookBatch *batch = run->batches->pdata[i];
    GBytes *answer;
    if (!details_answer(run->desk->details, file->id, batch->number, &answer, error))
      return FALSE;
    if (!answer)
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "batch %u was rated, and has no answer", batch->number);
    g_ptr_array_add(answers, answer);
  }
  fault_point("rating-before-marks");
  if (!book_write(run->step->flow->book, marks_change, &(Marks){run, from, to, answers}, error))
    return FALSE;
  fault_point("rating-after-marks");
  return TRUE;
}

/* --- The file */

static gboolean is_answered(const Run *run, const BookBatch *batch, gboolean *is, GError **error) {
  GBytes *answer;
  if (!details_answer(run->desk->details, run->step->file->id, batch->number, &answer, error))
    return FALSE;
  *is = answer != NULL;
  g_clear_pointer(&answer, g_bytes_unref);
  return TRUE;
}

/* From the batch on: those that follow it and are to be rated, up to some thousand records. */
static gboolean take_group(const Run *run, guint from, guint *to, gboolean *answered, GError **error) {
  guint64 records = 0;
  gboolean is;
  if (!is_answered(run, run->batches->pdata[from], answered, error))
    return FALSE;
  for (*to = from; *to < run->batches->len && records < ADMISSION_RECORDS; ++*to) {
    const BookBatch *batch = run->batches->pdata[*to];
    if (batch->state == BATCH_POSTED || !is_answered(run, batch, &is, error) || is != *answered)
      break;
    records += batch->last - batch->first + 1;
  }
  return *to > from || sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "its batches could not be taken up");
}

static gboolean open_for(const Run *run, GError **error) {
  const Flow *flow = run->step->flow;
  DeskPlace place = {.conf = flow->conf, .folder = flow->paths->folder};
  conf_feed(flow->conf, run->step->feed->conf->name, &place.lane);
  return rating_desk_open(run->desk, &place, error);
}

static gboolean rate_group(const Run *run, guint from, guint *to, GError **error) {
  gboolean answered;
  return open_for(run, error) && take_group(run, from, to, &answered, error) &&
         (answered || admit(run, from, *to, error)) && mark(run, from, *to, error);
}

/* Others get the desk between two groups. */
static gboolean rate_batches(const Run *run, GError **error) {
  gboolean ok = TRUE;
  for (guint i = 0, to; i < run->batches->len && ok; i = to) {
    to = i + 1;
    if (((const BookBatch *)run->batches->pdata[i])->state == BATCH_POSTED)
      continue;
    rating_desk_take(run->desk);
    ok = rate_group(run, i, &to, error);
    if (!ok || to == run->batches->len)
      rating_desk_let_go(run->desk);
    rating_desk_give_back(run->desk);
  }
  return ok;
}

static gboolean rate_file(Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autoptr(StagingReader) staged = NULL;
  if (!batches || !stage_check_layout(path, step->feed->layout, error) || !(staged = staging_reader_open(path, error)))
    return FALSE;
  Run run = {step, step->feed->shared, staged, batches};
  if (!rate_batches(&run, error))
    return FALSE;
  step->file->batches_posted = step->file->batches;
  return TRUE;
}

/* --- The row */

#define SHARED "rating "

static gpointer make_desk(const char *name) {
  return rating_desk_new(name + strlen(SHARED));
}

static gboolean open_desk(Feeds *feeds, Feed *feed, GError **error) {
  (void)error;
  g_autofree char *name = g_strconcat(SHARED, feed->conf->rating.name, NULL);
  feed->shared = feeds_share(feeds, name, make_desk, rating_desk_free);
  return TRUE;
}

const Processor processor_rating = {.open = open_desk, .run = rate_file};
