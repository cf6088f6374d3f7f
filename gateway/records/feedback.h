/* Writes a feedback or exception file in the feed's layout, as a stream: header with the original's fields and the
 * verdict on the file, one line per input record with its echoed columns and result, trailer with totals.
 *
 *   H|<header fields…>|<ACCEPTED|REJECTED|DUPLICATE>|<code>|<message>
 *   D|<echoed columns…>|<OK|REJECTED|DUPLICATE>|<code>[|<line>][|<field>][|<reason>]
 *   T|<lines>|<accepted>|<rejected>|<duplicates>|<amount accepted>     (the amount is empty without an amount column)
 *
 * and with group-lines, around the records of each group its header's line and one as the trailer's.
 *
 * The form of each line, and that of fixed lines, is in sallyport.conf(5), ANSWERS. What its reader can rely on:
 * - Every record has its line, in order; a record that could not be parsed has nothing to echo, and is known by its
 *   place. Echoed values are written as they came where their spellings were kept (feedback_keep_spellings), else as
 *   the layout types them.
 * - A verdict other than ACCEPTED is the file's as a whole: then every D line is REJECTED (or DUPLICATE), with the
 *   record's own code if it has one (in a batch's exceptions, else its fault of parsing), else the file's. A file that
 *   was never staged, or whose layout has no header, has its name in place of the header's fields.
 * - In our own texts (names, codes, messages) control characters are blanks, and so are delimiters where nothing is
 *   quoted; characters that the layout's set does not have are spelled \uXXXX.
 * - It refuses to end (BUG) unless lines = accepted + rejected + duplicates, and the amounts too, agree with what was
 *   validated: the conservation proof, batch by batch and as a whole, made from what was really written. */
#pragma once
#include "gateway/records/exceptions.h"
#include "gateway/records/layout.h"

typedef struct {
  const Layout *layout;
  const ConfFeedback *conf;
  const char *key_field;                           /* the column of it */
  char *const *key_fields;                         /* echoed when conf->columns is not set; NULL: it alone */
  const char *file_name;                           /* the partner's name of the file, shown */
  const char *verdict, *code, *message;            /* of the file: "ACCEPTED", "", "" */
  StagingReader *staging;                          /* NULL: never staged */
  GPtrArray *batches;                              /* BookBatch* in order; may be NULL with a whole-file rejection */
  gint amount_column;                              /* -1: none */
  guint64 records, accepted, rejected, duplicates; /* what the book says: must be what is written */
  gint64 amount_accepted;
} FeedbackOptions;

enum {
  FEEDBACK_WORD_BYTES = 9,
  FEEDBACK_CODE_BYTES = 32,
  FEEDBACK_FIELD_BYTES = 64,
  FEEDBACK_MESSAGE_BYTES = 100,
  FEEDBACK_NAME_BYTES = 100,
  FEEDBACK_COUNT_BYTES = 18,
  FEEDBACK_AMOUNT_BYTES = 21
};

/* CONFIGURATION: answers in this layout cannot be as `conf` wants them (a character set that does not serve). */
gboolean feedback_check(const Layout *layout, const ConfFeedback *conf, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What answers will repeat is staged as it comes: before the layout's first chunk. */
void feedback_keep_spellings(Layout *layout, const ConfFeedback *conf, char *const *key_fields);

typedef struct FeedbackWriter FeedbackWriter;
/* Borrows what the options point to until it is freed. CONFIGURATION: a column that does not exist; BUG: the numbers do
 * not add up. */
FeedbackWriter *feedback_writer_new(const FeedbackOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* An OpenpgpSource: the next bytes, 0 at the end, -1 with error: BUG when conservation does not hold, CONFIGURATION for
 * a value that the answer's character set cannot express, or that does not fit into its bytes there. Flat memory. */
gssize feedback_writer_read(gpointer writer, void *into, gsize limit, GError **error);
void feedback_writer_free(FeedbackWriter *writer);

/* What a name template is filled with. sequence 0: the file has no number. */
typedef struct {
  GBytes *name;
  const char *file_id;
  gint64 at;
  guint64 sequence;
} FeedbackName;
/* Fills a name template: {name}; {stem}, up to its first dot; {extension}, the rest with that dot; {date} 20261120 and
 * {time} 235959, UTC; {id}; {sequence}, and {sequence:6} with zeros in front. CONFIGURATION for another one, and for a
 * sequence where there is no number. The result is a single safe path component made of the partner's own bytes, or
 * FILE when it would not be
 * ("/", NUL, "..", over 255 bytes). */
char *feedback_name(const char *template, const FeedbackName *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;
