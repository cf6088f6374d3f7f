/* The fields of a layout's lines. */
#include "conf/read/section.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

/* A field stands in a line, and the line in a layout or in a group of it. */
static const ConfLayout *layout_of(const Section *section) {
  const Section *around = section->outer->outer;
  return strcmp(around->node->name, "group") == 0 ? around->outer->into : around->into;
}

static gboolean is_zoned(const ConfField *field) {
  return field->sign == CONF_SIGN_OVERPUNCH || field->sign == CONF_SIGN_ZONED_ASCII;
}

static gboolean is_number(const ConfField *field) {
  return field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
}

static void refuse_unless(const Section *section, const char *option, gboolean fits, const char *fitting) {
  if (!fits && section_has(section, option))
    section_error(section, option, "'%s' is for %s", option, fitting);
}

static void read_name(const Section *section, const Row *row, gpointer at) {
  (void)row;
  const char *name = section->node->title;
  *(char **)at = g_strdup(name);
  if (!value_is_field(name))
    section_error(
        section, NULL,
        "a field's name must be 1 to 64 letters, digits or _, not beginning with a digit: rules use it as a column");
}

static void check_title(const Section *section, gpointer into) {
  (void)into;
  const ConfLayout *layout = layout_of(section);
  gboolean is_record = strcmp(section->outer->node->name, "record") == 0;
  refuse_unless(section, "title",
                is_record && layout->kind == CONF_LAYOUT_DELIMITED && layout->header.present &&
                    layout->lines_by == CONF_LINES_BY_POSITION,
                "fields of a delimited record below a header line, with lines-by = position");
}

static void check_format(const Section *section, gpointer into) {
  const ConfField *field = into;
  static const char *const options[] = {"format", "years", "first-year", "year-from"};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    refuse_unless(section, options[i], field->type == CONF_DATE || field->type == CONF_TIMESTAMP,
                  "type = date or timestamp");
  refuse_unless(section, "hour-24", field->type == CONF_TIMESTAMP, "type = timestamp");
  refuse_unless(section, "time-zone", field->type == CONF_TIMESTAMP, "type = timestamp");
}

/* --- Settings of one type: what they say elsewhere is not read. */

static void read_scale(const Section *section, const Row *row, gpointer at) {
  const ConfField *field = section->into;
  refuse_unless(section, row->name, field->type == CONF_DECIMAL, "type = decimal");
  if (field->type != CONF_DECIMAL)
    return;
  section_require(section, row->name, "how many digits stand behind the point");
  kind_number.read(section, row, at);
}

static void read_values(const Section *section, const Row *row, gpointer at) {
  const ConfField *field = section->into;
  refuse_unless(section, row->name, field->type == CONF_ENUMERATION, "type = enumeration");
  if (field->type != CONF_ENUMERATION)
    return;
  section_require(section, row->name, "what the field may hold");
  kind_list.read(section, row, at);
}

static void check_normal_form(const Section *section, gpointer into) {
  const ConfField *field = into;
  refuse_unless(section, "normal-form", field->type == CONF_TEXT, "type = text");
  refuse_unless(section, "strip-prefix", field->type == CONF_TEXT, "type = text");
  if (field->normal_form & 1u << CONF_NORMAL_NONE && field->normal_form != 1u << CONF_NORMAL_NONE)
    section_error(section, "normal-form", "'normal-form': none stands alone");
}

/* --- Control totals. */

static const char *const controls[] = {CONF_CONTROLS(CONF_WORD) NULL};

