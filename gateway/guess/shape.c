/* Delimited or fixed: what stands between values in all lines, or how long lines are. */
#include "gateway/guess/guess_private.h"
#include <string.h>

static const char *const DELIMITERS[] = {"||", "|@|", "|+|", "|", "\t", ";", ",", "^", "\001", "~"};

/* --- Cells of a delimited line */

static guint split(const Guess *guess, const GuessLine *line, const char *delimiter, GuessCell *cells, guint most) {
  guint n = 0, start = 0, length = (guint)strlen(delimiter), end = line->length;
  gboolean is_within = FALSE;
  if (guess->end_mark && end > 0 && line->at[end - 1] == (guint8)guess->end_mark)
    end--;
  for (guint i = 0; i < end; i++) {
    if (guess->is_quoted && line->at[i] == '"') {
      is_within = !is_within;
    } else if (!is_within && i + length <= end && memcmp(line->at + i, delimiter, length) == 0) {
      if (n < most)
        cells[n] = (GuessCell){start, i - start};
      n++;
      i += length - 1;
      start = i + 1;
    } else if (line->at[i] >= 0x80 && !g_str_equal(guess->charset, "UTF-8") &&
               !g_str_equal(guess->charset, "ISO-8859-1") && i + 1 < end) {
      i += g_str_equal(guess->charset, "CP932") && line->at[i] >= 0xa1 && line->at[i] <= 0xdf ? 0 : 1;
    }
  }
  if (n < most)
    cells[n] = (GuessCell){start, end - start};
  return n + 1;
}

guint guess_cells(const Guess *guess, const GuessLine *line, GuessCell *cells, guint most) {
  if (!guess->is_fixed)
    return split(guess, line, guess->delimiter, cells, most);
  const GuessKind *kind = guess->kinds->pdata[line->kind];
  guint n = 0;
  for (; n < kind->columns->len && n < most; n++) {
    const GuessColumn *column = kind->columns->pdata[n];
    guint from = MIN(column->offset, line->length);
    cells[n] = (GuessCell){from, MIN(column->bytes, line->length - from)};
  }
  return n;
}

GuessCell guess_trim(const Guess *guess, const guint8 *line, GuessCell cell) {
  if (guess->is_quoted && cell.length >= 2 && line[cell.offset] == '"' && line[cell.offset + cell.length - 1] == '"')
    cell = (GuessCell){cell.offset + 1, cell.length - 2};
  if (guess->value_prefix && cell.length > 0 && line[cell.offset] == (guint8)guess->value_prefix)
    cell = (GuessCell){cell.offset + 1, cell.length - 1};
  while (guess->is_fixed && cell.length > 0 && guess->plain[line[cell.offset + cell.length - 1]] == ' ')
    cell.length--;
  while (guess->is_fixed && cell.length > 0 && guess->plain[line[cell.offset]] == ' ')
    cell = (GuessCell){cell.offset + 1, cell.length - 1};
  return cell;
}

/* --- Which delimiter */

typedef struct {
  guint lines, cells; /* cells: the most usual number */
  guint odd;          /* lines of another number: within the file; or than others with the same first value */
} Fit;

static char *first_cell(const GuessLine *line, GuessCell cell) {
  return g_strndup((const char *)line->at + cell.offset, MIN(cell.length, 12));
}

static guint odd_within(const guint *cells, guint n, guint usual) {
  guint odd = 0;
  for (guint i = 1; i + 1 < n; i++)
    odd += cells[i] != usual;
  return odd;
}

/* Lines that begin alike should be alike; or else all of them, but for the first and the last. */
static Fit fit_of(const Guess *guess, const char *delimiter) {
  enum { LOOKED_AT = 2000 };
  g_autoptr(GHashTable) by_tag = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL); /* -> cells */
  guint counts[GUESS_CELLS] = {0}, cells[LOOKED_AT], n = MIN(guess->lines->len, LOOKED_AT), odd = 0, alone = 0;
  Fit fit = {.lines = n, .cells = 1};
  for (guint i = 0; i < n; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    GuessCell cell;
    cells[i] = split(guess, line, delimiter, &cell, 1);
    char *tag = first_cell(line, cell);
    gpointer before = g_hash_table_lookup(by_tag, tag);
    odd += before && GPOINTER_TO_UINT(before) != cells[i];
    alone += cells[i] == 1;
    g_hash_table_insert(by_tag, tag, GUINT_TO_POINTER(cells[i]));
    counts[MIN(cells[i], GUESS_CELLS - 1)]++;
  }
  for (guint c = 2; c < GUESS_CELLS; c++)
    fit.cells = counts[c] > 0 && (fit.cells == 1 || counts[c] >= counts[fit.cells]) ? c : fit.cells;
  gboolean is_by_tag = g_hash_table_size(by_tag) * 2 <= n + 1 && g_hash_table_size(by_tag) <= GUESS_KINDS;
  fit.odd = odd_within(cells, n, fit.cells);
  fit.odd = is_by_tag ? MIN(fit.odd, odd + alone) : fit.odd;
  return fit;
}

