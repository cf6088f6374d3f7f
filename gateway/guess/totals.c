/* What is counted and summed over the whole file, and whether it stands in a header or trailer. A total is believed
 * when it holds for every group, or the whole file; a small number may stand there by chance, and is said to be
 * unsure. */
#include "gateway/guess/guess_private.h"
#include <string.h>

enum { SUMS_MOST = 200, SMALL = 1000, SURE_CELL = 100, SURE_DIGITS = 7 };

typedef enum { OF_ALL, OF_BELOW, OF_ABOVE, OF_GROSS, N_OF } SumKind;
typedef struct {
  guint kind, column;
  GuessCodes sign;
} SumColumn;
typedef gboolean (*IsCounted)(const GuessKind *kind);
typedef struct {
  Wide value;
  guint scale;          /* of a sum */
  gint of_sum, kind;    /* which of the columns is summed, which kind is counted; -1: none */
  const char *word;     /* of the control */
  IsCounted is_counted; /* these kinds are counted together; NULL: not several */
} Counted;
typedef struct {
  guint of, where; /* delimited: the column; fixed: behind its last digit */
  guint digits, zeros;    /* fixed: that stand there */
  guint zeros_behind;     /* of the digits, those at their end */
  gboolean is_closed;     /* fixed: no digit follows */
  gboolean is_wrong;
  guint implied_scale;    /* of a sum of whole numbers that stands here with decimals; 0: none such */
} Spot;

/* The file, or a group: what its lines have so far. */
typedef struct {
  gint header, trailer; /* kinds; -1: none */
  GuessLine header_line;
  guint64 counts[GUESS_KINDS + 1];
  Wide sums[SUMS_MOST][N_OF];
  GArray *spots[2]; /* Spot; of the header, of the trailer; NULL: not looked at yet */
} Scope;

typedef struct {
  Guess *guess;
  SumColumn columns[SUMS_MOST];
  guint n_columns, n_scopes;
  Scope *scopes; /* the file, then the groups */
} Totals;

static GuessKind *kind_at(const Totals *totals, guint k) {
  return totals->guess->kinds->pdata[k];
}

/* --- What may be a total */

/* By what the kind is for, so that every group has the same counted. */
static gboolean is_within(const Totals *totals, const Scope *scope, guint k) {
  const GuessKind *kind = kind_at(totals, k);
  gboolean is_of_group = kind->role == ROLE_GROUP_HEADER || kind->role == ROLE_GROUP_TRAILER;
  gboolean is_inner = scope == totals->scopes || !is_of_group || kind->group + 1 > (guint)(scope - totals->scopes);
  return is_inner && kind->role != ROLE_HEADER && kind->role != ROLE_TRAILER && guess_tag_is_plain(kind->tag);
}

static gboolean is_any(const GuessKind *kind) {
  return kind != NULL;
}
static gboolean is_of_record(const GuessKind *kind) {
  return kind->role == ROLE_RECORD || kind->role == ROLE_ADDENDUM;
}

/* In the same order for each group. */
static void add_count(GArray *counted, Counted count) {
  g_array_append_val(counted, count);
}

static void add_count_of(const Totals *totals, const Scope *scope, GArray *counted, IsCounted is_counted) {
  guint64 value = 0;
  guint n = 0;
  for (guint k = 0; k < totals->guess->kinds->len; k++) {
    gboolean counts = is_within(totals, scope, k) && is_counted(kind_at(totals, k));
    n += counts ? 1 : 0;
    value += counts ? scope->counts[k] : 0;
  }
  if (n > 1)
    add_count(counted, (Counted){(Wide)value, 0, -1, -1, "count", is_counted});
}