/* `count`, `count(TAG, …)`, `sum(FIELD)` or `sum(FIELD, TAG, …)`, and the like of sum; FALSE: none of these. */
static gboolean parse_control(const char *text, ConfField *field) {
  gsize length = strlen(text), word = strcspn(text, "(");
  guint control = CONF_CONTROL_COUNT;
  while (controls[control] && (strlen(controls[control]) != word || strncmp(controls[control], text, word) != 0))
    control++;
  if (!controls[control])
    return FALSE;
  gboolean counts = control < CONF_CONTROL_SUM;
  if (text[word] == '\0') {
    field->control = counts ? control : CONF_CONTROL_NONE;
    return counts;
  }
  if (text[length - 1] != ')' || (counts && control != CONF_CONTROL_COUNT))
    return FALSE;
  g_autofree char *inner = g_strndup(text + word + 1, length - word - 2);
  g_auto(GStrv) parts = g_strsplit(inner, ",", -1);
  for (char **part = parts; *part; part++)
    if (*g_strstrip(*part) == '\0')
      return FALSE;
  guint n = g_strv_length(parts);
  if (n == 0)
    return FALSE;
  field->control = control;
  if (!counts)
    field->control_field = g_strdup(parts[0]);
  if (counts || n > 1)
    field->control_lines = g_strdupv(parts + (counts ? 0 : 1));
  return TRUE;
}

/* The tag that a control names twice, which would count or sum its lines twice. NULL: none. */
static const char *named_twice(const ConfField *field) {
  for (char **tag = field->control_lines; tag && *tag; tag++)
    if (g_strv_contains((const char *const *)tag + 1, *tag))
      return *tag;
  return NULL;
}

static gboolean stands_around_records(const Section *section) {
  const char *line = section->outer->node->name;
  return strcmp(line, "header") == 0 || strcmp(line, "trailer") == 0;
}

static void read_control(const Section *section, const Row *row, gpointer at) {
  (void)at;
  ConfField *field = section->into;
  g_autofree char *text = section_text(section, row->name);
  if (!text)
    return;
  if (!stands_around_records(section))
    section_error(section, row->name,
                  "'control' is for fields of the trailer or header: a record does not count itself");
  else if (!parse_control(text, field))
    section_error(section, row->name,
                  "'control' must be count or \"sum(FIELD)\" (or debits, credits, gross, net, debit-count or "
                  "credit-count of it), or of the lines of a tag, \"count(TAG, …)\" or \"sum(FIELD, TAG, …)\"");
  else if (named_twice(field))
    section_error(section, row->name, "'control' names the lines of \"%s\" twice", named_twice(field));
  else if ((field->control < CONF_CONTROL_SUM || field->control >= CONF_CONTROL_DEBIT_COUNT) &&
           field->type != CONF_INTEGER)
    section_error(section, row->name, "a field with control = %s must have type = integer", controls[field->control]);
}

static void check_control(const Section *section, gpointer into) {
  const ConfField *field = into;
  gboolean is_record = strcmp(section->outer->node->name, "record") == 0;
  gboolean counts_lines = field->control == CONF_CONTROL_LINES || field->control == CONF_CONTROL_ALL_LINES;
  refuse_unless(section, "opening", field->control >= CONF_CONTROL_SUM, "a field with control = \"sum(FIELD)\"");
  refuse_unless(section, "low-digits", field->control >= CONF_CONTROL_SUM && field->type == CONF_INTEGER,
                "an integer with control = \"sum(FIELD)\"");
  refuse_unless(section, "per-block", counts_lines, "a field with control = lines or all-lines");
  refuse_unless(section, "numbers", is_record && field->type == CONF_INTEGER && !field->optional,
                "an integer of the record that is not optional");
}

/* --- Fixed width. Numbers are at the right behind zeros, all else at the left before spaces, unless it is said. */

static void check_fixed(const Section *section, gpointer into) {
  static const char *const options[] = {"bytes", "gap", "align", "pad", "sign", "usage"};
  ((ConfField *)into)->pad = ' ';
  gboolean is_fixed = layout_of(section)->kind == CONF_LAYOUT_FIXED;
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    refuse_unless(section, options[i], is_fixed, "layouts of type = fixed");
  if (is_fixed)
    section_require(section, "bytes", "how many bytes of a line the field has");
}

/* Reads as KIND does, in layouts of fixed width only. */
static void read_if_fixed(const Section *section, const Row *row, gpointer at, const Kind *kind) {
  if (layout_of(section)->kind == CONF_LAYOUT_FIXED)
    kind->read(section, row, at);
}

static void read_fixed_number(const Section *section, const Row *row, gpointer at) {
  read_if_fixed(section, row, at, &kind_number);
}

