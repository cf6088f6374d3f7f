#include "gateway/records/echoes.h"
#include "store/staging.h"
#include <string.h>

int echoes_find_column(const FeedbackOptions *options, const char *name) {
  guint n;
  const StagingColumn *columns = staging_columns(options->staging, &n);
  for (guint at = 0; at < n; at++)
    if (g_str_equal(columns[at].name, name))
      return (int)at;
  return -1;
}

static void find_fields(const Layout *layout, const char *name, Echo *echo) {
  int column = layout_column(layout, name);
  echo->fields = g_new0(const LayoutField *, layout->n_types);
  for (guint type = 0; column >= 0 && type < layout->n_types; type++) {
    const LayoutField *field = layout_field_of(layout, type, (guint)column);
    echo->fields[type] = field = field ? field : layout_outer_field(layout, (guint)column);
    if (!field)
      continue;
    if (echo->place.bytes == 0)
      echo->place = rows_place_of(field->conf);
    echo->place.bytes = MAX(echo->place.bytes, field->bytes);
  }
}

static gboolean is_joined(const Layout *layout, int column) {
  for (guint a = 0; a < layout->n_addenda; a++) {
    const Shape *addendum = &layout->shapes[layout->first_outer + a];
    for (guint i = 0; i < addendum->n_fields; i++)
      if ((int)addendum->fields[i].column == column && addendum->fields[i].conf->type == CONF_TEXT)
        return TRUE;
  }
  return FALSE;
}

static gboolean find_echo(const FeedbackOptions *options, const char *name, Echo *echo, GError **error) {
  guint n;
  int at = echoes_find_column(options, name);
  if (at < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "feedback: column \"%s\" is not a field of the record line", name);
  const StagingColumn *column = &staging_columns(options->staging, &n)[at];
  g_autofree char *spelling = g_strconcat(name, LAYOUT_SPELLING, NULL);
  *echo = (Echo){.column = (guint)at,
                 .spelling = echoes_find_column(options, spelling),
                 .type = column->type,
                 .scale = column->scale};
  echo->is_joined = is_joined(options->layout, layout_column(options->layout, name));
  find_fields(options->layout, name, echo);
  if (echo->place.bytes == 0)
    echo->place = (CellPlace){MAX(options->layout->tag_bytes, 20), FALSE,
                              ' ', 0, NULL}; /* record_type, and what the layout has no more */
  return TRUE;
}

void feedback_keep_spellings(Layout *layout, const ConfFeedback *conf, char *const *key_fields) {
  for (char **name = conf->columns; name && *name; name++)
    layout_keep_spelling(layout, *name);
  for (char *const *name = conf->columns ? NULL : key_fields; name && *name; name++)
    layout_keep_spelling(layout, *name);
}

GString *echoes_tag_of(const Shape *shape, Rows *rows) {
  gsize start = rows->length;
  GString *tag = g_string_new(NULL);
  if (!shape->tag)
    return tag;
  rows_put_text(rows, (CellPlace){rows->layout->tag_bytes, FALSE, ' ', 0, NULL}, shape->tag);
  if (!rows->is_fixed) { /* as it stands: the partner's own tag is no formula and needs no quotes */
    rows->length = start;
    rows_put(rows, shape->tag, shape->tag_length);
    rows_put_delimiter(rows);
  }
  g_string_append_len(tag, (const char *)rows->bytes + start, (gssize)(rows->length - start));
  rows->length = start;
  return tag;
}

gboolean echoes_open(Echoes *echoes, const FeedbackOptions *options, Rows *rows, GError **error) {
  const Layout *layout = options->layout;
  const char *key[] = {options->key_field, NULL};
  char *const *names = options->conf && options->conf->columns ? options->conf->columns
                       : options->key_fields                   ? options->key_fields
                                                               : (char *const *)key;
  *echoes = (Echoes){.n_types = layout->n_types,
                     .type_column = options->staging ? echoes_find_column(options, LAYOUT_TYPE_COLUMN) : -1};
  echoes->tags = g_new0(GString *, layout->n_types);
  for (guint i = 0; i < layout->n_types; i++)
    echoes->tags[i] = echoes_tag_of(&layout->shapes[SHAPE_RECORD + i], rows);
  while (options->staging && names[echoes->n])
    echoes->n++;
  echoes->echoes = g_new0(Echo, echoes->n + 1);
  for (guint i = 0; i < echoes->n; i++)
    if (!find_echo(options, names[i], &echoes->echoes[i], error))
      return FALSE;
  return TRUE;
}

gboolean echoes_open_group(Echoes *echoes, const FeedbackOptions *options, Rows *rows, guint group, GError **error) {
  const Shape *header = &options->layout->shapes[layout_group_header(options->layout, group)];
  *echoes = (Echoes){.n = header->n_fields, .n_types = 1, .type_column = -1};
  echoes->tags = g_new0(GString *, 1);
  echoes->tags[0] = echoes_tag_of(header, rows);
  echoes->echoes = g_new0(Echo, echoes->n + 1);
  for (guint i = 0; i < echoes->n; i++)
    if (!find_echo(options, header->fields[i].conf->name, &echoes->echoes[i], error))
      return FALSE;
  return TRUE;
}

