/* Kinds of line by their tags, or by their place. */
#include "gateway/guess/guess_private.h"
#include "gateway/guess/roles.h"
#include <string.h>

enum { TAG_MOST = 12, TAG_BYTES_MOST = 4 };

/* In ASCII. FALSE: what stands there is no tag. */
static gboolean tag_of(const Guess *guess, const GuessLine *line, guint bytes, char tag[TAG_MOST + 1]) {
  GuessCell cell = {0, bytes};
  if (!guess->is_fixed) {
    guess_cells(guess, line, &cell, 1);
    cell = guess_trim(guess, line->at, cell);
  }
  if (cell.length == 0 || cell.length > TAG_MOST || cell.offset + cell.length > line->length)
    return FALSE;
  for (guint i = 0; i < cell.length; i++) {
    guint8 byte = guess->plain[line->at[cell.offset + i]];
    if (byte >= 0x80 || byte < ' ' || byte == '"' || byte == '\\')
      return FALSE;
    tag[i] = (char)byte;
  }
  tag[cell.length] = 0;
  for (guint end = cell.length; guess->is_fixed && end > 1 && tag[end - 1] == ' '; end--)
    tag[end - 1] = 0;
  return TRUE;
}

guint guess_kind_of(const Guess *guess, const GuessLine *line, gboolean is_first, gboolean is_last) {
  char tag[TAG_MOST + 1];
  if (guess->by_tag && !tag_of(guess, line, guess->tag_bytes, tag))
    return guess->kinds->len;
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *kind = guess->kinds->pdata[k];
    gboolean is_it = guess->by_tag                                            ? strcmp(kind->tag, tag) == 0
                     : kind->role == ROLE_HEADER || kind->role == ROLE_NAMES ? is_first
                     : kind->role == ROLE_TRAILER                            ? is_last
                                                                             : TRUE;
    if (is_it)
      return k;
  }
  return guess->kinds->len;
}

static void free_column(gpointer data) {
  GuessColumn *column = data;
  if (column->seen)
    g_hash_table_unref(column->seen);
  g_free(column->name);
  g_free(column->title);
  g_free(column->control);
  g_free(column);
}

static GuessKind *add_kind(Guess *guess, const char *tag, GuessRole role) {
  GuessKind *kind = g_new0(GuessKind, 1);
  kind->tag = g_strdup(tag);
  kind->role = role;
  kind->columns = g_ptr_array_new_with_free_func(free_column);
  g_ptr_array_add(guess->kinds, kind);
  return kind;
}

static guint cells_of(const Guess *guess, const GuessLine *line) {
  GuessCell none;
  return guess->is_fixed ? line->length : guess_cells(guess, line, &none, 1);
}

/* --- By tag? */

/* Each kind's lines are all of one shape; kinds are few; and not each line is one of its own. */
static gboolean are_tags(Guess *guess) {
  g_autoptr(GHashTable) shapes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) sizes = g_hash_table_new(NULL, NULL);
  guint odd = 0, n = guess->lines->len;
  for (guint i = 0; i < n; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    char tag[TAG_MOST + 1];
    if (!tag_of(guess, line, 0, tag))
      return FALSE;
    guint cells = cells_of(guess, line);
    gpointer before = g_hash_table_lookup(shapes, tag);
    odd += before && GPOINTER_TO_UINT(before) != cells;
    if (!before)
      g_hash_table_insert(shapes, g_strdup(tag), GUINT_TO_POINTER(cells));
    g_hash_table_insert(sizes, GUINT_TO_POINTER(cells), shapes);
    if (g_hash_table_size(shapes) > GUESS_KINDS)
      return FALSE;
  }
  guint kinds = g_hash_table_size(shapes);
  if (odd * 50 > n || (kinds == n && n > 1 && kinds < 4))
    return FALSE;
  if (kinds == n && n < 8)
    return g_hash_table_size(sizes) * 2 > kinds;
  if (kinds == 1)
    guess_unsure(guess, "that the first value of each line, which is always the same, is the tag of its kind");
  return kinds == 1 || g_hash_table_size(sizes) > 1;
}

