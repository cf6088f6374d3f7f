/* The drop folder that a feed's files are taken from: what shows that they are complete, when they are looked for, and
 * what is around the records. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

static void build_glob_list(const Section *section, const char *option, char ***globs) {
  *globs = section_list(section, option, 50);
  for (char **glob = *globs; glob != NULL && *glob != NULL; glob++) {
    const char *problem = pattern_problem(*glob);
    if (problem != NULL)
      section_error(section, option, "'%s': %s", option, problem);
  }
}

static void build_evidence(const Section *section, ConfSourceFolder *source) {
  static const char *const kinds[] = {"marker", "rename", "stable", "age", "declared", NULL};
  source->ready = section_choice(section, "ready", kinds, CONF_READY_STABLE);
  section_only_with(section, "marker", source->ready == CONF_READY_MARKER, "ready = marker");
  section_only_with(section, "temporary", source->ready == CONF_READY_RENAME, "ready = rename");
  section_only_with(section, "looks", source->ready == CONF_READY_STABLE, "ready = stable");
  source->marker = build_template(section, "marker", template_of_marker);
  if (source->marker == NULL && source->ready == CONF_READY_MARKER)
    source->marker = g_strdup("{name}.ok");
  build_glob_list(section, "temporary", &source->temporary);
  if (source->temporary == NULL && source->ready == CONF_READY_RENAME)
    source->temporary = g_strsplit("*.tmp|*.part|*.filepart", "|", -1);
  source->looks = section_number(section, "looks", (Range){.otherwise = 3, .least = 2, .most = 100});
  if (source->ready == CONF_READY_AGE)
    section_require(section, "least-age", "how long a file must have been left alone");
  source->least_age = section_seconds(
      section, "least-age", (Range){.otherwise = 0, .least = source->ready == CONF_READY_AGE, .most = 7 * 86400});
}

static void build_schedule(const Section *section, const Conf *conf, ConfSourceFolder *source) {
  gboolean by_cron = section_has(section, "cron");
  if (by_cron && section_has(section, "every"))
    section_error(section, "cron", "'cron' and 'every' exclude each other");
  section_only_with(section, "time-zone", by_cron, "cron");
  source->cron = section_text(section, "cron");
  source->every = section_seconds(section, "every", (Range){.otherwise = 60, .least = 1, .most = 7 * 86400});
  if (by_cron)
    source->every = 0;
  source->calendar = build_calendar_name(section, conf);
  source->schedule_where = section_where(section, by_cron ? "cron" : "every");
  source->time_zone = build_time_zone(section, "time-zone");
  if (source->time_zone == NULL)
    source->time_zone = g_strdup(conf->node.time_zone);
}

static void build_archive(const Section *section, ConfSourceFolder *source) {
  static const char *const afters[] = {"archive", "delete", "keep", NULL};
  source->after = section_choice(section, "after", afters, CONF_AFTER_ARCHIVE);
  section_only_with(section, "archive", source->after == CONF_AFTER_ARCHIVE, "after = archive");
  source->archive = build_remote_path(section, "archive");
  if (source->archive == NULL && source->path != NULL)
    source->archive = g_build_filename(source->path, "archive", NULL);
  if (source->path != NULL && source->archive != NULL && strcmp(source->archive, source->path) == 0)
    section_error(section, "archive", "'archive' is the folder that files are taken from");
}

/* ---- files that say what the file is ---- */

static const char *const declared_words[] = {"name", "size",   "records", "total", "md5",
                                             "sha1", "sha256", "sha512",  "-",     NULL};

/* What a column is: its word, which stands behind the partner's own key in pairs. */
static const char *declared_word(const ConfDeclared *declared, const char *column) {
  if (declared->format != CONF_DECLARED_PAIRS)
    return column;
  const char *colon = strrchr(column, ':');
  return colon == NULL || colon == column ? "" : colon + 1;
}

static void check_declared_columns(const Section *section, const ConfDeclared *declared) {
  guint proofs = 0, names = 0;
  for (char **column = declared->columns; column != NULL && *column != NULL; column++) {
    const char *word = declared_word(declared, *column);
    if (!g_strv_contains(declared_words, word)) {
      g_autofree char *all = g_strjoinv(" ", (char **)declared_words);
      section_error(section, "columns", "'columns': each is one of %s%s", all,
                    declared->format == CONF_DECLARED_PAIRS
                        ? ", behind the key that the file has for it and a colon, as \"rows:records\""
                        : "");
      return;
    }
    for (char **other = declared->columns; other != column; other++)
      if (strcmp(word, "-") != 0 && strcmp(word, declared_word(declared, *other)) == 0)
        section_error(section, "columns", "'columns': %s stands there twice", word);
    if (strcmp(word, "name") == 0)
      names++;
    else if (strcmp(word, "-") != 0)
      proofs++;
  }
  if (declared->columns != NULL && proofs == 0)
    section_error(section, "columns",
                  "'columns' declare nothing that could be checked: a size, a number of records, a total or a digest");
  if (declared->columns != NULL && names == 0 && declared->file != NULL && strchr(declared->file, '{') == NULL)
    section_error(section, "columns", "'columns': an index of several files needs the column name");
}

