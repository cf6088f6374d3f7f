/* The parser at one line: shared by parse.c (delimited lines, header and trailer, the chunk) and fixed.c. */
#pragma once
#include "gateway/records/layout_chunk.h"
#include <string.h>

typedef struct {
  const Layout *layout;
  ChunkState *state;
  RecordBlock *block;
  const guint8 *end; /* of what holds lines: an empty last line of the file is cut off */
  gboolean is_first, is_last, has_passed_last; /* passed: over the line before */
  gboolean is_proven_whole;                    /* layout.h */
  RawLine line;
  guint kind;         /* the line's shape, once it is recognised; n_shapes before, and for an unknown tag */
  gboolean is_quoted; /* the line has quotes: it was cut by them */
  const guint8 *text; /* the line in UTF-8: raw or converted */
  gsize length;
  const guint8 *readable; /* the end of what text is a part of */
  Cell *cells;
  gsize n_cells;
  gboolean has_cells; /* they were cut while the line was converted */
  gboolean is_plain;  /* fixed: every byte is ASCII as it stands */
  gboolean is_valid;  /* fixed, UTF-8: the line as a whole is */
  gsize converted;    /* fixed: bytes of state->converted that hold this line's fields */
  gsize present;      /* fixed: bytes that the line has itself, before it is filled up */
  const guint8 *file; /* where it begins */
} Parse;

/* Telling what is wrong. All take `reason`. The column is the staged one's, or -1; has_cells: the line has the right
 * number of fields (fixed: the right length), so that its amounts can be tried for the control totals. */
void parse_add_problem(Parse *parse, const char *code, char *reason);
void parse_end_faulty(Parse *parse, gint column, Fault fault, gboolean has_cells, char *reason);
guint parse_type_of_faulty(const Parse *parse); /* by the bytes, where the line was not recognised; or LAYOUT_NO_TYPE */
gint parse_column_of_cell(const Parse *parse, gsize cell);
/* delimited: of that byte of the line; -1: of the tag, or beyond the fields */
gint parse_column_at(const Parse *parse, const guint8 *text, gsize offset);
const char *parse_column_name(const Parse *parse, gint column);
/* TRUE: the line that was scanned is one to pass over, and was counted. */
gboolean parse_pass_over(Parse *parse);
void parse_refuse_tag(Parse *parse, Cell tag);
/* As parse_end_faulty for the line as a whole, without taking `reason`; always FALSE. */
gboolean parse_refuse(Parse *parse, Fault fault, const char *reason);
/* An ending that the layout allows is cut off; FALSE: it was told that there is another CR or LF. */
gboolean parse_check_line_end(Parse *parse);

guint parse_recognise_by_place(const Parse *parse);
/* By place, or by tags at places of their own; the cells of these are one then, the first. */
guint parse_recognise_otherwise(Parse *parse);
/* The line's shape; n_shapes: an unknown tag. Inline, so that has_tag is no call. */
static inline guint parse_recognise(Parse *parse, gboolean (*has_tag)(const Parse *, const Shape *)) {
  const Layout *layout = parse->layout;
  if (G_UNLIKELY(!layout->is_plainly_tagged))
    return parse_recognise_otherwise(parse);
  for (guint kind = SHAPE_RECORD; kind < layout->n_shapes; kind++)
    if (G_LIKELY(has_tag(parse, &layout->shapes[kind])))
      return kind;
  return has_tag(parse, &layout->shapes[SHAPE_HEADER])    ? SHAPE_HEADER
         : has_tag(parse, &layout->shapes[SHAPE_TRAILER]) ? SHAPE_TRAILER
                                                          : layout->otherwise;
}
/* Of a delimited line: whether it has a cell for each field, once those that may be missing are added. FALSE: it has
 * others than the kind of line may have. */
