#include "gateway/records/dates.h"
#include <string.h>

enum { MOST_PARTS = 32 };

typedef enum {
  PART_LITERAL,
  PART_YEAR,
  PART_MONTH,
  PART_DAY,
  PART_HOUR,
  PART_MINUTE,
  PART_SECOND,
  PART_FRACTION,
  PART_OFFSET
} PartKind;

struct DateFormat {
  gboolean is_timestamp, is_default, has_offset;
  guint n_parts;
  struct {
    guint8 kind;
    char literal;
  } parts[MOST_PARTS];
};

/* What was read: numbers as they stand, the fraction's digits, the offset in its normal form. */
typedef struct {
  guint year, month, day, hour, minute, second;
  char fraction[10], offset[7];
} Moment;

static gboolean add_part(DateFormat *format, PartKind kind, char literal, GError **error) {
  if (format->n_parts == MOST_PARTS)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the format is longer than %d parts", MOST_PARTS);
  for (guint i = 0; kind != PART_LITERAL && i < format->n_parts; i++)
    if (format->parts[i].kind == kind)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the format names the same part twice");
  format->parts[format->n_parts].kind = (guint8)kind;
  format->parts[format->n_parts++].literal = literal;
  return TRUE;
}

static gboolean add_directive(DateFormat *format, char letter, GError **error) {
  static const char letters[] = "YmdHMSfz";
  if (letter == 'F')
    return add_directive(format, 'Y', error) && add_part(format, PART_LITERAL, '-', error) &&
           add_directive(format, 'm', error) && add_part(format, PART_LITERAL, '-', error) &&
           add_directive(format, 'd', error);
  if (letter == 'T')
    return add_directive(format, 'H', error) && add_part(format, PART_LITERAL, ':', error) &&
           add_directive(format, 'M', error) && add_part(format, PART_LITERAL, ':', error) &&
           add_directive(format, 'S', error);
  if (letter == '%')
    return add_part(format, PART_LITERAL, '%', error);
  const char *found = letter ? strchr(letters, letter) : NULL;
  if (!found)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%%%c is not known: use %%Y %%m %%d %%H %%M %%S %%f %%z %%F %%T", letter ? letter : ' ');
  PartKind kind = (PartKind)(PART_YEAR + (found - letters));
  if (!format->is_timestamp && kind > PART_DAY)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%%%c is no part of a date", letter);
  return add_part(format, kind, 0, error);
}

static gboolean is_whole(const DateFormat *format, GError **error) {
  guint named = 0;
  for (guint i = 0; i < format->n_parts; i++)
    named |= 1u << format->parts[i].kind;
  guint needed = 1u << PART_YEAR | 1u << PART_MONTH | 1u << PART_DAY;
  if (format->is_timestamp)
    needed |= 1u << PART_HOUR | 1u << PART_MINUTE | 1u << PART_SECOND;
  if ((named & needed) == needed)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             format->is_timestamp
                                 ? "the format of a time stamp needs year, month, day, hour, minute and second"
                                 : "the format of a date needs year, month and day");
}

DateFormat *date_format_new(const char *format, gboolean is_timestamp, GError **error) {
  DateFormat *made = g_new0(DateFormat, 1);
  made->is_timestamp = is_timestamp;
  made->is_default = !format;
  const char *at = format ? format : is_timestamp ? "%FT%T%z" : "%F";
  gboolean ok = TRUE;
  for (; ok && *at; at++)
    ok = *at == '%' ? add_directive(made, *++at, error) : add_part(made, PART_LITERAL, *at, error);
  if (ok && is_whole(made, error)) {
    for (guint i = 0; i < made->n_parts; i++)
      made->has_offset |= made->parts[i].kind == PART_OFFSET;
    return made;
  }
  date_format_free(made);
  return NULL;
}

void date_format_free(DateFormat *format) {
  g_free(format);
}

static inline gboolean read_digits(const guint8 *at, guint count, guint *number) {
  guint value = 0;
  for (guint i = 0; i < count; i++) {
    guint digit = (guint)at[i] - '0';
    if (digit > 9)
      return FALSE;
    value = value * 10 + digit;
  }
  *number = value;
  return TRUE;
}

