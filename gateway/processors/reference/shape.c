#include "gateway/processors/reference/shape.h"
#include "gateway/common/json_put.h"
#include "gateway/common/json_text.h"
#include "gateway/processors/reference/reference_codes.h"
#include "gateway/records/dates.h"
#include "gateway/time/instant.h"
#include <string.h>

/* Most rows of a load have the times of the row before. */
typedef struct {
  int column; /* -1: none */
  char text[DATES_LONGEST];
  gsize length;
  InstantVerdict verdict;
  gint64 instant;
} Time;

struct ReferenceShape {
  const ConfReference *conf;
  const StagingColumn *columns;
  GTimeZone *zone;
  GArray *key, *content; /* guint: columns */
  int operation;
  Time from, until;
  GString *key_text, *content_text;
  char *text;
};

/* --- Its making */

static int column_of(const Layout *layout, const char *name) {
  return name ? layout_column(layout, name) : -1;
}

static gboolean is_content(const ReferenceShape *shape, guint column) {
  for (guint i = 0; i < shape->key->len; i++)
    if (g_array_index(shape->key, guint, i) == column)
      return FALSE;
  return (int)column != shape->operation && (int)column != shape->from.column && (int)column != shape->until.column;
}

static const char *type_of(const StagingColumn *column) {
  return column->type == BLOCK_TEXT ? "text" : column->scale > 0 ? "decimal" : "integer";
}

/* By the columns: a record's may be those of its group, too. */
static char *describe(const ReferenceShape *shape) {
  json_t *key = json_array(), *content = json_array();
  for (char **name = shape->conf->key; *name; name++)
    json_array_append_new(key, json_string(*name));
  for (guint i = 0; i < shape->content->len; i++) {
    const StagingColumn *column = &shape->columns[g_array_index(shape->content, guint, i)];
    json_array_append_new(content, json_pack("[s, s, i]", column->name, type_of(column), (int)column->scale));
  }
  return json_text_take(json_pack("{s:o, s:o}", "key", key, "content", content));
}

static gboolean set_columns(ReferenceShape *shape, const Layout *layout, GError **error) {
  guint n_columns;
  shape->columns = layout_columns(layout, &n_columns);
  char **valid = shape->conf->valid;
  shape->from.column = valid ? column_of(layout, valid[0]) : -1;
  shape->until.column = valid ? column_of(layout, valid[1]) : -1;
  shape->operation = column_of(layout, shape->conf->operation);
  for (char **name = shape->conf->key; *name; name++) {
    int column = column_of(layout, *name);
    if (column < 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "reference %s: there is no field %s",
                                 shape->conf->name, *name);
    g_array_append_val(shape->key, column);
  }
  for (guint i = 0; i < n_columns; i++)
    if (is_content(shape, i))
      g_array_append_val(shape->content, i);
  return TRUE;
}

ReferenceShape *reference_shape_new(const ConfReference *conf, const Layout *layout, GError **error) {
  ReferenceShape *shape = g_new0(ReferenceShape, 1);
  shape->conf = conf;
  shape->key = g_array_new(FALSE, FALSE, sizeof(guint));
  shape->content = g_array_new(FALSE, FALSE, sizeof(guint));
  shape->key_text = g_string_new(NULL);
  shape->content_text = g_string_new(NULL);
  shape->zone = conf->time_zone ? g_time_zone_new_identifier(conf->time_zone) : g_time_zone_new_utc();
  if (!shape->zone)
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "reference %s: time zone %s is not known", conf->name,
                        conf->time_zone);
  if (shape->zone && set_columns(shape, layout, error)) {
    shape->text = describe(shape);
    return shape;
  }
  reference_shape_free(shape);
  return NULL;
}

void reference_shape_free(ReferenceShape *shape) {
  if (!shape)
    return;
  g_clear_pointer(&shape->zone, g_time_zone_unref);
  g_array_unref(shape->key);
  g_array_unref(shape->content);
  g_string_free(shape->key_text, TRUE);
  g_string_free(shape->content_text, TRUE);
  g_free(shape->text);
  g_free(shape);
}

const char *reference_shape_text(const ReferenceShape *shape) {
  return shape->text;
}

/* --- A row */