/* --- Fixed: how many bytes say of which kind a line is */

static guint class_of(const Guess *guess, const GuessLine *line, guint at) {
  guint8 plain = at < line->length ? guess->plain[line->at[at]] : 0;
  return plain == 0 ? 0 : plain == ' ' ? 1 : g_ascii_isdigit((char)plain) ? 2 : g_ascii_isalpha((char)plain) ? 3 : 4;
}

/* What it costs to say all lines by one pattern for each kind: patterns, and what is not as they say. */
static guint64 cost_of(const Guess *guess, guint bytes) {
  enum { WIDTH = 400 };
  g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  guint64 odd = 0, patterns = 0;
  for (guint i = 0; i < MIN(guess->lines->len, 2000); i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    char tag[TAG_MOST + 1] = "";
    if (bytes > 0 && !tag_of(guess, line, bytes, tag))
      return G_MAXUINT64;
    guint16(*seen)[5] = g_hash_table_lookup(kinds, tag);
    if (!seen) {
      seen = g_malloc0(sizeof *seen * WIDTH);
      g_hash_table_insert(kinds, g_strdup(tag), seen);
      patterns += 20;
      for (guint c = 0; c < line->length; c++)
        patterns += class_of(guess, line, c) != 1;
      if (g_hash_table_size(kinds) > GUESS_KINDS)
        return G_MAXUINT64;
    }
    for (guint c = 0; c < WIDTH; c++) /* 0: behind the line's end, which is where its kind's lines end */
      seen[c][class_of(guess, line, c)]++;
  }
  if (bytes > 0 && guess->lines->len > 3 && g_hash_table_size(kinds) == guess->lines->len)
    return G_MAXUINT64; /* each line is one of its own */
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, kinds);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    for (guint c = 0; c < WIDTH; c++) {
      const guint16 *seen = ((guint16(*)[5])value)[c];
      guint all = 0, most = 0;
      for (guint k = 0; k < 5; k++) {
        all += seen[k];
        most = MAX(most, seen[k]);
      }
      odd += all - most;
    }
  return odd * 4 + patterns;
}

static gboolean are_letters(const Guess *guess, guint at) {
  guint letters = 0;
  for (guint i = 0; i < guess->lines->len; i++) {
    guint class = class_of(guess, &g_array_index(guess->lines, GuessLine, i), at);
    letters += class == 3;
    if (class != 3 && class != 1)
      return FALSE;
  }
  return letters * 2 >= guess->lines->len;
}

/* Of many lines, only the first or the last one has another first byte, or both. */
static gboolean has_lone_ends(const Guess *guess) {
  enum { MANY = 20 };
  guint n = guess->lines->len, others = 0;
  char first[TAG_MOST + 1], last[TAG_MOST + 1], middle[TAG_MOST + 1], tag[TAG_MOST + 1];
  if (n < MANY || !tag_of(guess, &g_array_index(guess->lines, GuessLine, 0), 1, first) ||
      !tag_of(guess, &g_array_index(guess->lines, GuessLine, n - 1), 1, last) ||
      !tag_of(guess, &g_array_index(guess->lines, GuessLine, n / 2), 1, middle))
    return FALSE;
  for (guint i = 1; i + 1 < n; i++)
    others += tag_of(guess, &g_array_index(guess->lines, GuessLine, i), 1, tag) && strcmp(tag, middle) == 0 ? 0 : 1;
  return others == 0 && (strcmp(first, middle) != 0 || strcmp(last, middle) != 0);
}

static void choose_tag_bytes(Guess *guess) {
  guint64 least = cost_of(guess, 0);
  for (guint bytes = 1; bytes <= TAG_BYTES_MOST; bytes++) {
    guint64 cost = cost_of(guess, bytes);
    if (cost >= least)
      continue;
    least = cost;
    guess->tag_bytes = bytes;
  }
  if (guess->tag_bytes == 0 && has_lone_ends(guess))
    guess->tag_bytes = 1;
  while (guess->tag_bytes > 0 && guess->tag_bytes < TAG_BYTES_MOST && are_letters(guess, guess->tag_bytes - 1) &&
         are_letters(guess, guess->tag_bytes) && cost_of(guess, guess->tag_bytes + 1) != G_MAXUINT64)
    guess->tag_bytes++;
  guess->by_tag = guess->tag_bytes > 0;
}

