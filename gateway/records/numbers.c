/* Numbers in the forms that their field declares, brought to the one that all others have: -1234.50 */
#include "gateway/records/numbers.h"
#include <string.h>

static inline gboolean has(const ConfField *field, ConfNumberForm form) {
  return (field->number_forms & 1u << form) != 0;
}

gboolean number_is_formed(const ConfField *field) {
  return field->number_forms != 0 || field->thousands || field->decimal_point;
}

typedef struct {
  const guint8 *at;
  gsize length;
} Rest;

static gboolean is_blank(guint8 byte) {
  return byte == ' ' || byte == '\t';
}

static void trim(Rest *rest) {
  while (rest->length > 0 && is_blank(rest->at[rest->length - 1]))
    rest->length--;
  for (; rest->length > 0 && is_blank(*rest->at); rest->length--)
    rest->at++;
}

/* Takes the sign off, which stands at one place. TRUE: the number is below zero. */
static gboolean take_sign(const ConfField *field, gboolean may_plus, Rest *rest) {
  if (rest->length < 2)
    return FALSE;
  guint8 last = rest->at[rest->length - 1];
  if (has(field, CONF_NUMBER_PARENTHESES) && *rest->at == '(' && last == ')') {
    *rest = (Rest){rest->at + 1, rest->length - 2};
    return TRUE;
  }
  gboolean is_behind = has(field, CONF_NUMBER_TRAILING_SIGN);
  guint8 sign = is_behind ? last : *rest->at;
  if (sign != '-' && !(sign == '+' && may_plus))
    return FALSE;
  *rest = (Rest){rest->at + (is_behind ? 0 : 1), rest->length - 1};
  return sign == '-';
}

/* The digits before the point without what stands between them, which is there in all places or in none. 0: there are
 * no digits, or not so. */
static gsize copy_whole(const char *between, const guint8 *at, gsize length, guint8 *into) {
  gsize n = 0, group = 0, groups = 0, width = between ? strlen(between) : 0;
  for (gsize i = 0; i < length;) {
    if (width > 0 && length - i >= width && memcmp(at + i, between, width) == 0) {
      if (group == 0 || group > 3 || (groups > 0 && group != 3))
        return 0;
      groups++;
      group = 0;
      i += width;
      continue;
    }
    if (at[i] < '0' || at[i] > '9')
      return 0;
    into[n++] = at[i++];
    group++;
  }
  return groups > 0 && group != 3 ? 0 : n;
}

NumberForm number_plain(const ConfField *field, gboolean may_plus, const guint8 *text, gsize length,
                        guint8 into[NUMBER_LONGEST], gsize *n) {
  Rest rest = {text, length};
  *n = 0;
  if (has(field, CONF_NUMBER_TRIM))
    trim(&rest);
  if (rest.length == 0)
    return NUMBER_ABSENT;
  if (rest.length > NUMBER_LONGEST - 3)
    return NUMBER_WRONG;
  if (take_sign(field, may_plus || has(field, CONF_NUMBER_PLUS), &rest))
    into[(*n)++] = '-';
  guint8 mark = field->decimal_point ? (guint8)*field->decimal_point : '.';
  const guint8 *point = field->type == CONF_DECIMAL ? memchr(rest.at, mark, rest.length) : NULL;
  gsize whole = point ? (gsize)(point - rest.at) : rest.length, fraction = point ? rest.length - whole - 1 : 0;
  gsize digits = copy_whole(field->thousands, rest.at, whole, into + *n);
  if (digits == 0 && whole == 0 && fraction > 0 && has(field, CONF_NUMBER_BARE_POINT))
    into[*n + digits++] = '0';
  if (digits == 0 || (point && memchr(point + 1, '.', fraction)))
    return NUMBER_WRONG;
  *n += digits;
  if (has(field, CONF_NUMBER_EXACT) && fraction != field->scale)
    return NUMBER_INEXACT;
  if (point) {
    into[(*n)++] = '.';
    memcpy(into + *n, point + 1, fraction);
    *n += fraction;
  }
  return NUMBER_PLAIN;
}

char *number_example(const ConfField *field) {
  GString *made = g_string_new(NULL);
  gboolean in_parentheses = has(field, CONF_NUMBER_PARENTHESES), is_behind = has(field, CONF_NUMBER_TRAILING_SIGN);
  g_string_append(made, in_parentheses ? "(1" : is_behind ? "1" : "-1");
  g_string_append(made, field->thousands ? field->thousands : "");
  g_string_append(made, "234");
  for (guint i = 0; field->type == CONF_DECIMAL && !field->implied && i <= field->scale && field->scale > 0; i++)
    g_string_append_c(made, i > 0 ? (char)('0' + (4 + i) % 10) : field->decimal_point ? *field->decimal_point : '.');
  g_string_append(made, in_parentheses ? ")" : is_behind ? "-" : "");
  return g_string_free(made, FALSE);
}

/* --- Zones */

gboolean zone_read(ConfSign sign, guint8 byte, guint *digit, gboolean *negative) {
  gboolean is_ascii = sign == CONF_SIGN_ZONED_ASCII;
  *negative = is_ascii ? byte >= 'p' && byte <= 'y' : byte == '}' || (byte >= 'J' && byte <= 'R');
  if (byte >= '0' && byte <= '9')
    *digit = byte - '0';
  else if (is_ascii)
    *digit = byte - 'p';
  else if (byte == '{' || byte == '}')
    *digit = 0;
  else if (byte >= 'A' && byte <= 'I')
    *digit = byte - 'A' + 1u;
  else
    *digit = byte - 'J' + 1u;
  return *negative || (byte >= '0' && byte <= '9') || (!is_ascii && (byte == '{' || (byte >= 'A' && byte <= 'I')));
}

char zone_print(ConfSign sign, char digit, gboolean negative) {
  if (sign == CONF_SIGN_ZONED_ASCII)
    return negative ? (char)(digit - '0' + 'p') : digit;
  return digit == '0' ? (negative ? '}' : '{') : (char)((negative ? 'J' : 'A') + (digit - '1'));
}