static void add_counts(const Totals *totals, const Scope *scope, GArray *counted) {
  guint64 records = 0, lines = 0;
  for (guint k = 0; k < totals->guess->kinds->len; k++) {
    records += kind_at(totals, k)->role == ROLE_RECORD ? scope->counts[k] : 0;
    lines += scope->counts[k];
  }
  add_count(counted, (Counted){(Wide)records, 0, -1, -1, "count", NULL});
  add_count(counted, (Counted){(Wide)lines, 0, -1, -1, "lines", NULL});
  if (!totals->guess->by_tag)
    return;
  for (guint k = 0; k < totals->guess->kinds->len; k++)
    if (is_within(totals, scope, k))
      add_count(counted, (Counted){(Wide)scope->counts[k], 0, -1, (gint)k, "count", NULL});
  add_count_of(totals, scope, counted, is_of_record);
  add_count_of(totals, scope, counted, is_any);
}

static const GuessColumn *summed_column(const Totals *totals, guint s) {
  return kind_at(totals, totals->columns[s].kind)->columns->pdata[totals->columns[s].column];
}

static void add_sums(const Totals *totals, const Scope *scope, GArray *counted) {
  static const char *const words[N_OF] = {"sum", "debits", "credits", "gross"};
  for (guint s = 0; s < totals->n_columns; s++) {
    const GuessColumn *column = summed_column(totals, s);
    guint n = totals->columns[s].sign.column ? OF_ABOVE + 1 : column->forms.has_minus ? N_OF : 1;
    for (guint of = 0; of < n; of++)
      add_count(counted, (Counted){scope->sums[s][of], column->most_scale, (gint)s, -1, words[of], NULL});
  }
}

static GArray *counted_of(const Totals *totals, const Scope *scope) {
  GArray *counted = g_array_new(FALSE, TRUE, sizeof(Counted));
  add_counts(totals, scope, counted);
  add_sums(totals, scope, counted);
  return counted;
}

/* "count(6, 7)"; the caller frees. */
static char *control_of(const Totals *totals, const Scope *scope, const Counted *of) {
  if (of->of_sum >= 0)
    return g_strdup_printf("\"%s(%s)\"", of->word, summed_column(totals, (guint)of->of_sum)->name);
  if (of->kind < 0 && !of->is_counted)
    return g_strdup(of->word);
  g_autoptr(GString) tags = g_string_new(NULL);
  for (guint k = 0; k < totals->guess->kinds->len; k++) {
    gboolean counts = of->kind >= 0 ? (gint)k == of->kind
                                    : is_within(totals, scope, k) && of->is_counted(kind_at(totals, k));
    if (counts)
      g_string_append_printf(tags, "%s%s", tags->len ? ", " : "", kind_at(totals, k)->tag);
  }
  return g_strdup_printf("\"%s(%s)\"", of->word, tags->str);
}

/* --- Where it stands */

static gboolean stands_in_cell(const Totals *totals, const GuessLine *line, const Counted *of, Spot *spot) {
  GuessCell cells[GUESS_CELLS];
  GuessNumber number;
  guint n = MIN(guess_cells(totals->guess, line, cells, GUESS_CELLS), GUESS_CELLS);
  guint cell = spot->where + (totals->guess->by_tag ? 1 : 0);
  if (cell >= n)
    return FALSE;
  GuessCell value = guess_trim(totals->guess, line->at, cells[cell]);
  if (!guess_number(totals->guess, line->at + value.offset, value.length, &number))
    return FALSE;
  spot->implied_scale = 0;
  if (of->of_sum < 0)
    return number.scale == 0 && !number.has_point && number.number == of->value;
  if (guess_is_same_amount(of->value, of->scale, number.number, number.scale))
    return TRUE;
  spot->implied_scale = of->scale == 0 && number.number == of->value ? number.scale : 0;
  return spot->implied_scale > 0;
}

