/* The requester's own statement held against ours, record by record, by key: what one side has and the other has not,
 * amounts that differ, and other columns that differ. Both sides are sorted by key in files of the work folder and
 * walked side by side, so memory is flat whatever their sizes.
 *
 * Keys and columns are compared as bytes, keys of theirs in the form in which ours are kept; one that is a number on
 * either side is compared by its value (000123 = 123, 1.50 = 1.5). Records of one key that are the same in all columns
 * are matched first. Of what is left, one on each side is a difference; more cannot be paired without guessing, and are
 * told as surplus of their side. Amounts may have different decimals: they are compared at the greater number of
 * them. */
#pragma once
#include "gateway/base/wide.h"
#include "gateway/recon/source.h"
#include "gateway/records/kept_key.h"

#define COMPARE_DIFFERENCES(X) \
  X(NOT_THEIRS, "missing-theirs", "missing in theirs") \
  X(NOT_OURS, "missing-ours", "missing in ours") \
  X(SURPLUS_THEIRS, "surplus-theirs", "too often in theirs") \
  X(SURPLUS_OURS, "surplus-ours", "too often in ours") \
  X(AMOUNT, "amount", "amounts that differ") \
  X(COLUMN, "column", "other columns that differ")
typedef enum {
#define COMPARE_ENUM(name, word, text) COMPARE_##name,
  COMPARE_DIFFERENCES(COMPARE_ENUM) COMPARE_KINDS
} CompareKind;
const char *compare_word(CompareKind kind); /* "missing-theirs" …, for programs */
const char *compare_text(CompareKind kind); /* for people */

/* One difference; what a side does not have is 0 and FALSE. Borrowed during the call. */
typedef struct {
  CompareKind kind;
  const char *word; /* compare_word, or the column's name */
  const char *key;
  gsize key_length;
  gboolean has_ours, has_theirs;
  Wide ours, theirs;                   /* amounts, at the comparison's scale */
  const char *our_text, *their_text;   /* COMPARE_COLUMN: the values; NULL: none */
  gint column;                         /* likewise: which of the options' others; else -1 */
  guint64 theirs_line;                 /* of their file; 0: not there */
} Difference;
/* FALSE with *error ends it */
typedef gboolean (*CompareVisit)(gpointer user, const Difference *difference, GError **error);

enum { COMPARE_OTHERS_MOST = 14 };
typedef struct {
  const char *name;          /* for differences */
  const char *ours, *theirs; /* columns of the sources */
  gboolean is_number;        /* also where both sides have it as text */
} CompareColumn;
typedef struct {
  ReconSource *ours, *theirs; /* the caller's */
  CompareColumn key, amount;
  const KeyForm *their_key; /* in which their keys are compared; NULL: as they stand there */
  const CompareColumn *others;
  guint n_others;  /* at most COMPARE_OTHERS_MOST */
  gboolean negate; /* their amounts have the opposite sign */
  guint scale;     /* theirs are in units of 10^-scale of what they say: 1230 at 2 is 12.30 */
  const char *work; /* folder for the sorted files, which are taken away again */
  const gboolean *stop;
  CompareVisit visit;
  gpointer user;
} CompareOptions;

typedef struct {
  guint64 ours, theirs; /* records */
  guint64 matched;      /* the same in all that was compared */
  guint64 differences[COMPARE_KINDS];
  guint64 columns[COMPARE_OTHERS_MOST]; /* of COMPARE_COLUMN, by the options' others */
  guint scale;
  Wide total_ours, total_theirs;
} Comparison;
guint64 comparison_differences(const Comparison *comparison); /* of all kinds */
/* FILE for a record without key or amount, naming its line; CONFIGURATION for columns that cannot be compared. */
gboolean recon_compare(const CompareOptions *options, Comparison *comparison, GError **error) G_GNUC_WARN_UNUSED_RESULT;
