/* Layouts: how a partner writes records as lines. Fields are in build_field.c. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

#define FIELDS_LIMIT 500 /* of one line */
#define RECORDS_LIMIT 50 /* kinds of record in one layout */
#define LINE_LIMIT_MOST (1024 * 1024)

/* SQL, which the rules are, does not tell ABC and abc apart. */
static void check_field_names(const Section *section, const ConfLine *line) {
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = g_ptr_array_index(line->fields, i);
    if (!g_hash_table_add(names, g_ascii_strdown(field->name, -1)))
      conf_report_error(section->report, field->where,
                        "field \"%s\" differs from another field of this line by upper and lower case only",
                        field->name);
  }
}

static void build_fields(const Section *section, ConfLayout *layout, ConfLine *line) {
  guint count = section_count(section, "field");
  const char *name = section->scanned->name;
  if (count == 0 && !section->scanned->damaged)
    section_error(section, NULL, "this %s has no fields", name);
  if (count > FIELDS_LIMIT) {
    section_error(section, NULL, "this %s has %u fields; %d are the most", name, count, FIELDS_LIMIT);
    return;
  }
  for (guint i = 0; i < count; i++) {
    Section inner = section_at(section, "field", i);
    g_ptr_array_add(line->fields, build_field(&inner, layout, strcmp(name, "record") != 0));
  }
  check_field_names(section, line);
}

static void build_line(const Section *section, ConfLayout *layout, ConfLine *line) {
  line->where = section_where(section, NULL);
  line->present = TRUE;
  line->tag = g_strdup(section->scanned->title);
  if (line->tag != NULL && *line->tag == '\0')
    g_clear_pointer(&line->tag, g_free);
  if (line->tag != NULL && !value_is_text(line->tag))
    section_error(section, NULL, "the tag must be text");
  build_fields(section, layout, line);
}

static void build_one_line(const Section *layout_section, const char *name, ConfLayout *layout, ConfLine *line) {
  Section section;
  line->fields = g_ptr_array_new();
  if (section_inner(layout_section, name, &section))
    build_line(&section, layout, line);
}

static void build_records(const Section *layout_section, ConfLayout *layout) {
  guint count = section_count(layout_section, "record");
  layout->records = g_ptr_array_new();
  section_require_section(layout_section, "record", "what a line of data holds");
  if (count > RECORDS_LIMIT)
    section_error(layout_section, NULL, "layout \"%s\" has %u kinds of record; %d are the most", layout->name, count,
                  RECORDS_LIMIT);
  for (guint i = 0; i < MIN(count, RECORDS_LIMIT); i++) {
    Section section = section_at(layout_section, "record", i);
    ConfLine *line = g_new0(ConfLine, 1);
    line->fields = g_ptr_array_new();
    build_line(&section, layout, line);
    g_ptr_array_add(layout->records, line);
  }
}

/* ---- the records together ---- */

static ConfField *copy_field(const ConfField *field) {
  ConfField *copy = g_memdup2(field, sizeof *field);
  copy->name = g_strdup(field->name);
  copy->format = g_strdup(field->format);
  copy->values = g_strdupv(field->values);
  copy->control_field = g_strdup(field->control_field);
  copy->control_record = g_strdup(field->control_record);
  return copy;
}

