/* A header line told by its place, all of whose fields are plain text: a line of column names, as spreadsheets write
 * it, or a fixed line of a name. Any line would do as such a header, so that without a closer look a file without its
 * header loses its first record, and one with exchanged columns is read into the wrong fields. */
#include "gateway/base/files.h"
#include "gateway/records/fixed_cells.h"

void names_compile(Layout *layout) {
  const Shape *header = &layout->shapes[SHAPE_HEADER], *record = &layout->shapes[SHAPE_RECORD];
  layout->has_names = header->present && layout->conf->lines_by == CONF_LINES_BY_POSITION;
  for (guint i = 0; i < header->n_fields; i++)
    layout->has_names = layout->has_names && header->fields[i].conf->type == CONF_TEXT;
  for (guint i = 0; i < record->n_fields; i++)
    layout->has_titles = layout->has_titles || record->fields[i].conf->title;
  if (layout->conf->columns_by == CONF_COLUMNS_BY_NAME)
    layout->asks_header = layout->has_titles = TRUE;
}

/* A header's numbers may be a record's, too; its dates, listed values and control totals tell it. */
static gboolean tells_itself(const Shape *header) {
  for (guint i = 0; i < header->n_fields; i++) {
    const ConfField *field = header->fields[i].conf;
    if ((field->type != CONF_TEXT && field->type != CONF_INTEGER) || field->control != CONF_CONTROL_NONE)
      return TRUE;
  }
  return FALSE;
}

gboolean layout_header_is_any_line(const Layout *layout) {
  const Shape *header = &layout->shapes[SHAPE_HEADER], *record = &layout->shapes[SHAPE_RECORD];
  gboolean has_type = FALSE;
  for (guint i = 0; i < record->n_fields; i++)
    has_type = has_type || record->fields[i].conf->type != CONF_TEXT;
  return header->present && layout->conf->lines_by == CONF_LINES_BY_POSITION && !layout->has_titles &&
         (layout->is_fixed ? header->bytes == record->bytes : header->n_fields == record->n_fields) &&
         (layout->has_names ? !has_type : !tells_itself(header));
}

const char *names_title(const LayoutField *field) {
  return field->conf->title ? field->conf->title : field->conf->name;
}

/* Without blanks at its edges; upper and lower case are one. The caller frees. */
static char *folded(const guint8 *text, gsize length) {
  g_autofree char *copy = g_strndup((const char *)text, length);
  return g_utf8_casefold(g_strstrip(copy), -1);
}

/* Names of columns are no numbers, dates or listed values: one such is enough. A fixed line has its fields cut at the
 * record's places by chance, too: all of them must be what the record's are. */
static gboolean reads_as_record(Parse *parse, const Shape *record) {
  gboolean has_type = FALSE;
  for (guint i = 0; i < record->n_fields; i++) {
    const LayoutField *field = &record->fields[i];
    Cell cell = parse->cells[i];
    gboolean is_cut = !parse->layout->is_fixed || !fixed_cut_cell(parse, field, &cell);
    gboolean is_read = is_cut && !value_parse(field, cell.at, cell.length, &parse->state->value);
    gboolean is_typed = is_read && field->conf->type != CONF_TEXT && cell.length > 0;
    if (is_typed && !parse->layout->is_fixed)
      return TRUE;
    if (!is_read && parse->layout->is_fixed)
      return FALSE;
    has_type = has_type || is_typed;
  }
  return has_type;
}

/* Of a line with more cells than any of the layout's, no more are kept. */
static gsize n_kept(const Parse *parse) {
  return MIN(parse->n_cells, parse->layout->most_cells);
}

static gboolean is_titled(const Cell *cell, const char *title) {
  return cell->length == strlen(title) && memcmp(cell->at, title, cell->length) == 0;
}

static gboolean check_titles(Parse *parse, const Shape *record) {
  for (guint i = 0; i < MAX(record->n_fields, parse->n_cells); i++) {
    const Cell *cell = i < n_kept(parse) ? &parse->cells[i] : NULL;
    const char *title = i < record->n_fields ? names_title(&record->fields[i]) : NULL;
    if (cell && title && is_titled(cell, title))
      continue;
    g_autofree char *found = cell && !parse->layout->has_masked ? files_show_bytes(cell->at, cell->length, 40) : NULL;
    parse_add_problem(parse, "T011",
                      g_strdup_printf("header: column %u is %s%s%s, the layout says %s%s%s: the columns are others, or "
                                      "in another order",
                                      i + 1, found ? "\"" : "",
                                      found  ? found
                                      : i < parse->n_cells ? "another"
                                                           : "missing",
                                      found ? "\"" : "", title ? "\"" : "", title ? title : "that there is none",
                                      title ? "\"" : ""));
    return FALSE;
  }
  return TRUE;
}

/* Each title once, wherever it stands; as many cells as fields, so that there is none besides. */
static gboolean check_titles_anywhere(Parse *parse, const Shape *record) {
  if (parse->n_cells != record->n_cells) /* told as the header's fault */
    return TRUE;
  for (guint i = 0; i < record->n_fields; i++) {
    const char *title = names_title(&record->fields[i]);
    guint found = 0;
    for (guint c = 0; c < n_kept(parse); c++)
      found += is_titled(&parse->cells[c], title) ? 1 : 0;
    if (found == 1)
      continue;
    parse_add_problem(parse, "T011", g_strdup_printf("header: column \"%s\" %s", title,
                                                     found ? "stands there more than once"
                                                           : "is missing, and another stands in its place"));
    return FALSE;
  }
  return TRUE;
}

/* Where the names of the layout's own fields stand in the file, they stand at these fields' places. A name that the
 * layout does not have tells nothing. */
static gboolean check_order(Parse *parse, const Shape *shape) {
  for (guint i = 0; i < n_kept(parse); i++) {
    g_autofree char *found = folded(parse->cells[i].at, parse->cells[i].length);
    guint place = 0;
    for (; place < shape->n_fields; place++) {
      const char *name = shape->fields[place].conf->name;
      g_autofree char *wanted = folded((const guint8 *)name, strlen(name));
      if (strcmp(found, wanted) == 0)
        break;
    }
    if (place == i || place == shape->n_fields)
      continue;
    parse_add_problem(parse, "T011",
                      g_strdup_printf("header: columns are in another order: \"%s\" is column %u, in the layout it is "
                                      "column %u",
                                      shape->fields[place].conf->name, i + 1, place + 1));
    return FALSE;
  }
  return TRUE;
}

gboolean names_check(Parse *parse) {
  const Layout *layout = parse->layout;
  const Shape *record = &layout->shapes[SHAPE_RECORD];
  if (!layout->has_names || parse->kind != SHAPE_HEADER)
    return TRUE;
  gboolean is_as_long = layout->is_fixed ? parse->line.length == record->bytes : parse->n_cells == record->n_cells;
  if (is_as_long && reads_as_record(parse, record)) {
    parse_add_problem(parse, "T010", g_strdup("the first line reads as a record: the header line is missing"));
    return FALSE;
  }
  parse->converted = 0; /* fixed: what was looked at is done with */
  if (layout->is_fixed)
    return TRUE;
  if (layout->conf->columns_by == CONF_COLUMNS_BY_NAME)
    return check_titles_anywhere(parse, record);
  if (layout->has_titles)
    return check_titles(parse, record);
  return check_order(parse, record) && check_order(parse, &layout->shapes[SHAPE_HEADER]);
}
