/* try: what would become of a local file. */
#include "gateway/cli/books.h"
#include "gateway/cli/file_words.h"
#include "gateway/flow/try.h"
#include "gateway/processors/processors.h"
#include "gateway/records/exceptions.h"
#include <string.h>

static gboolean is_trusted(const FlowTryReport *report) {
  return report->opened.trusted;
}

static json_t *header_json(const char *header) {
  json_t *parsed = header ? json_loads(header, 0, NULL) : NULL;
  return parsed ? parsed : json_null();
}

static const char *const policy_words[] = {CONF_SEQUENCE_POLICIES(CONF_WORD)};

static void print_json(const Cli *cli, const FlowTryReport *report, guint scale) {
  const Examination *found = &report->found;
  json_t *object = json_pack("{s:b, s:s, s:I, s:I}", "accepted", (int)flow_try_accepts(report), "trust",
                             report->opened.trust, "cipher_size", (json_int_t)report->cipher_size, "plain_size",
                             (json_int_t)report->opened.size);
  cli_json_text(object, "signer", report->opened.signer);
  if (!is_trusted(report)) {
    cli_json_text(object, "reason_code", report->opened.code);
    cli_json_text(object, "message", report->opened.reason);
    return cli_json(cli->out, object);
  }
  gboolean is_of_process = report->verdict.to != FILE_VALIDATED;
  cli_json_text(object, "reason_code", is_of_process ? report->verdict.code : found->code);
  cli_json_text(object, "reason", is_of_process ? report->verdict.reason : found->reason);
  json_object_set_new(object, "header", header_json(report->header));
  cli_json_text(object, "business_date", report->business_date);
  json_object_set_new(object, "totals",
                      json_pack("{s:I, s:I, s:I, s:I, s:i}", "records", (json_int_t)found->records, "accepted",
                                (json_int_t)found->accepted, "rejected", (json_int_t)found->rejected, "duplicates",
                                (json_int_t)found->duplicates, "batches",
                                (int)(found->batches ? found->batches->len : 0)));
  json_t *totals = json_object_get(object, "totals");
  cli_json_amount(totals, "amount", found->amount, scale);
  cli_json_amount(totals, "amount_accepted", found->amount_accepted, scale);
  json_object_set_new(object, "refused", cli_refused_json(report->refused));
  cli_json_text(object, "warning", report->warning);
  if (report->order.is_judged)
    json_object_set_new(object, "sequence",
                        json_pack("{s:I, s:s, s:s, s:s?, s:s}", "number", (json_int_t)report->order.number, "verdict",
                                  sequence_verdict_word(report->order.verdict), "then",
                                  policy_words[report->order.policy], "code", report->order.code, "message",
                                  report->order.words));
  cli_json(cli->out, object);
}

static void print_refused(const CliOutput *out, const FlowTryReport *report) {
  static const CliColumn columns[] = {{"LINE", CLI_RIGHT, CLI_WHOLE},
                                      {"OUTCOME", CLI_LEFT, CLI_WHOLE},
                                      {"CODE", CLI_LEFT, CLI_WHOLE},
                                      {"REASON", CLI_LEFT, CLI_SHRINKS}};
  if (!report->refused || report->refused->len == 0)
    return;
  cli_heading(out, "Records that would not be accepted");
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < report->refused->len; i++) {
    const RecordException *row = report->refused->pdata[i];
    cli_table_cell(table, cli_unsigned(out, row->line));
    cli_table_coloured(table, g_strdup(cli_outcome_word(row->outcome)),
                       row->outcome == OUTCOME_REJECTED ? CLI_RED : CLI_MAGENTA);
    cli_table_cell(table, g_strdup(row->code));
    cli_table_cell(table, g_strdup(row->reason));
  }
  cli_table_print(table, out);
  guint64 all = report->found.rejected + report->found.duplicates;
  if (all > report->refused->len) {
    g_autofree char *more = cli_unsigned(out, all - report->refused->len);
    fprintf(out->file, "… and %s more\n", more);
  }
}

