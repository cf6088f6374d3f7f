#include "gateway/cli/output.h"
#include "gateway/base/files.h"
#include "gateway/common/json_put.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static guint terminal_width(FILE *file) {
  struct winsize size;
  const char *columns = getenv("COLUMNS");
  if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  guint64 width = columns ? g_ascii_strtoull(columns, NULL, 10) : 0;
  return width >= 20 && width < 10000 ? (guint)width : 80;
}

CliOutput *cli_output_new(FILE *file, gboolean is_json) {
  CliOutput *out = g_new0(CliOutput, 1);
  const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
  out->file = file;
  out->is_json = is_json;
  out->is_terminal = isatty(fileno(file)) == 1;
  out->has_colour = out->is_terminal && !(no_colour && *no_colour) && g_strcmp0(terminal, "dumb") != 0;
  out->width = terminal_width(file);
  out->time_zone = g_time_zone_new_local();
  return out;
}

void cli_output_free(CliOutput *out) {
  if (!out)
    return;
  g_time_zone_unref(out->time_zone);
  g_free(out);
}

void cli_output_zone(CliOutput *out, const char *time_zone) {
  GTimeZone *zone = time_zone ? g_time_zone_new_identifier(time_zone) : NULL;
  if (!zone)
    return;
  g_time_zone_unref(out->time_zone);
  out->time_zone = zone;
}

CliColour cli_colour_of_state(FileState state) {
  switch (state) {
  case FILE_CLOSED:
    return CLI_GREEN;
  case FILE_REJECTED:
    return CLI_RED;
  case FILE_HELD:
    return CLI_YELLOW;
  case FILE_DUPLICATE:
    return CLI_MAGENTA;
  case FILE_GONE:
    return CLI_DIM;
  default:
    return CLI_CYAN;
  }
}

static char *with_separators(const CliOutput *out, const char *digits) {
  gsize length = strlen(digits);
  GString *text = g_string_new(NULL);
  for (gsize i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0 && out->is_terminal)
      g_string_append_c(text, ',');
    g_string_append_c(text, digits[i]);
  }
  return g_string_free(text, FALSE);
}

char *cli_unsigned(const CliOutput *out, guint64 value) {
  g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, value);
  return with_separators(out, digits);
}

static guint64 magnitude_of(gint64 value) {
  return value < 0 ? 0 - (guint64)value : (guint64)value;
}

char *cli_number(const CliOutput *out, gint64 value) {
  g_autofree char *text = cli_unsigned(out, magnitude_of(value));
  return g_strconcat(value < 0 ? "-" : "", text, NULL);
}

static char *decimal(const CliOutput *out, Wide value, guint scale) {
  char digits[WIDE_BYTES];
  gsize length = wide_print(value, scale, digits), sign = value < 0 ? 1 : 0, tail = scale ? scale + 1 : 0;
  g_autofree char *before = g_strndup(digits + sign, length - sign - tail);
  g_autofree char *separated = out ? with_separators(out, before) : g_strdup(before);
  return g_strconcat(value < 0 ? "-" : "", separated, digits + length - tail, NULL);
}

char *cli_amount(const CliOutput *out, Wide value, guint scale) {
  return decimal(out, value, scale);
}

static GDateTime *date_time(const CliOutput *out, gint64 microseconds) {
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(microseconds / G_USEC_PER_SEC);
  return utc ? g_date_time_to_timezone(utc, out->time_zone) : NULL;
}

char *cli_time_json(const CliOutput *out, gint64 microseconds) {
  g_autoptr(GString) quoted = g_string_new(NULL);
  return json_put_time(quoted, out->time_zone, microseconds) ? g_strndup(quoted->str + 1, quoted->len - 2) : NULL;
}

