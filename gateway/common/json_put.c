#include "gateway/common/json_put.h"
#include "gateway/base/wide.h"
#include <string.h>
#include <time.h>

void json_put_text(GString *into, const char *text, gsize length) {
  g_string_append_c(into, '"');
  gsize start = 0;
  for (gsize i = 0; i < length; i++) {
    guchar c = (guchar)text[i];
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    g_string_append_len(into, text + start, (gssize)(i - start));
    start = i + 1;
    if (c == '"' || c == '\\')
      g_string_append_printf(into, "\\%c", c);
    else
      g_string_append_printf(into, "\\u%04x", c);
  }
  g_string_append_len(into, text + start, (gssize)(length - start));
  g_string_append_c(into, '"');
}

void json_put_shown(GString *into, const char *text) {
  gsize length = text ? strlen(text) : 0;
  if (!text) {
    g_string_append(into, "null");
  } else if (g_utf8_validate_len(text, length, NULL)) {
    json_put_text(into, text, length);
  } else {
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    json_put_text(into, valid, strlen(valid));
  }
}

void json_put_decimal(GString *into, gint64 value, guint scale) {
  char digits[WIDE_BYTES];
  gsize length = wide_print(value, scale, digits);
  g_string_append_c(into, '"');
  g_string_append_len(into, digits, (gssize)length);
  g_string_append_c(into, '"');
}

static void put_digits(GString *into, char before, guint value, guint digits) {
  char text[8];
  for (guint i = digits; i > 0; i--, value /= 10)
    text[i] = (char)('0' + value % 10);
  text[0] = before;
  g_string_append_len(into, text, (gssize)digits + 1);
}

/* By hand: GLib's date and a format cost ten times as much, and a list has four times a file. */
gboolean json_put_time(GString *into, GTimeZone *zone, gint64 microseconds) {
  gint64 second = microseconds / G_USEC_PER_SEC - (microseconds % G_USEC_PER_SEC < 0);
  gint at = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, second);
  int offset = at < 0 ? 0 : g_time_zone_get_offset(zone, at), minutes = offset / 60;
  time_t local = second + offset;
  struct tm tm;
  if (!gmtime_r(&local, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900)
    return FALSE;
  const struct {
    char before;
    int value;
    guint digits;
  } parts[] = {{'"', tm.tm_year + 1900, 4},
               {'-', tm.tm_mon + 1, 2},
               {'-', tm.tm_mday, 2},
               {'T', tm.tm_hour, 2},
               {':', tm.tm_min, 2},
               {':', tm.tm_sec, 2},
               {'.', (int)(microseconds - second * G_USEC_PER_SEC), 6},
               {minutes < 0 ? '-' : '+', ABS(minutes) / 60, 2},
               {':', ABS(minutes) % 60, 2}};
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    put_digits(into, parts[i].before, (guint)parts[i].value, parts[i].digits);
  g_string_append_c(into, '"');
  return TRUE;
}

/* --- Is it JSON? RFC 8259, by descent; each function leaves *at behind what it knows. */

static void skip_blanks(const char **at) {
  *at += strspn(*at, " \t\r\n");
}

static gboolean skip_string(const char **at) {
  const char *c = *at;
  if (*c++ != '"')
    return FALSE;
  for (; *c != '"'; c++) {
    if ((guchar)*c < 0x20)
      return FALSE;
    if (*c != '\\')
      continue;
    if (!*++c || !strchr("\"\\/bfnrtu", *c))
      return FALSE;
    for (int i = 0; i < 4 && *c == 'u'; i++)
      if (!g_ascii_isxdigit(c[1 + i]))
        return FALSE;
  }
  *at = c + 1;
  return TRUE;
}

static gboolean skip_number(const char **at) {
  const char *c = *at + (**at == '-');
  gsize whole = strspn(c, "0123456789");
  if (whole == 0 || (*c == '0' && whole > 1))
    return FALSE;
  c += whole;
  if (*c == '.') {
    gsize fraction = strspn(c + 1, "0123456789");
    if (fraction == 0)
      return FALSE;
    c += 1 + fraction;
  }
  if (*c == 'e' || *c == 'E') {
    c += c[1] == '+' || c[1] == '-' ? 2 : 1;
    gsize exponent = strspn(c, "0123456789");
    if (exponent == 0)
      return FALSE;
    c += exponent;
  }
  *at = c;
  return TRUE;
}

static gboolean skip_value(const char **at, guint depth);

static gboolean skip_members(const char **at, char end, guint depth) {
  ++*at;
  skip_blanks(at);
  if (**at == end)
    return ++*at, TRUE;
  for (;;) {
    skip_blanks(at);
    if (end == '}') {
      if (!skip_string(at))
        return FALSE;
      skip_blanks(at);
      if (**at != ':')
        return FALSE;
      ++*at;
    }
    if (!skip_value(at, depth))
      return FALSE;
    if (**at == end)
      return ++*at, TRUE;
    if (**at != ',') /* the text's end is not passed */
      return FALSE;
    ++*at;
  }
}

static gboolean skip_value(const char **at, guint depth) {
  static const char *const words[] = {"true", "false", "null"};
  gboolean known = FALSE;
  skip_blanks(at);
  if (**at == '{' || **at == '[')
    known = depth > 0 && skip_members(at, **at == '{' ? '}' : ']', depth - 1);
  else if (**at == '"')
    known = skip_string(at);
  else if (**at == '-' || g_ascii_isdigit(**at))
    known = skip_number(at);
  for (guint i = 0; i < G_N_ELEMENTS(words) && !known; i++)
    if ((known = g_str_has_prefix(*at, words[i])))
      *at += strlen(words[i]);
  if (known)
    skip_blanks(at);
  return known;
}

gboolean json_put_fits(const char *text) {
  const char *at = text;
  skip_blanks(&at);
  return (*at == '{' || *at == '[') && skip_value(&at, 64) && !*at && g_utf8_validate(text, -1, NULL);
}
