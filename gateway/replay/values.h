/* A case's record and header as JSON, exact and typed: a text is a string, a number {"n": "12.30"}, what is absent is
 * null. Members are named by fields; those that a layout does not have are passed over. */
#pragma once
#include "gateway/replay/evaluate.h"
#include <jansson.h>

json_t *value_write(const ReplayFeed *feed, const RecordBlock *block, guint column, guint record);
/* The record as it stands in a block whose columns are found by `places`, one per column of the feed; masked fields by
 * the key, unless that is NULL. The caller frees. */
typedef struct {
  const RecordBlock *block;
  const int *places; /* NULL: the columns are the feed's */
  guint record;
  const char *mask_key;
  gboolean keeps_prefix; /* mask.h */
} ValueRecord;
char *fields_write(const ReplayFeed *feed, const ValueRecord *record);
/* Appends the record to the block. CONFIGURATION: a field is missing, or of another type. */
gboolean fields_read(const ReplayFeed *feed, const char *fields, RecordBlock *into,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

char *header_write(const ConfLayout *layout, const GArray *constants); /* the caller frees */
gboolean header_read(const ConfLayout *layout, const char *header, GArray *constants,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a case comes to (evaluate.h): its members, in the order in which they are compared, and the first one of two
 * results that are not the same text. */
enum { RESULT_FIELDS = 5 };
extern const char *const result_fields[];
guint result_first_difference(const char *stored, const char *got);
