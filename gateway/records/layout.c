#include "gateway/records/cells_private.h"
#include <string.h>

static gboolean refuse_layout(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse_layout(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s", message);
}

/* --- Fields and lines */

/* Padding is taken off as it is declared, on one side. Not the zeros of a number, which reading it does not mind, nor
 * those of a date, where only a field of nothing else is padding. */
static gboolean compile_fixed_field(const Layout *layout, LayoutField *field, gsize *offset, GError **error) {
  const ConfField *conf = field->conf;
  gboolean is_zero = conf->pad == '0', is_date = conf->type == CONF_DATE || conf->type == CONF_TIMESTAMP;
  if (conf->bytes == 0)
    return refuse_layout(error, "fixed lines need the field's bytes");
  if (is_zero && value_is_integer(conf) && !conf->align_right)
    return refuse_layout(error, "a number with zeros behind it is another number: align it to the right");
  if (conf->sign == CONF_SIGN_OVERPUNCH && !layout->charset->has_overpunch)
    return refuse_layout(error, "character set %s has no { and } where signed digits have them", layout->charset->name);
  field->is_fixed = TRUE;
  field->offset = *offset;
  field->bytes = conf->bytes;
  *offset += conf->bytes;
  if (is_zero && (value_is_integer(conf) || is_date))
    return TRUE;
  *(conf->align_right ? &field->pad_left : &field->pad_right) = is_zero ? '0' : ' ';
  return TRUE;
}

/* That the header has such a field, conf/ has checked. */
static guint lender_of(Layout *layout, const ConfField *conf) {
  const GPtrArray *fields = layout->conf->header.fields;
  if (!conf->year_from || g_str_equal(conf->year_from, CONF_YEAR_OF_ARRIVAL))
    return 0;
  layout->asks_header = TRUE;
  for (guint i = 0; fields && i < fields->len; i++)
    if (g_str_equal(((const ConfField *)fields->pdata[i])->name, conf->year_from))
      return i + 1;
  return 0;
}

static gboolean compile_field(Layout *layout, LayoutField *field, const ConfField *conf, gsize *offset,
                              GError **error) {
  field->conf = conf;
  layout->has_masked |= conf->mask;
  if (conf->scale > 18)
    return refuse_layout(error, "scale %u: 64 bits hold at most 18 decimals", conf->scale);
  if (layout->is_fixed && !compile_fixed_field(layout, field, offset, error))
    return FALSE;
  if (conf->type == CONF_DATE || conf->type == CONF_TIMESTAMP) {
    field->lender = lender_of(layout, conf);
    field->format = date_format_new(conf, error);
    return field->format != NULL;
  }
  field->n_values = conf->values ? g_strv_length(conf->values) : 0;
  field->value_lengths = g_new0(gsize, field->n_values + 1);
  for (guint i = 0; i < field->n_values; i++)
    field->value_lengths[i] = strlen(conf->values[i]);
  return TRUE;
}

/* The tag as it stands in the file. */
static gboolean encode_tag(Layout *layout, Shape *shape, GError **error) {
  GByteArray *raw = g_byte_array_new();
  CharsetConverter *encoder = charset_encoder_new(layout->charset);
  gssize bad = encoder ? charset_convert(encoder, (const guint8 *)shape->tag, shape->tag_length, raw) : -1;
  if (!encoder)
    g_byte_array_append(raw, (const guint8 *)shape->tag, (guint)shape->tag_length);
  charset_converter_free(encoder);
  shape->raw_tag_length = raw->len;
  shape->raw_tag = g_byte_array_free(raw, FALSE);
  if (bad >= 0)
    return refuse_layout(error, "the tag \"%s\" cannot be expressed in %s", shape->tag, layout->charset->name);
  if (layout->is_fixed && layout->conf->tag_bytes > 0 && shape->raw_tag_length > layout->conf->tag_bytes)
    return refuse_layout(error, "the tag \"%s\" does not fit into %u bytes", shape->tag, layout->conf->tag_bytes);
  return TRUE;
}

static gboolean find_tag(Layout *layout, Shape *shape, const ConfLine *conf, GError **error) {
  shape->present = conf->present;
  if (!conf->present || layout->conf->lines_by != CONF_LINES_BY_TAG)
    return TRUE;
  if (!conf->tag || !*conf->tag)
    return refuse_layout(error, "lines are told apart by tag, but one has none");
  shape->tag = conf->tag;
  shape->tag_length = strlen(conf->tag);
  if (!encode_tag(layout, shape, error))
    return FALSE;
  if (layout->is_fixed)
    layout->tag_bytes = MAX(layout->tag_bytes, shape->raw_tag_length);
  return TRUE;
}

/* Fixed: all tags take the same room. Shorter ones have blanks behind them. */
static void pad_tag(const Layout *layout, Shape *shape) {
  if (!layout->is_fixed || !shape->raw_tag)
    return;
  shape->raw_tag = g_realloc(shape->raw_tag, layout->tag_bytes);
  memset(shape->raw_tag + shape->raw_tag_length, layout->charset->blank, layout->tag_bytes - shape->raw_tag_length);
  shape->raw_tag_length = layout->tag_bytes;
}

/* That the field is there, and what it may hold, conf/ has checked. */
static gboolean compile_signs(Shape *shape, GError **error) {
  for (guint i = 0; i < shape->n_fields; i++) {
    LayoutField *field = &shape->fields[i];
    if (!field->conf->sign_from)
      continue;
    for (guint j = 0; j < shape->n_fields; j++)
      if (g_str_equal(shape->fields[j].conf->name, field->conf->sign_from))
        field->sign = j + 1;
    if (field->sign == 0)
      return refuse_layout(error, "field \"%s\": there is no field \"%s\" for its sign", field->conf->name,
                           field->conf->sign_from);
    shape->n_signed++;
  }
  return TRUE;
}

static gboolean compile_shape(Layout *layout, Shape *shape, const ConfLine *conf, GError **error) {
  if (!conf->present)
    return TRUE;
  gsize offset = layout->tag_bytes;
  pad_tag(layout, shape);
  shape->n_fields = conf->fields ? conf->fields->len : 0;
  shape->n_cells = shape->n_fields + (shape->tag ? 1 : 0);
  shape->fields = g_new0(LayoutField, MAX(shape->n_fields, 1));
  layout->most_cells = MAX(layout->most_cells, shape->n_cells);
  for (guint i = 0; i < shape->n_fields; i++) {
    const ConfField *field = conf->fields->pdata[i];
    if (!compile_field(layout, &shape->fields[i], field, &offset, error)) {
      g_prefix_error(error, "line %u, field \"%s\": ", field->where.line, field->name);
      return FALSE;
    }
  }
  shape->bytes = offset;
  layout->most_bytes = MAX(layout->most_bytes, offset);
  return compile_signs(shape, error);
}

/* Header, trailer, then the records as they are declared; a configuration made by hand may have its one record only as
 * the union. */
static const ConfLine *line_of(const ConfLayout *conf, guint shape) {
  if (shape == SHAPE_HEADER)
    return &conf->header;
  if (shape == SHAPE_TRAILER)
    return &conf->trailer;
  return conf->records && conf->records->len > 0 ? conf->records->pdata[shape - SHAPE_RECORD] : &conf->record;
}

static gboolean compile_shapes(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  layout->n_types = conf->records && conf->records->len > 0 ? conf->records->len : 1;
  layout->n_shapes = SHAPE_RECORD + layout->n_types;
  layout->shapes = g_new0(Shape, layout->n_shapes);
  if (layout->n_types > LAYOUT_MOST_TYPES)
    return refuse_layout(error, "%u types of records; %d are the most", layout->n_types, LAYOUT_MOST_TYPES);
  if (layout->n_types > 1 && conf->lines_by != CONF_LINES_BY_TAG)
    return refuse_layout(error, "several types of records are told apart by their tags");
  layout->tag_bytes = layout->is_fixed && conf->lines_by == CONF_LINES_BY_TAG ? conf->tag_bytes : 0;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (!find_tag(layout, &layout->shapes[i], line_of(conf, i), error))
      return FALSE;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (!compile_shape(layout, &layout->shapes[i], line_of(conf, i), error))
      return FALSE;
  for (guint i = SHAPE_RECORD; i < layout->n_shapes; i++)
    if (layout->shapes[i].n_fields == 0)
      return refuse_layout(error, "the record line has no fields");
  return TRUE;
}

/* --- Columns: the fields of all records, by name, in the order of their first mention */

static gboolean place_field(Layout *layout, LayoutField *field, GError **error) {
  const ConfField *conf = field->conf;
  BlockType type = value_is_integer(conf) ? BLOCK_INTEGER : BLOCK_TEXT;
  guint scale = conf->type == CONF_DECIMAL ? conf->scale : 0;
  int column = layout_column(layout, conf->name);
  if (column < 0) {
    column = (int)layout->n_columns++;
    layout->columns[column] = (StagingColumn){.name = conf->name, .type = type, .scale = scale};
  }
  field->column = (guint)column;
  const StagingColumn *placed = &layout->columns[column];
  return (placed->type == type && placed->scale == scale) ||
         refuse_layout(error, "line %u, field \"%s\": another record's field of this name has another type or scale",
                       conf->where.line, conf->name);
}

static void learn_fields(Layout *layout, Shape *shape) {
  shape->field_of = g_new(gint, layout->n_columns);
  for (guint column = 0; column < layout->n_columns; column++)
    shape->field_of[column] = -1;
  for (guint f = 0; f < shape->n_fields; f++)
    shape->field_of[shape->fields[f].column] = (gint)f;
  for (guint f = 0; f < shape->n_fields; f++)
    layout->is_numbered = layout->is_numbered || shape->fields[f].conf->numbers != CONF_NUMBERS_NOTHING;
}

static gboolean compile_columns(Layout *layout, GError **error) {
  guint most = 1;
  for (guint i = SHAPE_RECORD; i < layout->n_shapes; i++)
    most += layout->shapes[i].n_fields;
  layout->columns = g_new0(StagingColumn, most);
  layout->type_column = -1;
  for (guint i = SHAPE_RECORD; i < layout->n_shapes; i++)
    for (guint f = 0; f < layout->shapes[i].n_fields; f++)
      if (!place_field(layout, &layout->shapes[i].fields[f], error))
        return FALSE;
  for (guint i = SHAPE_RECORD; i < layout->n_shapes; i++)
    learn_fields(layout, &layout->shapes[i]);
  layout->n_staged = layout->n_columns;
  if (layout->n_types == 1)
    return TRUE;
  if (layout_column(layout, LAYOUT_TYPE_COLUMN) >= 0)
    return refuse_layout(error, "a field of several types of records cannot be called " LAYOUT_TYPE_COLUMN
                                ": that is the column of their tags");
  layout->type_column = (int)layout->n_columns++;
  layout->columns[layout->type_column] = (StagingColumn){.name = LAYOUT_TYPE_COLUMN, .type = BLOCK_TEXT};
  layout->n_staged = layout->n_columns;
  return TRUE;
}

/* --- Control totals */

static guint add_sum(Layout *layout, SumOf sum) {
  for (guint i = 0; i < layout->n_sums; i++)
    if (layout->sums[i].column == sum.column && layout->sums[i].type == sum.type && layout->sums[i].what == sum.what)
      return i;
  layout->sums = g_renew(SumOf, layout->sums, layout->n_sums + 1);
  layout->sums[layout->n_sums] = sum;
  return layout->n_sums++;
}

static int type_of_tag(const Layout *layout, const char *tag) {
  for (guint i = 0; i < layout->n_types; i++)
    if (g_strcmp0(layout->shapes[SHAPE_RECORD + i].tag, tag) == 0)
      return (int)i;
  return -1;
}

/* In the same line, or in the header; conf/ has checked that it is there. */
static const ConfField *find_opening(const Layout *layout, const Shape *own, const char *name) {
  const Shape *shapes[] = {own, &layout->shapes[SHAPE_HEADER]};
  for (guint s = 0; s < G_N_ELEMENTS(shapes); s++)
    for (guint i = 0; name && i < shapes[s]->n_fields; i++)
      if (g_str_equal(shapes[s]->fields[i].conf->name, name))
        return shapes[s]->fields[i].conf;
  return NULL;
}

static gboolean compile_control(Layout *layout, ShapeKind where, const ConfField *field, GError **error) {
  Control control = {.where = where,
                     .field = field,
                     .column = -1,
                     .type = field->control_record ? type_of_tag(layout, field->control_record) : -1};
  if (field->control_record && control.type < 0)
    return refuse_layout(error, "field \"%s\": no record has the tag \"%s\"", field->name, field->control_record);
  if (field->control >= CONF_CONTROL_SUM) {
    control.column = field->control_field ? layout_column(layout, field->control_field) : -1;
    if (control.column < 0 || layout->columns[control.column].type != BLOCK_INTEGER ||
        (control.type >= 0 && !layout_field_of(layout, (guint)control.type, (guint)control.column)))
      return refuse_layout(error, "field \"%s\": sum(%s) is not a sum of a number of the record line", field->name,
                           field->control_field ? field->control_field : "");
    control.sum = add_sum(layout, (SumOf){(guint)control.column, control.type, field->control});
  }
  if (!value_is_integer(field))
    return refuse_layout(error, "field \"%s\": a control total is an integer or a decimal", field->name);
  control.opening = find_opening(layout, &layout->shapes[where], field->opening);
  layout->controls = g_renew(Control, layout->controls, layout->n_controls + 1);
  layout->controls[layout->n_controls++] = control;
  return TRUE;
}

static gboolean compile_controls(Layout *layout, GError **error) {
  for (guint where = SHAPE_HEADER; where <= SHAPE_TRAILER; where++) {
    const Shape *shape = &layout->shapes[where];
    for (guint i = 0; i < shape->n_fields; i++)
      if (shape->fields[i].conf->control != CONF_CONTROL_NONE &&
          !compile_control(layout, where, shape->fields[i].conf, error))
        return FALSE;
  }
  return TRUE;
}

/* What is missing at the file's end is missed: by a trailer that is told by what it holds, or by a sum of the values
 * that stand last in their lines. A count or another sum is no proof that the last value is whole. */
static gboolean proves_its_end(const Layout *layout) {
  const Shape *shapes = layout->shapes;
  if (shapes[SHAPE_TRAILER].present && layout->conf->lines_by == CONF_LINES_BY_TAG)
    return TRUE;
  for (guint i = 0; i < layout->n_controls; i++) {
    const Control *control = &layout->controls[i];
    if (control->where == SHAPE_TRAILER)
      return TRUE;
    if (layout->n_types == 1 && control->column >= 0 &&
        shapes[SHAPE_RECORD].field_of[control->column] == (gint)shapes[SHAPE_RECORD].n_fields - 1)
      return TRUE;
  }
  return FALSE;
}

/* --- The layout as a whole */

static gboolean compile_delimiter(Layout *layout, GError **error) {
  const char *delimiter = layout->is_fixed ? NULL : layout->conf->delimiter;
  layout->delimiter = (const guint8 *)delimiter;
  layout->delimiter_length = delimiter ? strlen(delimiter) : 0;
  if (layout->is_fixed)
    return TRUE;
  if (layout->delimiter_length == 0 || !g_utf8_validate(delimiter, -1, NULL))
    return refuse_layout(error, "the delimiter must be one or several characters");
  gboolean is_ascii = TRUE;
  for (const char *at = delimiter; *at; at++) {
    is_ascii = is_ascii && (guint8)*at < 0x80;
    if (*at == '\n' || *at == '\r' || (layout->is_quoted && *at == '"'))
      return refuse_layout(error, "the delimiter may hold no line break and, with quoting, no quote");
  }
  /* Quoted values are found in raw bytes, where only an ASCII delimiter can be told for certain. */
  if (layout->is_quoted && !is_ascii && !layout->charset->is_utf8)
    return refuse_layout(error, "quoting with a delimiter beyond ASCII needs charset UTF-8");
  memcpy(layout->is_structure, layout->charset->lead, sizeof layout->is_structure);
  layout->is_structure['"'] = layout->is_structure['\r'] = layout->is_structure['\n'] =
      layout->is_structure[*layout->delimiter] = 1;
  return TRUE;
}

/* Without line ends, only the place tells where a record begins: all lines have one length. */
static gboolean compile_stride(Layout *layout, GError **error) {
  if (!layout->is_stream)
    return TRUE;
  layout->stride = layout->most_bytes;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (layout->shapes[i].present && layout->shapes[i].bytes != layout->stride)
      return refuse_layout(
          error,
          "without line ends all lines must have the same length, but there are lines of %" G_GSIZE_FORMAT
          " and %" G_GSIZE_FORMAT " bytes",
          layout->shapes[i].bytes, layout->stride);
  return TRUE;
}

static gboolean compile(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  layout->is_fixed = conf->kind == CONF_LAYOUT_FIXED;
  layout->is_stream = layout->is_fixed && conf->line_end == CONF_LINE_END_NONE;
  layout->is_quoted = !layout->is_fixed && conf->quote == CONF_QUOTE_RFC4180;
  layout->terminator = conf->line_end == CONF_LINE_END_CR ? '\r' : '\n';
  layout->stray = conf->line_end == CONF_LINE_END_CR ? '\n' : '\r';
  layout->line_limit = conf->line_limit ? conf->line_limit : 16384;
  if (!layout->is_fixed && conf->line_end == CONF_LINE_END_NONE)
    return refuse_layout(error, "delimited lines have line ends");
  layout->charset = charset_new(conf->charset, error);
  if (!layout->charset || (!layout->is_stream && !charset_check_structural(layout->charset, error)))
    return FALSE;
  if (!compile_delimiter(layout, error) || !compile_shapes(layout, error) || !compile_columns(layout, error) ||
      !compile_stride(layout, error))
    return FALSE;
  if (!passed_over_compile(layout, error))
    return FALSE;
  names_compile(layout);
  if (layout->is_fixed && layout->most_bytes > layout->line_limit)
    return refuse_layout(error, "lines of %" G_GSIZE_FORMAT " bytes are beyond the line limit of %" G_GSIZE_FORMAT,
                         layout->most_bytes, layout->line_limit);
  if (!compile_controls(layout, error))
    return FALSE;
  /* a fixed line has its length, which proves as much */
  layout->needs_last_line_end =
      !layout->is_fixed && conf->last_line_end == CONF_LAST_LINE_END_REQUIRED && !proves_its_end(layout);
  return TRUE;
}

Layout *layout_new(const ConfLayout *conf, GError **error) {
  Layout *layout = g_new0(Layout, 1);
  layout->amount_column = -1;
  layout->conf = conf;
  if (compile(layout, error))
    return layout;
  g_prefix_error(error, "layout \"%s\": ", conf->name ? conf->name : "");
  layout_free(layout);
  return NULL;
}

static void clear_shape(Shape *shape) {
  for (guint i = 0; shape->fields && i < shape->n_fields; i++) {
    date_format_free(shape->fields[i].format);
    g_free(shape->fields[i].value_lengths);
  }
  g_free(shape->fields);
  g_free(shape->raw_tag);
  g_free(shape->field_of);
}

void layout_free(Layout *layout) {
  if (!layout)
    return;
  for (guint s = 0; layout->shapes && s < layout->n_shapes; s++)
    clear_shape(&layout->shapes[s]);
  for (guint i = layout->n_columns; i < layout->n_staged; i++)
    g_free((char *)layout->columns[i].name);
  charset_free(layout->charset);
  for (guint i = 0; i < layout->n_beginnings && layout->beginnings[i]; i++)
    g_byte_array_unref(layout->beginnings[i]);
  g_free(layout->beginnings);
  g_free(layout->shapes);
  g_free(layout->spelled);
  g_free(layout->columns);
  g_free(layout->controls);
  g_free(layout->sums);
  g_free(layout);
}

const ConfLayout *layout_conf(const Layout *layout) {
  return layout->conf;
}

void layout_keep_amount(Layout *layout, guint column) {
  layout->amount_column = (gint)column;
}

void layout_read_loosely(Layout *layout) {
  for (guint i = 0; i < layout->n_shapes; i++)
    for (guint j = 0; j < layout->shapes[i].n_fields; j++)
      layout->shapes[i].fields[j].is_loose = TRUE;
}

void layout_judge_date(Layout *layout, const char *name, guint days_back, guint days_ahead) {
  layout->days_back = days_back;
  layout->days_ahead = days_ahead;
  for (guint i = 0; i < layout->n_shapes; i++)
    for (guint j = 0; j < layout->shapes[i].n_fields; j++) {
      LayoutField *field = &layout->shapes[i].fields[j];
      field->is_judged = field->is_judged || (i != SHAPE_TRAILER && g_str_equal(field->conf->name, name));
    }
}

/* A number, a date or what is staged in a normal form can have several spellings. */
static gboolean has_spellings(const Layout *layout, guint column) {
  for (guint type = 0; type < layout->n_types; type++) {
    const LayoutField *field = layout_field_of(layout, type, column);
    if (field && (value_is_integer(field->conf) || field->format ||
                  field->conf->normal_form >> (CONF_NORMAL_NONE + 1)))
      return TRUE;
  }
  return FALSE;
}

void layout_keep_spelling(Layout *layout, const char *name) {
  int column = layout_column(layout, name);
  for (guint i = layout->n_columns; i < layout->n_staged; i++)
    if ((int)layout->spelled[i] == column)
      return;
  if (column < 0 || !has_spellings(layout, (guint)column))
    return;
  guint at = layout->n_staged++;
  layout->columns = g_renew(StagingColumn, layout->columns, layout->n_staged);
  layout->columns[at] = (StagingColumn){.name = g_strconcat(name, LAYOUT_SPELLING, NULL), .type = BLOCK_TEXT};
  layout->spelled = g_renew(guint, layout->spelled, layout->n_staged);
  layout->spelled[at] = (guint)column;
  for (guint type = 0; type < layout->n_types; type++) {
    const Shape *shape = &layout->shapes[SHAPE_RECORD + type];
    if (shape->field_of[column] >= 0)
      shape->fields[shape->field_of[column]].spelling = at;
  }
}

const StagingColumn *layout_staged_columns(const Layout *layout, guint *n_columns) {
  *n_columns = layout->n_staged;
  return layout->columns;
}

const StagingColumn *layout_columns(const Layout *layout, guint *n_columns) {
  *n_columns = layout->n_columns;
  return layout->columns;
}

int layout_column(const Layout *layout, const char *field) {
  for (guint i = 0; i < layout->n_columns; i++)
    if (g_str_equal(layout->columns[i].name, field))
      return (int)i;
  return -1;
}
