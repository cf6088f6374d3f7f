/* A layout: how a partner writes records as lines, compiled from configuration, and the parser of a verified plaintext.
 *
 * The plaintext is cut into chunks at line boundaries (layout_next_chunk), so that several threads parse one file; a
 * chunk is parsed into blocks. Every line becomes a record, a header, a trailer, or a fault with line and field;
 * nothing is changed silently, skipped or trimmed. Sources: RFC 4180 for quoting; Unicode 15 D92 for UTF-8; values.c
 * for signed digits. Fixed lines: fields have their bytes in the file's own character set and lose the padding that is
 * declared; a field of blanks alone is absent. Without line ends, records are counted off, and line numbers are theirs.
 * Groups and addenda: what a group's header and a record's addenda say are columns of the record, as are the line in
 * which each group begins and the one in which the record ends; they are never records of their own.
 * Several types of records: their columns are all their fields by name, those that a type does not have are null, and
 * the last column is `record_type`, the tag; of a faulty record it, and what its groups say, is all that is known. The
 * first fault of a line is told; its codes, L001 and on, stand in packaging/doc/CODES.md. */
#pragma once
#include "conf/conf.h"
#include "gateway/time/calendar.h"
#include "store/block.h"
#include "store/staging.h"

typedef struct Layout Layout;
/* CONFIGURATION for what conf/ cannot know: a character set that iconv does not have, a date format (records/charset.h,
 * dates.h say which). Borrows `conf`. Read-only afterwards: any number of threads. By position, tags are not looked at.
 */
