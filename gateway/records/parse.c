/* One chunk's lines become records, header, trailer or faults. Each line goes one way: cut, look closer if the scan
 * found anything odd, convert, split, recognise, store. The first fault of a line is the one that is told. */
#include "gateway/records/parse.h"

/* --- From raw bytes to cells. Each returns FALSE when it has told the line's fault. */

static void cut_by_quotes(Parse *parse, QuotedExtent *extent) {
  RawLine *line = &parse->line;
  *extent = (QuotedExtent){.is_broken = FALSE};
  parse->is_quoted = parse->layout->is_quoted && (line->flags & LINE_HAS_ODD) && memchr(line->text, '"', line->length);
  if (!parse->is_quoted)
    return;
  lines_quoted_extent(parse->layout, line->text, parse->end, extent);
  line->length = extent->length;
  line->next = extent->next;
  line->flags |= LINE_HAS_HIGH;                   /* the scan saw the first line only */
  parse->state->chunk.lines += extent->lines - 1; /* taken back for the record's own line by the caller */
}

static gboolean look_closer(Parse *parse, const QuotedExtent *extent) {
  RawLine *line = &parse->line;
  if (line->length > parse->layout->line_limit) {
    parse_end_faulty(parse, -1, FAULT_LONG, FALSE,
                     g_strdup_printf("the line is longer than %" G_GSIZE_FORMAT " bytes", parse->layout->line_limit));
    return FALSE;
  }
  gboolean is_odd = line->flags & LINE_HAS_ODD;
  const guint8 *zero = is_odd ? memchr(line->text, 0, line->length) : NULL;
  if (zero) {
    gint column = parse_column_at(parse, line->text, (gsize)(zero - line->text));
    parse_end_faulty(parse, column, FAULT_NUL, FALSE,
                     g_strdup_printf("%s: a NUL byte", parse_column_name(parse, column)));
    return FALSE;
  }
  if ((is_odd || parse->layout->conf->line_end == CONF_LINE_END_CRLF) && !extent->is_broken &&
      !parse_check_line_end(parse))
    return FALSE;
  if (line->length == 0)
    return parse_refuse(parse, FAULT_FIELDS, "the line is empty");
  if (parse->layout->end_mark_length > 0)
    line->length -= lines_end_mark(parse->layout, line->text, line->length);
  if (extent->is_broken) {
    gint column = parse_column_of_cell(parse, extent->cell);
    parse_end_faulty(parse, column, FAULT_QUOTING, FALSE,
                     g_strdup_printf("%s: a quote inside an unquoted value, text behind a closing quote, or a quoted "
                                     "value that does not end within %" G_GSIZE_FORMAT " bytes",
                                     parse_column_name(parse, column), parse->layout->line_limit));
    return FALSE;
  }
  return TRUE;
}

static void refuse_characters(Parse *parse, gint column, gsize offset, gboolean has_cells) {
  parse_end_faulty(parse, column, FAULT_CHARSET, has_cells,
                   g_strdup_printf("%s: byte %" G_GSIZE_FORMAT " of the line is not %s",
                                   parse_column_name(parse, column), offset + 1, parse->layout->charset->name));
}

/* Cuts at the delimiters that the scan has found and converts only the cells that need it. A delimiter that the table
 * reads as the second byte of a character is none. FALSE: there is something that the table does not have; then the
 * line is converted as a whole. */
static gboolean convert_cells(Parse *parse) {
  const Charset *charset = parse->layout->charset;
  const RawLine *line = &parse->line;
  const guint8 *start = line->text, *end = line->text + line->length;
  gsize found = line->n_delimiters, n = 0;
  g_byte_array_set_size(parse->state->converted, (guint)(line->length * 3 + 8));
  guint8 *to = parse->state->converted->data;
  for (gsize i = 0; i <= found; i++) {
    const guint8 *stop = i < found ? line->text + parse->state->positions[i] : end;
    Cell cell = {start, (gsize)(stop - start)};
    if (charset_has_high(start, cell.length)) {
      guint8 *behind = to;
      gsize known = charset_decode_known(charset, start, cell.length, &behind);
      if (known + 1 == cell.length && stop < end && charset->table->pair[(guint)stop[-1] << 8 | *stop])
        continue; /* the delimiter belongs to a character: the cell goes on */
      if (known < cell.length)
        return FALSE;
      cell = (Cell){to, (gsize)(behind - to)};
      to = behind;
    }
    parse->cells[n++] = cell;
    start = stop + 1;
  }
  parse->n_cells = n;
  return TRUE;
}

