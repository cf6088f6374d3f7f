#include "gateway/rating/tables.h"
#include "gateway/common/json_put.h"
#include "gateway/time/instant.h"
#include "store/reference.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CACHED = 1 << 18 };

typedef struct {
  gboolean is_there;
  gint64 number;
  char *text; /* NULL: it is a number */
} FoundValue;

/* What is known of one key from `from` to before `to`: nothing changes there. */
typedef struct {
  gint64 from, to;
  gboolean is_known;    /* the key has rows, whenever they are valid */
  gint64 row;           /* 0: none then */
  FoundValue *values;   /* of a look-up's columns; NULL: there is no row */
  guint n_values;
  GArray *tiers, *rows; /* MoneyTier, gint64; of the tiers only */
} Found;

typedef struct {
  const ConfLookup *conf; /* NULL: the tiers */
  ReferenceReader *reader;
  gint64 version;
  GArray *places;     /* gint: of each of the look-up's columns in a row's content; -1: not there */
  GHashTable *cached; /* key → Found */
} Source;

struct RatingTables {
  const RatingPlan *plan;
  Source *sources;
  guint n_lookups; /* behind them stands the tiers' source */
  RecordBlock *found, view;
  GArray *rows; /* gint64: n_lookups for each record */
  GPtrArray *lent; /* Found: whose tiers the block gathered last borrows */
  GString *key;
  int event_time;
};

static void found_clear(gpointer data) {
  Found *found = data;
  for (guint i = 0; found->values && i < found->n_values; i++)
    g_free(found->values[i].text);
  g_free(found->values);
  g_clear_pointer(&found->tiers, g_array_unref);
  g_clear_pointer(&found->rows, g_array_unref);
}

static void found_release(gpointer found) {
  g_rc_box_release_full(found, found_clear);
}

/* --- Opening */

/* A version may have been loaded with other fields than those that are configured now. */
static void find_places(RatingTables *tables, guint lookup, const char *shape) {
  Source *source = &tables->sources[lookup];
  guint n, begin = rating_plan_lookup_column(tables->plan, lookup),
           end = rating_plan_lookup_column(tables->plan, lookup + 1);
  const StagingColumn *columns = rating_plan_columns(tables->plan, &n);
  json_t *described = json_loads(shape, 0, NULL), *content = json_object_get(described, "content");
  for (guint i = begin; i < end; i++) {
    gint place = -1;
    for (size_t j = 0; j < json_array_size(content); j++)
      if (g_strcmp0(json_string_value(json_array_get(json_array_get(content, j), 0)), columns[i].name) == 0)
        place = (gint)j;
    g_array_append_val(source->places, place);
  }
  json_decref(described);
}

static void find_rate(RatingTables *tables, const char *shape) {
  json_t *described = json_loads(shape, 0, NULL), *content = json_object_get(described, "content");
  for (size_t j = 0; j < json_array_size(content); j++) {
    gint place = (gint)j;
    if (g_strcmp0(json_string_value(json_array_get(json_array_get(content, j), 0)),
                  rating_plan_conf(tables->plan)->tiers.rate) == 0)
      g_array_append_val(tables->sources[tables->n_lookups].places, place);
  }
  json_decref(described);
}

static gboolean open_source(RatingTables *tables, guint index, const char *folder, const char *table, GError **error) {
  Source *source = &tables->sources[index];
  GError *why = NULL;
  g_autoptr(ReferenceVersion) version = NULL;
  source->places = g_array_new(FALSE, FALSE, sizeof(gint));
  source->cached = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, found_release);
  source->reader = table ? reference_reader_open(folder, table, &why) : NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (!source->reader)
    return TRUE;
  if (!reference_stay(source->reader, error) || !reference_version(source->reader, 0, &version, error))
    return FALSE;
  source->version = version ? version->number : 0;
  if (version && source->conf)
    find_places(tables, index, version->shape);
  else if (version)
    find_rate(tables, version->shape);
  return TRUE;
}

static RecordBlock *new_block(const RatingPlan *plan, guint n_lookups, guint capacity) {
  guint n, begin = rating_plan_lookup_column(plan, 0), end = rating_plan_lookup_column(plan, n_lookups);
  const StagingColumn *columns = rating_plan_columns(plan, &n);
  g_autofree BlockType *types = g_new0(BlockType, end - begin + 1);
  for (guint i = begin; i < end; i++)
    types[i - begin] = columns[i].type;
  return record_block_new(capacity, types, end - begin);
}

