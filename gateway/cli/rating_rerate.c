/* rating rerate --dry-run: what an account's records would cost if they were rated anew, by the rules and the tables in
 * force now, in the order in which they were rated. It changes nothing. One record at a time: of one account there are
 * few, and each that keeps its price is counted before the next one gets its own. */
#include "gateway/cli/rating_shown.h"
#include "gateway/processors/rating/desk.h"
#include "gateway/rating/counters.h"
#include "gateway/time/calendar.h"
#include <string.h>

typedef struct {
  const Cli *cli;
  const ConfRating *rating;
  const RatingRerate *asked;
  gint64 from, until; /* microseconds since 1970; of the events */
  RatingPlan *plan;
  RatingTables *tables;
  RatingMemory *memory;
  Rated *rated;
  RecordBlock *block; /* of one record, with the layout's columns */
  char *shape, *terms; /* terms: those that were read last */
  guint64 records, changed, kept, shown;
  Wide before, after; /* in units of the round scale */
  CliTable *list;
  json_t *json;
} Rerating;

static gint64 stored_number(const Detail *detail, guint column) {
  return record_block_integer(detail->block, column, detail->index);
}

/* --- What is told */

static void add_json(const Rerating *rerating, const Detail *detail, const char *key) {
  const RatedRecord *record = &rerating->rated->records[0];
  guint scale = rerating->rating->round.scale;
  json_t *object = json_pack("{s:s, s:s, s:I}", "key", key, "file", detail->file, "line",
                             (json_int_t)detail->block->lines[detail->index]);
  cli_json_time(rerating->cli->out, object, "event_at", stored_number(detail, DETAIL_AT));
  cli_json_amount(object, "before", stored_number(detail, DETAIL_AMOUNT), scale);
  if (record->status == RATING_RATED)
    cli_json_amount(object, "after", record->amount, scale);
  cli_json_text(object, "code", record->code);
  json_array_append_new(rerating->json, object);
}

static void add_cells(const Rerating *rerating, const Detail *detail, const char *key) {
  const CliOutput *out = rerating->cli->out;
  const RatedRecord *record = &rerating->rated->records[0];
  gint64 before = stored_number(detail, DETAIL_AMOUNT);
  guint scale = rerating->rating->round.scale;
  gboolean is = record->status == RATING_RATED;
  cli_table_cell(rerating->list, cli_shown(key, FALSE, FALSE));
  cli_table_cell(rerating->list, cli_time(out, stored_number(detail, DETAIL_AT)));
  cli_table_cell(rerating->list, cli_amount(out, before, scale));
  cli_table_cell(rerating->list, is ? cli_amount(out, record->amount, scale) : NULL);
  cli_table_cell(rerating->list, is ? cli_amount(out, (Wide)record->amount - before, scale) : NULL);
  cli_table_coloured(rerating->list, g_strdup(record->code), CLI_RED);
}

static void show(Rerating *rerating, const Detail *detail) {
  gsize length;
  const char *text = record_block_text(detail->block, DETAIL_KEY, detail->index, &length);
  g_autofree char *key = g_strndup(text, length);
  if (rerating->asked->limit && rerating->shown == rerating->asked->limit)
    return;
  rerating->shown++;
  if (rerating->cli->out->is_json)
    add_json(rerating, detail, key);
  else
    add_cells(rerating, detail, key);
}

static void print(const Rerating *rerating) {
  const CliOutput *out = rerating->cli->out;
  guint scale = rerating->rating->round.scale;
  Wide difference = rerating->after - rerating->before;
  if (out->is_json) {
    json_t *object = json_pack("{s:s, s:O, s:I, s:I, s:I}", "rating", rerating->rating->name, "changes",
                               rerating->json, "records", (json_int_t)rerating->records, "changed",
                               (json_int_t)rerating->changed, "kept", (json_int_t)rerating->kept);
    cli_json_amount(object, "before", rerating->before, scale);
    cli_json_amount(object, "after", rerating->after, scale);
    cli_json_amount(object, "difference", difference, scale);
    cli_json(out, object);
    return;
  }
  cli_table_print(rerating->list, out);
  cli_line(out, "records", cli_unsigned(out, rerating->records));
  cli_line(out, "would change", cli_unsigned(out, rerating->changed));
  cli_line(out, "not rated now", cli_unsigned(out, rerating->kept));
  cli_line(out, "before", cli_amount(out, rerating->before, scale));
  cli_line(out, "after", cli_amount(out, rerating->after, scale));
  cli_line(out, "difference", cli_amount(out, difference, scale));
}

