/* One row more than a piece holds is asked for: it tells whether there is another piece, and whether the key at the
 * border is a row's own. Nothing else of it is used. */
#include "store/outside/outside_private.h"
#include "store/outside/pieces_private.h"
#include <string.h>

struct OutsidePieces {
  Outside *outside;
  guint key_columns[OUTSIDE_KEY_COLUMNS]; /* where the cursor's columns are among those of the query */
  char **cursor;
  guint n, rows;
  guint64 given;
  OutsideKey last; /* of the row before; at the beginning, what was begun behind */
  char *position;
  RecordBlock *border; /* for the row behind the piece */
  gboolean has_more, is_end;
};

static gboolean refuse_key(const OutsidePieces *pieces, const char *what, GError **error) {
  g_autofree char *columns = g_strjoinv(", ", pieces->cursor);
  g_autofree char *position = pieces->last.n ? outside_key_position(&pieces->last) : NULL;
  g_autofree char *shown = outside_position_show(position);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cursor %s: %s%s%s", columns, what,
                             shown ? ": behind " : "", shown ? shown : "");
}

static char *decimal_text(gint64 value, guint scale) {
  if (scale == 0)
    return g_strdup_printf("%" G_GINT64_FORMAT, value);
  g_autofree char *digits = g_strdup_printf("%0*" G_GUINT64_FORMAT, (int)scale + 1,
                                            value < 0 ? 0 - (guint64)value : (guint64)value);
  gsize whole = strlen(digits) - scale;
  return g_strdup_printf("%s%.*s.%s", value < 0 ? "-" : "", (int)whole, digits, digits + whole);
}

/* FALSE with an error: a null. */
static gboolean key_of(const OutsidePieces *pieces, const RecordBlock *block, guint record, OutsideKey *key,
                       GError **error) {
  *key = (OutsideKey){0};
  for (guint i = 0; i < pieces->n; i++) {
    guint column = pieces->key_columns[i];
    const StagingColumn *of = &pieces->outside->columns[column];
    if (record_block_is_null(block, column, record)) {
      outside_key_clear(key);
      return refuse_key(pieces, "a row has a null there, and would never be read: leave such rows out (WHERE … IS NOT "
                        "NULL), or give them a value", error);
    }
    key->is_integer[i] = of->type == BLOCK_INTEGER && of->scale == 0;
    if (of->type == BLOCK_INTEGER) {
      key->texts[i] = decimal_text(record_block_integer(block, column, record), of->scale);
    } else {
      gsize length;
      const char *text = record_block_text(block, column, record, &length);
      key->texts[i] = g_strndup(text, length);
    }
    key->n = i + 1;
  }
  return TRUE;
}

/* Each key is another one than that of the row before; the database has put them in order. */
static gboolean take_key(OutsidePieces *pieces, const RecordBlock *block, guint record, GError **error) {
  OutsideKey key;
  if (!key_of(pieces, block, record, &key, error))
    return FALSE;
  if (outside_key_equal(&key, &pieces->last)) {
    outside_key_clear(&key);
    return pieces->given == 0
               ? refuse_key(pieces, "the last key comes again, as it is sent in another form than it is kept in: CAST "
                            "it to one that is exact", error)
               : refuse_key(pieces, "two rows have the same key, one of which could be lost between two pieces: add a "
                            "column that tells them apart, as the primary key", error);
  }
  outside_key_clear(&pieces->last);
  pieces->last = key;
  pieces->given++;
  return TRUE;
}

/* --- Opening. */

/* A name is found whatever its case, as the database finds it: Oracle tells them in capitals. */
static gboolean find_columns(OutsidePieces *pieces, const OutsidePiece *piece, GError **error) {
  for (guint i = 0; i < pieces->n; i++) {
    guint found = G_MAXUINT;
    for (guint j = 0; j < pieces->outside->n; j++)
      if (g_ascii_strcasecmp(pieces->outside->columns[j].name, piece->cursor[i]) == 0)
        found = j;
    if (found == G_MAXUINT)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cursor: the query gives no column %s",
                                 piece->cursor[i]);
    pieces->key_columns[i] = found;
  }
  return TRUE;
}

static gboolean read_position(const OutsidePiece *piece, const char *position, OutsideKey *key, GError **error) {
  guint n = piece->cursor ? g_strv_length((char **)piece->cursor) : 0;
  if (n > OUTSIDE_KEY_COLUMNS)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "cursor: more than %d columns",
                               OUTSIDE_KEY_COLUMNS);
  return !position || outside_key_read(position, n, key) ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "cursor: what was read up to is no key of these columns: %s", position);
}

static Outside *open_text(const OutsidePiece *piece, OutsideTextKind kind, guint most, GError **error) {
  OutsideKey after = {0}, until = {0};
  OutsideText text = outside_text_new();
  Outside *outside = NULL;
  if (read_position(piece, piece->after, &after, error) && read_position(piece, piece->until, &until, error)) {
    outside_text_make(&text, kind, piece, after.n ? &after : NULL, until.n ? &until : NULL);
    OutsideQuery query = piece->query;
    query.query = text.sql->str;
    query.values = (const OutsideValue *)(const void *)text.values->data;
    query.n_values = text.values->len;
    query.most = most;
    outside = outside_open(&query, error);
  }
  outside_text_clear(&text);
  outside_key_clear(&after);
  outside_key_clear(&until);
  return outside;
}

