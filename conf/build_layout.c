/* Layouts: how a partner writes records as lines. */
#include "conf/build.h"
#include "conf/value.h"
#include <iconv.h>
#include <string.h>

#define FIELDS_LIMIT 500      /* of one line */
#define LINE_LIMIT_MOST (1024 * 1024)

const ConfField *conf_line_field(const ConfLine *line, const char *name) {
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = g_ptr_array_index(line->fields, i);
    if (strcmp(field->name, name) == 0) return field;
  }
  return NULL;
}

char *suggest_field(const ConfLine *line, const char *name) {
  const char *nearest = NULL;
  guint least = G_MAXUINT, distance = 0;
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = g_ptr_array_index(line->fields, i);
    if (!grammar_is_near(field->name, name, &distance) || distance >= least) continue;
    least = distance;
    nearest = field->name;
  }
  return nearest == NULL ? g_strdup("") : g_strdup_printf("; did you mean \"%s\"?", nearest);
}

/* ---- fields ---- */

static void refuse_unless(const Section *section, const char *option, gboolean fits, const char *fitting) {
  if (!fits && section_has(section, option)) section_error(section, option, "'%s' is for %s", option, fitting);
}

static void build_values(const Section *section, ConfField *field) {
  refuse_unless(section, "values", field->type == CONF_ENUMERATION, "type = enumeration");
  if (field->type != CONF_ENUMERATION) return;
  section_require(section, "values", "what the field may hold");
  field->values = section_list(section, "values", 1000);
}

static void build_scale(const Section *section, ConfField *field) {
  refuse_unless(section, "scale", field->type == CONF_DECIMAL, "type = decimal");
  if (field->type != CONF_DECIMAL) return;
  section_require(section, "scale", "how many digits stand behind the point");
  field->scale = section_number(section, "scale", (Range){.otherwise = 0, .least = 0, .most = 18});
}

/* `count`, or `sum(FIELD)`. */
static void build_control(const Section *section, ConfField *field, gboolean may_control) {
  g_autofree char *text = section_text(section, "control");
  if (text == NULL) return;
  gsize length = strlen(text);
  if (!may_control) {
    section_error(section, "control", "'control' is for fields of the trailer or header: a record does not count itself");
  } else if (strcmp(text, "count") == 0) {
    field->control = CONF_CONTROL_COUNT;
    if (field->type != CONF_INTEGER) section_error(section, "control", "a field with control = count must have type = integer");
  } else if (g_str_has_prefix(text, "sum(") && length > 5 && text[length - 1] == ')') {
    field->control = CONF_CONTROL_SUM;
    field->control_field = g_strndup(text + 4, length - 5);
  } else {
    section_error(section, "control", "'control' must be count or \"sum(FIELD)\"");
  }
}

static ConfField *build_field(const Section *section, gboolean may_control) {
  static const char *const types[] = {"text", "integer", "decimal", "date", "timestamp", "enumeration", NULL};
  ConfField *field = g_new0(ConfField, 1);
  field->where = section_where(section, NULL);
  field->name = g_strdup(section->scanned->title);
  if (!value_is_field(field->name))
    section_error(section, NULL, "a field's name must be 1 to 64 letters, digits or _, not beginning with a digit: rules use it as a column");
  field->type = section_choice(section, "type", types, CONF_TEXT);
  field->width = section_number(section, "width", (Range){.otherwise = 0, .least = 1, .most = 65536});
  refuse_unless(section, "format", field->type == CONF_DATE || field->type == CONF_TIMESTAMP, "type = date or timestamp");
  field->format = section_text(section, "format");
  build_scale(section, field);
  build_values(section, field);
  field->optional = section_yes(section, "optional", FALSE);
  field->mask = section_yes(section, "mask", FALSE);
  build_control(section, field, may_control);
  return field;
}

/* SQL, which the rules are, does not tell ABC and abc apart. */
static void check_field_names(const Section *section, const ConfLine *line) {
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = g_ptr_array_index(line->fields, i);
    if (!g_hash_table_add(names, g_ascii_strdown(field->name, -1)))
      conf_report_error(section->report, field->where, "field \"%s\" differs from another field of this line by upper and lower case only",
                        field->name);
  }
}

static void build_line(const Section *layout_section, const char *name, ConfLine *line) {
  line->fields = g_ptr_array_new();
  Section section;
  if (!section_inner(layout_section, name, &section)) return;
  line->where = section_where(&section, NULL);
  line->present = TRUE;
  line->tag = g_strdup(section.scanned->title);
  if (line->tag != NULL && *line->tag == '\0') g_clear_pointer(&line->tag, g_free);
  if (line->tag != NULL && !value_is_text(line->tag)) section_error(&section, NULL, "the tag must be text");
  guint count = section_count(&section, "field");
  if (count == 0 && !section.scanned->damaged) section_error(&section, NULL, "this %s has no fields", name);
  if (count > FIELDS_LIMIT) {
    section_error(&section, NULL, "this %s has %u fields; %d are the most", name, count, FIELDS_LIMIT);
    return;
  }
  gboolean may_control = strcmp(name, "record") != 0;
  for (guint i = 0; i < count; i++) {
    Section inner = section_at(&section, "field", i);
    g_ptr_array_add(line->fields, build_field(&inner, may_control));
  }
  check_field_names(&section, line);
}

/* ---- between lines ---- */