static gboolean stands_before(const Totals *totals, const GuessLine *line, const Counted *of, Spot *spot) {
  const Guess *guess = totals->guess;
  char text[WIDE_BYTES];
  guint digits = (guint)wide_print(of->value, 0, text), end = spot->where;
  if (of->value < 0 || end > line->length || digits > end - MIN(end, guess->tag_bytes))
    return FALSE;
  for (guint i = 0; i < digits; i++)
    if (guess->plain[line->at[end - digits + i]] != (guint8)text[i])
      return FALSE;
  guint begun = end - digits;
  while (begun > guess->tag_bytes && guess->plain[line->at[begun - 1]] == '0')
    begun--;
  guint8 next = end < line->length ? guess->plain[line->at[end]] : ' ';
  spot->digits = digits;
  spot->zeros = end - digits - begun;
  spot->zeros_behind = 0;
  while (spot->zeros_behind < digits && text[digits - 1 - spot->zeros_behind] == '0')
    spot->zeros_behind++;
  spot->is_closed = !g_ascii_isdigit((char)next);
  return spot->is_closed || next == '0' || (spot->zeros >= 2 && digits >= 3); /* else it is a part of a number */
}

static gboolean stands(const Totals *totals, const GuessLine *line, const Counted *of, Spot *spot) {
  return totals->guess->is_fixed ? stands_before(totals, line, of, spot)
                                 : stands_in_cell(totals, line, of, spot);
}

/* A few digits stand in many places: zeros before them say that they are a number of a fixed line, and only trailers
 * are looked at for them. */
static gboolean is_enough(const Totals *totals, const Counted *of, const Spot *spot, gboolean is_header) {
  gboolean is_small = of->value > -SMALL && of->value < SMALL;
  if (is_small && is_header)
    return FALSE;
  return !totals->guess->is_fixed || (spot->zeros >= 2 && (!is_small || of->of_sum < 0)) || spot->digits >= 5;
}

static void look_everywhere(const Totals *totals, const GuessLine *line, GArray *counted, GArray *spots,
                            gboolean is_header) {
  guint places = totals->guess->is_fixed ? line->length + 1 : GUESS_CELLS;
  for (guint c = 0; c < counted->len; c++) {
    const Counted *of = &g_array_index(counted, Counted, c);
    for (guint where = 0; of->value != 0 && where < places; where++) {
      Spot spot = {.of = c, .where = where};
      if (stands(totals, line, of, &spot) && is_enough(totals, of, &spot, is_header))
        g_array_append_val(spots, spot);
    }
  }
}

/* As often as the group comes. */
static void look_again(const Totals *totals, const GuessLine *line, GArray *counted, GArray *spots) {
  for (guint i = 0; i < spots->len; i++) {
    Spot *spot = &g_array_index(spots, Spot, i), now = *spot;
    if (spot->is_wrong)
      continue;
    spot->is_wrong = !stands(totals, line, &g_array_index(counted, Counted, spot->of), &now) ||
                      now.implied_scale != spot->implied_scale;
    spot->zeros = MIN(spot->zeros, now.zeros);
    spot->digits = MAX(spot->digits, now.digits);
  }
}

static void end_scope(const Totals *totals, Scope *scope, const GuessLine *trailer) {
  GArray *counted = counted_of(totals, scope);
  for (guint side = 0; side < 2; side++) {
    const GuessLine *line = side == 0 ? &scope->header_line : trailer;
    if (!line || !line->at)
      continue;
    gboolean is_first = !scope->spots[side];
    if (is_first)
      scope->spots[side] = g_array_new(FALSE, TRUE, sizeof(Spot));
    if (is_first)
      look_everywhere(totals, line, counted, scope->spots[side], side == 0);
    else
      look_again(totals, line, counted, scope->spots[side]);
  }
  g_array_unref(counted);
}

/* --- The walk */

static void begin_scope(Scope *scope, const GuessLine *line) {
  scope->header_line = *line;
  memset(scope->counts, 0, sizeof scope->counts);
  memset(scope->sums, 0, sizeof scope->sums);
}

