#include "gateway/records/coded.h"
#include "gateway/records/cells_private.h"
#include "gateway/records/numbers.h"
#include <string.h>

enum { PACKED_PLUS = 0xc, PACKED_MINUS = 0xd, PACKED_NONE = 0xf };

/* --- Reading */

/* What a text or date has no more of: the digits before must be zeros. */
static gboolean cut_to(guint8 *digits, gsize *n, gsize wanted) {
  gsize before = wanted > 0 && *n > wanted ? *n - wanted : 0;
  for (gsize i = 0; i < before; i++)
    if (digits[i] != '0')
      return FALSE;
  memmove(digits, digits + before, *n - before);
  *n -= before;
  return TRUE;
}

/* C and D are the signs that programs write, F is none. A, B and E would be signs for the machine, too; no compiler
 * writes them, and a field that is read from the wrong place often ends in one. -0 is 0, as it is where signs are
 * overpunched. */
static Fault read_packed(const LayoutField *field, const guint8 *at, guint8 *into, gsize *length) {
  gsize n = 2 * field->bytes - 1, sign = 0;
  guint last = at[field->bytes - 1] & 0xfu;
  gboolean is_zero = TRUE, is_number = value_is_integer(field->conf);
  guint8 *digits = into + 1;
  for (gsize i = 0; i < n; i++) {
    guint digit = i % 2 ? at[i / 2] & 0xfu : at[i / 2] >> 4;
    if (digit > 9)
      return FAULT_CODED;
    is_zero = is_zero && digit == 0;
    digits[i] = (guint8)('0' + digit);
  }
  gboolean may_minus = is_number && field->conf->sign != CONF_SIGN_UNSIGNED;
  if (last != PACKED_NONE && (last != PACKED_PLUS || field->conf->sign == CONF_SIGN_UNSIGNED) &&
      (last != PACKED_MINUS || !may_minus))
    return FAULT_CODED;
  if (!cut_to(digits, &n, field->digits))
    return FAULT_CODED;
  *into = '-';
  sign = last == PACKED_MINUS && !is_zero ? 1 : 0;
  if (!sign)
    memmove(into, digits, n);
  *length = field->format && is_zero ? 0 : n + sign; /* a date of zeros is none */
  return FAULT_NONE;
}

/* The sum of its bytes' digits to the base of 256, the highest first; the highest bit is the sign, if it has one. */
static Fault read_binary(const LayoutField *field, const guint8 *at, guint8 *into, gsize *length) {
  guint64 value = 0;
  guint unused = 64 - 8 * (guint)field->bytes;
  for (gsize i = 0; i < field->bytes; i++)
    value = value << 8 | at[i];
  if (field->conf->sign == CONF_SIGN_UNSIGNED)
    *length = (gsize)g_snprintf((char *)into, 24, "%" G_GUINT64_FORMAT, value);
  else
    *length = value_print((gint64)(value << unused) >> unused, 0, (char *)into);
  return FAULT_NONE;
}

static Fault read_hex(const LayoutField *field, const guint8 *at, guint8 *into, gsize *length) {
  static const char digits[] = "0123456789ABCDEF";
  for (gsize i = 0; i < field->bytes; i++) {
    into[2 * i] = (guint8)digits[at[i] >> 4];
    into[2 * i + 1] = (guint8)digits[at[i] & 0xf];
  }
  *length = 2 * field->bytes;
  return FAULT_NONE;
}

char *coded_reason(const LayoutField *field, const guint8 *at, gsize length) {
  const ConfField *conf = field->conf;
  gboolean is_signed = value_is_integer(conf) && conf->sign != CONF_SIGN_UNSIGNED;
  g_autoptr(GString) reason = g_string_new(NULL);
  g_string_printf(reason, "%s: no packed number: digits, and in the last half byte %s", conf->name,
                  is_signed                          ? "C, D or F"
                  : conf->sign == CONF_SIGN_UNSIGNED ? "F, as it is unsigned"
                                                     : "C or F");
  if (field->digits > 0)
    g_string_append_printf(reason, ", with no more than %" G_GSIZE_FORMAT " digits", field->digits);
  if (conf->mask)
    return g_string_free(g_steal_pointer(&reason), FALSE);
  g_string_append(reason, ": X'");
  for (gsize i = 0; i < MIN(length, 20); i++)
    g_string_append_printf(reason, "%02X", at[i]);
  g_string_append(reason, length > 20 ? "...'" : "'");
  return g_string_free(g_steal_pointer(&reason), FALSE);
}

/* --- Compiling */

/* How many its packed values have; FALSE: they would have other characters. */
static gboolean learn_digits(LayoutField *field) {
  char printed[DATES_LONGEST];
  static const char day[] = "2026-11-30";
  field->digits = field->conf->type == CONF_TEXT ? field->conf->width : 0;
  if (!field->format)
    return TRUE;
  field->digits = date_format_print(field->format, day, strlen(day), printed);
  gboolean is_number = field->digits > 0;
  for (gsize i = 0; i < field->digits; i++)
    is_number = is_number && g_ascii_isdigit(printed[i]);
  return is_number;
}

