/* The lane's own ledger: several batches are under way at a time, each marked posted after the ledger has made it
 * durable (poster.h). */
#include "gateway/processors/poster.h"
#include "gateway/flow/judging/examine.h"
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

/* --- A balance that would leave 64 bits, of a file that was validated by a program that did not look at it. Its other
 * records are posted; these are refused as they would have been then. */

typedef struct {
  BookFile *file;
  BookBatch *batch;
  BookReply refused;
} Refusal;

static gboolean refusal_change(BookTransaction *tx, gpointer data, GError **error) {
  Refusal *refusal = data;
  return book_refuse_in_batch(tx, refusal->file, refusal->batch, &refusal->refused, error) &&
         book_note_file(tx, refusal->file, refusal->refused.text, error);
}

static gboolean ask_balance(gpointer user, const char *account, gint64 *balance, GError **error) {
  return ledger_balance(user, account, NULL, balance, NULL, error);
}

static gboolean find_beyond(const Step *step, BookBatch *batch, Examination *found, GError **error) {
  const Feed *feed = step->feed;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  if (!ledger_fold(feed->ledger, TRUE, error))
    return FALSE;
  LedgerReader *reader = ledger_reader_open(step->flow->paths->folder, feed->conf->ledger.name, error);
  ConfFeed conf = *feed->conf;
  conf.reject_file = FALSE; /* too late for that */
  ExamineOptions options = {
      .staging = path, .conf = &conf, .columns = feed->columns, .balance = ask_balance, .user = reader};
  *found = (Examination){
      .batches = g_ptr_array_new(), .accepted = batch->accepted, .amount_accepted = batch->amount};
  g_ptr_array_add(found->batches, batch);
  gboolean ok = reader && examine_balances(&options, found, error);
  ledger_reader_close(reader);
  return ok;
}

static gboolean refuse_beyond(const Step *step, BookBatch *batch, GError **error) {
  BookBatch looked = *batch;
  looked.exceptions = batch->exceptions ? g_bytes_ref(batch->exceptions) : NULL;
  Examination found = {0};
  gboolean ok = find_beyond(step, &looked, &found, error);
  guint refused = looked.rejected - batch->rejected;
  g_autofree char *text = g_strdup_printf("batch %u: %u records are refused: their accounts' balances would not fit "
                                          "into 64 bits",
                                          batch->number, refused);
  Refusal refusal = {step->file, batch, {.rejected = refused,
                                         .amount_rejected = batch->amount - looked.amount,
                                         .exceptions = looked.exceptions,
                                         .text = text}};
  if (ok && refused == 0)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                             "batch %u: no record is found that takes a balance out of 64 bits", batch->number);
  ok = ok && book_write(step->flow->book, refusal_change, &refusal, error);
  if (looked.exceptions)
    g_bytes_unref(looked.exceptions);
  examination_clear(&found);
  return ok;
}

static BookBatch *batch_of(const GPtrArray *batches, guint number) {
  for (guint i = 0; i < batches->len && number > 0; i++)
    if (((BookBatch *)batches->pdata[i])->number == number)
      return batches->pdata[i];
  return NULL;
}

/* *again: something was refused, and the rest is to be posted. */
static gboolean post_once(Step *step, StagingReader *reader, gboolean *again, GError **error) {
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autoptr(GError) why = NULL;
  *again = FALSE;
  if (!batches)
    return FALSE;
  Poster *poster = poster_new(step);
  gboolean ok = post_all(step, poster, batches, reader, &why);
  BookBatch *beyond = ok ? NULL : batch_of(batches, poster_beyond(poster));
  poster_free(poster);
  if (ok)
    return TRUE;
  *again = beyond != NULL;
  if (beyond)
    return refuse_beyond(step, beyond, error);
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean post_to_ledger(Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  g_autoptr(StagingReader) reader = staging_reader_open(path, error);
  gboolean again = TRUE;
  if (!reader)
    return FALSE;
  while (again)
    if (!post_once(step, reader, &again, error))
      return FALSE;
  step->file->batches_posted = step->file->batches; /* those from before a restart among them */
  return TRUE;
}

const Processor processor_ledger = {.run = post_to_ledger};
