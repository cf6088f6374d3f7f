/* Where a file is cut into chunks: behind the end of a line, and where nothing that belongs together is parted. */
#include "gateway/records/cells_private.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LARGEST_CHUNK = 64 << 20 }; /* texts of a chunk are far below a block's 4 GiB, whatever a caller wants */

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
    p = lines_find_terminator(layout, p, text + end);
    if (!p)
      return end;
    p++;
  }
  return (gsize)(p - text);
}

static gsize next_plain(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted) {
  gsize end = length;
  if (wanted < length - offset) {
    const guint8 *terminator = lines_find_terminator(layout, text + offset + wanted - 1, text + length);
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
    const guint8 *terminator = lines_find_terminator(layout, at, end), *stop = terminator ? terminator : end;
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
  return layout->mark_length == 0 && end < length && lines_end_at(layout, text + end, text + length) == length - end
             ? length
             : end;
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
  const guint8 *stop, *next = lines_next(layout, at, end, &stop);
  if (layout->is_quoted && memchr(at, '"', (gsize)(stop - at))) {
    QuotedExtent extent;
    lines_quoted_extent(layout, at, end, &extent);
    stop = at + extent.length;
    next = extent.next;
  }
  return layout_is_addendum(layout, tags_kind_like(layout, at, stop)) ? next : at;
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
  if (layout->conf->descriptor != CONF_DESCRIPTOR_NONE)
    return described_next_chunk(layout, text, length, offset, wanted);
  gsize end = layout->is_stream   ? next_stream(layout, text, length, offset, wanted)
              : layout->is_quoted ? next_quoted(layout, text, length, offset, wanted)
                                  : next_plain(layout, text, length, offset, wanted);
  end = (gsize)(lines_behind_break(layout, text + end, text + length) - text);
  if (layout->passes_over || layout->n_addenda > 0)
    end = (gsize)(skip_outer(layout, text + end, text + length) - text);
  return layout->is_stream ? end : with_empty_last_line(layout, text, length, end);
}
