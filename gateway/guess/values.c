/* What all values of a column have in common. */
#include "gateway/guess/guess_private.h"
#include <string.h>

enum { SEEN_MOST = 20000, NUMBER_MOST = 40 };

/* --- Numbers */

/* The point: the last of . and , where both stand, or where not just three digits are behind the only one. */
static gint find_point(const char *text, guint length) {
  gint point = -1;
  guint commas = 0, points = 0;
  for (guint i = 0; i < length; i++) {
    if (text[i] != ',' && text[i] != '.')
      continue;
    commas += text[i] == ',';
    points += text[i] == '.';
    point = (gint)i;
  }
  if (point < 0)
    return -1;
  guint same = text[point] == ',' ? commas : points, behind = length - (guint)point - 1;
  if (same > 1)
    return -2; /* all of them stand between thousands */
  return commas > 0 && points == 0 && behind == 3 ? -2 : point;
}

/* Three digits behind each mark between thousands. */
static gboolean read_digits(const char *text, guint length, gint point, GuessNumber *number) {
  guint since = 0, digits = 0, whole = point >= 0 ? (guint)point : length;
  gint64 value = 0;
  gboolean is_marked = FALSE;
  for (guint i = 0; i < length; i++) {
    if ((gint)i == point) {
      number->is_comma = text[i] == ',';
      number->has_point = TRUE;
      continue;
    }
    if (text[i] == ',' || text[i] == '.') {
      if (i >= whole || (is_marked ? since != 3 : since == 0 || since > 3))
        return FALSE;
      is_marked = number->has_thousands = TRUE;
      number->is_comma = text[i] == '.';
      since = 0;
      continue;
    }
    if (!g_ascii_isdigit(text[i]) || digits == 18)
      return FALSE;
    value = value * 10 + (text[i] - '0');
    digits++;
    since += i < whole;
  }
  number->number = value;
  number->scale = point >= 0 ? length - (guint)point - 1 : 0;
  return digits > 0 && (!is_marked || since == 3);
}

gboolean guess_number(const Guess *guess, const guint8 *at, guint length, GuessNumber *number) {
  char text[NUMBER_MOST];
  guint n = 0, from = 0;
  *number = (GuessNumber){0};
  if (length == 0 || length > sizeof text)
    return FALSE;
  for (; n < length; n++)
    text[n] = (char)guess->plain[at[n]];
  if (*text == '-' || *text == '+') {
    number->has_minus = *text == '-';
    number->has_plus = *text == '+';
    from = 1;
  } else if (text[n - 1] == '-') {
    number->has_minus = number->has_sign_behind = TRUE;
    n--;
  }
  if (n <= from || !read_digits(text + from, n - from, find_point(text + from, n - from), number))
    return FALSE;
  number->number = number->has_minus ? -number->number : number->number;
  return TRUE;
}

gboolean guess_is_same_amount(Wide a, guint scale_a, Wide b, guint scale_b) {
  for (; scale_a < scale_b; scale_a++)
    a *= 10;
  for (; scale_b < scale_a; scale_b++)
    b *= 10;
  return a == b;
}

/* --- A column's values */

static void join_forms(GuessColumn *column, const GuessNumber *number) {
  GuessNumber *forms = &column->forms;
  gboolean is_told = number->has_point || number->has_thousands, was_told = forms->has_point || forms->has_thousands;
  if (is_told && was_told && forms->is_comma != number->is_comma)
    column->is_number = FALSE;
  forms->is_comma = is_told ? number->is_comma : forms->is_comma;
  forms->has_point |= number->has_point;
  forms->has_thousands |= number->has_thousands;
  forms->has_sign_behind |= number->has_sign_behind;
  forms->has_plus |= number->has_plus;
  forms->has_minus |= number->has_minus;
  column->most_scale = MAX(column->most_scale, number->scale);
  column->least_scale = MIN(column->least_scale, number->scale);
}

