/* From bytes to lines, from lines to cells, from cells to values: what the files of the parser share beside
 * the compiled layout. */
#pragma once
#include "gateway/records/layout_private.h"

/* --- lines.c: from bytes to lines and cells */
typedef struct {
  const guint8 *at;
  gsize length;
} Cell;

/* Whether a line's descriptor word can be one; else what is left of the file is the line. */
typedef enum { DESCRIBED_RIGHT, DESCRIBED_WRONG, DESCRIBED_BLOCK_WRONG, DESCRIBED_CUT } Described;
enum { LINE_HAS_HIGH = 1, LINE_HAS_ODD = 2 };
struct RawLine {
  const guint8 *text; /* without its line end */
  gsize length;
  const guint8 *next; /* behind the line end */
  guint flags;        /* HIGH: bytes beyond ASCII; ODD: a NUL, a stray CR or LF, or a quote somewhere */
  gsize n_delimiters; /* single-byte delimiters found; only the first `most` have a position */
  const guint8 *block_end; /* described: of the block that the line stands in, as the next scan needs it */
  Described described;
};
LineScan lines_scan;
/* Where lines end in bytes of the layout's own; a line break behind them is no part of the next line. ODD: also any CR
 * or LF. */
LineScan lines_scan_marked;
/* Where lines have no ends: the next `stride` bytes, or what is left. ODD: a NUL, CR or LF, or (EBCDIC) it is not
 * looked for here. */
LineScan lines_scan_stream;
/* The same where fields may have any byte: none is looked at. */
LineScan lines_scan_counted;
/* described.c: where a word before each line has its length. *line is of the scan before, or zeros where `at` begins a
 * block. */
LineScan lines_scan_described;
/* Why the word is none, for people. The caller frees. */
char *described_reason(const Layout *layout, const RawLine *line, gboolean is_first);
/* Of the bytes of a file's first line, which is faulty: that it looks as if the layout had to have another descriptor;
 * NULL: it does not. */
const char *described_hint(const Layout *layout, const guint8 *text, gsize length);
/* As layout_next_chunk: behind a whole block, and a record's addenda are never parted from it. */
gsize described_next_chunk(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted);
/* Puts the words before a line of so many bytes: into 8 bytes. Returns how many they are; 0: the line is too long. */
gsize described_put(ConfDescriptor descriptor, gsize length, guint8 into[8]);
/* The (last) byte of what ends the line at `at`; NULL: nothing does. */
const guint8 *lines_find_terminator(const Layout *layout, const guint8 *at, const guint8 *end);
/* The bytes of the line end at p, which is no mark of two bytes; 0: none there. */
gsize lines_end_at(const Layout *layout, const guint8 *p, const guint8 *end);
/* Behind the line at `at` and what ends it; *stop is where it ends itself, and `end` where nothing ends it. */
const guint8 *lines_next(const Layout *layout, const guint8 *at, const guint8 *end, const guint8 **stop);
/* Whether the text, which is not empty, ends as a line does. */
gboolean lines_is_ended(const Layout *layout, const guint8 *text, gsize length);
/* Behind a line break at `at` that is no part of the next line. */
const guint8 *lines_behind_break(const Layout *layout, const guint8 *at, const guint8 *end);
/* `end` without a line break behind bytes of the layout's own. */
const guint8 *lines_without_break(const Layout *layout, const guint8 *text, const guint8 *end);
/* Bytes of a byte order mark that the file begins with. */
gsize lines_mark(const Layout *layout, const guint8 *text, gsize length);

/* passed_over.c: whether this line, without its end, is to be passed over; is_last: of the file. */
gboolean passed_over(const Layout *layout, const guint8 *text, gsize length, gboolean is_last);
/* Behind all such lines at `at`, which is a line's beginning; `end` is the file's. */
const guint8 *passed_over_skip(const Layout *layout, const guint8 *at, const guint8 *end);