static gboolean cut_cells(Parse *parse) {
  const Layout *layout = parse->layout;
  gsize most = layout->most_cells;
  if (parse->has_cells)
    return TRUE;
  if (parse->is_quoted) {
    Fault fault = lines_split_quoted(layout, parse->text, parse->length, parse->cells, most, &parse->n_cells,
                                     parse->state->scratch);
    return !fault ||
           parse_refuse(parse, fault, fault == FAULT_LINE_END ? "a CR or LF outside quotes" : "the quoting is broken");
  }
  if (layout->delimiter_length > 1) {
    parse->n_cells = lines_split(layout, parse->text, parse->length, parse->cells, most);
    return TRUE;
  }
  gsize delimiters = parse->line.n_delimiters;
  /* converted: what looked like a delimiter may have been half a character */
  if (parse->text != parse->line.text && parse->length > 0) {
    RawLine converted;
    lines_scan(layout, parse->text, parse->text + parse->length, &converted, parse->state->positions, most);
    delimiters = converted.n_delimiters;
  }
  const guint8 *start = parse->text;
  const guint32 *positions = parse->state->positions;
  parse->n_cells = delimiters + 1;
  gsize inner = MIN(delimiters, most), i;
  for (i = 0; i < inner; i++) {
    parse->cells[i] = (Cell){start, (gsize)(parse->text + positions[i] - start)};
    start = parse->text + positions[i] + 1;
  }
  if (i < most)
    parse->cells[i] = (Cell){start, (gsize)(parse->text + parse->length - start)};
  return TRUE;
}

/* A record's cells are those of its fields, in their order. */
static gboolean to_cells(Parse *parse) {
  ChunkState *state = parse->state;
  const Shape *record = &parse->layout->shapes[SHAPE_RECORD];
  if (!cut_cells(parse))
    return FALSE;
  if (G_LIKELY(!state->columns) || parse->n_cells != record->n_cells ||
      parse_recognise_by_place(parse) != SHAPE_RECORD)
    return TRUE;
  memcpy(state->ordered, parse->cells, record->n_cells * sizeof *state->ordered);
  for (guint i = 0; i < record->n_fields; i++)
    parse->cells[i] = state->ordered[state->columns[i]];
  return TRUE;
}

static gboolean gather_and_fit(Parse *parse, const Shape *shape) {
  parse_gather_tag(parse, shape);
  return parse_fit_cells(parse, shape);
}

static gboolean to_utf8(Parse *parse) {
  const Charset *charset = parse->layout->charset;
  const RawLine *line = &parse->line;
  parse->text = line->text;
  parse->length = line->length;
  parse->readable = parse->end;
  parse->has_cells = FALSE;
  if (G_LIKELY(charset->is_ascii && !(line->flags & LINE_HAS_HIGH)))
    return TRUE;
  if (charset->is_utf8) {
    gssize invalid = charset_check_utf8(line->text, line->length);
    if (invalid < 0)
      return TRUE;
    gsize offset = (gsize)invalid;
    /* no byte of a bad sequence can pass for an ASCII digit or delimiter: the amounts can still be read */
    guint type = parse_type_of_faulty(parse);
    gboolean has_cells = !parse->is_quoted && type != LAYOUT_NO_TYPE && to_cells(parse) &&
                         gather_and_fit(parse, &parse->layout->shapes[SHAPE_RECORD + type]);
    refuse_characters(parse, parse->is_quoted ? -1 : parse_column_at(parse, line->text, offset), offset, has_cells);
    return FALSE;
  }
  parse->has_cells = charset->table && charset->is_ascii && !parse->is_quoted && parse->layout->delimiter_length == 1 &&
                     line->n_delimiters < parse->layout->most_cells && !parse->layout->has_split &&
                     convert_cells(parse);
  if (parse->has_cells)
    return TRUE;
  GByteArray *converted = parse->state->converted;
  g_byte_array_set_size(converted, 0);
  gssize bad = charset_decode(charset, parse->state->decoder, line->text, line->length, converted);
  if (bad >= 0) {
    refuse_characters(parse, parse->is_quoted ? -1 : parse_column_at(parse, converted->data, converted->len),
                      (gsize)bad, FALSE);
    return FALSE;
  }
  parse->text = converted->data;
  parse->readable = converted->data + converted->len;
  parse->length = converted->len;
  return TRUE;
}

