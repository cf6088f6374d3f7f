/* One chunk's lines become records, header, trailer or faults. Each line goes one way: cut, look closer if the scan found
 * anything odd, convert, split, recognise, store. The first fault of a line is the one that is told. */
#include "gateway/base/files.h"
#include "gateway/records/layout_internal.h"
#include "gateway/records/layout_chunk.h"
#include <string.h>

enum { MOST_PROBLEMS = 100 }; /* of a chunk: the first one already decides about the file */

typedef struct {
  const Layout *layout;
  ChunkState *state;
  RecordBlock *block;
  const guint8 *end;       /* of what holds lines: an empty last line of the file is cut off */
  gboolean is_first, is_last;
  RawLine line;
  gboolean is_quoted;      /* the line has quotes: it was cut by them */
  const guint8 *text;      /* the line in UTF-8: raw or converted */
  gsize length;
  const guint8 *readable;  /* the end of what text is a part of */
  Cell *cells;
  gsize n_cells;
} Parse;

/* --- Telling what is wrong */

static void add_problem(Parse *parse, const char *code, char *reason) {
  GPtrArray *problems = parse->state->chunk.problems;
  if (problems->len >= MOST_PROBLEMS) {
    g_free(reason);
    return;
  }
  LayoutProblem *problem = g_new0(LayoutProblem, 1);
  problem->line = parse->state->chunk.lines;
  problem->reason = reason;
  g_strlcpy(problem->code, code, sizeof problem->code);
  g_ptr_array_add(problems, problem);
}

/* A faulty record's amounts still belong to the control total where they can be read. */
static void keep_sums_of_faulty(Parse *parse, gboolean has_cells) {
  const Shape *record = &parse->layout->shapes[SHAPE_RECORD];
  gsize tag = record->tag ? 1 : 0;
  for (guint i = 0; i < parse->layout->n_sums; i++) {
    guint column = parse->layout->sum_columns[i];
    const Cell *cell = has_cells ? &parse->cells[column + tag] : NULL;
    Value value;
    if (cell && cell->length == 0 && record->fields[column].conf->optional)
      continue;
    if (cell && !value_parse(&record->fields[column], cell->at, cell->length, &value))
      parse->state->faulty_sums[i] += value.integer;
    else if (parse->state->unreadable[i] == 0)
      parse->state->unreadable[i] = parse->state->chunk.lines;
  }
}

static void end_faulty(Parse *parse, gint field, Fault fault, gboolean has_cells, char *reason) {
  char code[FAULT_CODE_LENGTH];
  fault_code(fault, code);
  if (parse->layout->n_sums > 0)
    keep_sums_of_faulty(parse, has_cells);
  parse->block->lines[parse->block->count] = parse->state->chunk.lines;
  record_block_end_faulty(parse->block, field, code, reason);
}

/* The field of the byte at `offset` of the line, by the delimiters before it: -1 for the tag or when there are too many. */
static gint field_at(Parse *parse, const guint8 *text, gsize offset) {
  const Shape *record = &parse->layout->shapes[SHAPE_RECORD];
  gsize cell = lines_split(parse->layout, text, offset, NULL, 0) - 1, tag = record->tag ? 1 : 0;
  return cell >= tag && cell - tag < record->n_fields ? (gint)(cell - tag) : -1;
}

static const char *field_name(const Parse *parse, gint field) {
  return field >= 0 ? parse->layout->columns[field].name : "the line";
}

/* --- From raw bytes to cells. Each returns FALSE when it has told the line's fault. */

static gboolean refuse_line(Parse *parse, Fault fault, const char *reason) {
  end_faulty(parse, -1, fault, FALSE, g_strdup(reason));
  return FALSE;
}

