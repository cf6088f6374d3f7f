/* Reading and printing by a compiled format. */
#include "gateway/records/dates_private.h"
#include <string.h>

/* What was read: numbers as they stand, the fraction's digits, the offset in its normal form. */
typedef struct {
  guint number[N_NUMBERS];
  guint era; /* from 1 */
  char fraction[10], offset[7];
} Moment;

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

static inline void write_digits(char *into, guint count, guint number) {
  while (count-- > 0) {
    into[count] = (char)('0' + number % 10);
    number /= 10;
  }
}

/* --- Eras of Japan, the newest first: their letter, the number that files have for them, and their first day. Meiji is
 * known from when Japan has the Gregorian calendar. (Era Name Act, Act No. 43 of 1979, and the orders made by it.) */

static const struct {
  char letter, number;
  const char *name;
  gint before; /* the Gregorian year before its first */
  gint year;
  guint month, day;
} eras[] = {{'R', '5', "令和", 2018, 2019, 5, 1},
            {'H', '4', "平成", 1988, 1989, 1, 8},
            {'S', '3', "昭和", 1925, 1926, 12, 25},
            {'T', '2', "大正", 1911, 1912, 7, 30},
            {'M', '1', "明治", 1867, 1873, 1, 1}};

static gsize read_era(const guint8 *at, gsize left, guint *era) {
  for (guint i = 0; left > 0 && i < G_N_ELEMENTS(eras); i++) {
    gsize length = strlen(eras[i].name);
    *era = i + 1;
    if (g_ascii_toupper((char)*at) == eras[i].letter || (char)*at == eras[i].number)
      return 1;
    if (left >= length && memcmp(at, eras[i].name, length) == 0)
      return length;
  }
  return 0;
}

/* 0: before the first. */
static guint era_of(const Moment *moment) {
  const guint *number = moment->number;
  Day day = day_of((int)number[PART_YEAR], number[PART_MONTH], number[PART_DAY]);
  for (guint i = 0; i < G_N_ELEMENTS(eras); i++)
    if (day >= day_of(eras[i].year, eras[i].month, eras[i].day))
      return i + 1;
  return 0;
}

/* Of a part that may have fewer digits, as many as there are. */
static gsize read_number(const DatePart *part, const guint8 *at, gsize left, guint *number) {
  gsize count = part->most;
  if (part->least < part->most)
    for (count = 0; count < MIN(left, part->most) && at[count] >= '0' && at[count] <= '9';)
      count++;
  return count >= part->least && left >= count && read_digits(at, (guint)count, number) ? count : 0;
}

static gboolean is_optional(const DatePart *part) {
  return part->kind == PART_FRACTION && part->literal;
}

static gsize read_optional(const DatePart *part, const guint8 *at, gsize left, Moment *moment) {
  gsize digits = left > 0 && *at == (guint8)part->literal ? read_fraction(at + 1, left - 1, moment->fraction) : 0;
  return digits > 0 ? 1 + digits : 0;
}

static gsize read_part(const DatePart *part, const guint8 *at, gsize left, Moment *moment) {
  if (part->kind == PART_LITERAL)
    return left > 0 && *at == (guint8)part->literal ? 1 : 0;
  if (part->kind < N_NUMBERS)
    return read_number(part, at, left, &moment->number[part->kind]);
  return is_optional(part)             ? read_optional(part, at, left, moment)
         : part->kind == PART_FRACTION ? read_fraction(at, left, moment->fraction)
         : part->kind == PART_OFFSET ? read_offset(at, left, moment->offset)
                                     : read_era(at, left, &moment->era);
}

/* --- From what was read to a day of the calendar */

/* The year in which the day is next to the date that lends it: 1231 is of last year where that is in January. */
static gboolean borrow_year(Moment *moment, Day lender) {
  int year;
  guint month, day;
  if (lender == NO_DAY)
    return FALSE;
  day_parts(lender, &year, &month, &day);
  gboolean is_ordinal = moment->number[PART_DAY_OF_YEAR] > 0;
  int there = is_ordinal ? lender - day_of(year, 1, 1) + 1 : (int)(month * 31 + day),
      here = (int)(is_ordinal ? moment->number[PART_DAY_OF_YEAR]
                              : moment->number[PART_MONTH] * 31 + moment->number[PART_DAY]),
      half = is_ordinal ? 183 : 186;
  year += here - there > half ? -1 : there - here > half ? 1 : 0;
  moment->number[PART_YEAR] = (guint)year;
  return TRUE;
}

