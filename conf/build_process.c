/* What is done with a feed's records: batches, and the process that takes them. */
#include "conf/build.h"
#include "conf/value.h"
#include <string.h>

/* ---- fields of the records ---- */

/* What each record must have, whatever its kind. */
void check_record_field(const Section *section, const char *option, const char *name, const ConfLayout *layout,
                        ConfFieldType other) {
  if (name == NULL || layout == NULL || !layout->record.present)
    return;
  const ConfField *field = conf_line_field(&layout->record, name);
  if (field == NULL) {
    g_autofree char *suggestion = named_suggest(layout->record.fields, name);
    section_error(section, option, "'%s': the record of layout \"%s\" has no field \"%s\"%s", option, layout->name,
                  name, suggestion);
    return;
  }
  if (field->type != CONF_INTEGER && field->type != other)
    section_error(section, option, "'%s': field \"%s\" must be %s or integer", option, field->name,
                  other == CONF_TEXT ? "text" : "decimal");
  for (guint r = 0; r < layout->records->len; r++) {
    const ConfLine *line = g_ptr_array_index(layout->records, r);
    const ConfField *own = conf_line_field(line, name);
    if (own == NULL)
      section_error(section, option,
                    "'%s': record \"%s\" of layout \"%s\" has no field \"%s\"; every kind of record must have it",
                    option, line->tag == NULL ? "" : line->tag, layout->name, name);
    else if (own->optional)
      section_error(section, option, "'%s': field \"%s\" is optional; every record must have it", option, name);
  }
}

char **build_record_columns(const Section *section, const ConfLayout *layout) {
  char **columns = section_list(section, "columns", 500);
  if (layout == NULL || !layout->record.present)
    return columns;
  for (char **column = columns; column != NULL && *column != NULL; column++) {
    if (conf_line_field(&layout->record, *column) != NULL)
      continue;
    g_autofree char *suggestion = named_suggest(layout->record.fields, *column);
    section_error(section, "columns", "'columns': the record of layout \"%s\" has no field \"%s\"%s", layout->name,
                  *column, suggestion);
  }
  return columns;
}

/* ---- the ledger, which all but deliver keep ---- */

static void build_ledger(const Section *section, const ConfLayout *layout, ConfLedger *ledger) {
  section_require(section, "name", "the ledger's name");
  section_require(section, "account", "the field that says whose account is credited");
  section_require(section, "amount", "the field that says how much");
  ledger->name = section_name(section, "name");
  ledger->account = section_text(section, "account");
  ledger->amount = section_text(section, "amount");
  ledger->shards = section_number(section, "shards", (Range){.otherwise = 4, .least = 1, .most = 64});
  check_record_field(section, "account", ledger->account, layout, CONF_TEXT);
  check_record_field(section, "amount", ledger->amount, layout, CONF_DECIMAL);
}

/* ---- an interface of our own systems ---- */

static void build_http(const Section *section, const Conf *conf, const ConfLayout *layout, ConfHttp *http) {
  static const char *const bodies[] = {"json", "csv", NULL};
  static const WebPurpose purpose = {.system = "the inner system that credits the records",
                                     .path = "the path of its interface"};
  build_web(section, conf, purpose, &http->system, &http->endpoint, &http->path);
  http->body = section_choice(section, "body", bodies, CONF_BODY_JSON);
  http->timeout = section_seconds(section, "timeout", (Range){.otherwise = 30, .least = 1, .most = 3600});
  http->columns = build_record_columns(section, layout);
}

/* ---- an inner folder that takes the whole file ---- */

