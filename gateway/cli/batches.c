#include "gateway/cli/batches.h"
#include "gateway/processors/http/accrual.h"

enum { BATCHES_SHOWN = 20 };

char *cli_batch_key(const BookFile *file, const BookBatch *batch) {
  return batch->sent_at ? accrual_key(file->id, batch) : NULL;
}

static json_t *batch_json(const CliOutput *out, const BookFile *file, const BookBatch *batch, guint scale) {
  json_t *object = json_pack(
      "{s:o, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:s, s:i}", "number",
      batch->number ? json_integer(batch->number) : json_null(), "first", (json_int_t)batch->first, "last",
      (json_int_t)batch->last, "first_line", (json_int_t)batch->first_line, "last_line", (json_int_t)batch->last_line,
      "accepted", (int)batch->accepted, "rejected", (int)batch->rejected, "duplicates", (int)batch->duplicates, "state",
      batch_state_word(batch->state), "attempts", (int)batch->attempts);
  g_autofree char *key = cli_batch_key(file, batch);
  cli_json_amount(object, "amount", batch->amount, scale);
  cli_json_text(object, "idempotency_key", key);
  cli_json_text(object, "interface_answer", batch->reply);
  cli_json_time(out, object, "sent_at", batch->sent_at);
  cli_json_time(out, object, "answered_at", batch->replied_at);
  cli_json_time(out, object, "posted_at", batch->posted_at);
  return object;
}

json_t *cli_batches_json(const CliOutput *out, const BookFile *file, const GPtrArray *batches, guint scale) {
  json_t *list = json_array();
  for (guint i = 0; i < batches->len; i++)
    json_array_append_new(list, batch_json(out, file, batches->pdata[i], scale));
  return list;
}

/* --- Text. */

static void print_summary(const CliOutput *out, const GPtrArray *batches) {
  guint posted = 0, uncut = 0, least = G_MAXUINT, most = 0;
  gint64 last = 0;
  for (guint i = 0; i < batches->len; i++) {
    const BookBatch *batch = batches->pdata[i];
    guint size = (guint)(batch->last - batch->first + 1);
    posted += batch->state == BATCH_POSTED ? 1 : 0;
    uncut += batch->number == 0 ? 1 : 0;
    last = MAX(last, batch->posted_at);
    least = MIN(least, size);
    most = MAX(most, size);
  }
  g_autofree char *at = cli_time(out, last);
  g_autofree char *sizes = least == most ? g_strdup_printf("%u", most) : g_strdup_printf("%u to %u", least, most);
  fprintf(out->file, "\n%u batch%s of %s records, %u posted%s%s%s\n", batches->len, batches->len == 1 ? "" : "es",
          sizes, posted, last ? ", the last at " : "", last ? at : "",
          uncut ? "; those not sent yet are cut when their turn comes" : "");
}

/* What an interface has been asked. Those that are still open come first: they are what one looks for. */
static void print_asked(const CliOutput *out, const BookFile *file, const GPtrArray *batches) {
  static const CliColumn columns[] = {{"BATCH", CLI_RIGHT, CLI_WHOLE},  {"LINES", CLI_LEFT, CLI_WHOLE},
                                      {"STATE", CLI_LEFT, CLI_WHOLE},   {"SENT", CLI_LEFT, CLI_WHOLE},
                                      {"TIMES", CLI_RIGHT, CLI_WHOLE},  {"KEY", CLI_LEFT, CLI_WHOLE},
                                      {"ANSWER", CLI_LEFT, CLI_SHRINKS}};
  guint shown = 0, asked = 0;
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < batches->len; i++) {
      const BookBatch *batch = batches->pdata[i];
      gboolean is_open = batch->state == BATCH_SENT;
      if (!batch->sent_at || is_open == (pass == 1))
        continue;
      if (++asked > BATCHES_SHOWN)
        continue;
      shown++;
      cli_table_cell(table, cli_unsigned(out, batch->number));
      cli_table_cell(table,
                     g_strdup_printf("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, batch->first_line, batch->last_line));
      cli_table_coloured(table, g_strdup(batch_state_word(batch->state)), is_open ? CLI_CYAN : CLI_GREEN);
      cli_table_cell(table, cli_time(out, batch->sent_at));
      cli_table_cell(table, cli_unsigned(out, batch->attempts));
      cli_table_cell(table, cli_batch_key(file, batch));
      cli_table_coloured(table, g_strdup(batch->reply), is_open ? CLI_YELLOW : CLI_PLAIN);
    }
  if (shown)
    cli_heading(out, "Asked of the interface");
  cli_table_print(table, out);
  if (asked > shown)
    fprintf(out->file, "… and %u more; --json shows all\n", asked - shown);
}

static gboolean any_asked(const GPtrArray *batches) {
  for (guint i = 0; i < batches->len; i++)
    if (((const BookBatch *)batches->pdata[i])->sent_at)
      return TRUE;
  return FALSE;
}

void cli_print_batches(const CliOutput *out, const BookFile *file, const GPtrArray *batches) {
  if (batches->len == 0)
    return;
  print_summary(out, batches);
  if (any_asked(batches))
    print_asked(out, file, batches);
}
