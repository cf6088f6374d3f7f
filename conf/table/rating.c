/* Ratings: what usage costs. That expressions compile, tables have their fields and examples come true is
 * gateway/check's. */
#include "conf/table/rating.h"
#include "conf/check/references.h"
#include "conf/lookup.h"
#include "conf/model/rating.h"
#include <string.h>

static const ConfLayout *layout_of(const Section *rating) {
  const ConfRating *conf = rating->into;
  return conf->layout ? conf_layout(rating->conf, conf->layout) : NULL;
}

static void check_field(const Section *section, const char *option, const ConfLayout *layout, const char *name) {
  if (!layout || !name || conf_line_field(&layout->record, name))
    return;
  g_autofree char *suggestion = named_suggest(layout->record.fields, name);
  section_error(section, option, "'%s': the record of layout \"%s\" has no field \"%s\"%s", option, layout->name, name,
                suggestion);
}

static void check_key(const Section *section, char *const *key) {
  for (; key && *key; key++)
    check_field(section, "key", layout_of(section->outer), *key);
}

static void check_lookup_key(const Section *section, gpointer into) {
  check_key(section, ((ConfLookup *)into)->key);
}

static void check_tiers_key(const Section *section, gpointer into) {
  check_key(section, ((ConfTiers *)into)->key);
}

static void check_own_key(const Section *section, gpointer into) {
  const ConfLayout *layout = layout_of(section);
  for (char **name = ((ConfRating *)into)->key; name && *name; name++) {
    const ConfField *field = layout ? conf_line_field(&layout->record, *name) : NULL;
    check_field(section, "key", layout, *name);
    if (field && field->optional)
      section_error(section, "key", "'key': field \"%s\" is optional; every record must have it", *name);
  }
}

static void check_account(const Section *section, gpointer into) {
  check_field(section, "account", layout_of(section), ((ConfRating *)into)->account);
}

static void check_event_time(const Section *section, gpointer into) {
  const ConfRating *rating = into;
  const ConfLayout *layout = layout_of(section);
  const ConfField *field = layout && rating->event_time ? conf_line_field(&layout->record, rating->event_time) : NULL;
  check_field(section, "event-time", layout, rating->event_time);
  if (field && field->type != CONF_TIMESTAMP && field->type != CONF_DATE)
    section_error(section, "event-time", "'event-time': field \"%s\" must be of type timestamp or date", field->name);
}

static void check_round_scale(const Section *section, gpointer into) {
  const ConfRating *rating = into;
  if (rating->round.scale > rating->scale)
    section_error(section, "scale", "'scale' is %u, and amounts are rounded to %u decimals: it must be as many or more",
                  rating->scale, rating->round.scale);
}

static void check_campaign(const Section *section, gpointer into) {
  const ConfStep *step = into;
  section_only_with(section, "stack", step->campaign, "campaign = yes");
}

static const Row lookup_rows[] = {
    WHERE(ConfLookup),
    TITLE(ConfLookup),
    ROW(ConfLookup, "table", table, name, .needed = "the reference table"),
    ROW(ConfLookup, "key", key, list, .most = 8, .needed = "the record's fields that make the row's key"),
    CHECK(check_lookup_key),
    ROW(ConfLookup, "of", of, choice, .words = WORDS(CONF_LOOKUP_OFS), .otherwise = CONF_LOOKUP_PRODUCT),
    ROW(ConfLookup, "optional", optional, yes),
    ROWS_END,
};
static const Table table_lookup = TABLE(ConfLookup, lookup_rows);

static const Row quantity_rows[] = {
    WHERE(ConfQuantity),
    ROW(ConfQuantity, "value", value, raw, .needed = "an SQL expression that gives how much was used"),
    ROW(ConfQuantity, "increment", increment, number64, .otherwise = 1, .least = 1, .most = G_MAXINT32),
    ROW(ConfQuantity, "first", first, number64, .otherwise = 0, .least = 0, .most = G_MAXINT32),
    ROW(ConfQuantity, "charge-zero", charge_zero, yes),
    ROWS_END,
};
static const Table table_quantity = TABLE(ConfQuantity, quantity_rows);

