/* A field as it is compiled, and what may be wrong with its value. Nobody includes this but shapes_private.h. */
#pragma once
#include "conf/conf.h"
#include "gateway/records/dates.h"

/* Numbers are those of the codes: FAULT_FIELDS is "L004". */
typedef enum {
  FAULT_NONE,
  FAULT_CHARSET,
  FAULT_NUL,
  FAULT_LONG,
  FAULT_FIELDS,
  FAULT_TAG,
  FAULT_QUOTING,
  FAULT_LINE_END,
  FAULT_CUT,
  FAULT_LENGTH,
  FAULT_REQUIRED = 10,
  FAULT_WIDTH,
  FAULT_INTEGER,
  FAULT_DECIMAL,
  FAULT_RANGE,
  FAULT_DATE,
  FAULT_TIMESTAMP,
  FAULT_ENUMERATION,
  FAULT_DAY,
  FAULT_PREFIX,
  FAULT_CODED
} Fault;
#define FAULT_CODE_LENGTH 8
void fault_code(Fault fault, char code[FAULT_CODE_LENGTH]);

/* values.c: a value that is there and not too wide becomes one of its field's type. Which function reads a field is
 * chosen when the layout is compiled, so that a field pays for the forms that it declares, and for no other. */
typedef struct LayoutField LayoutField;
typedef struct Value Value;
typedef Fault (*ValueReader)(const LayoutField *field, const guint8 *text, gsize length, Value *value);
ValueReader value_reader(const ConfField *conf);
Fault value_read_prefixed(const LayoutField *field, const guint8 *text, gsize length, Value *value); /* has a prefix */

struct LayoutField {
  const ConfField *conf;
  ValueReader read;
  DateFormat *format; /* dates and time stamps */
  guint n_values;
  gsize *value_lengths;       /* of conf->values */
  guint column;               /* of a record's field: where it is staged */
  guint spelling;             /* where it is staged as it came, if that is another spelling; 0: nowhere */
  gsize offset, bytes;        /* fixed: its place in the line */
  guint8 pad_left, pad_right; /* fixed: padding to take off on that side; 0: none */
  Fault (*coded)(const LayoutField *field, const guint8 *at, guint8 *into, gsize *length); /* coded.h; NULL: text */
  gsize digits;      /* packed texts and dates: no more than these; 0: all */
  gboolean is_special; /* coded or zoned, or a text that may have no line ends where others may */
  gboolean is_zoned; /* its last byte has the sign in its first half, whatever character that is */
  gboolean is_fixed;
  gboolean is_judged, is_formed; /* a business date near the day of arrival; a number in forms of its own */
  gboolean is_loose; /* numbers that say the same are read: +5, -0.00, 1.500 */
  const char *prefix; /* of each of its values; NULL: none */
  guint sign;        /* the field of this line that has its sign, from 1; 0: its own */
  guint lender;      /* a date without a year: the header's field that lends one, from 1; 0: the day of arrival */
};