/* A template of a name beside the file's, or a pattern for indexes. */
static void build_declared_file(const Section *section, ConfDeclared *declared) {
  section_require(section, "file", "the file that declares: '{name}.sha256', or of several files, 'INDEX_*.txt'");
  declared->file = section_text(section, "file");
  if (declared->file == NULL)
    return;
  if (strchr(declared->file, '{') != NULL) {
    g_free(declared->file);
    declared->file = build_template(section, "file", template_of_marker);
    return;
  }
  const char *problem = pattern_problem(declared->file);
  if (problem != NULL)
    section_error(section, "file", "'file': %s", problem);
}

static void build_declared(const Section *source_section, ConfSourceFolder *source) {
  static const char *const formats[] = {"sums", "columns", "pairs", NULL};
  ConfDeclared *declared = &source->declared;
  Section section;
  if (source->ready == CONF_READY_DECLARED)
    section_require(source_section, "declared", "the file that says that another is complete");
  if (!section_inner(source_section, "declared", &section))
    return;
  declared->where = section_where(&section, NULL);
  declared->present = TRUE;
  declared->format = section_choice(&section, "format", formats, CONF_DECLARED_SUMS);
  gboolean has_columns = declared->format != CONF_DECLARED_SUMS;
  build_declared_file(&section, declared);
  section_only_with(&section, "columns", has_columns, "format = columns or pairs");
  section_only_with(&section, "delimiter", has_columns, "format = columns or pairs");
  if (has_columns)
    section_require(&section, "columns", "what stands where in it");
  declared->columns = section_list(&section, "columns", 50);
  declared->delimiter = build_delimiter(&section, FALSE);
  if (declared->delimiter == NULL && has_columns)
    declared->delimiter = g_strdup(declared->format == CONF_DECLARED_PAIRS ? "=" : ",");
  if (has_columns)
    check_declared_columns(&section, declared);
}

/* ---- what is around the records ---- */

static void build_protection(const Section *section, ConfSourceFolder *source) {
  source->envelope = build_envelope(section, TRUE, CONF_ENVELOPE_OPENPGP);
  section_only_with(section, "signature", source->envelope == CONF_ENVELOPE_DETACHED, "envelope = detached-signature");
  source->signature = build_template(section, "signature", template_of_marker);
  if (source->signature == NULL && source->envelope == CONF_ENVELOPE_DETACHED)
    source->signature = g_strdup("{name}.sig");
  if (source->signature != NULL && strcmp(source->signature, "{name}") == 0)
    section_error(section, "signature", "'signature' is the name of the file itself");
  source->outer_packing = build_packing(section, "outer-packing");
  source->inner_packing = build_packing(section, "inner-packing");
  if (source->envelope == CONF_ENVELOPE_NONE && source->outer_packing != CONF_PACK_NONE &&
      source->inner_packing != CONF_PACK_NONE)
    section_error(section, "inner-packing",
                  "'inner-packing': there is no envelope between it and outer-packing; one packing is enough");
}

void build_source(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  ConfSourceFolder *source = &feed->source;
  section_require(feed_section, "source", "the folder that the files come from");
  Section section;
  if (!section_inner(feed_section, "source", &section))
    return;
  source->where = section_where(&section, NULL);
  section_require(&section, "endpoint", "one of the partner's endpoints");
  build_endpoint_name(&section, feed->partner == NULL ? NULL : conf_partner(conf, feed->partner), ENDPOINT_FOLDERS,
                      &source->endpoint);
  section_require(&section, "path", "the folder on the endpoint");
  source->path = build_remote_path(&section, "path");
  section_require(&section, "match", "a pattern for the names of this feed's files");
  source->match = section_text(&section, "match");
  const char *problem = source->match == NULL ? NULL : pattern_problem(source->match);
  if (problem != NULL)
    section_error(&section, "match", "'match': %s", problem);
  build_evidence(&section, source);
  build_declared(&section, source);
  build_schedule(&section, conf, source);
  build_archive(&section, source);
  build_protection(&section, source);
  source->size_limit = section_size(&section, "size-limit",
                                    (Range){.otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40});
}
