/* The fields of a layout's lines. */
#pragma once
#include "conf/model/where.h"

#define CONF_FIELD_TYPES(X)              \
  X(CONF_TEXT, "text")                   \
  X(CONF_INTEGER, "integer")             \
  X(CONF_DECIMAL, "decimal")             \
  X(CONF_DATE, "date")                   \
  X(CONF_TIMESTAMP, "timestamp")         \
  X(CONF_ENUMERATION, "enumeration")
typedef enum { CONF_FIELD_TYPES(CONF_CONSTANT) } ConfFieldType;

/* Counted are records; lines that are not passed over, and these too. Behind them, what is summed: a field as it is;
 * what of it is below zero, without its sign; what is above; all without signs; their sum, without its own; or how many
 * are below, or above. */
#define CONF_CONTROLS(X)                 \
  X(CONF_CONTROL_NONE, "none")           \
  X(CONF_CONTROL_COUNT, "count")         \
  X(CONF_CONTROL_LINES, "lines")         \
  X(CONF_CONTROL_ALL_LINES, "all-lines") \
  X(CONF_CONTROL_SUM, "sum")             \
  X(CONF_CONTROL_DEBITS, "debits")       \
  X(CONF_CONTROL_CREDITS, "credits")     \
  X(CONF_CONTROL_GROSS, "gross")         \
  X(CONF_CONTROL_NET, "net")             \
  X(CONF_CONTROL_DEBIT_COUNT, "debit-count")   \
  X(CONF_CONTROL_CREDIT_COUNT, "credit-count")
typedef enum { CONF_CONTROLS(CONF_CONSTANT) } ConfControl;

#define CONF_SIGNS(X)                    \
  X(CONF_SIGN_PLAIN, "plain")            \
  X(CONF_SIGN_OVERPUNCH, "overpunch")    \
  X(CONF_SIGN_ZONED_ASCII, "zoned-ascii") \
  X(CONF_SIGN_UNSIGNED, "unsigned")
typedef enum { CONF_SIGNS(CONF_CONSTANT) } ConfSign;

/* What a fixed field's bytes are: characters; digits two in a byte with the sign behind them (COMP-3); a number to the
 * base of two, its first byte first (COMP); or any bytes, which are text as they are written down in hexadecimal. */
#define CONF_FIELD_USAGES(X)                   \
  X(CONF_USAGE_CHARACTERS, "characters") \
  X(CONF_USAGE_PACKED, "packed")         \
  X(CONF_USAGE_BINARY, "binary")         \
  X(CONF_USAGE_HEX, "hex")
typedef enum { CONF_FIELD_USAGES(CONF_CONSTANT) } ConfFieldUsage;

/* What a number may have, or must: digits behind its point, as many as its scale says. */
#define CONF_NUMBER_FORMS(X)             \
  X(CONF_NUMBER_PLUS, "plus")            \
  X(CONF_NUMBER_TRAILING_SIGN, "trailing-sign") \
  X(CONF_NUMBER_PARENTHESES, "parentheses") \
  X(CONF_NUMBER_BARE_POINT, "bare-point") \
  X(CONF_NUMBER_TRIM, "trim")            \
  X(CONF_NUMBER_EXACT, "exact")
typedef enum { CONF_NUMBER_FORMS(CONF_CONSTANT) } ConfNumberForm;

/* Of a record's field: what it counts. */
#define CONF_NUMBERS(X)                  \
  X(CONF_NUMBERS_NOTHING, "no")          \
  X(CONF_NUMBERS_LINES, "lines")         \
  X(CONF_NUMBERS_RECORDS, "records")
typedef enum { CONF_NUMBERS(CONF_CONSTANT) } ConfNumbers;

/* What a text loses before it is told apart from others; none: said that it loses nothing. */
#define CONF_NORMAL_FORMS(X)             \
  X(CONF_NORMAL_NONE, "none")            \
  X(CONF_NORMAL_TRIM, "trim")            \
  X(CONF_NORMAL_WIDTH, "width")          \
  X(CONF_NORMAL_CASE, "case")
typedef enum { CONF_NORMAL_FORMS(CONF_CONSTANT) } ConfNormalForm;

/* How years are counted. Reiwa: those of that era, without saying so; japanese: behind the era's mark. */
#define CONF_YEARS(X)                    \
  X(CONF_YEARS_GREGORIAN, "gregorian")   \
  X(CONF_YEARS_MINGUO, "minguo")         \
  X(CONF_YEARS_BUDDHIST, "buddhist")     \
  X(CONF_YEARS_REIWA, "reiwa")           \
  X(CONF_YEARS_JAPANESE, "japanese")
typedef enum { CONF_YEARS(CONF_CONSTANT) } ConfYears;
#define CONF_YEAR_OF_ARRIVAL "arrival"

typedef struct {
  ConfWhere where;
  char *name;
  char *title; /* of its column, as the header line has it */
  ConfFieldType type;
  guint width; /* most characters; 0: none */
  guint scale;
  char *format; /* date, timestamp */
  ConfYears years;
  guint first_year; /* of the hundred years that %y means, as `years` counts them; 0: none */
  char *year_from;  /* a date of the header, or CONF_YEAR_OF_ARRIVAL: whose year it is; NULL: its own */
  gboolean hour_24; /* 24:00:00 is the end of a day */
  char *time_zone;  /* timestamp: that it is in; with %z, that it is brought to; NULL: none */
  char **values;
  gboolean optional;
  gboolean mask;
  ConfControl control;
  char *control_field;
  char **control_lines; /* tags: only those lines; NULL: all records */
  char *opening;        /* a field of this line or the header that the sum goes on from */
  guint low_digits;     /* of the sum, only so many digits at its end; 0: all */
  guint per_block;      /* lines are counted in blocks of so many, the last one filled up; 0: one by one */
  ConfNumbers numbers;
  guint bytes;          /* type = fixed: so many bytes of the declared character set */
  guint gap;            /* type = fixed: so many blanks behind it that are no part of it */
  gboolean align_right;
  char pad;         /* ' ' or '0' */
  gboolean implied; /* decimal without its point: 0001230 is 12.30 at scale 2 */
  ConfSign sign;
  ConfFieldUsage usage;      /* type = fixed */
  guint number_forms;  /* bits: 1 << ConfNumberForm */
  char *decimal_point; /* NULL: . */
  char *thousands;     /* what stands between thousands; NULL: nothing */
  guint normal_form; /* bits: 1 << ConfNormalForm */
  char *strip_prefix; /* behind that, this is taken off its beginning; NULL: nothing */
  gboolean below_zero; /* a number without sign: it is below zero, as of the lines of debits */
  char *sign_from;   /* a field of the same line: the number is below zero where that has one of `negative` */
  char **negative;
} ConfField;
