#include "gateway/base/files.h"
#include "gateway/records/cells_private.h"
#include "gateway/records/normal_form.h"
#include "gateway/records/numbers.h"
#include <string.h>

void fault_code(Fault fault, char code[FAULT_CODE_LENGTH]) {
  g_snprintf(code, FAULT_CODE_LENGTH, "L%03u", (guint)fault);
}

gboolean value_is_integer(const ConfField *field) {
  return field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
}

/* More digits than 18, which may overflow or be zeros in front. */
static Fault read_long_magnitude(const guint8 *at, gsize length, guint64 *magnitude) {
  guint64 value = 0;
  gboolean overflow = FALSE;
  for (gsize i = 0; i < length; i++) {
    guint digit = (guint)at[i] - '0';
    if (digit > 9)
      return FAULT_INTEGER;
    overflow = overflow || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value);
  }
  *magnitude = value;
  return overflow ? FAULT_RANGE : FAULT_NONE;
}

/* Eight digits at once: neighbours are added in pairs, then the pairs, then the fours. FALSE: something else is among
 * them. */
static inline gboolean read_eight(const guint8 *at, guint64 *value) {
  guint64 word;
  memcpy(&word, at, 8);
  word = GUINT64_FROM_LE(word) ^ G_GUINT64_CONSTANT(0x3030303030303030);
  if (((word | (word + G_GUINT64_CONSTANT(0x7676767676767676))) & G_GUINT64_CONSTANT(0x8080808080808080)) != 0)
    return FALSE;
  word = (word * 10 + (word >> 8)) & G_GUINT64_CONSTANT(0x00ff00ff00ff00ff);
  word = (word * 100 + (word >> 16)) & G_GUINT64_CONSTANT(0x0000ffff0000ffff);
  *value = (word * 10000 + (word >> 32)) & G_GUINT64_CONSTANT(0xffffffff);
  return TRUE;
}

/* Digits to a magnitude. FAULT_INTEGER for anything else; the caller knows which type it is. */
static inline Fault read_magnitude(const guint8 *at, gsize length, guint64 *magnitude) {
  guint64 value = 0;
  if (G_UNLIKELY(length == 0))
    return FAULT_INTEGER;
  if (G_UNLIKELY(length > 18))
    return read_long_magnitude(at, length, magnitude);
  for (guint64 eight; length >= 8; at += 8, length -= 8) {
    if (!read_eight(at, &eight))
      return FAULT_INTEGER;
    value = value * 100000000 + eight;
  }
  for (gsize i = 0; i < length; i++) {
    guint digit = (guint)at[i] - '0';
    if (digit > 9)
      return FAULT_INTEGER;
    value = value * 10 + digit;
  }
  *magnitude = value;
  return FAULT_NONE;
}

/* -0 is refused: nothing that we would write is equal to it, so it would be changed silently. */
static inline Fault with_sign(gboolean negative, guint64 magnitude, gint64 *integer, Fault malformed) {
  if (magnitude > (guint64)G_MAXINT64 + (negative ? 1 : 0))
    return FAULT_RANGE;
  if (negative && magnitude == 0)
    return malformed;
  *integer = negative ? (gint64)(0 - magnitude) : (gint64)magnitude;
  return FAULT_NONE;
}

static inline Fault parse_integer(const guint8 *at, gsize length, gint64 *integer) {
  gboolean negative = length > 0 && *at == '-';
  guint64 magnitude = 0;
  Fault fault = read_magnitude(at + negative, length - (gsize)negative, &magnitude);
  return fault ? fault : with_sign(negative, magnitude, integer, FAULT_INTEGER);
}

static inline gsize find_point(const guint8 *at, gsize length) {
  gsize n = 0;
  while (n < length && at[n] != '.')
    n++;
  return n;
}