static void read_fixed_choice(const Section *section, const Row *row, gpointer at) {
  read_if_fixed(section, row, at, &kind_choice);
}

static void fill_align(const Section *section, gpointer into) {
  (void)section;
  ConfField *field = into;
  if ((guint)field->align_right == ROW_UNSAID)
    field->align_right = is_number(field);
}

static void read_pad(const Section *section, const Row *row, gpointer at) {
  ConfField *field = section->into;
  if (layout_of(section)->kind != CONF_LAYOUT_FIXED)
    return;
  g_autofree char *pad = section_raw(section, row->name);
  *(char *)at = is_number(field) && field->align_right ? '0' : ' ';
  if (pad && strcmp(pad, "0") != 0 && strcmp(pad, " ") != 0)
    section_error(section, row->name, "'%s' must be \"0\" or \" \"", row->name);
  else if (pad)
    *(char *)at = *pad;
}

static void check_number_place(const Section *section, gpointer into) {
  const ConfField *field = into;
  refuse_unless(section, "implied", field->type == CONF_DECIMAL, "type = decimal");
  if (layout_of(section)->kind != CONF_LAYOUT_FIXED)
    return;
  refuse_unless(section, "sign", is_number(field), "type = integer or decimal");
}

/* --- Bytes that are no characters. */

static const char *const signs[] = {CONF_SIGNS(CONF_WORD) NULL}, *const usages[] = {CONF_FIELD_USAGES(CONF_WORD) NULL};

/* What a field of each usage may be. */
static const struct {
  guint types; /* bits: 1 << ConfFieldType */
  const char *fitting;
  guint most_bytes;
} of_usage[] = {
    [CONF_USAGE_PACKED] = {1u << CONF_TEXT | 1u << CONF_INTEGER | 1u << CONF_DECIMAL | 1u << CONF_DATE,
                           "type = integer, decimal, date or text", 16},
    [CONF_USAGE_BINARY] = {1u << CONF_INTEGER | 1u << CONF_DECIMAL, "type = integer or decimal", 8},
    [CONF_USAGE_HEX] = {1u << CONF_TEXT, "type = text", 4096},
};

/* What is said of characters cannot be said of them. */
static void check_no_characters(const Section *section, const ConfField *field) {
  static const char *const options[] = {"pad", "align", "number-form", "thousands"};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (section_has(section, options[i]))
      section_error(section, options[i], "'%s' is for numbers and texts of characters, and this field is %s",
                    options[i], usages[field->usage]);
  if (is_zoned(field))
    section_error(section, "sign", "'sign': %s is for digits of characters, and this field is %s", signs[field->sign],
                  usages[field->usage]);
  if (section_has(section, "implied") && !field->implied)
    section_error(section, "implied", "'implied': no point stands in the bytes of a %s field", usages[field->usage]);
}

static void check_usage(const Section *section, gpointer into) {
  ConfField *field = into;
  if (field->sign == CONF_SIGN_UNSIGNED && field->usage != CONF_USAGE_PACKED && field->usage != CONF_USAGE_BINARY)
    section_error(section, "sign", "'sign': unsigned is for usage = packed or binary; a plain number may lack a sign");
  if (field->usage == CONF_USAGE_CHARACTERS)
    return;
  if (layout_of(section)->line_end != CONF_LINE_END_NONE)
    section_error(section, "usage",
                  "'usage': a %s field may hold any byte, also those of a line end: the layout needs line-end = none",
                  usages[field->usage]);
  refuse_unless(section, "usage", of_usage[field->usage].types >> field->type & 1, of_usage[field->usage].fitting);
  if (field->bytes > of_usage[field->usage].most_bytes)
    section_error(section, "bytes", "'bytes': a %s field has at most %u", usages[field->usage],
                  of_usage[field->usage].most_bytes);
  if (field->usage == CONF_USAGE_PACKED && field->bytes > 0 && field->width > 2 * field->bytes - 1)
    section_error(section, "width", "'width': %u bytes of packed digits are %u, as the last half byte is the sign",
                  field->bytes, 2 * field->bytes - 1);
  check_no_characters(section, field);
  field->implied = field->type == CONF_DECIMAL;
}

