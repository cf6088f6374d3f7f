#include "gateway/records/layout_internal.h"
#include <string.h>

static gboolean compile_field(Layout *layout, LayoutField *field, const ConfField *conf, GError **error) {
  field->conf = conf;
  layout->has_masked |= conf->mask;
  if (conf->scale > 18)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "scale %u: 64 bits hold at most 18 decimals", conf->scale);
  if (conf->type == CONF_DATE || conf->type == CONF_TIMESTAMP) {
    field->format = date_format_new(conf->format, conf->type == CONF_TIMESTAMP, error);
    return field->format != NULL;
  }
  field->n_values = conf->values ? g_strv_length(conf->values) : 0;
  field->value_lengths = g_new0(gsize, field->n_values + 1);
  for (guint i = 0; i < field->n_values; i++)
    field->value_lengths[i] = strlen(conf->values[i]);
  return TRUE;
}

static gboolean compile_shape(Layout *layout, Shape *shape, const ConfLine *conf, GError **error) {
  shape->present = conf->present;
  if (!conf->present)
    return TRUE;
  if (layout->conf->lines_by == CONF_LINES_BY_TAG) {
    if (!conf->tag || !*conf->tag)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "lines are told apart by tag, but one has none");
    shape->tag = conf->tag;
    shape->tag_length = strlen(conf->tag);
  }
  shape->n_fields = conf->fields ? conf->fields->len : 0;
  shape->n_cells = shape->n_fields + (shape->tag ? 1 : 0);
  shape->fields = g_new0(LayoutField, MAX(shape->n_fields, 1));
  layout->most_cells = MAX(layout->most_cells, shape->n_cells);
  for (guint i = 0; i < shape->n_fields; i++) {
    const ConfField *field = conf->fields->pdata[i];
    if (!compile_field(layout, &shape->fields[i], field, error)) {
      g_prefix_error(error, "line %u, field \"%s\": ", field->where.line, field->name);
      return FALSE;
    }
  }
  return TRUE;
}

static void add_sum(Layout *layout, guint column) {
  for (guint i = 0; i < layout->n_sums; i++)
    if (layout->sum_columns[i] == column)
      return;
  layout->sum_columns = g_renew(guint, layout->sum_columns, layout->n_sums + 1);
  layout->sum_columns[layout->n_sums++] = column;
}

static gboolean compile_controls(Layout *layout, ShapeKind where, GError **error) {
  const Shape *shape = &layout->shapes[where];
  for (guint i = 0; shape->present && i < shape->n_fields; i++) {
    const ConfField *field = shape->fields[i].conf;
    if (field->control == CONF_CONTROL_NONE)
      continue;
    Control control = {.where = where, .field = field, .column = -1};
    if (field->control == CONF_CONTROL_SUM) {
      control.column = field->control_field ? layout_column(layout, field->control_field) : -1;
      if (control.column < 0 || layout->columns[control.column].type != BLOCK_INTEGER)
        return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "field \"%s\": sum(%s) is not a sum of a number of the record line",
                                   field->name, field->control_field ? field->control_field : "");
      add_sum(layout, (guint)control.column);
    }
    if (!value_is_integer(field))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "field \"%s\": a control total is an integer or a decimal", field->name);
    layout->controls = g_renew(Control, layout->controls, layout->n_controls + 1);
    layout->controls[layout->n_controls++] = control;
  }
  return TRUE;
}

static void compile_columns(Layout *layout) {
  const Shape *record = &layout->shapes[SHAPE_RECORD];
  layout->columns = g_new0(StagingColumn, MAX(record->n_fields, 1));
  for (guint i = 0; i < record->n_fields; i++) {
    const ConfField *field = record->fields[i].conf;
    layout->columns[i] = (StagingColumn){.name = field->name, .type = value_is_integer(field) ? BLOCK_INTEGER : BLOCK_TEXT,
                                         .scale = field->type == CONF_DECIMAL ? field->scale : 0};
  }
}

static gboolean compile_delimiter(Layout *layout, GError **error) {
  const char *delimiter = layout->conf->delimiter;
  layout->delimiter = (const guint8 *)delimiter;
  layout->delimiter_length = delimiter ? strlen(delimiter) : 0;
  if (layout->delimiter_length == 0 || !g_utf8_validate(delimiter, -1, NULL))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the delimiter must be one or several characters");
  gboolean is_ascii = TRUE;
  for (const char *at = delimiter; *at; at++) {
    is_ascii = is_ascii && (guint8)*at < 0x80;
    if (*at == '\n' || *at == '\r' || (layout->is_quoted && *at == '"'))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the delimiter may hold no line break and, with quoting, no quote");
  }
  /* Quoted values are found in raw bytes, where only an ASCII delimiter can be told for certain. */
  if (layout->is_quoted && !is_ascii && !layout->charset->is_utf8)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "quoting with a delimiter beyond ASCII needs charset UTF-8");
  return TRUE;
}

static void mark_structure(Layout *layout) {
  memcpy(layout->is_structure, layout->charset->lead, sizeof layout->is_structure);
  layout->is_structure['"'] = layout->is_structure['\r'] = layout->is_structure['\n'] = layout->is_structure[*layout->delimiter] = 1;
}

static gboolean compile(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  const ConfLine *lines[N_SHAPES] = {&conf->header, &conf->record, &conf->trailer};
  layout->is_quoted = conf->quote == CONF_QUOTE_RFC4180;
  layout->terminator = conf->line_end == CONF_LINE_END_CR ? '\r' : '\n';
  layout->stray = conf->line_end == CONF_LINE_END_CR ? '\n' : '\r';
  layout->line_limit = conf->line_limit ? conf->line_limit : 16384;
  layout->charset = charset_new(conf->charset, error);
  if (!layout->charset || !compile_delimiter(layout, error))
    return FALSE;
  mark_structure(layout);
  for (guint i = 0; i < N_SHAPES; i++)
    if (!compile_shape(layout, &layout->shapes[i], lines[i], error))
      return FALSE;
  if (layout->shapes[SHAPE_RECORD].n_fields == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the record line has no fields");
  compile_columns(layout);
  return compile_controls(layout, SHAPE_HEADER, error) && compile_controls(layout, SHAPE_TRAILER, error);
}

Layout *layout_new(const ConfLayout *conf, GError **error) {
  Layout *layout = g_new0(Layout, 1);
  layout->conf = conf;
  if (compile(layout, error))
    return layout;
  g_prefix_error(error, "layout \"%s\": ", conf->name ? conf->name : "");
  layout_free(layout);
  return NULL;
}

void layout_free(Layout *layout) {
  if (!layout)
    return;
  for (guint s = 0; s < N_SHAPES; s++) {
    for (guint i = 0; layout->shapes[s].fields && i < layout->shapes[s].n_fields; i++) {
      date_format_free(layout->shapes[s].fields[i].format);
      g_free(layout->shapes[s].fields[i].value_lengths);
    }
    g_free(layout->shapes[s].fields);
  }
  charset_free(layout->charset);
  g_free(layout->columns);
  g_free(layout->controls);
  g_free(layout->sum_columns);
  g_free(layout);
}

const ConfLayout *layout_conf(const Layout *layout) {
  return layout->conf;
}

const StagingColumn *layout_columns(const Layout *layout, guint *n_columns) {
  *n_columns = layout->shapes[SHAPE_RECORD].n_fields;
  return layout->columns;
}

int layout_column(const Layout *layout, const char *field) {
  for (guint i = 0; i < layout->shapes[SHAPE_RECORD].n_fields; i++)
    if (g_str_equal(layout->columns[i].name, field))
      return (int)i;
  return -1;
}