/* --- By position */

static gboolean is_name(const Guess *guess, const guint8 *at, guint length) {
  for (guint i = 0; i < length; i++)
    if (g_ascii_isdigit((char)guess->plain[at[i]]) && i == 0)
      return FALSE;
  return length > 0;
}

/* Names, where the lines below have numbers. */
static gboolean has_names(const Guess *guess) {
  GuessCell above[GUESS_CELLS], below[GUESS_CELLS];
  if (guess->is_fixed || guess->lines->len < 2)
    return FALSE;
  const GuessLine *first = &g_array_index(guess->lines, GuessLine, 0), *second = first + 1;
  guint n = guess_cells(guess, first, above, GUESS_CELLS), numbers = 0;
  if (n < 2 || n > GUESS_CELLS || guess_cells(guess, second, below, GUESS_CELLS) != n)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    GuessCell name = guess_trim(guess, first->at, above[i]), value = guess_trim(guess, second->at, below[i]);
    GuessNumber number;
    if (!is_name(guess, first->at + name.offset, name.length))
      return FALSE;
    numbers += guess_number(guess, second->at + value.offset, value.length, &number) ||
               guess_date_forms(guess, (const char *)second->at + value.offset, value.length) != 0;
  }
  return numbers > 0;
}

/* Lines of another number of values, not the last: passed over, by what they begin with. */
static void pass_over_odd(Guess *guess, guint cells) {
  guint kept = 0, n = guess->lines->len;
  for (guint i = 0; i < n; i++) {
    GuessLine line = g_array_index(guess->lines, GuessLine, i);
    GuessCell first;
    if (i > 0 && i + 1 < n && cells_of(guess, &line) != cells && guess->beginnings->len < 5 && n > 4) {
      guess_cells(guess, &line, &first, 1);
      char *beginning = g_strndup((const char *)line.at, MIN(first.length + strlen(guess->delimiter), 60));
      gboolean is_text = first.length > 0 && g_utf8_validate(beginning, -1, NULL) && !strpbrk(beginning, "\"\\");
      if (is_text) {
        guess_unsure(guess, "a line of %u values among those of %u is passed over", cells_of(guess, &line), cells);
        g_ptr_array_add(guess->beginnings, beginning);
        continue;
      }
      g_free(beginning);
    }
    g_array_index(guess->lines, GuessLine, kept++) = line;
  }
  g_array_set_size(guess->lines, kept);
  guess->n_head -= MIN(guess->n_head, n - kept);
}

static guint usual_cells(const Guess *guess) {
  g_autofree guint *counts = g_new0(guint, GUESS_LINE_MOST + 1);
  guint best = 0;
  for (guint i = 0; i < guess->lines->len; i++)
    counts[MIN(cells_of(guess, &g_array_index(guess->lines, GuessLine, i)), GUESS_LINE_MOST)]++;
  for (guint c = 1; c <= GUESS_LINE_MOST; c++)
    best = counts[c] > counts[best] ? c : best;
  return best;
}

static guint odd_columns(const Guess *guess, guint line) {
  guint n = guess->lines->len, odd = 0;
  const GuessLine *it = &g_array_index(guess->lines, GuessLine, line),
                  *other = &g_array_index(guess->lines, GuessLine, n / 2);
  for (guint c = 0; c < it->length; c++)
    odd += class_of(guess, it, c) != class_of(guess, other, c);
  return odd;
}

static gboolean is_other(const Guess *guess, guint line, guint cells) {
  const GuessLine *it = &g_array_index(guess->lines, GuessLine, line);
  if (!guess->is_fixed)
    return cells_of(guess, it) != cells;
  return it->length != cells || (guess->lines->len > 3 && odd_columns(guess, line) * 4 > it->length);
}