/* An ending that the layout allows is cut off; any other CR or LF outside quotes is a fault. */
static gboolean check_line_end(Parse *parse) {
  RawLine *line = &parse->line;
  const ConfLayout *conf = parse->layout->conf;
  gsize ending = (gsize)(line->next - line->text) - line->length;
  gboolean may_cr = conf->line_end == CONF_LINE_END_ANY || conf->line_end == CONF_LINE_END_CRLF;
  if (!parse->is_quoted && may_cr && ending == 1 && line->length > 0 && line->text[line->length - 1] == '\r') {
    line->length--;
    ending = 2;
  }
  if (conf->line_end == CONF_LINE_END_CRLF && ending == 1)
    return refuse_line(parse, FAULT_LINE_END, "the line ends in LF alone; the layout says CRLF");
  if (parse->is_quoted ? conf->line_end == CONF_LINE_END_LF && ending == 2
                       : memchr(line->text, parse->layout->stray, line->length) != NULL)
    return refuse_line(parse, FAULT_LINE_END, parse->layout->stray == '\r' ? "a CR that is no line end of this layout"
                                                                          : "an LF that is no line end of this layout");
  return TRUE;
}

static void cut_by_quotes(Parse *parse, QuotedExtent *extent) {
  RawLine *line = &parse->line;
  *extent = (QuotedExtent){.is_broken = FALSE};
  parse->is_quoted = parse->layout->is_quoted && (line->flags & LINE_HAS_ODD) && memchr(line->text, '"', line->length);
  if (!parse->is_quoted)
    return;
  lines_quoted_extent(parse->layout, line->text, parse->end, extent);
  line->length = extent->length;
  line->next = extent->next;
  line->flags |= LINE_HAS_HIGH; /* the scan saw the first line only */
  parse->state->chunk.lines += extent->lines - 1; /* taken back for the record's own line by the caller */
}

static gboolean look_closer(Parse *parse, const QuotedExtent *extent) {
  RawLine *line = &parse->line;
  if (line->length > parse->layout->line_limit) {
    end_faulty(parse, -1, FAULT_LONG, FALSE, g_strdup_printf("the line is longer than %" G_GSIZE_FORMAT " bytes", parse->layout->line_limit));
    return FALSE;
  }
  gboolean is_odd = line->flags & LINE_HAS_ODD;
  const guint8 *zero = is_odd ? memchr(line->text, 0, line->length) : NULL;
  if (zero) {
    gint field = field_at(parse, line->text, (gsize)(zero - line->text));
    end_faulty(parse, field, FAULT_NUL, FALSE, g_strdup_printf("%s: a NUL byte", field_name(parse, field)));
    return FALSE;
  }
  if ((is_odd || parse->layout->conf->line_end == CONF_LINE_END_CRLF) && !extent->is_broken && !check_line_end(parse))
    return FALSE;
  if (line->length == 0)
    return refuse_line(parse, FAULT_FIELDS, "the line is empty");
  if (extent->is_broken) {
    const Shape *record = &parse->layout->shapes[SHAPE_RECORD];
    gsize tag = record->tag ? 1 : 0;
    gint field = extent->cell >= tag && extent->cell - tag < record->n_fields ? (gint)(extent->cell - tag) : -1;
    end_faulty(parse, field, FAULT_QUOTING, FALSE,
               g_strdup_printf("%s: a quote inside an unquoted value, text behind a closing quote, or a quoted value that does not end within %"
                               G_GSIZE_FORMAT " bytes", field_name(parse, field), parse->layout->line_limit));
    return FALSE;
  }
  return TRUE;
}

static void refuse_characters(Parse *parse, gint field, gsize offset, gboolean has_cells) {
  end_faulty(parse, field, FAULT_CHARSET, has_cells,
             g_strdup_printf("%s: byte %" G_GSIZE_FORMAT " of the line is not %s", field_name(parse, field), offset + 1,
                             parse->layout->charset->name));
}

