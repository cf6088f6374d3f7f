/* Declared control totals, compiled: which lines count for each, and what is summed. That the fields are there, conf/
 * has checked; a layout that a program made has not passed there. */
#include "gateway/records/cells_private.h"
#include <string.h>

static gboolean refuse_control(GError **error, const ConfField *field, const char *what, const char *name,
                               const char *is) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "field \"%s\": %s%s%s", field->name, what,
                             name ? name : "", is);
}

static guint add_sum(Layout *layout, SumOf sum) {
  for (guint i = 0; i < layout->n_sums; i++) {
    const SumOf *known = &layout->sums[i];
    if (known->column == sum.column && known->type == sum.type && known->what == sum.what && known->outer == sum.outer)
      return i;
  }
  layout->sums = g_renew(SumOf, layout->sums, layout->n_sums + 1);
  layout->sums[layout->n_sums] = sum;
  return layout->n_sums++;
}

/* n_shapes: none has it. */
static guint shape_of_tag(const Layout *layout, const char *tag) {
  guint kind = SHAPE_RECORD;
  while (kind < layout->n_shapes && g_strcmp0(layout->shapes[kind].tag, tag) != 0)
    kind++;
  return kind;
}

static gint field_index(const Shape *shape, const char *name) {
  for (guint i = 0; name && i < shape->n_fields; i++)
    if (g_str_equal(shape->fields[i].conf->name, name))
      return (gint)i;
  return -1;
}

/* In the same line, or in the header of the group or file. */
static const ConfField *find_opening(const Layout *layout, const Control *control, const char *name) {
  guint header = control->group < 0 ? SHAPE_HEADER : layout_group_header(layout, (guint)control->group);
  const Shape *shapes[] = {&layout->shapes[control->where], &layout->shapes[header]};
  for (guint s = 0; s < G_N_ELEMENTS(shapes); s++) {
    gint index = field_index(shapes[s], name);
    if (index >= 0)
      return shapes[s]->fields[index].conf;
  }
  return NULL;
}

/* Of all records (n_shapes), those of one kind; or of a group's headers or trailers. */
static gboolean find_sum(const Layout *layout, const ConfField *field, guint kind, const char *name, SumOf *sum) {
  const ConfField *summed = NULL;
  sum->what = field->control;
  sum->type = -1;
  if (layout_is_outer(layout, kind)) {
    gint index = layout_group_of(layout, kind) < 0 ? -1 : field_index(&layout->shapes[kind], name);
    sum->outer = kind;
    sum->column = (guint)MAX(index, 0);
    summed = index < 0 ? NULL : layout->shapes[kind].fields[index].conf;
  } else {
    int column = layout_column(layout, name);
    sum->type = kind < layout->n_shapes ? (int)(kind - SHAPE_RECORD) : -1;
    sum->column = (guint)MAX(column, 0);
    for (guint type = 0; column >= 0 && type < layout->n_types; type++) {
      const LayoutField *own = layout_field_of(layout, type, sum->column);
      if (own && (sum->type < 0 || sum->type == (int)type))
        summed = own->conf;
    }
  }
  if (!summed || !value_is_integer(summed))
    return FALSE;
  sum->scale = summed->type == CONF_DECIMAL && field->control < CONF_CONTROL_DEBIT_COUNT ? summed->scale : 0;
  return TRUE;
}

/* "fee + tax": both, of each line; and in each kind of line that counts. */
static gboolean find_sums(Layout *layout, Control *control) {
  g_auto(GStrv) names = g_strsplit(control->field->control_field ? control->field->control_field : "", "+", -1);
  guint kinds = MAX(control->n_counted, 1);
  control->sums = g_new(guint, g_strv_length(names) * kinds + 1);
  for (guint i = 0; names[0] && i < g_strv_length(names) * kinds; i++) {
    SumOf sum = {0};
    guint kind = control->n_counted > 0 ? control->counted[i % kinds] : layout->n_shapes;
    if (!find_sum(layout, control->field, kind, g_strstrip(names[i / kinds]), &sum))
      return FALSE;
    control->sums[control->n_sums++] = add_sum(layout, sum);
  }
  return control->n_sums > 0;
}

static gboolean find_lines(const Layout *layout, Control *control, GError **error) {
  char **tags = control->field->control_lines;
  control->n_counted = tags ? g_strv_length(tags) : 0;
  control->counted = control->n_counted > 0 ? g_new(guint, control->n_counted) : NULL;
  for (guint i = 0; i < control->n_counted; i++) {
    control->counted[i] = shape_of_tag(layout, tags[i]);
    if (control->counted[i] == layout->n_shapes)
      return refuse_control(error, control->field, "no record has the tag \"", tags[i], "\"");
  }
  return TRUE;
}

static gboolean compile_control(Layout *layout, guint where, guint index, GError **error) {
  const ConfField *field = layout->shapes[where].fields[index].conf;
  layout->controls = g_renew(Control, layout->controls, layout->n_controls + 1);
  Control *control = &layout->controls[layout->n_controls++];
  *control = (Control){.where = where,
                       .index = index,
                       .group = where < SHAPE_RECORD ? -1 : layout_group_of(layout, where),
                       .field = field,
                       .is_sum = field->control >= CONF_CONTROL_SUM};
  if (!find_lines(layout, control, error))
    return FALSE;
  if (control->is_sum && !find_sums(layout, control))
    return refuse_control(error, field, "sum(", field->control_field, ") is not a sum of a number of the record line");
  if (!value_is_integer(field))
    return refuse_control(error, field, "a control total is an integer or a decimal", NULL, "");
  control->opening = find_opening(layout, control, field->opening);
  return TRUE;
}

gboolean controls_compile(Layout *layout, GError **error) {
  for (guint where = 0; where < layout->n_shapes; where++) {
    const Shape *shape = &layout->shapes[where];
    gboolean has_totals = where < SHAPE_RECORD || layout_group_of(layout, where) >= 0;
    for (guint i = 0; has_totals && i < shape->n_fields; i++)
      if (shape->fields[i].conf->control != CONF_CONTROL_NONE && !compile_control(layout, where, i, error))
        return FALSE;
  }
  return TRUE;
}
