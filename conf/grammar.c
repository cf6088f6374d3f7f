#include "conf/grammar.h"
#include <string.h>

#define TEXT(name) CFG_STR(name, 0, CFGF_NODEFAULT)
#define LIST(name) CFG_STR_LIST(name, 0, CFGF_NODEFAULT)
#define SECTION(name, options) CFG_SEC(name, options, CFGF_MULTI)
#define PLACE TEXT(GRAMMAR_PLACE)

/* node and partner */
static cfg_opt_t log_options[] = {PLACE, TEXT("format"), TEXT("level"), CFG_END()};
static cfg_opt_t node_options[] = {PLACE,
                                   TEXT("name"),
                                   TEXT("state"),
                                   TEXT("runtime"),
                                   TEXT("time-zone"),
                                   TEXT("gnupg-home"),
                                   TEXT("key-warning-days"),
                                   TEXT("archive-days"),
                                   SECTION("log", log_options),
                                   CFG_END()};
static cfg_opt_t openpgp_options[] = {
    PLACE,    LIST("encrypt-to"), LIST("signed-by"), TEXT("decrypt-with"), TEXT("sign-with"), TEXT("passphrase-file"),
    CFG_END()};
static cfg_opt_t access_options[] = {PLACE, LIST("token-sha256"), LIST("certificate-sha256"), CFG_END()};
static cfg_opt_t endpoint_options[] = {PLACE,
                                       TEXT("url"),
                                       LIST("host-key"),
                                       TEXT("identity-file"),
                                       TEXT("passphrase-file"),
                                       TEXT("password-file"),
                                       TEXT("token-file"),
                                       TEXT("clear-text"),
                                       TEXT("ca-file"),
                                       LIST("tls-key"),
                                       TEXT("certificate-file"),
                                       TEXT("private-key-file"),
                                       TEXT("listing-time-zone"),
                                       TEXT("connections"),
                                       TEXT("connect-timeout"),
                                       TEXT("io-timeout"),
                                       CFG_END()};
static cfg_opt_t partner_options[] = {PLACE, SECTION("openpgp", openpgp_options), SECTION("access", access_options),
                                      SECTION("endpoint", endpoint_options), CFG_END()};
static cfg_opt_t system_options[] = {PLACE, SECTION("endpoint", endpoint_options), CFG_END()};

/* calendars, alarms, front */
static cfg_opt_t calendar_options[] = {PLACE,           LIST("weekend"),       LIST("holidays"),
                                       LIST("working"), TEXT("holidays-file"), CFG_END()};
static cfg_opt_t webhook_options[] = {PLACE, TEXT("system"), TEXT("endpoint"), TEXT("path"), CFG_END()};
static cfg_opt_t alarms_options[] = {PLACE,          LIST("command"),      SECTION("webhook", webhook_options),
                                     TEXT("repeat"), TEXT("repeat-limit"), CFG_END()};
static cfg_opt_t front_options[] = {
    PLACE,       TEXT("listen"),      TEXT("certificate-file"),        TEXT("private-key-file"), TEXT("client-ca-file"),
    TEXT("url"), TEXT("connections"), TEXT("connections-per-address"), TEXT("timeout"),          TEXT("clear-text"),
    CFG_END()};

/* layout */
static cfg_opt_t field_options[] = {PLACE,          TEXT("type"),     TEXT("width"),   TEXT("scale"),   TEXT("format"),
                                    LIST("values"), TEXT("optional"), TEXT("mask"),    TEXT("control"), TEXT("bytes"),
                                    TEXT("align"),  TEXT("pad"),      TEXT("implied"), TEXT("sign"),    CFG_END()};
static cfg_opt_t line_options[] = {PLACE, SECTION("field", field_options), CFG_END()};
static cfg_opt_t layout_options[] = {PLACE,
                                     TEXT("type"),
                                     TEXT("delimiter"),
                                     TEXT("quote"),
                                     TEXT("charset"),
                                     TEXT("lines-by"),
                                     TEXT("tag-bytes"),
                                     TEXT("line-end"),
                                     TEXT("line-limit"),
                                     SECTION("header", line_options),
                                     SECTION("record", line_options),
                                     SECTION("trailer", line_options),
                                     CFG_END()};

/* feed */
static cfg_opt_t declared_options[] = {PLACE,           TEXT("file"),      TEXT("format"),
                                       LIST("columns"), TEXT("delimiter"), CFG_END()};