static const char *const points[] = {".", ",", NULL}, *const separators[] = {",", ".", " ", "'", NULL};

static void read_mark(const Section *section, const Row *row, gpointer at) {
  g_autofree char *mark = section_raw(section, row->name), *all = g_strjoinv("\" \"", (char **)(gsize)row->words);
  if (mark && g_strv_contains(row->words, mark))
    *(char **)at = g_steal_pointer(&mark);
  else if (mark)
    section_error(section, row->name, "'%s' must be one of: \"%s\"", row->name, all);
}

static void check_number_forms(const Section *section, gpointer into) {
  static const char *const options[] = {"number-form", "thousands", "decimal-point"};
  const ConfField *field = into;
  const ConfLayout *layout = layout_of(section);
  for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
    refuse_unless(section, options[i], is_number(field), "type = integer or decimal");
    if (is_zoned(field) && section_has(section, options[i]))
      section_error(section, options[i], "'%s': the number has its sign in its last digit (sign = %s)", options[i],
                    signs[field->sign]);
  }
  gboolean has_point = field->type == CONF_DECIMAL && !field->implied;
  refuse_unless(section, "decimal-point", !is_number(field) || has_point, "decimals that have a point");
  if (!has_point && is_number(field) && field->number_forms & (1u << CONF_NUMBER_BARE_POINT | 1u << CONF_NUMBER_EXACT))
    section_error(section, "number-form", "'number-form': bare-point and exact are for decimals that have a point");
  const char *point = field->decimal_point ? field->decimal_point : ".";
  if (has_point && g_strcmp0(field->thousands, point) == 0)
    section_error(section, "thousands", "'thousands' must differ from the decimal point");
  const char *marks[] = {field->decimal_point, field->thousands};
  for (guint i = 0; i < G_N_ELEMENTS(marks); i++)
    if (marks[i] && layout->delimiter && layout->quote == CONF_QUOTE_NONE && strstr(layout->delimiter, marks[i]))
      section_error(section, options[2 - i], "'%s' is the delimiter, and quote = none", options[2 - i]);
}

/* That the field which has the sign is there is checked when the line is whole (check/lines.c). */
static void check_sign_from(const Section *section, gpointer into) {
  const ConfField *field = into;
  refuse_unless(section, "sign-from", is_number(field), "type = integer or decimal");
  refuse_unless(section, "sign-from", strcmp(section->outer->node->name, "addendum") != 0,
                "any line but an addendum");
  section_only_with(section, "negative", field->sign_from != NULL, "'sign-from'");
  refuse_unless(section, "below-zero", is_number(field), "type = integer or decimal");
  if (field->below_zero && (field->sign_from || is_zoned(field)))
    section_error(section, "below-zero", "'below-zero': the number has a sign that is told elsewhere");
  if (field->sign_from)
    section_require(section, "negative", "which of its values mean that the number is below zero");
  if (field->sign_from && is_zoned(field))
    section_error(section, "sign-from", "'sign-from': the number has its sign in its last digit (sign = %s)",
                  signs[field->sign]);
}

/* Zeros at the right are taken away when the field is read: of a number they change the value, and of a text, account
 * 000120 would be account 00012. */
static void check_zeros(const Section *section, gpointer into) {
  const ConfField *field = into;
  if (field->pad != '0' || field->align_right)
    return;
  section_error(section, section_has(section, "align") ? "align" : "pad",
                is_number(field)
                    ? "zeros behind a number change it: pad = \"0\" wants align = right"
                    : "zeros at the end of a value would go with the padding: pad = \"0\" wants align = right");
}