void echoes_clear(Echoes *echoes) {
  for (guint i = 0; echoes->echoes && i < echoes->n; i++)
    g_free(echoes->echoes[i].fields);
  g_clear_pointer(&echoes->echoes, g_free);
  for (guint i = 0; echoes->tags && i < echoes->n_types; i++)
    g_string_free(echoes->tags[i], TRUE);
  g_clear_pointer(&echoes->tags, g_free);
}

gsize echoes_width(const Echoes *echoes) {
  gsize width = 0;
  for (guint i = 0; i < echoes->n; i++)
    width += echoes->echoes[i].place.bytes + echoes->echoes[i].place.gap;
  return width;
}

/* A record of an unknown type is answered as one of the first. */
static guint type_of(Echoes *echoes, const Rows *rows, const RecordBlock *block, guint index) {
  if (echoes->type_column < 0 || echoes->n_types == 1)
    return 0;
  gsize length;
  const char *tag = record_block_text(block, (guint)echoes->type_column, index, &length);
  gboolean has_none = rows->layout->otherwise < rows->layout->n_shapes &&
                      record_block_is_null(block, (guint)echoes->type_column, index);
  for (guint i = 0; i < echoes->n_types; i++) {
    guint type = (echoes->type + i) % echoes->n_types;
    const Shape *shape = &rows->layout->shapes[SHAPE_RECORD + type];
    if (has_none ? !shape->tag : shape->tag && shape->tag_length == length && memcmp(shape->tag, tag, length) == 0)
      return echoes->type = type;
  }
  return 0;
}

/* Of several types of records, each may have the column in bytes of its own kind. */
static CellPlace place_of(const Echo *echo, const LayoutField *field) {
  CellPlace place = echo->place;
  place.field = field ? field->conf : NULL;
  return place;
}

static void put_integer(const Echo *echo, Rows *rows, const LayoutField *field, gint64 integer) {
  if (field && (field->sign || field->conf->below_zero)) /* as it came: its sign stands elsewhere */
    integer = ABS(integer);
  /* a delimited answer to fixed lines has plain numbers */
  gboolean is_plain = !field || (!rows->is_fixed && field->is_fixed);
  if (!rows->is_fixed) {
    guint8 *into = rows_reserve(rows, VALUE_LONGEST);
    rows->length += is_plain ? value_print(integer, echo->scale, (char *)into)
                             : value_print_as(field->conf, 0, integer, echo->scale, (char *)into);
    return;
  }
  char usual[128];
  g_autofree char *large = echo->place.bytes + VALUE_LONGEST > sizeof usual
                               ? g_malloc(echo->place.bytes + VALUE_LONGEST)
                               : NULL;
  char *text = large ? large : usual;
  gsize length = is_plain ? value_print(integer, echo->scale, text)
                          : value_print_as(field->conf, echo->place.bytes, integer, echo->scale, text);
  rows_put_number(rows, place_of(echo, field), text, length);
}

/* FALSE: it came as it is printed, or is to be written in another form. */
static gboolean put_spelling(const Echo *echo, Rows *rows, const RecordBlock *block, guint index, guint type) {
  const LayoutField *field = echo->fields[type];
  gboolean is_plain = !rows->is_fixed && field && field->is_fixed && echo->type == BLOCK_INTEGER;
  if (echo->spelling < 0 || is_plain || record_block_is_null(block, (guint)echo->spelling, index))
    return FALSE;
  gsize length;
  const char *text = record_block_text(block, (guint)echo->spelling, index, &length);
  (echo->type == BLOCK_INTEGER ? rows_put_number : rows_put_value)(rows, place_of(echo, field), text, length);
  return TRUE;
}

static void put_echo(const Echo *echo, Rows *rows, const RecordBlock *block, guint index, guint type) {
  const LayoutField *field = echo->fields[type];
  if (put_spelling(echo, rows, block, index, type))
    return;
  if (record_block_is_null(block, echo->column, index)) {
    rows_put_absent(rows, place_of(echo, field));
    return;
  }
  if (echo->type == BLOCK_INTEGER) {
    put_integer(echo, rows, field, record_block_integer(block, echo->column, index));
    return;
  }
  gsize length;
  const char *text = record_block_text(block, echo->column, index, &length);
  char printed[DATES_LONGEST];
  gsize date = field && field->format ? date_format_print(field->format, text, length, printed) : 0;
  if (echo->is_joined)
    rows_put_joined(rows, place_of(echo, field), text, length);
  else
    rows_put_value(rows, place_of(echo, field), date ? printed : text, date ? date : length);
}

void echoes_put(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index) {
  guint type = type_of(echoes, rows, block, index);
  rows_put(rows, echoes->tags[type]->str, echoes->tags[type]->len);
  for (guint i = 0; i < echoes->n; i++) {
    put_echo(&echoes->echoes[i], rows, block, index, type);
    rows_put_delimiter(rows);
  }
}

void echoes_put_faulty(Echoes *echoes, Rows *rows, const RecordBlock *block, guint index) {
  guint type = type_of(echoes, rows, block, index);
  rows_put(rows, echoes->tags[type]->str, echoes->tags[type]->len);
  for (guint i = 0; i < echoes->n; i++) {
    const Echo *echo = &echoes->echoes[i];
    if ((int)echo->column == echoes->type_column)
      put_echo(echo, rows, block, index, type);
    else
      rows_put_absent(rows, place_of(echo, echo->fields[type]));
    rows_put_delimiter(rows);
  }
}
