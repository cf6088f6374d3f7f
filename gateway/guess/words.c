/* The layout as text of a configuration. Values of the partner's are not repeated in it, but for tags, codes that are
 * a sign, names of columns and what lines to pass over begin with. */
#include "gateway/guess/guess_private.h"
#include "gateway/records/charset.h"
#include <string.h>

enum { SURE_LINES = 20, NUMBER_DIGITS = 15 };

static void add_quoted(GString *text, const char *value) {
  g_string_append_c(text, '"');
  for (; *value; value++) {
    if (*value == '\t')
      g_string_append(text, "\\t");
    else if ((guint8)*value < ' ')
      g_string_append_printf(text, "\\x%02x", (guint)(guint8)*value);
    else if (strchr("\"\\$", *value))
      g_string_append_printf(text, "\\%c", *value);
    else
      g_string_append_c(text, *value);
  }
  g_string_append_c(text, '"');
}

/* --- A field */

static gboolean may_be_number(const Guess *guess, const GuessColumn *column) {
  gboolean is_code = column->has_zero_front || column->longest > NUMBER_DIGITS ||
                     (column->is_digits && column->longest == column->shortest && column->longest >= 6);
  if (guess->is_fixed && column->most_scale == 0 && !column->forms.has_thousands)
    return FALSE;
  return column->is_number && !is_code;
}

static void add_number(const Guess *guess, GString *text, const GuessColumn *column, guint scale, gboolean is_implied) {
  const GuessNumber *forms = &column->forms;
  if (scale > 0 || is_implied)
    g_string_append_printf(text, "  type = decimal  scale = %u%s", scale, is_implied ? "  implied = yes" : "");
  else
    g_string_append(text, "  type = integer");
  if (forms->is_comma)
    g_string_append(text, "  decimal-point = \",\"");
  if (forms->has_thousands)
    g_string_append_printf(text, "  thousands = \"%s\"", forms->is_comma ? "." : ",");
  gboolean is_trimmed = guess->is_fixed && column->has_blank_front, is_plus = forms->has_plus && !guess->is_fixed;
  if (is_trimmed)
    g_string_append(text, "  pad = \" \"");
  if (forms->has_sign_behind || is_plus || is_trimmed)
    g_string_append_printf(text, "  number-form = {%s%s%s }", forms->has_sign_behind ? " trailing-sign," : "",
                           is_plus ? " plus," : "", is_trimmed ? " trim," : "");
  if (text->len > 3 && g_str_has_suffix(text->str, ", }"))
    g_string_erase(text, (gssize)text->len - 3, 1);
}

/* What a total is the sum of, or counts. */
static void add_total(const Guess *guess, GString *text, const GuessColumn *column) {
  const GuessKind *kind = column->total_of < 0 ? NULL : guess->kinds->pdata[column->total_of];
  const GuessColumn *of = kind ? kind->columns->pdata[column->total_column] : NULL;
  guint scale = of ? (of->implied_scale ? of->implied_scale : of->most_scale) : 0;
  gboolean is_implied = scale > 0 && column->most_scale == 0 && !column->forms.has_point;
  add_number(guess, text, column, of ? MAX(scale, column->most_scale) : 0, is_implied);
  if (column->is_control_sure || guess->is_proving)
    g_string_append_printf(text, "  control = %s", column->control);
}

static void add_sign(const Guess *guess, GString *text, const GuessKind *kind, const GuessColumn *column) {
  const GuessColumn *code = kind->columns->pdata[column->sign.column - 1];
  if (guess_sign_holds(guess, kind, column))
    g_string_append_printf(text, "  sign-from = \"%s\"  negative = { \"%s\" }", code->name, column->sign.below);
}

static void add_type(const Guess *guess, GString *text, const GuessKind *kind, const GuessColumn *column) {
  const GuessColumn *told = guess_signed_by(guess, kind, column);
  if (column->is_dropped)
    return;
  if (told) {
    g_string_append_printf(text, "  type = enumeration  values = { \"%s\", \"%s\" }", told->sign.above,
                           told->sign.below);
    return;
  }
  if (column->is_total && column->control) {
    add_total(guess, text, column);
  } else if (column->is_total && column->is_number) {
    guint scale = column->implied_scale ? column->implied_scale : column->most_scale;
    add_number(guess, text, column, scale, column->implied_scale > 0);
    if (column->sign.column)
      add_sign(guess, text, kind, column);
  } else if (column->dates && (column->longest > 6 || column->values >= SURE_LINES)) {
    g_autofree char *words = guess_date_words(column->dates);
    g_string_append_printf(text, "  %s", words);
  } else if (may_be_number(guess, column)) {
    add_number(guess, text, column, column->most_scale, FALSE);
  }
}

