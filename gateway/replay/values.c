#include "gateway/replay/values.h"
#include "gateway/base/wide.h"
#include "gateway/replay/evaluate_private.h"
#include "gateway/replay/mask.h"
#include <stdlib.h>
#include <string.h>

static json_t *number_json(gint64 value, guint scale) {
  char digits[WIDE_BYTES];
  gsize length = wide_print(value, scale, digits);
  return json_pack("{s:s%}", "n", digits, length);
}

static gboolean misfit(GError **error, const char *name, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "field \"%s\" of the case %s", name, what);
}

/* "12.30" at the scale that the field has now; it may have fewer places, if no digit is lost. */
static gboolean read_exactly(const json_t *value, guint scale, gint64 *number) {
  const ConfField field = {.type = scale > 0 ? CONF_DECIMAL : CONF_INTEGER, .scale = scale};
  const char *text = json_string_value(json_object_get(value, "n"));
  g_autofree char *kept = text ? value_kept_as(&field, text) : NULL;
  return kept && g_ascii_string_to_signed(kept, 10, G_MININT64, G_MAXINT64, number, NULL);
}

static char *dump(json_t *object) {
  char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS), *copy = g_strdup(text);
  free(text);
  json_decref(object);
  return copy;
}

/* --- Records */

static json_t *write_at(const ReplayFeed *feed, const RecordBlock *block, guint from, guint column, guint record) {
  guint n;
  const StagingColumn *columns = layout_columns(feed->layout, &n);
  gsize length;
  if (record_block_is_null(block, from, record))
    return json_null();
  if (columns[column].type == BLOCK_INTEGER)
    return number_json(record_block_integer(block, from, record), columns[column].scale);
  const char *text = record_block_text(block, from, record, &length);
  return json_stringn(text, length);
}

json_t *value_write(const ReplayFeed *feed, const RecordBlock *block, guint column, guint record) {
  return write_at(feed, block, column, column, record);
}

static json_t *masked(json_t *value, const ConfField *field, const ValueRecord *record) {
  const char *text = json_string_value(json_is_object(value) ? json_object_get(value, "n") : value);
  if (!text)
    return value;
  const MaskWhat what = {record->mask_key, field->name, json_is_object(value), record->keeps_prefix};
  g_autofree char *other = mask_text(&what, text, strlen(text));
  json_t *made = json_is_object(value) ? json_pack("{s:s}", "n", other) : json_string(other);
  json_decref(value);
  return made;
}

char *fields_write(const ReplayFeed *feed, const ValueRecord *record) {
  guint n;
  const StagingColumn *columns = layout_columns(feed->layout, &n);
  json_t *object = json_object();
  for (guint i = 0; i < n; i++) {
    const ConfField *field = conf_line_field(&layout_conf(feed->layout)->record, columns[i].name);
    guint from = record->places ? (guint)record->places[i] : i;
    json_t *value = write_at(feed, record->block, from, i, record->record);
    if (record->mask_key && field && field->mask)
      value = masked(value, field, record);
    json_object_set_new(object, columns[i].name, value);
  }
  return dump(object);
}

static gboolean read_value(const StagingColumn *column, const json_t *value, RecordBlock *into, guint at,
                           GError **error) {
  gint64 number;
  if (!value)
    return misfit(error, column->name, "is missing");
  if (json_is_null(value))
    return TRUE;
  if (column->type == BLOCK_TEXT) {
    if (!json_is_string(value))
      return misfit(error, column->name, "is a number, and in this configuration a text");
    record_block_put_text(into, at, json_string_value(value), json_string_length(value));
    return TRUE;
  }
  if (!json_is_object(value))
    return misfit(error, column->name, "is a text, and in this configuration a number");
  if (!read_exactly(value, column->scale, &number))
    return misfit(error, column->name, "has more places than it has in this configuration");
  record_block_put_integer(into, at, number);
  return TRUE;
}

gboolean fields_read(const ReplayFeed *feed, const char *fields, RecordBlock *into, GError **error) {
  guint n;
  const StagingColumn *columns = layout_columns(feed->layout, &n);
  json_t *object = json_loads(fields, 0, NULL);
  gboolean ok = json_is_object(object) ||
                sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the case's fields are damaged");
  record_block_begin(into, 1);
  for (guint i = 0; ok && i < n; i++)
    ok = read_value(&columns[i], json_object_get(object, columns[i].name), into, i, error);
  if (ok)
    record_block_end(into);
  else
    record_block_end_faulty(into, -1, "-", g_strdup("does not fit"));
  json_decref(object);
  return ok;
}

/* --- Headers: a constant's place is its field's */

static guint scale_of(const ConfField *field) {
  return field->type == CONF_DECIMAL ? field->scale : 0;
}

char *header_write(const ConfLayout *layout, const GArray *constants) {
  json_t *object = json_object();
  for (guint i = 0; i < constants->len; i++) {
    const RuleConstant *constant = &g_array_index(constants, RuleConstant, i);
    const ConfField *field = layout->header.fields->pdata[i];
    gboolean is_null = constant->is_text ? !constant->text : constant->is_null;
    json_t *value = is_null             ? json_null()
                    : constant->is_text ? json_string(constant->text)
                                        : number_json(constant->integer, scale_of(field));
    json_object_set_new(object, field->name, value);
  }
  return dump(object);
}

static gboolean read_constant(const ConfField *field, const json_t *value, RuleConstant *constant, GError **error) {
  if (!value)
    return misfit(error, field->name, "is missing in its header");
  constant->is_null = !constant->is_text && json_is_null(value);
  if (constant->is_null)
    return TRUE;
  if (constant->is_text ? json_is_object(value) : !json_is_object(value))
    return misfit(error, field->name, "is of another type in its header");
  if (!constant->is_text)
    return read_exactly(value, scale_of(field), &constant->integer) ||
           misfit(error, field->name, "has more places in its header");
  g_free((char *)(gsize)constant->text);
  constant->text = g_strdup(json_string_value(value));
  return TRUE;
}

gboolean header_read(const ConfLayout *layout, const char *header, GArray *constants, GError **error) {
  json_t *object = json_loads(header, 0, NULL);
  gboolean ok = json_is_object(object) ||
                sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the case's header is damaged");
  for (guint i = 0; ok && i < constants->len; i++) {
    const ConfField *field = layout->header.fields->pdata[i];
    ok = read_constant(field, json_object_get(object, field->name), &g_array_index(constants, RuleConstant, i), error);
  }
  json_decref(object);
  return ok;
}

const char *const result_fields[] = {"scenario", "channel", "outcome", "codes", "amount"};

guint result_first_difference(const char *stored, const char *got) {
  json_t *before = json_loads(stored, 0, NULL), *now = json_loads(got, 0, NULL);
  guint found = 0;
  for (guint i = 0; i < RESULT_FIELDS; i++) {
    json_t *left = json_object_get(before, result_fields[i]), *right = json_object_get(now, result_fields[i]);
    if (left == right || (left && right && json_equal(left, right)))
      continue;
    found = i;
    break;
  }
  json_decref(before);
  json_decref(now);
  return found;
}
