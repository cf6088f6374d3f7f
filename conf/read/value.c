#include "conf/read/value.h"
#include <string.h>

gboolean value_is_name(const char *text) {
  if (!g_ascii_isalnum(*text) || strlen(text) > 64)
    return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
      return FALSE;
  return TRUE;
}

gboolean value_is_field(const char *text) {
  if (!g_utf8_validate(text, -1, NULL) || *text == '\0' || strlen(text) > 64 || g_ascii_isdigit(*text))
    return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
    if (!g_unichar_isalnum(g_utf8_get_char(c)) && *c != '_')
      return FALSE;
  return TRUE;
}

gboolean value_is_text(const char *text) {
  if (!g_utf8_validate(text, -1, NULL) || strlen(text) > 1024)
    return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
    if (g_unichar_iscntrl(g_utf8_get_char(c)))
      return FALSE;
  return TRUE;
}

gboolean value_has_dot_dot(const char *path) {
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  return g_strv_contains((const char *const *)parts, "..");
}

char *value_clean_path(const char *path) {
  GString *clean = g_string_new(NULL);
  for (const char *c = path; *c != '\0'; c++)
    if (*c != '/' || c[1] != '/')
      g_string_append_c(clean, *c);
  if (clean->len > 1 && clean->str[clean->len - 1] == '/')
    g_string_truncate(clean, clean->len - 1);
  return g_string_free(clean, FALSE);
}

/* The digits at the beginning of the text, and what follows them. */
static gboolean read_digits(const char *text, guint64 *number, const char **rest) {
  *number = 0;
  *rest = text;
  for (; g_ascii_isdigit(**rest); (*rest)++)
    if (!g_uint64_checked_mul(number, *number, 10) || !g_uint64_checked_add(number, *number, (guint64)(**rest - '0')))
      return FALSE;
  return *rest > text;
}

gboolean value_number(const char *text, guint64 *number) {
  const char *rest = NULL;
  return read_digits(text, number, &rest) && *rest == '\0';
}

typedef struct {
  const char *unit;
  guint64 factor;
} Factor;

static gboolean read_with_unit(const char *text, const Factor *factors, guint64 *number) {
  const char *rest = NULL;
  if (!read_digits(text, number, &rest))
    return FALSE;
  while (*rest == ' ')
    rest++;
  for (; factors->unit; factors++)
    if (strcmp(rest, factors->unit) == 0)
      return g_uint64_checked_mul(number, *number, factors->factor);
  return FALSE;
}

static const Factor durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const Factor sizes[] = {{"T", 1ULL << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1024}, {"", 1}, {NULL, 0}};

gboolean value_duration(const char *text, guint64 *milliseconds) {
  return read_with_unit(text, durations, milliseconds);
}
gboolean value_size(const char *text, guint64 *bytes) {
  return read_with_unit(text, sizes, bytes);
}

static char *show_with_unit(guint64 number, const Factor *factors) {
  while (factors->factor > 1 && (number == 0 || number % factors->factor != 0))
    factors++;
  return g_strdup_printf("%" G_GUINT64_FORMAT "%s", number / factors->factor, factors->unit);
}
char *value_show_duration(guint64 milliseconds) {
  return milliseconds == 0 ? g_strdup("0s") : show_with_unit(milliseconds, durations);
}
char *value_show_size(guint64 bytes) {
  return show_with_unit(bytes, sizes);
}

char *value_fingerprint(const char *text) {
  g_autoptr(GString) digits = g_string_new(NULL);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == ' ')
      continue;
    if (!g_ascii_isxdigit(*c) || digits->len == 64)
      return NULL;
    g_string_append_c(digits, g_ascii_toupper(*c));
  }
  if (digits->len != 40 && digits->len != 64)
    return NULL;
  return g_strdup(digits->str);
}

gboolean value_is_host_key(const char *text) {
  if (!g_str_has_prefix(text, "SHA256:") || strlen(text) != 7 + 43)
    return FALSE;
  for (const char *c = text + 7; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && *c != '+' && *c != '/')
      return FALSE;
  return TRUE;
}

gboolean value_is_tls_key(const char *text) {
  static const char prefix[] = "sha256//";
  if (!g_str_has_prefix(text, prefix) || strlen(text) != strlen(prefix) + 44)
    return FALSE;
  gsize length = 0;
  g_autofree guchar *digest = g_base64_decode(text + strlen(prefix), &length);
  g_autofree char *again = g_base64_encode(digest, length);
  return length == 32 && strcmp(again, text + strlen(prefix)) == 0;
}

gboolean value_is_sha256(const char *text) {
  if (strlen(text) != 64)
    return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isxdigit(*c))
      return FALSE;
  return TRUE;
}

/* --- Times and dates. */

static gboolean two_digits(const char *text, guint most, guint *number) {
  if (!g_ascii_isdigit(text[0]) || !g_ascii_isdigit(text[1]))
    return FALSE;
  *number = (guint)(text[0] - '0') * 10 + (guint)(text[1] - '0');
  return *number <= most;
}

gboolean value_time_of_day(const char *text, guint *seconds) {
  guint hour = 0, minute = 0, second = 0;
  gsize length = strlen(text);
  if (length != 5 && length != 8)
    return FALSE;
  if (!two_digits(text, 23, &hour) || text[2] != ':' || !two_digits(text + 3, 59, &minute))
    return FALSE;
  if (length == 8 && (text[5] != ':' || !two_digits(text + 6, 59, &second)))
    return FALSE;
  *seconds = (hour * 60 + minute) * 60 + second;
  return TRUE;
}

gboolean value_date(const char *text, guint32 *julian) {
  guint century = 0, year = 0, month = 0, day = 0;
  if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
    return FALSE;
  if (!two_digits(text, 99, &century) || !two_digits(text + 2, 99, &year) || !two_digits(text + 5, 12, &month) ||
      !two_digits(text + 8, 31, &day))
    return FALSE;
  year += century * 100;
  if (year < 1970 || !g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year))
    return FALSE;
  GDate date;
  g_date_clear(&date, 1);
  g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
  *julian = g_date_get_julian(&date);
  return TRUE;
}