static void add_value(const Guess *guess, GuessColumn *column, const guint8 *at, guint length) {
  g_autofree char *text = g_malloc(length + 1);
  GuessNumber number;
  gboolean is_digits = TRUE;
  for (guint i = 0; i < length; i++) {
    text[i] = (char)guess->plain[at[i]];
    is_digits = is_digits && g_ascii_isdigit(text[i]);
  }
  text[length] = 0;
  column->values++;
  column->longest = MAX(column->longest, length);
  column->shortest = MIN(column->shortest, length);
  column->is_digits = column->is_digits && is_digits;
  column->dates &= column->dates ? guess_date_forms(guess, text, length) : 0;
  column->has_zero_front = column->has_zero_front || (length > 1 && *text == '0' && g_ascii_isdigit(text[1]));
  column->is_number = column->is_number && guess_number(guess, at, length, &number);
  if (column->is_number)
    join_forms(column, &number);
  if (!column->seen || length > 64)
    return;
  if (g_hash_table_size(column->seen) == SEEN_MOST)
    return;
  column->repeats = !g_hash_table_add(column->seen, g_strndup((const char *)at, length));
  if (column->repeats)
    g_clear_pointer(&column->seen, g_hash_table_unref);
}

static void add_line(Guess *guess, const GuessLine *line) {
  GuessKind *kind = guess->kinds->pdata[line->kind];
  GuessCell cells[GUESS_CELLS];
  guint n = MIN(guess_cells(guess, line, cells, GUESS_CELLS), GUESS_CELLS), first = !guess->is_fixed && guess->by_tag;
  if (!guess->is_fixed && n != kind->n_cells)
    return;
  for (guint i = first; i < n && i - first < kind->columns->len; i++) {
    GuessColumn *column = kind->columns->pdata[i - first];
    GuessCell cell = guess_trim(guess, line->at, cells[i]);
    if (cell.length == 0) {
      column->absent++;
      continue;
    }
    column->has_blank_front = column->has_blank_front || (guess->is_fixed && cell.offset > cells[i].offset);
    add_value(guess, column, line->at + cell.offset, cell.length);
  }
}

static void name_columns(const Guess *guess, guint k) {
  static const char *const roles[] = {"h", "g", "f", "a", "r", "e", "t", "n"};
  GuessKind *kind = guess->kinds->pdata[k];
  guint same = 0;
  for (guint i = 0; i < k; i++)
    same += ((GuessKind *)guess->kinds->pdata[i])->role == kind->role;
  for (guint c = 0; c < kind->columns->len; c++) {
    GuessColumn *column = kind->columns->pdata[c];
    g_free(column->name);
    column->name = same ? g_strdup_printf("%s%u_%u", roles[kind->role], same + 1, c + 1)
                        : g_strdup_printf("%s%u", roles[kind->role], c + 1);
  }
}

void guess_values(Guess *guess) {
  for (guint k = 0; k < guess->kinds->len; k++) {
    GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; c < kind->columns->len; c++) {
      GuessColumn *old = kind->columns->pdata[c], *column = guess_column_new(old->offset, old->bytes);
      column->control = g_steal_pointer(&old->control);
      column->is_control_sure = old->is_control_sure;
      column->is_total = old->is_total;
      column->implied_scale = old->implied_scale;
      column->total_of = old->total_of;
      column->total_column = old->total_column;
      column->sign = old->sign;
      column->is_signed = old->is_signed;
      g_clear_pointer(&old->seen, g_hash_table_unref);
      g_free(old->name);
      g_free(old);
      kind->columns->pdata[c] = column;
    }
    name_columns(guess, k);
  }
  for (guint i = 0; i < guess->lines->len; i++)
    if (g_array_index(guess->lines, GuessLine, i).kind < guess->kinds->len)
      add_line(guess, &g_array_index(guess->lines, GuessLine, i));
  for (guint k = 0; k < guess->kinds->len; k++) {
    GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; c < kind->columns->len; c++) {
      GuessColumn *column = kind->columns->pdata[c];
      column->is_number = column->is_number && column->values > 0;
      column->is_digits = column->is_digits && column->values > 0;
      column->dates = column->values > 0 ? column->dates : 0;
    }
  }
}