static gboolean to_cells(Parse *parse) {
  const Layout *layout = parse->layout;
  gsize most = layout->most_cells;
  if (parse->is_quoted) {
    Fault fault = lines_split_quoted(layout, parse->text, parse->length, parse->cells, most, &parse->n_cells, parse->state->scratch);
    return !fault || refuse_line(parse, fault, fault == FAULT_LINE_END ? "a CR or LF outside quotes" : "the quoting is broken");
  }
  if (parse->text != parse->line.text || layout->delimiter_length > 1) {
    parse->n_cells = lines_split(layout, parse->text, parse->length, parse->cells, most);
    return TRUE;
  }
  const guint8 *start = parse->text;
  const guint32 *positions = parse->state->positions;
  parse->n_cells = parse->line.n_delimiters + 1;
  gsize inner = MIN(parse->line.n_delimiters, most), i;
  for (i = 0; i < inner; i++) {
    parse->cells[i] = (Cell){start, (gsize)(parse->text + positions[i] - start)};
    start = parse->text + positions[i] + 1;
  }
  if (i < most)
    parse->cells[i] = (Cell){start, (gsize)(parse->text + parse->length - start)};
  return TRUE;
}

static gboolean to_utf8(Parse *parse) {
  const Charset *charset = parse->layout->charset;
  const RawLine *line = &parse->line;
  parse->text = line->text;
  parse->length = line->length;
  parse->readable = parse->end;
  if (G_LIKELY(charset->is_ascii && !(line->flags & LINE_HAS_HIGH)))
    return TRUE;
  if (charset->is_utf8) {
    gssize invalid = charset_check_utf8(line->text, line->length);
    if (invalid < 0)
      return TRUE;
    gsize offset = (gsize)invalid;
    /* no byte of a bad sequence can pass for an ASCII digit or delimiter: the amounts can still be read */
    gboolean has_cells = !parse->is_quoted && to_cells(parse) && parse->n_cells == parse->layout->shapes[SHAPE_RECORD].n_cells;
    refuse_characters(parse, parse->is_quoted ? -1 : field_at(parse, line->text, offset), offset, has_cells);
    return FALSE;
  }
  GByteArray *converted = parse->state->converted;
  g_byte_array_set_size(converted, 0);
  gssize bad = charset_decode(charset, parse->state->decoder, line->text, line->length, converted);
  if (bad >= 0) {
    refuse_characters(parse, parse->is_quoted ? -1 : field_at(parse, converted->data, converted->len), (gsize)bad, FALSE);
    return FALSE;
  }
  parse->text = converted->data;
  parse->readable = converted->data + converted->len;
  parse->length = converted->len;
  return TRUE;
}

/* --- Recognising and storing */

static inline gboolean has_tag(const Parse *parse, const Shape *shape) {
  return shape->present && parse->cells[0].length == shape->tag_length && memcmp(parse->cells[0].at, shape->tag, shape->tag_length) == 0;
}

/* N_SHAPES: an unknown tag. */
static ShapeKind recognise(const Parse *parse) {
  const Shape *shapes = parse->layout->shapes;
  if (parse->layout->conf->lines_by == CONF_LINES_BY_TAG) {
    if (G_LIKELY(has_tag(parse, &shapes[SHAPE_RECORD])))
      return SHAPE_RECORD;
    return has_tag(parse, &shapes[SHAPE_HEADER]) ? SHAPE_HEADER : has_tag(parse, &shapes[SHAPE_TRAILER]) ? SHAPE_TRAILER : N_SHAPES;
  }
  if (shapes[SHAPE_HEADER].present && parse->is_first && parse->state->chunk.lines == 1)
    return SHAPE_HEADER;
  return shapes[SHAPE_TRAILER].present && parse->is_last && parse->line.next == parse->end ? SHAPE_TRAILER : SHAPE_RECORD;
}

static char *count_reason(const Parse *parse, const Shape *shape) {
  gsize tag = shape->tag ? 1 : 0;
  return g_strdup_printf("%" G_GSIZE_FORMAT " fields, the layout has %u", parse->n_cells - tag, shape->n_fields);
}

/* Short texts are copied by two moves of 16 bytes, over the end: what is behind it belongs to the next record's text, and the
 * source is read no further than the chunk (or the value's own buffer, which is longer). */
