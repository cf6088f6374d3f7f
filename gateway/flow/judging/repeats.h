/* Re-processing: what becomes of what was there before. The whole policy (ConfRepeats) is applied here and nowhere
 * else; every verdict is in the file's history, the log and its answer.
 *
 *   same file      an earlier file of this feed whose records count has this name and these bytes
 *   same content   … these bytes under another name
 *   same name      … this name with other bytes
 *   keys           records of it were posted before (examine.c looks; validate asks here)
 * Bytes are those of the plaintext. A file that was refused does not count: sent again, or repaired, it is a new one.
 * What a person has released is not asked about again. To accept the same bytes again is to post them deliberately:
 * record keys still protect. */
#pragma once
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/step.h"

/* Holds name and content against the book: STEP_MOVED is duplicate, held or rejected. */
StepResult repeats_judge(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Keys seen before: STEP_MOVED is held. (duplicate and reject are each record's, and examine.c's.) */
StepResult repeats_judge_keys(Step *step, const Examination *found, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The last look, in the transaction that validates: of two files that were judged at once, with neither counting yet,
 * the second one is judged again (AGAIN). */
typedef struct {
  gboolean allows[BOOK_TWINS];
} RepeatsAllowed;
void repeats_allowed(const Step *step, RepeatsAllowed *allowed);
gboolean repeats_are_settled(BookTransaction *tx, const BookFile *file, const RepeatsAllowed *allowed,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For the answer of a file that was accepted although it was there before: code and words, or both NULL. The caller
 * frees. */
gboolean repeats_remark(Step *step, char **code, char **remark, GError **error) G_GNUC_WARN_UNUSED_RESULT;
