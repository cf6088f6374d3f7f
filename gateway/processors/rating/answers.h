/* What is told of each record of a batch: those that validation refused, and what has become of the others. */
#pragma once
#include "gateway/processors/rating/desk.h"
#include "gateway/records/exceptions.h"
#include "store/book.h"

/* `first`: where the batch begins in the admission. *answer: all that the batch's answer says of records that are not
 * simply accepted, packed (gateway/records/exceptions.h); NULL: of none. */
gboolean rating_answer(const Admission *admission, const BookBatch *batch, guint first, GBytes **answer,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a record of the admission: outcome, code and reason; the reason is the text's. FALSE: it is simply accepted. */
gboolean rating_describe(const Admission *admission, guint index, RecordException *exception, GString *reason);
typedef struct {
  guint rejected, duplicates, suspended;
} AnswerCounts;
gboolean rating_answer_count(GBytes *answer, AnswerCounts *counts, GError **error) G_GNUC_WARN_UNUSED_RESULT;
