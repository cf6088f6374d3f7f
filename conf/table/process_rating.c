/* process rating { … }: the records are usage, and are rated. */
#include "conf/lookup.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"
#include <string.h>

static void check_rating(const Section *section, gpointer into) {
  const char *name = ((ConfUsage *)into)->name;
  const ConfFeed *feed = section->outer->into;
  const ConfLane *lane = section->outer->outer->into;
  const ConfRating *rating = name ? named_find(lane->ratings, name) : NULL;
  if (!name || section->tree->lost)
    return;
  if (!rating) {
    g_autofree char *suggestion = named_suggest(lane->ratings, name);
    section_error(section, "name", "there is no rating \"%s\" in this lane%s", name, suggestion);
    return;
  }
  if (!rating->key)
    section_error(section, "name", "rating \"%s\" needs 'key': the fields that tell records apart, so that none is "
                                   "rated twice",
                  name);
  if (rating->layout && feed->layout && strcmp(rating->layout, feed->layout) != 0)
    section_error(section, "name", "rating \"%s\" is of layout \"%s\", and this feed's is \"%s\"", name,
                  rating->layout, feed->layout);
}

static const Row rows[] = {
    ROW(ConfUsage, "name", name, name, .needed = "the lane's rating that says what usage costs"),
    CHECK(check_rating),
    ROWS_END,
};
const Table table_rating = TABLE(ConfUsage, rows);

const ProcessParts parts_rating = {{{&table_rating, offsetof(ConfFeed, rating)}}};