static inline Fault parse_decimal(const guint8 *at, gsize length, guint scale, gint64 *integer) {
  gboolean negative = length > 0 && *at == '-';
  at += negative;
  length -= (gsize)negative;
  gsize whole = find_point(at, length), fraction = whole < length ? length - whole - 1 : 0;
  guint64 magnitude = 0, parts = 0;
  Fault fault = read_magnitude(at, whole, &magnitude);
  Fault fraction_fault = whole < length ? read_magnitude(at + whole + 1, fraction, &parts) : FAULT_NONE;
  if (fault == FAULT_INTEGER || fraction_fault == FAULT_INTEGER)
    return FAULT_DECIMAL;
  if (fault || fraction_fault || fraction > scale)
    return FAULT_RANGE;
  for (gsize i = 0; i < scale; i++) {
    if (__builtin_mul_overflow(magnitude, 10, &magnitude))
      return FAULT_RANGE;
    if (i >= fraction)
      parts *= 10; /* fewer than 10^scale, and scale <= 18 */
  }
  if (__builtin_add_overflow(magnitude, parts, &magnitude))
    return FAULT_RANGE;
  return with_sign(negative, magnitude, integer, FAULT_DECIMAL);
}

/* --- Numbers as fixed lines have them */

/* Unsigned. An implied decimal is a whole number of its smallest parts. */
static Fault parse_unsigned(const ConfField *conf, const guint8 *at, gsize length, gint64 *integer) {
  if (length > 0 && *at == '-')
    return FAULT_INTEGER;
  return conf->type == CONF_DECIMAL && !conf->implied ? parse_decimal(at, length, conf->scale, integer)
                                                      : parse_integer(at, length, integer);
}

/* -0 is a number here: programs write it for what they rounded to nothing, and no other than it could be meant. */
static Fault parse_overpunched(const ConfField *conf, const guint8 *at, gsize length, gint64 *integer) {
  guint8 plain[64];
  guint digit;
  gboolean negative;
  for (; length > 1 && *at == '0'; length--)
    at++;
  if (length == 0 || length > sizeof plain || !zone_read(conf->sign, at[length - 1], &digit, &negative))
    return FAULT_INTEGER;
  memcpy(plain, at, length - 1);
  plain[length - 1] = (guint8)('0' + digit);
  Fault fault = parse_unsigned(conf, plain, length, integer);
  if (!fault && negative)
    *integer = -*integer;
  return fault;
}

gint64 value_signed(const LayoutField *field, gint64 integer, const void *word, gsize length) {
  for (char **negative = field->conf->negative; negative && *negative; negative++)
    if (strlen(*negative) == length && memcmp(*negative, word, length) == 0)
      return -integer;
  return integer;
}

/* A sign of its own stands before the digits: also a +, which a program writes that has a place for the sign. */
static Fault parse_strictly(const LayoutField *field, const guint8 *at, gsize length, gint64 *integer) {
  const ConfField *conf = field->conf;
  Fault fault;
  if (G_UNLIKELY(field->sign) && *at == '-') /* two signs, and nobody knows whether they are one */
    fault = FAULT_INTEGER;
  else if (zone_is_of(conf))
    fault = parse_overpunched(conf, at, length, integer);
  else if (field->is_fixed && length > 1 && *at == '+')
    fault = parse_unsigned(conf, at + 1, length - 1, integer);
  else if (conf->type == CONF_DECIMAL && !conf->implied)
    fault = parse_decimal(at, length, conf->scale, integer);
  else
    fault = parse_integer(at, length, integer);
  return fault == FAULT_INTEGER && conf->type == CONF_DECIMAL ? FAULT_DECIMAL : fault;
}

/* What says the same number as one that is written as agreed: a plus, the sign of a zero, zeros behind the point. */
static Fault parse_loosely(const LayoutField *field, const guint8 *at, gsize length, gint64 *integer, Fault fault) {
  gsize sign = length > 1 && (*at == '-' || *at == '+') ? 1 : 0;
  gboolean is_zero = TRUE;
  const guint8 *digits = at + sign;
  gsize n = length - sign, point = find_point(digits, n);
  for (gsize i = 0; i < n; i++) {
    if (i != point && (digits[i] < '0' || digits[i] > '9'))
      return fault;
    is_zero = is_zero && (i == point || digits[i] == '0');
  }
  if (point == 0 || point + 1 == n)
    return fault;
  if (is_zero)
    return FAULT_NONE;
  while (point < n && (digits[n - 1] == '0' || n - 1 == point))
    n--;
  return *at == '-' ? parse_strictly(field, at, n + 1, integer) : parse_strictly(field, digits, n, integer);
}

