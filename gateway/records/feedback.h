/* Writes a feedback or exception file in the feed's layout, as a stream: header with the original's fields and the verdict
 * on the file, one line per input record with its echoed columns and result, trailer with totals.
 *
 *   H|<header fields…>|<ACCEPTED|REJECTED|DUPLICATE>|<code>|<message>
 *   D|<echoed columns…>|<OK|REJECTED|DUPLICATE>|<code>
 *   T|<lines>|<accepted>|<rejected>|<duplicates>|<amount accepted>     (the amount is empty without an amount column)
 * Tags, delimiter, quoting, line end and character set are the layout's (H and T where it has no such line; no tags at all
 * where lines are told apart by position). Echoed values are written as the layout types them: decimals with their scale, dates in their format.
 * A record that could not be parsed has nothing to echo: it is known by its place, since every record has its line in order.
 * A file that was never staged, or whose layout has no header, has its name in place of the header's fields:
 *   H|<file name>|REJECTED|<code>|<message>
 *   T|0|0|0|0|
 * In our own texts (names, codes, messages) control characters are blanks, and so are delimiters where nothing is quoted;
 * characters that the layout's set does not have are spelled \uXXXX.
 * A verdict other than ACCEPTED is the file's as a whole: then every D line is REJECTED (or DUPLICATE), with the record's own
 * code if it has one (in a batch's exceptions, else its fault of parsing), else the file's.
 * It refuses to end (BUG) unless lines = accepted + rejected + duplicates, and the amounts too, agree with what was
 * validated: the conservation proof, batch by batch and as a whole, made from what was really written. */
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
  GPtrArray *batches;                  /* BookBatch* in order; may be NULL with a whole-file rejection */
  gint amount_column;                  /* -1: none */
  guint64 records, accepted, rejected, duplicates; /* what the book says: must be what is written */
  gint64 amount_accepted;
} FeedbackOptions;

typedef struct FeedbackWriter FeedbackWriter;
/* Borrows what the options point to until it is freed. CONFIGURATION: a column that does not exist; BUG: the numbers do not add up. */
FeedbackWriter *feedback_writer_new(const FeedbackOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* An OpenpgpSource: the next bytes, 0 at the end, -1 with error: BUG when conservation does not hold, CONFIGURATION for a value
 * that the layout's character set cannot express (staged with another layout). Flat memory. */
gssize feedback_writer_read(gpointer writer, void *into, gsize limit, GError **error);
void feedback_writer_free(FeedbackWriter *writer);

/* Fills a name template: {name}; {stem}, up to its first dot; {extension}, the rest with that dot; {date} 20261120 and {time}
 * 235959, UTC; {id}. CONFIGURATION for another one. The result is a
 * single safe path component made of the partner's own bytes, or FILE when it would not be ("/", NUL, "..", over 255 bytes). */
char *feedback_name(const char *template, GBytes *name, const char *file_id, gint64 at, GError **error) G_GNUC_WARN_UNUSED_RESULT;
