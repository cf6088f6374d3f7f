/* process deliver { … }: an inner folder takes the whole file. */
#include "conf/check/references.h"
#include "conf/table/kinds.h"
#include "conf/table/process.h"
#include <string.h>

static void check_endpoint(const Section *section, gpointer into) {
  const ConfDeliver *deliver = into;
  reference_system_endpoint(section, deliver->system, ENDPOINT_FOLDERS, deliver->endpoint);
}

static void check_marker(const Section *section, gpointer into) {
  if (g_strcmp0(((ConfDeliver *)into)->marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
}

static void require_key(const Section *section, gpointer into) {
  if (((ConfDeliver *)into)->envelope == CONF_ENVELOPE_OPENPGP)
    section_require(section, "encrypt-to", "the key of the system that takes the file, or its current and next one");
}

static const Row rows[] = {
    ROW(ConfDeliver, "system", system, system, .needed = "the inner system that takes the files"),
    ROW(ConfDeliver, "endpoint", endpoint, name, .needed = "one of the system's endpoints"),
    CHECK(check_endpoint),
    ROW(ConfDeliver, "path", path, remote_path, .needed = "the folder on the endpoint"),
    ROW(ConfDeliver, "name", name, template, .rule = &template_of_answer,
        .needed = "what the files are called there, as '{name}'"),
    ROW(ConfDeliver, "marker", marker, template, .rule = &template_of_marker),
    CHECK(check_marker),
    ROW(ConfDeliver, "envelope", envelope, choice, .words = WORDS(CONF_ENVELOPES),
        .except = 1u << CONF_ENVELOPE_DETACHED, .otherwise = CONF_ENVELOPE_NONE,
        .needed = "how the file is handed on: openpgp (encrypted anew), or unprotected-plain-text"),
    CHECK(require_key),
    ROW(ConfDeliver, "encrypt-to", encrypt_to, fingerprints, .only_with = "envelope = openpgp",
        .with = offsetof(ConfDeliver, envelope), .with_values = 1u << CONF_ENVELOPE_OPENPGP),
    ROW(ConfDeliver, "packing", packing, choice, .words = WORDS(CONF_PACKINGS), .otherwise = CONF_PACK_NONE),
    ROW(ConfDeliver, "if-exists", if_exists, choice, .words = WORDS(CONF_IF_EXISTS), .otherwise = CONF_EXISTS_REFUSE),
    ROW(ConfDeliver, "write", write, choice, .words = WORDS(CONF_WRITES), .otherwise = CONF_WRITE_RENAME),
    ROW(ConfDeliver, "vanishes", vanishes, choice, .words = WORDS(CONF_VANISHES), .otherwise = CONF_VANISHES_UNKNOWN),
    CHECK(process_takes_whole_files),
    ROWS_END,
};
const Table table_deliver = TABLE(ConfDeliver, rows);

const ProcessParts parts_deliver = {{{&table_deliver, offsetof(ConfFeed, deliver)}}};
