/* A query of somebody else's database (store/outside.h), read in pieces: each goes on behind the last key of the one
 * before, also after a crash, on another day, or from another process. Whoever has to bring rows in from a database
 * uses this; the lane's `query` sections make files of them (gateway/query/), and a feed takes those like any other.
 *
 *   OutsidePiece piece = {.query = {.engine = OUTSIDE_POSTGRESQL, .database = "…", .query = "SELECT …"},
 *                         .cursor = columns, .rows = 5000, .after = position_of_the_last_time};
 *   g_autoptr(OutsidePieces) reading = outside_pieces_open(&piece, &error);
 *   while (outside_pieces_fill(reading, block, &error) && block->count > 0) { … ; record_block_clear(block); }
 *   make what was read durable, and outside_pieces_position(reading) with it, in one transaction
 *
 * The query is any SELECT, without order or limit: it is put into another one, which has the condition, the order and
 * the limit of the piece. So the cursor's columns are columns of its result. Together they must tell rows apart, rise
 * for whatever is added or changed, and never be null. Two rows with one key are an error at once (CONFIGURATION), also
 * when the piece ends between them; so is a null key among the rows that come, and a key that does not come back as it
 * was given (a driver that rounds time stamps). Rows that a null hides are found by outside_pieces_nulls only.
 *
 * Each piece is one connection and one read-only transaction: a consistent state of the data, and nothing is held open
 * between pieces. What is committed late with a key below the last one is not seen any more: `until` keeps off from
 * keys that are so young that this may still happen (outside_pieces_newest). */
#pragma once
#include "store/outside.h"

typedef struct {
  OutsideQuery query;  /* its period, values and `most` are not looked at */
  char *const *cursor; /* columns, at most 8, ends with NULL. NULL: the result as a whole is the only piece */
  guint rows;          /* the most of one piece; 0: all */
  const char *after;   /* a position; NULL: from the first key on */
  const char *until;   /* a position: keys up to it; NULL: all */
} OutsidePiece;

typedef struct OutsidePieces OutsidePieces;
/* CONFIGURATION: also a column of the cursor that the query does not give, and a position that is none of it. */
OutsidePieces *outside_pieces_open(const OutsidePiece *piece, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void outside_pieces_close(OutsidePieces *pieces);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OutsidePieces, outside_pieces_close)
const StagingColumn *outside_pieces_columns(const OutsidePieces *pieces, guint *n);
/* Appends rows while the block has room; none: the end of the piece. */
gboolean outside_pieces_fill(OutsidePieces *pieces, RecordBlock *block, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Behind the last row that was filled in: text, of at most some KiB, for `after`. NULL without a cursor or a row.
 * Borrowed until the next fill. */
const char *outside_pieces_position(const OutsidePieces *pieces);
gboolean outside_pieces_has_more(const OutsidePieces *pieces); /* at its end: another piece stood behind it */

/* The highest key that is there now, as a position; NULL: no row. The caller frees. */
gboolean outside_pieces_newest(const OutsidePiece *piece, char **position, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether there are rows whose key has a null. Looks through all rows, where there is no index for it. */
gboolean outside_pieces_nulls(const OutsidePiece *piece, gboolean *has, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the database would sort all rows for each piece, which an index on the cursor's columns spares it. What an
 * engine does not tell is no. */
gboolean outside_pieces_sorts(const OutsidePiece *piece, gboolean *sorts, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A position for people: its values with commas between. The caller frees. NULL for NULL. */
char *outside_position_show(const char *position);
