#include "conf/check/lines.h"
#include "conf/lookup.h"
#include "conf/read/table.h"
#include <string.h>

void lines_check_field_names(const Section *section, const ConfLine *line) {
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = line->fields->pdata[i];
    if (!g_hash_table_add(names, g_ascii_strdown(field->name, -1)))
      conf_report_error(section->report, field->where,
                        "field \"%s\" differs from another field of this line by upper and lower case only",
                        field->name);
  }
}

/* --- The records together. */

/* The values of an enumeration are those of all records that have it. */
static void add_values(ConfField *common, const ConfField *field) {
  g_autoptr(GPtrArray) all = g_ptr_array_new();
  for (char **value = common->values; value && *value; value++)
    g_ptr_array_add(all, *value);
  for (char **value = field->values; value && *value; value++)
    if (!common->values || !g_strv_contains((const char *const *)common->values, *value))
      g_ptr_array_add(all, g_strdup(*value));
  g_ptr_array_add(all, NULL);
  g_free(common->values);
  common->values = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* One that is there already, or NULL for one that is added now. */
static ConfField *common_field(ConfLine *common, const Table *table, const ConfField *field) {
  ConfField *found = (ConfField *)conf_line_field(common, field->name);
  if (!found)
    g_ptr_array_add(common->fields, table_copy(table, field));
  return found;
}

static void add_field(const Section *section, ConfField *common, const ConfLine *line, const ConfField *field) {
  if (common->type != field->type || common->scale != field->scale)
    conf_report_error(
        section->report, field->where,
        "field \"%s\" of record \"%s\" has another type or scale than at %s:%u: it is one column for the rules",
        field->name, line->tag ? line->tag : "", common->where.file, common->where.line);
  common->optional = common->optional || field->optional;
  common->mask = common->mask || field->mask;
  common->width = common->width == 0 || field->width == 0 ? 0 : MAX(common->width, field->width);
  common->bytes = MAX(common->bytes, field->bytes);
  if (field->type == CONF_ENUMERATION)
    add_values(common, field);
}

/* --- What records have from lines beside them. */

static void add_own_column(const Section *section, ConfLayout *layout, const Table *table, const char *name,
                           ConfWhere where) {
  ConfField own = {.where = where, .name = (char *)(gsize)name, .type = CONF_INTEGER, .pad = '0', .bytes = 18};
  own.align_right = TRUE;
  const ConfField *taken = conf_line_field(&layout->record, name);
  if (taken)
    conf_report_error(section->report, taken->where,
                      "field \"%s\": this is the column of where a group begins, or where a record's addenda end",
                      name);
  else
    g_ptr_array_add(layout->record.fields, table_copy(table, &own));
}

static gboolean is_of_record(const ConfLayout *layout, const char *name) {
  for (guint r = 0; r < layout->records->len; r++)
    if (conf_line_field(layout->records->pdata[r], name))
      return TRUE;
  return FALSE;
}

/* A text of an addendum may go on with the record's text of its name; any other name is another column's. */
static void add_outer_field(const Section *section, ConfLayout *layout, const Table *table, const ConfField *field,
                            gboolean is_of_addendum) {
  ConfField *common = common_field(&layout->record, table, field);
  gboolean goes_on = is_of_addendum && common && common->type == CONF_TEXT && field->type == CONF_TEXT &&
                     is_of_record(layout, field->name) && !common->normal_form && !common->strip_prefix;
  if (common && !goes_on) {
    conf_report_error(section->report, field->where,
                      "field \"%s\": another line has a field of this name; records have both, so they need two names",
                      field->name);
    return;
  }
  if (common) {
    common->mask = common->mask || field->mask;
    common->width = 0;
    return;
  }
  ConfField *added = layout->record.fields->pdata[layout->record.fields->len - 1];
  added->optional = added->optional || is_of_addendum;
}

static void join_outer_fields(const Section *section, ConfLayout *layout, const Table *table) {
  for (guint g = 0; g < layout->groups->len; g++) {
    const ConfGroup *group = layout->groups->pdata[g];
    add_own_column(section, layout, table, group->name, group->where);
    for (guint i = 0; i < group->header.fields->len; i++)
      add_outer_field(section, layout, table, group->header.fields->pdata[i], FALSE);
  }
  for (guint a = 0; a < layout->addenda->len; a++) {
    const ConfLine *addendum = layout->addenda->pdata[a];
    for (guint i = 0; i < addendum->fields->len; i++)
      add_outer_field(section, layout, table, addendum->fields->pdata[i], TRUE);
    if (a + 1 == layout->addenda->len)
      add_own_column(section, layout, table, CONF_LAST_LINE_COLUMN, addendum->where);
  }
}

void lines_join_records(const Section *section, ConfLayout *layout, const Table *of_fields, gboolean are_sound) {
  for (guint r = 0; r < layout->records->len; r++) {
    const ConfLine *line = layout->records->pdata[r];
    if (r == 0) {
      layout->record.where = line->where;
      layout->record.present = TRUE;
      layout->record.tag = g_strdup(line->tag);
    }
    for (guint i = 0; i < line->fields->len; i++) {
      ConfField *common = common_field(&layout->record, of_fields, line->fields->pdata[i]);
      if (common)
        add_field(section, common, line, line->fields->pdata[i]);
    }
  }
  for (guint i = 0; i < layout->record.fields->len; i++) {
    ConfField *field = layout->record.fields->pdata[i];
    for (guint r = 0; r < layout->records->len; r++)
      if (!conf_line_field(layout->records->pdata[r], field->name))
        field->optional = TRUE;
  }
  join_outer_fields(section, layout, of_fields);
  gboolean is_joined = layout->records->len > 1 || layout->groups->len > 0 || layout->addenda->len > 0;
  if (is_joined && are_sound)
    lines_check_field_names(section, &layout->record);
}

/* --- Between lines. */

static const ConfLine *line_of_tag(const ConfLayout *layout, guint group, const char *tag) {
  g_autoptr(GPtrArray) lines = lines_within(layout, group);
  for (guint i = 0; i < lines->len; i++)
    if (g_strcmp0(((const ConfLine *)lines->pdata[i])->tag, tag) == 0)
      return lines->pdata[i];
  return NULL;
}

static gboolean is_beside(const ConfLayout *layout, const ConfLine *line) {
  return g_ptr_array_find(layout->addenda, line, NULL) || g_ptr_array_find(layout->remarks, line, NULL);
}

/* What records have of their group is not theirs. */
static const ConfField *summed_field(const ConfLayout *layout, const char *name, const ConfLine *line) {
  const ConfField *found = line ? conf_line_field(line, name) : NULL;
  for (guint r = 0; !line && r < layout->records->len && !found; r++)
    found = conf_line_field(layout->records->pdata[r], name);
  return found;
}

static void check_summed(const Section *section, const ConfLayout *layout, const ConfField *field, const char *name,
                         const ConfLine *line) {
  const ConfField *summed = summed_field(layout, name, line);
  if (line && is_beside(layout, line)) {
    conf_report_error(section->report, field->where,
                      "field \"%s\": numbers of addenda and remarks are counted and not summed", field->name);
  } else if (!summed) {
    g_autofree char *suggestion = named_suggest(line ? line->fields : layout->record.fields, name);
    conf_report_error(section->report, field->where, "field \"%s\": the record has no field \"%s\" to sum%s",
                      field->name, name, suggestion);
  } else if (summed->type != CONF_INTEGER && summed->type != CONF_DECIMAL) {
    conf_report_error(section->report, field->where,
                      "field \"%s\": \"%s\" cannot be summed, it is neither integer nor decimal", field->name,
                      summed->name);
  }
}

static void check_sum(const Section *section, const ConfLayout *layout, const ConfField *field, const ConfLine *line) {
  g_auto(GStrv) names = g_strsplit(field->control_field, "+", -1);
  for (char **name = names; *name; name++)
    check_summed(section, layout, field, g_strstrip(*name), line);
}

static void check_control(const Section *section, const ConfLayout *layout, guint group, const ConfField *field) {
  if (field->control == CONF_CONTROL_NONE || !layout->record.present)
    return;
  for (char **tag = field->control_lines; tag && *tag; tag++) {
    const ConfLine *line = line_of_tag(layout, group, *tag);
    if (!line)
      conf_report_error(section->report, field->where,
                        "field \"%s\": there is no record \"%s\" to be counted or summed", field->name, *tag);
    else if (field->control >= CONF_CONTROL_SUM)
      check_sum(section, layout, field, line);
    if (!line)
      return;
  }
  if (field->control >= CONF_CONTROL_SUM && !field->control_lines)
    check_sum(section, layout, field, NULL);
}

static void check_opening(const Section *section, const ConfLine *header, const ConfLine *line,
                          const ConfField *field) {
  const ConfField *own = conf_line_field(line, field->opening);
  const ConfField *opening = own ? own : conf_line_field(header, field->opening);
  if (!opening || opening == field || (opening->type != CONF_INTEGER && opening->type != CONF_DECIMAL))
    conf_report_error(section->report, field->where,
                      "field \"%s\": 'opening' is a number of this line or of the header, and \"%s\" is none",
                      field->name, field->opening);
}

static void check_controls_of(const Section *section, const ConfLayout *layout, guint group, const ConfLine *header,
                              const ConfLine *trailer) {
  const ConfLine *lines[] = {header, trailer};
  for (guint l = 0; l < G_N_ELEMENTS(lines); l++)
    for (guint i = 0; i < lines[l]->fields->len; i++) {
      const ConfField *field = lines[l]->fields->pdata[i];
      check_control(section, layout, group, field);
      if (field->opening)
        check_opening(section, header, lines[l], field);
    }
}

static void check_controls(const Section *section, const ConfLayout *layout) {
  check_controls_of(section, layout, 0, &layout->header, &layout->trailer);
  for (guint g = 0; g < layout->groups->len; g++) {
    const ConfGroup *group = layout->groups->pdata[g];
    check_controls_of(section, layout, g, &group->header, &group->trailer);
  }
}

/* The kind of record is a column of its own beside the record's. */
static void check_reserved_names(const Section *section, const ConfLayout *layout) {
  for (guint i = 0; i < layout->record.fields->len; i++) {
    const ConfField *field = layout->record.fields->pdata[i];
    if (g_ascii_strcasecmp(field->name, "record_type") == 0)
      conf_report_error(section->report, field->where,
                        "\"%s\" is reserved: it is the column that has each record's tag", field->name);
  }
}

/* Rules see the header's values as header_NAME, beside the record's columns. */
static void check_header_names(const Section *section, const ConfLayout *layout) {
  for (guint i = 0; i < layout->header.fields->len; i++) {
    const ConfField *field = layout->header.fields->pdata[i];
    g_autofree char *constant = g_strdup_printf("header_%s", field->name);
    const ConfField *clash = conf_line_field(&layout->record, constant);
    if (clash)
      conf_report_error(section->report, clash->where,
                        "field \"%s\" has the name by which rules call the header's \"%s\"", clash->name, field->name);
  }
}

/* Each column of the record has its name in the header line, which has no other. */
static void check_columns_by(const Section *section, const ConfLayout *layout) {
  gboolean is_named = layout->header.present && layout->lines_by == CONF_LINES_BY_POSITION &&
                      layout->header.fields->len == layout->record.fields->len && layout->records->len == 1 &&
                      !((const ConfLine *)layout->records->pdata[0])->open;
  for (guint i = 0; is_named && i < layout->header.fields->len; i++)
    is_named = ((const ConfField *)layout->header.fields->pdata[i])->type == CONF_TEXT;
  if (layout->columns_by == CONF_COLUMNS_BY_NAME && layout->record.present && !is_named)
    section_error(section, "columns-by",
                  "columns-by = name wants lines-by = position, one kind of record that is not open, and a header of "
                  "as many texts as it has fields: the names of the columns");
}

/* A sign that is not told is no plus: the field that has it is required, and has one of the declared values. */
static void check_sign(const Section *section, const ConfLine *line, const ConfField *field) {
  const ConfField *sign = conf_line_field(line, field->sign_from);
  ConfReport *report = section->report;
  if (!sign) {
    g_autofree char *suggestion = named_suggest(line->fields, field->sign_from);
    conf_report_error(report, field->where, "field \"%s\": the line has no field \"%s\" for its sign%s", field->name,
                      field->sign_from, suggestion);
    return;
  }
  if (sign->type != CONF_ENUMERATION || sign->optional) {
    conf_report_error(report, field->where,
                      "field \"%s\": \"%s\", which has its sign, must be of type = enumeration and not optional: a "
                      "word that nobody declared says nothing of a sign",
                      field->name, sign->name);
    return;
  }
  guint found = 0;
  for (char **word = field->negative; word && *word; word++)
    if (sign->values && g_strv_contains((const char *const *)sign->values, *word))
      found++;
    else
      conf_report_error(report, field->where, "field \"%s\": \"%s\" is not one of the values of \"%s\"",
                        field->name, *word, sign->name);
  if (sign->values && found == g_strv_length(sign->values))
    conf_report_error(report, field->where,
                      "field \"%s\": 'negative' has all values of \"%s\": none would be above zero", field->name,
                      sign->name);
}

/* What lends its year is known before the line is read. */
static void check_year_from(const Section *section, const ConfLayout *layout, const ConfLine *line,
                            const ConfField *field) {
  const ConfField *lender = line == &layout->header ? NULL : conf_line_field(&layout->header, field->year_from);
  if (g_str_equal(field->year_from, CONF_YEAR_OF_ARRIVAL))
    return;
  if (!lender || (lender->type != CONF_DATE && lender->type != CONF_TIMESTAMP))
    conf_report_error(section->report, field->where,
                      "field \"%s\": 'year-from' is arrival, or of a record or trailer a date of the header, and "
                      "\"%s\" is none",
                      field->name, field->year_from);
}

static void check_other_fields(const Section *section, const ConfLayout *layout) {
  g_autoptr(GPtrArray) lines = lines_all(layout);
  for (guint l = 0; l < lines->len; l++) {
    const ConfLine *line = lines->pdata[l];
    for (guint i = 0; i < line->fields->len; i++) {
      const ConfField *field = line->fields->pdata[i];
      if (field->sign_from)
        check_sign(section, line, field);
      if (field->year_from)
        check_year_from(section, layout, line, field);
    }
  }
}

/* What is passed over is never credited: it may be no line of the layout's. */
static void check_pass_over(const Section *section, const ConfLayout *layout) {
  g_autoptr(GPtrArray) lines = lines_all(layout);
  gboolean begin_with_tags = layout->lines_by == CONF_LINES_BY_TAG && tags_stand_first(layout);
  for (char **beginning = layout->pass_over.beginning; beginning && *beginning; beginning++) {
    for (guint i = 0; i < lines->len && begin_with_tags; i++) {
      const ConfLine *line = lines->pdata[i];
      g_autofree char *begins = line->tag ? tags_beginning(layout, line) : NULL;
      if (begins && g_str_has_prefix(begins, *beginning))
        conf_report_error(section->report, layout->pass_over.where,
                          "'beginning': \"%s\" would pass over the lines with the tag \"%s\"", *beginning, line->tag);
    }
    if (layout->quote == CONF_QUOTE_RFC4180 && strchr(*beginning, '"'))
      conf_report_error(section->report, layout->pass_over.where, "'beginning' holds the quote of quote = rfc4180");
  }
}

static void check_lengths(const Section *section, const ConfLayout *layout) {
  if (layout->kind != CONF_LAYOUT_FIXED)
    return;
  g_autoptr(GPtrArray) lines = lines_all(layout);
  for (guint i = 0; i < lines->len; i++) {
    const ConfLine *line = lines->pdata[i];
    guint64 length = tags_line_bytes(layout, line);
    if (length > layout->line_limit)
      conf_report_error(section->report, line->where,
                        "this line has %" G_GUINT64_FORMAT " bytes, more than the line-limit (%u)", length,
                        layout->line_limit);
  }
}

void lines_check(const Section *section, const ConfLayout *layout) {
  tags_check(section, layout);
  check_lengths(section, layout);
  check_controls(section, layout);
  check_other_fields(section, layout);
  check_pass_over(section, layout);
  check_columns_by(section, layout);
  check_header_names(section, layout);
  check_reserved_names(section, layout);
}
