/* rating try: what a file of usage would cost, without booking it; and the other verbs. */
#include "gateway/cli/rating_shown.h"
#include "gateway/rating/counters.h"
#include "gateway/rating/tables.h"
#include "gateway/records/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_RECORDS = 4096, STANDARD_LIMIT = 100 };

typedef struct {
  char *name, *account, *from, *to;
  gboolean retry, dry_run;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, name, "name", 'n', "NAME", "this rating, where there are several", CLI_VALUE_TEXT),
    CLI_FLAG(Given, retry, "retry", 0, "suspended: look for their prices again"),
    CLI_TEXT(Given, account, "account", 0, "ACCOUNT", "rerate: of whom", CLI_VALUE_TEXT),
    CLI_TEXT(Given, from, "from", 0, "DAY", "rerate: events from this day on", CLI_VALUE_TEXT),
    CLI_TEXT(Given, to, "to", 0, "DAY", "rerate: events up to this day", CLI_VALUE_TEXT),
    CLI_FLAG(Given, dry_run, "dry-run", 0, "rerate: show it, and change nothing"),
    {0}};

typedef struct {
  const Cli *cli;
  const StatusLane *lane;
  const ConfRating *conf;
  RatingPlan *plan;
  RatingTables *tables;
  RatingMemory *memory;
  Rated *rated;
  CliTable *list;
  json_t *records;
  guint limit, shown;
  guint64 counts[RATING_HELD + 1];
  Wide total; /* in units of the round scale */
} Try;

/* --- One record */

static guint round_scale(const Try *try) {
  return try->conf->round.scale;
}

static char *exact(const Try *try, Money value) {
  return rating_exact(try->cli->out, value, try->conf->scale);
}

static json_t *steps_json(const Try *try, guint index) {
  const RatedRecord *record = &try->rated->records[index];
  const RatedStep *steps = rated_steps(try->rated, index);
  json_t *list = json_array();
  for (guint i = 0; i < record->n_steps; i++) {
    g_autofree char *change = exact(try, steps[i].change), *amount = exact(try, steps[i].amount);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "step",
                                          rating_plan_step(try->plan, steps[i].step), "change", change, "amount",
                                          amount, "counts", (int)steps[i].counts));
  }
  return list;
}

static json_t *rows_json(const Try *try, guint index) {
  const RatedRecord *record = &try->rated->records[index];
  guint n = rating_plan_lookups(try->plan);
  json_t *list = json_array();
  for (guint i = 0; i < n; i++) {
    const ConfLookup *lookup = try->conf->lookups->pdata[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "lookup", lookup->name, "table", lookup->table, "row",
                                          (json_int_t)rating_tables_row(try->tables, index, i), "version",
                                          (json_int_t)rating_tables_version(try->tables, i)));
  }
  for (guint i = 0; i < record->n_legs; i++) {
    const RatedLeg *leg = rated_legs(try->rated, record) + i;
    json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "table", try->conf->tiers.table, "row",
                                          (json_int_t)leg->row, "version",
                                          (json_int_t)rating_tables_version(try->tables, n), "quantity",
                                          (json_int_t)leg->quantity));
  }
  return list;
}

static void add_json(const Try *try, guint index, guint64 line) {
  const RatedRecord *record = &try->rated->records[index];
  json_t *object = json_pack("{s:I, s:s}", "line", (json_int_t)line, "status", rating_status_word(record->status));
  cli_json_text(object, "code", record->code);
  if (record->status == RATING_RATED) {
    cli_json_amount(object, "amount", record->amount, round_scale(try));
    json_object_set_new(object, "quantity", json_integer(record->quantity));
    json_object_set_new(object, "billed", json_integer(record->billed));
    if (try->conf->tiers.present)
      json_object_set_new(object, "counter", json_integer(record->counter_before));
    json_object_set_new(object, "steps", steps_json(try, index));
    json_object_set_new(object, "rows", rows_json(try, index));
  }
  json_array_append_new(try->records, object);
}

static char *steps_text(const Try *try, guint index) {
  const RatedStep *steps = rated_steps(try->rated, index);
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < try->rated->records[index].n_steps; i++) {
    g_autofree char *change = exact(try, steps[i].change);
    g_string_append_printf(text, "%s%s%s %s%s", i > 0 ? ", " : "", steps[i].counts ? "" : "(",
                           rating_plan_step(try->plan, steps[i].step), change, steps[i].counts ? "" : ")");
  }
  return g_string_free(text, FALSE);
}