char *cli_time(const CliOutput *out, gint64 microseconds) {
  if (microseconds == 0)
    return g_strdup("-");
  g_autoptr(GDateTime) at = date_time(out, microseconds);
  return at ? g_date_time_format(at, out->is_terminal ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S%:z") : g_strdup("-");
}

char *cli_time_brief(const CliOutput *out, gint64 microseconds) {
  g_autoptr(GDateTime) at = microseconds && out->is_terminal ? date_time(out, microseconds) : NULL;
  g_autoptr(GDateTime) now = g_date_time_new_now(out->time_zone);
  if (!at || g_date_time_get_year(at) != g_date_time_get_year(now))
    return cli_time(out, microseconds);
  return g_date_time_format(at, g_date_time_get_day_of_year(at) == g_date_time_get_day_of_year(now) ? "%H:%M:%S"
                                                                                                    : "%m-%d %H:%M");
}

char *cli_duration(gint64 microseconds) {
  gint64 seconds = MAX(microseconds, 0) / G_USEC_PER_SEC;
  gint64 minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
#define PART(value) ((int)(value))
  if (minutes == 0)
    return g_strdup_printf("%ds", PART(seconds));
  if (hours == 0)
    return g_strdup_printf("%dm%02ds", PART(minutes), PART(seconds % 60));
  if (days == 0)
    return g_strdup_printf("%dh%02dm", PART(hours), PART(minutes % 60));
  return g_strdup_printf("%dd%02dh", PART(days), PART(hours % 24));
#undef PART
}

char *cli_mask(const char *value) {
  glong length = value ? g_utf8_strlen(value, -1) : 0;
  glong shown = length > 8 ? 4 : 0;
  g_autofree char *stars = g_strnfill((gsize)(length - shown), '*');
  return g_strconcat(stars, length ? g_utf8_offset_to_pointer(value, length - shown) : "", NULL);
}

/* --- Times that a person typed. */

static gboolean parse_ago(const char *text, gint64 now, gint64 *microseconds) {
  static const struct {
    char unit;
    gint64 seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
  char *end;
  gint64 count = g_ascii_strtoll(text, &end, 10);
  if (!g_ascii_isdigit(*text) || !*end || end[1] || count > 1000000)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
    if (units[i].unit == *end) {
      *microseconds = now - count * units[i].seconds * G_USEC_PER_SEC;
      return TRUE;
    }
  return FALSE;
}

static gboolean take_time(GDateTime *at, gint64 *microseconds) {
  if (!at)
    return FALSE;
  *microseconds = g_date_time_to_unix(at) * G_USEC_PER_SEC;
  g_date_time_unref(at);
  return TRUE;
}

gboolean cli_parse_time(const CliOutput *out, const char *text, gint64 now, gint64 *microseconds) {
  g_autoptr(GDateTime) today = date_time(out, now);
  if (parse_ago(text, now, microseconds))
    return TRUE;
  g_autofree char *day = g_date_time_format(today, "%Y-%m-%d");
  g_autoptr(GDateTime) before = g_date_time_add_days(today, -1);
  g_autofree char *day_before = g_date_time_format(before, "%Y-%m-%d");
  g_autofree char *full = NULL;
  gboolean is_clock = g_regex_match_simple("^\\d\\d:\\d\\d(:\\d\\d)?$", text, 0, 0);
  if (strcmp(text, "today") == 0)
    full = g_strconcat(day, "T00:00:00", NULL);
  else if (strcmp(text, "yesterday") == 0)
    full = g_strconcat(day_before, "T00:00:00", NULL);
  else if (g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\d$", text, 0, 0))
    full = g_strconcat(text, "T00:00:00", NULL);
  else if (is_clock)
    full = g_strconcat(day, "T", text, strlen(text) == 5 ? ":00" : "", NULL);
  else if (g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d$", text, 0, 0))
    full = g_strconcat(text, ":00", NULL);
  else
    full = g_strdup(text);
  return take_time(g_date_time_new_from_iso8601(full, out->time_zone), microseconds);
}

/* --- Lines and JSON. */

static const char *const colour_codes[] = {
    [CLI_PLAIN] = "",    [CLI_BOLD] = "1",  [CLI_DIM] = "2",      [CLI_RED] = "31", [CLI_GREEN] = "32",
    [CLI_YELLOW] = "33", [CLI_BLUE] = "34", [CLI_MAGENTA] = "35", [CLI_CYAN] = "36"};

void cli_coloured(const CliOutput *out, CliColour colour, const char *text) {
  if (out->has_colour && colour != CLI_PLAIN)
    fprintf(out->file, "\033[%sm%s\033[0m", colour_codes[colour], text);
  else
    fputs(text, out->file);
}

char *cli_printable(char *text) {
  char *shown = text ? files_show_bytes(text, strlen(text), G_MAXSIZE) : NULL;
  g_free(text);
  return shown;
}

void cli_line_coloured(const CliOutput *out, const char *name, char *value, CliColour colour) {
  g_autofree char *owned = cli_printable(value);
  if (!owned)
    return;
  fprintf(out->file, "  %-14s ", name);
  cli_coloured(out, colour, owned);
  fputc('\n', out->file);
}

void cli_line(const CliOutput *out, const char *name, char *value) {
  cli_line_coloured(out, name, value, CLI_PLAIN);
}

void cli_heading(const CliOutput *out, const char *text) {
  fputc('\n', out->file);
  cli_coloured(out, CLI_BOLD, text);
  fputc('\n', out->file);
}

void cli_json(const CliOutput *out, json_t *value) {
  json_dumpf(value, out->file, (out->is_terminal ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENCODE_ANY);
  fputc('\n', out->file);
  json_decref(value);
}

void cli_json_text(json_t *object, const char *name, const char *value) {
  if (!value)
    return;
  json_t *text = json_string(value);
  if (!text) { /* it is not UTF-8 */
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    text = json_string(valid);
  }
  json_object_set_new(object, name, text);
}

void cli_json_time(const CliOutput *out, json_t *object, const char *name, gint64 microseconds) {
  g_autofree char *text = microseconds ? cli_time_json(out, microseconds) : NULL;
  cli_json_text(object, name, text);
}

void cli_json_amount(json_t *object, const char *name, Wide value, guint scale) {
  g_autofree char *text = decimal(NULL, value, scale);
  cli_json_text(object, name, text);
}