/* --- One record */

/* Amounts of other decimals cannot be held against each other; check refuses such a rating, too. */
static gboolean has_scale(Rerating *rerating, const char *terms, GError **error) {
  if (g_strcmp0(rerating->terms, terms) == 0)
    return TRUE;
  json_t *object = json_loads(terms, 0, NULL);
  gint64 scale = json_integer_value(json_object_get(object, "round"));
  json_decref(object);
  g_free(rerating->terms);
  rerating->terms = g_strdup(terms);
  return scale == rerating->rating->round.scale ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "rating \"%s\" has amounts with %" G_GINT64_FORMAT " decimals, and its round says %u",
                             rerating->rating->name, scale, rerating->rating->round.scale);
}

static void put_account(const Rerating *rerating) {
  guint column = (guint)rating_plan_column(rerating->plan, rerating->rating->account);
  const char *account = rerating->asked->account;
  if (rerating->block->columns[column].type == BLOCK_INTEGER)
    record_block_put_integer(rerating->block, column, g_ascii_strtoll(account, NULL, 10));
  else
    record_block_put_text(rerating->block, column, account, strlen(account));
}

/* What keeps its price stays counted as it is. */
static void count_as_it_is(const Rerating *rerating, const Detail *detail) {
  if (!rerating->rating->tiers.present || record_block_is_null(detail->block, DETAIL_PERIOD, detail->index))
    return;
  const RatedRecord record = {.at = stored_number(detail, DETAIL_AT), .billed = stored_number(detail, DETAIL_BILLED)};
  const RatingCounters *counters = rating_memory_begin(rerating->memory);
  record_block_clear(rerating->block);
  record_block_begin(rerating->block, detail->block->lines[detail->index]);
  put_account(rerating);
  record_block_end(rerating->block);
  counters->take(counters->user, rerating->block, 0, &record);
}

static gboolean price(const Rerating *rerating, const Detail *detail, GError **error) {
  RecordBlock *block = rerating->block;
  RatingUsage usage = {.block = block};
  record_block_clear(block);
  record_block_begin(block, detail->block->lines[detail->index]);
  for (guint i = 0; i < block->n_columns; i++)
    usage_copy_value(detail->block, DETAIL_COLUMNS + i, detail->index, block, i);
  record_block_end(block);
  rated_begin(rerating->rated, 1);
  const RecordBlock *whole = rating_tables_gather(rerating->tables, &usage, rerating->rated, error);
  return whole &&
         rating_price(rerating->plan, whole, rating_memory_begin(rerating->memory), rerating->rated, error);
}

/* Its fields are not those that the rules name now. */
static void reject_other_layout(const Rerating *rerating) {
  rated_begin(rerating->rated, 1);
  rerating->rated->records[0].status = RATING_REJECTED;
}

static gboolean rate_anew(Rerating *rerating, const Detail *detail, GError **error) {
  const RatedRecord *record = &rerating->rated->records[0];
  gint64 before = stored_number(detail, DETAIL_AMOUNT);
  if (strcmp(detail->shape, rerating->shape) != 0)
    reject_other_layout(rerating);
  else if (!price(rerating, detail, error))
    return FALSE;
  gboolean is_rated = record->status == RATING_RATED;
  rerating->records++;
  rerating->before += before;
  rerating->after += is_rated ? record->amount : before;
  rerating->kept += !is_rated;
  rerating->changed += is_rated && record->amount != before;
  if (!is_rated || record->amount != before)
    show(rerating, detail);
  if (!is_rated)
    count_as_it_is(rerating, detail);
  return TRUE;
}

