/* What a chunk keeps beside its public part: the parser's own buffers, and what the control totals need to know. */
#pragma once
#include "gateway/records/cells_private.h"

/* A group's header or trailer, as it stood in the chunk. */
typedef struct {
  guint kind;
  guint record; /* how many of the chunk's records stand before it */
  guint64 line;
  guint64 passed_over; /* lines of the chunk before it */
  guint numbers;       /* its fields', in state->numbers; of a line that could not be read, all unknown */
  guint beside;        /* what stood before it in the chunk, in state->counts */
} GroupLine;
typedef struct {
  gint64 integer;
  gboolean is_known;
} GroupNumber;

/* What records have from their group: of a chunk, once one of its lines has told. */
typedef struct {
  gboolean is_null;
  gint64 integer;
  GByteArray *text;
} GroupValue;
typedef struct {
  gboolean is_told; /* before, the group is the one that the chunk began in */
  guint as_before;  /* so many records */
  gboolean is_open;
  guint64 line;       /* of its header */
  GroupValue *values; /* of its fields */
} GroupNow;
GroupNow *groups_now_new(const Layout *layout); /* one for each group */
void groups_now_free(const Layout *layout, GroupNow *now);
void outer_fill(LayoutChunk *chunk, guint group, const GroupNow *before); /* carried.c */
void group_now_copy(const Layout *layout, guint group, GroupNow *into, const GroupNow *from);

/* A record's fault that stands in a line of its own; layout_chunk_rebase puts that line before the reason. */
typedef struct {
  guint fault; /* of the block's */
  guint64 line;
} AddendumFault;

typedef struct {
  LayoutChunk chunk; /* first: the public pointer is this one's */
  const Layout *layout;
  CharsetConverter *decoder;
  GByteArray *converted, *scratch;
  guint32 *positions; /* of delimiters: most_cells + 1 */
  Cell *cells;        /* most_cells */
  Cell *ordered;      /* room for as many */
  const guint *columns; /* of the facts, while a chunk is parsed */
  Value value;
  guint64 header_line, trailer_line; /* where they stood, also when they are faulty; 0: not in this chunk */
  gboolean header_is_first;          /* of the file's lines that are not passed over */
  guint8 *types;                     /* each record's type, or LAYOUT_NO_TYPE; NULL: there is one type only */
  guint64 *unreadable;               /* n_sums: the first line whose amount could not; 0: none */
  gboolean may_have_addenda;         /* the line before is a record or an addendum of it */
  guint n_addenda;                   /* of that record */
  guint64 first_outer, last_outer;   /* of the outer lines; 0: none */
  guint64 outer_behind;              /* the first that stands behind the chunk's trailer; 0: none */
  GArray *group_lines, *numbers;     /* GroupLine, GroupNumber */
  GArray *counts;                    /* guint64, n_addenda + n_remarks for each group line */
  guint64 *beside;                   /* addenda and remarks in the chunk, by kind */
  GroupNow *now;                     /* by group */
  GArray *addendum_faults;           /* AddendumFault */
} ChunkState;

struct LayoutFacts {
  KnownDays days;
  guint *columns; /* columns-by = name: of each field of the record, which of the file's it is; NULL: as declared */
};

static inline ChunkState *layout_chunk_state(LayoutChunk *chunk) {
  return (ChunkState *)chunk;
}
void layout_chunk_clear(ChunkState *state);
void layout_chunk_enlarge(ChunkState *state); /* an empty block of twice the capacity */