static gboolean settle_year(const DateFormat *format, Moment *moment, Day lender) {
  guint *year = &moment->number[PART_YEAR];
  if (format->is_lent)
    return borrow_year(moment, lender);
  if (format->first > 0) {
    *year = format->first - format->first % 100 + moment->number[PART_SHORT_YEAR];
    *year += *year < format->first ? 100 : 0;
  }
  gint gregorian = (gint)*year + format->years + (moment->era > 0 ? eras[moment->era - 1].before : 0);
  gboolean has_first = *year > 0; /* there is no year 0 in any count */
  *year = (guint)gregorian;
  return has_first && gregorian > 0 && gregorian <= 9999;
}

static void set_day(Moment *moment, Day day) {
  int year;
  day_parts(day, &year, &moment->number[PART_MONTH], &moment->number[PART_DAY]);
  moment->number[PART_YEAR] = (guint)year;
}

static Day day_of_moment(const Moment *moment) {
  return day_of((int)moment->number[PART_YEAR], moment->number[PART_MONTH], moment->number[PART_DAY]);
}

/* 24:00:00 is the end of its day, and so the beginning of the next. */
static gboolean settle_hour(const DateFormat *format, Moment *moment) {
  guint *number = moment->number;
  if (number[PART_HOUR] == 24 && format->has_24 && number[PART_MINUTE] == 0 && number[PART_SECOND] == 0 &&
      strspn(moment->fraction, "0") == strlen(moment->fraction)) {
    number[PART_HOUR] = 0;
    set_day(moment, day_of_moment(moment) + 1);
    return number[PART_YEAR] <= 9999;
  }
  return number[PART_HOUR] < 24 && number[PART_MINUTE] < 60 && number[PART_SECOND] < 60;
}

static gint minutes_of(const char *offset) {
  gint minutes = strlen(offset) < 6 ? 0
                                    : ((offset[1] - '0') * 10 + offset[2] - '0') * 60 + (offset[4] - '0') * 10 +
                                          offset[5] - '0';
  return *offset == '-' ? -minutes : minutes;
}

static void set_offset(Moment *moment, gint minutes) {
  guint away = (guint)ABS(minutes);
  moment->offset[0] = minutes < 0 ? '-' : '+';
  moment->offset[3] = ':';
  write_digits(moment->offset + 1, 2, away / 60);
  write_digits(moment->offset + 4, 2, away % 60);
  moment->offset[6] = 0;
}

/* With an offset of its own, the moment becomes the zone's; without one, it is the zone's, and a time that its clocks
 * leave out is none. What they show twice is the first of the two. */
static gboolean settle_zone(const DateFormat *format, Moment *moment) {
  guint *number = moment->number;
  gint64 local = (gint64)day_of_moment(moment) * 86400 + number[PART_HOUR] * 3600 + number[PART_MINUTE] * 60 +
                 number[PART_SECOND],
         instant = local - minutes_of(moment->offset) * 60;
  if (!format->has_offset) {
    gint first = g_time_zone_find_interval(format->zone, G_TIME_TYPE_DAYLIGHT, local);
    if (first < 0)
      return FALSE;
    instant = local - g_time_zone_get_offset(format->zone, first);
  }
  gint at = g_time_zone_find_interval(format->zone, G_TIME_TYPE_UNIVERSAL, instant),
       minutes = at < 0 ? 0 : g_time_zone_get_offset(format->zone, at) / 60;
  gint64 there = instant + minutes * 60;
  set_offset(moment, minutes);
  gint64 day = (there - ((there % 86400 + 86400) % 86400)) / 86400, second = there - day * 86400;
  set_day(moment, (Day)day);
  number[PART_HOUR] = (guint)(second / 3600);
  number[PART_MINUTE] = (guint)(second / 60 % 60);
  number[PART_SECOND] = (guint)(second % 60);
  return number[PART_YEAR] > 0 && number[PART_YEAR] <= 9999;
}

static gboolean settle(const DateFormat *format, Moment *moment, Day lender) {
  guint *number = moment->number, ordinal = number[PART_DAY_OF_YEAR];
  if (!settle_year(format, moment, lender))
    return FALSE;
  if (format->has_ordinal) {
    if (ordinal < 1 || ordinal > 366)
      return FALSE;
    guint year = number[PART_YEAR];
    set_day(moment, day_of((int)year, 1, 1) + (Day)ordinal - 1);
    if (number[PART_YEAR] != year) /* day 366 of a year that has none */
      return FALSE;
  }
  return is_real_day(number[PART_YEAR], number[PART_MONTH], number[PART_DAY]) &&
         (moment->era == 0 || era_of(moment) == moment->era) && settle_hour(format, moment) &&
         (!format->zone || settle_zone(format, moment));
}

