/* Where the fields of a fixed line begin: behind columns of blanks, where digits begin or end, where zeros fill a
 * number up. None of this is proof, and it is said so. */
#include "gateway/guess/guess_private.h"
#include <string.h>

enum { HAS_BLANK = 1, HAS_DIGIT = 2, HAS_LETTER = 4, HAS_OTHER = 8, HAS_HIGH = 16, FROM_ROWS = 3 };

typedef struct {
  guint8 classes; /* of all lines */
  gboolean is_zero;  /* in every line */
  guint64 rows;
} EdgeColumn;

static guint8 class_of(const Guess *guess, guint8 byte) {
  guint8 plain = guess->plain[byte];
  return plain == ' '                     ? HAS_BLANK
         : plain >= 0x80                  ? HAS_HIGH
         : g_ascii_isdigit((char)plain) ? HAS_DIGIT
         : g_ascii_isalpha((char)plain) ? HAS_LETTER
                                          : HAS_OTHER;
}

GuessColumn *guess_column_new(guint offset, guint bytes) {
  GuessColumn *column = g_new0(GuessColumn, 1);
  column->offset = offset;
  column->bytes = bytes;
  column->shortest = G_MAXUINT;
  column->is_digits = column->is_number = TRUE;
  column->dates = G_MAXUINT32;
  column->total_of = -1;
  column->least_scale = G_MAXUINT;
  column->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return column;
}

static void look_at_lines(const Guess *guess, guint k, EdgeColumn *columns, guint bytes) {
  for (guint c = 0; c < bytes; c++)
    columns[c].is_zero = TRUE;
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    for (guint c = 0; line->kind == k && c < MIN(line->length, bytes); c++) {
      columns[c].classes |= class_of(guess, line->at[c]);
      columns[c].is_zero = columns[c].is_zero && guess->plain[line->at[c]] == '0';
      columns[c].rows++;
    }
  }
}

static gboolean is_only(const EdgeColumn *column, guint8 classes) {
  return column->classes != 0 && (column->classes & ~classes) == 0;
}

static gboolean begins_field(const EdgeColumn *before, const EdgeColumn *here, gboolean was_text_padded) {
  if (before->classes & here->classes & HAS_HIGH) /* it may be one character */
    return FALSE;
  if (is_only(before, HAS_BLANK) && !is_only(here, HAS_BLANK))
    return TRUE;
  if (is_only(here, HAS_BLANK)) /* blanks behind a text are its padding; a number has none there */
    return is_only(before, HAS_DIGIT);
  gboolean was_number = is_only(before, HAS_DIGIT), is_number = is_only(here, HAS_DIGIT);
  if (was_number && is_number)
    return here->rows >= FROM_ROWS && here->is_zero && !before->is_zero;
  if (was_number && here->classes & (HAS_LETTER | HAS_HIGH))
    return !(here->classes & HAS_DIGIT);
  return is_number && was_text_padded;
}

/* A day of this century, in every line. */
static gboolean is_day(const Guess *guess, guint k, guint from) {
  guint rows = 0;
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    char text[8];
    if (line->kind != k)
      continue;
    if (from + sizeof text > line->length)
      return FALSE;
    for (guint c = 0; c < sizeof text; c++)
      text[c] = (char)guess->plain[line->at[from + c]];
    guint32 year_first = guess_date_forms(guess, "20261231", 8);
    if (memcmp(text, "20", 2) != 0 || !(guess_date_forms(guess, text, sizeof text) & year_first))
      return FALSE;
    rows++;
  }
  return rows > 0;
}

static void add_column(GuessKind *kind, guint from, guint to) {
  if (to > from && kind->columns->len < GUESS_CELLS)
    g_ptr_array_add(kind->columns, guess_column_new(from, to - from));
}

static void find_edges(Guess *guess, guint k) {
  GuessKind *kind = guess->kinds->pdata[k];
  g_autofree EdgeColumn *columns = g_new0(EdgeColumn, kind->bytes + 1);
  guint begun = guess->by_tag ? MIN(guess->tag_bytes, kind->bytes) : 0, day_until = 0;
  gboolean is_padded = FALSE;
  look_at_lines(guess, k, columns, kind->bytes);
  for (guint c = begun; c < kind->bytes; c++) {
    gboolean is_day_here = c >= day_until && is_only(&columns[c], HAS_DIGIT) && is_day(guess, k, c);
    gboolean begins = c > begun && c >= day_until && begins_field(&columns[c - 1], &columns[c], is_padded);
    if (c > begun && (begins || is_day_here || c == day_until)) {
      add_column(kind, begun, c);
      begun = c;
      is_padded = FALSE;
    }
    day_until = is_day_here ? c + 8 : day_until;
    is_padded = is_padded || columns[c].classes & HAS_BLANK;
  }
  add_column(kind, begun, kind->bytes);
}

guint guess_cut_column(GuessKind *kind, guint from, guint to) {
  guint found = 0;
  for (guint c = 0; c < kind->columns->len; c++) {
    GuessColumn *column = kind->columns->pdata[c];
    guint end = column->offset + column->bytes;
    if (end <= from || column->offset >= to)
      continue;
    if (column->offset < from) { /* what is before it stays a column */
      column->bytes = from - column->offset;
      g_ptr_array_insert(kind->columns, (gint)c + 1, guess_column_new(from, end - from));
      continue;
    }
    if (end > to) {
      column->bytes = to - column->offset;
      g_ptr_array_insert(kind->columns, (gint)c + 1, guess_column_new(to, end - to));
    }
    if (column->offset == from) {
      found = c;
      continue;
    }
    ((GuessColumn *)kind->columns->pdata[found])->bytes = column->offset + column->bytes - from;
    g_ptr_array_remove_index(kind->columns, c--);
  }
  return found;
}

void guess_edges(Guess *guess) {
  for (guint k = 0; k < guess->kinds->len; k++) {
    GuessKind *kind = guess->kinds->pdata[k];
    if (guess->is_fixed)
      find_edges(guess, k);
    for (guint c = guess->by_tag ? 1 : 0; !guess->is_fixed && c < kind->n_cells && c < GUESS_CELLS; c++)
      g_ptr_array_add(kind->columns, guess_column_new(0, 0));
  }
  if (guess->is_fixed)
    guess_unsure(guess, "where fields begin and end: blanks, digits and zeros say it, and two numbers side by side do "
                        "not");
}
