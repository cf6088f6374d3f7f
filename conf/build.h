/* From sections to the structs of conf.h, and the checks between them. Everything wrong goes to the sections' report. */
#pragma once
#include "conf/section.h"

/* 'time-zone', checked; NULL: none. */
char *build_time_zone(const Section *section);
void build_node(const Section *root, ConfNode *node);
ConfPartner *build_partner(const Section *section);
ConfLayout *build_layout(const Section *section);
/* Wants the node, the partners and the layouts built: references are checked on the way. */
ConfLane *build_lane(const Section *section, const Conf *conf);
/* build_lane's part, in a file of its own. */
void build_source(const Section *feed_section, const Conf *conf, ConfFeed *feed);
void build_feedback(const Section *feed_section, const Conf *conf, ConfFeed *feed);

/* What concerns several feeds: names, ledgers, folders. */
void check_feeds(const Conf *conf, ConfReport *report);

void conf_partner_free(gpointer partner);
void conf_layout_free(gpointer layout);
void conf_lane_free(gpointer lane);

/* Of the line's fields; NULL: none. */
const ConfField *conf_line_field(const ConfLine *line, const char *name);
/* "; did you mean "x"?" or "", the caller frees. */
char *suggest_field(const ConfLine *line, const char *name);