static gboolean is_in_pairs(const Guess *guess, const char *delimiter) {
  for (guint i = 0; i < MIN(guess->lines->len, 2000); i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    guint single = 0, whole = 0;
    gsize length = strlen(delimiter);
    for (guint b = 0; b < line->length; b++) {
      gboolean is_whole = b + length <= line->length && memcmp(line->at + b, delimiter, length) == 0;
      whole += is_whole ? 1 : 0;
      single += !is_whole && line->at[b] == (guint8)*delimiter;
      b += is_whole ? (guint)length - 1 : 0;
    }
    if (single > 0 || (whole == 0 && i > 0 && i + 1 < guess->lines->len))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_of_one_length(const Guess *guess) {
  guint length = g_array_index(guess->lines, GuessLine, 0).length, n = 0;
  for (guint i = 0; i < guess->lines->len; i++)
    n += g_array_index(guess->lines, GuessLine, i).length == length;
  return guess->lines->len >= 3 && n == guess->lines->len && length >= 20;
}

/* Of lines that are all of one length, one or two of them are a sign of nothing. */
static gboolean choose_delimiter(Guess *guess, gboolean is_even) {
  enum { MANY = 6, FEW = 3 };
  guint best = 0;
  for (guint i = 0; i < G_N_ELEMENTS(DELIMITERS); i++) {
    const char *delimiter = DELIMITERS[i];
    if (delimiter[1] && !is_in_pairs(guess, delimiter))
      continue;
    Fit fit = fit_of(guess, delimiter);
    gboolean fits = fit.cells >= 2 && (fit.odd * 10 <= fit.lines || (fit.odd == 1 && fit.cells >= MANY)) &&
                    !(is_even && fit.cells <= FEW);
    guint score = (fit.lines - fit.odd) * 1000 / MAX(fit.lines, 1) + MIN(fit.cells, 50);
    if (!fits || score <= best)
      continue;
    best = score;
    guess->delimiter = delimiter;
    if (delimiter[1])
      break;
  }
  return guess->delimiter != NULL;
}

static gboolean has_quotes(const Guess *guess) {
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    for (guint b = 0; b < line->length; b++)
      if (line->at[b] == '"' && (b == 0 || strchr("|\t;,^~*!\001", line->at[b - 1])))
        return TRUE;
  }
  return FALSE;
}

/* --- Lines without ends */

static guint class_of(const Guess *guess, guint8 byte) {
  guint8 plain = guess->plain[byte];
  return plain == ' ' ? 1 : g_ascii_isdigit((char)plain) ? 2 : g_ascii_isalpha((char)plain) ? 3 : 4;
}

/* How alike lines of this length are to the lines before them, in thousandths: the bytes that are not blanks in both;
 * and the places where letters, digits and blanks turn into each other. */
typedef struct {
  guint bytes, turns;
} Alike;
static Alike alikeness(const Guess *guess, gsize stride) {
  const guint8 *text = guess->text + guess->start;
  gsize length = MIN(guess->length - guess->start, 1 << 18), same = 0, seen = 0, both = 0, any = 0;
  for (gsize i = stride + 1; i < length; i++) {
    guint here = class_of(guess, text[i]), before = class_of(guess, text[i - stride]);
    gboolean turns = here != class_of(guess, text[i - 1]), turned = before != class_of(guess, text[i - stride - 1]);
    both += turns && turned ? 1 : 0;
    any += turns || turned ? 1 : 0;
    seen += here == 1 && before == 1 ? 0 : 1;
    same += here == before && here != 1 ? 1 : 0;
  }
  return (Alike){seen ? (guint)(same * 1000 / seen) : 0, any ? (guint)(both * 1000 / any) : 0};
}

/* Several lines together may be most like the next ones, as groups are: then the shortest part of that length whose
 * turns still fall together. */
static gsize choose_length(const Guess *guess, guint *score) {
  enum { LEAST = 8, MOST = 2048 };
  gsize length = guess->length - guess->start, best = 0, most = MIN(length / 2, MOST);
  guint turns = 0;
  *score = 0;
  for (gsize stride = LEAST; stride <= most; stride++) {
    Alike alike = length % stride == 0 ? alikeness(guess, stride) : (Alike){0, 0};
    if (alike.bytes + alike.turns <= *score)
      continue;
    *score = alike.bytes + alike.turns;
    turns = alike.turns;
    best = stride;
  }
  for (gsize part = LEAST; part < best; part++)
    if (best % part == 0 && alikeness(guess, part).turns * 100 >= turns * 35)
      return part;
  return best;
}

static gboolean choose_stride(Guess *guess, GError **error) {
  enum { LEAST_SCORE = 300 };
  guint score;
  guess->stride = choose_length(guess, &score);
  if (guess->stride == 0 || score < LEAST_SCORE)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "it has no line ends, and no length of lines by which one is like the other");
  guess_unsure(guess,
               "the length of a line, %" G_GSIZE_FORMAT " bytes: there are no line ends, and lines are most alike so",
               guess->stride);
  return TRUE;
}