static gsize write_normal(gboolean is_timestamp, const Moment *moment, char *into) {
  write_digits(into, 4, moment->number[PART_YEAR]);
  into[4] = into[7] = '-';
  write_digits(into + 5, 2, moment->number[PART_MONTH]);
  write_digits(into + 8, 2, moment->number[PART_DAY]);
  if (!is_timestamp)
    return 10;
  into[10] = 'T';
  into[13] = into[16] = ':';
  write_digits(into + 11, 2, moment->number[PART_HOUR]);
  write_digits(into + 14, 2, moment->number[PART_MINUTE]);
  write_digits(into + 17, 2, moment->number[PART_SECOND]);
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

gsize date_format_parse(const DateFormat *format, Day lender, const guint8 *text, gsize length, char *into) {
  if (format->is_default)
    return parse_default(format->is_timestamp, text, length, into);
  Moment moment = {0};
  gsize at = 0;
  for (guint i = 0; i < format->n_parts; i++) {
    gsize taken = read_part(&format->parts[i], text + at, length - at, &moment);
    if (taken == 0 && !is_optional(&format->parts[i]))
      return 0;
    at += taken;
  }
  return at == length && settle(format, &moment, lender) ? write_normal(format->is_timestamp, &moment, into) : 0;
}

Day date_format_day(const char *normal) {
  const guint8 *at = (const guint8 *)normal;
  return day_of((int)(two_digits(at) * 100 + two_digits(at + 2)), two_digits(at + 5), two_digits(at + 8));
}

/* --- Printing */

/* A normal form's numbers, as the format counts them. FALSE: it cannot be said so. */
static gboolean learn(const DateFormat *format, const char *normal, gsize length, Moment *moment) {
  static const guint8 places[][2] = {{PART_HOUR, 11}, {PART_MINUTE, 14}, {PART_SECOND, 17}};
  guint *number = moment->number;
  set_day(moment, date_format_day(normal));
  moment->era = format->is_japanese ? era_of(moment) : 0;
  for (guint i = 0; format->is_timestamp && i < G_N_ELEMENTS(places); i++)
    number[places[i][0]] = two_digits((const guint8 *)normal + places[i][1]);
  number[PART_DAY_OF_YEAR] = (guint)(date_format_day(normal) - day_of((int)number[PART_YEAR], 1, 1) + 1);
  gsize at = 19;
  if (length > at && normal[at] == '.')
    at += 1 + read_fraction((const guint8 *)normal + at + 1, length - at - 1, moment->fraction);
  if (length > at)
    g_strlcpy(moment->offset, normal + at, MIN(sizeof moment->offset, length - at + 1));
  gint year = (gint)number[PART_YEAR] - format->years - (moment->era > 0 ? eras[moment->era - 1].before : 0);
  number[PART_YEAR] = (guint)year;
  number[PART_SHORT_YEAR] = (guint)year % 100;
  return year > 0 && (moment->era > 0 || !format->is_japanese);
}

static gsize print_part(const DatePart *part, const Moment *moment, char *into) {
  if (part->kind < N_NUMBERS) {
    guint number = moment->number[part->kind], digits = part->least;
    for (guint limit = 10; part->least < part->most && number >= limit; limit *= 10)
      digits++;
    write_digits(into, digits, number);
    return digits;
  }
  gsize point = is_optional(part) && *moment->fraction ? 1 : 0;
  if (point)
    *into++ = part->literal;
  const char *text = part->kind == PART_OFFSET                     ? moment->offset
                     : *moment->fraction || is_optional(part) ? moment->fraction
                                                              : "0";
  gsize length = part->kind > PART_OFFSET ? 1 : strlen(text);
  if (part->kind > PART_OFFSET)
    *into = part->kind == PART_LITERAL ? part->literal : eras[moment->era - 1].letter;
  else
    memcpy(into, text, length);
  return point + length;
}

gsize date_format_print(const DateFormat *format, const char *normal, gsize length, char *into) {
  Moment moment = {0};
  if (length < (format->is_timestamp ? 19 : 10) || length > 40)
    return 0;
  if (format->is_default) {
    memcpy(into, normal, length);
    return length;
  }
  if (!learn(format, normal, length, &moment))
    return 0;
  gsize n = 0;
  for (guint i = 0; i < format->n_parts; i++)
    n += print_part(&format->parts[i], &moment, into + n);
  return n;
}