gboolean parse_fit_cells(Parse *parse, const Shape *shape);
char *parse_count_reason(const Parse *parse, const Shape *shape); /* why not; the caller frees */
/* The cells of a tag at places of its own are one then, the first. */
void parse_gather_tag(Parse *parse, const Shape *shape);
/* Into the column of types, for the record that is being put. */
void parse_put_type(Parse *parse, const Shape *shape);
/* What stands where a tag should, of a line that has none. */
Cell parse_tag_of_none(const Parse *parse);
/* Ends the record whose fields have been put; keep.c puts what it has beside them. */
void parse_put_beside(Parse *parse, const Shape *shape);
static inline void parse_end_record(Parse *parse, const Shape *shape) {
  if (!shape->ends_plainly)
    parse_put_beside(parse, shape);
  parse->block->lines[parse->block->count++] = parse->state->chunk.lines;
}
/* Header and trailer: NULL when there was one already (which is told). */
LayoutLine *parse_open_line(Parse *parse);
LayoutValue *parse_make_value(Parse *parse, const LayoutField *field, const Cell *cell);
/* When the line has a value for each field: those whose sign is another field's get it. */
void parse_sign_line(const Shape *shape, const LayoutLine *line);
void parse_line_problem(Parse *parse, Fault fault, const char *reason);

/* outer.c: a line that is no record. `refuse` is for one that is faulty as a whole, and takes `reason`. */
void outer_store(Parse *parse);
void outer_refuse(Parse *parse, Fault fault, char *reason);
/* carried.c, before a record is ended: what it has from its groups; addenda may follow. */
void outer_end_record(Parse *parse);
/* Of the last record, which is faulty and ended: what its groups say is known all the same. */
void outer_keep_groups(Parse *parse);

/* foreign.c: behind the file's first line, of `length` bytes: tells what `text`, the file, is, where it is no file of
 * lines at all. */
void foreign_check(Parse *parse, const guint8 *text, gsize length);

/* names.c: whether a header of column names is one, and has them at the layout's places; FALSE: told that it is not. */
gboolean names_check(Parse *parse);

/* fixed.c: one line. Returns the start of the next. */
const guint8 *fixed_line(Parse *parse, const guint8 *at);

/* Short texts are copied by two moves of 16 bytes, over the end: what is behind it belongs to the next record's text,
 * and the source is read no further than the chunk (or the value's own buffer, which is longer). */
static inline void parse_put_text(Parse *parse, guint index, const Value *value) {
  RecordBlock *block = parse->block;
  BlockColumn *column = &block->columns[index];
  guint record = block->count;
  guint32 start = record ? column->ends[record - 1] : 0;
  const guint8 *text = value->text;
  gsize length = value->length;
  if (G_UNLIKELY(start + length + 32 > column->bytes_capacity)) {
    record_block_put_text(block, index, text, length);
    return;
  }
  gboolean may_overrun = text == (const guint8 *)value->normal || (text >= parse->text && text + 32 <= parse->readable);
  if (G_LIKELY(length <= 32 && may_overrun))
    memcpy(column->bytes + start, text, 32);
  else
    memcpy(column->bytes + start, text, length);
  column->ends[record] = start + (guint32)length;
  column->nulls[record] = 0;
}

static inline void parse_put_value(Parse *parse, guint index, const Value *value) {
  RecordBlock *block = parse->block;
  BlockColumn *column = &block->columns[index];
  if (G_UNLIKELY(value->is_null)) {
    record_block_put_null(block, index);
  } else if (column->type == BLOCK_INTEGER) {
    column->integers[block->count] = value->integer;
    column->nulls[block->count] = 0;
  } else {
    parse_put_text(parse, index, value);
  }
}

/* Beside the value itself, for a field whose spellings are kept. */
static inline void parse_put_spelling(Parse *parse, const LayoutField *field, const Cell *cell) {
  if (value_is_as_printed(field, cell, &parse->state->value))
    record_block_put_null(parse->block, field->spelling);
  else
    record_block_put_text(parse->block, field->spelling, cell->at, cell->length);
}
