#include "conf/lookup.h"
#include "conf/read/row.h"
#include <stdio.h>
#include <string.h>

/* What all structs that have names begin with. */
typedef struct {
  ConfWhere where;
  char *name;
} Named;
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfPartner, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfEndpoint, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfField, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfLayout, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfCalendar, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfRating, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfLane, name) == G_STRUCT_OFFSET(Named, name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(ConfFeed, name) == G_STRUCT_OFFSET(Named, name));

gconstpointer named_find(const GPtrArray *array, const char *name) {
  for (guint i = 0; i < array->len; i++) {
    const Named *named = array->pdata[i];
    if (strcmp(named->name, name) == 0)
      return named;
  }
  return NULL;
}

char *named_suggest(const GPtrArray *array, const char *name) {
  const char *nearest = NULL;
  guint least = G_MAXUINT, distance = 0;
  for (guint i = 0; i < array->len; i++) {
    const Named *named = array->pdata[i];
    if (!grammar_is_near(named->name, name, &distance) || distance >= least)
      continue;
    least = distance;
    nearest = named->name;
  }
  return nearest ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup("");
}

static const ConfPartner *partner_or_system(const Conf *conf, const char *name, gboolean is_system) {
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = conf->partners->pdata[i];
    if (partner->is_system == is_system && strcmp(partner->name, name) == 0)
      return partner;
  }
  return NULL;
}

const ConfPartner *conf_partner(const Conf *conf, const char *name) {
  return partner_or_system(conf, name, FALSE);
}

const ConfPartner *conf_system(const Conf *conf, const char *name) {
  return partner_or_system(conf, name, TRUE);
}

const ConfCalendar *conf_calendar(const Conf *conf, const char *name) {
  return named_find(conf->calendars, name);
}

const ConfEndpoint *conf_endpoint(const ConfPartner *partner, const char *name) {
  return named_find(partner->endpoints, name);
}

gboolean conf_same_folder(const ConfEndpoint *left, const char *left_path, const ConfEndpoint *right,
                          const char *right_path) {
  if (!left || !right || !left_path || !right_path || strcmp(left_path, right_path) != 0)
    return FALSE;
  if (left == right)
    return TRUE;
  return left->url && right->url && left->scheme == right->scheme && left->port == right->port &&
         g_strcmp0(left->user, right->user) == 0 && g_strcmp0(left->folder, right->folder) == 0 &&
         (left->host == right->host || (left->host && right->host && g_ascii_strcasecmp(left->host, right->host) == 0));
}

const ConfLayout *conf_layout(const Conf *conf, const char *name) {
  return named_find(conf->layouts, name);
}

const ConfField *conf_line_field(const ConfLine *line, const char *name) {
  return name && line->fields ? named_find(line->fields, name) : NULL;
}

const ConfLane *conf_lane(const Conf *conf, const char *name) {
  return named_find(conf->lanes, name);
}

const ConfFeed *conf_feed(const Conf *conf, const char *name, const ConfLane **lane) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *candidate = conf->lanes->pdata[i];
    const ConfFeed *feed = named_find(candidate->feeds, name);
    if (!feed)
      continue;
    if (lane)
      *lane = candidate;
    return feed;
  }
  return NULL;
}

/* --- Kinds of process. */

static const struct {
  const char *word;
  gboolean keeps_ledger;
} processes[] = {
#define PROCESS(constant, word, type, keeps_ledger) [constant] = {#word, keeps_ledger},
    CONF_PROCESSES(PROCESS)
#undef PROCESS
};

static gboolean read_place(const char *text, gsize length, guint *number) {
  *number = 0;
  for (gsize i = 0; i < length && *number < 100000; i++) {
    if (!g_ascii_isdigit(text[i]))
      return FALSE;
    *number = *number * 10 + (guint)(text[i] - '0');
  }
  return length > 0 && *number > 0 && *number < 100000;
}

gboolean conf_tag_place(const char *text, ConfTagPlace *place) {
  gsize first = strcspn(text, "-");
  guint last = 0;
  if (!read_place(text, first, &place->at))
    return FALSE;
  place->width = 1;
  if (text[first] == '\0')
    return TRUE;
  if (!read_place(text + first + 1, strlen(text + first + 1), &last) || last < place->at)
    return FALSE;
  place->width = last - place->at + 1;
  return TRUE;
}

char *conf_split_whole(const char *split) {
  return g_strdup_printf("(?:%s)\\z", split);
}

const char *conf_process_word(ConfProcess process) {
  return processes[process].word;
}

gboolean conf_process_keeps_ledger(ConfProcess process) {
  return processes[process].keeps_ledger;
}

gboolean conf_day_ends(const char *day, gint64 *ends) {
  int year, month, of_month, length = 0;
  if (strlen(day) != 10 || strspn(day, "0123456789-") != 10 ||
      sscanf(day, "%4d-%2d-%2d%n", &year, &month, &of_month, &length) != 3 || length != 10 ||
      !g_date_valid_dmy((GDateDay)of_month, (GDateMonth)month, (GDateYear)year))
    return FALSE;
  g_autoptr(GDateTime) begins = g_date_time_new_utc(year, month, of_month, 0, 0, 0);
  if (!begins)
    return FALSE;
  *ends = g_date_time_to_unix(begins) + 24 * 3600;
  return TRUE;
}

gint64 conf_sha1_ends(const ConfOpenpgp *openpgp) {
  gint64 ends = 0;
  return openpgp->sha1_until && conf_day_ends(openpgp->sha1_until, &ends) ? ends : 0;
}

const ConfFeed *conf_reference_feed(const Conf *conf, const char *table) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; lane->feeds && j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      if (feed->process == CONF_PROCESS_REFERENCE && g_strcmp0(feed->reference.name, table) == 0)
        return feed;
    }
  }
  return NULL;
}

const ConfRating *conf_rating(const ConfLane *lane, const ConfFeed *feed) {
  return feed->process == CONF_PROCESS_RATING && feed->rating.name ? named_find(lane->ratings, feed->rating.name)
                                                                   : NULL;
}
