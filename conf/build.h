/* From sections to the structs of conf.h, and the checks between them. Everything wrong goes to the sections' report.
 */
#pragma once
#include "conf/pattern.h"
#include "conf/section.h"

/* A file for each section, or for some that belong together. They take what they refer to from `conf`: the node,
 * partners, systems, calendars, layouts and the front are built before the lanes. */
void build_node(const Section *root, ConfNode *node);
ConfPartner *build_partner(const Section *section);
ConfPartner *build_system(const Section *section);
ConfEndpoint *build_endpoint(const Section *section);
ConfCalendar *build_calendar(const Section *section);
void build_alarms(const Section *root, const Conf *conf, ConfAlarms *alarms);
void build_front(const Section *root, ConfFront *front);
ConfLayout *build_layout(const Section *section);
ConfField *build_field(const Section *section, ConfLayout *layout, gboolean may_control);
ConfLane *build_lane(const Section *section, const Conf *conf);
void build_source(const Section *feed_section, const Conf *conf, ConfFeed *feed);
void build_process(const Section *feed_section, const Conf *conf, ConfFeed *feed);
void build_feedback(const Section *feed_section, const Conf *conf, ConfFeed *feed);
/* repeats, sequence, expect, cut-off */
void build_watch(const Section *feed_section, const Conf *conf, ConfFeed *feed);
ConfReconcile *build_reconcile(const Section *section, const Conf *conf, const ConfLane *lane);
void build_read(const Section *reconcile_section, const Conf *conf, const ConfLane *lane, ConfReconcile *reconcile);

/* What several of them share (build_values.c, build_references.c). All give NULL for what is absent or not sound, and
 * told. */
char *build_time_zone(const Section *section, const char *option);
char *build_charset(const Section *section);
char *build_delimiter(const Section *section, gboolean quotes);
char *build_fingerprint(const Section *section, const char *option);
char **build_fingerprints(const Section *section, const char *option);
char *build_remote_path(const Section *section, const char *option); /* no ".." */
char *build_url_path(const Section *section, const char *option);
/* `needed`: one of these must stand in it, and `why`; NULL: none. */
typedef struct {
  TemplateKind kind;
  const char *const *needed;
  const char *why;
} TemplateRule;
char *build_template(const Section *section, const char *option, TemplateRule rule);
extern const TemplateRule template_of_marker, template_of_answer; /* holds {name} or {stem}; or {id}, too */
/* Of the record's fields: one that every kind of record must have, integer or of the other type; and a list of some. */
void check_record_field(const Section *section, const char *option, const char *name, const ConfLayout *layout,
                        ConfFieldType other);
char **build_record_columns(const Section *section, const ConfLayout *layout);
ConfEnvelope build_envelope(const Section *section, gboolean may_be_detached, ConfEnvelope otherwise);
ConfPacking build_packing(const Section *section, const char *option);

/* Names of others, that must be there. What they name: NULL when it is not. */
const ConfPartner *build_partner_name(const Section *section, const Conf *conf, const char *option, char **name);
const ConfPartner *build_system_name(const Section *section, const Conf *conf, char **name);
const ConfLayout *build_layout_name(const Section *section, const Conf *conf, char **name);
typedef enum { ENDPOINT_FOLDERS, ENDPOINT_WEB } EndpointUse; /* sftp, ftp(s) and file; http(s) */
void build_endpoint_name(const Section *section, const ConfPartner *partner, EndpointUse use, char **name);
char *build_calendar_name(const Section *section, const Conf *conf);
/* 'system', 'endpoint' and 'path' of an inner system that is spoken to by HTTP. */
typedef struct {
  const char *system, *path; /* what each is for */
} WebPurpose;
void build_web(const Section *section, const Conf *conf, WebPurpose purpose, char **system, char **endpoint,
               char **path);

/* Finds, and suggests for, all structs that begin with `where` and `name`. */
gconstpointer named_find(const GPtrArray *array, const char *name);
char *named_suggest(const GPtrArray *array, const char *name); /* "; did you mean "x"?" or "", the caller frees */
const ConfField *conf_line_field(const ConfLine *line, const char *name); /* NULL: none */

/* What concerns several feeds: names, ledgers, folders. */
void check_feeds(const Conf *conf, ConfReport *report);
/* Whether what protects the files of feeds and reconciliations has the keys that it needs. */
void check_keys(const Conf *conf, ConfReport *report);
/* Requesters and types, names that collide, ways out. */
void check_reconciles(const Conf *conf, ConfReport *report);