gboolean coded_compile(Layout *layout, LayoutField *field, GError **error) {
  static CodedReader *const readers[] = {
      [CONF_USAGE_PACKED] = read_packed, [CONF_USAGE_BINARY] = read_binary, [CONF_USAGE_HEX] = read_hex};
  const ConfField *conf = field->conf;
  if (!layout->is_fixed)
    return TRUE;
  if (conf->sign == CONF_SIGN_ZONED_ASCII && !layout->charset->is_ascii)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "sign = zoned-ascii is for files in ASCII; in %s the signs are those of overpunch",
                               layout->charset->name);
  field->coded = readers[conf->usage];
  field->is_zoned = conf->sign == CONF_SIGN_OVERPUNCH && layout->charset->has_zones && !layout->charset->has_braces;
  layout->has_coded = layout->has_coded || field->coded;
  if (conf->usage != CONF_USAGE_PACKED)
    return TRUE;
  if (!learn_digits(field))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "a packed date has digits only: it needs a format like %%Y%%m%%d");
  if (field->digits > 2 * field->bytes - 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%" G_GSIZE_FORMAT " packed bytes have %" G_GSIZE_FORMAT
                               " digits, and a value of this format has %" G_GSIZE_FORMAT,
                               field->bytes, 2 * field->bytes - 1, field->digits);
  return TRUE;
}

void coded_finish(Layout *layout) {
  for (guint i = 0; i < layout->n_shapes; i++)
    for (guint j = 0; j < layout->shapes[i].n_fields; j++) {
      LayoutField *field = &layout->shapes[i].fields[j];
      field->is_special = layout->has_coded || field->is_zoned;
    }
}

/* --- Writing */

static gboolean has_minus(const char **text, gsize *length) {
  gboolean is_minus = *length > 0 && **text == '-';
  *text += is_minus;
  *length -= is_minus ? 1 : 0;
  return is_minus;
}

static gboolean write_packed(const ConfField *conf, const char *text, gsize length, guint8 *into, gsize bytes) {
  gboolean is_minus = has_minus(&text, &length);
  gboolean has_sign = value_is_integer(conf) && conf->sign != CONF_SIGN_UNSIGNED;
  if (length > 2 * bytes - 1 || (is_minus && !has_sign))
    return FALSE;
  memset(into, 0, bytes);
  into[bytes - 1] = is_minus ? PACKED_MINUS : has_sign ? PACKED_PLUS : PACKED_NONE;
  for (gsize i = 0; i < length; i++) {
    gsize half = 2 * bytes - 1 - length + i;
    if (!g_ascii_isdigit(text[i]))
      return FALSE;
    into[half / 2] = (guint8)(into[half / 2] | (guint)(text[i] - '0') << (half % 2 ? 0 : 4));
  }
  return TRUE;
}

static gboolean write_binary(const ConfField *conf, const char *text, gsize length, guint8 *into, gsize bytes) {
  gboolean is_minus = has_minus(&text, &length), is_signed = conf->sign != CONF_SIGN_UNSIGNED;
  guint64 value = 0, most = G_MAXUINT64 >> (64 - 8 * bytes);
  most = is_signed ? (most >> 1) + (is_minus ? 1 : 0) : is_minus ? 0 : most;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isdigit(text[i]) || __builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, (guint64)(text[i] - '0'), &value))
      return FALSE;
  if (length == 0 || value > most)
    return FALSE;
  value = is_minus ? 0 - value : value;
  for (gsize i = bytes; i-- > 0; value >>= 8)
    into[i] = (guint8)value;
  return TRUE;
}

static gboolean write_hex(const char *text, gsize length, guint8 *into, gsize bytes) {
  if (length % 2 || length / 2 > bytes)
    return FALSE;
  memset(into, 0, bytes);
  for (gsize i = 0; i < length; i++) {
    gint digit = g_ascii_xdigit_value(text[i]);
    if (digit < 0)
      return FALSE;
    into[i / 2] = (guint8)(into[i / 2] | (guint)digit << (i % 2 ? 0 : 4));
  }
  return TRUE;
}

/* In EBCDIC, whatever stands at C0 and D0 in the national code page. What fills it is the caller's. */
static gboolean write_zoned(const ConfField *conf, const char *text, gsize length, guint8 *into, gsize bytes) {
  guint digit;
  gboolean negative;
  if (length == 0 || length > bytes || !zone_read(CONF_SIGN_OVERPUNCH, (guint8)text[length - 1], &digit, &negative))
    return FALSE;
  memset(into, conf->pad == '0' ? 0xf0 : 0x40, bytes);
  into += bytes - length;
  for (gsize i = 0; i + 1 < length; i++) {
    if (!g_ascii_isdigit(text[i]))
      return FALSE;
    into[i] = (guint8)(0xf0 | (guint)(text[i] - '0'));
  }
  guint zone = negative ? 0xd0 : g_ascii_isdigit(text[length - 1]) ? 0xf0 : 0xc0;
  into[length - 1] = (guint8)(zone | digit);
  return TRUE;
}

gboolean coded_is_written(const ConfField *conf, const Charset *charset) {
  return conf && (conf->usage != CONF_USAGE_CHARACTERS || (conf->sign == CONF_SIGN_OVERPUNCH && charset->has_zones));
}

gboolean coded_write(const ConfField *conf, const char *text, gsize length, guint8 *into, gsize bytes) {
  switch (conf->usage) {
  case CONF_USAGE_PACKED:
    return write_packed(conf, text, length, into, bytes);
  case CONF_USAGE_BINARY:
    return write_binary(conf, text, length, into, bytes);
  case CONF_USAGE_HEX:
    return write_hex(text, length, into, bytes);
  default:
    return write_zoned(conf, text, length, into, bytes);
  }
}

guint8 coded_absent(const ConfField *conf, const Charset *charset) {
  return conf->usage == CONF_USAGE_BINARY ? 0 : charset->blank;
}
