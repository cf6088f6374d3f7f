/* What is counted and summed of a file, or of one group of it, and held against what its header and trailer declare.
 * Sums are of 128 bits while they grow, so that nothing wraps; they are held to 64 bits at the end. */
#pragma once
#include "gateway/records/layout_chunk.h"

typedef struct {
  guint64 records;
  guint64 *counted;    /* by shape: lines of each kind, but the file's own header and trailer */
  guint64 own_lines;   /* of these: how many there are */
  guint64 passed_over; /* lines */
  LayoutSum *sums;
  guint64 *unreadable; /* by sum: the first line whose amount could not be read; 0: none */
  gint64 *declared, *opening; /* by control */
  gboolean *is_declared;
} Tally;
Tally tally_new(const Layout *layout);
void tally_clear(Tally *tally); /* frees */
void tally_begin(const Layout *layout, Tally *tally); /* all zeros again */

/* The chunk's records from `from` to before `to`. Not whose amounts could not be read. */
void tally_add_records(const Layout *layout, Tally *tally, const ChunkState *state, guint from, guint to);
/* A line of a group: its numbers, which may be summed, or declare totals of the group that it is of. */
void tally_add_line(const Layout *layout, Tally *tally, guint kind, const GroupNumber *numbers);
void tally_declare(const Layout *layout, Tally *tally, guint group, guint kind, const GroupNumber *numbers);

/* FALSE: it differs, or cannot be told: T003 to T006. The caller frees the reason. `line` is that of the control. */
gboolean tally_holds(const Layout *layout, const Tally *tally, guint control, guint64 line, LayoutProblem *problem);

/* group_totals.c: the groups that are open, from chunk to chunk in the file's order. */
typedef struct {
  gboolean is_open; /* so are those around it */
  Tally tally;
  GroupNow now;
} OpenGroup;
typedef void (*TellProblem)(gpointer totals, const LayoutProblem *problem);
/* Also puts what the chunk's first records have from groups that earlier chunks opened. */
void groups_add(const Layout *layout, OpenGroup *groups, Tally *file, LayoutChunk *chunk, TellProblem tell,
                gpointer totals);
/* Of those that the file's end leaves open: with a trailer, none may be. */
void groups_end(const Layout *layout, const OpenGroup *groups, TellProblem tell, gpointer totals);
