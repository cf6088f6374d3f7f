/* show: all that is known about one file. */
#include "gateway/cli/batches.h"
#include "gateway/cli/books.h"
#include "gateway/cli/file_words.h"
#include "gateway/envelope/unwrap.h"
#include "gateway/records/exceptions.h"
#include "gateway/status/file_json.h"
#include "store/book_watch.h"
#include <string.h>

enum { REFUSED_SHOWN = 20 };

typedef struct {
  GPtrArray *history, *batches, *intents;
  GPtrArray *refused; /* RecordException* (copies), the first REFUSED_SHOWN; all with --json */
  guint64 n_refused;
  BookSequenceFile *number; /* NULL: none */
  gint64 arrived_at;        /* 0: not noted */
  gboolean is_late;
} Details;

static void details_clear(Details *details) {
  g_clear_pointer(&details->number, book_sequence_file_free);
  g_clear_pointer(&details->history, g_ptr_array_unref);
  g_clear_pointer(&details->batches, g_ptr_array_unref);
  g_clear_pointer(&details->intents, g_ptr_array_unref);
  g_clear_pointer(&details->refused, g_ptr_array_unref);
}

static void refused_free(gpointer data) {
  RecordException *refused = data;
  g_free(refused->code);
  g_free(refused->reason);
  g_free(refused);
}

static gboolean add_refused(Details *details, const BookBatch *batch, guint64 limit, GError **error) {
  g_autoptr(GError) local = NULL;
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  const RecordException *exception;
  while ((exception = exception_cursor_next(cursor, &local))) {
    if (details->n_refused++ >= limit)
      continue;
    RecordException *copy = g_new0(RecordException, 1);
    *copy = *exception;
    copy->code = g_strdup(exception->code);
    copy->reason = g_strdup(exception->reason);
    g_ptr_array_add(details->refused, copy);
  }
  exception_cursor_free(cursor);
  if (local)
    g_propagate_error(error, g_steal_pointer(&local));
  return !error || !*error;
}

static gboolean read_details(const CliFile *found, guint64 limit, Details *details, GError **error) {
  BookReader *reader = found->lane->reader;
  const char *id = found->file->id;
  *details = (Details){.refused = g_ptr_array_new_with_free_func(refused_free)};
  if (!(details->history = book_history(reader, id, error)) || !(details->batches = book_batches(reader, id, error)) ||
      !(details->intents = book_intents(reader, id, error)) ||
      !book_sequence_of_file(reader, id, &details->number, error) ||
      !book_arrival(reader, id, &details->arrived_at, &details->is_late, error))
    return FALSE;
  for (guint i = 0; i < details->batches->len; i++)
    if (!add_refused(details, details->batches->pdata[i], limit, error))
      return FALSE;
  return TRUE;
}

/* --- JSON. */

static json_t *history_json(const CliOutput *out, const Details *details) {
  json_t *list = json_array();
  for (guint i = 0; i < details->history->len; i++) {
    const BookHistory *row = details->history->pdata[i];
    json_t *object = json_object();
    cli_json_time(out, object, "at", row->at);
    cli_json_text(object, "event", row->event);
    cli_json_text(object, "detail", row->detail);
    json_array_append_new(list, object);
  }
  return list;
}

static json_t *intents_json(const CliOutput *out, const Details *details) {
  json_t *list = json_array();
  for (guint i = 0; i < details->intents->len; i++) {
    const BookIntent *intent = details->intents->pdata[i];
    json_t *object = json_pack("{s:I, s:s, s:s, s:I, s:i}", "id", (json_int_t)intent->id, "kind", intent->kind, "state",
                               intent->state == INTENT_DONE ? "done" : "pending", "size", (json_int_t)intent->size,
                               "attempts", (int)intent->attempts);
    cli_json_text(object, "endpoint", intent->endpoint);
    cli_json_text(object, "to", intent->to);
    cli_json_text(object, "sha256", intent->sha256);
    cli_json_time(out, object, "due_at", intent->state == INTENT_DONE ? 0 : intent->due_at);
    cli_json_text(object, "problem", intent->problem);
    cli_json_time(out, object, "done_at", intent->done_at);
    json_array_append_new(list, object);
  }
  return list;
}

static json_t *number_json(const BookSequenceFile *number) {
  return number ? json_pack("{s:I, s:s, s:s, s:s, s:b}", "number", (json_int_t)number->number, "period", number->period,
                            "verdict", number->verdict, "outcome", number->outcome, "used", number->used)
                : json_null();
}

static void print_json(const Cli *cli, const CliFile *found, const Details *details) {
  guint scale = status_file_scale(cli->conf, found->lane, found->file);
  cli_json(cli->out,
           json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "file",
                     status_file_json(cli->out->time_zone, cli->conf, found->lane, found->file), "history",
                     history_json(cli->out, details), "batches",
                     cli_batches_json(cli->out, found->file, details->batches, scale), "intents",
                     intents_json(cli->out, details), "refused", cli_refused_json(details->refused), "refused_count",
                     (json_int_t)details->n_refused, "sequence", number_json(details->number)));
}