static void add_cells(const Try *try, guint index, guint64 line) {
  const RatedRecord *record = &try->rated->records[index];
  const CliOutput *out = try->cli->out;
  gboolean is = record->status == RATING_RATED;
  cli_table_cell(try->list, cli_unsigned(out, line));
  cli_table_coloured(try->list, g_strdup(rating_status_word(record->status)), is ? CLI_GREEN : CLI_RED);
  cli_table_cell(try->list, g_strdup(record->code));
  cli_table_cell(try->list, is ? cli_number(out, record->quantity) : NULL);
  cli_table_cell(try->list, is ? cli_number(out, record->billed) : NULL);
  cli_table_cell(try->list, is ? cli_amount(out, record->amount, round_scale(try)) : NULL);
  cli_table_cell(try->list, is ? steps_text(try, index) : NULL);
}

static void take_record(Try *try, guint index, guint64 line) {
  const RatedRecord *record = &try->rated->records[index];
  try->counts[record->status]++;
  try->total += record->amount;
  if (try->limit && try->shown == try->limit)
    return;
  try->shown++;
  if (try->cli->out->is_json)
    add_json(try, index, line);
  else
    add_cells(try, index, line);
}

/* --- The file */

static gboolean rate_block(Try *try, const RecordBlock *block, GError **error) {
  RatingUsage usage = {block, g_get_real_time()};
  rated_begin(try->rated, block->count);
  const RecordBlock *whole = rating_tables_gather(try->tables, &usage, try->rated, error);
  if (!whole || !rating_price(try->plan, whole, rating_memory_begin(try->memory), try->rated, error))
    return FALSE;
  for (guint i = 0; i < block->count; i++)
    take_record(try, i, block->lines[i]);
  return TRUE;
}

static gboolean rate_staged(Try *try, const char *path, GError **error) {
  g_autoptr(StagingReader) reader = staging_reader_open(path, error);
  g_autoptr(RecordBlock) block = reader ? staging_block_new(reader, BLOCK_RECORDS) : NULL;
  if (!reader)
    return FALSE;
  g_autofree char *problem = staging_get(reader, "problem.reason"), *line = staging_get(reader, "problem.line");
  if (problem)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "line %s: %s", line ? line : "?", problem);
  for (guint64 first = 1; first <= staging_count(reader); first += BLOCK_RECORDS)
    if (!staging_read(reader, first, BLOCK_RECORDS, block, error) || !rate_block(try, block, error))
      return FALSE;
  return TRUE;
}

static gboolean rate_file(Try *try, const char *path, GError **error) {
  Staged staged = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  g_autofree char *folder = fd < 0 ? NULL : g_dir_make_tmp("sallyport-rating-XXXXXX", error);
  if (fd < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", path, g_strerror(errno));
  g_autofree char *staging = folder ? g_build_filename(folder, "staging.db", NULL) : NULL;
  StageOptions stage = {.layout = rating_plan_layout(try->plan),
                        .plaintext = fd,
                        .path = staging,
                        .threads = MAX(g_get_num_processors(), 1)};
  gboolean ok = folder && stage_plaintext(&stage, NULL, &staged, error) && rate_staged(try, staging, error);
  staged_clear(&staged);
  close(fd);
  if (folder) {
    staging_remove(staging);
    rmdir(folder);
  }
  return ok;
}

static gboolean try_file(Try *try, const char *path, GError **error) {
  if (!(try->plan = rating_plan_new(try->cli->conf, try->conf, error)) ||
      !(try->tables = rating_tables_open(try->plan, try->lane->paths->folder, error)))
    return FALSE;
  try->memory = rating_memory_new(try->plan);
  try->rated = rated_new(try->plan, BLOCK_RECORDS);
  return rate_file(try, path, error);
}

static void print(const Try *try) {
  const CliOutput *out = try->cli->out;
  if (out->is_json) {
    json_t *object = json_pack("{s:s, s:O, s:I, s:I, s:I, s:I}", "rating", try->conf->name, "records", try->records,
                               "rated", (json_int_t)try->counts[RATING_RATED], "suspended",
                               (json_int_t)try->counts[RATING_SUSPENDED], "rejected",
                               (json_int_t)try->counts[RATING_REJECTED], "held",
                               (json_int_t)try->counts[RATING_HELD]);
    cli_json_amount(object, "total", try->total, round_scale(try));
    cli_json(out, object);
    return;
  }
  cli_table_print(try->list, out);
  for (guint i = 0; i <= RATING_HELD; i++)
    cli_line(out, rating_status_word((RatingStatus)i), cli_unsigned(out, try->counts[i]));
  cli_line(out, "total", cli_amount(out, try->total, round_scale(try)));
}

static CliExit find_rating(Cli *cli, GPtrArray *lanes, Try *try) {
  const char *wanted = ((const Given *)cli->own)->name;
  guint found = 0;
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; lane->conf->ratings && j < lane->conf->ratings->len; j++) {
      const ConfRating *rating = lane->conf->ratings->pdata[j];
      if (wanted && strcmp(rating->name, wanted) != 0)
        continue;
      try->lane = lane;
      try->conf = rating;
      found++;
    }
  }
  if (found == 1)
    return CLI_EXIT_FINE;
  cli_complain(found ? "there are several ratings: --name or --lane says which" : "there is no such rating");
  return found ? CLI_EXIT_USAGE : CLI_EXIT_NOT_FOUND;
}