static void check_sum(const Section *section, const ConfLayout *layout, const ConfField *field) {
  if (field->control != CONF_CONTROL_SUM || !layout->record.present) return;
  const ConfField *summed = conf_line_field(&layout->record, field->control_field);
  if (summed == NULL) {
    g_autofree char *suggestion = suggest_field(&layout->record, field->control_field);
    conf_report_error(section->report, field->where, "field \"%s\": the record has no field \"%s\" to sum%s", field->name,
                      field->control_field, suggestion);
  } else if (summed->type != CONF_INTEGER && summed->type != CONF_DECIMAL) {
    conf_report_error(section->report, field->where, "field \"%s\": \"%s\" cannot be summed, it is neither integer nor decimal",
                      field->name, summed->name);
  } else if (field->type != summed->type || field->scale != summed->scale) {
    conf_report_error(section->report, field->where, "field \"%s\" must have the type and scale of \"%s\", which it sums", field->name,
                      summed->name);
  }
}

static void check_controls(const Section *section, const ConfLayout *layout) {
  const ConfLine *lines[] = {&layout->header, &layout->trailer};
  for (guint l = 0; l < G_N_ELEMENTS(lines); l++)
    for (guint i = 0; i < lines[l]->fields->len; i++) check_sum(section, layout, g_ptr_array_index(lines[l]->fields, i));
}

/* Rules see the header's values as header_NAME, beside the record's columns. */
static void check_header_names(const Section *section, const ConfLayout *layout) {
  for (guint i = 0; i < layout->header.fields->len; i++) {
    const ConfField *field = g_ptr_array_index(layout->header.fields, i);
    g_autofree char *constant = g_strdup_printf("header_%s", field->name);
    const ConfField *clash = conf_line_field(&layout->record, constant);
    if (clash != NULL)
      conf_report_error(section->report, clash->where, "field \"%s\" has the name by which rules call the header's \"%s\"", clash->name,
                        field->name);
  }
}

static void check_tags(const Section *section, const ConfLayout *layout) {
  const ConfLine *lines[] = {&layout->header, &layout->record, &layout->trailer};
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    if (!lines[i]->present) continue;
    if (lines[i]->tag == NULL && layout->lines_by == CONF_LINES_BY_TAG)
      conf_report_error(section->report, lines[i]->where, "lines are told apart by their tag, and this one has none: write it behind the name, as record \"D\" { … }, or set lines-by = position");
    if (lines[i]->tag != NULL && layout->lines_by == CONF_LINES_BY_POSITION)
      conf_report_warning(section->report, lines[i]->where, "the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a field of its own");
    for (guint j = 0; j < i; j++)
      if (lines[i]->tag != NULL && lines[j]->tag != NULL && strcmp(lines[i]->tag, lines[j]->tag) == 0)
        conf_report_error(section->report, lines[i]->where, "the tag \"%s\" stands for two kinds of line", lines[i]->tag);
    if (lines[i]->tag != NULL && layout->delimiter != NULL && strstr(lines[i]->tag, layout->delimiter) != NULL)
      conf_report_error(section->report, lines[i]->where, "the tag holds the delimiter");
  }
}

/* ---- the layout ---- */

static void build_delimiter(const Section *section, ConfLayout *layout) {
  section_require(section, "delimiter", "what stands between two fields");
  layout->delimiter = section_raw(section, "delimiter");
  if (layout->delimiter == NULL) return;
  if (strcmp(layout->delimiter, "\\t") == 0) strcpy(layout->delimiter, "\t"); /* '\t' in single quotes can mean nothing else */
  if (strlen(layout->delimiter) > 16) section_error(section, "delimiter", "'delimiter' has more than 16 bytes");
  if (strpbrk(layout->delimiter, "\r\n") != NULL) section_error(section, "delimiter", "'delimiter' holds a line end");
  if (layout->quote == CONF_QUOTE_RFC4180 && strchr(layout->delimiter, '"') != NULL)
    section_error(section, "delimiter", "'delimiter' holds the quote of quote = rfc4180");
}

/* iconv looks its modules up by name: nothing but a plain name may get there. */
static void build_charset(const Section *section, ConfLayout *layout) {
  layout->charset = section_text(section, "charset");
  if (layout->charset == NULL) {
    layout->charset = g_strdup("UTF-8");
    return;
  }
  gboolean plain = g_ascii_isalnum(*layout->charset) && strlen(layout->charset) <= 40;
  for (const char *c = layout->charset; *c != '\0'; c++) plain = plain && (g_ascii_isalnum(*c) || strchr("._:-", *c) != NULL);
  iconv_t opened = plain ? iconv_open("UTF-8", layout->charset) : (iconv_t)-1;
  if (opened == (iconv_t)-1) section_error(section, "charset", "'charset' must be a character set that this machine knows (iconv -l lists them)");
  else iconv_close(opened);
}

ConfLayout *build_layout(const Section *section) {
  static const char *const types[] = {"delimited", NULL};
  static const char *const quotes[] = {"none", "rfc4180", NULL};
  static const char *const by[] = {"tag", "position", NULL};
  static const char *const ends[] = {"any", "lf", "crlf", "cr", NULL};
  ConfLayout *layout = g_new0(ConfLayout, 1);
  layout->where = section_where(section, NULL);
  layout->name = section_title(section);
  section_choice(section, "type", types, 0);
  layout->quote = section_choice(section, "quote", quotes, CONF_QUOTE_NONE);
  build_delimiter(section, layout);
  build_charset(section, layout);
  layout->lines_by = section_choice(section, "lines-by", by, CONF_LINES_BY_TAG);
  layout->line_end = section_choice(section, "line-end", ends, CONF_LINE_END_ANY);
  layout->line_limit = (guint)section_size(section, "line-limit", (Range){.otherwise = 16384, .least = 64, .most = LINE_LIMIT_MOST});
  section_require(section, "record", "what a line of data holds");
  build_line(section, "header", &layout->header);
  build_line(section, "record", &layout->record);
  build_line(section, "trailer", &layout->trailer);
  check_tags(section, layout);
  check_controls(section, layout);
  check_header_names(section, layout);
  return layout;
}