/* --- Text. */

static char *sized(const CliOutput *out, guint64 size, const char *sha256) {
  g_autofree char *number = cli_unsigned(out, size);
  return sha256 ? g_strdup_printf("%s bytes, SHA-256 %s", number, sha256) : g_strdup_printf("%s bytes", number);
}

static void print_head(const CliOutput *out, const CliFile *found) {
  const BookFile *file = found->file;
  cli_coloured(out, CLI_BOLD, file->id);
  fprintf(out->file, "  %s\n", file->name_shown);
  cli_line_coloured(out, "state", g_strdup(file_state_word(file->state)), cli_colour_of_state(file->state));
  cli_line(out, "outcome", g_strdup(file_outcome_word(file->outcome)));
  if (file->state == FILE_HELD)
    cli_line(out, "held from", g_strdup(file_state_word(file->held_from)));
  if (file->reason)
    cli_line_coloured(out, "reason",
                      g_strdup_printf("%s%s%s", file->reason_code ? file->reason_code : "",
                                      file->reason_code ? " " : "", file->reason),
                      CLI_YELLOW);
  char *waits = cli_wait_words(out, file);
  if (waits)
    cli_line_coloured(out, "now", waits, CLI_YELLOW);
  if (file->problem)
    cli_line_coloured(
        out, "last failure",
        g_strdup_printf("%s (%u %s)", file->problem, file->attempts, file->attempts == 1 ? "try" : "tries"), CLI_RED);
  if (file->deaths)
    cli_line_coloured(out, "lane died", g_strdup_printf("%u times while at work on it", file->deaths), CLI_RED);
  if (!file_state_is_terminal(file->state) && file->state != FILE_HELD && file->state != FILE_SEEN && file->due_at)
    cli_line(out, "next work at", cli_time(out, file->due_at));
  cli_line(out, "duplicate of", g_strdup(file->duplicate_of));
  cli_line(out, "lane, feed", g_strdup_printf("%s, %s", found->lane->conf->name, file->feed));
  cli_line(out, "folder", g_strdup(file->folder));
  cli_line(out, "seen", cli_time(out, file->seen_at));
  cli_line(out, "modified there", cli_time(out, file->modified * G_USEC_PER_SEC));
  cli_line(out, "evidence", cli_flat_json(file->evidence));
}

static void print_verdict(const CliOutput *out, const BookFile *file) {
  if (file->cipher_size == 0 && !file->trust)
    return;
  cli_heading(out, "What came");
  gboolean is_good = g_strcmp0(file->trust, "good") == 0,
           is_unprotected = g_strcmp0(file->trust, UNWRAP_UNPROTECTED) == 0;
  cli_line(out, is_unprotected ? "as fetched" : "ciphertext", sized(out, file->cipher_size, file->cipher_sha256));
  cli_line_coloured(out, "verdict", g_strdup(file->trust), is_good ? CLI_GREEN : is_unprotected ? CLI_YELLOW : CLI_RED);
  cli_line(out, "signer", file->signer && *file->signer ? g_strdup(file->signer) : NULL);
  if (file->plain_sha256)
    cli_line(out, "plaintext", sized(out, file->plain_size, file->plain_sha256));
  cli_line(out, "header", cli_flat_json(file->header));
  cli_line(out, "business date", g_strdup(file->business_date));
}

static void print_order(const CliOutput *out, const Details *details) {
  const BookSequenceFile *number = details->number;
  if (details->arrived_at)
    cli_line(out, "arrived", cli_time(out, details->arrived_at));
  if (details->is_late)
    cli_line_coloured(out, "cut-off", g_strdup("it came after it"), CLI_YELLOW);
  if (number)
    cli_line_coloured(out, "sequence",
                      g_strdup_printf("number %" G_GUINT64_FORMAT "%s%s: %s, %s", number->number,
                                      *number->period ? " of " : "", number->period, number->verdict, number->outcome),
                      g_str_equal(number->verdict, "next") ? CLI_PLAIN : CLI_YELLOW);
}

static void print_totals(const CliOutput *out, const BookFile *file, guint scale) {
  static const CliColumn columns[] = {
      {"TOTALS", CLI_LEFT, CLI_WHOLE}, {"RECORDS", CLI_RIGHT, CLI_WHOLE}, {"AMOUNT", CLI_RIGHT, CLI_WHOLE}};
  const struct {
    const char *name;
    guint64 records;
    gint64 amount;
  } rows[] = {{"all", file->records, file->amount},
              {"accepted", file->accepted, file->amount_accepted},
              {"rejected", file->rejected, file->amount_rejected},
              {"duplicates", file->duplicates, file->amount_duplicate}};
  if (file->records == 0)
    return;
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    cli_table_cell(table, g_strdup(rows[i].name));
    cli_table_cell(table, cli_unsigned(out, rows[i].records));
    cli_table_cell(table, cli_amount(out, rows[i].amount, scale));
  }
  fputc('\n', out->file);
  cli_table_print(table, out);
}

