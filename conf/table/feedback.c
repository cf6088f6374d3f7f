/* The folder that a feed's answers go to: what they are called, how they are written, and what is around them. */
#include "conf/check/references.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

static void check_endpoint(const Section *section, gpointer into) {
  const ConfFeed *feed = section->outer->into;
  const ConfPartner *partner = feed->partner ? conf_partner(section->conf, feed->partner) : NULL;
  reference_endpoint(section, partner, ENDPOINT_FOLDERS, ((ConfFeedback *)into)->endpoint);
}

/* --- Names. */

/* Gives the feedback's name with _EX before its first dot that is not in a placeholder. */
static char *default_exception_name(const char *name) {
  const char *dot = strchr(name, '.');
  return dot ? g_strdup_printf("%.*s_EX%s", (int)(dot - name), name, dot) : g_strconcat(name, "_EX", NULL);
}

static void check_names(const Section *section, gpointer into) {
  ConfFeedback *feedback = into;
  if (!feedback->exception_name && feedback->name)
    feedback->exception_name = default_exception_name(feedback->name);
  if (feedback->name && strcmp(feedback->name, feedback->exception_name) == 0)
    section_error(section, "exception-name",
                  "'exception-name' and 'name' are the same: the partner could not tell the files apart");
}

static void check_marker(const Section *section, gpointer into) {
  if (g_strcmp0(((ConfFeedback *)into)->marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
}

static void check_digest(const Section *section, gpointer into) {
  const ConfFeedback *feedback = into;
  if (g_strcmp0(feedback->digest, "{name}") == 0)
    section_error(section, "digest", "'digest' is the name of the file itself");
  if (feedback->digest && g_strcmp0(feedback->digest, feedback->marker) == 0)
    section_error(section, "digest", "'digest' and 'marker' are the same name");
}

/* --- What is within, and around. */

static void check_columns(const Section *section, gpointer into) {
  const ConfFeed *feed = section->outer->into;
  reference_record_columns(section, ((ConfFeedback *)into)->columns,
                           feed->layout ? conf_layout(section->conf, feed->layout) : NULL);
}

static void check_group_lines(const Section *section, gpointer into) {
  (void)into;
  const ConfFeed *feed = section->outer->into;
  const ConfLayout *layout = feed->layout ? conf_layout(section->conf, feed->layout) : NULL;
  section_only_with(section, "group-lines", !layout || (layout->groups && layout->groups->len > 0),
                    "a layout that has groups");
}

static void check_packing(const Section *section, gpointer into) {
  const ConfFeedback *feedback = into;
  if (feedback->envelope == CONF_ENVELOPE_NONE && feedback->packing != CONF_PACK_NONE &&
      feedback->outer_packing != CONF_PACK_NONE)
    section_error(section, "outer-packing",
                  "'outer-packing': there is no envelope between it and packing; one packing is enough");
}

static void check_member(const Section *section, gpointer into) {
  const ConfFeedback *feedback = into;
  gboolean is_zip = feedback->packing == CONF_PACK_ZIP || feedback->outer_packing == CONF_PACK_ZIP;
  section_only_with(section, "member", is_zip, "packing = zip or outer-packing = zip");
}

static const Row rows[] = {
    WHERE(ConfFeedback),
    ROW(ConfFeedback, "endpoint", endpoint, name, .needed = "one of the partner's endpoints"),
    CHECK(check_endpoint),
    ROW(ConfFeedback, "path", path, remote_path, .needed = "the folder on the endpoint"),
    ROW(ConfFeedback, "name", name, template, .rule = &template_of_answer,
        .needed = "what feedback files are called, as '{stem}_FB.dat.pgp'"),
    ROW(ConfFeedback, "exception-name", exception_name, template, .rule = &template_of_answer),
    CHECK(check_names),
    ROW(ConfFeedback, "marker", marker, template, .rule = &template_of_marker),
    CHECK(check_marker),
    ROW(ConfFeedback, "columns", columns, list, .most = 500),
    CHECK(check_columns),
    ROW(ConfFeedback, "group-lines", group_lines, yes),
    CHECK(check_group_lines),
    ROW(ConfFeedback, "explain", explain, words, .words = WORDS(CONF_EXPLAINS)),
    ROW(ConfFeedback, "charset", charset, charset),
    ROW(ConfFeedback, "delimiter", delimiter, delimiter),
    ROW(ConfFeedback, "line-end", line_end, word, .words = words_line_end),
    ROW(ConfFeedback, "neutralise-formulas", neutralise, yes),
    ROW(ConfFeedback, "envelope", envelope, choice, .words = WORDS(CONF_ENVELOPES), .otherwise = CONF_ENVELOPE_OPENPGP),
    ROW(ConfFeedback, "compress", compress, choice, .words = WORDS(CONF_COMPRESSES), .otherwise = CONF_COMPRESS_NONE,
        .only_with = "envelope = openpgp, which does it", .with = offsetof(ConfFeedback, envelope),
        .with_values = 1u << CONF_ENVELOPE_OPENPGP),
    ROW(ConfFeedback, "packing", packing, choice, .words = WORDS(CONF_PACKINGS), .otherwise = CONF_PACK_NONE),
    ROW(ConfFeedback, "outer-packing", outer_packing, choice, .words = WORDS(CONF_PACKINGS),
        .otherwise = CONF_PACK_NONE),
    CHECK(check_member),
    ROW(ConfFeedback, "member", member, template, .rule = &template_of_any),
    CHECK(check_packing),
    ROW(ConfFeedback, "digest", digest, template, .rule = &template_of_marker),
    CHECK(check_digest),
    ROW(ConfFeedback, "if-exists", if_exists, choice, .words = WORDS(CONF_IF_EXISTS), .otherwise = CONF_EXISTS_REFUSE),
    ROW(ConfFeedback, "write", write, choice, .words = WORDS(CONF_WRITES), .otherwise = CONF_WRITE_RENAME),
    ROW(ConfFeedback, "vanishes", vanishes, choice, .words = WORDS(CONF_VANISHES), .otherwise = CONF_VANISHES_UNKNOWN),
    ROWS_END,
};
const Table table_feedback = TABLE(ConfFeedback, rows);
