/* JSON written straight as text, for what is written hundreds of thousands of times: no object per value, no library's
 * spelling. The caller writes the brackets, the names and the commas. What is read, and what is small, is jansson's. */
#pragma once
#include <glib.h>

/* A string with its quotes. Quotes, backslashes and controls are escaped, all else stands as it came: what the caller
 * does not know to be UTF-8 goes by json_put_shown. */
void json_put_text(GString *into, const char *text, gsize length);
/* Likewise, to the text's end; NULL: null. What is not UTF-8 is made so. */
void json_put_shown(GString *into, const char *text);
/* A decimal as a string, as a number is a double to most readers: 1230 at scale 2 is "12.30". */
void json_put_decimal(GString *into, gint64 value, guint scale);
/* Microseconds since 1970 as RFC 3339 with fraction and the zone's offset, in quotes. FALSE, and nothing is added: not
 * of the years 1 to 9999. */
gboolean json_put_time(GString *into, GTimeZone *zone, gint64 microseconds) G_GNUC_WARN_UNUSED_RESULT;
/* Is it one whole object or array, at most 64 levels deep? Texts in it must be UTF-8; numbers may be of any size. */
gboolean json_put_fits(const char *text) G_GNUC_WARN_UNUSED_RESULT;