static const Row tiers_rows[] = {
    WHERE(ConfTiers),
    PRESENT(ConfTiers),
    ROW(ConfTiers, "kind", kind, choice, .words = WORDS(CONF_TIERS_KINDS), .otherwise = ROW_UNSAID,
        .needed = "graduated (each part by its own tier) or volume (all by the tier that is reached)"),
    ROW(ConfTiers, "table", table, name, .needed = "the reference table with a row for each tier"),
    ROW(ConfTiers, "key", key, list, .most = 7, .needed = "the record's fields that make the rows' key, but for up-to"),
    CHECK(check_tiers_key),
    ROW(ConfTiers, "up-to", up_to, text, .needed = "the table's field with the tier's upper bound"),
    ROW(ConfTiers, "rate", rate, text, .needed = "the table's field with the tier's rate"),
    ROW(ConfTiers, "per", per, number64, .otherwise = 1, .least = 1, .most = G_MAXINT32),
    ROW(ConfTiers, "counter", counter, choice, .words = WORDS(CONF_COUNTERS), .otherwise = CONF_COUNTER_MONTH),
    ROWS_END,
};
static const Table table_tiers = TABLE(ConfTiers, tiers_rows);

static const Row step_rows[] = {
    WHERE(ConfStep),
    TITLE(ConfStep),
    ROW(ConfStep, "when", when, raw),
    ROW(ConfStep, "amount", amount, raw, .needed = "an SQL expression that gives the amount from here on"),
    ROW(ConfStep, "campaign", campaign, yes),
    ROW(ConfStep, "stack", stack, yes),
    CHECK(check_campaign),
    ROW(ConfStep, "choose", choose, name),
    ROWS_END,
};
static const Table table_step = TABLE(ConfStep, step_rows);

static const Row round_rows[] = {
    WHERE(ConfRound),
    ROW(ConfRound, "at", at, choice, .words = WORDS(CONF_ROUND_ATS), .otherwise = CONF_ROUND_END),
    ROW(ConfRound, "mode", mode, choice, .words = WORDS(CONF_ROUND_MODES), .otherwise = ROW_UNSAID,
        .needed = "half-up, half-even, down or up"),
    ROW(ConfRound, "scale", scale, number, .otherwise = 2, .least = 0, .most = 12),
    ROWS_END,
};
static const Table table_round = TABLE(ConfRound, round_rows);

static const Row example_rows[] = {
    WHERE(ConfExample),
    TITLE(ConfExample),
    ROW(ConfExample, "in", in, text, .needed = "the fields, as \"seconds=78 rate=0.25\""),
    ROW(ConfExample, "out", out, text, .needed = "the amount, as \"0.33\""),
    ROWS_END,
};
static const Table table_example = TABLE(ConfExample, example_rows);

/* A name that is another one for each file, and no path. */
static void check_file_name(const Section *section, const char *option, const char *name) {
  g_autofree char *rest = name ? g_strdup(name) : NULL;
  static const char *const known[] = {"{sequence}", "{period}"};
  if (!name)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
    g_auto(GStrv) parts = g_strsplit(rest, known[i], -1);
    g_free(rest);
    rest = g_strjoinv("", parts);
  }
  if (!strstr(name, "{sequence}"))
    section_error(section, option, "'%s' must hold {sequence}: each file has a name of its own", option);
  if (strchr(name, '/') || *name == '.' || strpbrk(rest, "{}"))
    section_error(section, option, "'%s' must be the name of a file, and hold {sequence} and {period} only", option);
}

enum { MOST_PLATFORMS = 64 }; /* each is a rule of one set: RULES_MAX of store/rules.h */

static void check_full_file(const Section *section, gpointer into) {
  check_file_name(section, "name", ((ConfFullFile *)into)->name);
}

static void check_fields(const Section *section, gpointer into) {
  for (char **field = ((ConfFullFile *)into)->fields; field && *field; field++)
    if (g_strv_contains((const char *const *)field + 1, *field))
      section_error(section, "fields", "'fields' names \"%s\" twice", *field);
}

