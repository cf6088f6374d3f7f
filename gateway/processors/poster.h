/* Gives one file's batches to the lane's ledger, and marks in the book what the ledger has made durable.
 *
 *   crash before a ledger commit       the batch is submitted again
 *   crash between ledger and book      submitted again; the ledger knows the batch and answers with the same result
 * The sums that the ledger reports must be those that the book promises, else nothing is called posted. */
#pragma once
#include "gateway/flow/flow.h"
#include "store/staging.h"

typedef struct Poster Poster;
/* Of this file, which it borrows with the step's feed and book. */
Poster *poster_new(const Step *step);
/* The batch is borrowed until the poster is freed, and does not change meanwhile. Any thread, each with its own reader;
 * blocks while many are under way (ledger_submit). */
gboolean poster_submit(Poster *poster, StagingReader *reader, const BookBatch *batch,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Marks what is durable by now, and counts it in the file's batches_posted: one thread. */
gboolean poster_mark(Poster *poster, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Waits until all that was submitted is durable, and marks it. */
gboolean poster_finish(Poster *poster, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean poster_has_failed(Poster *poster);
/* The number of the batch of which nothing was posted, since with it a balance would leave 64 bits; 0: it failed for
 * another reason, or has not. After poster_finish. */
guint poster_beyond(Poster *poster);
void poster_free(Poster *poster); /* waits for what is under way */
/* Looked at before a batch is sent or credited, not after: the field that its amounts are in may have been configured
 * anew since they were added up. CONFIGURATION: they add up to something else now. The block holds the batch's records.
 */
gboolean batch_is_as_validated(const BookBatch *batch, const RecordBlock *block, const guint8 *skip, guint amount,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
