/* The top level: in the order of what refers to what, not of the text. */
#include "conf/read/section.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"

static void require_node(const Section *section, gpointer into) {
  (void)into;
  if (section_count(section, "node") == 0 && !section->tree->lost)
    section_error(section, NULL, "there is no node { … }: it says where the gateway keeps its state");
}

/* One name in both kinds would make two servers of one name in logs. */
static void check_system_names(const Section *section, gpointer into) {
  const Conf *conf = into;
  for (guint i = 0; i < conf->partners->len; i++) {
    const ConfPartner *system = conf->partners->pdata[i];
    if (system->is_system && conf_partner(conf, system->name))
      conf_report_error(section->report, system->where, "system \"%s\" has the name of a partner", system->name);
  }
}

static void check_lanes(const Section *section, gpointer into) {
  if (((Conf *)into)->lanes->len == 0 && !section->tree->lost && !section->node->damaged)
    section_warning(section, NULL, "there is no lane: the gateway has nothing to do");
}

static const Row rows[] = {
    CHECK(require_node),
    SECTION(Conf, "node", node, table_node),
    SECTIONS(Conf, "partner", partners, table_partner),
    ROW(Conf, "system", partners, more_sections, .inner = &table_system, .title = TITLE_REQUIRED),
    CHECK(check_system_names),
    SECTIONS(Conf, "calendar", calendars, table_calendar),
    SECTIONS(Conf, "layout", layouts, table_layout),
    SECTION(Conf, "alarms", alarms, table_alarms, .always = TRUE),
    SECTION(Conf, "front", front, table_front),
    SECTIONS(Conf, "lane", lanes, table_lane),
    CHECK(check_lanes),
    ROWS_END,
};
const Table table_root = TABLE(Conf, rows);
