/* What a layout is compiled to; shared by the parser's files and feedback.c, which writes the same lines. */
#pragma once
#include "gateway/records/charset.h"
#include "gateway/records/controls_private.h"
#include "gateway/records/layout.h"
#include "gateway/records/shapes_private.h"

/* A chunk's lines, however short they are: it bounds a chunk's memory; and addenda of its last record behind them. */
enum { LAYOUT_CHUNK_LINES = 16384, LAYOUT_MOST_ADDENDA = 10000 };
enum { LAYOUT_MOST_TAG_FIELD = 64 };
enum { LAYOUT_MOST_TYPES = 200, LAYOUT_NO_TYPE = 255 }; /* of records; a chunk keeps each record's in a byte */
#define LAYOUT_TYPE_COLUMN "record_type"

/* lines.c: cuts the line that begins at `at` (< end). positions holds most + 1; most may be 0. */
typedef struct RawLine RawLine;
typedef void LineScan(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                      gsize most);

struct Layout {
  const ConfLayout *conf;
  Charset *charset;
  Shape *shapes; /* SHAPE_RECORD + n_types + n_addenda + n_remarks + 2 * n_groups */
  guint n_shapes, n_types, n_addenda, n_remarks, n_groups;
  guint first_outer;  /* shape: of the first addendum */
  gint *group_column;                    /* by group: of where it begins, before those of its header's fields */
  gint first_addenda_column, last_line_column; /* -1: no addenda */
  guint most_cells;
  gboolean has_masked, has_split;
  gboolean needs_last_line_end;
  gboolean is_numbered; /* some field counts lines or records */
  guint days_back, days_ahead; /* of arrival, for the business date */
  gboolean asks_header; /* some line cannot be read before the header is known */
  gboolean passes_over;
  GByteArray **beginnings; /* of lines to pass over, as they stand in the file */
  guint n_beginnings;
  gboolean has_names, has_titles; /* names.c: the header is a line of column names; they are declared */
  gboolean is_fixed, is_stream; /* stream: fixed lines without line ends, all of `stride` bytes */
  gsize stride, most_bytes;     /* most_bytes: of the longest fixed line */
  gboolean has_coded;           /* some field is no text, or words stand before lines: texts are looked at one by one */
  gsize tag_bytes;
  gboolean is_plainly_tagged; /* by tag, which is the first thing in each line */
  guint n_places;             /* of the parts of tags: tags.c; 0: the tag is the first thing in a line */
  ConfTagPlace *places;
  guint n_tagged, *tagged; /* shapes with a tag, those with more parts first */
  guint otherwise;         /* the shape of a line that has none of the tags; n_shapes: it is a fault */
  const guint8 *delimiter;
  gsize delimiter_length;
  gboolean is_quoted;
  guint8 is_structure[256]; /* a scan for quoted values must look: quote, CR, LF, first of a delimiter, leads */
  guint8 terminator, stray; /* the (last) byte that ends a line; the other one of CR and LF */
  LineScan *scan;           /* cuts one line */
  gsize mark_length;        /* of the layout's own bytes in place of a line end; 0: lines have line ends */
  gboolean skips_break;     /* behind them */
  gsize end_mark_length;
  gsize line_limit;
  guint n_columns, n_staged; /* staged: with the columns of spellings behind the others */
  guint *spelled;            /* of those, from n_columns on: the column whose spelling it is */
  int type_column; /* of LAYOUT_TYPE_COLUMN; -1: there is one type only */
  StagingColumn *columns;
  guint n_key_parts, *key_parts; /* columns that the key is composed of: composed.c; none: it is a field */
  gboolean has_key_day;          /* the first one is the day that the key is bounded by: of a time stamp the day */
  guint n_controls;
  Control *controls;
  guint n_sums; /* distinct */
  SumOf *sums;
  gint amount_column; /* kept of faulty records, too, like those of the sums; -1: none */
};

static inline gboolean layout_is_record(const Layout *layout, guint kind) {
  return kind >= SHAPE_RECORD && kind < layout->first_outer;
}
static inline gboolean layout_is_outer(const Layout *layout, guint kind) {
  return kind >= layout->first_outer && kind < layout->n_shapes;
}
static inline gboolean layout_is_addendum(const Layout *layout, guint kind) {
  return kind >= layout->first_outer && kind < layout->first_outer + layout->n_addenda;
}
/* -1: it is neither header nor trailer of a group. */
static inline gint layout_group_of(const Layout *layout, guint kind) {
  guint first = layout->first_outer + layout->n_addenda + layout->n_remarks;
  return layout_is_outer(layout, kind) && kind >= first ? (gint)(kind - first) / 2 : -1;
}
static inline guint layout_group_header(const Layout *layout, guint group) {
  return layout->first_outer + layout->n_addenda + layout->n_remarks + 2 * group; /* its trailer is the next one */
}
static inline const ConfGroup *layout_conf_group(const Layout *layout, guint group) {
  return layout->conf->groups->pdata[group];
}
/* The field of a record type that is staged in this column; NULL: it has none. */
static inline const LayoutField *layout_field_of(const Layout *layout, guint type, guint column) {
  const Shape *shape = &layout->shapes[SHAPE_RECORD + type];
  int field = (int)column == layout->type_column ? -1 : shape->field_of[column];
  return field < 0 ? NULL : &shape->fields[field];
}

/* "trailer of group batch", or the tag in quotes; of an outer line. The caller frees. */
char *layout_outer_name(const Layout *layout, guint kind);
/* The field of an addendum or a group's header in this column; NULL: none. */
const LayoutField *layout_outer_field(const Layout *layout, guint column);
__extension__ typedef __int128 LayoutSum; /* cannot overflow: fewer than 2^63 records of 64 bits */

void names_compile(Layout *layout); /* names.c */
const char *names_title(const LayoutField *field);
gboolean controls_compile(Layout *layout, GError **error);
gboolean columns_compile(Layout *layout, GError **error);
gboolean tags_compile(Layout *layout, GError **error);
gboolean lines_compile(Layout *layout, GError **error);
gboolean passed_over_compile(Layout *layout, GError **error);

#define LAYOUT_SPELLING " as it came" /* behind the column's name; no field's name has a blank */