/* The values of an enumeration are those of all records that have it. */
static void add_values(ConfField *common, const ConfField *field) {
  g_autoptr(GPtrArray) all = g_ptr_array_new();
  for (char **value = common->values; value != NULL && *value != NULL; value++)
    g_ptr_array_add(all, *value);
  for (char **value = field->values; value != NULL && *value != NULL; value++)
    if (common->values == NULL || !g_strv_contains((const char *const *)common->values, *value))
      g_ptr_array_add(all, g_strdup(*value));
  g_ptr_array_add(all, NULL);
  g_free(common->values);
  common->values = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

static void add_field(const Section *section, ConfLine *union_line, const ConfLine *line, const ConfField *field) {
  ConfField *common = (ConfField *)conf_line_field(union_line, field->name);
  if (common == NULL) {
    g_ptr_array_add(union_line->fields, copy_field(field));
    return;
  }
  if (common->type != field->type || common->scale != field->scale)
    conf_report_error(
        section->report, field->where,
        "field \"%s\" of record \"%s\" has another type or scale than at %s:%u: it is one column for the rules",
        field->name, line->tag == NULL ? "" : line->tag, common->where.file, common->where.line);
  common->optional = common->optional || field->optional;
  common->mask = common->mask || field->mask;
  common->width = common->width == 0 || field->width == 0 ? 0 : MAX(common->width, field->width);
  common->bytes = MAX(common->bytes, field->bytes);
  if (field->type == CONF_ENUMERATION)
    add_values(common, field);
}

/* What not every kind of record has is optional among all. */
static void join_records(const Section *section, ConfLayout *layout, gboolean are_sound) {
  layout->record.fields = g_ptr_array_new();
  for (guint r = 0; r < layout->records->len; r++) {
    const ConfLine *line = g_ptr_array_index(layout->records, r);
    if (r == 0) {
      layout->record.where = line->where;
      layout->record.present = TRUE;
      layout->record.tag = g_strdup(line->tag);
    }
    for (guint i = 0; i < line->fields->len; i++)
      add_field(section, &layout->record, line, g_ptr_array_index(line->fields, i));
  }
  for (guint i = 0; i < layout->record.fields->len; i++) {
    ConfField *field = g_ptr_array_index(layout->record.fields, i);
    for (guint r = 0; r < layout->records->len; r++)
      if (conf_line_field(g_ptr_array_index(layout->records, r), field->name) == NULL)
        field->optional = TRUE;
  }
  if (layout->records->len > 1 && are_sound)
    check_field_names(section, &layout->record);
}

/* ---- between lines ---- */

static const ConfLine *record_of_tag(const ConfLayout *layout, const char *tag) {
  for (guint r = 0; r < layout->records->len; r++) {
    const ConfLine *line = g_ptr_array_index(layout->records, r);
    if (g_strcmp0(line->tag, tag) == 0)
      return line;
  }
  return NULL;
}

static void check_sum(const Section *section, const ConfField *field, const ConfLine *line) {
  const ConfField *summed = conf_line_field(line, field->control_field);
  if (summed == NULL) {
    g_autofree char *suggestion = named_suggest(line->fields, field->control_field);
    conf_report_error(section->report, field->where, "field \"%s\": the record has no field \"%s\" to sum%s",
                      field->name, field->control_field, suggestion);
  } else if (summed->type != CONF_INTEGER && summed->type != CONF_DECIMAL) {
    conf_report_error(section->report, field->where,
                      "field \"%s\": \"%s\" cannot be summed, it is neither integer nor decimal", field->name,
                      summed->name);
  } else if (field->type != summed->type || field->scale != summed->scale) {
    conf_report_error(section->report, field->where,
                      "field \"%s\" must have the type and scale of \"%s\", which it sums", field->name, summed->name);
  }
}

static void check_control(const Section *section, const ConfLayout *layout, const ConfField *field) {
  if (field->control == CONF_CONTROL_NONE || !layout->record.present)
    return;
  const ConfLine *line = &layout->record;
  if (field->control_record != NULL && (line = record_of_tag(layout, field->control_record)) == NULL)
    conf_report_error(section->report, field->where, "field \"%s\": there is no record \"%s\" to be counted or summed",
                      field->name, field->control_record);
  else if (field->control == CONF_CONTROL_SUM)
    check_sum(section, field, line);
}

static void check_controls(const Section *section, const ConfLayout *layout) {
  const ConfLine *lines[] = {&layout->header, &layout->trailer};
  for (guint l = 0; l < G_N_ELEMENTS(lines); l++)
    for (guint i = 0; i < lines[l]->fields->len; i++)
      check_control(section, layout, g_ptr_array_index(lines[l]->fields, i));
}

/* The kind of record is a column of its own beside the record's. */
static void check_reserved_names(const Section *section, const ConfLayout *layout) {
  for (guint i = 0; i < layout->record.fields->len; i++) {
    const ConfField *field = g_ptr_array_index(layout->record.fields, i);
    if (g_ascii_strcasecmp(field->name, "record_type") == 0)
      conf_report_error(section->report, field->where,
                        "\"%s\" is reserved: it is the column that has each record's tag", field->name);
  }
}

/* Rules see the header's values as header_NAME, beside the record's columns. */
static void check_header_names(const Section *section, const ConfLayout *layout) {
  for (guint i = 0; i < layout->header.fields->len; i++) {
    const ConfField *field = g_ptr_array_index(layout->header.fields, i);
    g_autofree char *constant = g_strdup_printf("header_%s", field->name);
    const ConfField *clash = conf_line_field(&layout->record, constant);
    if (clash != NULL)
      conf_report_error(section->report, clash->where,
                        "field \"%s\" has the name by which rules call the header's \"%s\"", clash->name, field->name);
  }
}

static void check_tag(const Section *section, const ConfLayout *layout, const ConfLine *line) {
  if (line->tag == NULL && layout->lines_by == CONF_LINES_BY_TAG)
    conf_report_error(section->report, line->where,
                      "lines are told apart by their tag, and this one has none: write it behind the name, as record "
                      "\"D\" { … }, or set lines-by = position");
  if (line->tag == NULL)
    return;
  if (layout->lines_by == CONF_LINES_BY_POSITION)
    conf_report_warning(section->report, line->where,
                        "the tag is not looked at with lines-by = position; where the lines do begin with it, it needs "
                        "a field of its own");
  if (layout->delimiter != NULL && strstr(line->tag, layout->delimiter) != NULL)
    conf_report_error(section->report, line->where, "the tag holds the delimiter");
  if (layout->tag_bytes != 0 && strlen(line->tag) > layout->tag_bytes)
    conf_report_error(section->report, line->where, "the tag \"%s\" is longer than tag-bytes (%u)", line->tag,
                      layout->tag_bytes);
}

static GPtrArray *all_lines(const ConfLayout *layout) {
  GPtrArray *lines = g_ptr_array_new();
  if (layout->header.present)
    g_ptr_array_add(lines, (gpointer)(gsize)&layout->header);
  for (guint r = 0; r < layout->records->len; r++)
    g_ptr_array_add(lines, g_ptr_array_index(layout->records, r));
  if (layout->trailer.present)
    g_ptr_array_add(lines, (gpointer)(gsize)&layout->trailer);
  return lines;
}

static void check_tags(const Section *section, const ConfLayout *layout) {
  g_autoptr(GPtrArray) lines = all_lines(layout);
  for (guint i = 0; i < lines->len; i++) {
    const ConfLine *line = g_ptr_array_index(lines, i);
    check_tag(section, layout, line);
    for (guint j = 0; j < i; j++)
      if (line->tag != NULL && g_strcmp0(((const ConfLine *)g_ptr_array_index(lines, j))->tag, line->tag) == 0)
        conf_report_error(section->report, line->where, "the tag \"%s\" stands for two kinds of line", line->tag);
  }
  if (layout->lines_by == CONF_LINES_BY_POSITION && layout->records->len > 1)
    section_error(section, "lines-by",
                  "several kinds of record are told apart by their tags: lines-by = position knows one kind");
}

/* Bytes of a line of fixed width with its tag. */
static guint64 length_of(const ConfLayout *layout, const ConfLine *line) {
  guint64 length = 0;
  g_autoptr(GPtrArray) lines = all_lines(layout);
  for (guint i = 0; i < lines->len && layout->lines_by == CONF_LINES_BY_TAG && layout->tag_bytes == 0; i++) {
    const char *tag = ((const ConfLine *)g_ptr_array_index(lines, i))->tag;
    if (tag != NULL)
      length = MAX(length, strlen(tag));
  }
  length += layout->tag_bytes;
  for (guint i = 0; i < line->fields->len; i++)
    length += ((const ConfField *)g_ptr_array_index(line->fields, i))->bytes;
  return length;
}

static void check_lengths(const Section *section, const ConfLayout *layout) {
  if (layout->kind != CONF_LAYOUT_FIXED)
    return;
  g_autoptr(GPtrArray) lines = all_lines(layout);
  for (guint i = 0; i < lines->len; i++) {
    const ConfLine *line = g_ptr_array_index(lines, i);
    guint64 length = length_of(layout, line);
    if (length > layout->line_limit)
      conf_report_error(section->report, line->where,
                        "this line has %" G_GUINT64_FORMAT " bytes, more than the line-limit (%u)", length,
                        layout->line_limit);
  }
}

/* ---- the layout ---- */

static void build_form(const Section *section, ConfLayout *layout) {
  static const char *const quotes[] = {"none", "rfc4180", NULL};
  static const char *const of_delimited[] = {"delimiter", "quote"};
  gboolean is_fixed = layout->kind == CONF_LAYOUT_FIXED;
  layout->quote = section_choice(section, "quote", quotes, CONF_QUOTE_NONE);
  for (guint i = 0; i < G_N_ELEMENTS(of_delimited); i++)
    section_only_with(section, of_delimited[i], !is_fixed, "type = delimited");
  section_only_with(section, "tag-bytes", is_fixed, "type = fixed");
  if (!is_fixed)
    section_require(section, "delimiter", "what stands between two fields");
  layout->delimiter = build_delimiter(section, layout->quote == CONF_QUOTE_RFC4180);
  layout->tag_bytes = section_number(section, "tag-bytes", (Range){.otherwise = 0, .least = 1, .most = 256});
}

static void build_line_ends(const Section *section, ConfLayout *layout) {
  static const char *const by[] = {"tag", "position", NULL};
  static const char *const ends[] = {"any", "lf", "crlf", "cr", "none", NULL};
  layout->lines_by = section_choice(section, "lines-by", by, CONF_LINES_BY_TAG);
  section_only_with(section, "tag-bytes", layout->lines_by == CONF_LINES_BY_TAG, "lines-by = tag");
  layout->line_end = section_choice(section, "line-end", ends, CONF_LINE_END_ANY);
  if (layout->line_end == CONF_LINE_END_NONE && layout->kind != CONF_LAYOUT_FIXED)
    section_error(section, "line-end",
                  "'line-end': without line ends, lines are known by their length: that is for type = fixed");
  layout->line_limit = (guint)section_size(section, "line-limit",
                                           (Range){.otherwise = 16384, .least = 64, .most = LINE_LIMIT_MOST});
}

ConfLayout *build_layout(const Section *section) {
  static const char *const types[] = {"delimited", "fixed", NULL};
  ConfLayout *layout = g_new0(ConfLayout, 1);
  layout->where = section_where(section, NULL);
  layout->name = section_title(section);
  layout->kind = section_choice(section, "type", types, CONF_LAYOUT_DELIMITED);
  build_form(section, layout);
  layout->charset = build_charset(section);
  if (layout->charset == NULL)
    layout->charset = g_strdup("UTF-8");
  build_line_ends(section, layout);
  build_one_line(section, "header", layout, &layout->header);
  guint errors = section->report->errors;
  build_records(section, layout);
  gboolean are_sound = section->report->errors == errors;
  build_one_line(section, "trailer", layout, &layout->trailer);
  join_records(section, layout, are_sound);
  check_tags(section, layout);
  check_lengths(section, layout);
  check_controls(section, layout);
  check_header_names(section, layout);
  check_reserved_names(section, layout);
  return layout;
}