/* Two with the same names would overwrite each other's files: lines of one platform would be lost. */
static void check_platform(const Section *section, gpointer into) {
  const ConfPlatform *platform = into;
  const GPtrArray *platforms = ((const ConfRating *)section->outer->into)->platforms;
  check_file_name(section, "file", platform->file);
  for (guint i = 0; i < platforms->len; i++) {
    const ConfPlatform *other = platforms->pdata[i];
    if (other != platform && g_strcmp0(other->file, platform->file) == 0)
      section_error(section, "file", "'file': the files of platform \"%s\" have the same names", other->name);
  }
}

static void check_platforms(const Section *section, gpointer into) {
  const ConfRating *rating = into;
  if (rating->platforms->len > MOST_PLATFORMS)
    section_error(section, NULL, "there are %u platforms, and at most %d can be told apart", rating->platforms->len,
                  MOST_PLATFORMS);
  if (rating->platforms->len > 0 && !rating->full_file.present)
    section_require(section, "full-file", "what the platforms' files are made of");
}

static const Row full_file_rows[] = {
    WHERE(ConfFullFile),
    PRESENT(ConfFullFile),
    ROW(ConfFullFile, "name", name, text, .needed = "what the files are called, as 'MUSIC_{period}_{sequence}.dat'"),
    CHECK(check_full_file),
    ROW(ConfFullFile, "fields", fields, list, .most = 64, .needed = "the fields of each line"),
    CHECK(check_fields),
    ROW(ConfFullFile, "records", records, number, .otherwise = 100000, .least = 1, .most = 10000000),
    ROW(ConfFullFile, "age", age, seconds, .otherwise = 15 * 60, .least = 1, .most = 7 * 86400),
    ROW(ConfFullFile, "period", period, choice, .words = WORDS(CONF_FILE_PERIODS), .otherwise = CONF_FILE_PERIOD_DAY),
    ROW(ConfFullFile, "grace", grace, seconds, .otherwise = 30 * 60, .least = 0, .most = 86400),
    ROW(ConfFullFile, "empty", empty, yes, .otherwise = TRUE),
    ROW(ConfFullFile, "late", late, choice, .words = WORDS(CONF_LATE_RECORDS), .otherwise = CONF_LATE_RECORD_NEXT),
    ROW(ConfFullFile, "archive", archive, path),
    ROW(ConfFullFile, "incoming", incoming, path),
    ROWS_END,
};
static const Table table_full_file = TABLE(ConfFullFile, full_file_rows);

static void check_push_endpoint(const Section *section, gpointer into) {
  const ConfPlatform *platform = into;
  reference_system_endpoint(section, platform->push_system, ENDPOINT_FOLDERS, platform->push_endpoint);
}

static const Row push_rows[] = {
    ROW(ConfPlatform, "system", push_system, system, .needed = "the inner system that the platform is"),
    ROW(ConfPlatform, "endpoint", push_endpoint, name, .needed = "one of the system's endpoints"),
    CHECK(check_push_endpoint),
    ROW(ConfPlatform, "path", push_path, remote_path, .needed = "the folder on the endpoint"),
    ROWS_END,
};
static const Table table_push = TABLE(ConfPlatform, push_rows);

static const Row platform_rows[] = {
    WHERE(ConfPlatform),
    TITLE(ConfPlatform),
    ROW(ConfPlatform, "when", when, raw),
    ROW(ConfPlatform, "fields", fields, list, .most = 64, .needed = "the full file's fields that it gets"),
    ROW(ConfPlatform, "file", file, text, .needed = "what its files are called, as 'BOSS_{period}_{sequence}.dat'"),
    CHECK(check_platform),
    WITHIN("push", table_push),
    ROWS_END,
};
static const Table table_platform = TABLE(ConfPlatform, platform_rows);

/* A rating is found by its name in a URL and by who asks: the two together are taken once. Lanes before this one are
 * read, and of this one the ratings before. */
static void check_taken_once(const Section *section, const ConfRating *rating, const char *partner) {
  for (guint i = 0; i < section->conf->lanes->len; i++) {
    const ConfLane *lane = section->conf->lanes->pdata[i];
    const ConfRating *other = lane->ratings ? named_find(lane->ratings, rating->name) : NULL;
    if (other && other != rating && other->intake.partners &&
        g_strv_contains((const char *const *)other->intake.partners, partner))
      section_error(section, "partners", "'partners': rating \"%s\" of lane \"%s\" has an intake of \"%s\", too",
                    rating->name, lane->name, partner);
  }
}