/* A record with quotes in it: where it ends. A quoted value may hold line ends. Where the quoting is broken, or no
 * value ends within the line limit, the record is its first line alone, so one lone quote never swallows its
 * neighbours. */
typedef struct {
  gsize length; /* without the line end */
  const guint8 *next;
  guint lines; /* physical lines */
  gboolean is_broken;
  guint cell; /* where it broke */
} QuotedExtent;
void lines_quoted_extent(const Layout *layout, const guint8 *at, const guint8 *end, QuotedExtent *extent);

/* tags.c: the kind of line by its bytes alone. */
guint tags_kind_like(const Layout *layout, const guint8 *at, const guint8 *end);
/* The fixed line's fields go on behind the tag's bytes, which are none of theirs. */
gboolean tags_step_over(const Layout *layout, const Shape *shape, gsize from, gsize *offset, GError **error);
/* Which field of the line the cell is; -1: a part of its tag. */
gint tags_field_of_cell(const Shape *shape, gsize cell);
/* Behind the value at p, as it stands in the file. */
const guint8 *lines_cell_end(const Layout *layout, const guint8 *p, const guint8 *end);
/* How many bytes of the line are its end mark. */
gsize lines_end_mark(const Layout *layout, const guint8 *text, gsize length);

/* Splits a line that is UTF-8 by now: any delimiter, no quotes. Returns the number of cells, of which `most` are
 * stored. */
gsize lines_split(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most);
/* The same with quotes; values with doubled quotes are written to `scratch` (which is reserved first, so that it does
 * not move). A fault is in the cell *n. */
Fault lines_split_quoted(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most, gsize *n,
                         GByteArray *scratch);

/* --- values.c: from cells to typed values */
typedef struct {
  Day *lenders; /* of their year: the day of arrival, then one per field of the header; NO_DAY: not known */
  char oldest[DATES_LONGEST], newest[DATES_LONGEST]; /* of a business date, as 2026-11-20 */
} KnownDays;
struct Value {
  gboolean is_null;
  gint64 integer;
  const guint8 *text; /* the cell's bytes, or `normal`, or `room` */
  gsize length;
  char normal[DATES_LONGEST];
  GByteArray *room; /* for texts in their normal form; NULL: the caller reads no such */
  const KnownDays *days; /* LayoutFacts; NULL: none */
};
/* Whether a value of the field is printed in the very bytes that it came in: FALSE may also be said of one that is. */
gboolean value_is_as_printed(const LayoutField *field, const Cell *cell, const Value *value);
/* The value of a field whose sign another field has, by the word that stands there. */
gint64 value_signed(const LayoutField *field, gint64 integer, const void *word, gsize length);
gboolean value_is_too_wide(const LayoutField *field, const guint8 *text, gsize length);
static inline Fault value_parse(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  const ConfField *conf = field->conf;
  value->integer = 0;
  value->text = text;
  value->length = length;
  value->is_null = length == 0;
  if (length == 0)
    return conf->optional ? FAULT_NONE : FAULT_REQUIRED;
  if (G_UNLIKELY(conf->width > 0 && length > conf->width) && value_is_too_wide(field, text, length))
    return FAULT_WIDTH;
  return field->read(field, text, length, value);
}
/* Why, for people; never the value of a masked field. The caller frees. */
char *value_reason(const LayoutField *field, Fault fault, const guint8 *text, gsize length);
gboolean value_is_integer(const ConfField *field);
/* As the field's lines have it: implied decimals without a point, signs as they are declared; fixed: as many digits as
 * the field has bytes where it is padded with 0 (bytes 0: none). Returns the length; `into` holds bytes +
 * VALUE_LONGEST. */
#define VALUE_LONGEST 24
gsize value_print_as(const ConfField *field, gsize bytes, gint64 integer, guint scale, char *into);
/* Decimals as text: "-12.30". Returns the length; `into` holds 24 bytes. */
gsize value_print(gint64 integer, guint scale, char *into);
