/* One side of a comparison (compare.h) in the form in which both are sorted and compared: its key, its other columns,
 * and its amount; all but the amount as text, numbers spelled in one way. Private to the comparison. */
#pragma once
#include "gateway/recon/compare.h"

enum { FORM_KEY, FORM_AMOUNT, FORM_OTHERS };
typedef struct {
  const char *who; /* for messages */
  ReconSource *source;
  gboolean negate;
  const KeyForm *key; /* NULL: it stays as it stands there */
  gint columns[FORM_OTHERS + COMPARE_OTHERS_MOST]; /* of the source, by the form's */
  gboolean as_number[FORM_OTHERS + COMPARE_OTHERS_MOST];
  guint n;
} CompareForm;
/* A source of the form's columns, which borrows the form. Each record has a key and an amount; FILE otherwise, naming
 * its line. */
ReconSource *compare_form_open(const CompareForm *form);
/* The columns by which it is sorted; free with g_strfreev. */
char **compare_form_order(const CompareForm *form);
