/* What of a file is not cut into batches yet: validation's ranges, from which one batch after the other is cut at the
 * size that is right at that moment. At most x records each, all full but the last one. One thread at a time. */
#pragma once
#include "store/book.h"
#include "store/ledger.h"

typedef struct Cutter Cutter;
/* The uncut ones among the file's batches are borrowed. */
Cutter *cutter_new(const GPtrArray *batches);
void cutter_free(Cutter *cutter);
/* The records of a next batch of at most `size`; FALSE: nothing is left. `first` is also where the records have to be
 * read from, one more than `count` if there is one. */
gboolean cutter_next(const Cutter *cutter, guint size, guint64 *first, guint *count);

typedef struct {
  BookBatch *batch; /* the caller's */
  BookBatch *rest;  /* what is left of the last range that it reaches into; NULL: nothing */
  guint8 *skip;     /* of the batch's records those that are not accepted */
} Slice;
/* block holds the records from `first` on. */
gboolean cutter_slice(const Cutter *cutter, guint count, const RecordBlock *block, const LedgerColumns *columns,
                      Slice *slice, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The slice is in the book: the next one begins behind it. Takes slice->rest. */
void cutter_advance(Cutter *cutter, Slice *slice);
void slice_clear(Slice *slice);