static void print_refused(const CliOutput *out, const Details *details) {
  static const CliColumn columns[] = {{"LINE", CLI_RIGHT, CLI_WHOLE},
                                      {"RECORD", CLI_RIGHT, CLI_WHOLE},
                                      {"OUTCOME", CLI_LEFT, CLI_WHOLE},
                                      {"CODE", CLI_LEFT, CLI_WHOLE},
                                      {"REASON", CLI_LEFT, CLI_SHRINKS}};
  if (details->n_refused == 0)
    return;
  cli_heading(out, "Records not accepted");
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < details->refused->len; i++) {
    const RecordException *row = details->refused->pdata[i];
    cli_table_cell(table, cli_unsigned(out, row->line));
    cli_table_cell(table, cli_unsigned(out, row->record));
    cli_table_coloured(table, g_strdup(cli_outcome_word(row->outcome)),
                       row->outcome == OUTCOME_REJECTED ? CLI_RED : CLI_MAGENTA);
    cli_table_cell(table, g_strdup(row->code));
    cli_table_cell(table, g_strdup(row->reason));
  }
  cli_table_print(table, out);
  if (details->n_refused > details->refused->len) {
    g_autofree char *more = cli_unsigned(out, details->n_refused - details->refused->len);
    fprintf(out->file, "… and %s more; --json shows all\n", more);
  }
}

static char *delivery_state(const CliOutput *out, const BookIntent *intent) {
  g_autofree char *at = cli_time(out, intent->state == INTENT_DONE ? intent->done_at : intent->due_at);
  if (intent->state == INTENT_DONE)
    return g_strdup_printf("done %s", at);
  if (intent->problem)
    return g_strdup_printf("next try %s, after %u: %s", at, intent->attempts, intent->problem);
  return g_strdup_printf("waits, due %s", at);
}

static void print_intents(const CliOutput *out, const Details *details) {
  static const CliColumn columns[] = {{"EFFECT", CLI_LEFT, CLI_WHOLE},
                                      {"WHERE", CLI_LEFT, CLI_SHRINKS},
                                      {"WHAT", CLI_LEFT, CLI_SHRINKS},
                                      {"STATE", CLI_LEFT, CLI_SHRINKS}};
  if (details->intents->len == 0)
    return;
  cli_heading(out, "What goes out");
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < details->intents->len; i++) {
    const BookIntent *intent = details->intents->pdata[i];
    cli_table_cell(table, g_strdup(intent->kind));
    cli_table_cell(table, g_strdup(intent->endpoint));
    cli_table_cell(table, g_strdup(intent->to ? intent->to : intent->from));
    cli_table_coloured(table, delivery_state(out, intent),
                       intent->state == INTENT_DONE ? CLI_GREEN
                       : intent->problem            ? CLI_RED
                                                    : CLI_CYAN);
  }
  cli_table_print(table, out);
}

static void print_history(const CliOutput *out, const Details *details) {
  static const CliColumn columns[] = {
      {"AT", CLI_LEFT, CLI_WHOLE}, {"EVENT", CLI_LEFT, CLI_WHOLE}, {"DETAIL", CLI_LEFT, CLI_SHRINKS}};
  cli_heading(out, "History");
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < details->history->len; i++) {
    const BookHistory *row = details->history->pdata[i];
    FileState state;
    cli_table_cell(table, cli_time(out, row->at));
    cli_table_coloured(table, g_strdup(row->event),
                       file_state_parse(row->event, &state) ? cli_colour_of_state(state) : CLI_PLAIN);
    cli_table_cell(table, g_strdup(row->detail));
  }
  cli_table_print(table, out);
}

static CliExit show_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  g_autoptr(GError) error = NULL;
  CliFile found;
  Details details;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE || (exit = cli_find_file(lanes, cli->arguments[0], &found)) != CLI_EXIT_FINE)
    return exit;
  if (!read_details(&found, cli->out->is_json ? G_MAXUINT64 : REFUSED_SHOWN, &details, &error)) {
    exit = cli_fail(error);
  } else if (cli->out->is_json) {
    print_json(cli, &found, &details);
  } else {
    print_head(cli->out, &found);
    print_verdict(cli->out, found.file);
    print_order(cli->out, &details);
    print_totals(cli->out, found.file, status_file_scale(cli->conf, found.lane, found.file));
    cli_print_batches(cli->out, found.file, details.batches);
    print_refused(cli->out, &details);
    print_intents(cli->out, &details);
    print_history(cli->out, &details);
  }
  details_clear(&details);
  cli_file_clear(&found);
  return exit;
}

const CliCommand cli_command_show = {
    .name = "show",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .shared = CLI_UNMASK,
    .summary = "one file: history, evidence, verdict, totals, batches, what was refused, what is still to be sent",
    .text = "FILE is its number, the beginning of it (4 characters or more), or its name (then the newest of that "
            "name).\n\n"
            "  sallyport show 0k3x9\n"
            "  sallyport show POINTS_20261120_0001.dat.pgp\n",
    .run = show_command,
};
