/* audit and verify: do the books hold? */
#include "gateway/cli/books.h"
#include "gateway/cli/lane_check.h"
#include "gateway/move/compare.h"
#include <string.h>

/* --- Audit list. */

typedef struct {
  gint64 sequence, at;
  char *event, *subject, *detail;
} Record;
typedef struct {
  GPtrArray *records;
  gint64 since;
  guint limit;
} Records;

static void record_free(gpointer data) {
  Record *record = data;
  if (!record)
    return;
  g_free(record->event);
  g_free(record->subject);
  g_free(record->detail);
  g_free(record);
}

/* A clock that was set back makes rows that look older than those before them: the walk goes on for a day. */
enum { CLOCK_MARGIN = 24 * 3600 };

/* The newest come first; the walk ends when there are enough, or all that is left is too old. */
static gboolean keep_newest(gpointer user, const BookAuditRow *row) {
  Records *records = user;
  if (row->at < records->since)
    return row->at >= records->since - (gint64)CLOCK_MARGIN * G_USEC_PER_SEC;
  Record *record = g_new0(Record, 1);
  *record = (Record){row->sequence, row->at, g_strdup(row->event), g_strdup(row->subject), g_strdup(row->detail)};
  g_ptr_array_add(records->records, record);
  return records->records->len < records->limit;
}

static void add_records(const CliOutput *out, const StatusLane *lane, const Records *records, CliTable *table,
                        json_t *list) {
  for (guint i = records->records->len; i > 0; i--) {
    const Record *record = records->records->pdata[i - 1];
    if (out->is_json) {
      json_t *object = json_pack("{s:s, s:I}", "lane", lane->conf->name, "sequence", (json_int_t)record->sequence);
      cli_json_time(out, object, "at", record->at);
      cli_json_text(object, "event", record->event);
      cli_json_text(object, "subject", record->subject);
      cli_json_text(object, "detail", record->detail);
      json_array_append_new(list, object);
      continue;
    }
    cli_table_cell(table, g_strdup(lane->conf->name));
    cli_table_cell(table, cli_unsigned(out, (guint64)record->sequence));
    cli_table_cell(table, cli_time_brief(out, record->at));
    cli_table_cell(table, g_strdup(record->event));
    cli_table_cell(table, g_strdup(record->subject));
    cli_table_cell(table, g_strdup(record->detail));
  }
}

static gboolean list_lane(const Cli *cli, const StatusLane *lane, gint64 since, CliTable *table, json_t *list,
                          GError **error) {
  Records records = {
      .records = g_ptr_array_new_with_free_func(record_free), .since = since, .limit = cli_limit(cli, 50)};
  gboolean ok = !lane->reader || book_audit_visit_newest(lane->reader, keep_newest, &records, error);
  if (ok)
    add_records(cli->out, lane, &records, table, list);
  g_ptr_array_unref(records.records);
  return ok;
}

typedef struct {
  char *since;
} Wanted;
static const CliOption options[] = {
    CLI_TEXT(Wanted, since, "since", 0, "TIME",
             "from then on: 2026-11-20, 2026-11-20T10:00, 10:00, today, yesterday, or 90s, 30m, 12h, 7d ago",
             CLI_VALUE_TEXT),
    {0}};

static CliExit audit_list(Cli *cli, GPtrArray *lanes) {
  static const CliColumn columns[] = {{"LANE", CLI_LEFT, CLI_SHRINKS},  {"RECORD", CLI_RIGHT, CLI_WHOLE},
                                      {"AT", CLI_LEFT, CLI_WHOLE},      {"EVENT", CLI_LEFT, CLI_WHOLE},
                                      {"SUBJECT", CLI_LEFT, CLI_WHOLE}, {"DETAIL", CLI_LEFT, CLI_SHRINKS}};
  g_autoptr(GError) error = NULL;
  const Wanted *wanted = cli->own;
  gint64 since = 0;
  if (wanted->since && !cli_parse_time(cli->out, wanted->since, g_get_real_time(), &since)) {
    cli_complain("--since \"%s\" is no time", wanted->since);
    return CLI_EXIT_USAGE;
  }
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *list = json_array();
  for (guint i = 0; i < lanes->len && !error; i++)
    if (!list_lane(cli, lanes->pdata[i], since, table, list, &error))
      break;
  if (cli->out->is_json && !error)
    cli_json(cli->out, json_pack("{s:O}", "records", list));
  else if (!cli->out->is_json)
    cli_table_print(table, cli->out);
  json_decref(list);
  return error ? cli_fail(error) : CLI_EXIT_FINE;
}

/* --- One check after the other; all are made, whatever the earlier ones found. */

