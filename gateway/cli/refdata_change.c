#include "gateway/cli/refdata_change.h"
#include "gateway/flow/try.h"
#include "gateway/processors/processors.h"
#include "gateway/processors/reference/loading.h"

enum { LOOK_AGAIN = 100000 }; /* microseconds */

/* The lane does it in its own time: it is asked until it is done. Takes the request. */
static CliExit have_done(const Cli *cli, const CliTableOf *table, json_t *request) {
  json_t *answer = NULL;
  CliExit exit = cli_ask(table->lane, request, &answer);
  while (exit == CLI_EXIT_FINE && json_object_get(answer, "job")) {
    json_int_t job = json_integer_value(json_object_get(answer, "job"));
    do {
      json_decref(answer);
      g_usleep(LOOK_AGAIN);
      exit = cli_ask(table->lane, json_pack("{s:s, s:I}", "do", "reference-job", "job", job), &answer);
    } while (exit == CLI_EXIT_FINE && json_is_true(json_object_get(answer, "running")));
  }
  if (exit == CLI_EXIT_FINE && cli->out->is_json)
    cli_json(cli->out, json_incref(answer));
  else if (exit == CLI_EXIT_FINE)
    fprintf(cli->out->file, "%s\n", json_string_value(json_object_get(answer, "detail")));
  json_decref(answer);
  return exit;
}

static void put_if(json_t *request, const char *name, const char *value) {
  if (value)
    json_object_set_new(request, name, json_string(value));
}

CliExit refdata_roll_back(const Cli *cli, const CliTableOf *table, const CliRollback *rollback) {
  json_t *request = json_pack("{s:s, s:s, s:I, s:s}", "do", "reference-rollback", "name", table->feed->reference.name,
                              "version", (json_int_t)rollback->to, "by", cli_who());
  put_if(request, "reason", rollback->reason);
  return have_done(cli, table, request);
}

/* --- A dry run: here, and not in the lane */

typedef struct {
  gboolean anyway;
  ReferenceReport report;
} DryRun;

static gboolean judge(gpointer user, const ProcessorStaged *staged, ProcessorVerdict *verdict, GError **error) {
  DryRun *run = user;
  g_autofree char *scratch = g_build_filename(staged->scratch, "beside.db", NULL);
  ReferenceLoading loading = {.lane = staged->lane,
                              .feed = staged->feed,
                              .layout = staged->layout,
                              .folder = staged->folder,
                              .staged = staged->path,
                              .scratch = scratch,
                              .anyway = run->anyway};
  return reference_judge(&loading, verdict, &run->report, error);
}

static CliExit tell_run(const Cli *cli, const CliTableOf *table, const FlowTryReport *tried, const DryRun *run) {
  const ReferenceFindings *found = &run->report.findings;
  const char *reason = NULL, *code = flow_try_code(tried, &reason);
  g_autofree char *words = reference_report_words(table->feed->reference.name, &run->report);
  if (cli->out->is_json) {
    json_t *object = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "accepted", !code, "kind",
                               reference_kind_word(run->report.kind), "before", (json_int_t)found->before, "rows",
                               (json_int_t)found->rows, "added", (json_int_t)found->added, "changed",
                               (json_int_t)found->changed, "removed", (json_int_t)found->removed, "gaps",
                               (json_int_t)found->gaps);
    cli_json_text(object, "reason_code", code);
    cli_json_text(object, "reason", reason);
    cli_json(cli->out, object);
  } else if (code) {
    fprintf(cli->out->file, "would not be loaded: %s %s\n", code, reason ? reason : "");
  } else {
    fprintf(cli->out->file, "would be %s\n", words);
  }
  return code ? CLI_EXIT_FAILED : CLI_EXIT_FINE;
}

static CliExit run_dry(const Cli *cli, const CliTableOf *table, const CliLoad *load) {
  g_autoptr(GError) error = NULL;
  FlowTryReport tried;
  DryRun run = {.anyway = load->anyway};
  FlowTryOptions options = {.conf = cli->conf,
                            .feed = table->feed,
                            .processor = processor_of(table->feed),
                            .path = load->path,
                            .is_plain = load->is_plain,
                            .take = judge,
                            .user = &run};
  CliExit exit = flow_try(&options, &tried, &error) ? tell_run(cli, table, &tried, &run) : cli_fail(error);
  flow_try_report_clear(&tried);
  return exit;
}

CliExit refdata_load(const Cli *cli, const CliTableOf *table, const CliLoad *load) {
  if (!g_file_test(load->path, G_FILE_TEST_IS_REGULAR)) {
    cli_complain("there is no file \"%s\" here", load->path);
    return CLI_EXIT_NOT_FOUND;
  }
  if (load->dry)
    return run_dry(cli, table, load);
  if (!load->reason || !*load->reason) {
    cli_complain("refdata load needs --reason TEXT: the audit keeps it; --dry-run only shows what would change");
    return CLI_EXIT_USAGE;
  }
  g_autofree char *path = g_canonicalize_filename(load->path, NULL);
  return have_done(cli, table,
                   json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "do", "reference-load", "name",
                             table->feed->reference.name, "feed", table->feed->name, "path", path, "plain",
                             (int)load->is_plain, "anyway", (int)load->anyway, "reason", load->reason, "by",
                             cli_who()));
}
