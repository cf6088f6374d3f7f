/* What is looked after beside each file: those that come again, their numbers, when they are due, and when it is too
 * late. */
#include "conf/lookup.h"
#include "conf/read/section.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

#define NUMBER_MOST 999999999999999999ULL

static const ConfFeed *feed_of(const Section *section) {
  return section->outer->into;
}

/* --- Repeats. */

static void check_keys_kept(const Section *section, gpointer into) {
  (void)into;
  section_only_with(section, "keys", conf_process_keeps_ledger(feed_of(section)->process),
                    "a process that keeps keys: deliver does not");
}

#define AGAIN(option, member, default_, ...) \
  ROW(ConfRepeats, option, member, choice, .words = WORDS(CONF_AGAINS), .otherwise = default_, __VA_ARGS__)
static const Row repeats_rows[] = {
    WHERE(ConfRepeats),
    AGAIN("same-file", same_file, CONF_AGAIN_DUPLICATE),
    AGAIN("same-name", same_name, CONF_AGAIN_HOLD),
    AGAIN("same-content", same_content, CONF_AGAIN_DUPLICATE),
    CHECK(check_keys_kept),
    AGAIN("keys", keys, CONF_AGAIN_DUPLICATE, .except = 1u << CONF_AGAIN_ACCEPT),
    ROWS_END,
};
const Table table_repeats = TABLE(ConfRepeats, repeats_rows);

/* --- Sequence. */

static void check_number_place(const Section *section, gpointer into) {
  const ConfSequence *sequence = into;
  const char *number = sequence->name ? strstr(sequence->name, "{sequence") : NULL;
  if (number && strstr(number + 1, "{sequence"))
    section_error(section, "name", "'name' holds {sequence} twice");
}

static void check_header_field(const Section *section, const ConfLayout *layout, const char *name) {
  const ConfField *field = conf_line_field(&layout->header, name);
  if (!field) {
    g_autofree char *suggestion = named_suggest(layout->header.fields, name);
    section_error(section, "header-field", "'header-field': the header of layout \"%s\" has no field \"%s\"%s",
                  layout->name, name, suggestion);
  } else if (field->type != CONF_INTEGER) {
    section_error(section, "header-field", "'header-field': field \"%s\" must be of type integer", field->name);
  } else if (field->optional) {
    section_error(section, "header-field", "'header-field': field \"%s\" is optional; every file must have it",
                  field->name);
  }
}

/* The number stands in the name, or in the header. */
static void check_place(const Section *section, gpointer into) {
  const ConfSequence *sequence = into;
  const char *layout_name = feed_of(section)->layout;
  if (!section_has(section, "name") && !section_has(section, "header-field"))
    section_require(section, "name", "where the number stands in the file's name (or header-field)");
  if (section_has(section, "name") && section_has(section, "header-field"))
    section_error(section, "header-field", "'header-field' and 'name' exclude each other");
  const ConfLayout *layout = layout_name ? conf_layout(section->conf, layout_name) : NULL;
  if (sequence->header_field && layout)
    check_header_field(section, layout, sequence->header_field);
}

static void check_most(const Section *section, gpointer into) {
  const ConfSequence *sequence = into;
  if (sequence->most != 0 && sequence->most <= sequence->first)
    section_error(section, "most", "'most' (%" G_GUINT64_FORMAT ") is not greater than 'first' (%" G_GUINT64_FORMAT ")",
                  sequence->most, sequence->first);
}

static const char *const number_words[] = {"{sequence", NULL};
static const TemplateRule template_of_number = {TEMPLATE_SEQUENCE, number_words,
                                                "must contain {sequence}: where the number stands"};
#define POLICY(option, member, default_, ...) \
  ROW(ConfSequence, option, member, choice, .words = WORDS(CONF_SEQUENCE_POLICIES), .otherwise = default_, __VA_ARGS__)
#define NO_WAIT .except = 1u << CONF_SEQUENCE_WAIT
static const Row sequence_rows[] = {
    WHERE(ConfSequence),
    PRESENT(ConfSequence),
    ROW(ConfSequence, "name", name, template, .rule = &template_of_number),
    CHECK(check_number_place),
    ROW(ConfSequence, "header-field", header_field, text),
    CHECK(check_place),
    ROW(ConfSequence, "first", first, number64, .otherwise = 1, .least = 0, .most = NUMBER_MOST),
    ROW(ConfSequence, "most", most, number64, .otherwise = 0, .least = 1, .most = NUMBER_MOST),
    CHECK(check_most),
    ROW(ConfSequence, "reset", reset, choice, .words = WORDS(CONF_RESETS), .otherwise = CONF_RESET_NEVER),
    POLICY("on-reused", on_reused, CONF_SEQUENCE_HOLD, NO_WAIT),
    POLICY("on-gap", on_gap, CONF_SEQUENCE_ALARM),
    POLICY("on-late", on_late, CONF_SEQUENCE_ALARM, NO_WAIT),
    ROW(ConfSequence, "wait-limit", wait_limit, seconds, .otherwise = 3600, .least = 1, .most = 31 * 86400,
        .only_with = "on-gap = wait", .with = offsetof(ConfSequence, on_gap), .with_values = 1u << CONF_SEQUENCE_WAIT),
    ROWS_END,
};
const Table table_sequence = TABLE(ConfSequence, sequence_rows);

/* --- Expect. */

static void check_span(const Section *section, gpointer into) {
  const ConfExpect *expect = into;
  if (expect->day_offset == 0 && section_has(section, "by") && expect->from == expect->by)
    section_error(section, section_has(section, "from") ? "from" : "by",
                  "'from' and 'by' are the same time of one day: nothing can come between them");
}

static const Row expect_rows[] = {
    WHERE(ConfExpect),
    TITLE(ConfExpect),
    ROW(ConfExpect, "by", by, time_of_day, .otherwise = 0, .needed = "when the files are due, as \"06:00\""),
    ROW(ConfExpect, "from", from, time_of_day, .otherwise = 0),
    ROW(ConfExpect, "day-offset", day_offset, number, .otherwise = 0, .least = 0, .most = 31),
    CHECK(check_span),
    ROW(ConfExpect, "files", files, number, .otherwise = 1, .least = 1, .most = 100000),
    ROW(ConfExpect, "calendar", calendar, calendar),
    ROW(ConfExpect, "time-zone", time_zone, own_time_zone),
    ROWS_END,
};
const Table table_expect = TABLE(ConfExpect, expect_rows);

/* --- Cut-off. */

static const Row cut_off_rows[] = {
    WHERE(ConfCutOff),
    PRESENT(ConfCutOff),
    ROW(ConfCutOff, "at", at, time_of_day, .otherwise = 0,
        .needed = "the time of the day from which files are too late, as \"17:00\""),
    ROW(ConfCutOff, "calendar", calendar, calendar),
    ROW(ConfCutOff, "time-zone", time_zone, own_time_zone),
    ROW(ConfCutOff, "after", after, choice, .words = WORDS(CONF_CUTOFFS), .otherwise = CONF_CUTOFF_NEXT_DAY),
    ROWS_END,
};
const Table table_cut_off = TABLE(ConfCutOff, cut_off_rows);
