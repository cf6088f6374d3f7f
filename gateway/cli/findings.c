#include "gateway/cli/findings.h"
#include "gateway/check/check.h"
#include "gateway/move/compare.h"

gboolean cli_check(Cli *cli, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  cli->source = conf_source_read(cli_configuration_path(cli), &error);
  if (!cli->source) {
    cli_complain("%s", error->message);
    return FALSE;
  }
  cli->conf = conf_parse(cli->source, report);
  gboolean ok = cli->conf && check_configuration(cli->conf, CHECK_KEYS_IF_GPG_ANSWERS, report);
  if (ok)
    state_check(cli->conf, report);
  return ok && report->errors == 0;
}

static json_t *finding_json(const ConfFinding *finding) {
  json_t *object = json_object();
  cli_json_text(object, "file", finding->where.file);
  json_object_set_new(object, "line", json_integer(finding->where.line));
  cli_json_text(object, "severity", finding->is_warning ? "warning" : "error");
  cli_json_text(object, "message", finding->message);
  return object;
}

json_t *cli_findings_json(const ConfReport *report) {
  json_t *findings = json_array();
  for (guint i = 0; i < report->findings->len; i++)
    json_array_append_new(findings, finding_json(report->findings->pdata[i]));
  return findings;
}

static void print_finding(const CliOutput *out, const ConfFinding *finding) {
  fprintf(out->file, "%s:%u: ", finding->where.file ? finding->where.file : "configuration", finding->where.line);
  cli_coloured(out, finding->is_warning ? CLI_YELLOW : CLI_RED, finding->is_warning ? "warning" : "error");
  fprintf(out->file, ": %s\n", finding->message);
}

void cli_findings_print(const CliOutput *out, const ConfReport *report) {
  for (guint i = 0; i < report->findings->len; i++)
    print_finding(out, report->findings->pdata[i]);
}
