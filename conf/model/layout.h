/* How a partner writes records as lines. */
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
 * what of it is below zero, without its sign; what is above; all without signs. */
#define CONF_CONTROLS(X)                 \
  X(CONF_CONTROL_NONE, "none")           \
  X(CONF_CONTROL_COUNT, "count")         \
  X(CONF_CONTROL_LINES, "lines")         \
  X(CONF_CONTROL_ALL_LINES, "all-lines") \
  X(CONF_CONTROL_SUM, "sum")             \
  X(CONF_CONTROL_DEBITS, "debits")       \
  X(CONF_CONTROL_CREDITS, "credits")     \
  X(CONF_CONTROL_GROSS, "gross")
typedef enum { CONF_CONTROLS(CONF_CONSTANT) } ConfControl;

#define CONF_SIGNS(X)                    \
  X(CONF_SIGN_PLAIN, "plain")            \
  X(CONF_SIGN_OVERPUNCH, "overpunch")
typedef enum { CONF_SIGNS(CONF_CONSTANT) } ConfSign;

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

typedef struct {
  ConfWhere where;
  char *name;
  char *title; /* of its column, as the header line has it */
  ConfFieldType type;
  guint width; /* most characters; 0: none */
  guint scale;
  char *format; /* date, timestamp */
  char **values;
  gboolean optional;
  gboolean mask;
  ConfControl control;
  char *control_field;
  char *control_record; /* a record's tag: only those lines; NULL: all */
  char *opening;        /* a field of this line or the header that the sum goes on from */
  guint low_digits;     /* of the sum, only so many digits at its end; 0: all */
  guint per_block;      /* lines are counted in blocks of so many, the last one filled up; 0: one by one */
  ConfNumbers numbers;
  guint bytes;          /* type = fixed: so many bytes of the declared character set */
  gboolean align_right;
  char pad;         /* ' ' or '0' */
  gboolean implied; /* decimal without its point: 0001230 is 12.30 at scale 2 */
  ConfSign sign;
  guint normal_form; /* bits: 1 << ConfNormalForm */
  char *sign_from;   /* a field of the same line: the number is below zero where that has one of `negative` */
  char **negative;
} ConfField;

/* A header, record or trailer. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *tag;
  GPtrArray *fields; /* ConfField* */
} ConfLine;

#define CONF_LAYOUT_KINDS(X)             \
  X(CONF_LAYOUT_DELIMITED, "delimited")  \
  X(CONF_LAYOUT_FIXED, "fixed")
typedef enum { CONF_LAYOUT_KINDS(CONF_CONSTANT) } ConfLayoutKind;

#define CONF_QUOTES(X)                   \
  X(CONF_QUOTE_NONE, "none")             \
  X(CONF_QUOTE_RFC4180, "rfc4180")
typedef enum { CONF_QUOTES(CONF_CONSTANT) } ConfQuote;

#define CONF_LINES_BYS(X)                \
  X(CONF_LINES_BY_TAG, "tag")            \
  X(CONF_LINES_BY_POSITION, "position")
typedef enum { CONF_LINES_BYS(CONF_CONSTANT) } ConfLinesBy;

/* none: fixed lines only */
#define CONF_LINE_ENDS(X)                \
  X(CONF_LINE_END_ANY, "any")            \
  X(CONF_LINE_END_LF, "lf")              \
  X(CONF_LINE_END_CRLF, "crlf")          \
  X(CONF_LINE_END_CR, "cr")              \
  X(CONF_LINE_END_NONE, "none")
typedef enum { CONF_LINE_ENDS(CONF_CONSTANT) } ConfLineEnd;

#define CONF_LAST_LINE_ENDS(X)           \
  X(CONF_LAST_LINE_END_REQUIRED, "required")   \
  X(CONF_LAST_LINE_END_OPTIONAL, "optional")
typedef enum { CONF_LAST_LINE_ENDS(CONF_CONSTANT) } ConfLastLineEnd;

/* Lines that are none of the layout's and no fault: nothing of them is looked at. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char **beginning; /* with these characters */
  gboolean blank;   /* nothing but blanks and tabs */
  gboolean ctrl_z;  /* the last line, of nothing but the mark that ends a text in CP/M and DOS */
} ConfPassOver;

/* `records` are the record lines as declared, one or several (told apart by tag). `record` is their union, by name, in
 * the order of first mention: the columns of what is staged. Fields of one name agree in type and scale; one that not
 * every record has is optional in it. */
typedef struct {
  ConfWhere where;
  char *name;
  ConfLayoutKind kind;
  char *delimiter; /* bytes, one or several */
  ConfQuote quote;
  char *charset;
  ConfLinesBy lines_by;
  ConfLineEnd line_end;
  ConfLastLineEnd last_line_end; /* of delimited lines, where no trailer proves that the file is whole */
  guint line_limit; /* bytes; 16,384 */
  ConfPassOver pass_over;
  ConfLine header;
  ConfLine record;
  ConfLine trailer;
  GPtrArray *records; /* ConfLine* */
  guint tag_bytes;    /* fixed: the tag's place is the first bytes of a line; 0: the longest tag's length */
} ConfLayout;
