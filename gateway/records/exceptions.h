/* The records of a batch that were not accepted, packed for the book: the ordinal, what became of it, and why. A batch
 * with none has no bytes. Encoded as varints, ascending by ordinal, so that a million rejected lines cost a few bytes
 * each. */
#pragma once
#include "gateway/base/error.h"

typedef enum { OUTCOME_ACCEPTED, OUTCOME_REJECTED, OUTCOME_DUPLICATE } Outcome;
typedef struct {
  guint64 record, line; /* ordinal and line in the file */
  Outcome outcome;
  char *code;   /* "E012", "L004", "K001"; several broken rules: "E012,E013" */
  char *reason; /* for people; no masked value */
  /* What is left of the record when its file is closed. NULL: it has none, or it is not known. */
  char *key, *account;
  gboolean has_amount;
  gint64 amount; /* scaled as the layout has it */
} RecordException;

typedef struct ExceptionPacker ExceptionPacker;
ExceptionPacker *exception_packer_new(void);
/* Codes and reasons that repeat are stored once. Ascending by record. */
void exception_packer_add(ExceptionPacker *packer, const RecordException *exception);
GBytes *exception_packer_finish(ExceptionPacker *packer); /* frees it; NULL when nothing was added */

typedef struct ExceptionCursor ExceptionCursor;
ExceptionCursor *exception_cursor_new(GBytes *packed); /* NULL: an empty one. Takes a reference */
/* The next one, borrowed until the next call; NULL at the end or (with error STORAGE) for bytes that are damaged. */
const RecordException *exception_cursor_next(ExceptionCursor *cursor, GError **error);
void exception_cursor_free(ExceptionCursor *cursor);
/* Sets marks[i] for each of the `count` records from `first` on that is among them; touches no other mark. */
gboolean exceptions_mark(GBytes *packed, guint64 first, guint count, guint8 *marks,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
