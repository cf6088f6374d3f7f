/* By what a block of details was rated, as JSON beside it: the rating's rules (a digest of their text in the
 * configuration), the version of each table, the steps' names in the order of their numbers, and the scales. */
#include "conf/read/text.h"
#include "conf/table/rating.h"
#include "gateway/base/digest.h"
#include "gateway/processors/rating/desk.h"
#include <jansson.h>
#include <stdlib.h>

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
