/* From bytes to lines and cells. The scan of a line finds its end, its delimiters and whether anything in it needs a
 * closer look, in one pass over the bytes, 16 at a time where the processor can (SSE2 is part of every x86-64). */
#include "gateway/records/cells_private.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct {
  guint8 terminator, delimiter, stray, quote;
} Marks;

static inline Marks marks_of(const Layout *layout) {
  return (Marks){.terminator = layout->terminator,
                 .stray = layout->stray,
                 .quote = layout->is_quoted ? '"' : layout->mark_length > 0 ? '\n' : 0,
                 /* a delimiter of several bytes is looked for later; the terminator never matches before the end */
                 .delimiter = layout->delimiter_length == 1 ? *layout->delimiter : layout->terminator};
}

static inline void keep_position(guint32 *positions, gsize n, gsize most, gsize position) {
  positions[n < most ? n : most] = (guint32)position;
}

void lines_scan(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                gsize most) {
  Marks marks = marks_of(layout);
  const guint8 *p = at;
  guint high = 0, odd = 0;
  gsize n = 0;
#ifdef __SSE2__
  const __m128i terminator = _mm_set1_epi8((char)marks.terminator), delimiter = _mm_set1_epi8((char)marks.delimiter);
  const __m128i stray = _mm_set1_epi8((char)marks.stray), quote = _mm_set1_epi8((char)marks.quote),
                zero = _mm_setzero_si128();
  for (; end - p >= 16; p += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    guint stop = (guint)_mm_movemask_epi8(_mm_cmpeq_epi8(v, terminator));
    guint cut = (guint)_mm_movemask_epi8(_mm_cmpeq_epi8(v, delimiter));
    guint strange = (guint)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, stray), _mm_cmpeq_epi8(v, zero)), _mm_cmpeq_epi8(v, quote)));
    guint inside = stop ? (stop & (0u - stop)) - 1 : 0xffffu;
    high |= (guint)_mm_movemask_epi8(v) & inside;
    odd |= strange & inside;
    for (cut &= inside; cut; cut &= cut - 1)
      keep_position(positions, n++, most, (gsize)(p - at) + (gsize)__builtin_ctz(cut));
    if (stop) {
      p += __builtin_ctz(stop);
      goto ended;
    }
  }
#endif
  for (; p < end && *p != marks.terminator; p++) {
    high |= *p & 0x80u;
    odd |= *p == marks.stray || *p == 0 || *p == marks.quote;
    if (*p == marks.delimiter)
      keep_position(positions, n++, most, (gsize)(p - at));
  }
#ifdef __SSE2__
ended:
#endif
  line->text = at;
  line->length = (gsize)(p - at);
  line->next = p < end ? p + 1 : end;
  line->flags = (high ? LINE_HAS_HIGH : 0u) | (odd ? LINE_HAS_ODD : 0u);
  line->n_delimiters = n;
}

void lines_scan_stream(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                       gsize most) {
  (void)positions;
  (void)most;
  gsize length = MIN(layout->stride, (gsize)(end - at)), n = 0;
  guint high = 0, odd = 0;
#ifdef __SSE2__
  const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n'), zero = _mm_setzero_si128();
  __m128i highs = zero, odds = zero;
  for (; n + 16 <= length; n += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + n));
    highs = _mm_or_si128(highs, v);
    odds = _mm_or_si128(
        odds, _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf)), _mm_cmpeq_epi8(v, zero)));
  }
  high = (guint)_mm_movemask_epi8(highs);
  odd = (guint)_mm_movemask_epi8(odds);
#endif
  for (; n < length; n++) {
    high |= at[n] & 0x80u;
    odd |= at[n] == '\r' || at[n] == '\n' || at[n] == 0;
  }
  line->text = at;
  line->length = length;
  line->next = at + length;
  line->flags = (high ? LINE_HAS_HIGH : 0u) | (odd || !layout->charset->is_structural ? LINE_HAS_ODD : 0u);
  line->n_delimiters = 0;
}

