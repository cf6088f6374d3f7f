#include "gateway/scenario/set_private.h"
#include <string.h>

typedef struct {
  gint64 number;
  gboolean null;
} KeyValue;

static gint64 number_of(const Key *key, const char *text, gsize length) {
  Day day;
  if (key->kind == KEY_TEXT)
    return key_number_of(key, text, length);
  return text && day_parse(text, &day) ? day : G_MININT64; /* before every year that can be named */
}

static KeyValue of_record(const Key *key, const ScenarioRecord *record) {
  const RecordBlock *block = record->block;
  gsize length;
  if (record_block_is_null(block, key->column, record->record))
    return (KeyValue){0, TRUE};
  if (block->columns[key->column].type == BLOCK_INTEGER)
    return (KeyValue){record_block_integer(block, key->column, record->record), FALSE};
  const char *text = record_block_text(block, key->column, record->record, &length);
  if (key->kind == KEY_TEXT)
    return (KeyValue){key_number_of(key, text, length), FALSE};
  char date[16] = "";
  memcpy(date, text, MIN(length, sizeof date - 1));
  return (KeyValue){number_of(key, date, length), FALSE};
}

static KeyValue value_of(const Key *key, const ScenarioRecord *record) {
  if (key->home == KEY_OF_RECORD)
    return of_record(key, record);
  if (key->home == KEY_OF_FEED)
    return (KeyValue){0, FALSE}; /* the feed's partner is the first of its words */
  const RuleConstant *constant = &record->constants[key->column];
  if (!constant->is_text)
    return (KeyValue){constant->integer, constant->is_null};
  if (!constant->text)
    return (KeyValue){0, TRUE};
  return (KeyValue){number_of(key, constant->text, strlen(constant->text)), FALSE};
}

static gboolean is_in_box(const Box *box, const KeyValue *values) {
  for (guint i = 0; i < box->n; i++) {
    const KeyValues *allowed = box->values[i];
    if (allowed && !(values[i].null ? allowed->null : key_values_has(allowed, values[i].number)))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_in(const CellRule *cell, const KeyValue *values) {
  for (guint i = 0; i < cell->boxes->len; i++)
    if (is_in_box(cell->boxes->pdata[i], values))
      return TRUE;
  return FALSE;
}

static gboolean two(GError **error, const CellRule *a, const CellRule *b) {
  return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a record is of %s \"%s\" and of \"%s\"", a->kind, a->name,
                             b->name);
}

static gboolean find_channel(const Scenario *scenario, const KeyValue *values, int *found, GError **error) {
  const GArray *channels = scenario->channels;
  int otherwise = -1;
  for (guint i = 0; i < channels->len; i++) {
    const CellRule *channel = &g_array_index(channels, CellRule, i);
    if (!channel->when)
      otherwise = (int)i;
    else if (is_in(channel, values) && *found >= 0)
      return two(error, &g_array_index(channels, CellRule, *found), channel);
    else if (is_in(channel, values))
      *found = (int)i;
  }
  *found = *found < 0 ? otherwise : *found;
  return TRUE;
}

static gboolean find_scenario(const ScenarioSet *set, const KeyValue *values, int *found, GError **error) {
  int otherwise = -1;
  for (guint i = 0; i < set->scenarios->len; i++) {
    const Scenario *scenario = set->scenarios->pdata[i];
    if (!scenario->cell.when)
      otherwise = (int)i;
    else if (is_in(&scenario->cell, values) && *found >= 0)
      return two(error, &((const Scenario *)set->scenarios->pdata[*found])->cell, &scenario->cell);
    else if (is_in(&scenario->cell, values))
      *found = (int)i;
  }
  *found = *found < 0 ? otherwise : *found;
  return TRUE;
}

gboolean scenario_set_cell(const ScenarioSet *set, const ScenarioRecord *record, ScenarioCell *cell, GError **error) {
  const GPtrArray *keys = set->space->keys;
  KeyValue values[KEYS_MOST];
  *cell = (ScenarioCell){-1, -1, FALSE};
  for (guint i = 0; i < keys->len; i++)
    values[i] = value_of(keys->pdata[i], record);
  if (!find_scenario(set, values, &cell->scenario, error))
    return FALSE;
  if (cell->scenario < 0)
    return TRUE;
  const Scenario *scenario = set->scenarios->pdata[cell->scenario];
  cell->is_whole = scenario->channels->len == 0;
  if (cell->is_whole || !find_channel(scenario, values, &cell->channel, error))
    return cell->is_whole;
  cell->is_whole = cell->channel >= 0;
  return TRUE;
}
