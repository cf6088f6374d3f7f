#include "gateway/guess/roles.h"

static GuessKind *kind_at(const Guess *guess, guint k) {
  return guess->kinds->pdata[k];
}

/* Whether lines of this role are looked at when groups are sought. */
static gboolean is_open(const Guess *guess, guint k) {
  return kind_at(guess, k)->role == ROLE_RECORD;
}

static guint nth_open(const Guess *guess, gboolean from_end) {
  guint n = guess->lines->len;
  for (guint i = 0; i < n; i++) {
    guint k = g_array_index(guess->lines, GuessLine, from_end ? n - 1 - i : i).kind;
    if (is_open(guess, k))
      return k;
  }
  return guess->kinds->len;
}

/* From an `a` to the next `b`, then an `a` again; and what is between is not the same each time, or one kind of it
 * comes several times: else it is a record of several lines. */
static gboolean holds_all(const Guess *guess, guint a, guint b, guint kinds) {
  gboolean is_within = FALSE, varies = FALSE;
  guint between = 0, before = 0, times = 0;
  for (guint i = 0; i < guess->n_head; i++) {
    guint k = g_array_index(guess->lines, GuessLine, i).kind;
    if (!is_open(guess, k))
      continue;
    if (k == a ? is_within : !is_within)
      return FALSE;
    is_within = k != b;
    between = k == a ? 0 : between + (k == b ? 0 : 1);
    if (k != b)
      continue;
    varies = varies || between > kinds - 2 || (times++ > 0 && between != before);
    before = between;
  }
  return varies;
}

static guint open_kinds(const Guess *guess) {
  guint n = 0;
  for (guint k = 0; k < guess->kinds->len; k++)
    n += is_open(guess, k) ? 1 : 0;
  return n;
}

static void find_groups(Guess *guess) {
  while (guess->n_groups < 4 && open_kinds(guess) >= 3) {
    guint a = nth_open(guess, FALSE), b = nth_open(guess, TRUE);
    guint64 times = kind_at(guess, a)->lines;
    if (a == b || times != kind_at(guess, b)->lines || !holds_all(guess, a, b, open_kinds(guess)))
      return;
    if (times == 1)
      guess_unsure(guess, "that lines \"%s\" and \"%s\" hold a group: there is one only", kind_at(guess, a)->tag,
                   kind_at(guess, b)->tag);
    kind_at(guess, a)->role = ROLE_GROUP_HEADER;
    kind_at(guess, b)->role = ROLE_GROUP_TRAILER;
    kind_at(guess, a)->group = kind_at(guess, b)->group = guess->n_groups++;
  }
}

/* A line before the records and one behind them, and another behind the whole file: a group that comes once. */
static void pair_lone_trailer(Guess *guess) {
  guint last = nth_open(guess, TRUE), first = nth_open(guess, FALSE);
  guint header = g_array_index(guess->lines, GuessLine, 0).kind;
  gboolean has_header = kind_at(guess, header)->role == ROLE_HEADER;
  if (!has_header || last == guess->kinds->len || last == first || kind_at(guess, last)->lines != 1 ||
      open_kinds(guess) < 2 || kind_at(guess, first)->lines < 2 || guess->n_groups > 0)
    return;
  guess_unsure(guess, "that lines \"%s\" and \"%s\" hold a group: there is one only", kind_at(guess, header)->tag,
               kind_at(guess, last)->tag);
  kind_at(guess, header)->role = ROLE_GROUP_HEADER;
  kind_at(guess, last)->role = ROLE_GROUP_TRAILER;
  kind_at(guess, header)->group = kind_at(guess, last)->group = guess->n_groups++;
}

/* How alike two kinds are, in hundredths of their columns. */
static guint alikeness(const Guess *guess, guint a, guint b) {
  const GuessKind *left = kind_at(guess, a), *right = kind_at(guess, b);
  guint same = 0, of = 0;
  if (!guess->is_fixed)
    return MIN(left->n_cells, right->n_cells) * 100 / MAX(MAX(left->n_cells, right->n_cells), 1);
  const GuessLine *one = NULL, *other = NULL;
  for (guint i = 0; i < guess->lines->len; i++) {
    const GuessLine *line = &g_array_index(guess->lines, GuessLine, i);
    one = !one && line->kind == a ? line : one;
    other = !other && line->kind == b ? line : other;
  }
  for (guint c = 0; one && other && c < MIN(one->length, other->length); c++, of++) {
    guint8 x = guess->plain[one->at[c]], y = guess->plain[other->at[c]];
    same += (x == ' ') == (y == ' ') && g_ascii_isdigit((char)x) == g_ascii_isdigit((char)y);
  }
  return of ? same * 100 / of : 0;
}

/* Every line of the kind stands behind a record, or behind what goes with one. */
static gboolean follows_records(const Guess *guess, guint kind) {
  for (guint i = 0; i < guess->n_head; i++) {
    if (g_array_index(guess->lines, GuessLine, i).kind != kind)
      continue;
    GuessRole before = i > 0 ? kind_at(guess, g_array_index(guess->lines, GuessLine, i - 1).kind)->role : ROLE_HEADER;
    if (before != ROLE_RECORD && before != ROLE_ADDENDUM)
      return FALSE;
  }
  return TRUE;
}

static void find_addenda(Guess *guess) {
  guint record = nth_open(guess, FALSE);
  for (guint k = 0; k < guess->kinds->len; k++) {
    if (k == record || !is_open(guess, k) || !follows_records(guess, k) || alikeness(guess, record, k) >= 75)
      continue;
    kind_at(guess, k)->role = ROLE_ADDENDUM;
    guess_unsure(guess, "that lines \"%s\" belong to the record before them, and are none of their own",
                 kind_at(guess, k)->tag);
  }
}

void guess_roles(Guess *guess) {
  guint first = g_array_index(guess->lines, GuessLine, 0).kind,
        last = g_array_index(guess->lines, GuessLine, guess->lines->len - 1).kind;
  guint others = guess->kinds->len;
  if (kind_at(guess, first)->lines == 1 && others > 1 && guess->lines->len > 2) {
    kind_at(guess, first)->role = ROLE_HEADER;
    others--;
  }
  if (last != first && kind_at(guess, last)->lines == 1 && others > 1) {
    kind_at(guess, last)->role = ROLE_TRAILER;
    others--;
  }
  find_groups(guess);
  pair_lone_trailer(guess);
  find_addenda(guess);
}
