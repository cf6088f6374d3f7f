/* Dates and time stamps in a layout's normal form (records/dates.h) as instants. Pure. */
#pragma once
#include "gateway/time/calendar.h"

typedef enum {
  INSTANT_FINE,
  INSTANT_MALFORMED, /* no date or time stamp, or one beyond what microseconds in 64 bits hold */
  INSTANT_NEVER,     /* without offset: the zone's clock passes it over (spring) */
  INSTANT_TWICE      /* likewise: it shows it twice (autumn) */
} InstantVerdict;
const char *instant_problem(InstantVerdict verdict); /* "is not shown by …": for a message, behind the text */

/* 2026-11-20 is the day's first instant in the zone; 2026-11-20T08:09:10[.5] is local; with Z or +08:00 the zone is not
 * asked. *instant: microseconds since 1970, what is finer is cut off. */
InstantVerdict instant_parse(const char *text, gsize length, GTimeZone *zone, gint64 *instant);
/* Of what a clock shows twice, the second time: `instant` is the first, as instant_parse gives it. */
gint64 instant_again(GTimeZone *zone, gint64 instant);
/* The first instant of the day behind the date (which has no time). */
InstantVerdict instant_after_day(const char *text, gsize length, GTimeZone *zone, gint64 *instant);
