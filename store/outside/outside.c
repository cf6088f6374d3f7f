#include "store/outside/outside_private.h"
#include <string.h>

static const struct {
  const char *word;
  Outside *(*open)(const OutsideQuery *query, GError **error);
} engines[] = {
#define ROW(constant, word, mark, numbered) {#word, outside_open_##word},
    OUTSIDE_ENGINES(ROW)};

gboolean outside_engine(const char *word, OutsideEngine *engine) {
  for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
    if (g_strcmp0(engines[i].word, word) == 0) {
      *engine = (OutsideEngine)i;
      return TRUE;
    }
  return FALSE;
}

Outside *outside_open(const OutsideQuery *query, GError **error) {
  return engines[query->engine].open(query, error);
}

const StagingColumn *outside_columns(const Outside *outside, guint *n) {
  *n = outside->n;
  return outside->columns;
}

gboolean outside_fill(Outside *outside, RecordBlock *block, GError **error) {
  return outside->fill(outside, block, error);
}

void outside_close(Outside *outside) {
  if (!outside)
    return;
  for (guint i = 0; i < outside->n; i++)
    g_free((char *)outside->columns[i].name);
  g_free(outside->columns);
  outside->close(outside);
}

/* --- For the engines. */

void outside_add_column(Outside *outside, StagingColumn column) {
  outside->columns = g_renew(StagingColumn, outside->columns, outside->n + 1);
  column.name = g_strdup(column.name);
  outside->columns[outside->n++] = column;
}

gboolean outside_is_stopped(const Outside *outside, GError **error) {
  return outside->stop && outside->stop(outside->user) &&
         !sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the query was given up: its lane is ending, or the "
                                                            "machine is wanted by others");
}

gboolean outside_values(const OutsideQuery *query, guint wanted, OutsideValue *into, guint room, GError **error) {
  const OutsideValue period[OUTSIDE_PERIOD_VALUES] = {{query->date, FALSE}, {query->from, FALSE}, {query->to, FALSE}};
  guint there = query->values ? query->n_values : query->date ? OUTSIDE_PERIOD_VALUES : 0;
  if (wanted > MIN(there, room))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: it has %u parameters, more than the %u "
                               "that are known here", wanted, MIN(there, room));
  memcpy(into, query->values ? query->values : period, wanted * sizeof *into);
  return TRUE;
}

gboolean outside_is_passing(const char *sqlstate) {
  static const char *const classes[] = {"08", "40", "53", "55", "57", "HYT"};
  for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
    if (g_str_has_prefix(sqlstate, classes[i]))
      return TRUE;
  return FALSE;
}

gboolean outside_refuse(const Outside *outside, guint column, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "query: row %" G_GUINT64_FORMAT ", column %s: %s",
                             outside->rows + 1, outside->columns[column].name, what);
}

/* "-12.30" at scale 2 is -1230, ".5" is 50; NaN and infinities are refused. */
static gboolean scaled(const char *text, gsize length, guint scale, gint64 *value) {
  const char *end = text + length;
  gboolean is_negative = length > 0 && *text == '-', has_point = FALSE;
  guint decimals = 0, digits = 0;
  *value = 0;
  for (text += is_negative; text < end; text++) {
    if (*text == '.' && !has_point) {
      has_point = TRUE;
      continue;
    }
    if (!g_ascii_isdigit(*text) || (has_point && decimals == scale && *text != '0'))
      return FALSE;
    digits++;
    if (has_point && decimals == scale) /* zeros behind the scale say nothing */
      continue;
    decimals += has_point ? 1 : 0;
    if (__builtin_mul_overflow(*value, 10, value) || __builtin_sub_overflow(*value, *text - '0', value))
      return FALSE;
  }
  for (; decimals < scale; decimals++)
    if (__builtin_mul_overflow(*value, 10, value))
      return FALSE;
  return digits > 0 && (is_negative || !__builtin_sub_overflow(0, *value, value));
}

gboolean outside_put(const Outside *outside, RecordBlock *block, guint column, const char *text, gsize length,
                     GError **error) {
  const StagingColumn *of = &outside->columns[column];
  gint64 value;
  if (of->type == BLOCK_INTEGER) {
    if (!scaled(text, length, of->scale, &value))
      return outside_refuse(outside, column, "beyond 64 bits or its scale, or no number", error);
    record_block_put_integer(block, column, value);
    return TRUE;
  }
  if (!g_utf8_validate(text, (gssize)length, NULL))
    return outside_refuse(outside, column, "a text that is not UTF-8, or has a NUL", error);
  record_block_put_text(block, column, text, length);
  return TRUE;
}