static inline gboolean is_real_day(guint year, guint month, guint day) {
  static const guint8 days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year == 0 || month < 1 || month > 12 || day < 1)
    return FALSE;
  gboolean leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= days[month] + (guint)leap;
}

/* Z, +08:00, +0800 or +08: returns the bytes it took, 0 for none. */
static gsize read_offset(const guint8 *at, gsize left, char *normal) {
  guint hours = 0, minutes = 0;
  if (left >= 1 && *at == 'Z') {
    memcpy(normal, "Z", 2);
    return 1;
  }
  if (left < 3 || (*at != '+' && *at != '-') || !read_digits(at + 1, 2, &hours))
    return 0;
  gsize taken = 3;
  if (left >= 6 && at[3] == ':' && read_digits(at + 4, 2, &minutes))
    taken = 6;
  else if (left >= 5 && read_digits(at + 3, 2, &minutes))
    taken = 5;
  if (hours > 14 || minutes > 59)
    return 0;
  normal[0] = (char)*at;
  memcpy(normal + 1, at + 1, 2);
  normal[3] = ':';
  memcpy(normal + 4, taken == 3 ? (const guint8 *)"00" : at + taken - 2, 2);
  normal[6] = 0;
  return taken;
}

static gsize read_fraction(const guint8 *at, gsize left, char *fraction) {
  gsize n = 0;
  while (n < left && n < 9 && at[n] >= '0' && at[n] <= '9') {
    fraction[n] = (char)at[n];
    n++;
  }
  fraction[n] = 0;
  return n;
}

static gsize read_number(const guint8 *at, gsize left, guint count, guint *number) {
  return left >= count && read_digits(at, count, number) ? count : 0;
}

static gsize read_part(PartKind kind, char literal, const guint8 *at, gsize left, Moment *moment) {
  switch (kind) {
  case PART_LITERAL:
    return left > 0 && *at == (guint8)literal ? 1 : 0;
  case PART_YEAR:
    return read_number(at, left, 4, &moment->year);
  case PART_MONTH:
    return read_number(at, left, 2, &moment->month);
  case PART_DAY:
    return read_number(at, left, 2, &moment->day);
  case PART_HOUR:
    return read_number(at, left, 2, &moment->hour);
  case PART_MINUTE:
    return read_number(at, left, 2, &moment->minute);
  case PART_SECOND:
    return read_number(at, left, 2, &moment->second);
  case PART_FRACTION:
    return read_fraction(at, left, moment->fraction);
  case PART_OFFSET:
    return read_offset(at, left, moment->offset);
  }
  return 0;
}

static inline void write_digits(char *into, guint count, guint number) {
  while (count-- > 0) {
    into[count] = (char)('0' + number % 10);
    number /= 10;
  }
}

static gsize write_normal(gboolean is_timestamp, const Moment *moment, char *into) {
  write_digits(into, 4, moment->year);
  into[4] = into[7] = '-';
  write_digits(into + 5, 2, moment->month);
  write_digits(into + 8, 2, moment->day);
  if (!is_timestamp)
    return 10;
  into[10] = 'T';
  into[13] = into[16] = ':';
  write_digits(into + 11, 2, moment->hour);
  write_digits(into + 14, 2, moment->minute);
  write_digits(into + 17, 2, moment->second);
  gsize length = 19, fraction = strlen(moment->fraction), offset = strlen(moment->offset);
  if (fraction > 0) {
    into[length] = '.';
    memcpy(into + length + 1, moment->fraction, fraction);
    length += 1 + fraction;
  }
  memcpy(into + length, moment->offset, offset);
  return length + offset;
}