static void add_amounts(Totals *totals, const GuessLine *line) {
  GuessCell cells[GUESS_CELLS];
  guint n = 0;
  for (guint s = 0; s < totals->n_columns; s++) {
    const SumColumn *of = &totals->columns[s];
    const GuessColumn *column = kind_at(totals, of->kind)->columns->pdata[of->column];
    GuessNumber number;
    if (of->kind != line->kind)
      continue;
    n = n ? n : MIN(guess_cells(totals->guess, line, cells, GUESS_CELLS), GUESS_CELLS);
    guint cell = of->column + (!totals->guess->is_fixed && totals->guess->by_tag ? 1 : 0);
    GuessCell value = cell < n ? guess_trim(totals->guess, line->at, cells[cell]) : (GuessCell){0, 0};
    if (!guess_number(totals->guess, line->at + value.offset, value.length, &number))
      continue;
    gboolean is_below = of->sign.column && guess_is_below(totals->guess, line, of->sign.column - 1, of->sign.below);
    Wide amount = is_below ? -(Wide)number.number : number.number;
    for (guint scale = number.scale; scale < column->most_scale; scale++)
      amount *= 10;
    for (guint g = 0; g < totals->n_scopes; g++) {
      totals->scopes[g].sums[s][OF_ALL] += amount;
      totals->scopes[g].sums[s][amount < 0 ? OF_BELOW : OF_ABOVE] += amount < 0 ? -amount : amount;
      totals->scopes[g].sums[s][OF_GROSS] += amount < 0 ? -amount : amount;
    }
  }
}

static void add_line(Totals *totals, const GuessLine *line) {
  for (guint g = 1; g < totals->n_scopes; g++)
    if ((gint)line->kind == totals->scopes[g].header)
      begin_scope(&totals->scopes[g], line);
  if ((gint)line->kind == totals->scopes[0].header)
    totals->scopes[0].header_line = *line;
  for (guint g = 0; g < totals->n_scopes; g++)
    totals->scopes[g].counts[MIN(line->kind, GUESS_KINDS)]++;
  add_amounts(totals, line);
  for (guint g = 1; g < totals->n_scopes; g++)
    if ((gint)line->kind == totals->scopes[g].trailer)
      end_scope(totals, &totals->scopes[g], line);
}

static void walk(Totals *totals) {
  Guess *guess = totals->guess;
  gsize offset = guess->start;
  GuessLine line, before = {0}, last = {0};
  guint64 unknown = 0;
  for (gboolean is_first = TRUE; guess_next(guess, &offset, &line); is_first = is_first && !before.at) {
    if (guess_is_passed(guess, &line)) {
      guess->passed++;
      continue;
    }
    if (before.at)
      add_line(totals, &before);
    line.kind = guess_kind_of(guess, &line, is_first, FALSE);
    unknown += line.kind >= guess->kinds->len;
    guess->counted++;
    before = line;
  }
  if (before.at) {
    before.kind = guess_kind_of(guess, &before, FALSE, TRUE);
    add_line(totals, &before);
    last = before;
  }
  gboolean has_trailer = totals->scopes[0].trailer >= 0 && (gint)last.kind == totals->scopes[0].trailer;
  end_scope(totals, &totals->scopes[0], has_trailer ? &last : NULL);
  if (unknown > 0)
    guess_unsure(guess, "%" G_GUINT64_FORMAT " lines are of kinds that are neither near the beginning nor the end",
                 unknown);
}

/* --- What is believed */

/* Zeros at the end may belong to the next number, unless no digit follows. */
static guint proven_digits(const Spot *spot) {
  return spot->is_closed ? spot->digits : spot->digits - MIN(spot->digits - 1, spot->zeros_behind);
}

static gint compare_spots(gconstpointer a, gconstpointer b) {
  const Spot *x = a, *y = b;
  return proven_digits(x) != proven_digits(y) ? (proven_digits(x) > proven_digits(y) ? -1 : 1)
         : x->of != y->of ? (x->of < y->of ? -1 : 1)
         : x->is_closed != y->is_closed ? (x->is_closed ? -1 : 1)
         : x->zeros != y->zeros         ? (x->zeros > y->zeros ? -1 : 1)
                                        : 0;
}

