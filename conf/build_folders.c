/* The two ends of a feed: the drop folder that it is taken from, and the folder that its feedback goes to. */
#include "conf/build.h"
#include "conf/pattern.h"
#include "conf/value.h"
#include <string.h>

static void build_endpoint_name(const Section *section, const Conf *conf, const ConfFeed *feed, char **name) {
  section_require(section, "endpoint", "one of the partner's endpoints");
  *name = section_name(section, "endpoint");
  const ConfPartner *partner = feed->partner == NULL ? NULL : conf_partner(conf, feed->partner);
  if (*name == NULL || partner == NULL || section->scan->lost || conf_endpoint(partner, *name) != NULL) return;
  section_error(section, "endpoint", "partner \"%s\" has no endpoint \"%s\"", partner->name, *name);
}

static char *build_remote_path(const Section *section, const char *option) {
  g_autofree char *text = section_text(section, option);
  if (text == NULL) return NULL;
  if (!value_has_dot_dot(text)) return value_clean_path(text);
  section_error(section, option, "'%s' must not hold '..'", option);
  return NULL;
}

static char *build_template(const Section *section, const char *option, const char *const *needed, const char *why) {
  char *text = section_text(section, option);
  if (text == NULL) return NULL;
  g_autofree char *problem = template_problem(text);
  if (problem != NULL) section_error(section, option, "'%s': %s", option, problem);
  else if (!template_has(text, needed)) section_error(section, option, "'%s' %s", option, why);
  return text;
}

static const char *const of_the_file[] = {"{name}", "{stem}", NULL};
static const char *const of_one_file[] = {"{name}", "{stem}", "{id}", NULL};
static const char marker_needs[] = "must contain {name} or {stem}: else one marker would stand for all files";
static const char name_needs[] = "must contain {name}, {stem} or {id}: else each file's feedback would replace the last one's";

/* ---- source ---- */

static void only_with(const Section *section, const char *option, gboolean fits, const char *with) {
  if (!fits && section_has(section, option)) section_error(section, option, "'%s' has a meaning only with %s", option, with);
}

static void build_glob_list(const Section *section, const char *option, char ***globs) {
  *globs = section_list(section, option, 50);
  for (char **glob = *globs; glob != NULL && *glob != NULL; glob++) {
    const char *problem = pattern_problem(*glob);
    if (problem != NULL) section_error(section, option, "'%s': %s", option, problem);
  }
}

static void build_evidence(const Section *section, ConfSourceFolder *source) {
  static const char *const kinds[] = {"marker", "rename", "stable", "age", NULL};
  source->ready = section_choice(section, "ready", kinds, CONF_READY_STABLE);
  only_with(section, "marker", source->ready == CONF_READY_MARKER, "ready = marker");
  only_with(section, "temporary", source->ready == CONF_READY_RENAME, "ready = rename");
  only_with(section, "looks", source->ready == CONF_READY_STABLE, "ready = stable");
  source->marker = build_template(section, "marker", of_the_file, marker_needs);
  if (source->marker == NULL && source->ready == CONF_READY_MARKER) source->marker = g_strdup("{name}.ok");
  build_glob_list(section, "temporary", &source->temporary);
  if (source->temporary == NULL && source->ready == CONF_READY_RENAME) source->temporary = g_strsplit("*.tmp|*.part|*.filepart", "|", -1);
  source->looks = section_number(section, "looks", (Range){.otherwise = 3, .least = 2, .most = 100});
  if (source->ready == CONF_READY_AGE) section_require(section, "least-age", "how long a file must have been left alone");
  source->least_age = section_seconds(section, "least-age",
                                      (Range){.otherwise = 0, .least = source->ready == CONF_READY_AGE, .most = 7 * 86400});
}

static void build_schedule(const Section *section, const Conf *conf, ConfSourceFolder *source) {
  gboolean by_cron = section_has(section, "cron");
  if (by_cron && section_has(section, "every")) section_error(section, "cron", "'cron' and 'every' exclude each other");
  only_with(section, "time-zone", by_cron, "cron");
  source->cron = section_text(section, "cron");
  source->every = section_seconds(section, "every", (Range){.otherwise = 60, .least = 1, .most = 7 * 86400});
  if (by_cron) source->every = 0;
  source->schedule_where = section_where(section, by_cron ? "cron" : "every");
  source->time_zone = build_time_zone(section);
  if (source->time_zone == NULL) source->time_zone = g_strdup(conf->node.time_zone);
}

