#include "conf/section.h"
#include "conf/value.h"
#include <stdlib.h>
#include <string.h>

Section section_root(cfg_t *cfg, const Scan *scan, ConfReport *report) {
  return (Section){.cfg = cfg, .scanned = g_ptr_array_index(scan->sections, 0), .scan = scan, .report = report};
}

guint section_count(const Section *section, const char *name) {
  return cfg_size(section->cfg, name);
}

Section section_at(const Section *section, const char *name, guint index) {
  Section inner = *section;
  inner.cfg = cfg_getnsec(section->cfg, name, index);
  gulong number = strtoul(cfg_getstr(inner.cfg, GRAMMAR_PLACE), NULL, 10);
  g_assert(number < section->scan->sections->len);
  inner.scanned = g_ptr_array_index(section->scan->sections, number);
  return inner;
}

gboolean section_inner(const Section *section, const char *name, Section *inner) {
  if (section_count(section, name) == 0)
    return FALSE;
  *inner = section_at(section, name, 0);
  return TRUE;
}

ConfWhere section_where(const Section *section, const char *option) {
  const ConfWhere *where = option == NULL ? NULL : g_hash_table_lookup(section->scanned->seen, option);
  return where != NULL ? *where : section->scanned->where;
}

gboolean section_has(const Section *section, const char *option) {
  return g_hash_table_lookup(section->scanned->seen, option) != NULL;
}

void section_require(const Section *section, const char *option, const char *what) {
  if (section_has(section, option) || section->scanned->damaged)
    return;
  g_autofree char *label = scan_section_label(section->scanned);
  conf_report_error(section->report, section->scanned->where, "'%s' is missing in %s: %s", option, label, what);
}

void section_require_section(const Section *section, const char *name, const char *what) {
  if (section_count(section, name) == 0)
    section_require(section, name, what);
}

void section_only_with(const Section *section, const char *option, gboolean fits, const char *with) {
  if (!fits && section_has(section, option))
    section_error(section, option, "'%s' has a meaning only with %s", option, with);
}

void section_error(const Section *section, const char *option, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  conf_report_error(section->report, section_where(section, option), "%s", message);
}

void section_warning(const Section *section, const char *option, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  conf_report_warning(section->report, section_where(section, option), "%s", message);
}

/* ---- texts ---- */

char *section_title(const Section *section) {
  const char *title = section->scanned->title;
  if (title != NULL && value_is_name(title))
    return g_strdup(title);
  section_error(section, NULL,
                "the name of this %s must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit",
                section->scanned->name);
  return g_strdup("");
}

char *section_raw(const Section *section, const char *option) {
  const char *value = cfg_getstr(section->cfg, option);
  if (value == NULL)
    return NULL;
  if (*value != '\0')
    return g_strdup(value);
  section_error(section, option, "'%s' is empty", option);
  return NULL;
}

char *section_text(const Section *section, const char *option) {
  char *value = section_raw(section, option);
  if (value == NULL || value_is_text(value))
    return value;
  section_error(section, option, "'%s' must be at most 1024 bytes of UTF-8 without control characters", option);
  g_free(value);
  return NULL;
}

char *section_name(const Section *section, const char *option) {
  char *value = section_raw(section, option);
  if (value == NULL || value_is_name(value))
    return value;
  section_error(section, option, "'%s' must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit",
                option);
  g_free(value);
  return NULL;
}

char *section_path(const Section *section, const char *option) {
  g_autofree char *value = section_text(section, option);
  if (value == NULL)
    return NULL;
  if (*value == '/' && !value_has_dot_dot(value))
    return value_clean_path(value);
  section_error(section, option, "'%s' must be an absolute path without '..'", option);
  return NULL;
}

char *section_file(const Section *section, const char *option) {
  static const char prefix[] = "credential:";
  g_autofree char *value = section_text(section, option);
  if (value == NULL)
    return NULL;
  if (g_str_has_prefix(value, prefix)) {
    if (value_is_name(value + strlen(prefix)))
      return g_steal_pointer(&value);
    section_error(section, option,
                  "'%s': behind credential: stands the name that the service's LoadCredential= has for it", option);
    return NULL;
  }
  return section_path(section, option);
}

