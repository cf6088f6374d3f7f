/* The configuration as plain data. conf/ owns the reader, the checks that need nothing but the text itself (missing,
 * unknown, contradictory, out of range, dangling names), and the shipped samples. What needs other rooms (does the rule
 * compile, is the key in the ring, does the cron expression have a next time) is checked by gateway/check/, which
 * reports at the positions kept here.
 *
 * All strings are owned by the Conf; absent ones are NULL. Arrays are there, though they may be empty. */
#pragma once
#include "conf/model/feed.h"
#include "conf/model/layout.h"
#include "conf/model/node.h"
#include "conf/model/partner.h"
#include "conf/model/recon.h"
#include "conf/model/site.h"
#include "conf/report.h"
#include "conf/source.h"

typedef struct {
  ConfNode node;
  GPtrArray *partners;  /* ConfPartner*, systems among them */
  GPtrArray *layouts;   /* ConfLayout* */
  GPtrArray *lanes;     /* ConfLane* */
  GPtrArray *calendars; /* ConfCalendar* */
  ConfAlarms alarms;
  ConfFront front;
} Conf;

/* Reads and checks; reports everything it finds. NULL when there is an error. */
Conf *conf_parse(const ConfSource *source, ConfReport *report) G_GNUC_WARN_UNUSED_RESULT;
void conf_free(Conf *conf);

/* NULL: none of that name. */
const ConfPartner *conf_partner(const Conf *conf, const char *name); /* partners only */
const ConfPartner *conf_system(const Conf *conf, const char *name);  /* systems only */
const ConfCalendar *conf_calendar(const Conf *conf, const char *name);
const ConfEndpoint *conf_endpoint(const ConfPartner *partner, const char *name);
/* The same server and login, though perhaps under another name, and the same path. NULL is no folder. */
gboolean conf_same_folder(const ConfEndpoint *left, const char *left_path, const ConfEndpoint *right,
                          const char *right_path);
/* The end of a day YYYY-MM-DD in UTC, seconds since 1970. */
gboolean conf_day_ends(const char *day, gint64 *ends);
gint64 conf_sha1_ends(const ConfOpenpgp *openpgp); /* of sha1-until; 0: not set */
const ConfLayout *conf_layout(const Conf *conf, const char *name);
/* NULL: it has none of that name, or the name is NULL. */
const ConfField *conf_line_field(const ConfLine *line, const char *name);
/* A place of tag_at; the first field or byte is 1. FALSE: it is none. */
typedef struct {
  guint at;
  guint width;
} ConfTagPlace;
gboolean conf_tag_place(const char *text, ConfTagPlace *place);
/* The pattern of a line's `split`, to its end. The caller frees. */
char *conf_split_whole(const char *split);
const ConfLane *conf_lane(const Conf *conf, const char *name);
/* Whose files are loaded into the reference table, of whatever lane; the rating of a feed, NULL: it has none. */
const ConfFeed *conf_reference_feed(const Conf *conf, const char *table);
const ConfRating *conf_rating(const ConfLane *lane, const ConfFeed *feed);
/* feed names are unique over all lanes */
const ConfFeed *conf_feed(const Conf *conf, const char *name, const ConfLane **lane);

/* The word of a kind of process, and whether it keeps a ledger: the other kinds take whole files. */
const char *conf_process_word(ConfProcess process);
gboolean conf_process_keeps_ledger(ConfProcess process);