/* Two digits at once; 100 or more: they are none. */
static inline guint two_digits(const guint8 *at) {
  guint tens = (guint)at[0] - '0', ones = (guint)at[1] - '0';
  return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static inline gboolean is_default_date(const guint8 *at) {
  guint century = two_digits(at), year = two_digits(at + 2), month = two_digits(at + 5), day = two_digits(at + 8);
  if (century >= 100 || year >= 100 || month >= 100 || day >= 100)
    return FALSE;
  return at[4] == '-' && at[7] == '-' && is_real_day(century * 100 + year, month, day);
}

/* The bytes before the offset; 0: this is no default form. For a date, all of them. */
static inline gsize check_default(gboolean is_timestamp, const guint8 *at, gsize length) {
  if (length < 10 || !is_default_date(at))
    return 0;
  if (!is_timestamp)
    return length == 10 ? 10 : 0;
  if (length < 20 || at[10] != 'T' || at[13] != ':' || at[16] != ':' || two_digits(at + 11) > 23 ||
      two_digits(at + 14) > 59 || two_digits(at + 17) > 59)
    return 0;
  if (at[19] != '.')
    return 19;
  char fraction[10];
  gsize digits = read_fraction(at + 20, length - 20, fraction);
  return digits > 0 ? 20 + digits : 0;
}

gboolean date_format_is_normal(const DateFormat *format, const guint8 *text, gsize length) {
  gsize n = format->is_default ? check_default(format->is_timestamp, text, length) : 0;
  if (n == 0 || !format->is_timestamp)
    return n > 0;
  const guint8 *offset = text + n;
  if (length - n == 1)
    return *offset == 'Z';
  return length - n == 6 && (*offset == '+' || *offset == '-') && offset[3] == ':' && two_digits(offset + 1) <= 14 &&
         two_digits(offset + 4) <= 59;
}

/* The default form, which is nearly every file's: no loop over parts. */
static gsize parse_default(gboolean is_timestamp, const guint8 *at, gsize length, char *into) {
  char offset[7];
  gsize n = check_default(is_timestamp, at, length);
  memcpy(into, at, n);
  if (n == 0 || !is_timestamp)
    return n;
  gsize taken = read_offset(at + n, length - n, offset);
  if (taken == 0 || n + taken != length)
    return 0;
  gsize normal = strlen(offset);
  memcpy(into + n, offset, normal);
  return n + normal;
}

gsize date_format_parse(const DateFormat *format, const guint8 *text, gsize length, char *into) {
  if (format->is_default)
    return parse_default(format->is_timestamp, text, length, into);
  Moment moment = {0};
  gsize at = 0;
  for (guint i = 0; i < format->n_parts; i++) {
    gsize taken = read_part((PartKind)format->parts[i].kind, format->parts[i].literal, text + at, length - at, &moment);
    if (taken == 0)
      return 0;
    at += taken;
  }
  if (at != length || !is_real_day(moment.year, moment.month, moment.day) || moment.hour > 23 || moment.minute > 59 ||
      moment.second > 59)
    return 0;
  return write_normal(format->is_timestamp, &moment, into);
}

gsize date_format_print(const DateFormat *format, const char *normal, gsize length, char *into) {
  if (length < 10 || length > 40)
    return 0;
  if (format->is_default) {
    memcpy(into, normal, length);
    return length;
  }
  const char *fraction = length > 20 && normal[19] == '.' ? normal + 20 : NULL;
  gsize digits = 0;
  while (fraction && 20 + digits < length && g_ascii_isdigit(fraction[digits]))
    digits++;
  gsize offset = fraction ? 20 + digits : 19;
  gsize n = 0;
  if (format->is_timestamp && length < 19)
    return 0;
  for (guint i = 0; i < format->n_parts; i++) {
    static const struct {
      guint8 from, count;
    } places[] = {[PART_YEAR] = {0, 4},  [PART_MONTH] = {5, 2},   [PART_DAY] = {8, 2},
                  [PART_HOUR] = {11, 2}, [PART_MINUTE] = {14, 2}, [PART_SECOND] = {17, 2}};
    PartKind kind = (PartKind)format->parts[i].kind;
    if (kind == PART_LITERAL) {
      into[n++] = format->parts[i].literal;
    } else if (kind == PART_FRACTION) {
      memcpy(into + n, digits ? fraction : "0", digits ? digits : 1);
      n += digits ? digits : 1;
    } else if (kind == PART_OFFSET) {
      memcpy(into + n, normal + offset, length - offset);
      n += length - offset;
    } else {
      memcpy(into + n, normal + places[kind].from, places[kind].count);
      n += places[kind].count;
    }
  }
  return n;
}