RatingTables *rating_tables_open(const RatingPlan *plan, const char *folder, GError **error) {
  const ConfRating *conf = rating_plan_conf(plan);
  RatingTables *tables = g_new0(RatingTables, 1);
  gboolean ok = TRUE;
  tables->plan = plan;
  tables->n_lookups = rating_plan_lookups(plan);
  tables->sources = g_new0(Source, tables->n_lookups + 1);
  tables->rows = g_array_new(FALSE, TRUE, sizeof(gint64));
  tables->key = g_string_new(NULL);
  tables->lent = g_ptr_array_new_with_free_func(found_release);
  tables->event_time = rating_plan_column(plan, conf->event_time);
  for (guint i = 0; i < tables->n_lookups; i++)
    tables->sources[i].conf = conf->lookups->pdata[i];
  for (guint i = 0; i <= tables->n_lookups && ok; i++)
    ok = open_source(tables, i, folder,
                     i < tables->n_lookups ? tables->sources[i].conf->table : conf->tiers.table, error);
  if (ok)
    return tables;
  rating_tables_free(tables);
  return NULL;
}

void rating_tables_free(RatingTables *tables) {
  if (!tables)
    return;
  for (guint i = 0; i <= tables->n_lookups; i++) {
    reference_reader_close(tables->sources[i].reader);
    g_clear_pointer(&tables->sources[i].places, g_array_unref);
    g_clear_pointer(&tables->sources[i].cached, g_hash_table_unref);
  }
  record_block_free(tables->found);
  g_free(tables->view.columns);
  g_array_unref(tables->rows);
  g_ptr_array_unref(tables->lent);
  g_string_free(tables->key, TRUE);
  g_free(tables->sources);
  g_free(tables);
}

gint64 rating_tables_version(const RatingTables *tables, guint lookup) {
  return tables->sources[lookup].version;
}

gint64 rating_tables_row(const RatingTables *tables, guint record, guint lookup) {
  return g_array_index(tables->rows, gint64, record * tables->n_lookups + lookup);
}

/* --- One key. Its rows are read once, and tell also for how long that holds. */

typedef struct {
  const RatingTables *tables;
  const Source *source;
  Found *found;
  gint64 at;
} Search;

/* A decimal of the table in the rating's own units. */
static gboolean read_number(const RatingTables *tables, const char *text, gboolean is_decimal, gint64 *number) {
  const ConfField field = {.type = is_decimal ? CONF_DECIMAL : CONF_INTEGER,
                           .scale = is_decimal ? rating_plan_conf(tables->plan)->scale : 0};
  g_autofree char *kept = text ? value_kept_as(&field, text) : NULL;
  return kept && g_ascii_string_to_signed(kept, 10, G_MININT64, G_MAXINT64, number, NULL);
}

static void take_tier(const Search *search, const ReferenceRow *row, const json_t *content) {
  json_t *key = json_loads(row->key, 0, NULL);
  const GArray *places = search->source->places;
  const char *up_to = json_string_value(json_array_get(key, json_array_size(key) - 1)),
             *rate = places->len > 0
                         ? json_string_value(json_array_get(content, (size_t)g_array_index(places, gint, 0)))
                         : NULL;
  MoneyTier tier;
  if (read_number(search->tables, up_to, FALSE, &tier.up_to) && read_number(search->tables, rate, TRUE, &tier.rate)) {
    guint at = 0; /* by their bounds, which the keys' texts are not sorted by */
    while (at < search->found->tiers->len && g_array_index(search->found->tiers, MoneyTier, at).up_to < tier.up_to)
      at++;
    g_array_insert_val(search->found->tiers, at, tier);
    g_array_insert_val(search->found->rows, at, row->id);
  }
  json_decref(key);
}

static void take_values(const Search *search, const json_t *content) {
  const Source *source = search->source;
  Found *found = search->found;
  guint n, begin = rating_plan_lookup_column(search->tables->plan, (guint)(source - search->tables->sources));
  const StagingColumn *columns = rating_plan_columns(search->tables->plan, &n);
  found->n_values = source->places->len;
  found->values = g_new0(FoundValue, found->n_values + 1);
  for (guint i = 0; i < found->n_values; i++) {
    gint place = g_array_index(source->places, gint, i);
    const char *text = place < 0 ? NULL : json_string_value(json_array_get(content, (size_t)place));
    FoundValue *value = &found->values[i];
    if (columns[begin + i].type == BLOCK_TEXT)
      value->text = g_strdup(text);
    value->is_there = text && (columns[begin + i].type == BLOCK_TEXT ||
                               read_number(search->tables, text, columns[begin + i].scale > 0, &value->number));
  }
}

