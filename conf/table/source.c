/* The drop folder that a feed's files are taken from: what shows that they are complete, when they are looked for, and
 * what is around the records. */
#include "conf/check/references.h"
#include "conf/read/section.h"
#include "conf/read/url.h"
#include "conf/table/evidence.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <string.h>

static void check_endpoint(const Section *section, gpointer into) {
  const ConfFeed *feed = section->outer->into;
  const ConfPartner *partner = feed->partner ? conf_partner(section->conf, feed->partner) : NULL;
  reference_endpoint(section, partner, ENDPOINT_FOLDERS, ((ConfSourceFolder *)into)->endpoint);
}

/* --- What shows that a file is complete. */

void evidence_fill(ConfReady ready, char **marker, char ***temporary) {
  if (!*marker && ready == CONF_READY_MARKER)
    *marker = g_strdup("{name}.ok");
  if (!*temporary && ready == CONF_READY_RENAME)
    *temporary = g_strsplit("*.tmp|*.part|*.filepart", "|", -1);
}

/* A mailbox lists what is whole, and keeps it until it is acknowledged: there is nothing to choose. */
static gboolean is_of_mailbox(const Section *section, const ConfSourceFolder *source) {
  const ConfFeed *feed = section->outer->into;
  const ConfPartner *partner = feed->partner ? conf_partner(section->conf, feed->partner) : NULL;
  const ConfEndpoint *endpoint = partner && source->endpoint ? conf_endpoint(partner, source->endpoint) : NULL;
  return endpoint && endpoint->url && endpoint->scheme == CONF_URL_MAILBOX;
}

static void settle_ready(const Section *section, gpointer into) {
  ConfSourceFolder *source = into;
  gboolean is_mailbox = is_of_mailbox(section, source), is_said = section_has(section, "ready");
  if (is_said && is_mailbox != (source->ready == CONF_READY_LISTED))
    section_error(section, "ready", "'ready': listed is for mailbox:// endpoints, which need not be told");
  if (is_mailbox)
    source->ready = CONF_READY_LISTED;
}

static void settle_after(const Section *section, gpointer into) {
  ConfSourceFolder *source = into;
  gboolean is_mailbox = source->ready == CONF_READY_LISTED, is_said = section_has(section, "after");
  if (is_said && is_mailbox != (source->after == CONF_AFTER_ACKNOWLEDGE))
    section_error(section, "after", "'after': acknowledge is for mailbox:// endpoints, which need not be told");
  if (is_mailbox)
    source->after = CONF_AFTER_ACKNOWLEDGE;
}

/* It is listed once, so that nothing beside it and no later look can be waited for. */
static void check_listed(const Section *section, gpointer into) {
  const ConfSourceFolder *source = into;
  if (source->ready != CONF_READY_LISTED)
    return;
  static const char *const others[] = {"declared", "least-age", "archive"};
  for (guint i = 0; i < G_N_ELEMENTS(others); i++)
    if (section_has(section, others[i]))
      section_error(section, others[i], "'%s' has no meaning with %s://", others[i],
                    url_scheme_word(CONF_URL_MAILBOX));
  if (source->envelope == CONF_ENVELOPE_DETACHED)
    section_error(section, "envelope",
                  "'envelope': an item of a mailbox comes without files beside it; use openpgp");
}

static void fill_evidence(const Section *section, gpointer into) {
  (void)section;
  ConfSourceFolder *source = into;
  evidence_fill(source->ready, &source->marker, &source->temporary);
}

/* Where age is the evidence, there must be some. */
static void read_least_age(const Section *section, const Row *row, gpointer at) {
  const ConfSourceFolder *source = section->into;
  Row own = *row;
  own.least = source->ready == CONF_READY_AGE;
  if (source->ready == CONF_READY_AGE)
    section_require(section, row->name, "how long a file must have been left alone");
  kind_seconds.read(section, &own, at);
}

/* --- Files that say what the file is. */

static const char *const declared_words[] = {"name", "size",   "records", "total", "md5",
                                             "sha1", "sha256", "sha512",  "-",     NULL};

/* Gives what a column is: its word, which stands behind the partner's own key in pairs. */
static const char *declared_word(const ConfDeclared *declared, const char *column) {
  if (declared->format != CONF_DECLARED_PAIRS)
    return column;
  const char *colon = strrchr(column, ':');
  return !colon || colon == column ? "" : colon + 1;
}

static gboolean is_declared_word(const Section *section, const ConfDeclared *declared, const char *word) {
  if (g_strv_contains(declared_words, word))
    return TRUE;
  g_autofree char *all = g_strjoinv(" ", (char **)declared_words);
  section_error(section, "columns", "'columns': each is one of %s%s", all,
                declared->format == CONF_DECLARED_PAIRS
                    ? ", behind the key that the file has for it and a colon, as \"rows:records\""
                    : "");
  return FALSE;
}

