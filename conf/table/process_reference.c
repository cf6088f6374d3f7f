/* process reference { … }: the records are the rows of a reference table. */
#include "conf/check/references.h"
#include "conf/lookup.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"
#include <string.h>

static const ConfLayout *layout_of(const Section *section) {
  const ConfFeed *feed = section->outer->into;
  return feed->layout ? conf_layout(section->conf, feed->layout) : NULL;
}

/* NULL: it is told. */
static const ConfField *field_of(const Section *section, const char *option, const ConfLine *line, const char *of,
                                 const char *name) {
  const ConfField *field = conf_line_field(line, name);
  if (field)
    return field;
  g_autofree char *suggestion = named_suggest(line->fields, name);
  section_error(section, option, "'%s': the %s of layout \"%s\" has no field \"%s\"%s", option, of,
                layout_of(section)->name, name, suggestion);
  return NULL;
}

static void check_records(const Section *section, gpointer into) {
  const ConfLayout *layout = layout_of(section);
  (void)into;
  if (layout && layout->records->len > 1)
    section_error(section, NULL, "process reference takes one kind of record, and layout \"%s\" has %u", layout->name,
                  layout->records->len);
}

static void check_key(const Section *section, gpointer into) {
  const ConfReference *reference = into;
  const ConfLayout *layout = layout_of(section);
  for (char **name = reference->key; layout && name && *name; name++) {
    const ConfField *field = field_of(section, "key", &layout->record, "record", *name);
    if (field && field->optional)
      section_error(section, "key", "'key': field \"%s\" is optional; every record must have it", *name);
  }
}

static void check_valid(const Section *section, gpointer into) {
  const ConfReference *reference = into;
  const ConfLayout *layout = layout_of(section);
  if (reference->valid && g_strv_length(reference->valid) != 2)
    section_error(section, "valid", "'valid' must be two fields: from when, and until when");
  for (char **name = reference->valid; layout && name && *name; name++) {
    const ConfField *field = field_of(section, "valid", &layout->record, "record", *name);
    if (field && field->type != CONF_DATE && field->type != CONF_TIMESTAMP)
      section_error(section, "valid", "'valid': field \"%s\" must be of type date or timestamp", *name);
  }
}

/* Nobody can tell from a file whether "until 2026-11-30" means that this day is over or is the last one. */
static void check_until(const Section *section, gpointer into) {
  const ConfReference *reference = into;
  const ConfLayout *layout = layout_of(section);
  gboolean ends = reference->valid && g_strv_length(reference->valid) == 2;
  const ConfField *field = ends && layout ? conf_line_field(&layout->record, reference->valid[1]) : NULL;
  section_only_with(section, "until", reference->valid != NULL, "'valid'");
  if (ends && !section_has(section, "until"))
    section_require(section, "until", "exclusive (valid before it) or inclusive-day (also on that day)");
  if (field && field->type == CONF_TIMESTAMP && reference->until == CONF_UNTIL_INCLUSIVE_DAY)
    section_error(section, "until", "'until' = inclusive-day is of dates, and field \"%s\" is a time stamp",
                  field->name);
}

static void check_header(const Section *section, const char *option, const char *name, ConfFieldType type) {
  const ConfLayout *layout = layout_of(section);
  const ConfField *field = layout && name ? field_of(section, option, &layout->header, "header", name) : NULL;
  if (!field)
    return;
  if (field->type != type && (type != CONF_TEXT || field->type != CONF_ENUMERATION))
    section_error(section, option, "'%s': field \"%s\" must be %s", option, name,
                  type == CONF_INTEGER ? "an integer" : "a text or an enumeration");
  if (field->optional)
    section_error(section, option, "'%s': field \"%s\" is optional; every file must have it", option, name);
}

static void check_kind(const Section *section, gpointer into) {
  const ConfReference *reference = into;
  check_header(section, "kind", reference->kind, CONF_TEXT);
  check_header(section, "sequence", reference->sequence, CONF_INTEGER);
  if (reference->kind && !reference->sequence)
    section_require(section, "sequence", "the header's field with the number by which a missing delta is noticed");
}

static void check_operation(const Section *section, gpointer into) {
  const ConfReference *reference = into;
  const ConfLayout *layout = layout_of(section);
  const ConfField *field = layout && reference->operation
                               ? field_of(section, "operation", &layout->record, "record", reference->operation)
                               : NULL;
  section_only_with(section, "operation", reference->kind != NULL, "'kind': a full load takes nothing away");
  if (field && field->type != CONF_TEXT && field->type != CONF_ENUMERATION)
    section_error(section, "operation", "'operation': field \"%s\" must be a text or an enumeration", field->name);
}

static void check_deltas(const Section *section, gpointer into) {
  section_only_with(section, "deltas", ((const ConfReference *)into)->kind != NULL, "'kind': there are no others");
}

static const Row rows[] = {
    ROW(ConfReference, "name", name, name, .needed = "the table's name"),
    CHECK(check_records),
    ROW(ConfReference, "key", key, list, .most = 8, .needed = "the fields that tell rows apart"),
    CHECK(check_key),
    ROW(ConfReference, "valid", valid, list, .most = 2),
    CHECK(check_valid),
    ROW(ConfReference, "until", until, choice, .words = WORDS(CONF_UNTILS), .otherwise = CONF_UNTIL_EXCLUSIVE),
    CHECK(check_until),
    ROW(ConfReference, "time-zone", time_zone, own_time_zone),
    ROW(ConfReference, "kind", kind, text),
    ROW(ConfReference, "sequence", sequence, text),
    CHECK(check_kind),
    ROW(ConfReference, "operation", operation, text),
    CHECK(check_operation),
    ROW(ConfReference, "deltas", deltas, choice, .words = WORDS(CONF_DELTAS), .otherwise = CONF_DELTAS_EXACT),
    CHECK(check_deltas),
    ROW(ConfReference, "keep-versions", keep_versions, number, .otherwise = 0, .least = 2, .most = 100000),
    ROW(ConfReference, "shrink-limit", shrink_limit, number, .otherwise = 20, .least = 0, .most = 100),
    CHECK(process_takes_whole_files),
    ROWS_END,
};
const Table table_reference = TABLE(ConfReference, rows);

const ProcessParts parts_reference = {{{&table_reference, offsetof(ConfFeed, reference)}}};