static gboolean is_key(const GuessKind *kind, const GuessColumn *column) {
  return kind->role == ROLE_RECORD && column->seen && column->values > 1 && column->absent == 0 && column->dates == 0 &&
         !column->is_total && column->most_scale == 0 && column->longest >= 2;
}

static guint count_forms(guint32 forms) {
  return (guint)__builtin_popcount(forms);
}

/* Why it is that, or what may be wrong with it. */
static char *note_of(const Guess *guess, const GuessKind *kind, const GuessColumn *column) {
  if (column->values == 0)
    return g_strdup("always empty");
  if (column->control)
    return column->is_control_sure
               ? g_strdup("holds over the whole file")
               : g_strdup_printf("unsure: control = %s holds, but such digits may be here by chance",
                                 column->control);
  if (column->is_dropped)
    return g_strdup("not all values are of one type");
  if (column->sign.column && guess_sign_holds(guess, kind, column) && !guess_codes_are_known(&column->sign))
    return g_strdup("unsure: which of the two codes means below zero");
  if (is_key(kind, column))
    return g_strdup_printf("no value comes twice in %u lines: may be the key", g_hash_table_size(column->seen));
  if (column->dates && column->longest == 6)
    return g_strdup("unsure: all values may be dates, year or day first");
  if (column->dates && count_forms(column->dates) > 1)
    return g_strdup("unsure: day and month may be the other way round");
  if (guess->is_fixed && column->is_digits && !column->is_total)
    return g_strdup_printf("digits only: %s",
                           column->has_zero_front ? "perhaps an amount without its point, or several numbers"
                                                  : "a code, or a number");
  gboolean is_code = column->is_number && !column->is_total && !column->dates && !may_be_number(guess, column);
  return is_code ? g_strdup("digits, as of a code") : NULL;
}

static void add_field(const Guess *guess, GString *text, const GuessKind *kind, const GuessColumn *column) {
  g_autofree char *note = note_of(guess, kind, column);
  g_string_append_printf(text, "    field \"%s\" {", column->name);
  if (column->title) {
    g_string_append(text, "  title = ");
    add_quoted(text, column->title);
  }
  if (guess->is_fixed)
    g_string_append_printf(text, "  bytes = %u", column->bytes);
  add_type(guess, text, kind, column);
  g_string_append_printf(text, "%s }", column->absent > 0 || column->values == 0 ? "  optional = yes" : "");
  g_string_append_printf(text, "%s%s\n", note ? "  # " : "", note ? note : "");
}

/* --- Lines */

static void add_line(const Guess *guess, GString *text, const char *word, const GuessKind *kind) {
  g_string_append_printf(text, "  %s", word);
  if (kind->tag) {
    g_string_append_c(text, ' ');
    add_quoted(text, kind->tag);
  }
  g_string_append_printf(text, " {  # %" G_GUINT64_FORMAT " line%s of those looked at\n", kind->lines,
                         kind->lines == 1 ? "" : "s");
  for (guint c = 0; c < kind->columns->len; c++)
    add_field(guess, text, kind, kind->columns->pdata[c]);
  if (kind->columns->len == 0)
    g_string_append(text, "    field \"nothing\" { optional = yes }\n");
  g_string_append(text, "  }\n");
}

static void add_kinds(const Guess *guess, GString *text, GuessRole role, const char *word) {
  for (guint k = 0; k < guess->kinds->len; k++)
    if (((GuessKind *)guess->kinds->pdata[k])->role == role)
      add_line(guess, text, word, guess->kinds->pdata[k]);
}

static void add_names(const Guess *guess, GString *text) {
  const GuessKind *names = guess->kinds->pdata[0];
  g_string_append(text, "  header {  # the names of the columns\n   ");
  for (guint c = 0; c < names->columns->len; c++)
    g_string_append_printf(text, "%s field \"c%u\" { }", c > 0 && c % 8 == 0 ? "\n   " : "", c + 1);
  g_string_append(text, "\n  }\n");
}

static void add_groups(const Guess *guess, GString *text) {
  for (guint g = 0; g < guess->n_groups; g++) {
    g_string_append_printf(text, "  group \"group_%u\" {\n", g + 1);
    for (guint k = 0; k < guess->kinds->len; k++) {
      const GuessKind *kind = guess->kinds->pdata[k];
      if (kind->group == g && (kind->role == ROLE_GROUP_HEADER || kind->role == ROLE_GROUP_TRAILER))
        add_line(guess, text, kind->role == ROLE_GROUP_HEADER ? "header" : "trailer", kind);
    }
    g_string_append(text, "  }\n");
  }
}

