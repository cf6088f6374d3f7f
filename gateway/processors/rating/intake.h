/* Usage that comes over HTTP: batches that the front hands on over a socket of its own (gateway/common/packet_desk.h),
 * of ratings with intake { … }. Each is decided by the same admission as a file's records, and answered when that is
 * durable. Private to gateway/processors/rating/.
 *
 * The question, with a sealed descriptor of the body:
 *
 *   {"do": "rate", "rating": …, "partner": …, "key": …, "form": "json" or "csv"}; or "quote", without a key
 *
 * The answer has "status", one of HTTP, and behind it the bytes of what is told; or "error" and "text". */
#pragma once
#include "gateway/flow/lane_service.h"
#include "gateway/processors/rating/desk.h"

#define INTAKE_FILE "http"    /* what stands as the file of a detail: http:PARTNER:KEY */

typedef struct Intake Intake;
/* Of those desks whose ratings have an intake; all of it is borrowed. NULL without an error: none has. */
Intake *intake_open(const LaneHost *host, const GPtrArray *desks, GError **error);
gboolean intake_end(Intake *intake, guint grace_seconds); /* FALSE: some are not answered yet; NULL is fine */
void intake_free(Intake *intake);                         /* NULL is fine */
/* [{"rating": …, "records": …, "answers": {"200": …}}], since the lane's start; NULL: no intake. */
json_t *intake_status(Intake *intake);

/* --- intake_answer.c */
typedef struct {
  const char *key; /* NULL: a quote's */
  const RecordBlock *block; /* as it came, with its faults */
  const Admission *admission;
  guint first; /* where it begins in the admission */
  gint64 number;
  guint scale; /* of the amounts */
} IntakeAnswer;
/* What is told of the batch, and kept: the same bytes at any time. */
GString *intake_answer(const IntakeAnswer *answer);
