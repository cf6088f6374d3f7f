/* A mailbox's drop folders: the end's two folders, and what shows that a file in them is complete, or acknowledged. */
#include "conf/check/references.h"
#include "conf/read/section.h"
#include "conf/table/evidence.h"
#include "conf/table/exchange.h"
#include <string.h>

static gboolean is_end(const ConfDropFolder *folder, const ConfExchange *exchange) {
  return g_strcmp0(folder->name, exchange->source) == 0 || g_strcmp0(folder->name, exchange->consumer) == 0;
}

/* That an end is no partner has been told where it is named. */
static void check_end(const Section *section, gpointer into) {
  const ConfDropFolder *folder = into;
  const ConfExchange *exchange = section->outer->into;
  gboolean are_known = exchange->source && conf_partner(section->conf, exchange->source) && exchange->consumer &&
                       conf_partner(section->conf, exchange->consumer);
  if (are_known && !is_end(folder, exchange))
    section_error(section, NULL, "drop-folder \"%s\" is of neither end of the mailbox: it is named after one of them",
                  folder->name);
}

static void check_endpoint(const Section *section, gpointer into) {
  const ConfDropFolder *folder = into;
  const ConfPartner *end = is_end(folder, section->outer->into) ? conf_partner(section->conf, folder->name) : NULL;
  const ConfEndpoint *endpoint = end && folder->endpoint ? conf_endpoint(end, folder->endpoint) : NULL;
  reference_endpoint(section, end, ENDPOINT_FOLDERS, folder->endpoint);
  if (endpoint && endpoint->url && endpoint->scheme == CONF_URL_MAILBOX)
    section_error(section, "endpoint", "endpoint \"%s\" is a mailbox itself, and not a server with folders",
                  folder->endpoint);
}

static void fill_evidence(const Section *section, gpointer into) {
  ConfDropFolder *folder = into;
  evidence_fill(folder->ready, &folder->marker, &folder->temporary);
  if (folder->ready == CONF_READY_AGE)
    section_require(section, "least-age", "how long a file must have been left alone");
}

/* What we put must never look like what the end has put, or it would come back. */
static void check_folders(const Section *section, gpointer into) {
  ConfDropFolder *folder = into;
  if (!folder->done && folder->incoming)
    folder->done = g_build_filename(folder->incoming, "done", NULL);
  if (g_strcmp0(folder->incoming, folder->outgoing) == 0 || g_strcmp0(folder->done, folder->outgoing) == 0 ||
      g_strcmp0(folder->done, folder->incoming) == 0)
    section_error(section, "incoming", "'outgoing', 'incoming' and 'done' are three folders");
  if (g_strcmp0(folder->incoming_marker, "{name}") == 0)
    section_error(section, "incoming-marker", "'incoming-marker' is the name of the file itself");
}

#define IF_READY(constant, word) \
  .only_with = "ready = " word, .with = offsetof(ConfDropFolder, ready), .with_values = 1u << (constant)
static const Row rows[] = {
    WHERE(ConfDropFolder),
    TITLE(ConfDropFolder),
    CHECK(check_end),
    ROW(ConfDropFolder, "endpoint", endpoint, name, .needed = "one of the end's endpoints"),
    CHECK(check_endpoint),
    ROW(ConfDropFolder, "outgoing", outgoing, remote_path, .needed = "the folder that the end puts its files into"),
    ROW(ConfDropFolder, "incoming", incoming, remote_path, .needed = "the folder where it finds what has come for it"),
    ROW(ConfDropFolder, "done", done, remote_path),
    ROW(ConfDropFolder, "incoming-marker", incoming_marker, template, .rule = &template_of_marker),
    CHECK(check_folders),
    ROW(ConfDropFolder, "match", match, glob, .text = "*"),
    ROW(ConfDropFolder, "ready", ready, choice, .words = WORDS(CONF_READIES), .otherwise = CONF_READY_STABLE,
        .except = 1u << CONF_READY_DECLARED | 1u << CONF_READY_LISTED),
    ROW(ConfDropFolder, "marker", marker, template, .rule = &template_of_marker,
        IF_READY(CONF_READY_MARKER, "marker")),
    ROW(ConfDropFolder, "temporary", temporary, globs, .most = 50, IF_READY(CONF_READY_RENAME, "rename")),
    ROW(ConfDropFolder, "looks", looks, number, .otherwise = 3, .least = 2, .most = 100,
        IF_READY(CONF_READY_STABLE, "stable")),
    CHECK(fill_evidence),
    ROW(ConfDropFolder, "least-age", least_age, seconds, .most = 7 * 86400),
    ROW(ConfDropFolder, "every", every, seconds, .otherwise = 30, .least = 1, .most = 86400),
    ROW(ConfDropFolder, "requests", requests, glob),
    ROW(ConfDropFolder, "answers", answers, yes, .otherwise = TRUE),
    ROWS_END,
};
const Table table_drop_folder = TABLE(ConfDropFolder, rows);
