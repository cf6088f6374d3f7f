/* What is looked after beside each file: those that come again, their numbers, when they are due, and when it is too
 * late. */
#include "conf/build.h"
#include <string.h>

/* ---- repeats ---- */

static void build_repeats(const Section *feed_section, ConfFeed *feed) {
  static const char *const words[] = {"duplicate", "hold", "reject", "accept", NULL};
  static const char *const of_keys[] = {"duplicate", "hold", "reject", NULL};
  ConfRepeats *repeats = &feed->repeats;
  *repeats = (ConfRepeats){.where = section_where(feed_section, NULL),
                           .same_file = CONF_AGAIN_DUPLICATE,
                           .same_name = CONF_AGAIN_HOLD,
                           .same_content = CONF_AGAIN_DUPLICATE,
                           .keys = CONF_AGAIN_DUPLICATE};
  Section section;
  if (!section_inner(feed_section, "repeats", &section))
    return;
  repeats->where = section_where(&section, NULL);
  repeats->same_file = section_choice(&section, "same-file", words, CONF_AGAIN_DUPLICATE);
  repeats->same_name = section_choice(&section, "same-name", words, CONF_AGAIN_HOLD);
  repeats->same_content = section_choice(&section, "same-content", words, CONF_AGAIN_DUPLICATE);
  section_only_with(&section, "keys", feed->process != CONF_PROCESS_DELIVER,
                    "a process that keeps keys: deliver does not");
  repeats->keys = section_choice(&section, "keys", of_keys, CONF_AGAIN_DUPLICATE);
}

/* ---- sequence ---- */

/* Where the number stands: in the name, or in the header. */
static void build_number_place(const Section *section, const Conf *conf, const ConfFeed *feed, ConfSequence *sequence) {
  static const char *const number[] = {"{sequence", NULL};
  static const TemplateRule rule = {TEMPLATE_SEQUENCE, number, "must contain {sequence}: where the number stands"};
  sequence->name = build_template(section, "name", rule);
  if (sequence->name != NULL &&
      strstr(strstr(sequence->name, "{sequence") == NULL ? "" : strstr(sequence->name, "{sequence") + 1, "{sequence") !=
          NULL)
    section_error(section, "name", "'name' holds {sequence} twice");
  sequence->header_field = section_text(section, "header-field");
  if (!section_has(section, "name") && !section_has(section, "header-field"))
    section_require(section, "name", "where the number stands in the file's name (or header-field)");
  if (section_has(section, "name") && section_has(section, "header-field"))
    section_error(section, "header-field", "'header-field' and 'name' exclude each other");
  const ConfLayout *layout = feed->layout == NULL ? NULL : conf_layout(conf, feed->layout);
  if (sequence->header_field == NULL || layout == NULL)
    return;
  const ConfField *field = conf_line_field(&layout->header, sequence->header_field);
  if (field == NULL) {
    g_autofree char *suggestion = named_suggest(layout->header.fields, sequence->header_field);
    section_error(section, "header-field", "'header-field': the header of layout \"%s\" has no field \"%s\"%s",
                  layout->name, sequence->header_field, suggestion);
  } else if (field->type != CONF_INTEGER) {
    section_error(section, "header-field", "'header-field': field \"%s\" must be of type integer", field->name);
  } else if (field->optional) {
    section_error(section, "header-field", "'header-field': field \"%s\" is optional; every file must have it",
                  field->name);
  }
}

static void build_sequence_policies(const Section *section, ConfSequence *sequence) {
  static const char *const words[] = {"accept", "alarm", "hold", "reject", "wait", NULL};
  static const char *const without_wait[] = {"accept", "alarm", "hold", "reject", NULL};
  sequence->on_reused = section_choice(section, "on-reused", without_wait, CONF_SEQUENCE_HOLD);
  sequence->on_gap = section_choice(section, "on-gap", words, CONF_SEQUENCE_ALARM);
  sequence->on_late = section_choice(section, "on-late", without_wait, CONF_SEQUENCE_ALARM);
  section_only_with(section, "wait-limit", sequence->on_gap == CONF_SEQUENCE_WAIT, "on-gap = wait");
  sequence->wait_limit = section_seconds(section, "wait-limit",
                                         (Range){.otherwise = 3600, .least = 1, .most = 31 * 86400});
}