static void build_deliver_protection(const Section *section, ConfDeliver *deliver) {
  section_require(section, "envelope",
                  "how the file is handed on: openpgp (encrypted anew), or unprotected-plain-text");
  deliver->envelope = build_envelope(section, FALSE, CONF_ENVELOPE_NONE);
  gboolean encrypts = deliver->envelope == CONF_ENVELOPE_OPENPGP;
  section_only_with(section, "encrypt-to", encrypts, "envelope = openpgp");
  if (encrypts)
    section_require(section, "encrypt-to", "the key of the system that takes the file, or its current and next one");
  deliver->encrypt_to = build_fingerprints(section, "encrypt-to");
}

static void build_deliver(const Section *section, const Conf *conf, ConfDeliver *deliver) {
  static const char *const policies[] = {"refuse", "replace", NULL};
  section_require(section, "system", "the inner system that takes the files");
  section_require(section, "endpoint", "one of the system's endpoints");
  section_require(section, "path", "the folder on the endpoint");
  section_require(section, "name", "what the files are called there, as '{name}'");
  const ConfPartner *system = build_system_name(section, conf, &deliver->system);
  build_endpoint_name(section, system, ENDPOINT_FOLDERS, &deliver->endpoint);
  deliver->path = build_remote_path(section, "path");
  deliver->name = build_template(section, "name", template_of_answer);
  deliver->marker = build_template(section, "marker", template_of_marker);
  if (g_strcmp0(deliver->marker, "{name}") == 0)
    section_error(section, "marker", "'marker' is the name of the file itself");
  build_deliver_protection(section, deliver);
  deliver->packing = build_packing(section, "packing");
  deliver->if_exists = (gint)section_choice(section, "if-exists", policies, CONF_EXISTS_REFUSE);
}

/* ---- which of them ---- */

/* The options of each, of those that `process` has altogether. */
static const char *const ledger_options[] = {"name", "account", "amount", "shards", NULL};
static const char *const http_options[] = {"name", "account", "amount",  "shards",  "system", "endpoint",
                                           "path", "body",    "timeout", "columns", NULL};
static const char *const deliver_options[] = {"system",   "endpoint",   "path",    "name",      "marker",
                                              "envelope", "encrypt-to", "packing", "if-exists", NULL};
static const char *const kinds[] = {"ledger", "http", "deliver", NULL};
static const char *const *const options_of[] = {ledger_options, http_options, deliver_options};

static void check_options(const Section *section, ConfProcess process) {
  for (const cfg_opt_t *option = section->cfg->opts; option->name != NULL; option++)
    if (section_has(section, option->name) && !g_strv_contains(options_of[process], option->name))
      section_error(section, option->name, "'%s' has no meaning for process %s", option->name, kinds[process]);
}

static gboolean read_process(const Section *section, ConfProcess *process) {
  const char *title = section->scanned->title;
  for (guint i = 0; title != NULL && kinds[i] != NULL; i++)
    if (strcmp(title, kinds[i]) == 0) {
      *process = (ConfProcess)i;
      return TRUE;
    }
  section_error(section, NULL, "'process' must be one of: ledger, http, deliver");
  return FALSE;
}

void build_process(const Section *feed_section, const Conf *conf, ConfFeed *feed) {
  section_require(feed_section, "process", "what is done with the records: process ledger { … }");
  Section section;
  if (!section_inner(feed_section, "process", &section))
    return;
  feed->ledger.where = section_where(&section, NULL);
  if (!read_process(&section, &feed->process))
    return;
  check_options(&section, feed->process);
  const ConfLayout *layout = feed->layout == NULL ? NULL : conf_layout(conf, feed->layout);
  if (feed->process == CONF_PROCESS_DELIVER)
    build_deliver(&section, conf, &feed->deliver);
  else
    build_ledger(&section, layout, &feed->ledger);
  if (feed->process == CONF_PROCESS_HTTP)
    build_http(&section, conf, layout, &feed->http);
  if (feed->process == CONF_PROCESS_DELIVER && !feed->reject_file)
    section_error(feed_section, "on-reject",
                  "'on-reject': process deliver hands on whole files, so one bad record keeps the whole file back: "
                  "on-reject = file");
}
