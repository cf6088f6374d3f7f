/* doctor: the command, and what it prints. On a terminal each finding is shown when it is made, wrapped to its width;
 * elsewhere a line each at the end; as JSON with all facts behind them. */
#include "gateway/cli/doctor/doctor.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { SEVERITY_WIDTH = 8, CHECK_WIDTH = 13, LEAST_TEXT = 20 };

static CliColour colour_of(DoctorSeverity severity) {
  return (const CliColour[]){CLI_GREEN, CLI_DIM, CLI_YELLOW, CLI_RED}[severity];
}

/* Words, wrapped, every line but the first indented. */
static void print_wrapped(const CliOutput *out, const char *text, guint indent) {
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  guint room = MAX(out->width > indent ? out->width - indent : 0, (guint)LEAST_TEXT), used = 0;
  for (char **word = words; *word; word++) {
    guint width = cli_text_width(*word);
    if (used > 0 && used + 1 + width > room) {
      fprintf(out->file, "\n%*s", (int)indent, "");
      used = 0;
    }
    fprintf(out->file, "%s%s", used > 0 ? " " : "", *word);
    used += width + (used > 0 ? 1 : 0);
  }
  fputs("\n", out->file);
}

static void show_on_terminal(gpointer user, const DoctorFinding *finding) {
  const CliOutput *out = user;
  const char *word = doctor_severity_word(finding->severity);
  const guint indent = 2 + SEVERITY_WIDTH + CHECK_WIDTH + 2;
  g_autofree char *text = cli_printable(g_strdup(finding->text)),
                  *set = finding->set ? g_strconcat("→ ", finding->set, NULL) : NULL;
  fputs("  ", out->file);
  cli_coloured(out, colour_of(finding->severity), word);
  fprintf(out->file, "%*s%-*s ", (int)(SEVERITY_WIDTH + 1 - strlen(word)), "", CHECK_WIDTH, finding->check);
  print_wrapped(out, text, indent);
  if (set) {
    fprintf(out->file, "%*s", (int)indent, "");
    print_wrapped(out, set, indent + 2);
  }
  fflush(out->file);
}

static void add_rows(CliTable *table, const Doctor *doctor) {
  for (guint i = 0; i < doctor->findings->len; i++) {
    const DoctorFinding *finding = doctor->findings->pdata[i];
    cli_table_cell(table, g_strdup(doctor->endpoint.name));
    cli_table_cell(table, g_strdup(doctor_severity_word(finding->severity)));
    cli_table_cell(table, g_strdup(finding->check));
    cli_table_cell(table,
                   finding->set ? g_strdup_printf("%s → %s", finding->text, finding->set) : g_strdup(finding->text));
  }
}

/* Facts by name; several of one name as a list. */
static json_t *facts_json(const GPtrArray *facts) {
  json_t *object = json_object();
  for (guint i = 0; i < facts->len; i++) {
    const CourierFact *fact = facts->pdata[i];
    json_t *there = json_object_get(object, fact->name);
    if (!there)
      json_object_set_new(object, fact->name, json_string(fact->value));
    else if (json_is_array(there))
      json_array_append_new(there, json_string(fact->value));
    else
      json_object_set_new(object, fact->name, json_pack("[O, s]", there, fact->value));
  }
  return object;
}

static json_t *doctor_json(const Doctor *doctor) {
  json_t *findings = json_array();
  for (guint i = 0; i < doctor->findings->len; i++) {
    const DoctorFinding *finding = doctor->findings->pdata[i];
    json_t *each = json_pack("{s:s, s:s, s:s}", "severity", doctor_severity_word(finding->severity), "check",
                             finding->check, "finding", finding->text);
    cli_json_text(each, "set", finding->set);
    json_array_append_new(findings, each);
  }
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "endpoint", doctor->settings->name, "url", doctor->settings->url,
                   "worst", doctor_severity_word(doctor_worst(doctor)), "findings", findings, "survey",
                   facts_json(doctor->survey), "connection", facts_json(doctor->connection));
}

typedef struct {
  char **write;
} Writing;
static const CliOption options[] = {CLI_OPTION(Writing, write, "write", 0, G_OPTION_ARG_STRING_ARRAY, "FOLDER",
                                               "probe files may be put there; may be given several times",
                                               CLI_VALUE_TEXT),
                                    {0}};

typedef struct {
  Cli *cli;
  const ConfPartner *partner;
  CliTable *table;
  json_t *list;
  DoctorSeverity worst;
  guint counts[4];
} Report;