static Fault read_any_number(const LayoutField *field, const guint8 *at, gsize length, Value *value) {
  Fault fault = parse_strictly(field, at, length, &value->integer);
  return G_UNLIKELY(fault) && field->is_loose ? parse_loosely(field, at, length, &value->integer, fault) : fault;
}

static Fault read_formed(const LayoutField *field, const guint8 *at, gsize length, Value *value) {
  const ConfField *conf = field->conf;
  guint8 plain[NUMBER_LONGEST];
  gsize n;
  switch (number_plain(conf, field->is_fixed, at, length, plain, &n)) {
  case NUMBER_PLAIN:
    return read_any_number(field, plain, n, value);
  case NUMBER_ABSENT:
    value->is_null = TRUE;
    return conf->optional ? FAULT_NONE : FAULT_REQUIRED;
  case NUMBER_INEXACT:
    return FAULT_RANGE;
  default:
    return conf->type == CONF_DECIMAL ? FAULT_DECIMAL : FAULT_INTEGER;
  }
}

static Fault read_enumeration(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  (void)value;
  for (guint i = 0; i < field->n_values; i++)
    if (field->value_lengths[i] == length && memcmp(field->conf->values[i], text, length) == 0)
      return FAULT_NONE;
  return FAULT_ENUMERATION;
}

gboolean value_is_too_wide(const LayoutField *field, const guint8 *text, gsize length) {
  gsize allowed = field->conf->width + (field->prefix ? strlen(field->prefix) : 0);
  return (gsize)g_utf8_strlen((const char *)text, (gssize)length) > allowed;
}

/* How much of the text is the prefix that it loses. */
static gsize prefix_of(const ConfField *conf, const void *text, gsize length) {
  gsize n = conf->strip_prefix ? strlen(conf->strip_prefix) : 0;
  return n <= length && memcmp(text, conf->strip_prefix ? conf->strip_prefix : "", n) == 0 ? n : 0;
}

static Fault read_normal(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  const ConfField *conf = field->conf;
  (void)text, (void)length;
  if (!value->room)
    return FAULT_NONE;
  if (normal_form_changes(conf->normal_form, value->text, value->length)) {
    g_byte_array_set_size(value->room, (guint)value->length);
    value->length = normal_form_make(conf->normal_form, value->text, value->length, (char *)value->room->data);
    value->text = value->room->data;
  }
  gsize prefix = prefix_of(conf, value->text, value->length);
  value->text += prefix;
  value->length -= prefix;
  value->is_null = value->length == 0;
  return value->is_null && !conf->optional ? FAULT_REQUIRED : FAULT_NONE;
}

/* Of two such days the earlier one is less as a text, too. */
static gboolean is_plausible(const KnownDays *days, const guint8 *day) {
  return !*days->oldest || (memcmp(day, days->oldest, 10) >= 0 && memcmp(day, days->newest, 10) <= 0);
}

static Fault read_date(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  if (G_UNLIKELY(!date_format_is_normal(field->format, text, length))) {
    Day lender = value->days ? value->days->lenders[field->lender] : NO_DAY;
    value->text = (const guint8 *)value->normal;
    value->length = date_format_parse(field->format, lender, text, length, value->normal);
    if (value->length == 0)
      return field->conf->type == CONF_DATE ? FAULT_DATE : FAULT_TIMESTAMP;
  }
  return G_UNLIKELY(field->is_judged) && value->days && !is_plausible(value->days, value->text) ? FAULT_DAY
                                                                                               : FAULT_NONE;
}

/* --- Which of them reads a field. What is read at once are the numbers that nearly every file has; what is not such a
 * one may still be a number, which read_any_number knows. */

static Fault read_whole(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  return G_LIKELY(!parse_integer(text, length, &value->integer)) ? FAULT_NONE
                                                                 : read_any_number(field, text, length, value);
}

static Fault read_point(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  return G_LIKELY(!parse_decimal(text, length, field->conf->scale, &value->integer))
             ? FAULT_NONE
             : read_any_number(field, text, length, value);
}

