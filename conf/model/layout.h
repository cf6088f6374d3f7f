/* How a partner writes records as lines. */
#pragma once
#include "conf/model/field.h"

/* What a line may have beside exactly its fields. */
#define CONF_OPENS(X)                    \
  X(CONF_OPEN_FEWER, "fewer")            \
  X(CONF_OPEN_MORE, "more")
typedef enum { CONF_OPENS(CONF_CONSTANT) } ConfOpen;

/* A header, a record, a trailer, or what stands beside records. */
typedef struct {
  ConfWhere where;
  gboolean present;
  char *tag; /* with tag_at: of delimited lines its parts, with the delimiter between; of fixed ones put together */
  guint open; /* bits: 1 << ConfOpen: fields at the end may be missing; more may follow */
  char *split; /* delimited: a pattern whose groups are the fields, in place of the delimiter; NULL: the delimiter */
  GPtrArray *fields; /* ConfField* */
} ConfLine;

#define CONF_LAST_LINE_COLUMN "last_line" /* of a record with its addenda: where they end */

/* A part of the file with lines and totals of its own. Its name is the records' column of where it begins, and the
 * fields of its header are columns, too. */
typedef struct {
  ConfWhere where;
  char *name;
  ConfLine header;
  ConfLine trailer; /* not present: what comes next ends the group */
} ConfGroup;

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

/* Which column a field is in: as they are declared, or under its name in the header line. */
#define CONF_COLUMNS_BYS(X)              \
  X(CONF_COLUMNS_BY_ORDER, "order")      \
  X(CONF_COLUMNS_BY_NAME, "name")
typedef enum { CONF_COLUMNS_BYS(CONF_CONSTANT) } ConfColumnsBy;

/* none: fixed lines only */
#define CONF_LINE_ENDS(X)                \
  X(CONF_LINE_END_ANY, "any")            \
  X(CONF_LINE_END_LF, "lf")              \
  X(CONF_LINE_END_CRLF, "crlf")          \
  X(CONF_LINE_END_CR, "cr")              \
  X(CONF_LINE_END_NONE, "none")
typedef enum { CONF_LINE_ENDS(CONF_CONSTANT) } ConfLineEnd;

/* Fixed lines that may differ in length, each behind a word of four bytes that says how long it is: counting the word
 * (rdw); the same in blocks with such a word of their own (bdw); not counting it (length). */
#define CONF_DESCRIPTORS(X)              \
  X(CONF_DESCRIPTOR_NONE, "none")        \
  X(CONF_DESCRIPTOR_RDW, "rdw")          \
  X(CONF_DESCRIPTOR_BDW, "bdw")          \
  X(CONF_DESCRIPTOR_LENGTH, "length")
typedef enum { CONF_DESCRIPTORS(CONF_CONSTANT) } ConfDescriptor;

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
 * the order of first mention, and behind them what they have from groups and addenda: the columns of what is staged.
 * Fields of one name agree in type and scale; one that not every record has is optional in it. */
typedef struct {
  ConfWhere where;
  char *name;
  ConfLayoutKind kind;
  char *delimiter; /* bytes, one or several */
  ConfQuote quote;
  char *charset;
  ConfLinesBy lines_by;
  ConfColumnsBy columns_by;
  ConfLineEnd line_end;
  ConfDescriptor descriptor; /* with CONF_LINE_END_NONE */
  char *value_prefix; /* delimited: stands before each value but those of the header; NULL: nothing */
  char *terminator; /* one or two bytes in place of a line end; NULL: line_end */
  char *end_mark; /* delimited: ASCII that may stand before the line's end and is no part of its last field */
  ConfLastLineEnd last_line_end; /* of delimited lines, where no trailer proves that the file is whole */
  guint line_limit; /* bytes; 16,384 */
  ConfPassOver pass_over;
  ConfLine header;
  ConfLine record;
  ConfLine trailer;
  GPtrArray *records; /* ConfLine* */
  GPtrArray *groups;  /* ConfGroup*, each within the one before it; the records stand in the last */
  GPtrArray *addenda; /* ConfLine*: of the record before them */
  GPtrArray *remarks; /* ConfLine*: checked and counted, and no more */
  char **tag_at;      /* where the tag's parts stand, "8" or "14-15": fields; of fixed lines bytes */
  gboolean untagged;  /* one kind of record, addendum or remark has no tag, and is what no other line's tag fits */
  guint tag_bytes;    /* fixed: the tag's place is the first bytes of a line; 0: the longest tag's length */
} ConfLayout;