static void check_declared_columns(const Section *section, const ConfDeclared *declared) {
  guint proofs = 0, names = 0;
  for (char **column = declared->columns; *column; column++) {
    const char *word = declared_word(declared, *column);
    if (!is_declared_word(section, declared, word))
      return;
    for (char **other = declared->columns; other != column; other++)
      if (strcmp(word, "-") != 0 && strcmp(word, declared_word(declared, *other)) == 0)
        section_error(section, "columns", "'columns': %s stands there twice", word);
    if (strcmp(word, "name") == 0)
      names++;
    else if (strcmp(word, "-") != 0)
      proofs++;
  }
  if (proofs == 0)
    section_error(section, "columns",
                  "'columns' declare nothing that could be checked: a size, a number of records, a total or a digest");
  if (names == 0 && declared->file && !strchr(declared->file, '{'))
    section_error(section, "columns", "'columns': an index of several files needs the column name");
}

/* A template of a name beside the file's, or a pattern for indexes. */
static void read_declared_file(const Section *section, const Row *row, gpointer at) {
  g_autofree char *text = section_text(section, row->name);
  if (text && strchr(text, '{'))
    kind_template.read(section, row, at);
  else if (text)
    kind_glob.read(section, row, at);
}

static void require_columns(const Section *section, gpointer into) {
  if (((ConfDeclared *)into)->format != CONF_DECLARED_SUMS)
    section_require(section, "columns", "what stands where in it");
}

static void check_declared(const Section *section, gpointer into) {
  ConfDeclared *declared = into;
  if (declared->format == CONF_DECLARED_SUMS)
    return;
  if (!declared->delimiter)
    declared->delimiter = g_strdup(declared->format == CONF_DECLARED_PAIRS ? "=" : ",");
  if (declared->columns)
    check_declared_columns(section, declared);
}

static const Kind kind_declared_file = {.store = STORE_TEXT, .read = read_declared_file};
#define WITH_COLUMNS                                                                \
  .only_with = "format = columns or pairs", .with = offsetof(ConfDeclared, format), \
  .with_values = 1u << CONF_DECLARED_COLUMNS | 1u << CONF_DECLARED_PAIRS
static const Row declared_rows[] = {
    WHERE(ConfDeclared),
    PRESENT(ConfDeclared),
    ROW(ConfDeclared, "format", format, choice, .words = WORDS(CONF_DECLARED_FORMATS), .otherwise = CONF_DECLARED_SUMS),
    ROW(ConfDeclared, "file", file, declared_file, .rule = &template_of_marker,
        .needed = "the file that declares: '{name}.sha256', or of several files, 'INDEX_*.txt'"),
    CHECK(require_columns),
    ROW(ConfDeclared, "columns", columns, list, .most = 50, WITH_COLUMNS),
    ROW(ConfDeclared, "delimiter", delimiter, delimiter, WITH_COLUMNS),
    CHECK(check_declared),
    ROWS_END,
};
static const Table table_declared = TABLE(ConfDeclared, declared_rows);

static void require_declared(const Section *section, gpointer into) {
  if (((ConfSourceFolder *)into)->ready == CONF_READY_DECLARED)
    section_require(section, "declared", "the file that says that another is complete");
}

/* --- When. */

static void check_schedule(const Section *section, gpointer into) {
  ConfSourceFolder *source = into;
  gboolean by_cron = section_has(section, "cron");
  if (by_cron && section_has(section, "every"))
    section_error(section, "cron", "'cron' and 'every' exclude each other");
  section_only_with(section, "time-zone", by_cron, "cron");
  source->schedule_where = section_where(section, by_cron ? "cron" : "every");
}

static void fill_every(const Section *section, gpointer into) {
  if (section_has(section, "cron"))
    ((ConfSourceFolder *)into)->every = 0;
}

/* --- What becomes of the file, and what is around the records. */

static void check_archive(const Section *section, gpointer into) {
  ConfSourceFolder *source = into;
  if (!source->archive && source->path)
    source->archive = g_build_filename(source->path, "archive", NULL);
  g_autofree char *from = source->path ? g_canonicalize_filename(source->path, "/") : NULL,
                  *to = source->archive ? g_canonicalize_filename(source->archive, "/") : NULL;
  if (from && g_strcmp0(from, to) == 0)
    section_error(section, "archive", "'archive' is the folder that files are taken from");
}

static void check_marker(const Section *section, gpointer into) {
  if (g_strcmp0(((ConfSourceFolder *)into)->marker, "{name}") == 0)
    section_error(section, "marker",
                  "'marker' is the name of the file itself, which would be taken as soon as it is there, half written");
}