static gboolean take_row(gpointer user, const ReferenceRow *row, gboolean comes) {
  const Search *search = user;
  Found *found = search->found;
  (void)comes;
  found->is_known = TRUE;
  if (row->finish <= search->at) {
    found->from = MAX(found->from, row->finish);
  } else if (row->start > search->at) {
    found->to = MIN(found->to, row->start);
  } else {
    found->from = MAX(found->from, row->start);
    found->to = MIN(found->to, row->finish);
    json_t *content = json_loads(row->content, 0, NULL);
    if (search->source->conf)
      take_values(search, content);
    else
      take_tier(search, row, content);
    found->row = row->id;
    json_decref(content);
  }
  return TRUE;
}

static Found *search_for(const RatingTables *tables, Source *source, const char *key, gint64 at, GError **error) {
  Found *found = g_rc_box_new(Found);
  *found = (Found){.from = G_MININT64, .to = G_MAXINT64};
  if (!source->conf) {
    found->tiers = g_array_new(FALSE, FALSE, sizeof(MoneyTier));
    found->rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  }
  Search search = {tables, source, found, at};
  gboolean ok = !source->reader ||
                (source->conf ? reference_visit(source->reader, source->version, key, take_row, &search, error)
                              : reference_visit_prefix(source->reader, source->version, key, take_row, &search, error));
  if (!ok) {
    found_release(found);
    return NULL;
  }
  if (g_hash_table_size(source->cached) >= MOST_CACHED)
    g_hash_table_remove_all(source->cached);
  g_hash_table_replace(source->cached, g_strdup(key), found);
  return found;
}

/* Borrowed until the next search. NULL on error. */
static Found *find(const RatingTables *tables, Source *source, const char *key, gint64 at, GError **error) {
  Found *found = g_hash_table_lookup(source->cached, key);
  return found && found->from <= at && at < found->to ? found : search_for(tables, source, key, at, error);
}

/* --- One record */

static void put_key_part(GString *key, const RecordBlock *block, guint column, guint record) {
  if (block->columns[column].type == BLOCK_INTEGER) {
    json_put_decimal(key, record_block_integer(block, column, record), 0);
    return;
  }
  gsize length;
  const char *text = record_block_text(block, column, record, &length);
  json_put_text(key, text, length);
}

/* As reference tables write it; of tiers without its last field: a prefix. */
static const char *key_of(RatingTables *tables, char *const *fields, const RecordBlock *block, guint record,
                          const char *end) {
  g_string_assign(tables->key, "[");
  for (guint i = 0; fields[i]; i++) {
    if (i > 0)
      g_string_append_c(tables->key, ',');
    put_key_part(tables->key, block, (guint)rating_plan_column(tables->plan, fields[i]), record);
  }
  return g_string_append(tables->key, end)->str;
}

static gboolean miss(RatedRecord *record, RatingStatus status, const char *code) {
  if (record->status == RATING_RATED) {
    record->status = status;
    record->code = code;
  }
  return TRUE;
}

static void read_time(const RatingTables *tables, const RatingUsage *usage, guint index, RatedRecord *record) {
  gsize length;
  const char *text = record_block_text(usage->block, (guint)tables->event_time, index, &length);
  GTimeZone *zone = rating_plan_zone(tables->plan);
  ConfAmbiguous ambiguous = rating_plan_conf(tables->plan)->ambiguous;
  InstantVerdict verdict = instant_parse(text, length, zone, &record->at);
  gboolean is_settled = verdict == INSTANT_TWICE && ambiguous != CONF_AMBIGUOUS_REJECT;
  if (is_settled && ambiguous == CONF_AMBIGUOUS_SECOND)
    record->at = instant_again(zone, record->at);
  if (verdict != INSTANT_FINE && !is_settled)
    miss(record, RATING_REJECTED, CODE_NO_EVENT_TIME);
  else if (usage->arrived && record->at > usage->arrived + RATING_FUTURE_MINUTES * 60 * (gint64)G_USEC_PER_SEC)
    miss(record, RATING_HELD, CODE_IN_THE_FUTURE);
}