static Fault read_below_zero(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  Fault fault = field->is_formed ? read_formed(field, text, length, value)
                                 : read_any_number(field, text, length, value);
  if (!fault && value->integer < 0)
    return field->conf->type == CONF_DECIMAL ? FAULT_DECIMAL : FAULT_INTEGER;
  value->integer = -value->integer;
  return fault;
}

static Fault read_text(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  (void)field, (void)text, (void)length, (void)value;
  return FAULT_NONE;
}

ValueReader value_reader(const ConfField *conf) {
  switch (conf->type) {
  case CONF_TEXT:
    return conf->normal_form <= 1u << CONF_NORMAL_NONE && !conf->strip_prefix ? read_text : read_normal;
  case CONF_INTEGER:
  case CONF_DECIMAL:
    return conf->below_zero                                         ? read_below_zero
           : number_is_formed(conf)                                 ? read_formed
           : zone_is_of(conf) || conf->sign_from                    ? read_any_number
           : conf->type == CONF_DECIMAL && !conf->implied           ? read_point
                                                                    : read_whole;
  case CONF_ENUMERATION:
    return read_enumeration;
  case CONF_DATE:
  case CONF_TIMESTAMP:
    return read_date;
  }
  g_assert_not_reached();
}

Fault value_read_prefixed(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  gsize n = strlen(field->prefix);
  if (length < n || memcmp(text, field->prefix, n) != 0)
    return FAULT_PREFIX;
  value->text = text + n;
  value->length = length - n;
  value->is_null = length == n;
  if (value->is_null)
    return field->conf->optional ? FAULT_NONE : FAULT_REQUIRED;
  return value_reader(field->conf)(field, text + n, length - n, value);
}

/* Zeros in front are printed where they fill a fixed field; decimals are printed with all their places. */
static gboolean number_is_as_printed(const LayoutField *field, const guint8 *at, gsize length) {
  const ConfField *conf = field->conf;
  gboolean is_filled = field->is_fixed && conf->pad == '0';
  if (field->is_formed || conf->below_zero || (conf->sign == CONF_SIGN_OVERPUNCH && g_ascii_isdigit(at[length - 1])))
    return FALSE;
  if (*at == '-')
    at++, length--;
  if (conf->type == CONF_DECIMAL && !conf->implied && conf->scale > 0 &&
      (length < conf->scale + 2 || at[length - 1 - conf->scale] != '.'))
    return FALSE;
  return *at != '+' && (is_filled || length < 2 || *at != '0' || at[1] == '.');
}

gboolean value_is_as_printed(const LayoutField *field, const Cell *cell, const Value *value) {
  char printed[DATES_LONGEST];
  if (cell->length == 0)
    return TRUE;
  if (field->prefix)
    return FALSE;
  if (value_is_integer(field->conf))
    return number_is_as_printed(field, cell->at, cell->length);
  const char *text = (const char *)value->text;
  gsize length = field->format ? date_format_print(field->format, text, value->length, printed) : 0;
  if (length > 0)
    text = printed;
  else
    length = value->length;
  return length == cell->length && memcmp(text, cell->at, length) == 0;
}

static char *no_number(const LayoutField *field, const char *what) {
  g_autofree char *example = field->is_formed ? number_example(field->conf) : NULL;
  return g_strdup_printf("%s%s%s", what, example ? " like " : "", example ? example : "");
}