static void kinds_by_position(Guess *guess) {
  guint cells = usual_cells(guess);
  if (!guess->is_fixed)
    pass_over_odd(guess, cells);
  guint n = guess->lines->len;
  guess->has_names = has_names(guess);
  if (guess->has_names)
    add_kind(guess, NULL, ROLE_NAMES);
  else if (n > 2 && is_other(guess, 0, cells))
    add_kind(guess, NULL, ROLE_HEADER);
  if (n > 2 && is_other(guess, n - 1, cells))
    add_kind(guess, NULL, ROLE_TRAILER);
  add_kind(guess, NULL, ROLE_RECORD);
  if (guess->kinds->len == 1)
    guess_unsure(guess, "that all lines are of one kind: neither what they begin with nor their place tells kinds "
                        "apart; a tag may stand within them");
  if (guess->kinds->len > 1 && !guess->has_names)
    guess_unsure(guess, "that lines are told apart by their place: the first or last one is unlike the others");
}

/* --- */

static void kinds_by_tag(Guess *guess) {
  for (guint i = 0; i < guess->lines->len; i++) {
    GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    char tag[TAG_MOST + 1];
    if (tag_of(guess, line, guess->tag_bytes, tag) && guess_kind_of(guess, line, FALSE, FALSE) == guess->kinds->len)
      add_kind(guess, tag, ROLE_RECORD);
  }
}

/* A fixed line's length; of delimited ones, how many values most of them have. */
static void learn_size(Guess *guess, guint k) {
  GuessKind *kind = guess->kinds->pdata[k];
  g_autofree guint *counts = g_new0(guint, GUESS_LINE_MOST + 1);
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    if (line->kind != k)
      continue;
    kind->lines++;
    counts[MIN(cells_of(guess, line), GUESS_LINE_MOST)]++;
  }
  guint best = 0, lengths = 0;
  for (guint c = 1; c <= GUESS_LINE_MOST; c++) {
    lengths += counts[c] > 0;
    best = counts[c] > counts[best] ? c : best;
  }
  *(guess->is_fixed ? &kind->bytes : &kind->n_cells) = best;
  if (lengths > 1)
    guess_unsure(guess, "the %s of lines %s%s%s: they differ, and %u are the most usual",
                 guess->is_fixed ? "length" : "number of values", kind->tag ? "\"" : "", kind->tag ? kind->tag : "",
                 kind->tag ? "\"" : "", best);
}

gboolean guess_kinds(Guess *guess, GError **error) {
  if (guess->is_fixed)
    choose_tag_bytes(guess);
  else
    guess->by_tag = are_tags(guess);
  if (guess->by_tag)
    kinds_by_tag(guess);
  else
    kinds_by_position(guess);
  for (guint i = 0; i < guess->lines->len; i++) {
    GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    line->kind = guess_kind_of(guess, line, i == 0, i + 1 == guess->lines->len);
  }
  for (guint k = 0; k < guess->kinds->len; k++)
    learn_size(guess, k);
  if (guess->by_tag)
    guess_roles(guess);
  guint records = 0, odd = 0;
  for (guint k = 0; k < guess->kinds->len; k++)
    records += ((GuessKind *)guess->kinds->pdata[k])->role == ROLE_RECORD;
  for (guint i = 0; guess->is_fixed && i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    odd += line->length != ((GuessKind *)guess->kinds->pdata[line->kind])->bytes;
  }
  if (records == 0 || odd * 10 > guess->lines->len)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "its lines have neither a delimiter in common nor one length for each kind");
  if (guess->lines->len < 20)
    guess_unsure(guess, "everything that rests on many lines: there are only %u", guess->lines->len);
  return TRUE;
}

gboolean guess_tag_is_plain(const char *tag) {
  for (; tag && *tag; tag++)
    if (!g_ascii_isalnum(*tag))
      return FALSE;
  return tag != NULL;
}