static void examine(Report *report, const ConfEndpoint *endpoint) {
  const CliOutput *out = report->cli->out;
  gboolean shows = out->is_terminal && !out->is_json;
  Doctor *doctor = doctor_new(report->cli->conf, report->partner, endpoint);
  doctor->write = ((const Writing *)report->cli->own)->write;
  doctor->told = shows ? show_on_terminal : NULL;
  doctor->user = report->cli->out;
  if (shows) {
    g_autofree char *heading = g_strdup_printf("%s  %s", doctor->endpoint.name, endpoint->url);
    cli_heading(out, heading);
  }
  doctor_examine(doctor);
  if (out->is_json)
    json_array_append_new(report->list, doctor_json(doctor));
  else if (!shows)
    add_rows(report->table, doctor);
  for (guint i = 0; i < doctor->findings->len; i++)
    report->counts[((const DoctorFinding *)doctor->findings->pdata[i])->severity]++;
  report->worst = MAX(report->worst, doctor_worst(doctor));
  doctor_free(doctor);
}

static CliExit conclude(Report *report) {
  const CliOutput *out = report->cli->out;
  if (out->is_json)
    cli_json(out, json_pack("{s:s, s:s, s:O}", "partner", report->partner->name, "worst",
                            doctor_severity_word(report->worst), "endpoints", report->list));
  else if (out->is_terminal)
    fprintf(out->file, "\n%u problems, %u warnings, %u notes\n", report->counts[DOCTOR_PROBLEM],
            report->counts[DOCTOR_WARNING], report->counts[DOCTOR_NOTE]);
  if (doctor_is_stopped()) {
    cli_complain("stopped before its end");
    return CLI_EXIT_FAILED;
  }
  return report->worst == DOCTOR_PROBLEM   ? CLI_EXIT_FAILED
         : report->worst == DOCTOR_WARNING ? CLI_EXIT_WARNINGS
                                           : CLI_EXIT_FINE;
}

static gboolean find_subject(Cli *cli, Report *report, const ConfEndpoint **endpoint) {
  const char *name = cli->arguments[0], *which = cli->n_arguments > 1 ? cli->arguments[1] : NULL;
  report->partner = conf_partner(cli->conf, name);
  if (!report->partner)
    report->partner = conf_system(cli->conf, name);
  if (!report->partner) {
    cli_complain("there is no partner or system \"%s\"", name);
    return FALSE;
  }
  *endpoint = which ? conf_endpoint(report->partner, which) : NULL;
  if (which && !*endpoint)
    cli_complain("%s has no endpoint \"%s\"", name, which);
  else if (report->partner->endpoints->len == 0)
    cli_complain("%s has no endpoint", name);
  return which ? *endpoint != NULL : report->partner->endpoints->len > 0;
}

/* The gateway's user may be let in where root is not, and the other way round. */
static void warn_about_user(const Cli *cli) {
  GStatBuf about;
  if (g_stat(cli->conf->node.state, &about) == 0 && about.st_uid != geteuid())
    cli_complain(
        "this is not the gateway's user, whom %s belongs to: files may be readable to one and not to the other",
        cli->conf->node.state);
}

static CliExit doctor_command(Cli *cli) {
  static const CliColumn columns[] = {{"ENDPOINT", CLI_LEFT, CLI_WHOLE},
                                      {"SEVERITY", CLI_LEFT, CLI_WHOLE},
                                      {"CHECK", CLI_LEFT, CLI_WHOLE},
                                      {"FINDING", CLI_LEFT, CLI_WHOLE}};
  const ConfEndpoint *only = NULL;
  Report report = {.cli = cli};
  if (!cli_load(cli))
    return CLI_EXIT_CONFIGURATION;
  if (!find_subject(cli, &report, &only))
    return CLI_EXIT_NOT_FOUND;
  warn_about_user(cli);
  doctor_watch_signals();
  gboolean is_table = !cli->out->is_json && !cli->out->is_terminal;
  report.table = is_table ? cli_table_new(columns, G_N_ELEMENTS(columns)) : NULL;
  report.list = json_array();
  for (guint i = 0; i < report.partner->endpoints->len && !doctor_is_stopped(); i++)
    if (!only || only == report.partner->endpoints->pdata[i])
      examine(&report, report.partner->endpoints->pdata[i]);
  if (is_table)
    cli_table_print(report.table, cli->out);
  CliExit status = conclude(&report);
  json_decref(report.list);
  return status;
}

const CliCommand cli_command_doctor = {
    .name = "doctor",
    .arguments = "PARTNER [ENDPOINT]",
    .least = 1,
    .most = 2,
    .own = options,
    .own_size = sizeof(Writing),
    .summary = "what a partner's server can do, and where it will hurt",
    .text = "Connects as the gateway does and tells, finding by finding, what was seen and what to set: name and "
            "addresses, algorithms\n"
            "offered and agreed on, what the installed libssh2 cannot do, host keys against the pins, login, "
            "extensions, listings.\n"
            "Nothing is written and no file is read, but in the folders named by --write: there a probe file "
            "(.sallyport-probe-…) is put,\n"
            "read, resumed, renamed, also onto another, timed, and removed again. PARTNER may be a system. Each run "
            "is one login more.\n"
            "Ends with status 0 when all is well, 12 when there are warnings, 1 when there are problems.\n\n"
            "  sallyport doctor acme-bank\n"
            "  sallyport doctor acme-bank main --write /incoming --write /outgoing\n",
    .run = doctor_command,
};
