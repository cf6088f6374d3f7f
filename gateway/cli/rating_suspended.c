/* rating suspended: what waits for a product, a rate or a member, the oldest first in each shard; and --retry. */
#include "gateway/cli/rating_shown.h"
#include "store/details.h"
#include <string.h>

typedef struct {
  const Cli *cli;
  const ConfRating *rating;
  guint limit;
  guint64 waiting, shown;
  GHashTable *codes; /* code → how many */
  json_t *records;
  CliTable *list;
} Suspended;

static char *text_of(const Detail *detail, guint column) {
  gsize length;
  const char *text = record_block_text(detail->block, column, detail->index, &length);
  return g_strndup(text, length);
}

static void add_json(const Suspended *suspended, const Detail *detail, const char *key, const char *code) {
  const CliOutput *out = suspended->cli->out;
  json_t *record = json_pack("{s:s, s:s, s:s, s:I}", "key", key, "code", code, "file", detail->file, "line",
                             (json_int_t)detail->block->lines[detail->index]);
  cli_json_time(out, record, "event_at", record_block_integer(detail->block, DETAIL_AT, detail->index));
  cli_json_time(out, record, "since", detail->admitted_at);
  json_array_append_new(suspended->records, record);
}

static void add_cells(const Suspended *suspended, const Detail *detail, const char *key, const char *code) {
  const CliOutput *out = suspended->cli->out;
  cli_table_cell(suspended->list, cli_shown(key, FALSE, FALSE));
  cli_table_coloured(suspended->list, g_strdup(code), CLI_RED);
  cli_table_cell(suspended->list, cli_time(out, record_block_integer(detail->block, DETAIL_AT, detail->index)));
  cli_table_cell(suspended->list, cli_time(out, detail->admitted_at));
  cli_table_cell(suspended->list, cli_shown(detail->file, FALSE, FALSE));
  cli_table_cell(suspended->list, cli_unsigned(out, detail->block->lines[detail->index]));
}

static gboolean add(gpointer user, const Detail *detail, GError **error) {
  Suspended *suspended = user;
  g_autofree char *key = text_of(detail, DETAIL_KEY), *code = text_of(detail, DETAIL_CODE);
  gsize before = GPOINTER_TO_SIZE(g_hash_table_lookup(suspended->codes, code));
  (void)error;
  suspended->waiting++;
  if (suspended->limit == 0 || suspended->shown < suspended->limit) {
    suspended->shown++;
    if (suspended->cli->out->is_json)
      add_json(suspended, detail, key, code);
    else
      add_cells(suspended, detail, key, code);
  }
  g_hash_table_replace(suspended->codes, g_steal_pointer(&code), GSIZE_TO_POINTER(before + 1));
  return TRUE;
}

static void print(const Suspended *suspended) {
  const CliOutput *out = suspended->cli->out;
  g_autoptr(GList) codes = g_list_sort(g_hash_table_get_keys(suspended->codes), (GCompareFunc)strcmp);
  json_t *counts = json_object();
  if (!out->is_json)
    cli_table_print(suspended->list, out);
  for (const GList *code = codes; code; code = code->next) {
    gsize count = GPOINTER_TO_SIZE(g_hash_table_lookup(suspended->codes, code->data));
    json_object_set_new(counts, code->data, json_integer((json_int_t)count));
    if (!out->is_json)
      cli_line(out, code->data, cli_unsigned(out, count));
  }
  if (out->is_json)
    cli_json(out, json_pack("{s:s, s:I, s:O, s:O}", "rating", suspended->rating->name, "suspended",
                            (json_int_t)suspended->waiting, "codes", counts, "records", suspended->records));
  else
    cli_line(out, "suspended", cli_unsigned(out, suspended->waiting));
  json_decref(counts);
}

static const CliColumn columns[] = {{"KEY", CLI_LEFT, CLI_SHRINKS},   {"CODE", CLI_LEFT, CLI_WHOLE},
                                    {"EVENT", CLI_LEFT, CLI_WHOLE},   {"SINCE", CLI_LEFT, CLI_WHOLE},
                                    {"FILE", CLI_LEFT, CLI_SHRINKS},  {"LINE", CLI_RIGHT, CLI_WHOLE}};

CliExit rating_suspended(const Cli *cli, const StatusLane *lane, const ConfRating *rating, guint limit) {
  g_autoptr(GError) error = NULL;
  Suspended suspended = {.cli = cli, .rating = rating, .limit = limit, .records = json_array()};
  suspended.codes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  suspended.list = cli_table_new(columns, G_N_ELEMENTS(columns));
  g_autoptr(DetailsReader) reader = details_reader_open(lane->paths->folder, rating->name, &error);
  gboolean ok = !error && (!reader || details_reader_waiting(reader, add, &suspended, &error));
  if (ok)
    print(&suspended);
  if (!ok || cli->out->is_json)
    cli_table_free(suspended.list); /* else it was printed */
  g_hash_table_unref(suspended.codes);
  json_decref(suspended.records);
  return ok ? CLI_EXIT_FINE : cli_fail(error);
}

CliExit rating_retry(const StatusLane *lane, const ConfRating *rating) {
  json_t *answer = NULL;
  CliExit exit = cli_ask(lane, json_pack("{s:s, s:s}", "do", "rating-retry", "name", rating->name), &answer);
  json_decref(answer);
  return exit;
}
