#include "conf/read/section.h"
#include "conf/read/value.h"
#include <string.h>

guint section_count(const Section *section, const char *name) {
  const GPtrArray *inner = section->node->inner ? g_hash_table_lookup(section->node->inner, name) : NULL;
  return inner ? inner->len : 0;
}

Section section_at(const Section *section, const char *name, guint index, gpointer into) {
  const GPtrArray *inner = g_hash_table_lookup(section->node->inner, name);
  Section found = *section;
  found.node = inner->pdata[index];
  found.outer = section;
  found.into = into;
  return found;
}

Section section_absent(const Section *section, Node *node, gpointer into) {
  *node = (Node){.name = "", .where = section->node->where, .damaged = TRUE};
  Section absent = *section;
  absent.node = node;
  absent.outer = section;
  absent.into = into;
  return absent;
}

ConfWhere section_where(const Section *section, const char *option) {
  const Node *node = section->node;
  const ConfWhere *where = option && node->seen ? g_hash_table_lookup(node->seen, option) : NULL;
  return where ? *where : node->where;
}

gboolean section_has(const Section *section, const char *option) {
  return section->node->seen && g_hash_table_contains(section->node->seen, option);
}

void section_require(const Section *section, const char *option, const char *what) {
  if (section_has(section, option) || section->node->damaged)
    return;
  g_autofree char *label = node_label(section->node);
  conf_report_error(section->report, section->node->where, "'%s' is missing in %s: %s", option, label, what);
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

/* --- Texts. */

char *section_title(const Section *section) {
  const char *title = section->node->title;
  if (title && value_is_name(title))
    return g_strdup(title);
  section_error(section, NULL,
                "the name of this %s must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit",
                section->node->name);
  return g_strdup("");
}

static char *const *values_of(const Section *section, const char *option) {
  return section->node->values ? g_hash_table_lookup(section->node->values, option) : NULL;
}

char *section_raw(const Section *section, const char *option) {
  char *const *values = values_of(section, option);
  if (!values)
    return NULL;
  if (*values[0] != '\0')
    return g_strdup(values[0]);
  section_error(section, option, "'%s' is empty", option);
  return NULL;
}

char *section_text(const Section *section, const char *option) {
  char *value = section_raw(section, option);
  if (!value || value_is_text(value))
    return value;
  section_error(section, option, "'%s' must be at most 1024 bytes of UTF-8 without control characters", option);
  g_free(value);
  return NULL;
}

char *section_name(const Section *section, const char *option) {
  char *value = section_raw(section, option);
  if (!value || value_is_name(value))
    return value;
  section_error(section, option, "'%s' must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit",
                option);
  g_free(value);
  return NULL;
}

char *section_path(const Section *section, const char *option) {
  g_autofree char *value = section_text(section, option);
  if (!value)
    return NULL;
  if (*value == '/' && !value_has_dot_dot(value))
    return value_clean_path(value);
  section_error(section, option, "'%s' must be an absolute path without '..'", option);
  return NULL;
}

char *section_file(const Section *section, const char *option) {
  static const char prefix[] = "credential:";
  g_autofree char *value = section_text(section, option);
  if (!value)
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
  char *const *values = values_of(section, option);
  guint count = values ? g_strv_length((char **)values) : 0;
  if (values && count == 0)
    section_error(section, option, "'%s' is an empty list", option);
  if (count == 0)
    return NULL;
  if (count > most) {
    section_error(section, option, "'%s' has %u values; %u %s the most", option, count, most, most == 1 ? "is" : "are");
    return NULL;
  }
  for (guint i = 0; i < count; i++) {
    if (*values[i] != '\0' && value_is_text(values[i]))
      continue;
    section_error(section, option, "each value of '%s' must be 1 to 1024 bytes of UTF-8 without control characters",
                  option);
    return NULL;
  }
  return g_strdupv((char **)values);
}

/* --- Numbers. */

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

guint64 section_number(const Section *section, const char *option, Range range) {
  static const char *const kinds[] = {[UNIT_NONE] = "a whole number",
                                      [UNIT_SECONDS] = "a time like \"60s\", \"5m\", \"2h\" or \"1d\"",
                                      [UNIT_MILLISECONDS] = "a time like \"800ms\" or \"2s\"",
                                      [UNIT_BYTES] = "a size like \"64K\", \"512M\" or \"4G\""};
  g_autofree char *text = section_raw(section, option);
  if (!text)
    return range.otherwise;
  guint64 amount = 0;
  if (read_amount(text, range.unit, &amount) && amount >= range.least && amount <= range.most)
    return amount;
  g_autofree char *least = show_amount(range.least, range.unit);
  g_autofree char *most = show_amount(range.most, range.unit);
  section_error(section, option, "'%s' must be %s from %s to %s", option, kinds[range.unit], least, most);
  return range.otherwise;
}

guint section_time_of_day(const Section *section, const char *option, guint otherwise) {
  g_autofree char *text = section_raw(section, option);
  guint seconds = 0;
  if (!text)
    return otherwise;
  if (value_time_of_day(text, &seconds))
    return seconds;
  section_error(section, option,
                "'%s' must be a time of the day from \"00:00\" to \"23:59\" (or with seconds, \"23:59:59\")", option);
  return otherwise;
}

/* --- Words. */

gboolean section_yes(const Section *section, const char *option, gboolean otherwise) {
  static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
  g_autofree char *text = section_raw(section, option);
  if (!text)
    return otherwise;
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_ascii_strcasecmp(text, words[i]) == 0)
      return i % 2 == 1;
  section_error(section, option, "'%s' must be yes or no", option);
  return otherwise;
}

guint section_choice(const Section *section, const char *option, const char *const *words, guint except,
                     guint otherwise) {
  g_autofree char *text = section_raw(section, option);
  if (!text)
    return otherwise;
  g_autoptr(GString) all = g_string_new(NULL);
  for (guint i = 0; words[i]; i++) {
    if (except & 1u << i)
      continue;
    if (strcmp(text, words[i]) == 0)
      return i;
    g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "", words[i]);
  }
  section_error(section, option, "'%s' must be one of: %s", option, all->str);
  return otherwise;
}