/* Or the same small number was found in another place of a fixed line. */
static gboolean overlaps(const Totals *totals, const GArray *counted, const GArray *taken, const Spot *spot) {
  Wide value = g_array_index(counted, Counted, spot->of).value;
  for (guint i = 0; i < taken->len; i++) {
    const Spot *other = &g_array_index(taken, Spot, i);
    gboolean is_there = totals->guess->is_fixed ? spot->where > other->where - other->digits &&
                                                      other->where > spot->where - spot->digits
                                                : spot->where == other->where;
    gboolean is_same = totals->guess->is_fixed && value < SMALL &&
                       g_array_index(counted, Counted, other->of).value == value;
    if (is_there || is_same || spot->of == other->of)
      return TRUE;
  }
  return FALSE;
}

static guint begins_at(const GArray *taken, const Spot *spot) {
  guint from = spot->where - spot->digits - spot->zeros;
  for (guint i = 0; i < taken->len; i++) {
    guint end = g_array_index(taken, Spot, i).where;
    from = end < spot->where ? MAX(from, end) : from;
  }
  return from;
}

/* Of a fixed line, no digit follows the field that is summed: else it might go on, as the total might. */
static gboolean is_closed_field(const Totals *totals, gint of_sum) {
  if (of_sum < 0)
    return TRUE;
  const SumColumn *sum = &totals->columns[of_sum];
  const GPtrArray *columns = kind_at(totals, sum->kind)->columns;
  return sum->column + 1 >= columns->len || !((const GuessColumn *)columns->pdata[sum->column + 1])->is_digits;
}

static gboolean is_sure(const Totals *totals, const Counted *of, const Spot *spot) {
  if (totals->guess->is_fixed)
    return spot->digits >= 3 && spot->digits + MIN(spot->zeros, 3) >= SURE_DIGITS &&
           is_closed_field(totals, of->of_sum) &&
           (spot->is_closed || (of->of_sum >= 0 && proven_digits(spot) + 1 >= SURE_DIGITS));
  return of->value >= SURE_CELL || of->value <= -SURE_CELL;
}

static const GuessCodes *sign_of(const Totals *totals, const Counted *of) {
  const GuessCodes *sign = of->of_sum >= 0 ? &totals->columns[of->of_sum].sign : NULL;
  return sign && sign->column ? sign : NULL;
}

/* By a code, sums are many: both sides of one have to stand in the line. */
static gboolean has_other_side(const Totals *totals, const GArray *counted, const GArray *spots, const Spot *spot) {
  const Counted *of = &g_array_index(counted, Counted, spot->of);
  gboolean has[2] = {FALSE, FALSE};
  for (guint i = 0; sign_of(totals, of) && i < spots->len; i++) {
    const Spot *other = &g_array_index(spots, Spot, i);
    const Counted *another = &g_array_index(counted, Counted, other->of);
    if (other->is_wrong || another->of_sum != of->of_sum)
      continue;
    has[0] = has[0] || g_str_equal(another->word, "debits");
    has[1] = has[1] || g_str_equal(another->word, "credits");
  }
  return !sign_of(totals, of) || (has[0] && has[1]);
}

/* The column is that total; and what is summed is a number. */
static void believe(Totals *totals, const Scope *scope, GuessColumn *column, const Counted *of, const Spot *spot) {
  const GuessCodes *sign = sign_of(totals, of);
  if (sign) {
    const SumColumn *by = &totals->columns[of->of_sum];
    GuessColumn *summed = kind_at(totals, by->kind)->columns->pdata[by->column];
    if (summed->sign.column && summed->sign.column != sign->column)
      return;
    summed->sign = *sign;
    column->is_signed = TRUE;
  }
  g_free(column->control);
  column->control = control_of(totals, scope, of);
  column->is_control_sure = is_sure(totals, of, spot);
  column->is_total = TRUE;
  if (of->of_sum < 0)
    return;
  const SumColumn *sum = &totals->columns[of->of_sum];
  column->total_of = (gint)sum->kind;
  column->total_column = sum->column;
  GuessColumn *summed = kind_at(totals, sum->kind)->columns->pdata[sum->column];
  summed->is_total = TRUE;
  summed->implied_scale = MAX(summed->implied_scale, spot->implied_scale);
}

