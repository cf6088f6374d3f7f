/* What a layout is compiled to; shared by the files that make up the parser (layout.c, lines.c, values.c, parse.c,
 * totals.c) and by feedback.c, which writes the same lines. Nobody else includes this. */
#pragma once
#include "gateway/records/charset.h"
#include "gateway/records/dates.h"
#include "gateway/records/layout.h"

/* A chunk holds at most this many lines, however short they are: it bounds a chunk's memory (arrays, faults). */
enum { LAYOUT_CHUNK_LINES = 16384 };

/* Numbers are those of the codes: FAULT_FIELDS is "L004". */
typedef enum {
  FAULT_NONE, FAULT_CHARSET, FAULT_NUL, FAULT_LONG, FAULT_FIELDS, FAULT_TAG, FAULT_QUOTING, FAULT_LINE_END,
  FAULT_REQUIRED = 10, FAULT_WIDTH, FAULT_INTEGER, FAULT_DECIMAL, FAULT_RANGE, FAULT_DATE, FAULT_TIMESTAMP, FAULT_ENUMERATION
} Fault;
#define FAULT_CODE_LENGTH 8
void fault_code(Fault fault, char code[FAULT_CODE_LENGTH]);

typedef struct {
  const ConfField *conf;
  DateFormat *format;        /* dates and time stamps */
  guint n_values;
  gsize *value_lengths;      /* of conf->values */
} LayoutField;

typedef enum { SHAPE_HEADER, SHAPE_RECORD, SHAPE_TRAILER, N_SHAPES } ShapeKind;
typedef struct {
  gboolean present;
  const char *tag;           /* NULL: the line has no tag */
  gsize tag_length;
  guint n_fields, n_cells;   /* cells: fields and the tag */
  LayoutField *fields;
} Shape;

/* A declared control total: which field of the header or trailer declares it, and what it is a sum of. */
typedef struct {
  ShapeKind where;
  const ConfField *field;
  int column;                /* -1: the count of records */
} Control;

struct Layout {
  const ConfLayout *conf;
  Charset *charset;
  Shape shapes[N_SHAPES];
  guint most_cells;
  gboolean has_masked;
  const guint8 *delimiter;
  gsize delimiter_length;
  gboolean is_quoted;
  guint8 is_structure[256];  /* bytes at which a scan for quoted values must look: quote, CR, LF, first of a delimiter, leads */
  guint8 terminator, stray;  /* the byte that ends a line; the other one of CR and LF */
  gsize line_limit;
  StagingColumn *columns;
  guint n_controls;
  Control *controls;
  guint n_sums;              /* distinct columns that controls sum */
  guint *sum_columns;
};

__extension__ typedef __int128 LayoutSum; /* cannot overflow: fewer than 2^63 records of 64 bits */

/* --- lines.c: from bytes to lines and cells */
typedef struct { const guint8 *at; gsize length; } Cell;

enum { LINE_HAS_HIGH = 1, LINE_HAS_ODD = 2 };
typedef struct {
  const guint8 *text;        /* without its line end */
  gsize length;
  const guint8 *next;        /* behind the line end */
  guint flags;               /* HIGH: bytes beyond ASCII; ODD: a NUL, a stray CR or LF, or a quote somewhere */
  gsize n_delimiters;        /* single-byte delimiters found; only the first `most` have a position */
} RawLine;
/* Cuts the line that begins at `at` (< end). positions holds most + 1. */
void lines_scan(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions, gsize most);

/* A record with quotes in it: where it ends. A quoted value may hold line ends. Where the quoting is broken, or no value
 * ends within the line limit, the record is its first line alone, so one lone quote never swallows its neighbours. */
typedef struct {
  gsize length;              /* without the line end */
  const guint8 *next;
  guint lines;               /* physical lines */
  gboolean is_broken;
  guint cell;                /* where it broke */
} QuotedExtent;
void lines_quoted_extent(const Layout *layout, const guint8 *at, const guint8 *end, QuotedExtent *extent);

/* Splits a line that is UTF-8 by now: any delimiter, no quotes. Returns the number of cells, of which `most` are stored. */
gsize lines_split(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most);
/* The same with quotes; values with doubled quotes are written to `scratch` (which is reserved first, so that it does not
 * move). A fault is in the cell *n. */
Fault lines_split_quoted(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most, gsize *n, GByteArray *scratch);

/* --- values.c: from cells to typed values */
typedef struct {
  gboolean is_null;
  gint64 integer;
  const guint8 *text;        /* the cell's bytes, or `normal` */
  gsize length;
  char normal[DATES_LONGEST];
} Value;
Fault value_parse(const LayoutField *field, const guint8 *text, gsize length, Value *value);
/* Why, for people; never the value of a masked field. The caller frees. */
char *value_reason(const LayoutField *field, Fault fault, const guint8 *text, gsize length);
gboolean value_is_integer(const ConfField *field);
/* Decimals as text: "-12.30". Returns the length; `into` holds 24 bytes. */
gsize value_print(gint64 integer, guint scale, char *into);