/* --- Recognising and storing */

static inline gboolean has_tag(const Parse *parse, const Shape *shape) {
  return shape->present && parse->cells[0].length == shape->tag_length &&
         memcmp(parse->cells[0].at, shape->tag, shape->tag_length) == 0;
}

static void store_record(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  if (G_UNLIKELY(parse->n_cells != shape->n_cells || shape->split) && !parse_fit_cells(parse, shape)) {
    parse_end_faulty(parse, -1, FAULT_FIELDS, FALSE, parse_count_reason(parse, shape));
    return;
  }
  Value *value = &parse->state->value;
  const Cell *cell = parse->cells + (shape->tag ? 1 : 0);
  for (guint i = 0; i < shape->n_fields; i++, cell++) {
    const LayoutField *field = &shape->fields[i];
    Fault fault = value_parse(field, cell->at, cell->length, value);
    if (G_UNLIKELY(fault)) {
      parse_end_faulty(parse, (gint)field->column, fault, TRUE, value_reason(field, fault, cell->at, cell->length));
      return;
    }
    parse_put_value(parse, field->column, value);
    if (G_UNLIKELY(field->spelling))
      parse_put_spelling(parse, field, cell);
  }
  parse_end_record(parse, shape);
}

/* --- Header and trailer */

static void store_line(Parse *parse) {
  const Shape *shape = &parse->layout->shapes[parse->kind];
  LayoutLine *line = parse_open_line(parse);
  if (!line || !names_check(parse))
    return;
  if (!parse_fit_cells(parse, shape)) {
    g_autofree char *reason = parse_count_reason(parse, shape);
    parse_line_problem(parse, FAULT_FIELDS, reason);
    return;
  }
  for (guint i = 0; i < shape->n_fields; i++)
    g_ptr_array_add(line->values, parse_make_value(parse, &shape->fields[i], &parse->cells[i + (shape->tag ? 1 : 0)]));
  parse_sign_line(shape, line);
}

/* Returns the start of the next line. `lines` counts to the line's own number while it is looked at. */
static const guint8 *parse_line(Parse *parse, const guint8 *at) {
  LayoutChunk *chunk = &parse->state->chunk;
  QuotedExtent extent;
  parse->kind = parse->layout->n_shapes;
  parse->layout->scan(parse->layout, at, parse->end, &parse->line, parse->state->positions, parse->layout->most_cells);
  if (parse->layout->passes_over && parse_pass_over(parse))
    return parse->line.next;
  cut_by_quotes(parse, &extent);
  guint64 after = ++chunk->lines;
  if (extent.lines > 1)
    chunk->lines -= extent.lines - 1;
  if (look_closer(parse, &extent) && to_utf8(parse) && to_cells(parse)) {
    parse->kind = parse_recognise(parse, has_tag);
    if (G_LIKELY(layout_is_record(parse->layout, parse->kind)))
      store_record(parse);
    else if (layout_is_outer(parse->layout, parse->kind))
      outer_store(parse);
    else if (parse->kind == parse->layout->n_shapes)
      parse_refuse_tag(parse, parse_tag_of_none(parse));
    else
      store_line(parse);
  }
  chunk->lines = after;
  return parse->line.next;
}

/* --- The chunk as a whole */