static void check_signature(const Section *section, gpointer into) {
  ConfSourceFolder *source = into;
  if (!source->signature && source->envelope == CONF_ENVELOPE_DETACHED)
    source->signature = g_strdup("{name}.sig");
  if (g_strcmp0(source->signature, "{name}") == 0)
    section_error(section, "signature", "'signature' is the name of the file itself");
}

static void check_packing(const Section *section, gpointer into) {
  const ConfSourceFolder *source = into;
  if (source->envelope == CONF_ENVELOPE_NONE && source->outer_packing != CONF_PACK_NONE &&
      source->inner_packing != CONF_PACK_NONE)
    section_error(section, "inner-packing",
                  "'inner-packing': there is no envelope between it and outer-packing; one packing is enough");
}

static const Kind kind_least_age = {.store = STORE_UINT, .read = read_least_age};
#define IF_READY(constant, word) \
  .only_with = "ready = " word, .with = offsetof(ConfSourceFolder, ready), .with_values = 1u << (constant)
static const Row rows[] = {
    WHERE(ConfSourceFolder),
    ROW(ConfSourceFolder, "endpoint", endpoint, name, .needed = "one of the partner's endpoints"),
    CHECK(check_endpoint),
    ROW(ConfSourceFolder, "path", path, remote_path, .needed = "the folder on the endpoint"),
    ROW(ConfSourceFolder, "match", match, glob, .needed = "a pattern for the names of this feed's files"),
    ROW(ConfSourceFolder, "ready", ready, choice, .words = WORDS(CONF_READIES), .otherwise = CONF_READY_STABLE),
    CHECK(settle_ready),
    ROW(ConfSourceFolder, "wait", wait, seconds, .otherwise = 25, .most = 60,
        IF_READY(CONF_READY_LISTED, "listed")),
    ROW(ConfSourceFolder, "marker", marker, template, .rule = &template_of_marker,
        IF_READY(CONF_READY_MARKER, "marker")),
    CHECK(check_marker),
    ROW(ConfSourceFolder, "temporary", temporary, globs, .most = 50, IF_READY(CONF_READY_RENAME, "rename")),
    CHECK(fill_evidence),
    ROW(ConfSourceFolder, "looks", looks, number, .otherwise = 3, .least = 2, .most = 100,
        IF_READY(CONF_READY_STABLE, "stable")),
    ROW(ConfSourceFolder, "least-age", least_age, least_age, .most = 7 * 86400),
    CHECK(require_declared),
    SECTION(ConfSourceFolder, "declared", declared, table_declared),
    CHECK(check_schedule),
    KEPT(ConfSourceFolder, schedule_where, where),
    ROW(ConfSourceFolder, "cron", cron, text),
    ROW(ConfSourceFolder, "every", every, seconds, .otherwise = 60, .least = 1, .most = 7 * 86400),
    CHECK(fill_every),
    ROW(ConfSourceFolder, "calendar", calendar, calendar),
    ROW(ConfSourceFolder, "time-zone", time_zone, own_time_zone),
    ROW(ConfSourceFolder, "tell-after", tell_after, seconds, .otherwise = 3600, .most = 31 * 86400),
    ROW(ConfSourceFolder, "empty-file", empty, choice, .words = WORDS(CONF_EMPTIES), .otherwise = CONF_EMPTY_REFUSE),
    ROW(ConfSourceFolder, "ignore", ignore, globs, .most = 50),
    ROW(ConfSourceFolder, "after", after, choice, .words = WORDS(CONF_AFTERS), .otherwise = CONF_AFTER_ARCHIVE),
    CHECK(settle_after),
    ROW(ConfSourceFolder, "archive", archive, remote_path, .only_with = "after = archive",
        .with = offsetof(ConfSourceFolder, after), .with_values = 1u << CONF_AFTER_ARCHIVE),
    CHECK(check_archive),
    ROW(ConfSourceFolder, "envelope", envelope, choice, .words = WORDS(CONF_ENVELOPES),
        .otherwise = CONF_ENVELOPE_OPENPGP),
    ROW(ConfSourceFolder, "signature", signature, template, .rule = &template_of_marker,
        .only_with = "envelope = detached-signature", .with = offsetof(ConfSourceFolder, envelope),
        .with_values = 1u << CONF_ENVELOPE_DETACHED),
    CHECK(check_signature),
    ROW(ConfSourceFolder, "outer-packing", outer_packing, choice, .words = WORDS(CONF_PACKINGS),
        .otherwise = CONF_PACK_NONE),
    ROW(ConfSourceFolder, "inner-packing", inner_packing, choice, .words = WORDS(CONF_PACKINGS),
        .otherwise = CONF_PACK_NONE),
    CHECK(check_packing),
    CHECK(check_listed),
    ROW(ConfSourceFolder, "size-limit", size_limit, size64, .otherwise = 4ULL << 30, .least = 1024, .most = 1ULL << 40),
    ROWS_END,
};
const Table table_source = TABLE(ConfSourceFolder, rows);
