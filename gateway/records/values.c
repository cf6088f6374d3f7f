#include "gateway/base/files.h"
#include "gateway/records/layout_internal.h"
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

/* Digits to a magnitude. FAULT_INTEGER for anything else; the caller knows which type it is. */
static inline Fault read_magnitude(const guint8 *at, gsize length, guint64 *magnitude) {
  guint64 value = 0;
  if (G_UNLIKELY(length == 0))
    return FAULT_INTEGER;
  if (G_UNLIKELY(length > 18))
    return read_long_magnitude(at, length, magnitude);
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

static Fault parse_enumeration(const LayoutField *field, const guint8 *text, gsize length) {
  for (guint i = 0; i < field->n_values; i++)
    if (field->value_lengths[i] == length && memcmp(field->conf->values[i], text, length) == 0)
      return FAULT_NONE;
  return FAULT_ENUMERATION;
}

static gboolean is_too_wide(const ConfField *conf, const guint8 *text, gsize length) {
  return conf->width > 0 && length > conf->width && (gsize)g_utf8_strlen((const char *)text, (gssize)length) > conf->width;
}

Fault value_parse(const LayoutField *field, const guint8 *text, gsize length, Value *value) {
  const ConfField *conf = field->conf;
  value->integer = 0;
  value->text = text;
  value->length = length;
  value->is_null = length == 0;
  if (length == 0)
    return conf->optional ? FAULT_NONE : FAULT_REQUIRED;
  if (G_UNLIKELY(is_too_wide(conf, text, length)))
    return FAULT_WIDTH;
  switch (conf->type) {
  case CONF_TEXT: return FAULT_NONE;
  case CONF_INTEGER: return parse_integer(text, length, &value->integer);
  case CONF_DECIMAL: return parse_decimal(text, length, conf->scale, &value->integer);
  case CONF_ENUMERATION: return parse_enumeration(field, text, length);
  case CONF_DATE:
  case CONF_TIMESTAMP:
    if (G_LIKELY(date_format_is_normal(field->format, text, length)))
      return FAULT_NONE;
    value->text = (const guint8 *)value->normal;
    value->length = date_format_parse(field->format, text, length, value->normal);
    return value->length ? FAULT_NONE : conf->type == CONF_DATE ? FAULT_DATE : FAULT_TIMESTAMP;
  }
  return FAULT_NONE;
}

static char *what_is_wrong(const LayoutField *field, Fault fault, const guint8 *text, gsize length) {
  const ConfField *conf = field->conf;
  switch (fault) {
  case FAULT_REQUIRED: return g_strdup("required, but empty");
  case FAULT_WIDTH:
    return g_strdup_printf("%ld characters, at most %u are allowed", g_utf8_strlen((const char *)text, (gssize)length), conf->width);
  case FAULT_INTEGER: return g_strdup("not an integer");
  case FAULT_DECIMAL: return g_strdup("not a decimal number");
  case FAULT_RANGE:
    return conf->type == CONF_DECIMAL ? g_strdup_printf("more than %u decimals, or beyond 64 bits", conf->scale) : g_strdup("beyond 64 bits");
  case FAULT_DATE: return g_strdup_printf("not a date%s%s", conf->format ? " like " : "", conf->format ? conf->format : "");
  case FAULT_TIMESTAMP: return g_strdup_printf("not a time stamp%s%s", conf->format ? " like " : "", conf->format ? conf->format : "");
  default: return g_strdup("not one of the values");
  }
}

char *value_reason(const LayoutField *field, Fault fault, const guint8 *text, gsize length) {
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