static void put_value(const ReferenceShape *shape, const RecordBlock *block, guint record, guint column,
                      GString *into) {
  const StagingColumn *of = &shape->columns[column];
  if (record_block_is_null(block, column, record)) {
    g_string_append(into, "null");
  } else if (of->type == BLOCK_INTEGER) {
    json_put_decimal(into, record_block_integer(block, column, record), of->scale);
  } else {
    gsize length;
    const char *text = record_block_text(block, column, record, &length);
    json_put_text(into, text, length);
  }
}

static const char *put_values(const ReferenceShape *shape, const RecordBlock *block, guint record,
                              const GArray *columns, GString *into) {
  g_string_assign(into, "[");
  for (guint i = 0; i < columns->len; i++) {
    if (i > 0)
      g_string_append_c(into, ',');
    put_value(shape, block, record, g_array_index(columns, guint, i), into);
  }
  g_string_append_c(into, ']');
  return into->str;
}

/* An absent value, also where there is no such column, leaves *instant as it is. */
static InstantVerdict time_of(ReferenceShape *shape, Time *time, const RecordBlock *block, guint record,
                              gint64 *instant) {
  gsize length;
  if (time->column < 0 || record_block_is_null(block, (guint)time->column, record))
    return INSTANT_FINE;
  const char *text = record_block_text(block, (guint)time->column, record, &length);
  if (length == time->length && memcmp(text, time->text, length) == 0) {
    *instant = time->instant;
    return time->verdict;
  }
  gboolean ends_with_day = time == &shape->until && shape->conf->until == CONF_UNTIL_INCLUSIVE_DAY;
  time->verdict = ends_with_day ? instant_after_day(text, length, shape->zone, &time->instant)
                                : instant_parse(text, length, shape->zone, &time->instant);
  time->length = MIN(length, sizeof time->text);
  memcpy(time->text, text, time->length);
  *instant = time->instant;
  return time->verdict;
}

static gboolean is_operation(const ReferenceShape *shape, const RecordBlock *block, guint record, gboolean *removes) {
  gsize length;
  *removes = FALSE;
  if (shape->operation < 0 || record_block_is_null(block, (guint)shape->operation, record))
    return TRUE;
  const char *text = record_block_text(block, (guint)shape->operation, record, &length);
  *removes = length == strlen("remove") && memcmp(text, "remove", length) == 0;
  return *removes || (length == strlen("put") && memcmp(text, "put", length) == 0);
}

static gboolean refuse(const char *of, const char **code, char **reason, guint64 line, const char *what) {
  *code = of;
  *reason = g_strdup_printf("line %" G_GUINT64_FORMAT ": %s", line, what);
  return FALSE;
}

static gboolean refuse_time(const Time *time, const ReferenceShape *shape, const char **code, char **reason,
                            guint64 line) {
  g_autofree char *what = g_strdup_printf("%s %s", shape->columns[time->column].name, instant_problem(time->verdict));
  return refuse(CODE_BAD_VALIDITY, code, reason, line, what);
}

gboolean reference_shape_row(ReferenceShape *shape, const RecordBlock *block, guint record, ReferenceRow *row,
                             const char **code, char **reason) {
  gboolean removes;
  guint64 line = block->lines[record];
  *row = (ReferenceRow){.line = line, .start = REFERENCE_SINCE_EVER, .finish = REFERENCE_FOR_EVER};
  InstantVerdict from = time_of(shape, &shape->from, block, record, &row->start),
                 until = time_of(shape, &shape->until, block, record, &row->finish);
  if (!is_operation(shape, block, record, &removes))
    return refuse(CODE_UNKNOWN_LOAD, code, reason, line, "the operation is neither put nor remove");
  if (from != INSTANT_FINE)
    return refuse_time(&shape->from, shape, code, reason, line);
  if (until != INSTANT_FINE && !removes)
    return refuse_time(&shape->until, shape, code, reason, line);
  if (removes)
    row->finish = REFERENCE_FOR_EVER;
  if (row->start >= row->finish)
    return refuse(CODE_BAD_VALIDITY, code, reason, line, "it ends before it begins, or as it begins");
  row->key = put_values(shape, block, record, shape->key, shape->key_text);
  row->content = removes ? NULL : put_values(shape, block, record, shape->content, shape->content_text);
  return TRUE;
}