static gboolean is_of_account(const Rerating *rerating, const Detail *detail) {
  gsize length;
  const char *account = record_block_text(detail->block, DETAIL_ACCOUNT, detail->index, &length);
  return strlen(rerating->asked->account) == length && memcmp(account, rerating->asked->account, length) == 0;
}

static gboolean take_detail(gpointer user, const Detail *detail, GError **error) {
  Rerating *rerating = user;
  if (stored_number(detail, DETAIL_STATUS) != DETAIL_RATED || !is_of_account(rerating, detail))
    return TRUE;
  gint64 at = stored_number(detail, DETAIL_AT);
  if (!has_scale(rerating, detail->terms, error))
    return FALSE;
  if (at >= rerating->from && at < rerating->until)
    return rate_anew(rerating, detail, error);
  count_as_it_is(rerating, detail);
  return TRUE;
}

/* --- All of them */

static gboolean read_day(const Rerating *rerating, const char *text, guint more, gint64 *instant, GError **error) {
  Day day;
  if (!text)
    return TRUE;
  if (!day_parse(text, &day))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s is no day like 2026-11-20", text);
  *instant = day_instant(rating_plan_zone(rerating->plan), day + (Day)more, 0);
  return TRUE;
}

static gboolean open_all(Rerating *rerating, const char *folder, GError **error) {
  guint n;
  if (!(rerating->plan = rating_plan_new(rerating->cli->conf, rerating->rating, error)) ||
      !(rerating->tables = rating_tables_open(rerating->plan, folder, error)) ||
      !read_day(rerating, rerating->asked->from, 0, &rerating->from, error) ||
      !read_day(rerating, rerating->asked->to, 1, &rerating->until, error))
    return FALSE;
  const StagingColumn *columns = layout_columns(rating_plan_layout(rerating->plan), &n);
  g_autofree BlockType *types = g_new(BlockType, n + 1);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  rerating->shape = details_shape(columns, n);
  rerating->block = record_block_new(1, types, n);
  rerating->memory = rating_memory_new(rerating->plan);
  rerating->rated = rated_new(rerating->plan, 1);
  return TRUE;
}

static void close_all(Rerating *rerating) {
  json_decref(rerating->json);
  g_free(rerating->shape);
  g_free(rerating->terms);
  record_block_free(rerating->block);
  rated_free(rerating->rated);
  rating_memory_free(rerating->memory);
  rating_tables_free(rerating->tables);
  rating_plan_free(rerating->plan);
}

static const CliColumn columns[] = {{"KEY", CLI_LEFT, CLI_SHRINKS},  {"EVENT", CLI_LEFT, CLI_WHOLE},
                                    {"BEFORE", CLI_RIGHT, CLI_WHOLE}, {"AFTER", CLI_RIGHT, CLI_WHOLE},
                                    {"DIFFERENCE", CLI_RIGHT, CLI_WHOLE}, {"CODE", CLI_LEFT, CLI_WHOLE}};

CliExit rating_rerate(const Cli *cli, const StatusLane *lane, const ConfRating *rating, const RatingRerate *asked) {
  g_autoptr(GError) error = NULL;
  Rerating rerating = {.cli = cli, .rating = rating, .asked = asked, .from = G_MININT64, .until = G_MAXINT64};
  rerating.json = json_array();
  rerating.list = cli_table_new(columns, G_N_ELEMENTS(columns));
  g_autoptr(DetailsReader) reader = details_reader_open(lane->paths->folder, rating->name, &error);
  gboolean ok = !error && open_all(&rerating, lane->paths->folder, &error) &&
                (!reader || details_reader_visit(reader, NULL, take_detail, &rerating, &error));
  if (ok)
    print(&rerating);
  if (!ok || cli->out->is_json)
    cli_table_free(rerating.list); /* else it was printed */
  close_all(&rerating);
  return ok ? CLI_EXIT_FINE : cli_fail(error);
}
