/* Formats of dates, compiled. */
#include "gateway/records/dates_private.h"
#include <string.h>

static const struct {
  char letter;
  PartKind kind;
  guint8 digits;
  gboolean of_time; /* not of a date */
} directives[] = {
    {'Y', PART_YEAR, 4, FALSE},   {'y', PART_SHORT_YEAR, 2, FALSE}, {'m', PART_MONTH, 2, FALSE},
    {'d', PART_DAY, 2, FALSE},    {'j', PART_DAY_OF_YEAR, 3, FALSE}, {'E', PART_ERA, 0, FALSE},
    {'H', PART_HOUR, 2, TRUE},    {'M', PART_MINUTE, 2, TRUE},      {'S', PART_SECOND, 2, TRUE},
    {'f', PART_FRACTION, 0, TRUE}, {'z', PART_OFFSET, 0, TRUE},
};

/* How years are counted: what the first year comes behind, and the digits of %Y. */
static const struct {
  gint before;
  guint8 digits;
} counts[] = {[CONF_YEARS_GREGORIAN] = {0, 4},
              [CONF_YEARS_MINGUO] = {1911, 3},
              [CONF_YEARS_BUDDHIST] = {-543, 4},
              [CONF_YEARS_REIWA] = {2018, 2},
              [CONF_YEARS_JAPANESE] = {0, 2}};

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", message);
}

static gboolean add_part(DateFormat *format, DatePart part, GError **error) {
  if (format->n_parts == MOST_PARTS)
    return refuse(error, "the format is longer than %d parts", MOST_PARTS);
  if (part.kind != PART_LITERAL && date_format_has(format, (PartKind)part.kind))
    return refuse(error, "the format names the same part twice");
  const DatePart *before = format->n_parts > 0 ? &format->parts[format->n_parts - 1] : NULL;
  gboolean is_digit = part.kind < N_NUMBERS || (part.kind == PART_LITERAL && g_ascii_isdigit(part.literal));
  if (before && before->kind < N_NUMBERS && before->least < before->most && is_digit)
    return refuse(error, "behind a number of one or more digits (%%-) the format needs something that is no digit");
  format->parts[format->n_parts++] = part;
  return TRUE;
}

static gboolean add_literal(DateFormat *format, char literal, GError **error) {
  return add_part(format, (DatePart){.kind = PART_LITERAL, .literal = literal}, error);
}

/* Returns how much of the text behind the % it takes; 0: error. */
static gsize add_directive(DateFormat *format, const ConfField *field, const char *text, GError **error) {
  gboolean is_loose = *text == '-';
  char letter = text[is_loose ? 1 : 0];
  if (letter == '%' && !is_loose)
    return add_literal(format, '%', error) ? 1 : 0;
  for (guint i = 0; letter && i < G_N_ELEMENTS(directives); i++) {
    guint8 digits = directives[i].kind == PART_YEAR ? counts[field->years].digits : directives[i].digits;
    if (directives[i].letter != letter || (is_loose && digits == 0))
      continue;
    if (directives[i].of_time && !format->is_timestamp)
      return refuse(error, "%%%c is no part of a date", letter) ? 1 : 0;
    DatePart part = {.kind = (guint8)directives[i].kind, .least = is_loose ? 1 : digits, .most = digits};
    return !add_part(format, part, error) ? 0 : is_loose ? 2 : 1;
  }
  return refuse(error,
                "%%%s%c is not known: use %%Y %%y %%m %%d %%j %%E %%H %%M %%S %%f %%z %%F %%T, and %%-m for one or two "
                "digits",
                is_loose ? "-" : "", letter ? letter : ' ')
             ? 1
             : 0;
}

/* %F and %T stand for others; a longer text of them is a fault of the format, as any is that does not end. */
static gboolean add_parts(DateFormat *format, const ConfField *field, const char *text, GError **error) {
  for (const char *at = text; *at; at++) {
    const char *several = at[0] != '%' ? NULL : at[1] == 'F' ? "%Y-%m-%d" : at[1] == 'T' ? "%H:%M:%S" : NULL;
    gsize taken = 0;
    if (several ? !add_parts(format, field, several, error)
                : *at == '%' ? (taken = add_directive(format, field, at + 1, error)) == 0
                             : !add_literal(format, *at, error))
      return FALSE;
    at += several ? 1 : taken;
  }
  return TRUE;
}

