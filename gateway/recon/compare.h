/* The requester's own statement held against ours, record by record, by key: what one side has and the other has not,
 * and amounts that differ. Both sides are sorted by key in files of the work folder and walked side by side, so memory
 * is flat whatever their sizes.
 *
 * Keys are compared as bytes. A key that a side has several times is matched as often as the other side has it; the
 * rest is missing there. Amounts may have different decimals: they are compared at the greater number of them. */
#pragma once
#include "gateway/recon/source.h"

typedef enum { COMPARE_NOT_THEIRS, COMPARE_NOT_OURS, COMPARE_AMOUNT, COMPARE_KINDS } CompareKind;
const char *compare_word(CompareKind kind); /* "missing-theirs", "missing-ours", "amount" */

/* One difference; what a side does not have is 0 and FALSE. Borrowed during the call. */
typedef struct {
  CompareKind kind;
  const char *key;
  gsize key_length;
  gboolean has_ours, has_theirs;
  gint64 ours, theirs; /* at the comparison's scale */
  guint64 theirs_line; /* of their file; 0: not there */
} Difference;
/* FALSE with *error ends it */
typedef gboolean (*CompareVisit)(gpointer user, const Difference *difference, GError **error);

typedef struct {
  ReconSource *source;
  const char *key, *amount; /* columns */
} CompareSide;              /* the source is the caller's */
typedef struct {
  CompareSide ours, theirs;
  const char *work; /* folder for the sorted files, which are taken away again */
  const gboolean *stop;
  CompareVisit visit;
  gpointer user;
} CompareOptions;

typedef struct {
  guint64 ours, theirs; /* records */
  guint64 matched;      /* with the same amount */
  guint64 differences[COMPARE_KINDS];
  guint scale;
  gint64 total_ours, total_theirs;
} Comparison;
/* FILE for a record without key or amount, naming its line, and for totals beyond 64 bits; CONFIGURATION for columns
 * that cannot be compared. */
gboolean recon_compare(const CompareOptions *options, Comparison *comparison, GError **error) G_GNUC_WARN_UNUSED_RESULT;
