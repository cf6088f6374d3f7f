#include "gateway/processors/http/cutter.h"
#include "gateway/records/exceptions.h"

struct Cutter {
  GQueue ranges;   /* const BookBatch*, in order */
  BookBatch *rest; /* the first of them, when it is what was left of one */
  guint number;    /* of the next batch */
};

Cutter *cutter_new(const GPtrArray *batches) {
  Cutter *cutter = g_new0(Cutter, 1);
  g_queue_init(&cutter->ranges);
  for (guint i = 0; i < batches->len; i++) {
    BookBatch *batch = batches->pdata[i];
    if (batch->number == 0)
      g_queue_push_tail(&cutter->ranges, batch);
    cutter->number = MAX(cutter->number, batch->number);
  }
  cutter->number++;
  return cutter;
}

void cutter_free(Cutter *cutter) {
  if (!cutter)
    return;
  g_queue_clear(&cutter->ranges);
  g_clear_pointer(&cutter->rest, book_batch_free);
  g_free(cutter);
}

gboolean cutter_next(const Cutter *cutter, guint size, guint64 *first, guint *count) {
  if (!cutter->ranges.head)
    return FALSE;
  const BookBatch *head = cutter->ranges.head->data, *tail = cutter->ranges.tail->data;
  *first = head->first;
  *count = (guint)MIN(tail->last - head->first + 1, size);
  return TRUE;
}

/* --- One slice */

typedef struct {
  Slice *slice;
  ExceptionPacker *before, *after;
} Sharing;

static void count_one(BookBatch *batch, Outcome outcome) {
  batch->accepted--;
  *(outcome == OUTCOME_REJECTED ? &batch->rejected : &batch->duplicates) += 1;
}

static gboolean share_exceptions(const BookBatch *range, Sharing *sharing, GError **error) {
  BookBatch *batch = sharing->slice->batch, *rest = sharing->slice->rest;
  ExceptionCursor *cursor = exception_cursor_new(range->exceptions);
  const RecordException *exception;
  GError *damage = NULL;
  while ((exception = exception_cursor_next(cursor, &damage))) {
    if (exception->record < range->first || exception->record > range->last)
      break;
    gboolean is_behind = exception->record > batch->last;
    exception_packer_add(is_behind ? sharing->after : sharing->before, exception);
    count_one(is_behind ? rest : batch, exception->outcome);
    if (!is_behind)
      sharing->slice->skip[exception->record - batch->first] = 1;
  }
  gboolean is_foreign = exception != NULL;
  guint64 foreign = exception ? exception->record : 0;
  exception_cursor_free(cursor);
  if (damage)
    g_propagate_error(error, damage);
  else if (is_foreign)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "record %" G_GUINT64_FORMAT " is told about in another batch", foreign);
  return damage == NULL;
}

/* Their records are all accepted until an exception says otherwise. */
static BookBatch *new_batch(guint64 first, guint64 last) {
  BookBatch *batch = g_new0(BookBatch, 1);
  *batch = (BookBatch){.first = first, .last = last, .accepted = (guint)(last - first + 1)};
  return batch;
}

static gboolean sum_amounts(const Cutter *cutter, guint count, const RecordBlock *block, guint amount, Slice *slice,
                            GError **error) {
  gint64 all = 0;
  for (const GList *at = cutter->ranges.head; at && ((const BookBatch *)at->data)->first <= slice->batch->last;
       at = at->next)
    if (__builtin_add_overflow(all, ((const BookBatch *)at->data)->amount, &all))
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the amounts of a file's batches leave 64 bits");
  for (guint i = 0; i < count; i++)
    if (!slice->skip[i] &&
        __builtin_add_overflow(slice->batch->amount, record_block_integer(block, amount, i), &slice->batch->amount))
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                 "a batch's amounts leave 64 bits at line %" G_GUINT64_FORMAT, block->lines[i]);
  if (slice->rest && __builtin_sub_overflow(all, slice->batch->amount, &slice->rest->amount))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "what is left of a batch's amounts leaves 64 bits");
  return TRUE;
}

static const BookBatch *range_of(const Cutter *cutter, guint64 record) {
  for (const GList *at = cutter->ranges.head; at; at = at->next)
    if (((const BookBatch *)at->data)->last >= record)
      return at->data;
  return NULL;
}

static gboolean share(const Cutter *cutter, Sharing *sharing, GError **error) {
  guint64 last = sharing->slice->batch->last;
  for (const GList *at = cutter->ranges.head; at && ((const BookBatch *)at->data)->first <= last; at = at->next)
    if (!share_exceptions(at->data, sharing, error))
      return FALSE;
  return TRUE;
}

gboolean cutter_slice(const Cutter *cutter, guint count, const RecordBlock *block, const LedgerColumns *columns,
                      Slice *slice, GError **error) {
  guint64 first = ((const BookBatch *)cutter->ranges.head->data)->first, last = first + count - 1;
  const BookBatch *touched = range_of(cutter, last);
  gboolean has_rest = touched && touched->last > last;
  *slice = (Slice){.batch = new_batch(first, last),
                   .rest = has_rest ? new_batch(last + 1, touched->last) : NULL,
                   .skip = g_new0(guint8, count + 1)};
  if (!touched || block->first != first || block->count < count + (has_rest ? 1 : 0))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "staging does not have the records %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, first,
                               last);
  slice->batch->number = cutter->number;
  slice->batch->first_line = block->lines[0];
  slice->batch->last_line = block->lines[count - 1];
  if (has_rest) {
    slice->rest->first_line = block->lines[count];
    slice->rest->last_line = touched->last_line;
  }
  Sharing sharing = {slice, exception_packer_new(), exception_packer_new()};
  gboolean ok = share(cutter, &sharing, error);
  slice->batch->exceptions = exception_packer_finish(sharing.before);
  GBytes *after = exception_packer_finish(sharing.after);
  if (slice->rest)
    slice->rest->exceptions = after;
  else
    g_clear_pointer(&after, g_bytes_unref);
  return ok && sum_amounts(cutter, count, block, columns->amount, slice, error);
}

void cutter_advance(Cutter *cutter, Slice *slice) {
  while (cutter->ranges.head && ((const BookBatch *)cutter->ranges.head->data)->first <= slice->batch->last)
    g_queue_pop_head(&cutter->ranges);
  g_clear_pointer(&cutter->rest, book_batch_free);
  if (slice->rest)
    g_queue_push_head(&cutter->ranges, cutter->rest = g_steal_pointer(&slice->rest));
  cutter->number = slice->batch->number + 1;
}

void slice_clear(Slice *slice) {
  g_clear_pointer(&slice->batch, book_batch_free);
  g_clear_pointer(&slice->rest, book_batch_free);
  g_clear_pointer(&slice->skip, g_free);
}