typedef struct {
  const CliOutput *out;
  const char *lane;
  json_t *list;
  gboolean failed;
} Checks;

/* Takes `good`, and the error (the check did not hold). */
static void told(gpointer user, const char *what, char *good, GError *error) {
  Checks *checks = user;
  g_autofree char *owned = good;
  g_autoptr(GError) problem = error;
  const char *detail = problem ? problem->message : owned;
  checks->failed |= problem != NULL;
  if (checks->out->is_json) {
    json_t *object = json_pack("{s:s, s:s, s:b}", "lane", checks->lane, "check", what, "ok", problem == NULL);
    cli_json_text(object, "detail", detail);
    json_array_append_new(checks->list, object);
    return;
  }
  cli_coloured(checks->out, problem ? CLI_RED : CLI_GREEN, problem ? "FAULT" : "ok   ");
  fprintf(checks->out->file, "  %s: %s: %s\n", checks->lane, what, detail);
}

typedef struct {
  gboolean without_archive;
} VerifyWanted;
static const CliOption verify_options[] = {
    CLI_FLAG(VerifyWanted, without_archive, "without-archive", 0,
             "leave out the archive, whose files are all read and hashed"),
    {0}};

/* The configuration against what the books hold. */
static void check_holdings(const Cli *cli, Checks *checks) {
  g_autoptr(GPtrArray) held = held_lanes(&cli->conf->node);
  g_autoptr(GPtrArray) found = state_compare(cli->conf, held);
  for (guint i = 0; i < found->len; i++) {
    const Contradiction *one = found->pdata[i];
    checks->lane = one->lane ? one->lane : "-";
    GError *problem = NULL;
    sallyport_error_set(&problem, SALLYPORT_ERROR_CONFIGURATION, "%s", one->text);
    told(checks, "configuration", NULL, problem);
  }
}

static CliExit verify(Cli *cli, GPtrArray *lanes, gboolean only_audit) {
  Checks checks = {.out = cli->out, .list = json_array()};
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    checks.lane = lane->conf->name;
    if (lane->problem) {
      GError *problem = NULL;
      sallyport_error_set(&problem, SALLYPORT_ERROR_STORAGE, "%s", lane->problem);
      told(&checks, "book", NULL, problem);
      continue;
    }
    if (!lane->reader) {
      told(&checks, "book", g_strdup("none yet: the lane has never run"), NULL);
      continue;
    }
    const VerifyWanted *wanted = only_audit ? NULL : cli->own;
    lane_check(&(LaneCheckOrder){.out = cli->out,
                                 .lane = lane,
                                 .archive_days = cli->conf->node.archive_days,
                                 .only_audit = only_audit,
                                 .without_archive = wanted && wanted->without_archive,
                                 .told = told,
                                 .user = &checks});
  }
  if (!only_audit)
    check_holdings(cli, &checks);
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:b, s:O}", "ok", !checks.failed, "checks", checks.list));
  json_decref(checks.list);
  return checks.failed ? CLI_EXIT_VERIFICATION : CLI_EXIT_FINE;
}

static CliExit verify_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  return exit == CLI_EXIT_FINE ? verify(cli, lanes, FALSE) : exit;
}

static CliExit audit_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  const char *what = cli->n_arguments ? cli->arguments[0] : "list";
  if (strcmp(what, "list") != 0 && strcmp(what, "verify") != 0) {
    cli_complain("audit takes list or verify, not \"%s\"", what);
    return CLI_EXIT_USAGE;
  }
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  return strcmp(what, "list") == 0 ? audit_list(cli, lanes) : verify(cli, lanes, TRUE);
}

static const char *const audit_verbs[] = {"list", "verify", NULL};
const CliCommand cli_command_audit = {
    .name = "audit",
    .arguments = "[list|verify]",
    .most = 1,
    .verbs = audit_verbs,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Wanted),
    .summary = "the audit chain: what was done, and that nobody changed the record of it",
    .text = "list (default) shows the newest 50 records; verify recomputes the chain of hashes and holds it against "
            "the tip that\n"
            "is kept outside the book. Ends with status 6 when it does not hold.\n\n"
            "  sallyport audit verify\n",
    .run = audit_command,
};

const CliCommand cli_command_verify = {
    .name = "verify",
    .shared = CLI_LANE,
    .own = verify_options,
    .own_size = sizeof(VerifyWanted),
    .summary = "check that the books hold",
    .text = "Databases whole, histories allowed, batches and records add up, each file's accepted lines are its "
            "credits and\n"
            "nothing else is, balances are their entries, the audit chain is whole, and what lies in the archive is "
            "what came.\n"
            "May run while the gateway runs.\n\n"
            "  sallyport verify\n",
    .run = verify_command,
};
