/* Declared control totals, compiled: part of a layout. */
#pragma once
#include "conf/conf.h"

/* A declared control total: which field of a header or trailer declares it, and what it is a sum of. */
typedef struct {
  guint where;   /* shape of that line */
  guint index;   /* of the field in it */
  gint group;    /* over whose lines; -1: the file's */
  const ConfField *field;
  gboolean is_sum;
  guint *counted; /* the shapes of the lines that count; NULL: all records */
  guint n_counted;
  guint *sums;   /* which of the layout's are added */
  guint n_sums;
  const ConfField *opening; /* what the sum goes on from; NULL: nothing */
} Control;

/* What is summed for controls: a column of the records of one type, or (-1) of all, and what of it; or a field of a
 * group's header or trailer. */
typedef struct {
  guint column; /* outer: index of the field */
  int type;
  guint outer; /* the shape of an outer line; 0: of records */
  ConfControl what;
  guint scale;
} SumOf;
