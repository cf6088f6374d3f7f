/* Codes that tell what is below zero, as D beside C: of a field of two short words, the amounts of one and of the other
 * are summed apart, and both sums have to stand in one header or trailer. */
#include "gateway/guess/guess_private.h"
#include <string.h>

enum { LINES_LEAST = 10, GUESS_CODE = sizeof((GuessCodes *)0)->above };

/* What is below zero, by custom, stands behind. */
static const char *const known[][2] = {{"C", "D"}, {"CR", "DR"}, {"CR", "DB"}, {"H", "S"}, {"+", "-"}};

static gboolean read_code(const Guess *guess, const GuessLine *line, guint column, char code[GUESS_CODE]) {
  GuessCell cells[GUESS_CELLS];
  guint n = MIN(guess_cells(guess, line, cells, GUESS_CELLS), GUESS_CELLS);
  guint cell = column + (!guess->is_fixed && guess->by_tag ? 1 : 0);
  GuessCell value = cell < n ? guess_trim(guess, line->at, cells[cell]) : (GuessCell){0, 0};
  if (value.length == 0 || value.length >= GUESS_CODE)
    return FALSE;
  for (guint i = 0; i < value.length; i++) {
    code[i] = (char)guess->plain[line->at[value.offset + i]];
    if (!g_ascii_isgraph(code[i]) || strchr("\"\\$", code[i]))
      return FALSE;
  }
  code[value.length] = 0;
  return TRUE;
}

gboolean guess_is_below(const Guess *guess, const GuessLine *line, guint column, const char *below) {
  char code[GUESS_CODE];
  return read_code(guess, line, column, code) && strcmp(code, below) == 0;
}

gboolean guess_codes_are_known(const GuessCodes *codes) {
  for (guint i = 0; i < G_N_ELEMENTS(known); i++)
    if (strcmp(codes->above, known[i][0]) == 0 && strcmp(codes->below, known[i][1]) == 0)
      return TRUE;
  return FALSE;
}

gboolean guess_codes(const Guess *guess, guint kind, guint column, GuessCodes *codes) {
  const GuessKind *of = guess->kinds->pdata[kind];
  const GuessColumn *looked_at = of->columns->pdata[column];
  guint n = 0, lines = 0;
  char words[2][GUESS_CODE] = {"", ""};
  if (looked_at->longest == 0 || looked_at->longest >= GUESS_CODE || looked_at->absent > 0 || looked_at->dates)
    return FALSE;
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    char code[GUESS_CODE];
    if (line->kind != kind)
      continue;
    if (!read_code(guess, line, column, code))
      return FALSE;
    lines++;
    guint w = 0;
    while (w < n && strcmp(words[w], code) != 0)
      w++;
    if (w == 2)
      return FALSE;
    if (w == n)
      g_strlcpy(words[n++], code, GUESS_CODE);
  }
  *codes = (GuessCodes){.column = column + 1};
  g_strlcpy(codes->above, words[0], GUESS_CODE);
  g_strlcpy(codes->below, words[1], GUESS_CODE);
  GuessCodes turned = {.column = column + 1};
  g_strlcpy(turned.above, words[1], GUESS_CODE);
  g_strlcpy(turned.below, words[0], GUESS_CODE);
  if (guess_codes_are_known(&turned))
    *codes = turned;
  return n == 2 && lines >= LINES_LEAST;
}

gboolean guess_sign_holds(const Guess *guess, const GuessKind *kind, const GuessColumn *column) {
  gboolean is_total = FALSE;
  if (!column->sign.column || column->is_dropped ||
      ((const GuessColumn *)kind->columns->pdata[column->sign.column - 1])->is_dropped)
    return FALSE;
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *other = guess->kinds->pdata[k];
    for (guint c = 0; c < other->columns->len; c++) {
      const GuessColumn *total = other->columns->pdata[c];
      const GuessKind *of = total->control && total->total_of >= 0 ? guess->kinds->pdata[total->total_of] : NULL;
      is_total = is_total || (total->is_signed && (total->is_control_sure || guess->is_proving) && of == kind &&
                              of->columns->pdata[total->total_column] == column);
    }
  }
  return is_total;
}

const GuessColumn *guess_signed_by(const Guess *guess, const GuessKind *kind, const GuessColumn *code) {
  for (guint c = 0; c < kind->columns->len; c++) {
    const GuessColumn *column = kind->columns->pdata[c];
    if (column->sign.column && kind->columns->pdata[column->sign.column - 1] == code &&
        guess_sign_holds(guess, kind, column))
      return column;
  }
  return NULL;
}

void guess_settle_signs(Guess *guess) {
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; c < kind->columns->len; c++) {
      GuessColumn *total = kind->columns->pdata[c];
      gboolean is_plain = total->control && total->total_of >= 0 && !total->is_signed;
      const GuessKind *of = is_plain ? guess->kinds->pdata[total->total_of] : NULL;
      const GuessColumn *summed = of ? of->columns->pdata[total->total_column] : NULL;
      if (!summed || !summed->sign.column)
        continue;
      g_free(total->control);
      total->control = g_strdup_printf("\"gross(%s)\"", summed->name);
    }
  }
}