static void build_archive(const Section *section, ConfSourceFolder *source) {
  static const char *const afters[] = {"archive", "delete", "keep", NULL};
  source->after = section_choice(section, "after", afters, CONF_AFTER_ARCHIVE);
  only_with(section, "archive", source->after == CONF_AFTER_ARCHIVE, "after = archive");
  source->archive = build_remote_path(section, "archive");
  if (source->archive == NULL && source->path != NULL) source->archive = g_build_filename(source->path, "archive", NULL);
  if (source->path != NULL && strcmp(source->archive, source->path) == 0)
    section_error(section, "archive", "'archive' is the folder that files are taken from");
}

void build_source(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  ConfSourceFolder *source = &feed->source;
  section_require(feed_section, "source", "the folder that the files come from");
  Section section;
  if (!section_inner(feed_section, "source", &section)) return;
  source->where = section_where(&section, NULL);
  build_endpoint_name(&section, conf, feed, &source->endpoint);
  section_require(&section, "path", "the folder on the endpoint");
  source->path = build_remote_path(&section, "path");
  section_require(&section, "match", "a pattern for the names of this feed's files");
  source->match = section_text(&section, "match");
  const char *problem = source->match == NULL ? NULL : pattern_problem(source->match);
  if (problem != NULL) section_error(&section, "match", "'match': %s", problem);
  build_evidence(&section, source);
  build_schedule(&section, conf, source);
  build_archive(&section, source);
  source->size_limit = section_size(&section, "size-limit", (Range){.otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40});
}

/* ---- feedback ---- */

/* The feedback's name with _EX before its first dot that is not in a placeholder. */
static char *default_exception_name(const char *name) {
  const char *dot = strchr(name, '.');
  return dot == NULL ? g_strconcat(name, "_EX", NULL) : g_strdup_printf("%.*s_EX%s", (int)(dot - name), name, dot);
}

static void build_columns(const Section *section, const Conf *conf, const ConfFeed *feed, ConfFeedback *feedback) {
  feedback->columns = section_list(section, "columns", 500);
  const ConfLayout *layout = feed->layout == NULL ? NULL : conf_layout(conf, feed->layout);
  if (layout == NULL || !layout->record.present) return;
  for (char **column = feedback->columns; column != NULL && *column != NULL; column++) {
    if (conf_line_field(&layout->record, *column) != NULL) continue;
    g_autofree char *suggestion = suggest_field(&layout->record, *column);
    section_error(section, "columns", "'columns': the record of layout \"%s\" has no field \"%s\"%s", layout->name, *column, suggestion);
  }
}

static void build_names(const Section *section, ConfFeedback *feedback) {
  section_require(section, "name", "what feedback files are called, as '{stem}_FB.dat.pgp'");
  feedback->name = build_template(section, "name", of_one_file, name_needs);
  feedback->exception_name = build_template(section, "exception-name", of_one_file, name_needs);
  if (feedback->exception_name == NULL && feedback->name != NULL) feedback->exception_name = default_exception_name(feedback->name);
  if (feedback->name != NULL && strcmp(feedback->name, feedback->exception_name) == 0)
    section_error(section, "exception-name", "'exception-name' and 'name' are the same: the partner could not tell the files apart");
  feedback->marker = build_template(section, "marker", of_the_file, marker_needs);
  if (feedback->marker != NULL && strcmp(feedback->marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
}

void build_feedback(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  static const char *const compressions[] = {"none", "fast", "zlib", NULL};
  static const char *const policies[] = {"refuse", "replace", NULL};
  ConfFeedback *feedback = &feed->feedback;
  section_require(feed_section, "feedback", "the folder that the answers go to");
  Section section;
  if (!section_inner(feed_section, "feedback", &section)) return;
  feedback->where = section_where(&section, NULL);
  build_endpoint_name(&section, conf, feed, &feedback->endpoint);
  section_require(&section, "path", "the folder on the endpoint");
  feedback->path = build_remote_path(&section, "path");
  build_names(&section, feedback);
  build_columns(&section, conf, feed, feedback);
  feedback->compress = section_choice(&section, "compress", compressions, CONF_COMPRESS_NONE);
  feedback->if_exists = section_choice(&section, "if-exists", policies, CONF_EXISTS_REFUSE);
}