static void put_values(RatingTables *tables, guint lookup, const Found *found) {
  guint column = rating_plan_lookup_column(tables->plan, lookup) - rating_plan_lookup_column(tables->plan, 0);
  for (guint i = 0; i < found->n_values; i++, column++) {
    const FoundValue *value = &found->values[i];
    if (value->is_there && value->text)
      record_block_put_text(tables->found, column, value->text, strlen(value->text));
    else if (value->is_there)
      record_block_put_integer(tables->found, column, value->number);
  }
}

static gboolean look_up(RatingTables *tables, guint lookup, const RecordBlock *block, guint index, RatedRecord *record,
                        GError **error) {
  Source *source = &tables->sources[lookup];
  const Found *found = find(tables, source, key_of(tables, source->conf->key, block, index, "]"), record->at, error);
  if (!found)
    return FALSE;
  g_array_index(tables->rows, gint64, index * tables->n_lookups + lookup) = found->row;
  if (found->row)
    put_values(tables, lookup, found);
  else if (!source->conf->optional)
    miss(record, RATING_SUSPENDED, source->conf->of == CONF_LOOKUP_MEMBER ? CODE_NO_MEMBER
                                   : found->is_known                     ? CODE_NO_RATE
                                                                         : CODE_NO_PRODUCT);
  return TRUE;
}

static gboolean look_up_tiers(RatingTables *tables, const RecordBlock *block, guint index, RatedRecord *record,
                              GError **error) {
  const ConfTiers *conf = &rating_plan_conf(tables->plan)->tiers;
  Source *source = &tables->sources[tables->n_lookups];
  Found *found = find(tables, source, key_of(tables, conf->key, block, index, ","), record->at, error);
  if (!found)
    return FALSE;
  g_ptr_array_add(tables->lent, g_rc_box_acquire(found));
  record->tiers = (RatingTiers){(const MoneyTier *)(const void *)found->tiers->data,
                                (const gint64 *)(const void *)found->rows->data, found->tiers->len};
  return found->tiers->len > 0 ||
         miss(record, RATING_SUSPENDED, found->is_known ? CODE_NO_RATE : CODE_NO_PRODUCT);
}

static gboolean gather(RatingTables *tables, const RatingUsage *usage, guint index, Rated *rated, GError **error) {
  RatedRecord *record = &rated->records[index];
  read_time(tables, usage, index, record);
  for (guint i = 0; i < tables->n_lookups && record->status == RATING_RATED; i++)
    if (!look_up(tables, i, usage->block, index, record, error))
      return FALSE;
  return !rating_plan_conf(tables->plan)->tiers.present || record->status != RATING_RATED ||
         look_up_tiers(tables, usage->block, index, record, error);
}

static void make_room(RatingTables *tables, const RecordBlock *block) {
  if (!tables->found || tables->found->capacity < block->count) {
    record_block_free(tables->found);
    tables->found = new_block(tables->plan, tables->n_lookups, block->capacity);
  }
  g_ptr_array_set_size(tables->lent, 0);
  record_block_clear(tables->found);
  g_array_set_size(tables->rows, 0); /* what is added is cleared */
  g_array_set_size(tables->rows, block->count * tables->n_lookups);
}

const RecordBlock *rating_tables_gather(RatingTables *tables, const RatingUsage *usage, Rated *rated, GError **error) {
  const RecordBlock *block = usage->block;
  make_room(tables, block);
  for (guint i = 0; i < block->count; i++) {
    record_block_begin(tables->found, block->lines[i]);
    gboolean ok = record_block_fault(block, i) || gather(tables, usage, i, rated, error);
    record_block_end(tables->found);
    if (!ok)
      return NULL;
  }
  guint n_found = tables->found->n_columns, n = rating_plan_lookup_column(tables->plan, 0);
  g_free(tables->view.columns);
  tables->view = *block;
  tables->view.n_columns = n + n_found;
  tables->view.columns = g_new(BlockColumn, n + n_found);
  memcpy(tables->view.columns, block->columns, n * sizeof(BlockColumn));
  if (n_found > 0)
    memcpy(tables->view.columns + n, tables->found->columns, n_found * sizeof(BlockColumn));
  return &tables->view;
}