static char *what_is_wrong(const LayoutField *field, Fault fault, const guint8 *text, gsize length) {
  static const char *const years[] = {CONF_YEARS(CONF_WORD)};
  const ConfField *conf = field->conf;
  if (conf->sign_from && (fault == FAULT_INTEGER || fault == FAULT_DECIMAL) && length > 0 && *text == '-')
    return g_strdup_printf("a minus of its own beside the sign in %s", conf->sign_from);
  if (conf->below_zero && (fault == FAULT_INTEGER || fault == FAULT_DECIMAL) && length > 0 && *text == '-')
    return g_strdup("a minus of its own, and it is below zero without one");
  switch (fault) {
  case FAULT_REQUIRED:
    return g_strdup("required, but empty");
  case FAULT_WIDTH:
    return g_strdup_printf("%ld characters, at most %u are allowed", g_utf8_strlen((const char *)text, (gssize)length),
                           conf->width);
  case FAULT_INTEGER:
  case FAULT_DECIMAL:
    return no_number(field, fault == FAULT_INTEGER ? "not an integer" : "not a decimal number");
  case FAULT_RANGE:
    return conf->type != CONF_DECIMAL ? g_strdup("beyond 64 bits")
           : conf->number_forms & 1u << CONF_NUMBER_EXACT
               ? g_strdup_printf("not exactly %u decimals, or beyond 64 bits", conf->scale)
               : g_strdup_printf("more than %u decimals, or beyond 64 bits", conf->scale);
  case FAULT_DATE:
  case FAULT_TIMESTAMP:
    return g_strdup_printf("not a %s%s%s%s%s", fault == FAULT_DATE ? "date" : "time stamp",
                           conf->format ? " like " : "", conf->format ? conf->format : "",
                           conf->years ? " with the years of " : "", conf->years ? years[conf->years] : "");
  case FAULT_DAY:
    return g_strdup("too long before or behind the day of arrival for a business date (business-date-back and -ahead)");
  case FAULT_PREFIX:
    return g_strdup_printf("does not begin with %s", field->prefix);
  default:
    return g_strdup("not one of the values");
  }
}

char *value_reason(const LayoutField *field, Fault fault, const guint8 *text, gsize length) {
  if (field->prefix && fault != FAULT_PREFIX && fault != FAULT_REQUIRED)
    text += strlen(field->prefix), length -= strlen(field->prefix);
  g_autofree char *what = what_is_wrong(field, fault, text, length);
  if (field->conf->mask || fault == FAULT_REQUIRED)
    return g_strdup_printf("%s: %s", field->conf->name, what);
  g_autofree char *shown = files_show_bytes(text, length, 40);
  return g_strdup_printf("%s: %s: '%s'", field->conf->name, what, shown);
}

gsize value_print(gint64 integer, guint scale, char *into) {
  char digits[24];
  guint64 magnitude = integer < 0 ? 0 - (guint64)integer : (guint64)integer;
  gsize n = 0, length = 0;
  for (; magnitude > 0 || n < (gsize)scale + 1; magnitude /= 10)
    digits[n++] = (char)('0' + magnitude % 10);
  if (integer < 0)
    into[length++] = '-';
  while (n > 0) {
    into[length++] = digits[--n];
    if (n == scale && n > 0)
      into[length++] = '.';
  }
  return length;
}

gsize value_print_as(const ConfField *field, gsize bytes, gint64 integer, guint scale, char *into) {
  char plain[VALUE_LONGEST];
  gboolean is_over = zone_is_of(field), negative = integer < 0;
  gsize length = value_print(integer, field->implied ? 0 : scale, plain);
  char *digits = plain + (negative ? 1 : 0);
  gsize n = length - (negative ? 1 : 0), used = 0, sign = negative && !is_over ? 1 : 0;
  if (is_over)
    digits[n - 1] = zone_print(field->sign, digits[n - 1], negative);
  if (sign)
    into[used++] = '-';
  if (field->pad == '0')
    for (gsize zeros = bytes > n + sign ? bytes - n - sign : 0; zeros > 0; zeros--)
      into[used++] = '0';
  memcpy(into + used, digits, n);
  return used + n;
}

char *value_kept_as(const ConfField *field, const char *text) {
  gsize length = strlen(text);
  Value value = {0};
  if (field->type == CONF_TEXT) {
    char *made = g_malloc(length + 1);
    made[length = normal_form_make(field->normal_form, text, length, made)] = 0;
    gsize prefix = prefix_of(field, made, length);
    memmove(made, made + prefix, length - prefix + 1);
    return made;
  }
  if (!value_is_integer(field))
    return g_strdup(text);
  ConfField number = {.type = field->type, .scale = field->scale};
  LayoutField plain = {.conf = &number, .read = value_reader(&number)};
  return length > 0 && !value_parse(&plain, (const guint8 *)text, length, &value)
             ? g_strdup_printf("%" G_GINT64_FORMAT, value.integer)
             : NULL;
}