static inline void put_text(Parse *parse, guint index, const Value *value) {
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

static inline void put_value(Parse *parse, guint index, const Value *value) {
  RecordBlock *block = parse->block;
  BlockColumn *column = &block->columns[index];
  if (G_UNLIKELY(value->is_null)) {
    record_block_put_null(block, index);
  } else if (column->type == BLOCK_INTEGER) {
    column->integers[block->count] = value->integer;
    column->nulls[block->count] = 0;
  } else {
    put_text(parse, index, value);
  }
}

static void store_record(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[SHAPE_RECORD];
  if (G_UNLIKELY(parse->n_cells != shape->n_cells)) {
    end_faulty(parse, -1, FAULT_FIELDS, FALSE, count_reason(parse, shape));
    return;
  }
  Value *value = &parse->state->value;
  const Cell *cell = parse->cells + (shape->tag ? 1 : 0);
  for (guint i = 0; i < shape->n_fields; i++, cell++) {
    Fault fault = value_parse(&shape->fields[i], cell->at, cell->length, value);
    if (G_UNLIKELY(fault)) {
      end_faulty(parse, (gint)i, fault, TRUE, value_reason(&shape->fields[i], fault, cell->at, cell->length));
      return;
    }
    put_value(parse, i, value);
  }
  parse->block->lines[parse->block->count++] = parse->state->chunk.lines;
}

static LayoutValue *make_value(Parse *parse, const LayoutField *field, const Cell *cell, const char *line_name) {
  Value *value = &parse->state->value;
  LayoutValue *made = g_new0(LayoutValue, 1);
  made->field = field->conf;
  Fault fault = value_parse(field, cell->at, cell->length, value);
  if (fault) {
    char code[FAULT_CODE_LENGTH];
    fault_code(fault, code);
    g_autofree char *reason = value_reason(field, fault, cell->at, cell->length);
    add_problem(parse, code, g_strdup_printf("%s: %s", line_name, reason));
  } else if (!value->is_null && value_is_integer(field->conf)) {
    made->integer = value->integer;
    made->text = g_strndup((const char *)cell->at, cell->length); /* "000017" is a sequence number: the answer repeats it as it came */
  } else if (!value->is_null) {
    made->text = g_strndup((const char *)value->text, value->length);
  }
  return made;
}

static void free_value(gpointer data) {
  LayoutValue *value = data;
  g_free(value->text);
  g_free(value);
}

static void store_line(Parse *parse, ShapeKind kind) {
  const Shape *shape = &parse->layout->shapes[kind];
  const char *name = kind == SHAPE_HEADER ? "header" : "trailer";
  LayoutLine **into = kind == SHAPE_HEADER ? &parse->state->chunk.header : &parse->state->chunk.trailer;
  guint64 *seen = kind == SHAPE_HEADER ? &parse->state->header_line : &parse->state->trailer_line;
  guint64 line = parse->state->chunk.lines;
  if (*seen) {
    add_problem(parse, kind == SHAPE_HEADER ? "T007" : "T008", g_strdup_printf("a second %s", name));
    return;
  }
  *seen = line;
  *into = g_new0(LayoutLine, 1);
  (*into)->line = line;
  (*into)->values = g_ptr_array_new_with_free_func(free_value);
  if (parse->n_cells != shape->n_cells) {
    g_autofree char *reason = count_reason(parse, shape);
    add_problem(parse, "L004", g_strdup_printf("%s: %s", name, reason));
    return;
  }
  for (guint i = 0; i < shape->n_fields; i++)
    g_ptr_array_add((*into)->values, make_value(parse, &shape->fields[i], &parse->cells[i + (shape->tag ? 1 : 0)], name));
}

static void refuse_tag(Parse *parse) {
  g_autofree char *shown = parse->layout->has_masked ? NULL : files_show_bytes(parse->cells[0].at, parse->cells[0].length, 20);
  end_faulty(parse, -1, FAULT_TAG, FALSE, shown ? g_strdup_printf("the tag '%s' is not one of the layout's", shown)
                                                : g_strdup("the tag is not one of the layout's"));
}

/* Returns the start of the next line. `lines` counts to the line's own number while it is looked at. */
static const guint8 *parse_line(Parse *parse, const guint8 *at) {
  LayoutChunk *chunk = &parse->state->chunk;
  QuotedExtent extent;
  lines_scan(parse->layout, at, parse->end, &parse->line, parse->state->positions, parse->layout->most_cells);
  cut_by_quotes(parse, &extent);
  guint64 after = ++chunk->lines;
  if (extent.lines > 1)
    chunk->lines -= extent.lines - 1;
  if (look_closer(parse, &extent) && to_utf8(parse) && to_cells(parse)) {
    ShapeKind kind = recognise(parse);
    if (G_LIKELY(kind == SHAPE_RECORD))
      store_record(parse);
    else if (kind == N_SHAPES)
      refuse_tag(parse);
    else
      store_line(parse, kind);
  }
  chunk->lines = after;
  return parse->line.next;
}

/* --- The chunk as a whole */

static const guint8 *skip_mark(Parse *parse, const guint8 *at) {
  gsize left = (gsize)(parse->end - at);
  const char *name = parse->layout->charset->name;
  if (parse->layout->charset->is_utf8 && left >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
    return at + 3;
  if (g_ascii_strcasecmp(name, "GB18030") == 0 && left >= 4 && memcmp(at, "\x84\x31\x95\x33", 4) == 0)
    return at + 4;
  /* In other sets than UTF-8 these two may be letters: a NUL beside them tells, in the first line alone, as a chunk may end there. */
  const guint8 *terminator = memchr(at, parse->layout->terminator, MIN(left, 4));
  if (left >= 2 && (memcmp(at, "\xff\xfe", 2) == 0 || memcmp(at, "\xfe\xff", 2) == 0) &&
      (parse->layout->charset->is_utf8 || memchr(at, 0, terminator ? (gsize)(terminator - at) : MIN(left, 4)))) {
    parse->state->chunk.lines = 1;
    add_problem(parse, "L001", g_strdup_printf("the file begins like UTF-16; the layout's character set is %s", name));
    parse->state->chunk.lines = 0;
  }
  return at;
}

/* An empty last line is counted, and nothing else. */
static gboolean cut_empty_last_line(Parse *parse, const guint8 *start) {
  const guint8 *end = parse->end;
  if (!parse->is_last || end == start || end[-1] != parse->layout->terminator)
    return FALSE;
  end--;
  if (parse->layout->terminator == '\n' && parse->layout->conf->line_end != CONF_LINE_END_LF && end > start && end[-1] == '\r')
    end--;
  if (end != start && end[-1] != parse->layout->terminator)
    return FALSE;
  if (end == start && !parse->is_first)
    return FALSE; /* not as layout_next_chunk cuts: the line would be told apart by where a chunk begins */
  parse->end = end;
  return TRUE;
}

/* FALSE: the block was too small for a range that layout_next_chunk did not cut. */
static gboolean parse_lines(Parse *parse, const LayoutSpan *span) {
  const guint8 *at = span->text + span->offset;
  parse->end = span->text + span->end;
  if (span->is_first)
    at = skip_mark(parse, at);
  gboolean has_empty_last = cut_empty_last_line(parse, at);
  while (at < parse->end) {
    if (parse->block->count == parse->block->capacity)
      return FALSE;
    at = parse_line(parse, at);
  }
  parse->state->chunk.lines += has_empty_last ? 1 : 0;
  return TRUE;
}

void layout_parse(const Layout *layout, const LayoutSpan *span, LayoutChunk *chunk) {
  ChunkState *state = layout_chunk_state(chunk);
  layout_chunk_clear(state);
  Parse parse = {.layout = layout, .state = state, .block = chunk->block, .is_first = span->is_first, .is_last = span->is_last, .cells = state->cells};
  while (!parse_lines(&parse, span)) {
    layout_chunk_enlarge(state);
    parse.block = chunk->block;
  }
  for (guint i = 0; i < chunk->block->n_columns; i++)
    if (chunk->block->columns[i].type == BLOCK_TEXT && chunk->block->count > 0)
      chunk->block->text_bytes += chunk->block->columns[i].ends[chunk->block->count - 1];
}
