#include "gateway/records/cells_private.h"
#include "gateway/records/coded.h"
#include "gateway/records/numbers.h"
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
static gboolean compile_fixed_field(LayoutField *field, gsize *offset, GError **error) {
  const ConfField *conf = field->conf;
  gboolean is_zero = conf->pad == '0', is_date = conf->type == CONF_DATE || conf->type == CONF_TIMESTAMP;
  if (conf->bytes == 0)
    return refuse_layout(error, "fixed lines need the field's bytes");
  if (is_zero && value_is_integer(conf) && !conf->align_right)
    return refuse_layout(error, "a number with zeros behind it is another number: align it to the right");
  field->is_fixed = TRUE;
  field->offset = *offset;
  field->bytes = conf->bytes;
  *offset += conf->bytes + conf->gap;
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
  field->read = field->prefix ? value_read_prefixed : value_reader(conf);
  layout->has_masked |= conf->mask;
  if (conf->scale > 18)
    return refuse_layout(error, "scale %u: 64 bits hold at most 18 decimals", conf->scale);
  if (layout->is_fixed && !compile_fixed_field(field, offset, error))
    return FALSE;
  if (conf->type == CONF_DATE || conf->type == CONF_TIMESTAMP) {
    field->lender = lender_of(layout, conf);
    field->format = date_format_new(conf, error);
    return field->format != NULL;
  }
  field->is_formed = value_is_integer(conf) && number_is_formed(conf);
  field->n_values = conf->values ? g_strv_length(conf->values) : 0;
  field->value_lengths = g_new0(gsize, field->n_values + 1);
  for (guint i = 0; i < field->n_values; i++)
    field->value_lengths[i] = strlen(conf->values[i]);
  return TRUE;
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

/* The whole of what is behind the tag. That it has a group for each field, conf/ has checked. */
static gboolean compile_split(Layout *layout, Shape *shape, const char *split, GError **error) {
  if (!split)
    return TRUE;
  g_autofree char *whole = conf_split_whole(split);
  layout->has_split = TRUE;
  shape->split = g_regex_new(whole, G_REGEX_ANCHORED | G_REGEX_OPTIMIZE, 0, NULL);
  return shape->split ||
         refuse_layout(error, "split: \"%s\" is no pattern", split);
}

static gboolean compile_shape(Layout *layout, Shape *shape, const ConfLine *conf, GError **error) {
  if (!conf->present)
    return TRUE;
  gsize offset = shape->tag && layout->is_plainly_tagged ? layout->tag_bytes : 0;
  shape->open = conf->open;
  if (!tags_step_over(layout, shape, offset, &offset, error))
    return FALSE;
  shape->n_fields = conf->fields ? conf->fields->len : 0;
  shape->n_cells = shape->n_fields + (shape->tag ? 1 : 0);
  shape->fields = g_new0(LayoutField, MAX(shape->n_fields, 1));
  layout->most_cells = MAX(layout->most_cells, shape->n_fields + MAX(shape->n_parts, shape->tag ? 1 : 0));
  for (guint i = 0; i < shape->n_fields; i++) {
    const ConfField *field = conf->fields->pdata[i];
    gsize from = offset;
    shape->fields[i].prefix = shape == &layout->shapes[SHAPE_HEADER] ? NULL : layout->conf->value_prefix;
    shape->has_gaps |= field->gap > 0;
    if (!compile_field(layout, &shape->fields[i], field, &offset, error) ||
        !coded_compile(layout, &shape->fields[i], error) ||
        !tags_step_over(layout, shape, from, &offset, error)) {
      g_prefix_error(error, "line %u, field \"%s\": ", field->where.line, field->name);
      return FALSE;
    }
  }
  shape->bytes = offset;
  for (guint i = 0; i < shape->n_parts && layout->is_fixed; i++)
    if (shape->parts[i].at + shape->parts[i].raw_length > offset)
      return refuse_layout(error, "the line \"%s\" ends before its tag's place", shape->tag);
  layout->most_bytes = MAX(layout->most_bytes, offset);
  return compile_split(layout, shape, conf->split, error) && compile_signs(shape, error);
}

static guint length_of(const GPtrArray *lines) {
  return lines ? lines->len : 0;
}

/* Header, trailer, then the records as they are declared; a configuration made by hand may have its one record only as
 * the union. */
static const ConfLine *line_of(const Layout *layout, guint shape) {
  const ConfLayout *conf = layout->conf;
  if (shape == SHAPE_HEADER)
    return &conf->header;
  if (shape == SHAPE_TRAILER)
    return &conf->trailer;
  if (shape < layout->first_outer)
    return length_of(conf->records) > 0 ? conf->records->pdata[shape - SHAPE_RECORD] : &conf->record;
  gint group = layout_group_of(layout, shape);
  if (group < 0)
    return layout_is_addendum(layout, shape)
               ? conf->addenda->pdata[shape - layout->first_outer]
               : conf->remarks->pdata[shape - layout->first_outer - layout->n_addenda];
  const ConfGroup *of = layout_conf_group(layout, (guint)group);
  return shape == layout_group_header(layout, (guint)group) ? &of->header : &of->trailer;
}

static void count_shapes(Layout *layout) {
  const ConfLayout *conf = layout->conf;
  layout->n_types = MAX(length_of(conf->records), 1);
  layout->n_addenda = length_of(conf->addenda);
  layout->n_remarks = length_of(conf->remarks);
  layout->n_groups = length_of(conf->groups);
  layout->first_outer = SHAPE_RECORD + layout->n_types;
  layout->n_shapes = layout->first_outer + layout->n_addenda + layout->n_remarks + 2 * layout->n_groups;
  layout->shapes = g_new0(Shape, layout->n_shapes);
}

static gboolean compile_shapes(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  count_shapes(layout);
  if (layout->n_types > LAYOUT_MOST_TYPES)
    return refuse_layout(error, "%u types of records; %d are the most", layout->n_types, LAYOUT_MOST_TYPES);
  if (layout->n_shapes > SHAPE_RECORD + 1 && conf->lines_by != CONF_LINES_BY_TAG)
    return refuse_layout(error, "several types of records are told apart by their tags");
  for (guint i = 0; i < layout->n_shapes; i++) {
    const ConfLine *line = line_of(layout, i);
    layout->shapes[i].present = line->present;
    layout->shapes[i].tag = line->present && conf->lines_by == CONF_LINES_BY_TAG ? line->tag : NULL;
  }
  if (!tags_compile(layout, error))
    return FALSE;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (!compile_shape(layout, &layout->shapes[i], line_of(layout, i), error))
      return FALSE;
  for (guint i = SHAPE_RECORD; i < layout->first_outer; i++) {
    Shape *shape = &layout->shapes[i];
    if (shape->n_fields == 0)
      return refuse_layout(error, "the record line has no fields");
    shape->ends_plainly = shape->n_signed == 0 && layout->n_shapes == SHAPE_RECORD + 1;
  }
  return TRUE;
}

/* A total of all records that cannot be left out. One of some of them, as of debits, is no proof for the others. */
static gboolean misses_any(const ConfField *field) {
  return !field->optional && (field->control <= CONF_CONTROL_SUM || field->control == CONF_CONTROL_GROSS ||
                              field->control == CONF_CONTROL_NET);
}

/* Whether the whole sum is of what stands last in every line: not where a line may end before it, nor where a digit or
 * a sign that is cut off need not change the sum. */
static gboolean sums_the_end(const Layout *layout, const Control *control) {
  const Shape *record = &layout->shapes[SHAPE_RECORD];
  gboolean ends_there = layout->n_shapes == SHAPE_RECORD + 1 && !record->split &&
                        !(record->open & 1u << CONF_OPEN_FEWER);
  return ends_there && control->field->control == CONF_CONTROL_SUM && control->field->low_digits == 0 &&
         record->field_of[layout->sums[control->sums[0]].column] == (gint)record->n_fields - 1;
}

/* What is missing at the file's end is missed: by a trailer that is told by what it holds, or by a sum of the values
 * that stand last in their lines. A count or another sum is no proof that the last value is whole. */
static gboolean proves_its_end(const Layout *layout) {
  if (layout->shapes[SHAPE_TRAILER].present && layout->conf->lines_by == CONF_LINES_BY_TAG)
    return TRUE;
  for (guint i = 0; i < layout->n_controls; i++) {
    const Control *control = &layout->controls[i];
    if (misses_any(control->field) && (control->where == SHAPE_TRAILER || sums_the_end(layout, control)))
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

/* Without line ends and descriptor words, only the place tells where a record begins: all lines have one length. */
static gboolean compile_stride(Layout *layout, GError **error) {
  gboolean is_described = layout->conf->descriptor != CONF_DESCRIPTOR_NONE;
  if (is_described) {
    layout->has_coded = TRUE;
    layout->scan = lines_scan_described;
  }
  if (!layout->is_stream || is_described)
    return TRUE;
  if (layout->has_coded)
    layout->scan = lines_scan_counted;
  layout->stride = layout->most_bytes;
  for (guint i = 0; i < layout->n_shapes; i++)
    if (layout->shapes[i].present && layout->shapes[i].bytes != layout->stride)
      return refuse_layout(
          error,
          "without line ends or 'descriptor' all lines must have the same length, but there are lines of "
          "%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT " bytes",
          layout->shapes[i].bytes, layout->stride);
  return TRUE;
}

static gboolean compile(Layout *layout, GError **error) {
  const ConfLayout *conf = layout->conf;
  layout->is_fixed = conf->kind == CONF_LAYOUT_FIXED;
  layout->is_stream = layout->is_fixed && conf->line_end == CONF_LINE_END_NONE;
  layout->is_quoted = !layout->is_fixed && conf->quote == CONF_QUOTE_RFC4180;
  layout->end_mark_length = conf->end_mark ? strlen(conf->end_mark) : 0;
  layout->line_limit = conf->line_limit ? conf->line_limit : 16384;
  if (!layout->is_fixed && conf->line_end == CONF_LINE_END_NONE)
    return refuse_layout(error, "delimited lines have line ends");
  layout->charset = charset_new(conf->charset, error);
  if (!layout->charset || (!layout->is_stream && !charset_check_structural(layout->charset, error)))
    return FALSE;
  if (!lines_compile(layout, error) || !compile_delimiter(layout, error) || !compile_shapes(layout, error) ||
      !columns_compile(layout, error) || !compile_stride(layout, error))
    return FALSE;
  if (!passed_over_compile(layout, error))
    return FALSE;
  coded_finish(layout);
  names_compile(layout);
  if (layout->is_fixed && layout->most_bytes > layout->line_limit)
    return refuse_layout(error, "lines of %" G_GSIZE_FORMAT " bytes are beyond the line limit of %" G_GSIZE_FORMAT,
                  layout->most_bytes, layout->line_limit);
  if (!controls_compile(layout, error))
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
  for (guint i = 0; i < shape->n_parts; i++) {
    g_free(shape->parts[i].text);
    g_free(shape->parts[i].raw);
  }
  g_free(shape->parts);
  g_free(shape->raw_tag);
  g_clear_pointer(&shape->split, g_regex_unref);
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
  for (guint i = 0; i < layout->n_controls; i++) {
    g_free(layout->controls[i].counted);
    g_free(layout->controls[i].sums);
  }
  g_free(layout->controls);
  g_free(layout->group_column);
  g_free(layout->places);
  g_free(layout->key_parts);
  g_free(layout->tagged);
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
