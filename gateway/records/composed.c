/* A key of several fields: a column behind all others, composed when a chunk's records have all that they have. The
 * parts stand one after the other with a slash between, and a slash or backslash of their own behind a backslash: two
 * lists of values never make one key. What bounds the key (the file, the day) is its first part. */
#include "gateway/records/composed_private.h"
#include "gateway/records/layout_private.h"
#include <string.h>

static gboolean add_column(Layout *layout, const char *name, GError **error) {
  int column = layout_column(layout, name);
  if (column < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "key: the record has no field \"%s\"", name);
  layout->key_parts = g_renew(guint, layout->key_parts, layout->n_key_parts + 1);
  layout->key_parts[layout->n_key_parts++] = (guint)column;
  return TRUE;
}

/* A business date of the record's is a part of its key; one of the header, or the day of arrival, is the same for all.
 */
gboolean layout_set_key(Layout *layout, const ConfFeed *feed, GError **error) {
  if (g_strcmp0(feed->key, CONF_KEY_COLUMN) != 0)
    return TRUE;
  layout->has_key_day = feed->key_scope == CONF_KEY_BUSINESS_DAY && feed->business_date &&
                        layout_column(layout, feed->business_date) >= 0;
  if (layout->has_key_day && !add_column(layout, feed->business_date, error))
    return FALSE;
  for (char **field = feed->key_fields; *field; field++)
    if (!add_column(layout, *field, error))
      return FALSE;
  layout->columns = g_renew(StagingColumn, layout->columns, layout->n_columns + 1);
  layout->columns[layout->n_columns++] = (StagingColumn){.name = CONF_KEY_COLUMN, .type = BLOCK_TEXT};
  layout->n_staged = layout->n_columns;
  for (guint i = SHAPE_RECORD; i < layout->first_outer; i++) {
    Shape *shape = &layout->shapes[i];
    shape->field_of = g_renew(gint, shape->field_of, layout->n_columns);
    shape->field_of[layout->n_columns - 1] = -1;
    shape->ends_plainly = FALSE; /* the column is put empty */
  }
  return TRUE;
}

void composed_add_part(GString *key, const char *text, gsize length) {
  if (key->len > 0)
    g_string_append_c(key, '/');
  for (gsize i = 0; i < length; i++) {
    if (text[i] == '/' || text[i] == '\\')
      g_string_append_c(key, '\\');
    g_string_append_c(key, text[i]);
  }
}

/* FALSE: a part is missing; the record has no key. */
static gboolean compose(const Layout *layout, const RecordBlock *block, guint record, const char *scope, GString *key) {
  char number[32];
  g_string_truncate(key, 0);
  if (scope && !layout->has_key_day)
    composed_add_part(key, scope, strlen(scope));
  for (guint i = 0; i < layout->n_key_parts; i++) {
    guint column = layout->key_parts[i];
    gsize length;
    if (record_block_is_null(block, column, record))
      return FALSE;
    if (block->columns[column].type == BLOCK_INTEGER) {
      g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT, record_block_integer(block, column, record));
      composed_add_part(key, number, strlen(number));
    } else {
      const char *text = record_block_text(block, column, record, &length);
      composed_add_part(key, text, i == 0 && layout->has_key_day ? MIN(length, 10) : length);
    }
  }
  return TRUE;
}

char *layout_line_day(const LayoutLine *header, const char *field) {
  for (guint i = 0; header && field && i < header->values->len; i++) {
    const LayoutValue *value = header->values->pdata[i];
    if (g_str_equal(value->field->name, field) && value->text)
      return g_strndup(value->text, 10);
  }
  return NULL;
}

/* The column is written anew from its first record: it is empty so far. */
void layout_compose_keys(const Layout *layout, LayoutChunk *chunk, const char *scope) {
  RecordBlock *block = chunk->block;
  guint count = block->count;
  if (layout->n_key_parts == 0)
    return;
  guint column = layout->n_columns - 1;
  g_autoptr(GString) key = g_string_new(NULL);
  for (block->count = 0; block->count < count; block->count++) {
    if (record_block_fault(block, block->count) || !compose(layout, block, block->count, scope, key))
      record_block_put_null(block, column);
    else
      record_block_put_text(block, column, key->str, key->len);
  }
  if (count > 0)
    block->text_bytes += block->columns[column].ends[count - 1];
}