static cfg_opt_t source_options[] = {PLACE,
                                     TEXT("endpoint"),
                                     TEXT("path"),
                                     TEXT("match"),
                                     TEXT("ready"),
                                     TEXT("marker"),
                                     LIST("temporary"),
                                     TEXT("looks"),
                                     TEXT("least-age"),
                                     TEXT("every"),
                                     TEXT("cron"),
                                     TEXT("time-zone"),
                                     TEXT("calendar"),
                                     TEXT("after"),
                                     TEXT("archive"),
                                     TEXT("size-limit"),
                                     TEXT("envelope"),
                                     TEXT("signature"),
                                     TEXT("outer-packing"),
                                     TEXT("inner-packing"),
                                     SECTION("declared", declared_options),
                                     CFG_END()};
static cfg_opt_t rule_options[] = {PLACE, TEXT("check"), TEXT("code"), TEXT("message"), CFG_END()};
static cfg_opt_t pressure_options[] = {PLACE, TEXT("target-latency"), TEXT("threads-min"), TEXT("threads-max"),
                                       CFG_END()};
static cfg_opt_t batch_options[] = {
    PLACE,    TEXT("size-min"), TEXT("size-max"), TEXT("allow-any-size"), SECTION("pressure", pressure_options),
    CFG_END()};
/* Of all processes together; which of them each is for is told by build_process.c. */
static cfg_opt_t process_options[] = {PLACE,
                                      TEXT("name"),
                                      TEXT("account"),
                                      TEXT("amount"),
                                      TEXT("shards"),
                                      TEXT("system"),
                                      TEXT("endpoint"),
                                      TEXT("path"),
                                      TEXT("body"),
                                      TEXT("timeout"),
                                      LIST("columns"),
                                      TEXT("marker"),
                                      TEXT("envelope"),
                                      LIST("encrypt-to"),
                                      TEXT("packing"),
                                      TEXT("if-exists"),
                                      CFG_END()};
static cfg_opt_t feedback_options[] = {PLACE,
                                       TEXT("endpoint"),
                                       TEXT("path"),
                                       TEXT("name"),
                                       TEXT("exception-name"),
                                       TEXT("marker"),
                                       LIST("columns"),
                                       TEXT("compress"),
                                       TEXT("if-exists"),
                                       TEXT("envelope"),
                                       TEXT("packing"),
                                       TEXT("outer-packing"),
                                       TEXT("member"),
                                       TEXT("charset"),
                                       TEXT("delimiter"),
                                       TEXT("line-end"),
                                       TEXT("neutralise-formulas"),
                                       TEXT("digest"),
                                       CFG_END()};
static cfg_opt_t repeats_options[] = {PLACE,        TEXT("same-file"), TEXT("same-name"), TEXT("same-content"),
                                      TEXT("keys"), CFG_END()};
static cfg_opt_t sequence_options[] = {
    PLACE,         TEXT("name"),      TEXT("header-field"), TEXT("first"),   TEXT("most"),
    TEXT("reset"), TEXT("on-reused"), TEXT("on-gap"),       TEXT("on-late"), TEXT("wait-limit"),
    CFG_END()};
static cfg_opt_t expect_options[] = {PLACE,         TEXT("by"),       TEXT("from"),      TEXT("day-offset"),
                                     TEXT("files"), TEXT("calendar"), TEXT("time-zone"), CFG_END()};
static cfg_opt_t cut_off_options[] = {PLACE, TEXT("at"), TEXT("calendar"), TEXT("time-zone"), TEXT("after"), CFG_END()};
static cfg_opt_t feed_options[] = {PLACE,
                                   TEXT("partner"),
                                   TEXT("layout"),
                                   TEXT("key"),
                                   TEXT("business-date"),
                                   TEXT("on-reject"),
                                   TEXT("plain-limit"),
                                   TEXT("ratio-limit"),
                                   TEXT("retry-limit"),
                                   SECTION("source", source_options),
                                   SECTION("rule", rule_options),
                                   SECTION("batch", batch_options),
                                   SECTION("process", process_options),
                                   SECTION("feedback", feedback_options),
                                   SECTION("repeats", repeats_options),
                                   SECTION("sequence", sequence_options),
                                   SECTION("expect", expect_options),
                                   SECTION("cut-off", cut_off_options),
                                   CFG_END()};

/* reconcile */
static cfg_opt_t read_options[] = {PLACE,           TEXT("from"),   TEXT("ledger"), LIST("feeds"), LIST("statuses"),
                                   LIST("columns"), LIST("order"),  TEXT("where"),  TEXT("path"),  TEXT("query"),
                                   TEXT("layout"),  TEXT("amount"), CFG_END()};