/* --- What is passed over */

static void keep_beginning(Guess *guess, const char *beginning, gsize length) {
  if (guess->beginnings->len < 40 && length > 0)
    g_ptr_array_add(guess->beginnings, g_strndup(beginning, length));
}

/* Lines of nines that fill a block, and remarks. */
static void find_passed(Guess *guess) {
  guint marks = 0;
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    guint nines = 0;
    while (nines < line->length && line->at[nines] == '9')
      nines++;
    if (nines >= 20 && nines == line->length && guess->beginnings->len == 0)
      keep_beginning(guess, "9999999999999999", 16);
    marks += line->length > 0 && *line->at == '#';
    guess->passes_ctrl_z = guess->passes_ctrl_z || (line->length == 1 && *line->at == 0x1a);
  }
  if (marks > 0 && marks < guess->lines->len) {
    keep_beginning(guess, "#", 1);
    guess_unsure(guess, "%u lines begin with # and are passed over: one of them may be a header or a trailer", marks);
  }
}

static void read_lines(Guess *guess) {
  gsize offset = guess->start;
  GuessLine line;
  guint lines = 0;
  while (guess->lines->len < GUESS_LINES && guess_next(guess, &offset, &line)) {
    line.length = MIN(line.length, GUESS_LINE_MOST);
    guess->passes_blank = guess->passes_blank || (line.length == 0 && offset < guess->length);
    g_array_append_val(guess->lines, line);
    lines++;
  }
  guess->n_head = lines;
  guess->is_whole = offset >= guess->length;
  if (guess->is_whole)
    return;
  gsize from = guess->length - MIN(guess->length - offset, GUESS_TAIL);
  if (guess->is_stream)
    offset += (from - offset) / guess->stride * guess->stride;
  else if (from > offset)
    for (offset = from - 1; guess_next(guess, &offset, &line) && offset < from;)
      ;
  while (guess_next(guess, &offset, &line)) {
    line.length = MIN(line.length, GUESS_LINE_MOST);
    g_array_append_val(guess->lines, line);
  }
}

static void drop_passed(Guess *guess) {
  guint kept = 0, head = 0;
  for (guint i = 0; i < guess->lines->len; i++) {
    GuessLine line = g_array_index(guess->lines, GuessLine, i);
    if (guess_is_passed(guess, &line))
      continue;
    head += i < guess->n_head;
    g_array_index(guess->lines, GuessLine, kept++) = line;
  }
  g_array_set_size(guess->lines, kept);
  guess->n_head = head;
}

/* --- A delimited line's marks */

static void find_marks(Guess *guess) {
  guint slashes = 0, ticks = 0, cells_seen = 0, n = guess->lines->len;
  for (guint i = 0; i < n; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    GuessCell cells[GUESS_CELLS];
    guint cells_here = MIN(split(guess, line, guess->delimiter, cells, GUESS_CELLS), GUESS_CELLS);
    slashes += line->length > 0 && line->at[line->length - 1] == '/';
    for (guint c = 0; c < cells_here; c++) {
      cells_seen += cells[c].length > 0;
      ticks += cells[c].length > 0 && (line->at[cells[c].offset] == '`' || line->at[cells[c].offset] == '\'');
    }
  }
  if (slashes * 2 > n && !guess->is_quoted)
    guess->end_mark = '/';
  if (ticks * 2 > cells_seen)
    guess->value_prefix = '`';
}

gboolean guess_shape(Guess *guess, GError **error) {
  if (guess->is_stream && !choose_stride(guess, error))
    return FALSE;
  read_lines(guess);
  find_passed(guess);
  drop_passed(guess);
  if (guess->lines->len == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "it has no lines but blank ones and remarks");
  if (guess->is_stream)
    return TRUE;
  gboolean is_even = is_of_one_length(guess), quotes = has_quotes(guess);
  guess->is_quoted = quotes;
  if (quotes) { /* lines are others, where a value holds line ends */
    g_array_set_size(guess->lines, 0);
    read_lines(guess);
    drop_passed(guess);
  }
  guess->is_fixed = !choose_delimiter(guess, is_even);
  if (!guess->is_fixed) {
    if (is_even)
      guess_unsure(guess, "that it is delimited: all lines are of one length, too");
    find_marks(guess);
    return TRUE;
  }
  guess->is_quoted = FALSE;
  return TRUE;
}