static void settle_spots(Totals *totals, const Scope *scope, guint side, gint k) {
  GArray *spots = scope->spots[side], *taken = g_array_new(FALSE, TRUE, sizeof(Spot));
  GArray *counted = counted_of(totals, scope);
  if (spots && k >= 0) {
    g_array_sort(spots, compare_spots);
    for (guint i = 0; i < spots->len; i++) {
      const Spot *spot = &g_array_index(spots, Spot, i);
      if (!spot->is_wrong && !overlaps(totals, counted, taken, spot) &&
          has_other_side(totals, counted, spots, spot))
        g_array_append_vals(taken, spot, 1);
    }
  }
  for (guint i = 0; i < taken->len; i++) {
    const Spot *spot = &g_array_index(taken, Spot, i);
    GuessKind *kind = kind_at(totals, (guint)k);
    guint index = spot->where;
    if (totals->guess->is_fixed)
      index = guess_cut_column(kind, begins_at(taken, spot), spot->where);
    if (index < kind->columns->len)
      believe(totals, scope, kind->columns->pdata[index], &g_array_index(counted, Counted, spot->of), spot);
  }
  g_array_unref(taken);
  g_array_unref(counted);
}

/* --- */

/* What a code beside it may tell. */
static void find_signs(Totals *totals, guint k, guint c) {
  GuessCodes codes;
  for (guint s = 0; s < kind_at(totals, k)->columns->len && totals->n_columns < SUMS_MOST; s++)
    if (s != c && guess_codes(totals->guess, k, s, &codes))
      totals->columns[totals->n_columns++] = (SumColumn){k, c, codes};
}

static void find_columns(Totals *totals) {
  for (guint k = 0; k < totals->guess->kinds->len; k++) {
    const GuessKind *kind = kind_at(totals, k);
    for (guint c = 0; kind->role == ROLE_RECORD && c < kind->columns->len; c++) {
      const GuessColumn *column = kind->columns->pdata[c];
      if (!column->is_number || column->dates != 0 || totals->n_columns == SUMS_MOST)
        continue;
      totals->columns[totals->n_columns++] = (SumColumn){.kind = k, .column = c};
      if (!column->forms.has_minus)
        find_signs(totals, k, c);
    }
  }
}

static void find_scopes(Totals *totals) {
  totals->n_scopes = totals->guess->n_groups + 1;
  totals->scopes = g_new0(Scope, totals->n_scopes);
  for (guint g = 0; g < totals->n_scopes; g++)
    totals->scopes[g].header = totals->scopes[g].trailer = -1;
  for (guint k = 0; k < totals->guess->kinds->len; k++) {
    const GuessKind *kind = kind_at(totals, k);
    gboolean is_of_group = kind->role == ROLE_GROUP_HEADER || kind->role == ROLE_GROUP_TRAILER;
    Scope *scope = &totals->scopes[is_of_group ? kind->group + 1 : 0];
    if (kind->role == ROLE_HEADER || kind->role == ROLE_GROUP_HEADER)
      scope->header = (gint)k;
    if (kind->role == ROLE_TRAILER || kind->role == ROLE_GROUP_TRAILER)
      scope->trailer = (gint)k;
  }
}

void guess_totals(Guess *guess) {
  g_autofree Totals *totals = g_new0(Totals, 1);
  totals->guess = guess;
  find_columns(totals);
  find_scopes(totals);
  walk(totals);
  for (guint g = 0; g < totals->n_scopes; g++) {
    settle_spots(totals, &totals->scopes[g], 0, totals->scopes[g].header);
    settle_spots(totals, &totals->scopes[g], 1, totals->scopes[g].trailer);
    for (guint side = 0; side < 2; side++)
      if (totals->scopes[g].spots[side])
        g_array_unref(totals->scopes[g].spots[side]);
  }
  guess_settle_signs(guess);
  g_free(totals->scopes);
}
