#include "gateway/processors/rating/desk.h"
#include "conf/lookup.h"
#include "store/reference.h"
#include <string.h>

gpointer rating_desk_new(const char *name) {
  RatingDesk *desk = g_new0(RatingDesk, 1);
  desk->name = g_strdup(name);
  pthread_mutex_init(&desk->turn, NULL);
  pthread_mutex_init(&desk->lock, NULL);
  return desk;
}

/* A lock that is given back and taken again at once is seldom got by who waits for it: the turn is. */
void rating_desk_take(RatingDesk *desk) {
  pthread_mutex_lock(&desk->turn);
  pthread_mutex_lock(&desk->lock);
  pthread_mutex_unlock(&desk->turn);
}

void rating_desk_give_back(RatingDesk *desk) {
  pthread_mutex_unlock(&desk->lock);
}

void rating_desk_let_go(RatingDesk *desk) {
  for (guint i = 0; i < desk->n_shards; i++)
    g_clear_pointer(&desk->shards[i].tables, rating_tables_free);
}

void rating_desk_close(RatingDesk *desk) {
  rating_desk_let_go(desk);
  for (guint i = 0; i < desk->n_shards; i++) {
    DeskShard *shard = &desk->shards[i];
    rated_free(shard->rated);
    rating_plan_free(shard->plan);
    record_block_free(shard->usage);
    record_block_free(shard->details);
    g_free(shard->records);
    g_array_unref(shard->taken);
    g_array_unref(shard->waiting);
    g_string_free(shard->period, TRUE);
    g_string_free(shard->counter, TRUE);
    g_string_free(shard->packed, TRUE);
  }
  g_clear_pointer(&desk->shards, g_free);
  desk->n_shards = 0;
  g_clear_pointer(&desk->details, details_close);
  g_clear_pointer(&desk->compared, g_array_unref);
  g_clear_pointer(&desk->folder, g_free);
  g_clear_pointer(&desk->shape, g_free);
  g_clear_pointer(&desk->terms, g_free);
  g_clear_pointer(&desk->rules, g_free);
  g_clear_pointer(&desk->tried, g_free);
}

void rating_desk_free(gpointer data) {
  RatingDesk *desk = data;
  rating_desk_close(desk);
  pthread_mutex_destroy(&desk->lock);
  pthread_mutex_destroy(&desk->turn);
  g_free(desk->trouble);
  g_free(desk->name);
  g_free(desk);
}

/* --- Opening */

/* What makes a record's content: all that it says, but not where it stands. */
static GArray *find_compared(const RatingPlan *plan, const StagingColumn *columns, guint n) {
  const ConfLayout *layout = layout_conf(rating_plan_layout(plan));
  GArray *compared = g_array_new(FALSE, FALSE, sizeof(guint));
  for (guint i = 0; i < n; i++)
    if (strcmp(columns[i].name, CONF_LAST_LINE_COLUMN) != 0 && !named_find(layout->groups, columns[i].name))
      g_array_append_val(compared, i);
  return compared;
}

static gboolean open_shard(RatingDesk *desk, DeskShard *shard, GError **error) {
  guint n;
  const StagingColumn *columns;
  if (!(shard->plan = rating_plan_new(desk->conf, desk->rating, error)))
    return FALSE;
  columns = layout_columns(rating_plan_layout(shard->plan), &n);
  g_autofree BlockType *types = g_new(BlockType, n + 1);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  if (!desk->shape) {
    desk->shape = details_shape(columns, n);
    desk->compared = find_compared(shard->plan, columns, n);
  }
  shard->rated = rated_new(shard->plan, DETAILS_BLOCK);
  shard->usage = record_block_new(DETAILS_BLOCK, types, n);
  shard->details = details_block_new(desk->shape, DETAILS_BLOCK);
  shard->records = g_new(guint32, DETAILS_BLOCK);
  return TRUE;
}

static gboolean open_all(RatingDesk *desk, const DeskPlace *place, GError **error) {
  desk->conf = place->conf;
  desk->rating = named_find(place->lane->ratings, desk->name);
  desk->folder = g_strdup(place->folder);
  if (!desk->rating)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the lane has no rating \"%s\"", desk->name);
  DetailsOptions options = {desk->folder, desk->name, desk->rating->shards};
  if (!(desk->details = details_open(&options, error)))
    return FALSE;
  desk->n_shards = details_shards(desk->details);
  desk->shards = g_new0(DeskShard, desk->n_shards);
  for (guint i = 0; i < desk->n_shards; i++) {
    desk->shards[i].taken = g_array_new(FALSE, FALSE, 2 * sizeof(gint64));
    desk->shards[i].waiting = g_array_new(FALSE, FALSE, sizeof(guint32));
    desk->shards[i].period = g_string_new(NULL);
    desk->shards[i].counter = g_string_new(NULL);
    desk->shards[i].packed = g_string_new(NULL);
  }
  for (guint i = 0; i < desk->n_shards; i++)
    if (!open_shard(desk, &desk->shards[i], error))
      return FALSE;
  desk->rules = rating_rules_digest(desk->rating);
  return TRUE;
}

/* --- Tables: each shard reads for itself, all of them the same versions. */

static const char *table_of(const ConfRating *rating, guint lookup) {
  return lookup < rating->lookups->len ? ((const ConfLookup *)rating->lookups->pdata[lookup])->table
                                       : rating->tiers.table;
}

static gboolean newest(const RatingDesk *desk, const char *table, gint64 *number, GError **error) {
  GError *why = NULL;
  g_autoptr(ReferenceVersion) version = NULL;
  g_autoptr(ReferenceReader) reader = reference_reader_open(desk->folder, table, &why);
  *number = 0;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (reader && !reference_version(reader, 0, &version, error))
    return FALSE;
  *number = version ? version->number : 0;
  return TRUE;
}

static gboolean are_newest(const RatingDesk *desk, gboolean *are, GError **error) {
  guint n = desk->rating->lookups->len + (desk->rating->tiers.present ? 1 : 0);
  *are = TRUE;
  for (guint i = 0; i < n && *are; i++) {
    gint64 number;
    if (!newest(desk, table_of(desk->rating, i), &number, error))
      return FALSE;
    for (guint j = 0; j < desk->n_shards; j++)
      *are = *are && desk->shards[j].tables && rating_tables_version(desk->shards[j].tables, i) == number;
  }
  return TRUE;
}

static gboolean open_tables(RatingDesk *desk, GError **error) {
  for (guint i = 0; i < desk->n_shards; i++) {
    g_clear_pointer(&desk->shards[i].tables, rating_tables_free);
    if (!(desk->shards[i].tables = rating_tables_open(desk->shards[i].plan, desk->folder, error)))
      return FALSE;
  }
  return TRUE;
}

gboolean rating_desk_open(RatingDesk *desk, const DeskPlace *place, GError **error) {
  if (desk->details || open_all(desk, place, error))
    return TRUE;
  rating_desk_close(desk);
  return FALSE;
}

gboolean rating_desk_refresh(RatingDesk *desk, GError **error) {
  gboolean are = FALSE;
  if (desk->shards[0].tables && !are_newest(desk, &are, error))
    return FALSE;
  while (!are)
    if (!open_tables(desk, error) || !are_newest(desk, &are, error))
      return FALSE;
  g_free(desk->terms);
  desk->terms = rating_terms(desk);
  return TRUE;
}
