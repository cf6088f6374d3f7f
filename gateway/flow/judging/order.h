/* Order: whether a staged file's turn has come. Its sequence number against those used before, its arrival against the
 * cut-off.
 *
 * A number is used in the transaction that validates its file, and judged there once more: of two files with one
 * number, or with 7 and 8 at once, each is judged behind the other. A file that is rejected uses none, so that it can
 * be repaired and sent again. What a person has released is not judged again: that it was held is in the book. */
#pragma once
#include "gateway/flow/step.h"
#include "gateway/flow/judging/sequence.h"

typedef struct Order {
  gboolean is_numbered; /* there is a number to be used */
  BookSequenceFile row; /* owns its strings */
  SequenceVerdict verdict;
  gboolean tells; /* with an alarm */
  gboolean is_released;
} Order;
void order_clear(Order *order);

/* Into step->order. STEP_MOVED: the file was held or rejected, is a duplicate, or waits for another one. */
StepResult flow_judge_order(Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In the transaction that makes the file `validated`. AGAIN when another file was validated meanwhile that changes the
 * verdict. */
gboolean flow_keep_order(BookTransaction *tx, const Step *step, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What would be said of the file's number now, for `sallyport try`. Which numbers are on their way is not looked at. */
typedef struct {
  gboolean is_judged; /* FALSE: its feed has no sequence */
  SequenceVerdict verdict;
  ConfSequencePolicy policy; /* what the feed would do about it */
  guint64 number;            /* 0 where it has none */
  const char *code;          /* NULL: it is the next one */
  char *words;               /* the caller frees */
} OrderForeseen;
/* `file` has its name, header and business date; reader NULL: nothing was ever taken. */
gboolean order_foresee(BookReader *reader, const ConfFeed *feed, const BookFile *file, OrderForeseen *foreseen,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