static cfg_opt_t push_options[] = {PLACE, TEXT("endpoint"), TEXT("path"), TEXT("marker"), CFG_END()};
static cfg_opt_t status_options[] = {PLACE, TEXT("endpoint"), TEXT("path"), CFG_END()};
static cfg_opt_t reconcile_options[] = {PLACE,
                                        TEXT("requester"),
                                        TEXT("type"),
                                        TEXT("threshold"),
                                        SECTION("read", read_options),
                                        TEXT("period"),
                                        TEXT("at"),
                                        TEXT("day-offset"),
                                        TEXT("calendar"),
                                        TEXT("time-zone"),
                                        TEXT("shard-name"),
                                        TEXT("manifest-name"),
                                        TEXT("delimiter"),
                                        TEXT("charset"),
                                        TEXT("line-end"),
                                        TEXT("quote"),
                                        TEXT("header-line"),
                                        TEXT("neutralise-formulas"),
                                        TEXT("compress"),
                                        TEXT("encrypt"),
                                        TEXT("delimited-manifest"),
                                        SECTION("push", push_options),
                                        SECTION("status", status_options),
                                        TEXT("serve"),
                                        TEXT("keep-days"),
                                        CFG_END()};
static cfg_opt_t lane_options[] = {PLACE, TEXT("threads"), SECTION("feed", feed_options),
                                   SECTION("reconcile", reconcile_options), CFG_END()};

static cfg_opt_t root_options[] = {
    SECTION("node", node_options),         SECTION("partner", partner_options), SECTION("system", system_options),
    SECTION("calendar", calendar_options), SECTION("layout", layout_options),   SECTION("alarms", alarms_options),
    SECTION("front", front_options),       SECTION("lane", lane_options),       CFG_END()};

cfg_opt_t *grammar_root(void) {
  return root_options;
}

static gboolean is_one_of(const char *name, const char *const *names) {
  for (; *names != NULL; names++)
    if (strcmp(name, *names) == 0)
      return TRUE;
  return FALSE;
}

GrammarTitle grammar_title(const char *section) {
  static const char *const required[] = {"partner", "system", "endpoint", "calendar", "layout",    "field", "lane",
                                         "feed",    "rule",   "process",  "expect",   "reconcile", NULL};
  static const char *const optional[] = {"header", "record", "trailer", NULL};
  if (is_one_of(section, required))
    return TITLE_REQUIRED;
  return is_one_of(section, optional) ? TITLE_OPTIONAL : TITLE_NONE;
}

gboolean grammar_repeats(const char *section) {
  return (grammar_title(section) == TITLE_REQUIRED && strcmp(section, "process") != 0) ||
         strcmp(section, "record") == 0;
}

const cfg_opt_t *grammar_find(const cfg_opt_t *options, const char *name) {
  if (strcmp(name, GRAMMAR_PLACE) == 0)
    return NULL;
  for (; options->name != NULL; options++)
    if (strcmp(options->name, name) == 0)
      return options;
  return NULL;
}

/* Levenshtein's distance, with both names bounded. */
static guint edit_distance(const char *a, const char *b) {
  guint row[65];
  guint length = (guint)strlen(b);
  for (guint j = 0; j <= length; j++)
    row[j] = j;
  for (guint i = 1; a[i - 1] != '\0'; i++) {
    guint corner = row[0];
    row[0] = i;
    for (guint j = 1; j <= length; j++) {
      guint cost = corner + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));
      corner = row[j];
      row[j] = MIN(cost, MIN(corner, row[j - 1]) + 1);
    }
  }
  return row[length];
}

gboolean grammar_is_near(const char *a, const char *b, guint *distance) {
  if (strlen(a) > 64 || strlen(b) > 64)
    return FALSE;
  *distance = edit_distance(a, b);
  return *distance <= MAX(1, MIN(strlen(a), strlen(b)) / 3);
}

const char *grammar_nearest(const cfg_opt_t *options, const char *name) {
  const char *nearest = NULL;
  guint least = G_MAXUINT, distance = 0;
  for (; options->name != NULL; options++) {
    if (strcmp(options->name, GRAMMAR_PLACE) == 0)
      continue;
    if (!grammar_is_near(options->name, name, &distance) || distance >= least)
      continue;
    least = distance;
    nearest = options->name;
  }
  return nearest;
}

static const char *home_in(const cfg_opt_t *options, const char *section, const char *name) {
  if (grammar_find(options, name) != NULL)
    return section;
  for (; options->name != NULL; options++) {
    const char *home = options->type == CFGT_SEC ? home_in(options->subopts, options->name, name) : NULL;
    if (home != NULL)
      return home;
  }
  return NULL;
}

const char *grammar_home(const char *name) {
  return home_in(root_options, "the top level", name);
}