static void check_partners(const Section *section, gpointer into) {
  const ConfIntake *intake = into;
  const ConfRating *rating = section->outer->into;
  if (!section->conf->front.present && !section->tree->lost)
    section_error(section, NULL, "an intake needs the front { … } that serves it");
  if (!rating->key)
    section_error(section, NULL, "an intake needs the rating's 'key', by which a record is known");
  for (char **name = intake->partners; name && *name; name++) {
    const ConfPartner *partner = conf_partner(section->conf, *name);
    if (!partner)
      section_error(section, "partners", "'partners': there is no partner \"%s\"", *name);
    else if (!partner->access.where.file)
      section_error(section, "partners",
                    "'partners': partner \"%s\" has no access { ... } by which it could show who it is", *name);
    check_taken_once(section, rating, *name);
  }
}

static const Row intake_rows[] = {
    WHERE(ConfIntake),
    PRESENT(ConfIntake),
    ROW(ConfIntake, "partners", partners, list, .most = 64, .needed = "the partners that may send usage"),
    CHECK(check_partners),
    ROW(ConfIntake, "size-limit", size_limit, size64, .otherwise = 4 << 20, .least = 1024, .most = 64 << 20),
    ROW(ConfIntake, "records", records, number, .otherwise = 5000, .least = 1, .most = 30000),
    ROW(ConfIntake, "waiting", waiting, number, .otherwise = 32, .least = 1, .most = 512),
    ROWS_END,
};
static const Table table_intake = TABLE(ConfIntake, intake_rows);

static const Row rows[] = {
    WHERE(ConfRating),
    TITLE(ConfRating),
    ROW(ConfRating, "layout", layout, layout, .needed = "how the usage records are written"),
    ROW(ConfRating, "account", account, text, .needed = "the field that says whose usage it is"),
    CHECK(check_account),
    ROW(ConfRating, "event-time", event_time, text, .needed = "the field that says when it was used"),
    CHECK(check_event_time),
    ROW(ConfRating, "key", key, list, .most = 8),
    CHECK(check_own_key),
    ROW(ConfRating, "shards", shards, number, .otherwise = 2, .least = 1, .most = 16),
    ROW(ConfRating, "horizon", horizon, seconds, .otherwise = 0, .least = 86400, .most = 3660 * 86400U),
    ROW(ConfRating, "suspend-limit", suspend_limit, seconds, .otherwise = 7 * 86400, .least = 1,
        .most = 3660 * 86400U),
    ROW(ConfRating, "time-zone", time_zone, own_time_zone),
    ROW(ConfRating, "ambiguous", ambiguous, choice, .words = WORDS(CONF_AMBIGUOUS),
        .otherwise = CONF_AMBIGUOUS_REJECT),
    ROW(ConfRating, "scale", scale, number, .otherwise = 4, .least = 0, .most = 12),
    SECTION(ConfRating, "quantity", quantity, table_quantity, .needed = "how much was used"),
    SECTIONS(ConfRating, "lookup", lookups, table_lookup),
    SECTION(ConfRating, "tiers", tiers, table_tiers),
    SECTIONS(ConfRating, "step", steps, table_step),
    SECTION(ConfRating, "round", round, table_round, .needed = "how amounts are rounded"),
    CHECK(check_round_scale),
    ROW(ConfRating, "minimum", minimum, text),
    SECTIONS(ConfRating, "example", examples, table_example),
    SECTION(ConfRating, "full-file", full_file, table_full_file),
    SECTIONS(ConfRating, "platform", platforms, table_platform),
    CHECK(check_platforms),
    SECTION(ConfRating, "intake", intake, table_intake),
    ROW(ConfRating, "unrouted", unrouted, choice, .words = WORDS(CONF_UNROUTEDS), .otherwise = CONF_UNROUTED_ALARM),
    ROW(ConfRating, "route", route, choice, .words = WORDS(CONF_ROUTES), .otherwise = CONF_ROUTE_ANY),
    ROWS_END,
};
const Table table_lane_rating = TABLE(ConfRating, rows);