static const guint8 *skip_mark(Parse *parse, const guint8 *at) {
  gsize left = (gsize)(parse->end - at);
  const char *name = parse->layout->charset->name;
  gsize mark = lines_mark(parse->layout, at, left);
  if (mark > 0)
    return at + mark;
  /* In other sets than UTF-8 these two may be letters: a NUL beside them tells, in the first line alone, as a chunk may
   * end there. */
  const guint8 *terminator = memchr(at, parse->layout->terminator, MIN(left, 4));
  if (left >= 2 && (memcmp(at, "\xff\xfe", 2) == 0 || memcmp(at, "\xfe\xff", 2) == 0) &&
      (parse->layout->charset->is_utf8 || memchr(at, 0, terminator ? (gsize)(terminator - at) : MIN(left, 4)))) {
    parse->state->chunk.lines = 1;
    parse_add_problem(parse, "L001",
                      g_strdup_printf("the file begins like UTF-16; the layout's character set is %s", name));
    parse->state->chunk.lines = 0;
  }
  return at;
}

/* An empty last line is counted, and nothing else. */
static gboolean cut_empty_last_line(Parse *parse, const guint8 *start) {
  const guint8 *end = parse->end;
  parse->end = end = parse->is_last && end > start ? lines_without_break(parse->layout, start, end) : end;
  if (!parse->is_last || end == start || parse->layout->is_stream || parse->layout->mark_length > 0 ||
      end[-1] != parse->layout->terminator)
    return FALSE;
  end--;
  if (parse->layout->terminator == '\n' && parse->layout->conf->line_end != CONF_LINE_END_LF && end > start &&
      end[-1] == '\r')
    end--;
  if (end != start && end[-1] != parse->layout->terminator)
    return FALSE;
  if (end == start && !parse->is_first)
    return FALSE; /* not as layout_next_chunk cuts: the line would be told apart by where a chunk begins */
  parse->end = end;
  return TRUE;
}

static void check_last_line_end(Parse *parse, const guint8 *start, gboolean has_empty_last) {
  gboolean must_end = parse->is_last && parse->layout->needs_last_line_end && !parse->is_proven_whole &&
                      !parse->has_passed_last && parse->state->chunk.lines > 0;
  if (must_end && !has_empty_last && !lines_is_ended(parse->layout, start, (gsize)(parse->end - start)))
    parse_add_problem(parse, "T012",
                      g_strdup("the last line has no line end: the file may have been cut off within it (or say "
                               "last-line-end = optional)"));
}

/* FALSE: the block was too small for a range that layout_next_chunk did not cut. */
static gboolean parse_lines(Parse *parse, const LayoutSpan *span) {
  const guint8 *at = span->text + span->offset;
  parse->end = span->text + span->end;
  if (span->is_first)
    at = skip_mark(parse, at);
  gboolean has_empty_last = cut_empty_last_line(parse, at), awaits_first = span->is_first;
  gboolean is_fixed = parse->layout->is_fixed;
  while (at < parse->end) {
    if (parse->block->count == parse->block->capacity)
      return FALSE;
    parse->has_passed_last = FALSE;
    at = is_fixed ? fixed_line(parse, at) : parse_line(parse, at);
    if (G_UNLIKELY(awaits_first) && !parse->has_passed_last) {
      foreign_check(parse, span->text, (gsize)(at - span->text));
      awaits_first = FALSE;
    }
  }
  check_last_line_end(parse, span->text + span->offset, has_empty_last);
  parse->state->chunk.lines += has_empty_last ? 1 : 0;
  return TRUE;
}

void layout_parse(const Layout *layout, const LayoutSpan *span, LayoutChunk *chunk) {
  ChunkState *state = layout_chunk_state(chunk);
  layout_chunk_clear(state);
  state->value.days = span->facts ? &span->facts->days : NULL;
  state->columns = span->facts ? span->facts->columns : NULL;
  Parse parse = {.layout = layout,
                 .state = state,
                 .block = chunk->block,
                 .file = span->text,
                 .is_first = span->is_first,
                 .is_last = span->is_last,
                 .is_proven_whole = span->is_proven_whole,
                 .cells = state->cells};
  while (!parse_lines(&parse, span)) {
    layout_chunk_enlarge(state);
    parse.block = chunk->block;
  }
  for (guint i = 0; i < chunk->block->n_columns; i++)
    if (chunk->block->columns[i].type == BLOCK_TEXT && chunk->block->count > 0)
      chunk->block->text_bytes += chunk->block->columns[i].ends[chunk->block->count - 1];
}
