/* Dates and time stamps of a layout's fields: strict, by the real calendar (proleptic Gregorian), never guessed.
 *
 * A format is literal text and %Y (4 digits) %m %d %H %M %S (2 digits each) %y (2 digits, of a hundred years that the
 * field names) %j (3 digits: day of the year) %E (an era of Japan) %f (1 to 9 digits of a second) %z (Z, +08:00,
 * +0800, +08) %F (%Y-%m-%d) %T (%H:%M:%S) %%; with a minus, as %-d, a number has one digit or more. Names of months and
 * anything else are refused: what a partner means by them cannot be known. Years may be counted in other ways, or be
 * another date's. Without a format: dates are 2026-11-20, time stamps 2026-11-20T08:09:10 with an optional fraction and
 * Z or an offset. Leap seconds are refused, and 24:00 where the field does not say that it comes. The normal form is
 * ISO 8601: 2026-11-20, and 2026-11-20T08:09:10[.5][Z|+08:00]; the offset is absent where neither the format nor the
 * field's zone has one. */
#pragma once
#include "gateway/time/calendar.h"

#define DATES_LONGEST 64 /* bytes of a normal form, and of a printed one, at most */


typedef struct DateFormat DateFormat;
/* Of a field of type date or timestamp. CONFIGURATION for a format that does not name a whole date (or, for a time
 * stamp, no time), or what does not go together. */
DateFormat *date_format_new(const ConfField *field, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void date_format_free(DateFormat *format);
/* Length of the normal form, written to `into` (DATES_LONGEST bytes, no NUL); 0: not such a date. `lender`: the day
 * that lends its year to a format without one (NO_DAY: there is none, and no such date). */
gsize date_format_parse(const DateFormat *format, Day lender, const guint8 *text, gsize length, char *into);
/* Whether the text is a date of the default format in its normal form already: then there is nothing to copy. */
gboolean date_format_is_normal(const DateFormat *format, const guint8 *text, gsize length);
/* The way back, for what is echoed to the partner: a normal form that date_format_parse made, in the layout's format.
 * 0: it is none, or has no such spelling. */
gsize date_format_print(const DateFormat *format, const char *normal, gsize length, char *into);
/* The day that a normal form says, in its own zone. */
Day date_format_day(const char *normal);