void lines_scan_counted(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                        gsize most) {
  (void)positions;
  (void)most;
  gsize length = MIN(layout->stride, (gsize)(end - at));
  *line = (RawLine){.text = at, .length = length, .next = at + length, .flags = LINE_HAS_HIGH | LINE_HAS_ODD};
}

gsize lines_mark(const Layout *layout, const guint8 *text, gsize length) {
  if (layout->has_coded || layout->conf->descriptor != CONF_DESCRIPTOR_NONE)
    return 0;
  if (layout->charset->is_utf8 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    return 3;
  return layout->charset->is_gb18030 && length >= 4 && memcmp(text, "\x84\x31\x95\x33", 4) == 0 ? 4 : 0;
}

/* --- Quoted records */

static inline gboolean is_delimiter(const Layout *layout, const guint8 *p, const guint8 *end) {
  return p < end && *p == *layout->delimiter &&
         (layout->delimiter_length == 1 || ((gsize)(end - p) >= layout->delimiter_length &&
                                            memcmp(p, layout->delimiter, layout->delimiter_length) == 0));
}

/* The bytes of the line end at p; 0: none there. */
gsize lines_end_at(const Layout *layout, const guint8 *p, const guint8 *end) {
  if (p < end && *p == layout->terminator)
    return 1;
  return layout->terminator == '\n' && end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* Behind the closing quote of the value whose opening quote is at p; NULL: it is not closed before `limit`. The quote
 * is no second byte of any character set that is accepted. */
static const guint8 *close_quote(const guint8 *p, const guint8 *limit, const guint8 *end) {
  for (p++; p < limit;) {
    const guint8 *quote = memchr(p, '"', (gsize)(limit - p));
    if (!quote)
      return NULL;
    if (quote + 1 < end && quote[1] == '"') {
      p = quote + 2;
      continue;
    }
    return quote + 1;
  }
  return NULL;
}

/* Behind the unquoted value at p: a quote, a delimiter, a line end or the limit. */
static const guint8 *unquoted_end(const Layout *layout, const guint8 *p, const guint8 *limit, const guint8 *end) {
  for (;; p++) {
    while (p < limit && !layout->is_structure[*p])
      p++;
    if (p >= limit || *p == '"' || lines_end_at(layout, p, end) || is_delimiter(layout, p, end))
      return p;
    if (layout->charset->lead[*p] && p + 1 < end && p[1] >= 0x30)
      p++;
  }
}

static gboolean scan_quoted(const Layout *layout, const guint8 *at, const guint8 *end, QuotedExtent *extent) {
  const guint8 *limit = (gsize)(end - at) > layout->line_limit ? at + layout->line_limit : end;
  const guint8 *p = at;
  for (extent->cell = 0;; extent->cell++) {
    if (p < limit && *p == '"') {
      p = close_quote(p, limit, end);
      if (!p)
        return FALSE;
    } else {
      p = unquoted_end(layout, p, limit, end);
    }
    gsize line_end = lines_end_at(layout, p, end);
    if (p >= end || line_end > 0) {
      extent->length = MIN((gsize)(p - at), (gsize)(end - at));
      extent->next = p < end ? p + line_end : end;
      return extent->length <= layout->line_limit;
    }
    if (p >= limit || !is_delimiter(layout, p, end))
      return FALSE; /* too long, a quote within an unquoted value, or text behind a closing quote */
    p += layout->delimiter_length;
  }
}

/* The byte that ends a line, of a mark of two bytes the last one. */
const guint8 *lines_find_terminator(const Layout *layout, const guint8 *at, const guint8 *end) {
  if (layout->mark_length < 2)
    return at < end ? memchr(at, layout->terminator, (gsize)(end - at)) : NULL;
  const guint8 *mark = at < end ? memmem(at, (gsize)(end - at), layout->conf->terminator, 2) : NULL;
  return mark ? mark + 1 : NULL;
}

/* Why this cannot be made slow: a scan that fails from one line start stops at the latest at the first odd run of
 * quotes of a later line, so the lines between are scanned twice, not again and again (two scans that begin at
 * different lines never both stay inside quotes). And why a chunk decides as the whole file does: a chunk ends at a
 * record's end, so what is closed within the limit in the file is closed in the chunk. */
void lines_quoted_extent(const Layout *layout, const guint8 *at, const guint8 *end, QuotedExtent *extent) {
  extent->is_broken = !scan_quoted(layout, at, end, extent);
  if (extent->is_broken) {
    const guint8 *terminator = lines_find_terminator(layout, at, end);
    extent->length = (gsize)((terminator ? terminator : end) - at);
    extent->next = terminator ? terminator + 1 : end;
    extent->lines = 1;
    /* told by the line alone: in the whole file a value may go on, and break later */
    QuotedExtent of_line;
    scan_quoted(layout, at, at + extent->length, &of_line);
    extent->cell = of_line.cell;
    return;
  }
  extent->lines = 1;
  for (const guint8 *p = at; (p = lines_find_terminator(layout, p, at + extent->length)); p++)
    extent->lines++;
}

/* --- Cells */

const guint8 *lines_cell_end(const Layout *layout, const guint8 *p, const guint8 *end) {
  if (layout->is_quoted && p < end && *p == '"') {
    const guint8 *behind = close_quote(p, end, end);
    return behind ? behind : end;
  }
  p = unquoted_end(layout, p, end, end);
  while (p < end && !is_delimiter(layout, p, end))
    p = unquoted_end(layout, p + 1, end, end);
  return p;
}

gsize lines_split(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most) {
  const guint8 *end = text + length;
  gsize n = 0;
  for (const guint8 *start = text;;) {
    const guint8 *delimiter = layout->delimiter_length == 1
                                  ? memchr(start, *layout->delimiter, (gsize)(end - start))
                                  : memmem(start, (gsize)(end - start), layout->delimiter, layout->delimiter_length);
    if (n < most)
      cells[n] = (Cell){start, (gsize)((delimiter ? delimiter : end) - start)};
    n++;
    if (!delimiter)
      return n;
    start = delimiter + layout->delimiter_length;
  }
}

static Cell unquoted(const guint8 *start, const guint8 *end, GByteArray *scratch) {
  if (!memchr(start, '"', (gsize)(end - start)))
    return (Cell){start, (gsize)(end - start)};
  guint at = scratch->len;
  for (const guint8 *p = start; p < end; p++) {
    g_byte_array_append(scratch, p, 1);
    if (*p == '"')
      p++; /* the second of a pair */
  }
  return (Cell){scratch->data + at, scratch->len - at};
}

Fault lines_split_quoted(const Layout *layout, const guint8 *text, gsize length, Cell *cells, gsize most, gsize *n,
                         GByteArray *scratch) {
  const guint8 *end = text + length, *p = text;
  g_byte_array_set_size(scratch, (guint)length);
  g_byte_array_set_size(scratch, 0);
  for (*n = 0;;) {
    Cell cell = {p, 0};
    if (p < end && *p == '"') {
      const guint8 *behind = close_quote(p, end, end);
      if (!behind)
        return FAULT_QUOTING;
      if (*n < most)
        cell = unquoted(p + 1, behind - 1, scratch);
      p = behind;
    } else {
      while (p < end &&
             (!layout->is_structure[*p] || (*p != '"' && *p != '\r' && *p != '\n' && !is_delimiter(layout, p, end))))
        p++;
      cell.length = (gsize)(p - cell.at);
    }
    if (p < end && !is_delimiter(layout, p, end))
      return *p == '\r' || *p == '\n' ? FAULT_LINE_END : FAULT_QUOTING;
    if (*n < most)
      cells[*n] = cell;
    ++*n;
    if (p >= end)
      return FAULT_NONE;
    p += layout->delimiter_length;
  }
}

gsize lines_end_mark(const Layout *layout, const guint8 *text, gsize length) {
  gsize n = layout->end_mark_length;
  return n > 0 && length >= n && memcmp(text + length - n, layout->conf->end_mark, n) == 0 ? n : 0;
}

gboolean lines_is_ended(const Layout *layout, const guint8 *text, gsize length) {
  if (layout->mark_length == 2)
    return length >= 2 && memcmp(text + length - 2, layout->conf->terminator, 2) == 0;
  return text[length - 1] == layout->terminator;
}

const guint8 *lines_behind_break(const Layout *layout, const guint8 *at, const guint8 *end) {
  if (layout->skips_break && at < end && *at == '\r')
    return at + (end - at >= 2 && at[1] == '\n' ? 2 : 1);
  return at + (layout->skips_break && at < end && *at == '\n' ? 1 : 0);
}

const guint8 *lines_without_break(const Layout *layout, const guint8 *text, const guint8 *end) {
  const guint8 *behind = end;
  for (guint n = 0; n < 2 && layout->skips_break && behind > text && (behind[-1] == '\n' || behind[-1] == '\r'); n++)
    behind--;
  return behind > text && lines_is_ended(layout, text, (gsize)(behind - text)) &&
                 lines_behind_break(layout, behind, end) == end
             ? behind
             : end;
}

/* Of the line without its end, as lines_scan finds them in one pass. */
static void scan_cells(const Layout *layout, RawLine *line, guint32 *positions, gsize most) {
  Marks marks = marks_of(layout);
  guint high = 0, odd = 0;
  for (gsize i = 0; i < line->length; i++) {
    guint8 byte = line->text[i];
    high |= byte & 0x80u;
    odd |= byte == marks.stray || byte == 0 || byte == marks.quote;
    if (byte == marks.delimiter && layout->delimiter_length == 1)
      keep_position(positions, line->n_delimiters++, most, i);
  }
  line->flags = (high ? LINE_HAS_HIGH : 0u) | (odd ? LINE_HAS_ODD : 0u);
}

void lines_scan_marked(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line, guint32 *positions,
                       gsize most) {
  if (layout->mark_length == 1) {
    lines_scan(layout, at, end, line, positions, most);
  } else {
    const guint8 *last = lines_find_terminator(layout, at, end);
    *line = (RawLine){
        .text = at, .length = (gsize)((last ? last - 1 : end) - at), .next = last ? last + 1 : end};
    scan_cells(layout, line, positions, most);
  }
  line->next = lines_behind_break(layout, line->next, end);
}

const guint8 *lines_next(const Layout *layout, const guint8 *at, const guint8 *end, const guint8 **stop) {
  if (layout->is_stream)
    return *stop = at + MIN(layout->stride, (gsize)(end - at));
  const guint8 *last = lines_find_terminator(layout, at, end);
  *stop = !last ? end : layout->mark_length == 2 ? last - 1 : last;
  return last ? lines_behind_break(layout, last + 1, end) : end;
}

/* Which bytes end a line. A mark must not be found within a character. */
gboolean lines_compile(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  const char *mark = conf->terminator;
  gboolean has_leads = FALSE;
  layout->terminator = conf->line_end == CONF_LINE_END_CR ? '\r' : '\n';
  layout->stray = conf->line_end == CONF_LINE_END_CR ? '\n' : '\r';
  layout->scan = layout->is_stream ? lines_scan_stream : lines_scan;
  if (!mark || layout->is_stream)
    return TRUE;
  layout->mark_length = strlen(mark);
  layout->terminator = (guint8)mark[layout->mark_length - 1];
  layout->stray = '\r';
  layout->skips_break = !strpbrk(mark, "\r\n");
  layout->scan = lines_scan_marked;
  for (guint byte = 0; byte < 0x100; byte++)
    has_leads = has_leads || layout->charset->lead[byte];
  for (const char *at = mark; *at; at++)
    if ((guint8)*at >= 0x80 || (has_leads && *at >= 0x30))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "terminator: in %s its bytes may be a part of a character", layout->charset->name);
  if (layout->mark_length == 0 || layout->mark_length > 2 || layout->is_quoted)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "terminator: one or two bytes, and no quoted values");
  return TRUE;
}