char **section_list(const Section *section, const char *option, guint most) {
  guint count = cfg_size(section->cfg, option);
  if (count == 0) {
    if (section_has(section, option) && cfg_getopt(section->cfg, option)->flags & CFGF_MODIFIED)
      section_error(section, option, "'%s' is an empty list", option);
    return NULL;
  }
  if (count > most) {
    section_error(section, option, "'%s' has %u values; %u %s the most", option, count, most, most == 1 ? "is" : "are");
    return NULL;
  }
  g_auto(GStrv) values = g_new0(char *, count + 1);
  for (guint i = 0; i < count; i++) {
    values[i] = g_strdup(cfg_getnstr(section->cfg, option, i));
    if (*values[i] != '\0' && value_is_text(values[i]))
      continue;
    section_error(section, option, "each value of '%s' must be 1 to 1024 bytes of UTF-8 without control characters",
                  option);
    return NULL;
  }
  return g_steal_pointer(&values);
}

/* ---- numbers ---- */

typedef enum { UNIT_NONE, UNIT_SECONDS, UNIT_MILLISECONDS, UNIT_BYTES } Unit;

static char *show_amount(guint64 amount, Unit unit) {
  switch (unit) {
  case UNIT_SECONDS:
    return value_show_duration(amount * 1000);
  case UNIT_MILLISECONDS:
    return value_show_duration(amount);
  case UNIT_BYTES:
    return value_show_size(amount);
  case UNIT_NONE:
    break;
  }
  return g_strdup_printf("%" G_GUINT64_FORMAT, amount);
}

static gboolean read_amount(const char *text, Unit unit, guint64 *amount) {
  if (unit == UNIT_NONE)
    return value_number(text, amount);
  if (unit == UNIT_BYTES)
    return value_size(text, amount);
  if (!value_duration(text, amount))
    return FALSE;
  if (unit == UNIT_MILLISECONDS)
    return TRUE;
  if (*amount % 1000 != 0)
    return FALSE;
  *amount /= 1000;
  return TRUE;
}

static guint64 read_range(const Section *section, const char *option, Unit unit, Range range) {
  static const char *const kinds[] = {[UNIT_NONE] = "a whole number",
                                      [UNIT_SECONDS] = "a time like \"60s\", \"5m\", \"2h\" or \"1d\"",
                                      [UNIT_MILLISECONDS] = "a time like \"800ms\" or \"2s\"",
                                      [UNIT_BYTES] = "a size like \"64K\", \"512M\" or \"4G\""};
  g_autofree char *text = section_raw(section, option);
  if (text == NULL)
    return range.otherwise;
  guint64 amount = 0;
  if (read_amount(text, unit, &amount) && amount >= range.least && amount <= range.most)
    return amount;
  g_autofree char *least = show_amount(range.least, unit);
  g_autofree char *most = show_amount(range.most, unit);
  section_error(section, option, "'%s' must be %s from %s to %s", option, kinds[unit], least, most);
  return range.otherwise;
}

guint section_number(const Section *section, const char *option, Range range) {
  return (guint)read_range(section, option, UNIT_NONE, range);
}
guint64 section_number64(const Section *section, const char *option, Range range) {
  return read_range(section, option, UNIT_NONE, range);
}
guint section_seconds(const Section *section, const char *option, Range range) {
  return (guint)read_range(section, option, UNIT_SECONDS, range);
}
guint section_milliseconds(const Section *section, const char *option, Range range) {
  return (guint)read_range(section, option, UNIT_MILLISECONDS, range);
}
guint64 section_size(const Section *section, const char *option, Range range) {
  return read_range(section, option, UNIT_BYTES, range);
}

guint section_time_of_day(const Section *section, const char *option, guint otherwise) {
  g_autofree char *text = section_raw(section, option);
  guint seconds = 0;
  if (text == NULL)
    return otherwise;
  if (value_time_of_day(text, &seconds))
    return seconds;
  section_error(section, option,
                "'%s' must be a time of the day from \"00:00\" to \"23:59\" (or with seconds, \"23:59:59\")", option);
  return otherwise;
}

/* ---- words ---- */

gboolean section_yes(const Section *section, const char *option, gboolean otherwise) {
  static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
  g_autofree char *text = section_raw(section, option);
  if (text == NULL)
    return otherwise;
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_ascii_strcasecmp(text, words[i]) == 0)
      return i % 2 == 1;
  section_error(section, option, "'%s' must be yes or no", option);
  return otherwise;
}

guint section_choice(const Section *section, const char *option, const char *const *words, guint otherwise) {
  g_autofree char *text = section_raw(section, option);
  if (text == NULL)
    return otherwise;
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp(text, words[i]) == 0)
      return i;
  g_autofree char *all = g_strjoinv(", ", (char **)words);
  section_error(section, option, "'%s' must be one of: %s", option, all);
  return otherwise;
}
