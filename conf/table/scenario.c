/* Scenarios and their channels. What their conditions mean, and that no two meet, is gateway/scenario's to say. */
#include "conf/table/scenario.h"
#include "conf/lookup.h"
#include "conf/read/section.h"
#include <string.h>

#define CONDITION_LIMIT 4096 /* bytes */

static void check_condition(const Section *section, const char *when, gboolean otherwise) {
  if (when && otherwise)
    section_error(section, "otherwise", "'otherwise' stands beside 'when': it is what no condition has");
  else if (!when && !otherwise)
    section_require(section, "when", "the condition over the scenario's keys, or otherwise = yes");
  if (when && (strlen(when) > CONDITION_LIMIT || !g_utf8_validate(when, -1, NULL)))
    section_error(section, "when", "'when' must be at most %d bytes of UTF-8", CONDITION_LIMIT);
}

static void check_channel(const Section *section, gpointer into) {
  ConfChannel *channel = into;
  check_condition(section, channel->when, channel->otherwise);
  channel->where = section_where(section, "when");
}

static void check_scenario(const Section *section, gpointer into) {
  ConfScenario *scenario = into;
  check_condition(section, scenario->when, scenario->otherwise);
  scenario->where = section_where(section, "when");
}

static void check_feeds(const Section *section, gpointer into) {
  const ConfLane *lane = section->outer->into;
  for (char **name = ((ConfScenario *)into)->feeds; name && *name; name++) {
    if (named_find(lane->feeds, *name) || section->tree->lost)
      continue;
    g_autofree char *suggestion = named_suggest(lane->feeds, *name);
    section_error(section, "feeds", "'feeds': lane \"%s\" has no feed \"%s\"%s", lane->name, *name, suggestion);
  }
}

static void check_keys(const Section *section, gpointer into) {
  char **keys = ((ConfScenario *)into)->keys;
  for (guint i = 0; keys && keys[i]; i++)
    for (guint j = 0; j < i; j++)
      if (strcmp(keys[i], keys[j]) == 0)
        section_error(section, "keys", "'keys' names \"%s\" twice", keys[i]);
}

static const Row channel_rows[] = {
    WHERE(ConfChannel),
    TITLE(ConfChannel),
    ROW(ConfChannel, "when", when, raw),
    ROW(ConfChannel, "otherwise", otherwise, yes),
    CHECK(check_channel),
    ROWS_END,
};
static const Table table_channel = TABLE(ConfChannel, channel_rows);

static const Row rows[] = {
    WHERE(ConfScenario),
    TITLE(ConfScenario),
    ROW(ConfScenario, "feeds", feeds, list, .most = 64),
    CHECK(check_feeds),
    ROW(ConfScenario, "keys", keys, list, .most = 16, .needed = "the fields that its condition and channels look at"),
    CHECK(check_keys),
    ROW(ConfScenario, "when", when, raw),
    ROW(ConfScenario, "otherwise", otherwise, yes),
    CHECK(check_scenario),
    SECTIONS(ConfScenario, "channel", channels, table_channel, .most = 64),
    ROWS_END,
};
const Table table_scenario = TABLE(ConfScenario, rows);
