/* Writes a feedback or exception file in the feed's layout, as a stream: header with the original's fields and the verdict
 * on the file, one line per input record with its echoed columns and result, trailer with totals.
 *
 *   H|<header fields…>|<ACCEPTED|REJECTED|DUPLICATE>|<code>|<message>
 *   D|<echoed columns…>|<OK|REJECTED|DUPLICATE>|<code>
 *   T|<lines>|<accepted>|<rejected>|<duplicates>|<amount accepted>
 * It refuses to end (BUG) unless lines = accepted + rejected + duplicates, and the amounts too, agree with what was
 * validated: the conservation proof. A file that was never staged has a header with what is known (name, arrival) and no D lines. */
#pragma once
#include "gateway/records/exceptions.h"
#include "gateway/records/layout.h"

typedef struct {
  const Layout *layout;
  const ConfFeedback *conf;
  const char *key_field;               /* echoed when conf->columns is not set */
  const char *file_name;               /* the partner's name of the file, shown */
  const char *verdict, *code, *message;/* of the file: "ACCEPTED", "", "" */
  StagingReader *staging;              /* NULL: never staged */
  GPtrArray *batches;                  /* BookBatch*; NULL with a whole-file rejection: then every record has file's code unless it has its own */
  gint amount_column;                  /* -1: none */
  guint64 records, accepted, rejected, duplicates; /* what the book says: must be what is written */
  gint64 amount_accepted;
} FeedbackOptions;

typedef struct FeedbackWriter FeedbackWriter;
FeedbackWriter *feedback_writer_new(const FeedbackOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* An OpenpgpSource: the next bytes, 0 at the end, -1 with error (BUG when conservation does not hold). Flat memory. */
gssize feedback_writer_read(gpointer writer, void *into, gsize limit, GError **error);
void feedback_writer_free(FeedbackWriter *writer);

/* Fills a name template: {name} {stem} (name without its extensions) {extension} {date} {time} (UTC) {id}. The result is a
 * single safe path component made of the partner's own bytes, or FILE when it would not be ("/", NUL, "..", over 255 bytes). */
char *feedback_name(const char *template, GBytes *name, const char *file_id, gint64 at, GError **error) G_GNUC_WARN_UNUSED_RESULT;