static void add_settings(const Guess *guess, GString *text) {
  if (guess->is_fixed) {
    g_string_append(text, "  type = fixed");
    if (guess->by_tag)
      g_string_append_printf(text, "  tag-bytes = %u", guess->tag_bytes);
  } else {
    g_string_append(text, "  type = delimited  delimiter = ");
    add_quoted(text, guess->delimiter);
  }
  if (guess->is_quoted)
    g_string_append(text, "  quote = rfc4180");
  if (!g_str_equal(guess->charset, "UTF-8"))
    g_string_append_printf(text, "  charset = \"%s\"", guess->charset);
  if (!guess->by_tag)
    g_string_append(text, "  lines-by = position");
  if (g_str_equal(guess->line_end, "none") || g_str_equal(guess->line_end, "cr"))
    g_string_append_printf(text, "  line-end = %s", guess->line_end);
  if (guess->end_mark)
    g_string_append_printf(text, "  end-mark = \"%c\"", guess->end_mark);
  if (guess->value_prefix)
    g_string_append_printf(text, "  value-prefix = \"%c\"", guess->value_prefix);
  if (!guess->is_fixed && !guess->is_stream && guess->text[guess->length - 1] != '\n' &&
      guess->text[guess->length - 1] != '\r')
    g_string_append(text, "  last-line-end = optional");
  g_string_append_printf(text, "%s\n", g_str_equal(guess->line_end, "crlf") ? "  # lines end in CR LF" : "");
  if (guess->beginnings->len == 0 && !guess->passes_blank && !guess->passes_ctrl_z)
    return;
  g_string_append(text, "  pass-over {");
  for (guint i = 0; i < guess->beginnings->len; i++) {
    g_string_append(text, i == 0 ? " beginning = { " : ", ");
    add_quoted(text, guess->beginnings->pdata[i]);
  }
  g_string_append_printf(text, "%s%s%s }\n", guess->beginnings->len ? " }" : "",
                         guess->passes_blank ? " blank = yes" : "", guess->passes_ctrl_z ? " ctrl-z = yes" : "");
}

/* --- What may be the amount and the key */

static void add_candidates(const Guess *guess, GString *text) {
  g_autoptr(GString) keys = g_string_new(NULL), amounts = g_string_new(NULL);
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; kind->role == ROLE_RECORD && c < kind->columns->len; c++) {
      const GuessColumn *column = kind->columns->pdata[c];
      gboolean is_amount = !column->is_dropped && !column->dates && column->is_number &&
                           (column->is_total || column->most_scale > 0);
      if (is_amount)
        g_string_append_printf(amounts, "%s%s", amounts->len ? ", " : "", column->name);
      else if (is_key(kind, column))
        g_string_append_printf(keys, "%s%s", keys->len ? ", " : "", column->name);
    }
  }
  g_string_append_printf(text, "# unsure: the key may be %s\n",
                         keys->len ? keys->str : "none of the fields: each has a value twice, or is empty");
  g_string_append_printf(text, "# unsure: the amount may be %s\n",
                         amounts->len ? amounts->str : "any number: no total and no point tells which");
}

char *guess_words(const Guess *guess, const char *name) {
  GString *text = g_string_new(NULL);
  g_string_append_printf(text,
                         "# A proposal from the bytes of a sample: %" G_GUINT64_FORMAT
                         " lines, of which %u were looked at closely.\n# Compare it with the partner's description.\n",
                         guess->counted + guess->passed, guess->lines->len);
  for (guint i = 0; i < guess->unsure->len; i++)
    g_string_append_printf(text, "# unsure: %s\n", (const char *)guess->unsure->pdata[i]);
  add_candidates(guess, text);
  g_string_append(text, "layout ");
  add_quoted(text, name);
  g_string_append(text, " {\n");
  add_settings(guess, text);
  if (guess->has_names)
    add_names(guess, text);
  add_kinds(guess, text, ROLE_HEADER, "header");
  add_groups(guess, text);
  add_kinds(guess, text, ROLE_RECORD, "record");
  add_kinds(guess, text, ROLE_ADDENDUM, "addendum");
  add_kinds(guess, text, ROLE_REMARK, "remark");
  add_kinds(guess, text, ROLE_TRAILER, "trailer");
  g_string_append(text, "}\n");
  return g_string_free(text, FALSE);
}
