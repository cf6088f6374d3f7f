/* From bytes to lines and cells. The scan of a line finds its end, its delimiters and whether anything in it needs a
 * closer look, in one pass over the bytes, 16 at a time where the processor can (SSE2 is part of every x86-64). */
#include "gateway/records/cells_private.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LARGEST_CHUNK = 64 << 20 }; /* texts of a chunk are far below a block's 4 GiB, whatever a caller wants */

typedef struct {
  guint8 terminator, delimiter, stray, quote;
} Marks;

static inline Marks marks_of(const Layout *layout) {
  return (Marks){.terminator = layout->terminator,
                 .stray = layout->stray,
                 .quote = layout->is_quoted ? '"' : 0,
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

void lines_scan_stream(const Layout *layout, const guint8 *at, const guint8 *end, RawLine *line) {
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
  *line = (RawLine){.text = at,
                    .length = length,
                    .next = at + length,
                    .flags = (high ? LINE_HAS_HIGH : 0u) |
                             (odd || !layout->charset->is_structural ? LINE_HAS_ODD : 0u)};
}

gsize lines_mark(const Layout *layout, const guint8 *text, gsize length) {
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
static inline gsize line_end_at(const Layout *layout, const guint8 *p, const guint8 *end) {
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
    if (p >= limit || *p == '"' || line_end_at(layout, p, end) || is_delimiter(layout, p, end))
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
    gsize line_end = line_end_at(layout, p, end);
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

static const guint8 *find_terminator(const Layout *layout, const guint8 *at, const guint8 *end) {
  return at < end ? memchr(at, layout->terminator, (gsize)(end - at)) : NULL;
}

/* Why this cannot be made slow: a scan that fails from one line start stops at the latest at the first odd run of
 * quotes of a later line, so the lines between are scanned twice, not again and again (two scans that begin at
 * different lines never both stay inside quotes). And why a chunk decides as the whole file does: a chunk ends at a
 * record's end, so what is closed within the limit in the file is closed in the chunk. */
void lines_quoted_extent(const Layout *layout, const guint8 *at, const guint8 *end, QuotedExtent *extent) {
  extent->is_broken = !scan_quoted(layout, at, end, extent);
  if (extent->is_broken) {
    const guint8 *terminator = find_terminator(layout, at, end);
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
  for (const guint8 *p = at; (p = find_terminator(layout, p, at + extent->length)); p++)
    extent->lines++;
}

/* --- Cells */

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

gboolean lines_begin_like(const Layout *layout, const Shape *shape, const guint8 *at, const guint8 *end) {
  gsize quotes = layout->is_quoted && at < end && *at == '"' ? 1 : 0;
  if (!shape->present || !shape->raw_tag || (gsize)(end - at) < shape->raw_tag_length + 2 * quotes ||
      memcmp(at + quotes, shape->raw_tag, shape->raw_tag_length) != 0)
    return FALSE;
  at += quotes + shape->raw_tag_length;
  if (quotes && *at++ != '"')
    return FALSE;
  gsize left = (gsize)(end - at), mark = layout->end_mark_length;
  return layout->is_fixed || left == 0 || *at == layout->stray ||
         (left >= layout->delimiter_length && memcmp(at, layout->delimiter, layout->delimiter_length) == 0) ||
         (mark > 0 && left >= mark && left <= mark + 1 && memcmp(at, layout->conf->end_mark, mark) == 0);
}

/* --- Chunks */

/* Many at a time: the cutter of chunks works for all threads that parse. */
static gsize count_terminators(guint8 terminator, const guint8 *p, const guint8 *end) {
  gsize n = 0;
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8((char)terminator), zero = _mm_setzero_si128();
  while (end - p >= 16) {
    __m128i counts = zero; /* of each of 16 lanes, which hold up to 255 */
    for (guint i = 0; i < 255 && end - p >= 16; i++, p += 16)
      counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), wanted));
    __m128i sums = _mm_sad_epu8(counts, zero);
    n += (gsize)_mm_extract_epi16(sums, 0) + (gsize)_mm_extract_epi16(sums, 4);
  }
#endif
  for (; p < end; p++)
    n += *p == terminator;
  return n;
}

/* Behind the `most`-th line end of the range; `end` when there are not so many. */
static gsize bound_lines(const Layout *layout, const guint8 *text, gsize offset, gsize end, guint most) {
  const guint8 *p = text + offset;
  if (end - offset <= most || count_terminators(layout->terminator, p, text + end) <= most)
    return end;
  for (guint lines = 0; lines < most; lines++) {
    p = find_terminator(layout, p, text + end);
    if (!p)
      return end;
    p++;
  }
  return (gsize)(p - text);
}

static gsize next_plain(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  gsize end = length;
  if (wanted < length - offset) {
    const guint8 *terminator = find_terminator(layout, text + offset + wanted - 1, text + length);
    end = terminator ? (gsize)(terminator + 1 - text) : length;
  }
  return bound_lines(layout, text, offset, end, LAYOUT_CHUNK_LINES);
}

/* Records must be followed from the start, since a line end may be part of a value; lines without a quote are passed
 * over by their line ends alone. */
static gsize next_quoted(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  const guint8 *at = text + offset, *end = text + length;
  const guint8 *target = wanted < length - offset ? at + wanted : end;
  const guint8 *quote = NULL, *searched = at; /* the next quote, none before `searched` when NULL */
  for (guint lines = 0; at < target && lines < LAYOUT_CHUNK_LINES;) {
    const guint8 *terminator = find_terminator(layout, at, end), *stop = terminator ? terminator : end;
    if (layout->passes_over && passed_over(layout, at, (gsize)(stop - at), stop == end)) {
      at = terminator ? terminator + 1 : end;
      lines++;
      continue;
    }
    if (stop > searched || (quote && quote < at)) {
      searched = MAX(stop, target);
      quote = memchr(at, '"', (gsize)(searched - at));
    }
    if (!quote || quote >= stop) {
      at = terminator ? terminator + 1 : end;
      lines++;
      continue;
    }
    QuotedExtent extent;
    lines_quoted_extent(layout, at, end, &extent);
    at = extent.next;
    lines += extent.lines;
  }
  return (gsize)(at - text);
}

/* Without line ends, records are counted off from the file's beginning. */
static gsize next_stream(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  gsize start = offset == 0 ? lines_mark(layout, text, length) : offset;
  gsize records = CLAMP((wanted + layout->stride - 1) / layout->stride, 1, LAYOUT_CHUNK_LINES);
  return records * layout->stride < length - start ? start + records * layout->stride : length;
}

/* An empty last line belongs to the chunk before it: whichever line is the last but that one may be the trailer. */
static gsize with_empty_last_line(const Layout *layout, const guint8 *text, gsize length, gsize end) {
  return end < length && line_end_at(layout, text + end, text + length) == length - end ? length : end;
}

/* Lines that are passed over belong to the chunk before them, the first ones to the first chunk: so whichever other
 * line is the first or last may be header or trailer. They take no memory. */
static gsize begin_chunk(const Layout *layout, const guint8 *text, gsize length, gsize offset) {
  if (!layout->passes_over || offset > 0)
    return offset;
  const guint8 *at = passed_over_skip(layout, text + lines_mark(layout, text, length), text + length);
  return at == text + lines_mark(layout, text, length) ? offset : (gsize)(at - text);
}

/* Behind the line at `at`, when it is an addendum; else `at`. */
static const guint8 *skip_addendum(const Layout *layout, const guint8 *at, const guint8 *end) {
  const guint8 *stop = layout->is_stream ? at + MIN(layout->stride, (gsize)(end - at))
                                         : find_terminator(layout, at, end);
  const guint8 *next = layout->is_stream ? stop : stop ? stop + 1 : end;
  gboolean is_addendum = FALSE;
  for (guint i = 0; i < layout->n_addenda; i++)
    is_addendum = is_addendum ||
                  lines_begin_like(layout, &layout->shapes[layout->first_outer + i], at, stop ? stop : end);
  if (!is_addendum || !layout->is_quoted || !memchr(at, '"', (gsize)((stop ? stop : end) - at)))
    return is_addendum ? next : at;
  QuotedExtent extent;
  lines_quoted_extent(layout, at, end, &extent);
  return extent.next;
}

/* A record and its addenda, and lines that are passed over among them, stand in one chunk: so its columns can be
 * filled, and it can be refused for them. There is a limit to both their number and what the parser takes. */
static const guint8 *skip_outer(const Layout *layout, const guint8 *at, const guint8 *end) {
  guint addenda = 0;
  for (const guint8 *begun = NULL; begun != at && at < end;) {
    begun = at;
    if (layout->passes_over)
      at = passed_over_skip(layout, at, end);
    if (layout->n_addenda > 0 && at < end && addenda++ < LAYOUT_MOST_ADDENDA)
      at = skip_addendum(layout, at, end);
  }
  return at;
}

gsize layout_next_chunk(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  offset = begin_chunk(layout, text, length, offset);
  if (offset >= length)
    return length;
  wanted = CLAMP(wanted, 1, LARGEST_CHUNK);
  gsize end = layout->is_stream   ? next_stream(layout, text, length, offset, wanted)
              : layout->is_quoted ? next_quoted(layout, text, length, offset, wanted)
                                  : next_plain(layout, text, length, offset, wanted);
  if (layout->passes_over || layout->n_addenda > 0)
    end = (gsize)(skip_outer(layout, text + end, text + length) - text);
  return layout->is_stream ? end : with_empty_last_line(layout, text, length, end);
}