static const CliColumn columns[] = {{"LINE", CLI_RIGHT, CLI_WHOLE},      {"STATUS", CLI_LEFT, CLI_WHOLE},
                                    {"CODE", CLI_LEFT, CLI_WHOLE},       {"QUANTITY", CLI_RIGHT, CLI_WHOLE},
                                    {"BILLED", CLI_RIGHT, CLI_WHOLE},    {"AMOUNT", CLI_RIGHT, CLI_WHOLE},
                                    {"STEPS", CLI_LEFT, CLI_SHRINKS}};

static CliExit try_command(Try *try) {
  g_autoptr(GError) error = NULL;
  try->list = cli_table_new(columns, G_N_ELEMENTS(columns));
  try->records = json_array();
  if (try_file(try, try->cli->arguments[1], &error))
    print(try);
  if (error || try->cli->out->is_json)
    cli_table_free(try->list);
  json_decref(try->records);
  rated_free(try->rated);
  rating_memory_free(try->memory);
  rating_tables_free(try->tables);
  rating_plan_free(try->plan);
  return error ? cli_fail(error) : CLI_EXIT_FINE;
}

/* --- The verbs */

static CliExit run_try(Try *try) {
  if (try->cli->n_arguments == 2)
    return try_command(try);
  cli_complain("rating try takes one file");
  return CLI_EXIT_USAGE;
}

static CliExit run_explain(Try *try) {
  if (try->cli->n_arguments > 1)
    return rating_explain(try->cli, try->lane, try->conf, try->cli->arguments + 1);
  cli_complain("rating explain takes the record's key");
  return CLI_EXIT_USAGE;
}

static CliExit run_suspended(Try *try) {
  const Given *given = try->cli->own;
  if (try->cli->n_arguments > 1) {
    cli_complain("rating suspended takes no argument");
    return CLI_EXIT_USAGE;
  }
  return given->retry ? rating_retry(try->lane, try->conf)
                      : rating_suspended(try->cli, try->lane, try->conf, try->limit);
}

static CliExit run_rerate(Try *try) {
  const Given *given = try->cli->own;
  RatingRerate asked = {given->account, given->from, given->to, try->limit};
  if (try->cli->n_arguments == 1 && given->account && given->dry_run)
    return rating_rerate(try->cli, try->lane, try->conf, &asked);
  cli_complain("rating rerate needs --account ACCOUNT and --dry-run: it shows what would change, and changes nothing");
  return CLI_EXIT_USAGE;
}

static CliExit rating_command(Cli *cli) {
  static const struct {
    const char *verb;
    CliExit (*run)(Try *try);
  } verbs[] = {{"try", run_try}, {"explain", run_explain}, {"suspended", run_suspended}, {"rerate", run_rerate}};
  g_autoptr(GPtrArray) lanes = NULL;
  Try try = {.cli = cli, .limit = cli_limit(cli, STANDARD_LIMIT)};
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (strcmp(cli->arguments[0], verbs[i].verb) != 0)
      continue;
    CliExit exit = cli_lanes(cli, &lanes);
    if (exit == CLI_EXIT_FINE)
      exit = find_rating(cli, lanes, &try);
    return exit == CLI_EXIT_FINE ? verbs[i].run(&try) : exit;
  }
  cli_complain("rating: there is no verb \"%s\"; sallyport rating --help lists them", cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verb_words[] = {"try", "explain", "suspended", "rerate", NULL};
const CliCommand cli_command_rating = {
    .name = "rating",
    .arguments = "try FILE | explain KEY… | suspended | rerate",
    .least = 1,
    .most = 9,
    .verbs = verb_words,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "what usage would cost",
    .text = "try rates a file of usage records, in the clear and in the rating's layout, with the reference tables in "
            "force; nothing is booked,\n"
            "and counters begin at 0. STEPS are the changes that each step has made, in parentheses those that do not "
            "count.\n"
            "explain shows what a record that was rated has cost, and why: each step, the rows of the tables in the "
            "version of\n"
            "then, and which of them was taken. KEY is the record's key; of several fields, each of them.\n"
            "suspended lists what waits for a product, a rate or a member, and with --retry has the lane look for all "
            "of it again.\n"
            "rerate --dry-run shows which of an account's records would have another price by the rules and tables in "
            "force now,\n"
            "counted in the order in which they were rated; nothing is changed.\n\n"
            "  sallyport rating try usage.dat --name music --json\n"
            "  sallyport rating explain S-1200345\n"
            "  sallyport rating suspended --limit 0\n"
            "  sallyport rating rerate --dry-run --account 4915112345678 --from 2026-11-01 --to 2026-11-30\n",
    .run = rating_command,
};