/* A block of one row with the columns of the query. */
static RecordBlock *one_row(const Outside *outside) {
  g_autofree BlockType *types = g_new0(BlockType, outside->n);
  for (guint i = 0; i < outside->n; i++)
    types[i] = outside->columns[i].type;
  return record_block_new(1, types, outside->n);
}

static OutsidePieces *pieces_of(Outside *outside, const OutsidePiece *piece, GError **error) {
  g_autoptr(OutsidePieces) pieces = g_new0(OutsidePieces, 1);
  pieces->outside = outside;
  pieces->cursor = g_strdupv((char **)piece->cursor);
  pieces->n = piece->cursor ? g_strv_length(pieces->cursor) : 0;
  pieces->rows = piece->rows;
  pieces->border = one_row(outside);
  if (!find_columns(pieces, piece, error) || !read_position(piece, piece->after, &pieces->last, error))
    return NULL;
  return g_steal_pointer(&pieces);
}

OutsidePieces *outside_pieces_open(const OutsidePiece *piece, GError **error) {
  Outside *outside = open_text(piece, OUTSIDE_TEXT_PIECE, piece->rows ? piece->rows + 1 : 0, error);
  return outside ? pieces_of(outside, piece, error) : NULL;
}

void outside_pieces_close(OutsidePieces *pieces) {
  if (!pieces)
    return;
  outside_close(pieces->outside);
  outside_key_clear(&pieces->last);
  record_block_free(pieces->border);
  g_strfreev(pieces->cursor);
  g_free(pieces->position);
  g_free(pieces);
}

const StagingColumn *outside_pieces_columns(const OutsidePieces *pieces, guint *n) {
  return outside_columns(pieces->outside, n);
}

/* --- Reading. */

static gboolean look_behind(OutsidePieces *pieces, GError **error) {
  pieces->is_end = TRUE;
  record_block_clear(pieces->border);
  if (!outside_fill(pieces->outside, pieces->border, error))
    return FALSE;
  pieces->has_more = pieces->border->count > 0;
  if (!pieces->has_more || pieces->n == 0)
    return TRUE;
  g_autofree char *position = g_steal_pointer(&pieces->position);
  if (!take_key(pieces, pieces->border, 0, error)) /* the position stays that of the piece's last row */
    return FALSE;
  pieces->position = g_steal_pointer(&position);
  return TRUE;
}

gboolean outside_pieces_fill(OutsidePieces *pieces, RecordBlock *block, GError **error) {
  guint capacity = block->capacity, before = block->count;
  guint64 left = pieces->rows ? pieces->rows - pieces->outside->rows : G_MAXUINT;
  if (pieces->is_end)
    return TRUE;
  if (left == 0)
    return look_behind(pieces, error);
  block->capacity = (guint)MIN((guint64)capacity, before + left);
  gboolean ok = outside_fill(pieces->outside, block, error);
  block->capacity = capacity;
  for (guint i = before; ok && pieces->n > 0 && i < block->count; i++)
    ok = take_key(pieces, block, i, error);
  if (!ok)
    return FALSE;
  pieces->is_end = block->count == before;
  if (pieces->n > 0 && block->count > before) {
    g_free(pieces->position);
    pieces->position = outside_key_position(&pieces->last);
  }
  return TRUE;
}

const char *outside_pieces_position(const OutsidePieces *pieces) {
  return pieces->position;
}

gboolean outside_pieces_has_more(const OutsidePieces *pieces) {
  return pieces->has_more;
}

/* --- What is asked beside. */

gboolean outside_pieces_newest(const OutsidePiece *piece, char **position, GError **error) {
  *position = NULL;
  Outside *outside = open_text(piece, OUTSIDE_TEXT_NEWEST, 1, error);
  g_autoptr(OutsidePieces) pieces = outside ? pieces_of(outside, piece, error) : NULL;
  if (!pieces || !outside_fill(outside, pieces->border, error))
    return FALSE;
  if (pieces->border->count == 0)
    return TRUE;
  OutsideKey key;
  if (!key_of(pieces, pieces->border, 0, &key, error))
    return FALSE;
  *position = outside_key_position(&key);
  outside_key_clear(&key);
  return TRUE;
}

gboolean outside_pieces_nulls(const OutsidePiece *piece, gboolean *has, GError **error) {
  *has = FALSE;
  if (!piece->cursor)
    return TRUE;
  OutsidePiece whole = *piece;
  whole.after = whole.until = NULL;
  g_autoptr(Outside) outside = open_text(&whole, OUTSIDE_TEXT_NULLS, 1, error);
  g_autoptr(RecordBlock) found = outside ? one_row(outside) : NULL;
  if (!found || !outside_fill(outside, found, error))
    return FALSE;
  *has = found->count > 0;
  return TRUE;
}