static const Kind kind_mark = {.store = STORE_TEXT, .read = read_mark};
static const Kind kind_field_name = {.store = STORE_TEXT, .read = read_name};
static const Kind kind_scale = {.store = STORE_UINT, .read = read_scale};
static const Kind kind_values = {.store = STORE_LIST, .is_list = TRUE, .read = read_values};
static const Kind kind_control = {.store = STORE_UINT, .read = read_control};
static const Kind kind_fixed_number = {.store = STORE_UINT, .read = read_fixed_number};
static const Kind kind_fixed_choice = {.store = STORE_UINT, .read = read_fixed_choice};
static const Kind kind_pad = {.store = STORE_BYTE, .read = read_pad};
static const char *const alignments[] = {"left", "right", NULL};

static const Row rows[] = {
    WHERE(ConfField),
    {MEMBER(ConfField, name), .kind = &kind_field_name},
    CHECK(check_title),
    ROW(ConfField, "title", title, text),
    ROW(ConfField, "type", type, choice, .words = WORDS(CONF_FIELD_TYPES), .otherwise = CONF_TEXT),
    ROW(ConfField, "width", width, number, .otherwise = 0, .least = 1, .most = 65536),
    CHECK(check_format),
    ROW(ConfField, "format", format, text),
    ROW(ConfField, "years", years, choice, .words = WORDS(CONF_YEARS), .otherwise = CONF_YEARS_GREGORIAN),
    ROW(ConfField, "first-year", first_year, number, .otherwise = 0, .least = 1, .most = 9900),
    ROW(ConfField, "year-from", year_from, text),
    ROW(ConfField, "hour-24", hour_24, yes),
    ROW(ConfField, "time-zone", time_zone, time_zone),
    ROW(ConfField, "scale", scale, scale, .otherwise = 0, .least = 0, .most = 18),
    ROW(ConfField, "values", values, values, .most = 1000),
    ROW(ConfField, "normal-form", normal_form, words, .words = WORDS(CONF_NORMAL_FORMS)),
    ROW(ConfField, "strip-prefix", strip_prefix, text),
    CHECK(check_normal_form),
    ROW(ConfField, "optional", optional, yes),
    ROW(ConfField, "mask", mask, yes),
    ROW(ConfField, "control", control, control),
    ROW(ConfField, "opening", opening, text),
    ROW(ConfField, "low-digits", low_digits, number, .otherwise = 0, .least = 1, .most = 18),
    ROW(ConfField, "per-block", per_block, number, .otherwise = 0, .least = 2, .most = 1000000),
    ROW(ConfField, "numbers", numbers, choice, .words = WORDS(CONF_NUMBERS), .otherwise = CONF_NUMBERS_NOTHING),
    CHECK(check_control),
    KEPT(ConfField, control_field, text),
    KEPT(ConfField, control_lines, list),
    CHECK(check_fixed),
    ROW(ConfField, "bytes", bytes, fixed_number, .otherwise = 0, .least = 1, .most = 65536),
    ROW(ConfField, "gap", gap, fixed_number, .otherwise = 0, .least = 1, .most = 256),
    ROW(ConfField, "align", align_right, fixed_choice, .words = alignments, .otherwise = ROW_UNSAID),
    CHECK(fill_align),
    ROW(ConfField, "pad", pad, pad),
    CHECK(check_number_place),
    ROW(ConfField, "implied", implied, yes),
    ROW(ConfField, "sign", sign, fixed_choice, .words = WORDS(CONF_SIGNS), .otherwise = CONF_SIGN_PLAIN),
    ROW(ConfField, "usage", usage, fixed_choice, .words = WORDS(CONF_FIELD_USAGES), .otherwise = CONF_USAGE_CHARACTERS),
    CHECK(check_usage),
    CHECK(check_zeros),
    ROW(ConfField, "number-form", number_forms, words, .words = WORDS(CONF_NUMBER_FORMS)),
    ROW(ConfField, "decimal-point", decimal_point, mark, .words = points),
    ROW(ConfField, "thousands", thousands, mark, .words = separators),
    CHECK(check_number_forms),
    ROW(ConfField, "below-zero", below_zero, yes),
    ROW(ConfField, "sign-from", sign_from, text),
    ROW(ConfField, "negative", negative, list, .most = 100),
    CHECK(check_sign_from),
    ROWS_END,
};
const Table table_field = TABLE(ConfField, rows);
