/* What a chunk keeps beside its public part: the parser's own buffers, and what the control totals need to know. */
#pragma once
#include "gateway/records/cells_private.h"

typedef struct {
  LayoutChunk chunk; /* first: the public pointer is this one's */
  const Layout *layout;
  CharsetConverter *decoder;
  GByteArray *converted, *scratch;
  guint32 *positions; /* of delimiters: most_cells + 1 */
  Cell *cells;        /* most_cells */
  Value value;
  guint64 header_line, trailer_line; /* where they stood, also when they are faulty; 0: not in this chunk */
  gboolean header_is_first;          /* of the file's lines that are not passed over */
  guint8 *types;                     /* each record's type, or LAYOUT_NO_TYPE; NULL: there is one type only */
  guint64 *unreadable;               /* n_sums: the first line whose amount could not; 0: none */
} ChunkState;

struct LayoutFacts {
  KnownDays days;
};

static inline ChunkState *layout_chunk_state(LayoutChunk *chunk) {
  return (ChunkState *)chunk;
}
void layout_chunk_clear(ChunkState *state);
void layout_chunk_enlarge(ChunkState *state); /* an empty block of twice the capacity */