static void print_found(const CliOutput *out, const FlowTryReport *report, guint scale) {
  const Examination *found = &report->found;
  g_autofree char *accepted = cli_unsigned(out, found->accepted), *rejected = cli_unsigned(out, found->rejected);
  g_autofree char *duplicates = cli_unsigned(out, found->duplicates);
  const char *reason, *code = flow_try_code(report, &reason);
  gboolean is_held = !found->code && (report->verdict.to == FILE_HELD || (report->verdict.to == FILE_VALIDATED &&
                                                                          report->order.policy == CONF_SEQUENCE_HOLD));
  if (code)
    cli_line_coloured(out, "the file",
                      g_strdup_printf("would be %s: %s %s", is_held ? "held" : "refused", code, reason ? reason : ""),
                      CLI_RED);
  else
    cli_line_coloured(out, "the file", g_strdup("would be accepted"), CLI_GREEN);
  if (report->order.is_judged)
    cli_line(out, "sequence", g_strdup_printf("%s → %s", report->order.words, policy_words[report->order.policy]));
  cli_line(out, "warning", g_strdup(report->warning));
  cli_line(out, "header", cli_flat_json(report->header));
  cli_line(out, "business date", g_strdup(report->business_date));
  cli_line(out, "records", cli_unsigned(out, found->records));
  cli_line(out, "outcome", g_strdup_printf("%s accepted, %s rejected, %s duplicates", accepted, rejected, duplicates));
  cli_line(out, "amount", cli_amount(out, found->amount_accepted, scale));
  if (found->batches && !found->code)
    cli_line(out, "batches", cli_unsigned(out, found->batches->len));
  print_refused(out, report);
}

static void print_report(const CliOutput *out, const FlowTryReport *report, guint scale) {
  const Unwrapped *opened = &report->opened;
  if (!is_trusted(report)) {
    cli_line_coloured(out, "verdict", g_strdup_printf("not trusted: %s", opened->trust), CLI_RED);
    cli_line(out, "why", g_strdup_printf("%s %s", opened->code, opened->reason));
    cli_line_coloured(out, "the file", g_strdup("would be refused, and nothing of it read"), CLI_RED);
    return;
  }
  if (strcmp(opened->trust, FLOW_TRY_PLAIN) == 0)
    cli_line_coloured(out, "verdict",
                      g_strdup("signature, encryption and packing were not looked at (--plain): a real file of the "
                               "feed needs them"),
                      CLI_YELLOW);
  else if (opened->signer)
    cli_line_coloured(out, "verdict", g_strdup_printf("trusted: signed by %s", opened->signer), CLI_GREEN);
  else
    cli_line_coloured(out, "verdict", g_strdup("unprotected plain text, as the feed says"), CLI_YELLOW);
  print_found(out, report, scale);
}

typedef struct {
  gboolean plain;
} TryWanted;

static CliExit try_command(Cli *cli) {
  const TryWanted *wanted = cli->own;
  g_autoptr(GError) error = NULL;
  FlowTryReport report = {0};
  if (!cli_load(cli))
    return CLI_EXIT_CONFIGURATION;
  const ConfFeed *feed = conf_feed(cli->conf, cli->arguments[0], NULL);
  if (!feed) {
    cli_complain("there is no feed \"%s\" in the configuration; `sallyport status` lists them", cli->arguments[0]);
    return CLI_EXIT_NOT_FOUND;
  }
  if (!g_file_test(cli->arguments[1], G_FILE_TEST_IS_REGULAR)) {
    cli_complain("there is no file \"%s\" here", cli->arguments[1]);
    return CLI_EXIT_NOT_FOUND;
  }
  FlowTryOptions options = {.conf = cli->conf,
                            .feed = feed,
                            .processor = processor_of(feed),
                            .path = cli->arguments[1],
                            .is_plain = wanted->plain};
  gboolean ok = flow_try(&options, &report, &error);
  CliExit exit = !ok ? cli_fail(error) : flow_try_accepts(&report) ? CLI_EXIT_FINE : CLI_EXIT_FAILED;
  if (ok && cli->out->is_json)
    print_json(cli, &report, status_feed_scale(cli->conf, feed));
  else if (ok)
    print_report(cli->out, &report, status_feed_scale(cli->conf, feed));
  flow_try_report_clear(&report);
  return exit;
}

static const CliOption try_options[] = {
    CLI_FLAG(TryWanted, plain, "plain", 0, "a sample in the clear: no signature, encryption or packing is looked for"),
    {0}};

const CliCommand cli_command_try = {
    .name = "try",
    .arguments = "FEED LOCALFILE",
    .least = 2,
    .most = 2,
    .shared = CLI_UNMASK,
    .own = try_options,
    .own_size = sizeof(TryWanted),
    .summary = "what would become of a local file, without doing it",
    .text = "Opens it with the feed's keys, reads it with its layout, checks totals and rules, cuts the batches; "
            "changes nothing.\n\n"
            "  sallyport try acme-points /tmp/POINTS_20261120_0001.dat.pgp\n"
            "  sallyport try acme-points /tmp/sample.dat --plain\n",
    .run = try_command,
};
