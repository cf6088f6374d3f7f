/* The folder that a feed's answers go to: what they are called, how they are written, and what is around them. */
#include "conf/build.h"
#include <string.h>

/* The feedback's name with _EX before its first dot that is not in a placeholder. */
static char *default_exception_name(const char *name) {
  const char *dot = strchr(name, '.');
  return dot == NULL ? g_strconcat(name, "_EX", NULL) : g_strdup_printf("%.*s_EX%s", (int)(dot - name), name, dot);
}

static void build_names(const Section *section, ConfFeedback *feedback) {
  section_require(section, "name", "what feedback files are called, as '{stem}_FB.dat.pgp'");
  feedback->name = build_template(section, "name", template_of_answer);
  feedback->exception_name = build_template(section, "exception-name", template_of_answer);
  if (feedback->exception_name == NULL && feedback->name != NULL)
    feedback->exception_name = default_exception_name(feedback->name);
  if (feedback->name != NULL && strcmp(feedback->name, feedback->exception_name) == 0)
    section_error(section, "exception-name",
                  "'exception-name' and 'name' are the same: the partner could not tell the files apart");
  feedback->marker = build_template(section, "marker", template_of_marker);
  if (feedback->marker != NULL && strcmp(feedback->marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
}

static void build_form(const Section *section, ConfFeedback *feedback) {
  static const char *const ends[] = {"lf", "crlf", NULL};
  feedback->charset = build_charset(section);
  feedback->delimiter = build_delimiter(section, FALSE);
  guint end = section_choice(section, "line-end", ends, G_MAXUINT);
  feedback->line_end = end == G_MAXUINT ? NULL : g_strdup(ends[end]);
  feedback->neutralise = section_yes(section, "neutralise-formulas", FALSE);
}

static void build_protection(const Section *section, ConfFeedback *feedback) {
  static const char *const compressions[] = {"none", "fast", "zlib", NULL};
  feedback->envelope = build_envelope(section, TRUE, CONF_ENVELOPE_OPENPGP);
  section_only_with(section, "compress", feedback->envelope == CONF_ENVELOPE_OPENPGP,
                    "envelope = openpgp, which does it");
  feedback->compress = section_choice(section, "compress", compressions, CONF_COMPRESS_NONE);
  feedback->packing = build_packing(section, "packing");
  feedback->outer_packing = build_packing(section, "outer-packing");
  gboolean is_zip = feedback->packing == CONF_PACK_ZIP || feedback->outer_packing == CONF_PACK_ZIP;
  section_only_with(section, "member", is_zip, "packing = zip or outer-packing = zip");
  feedback->member = build_template(section, "member", (TemplateRule){.kind = TEMPLATE_FILE});
  if (feedback->envelope == CONF_ENVELOPE_NONE && feedback->packing != CONF_PACK_NONE &&
      feedback->outer_packing != CONF_PACK_NONE)
    section_error(section, "outer-packing",
                  "'outer-packing': there is no envelope between it and packing; one packing is enough");
  feedback->digest = build_template(section, "digest", template_of_marker);
  if (feedback->digest != NULL && strcmp(feedback->digest, "{name}") == 0)
    section_error(section, "digest", "'digest' is the name of the file itself");
  if (feedback->digest != NULL && g_strcmp0(feedback->digest, feedback->marker) == 0)
    section_error(section, "digest", "'digest' and 'marker' are the same name");
}

void build_feedback(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  static const char *const policies[] = {"refuse", "replace", NULL};
  ConfFeedback *feedback = &feed->feedback;
  section_require(feed_section, "feedback", "the folder that the answers go to");
  Section section;
  if (!section_inner(feed_section, "feedback", &section))
    return;
  feedback->where = section_where(&section, NULL);
  section_require(&section, "endpoint", "one of the partner's endpoints");
  build_endpoint_name(&section, feed->partner == NULL ? NULL : conf_partner(conf, feed->partner), ENDPOINT_FOLDERS,
                      &feedback->endpoint);
  section_require(&section, "path", "the folder on the endpoint");
  feedback->path = build_remote_path(&section, "path");
  build_names(&section, feedback);
  feedback->columns = build_record_columns(&section, feed->layout == NULL ? NULL : conf_layout(conf, feed->layout));
  build_form(&section, feedback);
  build_protection(&section, feedback);
  feedback->if_exists = section_choice(&section, "if-exists", policies, CONF_EXISTS_REFUSE);
}
