#include "gateway/supervisor/lane_fingerprint.h"
#include "conf/read/text.h"
#include "conf/table/tables.h"

/* Puts a calendar with its days: a file of holidays that was edited changes what a lane does as much as the
 * configuration does. */
static void put_calendar(GString *part, const ConfCalendar *calendar) {
  g_autofree char *days = NULL;
  text_put_struct(part, &table_calendar, calendar, NULL, NULL);
  if (calendar->holidays_file && g_file_test(calendar->holidays_file, G_FILE_TEST_IS_REGULAR) &&
      g_file_get_contents(calendar->holidays_file, &days, NULL, NULL))
    text_put(part, days);
}

/* Puts what a setting names. Of what several of them name, once would be enough: a repetition changes nothing in the
 * comparison. */
static void put_referred(GString *part, Refers refers, const char *name, gconstpointer user) {
  const Conf *conf = user;
  switch (refers) {
  case REFERS_PARTNER:
    text_put_struct(part, &table_partner, conf_partner(conf, name), NULL, NULL);
    break;
  case REFERS_SYSTEM:
    text_put_struct(part, &table_partner, conf_system(conf, name), NULL, NULL);
    break;
  case REFERS_LAYOUT:
    text_put_struct(part, &table_layout, conf_layout(conf, name), NULL, NULL);
    break;
  case REFERS_CALENDAR:
    put_calendar(part, conf_calendar(conf, name));
    break;
  case REFERS_FRONT:
    text_put(part, conf->front.url);
    break;
  case REFERS_NOTHING:
    break;
  }
}

char *part_of_lane(const Conf *conf, const ConfLane *lane) {
  GString *part = g_string_new(NULL);
  text_put_struct(part, &table_node, &conf->node, NULL, NULL);
  text_put_struct(part, &table_lane, lane, put_referred, conf);
  text_put_struct(part, &table_alarms, &conf->alarms, put_referred, conf);
  return g_string_free(part, FALSE);
}

/* What capabilities serve: all sections of a lane but its feeds. */
static void put_served(GString *part, const ConfLane *lane) {
  for (const Row *row = table_lane.rows; row->kind; row++)
    if (row->kind->store == STORE_STRUCTS && row->inner != &table_feed)
      text_put_structs(part, row->inner, *(GPtrArray *const *)G_STRUCT_MEMBER_P(lane, row->offset), NULL, NULL);
}

char *part_of_front(const Conf *conf) {
  GString *part = g_string_new(NULL);
  text_put_struct(part, &table_node, &conf->node, NULL, NULL);
  text_put_struct(part, &table_front, &conf->front, NULL, NULL);
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *partner = conf->partners->pdata[i];
    if (partner->is_system)
      continue;
    text_put_struct(part, &table_partner, partner, NULL, NULL);
    text_put_struct(part, &table_access, &partner->access, NULL, NULL);
  }
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    text_put(part, lane->name);
    put_served(part, lane);
  }
  return g_string_free(part, FALSE);
}
