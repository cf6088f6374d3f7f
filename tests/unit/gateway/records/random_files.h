/* What test_random_layouts.c makes, and the numbers in it, in the forms that their fields declare. */
#pragma once
#include "tests/unit/gateway/records/pieces.h"

enum { MOST_GROUPS = 2 };

typedef struct {
  gint64 sum, debits, credits; /* of the records' amounts; the latter two without sign */
  guint records, n_debits, n_credits, addenda, lines, passed_over, inner;
  gint64 opening;
} Scope;

typedef struct {
  ConfLayout *conf;
  GString *text, *told; /* told: all records, as layouts_tell() has them */
  GArray *totals;       /* gsize: where a digit of each control total stands */
  guint lines, records, n_groups;
  guint64 state; /* of the generator */
  gsize amount_scale;
  Scope scopes[1 + MOST_GROUPS]; /* the file, and the groups from the outermost in */
  GHashTable *values;            /* by column: what the record has from its groups and itself */
} File;

static inline guint random_below(File *file, guint below) {
  file->state = file->state * G_GUINT64_CONSTANT(6364136223846793005) + 1442695040888963407u;
  return (guint)((file->state >> 33) % below);
}

static inline gboolean one_in(File *file, guint n) {
  return random_below(file, n) == 0;
}

/* --- Forms */

static inline void form_date(File *file, ConfField *field) {
  static const char *const formats[] = {NULL, "%Y%m%d", "%d.%m.%Y", "%y%m%d", "%Y%j"};
  const char *format = formats[random_below(file, G_N_ELEMENTS(formats))];
  field->format = g_strdup(format);
  field->first_year = format && strstr(format, "%y") ? 2000 : 0;
}

static inline void form_delimited(File *file, ConfField *field) {
  static const ConfNumberForm signs[] = {CONF_NUMBER_TRAILING_SIGN, CONF_NUMBER_PARENTHESES, CONF_NUMBER_PLUS};
  if (one_in(file, 2))
    field->number_forms |= 1u << signs[random_below(file, G_N_ELEMENTS(signs))];
  if (one_in(file, 3))
    field->number_forms |= 1u << CONF_NUMBER_TRIM;
  if (one_in(file, 3)) {
    field->thousands = g_strdup(".");
    field->decimal_point = g_strdup(",");
  }
  if (field->type != CONF_DECIMAL)
    return;
  field->implied = !field->thousands && one_in(file, 3);
  if (!field->implied && one_in(file, 3))
    field->number_forms |= 1u << CONF_NUMBER_BARE_POINT;
  if (!field->implied && one_in(file, 3))
    field->number_forms |= 1u << CONF_NUMBER_EXACT;
}

static inline void random_form(File *file, ConfField *field) {
  if (field->type == CONF_DATE)
    form_date(file, field);
  if (field->type != CONF_INTEGER && field->type != CONF_DECIMAL)
    return;
  if (file->conf->kind != CONF_LAYOUT_FIXED) {
    form_delimited(file, field);
    return;
  }
  field->align_right = TRUE;
  field->pad = one_in(file, 3) ? ' ' : '0';
  field->implied = field->type == CONF_DECIMAL;
  if (field->control == CONF_CONTROL_NONE && !field->sign_from && one_in(file, 3))
    field->sign = CONF_SIGN_OVERPUNCH;
}

/* --- Numbers */

static inline gboolean has(const ConfField *field, ConfNumberForm form) {
  return field->number_forms >> form & 1;
}

static inline void put_whole(GString *into, const char *digits, gsize n, const char *thousands) {
  for (gsize i = 0; i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0 && thousands)
      g_string_append(into, thousands);
    g_string_append_c(into, digits[i]);
  }
}

/* Without its sign. */
static inline GString *unsigned_number(File *file, const ConfField *field, guint64 value) {
  GString *into = g_string_new(NULL);
  guint scale = field->type == CONF_DECIMAL ? field->scale : 0;
  g_autofree char *digits = g_strdup_printf("%0*" G_GUINT64_FORMAT, (int)scale + 1, value);
  gsize n = strlen(digits);
  if (field->implied || scale == 0) {
    put_whole(into, digits, n, field->thousands);
    return into;
  }
  gsize fraction = scale;
  while (!has(field, CONF_NUMBER_EXACT) && fraction > 0 && digits[n - scale + fraction - 1] == '0' && one_in(file, 2))
    fraction--;
  gboolean is_bare = fraction > 0 && has(field, CONF_NUMBER_BARE_POINT) && n == scale + 1 && *digits == '0';
  if (!is_bare)
    put_whole(into, digits, n - scale, field->thousands);
  if (fraction > 0)
    g_string_append_printf(into, "%s%.*s", field->decimal_point ? field->decimal_point : ".", (int)fraction,
                           digits + n - scale);
  return into;
}

static inline char *number_cell(File *file, const ConfField *field, gint64 value) {
  GString *text = unsigned_number(file, field, (guint64)ABS(value));
  gboolean is_below = value < 0 && !field->sign_from, may_plus = has(field, CONF_NUMBER_PLUS) && !field->sign_from;
  if (field->sign == CONF_SIGN_OVERPUNCH) {
    guint last = (guint)(text->str[text->len - 1] - '0');
    text->str[text->len - 1] = (is_below ? "}JKLMNOPQR" : "{ABCDEFGHI")[last];
    is_below = FALSE;
  }
  gsize sign = is_below ? 1 : 0;
  while (field->pad == '0' && text->len + sign < field->bytes)
    g_string_prepend_c(text, '0');
  if (is_below && has(field, CONF_NUMBER_PARENTHESES))
    g_string_append_c(g_string_prepend_c(text, '('), ')');
  else if (is_below && has(field, CONF_NUMBER_TRAILING_SIGN))
    g_string_append_c(text, '-');
  else if (is_below)
    g_string_prepend_c(text, '-');
  else if (may_plus && value > 0 && one_in(file, 2))
    g_string_prepend_c(text, '+');
  if (has(field, CONF_NUMBER_TRIM) && one_in(file, 2))
    g_string_append(g_string_prepend(text, " "), "  ");
  return g_string_free(text, FALSE);
}
