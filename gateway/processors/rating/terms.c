/* By what a block of details was rated, as JSON beside it: the rating's rules (a digest of their text in the
 * configuration), the version of each table, the steps' names in the order of their numbers, and the scales. */
#include "conf/read/text.h"
#include "conf/table/rating.h"
#include "gateway/base/digest.h"
#include "gateway/processors/rating/desk.h"
#include "gateway/processors/rating/terms.h"
#include "store/details_terms.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

char *rating_rules_digest(const ConfRating *rating) {
  g_autoptr(GString) text = g_string_new(NULL);
  guint8 digest[DIGEST_SHA256_SIZE];
  text_put_struct(text, &table_lane_rating, rating, NULL, NULL);
  digest_sha256(text->str, text->len, digest);
  return digest_hex(digest, sizeof digest);
}

char *rating_terms(const RatingDesk *desk) {
  const ConfRating *rating = desk->rating;
  const DeskShard *shard = &desk->shards[0];
  json_t *tables = json_array(), *steps = json_array();
  guint n_lookups = rating->lookups->len, n_steps = rating->steps->len + 3; /* tiers, minimum, rounding */
  for (guint i = 0; i < n_lookups; i++) {
    const ConfLookup *lookup = rating->lookups->pdata[i];
    json_array_append_new(tables, json_pack("{s:s, s:s, s:I}", "lookup", lookup->name, "table", lookup->table,
                                            "version", (json_int_t)rating_tables_version(shard->tables, i)));
  }
  if (rating->tiers.present)
    json_array_append_new(tables, json_pack("{s:s, s:I}", "table", rating->tiers.table, "version",
                                            (json_int_t)rating_tables_version(shard->tables, n_lookups)));
  for (guint i = 0; i < n_steps; i++)
    json_array_append_new(steps, json_string(rating_plan_step(shard->plan, i)));
  json_t *terms = json_pack("{s:s, s:s, s:o, s:o, s:i, s:i}", "rating", rating->name, "rules", desk->rules, "tables",
                            tables, "steps", steps, "scale", (int)rating->scale, "round", (int)rating->round.scale);
  char *text = json_dumps(terms, JSON_COMPACT), *copy = g_strdup(text);
  free(text);
  json_decref(terms);
  return copy;
}

/* --- What details name */

typedef struct {
  const char *table;
  GArray *versions;
} Named;

static void add_named(gpointer user, const char *terms) {
  const Named *named = user;
  json_t *parsed = json_loads(terms, 0, NULL), *tables = json_object_get(parsed, "tables");
  for (size_t i = 0; i < json_array_size(tables); i++) {
    const json_t *table = json_array_get(tables, i);
    gint64 version = json_integer_value(json_object_get(table, "version"));
    if (g_strcmp0(json_string_value(json_object_get(table, "table")), named->table) == 0)
      g_array_append_val(named->versions, version);
  }
  json_decref(parsed);
}

static gboolean uses(const ConfRating *rating, const char *table) {
  gboolean does = rating->tiers.present && strcmp(rating->tiers.table, table) == 0;
  for (guint i = 0; i < rating->lookups->len && !does; i++)
    does = strcmp(((const ConfLookup *)rating->lookups->pdata[i])->table, table) == 0;
  return does;
}

static gboolean add_of_rating(const char *folder, const ConfRating *rating, Named *named, GError **error) {
  GError *why = NULL;
  g_autoptr(DetailsReader) reader = details_reader_open(folder, rating->name, &why);
  if (!why)
    return !reader || details_reader_terms(reader, add_named, named, error);
  g_propagate_error(error, why);
  return FALSE;
}

static int compare_numbers(const void *a, const void *b) {
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
  return left < right ? -1 : left > right;
}

gboolean rating_versions_named(const ConfLane *lane, const char *folder, const char *table, GArray **versions,
                               GError **error) {
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(gint64));
  Named named = {table, found};
  gboolean any = FALSE;
  *versions = NULL;
  for (guint i = 0; lane->ratings && i < lane->ratings->len; i++) {
    const ConfRating *rating = lane->ratings->pdata[i];
    if (!uses(rating, table))
      continue;
    any = TRUE;
    if (!add_of_rating(folder, rating, &named, error))
      return FALSE;
  }
  g_array_sort(found, compare_numbers);
  *versions = any ? g_steal_pointer(&found) : NULL;
  return TRUE;
}