Layout *layout_new(const ConfLayout *conf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void layout_free(Layout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layout, layout_free)
const ConfLayout *layout_conf(const Layout *layout);
/* This column of whole numbers is kept of a faulty record as well, where it can be read: its amounts belong to the
 * file's sums. Before the first chunk. */
void layout_keep_amount(Layout *layout, guint column);
/* This field of the header or record is the business date, which is at most so many days before or behind the day of
 * arrival (L018). Before the first chunk. */
void layout_judge_date(Layout *layout, const char *field, guint days_back, guint days_ahead);
/* Also numbers with a plus, a signed zero, or more zeros behind the point than agreed, for what is only compared: a
 * file that is posted or passed on would say something else then. Before the first chunk. */
void layout_read_loosely(Layout *layout);
/* The column of a feed's key that is composed: of several fields, or bounded by the file or the day. Nothing, where the
 * key is a field. CONFIGURATION for a field that records do not have. Before layout_keep_spelling. */
gboolean layout_set_key(Layout *layout, const ConfFeed *feed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Values of this field are staged as they came, too, where they came in another spelling than the one that is printed
 * (000123, 1.5 at scale 2, a key before its normal form): for answers. Unknown fields are passed over. Before the first
 * chunk. */
void layout_keep_spelling(Layout *layout, const char *field);
const StagingColumn *layout_columns(const Layout *layout, guint *n_columns); /* of the records; borrowed */
/* With the columns of spellings behind them. */
const StagingColumn *layout_staged_columns(const Layout *layout, guint *n_columns);
int layout_column(const Layout *layout, const char *field);                  /* -1: none */
/* The header, told by its place, can be a record as well: they are alike in length, and no title or type tells them
 * apart. */
gboolean layout_header_is_any_line(const Layout *layout);

/* One value of the header or trailer line: the same typing as records. */
typedef struct {
  const ConfField *field;
  char *text; /* UTF-8; numbers as written, dates normalised; NULL: absent */
  char *spelling; /* of a date, as it came; NULL: as it is printed */
  gint64 integer;
} LayoutValue; /* a faulty one is absent, and a problem */
typedef struct {
  guint64 line;
  GPtrArray *values; /* LayoutValue*; none when the number of fields is wrong */
} LayoutLine;
void layout_line_free(LayoutLine *line);

/* What one chunk held. */
typedef struct {
  /* its records, in order; block->lines are relative to the chunk (from 1) until layout_chunk_rebase */
  RecordBlock *block;
  LayoutLine *header, *trailer; /* when they stood in this chunk */
  guint64 lines;                /* physical lines of the chunk */
  guint64 passed_over;          /* of these, those that the layout says to pass over */
  /* LayoutProblem*: faults of the file, not of a record: a second header, a record after the trailer, a bad header
   * field … */
  GPtrArray *problems;
} LayoutChunk;
typedef struct {
  guint64 line;
  char code[8];
  char *reason;
} LayoutProblem;
LayoutChunk *layout_chunk_new(const Layout *layout);
void layout_chunk_free(LayoutChunk *chunk);
/* Adds `lines_before` to every line number of the chunk. */
void layout_chunk_rebase(LayoutChunk *chunk, guint64 lines_before);

/* Where the chunk that begins at `offset` ends: behind a line end, at least `wanted` bytes later where the file has
 * them, but after 16,384 lines at the latest, so that a chunk's memory is bounded however short its lines are. Never
 * within a quoted value: a quote that is not closed within the line limit opens nothing, its line is a fault (L006) and
 * the next line begins anew. A line over the limit is a fault (L003) and its bytes are passed over. An empty last line
 * stays with the line before it. `text` is the whole mapped file. */
gsize layout_next_chunk(const Layout *layout, const guint8 *text, gsize length, gsize offset, gsize wanted);
/* What is known of a file before its chunks are parsed in any order: the day it came, and what other lines need of its
 * header, which is looked at where the layout says so. */
typedef struct LayoutFacts LayoutFacts;
LayoutFacts *layout_facts_new(const Layout *layout, const guint8 *text, gsize length, Day arrival);
void layout_facts_free(LayoutFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LayoutFacts, layout_facts_free)
/* Parses text[offset, end). is_first / is_last say whether the chunk begins or ends the file (BOM, header and trailer
 * by position). Reuses *chunk. Any thread, each with its own chunk. Cannot fail: what is wrong becomes faults. */
typedef struct {
  const guint8 *text;
  gsize offset, end;
  gboolean is_first, is_last;
  gboolean is_proven_whole; /* by what stands beside the file: its last line needs no line end */
  const LayoutFacts *facts; /* NULL: none, as of layouts without dates that have another's year */
} LayoutSpan;
void layout_parse(const Layout *layout, const LayoutSpan *span, LayoutChunk *chunk);

/* Control totals: what the trailer (or header) declares against what was counted, of all records or of one type's. A
 * line that cannot be told to be of another type makes a type's sum unconfirmed. */
typedef struct LayoutTotals LayoutTotals;
LayoutTotals *layout_totals_new(const Layout *layout);
void layout_totals_free(LayoutTotals *totals);
/* rebased; in any order, one thread at a time; in the file's order where records have numbers or stand in groups. Puts
 * what the chunk's first records have from a group that an earlier chunk began: before the block is used. */
void layout_totals_add(LayoutTotals *totals, LayoutChunk *chunk);
/* Behind layout_totals_add: puts composed keys, where there are such. `scope` is what bounds them; NULL: nothing. */
void layout_compose_keys(const Layout *layout, LayoutChunk *chunk, const char *scope);
/* The day that this field of the header, a date or time stamp, is, or begins with; NULL: none. The caller frees. */
char *layout_line_day(const LayoutLine *header, const char *field);
/* NULL when all hold; else what differs, for the exception file: codes T001 no header, T002 no trailer, T003 count
 * differs, T004 sum differs, T005 a sum cannot be confirmed because line N's field could not be read, T006 sum beyond
 * 64 bits, T007 a header that is not the first line or the only one, T008 a second trailer or a line behind it, T009 a
 * rest that is no whole record, without line ends, T010 a record where the header should be, T011 columns that are
 * others than the layout's or in another order, T012 a last line without its end, T013 a record's number that is
 * another's, T014 a line outside of the group or record that it must stand in, T015 a group that is not ended, T016
 * a file of something else, T017 a descriptor word that is none; or a header's or trailer's own fault (L004, L010 …).
 * What comes first in the file is told first, totals last. Owned by `totals`, until the next check. */
const LayoutProblem *layout_totals_check(const LayoutTotals *totals);
/* What a value of this field is kept as in the ledger, from how a person or a partner may spell it: whole numbers
 * without zeros in front, decimals in their smallest parts, texts in their normal form. NULL: it is no value of this
 * field. The caller frees. */
char *value_kept_as(const ConfField *field, const char *text);