static void build_sequence(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  static const char *const resets[] = {"never", "daily", "monthly", "yearly", NULL};
  ConfSequence *sequence = &feed->sequence;
  Section section;
  if (!section_inner(feed_section, "sequence", &section))
    return;
  sequence->where = section_where(&section, NULL);
  sequence->present = TRUE;
  build_number_place(&section, conf, feed, sequence);
  sequence->first = section_number64(&section, "first",
                                     (Range){.otherwise = 1, .least = 0, .most = 999999999999999999ULL});
  sequence->most = section_number64(&section, "most",
                                    (Range){.otherwise = 0, .least = 1, .most = 999999999999999999ULL});
  if (sequence->most != 0 && sequence->most <= sequence->first)
    section_error(&section, "most",
                  "'most' (%" G_GUINT64_FORMAT ") is not greater than 'first' (%" G_GUINT64_FORMAT ")", sequence->most,
                  sequence->first);
  sequence->reset = section_choice(&section, "reset", resets, CONF_RESET_NEVER);
  build_sequence_policies(&section, sequence);
}

/* ---- expect ---- */

static char *zone_or_node(const Section *section, const Conf *conf) {
  char *zone = build_time_zone(section, "time-zone");
  return zone != NULL ? zone : g_strdup(conf->node.time_zone);
}

static ConfExpect *build_expect(const Section *section, const Conf *conf) {
  ConfExpect *expect = g_new0(ConfExpect, 1);
  expect->where = section_where(section, NULL);
  expect->name = section_title(section);
  section_require(section, "by", "when the files are due, as \"06:00\"");
  expect->by = section_time_of_day(section, "by", 0);
  expect->from = section_time_of_day(section, "from", 0);
  expect->day_offset = (gint)section_number(section, "day-offset", (Range){.otherwise = 0, .least = 0, .most = 31});
  if (expect->day_offset == 0 && section_has(section, "by") && expect->from == expect->by)
    section_error(section, section_has(section, "from") ? "from" : "by",
                  "'from' and 'by' are the same time of one day: nothing can come between them");
  expect->files = section_number(section, "files", (Range){.otherwise = 1, .least = 1, .most = 100000});
  expect->calendar = build_calendar_name(section, conf);
  expect->time_zone = zone_or_node(section, conf);
  return expect;
}

/* ---- cut-off ---- */

static void build_cut_off(const Section *feed_section, const Conf *conf, ConfCutOff *cut_off) {
  static const char *const afters[] = {"next-day", "hold", "reject", NULL};
  Section section;
  if (!section_inner(feed_section, "cut-off", &section))
    return;
  cut_off->where = section_where(&section, NULL);
  cut_off->present = TRUE;
  section_require(&section, "at", "the time of the day from which files are too late, as \"17:00\"");
  cut_off->at = section_time_of_day(&section, "at", 0);
  cut_off->calendar = build_calendar_name(&section, conf);
  cut_off->time_zone = zone_or_node(&section, conf);
  cut_off->after = section_choice(&section, "after", afters, CONF_CUTOFF_NEXT_DAY);
}

void build_watch(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  build_repeats(feed_section, feed);
  build_sequence(feed_section, conf, feed);
  for (guint i = 0; i < section_count(feed_section, "expect"); i++) {
    Section section = section_at(feed_section, "expect", i);
    g_ptr_array_add(feed->expects, build_expect(&section, conf));
  }
  build_cut_off(feed_section, conf, &feed->cut_off);
  if (feed->cut_off.present && feed->cut_off.after == CONF_CUTOFF_NEXT_DAY && feed->business_date != NULL)
    conf_report_warning(feed_section->report, feed->cut_off.where,
                        "'cut-off' with after = next-day moves the day of arrival, and this feed's day is its "
                        "business-date: nothing is moved");
}
