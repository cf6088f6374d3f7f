#include "gateway/time/instant.h"
#include <string.h>

enum { DATE_LENGTH = 10, TIME_LENGTH = 19, DAY_SECONDS = 86400 };

const char *instant_problem(InstantVerdict verdict) {
  static const char *const problems[] = {
      [INSTANT_FINE] = "is fine",
      [INSTANT_MALFORMED] = "is no date or time stamp",
      [INSTANT_NEVER] = "is passed over by the zone's clock: give its offset",
      [INSTANT_TWICE] = "is shown twice by the zone's clock: give its offset"};
  return problems[verdict];
}

static gboolean take_number(const char *text, guint digits, guint most, gint64 *number) {
  *number = 0;
  for (guint i = 0; i < digits; i++) {
    if (!g_ascii_isdigit(text[i]))
      return FALSE;
    *number = *number * 10 + (text[i] - '0');
  }
  return *number <= (gint64)most;
}

static gboolean take_date(const char *text, gsize length, Day *day) {
  char date[DATE_LENGTH + 1];
  if (length < DATE_LENGTH)
    return FALSE;
  memcpy(date, text, DATE_LENGTH);
  date[DATE_LENGTH] = '\0';
  return day_parse(date, day);
}

static gboolean take_clock(const char *text, gint64 *seconds) {
  gint64 hour, minute, second;
  if (text[0] != 'T' || text[3] != ':' || text[6] != ':' || !take_number(text + 1, 2, 23, &hour) ||
      !take_number(text + 4, 2, 59, &minute) || !take_number(text + 7, 2, 59, &second))
    return FALSE;
  *seconds = hour * 3600 + minute * 60 + second;
  return TRUE;
}

/* ".5": 500,000. Leaves *text behind it. */
static gint64 take_fraction(const char **text, const char *end) {
  gint64 fraction = 0, unit = 100000;
  if (*text == end || **text != '.')
    return 0;
  for ((*text)++; *text < end && g_ascii_isdigit(**text); (*text)++, unit /= 10)
    fraction += (**text - '0') * unit;
  return fraction;
}

static gboolean take_offset(const char *text, gsize length, gint64 *offset) {
  gint64 hours, minutes;
  *offset = 0;
  if (length == 1 && *text == 'Z')
    return TRUE;
  if (length != 6 || (*text != '+' && *text != '-') || text[3] != ':' || !take_number(text + 1, 2, 23, &hours) ||
      !take_number(text + 4, 2, 59, &minutes))
    return FALSE;
  *offset = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
  return TRUE;
}

static gint64 clock_at(GTimeZone *zone, gint64 instant) {
  return (gint64)day_at(zone, instant) * DAY_SECONDS + day_seconds_at(zone, instant);
}

/* By how much the clock is put back within a day, in seconds; a zone changes its offset by less than a day. */
static gint64 put_back(GTimeZone *zone, gint64 instant) {
  return clock_at(zone, instant) + DAY_SECONDS - clock_at(zone, instant + (gint64)DAY_SECONDS * G_USEC_PER_SEC);
}

gint64 instant_again(GTimeZone *zone, gint64 instant) {
  return instant + put_back(zone, instant) * G_USEC_PER_SEC;
}

static InstantVerdict find_local(GTimeZone *zone, Day day, gint64 seconds, gint64 *instant) {
  gint64 local = (gint64)day * DAY_SECONDS + seconds;
  *instant = day_instant(zone, day, seconds);
  if (clock_at(zone, *instant) != local)
    return INSTANT_NEVER;
  gint64 back = put_back(zone, *instant);
  return back > 0 && clock_at(zone, *instant + back * G_USEC_PER_SEC) == local ? INSTANT_TWICE : INSTANT_FINE;
}

InstantVerdict instant_parse(const char *text, gsize length, GTimeZone *zone, gint64 *instant) {
  Day day;
  gint64 seconds, offset, fraction;
  if (!take_date(text, length, &day))
    return INSTANT_MALFORMED;
  if (length == DATE_LENGTH) {
    *instant = day_instant(zone, day, 0);
    return INSTANT_FINE;
  }
  if (length < TIME_LENGTH || !take_clock(text + DATE_LENGTH, &seconds))
    return INSTANT_MALFORMED;
  const char *rest = text + TIME_LENGTH, *end = text + length;
  fraction = take_fraction(&rest, end);
  InstantVerdict verdict = INSTANT_FINE;
  if (rest == end)
    verdict = find_local(zone, day, seconds, instant);
  else if (take_offset(rest, (gsize)(end - rest), &offset))
    *instant = ((gint64)day * DAY_SECONDS + seconds - offset) * G_USEC_PER_SEC;
  else
    return INSTANT_MALFORMED;
  *instant += fraction;
  return verdict;
}

InstantVerdict instant_after_day(const char *text, gsize length, GTimeZone *zone, gint64 *instant) {
  Day day;
  if (length != DATE_LENGTH || !take_date(text, length, &day))
    return INSTANT_MALFORMED;
  *instant = day_instant(zone, day + 1, 0);
  return INSTANT_FINE;
}