/* --- What a format must have, and what goes with what */

static gboolean check_day(const DateFormat *format, GError **error) {
  gboolean has_day = date_format_has(format, PART_DAY), has_month = date_format_has(format, PART_MONTH),
           has_ordinal = date_format_has(format, PART_DAY_OF_YEAR);
  if (has_ordinal && (has_day || has_month))
    return refuse(error, "%%j is day and month in one: the format has another of them");
  if (!has_ordinal && (!has_day || !has_month))
    return refuse(error, "the format needs month and day (%%m and %%d, or %%j)");
  if (format->is_timestamp && (!date_format_has(format, PART_HOUR) || !date_format_has(format, PART_MINUTE)))
    return refuse(error, "the format of a time stamp needs hour and minute");
  return TRUE;
}

static gboolean check_year(const DateFormat *format, const ConfField *field, GError **error) {
  gboolean is_long = date_format_has(format, PART_YEAR), is_short = date_format_has(format, PART_SHORT_YEAR),
           has_era = date_format_has(format, PART_ERA), is_japanese = field->years == CONF_YEARS_JAPANESE;
  if (is_long && is_short)
    return refuse(error, "%%Y and %%y: the format names the same part twice");
  if (field->year_from && (is_long || is_short))
    return refuse(error, "year-from: the format has a year of its own");
  if (!field->year_from && !is_long && !is_short)
    return refuse(error, "the format needs a year: %%Y, or %%y, or 'year-from' says which date's it is");
  if (is_short != (field->first_year > 0))
    return refuse(error, is_short ? "%%y needs 'first-year': the first of the hundred years that two digits can mean"
                                  : "'first-year' is for a format with %%y");
  if (is_japanese != has_era || (is_japanese && !is_long))
    return refuse(error, "%%E, the era, is for years = japanese, and is needed there, with %%Y");
  if (field->year_from && field->years != CONF_YEARS_GREGORIAN)
    return refuse(error, "'years' is for a format with a year");
  return TRUE;
}

static gboolean find_zone(DateFormat *format, const char *name, GError **error) {
  format->zone = name ? g_time_zone_new_identifier(name) : NULL;
  return !name || format->zone || refuse(error, "time zone %s is not known", name);
}

/* Of the default time stamp: [.5]Z */
static gboolean add_end(DateFormat *format, GError **error) {
  return add_part(format, (DatePart){.kind = PART_FRACTION, .literal = '.'}, error) &&
         add_part(format, (DatePart){.kind = PART_OFFSET}, error);
}

static gboolean compile(DateFormat *format, const ConfField *field, GError **error) {
  const char *text = field->format ? field->format : format->is_timestamp ? "%FT%T" : "%F";
  if (!add_parts(format, field, text, error) || (!field->format && format->is_timestamp && !add_end(format, error)))
    return FALSE;
  if (!check_year(format, field, error) || !check_day(format, error) || !find_zone(format, field->time_zone, error))
    return FALSE;
  format->has_offset = date_format_has(format, PART_OFFSET);
  format->years = counts[field->years].before;
  format->first = field->first_year;
  format->is_lent = field->year_from != NULL;
  format->has_ordinal = date_format_has(format, PART_DAY_OF_YEAR);
  format->is_japanese = field->years == CONF_YEARS_JAPANESE;
  format->has_24 = field->hour_24;
  format->is_default = !field->format && field->years == CONF_YEARS_GREGORIAN && !format->zone && !format->has_24;
  return TRUE;
}

DateFormat *date_format_new(const ConfField *field, GError **error) {
  DateFormat *made = g_new0(DateFormat, 1);
  made->is_timestamp = field->type == CONF_TIMESTAMP;
  if (compile(made, field, error))
    return made;
  date_format_free(made);
  return NULL;
}

void date_format_free(DateFormat *format) {
  if (format)
    g_clear_pointer(&format->zone, g_time_zone_unref);
  g_free(format);
}
