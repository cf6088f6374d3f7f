/* What a date's format is compiled to: shared by date_format.c, which makes it, and dates.c, which reads and prints by
 * it. Nobody else includes this. */
#pragma once
#include "gateway/records/dates.h"
#include "gateway/time/calendar.h"

/* The parts up to the first that is no number have one each in a Moment. */
typedef enum {
  PART_YEAR,
  PART_SHORT_YEAR, /* its last two digits */
  PART_MONTH,
  PART_DAY,
  PART_DAY_OF_YEAR,
  PART_HOUR,
  PART_MINUTE,
  PART_SECOND,
  N_NUMBERS,
  PART_FRACTION = N_NUMBERS,
  PART_OFFSET,
  PART_ERA,
  PART_LITERAL
} PartKind;

typedef struct {
  guint8 kind;
  guint8 least, most; /* digits of a number */
  char literal; /* of a fraction: the point that it stands behind, if it is there; 0: it must be */
} DatePart;

enum { MOST_PARTS = 32 };
struct DateFormat {
  gboolean is_timestamp, is_default, has_24;
  gint years;     /* to add to a year for that of the Gregorian calendar; by era: 0 */
  guint first;    /* of the hundred years that two digits mean, as they are counted there; 0: none */
  gboolean is_lent; /* the year is that of another date */
  gboolean has_ordinal, is_japanese;
  gboolean has_offset;
  GTimeZone *zone;
  guint n_parts;
  DatePart parts[MOST_PARTS];
};
static inline gboolean date_format_has(const DateFormat *format, PartKind kind) {
  for (guint i = 0; i < format->n_parts; i++)
    if (format->parts[i].kind == kind)
      return TRUE;
  return FALSE;
}
