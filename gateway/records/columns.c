/* The columns of what is staged: the fields of all records, by name, in the order of their first mention; then what
 * records have from their groups and addenda; then spellings. */
#include "gateway/records/cells_private.h"
#include <string.h>

static gboolean refuse_column(GError **error, const ConfField *field, const char *why) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "line %u, field \"%s\": %s", field->where.line,
                             field->name, why);
}

static int add_column(Layout *layout, StagingColumn column) {
  layout->columns[layout->n_columns] = column;
  return (int)layout->n_columns++;
}

static gboolean place_field(Layout *layout, LayoutField *field, GError **error) {
  const ConfField *conf = field->conf;
  BlockType type = value_is_integer(conf) ? BLOCK_INTEGER : BLOCK_TEXT;
  guint scale = conf->type == CONF_DECIMAL ? conf->scale : 0;
  int column = layout_column(layout, conf->name);
  if (column < 0)
    column = add_column(layout, (StagingColumn){.name = conf->name, .type = type, .scale = scale});
  field->column = (guint)column;
  const StagingColumn *placed = &layout->columns[column];
  return (placed->type == type && placed->scale == scale) ||
         refuse_column(error, conf, "another record's field of this name has another type or scale");
}

static gboolean place_fields(Layout *layout, Shape *shape, GError **error) {
  for (guint f = 0; f < shape->n_fields; f++)
    if (!place_field(layout, &shape->fields[f], error))
      return FALSE;
  return TRUE;
}

/* A column of their own; but a text of an addendum may go on with the record's of its name. */
static gboolean place_outer_fields(Layout *layout, Shape *shape, gboolean may_go_on, GError **error) {
  guint of_records = (guint)(layout->n_groups > 0 ? layout->group_column[0] : layout->first_addenda_column);
  for (guint f = 0; f < shape->n_fields; f++) {
    const ConfField *field = shape->fields[f].conf;
    int taken = layout_column(layout, field->name);
    gboolean goes_on = may_go_on && taken >= 0 && (guint)taken < of_records && field->type == CONF_TEXT;
    if (taken >= 0 && !goes_on)
      return refuse_column(error, field, "records have a field of this name from another line");
    if (!place_field(layout, &shape->fields[f], error))
      return FALSE;
  }
  return TRUE;
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

/* Of a group: where it begins, and what its header says. */
static gboolean place_groups(Layout *layout, GError **error) {
  layout->group_column = g_new(gint, layout->n_groups + 1);
  for (guint g = 0; g < layout->n_groups; g++) {
    StagingColumn own = {.name = layout_conf_group(layout, g)->name, .type = BLOCK_INTEGER};
    if (layout_column(layout, own.name) >= 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "group \"%s\": there is a field of this name, which is the column of where it begins",
                                 own.name);
    layout->group_column[g] = add_column(layout, own);
    if (!place_outer_fields(layout, &layout->shapes[layout_group_header(layout, g)], FALSE, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean place_addenda(Layout *layout, GError **error) {
  layout->last_line_column = -1;
  layout->first_addenda_column = (gint)layout->n_columns;
  for (guint a = 0; a < layout->n_addenda; a++) {
    const Shape *shape = &layout->shapes[layout->first_outer + a];
    if (shape->n_signed > 0)
      return refuse_column(error, shape->fields[0].conf, "the numbers of an addendum have their own signs");
    if (!place_outer_fields(layout, &layout->shapes[layout->first_outer + a], TRUE, error))
      return FALSE;
  }
  if (layout->n_addenda > 0)
    layout->last_line_column = add_column(layout,
                                          (StagingColumn){.name = CONF_LAST_LINE_COLUMN, .type = BLOCK_INTEGER});
  return TRUE;
}

gboolean columns_compile(Layout *layout, GError **error) {
  guint most = 2 + layout->n_groups;
  for (guint i = SHAPE_RECORD; i < layout->n_shapes; i++)
    most += layout->shapes[i].n_fields;
  layout->columns = g_new0(StagingColumn, most);
  layout->type_column = -1;
  for (guint i = SHAPE_RECORD; i < layout->first_outer; i++)
    if (!place_fields(layout, &layout->shapes[i], error))
      return FALSE;
  if (!place_groups(layout, error) || !place_addenda(layout, error))
    return FALSE;
  for (guint i = SHAPE_RECORD; i < layout->first_outer; i++)
    learn_fields(layout, &layout->shapes[i]);
  layout->n_staged = layout->n_columns;
  if (layout->n_types == 1)
    return TRUE;
  if (layout_column(layout, LAYOUT_TYPE_COLUMN) >= 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s",
                               "a field of several types of records cannot be called " LAYOUT_TYPE_COLUMN
                               ": that is the column of their tags");
  layout->type_column = add_column(layout, (StagingColumn){.name = LAYOUT_TYPE_COLUMN, .type = BLOCK_TEXT});
  layout->n_staged = layout->n_columns;
  return TRUE;
}

char *layout_outer_name(const Layout *layout, guint kind) {
  gint group = layout_group_of(layout, kind);
  if (group < 0)
    return g_strdup_printf("\"%s\"", layout->shapes[kind].tag);
  return g_strdup_printf("%s of group %s", kind == layout_group_header(layout, (guint)group) ? "header" : "trailer",
                         layout_conf_group(layout, (guint)group)->name);
}

const LayoutField *layout_outer_field(const Layout *layout, guint column) {
  for (guint kind = layout->first_outer; kind < layout->n_shapes; kind++)
    for (guint i = 0; i < layout->shapes[kind].n_fields; i++) {
      gint group = layout_group_of(layout, kind);
      gboolean is_staged = layout_is_addendum(layout, kind) ||
                           (group >= 0 && kind == layout_group_header(layout, (guint)group));
      if (is_staged && layout->shapes[kind].fields[i].column == column)
        return &layout->shapes[kind].fields[i];
    }
  return NULL;
}

/* A number, a date, what is staged in a normal form or without its prefix can have several spellings. */
static gboolean has_spellings(const Layout *layout, guint column) {
  for (guint type = 0; type < layout->n_types; type++) {
    const LayoutField *field = layout_field_of(layout, type, column);
    if (field && (value_is_integer(field->conf) || field->format || field->prefix ||
                  field->conf->normal_form >> (CONF_NORMAL_NONE + 1) || field->conf->strip_prefix))
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
